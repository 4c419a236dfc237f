"""`rolestage score`, and `run --score`: who judges, what is said of it, and how it ends."""

import json
import re
import signal
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from commanding import Outcome, commanded, on_a_terminal, program
from playing import written
from scored import judgements_of, verdicts_of

from sandbox.record import Record
from sandbox.store import DATABASE, lock_run

CODE = '''
from functools import partial

from scenes.chat import Prompt, Request, Segment
from scorers.base import Metric, Score, Scorer


def speeches(case):
    """Count the lines of an episode."""
    said = [event for event in case.trajectory.events if event.kind == "speech"]
    return [Score(metric="speeches", value=len(said))]


async def liking(case, call):
    prompt = Prompt().then(Segment("global", "user", "Did you like it?"))
    answer = await call("liked", Request(case.variant.scenario.model, prompt, seed=case.trajectory.seed))
    return [Score(metric="liking", value=len(answer.text), calls=("liked",))]


class Wordy(Scorer):
    """Counts words."""

    name = "wordy"
    metrics = (Metric("words", "Words of the whole episode (this project).", "words", (0, None)),)
    least: int = 0
    most: float | None = None

    def score(self, case, call):
        words = sum(len(event.text.split()) for event in case.trajectory.events)
        return [Score(metric="words", value=words if words >= self.least else None, reason="too few")]


def moody(case):
    if case.trajectory.episode % 2:
        raise ValueError("\\x1b]0;no\\x07 \\x1b[31mred\\x1b[0m\\nand more")
    return [Score(metric="\\x1b[31mmood", value=None, reason="\\x1b[31mred\\x1b[0m\\nand more")]


def endless(case):
    print("judging", flush=True)
    while True:
        pass


def slow(case):
    import time
    print("judging", flush=True)
    time.sleep(0.05)
    return [Score(metric="slow", value=1)]


class Unmade(Scorer):
    def model_post_init(self, context):
        raise RuntimeError("it is not ready")


class Misnamed(Scorer):
    name = "a name\\x1b[31m"


class Room:
    pass


class Called:
    def __call__(self, case):
        return []


called, bound, short, few = Called(), Wordy.score, lambda case: [], partial(speeches)


def nothing():
    return []


def three(case, call, more):
    return []
'''


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mine.py").write_text(CODE, "utf-8")


def play(*options: object, **changes: Any) -> Path:
    """Play a scenario of two, four episodes of it, with scripted lines, and return the run's folder."""
    scenario = written(Path("scenario"), **{"episodes": 4} | changes)
    assert commanded("run", scenario, "--dry-run", "--display", "none", *options).code in (0, 1)
    (folder,) = Path("runs").iterdir()
    return folder


def score(*options: object) -> Outcome:
    return commanded("score", "latest", *options)


def counted(outcome: Outcome) -> list[tuple[str, int, int, int, int]]:
    """Return scorer, judged now, judged earlier, failed and left, for each."""
    assert outcome.err == ""
    scorers = json.loads(outcome.out)["scorers"]
    return [tuple(scorer[name] for name in ("scorer", "judged", "earlier", "failed", "left")) for scorer in scorers]


VERSION = sha256(CODE.encode()).hexdigest()[:8]
MOODY = f"mine.py:{CODE[: CODE.index('raise ValueError')].count(chr(10)) + 1}"
"""Where the scorer of that name breaks."""


# Who judges


def test_a_plain_function_of_a_file_judges() -> None:
    run = play()
    assert counted(score("--scorer", "mine.py:speeches", "--json")) == [(f"speeches@{VERSION}", 4, 0, 0, 0)]
    assert {verdict[3][0].value for verdict in verdicts_of(run).values()} == {4}  # type: ignore[index]


def test_a_plain_function_that_asks_asks_the_model_of_the_scenario() -> None:
    run = play()
    assert counted(score("--scorer", "mine.py:liking", "--json")) == [(f"liking@{VERSION}", 4, 0, 0, 0)]
    assert {key for _, key in judgements_of(run)} == {f"score/liking@{VERSION}/liked"}
    ((linked,),) = {verdict[3][0].calls for verdict in verdicts_of(run).values()}  # type: ignore[index]
    assert linked == f"score/liking@{VERSION}/liked"


