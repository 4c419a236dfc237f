"""The scene: what happened in it, and what of that each character's view holds."""

from pathlib import Path
from typing import Any

import pytest
from staging import said, scene_of, setting_of

from scenes.event import Draft
from scenes.scenario import Notes
from scenes.scene import Scene, View

BRACK = {"name": "Captain Brack", "aliases": ["Brack"], "private": "He fell asleep at the wheel."}
PIP = {"name": "Pip", "private": "She took the map."}
TWO_PLACES = {"quay": {"shows": ["harbour"], "beside": ["cabin"]}, "cabin": {"shows": ["chart"]}}
TWO_PICTURES = {"harbour": {"storybook": {"seed": 7}}, "chart": {"storybook": {"seed": 8}}}


def apart(**changes: Any) -> dict[str, Any]:
    """Brack on the quay with a secret, Pip in the cabin beside it."""
    cast = [{"character": BRACK, "place": "quay", "secret": "He moved the buoy."}, {"character": PIP, "place": "cabin"}]
    return {"places": TWO_PLACES, "images": TWO_PICTURES, "cast": cast} | changes


def heard_by(view: View) -> list[tuple[str, str]]:
    return [(event.actor, event.text) for turn in view.past for event in turn.events]


def test_a_view_grows_with_what_its_owner_perceives(tmp_path: Path) -> None:
    scene = scene_of(tmp_path, **apart())
    view = scene.view("Pip")
    scene.turn = 1
    scene.add(
        "Captain Brack", [Draft(kind="action", text="nods"), *said("Evening."), Draft(kind="thought", text="Late.")]
    )
    assert scene.view("Pip") is view
    assert heard_by(view) == [("Captain Brack", "Evening.")]
    assert [text for _, text in heard_by(scene.view("Captain Brack"))] == ["nods", "Evening.", "Late."]


def test_a_turn_nobody_else_perceives_leaves_no_trace_in_their_views(tmp_path: Path) -> None:
    scene = scene_of(tmp_path, **apart())
    scene.add("Captain Brack", [Draft(kind="action", text="nods"), Draft(kind="thought", text="Late.")])
    assert scene.view("Pip").past == []


def test_events_are_counted_and_know_their_turn_and_call(tmp_path: Path) -> None:
    scene = scene_of(tmp_path)
    scene.add("Pip", said("One.", "Two."))
    scene.turn = 3
    (event,) = scene.add("Captain Brack", [Draft(kind="speech", text="Three.", call="t03/brack/speak")])
    assert [(one.index, one.turn, one.text) for one in scene.events] == [
        (0, 0, "One."),
        (1, 0, "Two."),
        (2, 3, "Three."),
    ]
    assert event.call == "t03/brack/speak"


def test_a_view_holds_what_is_private_to_its_owner_and_to_nobody_else(tmp_path: Path) -> None:
    scene = scene_of(tmp_path, **apart())
    brack, pip = scene.view("Captain Brack"), scene.view("Pip")
    assert (brack.me.private, brack.secret) == ("He fell asleep at the wheel.", "He moved the buoy.")
    assert (pip.me.private, pip.secret) == ("She took the map.", None)
    assert [other.private for view in (brack, pip) for other in view.others] == [None, None]


def test_a_view_tells_where_its_owner_is(tmp_path: Path) -> None:
    cast = [{"character": BRACK, "place": "quay", "position": "on the bollard", "state": "tired"}]
    scene = scene_of(tmp_path, **apart(cast=[*cast, {"character": PIP, "place": "quay"}], time="dusk", premise="Fog."))
    view = scene.view("Captain Brack")
    assert (view.now.place, view.now.position, view.now.state, view.time, view.premise) == (
        "quay",
        "on the bollard",
        "tired",
        "dusk",
        "Fog.",
    )


