"""What came of playing a scenario once: the ordered events, and how it ended."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from scenes.event import Event

Status = Literal["playing", "done", "failed"]


class Trajectory(BaseModel):
    """One episode as it was played; the same scenario, seed and record give the same trajectory."""

    model_config = ConfigDict(frozen=True)

    episode: int
    """Its number in the run, from 0."""
    variant: str
    """The stable id of its variant."""
    values: dict[str, Any] = {}
    """What the variant sets, by path."""
    seed: int
    status: Status
    error: str | None = None
    events: tuple[Event, ...] = ()
