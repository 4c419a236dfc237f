"""The tree of a YAML text, in which every key and value has its place; the one module that knows PyYAML.

PyYAML only parses: the tree is composed from its events here. So duplicate keys, tags, expanding aliases and bottomless
nesting are refused where they stand, words are read by the YAML 1.2 core schema (`no` and `12:30:00` are texts), and
nothing that a file says is ever run.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import takewhile
from typing import NamedTuple, Protocol, TypeAlias

import yaml
from yaml import events

from scenes.clean import one_line
from scenes.problem import InputRefused, Problem, refuse

MAX_DEPTH = 32
"""Most lists and mappings inside one another."""
MAX_VALUES = 150_000
"""Most values in a file: checking says what is wrong with each, and with more that would need gigabytes."""
MAX_ALIASED = 1000
"""Most values that aliases may repeat, so that a short file cannot grow into a huge one."""
MAX_ALIASED_LETTERS = 1_000_000
"""Most characters in the texts and keys among them: each of a thousand values may be as long as the file."""
MAX_DIGITS = 20

Scalar: TypeAlias = bool | int | float | str | None
Json: TypeAlias = "Scalar | list[Json] | dict[str, Json]"
Place: TypeAlias = tuple[int, int]
"""Line and column, both from 1."""


@dataclass(frozen=True, slots=True)
class Node:
    """A value of the file with its place; `keys` holds the places of a mapping's own keys."""

    place: Place
    value: "Scalar | list[Node] | dict[str, Node]"
    keys: dict[str | int, Place] = field(default_factory=dict)

    def child(self, key: str | int) -> "Node | None":
        """Return the value at a key of a mapping or a position of a list, if there is one."""
        if isinstance(self.value, dict) and isinstance(key, str):
            return self.value.get(key)
        if isinstance(self.value, list) and isinstance(key, int) and 0 <= key < len(self.value):
            return self.value[key]
        return None

    def children(self) -> "Iterable[Node]":
        """Return the values of a mapping or a list, nothing for a scalar."""
        if isinstance(self.value, dict):
            return self.value.values()
        return self.value if isinstance(self.value, list) else ()

    def letters(self) -> int:
        """Return how many characters a text has, or the keys of a mapping have together."""
        if isinstance(self.value, dict):
            return sum(map(len, self.value))
        return len(self.value) if isinstance(self.value, str) else 0

    def data(self) -> Json:
        """Return the value without its places; what an alias repeats is copied, never shared."""
        if isinstance(self.value, dict):
            return {key: node.data() for key, node in self.value.items()}
        return [node.data() for node in self.value] if isinstance(self.value, list) else self.value


def compose(text: str, file: str) -> Node:
    """Return the one mapping that `text` holds. Raises `InputRefused`, naming `file`, and nothing else."""
    if strange := _STRANGE.search(text):
        before = text[: strange.start()]
        place = before.count("\n") + 1, len(before) - before.rfind("\n")
        raise _refused(file, place, _not_allowed(strange[0]))
    return _Composer(_events(text, file), file).document()


_STRANGE = re.compile(r"[^\t\n\r -~\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")
"""Control characters, line ends that no editor counts, lone surrogates, byte order marks."""


def _not_allowed(character: str) -> str:
    return f"the character U+{ord(character):04X} is a control character or half of one; remove it."


def _refused(file: str, place: Place, message: str) -> InputRefused:
    return InputRefused([Problem(file, *place, message)])


class _Mark(Protocol):
    """A position, as both of PyYAML's parsers give it."""

    line: int
    column: int


def _place(mark: _Mark | None) -> Place:
    return (mark.line + 1, mark.column + 1) if mark else (0, 0)


