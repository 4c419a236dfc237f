"""What is taken for a fault and what is not, on whom it is blamed, and what an episode's end says."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from judging import case_of, verdicts, with_events
from playing import STORY

from scenes.event import Change, Event, Flags, How
from scorers.base import Case, Score
from scorers.faults import METRICS, Faults

NAMES = ("Captain Brack", "Pip", "Doctor Moss")
LIFE = "He went to sea at eleven, in the galley of a coal barge, and had a ship of his own at twenty."
CAST: list[dict[str, Any]] = [
    {"character": {"name": "Captain Brack", "aliases": ["Brack", "Captain"], "life_story": LIFE}, "place": "quay"},
    {"character": {"name": "Pip"}, "place": "quay"},
    {"character": {"name": "Doctor Moss", "aliases": ["Moss"]}, "place": "cabin", "reserve": True},
]
PLACES = {"quay": {"beside": ["cabin"]}, "cabin": {}}
STAGE: dict[str, Any] = {"cast": CAST, "places": PLACES, "images": None, "turns": 1}
PLAIN = (
    "Evening, lad. The tide is out and the boats are in.",
    "I am the captain's oldest friend, and I am tired.",
    "Captain Brack, what do you see out there?",
    "Brack is my friend.",
    "My name is Pip, pal.",
    "I am no captain. Am I Brack?",
    "Doctor, I cannot help with that knot; my hands are cold.",
    "I'm sorry, I can't help you tonight.",
    "Let me tell you about Brack: he never sleeps.",
    "Call me a liar if you like!",
    "I like Pip's balloon. It is like Pip's kite.",
    "Good. Mass is at nine, and the Moor, they say, is dark.",
    "He said \"go home\" and went.",
    "我是个撑船的，我叫船家来。",
)  # fmt: skip
"""What somebody may say without any fault."""


def event(index: int, actor: str, text: str, what: str = "speak", **more: Any) -> Event:
    """Return what `actor` says, heard by all, as the answer to a call."""
    heard: dict[str, How] = {name: "did" if name == actor else "heard" for name in NAMES}
    given = {"kind": "speech", "turn": 1, "call": f"t{index:02d}/{actor}/{what}", "visible_to": heard}
    return Event.model_validate({"index": index, "actor": actor, "text": text, **given, **more})


def narration(index: int, text: str, **more: Any) -> Event:
    """Return what the narrator tells all."""
    return event(index, "Narrator", text, "narrate", kind="narration", **more)


def judged(folder: Path, *events: Event, **changes: Any) -> list[Score]:
    """Return the verdicts on an episode with `events` in it."""
    return verdicts(Faults(), staged(folder, *events, **changes))


def staged(folder: Path, *events: Event, **changes: Any) -> Case:
    return with_events(case_of(folder, **(STAGE | changes)), events)


def found(scores: Iterable[Score]) -> list[tuple[str, str | None]]:
    """Return every fault that was found, and on whom it is blamed."""
    return [(score.metric, score.cause) for score in scores if score.value]


@pytest.mark.parametrize("text", PLAIN)
def test_plain_talk_is_no_fault(tmp_path: Path, text: str) -> None:
    assert found(judged(tmp_path, event(0, "Pip", text))) == []


@pytest.mark.parametrize(
    ("metric", "text"),
    [
        ("speaking_for_others", "I see a boat. Brack: I see it too."),
        ("speaking_for_others", '"I have lost the map again," says Brack.'),
        ("speaking_for_others", "A boat.\nUser: And the colour?"),
        ("speaking_for_others", "有一条船。Brack：我也看见了。"),
        ("name_drift", "I am Captain Brack, and this is my boat."),
        ("name_drift", "My name is Doctor Moss."),
        ("name_drift", "My name is Robert Lang."),
        ("name_drift", "Pip thinks that the boat is red."),
        ("name_drift", "我是Captain Brack。"),
        ("name_drift", "Captain Brock, what do you see?"),
        ("name_drift", "What do you see, Doctor Mosse?"),
        ("repetition", "The boat is red, and the boat is red, and the boat is red, and the boat is red."),
        ("refusal", "As an AI language model, I do not have a boat."),
        ("refusal", "I'm sorry, but I can't assist with that request."),
        ("refusal", "作为一个人工智能，我没有船。"),
        ("refusal", "抱歉，我无法继续这个对话。"),
    ],
)
def test_a_fault_in_the_words_is_found_and_is_the_characters(tmp_path: Path, metric: str, text: str) -> None:
    scores = judged(tmp_path, event(0, "Pip", text))
    assert found(scores) == [(metric, "character")]
    assert next(score for score in scores if score.value).reason


def test_a_machine_may_speak_as_one(tmp_path: Path) -> None:
    cast = [{"character": {"name": "Pip", "role": "the ship's AI"}}, {"character": {"name": "Moss"}}]
    said = event(0, "Pip", "As an AI, I do not sleep.")
    assert found(judged(tmp_path, said, cast=cast, places=None)) == []


def test_who_is_known_for_speaking_of_itself_by_name_does_not_drift(tmp_path: Path) -> None:
    cast = [{"character": {"name": "Pip", "catchphrases": ["Pip smash!"]}}, {"character": {"name": "Moss"}}]
    assert found(judged(tmp_path, event(0, "Pip", "Pip likes boats."), cast=cast, places=None)) == []


@pytest.mark.parametrize(
    ("flags", "fault"),
    [
        (Flags(spoke_for="Brack"), ("speaking_for_others", "character")),
        (Flags(truncated=True), ("truncated", "engine")),
        (Flags(empty=True), ("empty", "character")),
    ],
)
def test_a_flag_of_a_reply_is_a_fault(tmp_path: Path, flags: Flags, fault: tuple[str, str]) -> None:
    assert found(judged(tmp_path, event(0, "Pip", "A boat", flags=flags))) == [fault]


@pytest.mark.parametrize(
    ("actor", "key", "cause"),
    [("Narrator", "t01/narrator/steer", "policy"), ("Narrator", "t01/narrator/judge-pip/again1", "narrator")],
)
def test_a_decision_that_could_not_be_read_is_of_whoever_decides(
    tmp_path: Path, actor: str, key: str, cause: str
) -> None:
    flags = Flags(repaired=2, defaulted=True)
    decided = event(0, actor, "no decision", kind="system", call=key, flags=flags, visible_to={})
    assert found(judged(tmp_path, decided)) == [("defaulted", cause), ("repaired", cause)]


def test_a_choice_that_could_not_be_read_is_the_characters(tmp_path: Path) -> None:
    asked = [{"ask": "Who?", "choices": "cast"}, {"ask": "Why?"}]
    chosen = event(0, "Pip", "", call="interview/1/pip", flags=Flags(defaulted=True))
    scores = judged(tmp_path, chosen, event(1, "Pip", "So.", call="interview/2/pip"), interview=asked)
    assert found(scores) == [("defaulted", "character")]
    assert len([score for score in scores if score.metric == "defaulted"]) == 1


def test_a_reply_that_says_again_what_was_heard_is_an_echo_and_what_was_not_heard_is_none(tmp_path: Path) -> None:
    line = "The red boat lies at anchor behind the lighthouse tonight."
    heard, unheard = event(0, "Captain Brack", line), event(0, "Captain Brack", line, visible_to={})
    assert found(judged(tmp_path / "heard", heard, event(1, "Pip", f"Aye. {line}"))) == [("echo", "character")]
    assert found(judged(tmp_path / "not", unheard, event(1, "Pip", f"Aye. {line}"))) == []


def test_a_reply_that_reads_out_its_own_sheet_is_an_echo(tmp_path: Path) -> None:
    said = "He went to sea at eleven, in the galley of a coal barge."
    assert found(judged(tmp_path, event(0, "Captain Brack", said))) == [("echo", "character")]


def test_a_line_said_twice_is_a_repetition_and_a_short_one_is_none(tmp_path: Path) -> None:
    line, short = "There is a red boat on the left, as I have always said.", "There is a red boat out there."
    assert found(judged(tmp_path / "long", event(0, "Pip", line), event(1, "Pip", line))) == [
        ("repetition", "character")
    ]
    assert found(judged(tmp_path / "short", event(0, "Pip", short), event(1, "Pip", short))) == []


@pytest.mark.parametrize(
    "before",
    [
        "Captain Brack sketches the blue houses on the right, and the others wait.",
        "Pip inspects the blue houses on the right, and the others wait.",
        "Captain Brack inspects the blue houses on the left, and the others wait.",
        "Captain Brack inspects the red houses on the right, and the others wait.",
        "Captain Brack inspects two blue houses on the right, and the others wait.",
    ],
)
def test_a_narration_of_another_deed_or_another_s_is_no_repetition(tmp_path: Path, before: str) -> None:
    told = "Captain Brack inspects the blue houses on the right, and the others wait."
    assert found(judged(tmp_path, narration(0, before), narration(1, told))) == []
    scores = judged(tmp_path, narration(0, told), narration(1, before), narration(2, told))
    assert found(scores) == [("repetition", "narrator")]


@pytest.mark.parametrize(("old", "new"), [("right", "left"), ("orange", "blue"), ("three", "4")])
def test_what_has_another_side_colour_or_number_is_neither_repetition_nor_echo(
    tmp_path: Path, old: str, new: str
) -> None:
    line = "You felt it too, my old friend: three orange flowers on the right, so quiet."
    other = line.replace(old, new)
    assert found(judged(tmp_path / "own", event(0, "Pip", line), event(1, "Pip", other))) == []
    assert found(judged(tmp_path / "heard", event(0, "Captain Brack", line), event(1, "Pip", other))) == []
    same = judged(tmp_path / "same", event(0, "Pip", line), event(1, "Pip", other), event(2, "Pip", f"Oh. {other}"))
    assert found(same) == [("repetition", "character")]


def test_the_parts_of_a_reply_are_judged_as_one(tmp_path: Path) -> None:
    action = event(0, "Pip", "nods", kind="action", call="t01/pip/speak")
    scores = judged(tmp_path, action, event(1, "Pip", "A red boat.", call="t01/pip/speak"))
    assert {score.events for score in scores if score.metric != "ended_too_early"} == {(0, 1)}


@pytest.mark.parametrize(
    "text",
    [
        "Doctor Moss stands at the rail and waits.",
        "Captain Brack is in the cabin.",
        "The captain's hat falls. Pip leaves.",
        "Brack is dead.",
        "Pip站在cabin。",
    ],
)
def test_a_narration_against_how_things_stand_is_the_narrators_fault(tmp_path: Path, text: str) -> None:
    assert found(judged(tmp_path, narration(0, text))) == [("narrator_against_state", "narrator")]


@pytest.mark.parametrize(
    "text",
    [
        "No sign of Doctor Moss. Her chair stands empty.",
        "Captain Brack is on the quay and dead tired.",
        "Brack is dead tired. Pip leaves the door open.",
        "They talk of the cabin where Moss keeps her jars.",
        "Pip waits for Doctor Moss.",
    ],
)
def test_a_narration_that_only_speaks_of_somebody_is_no_fault(tmp_path: Path, text: str) -> None:
    assert found(judged(tmp_path, narration(0, text))) == []


def test_a_narration_is_judged_by_how_things_stand_then(tmp_path: Path) -> None:
    comes = event(0, "Narrator", "comes in", "steer", kind="state", change=Change(who="Doctor Moss", present=True))
    goes = event(1, "Pip", "comes to cabin", kind="state", change=Change(who="Pip", place="cabin"), turn=1)
    told = narration(2, "Doctor Moss nods. Pip leaves. Pip is in the cabin.")
    assert found(judged(tmp_path, comes, goes, told)) == []


@pytest.mark.parametrize(
    ("status", "error", "cause"),
    [("failed", "no answer", "engine"), ("failed", "the turn policy failed at a.py:1: KeyError", "policy")],
)
def test_an_episode_that_failed_ended_too_early(tmp_path: Path, status: str, error: str, cause: str) -> None:
    case = staged(tmp_path, event(0, "Pip", "A boat."))
    failed = case.trajectory.model_copy(update={"status": status, "error": error})
    scores = verdicts(Faults(), replace(case, trajectory=failed))
    assert found(scores) == [("ended_too_early", cause)]


def test_an_episode_may_end_before_its_last_turn_if_somebody_ends_it(tmp_path: Path) -> None:
    end = event(1, "Narrator", "end: all is said", "steer", kind="system", visible_to={})
    left = [
        event(at, name, "is gone", kind="state", change=Change(who=name, present=False))
        for at, name in enumerate(NAMES[:2])
    ]
    assert found(judged(tmp_path / "stopped", event(0, "Pip", "A boat."), turns=9)) == [("ended_too_early", "engine")]
    assert found(judged(tmp_path / "ended", event(0, "Pip", "A boat."), end, turns=9)) == []
    assert found(judged(tmp_path / "left", *left, turns=9)) == []


def test_an_episode_that_is_being_played_has_no_verdict_on_its_end(tmp_path: Path) -> None:
    scores = verdicts(Faults(), case_of(tmp_path, status="playing", **STAGE))
    ending = next(score for score in scores if score.metric == "ended_too_early")
    assert (ending.value, ending.reason) == (None, "it is still being played")


def test_what_the_scenario_gives_and_what_a_person_types_is_not_judged(tmp_path: Path) -> None:
    refusal = "As an AI language model, I have no boat."
    assert found(judged(tmp_path / "given", event(0, "Pip", refusal, call=None))) == []
    player = {"plays": "Pip", "person": True}
    assert found(judged(tmp_path / "typed", event(0, "Pip", refusal), player=player)) == []


def test_the_faults_of_a_model_that_asks_from_outside_are_the_simulators(tmp_path: Path) -> None:
    case = case_of(tmp_path, kind="human-role", player={"name": "Rosa", "model": "storybook"}, turns=1)
    scores = verdicts(Faults(), with_events(case, [event(0, "Rosa", "As an AI, I ask.", "ask")]))
    assert found(scores) == [("refusal", "engine")]
    assert {score.character for score in scores} == {None}


def test_a_played_story_has_a_verdict_by_every_metric(tmp_path: Path) -> None:
    scores = verdicts(Faults(), case_of(tmp_path, **STORY))
    assert {score.metric for score in scores} == {metric.name for metric in METRICS}
    assert all(score.value in (0, 1) and score.cause for score in scores)
