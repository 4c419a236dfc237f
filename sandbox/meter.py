"""Where the engine's time went: how full it was, and why it was not fuller.

An engine computes so many requests together, its slots. At every moment each slot is busy, or idle for one of four
reasons, which are charged in this order: the user holds the run; an episode under way is in the client's hands (its
reply is being read, its next prompt made) and has nothing asked; episodes wait that were not admitted; or nothing is
left to fill it with, at the end of a run. The shares add up to 1, so what is lost against an engine that is always full
is told by cause.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from pydantic import BaseModel


class Occupancy(BaseModel):
    """Shares of the slot-time of an engine; they add up to 1."""

    busy: float = 0
    client: float = 0
    """Idle while an episode under way had nothing asked."""
    admission: float = 0
    """Idle while episodes waited to be admitted."""
    tail: float = 0
    """Idle since nothing was left to be asked."""
    paused: float = 0
    """Idle while the user held the run."""
    slots: int = 0
    """How many requests count as full."""
    requests: float = 0
    """Mean number of requests under way."""


CAUSES = ("busy", "client", "admission", "tail", "paused")


@dataclass
class Meter:
    """Adds up slot-time between one change and the next; every change costs a few additions."""

    slots: int
    waiting: int = 0
    """Episodes that were not admitted yet."""
    clock: Callable[[], float] = time.monotonic
    _asking: dict[int, int] = field(default_factory=dict)
    """Requests under way of each episode under way."""
    _requests: int = 0
    _idle: int = 0
    """Episodes under way that have nothing asked."""
    _at: float = 0
    _paused: bool = False
    _spent: dict[str, float] = field(default_factory=lambda: dict.fromkeys(CAUSES, 0.0))
    _requested: float = 0

    def __post_init__(self) -> None:
        self._at = self.clock()

    @contextmanager
    def playing(self, episode: int) -> Iterator[None]:
        """Count an episode as under way."""
        self.admitted(episode)
        try:
            yield
        finally:
            self.ended(episode)

    def admitted(self, episode: int) -> None:
        """Count an episode that begins."""
        self._tick()
        self.waiting -= 1
        self._asking[episode] = 0
        self._idle += 1

    def ended(self, episode: int) -> None:
        """Count an episode that is over."""
        self._tick()
        if not self._asking.pop(episode):
            self._idle -= 1

    def asked(self, episode: int) -> None:
        """Count a request that goes to the engine, or waits for it."""
        self._tick()
        self._requests += 1
        if episode in self._asking:
            self._idle -= not self._asking[episode]
            self._asking[episode] += 1

    def answered(self, episode: int) -> None:
        """Count a request that came back."""
        self._tick()
        self._requests -= 1
        if episode in self._asking:
            self._asking[episode] -= 1
            self._idle += not self._asking[episode]

    def hold(self, paused: bool) -> None:
        """Charge what is idle to the pause, from now on or no longer."""
        self._tick()
        self._paused = paused

    @property
    def under_way(self) -> list[int]:
        """The episodes that were admitted and are not over."""
        return sorted(self._asking)

    def occupancy(self) -> Occupancy:
        """Return the shares up to now."""
        self._tick()
        whole = sum(self._spent.values()) or 1.0
        shares = {cause: spent / whole for cause, spent in self._spent.items()}
        return Occupancy(**shares, slots=self.slots, requests=self._requested * self.slots / whole)

    def _tick(self) -> None:
        now = self.clock()
        passed, self._at = now - self._at, now
        busy = min(self.slots, self._requests)
        client = 0 if self._paused else min(self.slots - busy, self._idle)
        rest = self.slots - busy - client
        self._spent["busy"] += busy * passed
        self._spent["client"] += client * passed
        self._spent["paused" if self._paused else "admission" if self.waiting > 0 else "tail"] += rest * passed
        self._requested += self._requests * passed
