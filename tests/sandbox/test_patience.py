"""Foreign code is let compute and wait for so long; what it says for itself in that time is left to it."""

import asyncio
import os
import signal
import threading
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import pytest

from sandbox.patience import Overdue, bounded


def run(work: Callable[[], Awaitable[Any]], computing: float = 0.1, waiting: float = 0.2) -> Any:
    async def bound() -> Any:
        async def begun() -> Any:
            return await work()

        return await bounded(begun(), computing, waiting)

    return asyncio.run(bound())


def spin() -> None:
    while True:
        pass


async def soon() -> str:
    await asyncio.sleep(0)
    return "done"


async def spins() -> None:
    await asyncio.sleep(0)
    spin()


async def spins_and_minds_no_exception() -> None:
    while True:
        with suppress(Exception):
            spin()


async def spins_and_minds_nothing_once() -> None:
    with suppress(BaseException):
        spin()
    spin()


async def steps() -> None:
    while True:
        until = time.monotonic() + 0.01
        while time.monotonic() < until:
            pass
        await asyncio.sleep(0)


async def waits() -> None:
    await asyncio.Event().wait()


def test_what_is_done_in_time_is_returned() -> None:
    assert run(soon) == "done"


@pytest.mark.parametrize("work", [spins, spins_and_minds_no_exception, spins_and_minds_nothing_once])
def test_what_computes_for_ever_is_ended_wherever_it_is(work: Callable[[], Awaitable[Any]]) -> None:
    with pytest.raises(Overdue, match="it computed for more"):
        run(work, waiting=10)


def test_what_computes_in_many_steps_has_the_time_of_all_together() -> None:
    with pytest.raises(Overdue, match="it computed for more"):
        run(steps, waiting=10)


def test_what_waits_for_ever_is_ended() -> None:
    with pytest.raises(Overdue, match="it waited for more"):
        run(waits)


def test_waiting_is_no_computing() -> None:
    async def sleeps() -> str:
        await asyncio.sleep(0.2)
        return "awake"

    assert run(sleeps, computing=0.1, waiting=10) == "awake"


def test_what_a_coroutine_raises_is_raised_and_a_time_limit_of_its_own_is_its_own() -> None:
    async def fails() -> None:
        await asyncio.sleep(0)
        raise LookupError("nobody")

    async def is_late() -> None:
        async with asyncio.timeout(0):
            await asyncio.sleep(1)

    with pytest.raises(LookupError, match="nobody"):
        run(fails)
    with pytest.raises(TimeoutError) as late:
        run(is_late, waiting=10)
    assert not isinstance(late.value, Overdue)


def test_what_cancels_itself_is_an_error_of_its_own_and_what_others_cancel_is_cancelled() -> None:
    async def cancels() -> None:
        raise asyncio.CancelledError

    async def cancelled() -> str:
        task = asyncio.create_task(bounded(waits(), 1, 10))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])
        return "cancelled" if task.cancelled() else "not"

    with pytest.raises(RuntimeError, match="it cancelled itself"):
        run(cancels)
    assert asyncio.run(cancelled()) == "cancelled"


def test_several_at_once_are_bounded_each_for_itself() -> None:
    async def together() -> list[object]:
        work = [bounded(one, 0.1, 0.3) for one in (spins(), soon(), waits(), soon())]
        return await asyncio.gather(*work, return_exceptions=True)

    first, second, third, fourth = asyncio.run(together())
    assert isinstance(first, Overdue)
    assert isinstance(third, Overdue)
    assert (second, fourth) == ("done", "done")


def test_afterwards_no_alarm_is_left() -> None:
    before = signal.getsignal(signal.SIGALRM)
    with pytest.raises(Overdue):
        run(spins)
    assert run(soon) == "done"
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)
    assert signal.getsignal(signal.SIGALRM) == before


def test_in_another_thread_waiting_is_limited_and_nothing_breaks() -> None:
    told: list[object] = []

    def work() -> None:
        told.append(run(soon))
        with pytest.raises(Overdue, match="it waited for more"):
            run(waits)
        told.append("late")

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert told == ["done", "late"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_what_computes_does_not_keep_the_loop_from_hearing_of_a_signal(number: signal.Signals) -> None:
    heard = []

    async def interrupted() -> list[bool]:
        loop = asyncio.get_running_loop()
        tasks = [asyncio.create_task(bounded(one, 20, 20)) for one in (waits(), spins(), spins(), waits())]

        def stop() -> None:
            heard.append(number)
            for task in tasks:
                task.cancel()

        loop.add_signal_handler(number, stop)
        threading.Timer(0.1, os.kill, (os.getpid(), number)).start()
        await asyncio.wait(tasks, timeout=10)
        loop.remove_signal_handler(number)
        return [task.cancelled() for task in tasks]

    assert asyncio.run(interrupted()) == [True] * 4
    assert heard == [number]
