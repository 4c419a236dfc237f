"""Letting foreign code compute for so long and no longer, and wait for so long and no longer.

A loop without an end is broken by a signal, wherever it is in its Python code; inside one call of a C library it is
broken only when that call returns. It works in the main thread, where commands run; elsewhere only waiting is limited.
Ctrl-C breaks it in the same way: what holds up the loop would also keep the loop from hearing of that.
"""

import asyncio
import signal
import threading
import time
from collections.abc import Callable, Coroutine, Generator, Iterator
from contextlib import contextmanager
from functools import partial
from types import FrameType
from typing import Any, Generic, TypeVar
from weakref import WeakSet

T = TypeVar("T")
STOPPING = (signal.SIGINT, signal.SIGTERM)
_ending: WeakSet[asyncio.AbstractEventLoop] = WeakSet()
"""Loops in which nothing more is computed, since a signal came."""
AGAIN_S = 0.5
"""After so long the signal comes again, for code that catches whatever is raised in it."""


class OutOfTime(BaseException):
    """Computing took too long; no `Exception`, so that code which catches those does not go on."""


class Interrupted(BaseException):
    """A signal came that ends the work; whoever listens for it hears of it as soon as the loop goes on."""


class Overdue(TimeoutError):
    """What was let compute or wait for so long was not done by then."""


@contextmanager
def _alarm(seconds: float) -> Iterator[None]:
    """Raise `OutOfTime` in what is computed here after so many seconds, and `Interrupted` at a signal to stop."""
    before: dict[int, Any] = {number: signal.getsignal(number) for number in STOPPING}

    def ring(number: int, frame: FrameType | None) -> None:
        if number == signal.SIGALRM:
            raise OutOfTime
        listens = before[number]
        if callable(listens):
            listens(number, frame)
        _ending.add(asyncio.get_running_loop())
        raise Interrupted

    handlers = {number: ring for number, listens in before.items() if callable(listens)} | {signal.SIGALRM: ring}
    replaced = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    signal.setitimer(signal.ITIMER_REAL, seconds, AGAIN_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        for number, handler in replaced.items():
            signal.signal(number, handler)


class _Stepwise(Generic[T]):
    """A coroutine each of whose steps is under an alarm; what it may still compute is what its steps left."""

    def __init__(self, coroutine: Coroutine[Any, Any, T], seconds: float) -> None:
        self._coroutine, self._left = coroutine, seconds

    def __await__(self) -> Generator[Any, Any, T]:
        step: Callable[[], Any] = partial(self._coroutine.send, None)
        while True:
            try:
                waited_for = self._timed(step)
            except StopIteration as finished:
                result: T = finished.value
                return result
            step = yield from _resumed(self._coroutine, waited_for)

    def _timed(self, step: Callable[[], Any]) -> Any:
        start = time.monotonic()
        if asyncio.get_running_loop() in _ending:
            step = partial(self._coroutine.throw, Interrupted())
        try:
            with _alarm(max(self._left, 0.001)):
                return step()
        finally:
            self._left -= time.monotonic() - start


def _resumed(coroutine: Coroutine[Any, Any, Any], waited_for: Any) -> Generator[Any, Any, Callable[[], Any]]:
    """Wait for what the coroutine waits for, and return the step that gives it what came of that."""
    try:
        return partial(coroutine.send, (yield waited_for))
    except BaseException as error:  # a cancellation too is the coroutine's to hear of
        return partial(coroutine.throw, error)


async def bounded(coroutine: Coroutine[Any, Any, T], computing: float, waiting: float) -> T:
    """Return what `coroutine` returns.

    Raises `Overdue` if it computes or waits for more seconds than these, and `RuntimeError` if it cancels itself.
    """
    in_main = threading.current_thread() is threading.main_thread()
    try:
        async with asyncio.timeout(waiting) as limit:
            return await (_Stepwise(coroutine, computing) if in_main else coroutine)
    except OutOfTime:
        raise Overdue(f"it computed for more than {computing:g} s") from None
    except Interrupted:
        if not _is_cancelled():
            await asyncio.sleep(waiting)  # until it is
        raise asyncio.CancelledError from None
    except TimeoutError:
        if not limit.expired():  # it is one of its own
            raise
        raise Overdue(f"it waited for more than {waiting:g} s") from None
    except asyncio.CancelledError:
        if _is_cancelled():
            raise
        raise RuntimeError("it cancelled itself") from None  # which nobody else is to take for the end of all


def _is_cancelled() -> bool:
    """Return whether somebody has cancelled what runs now."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
