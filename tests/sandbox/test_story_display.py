"""How a story is read: who perceived what, what went on unseen, what was asked in private, and what it all came to."""

import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest
from commanding import commanded
from playing import carried_out, new_run, played, written

from sandbox.display import Conversation, came, on_stage
from sandbox.purpose import first_asked, purpose_of
from sandbox.rows import Asked, Batch, EpisodeRow
from sandbox.screen import Screen
from sandbox.tally import LEFT, Summary, Tally
from sandbox.transcript import Transcript, there_at_first
from scenes.chat import Completion, Prompt, Request
from scenes.event import Change, Event, Flags
from scenes.loading import load

STORY: dict[str, Any] = {
    "kind": "story",
    "images": {"harbour": {"storybook": {"seed": 7}}, "chart": {"storybook": {"seed": 9}, "reserve": True}},
    "places": {"quay": {"shows": ["harbour"], "beside": ["cabin"]}, "cabin": {}},
    "cast": [
        {"character": {"name": "Ada"}, "place": "quay"},
        {"character": {"name": "Bo"}, "place": "quay"},
        {"character": {"name": "Cy"}, "place": "cabin"},
        {"character": {"name": "Di"}, "place": "cabin", "reserve": True},
    ],
    "opening": [{"Ada": "(whispers to Bo) The buoy is mine."}, {"Bo": "(goes to the cabin) Cy!"}],
    "interview": [{"ask": "Whose is the buoy?", "choices": "cast", "truth": "Ada"}, {"to": "Bo", "ask": "And now?"}],
    "narrator": {},
    "mind": "bdi",
    "turn_policy": "narrator",
    "turns": 3,
    "layout": "images-first",
}


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")


def event(kind: str, actor: str, text: str, to_whom: dict[str, str], **more: object) -> Event:
    data = {"index": 0, "turn": 3, "kind": kind, "actor": actor, "text": text, "visible_to": to_whom, **more}
    return Event.model_validate(data)


def lines_of(*events: Event, there: tuple[str, ...] = ("Ada", "Bo", "Cy")) -> list[str]:
    transcript = Transcript(there, Screen(), {"f" * 64: "chart"})
    return [row for line in map(transcript.line, events) if line for row in str(line).splitlines()]


SEEN_BY_TWO = {"Bo": "saw", "Ada": "saw"}
TOLD_TO_ALL = dict.fromkeys(("Ada", "Bo", "Cy"), "was told")
WET = Change(who="Bo", state="wet")
STEER, JUDGE, SUMMARY = ("t03/narrator/steer", "t03/narrator/judge-ada/again2", "t03/narrator/summary")
REFUSED = Flags(repaired=2, defaulted=True)


# Lines of a story


@pytest.mark.parametrize(
    ("happened", "line"),
    [
        (
            event("speech", "Ada", "The buoy is mine.", {"Ada": "did", "Bo": "heard"}, to=("Bo",)),
            "  3  Ada → Bo: The buoy is mine.  ‹heard by Bo alone›",
        ),
        (
            event("speech", "Ada", "Gone?", {"Ada": "did"}, to=("Bo",)),
            "  3  Ada → Bo: Gone?  ‹nobody heard it›",
        ),
        (
            event("state", "Bo", "comes to cabin", {"Bo": "did", "Ada": "saw", "Cy": "saw"}),
            "  3  Bo comes to cabin",
        ),
        (
            event("state", "Narrator", "Bo is now wet.", {"Bo": "did", "Ada": "saw"}, change=WET),
            "  3  Narrator  Bo is now wet.  ‹all but Cy›",
        ),
        (
            event("narration", "Narrator", "A wave.", {"Cy": "was told"}),
            "  3  Narrator  A wave.  ‹told to Cy›",
        ),
        (
            event("narration", "Narrator", "A wave hits him.", TOLD_TO_ALL, to=("Bo",)),
            "  3  Narrator → Bo  A wave hits him.",
        ),
        (
            event("action", "Ada", "waves", {"Ada": "did", "Bo": "saw"}),
            "  3  Ada waves  ‹seen by Bo›",
        ),
        (
            event("image", "Narrator", "", dict.fromkeys(("Ada", "Bo"), "saw"), image="f" * 64),
            "  3  Narrator shows picture chart",
        ),
        (event("image", "Bo", "", {"Bo": "saw"}, image="e" * 64), "  3  Bo now sees picture eeeeeeee"),
        (event("system", "Narrator", "end: Done.", {}, call=STEER), "  ·    Narrator decides: end: Done."),
        (
            event("system", "Narrator", "no decision: the next in order", {}, call=STEER, flags=REFUSED),
            "  ·    Narrator decides: no decision: the next in order  ‹no readable answer: default›",
        ),
        (
            event("system", "Narrator", "end: Well.", {}, call=f"{STEER}/again1", flags=Flags(repaired=1)),
            "  ·    Narrator decides: end: Well.  ‹asked again once›",
        ),
        (event("system", "Narrator", "All is well.", {}, call=SUMMARY), "  ·    Narrator sums up: All is well."),
        (
            event("system", "Narrator", "nobody is touched", {}, call=JUDGE, flags=Flags(repaired=2)),
            "  ·    nobody is touched  ‹asked again twice›",
        ),
    ],
)  # fmt: skip
def test_everything_that_happens_in_a_story_has_its_line(happened: Event, line: str) -> None:
    assert lines_of(happened) == [line]


