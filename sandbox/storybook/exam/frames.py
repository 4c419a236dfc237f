"""What a reply is said for: the frames of its speaker's voice that it is made of, found by their fixed words.

A slot takes what may fill it and nothing else. What no frame is found in word for word is compared with those that
share its rarer words, so that a small slip does not hide what was meant.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from difflib import SequenceMatcher
from functools import cache
from typing import NamedTuple

from sandbox.storybook.voices.bank import Frame, frames
from sandbox.storybook.voices.intents import QUARREL, TALK
from sandbox.storybook.voices.words import NUMBERS, PLACES, POSITIONS, TIMES, WEATHERS
from scenes.storybook.drawing import COLOURS, KINDS, plural

LIKE = 0.75
"""The share of a frame's fixed words that a reply must have in their order, for a frame with slips."""
YES_OR_NO = "yes_or_no"
"""What a bare `No.` is for."""
_YES_OR_NO = re.compile(r"(?:yes|no)[.!](?= |$)", re.IGNORECASE)
_LEAST = 3
"""Fixed words of such a frame; fewer are in too many."""
_CANDIDATES = 8


class Piece(NamedTuple):
    """A part of a reply that is made of one frame."""

    intents: frozenset[str]
    """What that frame is for; several where voices say the same words for several ends."""
    text: str


def _any(words: Iterable[str]) -> str:
    return f"(?:{'|'.join(sorted(map(re.escape, words), key=len, reverse=True))})"


_KIND = _any([*KINDS, *map(plural, KINDS)])
_COLOUR = _any(COLOURS)
_NUMBER = _any(NUMBERS)
_THING = rf"(?:an?|{_NUMBER}) {_COLOUR} {_KIND}"
_FREE = r"[^.!?\[\]()]{1,80}?"
_SLOTS = {
    "thing": _THING, "the_thing": f"the {_COLOUR} {_KIND}", "kind": _KIND, "kinds": _KIND,
    "a_kind": f"(?:an? )?{_KIND}", "number": _NUMBER, "counted": f"{_NUMBER} {_KIND}", "colour": _COLOUR,
    "where": _any(POSITIONS.values()),
    "is": "(?:is|are)", "was": "(?:was|were)", "has": "(?:has|have)", "does": "(?:does|do)", "it": "(?:it|they)",
    "them": "(?:it|them)", "its": "(?:its|their)", "that": "(?:that|those)", "this": "(?:this|these)", "s": "s?",
    "es": "(?:es)?", "it_s": "(?:it's|they're)", "that_s": "(?:that's|those are)",
    "weather": _any(WEATHERS.values()), "time": _any(one for one, _ in TIMES.values()),
    "at_time": _any(at for _, at in TIMES.values()), "place": _any(one for one, _, _ in PLACES.values()),
    "the_place": _any(the for _, the, _ in PLACES.values()), "in_place": _any(where for _, _, where in PLACES.values()),
    "absent": _KIND, "absents": _KIND, "an_absent": f"an? {_KIND}",
    "scene": f"(?:nothing that has a name|{_THING}(?:, {_THING})*(?: and {_THING})?)",
}  # fmt: skip
_DEED = re.compile(r"^\(([^()]*)\) ?")
_THOUGHT = re.compile(r" ?\[([^\[\]]*)\]$")
_SENTENCE = re.compile(r"[^.!?]*[.!?]*[\"')]* *")
_SLOT = re.compile(r"\{(\w+)\}")
_WORD = re.compile(r"[a-z'-]+")
_FILLING = re.compile(rf"\b(?:{_KIND}|{_COLOUR}|{_NUMBER})\b", re.IGNORECASE)


class _Known(NamedTuple):
    """A frame, ready to be looked for."""

    frame: Frame
    pattern: re.Pattern[str]
    words: list[str]
    """Its fixed ones, in lower case."""


@cache
def _known(voice: str) -> tuple[_Known, ...]:
    found = [frame for intent in (*TALK, QUARREL) for frame in frames(voice, intent)]
    return tuple(_Known(frame, _pattern(frame.text), _fixed(frame.text)) for frame in found)


