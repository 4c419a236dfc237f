"""What is secret in a scenario, fact by fact, and how much of a fact some words tell.

A fact is a sentence of a secret or of what a profile keeps private. Words tell it if one sentence, or two side by side,
hold enough of what it tells (`scorers.wording`), by weight: a word that everybody was told at the start is not rare
here, and weighs `PUBLIC`. Whether they deny it, ask it or suppose it makes no difference, but a fact about somebody is
told only by words that say of whom: a name, or a pronoun that may stand for it; who asks *who* it was does not tell.
A fact of which everybody was told nearly all words would be told by any talk of them; it is told only by its words in
their order, with at most `MOST_BETWEEN` others between them.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from scenes.names import folded, name_words
from scenes.profile import CharacterProfile
from scorers.wording import HAN, MYSELF, SOMEBODY, in_order, sentences, stem, telling

PUBLIC = 0.4
"""The weight of a word that everybody was told, where that of another is 1."""
CHARACTER = 0.5
"""By which the weight of a single Chinese character is multiplied; two side by side are nearer to a word."""
LEAST_RARE = 1.5
"""Weight that a fact's rare words have together at least, where it can be told in other words."""
LEAST_WORDS = 2
"""Words of a fact that are told at least, where it can be told in other words."""
MOST_BETWEEN = 3
_ASKS = re.compile(
    r"(@\d+|\b(?:one|man|woman|child|he|she|you|those|only))?\s*(?:\b(?:who|whose|whom)\b|谁)|\bsome(?:one|body)\b"
)
Synonyms = tuple[tuple[str, tuple[str, ...]], ...]


@dataclass(frozen=True)
class Sentence:
    """A sentence, or two as one, as it is compared."""

    tokens: frozenset[str]
    """What it tells."""
    marked: str
    """Its text, folded, with tokens for names."""

    @property
    def order(self) -> list[str]:
        """All its words in order."""
        return in_order(self.marked)

    @property
    def asks(self) -> bool:
        """Whether it asks who it was, or leaves it open."""
        return any(match[1] is None for match in _ASKS.finditer(self.marked))


@dataclass(frozen=True)
class Fact:
    """One thing that is known to its owner alone."""

    owner: int
    """Which of the cast, by its place."""
    source: str
    """The secret or private text that it is a sentence of."""
    about: frozenset[str]
    """Whom it is about, as tokens; nobody if it says of nobody."""
    weights: Mapping[str, float]
    """What it tells, with the weight of each."""
    order: tuple[str, ...]
    """Its words in order, where only these tell it; else nothing."""

    def told(self, said: Sequence[Sentence], speaker: int | None) -> Iterator[frozenset[str]]:
        """Yield what `said` tells of it, sentence by sentence and two by two; only what could tell it by itself."""
        if not self.order:
            yield from self.held(said, speaker)
            return
        names = _names_of(self.about, speaker)
        yield from (frozenset(self.weights) for one in said if _holds(one.order, self.order, names))

    def held(self, said: Sequence[Sentence], speaker: int | None) -> Iterator[frozenset[str]]:
        """Yield what `said` holds of it, in whatever order."""
        for sentence in (*said, *(_joined(*pair) for pair in pairwise(said))):
            found = sentence.tokens & self.weights.keys()
            if len(found) >= LEAST_WORDS and self._says_of_whom(sentence, speaker):
                yield found

    def _says_of_whom(self, sentence: Sentence, speaker: int | None) -> bool:
        if not self.about:
            return True
        return bool(sentence.tokens & _names_of(self.about, speaker)) and not sentence.asks

    def share(self, told: Iterable[str]) -> float:
        """Return how much of it `told` are, from 0 to 1, by weight."""
        return sum(self.weights[token] for token in told) / sum(self.weights.values())


