"""A YAML file as plain data that still knows its lines, so that whoever checks the data can point at a mistake."""

import difflib
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from scenes.clean import one_line
from scenes.problem import InputRefused, Problem, refuse
from scenes.tree import Json, Node, Place, compose

MAX_BYTES = 2_000_000

Keys: TypeAlias = tuple[str | int, ...]
"""The way from the top of a document to a value: keys of mappings, positions in lists (from 0)."""


@dataclass(frozen=True, slots=True)
class Document:
    """A YAML file that was read: its data, and the place of everything in it."""

    file: str
    """As the user named it."""
    data: Json
    """The mapping that the file holds."""
    tree: Node = field(repr=False, compare=False)

    def place(self, keys: Keys) -> Place:
        """Return where the value at `keys` stands, or the nearest value around it if the file has none there."""
        return self._nodes(keys)[-1].place

    def key_place(self, keys: Keys) -> Place:
        """Return where the last of `keys` itself stands, if it is a key in the file; else where its value does."""
        holders = self._nodes(keys[:-1])
        written = holders[-1].keys.get(keys[-1]) if len(holders) == len(keys) else None
        return written or self.place(keys)

    def problem(self, keys: Keys, message: str) -> Problem:
        """Return `message` as a problem of the value at `keys`."""
        return Problem(self.file, *self.place(keys), message)

    def _nodes(self, keys: Keys) -> list[Node]:
        """Return the nodes along `keys` from the top, as far as there are any."""
        nodes = [self.tree]
        for key in keys:
            child = nodes[-1].child(key)
            if child is None:
                break
            nodes.append(child)
        return nodes


def read_document(path: Path, shown_as: str | None = None) -> Document:
    """Read the YAML file at `path`, called `shown_as` in messages. Raises `InputRefused` for anything unusable."""
    file = shown_as or str(path)
    try:
        if not path.is_file():
            raise refuse(_why_no_file(path), file)
        _check_size(path.stat().st_size, file)
        with path.open("rb") as stream:
            content = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise refuse(f"the file cannot be read: {error.strerror}.", file) from None
    return parse_document(content, file)


def parse_document(text: str | bytes, file: str) -> Document:
    """Read `text`, called `file` in messages. Raises `InputRefused`, and nothing else whatever the text is."""
    _check_size(len(text), file)
    text = _decoded(text, file) if isinstance(text, bytes) else text
    root = compose(text.removeprefix("\ufeff"), file)
    return Document(file, root.data(), root)


def _why_no_file(path: Path) -> str:
    if path.is_dir():
        return "this is a folder; name a file in it."
    if path.exists():
        return "this is a device or a pipe; only a regular file is read."
    near = difflib.get_close_matches(path.name, _names_beside(path), 1)
    return f'there is no such file; did you mean "{one_line(near[0])}"?' if near else "there is no such file."


def _names_beside(path: Path) -> list[str]:
    """Return the names of the YAML files, or of the folders if no file was meant, that are there instead of `path`."""
    endings = (".yaml", ".yml") if path.suffix else ""
    try:
        return sorted(name for name in os.listdir(path.parent) if name.endswith(endings))
    except (OSError, ValueError):  # ValueError: a name that no file system takes
        return []


def _check_size(size: int, file: str) -> None:
    if size > MAX_BYTES:
        raise refuse(f"the file has {size:,} bytes; at most {MAX_BYTES:,} are read.", file)


def _decoded(content: bytes, file: str) -> str:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise refuse("the file is UTF-16; save it as UTF-8.", file)
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        column = len(content[content.rfind(b"\n", 0, error.start) + 1 : error.start].decode()) + 1
        broken = Problem(file, line, column, "what stands here is not UTF-8; save the file as UTF-8.")
        raise InputRefused([broken]) from None
