"""Requests reach their engine in the order of their urgency, under a deadline, and can be held and cancelled."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from sandbox.engines.engine import AT_LEISURE, EngineDied, EngineFacts, Urgency
from sandbox.engines.scripted import Scripted
from sandbox.meter import Meter
from sandbox.scheduler import AHEAD, Scheduler
from scenes.chat import CallFailed, Completion, Prompt, Request

PLAYED = [f"t{turn:02d}/pip/speak" for turn in range(10)]


class Narrow(Scripted):
    """An engine of one slot that answers only when it is told to, and remembers in which order it was asked."""

    def __init__(self) -> None:
        super().__init__(lambda request: "Aye.")
        self.facts = EngineFacts(kind="narrow", model="narrow", slots=1)
        self.asked: list[Urgency] = []
        self.going = asyncio.Event()

    async def complete(self, request: Request, urgency: Urgency = AT_LEISURE) -> Completion:
        self.asked.append(urgency)
        await self.going.wait()
        return await super().complete(request, urgency)


def scheduled(engine: Scripted, deadline: float | None = None) -> Scheduler:
    return Scheduler({"m": engine}, Meter(1), deadline)


def ask(scheduler: Scheduler, episode: int, key: str, turns: int = 10) -> Coroutine[Any, Any, Completion]:
    return scheduler.call(episode, turns)(key, Request("m", Prompt()))


async def settled() -> None:
    """Let all go on that can."""
    for _ in range(20):
        await asyncio.sleep(0)


def test_who_has_most_turns_left_goes_first_and_scoring_below_all_play() -> None:
    async def played() -> list[tuple[int, int, bool]]:
        engine = Narrow()
        scheduler = scheduled(engine)
        asked = [
            ask(scheduler, 0, PLAYED[1]),
            ask(scheduler, 1, PLAYED[1]),
            ask(scheduler, 2, "score/x@1/a", turns=0),
            ask(scheduler, 3, PLAYED[9]),
            ask(scheduler, 4, PLAYED[2]),
            ask(scheduler, 5, PLAYED[5]),
        ]
        tasks = [asyncio.create_task(one) for one in asked]
        await settled()
        assert len(engine.asked) == AHEAD
        engine.going.set()
        await asyncio.gather(*tasks)
        return [(one.episode, one.turns_left, one.scoring) for one in engine.asked[AHEAD:]]

    assert asyncio.run(played()) == [(4, 8, False), (5, 5, False), (3, 1, False), (2, 0, True)]


def test_a_request_that_is_cancelled_while_it_waits_leaves_its_place_to_others() -> None:
    async def played() -> list[int]:
        engine = Narrow()
        scheduler = scheduled(engine)
        tasks = [asyncio.create_task(ask(scheduler, episode, PLAYED[1])) for episode in range(5)]
        await settled()
        tasks[2].cancel()
        tasks[3].cancel()
        engine.going.set()
        await asyncio.gather(*tasks, return_exceptions=True)
        again = await asyncio.wait_for(ask(scheduler, 9, PLAYED[1]), 5)
        assert again.text == "Aye."
        return [urgency.episode for urgency in engine.asked]

    assert asyncio.run(played()) == [0, 1, 4, 9]


def test_one_that_is_let_in_and_cancelled_at_once_gives_its_place_back() -> None:
    async def played() -> list[int]:
        engine = Narrow()
        scheduler = scheduled(engine)
        tasks = [asyncio.create_task(ask(scheduler, episode, PLAYED[1])) for episode in range(AHEAD + 2)]
        await settled()
        engine.going.set()
        while not (tasks[0].done() or tasks[1].done()):
            await asyncio.sleep(0)
        tasks[AHEAD].cancel()
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        more = [ask(scheduler, 9, PLAYED[1]) for _ in range(2 * AHEAD)]
        await asyncio.wait_for(asyncio.gather(*more), 5)
        return [at for at, outcome in enumerate(outcomes) if isinstance(outcome, BaseException)]

    assert asyncio.run(played()) == [AHEAD]


def test_nothing_is_asked_while_a_run_is_paused() -> None:
    async def played() -> tuple[int, int]:
        engine = Narrow()
        engine.going.set()
        scheduler = scheduled(engine)
        scheduler.pause()
        task = asyncio.create_task(ask(scheduler, 0, PLAYED[1]))
        await settled()
        before = len(engine.asked)
        assert scheduler.paused
        scheduler.go_on()
        await task
        return before, len(engine.asked)

    assert asyncio.run(played()) == (0, 1)


def test_a_cancelled_episode_fails_in_the_call_that_it_waits_for_and_in_all_others() -> None:
    async def played() -> list[str]:
        engine = Narrow()
        scheduler = scheduled(engine, deadline=1000)
        waiting = asyncio.create_task(ask(scheduler, 3, PLAYED[1]))
        other = asyncio.create_task(ask(scheduler, 4, PLAYED[1]))
        await settled()
        scheduler.cancel(3)
        reasons = []
        for one in (waiting, ask(scheduler, 3, PLAYED[2])):
            with pytest.raises(CallFailed) as failed:
                await one
            reasons.append(str(failed.value))
        engine.going.set()
        assert (await other).text == "Aye."
        return reasons

    assert asyncio.run(played()) == ["the episode was cancelled by the user"] * 2


async def hanging(request: Request) -> str:
    await asyncio.Event().wait()
    return "never"


def first_hangs() -> Callable[[Request], Any]:
    """Answer every request but the first."""
    calls = iter(range(1_000))

    def answer(request: Request) -> Any:
        return hanging(request) if next(calls) == 0 else "Aye."

    return answer


def test_an_engine_that_answers_nothing_for_as_long_as_a_call_may_take_is_dead() -> None:
    with pytest.raises(EngineDied, match=r"answered nothing for 0\.05 s"):
        asyncio.run(scheduled(Scripted(hanging), 0.05)._ask(Request("m", Prompt()), AT_LEISURE))


def test_one_call_without_an_answer_fails_alone_where_the_engine_answers_others() -> None:
    async def played() -> None:
        scheduler = scheduled(Scripted(first_hangs()), 0.05)
        slow = asyncio.create_task(ask(scheduler, 0, PLAYED[1]))
        await settled()
        assert (await ask(scheduler, 1, PLAYED[1])).text == "Aye."
        with pytest.raises(CallFailed, match=r"no answer within 0\.05 s"):
            await slow

    asyncio.run(played())


def test_a_model_without_an_engine_fails_its_call() -> None:
    async def played() -> None:
        with pytest.raises(CallFailed, match="no engine was started for other"):
            await scheduled(Scripted(lambda request: "Aye.")).call(0)("x", Request("other", Prompt()))

    asyncio.run(played())


def test_a_call_that_is_slow_to_end_can_be_overdue_and_cancelled_at_once() -> None:
    async def played() -> str:
        async def stubborn(request: Request) -> str:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                await asyncio.sleep(0.05)
                raise
            return "never"

        engine = Scripted(stubborn)
        scheduler = scheduled(engine, 0.05)
        waiting = asyncio.create_task(ask(scheduler, 3, PLAYED[1]))
        await asyncio.sleep(0.07)
        scheduler.cancel(3)
        with pytest.raises(CallFailed) as failed:
            await waiting
        return str(failed.value)

    assert asyncio.run(played()) == "the episode was cancelled by the user"
