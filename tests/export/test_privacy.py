"""A row of one character holds nothing that only another knows: planted secrets, told and whispered at will."""

import json
from contextlib import closing, suppress
from pathlib import Path
from random import Random

import pytest
from exporting import exported, origins_of, rows_of, texts_of
from hypothesis import HealthCheck, given, settings
from playing import carried_out, new_run, written
from privacy.answers import strings_in
from privacy.plays import NAMES, Play, painted, plays

from sandbox.engines.scripted import dry_answer
from sandbox.record import Record
from scenes.chat import Request
from scenes.event import Event
from scenes.loading import load
from scenes.problem import InputRefused

PRIVATE = ("secret-of-", "private-of-", "think-")


def telltale(request: Request) -> str:
    """Answer with what the prompt holds: thought, whispered to somebody or said aloud."""
    if request.form is not None:
        return dry_answer(request)
    chance = Random(request.digest())
    known = sorted(set().union(*(strings_in(segment.text) for segment in request.prompt.segments())))
    told = chance.choice([one for one in known if one.startswith(PRIVATE)] or ["nothing"])
    thought = f"[think-{request.seed % 10**6}]"
    whisper = f"(whispers to {chance.choice(NAMES)}) {told}."
    return f"{thought} {chance.choice([whisper, whisper, f'Know this: {told}.', 'Aye.'])}"


def perceived(events: tuple[Event, ...], name: str) -> set[str]:
    return set().union(*(strings_in(event.text) for event in events if name in event.visible_to))


def run_of(play: Play, is_shared: bool, folder: Path) -> Path | None:
    """Play it in a layout that keeps apart what is somebody's own, or is one text for all; None if it cannot be."""
    layouts = ["cast-first"] if is_shared else ["images-first", "compact", "mmrole"]
    layout = Random(json.dumps(play.scenario)).choice(layouts)
    scenario = play.scenario | {"turns": min(8, play.scenario["turns"]), "layout": layout}
    if (scenario.get("player") or {}).get("person"):
        return None
    try:
        run = new_run(load(written(folder, **scenario)), folder / "runs")
    except InputRefused:
        return None
    carried_out(run, telltale)
    return run


def told_of_others(run: Path) -> tuple[set[str], int]:
    """Return what is private and not its own in rows of the run, and how many rows there are. Fails at a leak."""
    report, found = exported(run), set[str]()
    with closing(Record(run)) as record:
        events = {state.id: record.events(state.id) for state in record.states()}
    for row, origin in zip(rows_of(report), origins_of(report), strict=True):
        name = origin["character"]
        known = perceived(events[origin["episode"]], name)
        own = {f"{what}{name}" for what in PRIVATE}
        told = {one for one in strings_in(texts_of(row)) if one.startswith(PRIVATE)} - own
        assert told <= known, (name, told - known)
        found |= {one for one in told if not one.startswith("think-")}
    return found, report.rows


@pytest.mark.parametrize("is_shared", [False, True])
def test_a_row_holds_what_its_character_perceived_or_is_its_own(tmp_path: Path, is_shared: bool) -> None:
    painted(tmp_path)
    rows: list[int] = []
    heard: set[str] = set()

    @given(plays(is_shared))
    @settings(
        max_examples=30, deadline=None, derandomize=True, database=None, suppress_health_check=[HealthCheck.too_slow]
    )
    def look(play: Play) -> None:
        run = run_of(play, is_shared, tmp_path)
        if run is None:
            return
        with suppress(InputRefused):  # the narrator ended it before a word was said
            found, count = told_of_others(run)
            heard.update(found)
            rows.append(count)

    look()
    assert len(rows) > 15
    assert sum(rows) > 40
    assert is_shared or len(heard) > 2
