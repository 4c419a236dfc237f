"""The thread in which a stepping engine such as vLLM's runs, and the way of requests into it and of answers out of it.

Knows no library: whatever has the methods of `Stepper` can be pumped. The thread rests while there is nothing to do.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from itertools import count
from threading import Condition, Thread
from typing import Generic, Protocol, TypeAlias, TypeVar

from sandbox.engines.engine import EngineDied, EngineFacts
from scenes.chat import CallFailed, Completion
from scenes.clean import one_line

Prompt = TypeVar("Prompt", contravariant=True)
Answer: TypeAlias = "asyncio.Future[Completion]"
Outcome = tuple[Answer, Completion | Exception]
CLOSING_S = 60.0
"""How long an engine may take over its last step and its own end; what takes longer is taken for hung and left."""


class Stepper(Protocol[Prompt]):
    """An engine that computes one step of all its requests at a time. Only ever touched by the pump's thread."""

    @property
    def facts(self) -> EngineFacts: ...

    def add(self, request_id: str, prompt: Prompt) -> None:
        """Take a request in. Raises `CallFailed` if it is refused."""
        ...

    def step(self) -> Mapping[str, Completion | CallFailed]:
        """Compute one step and return what came of the requests that ended. Whatever it raises ends the engine."""
        ...

    def abort(self, request_ids: list[str]) -> None: ...

    def close(self) -> None: ...


class Pump(Generic[Prompt]):
    """Steps one engine for all who ask it, from any event loop."""

    def __init__(self, start: Callable[[], Stepper[Prompt]]) -> None:
        self._ids = count()
        self._answers: dict[str, Answer] = {}
        self._news = Condition()
        """Guards the inbox and what is known of the end, and wakes the thread."""
        self._inbox: list[tuple[Prompt, Answer]] = []
        self._over: str | None = None
        self._closed = False
        started: Future[Stepper[Prompt]] = Future()
        # A daemon, since no program could end otherwise whose engine hangs.
        self._thread = Thread(target=self._live, args=(start, started), name="engine", daemon=True)
        self._thread.start()
        self._engine = started.result()
        self.facts = self._engine.facts

    async def ask(self, prompt: Prompt) -> Completion:
        """Return the answer to `prompt`. Raises `CallFailed` or `EngineDied`; to cancel it aborts the request."""
        answer: Answer = asyncio.get_running_loop().create_future()
        with self._news:
            if self._over:
                raise EngineDied(self._over)
            self._inbox.append((prompt, answer))
            self._news.notify()
        return await answer

    def close(self, patience_s: float = CLOSING_S) -> None:
        """Stop, failing whatever is under way, and close the engine; one that hangs is left. Safe to call again."""
        with self._news:
            if self._closed:
                return
            self._over = self._over or "the engine was closed"
            self._closed = True
            self._news.notify()
        self._thread.join(patience_s)

    def _live(self, start: Callable[[], Stepper[Prompt]], started: "Future[Stepper[Prompt]]") -> None:
        """All that the thread ever does."""
        try:
            engine = start()
        except BaseException as error:  # whoever waits for the start is to know of it
            started.set_exception(error)
            return
        started.set_result(engine)
        self._fail_all(self._error_of_running(engine))
        with self._news:
            self._news.wait_for(lambda: self._closed)
        with suppress(Exception):  # of an engine that is closed nobody wants to know
            engine.close()

    def _error_of_running(self, engine: Stepper[Prompt]) -> BaseException | None:
        """Run until the pump is closed, or the engine died of what is returned."""
        try:
            while self._take_in(engine):
                self._abort_cancelled(engine)
                if self._answers:
                    self._give_out(engine.step())
        except BaseException as error:
            return error
        return None

    def _take_in(self, engine: Stepper[Prompt]) -> bool:
        """Wait until there is something to do, and hand the inbox to the engine; return whether it is to go on."""
        with self._news:
            self._news.wait_for(lambda: self._over or self._inbox or self._answers)
            if self._over:
                return False
            asked, self._inbox = self._inbox, []
        taken = {str(next(self._ids)): request for request in asked}
        self._answers |= {request_id: answer for request_id, (_, answer) in taken.items()}  # before the engine can die
        for request_id, (prompt, _) in taken.items():
            try:
                engine.add(request_id, prompt)
            except CallFailed as refusal:
                self._give_out({request_id: refusal})
        return True

    def _abort_cancelled(self, engine: Stepper[Prompt]) -> None:
        cancelled = [request_id for request_id, answer in self._answers.items() if answer.cancelled()]
        if cancelled:
            engine.abort(cancelled)
        for request_id in cancelled:
            del self._answers[request_id]

    def _give_out(self, ended: Mapping[str, Completion | CallFailed]) -> None:
        if ended:
            _hand_over([(self._answers.pop(request_id), outcome) for request_id, outcome in ended.items()])

    def _fail_all(self, error: BaseException | None) -> None:
        """Fail all who wait, since the engine died of `error`, or is closed."""
        with self._news:
            if error is not None:
                self._over = f"the engine died: {type(error).__name__}: {one_line(str(error), 300)}"
            lost = [*self._answers.values(), *(answer for _, answer in self._inbox)]
        _hand_over([(answer, _death(self._over, error)) for answer in lost])


def _death(words: str | None, error: BaseException | None) -> EngineDied:
    died = EngineDied(words)
    died.__cause__ = error
    return died


def _hand_over(outcomes: Sequence[Outcome]) -> None:
    """Give what came of a step to those who wait: one call for each loop, since every call makes two threads wait."""
    by_loop: dict[asyncio.AbstractEventLoop, list[Outcome]] = {}
    for answer, outcome in outcomes:
        by_loop.setdefault(answer.get_loop(), []).append((answer, outcome))
    for loop, those in by_loop.items():
        with suppress(RuntimeError):  # the loop is closed, so nobody waits there
            loop.call_soon_threadsafe(_settle, those)


def _settle(outcomes: Sequence[Outcome]) -> None:
    for answer, outcome in outcomes:
        if answer.done():
            continue  # cancelled
        if isinstance(outcome, Exception):
            answer.set_exception(outcome)
        else:
            answer.set_result(outcome)
