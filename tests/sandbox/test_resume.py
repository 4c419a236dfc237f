"""What a killed, failed or cut off run gives when it is played on: the same as one that nothing happened to."""

import asyncio
import sqlite3
import subprocess
import sys
from collections.abc import Iterable, Sequence
from contextlib import closing
from pathlib import Path
from shutil import copytree, rmtree

import killing
import pytest
from commanding import commanded
from killing import (
    Shown,
    Unbroken,
    answered,
    assert_nothing_is_lost,
    begun,
    contents,
    copies,
    killed,
    lost,
    resumed,
    unbroken_run,
)
from playing import Answer, carried_out, last_words, played

from agents.character import Character
from sandbox.engines.engine import EngineDied
from sandbox.errors import EXIT_CODES
from sandbox.record import Record
from sandbox.rows import Batch
from scenes.chat import Call, CallFailed, Request
from scenes.event import Draft
from scenes.sights import drawn
from scenes.storybook.drawing import draw_lots

EIGHT = {
    "vary": {"images.harbour.storybook.seed": {"range": [0, 4]}},
    "episodes": 2,
    "turns": 24,
    "narrator": {"model": "storybook"},
    "turn_policy": "random",
}
"""Eight episodes of 27 batches each: the beginning, the opening, 24 turns, the end."""


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of eight episodes of which nothing was played."""
    return begun(tmp_path_factory.mktemp("eight"), **EIGHT)


@pytest.fixture(scope="module")
def unbroken(template: Path) -> Unbroken:
    return unbroken_run(template)


@pytest.mark.parametrize(
    ("concurrency", "kills"),
    [
        (8, [1, 2, 3, 9, 17, 50, 100, 151, 200, 214, 215, 216]),
        (1, [1, 2, 27, 28, 80, 216]),
        pytest.param(8, range(1, 201), marks=pytest.mark.slow),
        pytest.param(1, range(3, 217, 10), marks=pytest.mark.slow),
    ],
)
def test_a_run_killed_at_any_commit_has_lost_nothing_shown_and_ends_as_an_unbroken_one(
    concurrency: int, kills: Iterable[int], template: Path, unbroken: Unbroken, tmp_path: Path
) -> None:
    lives = [[kill] for kill in kills]
    folders = killed(copies(template, len(lives), tmp_path), lives, concurrency)
    seen = [assert_nothing_is_lost(folder, unbroken) for folder in folders]
    assert len(seen) == len(lives)
    assert max(seen) > 180  # the latest kill leaves some commits that show nothing new: beginnings and ends


def test_a_run_whose_resumes_are_killed_too_still_ends_as_an_unbroken_one(
    template: Path, unbroken: Unbroken, tmp_path: Path
) -> None:
    lives = [[40, 40, 41, 60], [1, 2, 3, 1], [120, 119, 118, 200], [215, 3, 2, 1], [7] * 12]
    for folder in killed(copies(template, len(lives), tmp_path), lives, 8):
        assert_nothing_is_lost(folder, unbroken)


def test_a_run_killed_while_its_store_was_made_is_played_as_if_it_were_new(tmp_path: Path) -> None:
    template = begun(tmp_path)
    whole = copytree(template, tmp_path / "whole")
    carried_out(whole)
    folders = copies(template, 16, tmp_path)
    subprocess.run([sys.executable, killing.__file__, *map(str, folders)], check=True)
    for folder in folders:
        carried_out(folder)
        assert contents(folder) == contents(whole)
        with closing(Record(folder)) as record:
            assert record.meta()["title"] == "Two on the quay"


DOOMED = {
    "vary": {"premise": ["A calm day.", "A doomed day.", "Another calm day."]},
    "layout": "images-first",
    "turns": 4,
}


def failing_on_doomed_days(error: Exception) -> Answer:
    """Return an answer that raises `error` in the third turn of the episodes with that premise."""

    def answer(request: Request) -> str:
        texts = [segment.text for segment in request.prompt.segments()]
        if any("A doomed day." in text for text in texts) and _turn(request) == 3:
            raise error
        return last_words(request)

    return answer


def _turn(request: Request) -> int:
    return 1 + sum(segment.stability == "history" for segment in request.prompt.segments())


@pytest.mark.parametrize("concurrency", [1, 8])
def test_a_failed_call_ends_its_episode_alone_and_is_kept_under_its_key(concurrency: int, tmp_path: Path) -> None:
    folder = begun(tmp_path, **DOOMED)
    summary = carried_out(folder, failing_on_doomed_days(CallFailed("no\udc80 answer")), concurrency=concurrency)
    assert (summary.done, summary.failed, summary.failed_calls) == (2, 1, 1)
    assert summary.errors == {"no\ufffd answer": 1}
    with closing(Record(folder)) as record:
        assert [(state.status, state.error) for state in record.states()] == [
            ("done", None),
            ("failed", "no\ufffd answer"),
            ("done", None),
        ]
        assert [event.turn for event in record.events(1)] == [1, 2]
        failure = record.answers(1, failures=True)["t03/captainbrack/speak"]
        assert (failure.completion, failure.error) == (None, "no\ufffd answer")
        assert "t03/captainbrack/speak" not in record.answers(1)


def test_a_resume_asks_failed_calls_again_and_nothing_else(tmp_path: Path) -> None:
    folder = begun(tmp_path, **DOOMED)
    whole = copytree(folder, tmp_path / "whole")
    carried_out(whole)
    carried_out(folder, failing_on_doomed_days(CallFailed("no answer")))
    known = answered(folder)
    assert resumed(folder) == answered(whole) - known
    assert len(known) == 10
    assert contents(folder) == contents(whole)


def test_a_resume_that_fails_again_keeps_the_new_reason(tmp_path: Path) -> None:
    folder = begun(tmp_path, **DOOMED)
    carried_out(folder, failing_on_doomed_days(CallFailed("the first reason")))
    carried_out(folder, failing_on_doomed_days(CallFailed("the second reason")))
    with closing(Record(folder)) as record:
        assert record.states()[1].error == "the second reason"
        assert [call.error for call in record.calls(1)] == [None, None, "the second reason"]


def test_a_defect_in_an_agent_fails_its_episode_with_the_reason_and_leaves_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    speak = Character.speak

    async def broken(character: Character, call: Call, key: str) -> list[Draft]:
        if character.view.premise == "A doomed day." and key.startswith("t03/"):
            raise LookupError("nobody \x1b[31mis left")
        return await speak(character, call, key)

    folder = begun(tmp_path, **DOOMED)
    with monkeypatch.context() as patch:
        patch.setattr(Character, "speak", broken)
        summary = carried_out(folder)
    assert (summary.done, summary.failed) == (2, 1)
    assert summary.errors == {"LookupError: nobody \x1b[31mis left": 1}
    assert "in broken" in caplog.text
    assert "\x1b" not in caplog.text
    with closing(Record(folder)) as record:
        assert [event.turn for event in record.events(1)] == [1, 2]


def test_a_changed_scenario_fails_the_episodes_it_changes_and_mended_they_go_on(tmp_path: Path) -> None:
    folder = begun(tmp_path, **DOOMED)
    whole = copytree(folder, tmp_path / "whole")
    carried_out(whole)
    carried_out(folder, failing_on_doomed_days(CallFailed("no answer")))
    file = folder / "run.yaml"
    text = file.read_text("utf-8")
    file.write_text(text.replace("A doomed day.", "A mild day."), "utf-8")
    summary = carried_out(folder)
    assert (summary.failed, summary.calls) == (1, 0)
    assert "the request t01/captainbrack/speak is not the one on record" in next(iter(summary.errors))
    file.write_text(text, "utf-8")
    carried_out(folder)
    assert contents(folder) == contents(whole)


@pytest.mark.parametrize("concurrency", [1, 8])
def test_a_dead_engine_ends_the_run_with_all_that_was_shown_safe(concurrency: int, tmp_path: Path) -> None:
    folder = begun(tmp_path, **DOOMED)
    whole = copytree(folder, tmp_path / "whole")
    carried_out(whole)
    display = Shown()
    with pytest.raises(EngineDied, match="out of memory") as died:
        carried_out(folder, failing_on_doomed_days(EngineDied("out of memory")), 3, concurrency, display)
    assert EXIT_CODES[died.type] == 5
    assert len(display.events) >= 2
    assert lost(display.events, folder) == []
    with closing(Record(folder)) as record:
        assert record.states()[1].status == "playing"
    carried_out(folder)
    assert contents(folder) == contents(whole)


def test_a_display_that_fails_ends_the_run_and_nothing_is_lost(tmp_path: Path) -> None:
    class Torn(Shown):
        def committed(self, batches: Sequence[Batch]) -> None:
            super().committed(batches)
            if len(self.events) > 3:
                raise BrokenPipeError("nobody reads on")

    async def slow(request: Request) -> str:
        await asyncio.sleep(0.005)
        return last_words(request)

    folder = begun(tmp_path, **DOOMED)
    whole = copytree(folder, tmp_path / "whole")
    carried_out(whole)
    display = Torn()
    with pytest.raises(BrokenPipeError):
        carried_out(folder, slow, concurrency=1, display=display)
    assert lost(display.events, folder) == []
    assert len(answered(folder)) < len(answered(whole))
    carried_out(folder)
    assert contents(folder) == contents(whole)


def test_a_run_needs_nothing_outside_its_folder_to_be_played_on(tmp_path: Path) -> None:
    scenario = tmp_path / "scenario"
    scenario.mkdir()
    (scenario / "harbour.png").write_bytes(drawn(draw_lots(7), 128).png)
    (scenario / "wren.yaml").write_text("name: Wren\nrole: a pilot\n", "utf-8")
    folder = begun(
        tmp_path,
        images={"harbour": {"file": "harbour.png"}},
        cast=[
            {"character": "wren.yaml", "sees": [{"image": "harbour", "crop": [0, 0, 64, 64]}]},
            {"character": "storybook/pip"},
        ],
    )
    whole = copytree(folder, tmp_path / "whole")
    carried_out(whole)
    (dead,) = killed([folder], [[4]])
    rmtree(scenario)
    carried_out(dead)
    assert contents(dead) == contents(whole)
    assert len(list((dead / "images").glob("*.png"))) == 2


def test_resume_of_a_finished_run_that_lacks_an_event_is_refused(tmp_path: Path) -> None:
    run = played(tmp_path)
    with sqlite3.connect(run / "run.db") as database:
        database.execute('DELETE FROM events WHERE "index"=1')
    database.close()
    refused = commanded("resume", run)
    assert (refused.code, refused.out) == (4, "")
    assert refused.err == f"{run / 'run.db'} lacks an event of episode 0; restore the run from a copy.\n"