def test_a_function_of_a_module_judges(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "ourjudges.py").write_text(CODE, "utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    play()
    assert counted(score("--scorer", "ourjudges:speeches", "--json")) == [(f"speeches@{VERSION}", 4, 0, 0, 0)]


def test_a_class_judges_with_the_options_that_are_set_and_each_setting_for_itself() -> None:
    run = play()
    score("--scorer", "mine.py:Wordy")
    score("--scorer", "mine.py:Wordy", "--set", "Wordy.least=9999", "--set", "Wordy.most=0.5")
    with closing(Record(run)) as record:
        facts = {row.id: json.loads(row.facts) for row in record.scorers()}
    assert [one["options"] for one in facts.values()] == [{}, {"least": 9999, "most": 0.5}]
    assert {one["code"]["path"] for one in facts.values()} == {"mine.py:Wordy"}
    assert {one["code"]["sha256"] for one in facts.values()} == {sha256(CODE.encode()).hexdigest()}
    plain, other = facts
    assert plain == f"wordy@{VERSION}"
    assert re.fullmatch(rf"wordy@{VERSION}/[0-9a-f]{{8}}", other)
    values = {scorer: verdict[3][0].value for (scorer, _), verdict in verdicts_of(run).items()}  # type: ignore[index]
    assert values[plain] > 0
    assert values[other] is None


def test_changed_code_is_another_version_and_judges_anew() -> None:
    play()
    score("--scorer", "mine.py:speeches")
    Path("mine.py").write_text(CODE + "\n# mended\n", "utf-8")
    ((name, *counts),) = counted(score("--scorer", "mine.py:speeches", "--json"))
    assert (name != f"speeches@{VERSION}", counts) == (True, [4, 0, 0, 0])


def test_changed_code_can_judge_only_what_the_earlier_could_not() -> None:
    play()
    assert score("--scorer", "mine.py:moody").code == 1
    Path("mine.py").write_text(CODE.replace("episode % 2", "episode > 9"), "utf-8")
    ((_, *counts),) = counted(score("--scorer", "mine.py:moody", "--only-unscored", "--json"))
    assert counts == [2, 2, 0, 0]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["mine.py"], '--scorer: no scorer is named "mine.py"; there are: '),
        (["mine.py:"], '--scorer: "mine.py:" names no function; write FILE.py:FUNCTION or module:function.'),
        (["mine.py:speech"], 'mine.py: no function is named "speech"; did you mean "speeches"?'),
        (["his.py:speeches"], "his.py: the file cannot be read (No such file or directory); name one as"),
        (["nomodule:speeches"], "nomodule: the code cannot be loaded: ModuleNotFoundError: "),
        (["broken.py:speeches"], "broken.py:2:5: the code cannot be loaded: SyntaxError: "),
        (["mine.py:Room"], "--scorer: mine.py:Room is no scorer; name a function of a case, or"),
        (["mine.py:called"], "--scorer: mine.py:called is no scorer; "),
        (["mine.py:bound"], "--scorer: mine.py:bound is no scorer; "),
        (["mine.py:short"], "--scorer: mine.py:short is no scorer; "),
        (["mine.py:few"], "--scorer: mine.py:few is no scorer; "),
        (["mine.py:nothing"], "--scorer: mine.py:nothing is no scorer; "),
        (["mine.py:three"], "--scorer: mine.py:three is no scorer; "),
        (["mine.py:Misnamed"], "--scorer: mine.py:Misnamed has a name that is none; let it be a word."),
        (["mine.py:Unmade"], "scorer mine.py:Unmade: RuntimeError: it is not ready; mend it."),
        (["lekage"], '--scorer: no scorer is named "lekage"; did you mean "leakage"? One of your own is FILE.py:NAME.'),
        (["mine.py:Wordy", "--set", "Wordy.lest=1"], 'scorer mine.py:Wordy: no option is named "lest"; did you mean'),
        (["mine.py:Wordy", "--set", "Wordy.least=few"], "scorer mine.py:Wordy: least: Input should be a valid integer"),
        (["mine.py:Wordy", "--set", "Wordy.most=[1"], '--set: "[1" is no value; write it as in a scenario file.'),
        (["mine.py:Wordy", "--set", "Wordy=1"], '--set: "Wordy=1" sets nothing; write NAME.FIELD=VALUE.'),
        (["mine.py:Wordy", "--set", "leakage.least=1"], '--set: no scorer of this command is named "leakage"; there'),
        (["mine.py:speeches", "--set", "speeches.least=1"], 'scorer mine.py:speeches: no option is named "least"'),
    ],
)
def test_what_is_no_scorer_and_what_is_no_option_is_refused_in_a_sentence(options: list[str], told: str) -> None:
    Path("broken.py").write_text("\ndef :\n", "utf-8")
    run = play()
    refused = score("--scorer", *options)
    assert (refused.code, refused.out) == (2, "")
    assert refused.err.startswith(told)
    assert refused.err.count("\n") == 1
    assert "\x1b" not in refused.err
    assert verdicts_of(run) == {}


