"""Nobody is told what is another's: unique strings and pictures are planted, and looked for in every request."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from staging import performed, setting_of, texts

from agents.prompts.layouts import LAYOUTS, privacy_breaks
from scenes.chat import Request
from scenes.event import Event
from scenes.scenario import LayoutName
from scenes.scene import Scene, Setting

IMAGES = {
    "harbour": {"storybook": {"seed": 7}, "notes": {"scene": "note-on-the-harbour"}},
    "chart": {"storybook": {"seed": 8}},
    "wreck": {"storybook": {"seed": 9}},
}
PLACES = {
    "quay": {"shows": ["harbour"], "beside": ["cabin"]},
    "cabin": {"beside": ["loft"]},
    "loft": {"shows": ["chart"]},
}
"""A row of three: what is said in the first is not heard in the last."""
SIGHTS: list[Any] = [
    None,
    [],
    [{"image": "chart"}],
    [{"image": "harbour", "crop": [0, 0, 64, 64]}, {"image": "wreck", "from_turn": 3}],
    [{"image": "wreck", "blur": 3, "from_turn": 2}, {"image": "chart", "from_turn": 4}],
]
KINDS: list[dict[str, Any]] = [
    {"kind": "inter-role"},
    {"kind": "story", "narrator": {}},
    {"kind": "human-role", "player": {"name": "Mara", "model": "storybook", "about": "about-Mara"}},
]
NAMES = ("Brack", "Pip", "Moss", "Vale")
LAYOUT_NAMES: tuple[LayoutName, ...] = tuple(LAYOUTS)


def member(name: str, place: str, sees: Any = None, secret: bool = False, private: bool = False) -> dict[str, Any]:
    """Return one of the cast with a string of its own in everything that it has for itself."""
    profile = {"name": name} | ({"private": f"private-of-{name}"} if private else {})
    own = {"secret": f"secret-of-{name}"} if secret else {}
    return {"character": profile, "place": place, "position": f"spot-of-{name}", "sees": sees, **own}


@st.composite
def apart(draw: st.DrawFn) -> dict[str, Any]:
    """A cast in several places, with secrets, pictures of their own, and maybe a narrator or a player."""
    cast = []
    for at, name in enumerate(NAMES[: draw(st.integers(2, 4))]):
        place = draw(st.sampled_from(list(PLACES))) if at else "cabin"
        cast.append(member(name, place, draw(st.sampled_from(SIGHTS)), draw(st.booleans()), draw(st.booleans())))
    return {
        **draw(st.sampled_from(KINDS)),
        "images": IMAGES,
        "places": PLACES,
        "cast": cast,
        "opening": [{"Brack": "(act-0) [think-0] say-0."}, {"Pip": "[think-00]"}],
        "turn_policy": draw(st.sampled_from(["round_robin", "random", "mention", ["Pip", "Brack", "Brack"]])),
        "turns": 8,
    }


@st.composite
def alike(draw: st.DrawFn) -> dict[str, Any]:
    """A cast in one place that has nothing private, as layouts need that are one text for all."""
    cast = [{"character": {"name": name}} for name in NAMES[: draw(st.integers(2, 4))]]
    return {"images": IMAGES, "cast": cast, "turns": 8, "turn_policy": "random"}


@dataclass(frozen=True)
class Asked:
    """A request, who is to answer it, and what had happened when it was made."""

    name: str
    request: Request
    events: tuple[Event, ...]

    def perceived(self) -> Iterator[Event]:
        return (event for event in self.events if self.name in event.visible_to)


def asked_in(scene: Scene, layout: LayoutName, rng: Random) -> list[Asked]:
    """Play the scene with replies that hold strings of every kind, and now and then what the speaker alone knows."""
    found: list[Asked] = []
    names = {key: name for name, key in scene.keys.items()} | {"narrator": "Narrator", "player": "Mara"}

    def answer(key: str, request: Request) -> str:
        name = names[key.split("/")[1]]
        found.append(Asked(name, request, tuple(scene.events)))
        told = f"secret-of-{name} private-of-{name}" if rng.random() < 0.2 else "nothing"
        parts = [f"(act-{key})", f"[think-{key}]", f"say-{key} {told}.", f"Look, {rng.choice(NAMES)}!"]
        return " ".join(part for part in parts if rng.random() < 0.7)

    performed(scene, layout, answer)
    return found


def strings_in(text: str) -> Iterator[str]:
    """Yield the planted strings in a text: all that has a hyphen."""
    yield from (word.strip("()[].,!") for word in text.split() if "-" in word)


def own_strings(name: str) -> set[str]:
    """Return what somebody may be told without having perceived it."""
    outside = {"Mara": {"about-Mara"}, "Narrator": {f"spot-of-{one}" for one in NAMES}}
    return outside.get(name) or {f"{what}-of-{name}" for what in ("secret", "private", "spot")}


def planted(scene: Scene) -> set[str]:
    """Return every string that somebody may have to keep."""
    own = {text for name in (*scene.names, "Mara") for text in own_strings(name)}
    return own | {text for event in scene.events for text in strings_in(event.text)}


def seen(setting: Setting, asked: Asked) -> set[str]:
    """Return the pictures that somebody has seen by the time of a request; who is outside the scene sees them all."""
    if asked.name not in NAMES:
        return {shown.image for shown in setting.gallery.values()}
    sights = setting.sights[NAMES.index(asked.name)]
    later = {event.image for event in asked.perceived() if event.image}
    return later | {shown.image for shown in sights if shown.from_turn == 1}


def check(setting: Setting, layout: LayoutName, seed: int) -> None:
    """Fail if anybody is told more, or less, than it has perceived and has for itself."""
    scene = Scene(setting, seed)
    requests = asked_in(scene, layout, Random(seed))
    everything = planted(scene)
    for asked in requests:
        segments = asked.request.prompt.segments()
        found = {text for segment in segments for text in strings_in(segment.text)} & everything
        perceived = {text for event in asked.perceived() for text in strings_in(event.text)}
        assert found <= perceived | own_strings(asked.name)
        left_out = {text for text in perceived if LAYOUTS[layout].shared and text.startswith("think")}
        assert perceived - left_out <= found
        assert {segment.image for segment in segments if segment.image} == seen(setting, asked)


@given(apart(), st.integers(0, 2**31))
@settings(max_examples=60, deadline=None)
def test_nobody_is_told_what_another_has_alone(
    tmp_path_factory: pytest.TempPathFactory, scenario: dict[str, Any], seed: int
) -> None:
    setting = setting_of(tmp_path_factory.mktemp("apart"), **scenario)
    for layout in LAYOUT_NAMES:
        if not privacy_breaks(LAYOUTS[layout], setting):
            check(setting, layout, seed)


@given(alike(), st.integers(0, 2**31))
@settings(max_examples=20, deadline=None)
def test_nobody_is_told_anothers_thoughts_in_any_layout(
    tmp_path_factory: pytest.TempPathFactory, scenario: dict[str, Any], seed: int
) -> None:
    setting = setting_of(tmp_path_factory.mktemp("alike"), **scenario)
    for layout in LAYOUT_NAMES:
        check(setting, layout, seed)


def test_a_shared_layout_is_left_out_wherever_somebody_has_something_alone(tmp_path: Path) -> None:
    cast = [member(name, "quay", secret=name == "Pip") for name in NAMES]
    setting = setting_of(tmp_path, images=IMAGES, places={"quay": {"shows": ["harbour"]}}, cast=cast)
    assert [name for name in LAYOUTS if privacy_breaks(LAYOUTS[name], setting)] == ["cast-first", "script"]


@pytest.mark.parametrize("layout", LAYOUT_NAMES)
def test_a_narrator_opens_without_any_secret(tmp_path: Path, layout: LayoutName) -> None:
    cast = [member(name, "quay", secret=True, private=True) for name in NAMES]
    places = {"quay": {"shows": ["harbour"]}}
    setting = setting_of(tmp_path, kind="story", narrator={}, images=IMAGES, places=places, cast=cast)
    request = performed(Scene(setting, 0), layout)["t00/narrator/open"]
    told = texts(request.prompt.segments())
    assert "secret-of" not in told
    assert "private-of" not in told
    assert layout == "compact" or "spot-of-Pip" in told


@pytest.mark.parametrize("layout", ["mmrole", "images-first", "compact"])
def test_whoever_sees_a_part_of_a_picture_is_not_told_what_is_known_of_the_whole(
    tmp_path: Path, layout: LayoutName
) -> None:
    cast = [member("Brack", "quay", sees=[{"image": "harbour", "blur": 9}]), member("Pip", "quay")]
    setting = setting_of(tmp_path, images=IMAGES, places={"quay": {"shows": ["harbour"]}}, cast=cast)
    asked = performed(Scene(setting, 0), layout)
    told = {key: "note-on-the-harbour" in texts(request.prompt.segments()) for key, request in asked.items()}
    assert not told["t01/brack/speak"]
    assert told["t02/pip/speak"] == (layout != "compact")
