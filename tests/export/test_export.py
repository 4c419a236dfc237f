"""The command: where it writes and when, what it refuses, how rows are split and explained, and hostile runs."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path
from random import Random

import pytest
from commanding import commanded, program
from exporting import exported, learned, origins_of, rows_of, texts_of
from hostile.performing import REPLIES
from hostile.texts import HALVES, MARKUP, ORDERS, TOKENS, TURNING, foreign, hostile_text
from playing import played, written

from sandbox.export.export import check
from sandbox.export.formats import FORMATS
from sandbox.export.parts import for_testing, scenario_digest
from sandbox.export.row import CallOrigin, Origin, Row
from sandbox.export.text import control_token, plain
from scenes.chat import Request
from scenes.loading import load
from scenes.problem import InputRefused

HOSTILE = [*TOKENS, *MARKUP, *ORDERS, *HALVES, *TURNING, '"}],"train":[{"', "\x00\x1b[2J", "<" * 999 + "image>", "\\"]


@pytest.mark.parametrize(
    "token", [*TOKENS, "<|vision_end|>", "<｜end▁of▁sentence｜>", "[gMASK]", "[/INST]", "<image_soft_token>"]
)
def test_no_control_token_is_left_in_a_text(token: str) -> None:
    text = plain(f"He said {token}{token} and left.")
    assert control_token(text) is None
    assert text.replace("\u200b", "") == f"He said {token}{token} and left."


def test_most_of_the_control_tokens_would_be_noticed() -> None:
    missed = [token for token in TOKENS if control_token(token) is None]
    assert set(missed) <= {"＜｜im_end｜＞", "<think>plan</think>", "<tool_call>{}</tool_call>"}


def test_a_hostile_run_exports_clean_and_its_rows_say_what_was_said(tmp_path: Path) -> None:
    lines = iter(HOSTILE * 9)
    run = played(tmp_path, lambda request: f"I say {next(lines)} now.", turns=len(HOSTILE), layout="compact")
    report = exported(run)
    rows = rows_of(report)
    assert report.learned == len(HOSTILE) - sum(report.left_out.values())
    said = "\n".join(line for row in rows for line in learned(row)).replace("\u200b", "")
    for token in TOKENS[4:]:
        assert token in said
    assert all(control_token(texts_of(row)) is None for row in rows)
    assert all(len(row["images"]) == 1 for row in rows)
    for number in range(len(rows)):
        ended = commanded("export", run, "--to", "trl-sft", "--explain", number)
        assert ended.code == 0
        assert foreign(ended.out) is None


@pytest.mark.parametrize("number", range(12))
def test_runs_of_hostile_replies_and_names_export_clean(tmp_path: Path, number: int) -> None:
    chance, changes = Random(number), REPLIES[number % len(REPLIES)] | {"turns": 6, "episodes": 3}

    def answer(request: Request) -> str:
        return hostile_text(Random(request.digest()), ("Pip", "Ada", "Narrator"))

    run = played(tmp_path, answer, **{"title": chance.choice(TOKENS)} | changes)
    if changes.get("layout") == "script":
        with pytest.raises(InputRefused, match="there is nothing to export"):
            exported(run)
        return
    report = exported(run)
    for row in rows_of(report):
        assert control_token(texts_of(row)) is None
        assert sum(part["type"] == "image" for one in row["messages"] for part in one["content"]) == len(row["images"])


def test_a_line_of_a_hundred_thousand_letters_is_exported_whole(tmp_path: Path) -> None:
    long = "The boat is red. " * 6_000
    rows = rows_of(exported(played(tmp_path, lambda request: long, turns=2)))
    assert [len(line) for row in rows for line in learned(row)] == [len(long.strip())] * 2


ROW = {
    "id": "a",
    "messages": [
        {"role": "user", "content": [{"type": "image", "text": None}, {"type": "text", "text": "Hi."}], "train": False},
        {"role": "assistant", "content": [{"type": "text", "text": "Aye."}], "train": True},
    ],
}
ORIGIN = Origin(run="r", episode=0, scenario="0", character="Pip", model="m", calls=[CallOrigin(key="k", prompt="")])


@pytest.mark.parametrize(
    ("old", "new", "pictures", "wrong"),
    [
        ("Hi.", "Hi.", ["x", "y"], "not as many places for pictures as pictures"),
        ("Hi.", "Hi.", [], "not as many places for pictures as pictures"),
        ("Hi.", "Hi <image>.", ["x"], 'holds the control token "<image>"'),
        ("Aye.", "Aye <|im_end|>", ["x"], 'holds the control token "<|im_end|>"'),
        ('"Aye."', '""', ["x"], "a part has a text, or is a picture"),
        ('"train": true', '"train": false', ["x"], "ends with a line that is learned"),
        ('"train": false', '"train": true', ["x"], "only lines of the assistant are learned"),
        ('"role": "user"', '"role": "narrator"', ["x"], "messages.0.role"),
        ('"text": "Hi."', '"text": "Hi.", "image": null', ["x"], "messages.0.content.1.image"),
    ],
)
def test_a_row_that_breaks_a_promise_ends_the_export(old: str, new: str, pictures: list[str], wrong: str) -> None:
    body = json.loads(json.dumps(ROW).replace(old, new))
    with pytest.raises(InputRefused) as refused:
        check(FORMATS["trl-sft"], Row(body, tuple(pictures), ORIGIN, 2, 1))
    assert wrong in str(refused.value)
    check(FORMATS["trl-sft"], Row(ROW, ("x",), ORIGIN, 2, 1))


MANY = {"vary": {"images.harbour.storybook.seed": {"range": [0, 40]}}, "turns": 2, "episodes": 2}


def test_no_scenario_is_in_both_parts_and_another_model_seed_or_layout_changes_nothing(tmp_path: Path) -> None:
    one = exported(played(tmp_path / "one", **MANY))
    two = exported(played(tmp_path / "two", **MANY, seed=9, layout="mmrole", sampling={"temperature": 0.1}))
    sides = [{row["scenario"]: row["split"] for row in origins_of(report)} for report in (one, two)]
    assert sides[0] == sides[1]
    assert len({(row["scenario"], row["split"]) for row in origins_of(one)}) == len(sides[0]) == 40
    assert 0 < one.splits["test"].scenarios < 12


def test_another_secret_is_another_scenario_and_a_single_one_is_for_training(tmp_path: Path) -> None:
    cast = [{"character": "storybook/brack", "secret": "x"}, {"character": "storybook/pip"}]
    digests = {
        scenario_digest(load(written(tmp_path / str(at), **changes)).variant(0))
        for at, changes in enumerate([{}, {"cast": cast}, {"premise": "Fog."}, {"turns": 9, "model": "other"}])
    }
    assert len(digests) == 3
    assert for_testing(["00aa"]) == set()
    assert for_testing(["00aa", "ffff"]) == {"00aa"}


def test_several_runs_make_one_export_in_a_folder_that_is_named(tmp_path: Path) -> None:
    runs = [played(tmp_path / name, turns=2) for name in ("one", "two")]
    refused = commanded("export", *runs, "--to", "trl-sft")
    assert (refused.code, refused.err) == (2, "--out: several runs make one export; name its folder.\n")
    ended = commanded("export", *runs, "--to", "trl-sft", "--out", tmp_path / "data", "--json")
    assert ended.code == 0
    report = json.loads(ended.out)
    assert report["runs"] == [run.name for run in runs]
    assert report["splits"]["train"]["rows"] == 4


def test_a_row_is_explained_by_where_it_comes_from_and_its_exact_text(tmp_path: Path) -> None:
    run = played(tmp_path, turns=4, layout="compact")
    (brack, pip), report = rows_of(exported(run)), exported(run)
    ended = commanded("export", run, "--to", "trl-sft", "--explain", 1)
    assert ended.code == 0
    assert f"run: {run.name}" in ended.out
    assert "turns: 2, 4" in ended.out
    assert "of: Pip, by the model storybook" in ended.out
    for call in origins_of(report)[1]["calls"]:
        assert f"call: {call['key']}, prompt {call['prompt']}" in ended.out
    assert all(f"<assistant learned> {line}" in ended.out for line in learned(pip))
    told = json.loads(commanded("export", run, "--to", "trl-sft", "--explain", 0, "--json").out)
    assert told["row"] == {"id": brack["id"], "messages": brack["messages"]}
    assert told["origin"]["turns"] == [1, 3]


def test_what_cannot_be_explained_is_told_how(tmp_path: Path) -> None:
    run = played(tmp_path, turns=2)
    ended = commanded("export", run, "--to", "trl-sft", "--explain", 0)
    assert (ended.code, "there is no export as trl-sft; export first" in ended.err) == (2, True)
    exported(run)
    ended = commanded("export", run, "--to", "trl-sft", "--explain", 2)
    assert (ended.code, "there is no row 2" in ended.err) == (2, True)


def test_a_folder_that_is_no_export_is_not_written_over(tmp_path: Path) -> None:
    run = played(tmp_path, turns=2)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years")
    ended = commanded("export", run, "--to", "trl-sft", "--out", tmp_path / "mine")
    assert (ended.code, "nothing else is written over" in ended.err) == (2, True)
    assert [file.name for file in (tmp_path / "mine").iterdir()] == ["thesis.txt"]


def test_an_export_that_fails_leaves_the_one_before_as_it_was(tmp_path: Path) -> None:
    run = played(tmp_path, turns=2)
    before = exported(run)
    held = {file: file.read_bytes() for file in Path(before.out).rglob("*") if file.is_file()}
    (picture,) = (run / "images").glob("*.png")
    picture.write_bytes(b"")
    assert commanded("export", run, "--to", "trl-sft").code == 4
    assert {file: file.read_bytes() for file in Path(before.out).rglob("*") if file.is_file()} == held
    assert [folder.name for folder in (run / "exports").iterdir()] == ["trl-sft"]


def test_a_killed_export_leaves_nothing_that_looks_whole_and_the_next_sweeps_up(tmp_path: Path) -> None:
    run = played(tmp_path, turns=6, episodes=100)
    with subprocess.Popen(program("export", run, "--to", "trl-sft"), stdout=subprocess.DEVNULL) as process:
        while not [*run.glob("exports/*.part/data/*.parquet")] and process.poll() is None:
            time.sleep(0.01)
        os.kill(process.pid, signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    assert [folder.suffix for folder in (run / "exports").iterdir()] == [".part"]
    report = exported(run)
    assert report.episodes == 100
    assert [folder.name for folder in (run / "exports").iterdir()] == ["trl-sft"]


def test_an_export_made_twice_is_the_same_to_the_byte(tmp_path: Path) -> None:
    run = played(tmp_path, turns=4, episodes=2)
    one, two = (exported(run, out=tmp_path / name) for name in ("one", "two"))
    for file in (*one.files, "provenance.jsonl"):
        assert (Path(one.out) / file).read_bytes() == (Path(two.out) / file).read_bytes()


def test_wrong_words_on_the_command_line_are_told_what_to_type(tmp_path: Path) -> None:
    run = played(tmp_path, turns=2)
    assert "trl-sft" in commanded("export", run, "--to", "trl").err
    ended = commanded("export", run, "--to", "trl-sft", "--scorer", "mmrole")
    assert (ended.code, "no verdicts; leave it out" in ended.err) == (2, True)
    ended = commanded("export", run, run, "--to", "trl-sft", "--out", tmp_path / "data")
    assert (ended.code, "two of the runs have this name" in ended.err) == (2, True)
