"""The lines of the cast in an episode: which calls brought them, and what of what was asked besides is no line."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby

from sandbox.purpose import INTERVIEW, purpose_of
from sandbox.record import StoredCall
from scenes.chat import Completion
from scenes.event import Event, Flags
from scenes.scene import told

_LINES = ("speak", "react")
_OTHERS = {
    "ask": "questions of a player outside the cast",
    "belief": "what a character believes, asked in private",
    "surroundings": "what a character believes, asked in private",
    "reflect": "what a character believes, asked in private",
    INTERVIEW: "answers in an interview",
}
NARRATION = "calls of the narrator"
DECISION = "decisions in a form"
FAILED = "calls that failed"


@dataclass(frozen=True)
class Line:
    """What one call let one of the cast do."""

    name: str
    call: StoredCall
    completion: Completion
    turn: int
    events: tuple[int, ...]
    """Indexes of what came of the call."""
    words: str
    """As the character reads it in its prompts from then on."""
    flags: Flags


def lines_of(events: Iterable[Event], calls: Mapping[str, StoredCall]) -> Iterator[Line]:
    """Yield the lines of the cast in the order in which they were said, empty ones among them."""
    asked = [event for event in events if event.call in calls]
    for key, group in groupby(asked, lambda event: event.call or ""):
        events, call = list(group), calls[key]
        if call.completion is None or other_than_line(call):
            continue
        own = [event for event in events if event.kind in ("speech", "action", "thought")]
        indexes, words = tuple(event.index for event in events), told(own).strip()
        yield Line(events[0].actor, call, call.completion, events[0].turn, indexes, words, _flags(own))


def _flags(events: list[Event]) -> Flags:
    return next((event.flags for event in events if event.flags), Flags())


def other_than_line(call: StoredCall) -> str | None:
    """Return what a call was that brought no line; None where it brought one."""
    if call.completion is None:
        return FAILED
    if call.request.form is not None:
        return DECISION
    parts, purpose = call.key.split("/"), purpose_of(call.key)
    if parts[1:2] == ["narrator"]:
        return NARRATION
    if purpose in _LINES:
        return None
    return _OTHERS.get(purpose, "other calls")
