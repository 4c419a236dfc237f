"""Signs of a fault in one text: whose words it is, whether it is a refusal, whether it goes round in circles.

Each looks for a form that hardly occurs otherwise: a fault that is not found costs less than one that is none.
"""

import re
from collections import Counter
from collections.abc import Iterable
from functools import lru_cache

from scorers.lexicon import WORDS, Word
from scorers.wording import HAN, grams, stem, telling, words

GRAM = 4
"""Tokens of a run of words that is compared."""
LEAST_TOKENS = 9
"""A shorter text repeats others by chance; a Chinese character is a token."""
_NO_WORD = Word("w")
_EDGE = rf"(?![^\W{HAN}])"
_FROM = rf"(?<![^\W{HAN}])"
_REFUSAL = re.compile(
    r"\bas an? (?:ai|artificial intelligence|(?:large )?language model)\b|\blarge language model\b"
    r"|\bi(?:'m| am) (?:just |only |merely )?an? (?:ai|artificial intelligence|language model|virtual assistant)\b"
    r"|\A\W*(?:i(?:'m| am) )?(?:sorry|afraid)\W+(?:but )?i (?:can(?:'|no)t|am unable to|won't) "
    r"(?:assist|help|comply|fulfil|generate|engage|continue)\b[^.!?]{0,20}\b(?:with|this|that|request|conversation)\b"
    r"|\bi (?:can(?:'|no)t|am unable to) (?:assist|help)(?: you)? with (?:that|this|your) (?:request|question|prompt)\b"
    r"|\A\W*i can(?:'|no)t (?:assist|help) with (?:that|this)\W*\Z"
    r"|\b(?:break|out of) character\b.{0,40}\b(?:ai|assistant|model)\b"
    r"|作为(?:一个|一名|一款)?(?:人工智能|ai|大?语言模型|大模型)"
    r"|我(?:只是|是)(?:一个|一名|一款)?(?:人工智能|ai|大?语言模型|大模型)"
    r"|(?:抱歉|对不起)[，,、]?(?:但)?我(?:不能|无法)(?:协助|提供|参与|继续|满足|完成|生成|扮演)|我无法(?:满足|处理)(?:您|你|这|该)"
)
_MACHINE = re.compile(r"\b(?:ai|robot|android|computer|machine|artificial)\b|人工智能|机器人")
_SAID_BY = r"(?:says?|said|asks?|asked|repl(?:ies|ied)|whispers?|whispered|answers?|answered|shouts?|shouted)"
_AS_SUBJECT = r"(?:thinks|says|wants|likes|loves|hates|sees|knows|believes|feels|wonders|has (?:an?|never|seen))"


def refuses(text: str, role: str) -> bool:
    """Return whether a model speaks of itself or will not go on; one whose `role` is a machine speaks of that."""
    return bool(_REFUSAL.search(text.casefold().replace("’", "'"))) and not _MACHINE.search(role.casefold())


@lru_cache(maxsize=4_096)
def _speech_of(names: tuple[str, ...]) -> re.Pattern[str]:
    who = _choice(names)
    return re.compile(
        rf"(?:(?<=[.!?…\"”])\s+|(?<=[。！？」”])\s*|\n\s*)[\"“*(]*{who}\s*[:：]\s*\S"
        rf"|(?m:^)(?:User|Assistant|System|Human)\s*:"
        rf"|[\"“][^\"“”]{{12,}}[\"”]\s*,?\s*(?:{who}\s+{_SAID_BY}|{_SAID_BY}\s+{who}){_EDGE}"
    )


def speaks_for(text: str, others: tuple[str, ...]) -> str | None:
    """Return the words in which `text` gives one of `others` a line to say; None where it does not."""
    found = _speech_of(others).search(text) if ":" in text or "：" in text or '"' in text or "”" in text else None
    return found[0].strip() if found else None


@lru_cache(maxsize=4_096)
def _another(names: tuple[str, ...]) -> re.Pattern[str]:
    who = _choice(names)
    return re.compile(
        rf"\b(?:I am|I'm|[Mm]y name is|[Cc]all me){_GAP}{who}{_EDGE}(?!['’]s|\s+of\b|\s*\?)"
        rf"|(?:我是|我叫|我的名字是|叫我){who}(?!的|[{HAN}]*[吗？])"
    )


_GAP = r"\s+(?:the\s+)?"
_NAMED = re.compile(r"\b[Mm]y name is ((?:[A-Z][\w'’-]*)(?:\s[A-Z][\w'’-]*)?)")


def drifts(speech: str, own: tuple[str, ...], others: tuple[str, ...], catchphrases: Iterable[str]) -> str | None:
    """Return the words in which a speaker takes itself for another, or speaks of itself as of another; else None.

    Whose catchphrases name it is known for speaking of itself so.
    """
    is_its_way = any(name in phrase for phrase in catchphrases for name in own)
    found = _another(others).search(speech) or (None if is_its_way else _of_itself(own).search(speech))
    if found:
        return found[0].strip()
    given = _NAMED.search(speech)
    is_own = given and {*words(given[1])} & {word for name in own for word in words(name)}
    return given[0] if given and not is_own else None


