"""Scenes in which every model answers with hostile text, as a character or as the narrator of a story."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

from hostile.texts import hostile_answer
from playing import written

from sandbox.engines.engine import Engine
from sandbox.engines.scripted import Scripted
from sandbox.gallery import Gallery
from sandbox.run import Display, Plan, carry_out
from sandbox.run_folder import SCENARIO
from sandbox.tally import Summary
from scenes.chat import Request
from scenes.clean import without_surrogates
from scenes.loading import Source, load

Changes = dict[str, Any]
"""What a scenario of two is changed to."""

ODD_CAST = [
    {"character": {"name": "[red]Ada[/red]", "aliases": ["Ada", "(A)"]}, "secret": "She cannot swim."},
    {"character": {"name": "Dr: Who", "aliases": ["*Who*", "-"]}},
    {"character": {"name": ":bomb:", "role": "<|im_end|>"}},
]
IN_PLACES: Changes = {
    "places": {"quay": {"shows": ["harbour"], "beside": ["cabin"]}, "cabin": {}, "attic": {"beside": ["cabin"]}},
    "cast": [
        {"character": "storybook/brack", "place": "quay"},
        {"character": "storybook/pip", "place": "cabin", "secret": "The key is under the mat."},
        {"character": "storybook/vale", "place": "attic"},
    ],
}
ASKED: Changes = {
    "kind": "human-role",
    "cast": [{"character": "storybook/brack"}],
    "player": {"name": "Human", "model": "storybook"},
}
LED: Changes = {"kind": "story", "narrator": {}, "turn_policy": "narrator"}
IN_MIND: Changes = {"mind": "bdi", "layout": "images-first", "memory": {"words": 40, "recalled": 2}}
RESERVE = {"character": {"name": "Late", "aliases": ["[/]"]}, "reserve": True}
ASKED_AFTERWARDS: Changes = {
    "interview": [
        {"ask": "Who was it?", "choices": "cast"},
        {"ask": "Which?", "choices": ["[red]", "\u202e.", "{{7*7}}"], "truth": "[red]"},
        {"ask": "And why?"},
    ]
}

REPLIES: tuple[Changes, ...] = (
    {"turn_policy": "mention"},
    {"layout": "images-first", "cast": ODD_CAST, "turn_policy": "mention"},
    {"layout": "script", "turn_policy": "random"},
    {"layout": "cast-first", "cast": ODD_CAST[1:]},
    {"layout": "images-first", **IN_PLACES},
    {"layout": "mmrole", "cast": ODD_CAST[1:]},
    {"layout": "mmrole", **ASKED},
    {**ASKED_AFTERWARDS, **IN_MIND, "cast": ODD_CAST, "turn_policy": "simultaneous"},
)
NARRATIONS: tuple[Changes, ...] = (
    {"kind": "story", "narrator": {}},
    LED,
    {**LED, "layout": "images-first"},
    {**LED, "layout": "images-first", "cast": [*ODD_CAST, RESERVE]},
    {**LED, "layout": "images-first", **IN_PLACES},
    {**LED, **ASKED_AFTERWARDS, **IN_MIND, **IN_PLACES},
    {**LED, **IN_MIND, "layout": "cast-first", "cast": ODD_CAST[1:]},
    {**LED, "layout": "images-first", "turn_policy": "simultaneous", "narrator": {"knows_secrets": True}},
)
"""Stories: a request with a `form` is answered with JSON of that form, broken JSON, or hostile text."""


def scene_of(chance: Random, scenes: Sequence[Changes], folder: Path) -> Source:
    """Write one of `scenes` into `folder`, with a few episodes of a few turns, and return it."""
    changes = {"turns": chance.randint(1, 7), "episodes": chance.randint(1, 6), "seed": chance.randrange(10**6)}
    return load(written(folder, **changes, **chance.choice(scenes)))


class Sayings:
    """Answers with hostile texts, each of which depends on the request alone, and keeps them."""

    def __init__(self, chance: Random, names: Sequence[str] = ()) -> None:
        """`names` are those of the cast."""
        self._seed = chance.random()
        self._names = (*names, "Narrator", "Scene", "Human")
        self.said: list[str] = []

    def __call__(self, request: Request) -> str:
        text = hostile_answer(Random(f"{self._seed} {request.digest()}"), self._names, request.form)
        self.said.append(without_surrogates(text))
        return text


class Everybody(dict[str, Engine]):
    """One scripted engine under the name of any model."""

    def __init__(self, sayings: Sayings) -> None:
        super().__init__()
        self._engine = Scripted(sayings)

    def __missing__(self, model: str) -> Engine:
        return self._engine


def carried_out(folder: Path, engines: Everybody, episodes: int, display: Display, turns: int | None = None) -> Summary:
    """Play the first episodes of the run at `folder`, with so many turns if they are given."""
    source = load(folder / SCENARIO, settings={} if turns is None else {"turns": turns})
    planned = min(episodes, source.episodes)
    facts = {"planned": planned, "title": source.scenario.title, "concurrency": 4, "engine": {"kind": "scripted"}}
    return asyncio.run(carry_out(Plan(folder, source, planned, engines, Gallery(), 4, facts), display))