def _pattern(text: str) -> re.Pattern[str]:
    parts = _SLOT.split(text)
    made = (_SLOTS.get(part, _FREE) if at % 2 else re.escape(part) for at, part in enumerate(parts))
    return re.compile(rf"{''.join(made)}(?= |$)", re.IGNORECASE)


def _fixed(text: str) -> list[str]:
    return _WORD.findall(_SLOT.sub(" ", text).lower())


@cache
def _rare(voice: str) -> dict[str, tuple[int, ...]]:
    """Return in which frames of a voice each of its words stands."""
    places: dict[str, list[int]] = defaultdict(list)
    for at, known in enumerate(_known(voice)):
        for word in dict.fromkeys(known.words):
            places[word].append(at)
    return {word: tuple(ats) for word, ats in places.items()}


@cache
def pieces(reply: str, voice: str) -> tuple[Piece, ...]:
    """Return what a reply in a voice is made of, in order; what is no frame has no intents."""
    deed, thought = _DEED.search(reply), _THOUGHT.search(reply)
    made = [Piece(frozenset({"action"}), deed[1])] if deed else []
    body = reply[deed.end() if deed else 0 : thought.start() if thought else len(reply)]
    made += _body(body.strip(), voice)
    return (*made, Piece(frozenset({"thought"}), thought[1])) if thought else tuple(made)


def intents(reply: str, voice: str) -> frozenset[str]:
    """Return what a reply may be said for, all its parts together."""
    return frozenset[str]().union(*(piece.intents for piece in pieces(reply, voice)))


def _body(text: str, voice: str) -> Iterator[Piece]:
    while text:
        piece = _exact(text, voice) or _said(text) or _alike(text, voice)
        if piece is None:
            sentence = _SENTENCE.match(text)
            piece = Piece(frozenset(), sentence[0] if sentence and sentence[0] else text)
        yield piece
        text = text[len(piece.text) :].lstrip()


def _exact(text: str, voice: str) -> Piece | None:
    """Return the longest frame that the text begins with."""
    ends: dict[int, set[str]] = defaultdict(set)
    for known in _known(voice):
        if found := known.pattern.match(text):
            ends[found.end()].add(known.frame.intent)
    return Piece(frozenset(ends[max(ends)]), text[: max(ends)]) if ends else None


def _said(text: str) -> Piece | None:
    """Return a bare yes or no at the beginning, which is in any voice."""
    found = _YES_OR_NO.match(text)
    return Piece(frozenset({YES_OR_NO}), found[0]) if found else None


def _alike(text: str, voice: str) -> Piece | None:
    """Return the frame whose words the beginning of the text has nearly all, in their order."""
    best, most = None, LIKE
    for known in _candidates(text, voice):
        heard = _beginning(text, len(known.words))
        words = _WORD.findall(_FILLING.sub(" ", heard).lower())
        same = sum(
            block.size for block in SequenceMatcher(None, known.words, words, autojunk=False).get_matching_blocks()
        )
        if (share := same / len(known.words)) > most:
            best, most = Piece(frozenset({known.frame.intent}), heard), share
    return best


def _candidates(text: str, voice: str) -> list[_Known]:
    """Return the frames that share the most of the rarer words with the beginning of a text."""
    rare, points = _rare(voice), Counter[int]()
    for word in dict.fromkeys(_WORD.findall(text.lower())):
        for at in rare.get(word, ()):
            points[at] += 1 / len(rare[word])  # type: ignore[assignment]
    known = _known(voice)
    return [known[at] for at, _ in points.most_common(_CANDIDATES) if len(known[at].words) >= _LEAST]


def _beginning(text: str, words: int) -> str:
    """Return as many sentences as hold so many words."""
    end = 0
    for found in _SENTENCE.finditer(text):
        end = found.end()
        if not found[0] or len(_WORD.findall(text[:end].lower())) >= words:
            break
    return text[: end or len(text)]