@lru_cache(maxsize=4_096)
def _of_itself(own: tuple[str, ...]) -> re.Pattern[str]:
    who = _choice(own)
    return re.compile(
        rf"(?:\A|(?<=[.!?…]\s)){who},? {_AS_SUBJECT}\b"
        rf"|(?:\A|(?<=[.!?…]\s)){who}, (?:what|how|why|where|do|did|are|can|will|tell|look)\b[^.!]*\?"
        rf"|[,，]\s*{who}\s*[?？](?=\s|\Z)"
    )


def misnamed(text: str, names: tuple[str, ...]) -> str | None:
    """Return a word that addresses somebody by a name one letter off from one of `names`; else None."""
    called = (match[1] or match[2] or match[3] for match in _CALLED.finditer(text))
    known = {word for name in names for word in name.split()}
    return next((word for word in called if word not in known and _is_near(word, known)), None)


_CALLED = re.compile(
    r"(?:\A|(?<=[.!?…]\s))([A-Z][a-z]{3,}),|,\s([A-Z][a-z]{3,})(?=[.!?])"
    r"|\b(?:Captain|Doctor|Inspector|Mrs?|Miss|Sergeant|Lord|Lady)\.?\s([A-Z][a-z]{3,})\b"
)


def _is_near(word: str, known: Iterable[str]) -> bool:
    return any(len(name) > 3 and name[0] == word[0] and _one_off(word, name) for name in known)


def _one_off(one: str, other: str) -> bool:
    """Return whether two words differ by one letter that is put in, left out or exchanged."""
    short, long = sorted((one, other), key=len)
    same = next((at for at, (a, b) in enumerate(zip(short, long, strict=False)) if a != b), len(short))
    return short != long and (short[same:] == long[same + 1 :] or short[same + 1 :] == long[same + 1 :])


@lru_cache(maxsize=4_096)
def runs(text: str) -> tuple[tuple[str, ...], ...]:
    """Return every run of words of a text, in order; none of one that is too short to be compared."""
    tokens = words(text)
    return tuple(grams(tokens, GRAM)) if len(tokens) >= LEAST_TOKENS else ()


@lru_cache(maxsize=1_024)
def sheet_of(texts: tuple[str, ...]) -> frozenset[tuple[str, ...]]:
    """Return all runs of words of what one is told of itself and of the scene."""
    return frozenset(run for text in texts for run in grams(words(text), GRAM))


@lru_cache(maxsize=4_096)
def _news(text: str, narrated: bool) -> frozenset[str]:
    """Return the words that an earlier text must hold too, or this one tells something else in the same form.

    Of what is told by a narrator, whose sentences have stock ends, these are all that tell anything: who does what to
    what. Of what is said they are numbers, and the colours and sides of `scorers.lexicon`.
    """
    if narrated:
        return frozenset(telling(text))
    known = (WORDS.get(word, _NO_WORD) for word in words(text))
    return frozenset(word.means for word in known if word.part in "Cp") | {
        number for number in map(stem, words(text)) if number.isdigit()
    }


class Copies:
    """How much of a text an earlier one of the same episode holds, by its runs of words."""

    def __init__(self) -> None:
        self._holding: dict[tuple[str, ...], list[int]] = {}
        """The places of the texts that hold a run of words."""
        self._texts: list[tuple[str, str, Iterable[str]]] = []
        """Each text, whose it is, and who perceived it."""

    def keep(self, text: str, whose: str, known_to: Iterable[str]) -> None:
        """Let a text be known to some."""
        for run in set(runs(text)):
            self._holding.setdefault(run, []).append(len(self._texts))
        self._texts.append((text, whose, known_to))

    def shares(self, text: str, name: str, narrated: bool) -> tuple[float, float]:
        """Return the greatest share of `text` that one text holds which `name` knows: one of its own, another's.

        A text in whose form it tells something else holds nothing of it.
        """
        found = runs(text)
        own = other = 0
        for place, count in Counter(place for run in found for place in self._holding.get(run, ())).items():
            earlier, whose, known_to = self._texts[place]
            if not _news(text, narrated) <= _news(earlier, narrated):
                continue
            own = max(own, count) if whose == name else own
            other = max(other, count) if whose != name and name in known_to else other
        return own / max(1, len(found)), other / max(1, len(found))


def copied(text: str, sheet: frozenset[tuple[str, ...]]) -> float:
    """Return the share of `text` that is on a sheet, by its runs of words."""
    found = runs(text)
    return sum(run in sheet for run in found) / max(1, len(found))


def loops(text: str) -> bool:
    """Return whether a text says the same run of words three times, and little else."""
    found = Counter(runs(text))
    return max(found.values(), default=0) >= 3 and len(found) <= found.total() / 2


def _choice(names: Iterable[str]) -> str:
    choices = "|".join(map(re.escape, sorted(names, key=len, reverse=True)))
    return rf"{_FROM}(?:{choices}){_EDGE}" if choices else "(?!)"