def _events(text: str, file: str) -> Iterator[events.Event]:
    try:
        yield from yaml.parse(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except yaml.MarkedYAMLError as error:
        raise _unreadable(error, text, file) from None
    except (yaml.YAMLError, ValueError, OverflowError) as error:  # both parsers stumble over a few escapes
        raise refuse(f"the file is not YAML ({one_line(str(error))}).", file) from None


class _Mend(NamedTuple):
    complaint: str
    """A piece of what PyYAML says."""
    message: str
    at_start: bool = False
    """Whether to point where the parser began to read a thing, not where it gave up."""


_ESCAPE = "a backslash in double quotes begins an escape; write two of them, or use single quotes"
_MENDS = (
    _Mend("quoted scalar found unexpected", "the quotes that open here are never closed", at_start=True),
    _Mend("expected ','", "the bracket that opens here is not closed, or a comma is missing", at_start=True),
    _Mend("expected ':'", "this is no key with a value; put a colon and a space after a key", at_start=True),
    _Mend("invalid Unicode", "this escape stands for half a character or none; write the character itself"),
    _Mend("escape", _ESCAPE),
    _Mend("hexdecimal", _ESCAPE),
    _Mend("mapping values", "no key can stand here; mend the indent, or put a text that holds a colon in quotes"),
    _Mend("cannot start any token", "no value can begin with this character; put it in quotes"),
    _Mend("document start", "the file goes on after its end; keep one document"),
    _Mend("tag", "tags are not allowed; remove it"),
    _Mend("directive", "lines that begin with % are not needed; remove it"),
    _Mend("", "this does not fit what stands before it; check the indent, the quotes and the brackets"),
)
"""What to do about a complaint: the first that fits."""
_TAB = _Mend("", "a tab cannot stand here; use spaces")


def _unreadable(error: yaml.MarkedYAMLError, text: str, file: str) -> InputRefused:
    complaint, stop = f"{error.context} {error.problem}", error.problem_mark
    at_tab = stop is not None and text.startswith("\t", stop.index)
    mend = _TAB if at_tab else next(mend for mend in _MENDS if mend.complaint in complaint)
    place = _place(error.context_mark if mend.at_start else stop)
    return _refused(file, place, f"{mend.message} ({one_line(str(error.problem))} on line {_place(stop)[0]}).")


_WORDS: dict[str, bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_INTEGER = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")


def _meaning(word: str) -> Scalar:
    """Return what a word without quotes is by the core schema of YAML 1.2."""
    if word in _WORDS:
        return _WORDS[word]
    if _INTEGER.fullmatch(word):
        return int(word, 0) if word[:2] in ("0o", "0x") else int(word)
    return float(re.sub(r"\.(?=[iInN])", "", word)) if _FLOAT.fullmatch(word) else word


class _Composer:
    """Builds the tree from the parser's events, and refuses what breaks a rule of ours where it stands."""

    def __init__(self, stream: Iterator[events.Event], file: str) -> None:
        self.stream = stream
        self.file = file
        self.anchors: dict[str, Node | None] = {}
        """By name; None while the anchored value is still being read."""
        self.values = 0
        """Values read so far."""
        self.aliased = self.letters = 0
        """Values that aliases repeated so far, and characters in their texts and keys."""

    def refused(self, event: events.Event, message: str) -> InputRefused:
        return _refused(self.file, _place(event.start_mark), message)

    def document(self) -> Node:
        """Return the one mapping that the stream holds."""
        next(self.stream)
        if isinstance(next(self.stream), events.StreamEndEvent):
            raise refuse("the file is empty; it must hold keys with values, such as `title: Tea`.", self.file)
        top = next(self.stream)
        root = self.node(top, 0)
        next(self.stream)
        if not isinstance(after := next(self.stream), events.StreamEndEvent):
            raise self.refused(after, "a second document begins here; keep one.")
        if not isinstance(root.value, dict):
            raise self.refused(top, "the file must hold keys with values, such as `title: Tea`.")
        return root

    def node(self, event: events.Event, depth: int) -> Node:
        """Return the value that `event` begins, with `depth` lists and mappings around it."""
        if isinstance(event, events.ScalarEvent | events.CollectionStartEvent):
            return self.written(event, depth)
        assert isinstance(event, events.AliasEvent)  # nothing else begins a value
        return self.alias(event, depth)

    def written(self, event: events.ScalarEvent | events.CollectionStartEvent, depth: int) -> Node:
        """Return a value that is written out, and keep it for the aliases to come if it has an anchor."""
        if event.tag is not None:
            tag = one_line(event.tag.replace("tag:yaml.org,2002:", "!!"))
            raise self.refused(event, f'the tag "{tag}" is not allowed, as nothing is run or converted; remove it.')
        if event.anchor is not None:
            self.anchors[event.anchor] = None
        if isinstance(event, events.ScalarEvent):
            node = Node(_place(event.start_mark), self.scalar(event))
        else:
            self.check_depth(event, depth)
            node = self.collection(event, depth + 1)
        if event.anchor is not None:
            self.anchors[event.anchor] = node
        return node

    def scalar(self, event: events.ScalarEvent) -> Scalar:
        if strange := _STRANGE.search(event.value):  # by an escape such as "\0"
            raise self.refused(event, _not_allowed(strange[0]))
        if not event.implicit[0]:
            return event.value
        if _INTEGER.fullmatch(event.value) and len(event.value.lstrip("+-")) > MAX_DIGITS:
            raise self.refused(event, f"a number has at most {MAX_DIGITS} digits; put it in quotes if it is a text.")
        return _meaning(event.value)

    def collection(self, event: events.CollectionStartEvent, depth: int) -> Node:
        place = _place(event.start_mark)
        if isinstance(event, events.MappingStartEvent):
            return self.mapping(place, depth)
        return Node(place, [self.node(item, depth) for item in self.parts()])

    def parts(self) -> Iterator[events.Event]:
        """Yield the events that begin the items of a list or the keys of a mapping, up to its end."""
        for event in takewhile(lambda event: not isinstance(event, events.CollectionEndEvent), self.stream):
            self.values += 1
            if self.values > MAX_VALUES:
                raise self.refused(event, f"a file holds at most {MAX_VALUES:,} values; shorten it.")
            yield event

    def mapping(self, place: Place, depth: int) -> Node:
        values: dict[str, Node] = {}
        keys: dict[str | int, Place] = {}
        for event in self.parts():
            key = self.key(event, depth)
            if key in keys:
                twice = f'key "{one_line(key)}" occurs twice (first on line {keys[key][0]}); keep one.'
                raise self.refused(event, twice)
            keys[key] = _place(event.start_mark)
            values[key] = self.node(next(self.stream), depth)
        return Node(place, values, keys)

    def key(self, event: events.Event, depth: int) -> str:
        key = self.node(event, depth).value
        plain = isinstance(event, events.ScalarEvent) and event.implicit[0]
        if plain and key == "<<":
            raise self.refused(event, 'merging with "<<" is not supported; write the keys out.')
        if isinstance(key, str):
            return key
        raise self.refused(event, f"a key must be a text; {'put this one in quotes' if plain else 'write it out'}.")

    def alias(self, event: events.AliasEvent, depth: int) -> Node:
        name = one_line(event.anchor or "")
        if event.anchor not in self.anchors:
            raise self.refused(event, f'nothing above is marked "&{name}"; write the value out, or quote the "*".')
        node = self.anchors[event.anchor]
        if node is None:
            raise self.refused(event, f'"*{name}" stands inside "&{name}" and would never end; write the value out.')
        self.count(node, event, depth)
        return replace(node, place=_place(event.start_mark))

    def count(self, node: Node, event: events.AliasEvent, depth: int) -> None:
        """Check that what an alias repeats is neither too much nor too deep."""
        self.aliased += 1
        self.letters += node.letters()
        if self.aliased > MAX_ALIASED:
            raise self.refused(event, f"aliases may repeat at most {MAX_ALIASED} values; write the values out.")
        if self.letters > MAX_ALIASED_LETTERS:
            raise self.refused(event, f"aliases may repeat at most {MAX_ALIASED_LETTERS:,} characters; shorten them.")
        if isinstance(node.value, list | dict):
            self.check_depth(event, depth)
        for child in node.children():
            self.count(child, event, depth + 1)

    def check_depth(self, event: events.Event, depth: int) -> None:
        if depth >= MAX_DEPTH:
            raise self.refused(event, f"at most {MAX_DEPTH} lists and mappings may stand in one another; flatten this.")
