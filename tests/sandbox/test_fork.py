"""Branches: what they share with their parent comes from the record, and they differ only from the fork on."""

import asyncio
import json
import sqlite3
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from shutil import copytree
from typing import Any

import pytest
from commanding import commanded
from killing import SHOWN, answered, contents, killed, lost, own_calls, shown, torn
from playing import STORY, carried_out, last_words, played, written

from agents.player import PERSON
from sandbox.display import Quiet
from sandbox.engines.scripted import Scripted
from sandbox.fork import begin, branching_at
from sandbox.gallery import Gallery
from sandbox.models import models_of, most_pictures
from sandbox.record import Record
from sandbox.replay import replay_all
from sandbox.rows import EpisodeRow
from sandbox.run import Plan, carry_out
from sandbox.run_folder import SCENARIO
from sandbox.store import DATABASE, lock_run
from sandbox.tape import turn_of
from scenes.chat import CallFailed, Request
from scenes.event import Event
from scenes.loading import load
from scenes.problem import InputRefused

TALK: dict[str, Any] = {"turns": 10, "layout": "images-first", "narrator": {}, "turn_policy": "random"}
AFTER = 5


@pytest.fixture(scope="module")
def talk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of one episode of ten turns."""
    return played(tmp_path_factory.mktemp("talk"), **TALK)


@pytest.fixture(scope="module")
def tale(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of one episode of a story in which much may be varied."""
    return played(tmp_path_factory.mktemp("tale"), **STORY | {"turns": 12, "turn_policy": "round_robin"})


@pytest.fixture
def run(talk: Path, tmp_path: Path) -> Path:
    """A copy of the talk that a test may fork."""
    return copytree(talk, tmp_path / "run")


@pytest.fixture
def story(tale: Path, tmp_path: Path) -> Path:
    """A copy of the story that a test may fork."""
    return copytree(tale, tmp_path / "story")


@dataclass
class Asked:
    """An answer that counts: every request that reached an engine."""

    requests: list[Request] = field(default_factory=list)

    def __call__(self, request: Request) -> str:
        self.requests.append(request)
        return last_words(request)


def begun(folder: Path, at: str, number: int, *vary: str) -> list[int]:
    """Put branches into the run without playing them, and return their numbers."""
    with closing(Record(folder)) as record:
        return begin(folder, branching_at(record, load(folder / SCENARIO), at, number, vary), {})


def forked(folder: Path, at: str, number: int, *vary: str, answer: Any = last_words) -> list[int]:
    """Play branches of the run with scripted answers, and return their numbers."""
    branches, source = begun(folder, at, number, *vary), load(folder / SCENARIO)
    names = {"storybook", "other", *models_of(source.scenario)} - {PERSON}
    engines = {name: Scripted(answer) for name in names}
    plan = Plan(folder, source, 1, engines, Gallery(), 8, {}, only=branches)
    summary = asyncio.run(carry_out(plan, Quiet()))
    assert (summary.planned, summary.done, summary.failed) == (number, number, 0)
    return branches


def states(folder: Path) -> Mapping[int, EpisodeRow]:
    with closing(Record(folder)) as record:
        return {state.id: state for state in record.states()}


def events(folder: Path, episode: int) -> tuple[Event, ...]:
    with closing(Record(folder)) as record:
        return record.events(episode)


def parted(told: Sequence[Event], after: int) -> tuple[list[Event], list[Event]]:
    """Return what happened up to the turn `after`, and from then on."""
    return [event for event in told if event.turn <= after], [event for event in told if event.turn > after]


def differences(folder: Path) -> list[str | None]:
    return [one.difference for one in asyncio.run(replay_all(folder))]


# What a fork costs, and what it gives