def _names_of(about: frozenset[str], speaker: int | None) -> frozenset[str]:
    """Return the tokens that may stand for one of `about` where `speaker` speaks."""
    return about | {SOMEBODY} | ({MYSELF} if f"@{speaker}" in about else set())


def _joined(one: Sentence, other: Sentence) -> Sentence:
    return Sentence(one.tokens | other.tokens, f"{one.marked}\n{other.marked}")


def _holds(words: Sequence[str], wanted: Sequence[str], names: frozenset[str]) -> bool:
    """Return whether `words` hold `wanted` in order and close together; any of `names` stands for each of them."""
    return any(_holds_from(words[at:], wanted, names) for at in range(len(words) - len(wanted) + 1))


def _holds_from(words: Sequence[str], wanted: Sequence[str], names: frozenset[str]) -> bool:
    found, most = 0, len(wanted) + MOST_BETWEEN
    for word in words[:most]:
        if word == wanted[found] or (word in names and wanted[found] in names):
            found += 1
        elif not found:
            return False
        if found == len(wanted):
            return True
    return False


class Vocabulary:
    """The names and synonyms of one scenario; reads texts with them."""

    def __init__(self, profiles: Sequence[CharacterProfile], synonyms: Synonyms) -> None:
        self._written = {folded(name): f" @{at} " for at, one in enumerate(profiles) for name in _names(one)}
        self._stems: dict[str, str] = {}
        for word, others in synonyms:
            self._take(folded(word), others)
        self._pattern = _any_of(self._written)

    def _take(self, word: str, others: Iterable[str]) -> None:
        for other in map(folded, others):
            if other.isascii() and other.isalpha():
                self._stems[stem(other)] = stem(word)
            else:
                self._written[other] = word

    def read(self, text: str) -> tuple[Sentence, ...]:
        """Return the sentences of `text`."""
        return tuple(map(self._sentence, sentences(text)))

    def _sentence(self, text: str) -> Sentence:
        marked = self._pattern.sub(lambda found: self._written[found[0]], folded(text).replace("’", "'"))
        tokens = frozenset(self._stems.get(token, token) for token in telling(marked))
        return Sentence(tokens, marked)

    def public(self, texts: Iterable[str]) -> frozenset[str]:
        """Return the words that everybody was told in `texts`."""
        return frozenset(token for text in texts for sentence in self.read(text) for token in sentence.tokens)

    def facts(self, owner: int, text: str, public: frozenset[str]) -> Iterator[Fact]:
        """Yield the facts in a text that is its owner's own."""
        for sentence in self.read(text):
            weights = {token: _weight(token, public) for token in sorted(sentence.tokens) if token[0] != "@"}
            rare = sum(weight for token, weight in weights.items() if token not in public)
            if weights:
                order = () if rare >= LEAST_RARE else tuple(sentence.order)
                yield Fact(owner, text, _about(sentence.tokens, owner), weights, order)


def _weight(token: str, public: frozenset[str]) -> float:
    one = CHARACTER if len(token) == 1 and not token.isascii() else 1.0
    return one * (PUBLIC if token in public else 1.0)


def _about(tokens: frozenset[str], owner: int) -> frozenset[str]:
    """Return whom a fact is about: those it names, or its owner where it has but a pronoun."""
    named = frozenset(token for token in tokens if token[0] == "@" and token[1:].isdecimal())
    return named or frozenset({f"@{owner}"} if tokens & {SOMEBODY, MYSELF} else ())


def _names(profile: CharacterProfile) -> Iterator[str]:
    yield from (profile.name, *profile.aliases, *name_words(profile))


def _any_of(words: Iterable[str]) -> re.Pattern[str]:
    """Return what finds any of `words`, the longer ones first, and none inside a longer word of letters."""
    choices = "|".join(map(re.escape, sorted(words, key=len, reverse=True)))
    return re.compile(rf"(?<![^\W{HAN}])(?:{choices})(?![^\W{HAN}])" if choices else r"(?!)")