def test_beliefs_stand_together_apart_from_the_scene() -> None:
    mine = Change(who="Ada", belief="I am brave.")
    theirs = Change(who="Bo", surroundings="It is late.")
    believed = event("state", "Ada", "I am brave.", {"Ada": "thought"}, change=mine)
    made_of_it = event("state", "Bo", "It is late.", {"Bo": "thought"}, change=theirs)
    learned = event("thought", "Bo", "Fog lies.", {"Bo": "thought"}, call="t03/bo/reflect")
    said = event("speech", "Cy", "Hm.", dict.fromkeys(("Ada", "Bo", "Cy"), "heard"))
    assert lines_of(believed, made_of_it, learned, said, believed) == [
        "     nobody else knows:",
        "  ·    Ada believes: I am brave.",
        "  ·    Bo makes of it: It is late.",
        "  ·    Bo thinks: Fog lies.",
        "  3  Cy: Hm.",
        "     nobody else knows:",
        "  ·    Ada believes: I am brave.",
    ]


def test_a_question_is_told_once_and_every_answer_with_its_score() -> None:
    def asked(name: str, question: str, answer: str, number: int, **more: object) -> list[Event]:
        return [
            event("speech", "Interviewer", question, {name: "was told"}),
            event("speech", name, answer, {name: "did"}, call=f"interview/{number}/{name.lower()}", **more),
        ]

    assert lines_of(
        *asked("Ada", "Whose?", "Ada", 1, score=1.0),
        *asked("Bo", "Whose?", "Cy", 1, score=0.0),
        *asked("Cy", "Whose?", "", 1, flags=Flags(repaired=2, defaulted=True)),
        *asked("Bo", "And now?", "Well.", 2),
    ) == [
        "     asked in private:",
        "  ·  Whose?",
        "  ·    Ada: Ada  ‹right›",
        "  ·    Bo: Cy  ‹wrong›",
        "  ·    Cy:   ‹unreadable›",
        "  ·  And now?",
        "  ·    Bo: Well.",
    ]


def test_nobody_is_said_to_miss_what_happens_before_it_comes_or_after_it_left() -> None:
    everybody = {"Ada": "did", "Bo": "heard"}
    comes = event(
        "state", "Narrator", "Cy comes in.", SEEN_BY_TWO | {"Cy": "did"}, change=Change(who="Cy", present=True)
    )
    leaves = event("state", "Bo", "is gone", {"Ada": "saw", "Bo": "did"}, change=Change(who="Bo", present=False))
    said = event("speech", "Ada", "Hm.", everybody)
    assert lines_of(said, comes, said, there=("Ada", "Bo")) == [
        "  3  Ada: Hm.", "  3  Narrator  Cy comes in.", "  3  Ada: Hm.  ‹heard by Bo›",
    ]  # fmt: skip
    assert lines_of(leaves, event("speech", "Ada", "Alone.", {"Ada": "did"}), there=("Ada", "Bo")) == [
        "  3  Bo is gone", "  3  Ada: Alone.",
    ]  # fmt: skip


