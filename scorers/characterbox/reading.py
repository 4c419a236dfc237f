"""Reading a judge's scores: tolerant of how they are written, strict about where they stand and whose they are.

A score stands in a line that begins with its metric, or in a JSON object that begins a line. What is quoted stands in
neither place: behind a name, in quotation marks, or after `>`. Two scores of one metric that differ are none. Only
ASCII digits are read, decimals among them. Where the material itself holds something like a score (`names_a_score`), a
judge is asked for a mark that nobody can know who wrote the material, and nothing counts but what comes with the mark.
"""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from unicodedata import normalize

from scorers.characterbox.metrics import LEAST, MOST, Criterion

MOST_READ = 20_000
"""Letters of an answer in which scores are looked for."""
MOST_OBJECTS = 40
"""JSON objects of an answer that are looked at."""
MARK = "mark"
"""The key of the mark in a form."""
_LEAD = r"[ \t\-*#|•]*+(?:\(?[0-9]{1,2}[.)、][ \t]*+)?[ \t*_]*+"
_AFTER = (
    r"(?:[ \t]++(?:score|rating)|得分|评分)?[ \t*_]*+(?:[(（][^()（）\n]{1,24}[)）])?[ \t*_]*+[:：=|][ \t*_\[【(（<]*+"
)
_BETWEEN = 32
"""Letters between a metric's name and its number that are looked past; more than a reader does."""
_NUMBER = r"(?P<number>-?[0-9]{1,6}(?:\.[0-9]{1,6})?)(?![^\W_分])(?![.,٫]\d)[*_\]】)）]*+"
_OF_FIVE = rf"(?:[ \t]*[(（]?(?:/|(?:out[ \t])?of)[ \t]*{MOST}(?!\w)(?![.,]\d))?"
_NO_OTHER = (  # neither a range, nor on another scale, nor a count of something
    r"(?![ \t]*(?:[-–—~～/+、至到或]|to\b|or\b)[ \t]*\d)(?![ \t]*[%％])(?![ \t]*[(（]?(?:/|(?:out[ \t])?of\b))"
)
_NEXT = re.compile(r"[ \t*_\]】)）>|]*+[,，;；。][ \t]*+")
"""What parts two scores on one line."""


@dataclass(frozen=True)
class Reading:
    """What could be read of an answer, by metric; what is in neither was not found."""

    values: dict[str, float] = field(default_factory=dict)
    wrong: dict[str, str] = field(default_factory=dict)
    """Why something that was found is no score."""


def read(text: str, criteria: Sequence[Criterion], mark: str = "") -> Reading:
    """Return the scores in the answer `text`, only those that come with `mark` where one was asked for."""
    found: dict[str, list[float | str]] = {}
    for name, value in _items(_american(_own(text[:MOST_READ])), criteria, mark):
        found.setdefault(name, []).append(value)
    reading = Reading()
    for name, values in found.items():
        wrong = _wrong(values)
        if wrong:
            reading.wrong[name] = wrong
        else:
            reading.values[name] = float(values[0])
    return reading


def names_a_score(text: str, criteria: Iterable[Criterion]) -> bool:
    """Return whether `text` holds the name of a metric and a number after it, whatever stands between, in any script.

    It errs on the side of yes, for all that `read` could take for a score has to be among it: then a mark is asked for,
    and nothing else changes.
    """
    plain = re.sub(r"\\u([0-9a-fA-F]{4})", lambda escape: chr(int(escape[1], 16)), text)
    letters = _letters(normalize("NFKD", plain))
    names = "|".join(name for one in criteria for name in (_letters(one.label), one.chinese))
    return re.search(rf"(?:{names})\w{{0,{_BETWEEN}}}?\d", letters) is not None


def _letters(text: str) -> str:
    """Return what is left of `text` without case, marks and blanks."""
    return "".join(char for char in _american(text.casefold()) if char.isalnum())


def _own(text: str) -> str:
    """Return what a judge says after it has thought."""
    return text.rpartition("</think>")[2].partition("<think>")[0]


