"""Whoever plays against the cast: questions from a list, a model, or a person; and how many turns that makes."""

from pathlib import Path
from typing import Any

import pytest
from staging import counted, performed, scene_of, setting_of, texts

from agents.player import PERSON, turns_of
from scenes.chat import Request

ALONE = [{"character": "storybook/brack"}]
LISTED = {"name": "Mara", "questions": ["What is it?", "Whose is it?"]}
MODEL = {"name": "Mara", "model": "another/model", "about": "A traveller."}


def dialogue(folder: Path, **changes: Any) -> list[tuple[int, str, str]]:
    """Return turn, speaker and words of everything that is said."""
    scene = scene_of(folder, **{"cast": ALONE, **changes})
    performed(scene)
    return [(event.turn, event.actor, event.text) for event in scene.events]


def test_questions_are_asked_in_their_order_and_answered(tmp_path: Path) -> None:
    assert dialogue(tmp_path, kind="human-role", player=LISTED) == [
        (1, "Mara", "What is it?"),
        (1, "Captain Brack", "Line t01/captainbrack/speak."),
        (2, "Mara", "Whose is it?"),
        (2, "Captain Brack", "Line t02/captainbrack/speak."),
    ]


def test_a_comment_without_a_player_is_asked_once_by_nobody_in_particular(tmp_path: Path) -> None:
    assert dialogue(tmp_path, kind="comment") == [
        (1, "Human", "Comment on the picture."),
        (1, "Captain Brack", "Line t01/captainbrack/speak."),
    ]


def test_a_cast_of_two_takes_turns_in_answering(tmp_path: Path) -> None:
    cast = [*ALONE, {"character": "storybook/pip"}]
    said = dialogue(tmp_path, kind="human-role", player=LISTED, cast=cast)
    assert [actor for _, actor, _ in said] == ["Mara", "Captain Brack", "Mara", "Pip"]


def test_a_model_plays_from_what_it_perceives(tmp_path: Path) -> None:
    scene = scene_of(tmp_path, kind="human-role", player=MODEL, cast=ALONE, turns=2)
    asked = performed(scene)
    assert [(key, request.model) for key, request in asked.items()] == [
        ("t01/player/ask", "another/model"),
        ("t01/captainbrack/speak", "storybook"),
        ("t02/player/ask", "another/model"),
        ("t02/captainbrack/speak", "storybook"),
    ]
    told = texts(asked["t02/player/ask"].prompt.segments())
    assert "A traveller." in told
    assert "Line t01/captainbrack/speak." in told
    assert "asleep at the wheel" not in told


def test_a_model_that_plays_is_cut_where_it_answers_itself(tmp_path: Path) -> None:
    scene = scene_of(tmp_path, kind="human-role", player=MODEL, cast=ALONE, turns=1)

    def answer(key: str, request: Request) -> str:
        return "Mara: What is it?\nCaptain Brack: A boat." if "player" in key else counted(key, request)

    performed(scene, answer=answer)
    asked = scene.events[0]
    assert (asked.actor, asked.text) == ("Mara", "What is it?")
    assert asked.flags is not None
    assert asked.flags.spoke_for == "Captain Brack"


def test_a_person_is_asked_under_a_model_name_of_their_own(tmp_path: Path) -> None:
    scene = scene_of(tmp_path, kind="human-role", player={"person": True}, cast=ALONE, turns=1)
    assert performed(scene)["t01/player/ask"].model == PERSON


@pytest.mark.parametrize(
    ("changes", "turns"),
    [
        ({"kind": "human-role", "player": LISTED, "turns": 9}, 2),
        ({"kind": "human-role", "player": LISTED, "turns": 1}, 1),
        ({"kind": "human-role", "player": MODEL, "turns": 9}, 9),
        ({"kind": "comment", "turns": 9}, 1),
        ({"kind": "comment", "player": LISTED, "turns": 9}, 2),
    ],
)
def test_a_list_of_questions_ends_the_episode_and_nothing_else_does(
    tmp_path: Path, changes: dict[str, Any], turns: int
) -> None:
    assert turns_of(setting_of(tmp_path, cast=ALONE, **changes).scenario) == turns
    assert max(turn for turn, _, _ in dialogue(tmp_path, **changes)) == turns


def test_between_characters_the_scenario_counts_the_turns(tmp_path: Path) -> None:
    assert turns_of(setting_of(tmp_path, turns=7).scenario) == 7
