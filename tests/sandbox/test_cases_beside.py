"""What a case knows of another run: its reply to the very same prompt, and to no other."""

import json
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from commanding import commanded
from playing import played
from scored import judged

from sandbox.record import Record
from scenes.chat import Request
from scorers.mmrole.scorer import MMRole


def talk(folder: Path, line: str, **changes: Any) -> Path:
    return played(folder, lambda request: line, **changes)


def ratios(folder: Path) -> list[tuple[float | None, str | None]]:
    with closing(Record(folder)) as record:
        scores = record.scores(record.scorers()[0].id, 0)
    return [(score.value, score.reason) for score in scores if score.metric == "fluency"]


def test_a_reply_is_compared_with_the_other_runs_reply_to_the_same_prompt(tmp_path: Path) -> None:
    run, other = talk(tmp_path / "a", "Aye, a boat."), talk(tmp_path / "b", "I see a boat.")
    shown = []

    def judge(request: Request) -> str:
        shown.append("\n".join(segment.text for segment in request.prompt.segments()))
        return "[Scores]: (8, 10)"

    judged(run, MMRole(reference=f"run:{other}"), answer=judge)
    assert ratios(run) == [(0.8, "8 against 10"), *[(None, "the other run has no reply to the same prompt")] * 3]
    assert len(shown) == 8
    assert all("> Aye, a boat." in text and "> I see a boat." in text for text in shown)


def test_judgements_of_the_other_run_are_no_replies(tmp_path: Path) -> None:
    run = talk(tmp_path / "a", "Aye, a boat.")
    judged(run, MMRole(reference=f"run:{run}"), answer=lambda request: "[Scores]: (8, 10)")
    with closing(Record(run)) as record:
        assert set(record.replies().values()) == {"Aye, a boat."}


def test_a_folder_that_is_no_run_is_said_once_and_without_a_traceback(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    summary = judged(talk(tmp_path / "a", "Aye."), MMRole(reference=f"run:{tmp_path}"))
    ((why, count),) = summary.scorers[0].errors.items()
    assert (count, "this is no run" in why) == (1, True)
    assert not caplog.records


def test_scores_by_several_references_stand_apart_and_each_says_which_is_its_own(tmp_path: Path) -> None:
    run = talk(tmp_path / "a", "Aye, a boat.")
    others = [talk(tmp_path / name, f"I see a boat, says {name}.") for name in ("b", "c")]
    for other in others:
        judged(run, MMRole(reference=f"run:{other}"), answer=lambda request: "[Scores]: (8, 10)")
    shown, lines = commanded("scores", run).out, json.loads(commanded("scores", run, "--json").out)
    assert all(f"reference=run:{other}" in shown.replace("\n", "") for other in others)
    assert {line["options"]["reference"] for line in lines} == {f"run:{other}" for other in others}
    assert {line["attempted"] for line in lines if line["metric"] == "fluency"} == {4}
