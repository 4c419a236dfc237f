"""The commands as users and scripts meet them: help, JSON, pipes, poor terminals, and what is said when it fails."""

import asyncio
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest
from commanding import commanded, program
from PIL import Image
from playing import last_words, new_run, played, written

from sandbox.cli import cli
from sandbox.display import Quiet
from sandbox.engines.scripted import Scripted
from sandbox.gallery import Gallery
from sandbox.run import Plan, carry_out
from scenes.chat import CallFailed, Request
from scenes.loading import load

COMMANDS = sorted(cli.commands)
LOADED = "import sys; from sandbox.cli import main\ntry: main()\nfinally: print(*sys.modules, file=sys.stderr)"
"""A program that runs the command line, and then says which modules that took."""


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run of two episodes below `runs`."""
    return played(tmp_path, episodes=2)


def process(*words: object, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run a command in a process of its own."""
    options = {"stdout": subprocess.PIPE} | options
    return subprocess.run(program(*words), stderr=subprocess.PIPE, text=True, check=False, **options)


def modules_of(*words: object) -> set[str]:
    """Return the modules that a command loads."""
    ended = subprocess.run([sys.executable, "-c", LOADED, *map(str, words)], capture_output=True, text=True, check=True)
    return set(ended.stderr.split())


# Help


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_and_option_has_help_that_fits_a_terminal(command: str) -> None:
    shown = commanded(command, "--help")
    assert shown.code == 0
    assert max(map(len, shown.out.splitlines())) <= 80
    assert cli.commands[command].get_short_help_str(60)[-3:] != "..."
    options = [one for one in cli.commands[command].params if isinstance(one, click.Option)]
    assert [option.name for option in options if not option.help] == []


@pytest.mark.parametrize("words", [(), ("-h",), ("--help",)])
def test_help_names_every_command_and_what_the_exit_codes_mean(words: tuple[str, ...]) -> None:
    shown = commanded(*words)
    text = shown.out + shown.err
    assert [command for command in COMMANDS if f"\n  {command} " not in text] == []
    assert "130 interrupted" in text


def test_help_loads_nothing_that_takes_time() -> None:
    slow = {
        "asyncio",
        "networkx",
        "numpy",
        "PIL",
        "pydantic",
        "rich",
        "sqlite3",
        "torch",
        "transformers",
        "vllm",
        "yaml",
    }
    assert modules_of("--help") & slow == set()


def test_a_scenario_without_places_and_model_is_played_without_networkx_and_torch(tmp_path: Path) -> None:
    assert modules_of("run", written(tmp_path), "--dry-run") & {"networkx", "torch", "transformers", "vllm"} == set()


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["rnu"], "Did you mean 'run'?"),
        (["run", "tea.yaml", "--dryrun", "3"], "Did you mean '--dry-run'?"),
        (["run", "tea.yaml", "--engine", "vlm"], "is not one of 'vllm', 'transformers', 'openai'"),
        (["run", "tea.yaml", "-n", "0"], "0 is not in the range x>=1"),
        (["run", "tea.yaml", "--seed", "x"], "'x' is not a valid integer"),
        (["run"], "Missing argument 'SCENARIO'"),
        (["show", "latest", "first"], "'first' is not a valid integer"),
        (["lint", "tea.yaml", "--root", "nowhere"], "Directory 'nowhere' does not exist"),
        (["replay", "latest"], "Missing option '--check'"),
    ],
)
def test_a_wrong_command_line_is_refused_with_a_hint(words: list[str], hint: str) -> None:
    refused = commanded(*words)
    assert (refused.code, refused.out) == (2, "")
    assert hint in refused.err


# JSON


def json_of(*words: object) -> Any:
    outcome = commanded(*words, "--json")
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out.isascii()
    return json.loads(outcome.out)


def test_list_is_a_list_of_runs_of_one_shape_whole_or_damaged(run: Path) -> None:
    (run.parent / "damaged").mkdir()
    (run.parent / "damaged" / "run.db").write_bytes(b"not a store")
    damaged, whole = json_of("list")
    assert whole == {
        "run": run.name, "title": "Two on the quay", "model": "", "done": 2, "failed": 0, "playing": 0, "planned": 2,
        "damage": None,
    }  # fmt: skip
    assert damaged.keys() == whole.keys()
    assert (damaged["run"], damaged["done"]) == ("damaged", 0)
    assert "not a database" in damaged["damage"]


