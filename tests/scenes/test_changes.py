"""What changes in a scene: places and states, comings and goings, and a part that somebody else takes."""

from pathlib import Path
from typing import Any

import pytest
from staging import said, scene_of, setting_of

from scenes.event import Change, Draft
from scenes.scene import Scene

BRACK, PIP, MOSS = "Captain Brack", "Pip", "Doctor Moss"
IMAGES = {name: {"storybook": {"seed": seed}} for seed, name in enumerate(("harbour", "chart", "wreck"))}
PLACES = {"quay": {"shows": ["harbour"], "beside": ["cabin"]}, "cabin": {"shows": ["chart"]}}
CAST: list[dict[str, Any]] = [
    {"character": "storybook/brack", "place": "quay"},
    {"character": "storybook/pip", "place": "quay", "position": "on a crate", "state": "glad"},
    {"character": "storybook/moss", "place": "cabin", "reserve": True},
]


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return scene_of(tmp_path, images=IMAGES, places=PLACES, cast=CAST)


def changed(scene: Scene, **change: Any) -> list[Any]:
    return scene.add("Narrator", [Draft(kind="state", text="something", change=Change(**change))])


def test_who_comes_to_a_place_sees_what_it_shows_once(scene: Scene) -> None:
    shown = {name: one.image for name, one in scene.setting.gallery.items()}
    assert [event.image for event in changed(scene, who=PIP, place="cabin")] == [None, shown["chart"]]
    assert [event.visible_to for event in scene.events[1:]] == [{PIP: "saw"}]
    assert [event.image for event in changed(scene, who=PIP, place="quay")] == [None]
    assert [event.image for event in changed(scene, who=PIP, place="cabin")] == [None]


def test_who_has_pictures_of_its_own_sees_no_others_anywhere(tmp_path: Path) -> None:
    cast = [CAST[0], {**CAST[1], "sees": [{"image": "wreck"}]}]
    scene = scene_of(tmp_path, images=IMAGES, places=PLACES, cast=cast)
    assert [event.image for event in changed(scene, who=PIP, place="cabin")] == [None]


def test_a_way_is_seen_at_both_its_ends(scene: Scene) -> None:
    changed(scene, who=MOSS, present=True)
    (event, *_) = changed(scene, who=PIP, place="cabin")
    assert event.visible_to == {BRACK: "saw", PIP: "did", MOSS: "saw"}


def test_what_is_not_named_stays_as_it_was(scene: Scene) -> None:
    changed(scene, who=PIP, state="sorry")
    now = scene.view(PIP).now
    assert (now.place, now.position, now.state) == ("quay", "on a crate", "sorry")


def test_who_is_in_reserve_neither_perceives_nor_is_known_of(scene: Scene) -> None:
    scene.add(BRACK, said("Evening."))
    assert (scene.present, scene.reserve) == ([BRACK, PIP], [MOSS])
    assert [other.name for other in scene.view(PIP).others] == [BRACK]
    changed(scene, who=MOSS, present=True)
    assert scene.view(MOSS).past[0].events[0].text == "something"
    assert [other.name for other in scene.view(MOSS).others] == [BRACK, PIP]


def test_who_comes_in_late_sees_the_pictures_that_came_into_sight_before(tmp_path: Path) -> None:
    sees = [{"image": "wreck", "from_turn": 3}, {"image": "chart", "from_turn": 9}]
    scene = scene_of(tmp_path, images=IMAGES, places=PLACES, cast=[*CAST[:2], {**CAST[2], "sees": sees}])
    scene.turn = 5
    events = changed(scene, who=MOSS, present=True)
    assert [event.image for event in events] == [None, scene.setting.gallery["wreck"].image]


def test_the_time_is_told_to_all_and_kept(scene: Scene) -> None:
    (event,) = changed(scene, time="night")
    assert (scene.time, event.visible_to) == ("night", {BRACK: "was told", PIP: "was told"})


def test_a_belief_changes_nothing_but_a_head(scene: Scene) -> None:
    (event,) = scene.add(PIP, [Draft(kind="state", text="I fear him.", change=Change(who=PIP, belief="I fear him."))])
    assert (event.visible_to, scene.view(PIP).now.belief) == ({PIP: "thought"}, "I fear him.")


def test_a_picture_kept_in_reserve_is_seen_when_it_is_shown(tmp_path: Path) -> None:
    images = {**IMAGES, "letter": {"storybook": {"seed": 5}, "reserve": True}}
    scene = scene_of(tmp_path, images=images, cast=[{"character": "storybook/brack"}, {"character": "storybook/pip"}])
    letter = scene.setting.gallery["letter"].image
    assert letter not in {shown.image for name in scene.names for shown in scene.view(name).pictures}
    (event,) = scene.show_all("letter")
    assert (event.image, event.visible_to) == (letter, {BRACK: "saw", PIP: "saw"})


def test_another_who_takes_a_part_has_perceived_what_that_part_perceived(tmp_path: Path, scene: Scene) -> None:
    vale = "Inspector Vale"
    scene.turn = 1
    scene.acted.append(BRACK)
    scene.add(BRACK, [Draft(kind="speech", text="I moved it.", to=(PIP,))])
    changed(scene, who=PIP, place="cabin")
    cast = [CAST[0], {**CAST[1], "character": "storybook/vale"}, CAST[2]]
    scene.recast(setting_of(tmp_path / "other", images=IMAGES, places=PLACES, cast=cast), 9)
    assert (scene.names, scene.present, scene.seed, scene.acted) == ([BRACK, vale, MOSS], [BRACK, vale], 9, [BRACK])
    whisper, way, _ = scene.events
    assert (whisper.to, whisper.visible_to) == ((vale,), {BRACK: "did", vale: "heard"})
    assert way.change is not None
    assert way.change.who == vale
    assert [(turn.actor, turn.events[0].text) for turn in scene.view(vale).past[:2]] == [
        (BRACK, "I moved it."),
        ("Narrator", "something"),
    ]
    assert scene.view(vale).now.place == "cabin"
    assert scene.add(vale, [Draft(kind="action", text="nods")])[0].visible_to == {vale: "did"}


def test_the_same_cast_goes_on_as_if_nothing_had_been_between(tmp_path: Path, scene: Scene) -> None:
    scene.add(BRACK, said("Evening.", "Well?"))
    before, past = list(scene.events), [turn.events for turn in scene.view(PIP).past]
    scene.recast(setting_of(tmp_path / "again", images=IMAGES, places=PLACES, cast=CAST), 3)
    assert scene.events == before
    assert [turn.events for turn in scene.view(PIP).past] == past
