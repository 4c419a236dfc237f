"""How requests go in and answers come out: together, each to its own, and no failure further than it must."""

import asyncio
import subprocess
import sys
from collections.abc import Coroutine
from threading import Event, get_ident
from typing import Any

import pytest

from sandbox.engines.engine import EngineDied, EngineFacts
from sandbox.engines.pump import Pump
from scenes.chat import CallFailed, Completion


class Countdown:
    """A stepping engine whose request is the number of steps that it takes; 0 breaks it, less is refused.

    `steps` holds what each step computed.
    """

    facts = EngineFacts(kind="countdown", model="none")

    def __init__(self) -> None:
        self.left: dict[str, int] = {}
        self.steps: list[list[int]] = []
        self.threads: set[int] = {get_ident()}
        self.go_on = Event()
        self.go_on.set()
        self.closed = 0

    def add(self, request_id: str, prompt: int) -> None:
        if prompt < 0:
            raise CallFailed("a negative number of steps")
        self.left[request_id] = prompt

    def step(self) -> dict[str, Completion | CallFailed]:
        self.go_on.wait()
        self.threads.add(get_ident())
        self.steps.append(list(self.left.values()))
        if 0 in self.left.values():
            raise RuntimeError("nothing to count")
        self.left = {request_id: steps - 1 for request_id, steps in self.left.items()}
        ended = [request_id for request_id, steps in self.left.items() if steps <= 0]
        for request_id in ended:
            del self.left[request_id]
        return {request_id: Completion(text=request_id) for request_id in ended}

    def abort(self, request_ids: list[str]) -> None:
        for request_id in request_ids:
            del self.left[request_id]

    def close(self) -> None:
        self.closed += 1


@pytest.fixture
def engine() -> Countdown:
    return Countdown()


def gathered(*asked: Coroutine[Any, Any, Completion]) -> list[Completion | BaseException]:
    async def gather() -> list[Completion | BaseException]:
        return await asyncio.wait_for(asyncio.gather(*asked, return_exceptions=True), timeout=20)

    return asyncio.run(gather())


def test_requests_asked_together_are_computed_together(engine: Countdown) -> None:
    pump = Pump(lambda: engine)
    engine.go_on.clear()

    async def ask_three() -> None:
        asked = [asyncio.create_task(pump.ask(3)) for _ in range(3)]
        await asyncio.sleep(0)
        engine.go_on.set()
        await asyncio.gather(*asked)

    asyncio.run(ask_three())
    assert [3, 3, 3] in engine.steps or [2, 3, 3] in engine.steps


def test_every_answer_goes_to_who_asked(engine: Countdown) -> None:
    pump = Pump(lambda: engine)
    answers = gathered(*(pump.ask(steps) for steps in (5, 1, 3, 1, 4)))
    assert [answer.text for answer in answers if isinstance(answer, Completion)] == ["0", "1", "2", "3", "4"]


def test_an_engine_is_built_and_stepped_in_one_thread_of_its_own() -> None:
    built: list[Countdown] = []

    def start() -> Countdown:
        built.append(Countdown())
        return built[0]

    pump = Pump(start)
    gathered(*(pump.ask(2) for _ in range(3)))
    gathered(pump.ask(2))
    assert len(built[0].threads) == 1
    assert get_ident() not in built[0].threads


def test_a_refused_request_fails_alone(engine: Countdown) -> None:
    pump = Pump(lambda: engine)
    first, refused, last = gathered(pump.ask(2), pump.ask(-1), pump.ask(2))
    assert isinstance(first, Completion)
    assert isinstance(refused, CallFailed)
    assert isinstance(last, Completion)


def test_an_engine_that_breaks_fails_all_who_wait_and_all_who_come_later(engine: Countdown) -> None:
    pump = Pump(lambda: engine)
    lost = gathered(pump.ask(40), pump.ask(0), pump.ask(40))
    assert all(isinstance(answer, EngineDied) for answer in lost)
    assert "the engine died: RuntimeError: nothing to count" in str(lost[0])
    (later,) = gathered(pump.ask(1))
    assert isinstance(later, EngineDied)


def test_an_engine_that_breaks_while_it_takes_a_request_in_fails_those_behind_it_too(engine: Countdown) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("no door")

    engine.add = broken  # type: ignore[method-assign]
    pump = Pump(lambda: engine)
    lost = gathered(*(pump.ask(3) for _ in range(3)))
    assert all(isinstance(answer, EngineDied) for answer in lost)


def test_a_cancelled_request_leaves_the_engine_and_the_others_stay(engine: Countdown) -> None:
    pump = Pump(lambda: engine)

    async def cancel_one() -> Completion:
        cancelled = asyncio.create_task(pump.ask(10**9))
        kept = asyncio.create_task(pump.ask(3))
        engine.go_on.clear()
        await asyncio.sleep(0.01)
        cancelled.cancel()
        await asyncio.sleep(0)
        engine.go_on.set()
        return await kept

    assert asyncio.run(cancel_one()).text == "1"
    assert engine.left == {}


def test_an_idle_engine_is_not_stepped(engine: Countdown) -> None:
    pump = Pump(lambda: engine)
    gathered(pump.ask(3))
    steps = len(engine.steps)
    asyncio.run(asyncio.sleep(0.05))
    assert len(engine.steps) == steps


def test_requests_of_a_loop_that_was_interrupted_do_not_harm_the_next(engine: Countdown) -> None:
    pump = Pump(lambda: engine)

    async def interrupted() -> None:
        forgotten = asyncio.create_task(pump.ask(10**9))
        await asyncio.sleep(0.01)
        assert not forgotten.done()

    asyncio.run(interrupted())
    (answer,) = gathered(pump.ask(3))
    assert isinstance(answer, Completion)


def test_closing_fails_what_is_under_way_and_may_be_repeated(engine: Countdown) -> None:
    pump = Pump(lambda: engine)

    async def close_early() -> None:
        asked = asyncio.create_task(pump.ask(10**9))
        await asyncio.sleep(0.01)
        await asyncio.to_thread(pump.close)
        with pytest.raises(EngineDied, match="closed"):
            await asked

    asyncio.run(close_early())
    pump.close()
    assert engine.closed == 1
    (later,) = gathered(pump.ask(1))
    assert isinstance(later, EngineDied)


def test_an_engine_that_hangs_is_left_when_it_is_closed(engine: Countdown) -> None:
    pump = Pump(lambda: engine)
    engine.go_on.clear()

    async def ask() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(pump.ask(3), 0.01)

    asyncio.run(ask())
    pump.close(0.01)
    pump.close()
    assert engine.closed == 0
    engine.go_on.set()


def test_a_program_whose_engine_hangs_can_end() -> None:
    code = """
import asyncio
import sys
from threading import Event
from sandbox.engines.engine import EngineFacts
from sandbox.engines.pump import Pump

class Hanging:
    facts = EngineFacts(kind="hanging", model="none")
    def add(self, request_id, prompt): pass
    def step(self): Event().wait()

pump = Pump(Hanging)
try:
    asyncio.run(asyncio.wait_for(pump.ask(None), 0.01))
except TimeoutError:
    pump.close(0.01)
    sys.exit(5)
"""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30)
    assert (ran.returncode, ran.stderr) == (5, "")


def test_an_engine_that_cannot_start_says_why() -> None:
    def start() -> Countdown:
        raise ValueError("no memory")

    with pytest.raises(ValueError, match="no memory"):
        Pump(start)
