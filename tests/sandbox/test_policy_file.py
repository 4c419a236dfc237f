"""A turn policy of the user's own: loaded because the command line names it, and needed again by all that plays on."""

import json
import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from hashlib import sha256
from pathlib import Path

import pytest
from commanding import Outcome, commanded
from killing import contents
from playing import STORY, written

from sandbox.policy_file import load_policy
from sandbox.record import Record
from scenes.problem import InputRefused

CODE = """
from __future__ import annotations
from dataclasses import dataclass

@dataclass
class Turn:
    number: int

def last(scene, rng):
    return scene.present[-1]

def all_but_one(scene, rng):
    return rng.sample(scene.present, len(scene.present) - 1)
"""


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mine.py").write_text(CODE, "utf-8")


def run(policy: str, *options: object, **changes: object) -> Outcome:
    """Play a scenario of two with scripted lines by a policy."""
    scenario = written(Path("scenario"), **changes)
    return commanded("run", scenario, "--dry-run", "--policy", policy, "--json", *options)


def actors() -> list[str]:
    """Return who acted in each turn of the latest run's first episode."""
    shown = json.loads(commanded("show", "latest", 0, "--json").out)
    return [event["actor"] for event in shown["events"] if event["turn"] and event["kind"] == "speech"]


# Loading


def test_a_policy_from_a_file_says_who_acts(tmp_path: Path) -> None:
    assert run("mine.py:last").code == 0
    assert actors() == ["Pip"] * 4


def test_a_policy_from_a_module_says_who_acts() -> None:
    assert run("narrator.turn_policy:simultaneous").code == 0
    assert actors() == ["Captain Brack", "Pip"] * 4


def test_a_policy_may_name_several_and_is_given_chance_of_its_own_for_each_turn() -> None:
    cast = [{"character": f"storybook/{name}"} for name in ("brack", "pip", "moss")]
    assert run("mine.py:all_but_one", cast=cast, turns=12).code == 0
    first = actors()
    assert len(first) == 24
    assert {*first} == {"Captain Brack", "Pip", "Doctor Moss"}
    assert run("mine.py:all_but_one", cast=cast, turns=12, title="Once more").code == 0
    assert actors() == first


def test_a_policy_stands_in_for_the_narrator_s_lead() -> None:
    assert run("mine.py:last", **STORY).code == 0
    shown = json.loads(commanded("show", "latest", 0, "--calls", "--json").out)
    assert not any("/steer" in call["key"] for call in shown["calls"])
    assert {call["key"].split("/")[1] for call in shown["calls"] if call["key"].endswith("/speak")} == {"doctormoss"}


def test_no_code_is_cached_beside_the_file() -> None:
    load_policy("mine.py:last")
    assert [file.name for file in Path().iterdir()] == ["mine.py"]


@pytest.mark.parametrize(
    ("named", "code", "told"),
    [
        ("mine.py", CODE, '--policy: "mine.py" names no function; write FILE.py:FUNCTION or module:function.'),
        ("mine.py:", CODE, '--policy: "mine.py:" names no function; write FILE.py:FUNCTION or module:function.'),
        ("mine.py:lost", CODE, 'mine.py: no function is named "lost"; did you mean "last"?'),
        ("mine.py:Turn.number", CODE, '--policy: "mine.py:Turn.number" names no function; write FILE.py:FUNCTION or '
         "module:function."),
        ("his.py:last", CODE, "his.py: the file cannot be read (No such file or directory); name one as "
         "FILE.py:FUNCTION."),
        ("mine.py:last", "\n\nx = y\n", "mine.py:3:1: the code cannot be loaded: NameError: name 'y' is not defined; "
         "mend it."),
        ("mine.py:last", "def last(:\n", "mine.py:1:10: the code cannot be loaded: SyntaxError: invalid syntax; mend "
         "it."),
        ("mine.py:last", "\nraise SystemExit(3)\n", "mine.py:2:1: the code cannot be loaded: SystemExit: 3; mend it."),
        ("mine.py:last", "last = 3\n", 'mine.py: no function is named "last"; there are: none.'),
        ("mine.py:last", "x = '\0'", "mine.py: the code cannot be loaded: "),
        ("no.such:last", CODE, "no.such: the code cannot be loaded: ModuleNotFoundError: No module named 'no'; mend "
         "it."),
        ("sys:intern", CODE, "sys: the module has no file of its own; name one that has, or write FILE.py:FUNCTION."),
    ],
)  # fmt: skip
def test_a_policy_that_cannot_be_loaded_is_refused_in_a_sentence(named: str, code: str, told: str) -> None:
    Path("mine.py").write_text(code, "utf-8")
    refused = run(named)
    assert (refused.code, refused.out) == (2, "")
    assert refused.err.startswith(told)
    assert refused.err.count("\n") == 1
    assert not Path("runs").exists()


def test_what_a_file_says_of_itself_reaches_no_terminal_raw() -> None:
    Path("mine.py").write_text("raise ValueError('\\x1b[31mred')\n", "utf-8")
    with pytest.raises(InputRefused) as refusal:
        load_policy("mine.py:last")
    assert "\x1b" not in str(refusal.value)


