"""Judging made-up episodes: a case of what was played in memory, and the verdicts of a scorer on it."""

import asyncio
import inspect
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from playing import written
from staging import Answer, counted, performed

from scenes.chat import Call, Completion, Request
from scenes.event import Event
from scenes.image import Picture
from scenes.loading import load
from scenes.scene import Scene
from scenes.sights import PictureFacts
from scenes.trajectory import Status, Trajectory
from scorers.base import Case, Score, Scorer


def case_of(folder: Path, answer: Answer = counted, seed: int = 0, status: Status = "done", **changes: Any) -> Case:
    """Play a scenario of two, with `changes` to its top level, in memory; return it as it is given to a scorer."""
    source = load(written(folder, **changes))
    pictures: dict[str, PictureFacts] = {}
    sizes: dict[str, tuple[int, int]] = {}

    def keep(picture: Picture, facts: PictureFacts) -> None:
        pictures[picture.id], sizes[picture.id] = facts, (picture.width, picture.height)

    variant = source.variant(0)
    scene = Scene(source.setting(variant, keep), seed)
    answers: dict[str, Completion] = {}

    def answered(key: str, request: Request) -> str:
        answers[key] = Completion(text=answer(key, request))
        return answers[key].text

    asked = performed(scene, answer=answered)
    trajectory = Trajectory(episode=0, variant=variant.id, seed=seed, status=status, events=tuple(scene.events))
    return Case(
        trajectory, ((0, variant),), pictures, sizes, asked.__getitem__, answers.__getitem__, lambda picture: None
    )


def with_events(case: Case, events: Sequence[Event]) -> Case:
    """Return `case` with other events in it."""
    return replace(case, trajectory=case.trajectory.model_copy(update={"events": tuple(events)}))


async def nobody(key: str, request: Request) -> Completion:
    """Stand for the call of a scorer that asks no model."""
    raise AssertionError(f"{key} was asked")


def verdicts(scorer: Scorer, case: Case, call: Call = nobody) -> list[Score]:
    """Return what `scorer` says of `case`."""

    async def judged() -> list[Score]:
        said = scorer.score(case, call)
        return list(await said if inspect.isawaitable(said) else said)  # type: ignore[arg-type]

    return asyncio.run(judged())
