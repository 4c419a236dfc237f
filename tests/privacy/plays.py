"""Scenarios drawn by lot in which everybody has something of its own: a string that nobody else holds, or a picture."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from hypothesis import strategies as st
from PIL import Image
from playing import written

from agents.prompts.layouts import LAYOUTS
from sandbox.play import Fork
from scenes.loading import Source, load
from scenes.scenario import LayoutName
from scenes.scene import Setting

IMAGES: dict[str, Any] = {
    "harbour": {"file": "harbour.png", "notes": {"scene": "note-on-harbour"}},
    "chart": {"file": "chart.png"},
    "wreck": {"file": "wreck.png", "notes": {"place": "note-on-wreck"}},
    "vision": {"file": "vision.png", "notes": {"characters": "note-on-vision"}, "reserve": True},
}
FILES = ("harbour.png", "chart.png", "wreck.png", "vision.png", "other.png")
PLACES: dict[str, Any] = {
    "quay": {"shows": ["harbour"], "beside": ["cabin"]},
    "cabin": {"beside": ["loft"]},
    "loft": {"shows": ["chart", "harbour"]},
    "far_rock": {"shows": ["wreck"]},
}
"""A row of three: what is said in the first is not heard in the last. Nothing is heard of the rock."""
HOME = "cabin"
"""Where the first of the cast is, so that all can hear each other, if need be through others."""
SIGHTS: list[Any] = [
    None,
    None,
    [],
    [{"image": "chart"}],
    [{"image": "chart"}, {"image": "harbour"}],
    [{"image": "harbour", "crop": [0, 0, 28, 28]}, {"image": "wreck", "from_turn": 3}],
    [{"image": "wreck", "blur": 3, "from_turn": 2}, {"image": "chart", "from_turn": 4}],
]
NAMES = ("Brack", "Pip", "Moss", "Vale", "Odile")
ALIASES = {"Brack": ["Captain"], "Moss": ["Old Moss"]}
STRANGER = "Nell"
"""Who may take a part in a fork."""
PLAYER = "Mara"
OPENINGS: list[dict[str, str]] = [
    {"Captain": "(whispers to Pip) whisper-904."},
    {"Brack": "(act-901) [think-901] say-901."},
    {"Pip": "[think-902]"},
    {"Narrator": "tell-903."},
    {"Pip": "(goes to the quay) say-905."},
    {"Captain": "say-906. (leaves) [think-906] say-907."},
    {"Pip": "(leaves)"},
]
"""The first of them is nothing for a layout that is one text for all."""
WHISPERED = {"whisper-904": ("Pip",)}
"""To whom, of what is whispered in the openings."""
INTERVIEW: list[dict[str, Any]] = [
    {"ask": "ask-911?", "choices": "cast", "truth": "Pip"},
    {"to": "Pip", "ask": "ask-912?"},
    {"to": ["Brack", "Pip"], "ask": "ask-913?", "choices": ["choice-914", "choice-915"], "truth": "choice-914"},
    {"ask": "ask-916?"},
]
POLICIES: list[Any] = [
    *("round_robin", "random", "mention", "simultaneous"),
    *("narrator", "narrator", "narrator"),
    ["Pip", "Brack", "Pip"],
]
KINDS = ("inter-role", "story", "story", "story", "human-role", "comment")
QUESTIONS = [f"question-{number}?" for number in range(921, 926)]
ASKING: list[dict[str, Any]] = [
    {"name": PLAYER, "model": "storybook", "about": f"about-of-{PLAYER}"},
    {"name": PLAYER, "questions": QUESTIONS},
]
HOLDING: list[Any] = [None, None, {"plays": "Pip", "model": "storybook"}, {"plays": "Captain", "person": True}]
TELLING = {"plays": "Narrator", "person": True}


@dataclass(frozen=True)
class Branch:
    """After which turn it branches off, with what values by path, in which layout."""

    after: int
    values: dict[str, Any]
    layout: LayoutName


@dataclass(frozen=True)
class Play:
    """A scenario with a seed, and the branches, each off the one before."""

    scenario: dict[str, Any]
    seed: int
    branches: tuple[Branch, ...] = ()


def member(name: str, has_own: bool = True, **own: Any) -> dict[str, Any]:
    """Return one of the cast, in all that it has a string of its own; what is private only if it `has_own`."""
    position = {"position": f"spot-of-{name}", "state": f"mood-of-{name}"}
    return {"character": profile(name, has_own)} | position | ({"secret": f"secret-of-{name}"} if has_own else {}) | own


def profile(name: str, has_private: bool) -> dict[str, Any]:
    """Return the profile of somebody, with or without a private line."""
    known = {"name": name, "role": f"role-of-{name}", "aliases": ALIASES.get(name, [])}
    return known | ({"private": f"private-of-{name}"} if has_private else {})


@st.composite
def plays(draw: st.DrawFn, is_shared: bool) -> Play:
    """A play of anything that can happen; where the layout `is_shared`, of anybody that has nothing of its own."""
    kind = draw(st.sampled_from(KINDS))
    cast = draw(casts(is_shared, draw(st.booleans())))
    players = ASKING if kind in ("human-role", "comment") else [*HOLDING, TELLING] if kind == "story" else HOLDING
    scenario: dict[str, Any] = {
        "kind": kind,
        "language": draw(st.sampled_from(["en", "en", "zh"])),
        "premise": "There was a wreck.",
        "images": IMAGES,
        "cast": cast,
        "player": draw(st.sampled_from(players)),
        "opening": draw(st.lists(st.sampled_from(OPENINGS[is_shared:]), max_size=4, unique_by=str)),
        "interview": draw(st.lists(st.sampled_from(INTERVIEW), max_size=2, unique_by=str)),
        "memory": draw(st.sampled_from([{}, {"words": 20, "recalled": 2}, {"words": 60}])),
        "mind": "none" if is_shared else draw(st.sampled_from(["none", "bdi"])),
        "turns": draw(st.integers(3, 16)),
        "turn_policy": draw(st.sampled_from(POLICIES)),
    }
    if "place" in cast[0]:
        scenario["places"] = PLACES
    if kind == "story" or scenario["turn_policy"] == "narrator" or draw(st.booleans()):
        scenario["narrator"] = {"knows_secrets": draw(st.booleans())}
    return Play(scenario, draw(st.integers(0, 2**31)), draw(branches(cast, is_shared)))


@st.composite
def casts(draw: st.DrawFn, is_shared: bool, has_places: bool) -> list[dict[str, Any]]:
    """Two to five; the first two are on the stage."""
    cast = []
    for at, name in enumerate(NAMES[: draw(st.integers(2, 5))]):
        one = member(name, not is_shared and draw(st.booleans()), reserve=at > 1 and draw(st.booleans()))
        if has_places:
            one["place"] = HOME if is_shared or not at else draw(st.sampled_from(["quay", "cabin", "loft"]))
        if not is_shared:
            one["sees"] = draw(st.sampled_from(SIGHTS))
        cast.append(one)
    return cast


@st.composite
def branches(draw: st.DrawFn, cast: Sequence[Mapping[str, Any]], is_shared: bool) -> tuple[Branch, ...]:
    """At most two branches: of another seed or layout, of another picture or character, or with parts swapped."""
    changes: list[dict[str, Any]] = [
        {},
        {"images.harbour.file": "other.png"},
        {"cast.1.character": profile(STRANGER, not is_shared)},
        {"cast.0.character": cast[1]["character"], "cast.1.character": cast[0]["character"]},
    ]
    layouts = [name for name, layout in LAYOUTS.items() if layout.shared == is_shared]
    one = st.builds(Branch, st.integers(0, 8), st.sampled_from(changes), st.sampled_from(layouts))
    return tuple(sorted(draw(st.lists(one, max_size=2)), key=lambda branch: branch.after))


def painted(folder: Path) -> Path:
    """Put the pictures into `folder`: small ones, no two alike in any part, that are read in no time."""
    for number, name in enumerate(FILES):
        Image.frombytes("RGB", (56, 56), Random(number).randbytes(56 * 56 * 3)).save(folder / name)
    return folder


def staged(folder: Path, play: Play) -> tuple[Setting, list[Fork]]:
    """Return the setting of a play and its forks; the pictures are in `folder`."""
    source = load(written(folder, **play.scenario))
    return _setting(source, {}), list(_forks(source, play))


def _forks(source: Source, play: Play) -> Iterator[Fork]:
    changed: dict[str, Any] = {}
    for number, branch in enumerate(play.branches, start=1):
        changed |= branch.values
        yield Fork(branch.after, _setting(source, changed), play.seed + number, LAYOUTS[branch.layout])


def _setting(source: Source, values: Mapping[str, Any]) -> Setting:
    return source.setting(source.variant_with(values), lambda picture, facts: None)