@pytest.mark.parametrize("kind", ["talk", "tale"])
def test_a_fork_of_eight_asks_nothing_for_what_comes_before_and_the_branches_differ_only_after_it(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    folder = copytree(request.getfixturevalue(kind), tmp_path / "run")
    before, after = parted(events(folder, 0), AFTER)
    calls, asked = own_calls(folder)[0], Asked()
    branches = forked(folder, f"0:{AFTER}", 8, answer=asked)
    assert branches == [*range(1, 9)]
    made = own_calls(folder)
    assert made[0] == calls
    assert len(asked.requests) == sum(len(made[branch]) for branch in branches)
    assert all(turn_of(key) > AFTER for branch in branches for key in made[branch])
    futures = [after]
    for branch in branches:
        past, future = parted(events(folder, branch), AFTER)
        assert past == before
        futures.append(future)
    assert all(one != other for at, one in enumerate(futures) for other in futures[:at])
    assert differences(folder) == [None] * 9


def test_branches_are_played_in_one_batch(run: Path) -> None:
    waiting, most = 0, 0

    async def answer(request: Request) -> str:
        nonlocal waiting, most
        waiting += 1
        most = max(most, waiting)
        await asyncio.sleep(0)
        waiting -= 1
        return last_words(request)

    forked(run, "0:5", 8, answer=answer)
    assert most == 8


def test_the_tree_is_in_the_store_and_each_branch_has_a_seed_of_its_own(run: Path) -> None:
    forked(run, "0:5", 3)
    forked(run, "0:5", 2, "seed")
    forked(run, "2:7", 2)
    tree = states(run)
    origins = {id: (state.parent, state.after) for id, state in tree.items()}
    assert origins == {0: (None, None)} | dict.fromkeys(range(1, 6), (0, 5)) | dict.fromkeys((6, 7), (2, 7))
    assert len({state.seed for state in tree.values()}) == 8
    assert {(state.variant_id, state.values) for state in tree.values()} == {("base", "{}")}


def test_the_same_fork_of_the_same_run_is_the_same(talk: Path, tmp_path: Path) -> None:
    one, other = (copytree(talk, tmp_path / name) for name in ("one", "other"))
    for folder in (one, other):
        forked(folder, "0:5", 2)
    assert contents(one) == contents(other)


def test_a_fork_before_the_first_turn_keeps_the_opening_alone(run: Path) -> None:
    (branch,) = forked(run, "0:0", 1)
    past, future = parted(events(run, branch), 0)
    assert past == parted(events(run, 0), 0)[0]
    assert len({event.turn for event in future}) == 10
    assert differences(run) == [None, None]


def test_a_branch_of_a_branch_has_the_turns_of_both(run: Path) -> None:
    (first,) = forked(run, "0:3", 1)
    asked = Asked()
    (second,) = forked(run, f"{first}:6", 1, answer=asked)
    grown = events(run, second)
    assert parted(grown, 3)[0] == parted(events(run, 0), 3)[0]
    assert parted(grown, 6)[0] == parted(events(run, first), 6)[0]
    assert parted(grown, 6)[1] != parted(events(run, first), 6)[1]
    assert len(asked.requests) == 4
    (third,) = forked(run, f"{second}:6", 1)
    assert parted(events(run, third), 6)[0] == parted(grown, 6)[0]
    assert differences(run) == [None] * 4


# What a branch may set


def test_branches_take_the_combinations_in_turn_and_begin_again(run: Path) -> None:
    temperatures, pictures = "sampling.temperature=0.1,0.2", "images.harbour.storybook.seed=1,2"
    branches = forked(run, "0:5", 6, temperatures, pictures)
    tree = states(run)
    set_by = [tuple(json.loads(tree[branch].values).values()) for branch in branches]
    assert set_by == [(0.1, 1), (0.1, 2), (0.2, 1), (0.2, 2), (0.1, 1), (0.1, 2)]
    assert tree[1].variant_id == tree[5].variant_id != tree[2].variant_id
    assert tree[1].seed != tree[5].seed
    assert differences(run) == [None] * 7


def test_another_model_answers_from_the_fork_on(run: Path) -> None:
    asked = Asked()
    forked(run, "0:5", 2, "model=other", answer=asked)
    assert {request.model for request in asked.requests} == {"other"}
    with closing(Record(run)) as record:
        models = [call.request.model for call in record.calls(1)]
    assert models == ["storybook"] * 6 + ["other"] * 5


def test_another_picture_is_seen_from_the_fork_on(run: Path) -> None:
    asked = Asked()
    (branch,) = forked(run, "0:5", 1, "image=harbour:8", answer=asked)
    with closing(Record(run)) as record:
        (old,), both = record.pictures(0), record.pictures(branch)
    (new,) = {picture.id for picture in both} - {old.id}
    seen = {segment.image for request in asked.requests for segment in request.prompt.segments()} - {None}
    assert seen == {new}


def test_no_prompt_of_a_branch_has_more_pictures_than_its_legs_together(story: Path) -> None:
    asked = Asked()
    forked(story, "0:2", 3, "image=harbour:1,2,3", "turn_policy=narrator", answer=asked)
    forked(story, "1:4", 2, "image=harbour:4,5", "image=chart:6", answer=asked)
    most = max(sum(bool(part.image) for part in request.prompt.segments()) for request in asked.requests)
    assert 1 < most <= 3 * most_pictures(load(story / SCENARIO).scenario)


def test_another_character_takes_over_a_part_with_all_that_was_perceived_in_it(story: Path) -> None:
    before, _ = parted(events(story, 0), AFTER)
    asked = Asked()
    (branch,) = forked(story, f"0:{AFTER}", 1, "character=Brack:storybook/vale", answer=asked)
    past, future = parted(events(story, branch), AFTER)
    assert past == before
    actors = {event.actor for event in future}
    assert "Inspector Vale" in actors
    assert "Captain Brack" not in actors | {name for event in future for name in event.visible_to}
    told = ["\n".join(segment.text for segment in one.prompt.segments()) for one in asked.requests]
    as_vale = [text for text in told if "Inspector Vale" in text and "He moved the buoy." in text]
    assert as_vale
    assert all("I moved the buoy." in text for text in as_vale)
    assert json.loads(states(story)[branch].values)["cast.0.character"]["name"] == "Inspector Vale"
    assert differences(story) == [None, None]


def test_a_character_that_took_over_knows_what_was_known_in_its_part(story: Path) -> None:
    forked(story, "0:5", 1, "cast.1.character=storybook/vale")
    said = json.loads(commanded("who-knows", story, "I moved the buoy", "--episode", 1, "--json").out)
    known = {one["name"]: (one["how"], one["turn"]) for one in said[0]["knowledge"]}
    assert known["Inspector Vale"] == ("heard", 0)
    assert "Pip" not in known


def test_a_branch_of_a_variant_keeps_what_that_sets(tmp_path: Path) -> None:
    folder = played(tmp_path, **TALK, vary={"cast.0.character": ["storybook/brack", "storybook/vale"]})
    (branch,) = forked(folder, "1:5", 1, "character=Pip:storybook/brack")
    names = {event.actor for event in events(folder, branch) if event.turn > 5}
    assert names == {"Inspector Vale", "Captain Brack"}
    assert states(folder)[branch].variant == 1
    assert differences(folder) == [None] * 3


# Where a scene ends


def test_a_branch_after_the_last_turn_is_interviewed_again_and_nothing_else(story: Path) -> None:
    last = max(event.turn for event in events(story, 0))
    asked = Asked()
    (branch,) = forked(story, f"0:{last}", 1, answer=asked)
    assert {key.split("/")[0] for key in own_calls(story)[branch]} == {"interview"}
    assert len(asked.requests) == len(own_calls(story)[branch])
    assert differences(story) == [None, None]


def test_a_branch_may_have_more_turns_than_its_parent(run: Path) -> None:
    (branch,) = forked(run, "0:10", 1, "turns=13")
    assert [event.turn for event in events(run, branch)] == [*range(14)]
    with closing(Record(run)) as record, pytest.raises(InputRefused, match="after turn 10 the scene is over"):
        branching_at(record, load(run / SCENARIO), "0:10", 1, [])


def ending(request: Request) -> str:
    """Answer as always, and end the scene as soon as that can be decided."""
    return json.dumps({"reason": "", "decision": "end"}) if '"end"' in (request.form or "") else last_words(request)


def test_a_scene_that_its_narrator_ended_is_over_for_its_branches(tmp_path: Path) -> None:
    folder = played(tmp_path, ending, **STORY)
    last = max(event.turn for event in events(folder, 0))
    assert last < STORY["turns"]
    (branch,) = forked(folder, f"0:{last}", 1)
    assert {event.turn for event in events(folder, branch)} == {*range(last + 1)}
    assert all(key.startswith("interview/") for key in own_calls(folder)[branch])
    (earlier,) = forked(folder, f"0:{last - 1}", 1)
    assert max(event.turn for event in events(folder, earlier)) >= last


# What the commands say of branches


@pytest.fixture
def typed(tmp_path: Path) -> Path:
    """A run made and forked by the command line alone."""
    file = written(tmp_path / "scenario", **TALK)
    assert commanded("run", file, "--dry-run", "--out", tmp_path / "runs", "--display", "none").code == 0
    outcome = commanded("fork", "latest", "--at", "0:5", "-n", 2, "--runs", tmp_path / "runs", "--json")
    assert outcome.code == 0, outcome
    assert json.loads(outcome.out.splitlines()[-1])["calls"] == 10
    return next((tmp_path / "runs").iterdir())


def test_show_marks_branches_and_holds_parent_and_turn(typed: Path) -> None:
    overview = commanded("show", typed).out
    assert overview.count("branch of 0 after turn 5") == 2
    told = json.loads(commanded("show", typed, "--json").out)["episodes"]
    assert [(one["parent"], one["after"]) for one in told] == [(None, None), (0, 5), (0, 5)]
    assert "branch of 0 after turn 5" in commanded("show", typed, 1).out


def test_show_calls_shows_those_of_the_parent_and_then_its_own(typed: Path) -> None:
    parent, branch = (json.loads(commanded("show", typed, one, "--calls", "--json").out)["calls"] for one in (0, 1))
    assert branch[:6] == parent[:6]
    assert [call["key"][:3] for call in branch[6:]] == ["t06", "t07", "t08", "t09", "t10"]


def test_list_counts_branches(typed: Path) -> None:
    (row,) = json.loads(commanded("list", "--runs", typed.parent, "--json").out)
    assert (row["done"], row["failed"], row["planned"]) == (3, 0, 3)


def test_replay_checks_branches_too(typed: Path) -> None:
    assert "3 of 3 episodes are rebuilt exactly" in commanded("replay", typed, "--check").out
    with closing(sqlite3.connect(typed / DATABASE, isolation_level=None)) as database:
        database.execute("DELETE FROM calls WHERE episode=2 AND key LIKE 't08/%'")
    assert commanded("replay", typed, "--check").code == 4


def test_what_the_branches_were_made_with_is_kept(typed: Path) -> None:
    with closing(Record(typed)) as record:
        kept = record.meta()["fork/1"]
    assert kept["engines"]["storybook"]["kind"] == "scripted"
    assert kept["command"][:2] == ["fork", "latest"]


@pytest.mark.parametrize("name", ["Inspector Vale", "inspector vale", "Captain Brack", "Brack"])
def test_show_as_either_name_or_alias_shows_all_that_the_part_perceived(name: str, story: Path) -> None:
    (branch,) = forked(story, "0:5", 1, "character=Brack:storybook/vale")
    told = json.loads(commanded("show", story, branch, "--as", name, "--calls", "--json").out)
    parted_by_name = {("Captain Brack" in one["visible_to"], one["turn"] > 5) for one in told["events"]}
    assert parted_by_name == {(True, False), (False, True)}
    assert {one["key"].split("/")[1] for one in told["calls"] if one["key"] > "t06"} >= {"inspectorvale"}
    assert "what Inspector Vale perceived, and nothing else" in commanded("show", story, branch, "--as", name).out


def test_show_says_who_missed_something_under_the_name_that_it_has_in_the_branch(story: Path) -> None:
    (branch,) = forked(story, "0:5", 1, "character=Brack:storybook/vale")
    lines = commanded("show", story, branch).out.splitlines()
    first = next(at for at, line in enumerate(lines) if line.startswith("  6"))
    assert any("all but Captain Brack" in line for line in lines[:first])
    assert not any("Brack›" in line for line in lines[first:])


def test_an_interview_after_the_last_turn_is_that_of_the_branch(story: Path) -> None:
    last = max(event.turn for event in events(story, 0))
    (branch,) = forked(story, f"0:{last}", 1, "character=Brack:storybook/vale")
    told = json.loads(commanded("show", story, branch, "--as", "Vale", "--json").out)
    assert [one["actor"] for one in told["events"][-2:]] == ["Interviewer", "Inspector Vale"]


# What is refused


@pytest.mark.parametrize(
    ("at", "vary", "told"),
    [
        ("7:2", [], "--at: there is no episode 7; this run has 1, counted from 0."),
        ("0:11", [], "--at: episode 0 has no turn 11; on record it is up to turn 10."),
        ("0", [], '--at: "0" is no turn of an episode; write EPISODE:TURN, such as 0:5.'),
        ("0:-1", [], '--at: "0:-1" is no turn of an episode; write EPISODE:TURN, such as 0:5.'),
        ("0:5", ["modle=a"], '--vary: unknown key "modle"; did you mean "model"?'),
        ("0:5", ["model"], '--vary: "model" sets nothing; write seed alone, or PATH=VALUE,VALUE.'),
        ("0:5", ["seed=3"], '--vary: "seed=3" sets nothing; write seed alone, or PATH=VALUE,VALUE.'),
        ("0:5", ["title=Tea"], '--vary: "title" cannot be varied; vary what is played.'),
        ("0:5", ["turns=many"], '--vary: "turns" must be a whole number, found the text "many".'),
        ("0:5", ["turns=12", "turns=13"], '--vary: "turns" is varied twice; write all its values behind one --vary.'),
        ("0:5", ["character=Bo:storybook/moss"], '--vary: no character is named "Bo"; there are: Captain Brack, Pip.'),
        ("0:5", ["character=Pip:storybook/mos"], '--vary: no shipped character is named "storybook/mos"; did you mean '
         '"storybook/moss"?'),
        ("0:5", ["image=harbor:1"], '--vary: "images.harbor.storybook.seed" leads nowhere in the scenario of this run, '
         'which has no "harbor" there; write a path such as cast.0.character.'),
        ("0:5", ["model=http://host/v1"], "--vary: the model on a server has no name; write it behind the address: "
         "http://host:8000/v1#name."),
        ("0:5", ["layout=script"], '--vary: the layout "script" is one text for all and cannot keep a "private"; '
         "take images-first or compact."),
        ("0:5", ["cast=[{character: storybook/brack}]"], "--vary: a branch has the parts of what it branches from; "
         "vary who has them, and not how many there are."),
    ],
)  # fmt: skip
def test_a_wrong_fork_is_refused_in_a_sentence_and_changes_nothing(
    at: str, vary: list[str], told: str, run: Path
) -> None:
    before = (run / DATABASE).read_bytes()
    options = [word for one in vary for word in ("--vary", one)]
    outcome = commanded("fork", run, "--at", at, "-n", 2, *options)
    assert outcome.code == 2
    assert outcome.err == told + "\n"
    assert (run / DATABASE).read_bytes() == before


@pytest.mark.parametrize("number", ["0", "-3", "many"])
def test_a_number_of_branches_that_is_none_is_refused(number: str, run: Path) -> None:
    outcome = commanded("fork", run, "--at", "0:5", "-n", number)
    assert (outcome.code, outcome.out) == (2, "")
    assert "Invalid value for '-n'" in outcome.err


def test_a_turn_before_a_branch_began_is_that_of_its_parent(run: Path) -> None:
    forked(run, "0:5", 1)
    outcome = commanded("fork", run, "--at", "1:4", "-n", 1)
    assert outcome.code == 2
    assert outcome.err.endswith("turn 4 of episode 1 is one of episode 0, from which that branches after turn 5; "
                                "write --at 0:4.\n")  # fmt: skip


def test_a_run_that_is_being_written_is_not_forked(typed: Path) -> None:
    with lock_run(typed):
        assert commanded("fork", typed, "--at", "0:5", "-n", 1).code == 3
    assert len(states(typed)) == 3


# What ends before it is done


def test_a_resume_plays_branches_that_were_begun(run: Path) -> None:
    whole = copytree(run, run.parent / "whole")
    forked(whole, "0:5", 3)
    begun(run, "0:5", 3)
    assert json.loads(commanded("show", run, 3, "--json").out)["status"] == "playing"
    assert differences(run) == [None] * 4
    asked = Asked()
    summary = carried_out(run, asked)
    assert (summary.planned, summary.earlier, summary.done, summary.failed) == (4, 1, 3, 0)
    assert len(asked.requests) == 15
    assert contents(run) == contents(whole)


def test_a_resume_starts_the_models_that_only_branches_ask(typed: Path) -> None:
    begun(typed, "0:5", 1, "model=elsewhere")
    outcome = commanded("resume", typed, "--json")
    assert (outcome.code, json.loads(outcome.out.splitlines()[-1])["done"]) == (0, 1)
    with closing(Record(typed)) as record:
        assert {call.request.model for call in record.calls(3)} == {"storybook", "elsewhere"}


def test_a_branch_that_failed_is_played_on_and_its_parent_too(tmp_path: Path) -> None:
    calls = iter(range(8))

    def failing(request: Request) -> str:
        if next(calls, None) is None:
            raise CallFailed("no answer")
        return last_words(request)

    folder = played(tmp_path, failing, **TALK)
    assert states(folder)[0].status == "failed"
    whole = copytree(folder, tmp_path / "whole")
    carried_out(whole)
    forked(whole, "0:5", 1)
    begun(folder, "0:5", 1)
    carried_out(folder)
    assert contents(folder) == contents(whole)


@pytest.mark.parametrize("kills", [[1], [2], [5], [9], [14], [23], [30], [41], [51], [52], [2, 5, 1, 9], [30, 1, 20]])
def test_a_fork_killed_at_any_commit_has_lost_nothing_and_its_resume_completes_it(
    kills: list[int], talk: Path, tmp_path: Path
) -> None:
    """Four branches of 13 batches each: the beginning, the opening, ten turns, the end."""
    folder, whole = (copytree(talk, tmp_path / name) for name in ("run", "whole"))
    forked(whole, "0:5", 4)
    begun(folder, "0:5", 4)
    (dead,) = killed([folder], [kills])
    with open(dead / SHOWN, encoding="utf-8") as file:
        assert lost(shown(file), dead) == []
    assert torn(dead) == set()
    known, asked = answered(dead), Asked()
    carried_out(dead, asked)
    assert {request.digest() for request in asked.requests} & known == set()
    assert contents(dead) == contents(whole)


BEGIN_KILLED = """
import sqlite3, sys
from itertools import count
from pathlib import Path
sys.path.insert(0, sys.argv[3])
from killing import die_at_statement
from contextlib import closing
from sandbox.fork import begin, branching_at
from sandbox.record import Record
from scenes.loading import load
folder, connect, connections = Path(sys.argv[1]), sqlite3.connect, count()
with closing(Record(folder)) as record:
    branching = branching_at(record, load(folder / "run.yaml"), "0:5", 4, [])
def dying(*args, **kwargs):
    database = connect(*args, **kwargs)
    if next(connections) == 1:  # the first one reads how many episodes there are
        die_at_statement(database, int(sys.argv[2]))
    return database
sqlite3.connect = dying
begin(folder, branching, {})
"""


def test_branches_are_begun_all_or_none_whenever_the_process_is_killed(talk: Path, tmp_path: Path) -> None:
    seen = set()
    for kth in (1, 3, 5, 6, 8, 10, 11, 50):
        folder = copytree(talk, tmp_path / str(kth))
        tests = str(Path(__file__).parents[1])
        ended = subprocess.run([sys.executable, "-c", BEGIN_KILLED, str(folder), str(kth), tests], check=False)
        branches = len(states(folder)) - 1
        assert branches == (4 if ended.returncode == 0 else branches and 4)
        seen.add((ended.returncode, branches))
        carried_out(folder)
        assert differences(folder) == [None] * (1 + branches)
    assert {(-9, 0), (0, 4)} <= seen
