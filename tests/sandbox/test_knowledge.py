"""Who could know what: by ear, by sight, from the start, or not at all."""

import json
from pathlib import Path
from typing import Any

import pytest
from commanding import commanded
from playing import played

from sandbox.commands.show import show_run
from sandbox.episode import legs_of
from sandbox.knowledge import Knowledge, who_knows
from sandbox.record import Record
from sandbox.run_folder import SCENARIO
from scenes.chat import Request
from scenes.loading import load
from scenes.problem import InputRefused

ROOMS: dict[str, Any] = {
    "places": {"quay": {"shows": ["harbour"]}, "cabin": {"beside": ["quay"]}},
    "cast": [
        {"character": {"name": "Ada"}, "place": "quay", "secret": "The buoy was moved."},
        {"character": {"name": "Ben"}, "place": "quay"},
        {"character": {"name": "Cy", "private": "He fears geese."}, "place": "cabin"},
    ],
    "opening": [{"Ada": "(hides a letter) Evening, all. [They know.]"}],
    "turns": 3,
}


def known(folder: Path, text: str) -> dict[str, Knowledge]:
    record = Record(folder)
    source = load(folder / SCENARIO)
    found = who_knows(text, source, legs_of(source, 0, {}), record.events(0))
    return {one.name: one for one in found}


def hows(folder: Path, text: str) -> dict[str, str | None]:
    return {name: one.how for name, one in known(folder, text).items()}


def test_what_is_done_is_known_to_those_who_see_it_and_what_is_said_to_those_who_hear(tmp_path: Path) -> None:
    folder = played(tmp_path, **ROOMS)
    assert hows(folder, "letter") == {"Ada": "did", "Ben": "saw", "Cy": None}
    assert hows(folder, "EVENING") == {"Ada": "did", "Ben": "heard", "Cy": "heard"}


def test_a_thought_and_a_secret_are_known_to_one_alone(tmp_path: Path) -> None:
    folder = played(tmp_path, **ROOMS)
    assert hows(folder, "they know") == {"Ada": "thought", "Ben": None, "Cy": None}
    assert hows(folder, "buoy") == {"Ada": "from the start", "Ben": None, "Cy": None}
    assert hows(folder, "geese") == {"Ada": None, "Ben": None, "Cy": "from the start"}


def test_a_secret_that_is_told_is_known_from_then_on(tmp_path: Path) -> None:
    folder = played(tmp_path, lambda request: "The buoy was moved, I say.", **ROOMS)
    told = known(folder, "buoy")["Cy"]
    assert (told.how, told.turn, told.actor) == ("heard", 1, "Ben")


def test_show_as_somebody_holds_what_that_one_perceived_and_was_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = played(tmp_path, **ROOMS)
    show_run(folder, 0, calls=True, viewer="Cy", as_json=True)
    shown = json.loads(capsys.readouterr().out)
    assert not any("letter" in event["text"] or "They know" in event["text"] for event in shown["events"])
    assert shown["pictures"] == []
    assert [call["key"].split("/")[1] for call in shown["calls"]] == ["cy"]


def test_show_as_nobody_is_refused_with_the_names_there_are(tmp_path: Path) -> None:
    folder = played(tmp_path, **ROOMS)
    with pytest.raises(InputRefused, match="Ada, Ben, Cy"):
        show_run(folder, 0, calls=False, viewer="Zoe", as_json=False)


@pytest.mark.parametrize("text", ["", " \n"])
def test_a_blank_text_is_refused_as_nobody_can_know_it(text: str, tmp_path: Path) -> None:
    refused = commanded("who-knows", played(tmp_path, **ROOMS), text)
    assert (refused.code, refused.out) == (2, "")
    assert refused.err == (
        "rolestage: there is nothing to look for in a blank text; write a word that somebody could know.\n"
    )


def test_whoever_holds_a_part_knows_what_is_known_in_it_and_nobody_else_is_there(tmp_path: Path) -> None:
    folder = played(tmp_path, **ROOMS, player={"plays": "Ada", "model": "storybook"})
    assert hows(folder, "buoy") == {"Ada": "from the start", "Ben": None, "Cy": None}


def test_one_who_came_in_later_knows_its_own_from_then_on(tmp_path: Path) -> None:
    def bringing_in(request: Request) -> str:
        began = any("Ben: Hm." in segment.text for segment in request.prompt.segments())
        return json.dumps({"reason": "", "decision": "Dot: add_role"}) if began and request.form else "Hm."

    cast = [*ROOMS["cast"], {"character": {"name": "Dot", "private": "She hums."}, "place": "quay", "reserve": True}]
    changes = ROOMS | {"cast": cast, "narrator": {}, "turn_policy": "narrator", "opening": []}
    told = known(played(tmp_path, bringing_in, **changes), "hums")
    assert (told["Dot"].how, told["Dot"].turn) == ("from the start", 2)
    assert told["Ben"].how is None
