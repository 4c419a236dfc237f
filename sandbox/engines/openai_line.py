"""Who is asked next, and by whom: requests wait in one line for the servers, the most urgent in front.

An episode stays with a server, whose cache holds the beginnings of its prompts, until that one has much more to do than
the others. One line belongs to one event loop; what is known of the servers outlives it.
"""

import asyncio
import time
from collections.abc import Sequence
from functools import lru_cache
from hashlib import blake2b
from heapq import heappop, heappush
from itertools import count
from math import ceil
from typing import Generic, Protocol, TypeVar

from sandbox.engines.engine import Urgency
from sandbox.engines.openai_window import Window

SPILL = 1.25
"""How much more than its share of the work a server may have before an episode of its own goes elsewhere."""


class HasWindow(Protocol):
    """A server, as far as the line knows it."""

    @property
    def address(self) -> str: ...

    @property
    def window(self) -> Window: ...


Host = TypeVar("Host", bound=HasWindow)


def choice(servers: Sequence[Host], episode: int, now: float) -> Host | None:
    """Return the server to ask for `episode` now; None if all have enough to do.

    Of those with room the first in the episode's own order whose load stays under `SPILL` times the mean (consistent
    hashing with bounded loads, Mirrokni, Thorup and Zadimoghaddam 2018, section 1), so that an episode that has to go
    elsewhere goes to the same second home. What belongs to no episode goes where there is least to do.
    """
    free = [server for server in servers if server.window.room(now) > 0]
    if len(free) < 2:
        return free[0] if free else None
    if episode < 0:
        return min(free, key=lambda server: server.window.busy)
    most = ceil(SPILL * (sum(server.window.busy for server in free) + 1) / len(free))
    order = sorted(free, key=lambda server: _rank(episode, server.address))
    return next((server for server in order if server.window.busy < most), order[0])


@lru_cache(maxsize=100_000)
def _rank(episode: int, address: str) -> bytes:
    return blake2b(f"{episode} {address}".encode(), digest_size=8).digest()


class Line(Generic[Host]):
    """Requests of one event loop that wait for a server."""

    def __init__(self, servers: Sequence[Host]) -> None:
        self._servers = servers
        self._loop = asyncio.get_running_loop()
        self._waiting: list[tuple[int, int, int, asyncio.Future[Host]]] = []
        self._numbers = count()
        self._timer: asyncio.TimerHandle | None = None

    async def enter(self, urgency: Urgency) -> Host:
        """Return the server to ask, as soon as one has room; whoever got it has to `leave` it again."""
        if not self._waiting and (server := choice(self._servers, urgency.episode, time.monotonic())):
            server.window.busy += 1
            return server
        turn: asyncio.Future[Host] = self._loop.create_future()
        heappush(self._waiting, (urgency.priority, next(self._numbers), urgency.episode, turn))
        self._serve()
        try:
            return await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled() and turn.exception() is None:
                self.leave(turn.result())
            raise

    def leave(self, server: Host) -> None:
        """Say that a request to `server` is over."""
        server.window.busy -= 1
        if self._waiting:
            self._serve()

    def close(self, reason: Exception) -> None:
        """Fail all who wait."""
        while self._waiting:
            *_, turn = heappop(self._waiting)
            if not turn.done():
                turn.set_exception(reason)

    def _serve(self) -> None:
        """Let in as many as there is room for, and come again when a server has rested."""
        now = time.monotonic()
        while self._waiting:
            *_, episode, turn = self._waiting[0]
            if turn.done():  # cancelled while it waited
                heappop(self._waiting)
                continue
            server = choice(self._servers, episode, now)
            if server is None:
                break
            heappop(self._waiting)
            server.window.busy += 1
            turn.set_result(server)
        self._come_again(now)

    def _come_again(self, now: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        rests = [server.window.rests_until for server in self._servers if server.window.rests_until > now]
        if self._waiting and rests:
            self._timer = self._loop.call_later(min(rests) - now + 0.001, self._serve)
