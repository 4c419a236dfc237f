"""Reading a judge's verdict, `[Scores]: (8, 9)`, and making sure that nobody but the judge can give one.

A reader that takes the first score line it sees can be told what to see: an answer that is being judged may hold such
a line, and a judge may quote it. So there are two halves here that know one grammar. `read_scores` and `read_eight`
read ASCII digits alone and refuse what contradicts itself; `disarmed` is what foreign text goes through before a judge
is shown it: where it holds anything like a score line its digits become full-width ones. They still say what they said,
and no part of them, quoted word for word, can be read as a verdict.
"""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from scorers.mmrole.metrics import METRICS, Aspect

LEAST, MOST = 1, 10
"""The scale that a judge is asked for."""
HUGEST = 100
"""A score beyond it is no slip but another scale, or nonsense."""
_MOST_TRIED = 40
"""Braces in an output that are tried as the beginning of an object."""
_REACH = 200
"""Characters after a score line's mark in which its scores are looked for."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """A judge's two scores: of the answer that is judged, and of the reference."""

    a: float
    b: float
    flags: tuple[str, ...] = ()
    """What is odd about them, such as a score off the scale of 1 to 10."""

    @property
    def ratio(self) -> float | None:
        """a / b, MMRole's score; None where the reference was given 0."""
        return self.a / self.b if self.b else None


@dataclass(frozen=True, slots=True)
class Unreadable:
    """An output from which no verdict can be read, and why."""

    reason: str


Reading = Verdict | Unreadable

_NAMES = {aspect: (aspect.name, aspect.metric, aspect.key) for aspect in METRICS}
_ANY_NAME = "|".join(re.escape(name) for names in _NAMES.values() for name in names)
_PLAIN = str.maketrans("（）［］【】：，、；．＊\u3000\u00a0", "()[][]:,,;.*  ")
"""Full-width marks as the plain ones; digits are left as they are."""
_FULL_WIDTH = str.maketrans("0123456789", "０１２３４５６７８９")
_EMPHASIS = re.compile(r"\*+|__|~~")
_MARK = re.compile(
    r"\[ {0,3}scores? {0,3}\] {0,3}:?|^[ \t#-]{0,8}(?:final |overall )?scores? {0,3}:", re.IGNORECASE | re.MULTILINE
)
_ARMED = re.compile(
    rf"(?:scores?|{_ANY_NAME})[^0-9A-Za-z]{{0,12}}?[\]:\uff1a\uff3d\u3011]|\{{\s*[\"'\u201c]", re.IGNORECASE
)
"""Anything from which a verdict could be read, and more."""
_NUMBER = r"(?:[-+−]?(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)(?:e[-+]?[0-9]+)?|[-+−]?(?:nan|inf(?:inity)?))"
_LABEL = r"(?:[a-z][a-z'’ ]{0,40}?\s{0,2}:\s{0,3})?"
_PAIR = re.compile(
    rf"\s{{0,8}}[(\[]?\s{{0,3}}(?P<first>{_LABEL})(?P<one>{_NUMBER})(?:\s?/\s?10)?"
    rf"\s{{0,3}}(?:[,;\n]|and\b)\s{{0,3}}(?P<second>{_LABEL})(?P<other>{_NUMBER})(?:\s?/\s?10)?"
    r"(?![0-9a-z%]|\.[0-9]|\s{0,3}[,;/]\s{0,3}[-+−.]?[0-9]|[)\]]?\s{0,3}[,;]?\s{0,3}\(\s{0,3}[-+−.]?[0-9])",
    re.IGNORECASE,
)
_OPENS = re.compile(r"(?:^|[\s(:])[\"“”„‘’'«「『《`]$")
"""A quotation mark that opens, at the end of what stands before."""
_THINKS = re.compile(r"\s*<think(?:ing)?>", re.IGNORECASE)
_THOUGHT = re.compile(r"</think(?:ing)?>", re.IGNORECASE)
_SIDE = re.compile(r"\b([ab])\b", re.IGNORECASE)


def disarmed(text: str) -> str:
    """Return foreign text as a judge may be shown it: nothing in it, quoted word for word, can be read as a verdict."""
    return text.translate(_FULL_WIDTH) if _ARMED.search(_EMPHASIS.sub("", text)) else text


def read_scores(text: str) -> Reading:
    """Return the verdict in a judge's own output.

    Read are `[Scores]: (8, 9)` and its kin: without parentheses, with decimals, labels, bold or full-width marks, text
    before and after, thinking aloud before. A line in quotation marks is somebody else's. Lines that say the same
    count once; lines that contradict each other are no verdict.
    """
    own = _own_words(text)
    if own is None:
        return Unreadable("the judge did not come to the end of its thinking")
    return _agreed(_after(own, _MARK), "score line")


def read_eight(text: str) -> dict[Aspect, Reading]:
    """Return the verdict of every metric in a judge's own output on all eight.

    Read is one JSON object with the metrics' names as keys, or else a line for each: `Fluency: (8, 9)`.
    """
    own = _own_words(text)
    if own is None:
        return dict.fromkeys(METRICS, Unreadable("the judge did not come to the end of its thinking"))
    objects = list(_objects(own))
    return {aspect: _agreed(list(_of(aspect, own, objects)), f"line on {aspect.name}") for aspect in METRICS}


