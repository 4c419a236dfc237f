"""What a person says and asks of a picture: wordings with slots, and what a line asks, however it is worded.

The wordings stand in `voices/asked.yaml` and are filled with the same words as the frames of the voices. `asked` reads
any line, typed freely or said by a character: it names what is asked by the words that a sentence has, in an order in
which the surer words come first. A question of which nothing else is known is one for a view.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import accumulate
from random import Random
from string import Formatter
from typing import NamedTuple, cast

import yaml

from sandbox.storybook.question_words import (
    ALL_MEANT,
    ASKS,
    CLOSES,
    GREETS,
    KNOWN,
    OF_THING,
    ONE_MEANT,
    ORDER,
    SPELT,
    UNKNOWN,
    WHOLE,
    About,
)
from sandbox.storybook.voices import words
from sandbox.storybook.voices.intents import NAMED, OTHER, THING
from scenes.storybook.drawing import Group, Kind
from scorers.shape import Line, Token, read

# ---- wordings

_PERSON = frozenset({"me"}) | OTHER
_WRONG = frozenset({"wrong_thing", "wrong_where", "wrong_is"})
_WRONG_THING = frozenset({"wrong_thing"})
_THE_THING = frozenset({"the_thing"})
_PRESENT = frozenset({"a_kind", "kinds"})


class Said(NamedTuple):
    """What a person says a line for."""

    about: About | None
    """What it asks; None of a statement."""
    needed: frozenset[str] = frozenset()
    """A wording has at least one slot of these."""
    allowed: frozenset[str] = _PERSON
    """What it may have besides."""


_SAID = _PERSON | THING
SAID: dict[str, Said] = {
    "what": Said("what"),
    "what_there": Said("what", frozenset({"where"}), _PERSON),
    "where": Said("where", NAMED, _SAID),
    "how_many": Said("how_many", NAMED, _SAID),
    "colour": Said("colour", NAMED, _SAID),
    "weather": Said("weather"),
    "time": Said("time"),
    "place": Said("place"),
    "present": Said("is_there", _PRESENT, _SAID),
    "absent": Said("is_there", _PRESENT, _SAID),
    "colour_yes": Said("colour_yes", frozenset({"some_colour"}), _SAID),
    "opinion": Said("opinion", NAMED, _SAID),
    "story": Said("story", NAMED, _SAID),
    "who": Said("who"),
    "name": Said("name"),
    "greet": Said("greet"),
    "close": Said("close"),
    "secret": Said("secret"),
    "remark": Said(None, frozenset({"thing"}), _SAID),
    "false_colour": Said(None, _WRONG_THING, _PERSON | _WRONG),
    "false_number": Said(None, _WRONG_THING, _PERSON | _WRONG),
    "false_kind": Said(None, _WRONG_THING, _PERSON | _WRONG),
    "false_side": Said(None, frozenset({"wrong_where"}), _SAID),
    "joke": Said(None, _THE_THING, _SAID),
    "worry": Said(None, _THE_THING, _SAID),
    "follow_how_many": Said("how_many", allowed=_SAID),
    "follow_colour": Said("colour", allowed=_SAID),
    "follow_where": Said("where", allowed=_SAID),
}
"""What a person can say a line for. `absent` is worded as `present` is, and filled with a group that is not there."""

_SENTENCE = re.compile(r"(?:^|(?<=[.!?] ))[a-z]")


class Wording(NamedTuple):
    """A line of a person, with slots: `Where {is} the {kind}?`."""

    intent: str
    text: str

    @property
    def slots(self) -> frozenset[str]:
        """Return the names of its slots."""
        return frozenset(slot for _, slot, _, _ in Formatter().parse(self.text) if slot is not None)

    def filled(self, **slots: str) -> str:
        """Return the line with its slots filled; each sentence begins with a capital. Raises `KeyError`."""
        return _SENTENCE.sub(lambda found: found[0].upper(), self.text.format_map(slots))


def wordings(intent: str) -> tuple[Wording, ...]:
    """Return the wordings of an intent of `SAID`, in the order of the file. Raises `KeyError` for another."""
    return _wordings()[intent]


def say(intent: str, rng: Random, **slots: str) -> str:
    """Return a line for an intent, worded by `rng` with no slots but those given.

    They are those of `words.of_group` (for `absent`, any group of the kind that is not there), those of `of_wrong`,
    `me`, `other` and `some_colour`. Raises `KeyError` for an unknown intent,
    `IndexError` if no wording does with these slots.
    """
    return rng.choice([one for one in wordings(intent) if one.slots <= slots.keys()]).filled(**slots)


def of_wrong(wrong: Group) -> dict[str, str]:
    """Return the slots of a false statement: what somebody says is there, as a group, all of it or its side only."""
    said = words.of_group(wrong)
    return {"wrong_thing": said["thing"], "wrong_where": said["where"], "wrong_is": said["is"]}


@cache
def _wordings() -> dict[str, tuple[Wording, ...]]:
    text = (files("sandbox.storybook.voices") / "asked.yaml").read_text(encoding="utf-8")
    blocks: dict[str, str] = yaml.safe_load(text)
    blocks["absent"] = blocks["present"]
    if wrong := sorted(blocks.keys() ^ SAID.keys()):
        raise ValueError(f"these intents are missing or unknown: {', '.join(wrong)}")
    return {intent: tuple(_checked(intent, line) for line in blocks[intent].splitlines()) for intent in SAID}


def _checked(intent: str, text: str) -> Wording:
    wording, said = Wording(intent, text), SAID[intent]
    if said.needed and not said.needed & wording.slots:
        raise ValueError(f'"{text}" ({intent}) has no slot of {", ".join(sorted(said.needed))}; add one')
    if strange := wording.slots - said.allowed - said.needed:
        raise ValueError(f'"{text}" ({intent}) has {", ".join(sorted(strange))}; that is not filled here')
    return wording


# ---- reading

LONGEST = 2000
"""How many characters of a line are read, the last: a question stands at its end, and patterns take long over more."""


@dataclass(frozen=True, slots=True)
class Question:
    """What a line asks."""

    about: About
    kind: Kind | None = None
    """The thing that it asks about; None if it names none, or one that no picture has."""
    value: str | None = None
    """What a yes/no question asks for, or of which colour or side `what` is: `red`, `2`, `>1`, `left`, `rain`."""


def asked(text: str, kinds_before: Sequence[Kind] = ()) -> Question | None:
    """Return what `text` asks, or None; of `What colour is it?` the thing is the last of `kinds_before`.

    Where several sentences ask, it is the last of them. A greeting and a goodbye without a question are read too.
    """
    heard = _heard(text[-LONGEST:])
    asking = [sentence for sentence in heard.sentences if _asks(sentence[0])]
    if not asking:
        return _civil(heard)
    found = _asked_in(heard, *_whole(heard, asking[-1]))
    return _of_thing(heard, found, kinds_before) or _civil(heard) or Question("view")


class _Heard(NamedTuple):
    """A line in plain words, those that the checker of claims knows as `THING`, `COLOUR` and so on."""

    text: str
    tokens: dict[int, Token]
    """Those known, by where they stand in `text`."""

    @property
    def sentences(self) -> list[tuple[str, int]]:
        """Return each sentence and where it starts."""
        return [(found[0], found.start()) for found in re.finditer(r"[^.!? ][^.!?]*[.!? ]*", self.text)]

    def things(self, start: int = 0, end: int | None = None) -> list[Kind]:
        """Return the kinds named between two places."""
        known = [token for at, token in self.tokens.items() if start <= at and (end is None or at < end)]
        return [cast(Kind, token.means) for token in known if token.part in "OS"]


class _Found(NamedTuple):
    """What a sentence asks, by which words, and where that stands."""

    about: About
    sentence: str
    start: int
    words: re.Match[str] | None


def _heard(text: str) -> _Heard:
    for found, spelt in SPELT:
        text = found.sub(spelt, text)
    line = read(text)
    tokens = [token for token in zip(line.tokens, line.shape, strict=True) if token[1] != ","]
    heard = [_plain(line, token, part) for token, part in tokens]
    starts = [0, *accumulate(len(word) + 1 for word in heard)]
    known = {at: token for at, word, (token, _) in zip(starts, heard, tokens, strict=False) if word.isupper()}
    return _Heard(" ".join(heard), known)


def _plain(line: Line, token: Token, part: str) -> str:
    words = line.text[token.start : token.end]
    vague = token.means[:1] == ">" and words != "more than one"  # `some boats`, `how many` tell no number
    return words if vague else KNOWN.get(part, part if part in ".;!?" else words)


def _whole(heard: _Heard, sentence: tuple[str, int]) -> tuple[str, int]:
    """Return a sentence, with the one before it where only that says what is meant."""
    before = [one for one in heard.sentences if one[1] < sentence[1]]
    if not before or not WHOLE.match(sentence[0]):
        return sentence
    return heard.text[before[-1][1] : sentence[1]] + sentence[0], before[-1][1]


# ---- whether a sentence asks


def _asks(sentence: str) -> bool:
    return "?" in sentence or bool(ASKS.match(sentence))


# ---- what it asks


@cache
def _rules() -> tuple[tuple[About, re.Pattern[str]], ...]:
    return tuple((about, re.compile(pattern)) for about, pattern in ORDER)


def _asked_in(heard: _Heard, sentence: str, start: int) -> _Found:
    for about, pattern in _rules():
        if words := pattern.search(sentence):
            return _Found(about, sentence, start, words)
    return _Found("opinion", sentence, start, None)


# ---- of what


def _of_thing(heard: _Heard, found: _Found, kinds_before: Sequence[Kind]) -> Question | None:
    kind = _named(heard, found)
    if found.about in OF_THING:
        unknown = kind is None and UNKNOWN.search(found.sentence)
        kind = kind or (None if unknown else _last_of(heard, found, kinds_before))
    elif found.about in ("opinion", "story"):
        return _view(heard, found, kind, kinds_before)
    else:
        kind = None
    return Question(found.about, kind, _value(heard, found))


def _named(heard: _Heard, found: _Found) -> Kind | None:
    """Return the thing that the sentence names: the first after the words that ask, or else the last before them."""
    at, end = found.start + (found.words.start() if found.words else 0), found.start + len(found.sentence)
    after = heard.things(at, end)
    before = heard.things(found.start, at)
    return after[0] if after else before[-1] if before else None


def _last_of(heard: _Heard, found: _Found, kinds_before: Sequence[Kind]) -> Kind | None:
    """Return the thing that was spoken of before the sentence, or else right after it, or else in other lines."""
    before, after = heard.things(0, found.start), heard.things(found.start)
    if before:
        return before[-1]
    return after[0] if after else kinds_before[-1] if kinds_before else None


def _view(heard: _Heard, found: _Found, kind: Kind | None, kinds_before: Sequence[Kind]) -> Question | None:
    """Return the question for a view of a thing; of the whole picture, or of nothing that is named, it is `view`."""
    if kind is None and not ALL_MEANT.search(found.sentence):
        kind = _last_of(heard, found, kinds_before if ONE_MEANT.search(found.sentence) else ())
    if kind or found.about == "story":
        return Question(found.about, kind)
    return Question("view") if found.words else None


def _value(heard: _Heard, found: _Found) -> str | None:
    if not found.words or not found.words.groupdict().get("value"):
        return None
    token = heard.tokens.get(found.start + found.words.start("value"))
    return token.means if token else found.words["value"]


# ---- greetings


def _civil(heard: _Heard) -> Question | None:
    """Return a goodbye or a greeting, of a line that speaks of no thing."""
    if heard.things():
        return None
    if CLOSES.search(heard.text):
        return Question("close")
    return Question("greet") if GREETS.search(heard.text) else None