def test_who_is_on_the_stage_at_first_is_told_by_what_all_perceive_there() -> None:
    said = event("speech", "Ada", "Hm.", {"Ada": "did", "Bo": "heard"})
    comes = event(
        "state", "Narrator", "Di comes in.", SEEN_BY_TWO | {"Di": "did"}, change=Change(who="Di", present=True)
    )
    leaves = event("state", "Bo", "is gone", {"Ada": "saw", "Bo": "did"}, change=Change(who="Bo", present=False))
    asked = event("speech", "Interviewer", "Where were you?", {"Cy": "was told"})
    assert there_at_first([said, comes, leaves, asked]) == {"Ada", "Bo"}


def test_a_belief_of_many_rows_stays_within_its_margin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    words = "word " * 40 + "\n  3  Bo: I did it."
    rows = lines_of(event("state", "Ada", words, {"Ada": "thought"}, change=Change(who="Ada", belief=words)))
    assert rows[1].startswith("  ·    Ada believes: word")
    assert {row[:7] for row in rows[2:]} == {" " * 7}
    assert max(map(len, rows)) <= 80


# A story as it was played


def first_of(part: dict[str, Any]) -> Any:
    """Return the first thing that a part of a form offers."""
    if "anyOf" in part:
        return None
    if part.get("type") == "array":
        return [first_of(part["items"])]
    if part.get("type") == "object":
        return {name: first_of(one) for name, one in part["properties"].items() if name in part["required"]}
    return part["enum"][0] if "enum" in part else part.get("const", "It may be.")


def answer(request: Request) -> str:
    """Fill in a form with the first that it offers; else say how much there was to read."""
    if request.form:
        return json.dumps(first_of(json.loads(request.form)))
    return f"Line {sum(1 for _ in request.prompt.nodes())}."


def unreadable(request: Request) -> str:
    """Say nothing that a form could be filled in with."""
    return "Well, well." if request.form else answer(request)


def events_of(run: Path, *words: object) -> list[dict[str, Any]]:
    events: list[dict[str, Any]] = json.loads(commanded("show", run, 0, *words, "--json").out)["events"]
    return events


def test_a_story_is_shown_as_it_is_played_as_it_is_read_later(tmp_path: Path) -> None:
    shown = commanded("run", written(tmp_path / "tale", **STORY), "--dry-run", "--display", "plain").out
    read = commanded("show", "latest", 0).out
    told = [line for line in read.splitlines() if line[:5].strip()][1:]
    assert len(told) > 20
    assert [line for line in shown.splitlines() if line in told] == told


def test_who_a_story_is_shown_as_perceived_all_that_is_shown_and_its_own_beliefs(tmp_path: Path) -> None:
    run = played(tmp_path, answer, **STORY)
    everything, of_bo = events_of(run), events_of(run, "--as", "Bo")
    assert of_bo == [event for event in everything if "Bo" in event["visible_to"]]
    shown = commanded("show", run, 0, "--as", "Bo").out
    assert "Ada → Bo: The buoy is mine." in shown
    assert "Bo believes: Line" in shown
    for foreign in ("Ada believes", "Cy makes", "decides:", "sums up:", "all but", "seen by"):
        assert foreign not in shown
    assert "The buoy is mine." not in commanded("show", run, 0, "--as", "Cy").out


def test_the_calls_of_one_hold_what_it_was_asked_again(tmp_path: Path) -> None:
    run = played(tmp_path, unreadable, **STORY)
    calls = json.loads(commanded("show", run, 0, "--calls", "--as", "Bo", "--json").out)["calls"]
    asked = [call["key"] for call in calls if call["key"].startswith("interview/1")]
    assert asked == ["interview/1/bo", "interview/1/bo/again1", "interview/1/bo/again2"]


def test_the_last_words_of_an_episode_are_the_last_that_were_said_on_the_stage(tmp_path: Path) -> None:
    run = played(tmp_path, unreadable, episodes=2, **STORY)
    row = commanded("show", run).out.splitlines()[2]
    said = [event for event in events_of(run) if purpose_of(event["call"]) == "speak"]
    assert row.endswith(f"{said[-1]['actor']}: {said[-1]['text']}")


def test_who_is_kept_in_reserve_is_not_on_the_stage_at_first(tmp_path: Path) -> None:
    assert on_stage(load(written(tmp_path, **STORY)).variant(0)) == ["Ada", "Bo", "Cy"]
    asked = load(written(tmp_path, kind="human-role", player={"name": "Eve", "questions": ["Why?"]}))
    assert on_stage(asked.variant(0)) == ["Captain Brack", "Pip", "Eve"]


