"""What a model's text says: speech, (actions), *actions*, [thoughts]; cut where it begins to speak for somebody else.

A colon never cuts a line: only the name of another speaker at the start of a line does.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from scenes.event import EventKind

_MARKED = re.compile(
    r"\[(?P<thought>[^\[\]]+)\]"
    r"|\((?P<round>[^()]+)\)"
    r"|(?<!\*)\*(?P<star>[^*\n]+)\*(?!\*)"
)
_SENTENCE_ENDS = ".!?…:;。!?\"'”’)]*—\n"


@dataclass(frozen=True, slots=True)
class Reply:
    """The parts of a reply in their order, and for whom the model spoke besides, if it did."""

    parts: tuple[tuple[EventKind, str], ...]
    spoke_for: str | None = None


def read_reply(text: str, own: Iterable[str], others: Iterable[str]) -> Reply:
    """Return what the speaker known by the names `own` does in `text`, leaving out lines of any of `others`."""
    text = _without_label(text.strip(), own)
    kept, spoke_for = _own_part(text, others)
    return Reply(tuple(_parts(kept)), spoke_for)


def _label(names: Iterable[str]) -> str:
    choices = "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))
    return rf"(?:\[(?:{choices})\]|\*\*(?:{choices})\*\*|(?:{choices}))[ \t]*[:\uff1a]"


def _without_label(text: str, own: Iterable[str]) -> str:
    label = re.match(_label(own), text, re.IGNORECASE)
    return text[label.end() :].lstrip() if label else text


def _own_part(text: str, others: Iterable[str]) -> tuple[str, str | None]:
    names = list(others)
    label = re.search(rf"^[ \t]*({_label(names)})", text, re.IGNORECASE | re.MULTILINE) if names else None
    if label is None:
        return text, None
    said = label[1].rstrip(":\uff1a \t").strip("[]*").casefold()
    return text[: label.start()].rstrip(), next(name for name in names if name.casefold() == said)


def _parts(text: str) -> Iterator[tuple[EventKind, str]]:
    at = 0
    for mark in _MARKED.finditer(text):
        kind = _kind(mark, text)
        if kind is None:
            continue
        yield from _spoken(text[at : mark.start()])
        yield kind, " ".join((mark["thought"] or mark["round"] or mark["star"]).split())
        at = mark.end()
    yield from _spoken(text[at:])


def _kind(mark: re.Match[str], text: str) -> EventKind | None:
    """An aside inside a sentence (like this) and a *stressed* word are speech; what stands apart is an action."""
    if mark["thought"]:
        return "thought"
    before, after = text[: mark.start()].rstrip(" \t"), text[mark.end() :].lstrip(" \t")
    apart = not before or before[-1] in _SENTENCE_ENDS or not after or after[0] == "\n"
    return "action" if apart else None


def _spoken(text: str) -> Iterator[tuple[EventKind, str]]:
    words = text.strip()
    if words:
        yield "speech", words
