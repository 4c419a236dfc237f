"""Questions in private: who is asked, what nobody else perceives, and what an answer is worth."""

import json
from pathlib import Path
from typing import Any

import pytest
from staging import performed, scene_of, texts

from scenes.chat import Request
from scenes.event import Event, Flags
from scenes.scene import Scene

WHO = {"ask": "Who moved the buoy?", "choices": "cast", "truth": "Brack"}
BRACK, PIP = "Captain Brack", "Pip"


def asked(
    folder: Path, *questions: dict[str, Any], says: str = "Pip", **changes: Any
) -> tuple[Scene, dict[str, Request]]:
    """Play a scene with an interview in which everybody chooses `says`."""
    scene = scene_of(folder, interview=list(questions), turns=2, **changes)

    def answer(key: str, request: Request) -> str:
        return json.dumps({"answer": says}) if request.form else f"Line {key}."

    return scene, performed(scene, answer=answer)


def answers(scene: Scene) -> list[Event]:
    return [event for event in scene.events if (event.call or "").startswith("interview/")]


def test_everybody_is_asked_after_the_last_turn_and_answers_are_their_own(tmp_path: Path) -> None:
    scene, requests = asked(tmp_path, {"ask": "How was it?"})
    assert list(requests)[-2:] == ["interview/1/captainbrack", "interview/1/pip"]
    assert [(event.actor, event.text, event.visible_to) for event in scene.events[-4:]] == [
        ("Interviewer", "How was it?", {BRACK: "was told"}),
        (BRACK, "Line interview/1/captainbrack.", {BRACK: "did"}),
        ("Interviewer", "How was it?", {PIP: "was told"}),
        (PIP, "Line interview/1/pip.", {PIP: "did"}),
    ]
    assert "Line t02/pip/speak." in texts(requests["interview/1/pip"].prompt.segments())


def test_one_knows_what_it_was_asked_before_and_not_what_another_answered(tmp_path: Path) -> None:
    _, requests = asked(tmp_path, {"ask": "How was it?"}, {"to": "Pip", "ask": "And now?"})
    told = texts(requests["interview/2/pip"].prompt.segments())
    assert "Line interview/1/pip." in told
    assert "How was it?" in told
    assert "Line interview/1/captainbrack." not in told
    assert "interview/2/captainbrack" not in requests


@pytest.mark.parametrize(("says", "score"), [("Captain Brack", 1.0), ("Pip", 0.0)])
def test_a_choice_is_scored_by_the_truth(tmp_path: Path, says: str, score: float) -> None:
    scene, requests = asked(tmp_path, WHO, says=says)
    assert [(event.text, event.score) for event in answers(scene)] == [(says, score)] * 2
    form = json.loads(requests["interview/1/pip"].form or "")
    assert form["properties"]["answer"]["enum"] == [BRACK, PIP]


def test_a_choice_that_cannot_be_read_has_no_score_and_says_so(tmp_path: Path) -> None:
    scene, _ = asked(tmp_path, WHO, says="Mara")
    assert [(event.text, event.score) for event in answers(scene)] == [("", None)] * 2
    assert answers(scene)[0].flags == Flags(repaired=2, defaulted=True)


def test_a_choice_without_a_truth_has_no_score(tmp_path: Path) -> None:
    scene, _ = asked(tmp_path, {"ask": "Who?", "choices": ["I", "you"]}, says="you")
    assert [(event.text, event.score) for event in answers(scene)] == [("you", None)] * 2


def test_who_was_never_on_the_stage_is_neither_asked_nor_offered(tmp_path: Path) -> None:
    cast = [{"character": f"storybook/{name}"} for name in ("brack", "pip")]
    cast += [{"character": "storybook/moss", "reserve": True}]
    scene, requests = asked(tmp_path, WHO, cast=cast)
    assert not any("doctormoss" in key for key in requests)
    assert json.loads(requests["interview/1/pip"].form or "")["properties"]["answer"]["enum"] == [BRACK, PIP]
    assert "Moss" not in texts(requests["interview/1/pip"].prompt.segments()).replace("Doctor Moss lets", "")
    assert scene.reserve == ["Doctor Moss"]