def test_pictures_that_come_later_are_called_by_their_names(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def show_it(request: Request) -> str:
        offered = json.loads(request.form or "{}").get("properties", {}).get("decision", {}).get("enum", [])
        if "show_image chart" in offered:
            return json.dumps({"reason": "", "decision": "show_image chart"})
        return unreadable(request)

    folder = new_run(load(written(tmp_path / "tale", **STORY)), tmp_path / "runs")
    carried_out(folder, show_it, display=Followed())
    assert "  ·  Narrator shows picture chart\n" in capsys.readouterr().out
    assert "  ·  Narrator shows picture chart\n" in commanded("show", folder, 0).out


class Followed:
    """A display that prints the conversation and nothing else."""

    def begin(self, folder: Path, source: Any, tally: Tally) -> None:
        self._conversation = Conversation(Screen(), lambda state: on_stage(source.variant(state.variant)))

    def committed(self, batches: Any) -> None:
        self._conversation.add(batches)

    def end(self, summary: Summary) -> None: ...


def test_a_branch_is_shown_from_where_it_goes_its_own_way_and_read_from_the_beginning(tmp_path: Path) -> None:
    commanded("run", written(tmp_path / "tale"), "--dry-run")
    shown = commanded("fork", "latest", "--at", "0:2", "-n", 1, "--vary", "character=Pip:storybook/vale").out
    assert re.findall(r"^  (\d)  (.+?):", shown, re.MULTILINE) == [("3", "Captain Brack"), ("4", "Inspector Vale")]
    assert shown.count("picture harbour: ") == 1
    read = commanded("show", "latest", 1).out
    assert [number for number, _ in re.findall(r"^  (\d)  (.+?):", read, re.MULTILINE)] == ["1", "2", "3", "4"]
    assert "Captain Brack, Inspector Vale, Pip saw and heard everything but thoughts" in read
    assert "‹" not in read, "nobody missed anything, though the names of the two parts are three"


# Counting


def test_reactions_are_no_turns_and_decisions_and_answers_are_counted(tmp_path: Path) -> None:
    together = STORY | {"opening": []}
    folder = new_run(load(written(tmp_path / "tale", **together)), tmp_path / "runs")
    readable = carried_out(folder, answer)
    assert (readable.turns, readable.repaired, readable.defaulted) == (3, 0, 0)
    reacted = {event["call"] for event in events_of(folder) if purpose_of(event["call"]) == "react"}
    assert readable.reactions == len(reacted) > 0
    assert (readable.answers_right, readable.answers_wrong, readable.answers_unreadable) == (3, 0, 0)
    again = new_run(load(written(tmp_path / "tale", **STORY)), tmp_path / "runs")
    summary = carried_out(again, unreadable)
    assert (summary.turns, summary.reactions, summary.repaired) == (3, 0, 0)
    assert summary.defaulted == sum(bool((event["flags"] or {}).get("defaulted")) for event in events_of(again)) - 3
    assert (summary.answers_right, summary.answers_wrong, summary.answers_unreadable) == (0, 0, 3)


def test_a_decision_that_is_read_when_asked_again_counts_as_repaired() -> None:
    tally = Tally(1)
    asked = Asked("t03/narrator/steer", Request("m", Prompt()), Completion(text="?"), None, 0.0, 0.0)
    made = event("system", "Narrator", "end: Well.", {}, call=f"{STEER}/again1", flags=Flags(repaired=1))
    tally.add([Batch(0, calls=[asked], events=[made])])
    summary = tally.summary("runs/tea", interrupted=False)
    assert (summary.repaired, summary.defaulted, summary.turns) == (1, 0, 1)


def test_the_summary_tells_of_reactions_decisions_and_answers_where_there_are_any() -> None:
    counts = dict.fromkeys(Summary.model_fields, 0)
    rest = {
        "run": "r",
        "planned": 1,
        "done": 1,
        "turns": 8,
        "seconds": 2.0,
        "interrupted": False,
        "errors": {},
        "occupancy": None,
        "engines": {},
    }
    some = {"reactions": 3, "repaired": 2, "defaulted": 1, "answers_right": 5, "answers_unreadable": 1}
    told = list(came(Summary.model_validate(counts | rest | some)))
    assert "; 8 turns with 3 reactions in 2.0 s (4.0 turns/s" in told[0]
    assert told[2:] == [
        "decisions asked for again: 2, unreadable and made by rule: 1",
        "answers in private right: 5, unreadable: 1",
    ]
    plain = list(came(Summary.model_validate(counts | rest)))
    assert "8 turns in 2.0 s" in plain[0]
    assert len(plain) == 2


def test_who_left_did_not_fail() -> None:
    tally = Tally(1)
    over = EpisodeRow(0, 0, "base", "{}", 7, "failed", LEFT, 0.0, 1.0)
    lost = Asked("t01/ada/speak", Request("person", Prompt()), None, LEFT, 0.0, 0.0)
    tally.add([Batch(0, calls=[lost], state=over)])
    summary = tally.summary("runs/tea", interrupted=False)
    assert (summary.failed, summary.failed_calls, summary.errors, summary.interrupted) == (0, 0, {}, True)


@pytest.mark.parametrize(
    ("key", "purpose", "first"),
    [
        ("t07/brack/react", "react", "t07/brack/react"),
        ("t07/narrator/judge-brack/again1", "judge", "t07/narrator/judge-brack"),
        ("t07/narrator/steer/again2", "steer", "t07/narrator/steer"),
        ("interview/2/pip/again1", "interview", "interview/2/pip"),
    ],
)
def test_a_key_tells_what_a_call_was_for(key: str, purpose: str, first: str) -> None:
    assert (purpose_of(key), first_asked(key)) == (purpose, first)
    assert purpose_of(None) == ""


# Who knows


def known(run: Path, text: str) -> dict[str, str]:
    """Return what is said of each in a sentence."""
    said = commanded("who-knows", run, text).out.splitlines()[1:]
    return {line.split()[0]: line.split(maxsplit=1)[1] for line in said}


def test_a_whisper_is_known_to_two_and_who_comes_later_has_not_heard_what_was_said_before(tmp_path: Path) -> None:
    run = played(tmp_path, unreadable, **STORY | {"interview": []})
    assert known(run, "the buoy is mine") == {
        "Ada": "said or did it at the opening: “The buoy is mine.”",
        "Bo": "heard it from Ada, whispered, at the opening: “The buoy is mine.”",
        "Cy": "could not know it",
        "Di": "could not know it",
    }
    assert known(run, "comes to cabin") == {
        "Ada": "saw Bo do it at the opening: “comes to cabin”",
        "Bo": "said or did it at the opening: “comes to cabin”",
        "Cy": "saw Bo do it at the opening: “comes to cabin”",
        "Di": "could not know it",
    }


def test_an_answer_in_private_and_a_belief_are_known_to_one_alone(tmp_path: Path) -> None:
    def telling(request: Request) -> str:
        question = request.prompt.segments()[-1].text
        if "And now?" in question:
            return "I feel small."
        return "I wish for rain." if "believe about yourself" in question else unreadable(request)

    run = played(tmp_path, telling, **STORY)
    assert known(run, "feel small") == dict.fromkeys(("Ada", "Cy", "Di"), "could not know it") | {
        "Bo": "answered it in private: “I feel small.”"
    }
    assert known(run, "And now") == dict.fromkeys(("Ada", "Cy", "Di"), "could not know it") | {
        "Bo": "was asked it in private: “And now?”"
    }
    assert known(run, "wish for rain")["Ada"] == "came to believe it at the opening: “I wish for rain.”"


def test_who_comes_in_later_knows_from_then_on_what_all_were_told_at_first(tmp_path: Path) -> None:
    def bringing_in(request: Request) -> str:
        if '"add_role Di"' in (request.form or "") and '"end"' in (request.form or ""):
            return json.dumps({"reason": "", "decision": "add_role Di"})
        return unreadable(request)

    run = played(tmp_path, bringing_in, **STORY | {"premise": "Fog lies on the sea.", "opening": [], "turns": 6})
    assert known(run, "fog lies")["Cy"] == "knew it from the start"
    come = next(event["turn"] for event in events_of(run) if (event["change"] or {}).get("present"))
    assert come > 0
    assert known(run, "fog lies")["Di"] == f"knew it when it came in, in turn {come}"
