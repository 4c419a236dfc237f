"""A replay rebuilds a run from its record with no model, and names the first thing that is no longer the same."""

import asyncio
import json
import sqlite3
import sys
from collections.abc import Awaitable, Callable
from contextlib import closing
from pathlib import Path
from shutil import copytree

import pytest
from killing import begun, killed
from playing import carried_out, last_words, played

from agents.character import Character
from agents.prompts import chat
from sandbox.cli import main
from sandbox.record import Record
from sandbox.replay import Replayed, replay_all
from sandbox.store import DATABASE
from scenes.chat import Call, CallFailed, Request
from scenes.event import Draft

STORY = {
    "premise": "Two old rivals meet on the quay.",
    "vary": {"images.harbour.storybook.seed": {"range": [0, 2]}},
    "turns": 6,
    "layout": "images-first",
    "narrator": {"model": "storybook"},
    "turn_policy": "random",
}


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of two episodes."""
    return played(tmp_path_factory.mktemp("finished"), **STORY)


@pytest.fixture
def run(finished: Path, tmp_path: Path) -> Path:
    """A copy of it that a test may change."""
    return copytree(finished, tmp_path / "run")


def replayed(folder: Path) -> list[Replayed]:
    return asyncio.run(replay_all(folder))


def differences(folder: Path) -> list[str | None]:
    return [one.difference for one in replayed(folder)]


def check(folder: Path, monkeypatch: pytest.MonkeyPatch, *options: str) -> int:
    """Return the exit code of `rolestage replay --check`."""
    monkeypatch.setattr(sys, "argv", ["rolestage", "replay", str(folder), "--check", *options])
    with pytest.raises(SystemExit) as ended:
        main()
    assert isinstance(ended.value.code, int)
    return ended.value.code


def test_a_finished_run_is_rebuilt_event_by_event_and_request_by_request_with_no_model(
    run: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert replayed(run) == [Replayed(0, 7, 7, None), Replayed(1, 7, 7, None)]
    assert check(run, monkeypatch) == 0
    assert "2 of 2 episodes are rebuilt exactly, with no model: 14 events, 14 requests." in capsys.readouterr().out


def test_a_replay_changes_nothing_of_the_run(run: Path) -> None:
    def files() -> dict[str, bytes]:
        """Return the files of the run but for the empty journal that a reader of SQLite leaves."""
        return {file.name: file.read_bytes() for file in run.rglob("*.*") if file.suffix in (".db", ".yaml", ".png")}

    before = files()
    replayed(run)
    assert files() == before


def with_another_rule(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(chat, "RULES", chat.RULES.replace("Give one reply", "Give one answer"))


def test_one_changed_word_of_a_layout_is_named_with_its_episode_call_segment_and_both_words(
    run: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with_another_rule(monkeypatch)
    with closing(Record(run)) as record:
        speaker = record.events(0)[1].call
    words = 'after "square ones. Give one" recorded "reply,", now "answer,"'
    told = f"{speaker}: segment 0 of the prompt (global) changed: {words}"
    assert differences(run)[0] == told
    assert check(run, monkeypatch) == 1
    assert f"episode 0: {told}" in capsys.readouterr().out
    assert check(run, monkeypatch, "--json") == 1
    assert json.loads(capsys.readouterr().out)["episodes"][0]["difference"] == told


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("premise: Two old rivals", "premise: Two new rivals", 'recorded "old", now "new"'),
        ("loud, stubborn and fair", "loud, stubborn and mean", 'recorded "fair,", now "mean,"'),
        ("turns: 6", "turns: 7", "speak is not on record"),
        ("turns: 6", "turns: 5", "event 6: recorded {"),
        ("layout: images-first", "layout: compact", "segment 0 of the prompt"),
        ("title: Two on the quay", "title: Two on the quay\nseed: 8", "t00/narrator/open: "),
        ("title: Two on the quay", "title: Two on the quay\nsampling: {temperature: 0.1}", "model, sampling or seed"),
        ("range:\n    - 0\n    - 2", "range:\n    - 1\n    - 3", "t00/narrator/open: "),
    ],
)
def test_a_changed_scenario_is_noticed_and_the_first_difference_named(old: str, new: str, told: str, run: Path) -> None:
    file = run / "run.yaml"
    text = file.read_text("utf-8")
    assert old in text
    file.write_text(text.replace(old, new), "utf-8")
    found = next(filter(None, differences(run)))
    assert told in found
    assert "\n" not in found


@pytest.mark.parametrize("kill", [1, 2, 3, 5, 8, 13, 16])
def test_a_killed_run_is_replayed_up_to_where_it_got(kill: int, tmp_path: Path) -> None:
    folder = begun(tmp_path, **STORY)
    (dead,) = killed([folder], [[kill]], concurrency=1)
    with closing(Record(dead)) as record:
        stored = [len(record.events(state.id)) for state in record.states()]
    assert [(one.events, one.difference) for one in replayed(dead)] == [(events, None) for events in stored]


def test_an_opening_that_was_played_and_not_stored_is_no_difference(tmp_path: Path) -> None:
    opening = [{"Brack": "Evening."}, {"Pip": "Evening, captain."}]
    folder = begun(tmp_path, opening=opening)
    (dead,) = killed([folder], [[3]])
    with closing(sqlite3.connect(dead / DATABASE, isolation_level=None)) as database:
        database.execute("DELETE FROM events")
    assert replayed(dead) == [Replayed(0, 0, 0, None)]


@pytest.mark.parametrize("error", [CallFailed("no answer"), LookupError("lost")])
def test_a_failed_episode_fails_again_in_the_same_place(error: Exception, tmp_path: Path) -> None:
    def answer(request: Request) -> str:
        if len(request.prompt.segments()) > 7:
            raise error
        return last_words(request)

    folder = played(tmp_path, answer, turns=6, layout="images-first")
    with closing(Record(folder)) as record:
        (state,) = record.states()
        assert state.status == "failed"
        events = len(record.events(0))
    assert events == 2
    assert [(one.events, one.difference) for one in replayed(folder)] == [(events, None)]


def broken_in(turn: str) -> Callable[[Character, Call, str], Awaitable[list[Draft]]]:
    """Return how a character speaks that breaks in this turn."""
    speak = Character.speak

    async def broken(character: Character, call: Call, key: str) -> list[Draft]:
        if key.startswith(turn):
            raise LookupError("nobody is left")
        return await speak(character, call, key)

    return broken


def test_an_episode_that_a_defect_ended_is_replayed_up_to_there_whether_the_defect_is_mended_or_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(Character, "speak", broken_in("t03"))
        folder = played(tmp_path, turns=4)
        assert differences(folder) == [None]
    assert differences(folder) == [None]


def test_a_defect_that_came_into_the_program_since_is_a_difference(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Character, "speak", broken_in("t01"))
    told = "the episode fails: LookupError: nobody is left; on record it is done"
    assert differences(run) == [told, told]


def test_a_failure_that_play_now_goes_beyond_is_a_difference(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Character, "speak", broken_in("t03"))
    folder = played(tmp_path, turns=4)
    file = folder / "run.yaml"
    file.write_text(file.read_text("utf-8").replace("turns: 4", "turns: 2"), "utf-8")
    told = "the episode is played to its end; on record it is failed: LookupError: nobody is left"
    assert differences(folder) == [told]


def test_another_reading_of_the_same_reply_is_a_difference(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    speak = Character.speak

    async def shouted(character: Character, call: Call, key: str) -> list[Draft]:
        drafts = await speak(character, call, key)
        return [draft.model_copy(update={"text": draft.text.upper()}) for draft in drafts]

    monkeypatch.setattr(Character, "speak", shouted)
    file = run / "run.yaml"
    file.write_text(file.read_text("utf-8").replace("turns: 6", "turns: 1"), "utf-8")
    found = differences(run)[0]
    assert found is not None
    assert found.startswith("event 1: recorded {")
    assert "LINE" in found


def test_a_resumed_run_is_rebuilt_as_one_that_was_never_cut(tmp_path: Path) -> None:
    folder = begun(tmp_path, **STORY)
    (dead,) = killed([folder], [[7, 9]])
    carried_out(dead)
    assert replayed(dead) == [Replayed(0, 7, 7, None), Replayed(1, 7, 7, None)]
