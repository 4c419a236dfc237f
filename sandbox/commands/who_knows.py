"""`rolestage who-knows`."""

from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict
from pathlib import Path

from sandbox.knowledge import Knowledge, who_knows
from sandbox.record import Record
from sandbox.rows import EpisodeRow
from sandbox.run_folder import SCENARIO
from sandbox.screen import Screen, print_json, safe
from sandbox.transcript import varied
from scenes.clean import one_line
from scenes.loading import load
from scenes.problem import refuse


def tell(folder: Path, text: str, episode: int | None, as_json: bool) -> int:
    """Print how everybody could have learned `text`, episode by episode. Raises `InputRefused`."""
    with closing(Record(folder)) as record:
        source = load(folder / SCENARIO)
        states = [state for state in record.states() if episode in (None, state.id)]
        if not states:
            raise refuse("there is no such episode; `rolestage show` lists them.", str(folder))
        found = [(state, who_knows(text, source, state.id, record.events(state.id))) for state in states]
    if as_json:
        print_json([{"episode": state.id, "knowledge": [asdict(one) for one in known]} for state, known in found])
        return 0
    for state, known in found:
        _print(state, known)
    return 0


def _print(state: EpisodeRow, known: Sequence[Knowledge]) -> None:
    screen = Screen()
    screen.print(safe(f"episode {state.id}{varied(state)}", "bold"))
    for one in known:
        screen.print(safe(f"  {one.name} {_sentence(one)}"), soft_wrap=True)


def _sentence(one: Knowledge) -> str:
    if one.how is None:
        return "could not know it"
    if one.text is None:
        return "knew it from the start"
    when = f"in turn {one.turn}" if one.turn else "at the opening"
    how = {"did": "said or did it", "thought": "thought it"}.get(one.how, f"{one.how} it from {one.actor}")
    return f"{how} {when}: “{one_line(one.text, 120)}”"