@pytest.mark.parametrize("episodes", [1, 2])
def test_show_is_one_object_however_many_episodes_there_are(tmp_path: Path, episodes: int) -> None:
    run = played(tmp_path, episodes=episodes)
    shown = json_of("show", run)
    assert {"run", "title", "planned", "engine", "episodes"} <= shown.keys()
    assert [episode["episode"] for episode in shown["episodes"]] == list(range(episodes))
    assert json_of("show", run, 0) == shown["episodes"][0]


def test_an_episode_has_all_its_fields_even_where_they_are_empty(run: Path) -> None:
    episode = json_of("show", run, 1)
    state = {"episode", "variant", "values", "seed", "status", "error", "parent", "after"}
    assert episode.keys() == {*state, "events", "pictures"}
    event = episode["events"][-1]
    world = {"kind", "actor", "text", "to", "image", "change", "visible_to"}
    assert event.keys() == {"index", "turn", *world, "score", "flags", "call"}


def test_calls_are_shown_with_the_prompt_and_the_answer(run: Path) -> None:
    call = json_of("show", run, 0, "--calls")["calls"][0]
    assert call.keys() == {"key", "model", "prompt", "form", "completion", "error", "seconds"}
    assert "Captain Brack" in call["prompt"]
    assert call["completion"]["text"].startswith("Line ")


def test_lint_says_whether_a_scenario_is_fine_in_one_shape(tmp_path: Path) -> None:
    good = json_of("lint", written(tmp_path / "good"))
    bad = commanded("lint", written(tmp_path / "bad", turns=0), "--json")
    assert good["ok"] is True
    assert (good["problems"], good["cast"], good["variants"]) == ([], ["Captain Brack", "Pip"], 1)
    assert (bad.code, bad.err) == (2, "")
    problem = {"file": str(tmp_path / "bad" / "scenario.yaml"), "line": 11, "column": 8}
    assert json.loads(bad.out) == {
        "ok": False,
        "problems": [problem | {"message": '"turns" must be at least 1, found 0.'}],
        "notes": [],
    }


def test_preview_gives_the_segments_of_every_characters_first_prompt(tmp_path: Path) -> None:
    shown = json_of("preview", written(tmp_path))
    assert list(shown) == ["Captain Brack", "Pip"]
    assert all(segment.keys() == {"stability", "role", "text", "image"} for segment in shown["Pip"])
    assert sum(segment["image"] is not None for segment in shown["Pip"]) == 1


@pytest.mark.parametrize("what", ["scenario", "character"])
def test_a_schema_is_printed_for_an_editor(what: str) -> None:
    shown = json.loads(commanded("schema", what).out)
    assert shown["additionalProperties"] is False


def test_draw_tells_the_truth_of_the_picture() -> None:
    shown = json_of("draw", "--seed", 7)
    assert shown.keys() == {"id", "drawing", "relations", "held_out", "file"}
    assert shown["drawing"]["groups"]


def test_replay_tells_of_every_episode(run: Path) -> None:
    shown = json_of("replay", run, "--check")
    assert [episode["difference"] for episode in shown["episodes"]] == [None, None]


def test_doctor_is_a_list_of_findings() -> None:
    findings = json.loads(commanded("doctor", "--json").out)
    assert {tuple(finding) for finding in findings} == {("name", "value", "state", "mend")}


def test_run_tells_as_it_happens_an_object_a_line(tmp_path: Path) -> None:
    outcome = commanded("run", written(tmp_path), "--dry-run", "--json")
    lines = [json.loads(line) for line in outcome.out.splitlines()]
    kinds = [line["type"] for line in lines]
    assert (outcome.code, outcome.err) == (0, "")
    assert kinds == ["run", *["event"] * (len(lines) - 3), "episode", "summary"]
    assert (lines[-1]["done"], lines[-1]["turns"]) == (1, 4)


# Plain text, pipes and poor terminals


def everything(run: Path, scenario: Path) -> list[list[object]]:
    """Return every command that only reads."""
    return [
        ["list"], ["show", run], ["show", run, 0], ["show", run, 0, "--calls"], ["replay", run, "--check"],
        ["lint", scenario], ["preview", scenario], ["schema"], ["draw"], ["doctor"],
    ]  # fmt: skip


