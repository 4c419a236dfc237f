"""A stepping engine that is started again when it dies, and that finds out which request it dies of.

For an engine that computes in a process of its own; with one in this process, whatever kills it may kill the run. What
was under way at a death is suspect. It is tried again in parts, one part after another and each alone in the engine;
a part that kills the engine again is divided further. A request that was under way at a death and then kills the engine
alone is given up: `CallFailed`. All others are answered. A request that comes meanwhile is no suspect, and waits until
the suspects are done. An engine that answers nothing between too many deaths is given up itself.
"""

import logging
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from threading import Event, Thread
from typing import Generic, Protocol, runtime_checkable

from sandbox.engines.pump import Prompt, Stepper
from scenes.chat import CallFailed, Completion
from scenes.clean import one_line

PARTS = 8
"""Into how many parts suspects are divided. A start takes a minute and a part some seconds: to divide 64 requests by
eight takes 3 starts and 16 parts to find one that kills, where to halve them takes 7 starts and 12 parts."""
PATIENCE = 16
"""Most deaths without an answer between them; enough for five requests of 512 that kill, wherever they stand."""
HANGS_S = 120.0
"""How long an engine may take over one step."""
PAUSES_S = (0.0, 1.0, 4.0, 16.0)
"""How long to wait before each try to start; memory of a dead process may not be free at once."""
CLOSING_S = 30.0
"""How long a dead engine may take to close."""

log = logging.getLogger("rolestage")


@runtime_checkable
class Killable(Protocol):
    """A stepper whose engine can be killed."""

    def kill(self) -> None:
        """Kill the process that computes, so that a `step` that waits for it raises.

        The only thing that another thread asks for, and that may be asked for again.
        """
        ...


