"""Who is asked when: the one heap of requests that are ready, what a call may take, and how a run is held or let go.

Episodes ask whenever they are ready; nothing waits for a turn of others. An engine is given as many requests as it can
use, the most urgent first: what waits beyond that waits here, where it can still be overtaken.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import count
from math import inf

from agents.player import PERSON
from sandbox.engines.engine import Engine, EngineDied, Urgency
from sandbox.meter import Meter
from sandbox.tape import JUDGING, turn_of
from scenes.chat import Call, CallFailed, Completion, Request
from scenes.clean import one_line

DEADLINE_S = 600.0
"""How long an engine may take over one request that it was given."""
AHEAD = 2
"""Requests that an engine is given for each that it computes, so that it never waits for the next one."""
CANCELLED = "the episode was cancelled by the user"


@dataclass
class _Gate:
    """The way to one engine: so many requests at once, the most urgent first."""

    engine: Engine
    inside: int = 0
    answers: int = 0
    """How many it has given; it hangs if there is none for as long as a call may take."""
    waiting: list[tuple[int, int, asyncio.Future[None]]] = field(default_factory=list)
    order: "count[int]" = field(default_factory=count)

    @property
    def room(self) -> bool:
        slots = self.engine.facts.slots
        return slots is None or self.inside < AHEAD * slots

    async def enter(self, urgency: Urgency) -> None:
        """Wait until the engine takes the request; its place is held until it leaves."""
        if self.waiting or not self.room:
            await self._turn(urgency)
        else:
            self.inside += 1

    async def _turn(self, urgency: Urgency) -> None:
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heappush(self.waiting, (urgency.priority, next(self.order), turn))
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():  # let in and cancelled in the same breath
                self.leave()
            raise

    def leave(self) -> None:
        """Give the place to the next."""
        self.inside -= 1
        self._let_in()

    def _let_in(self) -> None:
        while self.waiting and self.room:
            _, _, turn = heappop(self.waiting)
            if not turn.done():  # cancelled while it waited
                self.inside += 1
                turn.set_result(None)


class Scheduler:
    """Takes the requests of all episodes to their engines."""

    def __init__(self, engines: Mapping[str, Engine], meter: Meter, deadline: float | None = DEADLINE_S) -> None:
        self.meter = meter
        self._engines = engines
        self._gates: dict[str, _Gate] = {}
        self._deadline = deadline
        self._going = asyncio.Event()
        self._going.set()
        self._cancelled: set[int] = set()
        self._limits: dict[asyncio.Timeout, tuple[int, float]] = {}
        """Of every request under way: its episode, and when an answer is due."""
        self._watch: asyncio.TimerHandle | None = None
        """One alarm for all, since one for each request costs more than asking it."""

    @property
    def paused(self) -> bool:
        """Whether nothing new is asked."""
        return not self._going.is_set()

    def pause(self) -> None:
        """Ask nothing new; what was asked is answered and stored."""
        self._going.clear()
        self.meter.hold(True)

    def go_on(self) -> None:
        """Ask again."""
        self._going.set()
        self.meter.hold(False)

    def cancel(self, episode: int) -> None:
        """Let an episode fail at its next call, or in the one that it waits for."""
        self._cancelled.add(episode)
        for limit, (asking, _) in self._limits.items():
            if asking == episode and not limit.expired():
                limit.reschedule(asyncio.get_running_loop().time())

    def call(self, episode: int, turns: int = 0) -> Call:
        """Return the call of an episode of so many turns; 0 where there are none, as for scorers."""

        async def ask(key: str, request: Request) -> Completion:
            left = max(0.0, turns - turn_of(key)) if turns else 0
            return await self._ask(request, Urgency(episode, int(left), scoring=key.startswith(JUDGING)))

        return ask

    async def _ask(self, request: Request, urgency: Urgency) -> Completion:
        gate = self._gate(request.model)
        await self._going.wait()
        self.meter.asked(urgency.episode)
        try:
            await gate.enter(urgency)
            try:
                return await self._answered(gate, request, urgency)
            finally:
                gate.leave()
        finally:
            self.meter.answered(urgency.episode)

    def _gate(self, model: str) -> _Gate:
        if model not in self._gates:
            try:
                engine = self._engines[model]
                shared = (gate for gate in self._gates.values() if gate.engine is engine)  # with models of one base
                self._gates[model] = next(shared, None) or _Gate(engine)
            except KeyError:
                words = f"no engine was started for {one_line(model)}: a scorer names in `models` whom it asks"
                raise CallFailed(words) from None
        return self._gates[model]

    async def _answered(self, gate: _Gate, request: Request, urgency: Urgency) -> Completion:
        if urgency.episode in self._cancelled:
            raise CallFailed(CANCELLED)
        before = gate.answers
        try:
            async with asyncio.timeout(None) as limit:
                self._begin(limit, urgency.episode, None if request.model == PERSON else self._deadline)
                try:
                    completion = await gate.engine.complete(request, urgency)
                finally:
                    self._end(limit)
        except TimeoutError:
            if urgency.episode in self._cancelled:
                raise CallFailed(CANCELLED) from None
            if gate.answers == before:
                words = f"{gate.engine.facts.model} has answered nothing for {self._deadline:g} s"
                raise EngineDied(f"the engine hangs: {one_line(words)}") from None
            raise CallFailed(f"there was no answer within {self._deadline:g} s") from None
        gate.answers += 1
        return completion

    def _begin(self, limit: asyncio.Timeout, episode: int, seconds: float | None) -> None:
        """Keep the time of a request that begins."""
        loop = asyncio.get_running_loop()
        self._limits[limit] = (episode, inf if seconds is None else loop.time() + seconds)
        if self._watch is None and seconds is not None:
            self._watch = loop.call_later(seconds, self._look)

    def _end(self, limit: asyncio.Timeout) -> None:
        del self._limits[limit]
        if not self._limits and self._watch:
            self._watch.cancel()
            self._watch = None

    def _look(self) -> None:
        """End what is overdue, and look again when the next answer is due."""
        loop = asyncio.get_running_loop()
        now = loop.time()
        for limit, (_, due) in self._limits.items():
            if due <= now and not limit.expired():
                limit.reschedule(now)
        later = min((due for _, due in self._limits.values() if now < due < inf), default=None)
        self._watch = None if later is None else loop.call_at(later, self._look)