def test_nothing_has_colours_where_the_output_is_no_terminal(run: Path, tmp_path: Path) -> None:
    scenario = written(tmp_path / "scenario")
    commands = [
        *everything(run, scenario),
        ["run", scenario, "--dry-run"],
        ["run", scenario, "--dry-run", "--display", "rich"],
    ]
    assert [command for command in commands if "\x1b" in commanded(*command).out] == []


def test_long_lines_stay_whole_where_the_output_is_no_terminal(tmp_path: Path) -> None:
    run = played(tmp_path, lambda request: "word " * 300)
    assert "word " * 299 + "word" in commanded("show", run).out


@pytest.mark.parametrize("words", [["--help"], ["schema"], ["show", "latest"], ["show", "latest", "--json"], ["list"]])
def test_a_reader_that_leaves_early_is_no_mistake(run: Path, words: list[str]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    ended = process(*words, stdout=writing)
    os.close(writing)
    assert (ended.returncode, ended.stderr) == (141, "")


@pytest.mark.parametrize("display", ["plain", "json"])
def test_a_run_whose_reader_leaves_stops_quietly_and_can_be_resumed(tmp_path: Path, display: str) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    scenario = written(tmp_path, episodes=40)
    ended = process("run", scenario, "--dry-run", "--display", display, "--concurrency", 1, stdout=writing)
    os.close(writing)
    assert (ended.returncode, ended.stderr) == (141, "")
    assert commanded("resume").code == 0
    assert json_of("list")[0]["done"] == 40


def test_a_closed_output_stops_nothing(run: Path, tmp_path: Path) -> None:
    for words in (["list"], ["show", run, 0], ["run", written(tmp_path), "--dry-run", "--json"]):
        ended = process(*words, stdout=None, preexec_fn=lambda: os.close(1))
        assert (ended.returncode, ended.stderr) == (0, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_is_told_in_a_sentence() -> None:
    with open("/dev/full", "w", encoding="utf-8") as full:
        ended = process("draw", stdout=full)
    assert (ended.returncode, ended.stderr) == (6, "[Errno 28] No space left on device\n")


POOR = ({"PYTHONIOENCODING": "ascii"}, {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"})


@pytest.mark.parametrize("environment", POOR, ids=["ascii", "C"])
def test_a_terminal_that_lacks_letters_gets_question_marks(tmp_path: Path, environment: dict[str, str]) -> None:
    run = played(tmp_path, lambda request: "Ünïcödé 画 “and” 🦊")
    scenario = written(tmp_path / "scenario", title="画 → é")
    speaking = [["list"], ["show", run], ["show", run, "--calls"], ["lint", scenario], ["preview", scenario]]
    for words in [*speaking, ["run", scenario, "--dry-run"], ["doctor"]]:
        ended = process(*words, env=os.environ | environment)
        assert ("Traceback" in ended.stderr, ended.stdout.isascii()) == (False, True), words
        assert ended.returncode in ((0, 1) if words == ["doctor"] else (0,)), words
    assert json.loads(process("show", run, 0, "--json", env=os.environ | environment).stdout)["episode"] == 0


# Names of runs, episodes and variants


@pytest.mark.parametrize("command", [["show"], ["resume"], ["replay", "--check"]])
def test_without_any_run_the_first_step_is_named(command: list[str]) -> None:
    refused = commanded(*command)
    assert (refused.code, refused.out) == (2, "")
    assert refused.err == "runs: there is no run yet; play one with `rolestage run scenarios/harbour`.\n"


@pytest.mark.parametrize("command", [["show"], ["resume"], ["replay", "--check"]])
def test_an_unknown_run_is_answered_with_what_was_meant(run: Path, command: list[str]) -> None:
    wrong = run.name.replace("_scenario_", "_senario_")
    refused = commanded(command[0], wrong, *command[1:])
    assert refused.code == 2
    assert refused.err == f'runs: no run is named "{wrong}"; did you mean "{run.name}"?\n'


def test_a_part_of_a_runs_name_is_enough(run: Path) -> None:
    assert commanded("show", run.name[-4:], 0).out == commanded("show", run, 0).out


def test_an_unknown_episode_is_refused(run: Path) -> None:
    refused = commanded("show", run, 7)
    assert refused.code == 2
    assert refused.err == f"{run}: there is no episode 7; this run has 2, counted from 0.\n"


def test_an_unknown_variant_is_refused(tmp_path: Path) -> None:
    scenario = written(tmp_path, vary={"turns": [2, 3]})
    assert commanded("preview", scenario, "--variant", 1).code == 0
    refused = commanded("preview", scenario, "--variant", 2)
    assert refused.code == 2
    assert refused.err == f"{scenario}: there is no variant 2; there are 2, counted from 0.\n"


def test_a_folder_that_is_no_run_is_refused_by_show(tmp_path: Path) -> None:
    (tmp_path / "runs" / "copied").mkdir(parents=True)
    refused = commanded("show", "copied")
    assert refused.code == 2
    assert refused.err == "runs/copied: this folder has no run.db, in which a run is kept; copy the whole run.\n"


# What the commands show


def test_a_damaged_run_among_good_ones_is_marked_and_hides_none_of_them(run: Path) -> None:
    for name, content in (("garbage", b"not a store"), ("empty", b"")):
        (run.parent / name).mkdir()
        (run.parent / name / "run.db").write_bytes(content)
    shown = commanded("list")
    assert (shown.code, shown.err) == (0, "")
    assert re.search(rf"^{run.name} +Two on the quay", shown.out, re.MULTILINE)
    assert re.search("^garbage +damaged: ", shown.out, re.MULTILINE)
    assert re.search("^empty +damaged: ", shown.out, re.MULTILINE)
    assert commanded("show", "garbage").code == 4


def test_list_without_runs_says_how_to_play_one() -> None:
    assert commanded("list").out == "no runs in runs; play one with: rolestage run scenarios/harbour\n"


def test_show_gives_an_overview_of_many_episodes_and_the_transcript_of_one(run: Path) -> None:
    overview = commanded("show", run).out
    assert overview.splitlines()[0] == f"Two on the quay · {run}"
    assert [line.split()[:3] for line in overview.splitlines()[2:4]] == [["0", "done", "4"], ["1", "done", "4"]]
    transcript = commanded("show", run, 1).out
    assert re.findall(r"^  (\d)  (.+?): Line", transcript, re.MULTILINE) == [
        ("1", "Captain Brack"), ("2", "Pip"), ("3", "Captain Brack"), ("4", "Pip"),
    ]  # fmt: skip


def test_the_overview_says_what_sets_the_variants_apart(tmp_path: Path) -> None:
    run = played(tmp_path, vary={"turns": [1, 2]})
    assert re.search(r"^0: turns = 1 +done +1 ", commanded("show", run).out, re.MULTILINE)


def test_the_calls_of_all_episodes_are_shown_unless_one_is_named(run: Path) -> None:
    assert commanded("show", run, "--calls").out.count("t01/captainbrack/speak") == 2
    assert commanded("show", run, 1, "--calls").out.count("t01/captainbrack/speak") == 1


def test_an_exact_prompt_is_shown_whole_however_long(tmp_path: Path) -> None:
    story = {"introduction": "word " * 3_000, "life_story": "word " * 3_000 + "END"}
    cast = [{"character": {"name": "Ada", **story}}, {"character": "storybook/pip"}]
    run = played(tmp_path, cast=cast, layout="images-first", turns=1)
    assert "END" in commanded("show", run, "--calls").out


def test_a_scenario_that_is_left_out_in_part_is_fine_with_a_note(tmp_path: Path) -> None:
    shown = commanded("lint", written(tmp_path, player={"questions": ["Who is it?"]}))
    assert shown.code == 0
    assert re.search(r"^note: .*scenario\.yaml:\d+:\d+: ", shown.out)


def test_pictures_are_written_where_they_are_asked_for(tmp_path: Path) -> None:
    shown = commanded("preview", written(tmp_path), "--images", "shown/here")
    (picture,) = Path("shown/here").iterdir()
    assert f"→ {picture}" in shown.out
    assert commanded("draw", "--out", "drawn/one.png").code == 0
    assert Path("drawn/one.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("words", [["draw", "--out"], ["preview", "scenario", "--images"]])
def test_a_picture_that_cannot_be_written_is_told_in_a_sentence(tmp_path: Path, words: list[str]) -> None:
    written(tmp_path / "scenario")
    Path("file").write_text("in the way")
    refused = commanded(*words, "file/here")
    assert refused.code == 2
    assert re.fullmatch(r"file/here\S*: the picture cannot be written \(.+\); name another place\.\n", refused.err)


# Playing and playing on


def test_more_episodes_than_there_are_play_all_of_them(tmp_path: Path) -> None:
    assert commanded("run", written(tmp_path, episodes=2), "--dry-run", "-n", 9).code == 0
    assert json_of("list")[0]["done"] == 2


def test_the_resolved_scenario_of_a_run_plays_again_to_the_same_words(tmp_path: Path) -> None:
    images = {"drawn": {"storybook": {"seed": 7}}, "filed": {"file": "view.png"}}
    Image.effect_noise((64, 64), 50).save("view.png")
    commanded("run", written(tmp_path, images=images), "--dry-run", "--out", "first")
    (run,) = Path("first").iterdir()
    again = commanded("run", run / "run.yaml", "--dry-run", "--out", "second")
    (rerun,) = Path("second").iterdir()
    assert again.code == 0
    assert json_of("show", rerun, 0) == json_of("show", run, 0)


def test_resuming_a_finished_run_says_so_and_starts_no_engine(tmp_path: Path) -> None:
    source = load(written(tmp_path))
    folder = new_run(source, tmp_path / "runs")
    facts = {"planned": 1, "title": "Tea", "concurrency": 1, "engine": {"kind": "vllm"}}
    plan = Plan(folder, source, 1, {"storybook": Scripted(last_words)}, Gallery(), 1, facts)
    asyncio.run(carry_out(plan, Quiet()))
    assert modules_of("resume", folder) & {"torch", "transformers", "vllm"} == set()
    resumed = commanded("resume", folder)
    assert resumed.code == 0
    assert "all 1 episodes of this run are done already; nothing is left to play" in resumed.out
    assert f"rolestage show {folder}" in resumed.out


def test_a_run_whose_folder_moved_is_played_on_from_there(tmp_path: Path) -> None:
    def refuse(request: Request) -> str:
        raise CallFailed("the engine is tired")

    run = played(tmp_path, refuse)
    moved = tmp_path / "elsewhere" / "tea"
    moved.parent.mkdir()
    run.rename(moved)
    resumed = commanded("resume", moved)
    assert resumed.code == 0
    assert "1 of 1 episodes done, 0 failed" in resumed.out
    assert [state["status"] for state in json_of("show", moved)["episodes"]] == ["done"]


def test_a_folder_with_a_space_is_quoted_in_what_to_do_next(tmp_path: Path) -> None:
    shown = commanded("run", written(tmp_path), "--dry-run", "--out", "my runs")
    assert re.search(r"rolestage show 'my runs/\S+'\n", shown.out)


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("engine.kind=scripted", "the kind of engine is chosen with --engine"),
        ("engine.step_ms=1e400", "step_ms: Input should be a finite number"),
        ("engine.step_ms=1e300", "step_ms: Input should be less than or equal to"),
        ("engine.kv_block=3", 'an engine of the kind simulated has no option "kv_block"'),
        ("engine=3", "sets nothing; write NAME.FIELD=VALUE"),
    ],
)
def test_an_option_that_the_engine_cannot_have_is_refused_in_a_line(setting: str, said: str, tmp_path: Path) -> None:
    words = ("--engine", "simulated", "--set", setting, "--out", tmp_path / "runs")
    refused = commanded("run", written(tmp_path), *words)
    assert refused.code == 2
    assert refused.err.startswith("--set: ")
    assert said in refused.err
    assert refused.err.count("\n") == 1


def test_a_run_on_the_simulated_engine_ends_with_a_summary(tmp_path: Path) -> None:
    words = ("--engine", "simulated", "--set", "engine.step_ms=0.1", "--set", "engine.reply_tokens=5", "--json")
    ended = commanded("run", written(tmp_path), *words, "--out", tmp_path / "runs")
    assert ended.code == 0
    assert json.loads(ended.out.splitlines()[-1])["type"] == "summary"


def test_a_kind_of_engine_that_there_is_not_is_refused_with_its_place(tmp_path: Path) -> None:
    refused = commanded("lint", written(tmp_path, engine={"kind": "nosuch"}))
    assert refused.code == 2
    assert ":kind" not in refused.err
    assert "nosuch" in refused.err
