"""An event loop in a time of its own, which moves on only where nothing is left to do: hours are played in seconds.

What happens in it is the same on every machine, to the last digit of the time. Real threads and real connections do not
fit into it: nobody waits for them. So runs are played in it without a store, by `sandbox.episode.play_episode`.
"""

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

Outcome = TypeVar("Outcome")


class NothingLeft(RuntimeError):
    """Everybody waits for what will never come: no timer is set any more."""


class _Clock(selectors.SelectSelector):
    """Never waits: where the loop would wait for its next timer, the time of that timer has come."""

    now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise NothingLeft("all that is played waits for what never comes")
        self.now += max(0.0, timeout)
        return super().select(0)


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop whose `time()` begins at 0 and is never waited for; a later moment comes only when this is over."""

    def __init__(self) -> None:
        self._clock = _Clock()
        super().__init__(self._clock)

    def time(self) -> float:
        """Return the time in seconds since the loop was made."""
        return self._clock.now

    def jump(self, seconds: float) -> None:
        """Let so many seconds pass at once, as for a machine that slept: whatever came due meanwhile is late."""
        self._clock.now += seconds


def run_virtually(playing: Coroutine[Any, Any, Outcome]) -> Outcome:
    """Run `playing` to its end in virtual time and return what it returns. Raises `NothingLeft` at a deadlock."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(playing)
