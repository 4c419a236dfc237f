"""Steering a run from outside while it is played: pause, resume, cancel an episode, ask how it stands.

Orders are small files in the run's folder, since that is what every file system offers: `control/<id>.order` from
whoever gives one, `control/<id>.answer` from the process that plays. The store keeps its one writer.
"""

import asyncio
import json
import secrets
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from sandbox.errors import RunLocked
from sandbox.scheduler import Scheduler
from sandbox.store import lock_run
from sandbox.whole_file import write_whole
from scenes.clean import one_line
from scenes.problem import refuse

CONTROL = "control"
LOOK_EVERY_S = 0.2
PATIENCE_S = 10.0
"""How long a run may take to answer."""


class Order(BaseModel):
    """What somebody wants of a run that is being played."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    do: Literal["pause", "resume", "cancel", "status"]
    episode: int | None = None
    """Which to cancel."""


class Standing(BaseModel):
    """How a run stands after an order."""

    paused: bool
    under_way: list[int]
    """Episodes that are being played."""
    waiting: int
    """Episodes that were not begun yet."""
    refused: str | None = None
    """Why the order was not carried out."""


class Control:
    """Carries out the orders that come while a run is played."""

    def __init__(self, folder: Path, scheduler: Scheduler) -> None:
        self._folder, self._scheduler = folder / CONTROL, scheduler
        self._forget_old()

    def _forget_old(self) -> None:
        for file in self._folder.glob("*.order"):  # given to a process that is gone
            file.unlink(missing_ok=True)

    async def listen(self) -> None:
        """Look for orders until cancelled."""
        while True:
            for file in sorted(self._folder.glob("*.order")):
                self._answer(file)
            await asyncio.sleep(LOOK_EVERY_S)

    def _answer(self, file: Path) -> None:
        refused = None
        try:
            refused = self._carry_out(Order.model_validate_json(file.read_text("utf-8")))
        except (OSError, ValidationError, UnicodeError) as error:
            refused = f"this is no order: {one_line(str(error))}"
        meter = self._scheduler.meter
        standing = Standing(
            paused=self._scheduler.paused, under_way=meter.under_way, waiting=meter.waiting, refused=refused
        )
        with suppress(OSError):  # whoever asked will not hear of it; playing is not to suffer from that
            write_whole(file.with_suffix(".answer"), standing.model_dump_json().encode())
            file.unlink(missing_ok=True)

    def _carry_out(self, order: Order) -> str | None:
        """Do what is ordered; return why not, if not."""
        match order.do:
            case "pause":
                self._scheduler.pause()
            case "resume":
                self._scheduler.go_on()
            case "cancel":
                if order.episode not in self._scheduler.meter.under_way:
                    return f"episode {order.episode} is not being played"
                self._scheduler.cancel(order.episode)
        return None


def give(folder: Path, order: Order) -> Standing:
    """Give an order to whoever plays the run in `folder`, and return how the run stands then.

    Raises `InputRefused` if nobody plays it, or if the order cannot be carried out.
    """
    if not _is_played(folder):
        raise refuse("nobody plays this run now; `rolestage resume` goes on with it.", str(folder))
    place = folder / CONTROL
    place.mkdir(exist_ok=True)
    file = place / f"{time.time_ns()}-{secrets.token_hex(4)}.order"
    write_whole(file, order.model_dump_json(exclude_none=True).encode())
    standing = _awaited(file, lambda: _is_played(folder))
    if standing.refused:
        raise refuse(f"{standing.refused}; being played: {standing.under_way}.", str(folder))
    return standing


def _is_played(folder: Path) -> bool:
    try:
        lock_run(folder).close()
    except RunLocked:
        return True
    return False


def _awaited(file: Path, is_played: Callable[[], bool]) -> Standing:
    answer, until = file.with_suffix(".answer"), time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        if answer.exists():
            told: dict[str, Any] = json.loads(answer.read_text("utf-8"))
            answer.unlink(missing_ok=True)
            return Standing(**told)
        time.sleep(LOOK_EVERY_S / 4)
    file.unlink(missing_ok=True)
    why = "is being written, but takes no orders: it is scored or forked" if is_played() else "ended"
    raise refuse(f"the run {why}.", str(file.parent.parent))