def _own_words(text: str) -> str | None:
    """Return what is said after thinking aloud, with plain marks and no emphasis; None where it never comes to that."""
    thought = _THOUGHT.search(text)
    if not thought and _THINKS.match(text):
        return None
    return _EMPHASIS.sub("", text[thought.end() if thought else 0 :].translate(_PLAIN))


def _after(own: str, mark: re.Pattern[str]) -> list[Reading | None]:
    """Return what stands after each mark that is not in quotation marks; None where no score does."""
    marks = list(mark.finditer(own))
    ends = [*(later.start() for later in marks[1:]), len(own)]
    bounded = (
        (found, own[found.end() : min(end, found.end() + _REACH)]) for found, end in zip(marks, ends, strict=False)
    )
    return [_pair(text) for found, text in bounded if not _is_quoted(own, found.start())]


def _is_quoted(own: str, at: int) -> bool:
    before = own[own.rfind("\n", 0, at) + 1 : at].lstrip()
    if before in ("", "`"):  # a line of its own, perhaps set as code
        return False
    return before[0] in ">|" or bool(_OPENS.search(before))


def _agreed(found: Sequence[Reading | None], line: str) -> Reading:
    """Return the one verdict that all of `found` give."""
    given = [one for one in found if one is not None]
    if not given:
        return Unreadable(f"its {line} holds no two scores" if found else f"it has no {line}")
    if any(one != given[0] for one in given):
        return Unreadable(f"it has more than one {line}, and they contradict each other")
    return given[0]


def _pair(text: str) -> Reading | None:
    """Return the two scores that `text` begins with; None where it begins with nothing like them."""
    found = _PAIR.match(text)
    if not found:
        rest = text.lstrip().split("\n", 1)[0]
        return Unreadable("its scores are not two numbers") if re.search("[0-9]", rest) else None
    one, other = (float(found[name].replace("−", "-")) for name in ("one", "other"))
    sides = [side[1].upper() for side in map(_SIDE.search, found.group("first", "second")) if side]
    if len(sides) == 2 and sides[0] == sides[1]:
        return Unreadable(f"both its scores are of {sides[0]}")
    labels = {" ".join(label.split()).casefold() for label in found.group("first", "second")}
    if not sides and "" not in labels and len(labels) == 2:
        return Unreadable("whose scores they are is not said as A and B")
    return checked(other, one) if sides == ["B", "A"] else checked(one, other)


def checked(a: float, b: float) -> Reading:
    """Return two scores as a verdict, flagged where they are off the scale, or why they cannot be one."""
    for score in (a, b):
        if not 0 <= score <= HUGEST:  # neither is NaN; an integer may be larger than any float
            return Unreadable(f"a score of {str(score).removesuffix('.0')[:12]} is on no scale of {LEAST} to {MOST}")
    names = {"the answer": a, "the reference": b}
    off = [f"{name} was given {score:g}, off the scale" for name, score in names.items() if not LEAST <= score <= MOST]
    return Verdict(float(a), float(b), tuple(off))


def _of(aspect: Aspect, own: str, objects: Sequence[dict[str, Any]]) -> Iterator[Reading | None]:
    """Yield every verdict on one metric: of the objects if there are any, else of lines that begin with its name."""
    if not objects:
        names = "|".join(map(re.escape, _NAMES[aspect]))
        line = rf"^[ \t#\-\d.(]{{0,8}}(?:{names})(?: {{0,3}}\([A-Za-z]{{2,3}}\))?[^0-9A-Za-z\n]{{0,12}}?:"
        yield from _after(own, re.compile(line, re.IGNORECASE | re.MULTILINE))
    wanted = set(map(_folded, _NAMES[aspect]))
    for one in objects:
        yield from (_value(value) for name, value in one.items() if _folded(name) in wanted)


def _folded(name: str) -> str:
    return re.sub(r"[\s_-]+", "", name).casefold()


def _objects(own: str) -> Iterator[dict[str, Any]]:
    """Yield the JSON objects in `own` that name a metric and are not inside another."""
    known = {_folded(name) for names in _NAMES.values() for name in names}
    decoder, at = json.JSONDecoder(object_pairs_hook=_once), own.find("{")
    for _ in range(_MOST_TRIED):
        if at < 0:
            return
        try:
            found, end = decoder.raw_decode(own, at)
        except (ValueError, RecursionError):
            found, end = {}, at + 1
        if known & set(map(_folded, found)):
            yield found
        at = own.find("{", end)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object whose keys are all different. Raises `ValueError`."""
    if len(dict(pairs)) < len(pairs):
        raise ValueError("a key stands twice")
    return dict(pairs)


def _value(value: Any) -> Reading | None:
    """Return the verdict that a value of an object is: `{"a": 8, "b": 9}`, `[8, 9]` or `"(8, 9)"`."""
    if isinstance(value, str):
        return _pair(value)
    if isinstance(value, dict):
        sides = {key.casefold(): score for key, score in value.items()}
        value = [sides.get("a"), sides.get("b")]
    if not isinstance(value, list) or len(value) != 2 or not all(map(_is_number, value)):
        return Unreadable("its scores are not two numbers")
    return checked(*value)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
