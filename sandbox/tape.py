"""The record between an episode and its models: what was answered before is answered again, all else is asked once.

Resume, replay and fork are this one mechanism: play again over the record.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from math import inf

from sandbox.rows import Asked
from sandbox.store import now
from scenes.chat import Call, CallFailed, Completion, Request
from scenes.clean import without_surrogates

JUDGING = "score/"
"""What the keys of calls begin with that scorers make; all others are those of play."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the record holds under a key."""

    digest: str
    """Identity of the request that was answered."""
    node: bytes
    """Its prompt's place in the trie."""
    completion: Completion | None
    error: str | None


class Diverged(Exception):
    """Play asks something else than what is on record under the same key."""

    def __init__(self, key: str, request: Request, answer: Answer) -> None:
        super().__init__(
            f"the request {key} is not the one on record; `rolestage replay RUN --check` shows what differs"
        )
        self.key, self.request, self.answer = key, request, answer


class OffRecord(Exception):
    """Play asks something in a turn that is over on the record, which holds no answer to it."""

    def __init__(self, key: str) -> None:
        super().__init__(
            f"the call {key} is not on record, though its turn is; `rolestage replay RUN --check` shows what differs"
        )
        self.key = key


def turn_of(key: str) -> float:
    """Return the turn in which the call under `key` is made; infinity for one that comes after all turns."""
    turn = key.split("/", 1)[0].removeprefix("t")
    return int(turn) if turn.isdecimal() else inf


class Tape:
    """The record of one episode."""

    def __init__(self, record: Mapping[str, Answer], ask: Call, settled: float = -1) -> None:
        """Up to the turn `settled` nothing is asked: what is not on record there is no part of what was played."""
        self._record = record
        self._ask = ask
        self._settled = settled
        self._fresh: list[Asked] = []

    async def call(self, key: str, request: Request) -> Completion:
        """Return the recorded completion, or ask for one and record it.

        Raises `CallFailed`, `Diverged` and `OffRecord`.
        """
        known = self._record.get(key)
        if known is None:
            return await self._asked(key, request)
        if known.digest != request.digest():
            raise Diverged(key, request, known)
        if known.completion is None:
            raise CallFailed(known.error or "the call failed")
        return known.completion

    async def _asked(self, key: str, request: Request) -> Completion:
        if self._settled >= 0 and turn_of(key) <= self._settled:
            raise OffRecord(key)
        start = time.monotonic()
        try:
            completion = await self._ask(key, request)
        except CallFailed as error:
            reason = without_surrogates(str(error))
            self._fresh.append(Asked(key, request, None, reason, now(), time.monotonic() - start))
            raise
        self._fresh.append(Asked(key, request, completion, None, now(), time.monotonic() - start))
        return completion

    def taken(self) -> list[Asked]:
        """Return the calls made since this was last asked."""
        fresh, self._fresh = self._fresh, []
        return fresh
