"""`rolestage who-knows`."""

from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict
from pathlib import Path

from sandbox.episode import legs_of
from sandbox.knowledge import Knowledge, who_knows
from sandbox.purpose import is_of_interview
from sandbox.record import Record
from sandbox.rows import EpisodeRow
from sandbox.run_folder import SCENARIO
from sandbox.screen import Screen, print_json, safe
from sandbox.transcript import is_unseen, varied
from scenes.clean import one_line
from scenes.event import INTERVIEWER, NARRATOR, Event
from scenes.loading import load
from scenes.problem import refuse


def tell(folder: Path, text: str, episode: int | None, as_json: bool) -> int:
    """Print how everybody could have learned `text`, episode by episode. Raises `InputRefused`."""
    if not text.strip():
        raise refuse("there is nothing to look for in a blank text; write a word that somebody could know.")
    with closing(Record(folder)) as record:
        source = load(folder / SCENARIO)
        states = [state for state in record.states() if episode in (None, state.id)]
        if not states:
            raise refuse("there is no such episode; `rolestage show` lists them.", str(folder))
        branches = record.branches()
        played = [(state, record.events(state.id)) for state in states]
    found = [
        (state, events, who_knows(text, source, legs_of(source, state.id, branches), events))
        for state, events in played
    ]
    if as_json:
        print_json([{"episode": state.id, "knowledge": [asdict(one) for one in known]} for state, _, known in found])
        return 0
    for one in found:
        _print(*one)
    return 0


def _print(state: EpisodeRow, events: Sequence[Event], known: Sequence[Knowledge]) -> None:
    screen = Screen()
    screen.print(safe(f"episode {state.id}{varied(state)}", "bold"))
    for one in known:
        screen.print(safe(f"  {one.name} {_sentence(one, events)}"), soft_wrap=True)


def _sentence(one: Knowledge, events: Sequence[Event]) -> str:
    if one.how is None:
        return "could not know it"
    if one.text is None:
        return f"knew it when it came in, in turn {one.turn}" if one.turn else "knew it from the start"
    event = next(event for event in events if _is_source(event, one))
    return f"{_way(event, one)} {_when(event)}: “{one_line(event.text, 120)}”"


def _is_source(event: Event, one: Knowledge) -> bool:
    """Return whether `one` is known from `event`, which somebody may have perceived under an earlier name."""
    where = (event.turn, event.actor, event.text)
    return where == (one.turn, one.actor, one.text) and one.how in event.visible_to.values()


def _when(event: Event) -> str:
    if is_of_interview(event):
        return "in private"
    return f"in turn {event.turn}" if event.turn else "at the opening"


def _way(event: Event, one: Knowledge) -> str:
    """Return how somebody came to know of `event`."""
    if is_of_interview(event):
        return "was asked it" if event.actor == INTERVIEWER else "answered it"
    if event.image:
        return "was told it with a picture"
    if one.how == "thought":
        return "came to believe it" if is_unseen(event) else "thought it"
    if event.actor == NARRATOR:
        return "was told it by the narrator" if one.how == "was told" else "was there as it happened"
    if one.how == "heard":
        return f"heard it from {event.actor}, whispered," if event.to else f"heard it from {event.actor}"
    return {"did": "said or did it", "saw": f"saw {event.actor} do it"}.get(
        one.how or "", f"was told it by {event.actor}"
    )
