"""A character of a stored episode is asked later: from its own view at a turn, and without a trace in the run."""

import asyncio
import json
from contextlib import closing
from pathlib import Path
from shutil import copytree
from typing import Any

import pytest
from commanding import Outcome, commanded
from killing import read_only
from playing import STORY, last_words, written

from agents.interview import answer
from sandbox.engines import start
from sandbox.engines.engine import EngineDied
from sandbox.purpose import is_of_interview
from sandbox.record import Record
from sandbox.replay import past_of
from sandbox.run_folder import SCENARIO
from sandbox.store import lock_run
from scenes.chat import CallFailed, Completion, Request

CHOICES = ("Captain Brack", "Pip", "nobody")
TALE: dict[str, Any] = STORY | {
    "turns": 6,
    "turn_policy": "round_robin",
    "interview": [{"ask": "Who moved the buoy?", "choices": [*CHOICES]}],
}
LAST = 6


@pytest.fixture(scope="module")
def tale(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A story played by the command line with scripted lines, and a branch of it in which another has Brack's part."""
    folder, vary = tmp_path_factory.mktemp("tale"), "character=Brack:storybook/vale"
    scenario = written(folder / "scenario", **TALE)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(start, "dry_answer", last_words)  # whose every line is another
        assert commanded("run", scenario, "--dry-run", "--out", folder / "runs", "--display", "none").code == 0
        (run,) = (folder / "runs").iterdir()
        assert commanded("fork", run, "--at", "0:3", "-n", 1, "--vary", vary, "--display", "none").code == 0
    return run


def asked(run: Path, name: str, *options: object, episode: int = 0, question: str = "Who moved the buoy?") -> Outcome:
    return commanded("interview", run, episode, question, "--as", name, *options)


def requests(run: Path, episode: int, name: str, turn: int, key: str, *choices: str) -> list[Request]:
    """Return what is asked of somebody after that turn of an episode."""
    with past_of(run) as past:
        _, performance = asyncio.run(past.at(episode, turn))
    made: list[Request] = []

    async def call(key: str, request: Request) -> Completion:
        made.append(request)
        return Completion(text='{"answer": "Pip"}')

    asyncio.run(answer(performance.character(name), call, key, "Who moved the buoy?", choices or None))
    return made


def prompt_of(run: Path, episode: int, name: str, turn: int) -> str:
    (request,) = requests(run, episode, name, turn, "any")
    return "\n".join(segment.text for segment in request.prompt.segments())


# From whose view


@pytest.mark.parametrize("name", ["Captain Brack", "Pip", "Doctor Moss"])
def test_after_the_last_turn_somebody_is_asked_exactly_as_in_the_scene_s_own_interview(name: str, tale: Path) -> None:
    with closing(Record(tale)) as record:
        stored = {call.key: call.request for call in record.calls(0)}
    short = name.casefold().replace(" ", "")
    (made,) = requests(tale, 0, name, LAST, f"interview/1/{short}", *CHOICES)
    assert made.digest() == stored[f"interview/1/{short}"].digest()


@pytest.mark.parametrize("turn", range(LAST + 1))
@pytest.mark.parametrize("name", ["Captain Brack", "Pip", "Doctor Moss"])
def test_a_prompt_holds_what_was_perceived_up_to_the_turn_and_nothing_later(name: str, turn: int, tale: Path) -> None:
    prompt = prompt_of(tale, 0, name, turn)
    with closing(Record(tale)) as record:
        spoken = [event for event in record.events(0) if event.kind == "speech" and not is_of_interview(event)]
    known = [event.text for event in spoken if name in event.visible_to and event.turn <= turn]
    unknown = [event.text for event in spoken if event.text not in known]
    assert len({*known, *unknown}) == len(spoken) > 8
    assert [text for text in known if text not in prompt] == []
    assert [text for text in unknown if text in prompt] == []


def test_only_who_heard_the_whisper_can_be_asked_about_it(tale: Path) -> None:
    assert "I moved the buoy." in prompt_of(tale, 0, "Pip", LAST)
    assert "I moved the buoy." not in prompt_of(tale, 0, "Doctor Moss", LAST)


def test_what_somebody_believes_at_the_turn_is_in_the_prompt(tale: Path) -> None:
    with closing(Record(tale)) as record:
        beliefs = {event.turn: event.text for event in record.events(0) if event.change and event.change.belief}
    early, late = min(beliefs), max(beliefs)
    assert early < late
    believing = "What you believe, wish and mean to do:"
    assert prompt_of(tale, 0, "Pip", early).split(believing)[1] != prompt_of(tale, 0, "Pip", late).split(believing)[1]


def test_in_a_branch_the_one_who_took_over_a_part_is_asked_and_before_it_the_one_who_had_it(tale: Path) -> None:
    assert asked(tale, "Inspector Vale", episode=1).code == 0
    assert asked(tale, "Inspector Vale", "--at", 3, episode=1).code == 0
    assert asked(tale, "Captain Brack", "--at", 2, episode=1).code == 0
    assert asked(tale, "Captain Brack", episode=1).code == 2
    assert "I moved the buoy." in prompt_of(tale, 1, "Inspector Vale", LAST)


# What is printed


def test_the_answer_alone_is_printed_and_the_same_question_has_the_same_answer(tale: Path) -> None:
    first, again = asked(tale, "pip"), asked(tale, "Pip")
    assert (first.code, first.err, first.out.count("\n")) == (0, "", 1)
    assert first.out == again.out


def test_an_answer_may_be_one_of_several_choices(tale: Path) -> None:
    given = json.loads(asked(tale, "Pip", "--choice", "the cat", "--choice", "the dog", "--json").out)
    assert given["answer"] in ("the cat", "the dog")
    assert given == {
        "run": str(tale), "episode": 0, "turn": LAST, "name": "Pip", "question": "Who moved the buoy?",
        "choices": ["the cat", "the dog"], "model": "storybook", "answer": given["answer"], "flags": None,
    }  # fmt: skip


def test_another_model_can_be_asked(tale: Path) -> None:
    given = json.loads(asked(tale, "Pip", "--at", 2, "--model", "elsewhere", "--engine", "scripted", "--json").out)
    assert (given["model"], given["turn"]) == ("elsewhere", 2)


def test_what_a_model_answers_reaches_no_terminal_raw(tale: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(start, "dry_answer", lambda request: "\x1b[31mRed\x9b2J.")
    assert asked(tale, "Pip").out == "␛1mRed␛.\n"


# What goes wrong


def test_no_readable_choice_is_said_and_is_no_success(tale: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(start, "dry_answer", lambda request: "I would rather not.")
    outcome = asked(tale, "Pip", "--choice", "yes", "--choice", "no")
    assert (outcome.code, outcome.out) == (1, "(no answer that can be read)\n")
    given = json.loads(asked(tale, "Pip", "--choice", "yes", "--choice", "no", "--json").out)
    assert given["answer"] is None
    assert given["flags"]["defaulted"]


@pytest.mark.parametrize(("error", "code"), [(CallFailed("it does \x1bnot fit"), 1), (EngineDied("no memory"), 5)])
def test_a_call_that_fails_is_said_in_a_sentence(
    error: Exception, code: int, tale: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(request: Request) -> str:
        raise error

    monkeypatch.setattr(start, "dry_answer", failing)
    outcome = asked(tale, "Pip")
    assert (outcome.code, outcome.out) == (code, "")
    assert outcome.err.count("\n") == 1
    assert "\x1b" not in outcome.err


@pytest.mark.parametrize(
    ("episode", "name", "options", "told"),
    [
        (7, "Pip", [], "there is no episode 7; this run has 2, counted from 0."),
        (0, "Pip", ["--at", 7], "episode 0 has no turn 7; on record it is up to 6."),
        (0, "Pipp", [], 'no character is named "Pipp"; did you mean "Pip"?'),
        (
            0,
            "Narrator",
            [],
            'no character is named "Narrator"; there are: Captain Brack, Pip, Doctor Moss, Odile Fenn.',
        ),
        (0, "Odile", [], "Odile Fenn was not on the stage up to turn 6; ask somebody who was."),
    ],
)
def test_what_cannot_be_asked_is_refused_in_a_sentence(
    episode: int, name: str, options: list[object], told: str, tale: Path
) -> None:
    refused = asked(tale, name, *options, episode=episode)
    assert (refused.code, refused.out) == (2, "")
    assert refused.err == f"{tale}: {told}\n"


@pytest.mark.parametrize("question", ["", "  ", "?" * 20_001])
def test_a_question_that_is_none_is_refused(question: str, tale: Path) -> None:
    refused = asked(tale, "Pip", question=question)
    assert (refused.code, refused.err) == (2, "rolestage: a question has between 1 and 20,000 characters; write one.\n")


@pytest.mark.parametrize("choices", [["A"], ["A", "A"], ["A", " a "], ["", "A"], ["A", "B", "  "]])
def test_choices_that_leave_nothing_to_choose_are_refused(choices: list[str], tale: Path) -> None:
    refused = asked(tale, "Pip", *(word for choice in choices for word in ("--choice", choice)))
    assert (refused.code, refused.out) == (2, "")
    assert refused.err == "rolestage: --choice is given twice or more, each time with another answer, never blank.\n"


def test_a_model_that_stands_for_nothing_is_refused(tale: Path) -> None:
    refused = asked(tale, "Pip", "--model", "./nowhere")
    assert refused.code == 2
    assert 'there is no folder "./nowhere"' in refused.err


def test_a_run_whose_scenario_was_changed_is_refused_with_the_difference(tale: Path, tmp_path: Path) -> None:
    folder = copytree(tale, tmp_path / "changed")
    file = folder / SCENARIO
    file.write_text(file.read_text("utf-8").replace("He moved the buoy.", "He sank the buoy."), "utf-8")
    refused = asked(folder, "Pip")
    assert refused.code == 2
    assert 'recorded "moved", now "sank"' in refused.err


# What is left of it


def test_nothing_of_the_run_changes_and_nobody_need_be_able_to_write_it(tale: Path) -> None:
    def files(folder: Path) -> dict[str, bytes]:
        """Return the files of the run but for what a reader of SQLite leaves."""
        left = ("-shm", "-wal")
        return {file.name: file.read_bytes() for file in folder.rglob("*.*") if not file.name.endswith(left)}

    with lock_run(tale):
        before = files(tale)
        assert asked(tale, "Pip").code == 0
        assert files(tale) == before
    with read_only(tale) as folder:
        assert asked(folder, "Pip").code == 0