def test_settings_without_a_scorer_are_refused_and_not_passed_over() -> None:
    play(scorers=["faults"])
    refused = score("--set", "faults.threshold=1")
    assert refused.code == 2
    assert refused.err == '--set: no scorer of this command is named "faults"; there are: none.\n'


def test_a_run_that_was_begun_without_scorers_needs_some_named() -> None:
    folder = play()
    refused = score()
    assert refused.code == 2
    assert refused.err.startswith(f"{folder}: this run was begun without scorers; name some with --scorer: grounding, ")


# What is said


def test_the_summary_for_a_script_is_one_object_with_all_counts() -> None:
    folder = play()
    outcome = score("--scorer", "mine.py:Wordy", "--set", "Wordy.least=9999", "--scorer", "mine.py:moody", "--json")
    assert outcome.code == 1
    summary = json.loads(outcome.out)
    assert {*summary} == {"run", "scorers", "interrupted"}
    assert (summary["run"], summary["interrupted"]) == (str(folder), False)
    wordy, moody = summary["scorers"]
    assert wordy["reasons"] == {"too few": 4}
    counts = ("judged", "earlier", "failed", "left", "scores", "without_value")
    assert [wordy[name] for name in counts] == [4, 0, 0, 0, 4, 4]
    assert [moody[name] for name in counts] == [2, 0, 2, 0, 2, 2]
    assert moody["errors"] == {f"{MOODY}: ValueError: ␛ ␛red␛ and more": 2}


def test_what_a_scorer_says_reaches_a_terminal_clean() -> None:
    folder = play()
    shown = on_a_terminal(program("score", folder.resolve(), "--scorer", "mine.py:moody"), Path.cwd(), columns=160)
    assert f"2 failed: {MOODY}: ValueError: ␛ ␛red␛ and more" in shown
    assert "2 without a value: ␛red␛ and more" in shown
    assert "\x1b[31m" not in shown
    assert "\x1b]" not in shown


def test_a_failure_makes_the_exit_code_1_until_it_is_mended() -> None:
    play()
    assert score("--scorer", "mine.py:moody").code == 1
    again = score("--scorer", "mine.py:moody", "--json")
    assert (again.code, counted(again)[0][1:]) == (1, (0, 2, 2, 0))
    assert score("--scorer", "mine.py:speeches").code == 0


def test_a_limit_and_only_unscored_are_options() -> None:
    play()
    name = f"speeches@{VERSION}"
    assert counted(score("--scorer", "mine.py:speeches", "--limit", 3, "--json")) == [(name, 3, 0, 0, 1)]
    both = ("--scorer", "mine.py:speeches", "--only-unscored", "--limit", 3, "--json")
    assert counted(score(*both)) == [(name, 1, 3, 0, 0)]
    assert counted(score(*both)) == [(name, 0, 4, 0, 0)]


def test_a_run_that_is_being_written_is_refused_and_how_to_score_beside_is_said() -> None:
    folder = play()
    with lock_run(folder):
        refused = score("--scorer", "mine.py:speeches")
    assert (refused.code, refused.out) == (3, "")
    assert "is being written by pid " in refused.err
    assert "begin it with --score: rolestage run SCENARIO --score NAME" in refused.err
    assert refused.err.count("\n") == 1


def test_a_flipped_byte_ends_a_pass_with_exit_code_4() -> None:
    folder = play()
    score("--scorer", "mine.py:speeches")
    store = folder / DATABASE
    whole = store.read_bytes()
    at = whole.index(f"speeches@{VERSION}".encode() + b"inter-role") + len(f"speeches@{VERSION}")
    store.write_bytes(whole[:at] + b"I" + whole[at + 1 :])
    refused = score("--scorer", "mine.py:speeches")
    assert (refused.code, refused.out) == (4, "")
    assert "a row does not match its hash" in refused.err
    assert refused.err.count("\n") == 1


# Beside generation


def test_judging_beside_generation_gives_what_judging_afterwards_gives() -> None:
    scorers = ("mine.py:speeches", "mine.py:moody", "mine.py:Wordy")
    beside = play(*(word for name in scorers for word in ("--score", name)), "--set", "Wordy.least=3", turns=6)
    found = verdicts_of(beside)
    assert len(found) == 12
    beside.rename("beside")
    after = play(turns=6)
    named = [word for name in scorers for word in ("--scorer", name)]
    assert score(*named, "--set", "Wordy.least=3").code == 1
    assert verdicts_of(after) == found


