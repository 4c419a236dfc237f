"""A file that holds a list of JSON objects: read with the line of each, and written in the layout that it had.

Apart from what the objects mean, so that a record which is wrong can be pointed at, and a file to which something is
added differs in nothing else.
"""

import json
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

from scenes.clean import one_line
from scenes.problem import InputRefused, Problem, refuse

MAX_BYTES = 200_000_000


class _Layout(NamedTuple):
    """How JSON is written; the defaults are those of MMRole's release."""

    indent: int | None = 4
    ensure_ascii: bool = False
    after: str = ""
    before: str = ""

    def text(self, value: object) -> str:
        return self.before + json.dumps(value, indent=self.indent, ensure_ascii=self.ensure_ascii) + self.after


_LAYOUTS = [_Layout(*how) for how in product((4, 2, None), (False, True), ("", "\n"), ("", "\ufeff"))]


@dataclass(frozen=True)
class JsonList:
    """The list that a file holds."""

    file: str
    """As it is called in messages."""
    text: str = field(repr=False)
    items: list[Any] = field(repr=False)

    def problem(self, at: int, message: str, key: str = "") -> Problem:
        """Return what is wrong with an item, by its position from 0, at the line of its `key` if it has that."""
        start, end = self._starts[at], [*self._starts, len(self.text)][at + 1]
        # Inside a text the quotes around a word are escaped, so that this finds keys alone.
        found = re.compile(rf"{re.escape(json.dumps(key, ensure_ascii=False))}\s*:").search(self.text, start, end)
        return _problem_at(self.file, self.text, found.start() if key and found else start, message)

    def written(self, items: list[Any]) -> bytes:
        """Return `items` as the list would have been written: as in the release, if its layout is not known here."""
        layout = next((layout for layout in _LAYOUTS if layout.text(self.items) == self.text), _Layout())
        # Half of a surrogate pair has no UTF-8, and can only be an escape.
        return re.sub("[\ud800-\udfff]", lambda half: f"\\u{ord(half[0]):04x}", layout.text(items)).encode()

    @cached_property
    def _starts(self) -> list[int]:
        return list(_starts(self.text, json.JSONDecoder()))


def read_list(path: Path) -> JsonList:
    """Read the list in a file. Raises `InputRefused` with the line of what is wrong."""
    text, file = _content(path), str(path)
    return JsonList(file, text, _parsed(text, file))


def _content(path: Path) -> str:
    try:
        if not path.is_file():
            raise refuse("only a regular file is read." if path.exists() else "there is no such file.", str(path))
        if path.stat().st_size > MAX_BYTES:
            raise refuse(f"the file has more than {MAX_BYTES // 1_000_000} MB; split it.", str(path))
        return path.read_bytes().decode()
    except OSError as error:
        raise refuse(f"the file cannot be read: {error.strerror}.", str(path)) from None
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        mend = "what stands here is not UTF-8; save the file as UTF-8."
        raise InputRefused([Problem(str(path), line, 1, mend)]) from None


def _parsed(text: str, file: str) -> list[Any]:
    try:
        items = json.loads(text.removeprefix("\ufeff"), object_pairs_hook=_object)
    except json.JSONDecodeError as error:
        fault = f"this is not JSON ({one_line(error.msg)}); save the whole list of records again."
        raise InputRefused([Problem(file, error.lineno, error.colno, fault)]) from None
    except _KeyTwice as twice:
        raise InputRefused([_problem_at(file, text, _start_of_twice(text), str(twice))]) from None
    except (ValueError, RecursionError):
        raise refuse("a number in it is too long, or it is nested too deep; mend the file.", file) from None
    if not isinstance(items, list):
        raise InputRefused([Problem(file, 1, 1, "the file must hold a list of records, between [ and ].")])
    return items


class _KeyTwice(Exception):
    """An object has a key twice, and one of its values would be lost."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) == len(pairs):
        return made
    keys = [key for key, _ in pairs]
    key = next(key for key in keys if keys.count(key) > 1)
    raise _KeyTwice(f'key "{one_line(key)}" occurs twice in this record; keep one.')


_BETWEEN = re.compile(r"\ufeff?[ \t\n\r]*[\[,]?[ \t\n\r]*")


def _starts(text: str, decoder: json.JSONDecoder) -> Iterator[int]:
    """Yield where each item of the list in `text` begins, before it is decoded."""
    at = _after_mark(text, 0)
    while text[at : at + 1] not in ("]", ""):
        yield at
        at = _after_mark(text, decoder.raw_decode(text, at)[1])


def _after_mark(text: str, at: int) -> int:
    match = _BETWEEN.match(text, at)
    return match.end() if match else at


def _start_of_twice(text: str) -> int:
    """Return where the record begins that has a key twice."""
    begun = [0]
    with suppress(_KeyTwice):
        begun.extend(_starts(text, json.JSONDecoder(object_pairs_hook=_object)))
    return begun[-1]


def _problem_at(file: str, text: str, at: int, message: str) -> Problem:
    return Problem(file, text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at), message)
