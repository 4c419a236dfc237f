"""Scenes played in memory, for tests of what characters perceive and are told: no run, no store, no engine."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from playing import written

from agents.prompts.layouts import LAYOUTS
from sandbox.play import Fork, Keep, play
from scenes.chat import Completion, Request, Segment
from scenes.event import Draft
from scenes.loading import load
from scenes.scenario import LayoutName
from scenes.scene import Scene, Setting

Answer = Callable[[str, Request], str]
"""Gets the key of a call and its request."""


def setting_of(folder: Path, **changes: Any) -> Setting:
    """Write a scenario of two into `folder`, with `changes` to its top level, and return its first variant."""
    source = load(written(folder, **changes))
    return source.setting(source.variant(0), lambda picture, facts: None)


def scene_of(folder: Path, seed: int = 0, **changes: Any) -> Scene:
    """Return the scene of that scenario, before anything has happened."""
    return Scene(setting_of(folder, **changes), seed)


def said(*texts: str) -> list[Draft]:
    """Return what somebody does who says `texts`."""
    return [Draft(kind="speech", text=text) for text in texts]


def counted(key: str, request: Request) -> str:
    """Answer with the key of the call, so that every line is another."""
    return f"Line {key}."


def performed(
    scene: Scene,
    layout: LayoutName = "images-first",
    answer: Answer = counted,
    keep: Keep = lambda events: None,
    forks: Sequence[Fork] = (),
) -> dict[str, Request]:
    """Play `scene` to its end and return every request by its key, in the order in which they were made."""
    asked: dict[str, Request] = {}

    async def call(key: str, request: Request) -> Completion:
        asked[key] = request
        return Completion(text=answer(key, request))

    asyncio.run(play(scene, LAYOUTS[layout], call, keep, forks=forks))
    return asked


def texts(segments: Iterable[Segment]) -> str:
    """Return all that is written in `segments`."""
    return "\n".join(segment.text for segment in segments)