def test_a_run_that_is_judged_while_it_is_played_says_so_and_ends_with_1_where_a_scorer_failed() -> None:
    scenario = written(Path("scenario"), episodes=4)
    outcome = commanded("run", scenario, "--dry-run", "--json", "--score", "mine.py:moody")
    *events, summary = map(json.loads, outcome.out.splitlines())
    verdicts = [event for event in events if event["type"] == "verdict"]
    assert sorted((one["episode"], one["error"] is None) for one in verdicts) == [
        (0, True),
        (1, False),
        (2, True),
        (3, False),
    ]
    assert (outcome.code, summary["judged"], summary["unjudged"], summary["failed"]) == (1, 2, 2, 0)
    assert counted(score("--scorer", "mine.py:moody", "--json"))[0][1:] == (0, 2, 2, 0)


def test_the_scorers_of_a_scenario_judge_and_are_those_of_a_later_pass() -> None:
    folder = play(scorers=["faults"])
    assert len(verdicts_of(folder)) == 4
    assert counted(score("--json"))[0][1:] == (0, 4, 0, 0)


def test_a_scorer_that_the_scenario_and_the_command_line_name_judges_once() -> None:
    scenario = written(Path("scenario"), episodes=4, scorers=["faults"])
    outcome = commanded("run", scenario, "--dry-run", "--json", "--score", "faults")
    assert json.loads(outcome.out.splitlines()[-1])["judged"] == 4


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        ("lekage", 'no scorer is named "lekage"; did you mean "leakage"?'),
        ("mine.py:speeches", 'no scorer is named "mine.py:speeches"; there are: '),
        ({"scorer": "leakage", "treshold": 1}, 'no option is named "treshold"; '),
        ({"threshold": 1}, "a scorer with options needs its name: "),
    ],
)
def test_a_scenario_that_names_no_scorer_is_refused_by_lint_at_its_line(entry: Any, told: str) -> None:
    scenario = written(Path("scenario"), scorers=["faults", entry])
    lines = scenario.read_text("utf-8").splitlines()
    line = lines.index("- faults") + 2
    for words in (["lint", scenario], ["run", scenario, "--dry-run"]):
        refused = commanded(*words)
        assert refused.code == 2
        assert re.match(rf"{scenario}:{line}:\d+: {re.escape(told)}", refused.err or refused.out)


# Ctrl-C


@pytest.fixture
def judging() -> Iterator[subprocess.Popen[str]]:
    """A process that judges a run of forty episodes, slowly, and tells of each."""
    play(episodes=40)
    command = program("score", "latest", "--scorer", "mine.py:slow", "--json")
    with subprocess.Popen(command, stdout=-1, stderr=-1, text=True) as process:
        yield process
        process.kill()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_leaves_what_was_judged_and_the_same_command_judges_the_rest(
    number: signal.Signals, judging: subprocess.Popen[str]
) -> None:
    assert judging.stdout is not None
    for _ in range(5):
        assert judging.stdout.readline() == "judging\n"
    judging.send_signal(number)
    out, err = judging.communicate(timeout=30)
    assert (judging.returncode, err) == (130, "")
    summary = json.loads(out[out.index("{") :])
    ((judged, left),) = [(one["judged"], one["left"]) for one in summary["scorers"]]
    assert summary["interrupted"]
    assert 4 <= judged < 40
    assert left == 40 - judged
    (folder,) = Path("runs").iterdir()
    assert len(verdicts_of(folder)) == judged
    rest = score("--scorer", "mine.py:slow", "--json").out
    ((again, earlier),) = [(one["judged"], one["earlier"]) for one in json.loads(rest[rest.index("{") :])["scorers"]]
    assert (again, earlier) == (left, judged)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_is_heard_while_a_scorer_computes(number: signal.Signals) -> None:
    folder = play()
    command = program("score", "latest", "--scorer", "mine.py:speeches", "--scorer", "mine.py:endless", "--json")
    with subprocess.Popen(command, stdout=-1, stderr=-1, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "judging\n"
        process.send_signal(number)
        out, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (130, "")
    assert json.loads(out)["interrupted"]
    assert {scorer for scorer, _ in verdicts_of(folder)} == {f"speeches@{VERSION}"}


def test_a_resume_says_what_it_leaves_unjudged() -> None:
    folder = play("--score", "mine.py:speeches", "--score", "faults")
    with sqlite3.connect(folder / DATABASE) as database:
        database.execute("DELETE FROM verdicts WHERE episode=2")
    database.close()
    resumed = commanded("resume", "latest")
    assert resumed.code == 0
    assert "--scorer mine.py:speeches" in resumed.err
    assert "episodes that faults has not judged yet: 1;" in resumed.err
    assert counted(score("--json"))[0][1:3] == (1, 3)
    assert "has not judged" not in commanded("resume", "latest").err
