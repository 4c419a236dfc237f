"""The thread in which a stepping engine such as vLLM's runs, and the way of requests into it and of answers out of it.

Knows no library: whatever has the methods of `Stepper` can be pumped. The thread rests while there is nothing to do.
"""

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import count
from threading import Lock
from typing import Generic, Protocol, TypeVar

from sandbox.engines.engine import EngineDied, EngineFacts
from scenes.chat import CallFailed, Completion
from scenes.clean import one_line

Prompt = TypeVar("Prompt", contravariant=True)


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
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="engine")
        self._engine = self._thread.submit(start).result()
        self.facts = self._engine.facts
        self._ids = count()
        self._answers: dict[str, Future[Completion]] = {}
        self._lock = Lock()
        """Guards the inbox and what is known of the thread: whether it steps, and why it never will again."""
        self._inbox: list[tuple[Prompt, Future[Completion]]] = []
        self._steps = False
        self._over: str | None = None
        self._closed = False

    async def ask(self, prompt: Prompt) -> Completion:
        """Return the answer to `prompt`. Raises `CallFailed` or `EngineDied`; to cancel it aborts the request."""
        answer: Future[Completion] = Future()
        with self._lock:
            if self._over:
                raise EngineDied(self._over)
            self._inbox.append((prompt, answer))
            if not self._steps:
                self._steps = True
                self._thread.submit(self._run).add_done_callback(self._ended)
        return await asyncio.wrap_future(answer)

    def close(self) -> None:
        """Stop, failing whatever is under way, and close the engine. Safe to call again."""
        with self._lock:
            self._over = self._over or "the engine was closed"
        if not self._closed:
            self._closed = True
            self._thread.submit(self._engine.close)
            self._thread.shutdown()

    def _run(self) -> None:
        while self._take_in():
            self._abort_cancelled()
            if self._answers:
                self._give_out(self._engine.step())

    def _take_in(self) -> bool:
        """Hand the inbox to the engine; return whether there is anything to do."""
        with self._lock:
            self._steps = not self._over and bool(self._inbox or self._answers)
            if not self._steps:
                return False
            asked, self._inbox = self._inbox, []
        for prompt, answer in asked:
            request_id = str(next(self._ids))
            self._answers[request_id] = answer
            try:
                self._engine.add(request_id, prompt)
            except CallFailed as refusal:
                self._give_out({request_id: refusal})
        return True

    def _abort_cancelled(self) -> None:
        cancelled = [request_id for request_id, answer in self._answers.items() if answer.cancelled()]
        if cancelled:
            self._engine.abort(cancelled)
        for request_id in cancelled:
            del self._answers[request_id]

    def _give_out(self, ended: Mapping[str, Completion | CallFailed]) -> None:
        for request_id, outcome in ended.items():
            _settle(self._answers.pop(request_id), outcome)

    def _ended(self, run: Future[None]) -> None:
        """Fail all who wait, if the thread stopped for good: by an error of the engine, or closed."""
        error = run.exception()
        with self._lock:
            if error is not None:
                self._over = f"the engine died: {type(error).__name__}: {one_line(str(error), 300)}"
            if self._over is None:
                return
            lost = [*self._answers.values(), *(answer for _, answer in self._inbox)]
        for answer in lost:
            died = EngineDied(self._over)
            died.__cause__ = error
            _settle(answer, died)


def _settle(answer: Future[Completion], outcome: Completion | Exception) -> None:
    if not answer.set_running_or_notify_cancel():
        return
    if isinstance(outcome, Exception):
        answer.set_exception(outcome)
    else:
        answer.set_result(outcome)