class Restarting(Generic[Prompt]):
    """Steps the engine that `start` makes, and makes another when it dies: when its `step`, `add` or `abort` raises.

    Of n requests that are under way at a death, k of which kill the engine whenever they are computed, it takes at most
    1 + k·max(1, ⌈log₈ n⌉) restarts to answer the n - k others; where each of them kills at another time, at most
    k·(1 + max(1, ⌈log₈ n⌉)). A death that no request is to blame for adds one. Requests that kill only together are all
    answered. Only one that is there at two deaths by chance, at the second alone, fails without need.

    An engine that is `Killable` is killed when one of its steps takes longer than `hangs_s`. With any other, only the
    time limit of a call notices that it hangs, and ends the run.
    """

    def __init__(
        self,
        start: Callable[[], Stepper[Prompt]],
        patience: int = PATIENCE,
        hangs_s: float = HANGS_S,
        pauses_s: Sequence[float] = PAUSES_S,
    ) -> None:
        self._start, self._patience, self._hangs_s, self._pauses_s = start, patience, hangs_s, pauses_s
        self._engine: Stepper[Prompt] | None = start()
        self.facts = self._engine.facts
        self.restarts = 0
        self._inside: dict[str, Prompt] = {}
        """What the engine computes."""
        self._on_trial = False
        """Whether that is a part of the suspects."""
        self._suspects: deque[dict[str, Prompt]] = deque()
        """Parts to be tried, the larger first, since they are likely to hold more that is not to blame."""
        self._waiting: dict[str, Prompt] = {}
        self._ended: dict[str, Completion | CallFailed] = {}
        self._deaths = 0
        """Since the last answer."""
        self._first: Exception | None = None
        """What the engine died of the first of these times; the later errors would keep dead engines in memory."""
        self._began: float | None = None
        """When the engine was told to do what it does now; None while it does nothing."""
        self._closed = Event()
        if isinstance(self._engine, Killable):
            Thread(target=self._watch, name="engine watch", daemon=True).start()

    def add(self, request_id: str, prompt: Prompt) -> None:
        """Take a request in. If the engine refuses it, `step` tells."""
        self._waiting[request_id] = prompt

    def step(self) -> Mapping[str, Completion | CallFailed]:
        """Compute a step, or start a dead engine again, and return what came of the requests that ended.

        Raises what the engine died of first, if it cannot be started again, or dies again and again without an answer.
        """
        if self._engine is None:
            self._start_again()
        else:
            with self._surviving(self._engine):
                self._advance(self._engine)
        ended, self._ended = self._ended, {}
        return ended

    def abort(self, request_ids: list[str]) -> None:
        """Forget requests, wherever they are. Raises as `step` does."""
        gone = [request_id for request_id in request_ids if request_id in self._inside]
        for group in (self._inside, self._waiting, *self._suspects):
            for request_id in request_ids:
                group.pop(request_id, None)
        if gone and self._engine is not None:
            with self._surviving(self._engine):
                self._engine.abort(gone)

    def close(self) -> None:
        """Close the engine if it lives."""
        self._closed.set()
        if self._engine is not None:
            self._engine.close()

    @contextmanager
    def _surviving(self, engine: Stepper[Prompt]) -> Iterator[None]:
        """Keep the time of what the engine is told to do, and see to it if it dies of that."""
        self._began = time.monotonic()
        try:
            yield
        except Exception as error:
            self._bury(engine, error)
        finally:
            self._began = None

    def _advance(self, engine: Stepper[Prompt]) -> None:
        due = self._due()
        for request_id in list(due):
            self._inside[request_id] = due.pop(request_id)
            try:
                engine.add(request_id, self._inside[request_id])
            except CallFailed as refusal:
                self._end(request_id, refusal)
        for request_id, outcome in engine.step().items() if self._inside else ():
            self._deaths, self._first = 0, None
            self._end(request_id, outcome)

    def _due(self) -> dict[str, Prompt]:
        """Return what the engine is to take in now: a part of the suspects, if it has no other; else all that came."""
        if self._on_trial and self._inside:
            return {}
        while self._suspects and not self._suspects[0]:
            self._suspects.popleft()
        self._on_trial = bool(self._suspects)
        return self._suspects[0] if self._on_trial else self._waiting

    def _end(self, request_id: str, outcome: Completion | CallFailed) -> None:
        del self._inside[request_id]
        self._ended[request_id] = outcome

    def _bury(self, engine: Stepper[Prompt], error: Exception) -> None:
        """Close a dead engine, and judge what it computed."""
        self._engine = None
        _close_dead(engine)
        self._deaths, self._first = self._deaths + 1, self._first or error
        if self._deaths > self._patience:
            raise self._first
        what = f"{type(error).__name__}: {one_line(str(error), 300)}"
        alone = self._on_trial and len(self._inside) == 1 and not self._suspects[0]  # nor was another to come
        if alone:
            (poison,) = self._inside
            self._end(poison, CallFailed(f"the engine dies of this request, of it alone the last time: {what}"))
        log.warning("the engine died and is started again; requests to be tried: %s; %s", len(self._inside), what)
        self._suspects.extend(_parts(self._inside))
        self._inside = {}

    def _start_again(self) -> None:
        for pause in self._pauses_s:
            time.sleep(pause)
            with suppress(Exception):  # what it died of says more than that it cannot be started
                self._engine = self._start()
                self.restarts += 1
                return
        assert self._first is not None, "only what has died is started again"
        raise self._first

    def _watch(self) -> None:
        """Kill the engine whenever it hangs."""
        while not self._closed.wait(self._hangs_s / 10):
            engine, began = self._engine, self._began
            if began is not None and time.monotonic() - began > self._hangs_s and isinstance(engine, Killable):
                log.warning("the engine hangs: a step takes longer than %g s; it is killed", self._hangs_s)
                self._began = None
                engine.kill()


def _parts(group: dict[str, Prompt]) -> list[dict[str, Prompt]]:
    """Divide a group; what came together stays together, since requests of a kind may kill alike."""
    requests = list(group.items())
    size = -(-len(requests) // PARTS)
    return [dict(requests[first : first + size]) for first in range(0, len(requests), size or 1)]


def _close_dead(engine: Stepper[Prompt]) -> None:
    """Close an engine that is dead; if it hangs in that, it is left."""

    def close() -> None:
        with suppress(Exception):
            if isinstance(engine, Killable):
                engine.kill()
            engine.close()

    closing = Thread(target=close, name="engine's end", daemon=True)
    closing.start()
    closing.join(CLOSING_S)
