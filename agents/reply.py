"""What a model's text says: speech, (actions), *actions*, [thoughts]; cut where it begins to speak for somebody else.

A colon never cuts a line: only the name of another speaker at the start of a line does.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from scenes.chat import Completion
from scenes.event import EventKind, Flags

_THOUGHT = re.compile(r"([\[［](?:[^\[\]［］]|[\[［][^\]］]*(?:[\]］]|\Z))*+(?:[\]］]|\Z))")
"""Brackets inside a thought belong to it. One never closed lasts to the end: better unsaid than overheard."""
_ENDS = re.escape(".!?…:;—\"'”’)]*\n。！？：；）］】」』")
_MARKED = r"[(（](?:[^()（）]|[(（][^()（）]*[)）])*+[)）]|(?<!\*)\*[^*\n]+\*(?!\*)"
_CUT_SHORT = r"(?<!\*)[(（*](?=\S)[^()（）*\n]*\Z"
"""An action that the limit of the reply left open."""
_ACTION = re.compile(
    rf"((?:\A|(?<=[{_ENDS}]))[ \t]*(?:{_MARKED}|{_CUT_SHORT})"  # the first thing, or after the end of a sentence
    rf"|(?:{_MARKED})(?=[ \t]*(?:\n|\Z)))"  # the last thing
)
"""What stands apart. An aside inside a sentence (like this) and a *stressed* word are speech."""
_MARKS = r"(?:[^\w\n(（\[［]|_){0,8}"
"""Quotes, stars and dashes around a label."""
_BRACKETS = re.compile(r"\A[\[［(（*]|[\]］)）*]\Z")


@dataclass(frozen=True, slots=True)
class Reply:
    """The parts of a reply in their order, and for whom the model spoke besides, if it did."""

    parts: tuple[tuple[EventKind, str], ...]
    spoke_for: str | None = None


def read_reply(text: str, own: Iterable[str], others: Iterable[str]) -> Reply:
    """Return what the speaker known by the names `own` does in `text`, leaving out lines of any of `others`."""
    text = "\n".join(text.strip().splitlines())
    kept, spoke_for = _own_part(text, tuple(others))
    unlabelled = _label(tuple(own)).sub(r"\g<manner>", kept)
    return Reply(tuple((kind, words) for kind, words in _parts(unlabelled) if words), spoke_for)


def flags_of(completion: Completion, reply: Reply) -> Flags | None:
    """Say what was odd about a reply; one that was cut for speaking for others was not cut by its limit."""
    flags = Flags(
        spoke_for=reply.spoke_for,
        truncated=completion.finish_reason == "length" and reply.spoke_for is None,
        empty=not reply.parts,
        dropped=completion.dropped,
    )
    return None if flags == Flags() else flags


def prose(completion: Completion, own: Iterable[str], limit: int = 600) -> str:
    """Return what is written in a completion that is no line of dialogue: one paragraph, without marks and labels."""
    parts = read_reply(completion.text, own, ()).parts
    return " ".join(" ".join(words for _, words in parts).split())[:limit]


def _own_part(text: str, others: tuple[str, ...]) -> tuple[str, str | None]:
    label = _label(others).search(text)
    if label is None:
        return text, None
    return text[: label.start()], next(name for name in others if _same(name, label["name"]))


def _same(name: str, written: str) -> bool:
    return re.fullmatch(re.escape(name), written, re.IGNORECASE) is not None


@lru_cache(maxsize=1_000)
def _label(names: tuple[str, ...]) -> re.Pattern[str]:
    """Return what finds a line's label with any of `names`: `Pip:`, `[Pip]:`, `**Pip:**`, `Pip (laughs):`."""
    choices = "|".join(map(re.escape, sorted(names, key=len, reverse=True))) or r"(?!)"
    return re.compile(
        rf"""
        ^[ \t]*+ {_MARKS} (?P<open>\[)? (?P<name>{choices}) (?(open)\])
        {_MARKS}? (?P<manner>[(（\[［][^()（）\[\]［］\n]*[)）\]］])? {_MARKS}?
        [:：] (?:[*_]+(?=\s|\Z))? [ \t]*
        """,
        re.IGNORECASE | re.MULTILINE | re.VERBOSE,
    )


def _parts(text: str) -> Iterator[tuple[EventKind, str]]:
    for thought, piece in _split(_THOUGHT, text):
        if thought:
            yield "thought", _bare(piece)
        else:
            yield from _said_and_done(piece)


def _said_and_done(text: str) -> Iterator[tuple[EventKind, str]]:
    for action, piece in _split(_ACTION, text):
        yield ("action", _bare(piece)) if action else ("speech", piece.strip())


def _split(marked: re.Pattern[str], text: str) -> Iterator[tuple[bool, str]]:
    """Yield the pieces of `text` in order, each with whether it is what the one group of `marked` finds."""
    for at, piece in enumerate(marked.split(text)):
        yield at % 2 == 1, piece


def _bare(piece: str) -> str:
    return " ".join(_BRACKETS.sub("", piece.strip()).split())