def _american(text: str) -> str:
    """Return `text` with one word spelt as the metrics spell it."""
    return re.sub("(?<=behavi)ou(?=r)", "o", text, flags=re.IGNORECASE)


def _wrong(values: Sequence[float | str]) -> str | None:
    """Return why `values`, all that were found of one metric, are no score."""
    if len(set(values)) > 1:
        return f"two scores that differ: {' and '.join(_told(value) for value in dict.fromkeys(values))}"
    if isinstance(values[0], str):
        return f"{values[0]} is no number"
    return None if LEAST <= values[0] <= MOST else f"{values[0]:g} is off the scale of {LEAST} to {MOST}"


def _told(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:g}"


def _items(text: str, criteria: Sequence[Criterion], mark: str) -> Iterator[tuple[str, float | str]]:
    """Yield metric and number of every score that stands where scores are asked for."""
    marked = text if not mark else _after(text, mark)
    for line in marked.splitlines():
        yield from _in_line(line, _pattern(tuple(criteria)))
    for pairs in _objects(text):
        if not mark or (MARK, mark) in pairs:
            yield from _in_pairs(pairs, criteria)


def _after(text: str, mark: str) -> str:
    """Return the lines after the last with `mark`; nothing if there is none."""
    return text.rpartition(mark)[2].partition("\n")[2] if mark in text else ""


@lru_cache(maxsize=100)
def _pattern(criteria: tuple[Criterion, ...]) -> re.Pattern[str]:
    # of ASCII letters alone: without that, case is ignored of letters that only look like them
    names = (f"(?P<{one.name}>(?ai:{_spaced(one.label)})|{re.escape(one.chinese)})" for one in criteria)
    return re.compile(f"{_LEAD}(?:{'|'.join(names)}){_AFTER}{_NUMBER}{_OF_FIVE}{_NO_OTHER}", re.IGNORECASE)


def _spaced(label: str) -> str:
    return r"[ \t_-]?".join(map(re.escape, label.split()))


def _in_line(line: str, pattern: re.Pattern[str]) -> Iterator[tuple[str, float]]:
    """Yield the scores that a line begins with."""
    at = 0
    while found := pattern.match(line, at):
        name = next(name for name, said in found.groupdict().items() if said and name != "number")
        yield name, float(found["number"])
        parted = _NEXT.match(line, found.end())
        if parted is None:
            break
        at = parted.end()


Pairs = list[tuple[str, Any]]


def _objects(text: str) -> Iterator[Pairs]:
    """Yield the JSON objects that begin a line, as pairs, so that a key that occurs twice is seen."""
    decoder, read_to = json.JSONDecoder(object_pairs_hook=list, parse_constant=str), 0
    for tried, begin in enumerate(re.finditer(r"^[ \t]*(?=\{)", text, re.MULTILINE)):
        if tried >= MOST_OBJECTS:
            return
        if begin.end() < read_to:
            continue
        try:
            pairs, read_to = decoder.raw_decode(text, begin.end())
        except (ValueError, RecursionError):
            continue
        yield pairs


def _in_pairs(pairs: Pairs, criteria: Sequence[Criterion]) -> Iterator[tuple[str, float | str]]:
    keys = {key: one.name for one in criteria for key in (_letters(one.label), one.chinese)}
    for key, value in pairs:
        name = keys.get(_letters(key))
        if name:
            yield name, _number(value)


def _number(value: Any) -> float | str:
    """Return a number of a JSON object, which may stand in quotation marks; else the words in its place."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _finite(value)
    if isinstance(value, str) and (found := re.fullmatch(rf"[ \t]*{_NUMBER}{_OF_FIVE}[ \t]*", value)):
        return float(found["number"])
    return "a list" if isinstance(value, list) else json.dumps(value, ensure_ascii=False)[:40]


def _finite(value: float) -> float | str:
    try:
        return float(value)
    except OverflowError:
        return "a number past all others"
