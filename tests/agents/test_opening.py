"""What is said before a play of the directions in its opening: whispers and ways that lead nowhere."""

from pathlib import Path
from typing import Any

import pytest
from staging import setting_of

from agents.opening import whispered_to_nobody, without_effect
from scenes.scene import Setting

PLACES = {"quay": {"beside": ["cabin"]}, "cabin": {}}
CAST = [
    {"character": "storybook/brack", "place": "quay"},
    {"character": "storybook/pip", "place": "quay"},
    {"character": "storybook/moss", "place": "cabin"},
    {"character": "storybook/odile", "place": "cabin", "reserve": True},
]


def opened(folder: Path, *lines: dict[str, str], **changes: Any) -> Setting:
    return setting_of(folder, **{"places": PLACES, "cast": CAST, "opening": [*lines]} | changes)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("(whispers to Ghost) I moved it.", 'no character is named "Ghost"; there are: Captain Brack, Pip, Doctor'),
        ("Evening. (whispers to Docter Moss, softly) I moved it.", '"Docter Moss"; did you mean "Doctor Moss"?'),
        ("(whispers to the wind) I moved it.", 'no character is named "the wind"'),
    ],
)
def test_a_whisper_to_a_name_that_nobody_bears_is_found_at_its_line(tmp_path: Path, text: str, told: str) -> None:
    setting = opened(tmp_path, {"Pip": "Evening."}, {"Captain Brack": text})
    ((keys, message),) = whispered_to_nobody(setting)
    assert keys == ("opening", 1, "Captain Brack")
    assert message.startswith("nobody would hear this whisper: no character is named")
    assert told in message


@pytest.mark.parametrize(
    "text",
    ["(whispers to Pip) Hm.", "(mutters to himself under his breath) Hm.", "(whispers) Hm.", "(whispers to all) Hm."],
)
def test_a_whisper_to_somebody_or_to_oneself_is_in_order(tmp_path: Path, text: str) -> None:
    setting = opened(tmp_path, {"Captain Brack": text}, {"Narrator": "(whispers to Ghost)"})
    assert [*whispered_to_nobody(setting), *without_effect(setting)] == []


def test_a_whisper_to_one_who_is_elsewhere_at_that_moment_is_noted(tmp_path: Path) -> None:
    lines = [
        {"Captain Brack": "(whispers to Moss) One."},
        {"Captain Brack": "(goes to the cabin) (whispers to Moss) Two. (whispers to Pip) Three."},
        {"Doctor Moss": "(whispers to Odile) Four."},
    ]
    assert list(without_effect(opened(tmp_path, *lines))) == [
        (("opening", at, name), f"{whom} at that moment and does not hear what is whispered.")
        for at, name, whom in (
            (0, "Captain Brack", "Doctor Moss is elsewhere"),
            (1, "Captain Brack", "Pip is elsewhere"),
            (2, "Doctor Moss", "Odile Fenn is not on the stage"),
        )
    ]


def test_a_way_to_no_place_of_the_scene_is_noted(tmp_path: Path) -> None:
    lines = [
        {"Pip": "(goes to the attic) Well."},
        {"Pip": "(quickly goes back to the cabbin)"},
        {"Pip": "(nods to Moss)"},
    ]
    assert list(without_effect(opened(tmp_path, *lines))) == [
        (("opening", 0, "Pip"), 'nobody goes anywhere here: no place is named "attic"; there are: quay, cabin.'),
        (("opening", 1, "Pip"), 'nobody goes anywhere here: no place is named "cabbin"; did you mean "cabin"?'),
    ]


def test_where_there_are_no_places_nobody_can_miss_one(tmp_path: Path) -> None:
    cast = [{"character": "storybook/brack"}, {"character": "storybook/pip"}]
    assert list(without_effect(opened(tmp_path, {"Pip": "(goes to the attic)"}, places={}, cast=cast))) == []