@pytest.mark.parametrize(
    ("changes", "brack", "pip"),
    [
        (apart(), ["harbour"], ["chart"]),
        (apart(places={}, cast=[{"character": BRACK}, {"character": PIP}]), ["harbour", "chart"], ["harbour", "chart"]),
        (apart(places={}, cast=[{"character": BRACK, "sees": []}, {"character": PIP}]), [], ["harbour", "chart"]),
        (
            apart(places={}, cast=[{"character": BRACK, "sees": [{"image": "chart"}]}, {"character": PIP}]),
            ["chart"],
            ["harbour", "chart"],
        ),
    ],
    ids=["by place", "all without places", "none by choice", "one by choice"],
)
def test_everybody_sees_what_their_place_shows_or_what_is_chosen(
    tmp_path: Path, changes: dict[str, Any], brack: list[str], pip: list[str]
) -> None:
    setting = setting_of(tmp_path, **changes)
    names = {shown.image: name for name, shown in setting.gallery.items()}
    scene = Scene(setting, 0)
    seen = [[names[shown.image] for shown in scene.view(name).pictures] for name in ("Captain Brack", "Pip")]
    assert seen == [brack, pip]


def test_part_of_a_picture_is_another_picture_and_comes_without_notes_on_the_whole(tmp_path: Path) -> None:
    picture = {"storybook": {"seed": 7}, "notes": {"scene": "A wreck on the left."}}
    sees = [{"image": "harbour", "crop": [64, 0, 64, 128]}, {"image": "harbour", "blur": 4}, {"image": "harbour"}]
    cast = [{"character": BRACK, "sees": sees}, {"character": PIP}]
    setting = setting_of(tmp_path, images={"harbour": picture}, cast=cast)
    whole = setting.gallery["harbour"].image
    notes = Notes(scene="A wreck on the left.")
    assert [(shown.image == whole, shown.notes) for shown in setting.sights[0]] == [
        (False, None),
        (False, None),
        (True, notes),
    ]
    assert [(shown.image == whole, shown.notes) for shown in setting.sights[1]] == [(True, notes)]


def test_a_picture_that_comes_later_is_not_in_sight_before_and_shown_to_one_alone(tmp_path: Path) -> None:
    cast = [{"character": BRACK, "sees": [{"image": "harbour", "from_turn": 3}]}, {"character": PIP, "sees": []}]
    scene = scene_of(tmp_path, cast=cast)
    assert scene.view("Captain Brack").pictures == ()
    (event,) = scene.show("Captain Brack", scene.setting.sights[0][0])
    assert (event.kind, event.image, event.visible_to) == (
        "image",
        scene.setting.gallery["harbour"].image,
        {"Captain Brack": "saw"},
    )
    assert [turn.actor for turn in scene.view("Captain Brack").past] == ["Captain Brack"]
    assert scene.view("Pip").past == []


def test_a_player_outside_the_scene_sees_every_picture_whole_and_no_secret(tmp_path: Path) -> None:
    player = {"name": "Mara", "questions": ["What is there?"], "about": "A traveller."}
    scene = scene_of(tmp_path, **apart(kind="human-role", player=player))
    view = scene.view("Mara")
    assert (view.me.name, view.me.introduction, view.player, view.now.place, view.secret) == (
        "Mara",
        "A traveller.",
        "Mara",
        None,
        None,
    )
    assert view.pictures == tuple(scene.setting.gallery.values())
    assert [other.private for other in view.others] == [None, None]


def test_the_cast_knows_who_asks(tmp_path: Path) -> None:
    scene = scene_of(tmp_path, **apart(kind="human-role", player={"name": "Mara", "questions": ["What is there?"]}))
    assert scene.view("Pip").player == "Mara"
    assert "Mara" not in [other.name for other in scene.view("Pip").others]


@pytest.mark.parametrize(
    "names",
    [
        ["Captain Brack", "Pip"],
        ["Pip", "Pip2", "Pip!"],
        ["!", "?", "cast1"],
        ["孙悟空", "孙悟空2"],
        ["x" * 30, "x" * 40],
    ],
)
def test_everybody_has_a_key_of_their_own(tmp_path: Path, names: list[str]) -> None:
    keys = scene_of(tmp_path, cast=[{"character": {"name": name}} for name in names]).keys
    assert list(keys) == names
    assert len(set(keys.values())) == len(names)
    assert all(key and "/" not in key for key in keys.values())