# What a policy does wrong


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("raise LookupError('nobody is left')", "LookupError: nobody is left"),
        ("return 'Bob'", "Bob"),
        ("return []", "nobody"),
        ("return None", "NoneType"),
        ("return 3", "int"),
    ],
)
def test_a_policy_that_breaks_or_names_a_stranger_fails_its_episode_alone(
    body: str, told: str, caplog: pytest.LogCaptureFixture
) -> None:
    Path("mine.py").write_text(
        f"def mine(scene, rng):\n    if scene.turn == 3 and scene.seed % 2:\n        {body}\n    return 'Pip'\n",
        "utf-8",
    )
    outcome = run("mine.py:mine", episodes=6)
    states = json.loads(commanded("show", "latest", "--json").out)["episodes"]
    assert outcome.code == 1
    assert {state["status"] for state in states} == {"done", "failed"}
    for state in states:
        assert (state["status"] == "failed") == (state["seed"] % 2 == 1)
        if state["error"]:
            assert state["error"].startswith("the turn policy ")
            assert told in state["error"]
            assert [event["turn"] for event in state["events"]] == [1, 2]
    assert caplog.text == ""
    assert commanded("replay", "latest", "--check", "--policy", "mine.py:mine").code == 0


# A run that has one


def test_a_run_keeps_the_name_and_a_hash_and_nothing_of_the_code() -> None:
    run("mine.py:last")
    (folder,) = Path("runs").iterdir()
    with closing(Record(folder)) as record:
        kept = record.meta()["policy"]
    assert kept == {"path": "mine.py:last", "sha256": sha256(CODE.encode()).hexdigest()}
    assert "policy" not in json.loads(commanded("show", "latest", 0, "--json").out)
    assert "mine" not in (folder / "run.yaml").read_text("utf-8")


WORDS: dict[str, tuple[object, ...]] = {
    "resume": ("resume", "latest"),
    "replay": ("replay", "latest", "--check"),
    "fork": ("fork", "latest", "--at", "0:1", "-n", 1),
    "interview": ("interview", "latest", 0, "Well?", "--as", "Pip"),
}
EACH = pytest.mark.parametrize("command", [*WORDS])


def unfinished(folder: Path) -> None:
    """Let an episode of the run be one that was killed after its second turn."""
    with closing(sqlite3.connect(folder / "run.db", isolation_level=None)) as database:
        database.execute("DELETE FROM episodes WHERE id=0")
        database.execute('DELETE FROM events WHERE episode=0 AND "index" > 1')
        database.execute("DELETE FROM calls WHERE episode=0 AND key > 't03'")


@EACH
def test_whatever_plays_the_run_again_needs_the_policy_again(command: str) -> None:
    run("mine.py:last")
    (folder,) = Path("runs").iterdir()
    if command == "resume":
        unfinished(folder)
    refused = commanded(*WORDS[command])
    assert refused.code == 2
    assert refused.err.endswith("code is loaded only where you name it; add --policy mine.py:last\n")
    assert commanded(*WORDS[command], "--policy", "mine.py:last").code == 0


@EACH
def test_a_run_without_one_takes_none(command: str) -> None:
    commanded("run", written(Path("scenario")), "--dry-run", "--display", "none")
    (folder,) = Path("runs").iterdir()
    if command == "resume":
        unfinished(folder)
    refused = commanded(*WORDS[command], "--policy", "mine.py:last")
    assert refused.code == 2
    assert refused.err.endswith("this run was played with the turn policy of its scenario; leave out --policy.\n")


def test_a_resumed_run_is_as_one_that_was_not_cut() -> None:
    run("mine.py:all_but_one")
    (folder,) = Path("runs").iterdir()
    whole = contents(folder)
    unfinished(folder)
    assert commanded("resume", "latest", "--policy", "mine.py:all_but_one").code == 0
    assert contents(folder) == whole


def mended(code: str) -> str:
    return code + "\n\ndef unused():\n    pass\n"


def otherwise(code: str) -> str:
    return code.replace("present[-1]", "present[0]")


@EACH
@pytest.mark.parametrize("change", [mended, otherwise])
def test_other_code_than_the_run_began_with_is_said_and_never_changes_what_is_on_record(
    command: str, change: Callable[[str], str]
) -> None:
    run("mine.py:last")
    (folder,) = Path("runs").iterdir()
    if command == "resume":
        unfinished(folder)
    Path("mine.py").write_text(change(CODE), "utf-8")
    outcome = commanded(*WORDS[command], "--policy", "mine.py:last")
    assert re.match(r"note: mine\.py:last: this is not the code that the run was begun with", outcome.err)
    assert (outcome.code == 0) == (change is mended)
    kept = [event["actor"] for event in json.loads(commanded("show", folder, 0, "--json").out)["events"]]
    assert {*kept} == {"Pip"}


def test_a_mended_policy_plays_on_where_the_first_one_broke() -> None:
    broken = CODE.replace("return scene.present[-1]", "return scene.present[-1] if scene.turn < 3 else 'Bob'")
    Path("mine.py").write_text(broken, "utf-8")
    assert run("mine.py:last").code == 1
    Path("mine.py").write_text(CODE, "utf-8")
    assert commanded("resume", "latest", "--policy", "mine.py:last").code == 0
    assert actors() == ["Pip"] * 4
