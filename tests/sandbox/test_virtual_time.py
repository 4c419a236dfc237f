"""Time that nobody waits for."""

import asyncio

import pytest

from sandbox.virtual_time import NothingLeft, VirtualLoop, run_virtually


async def slept(seconds: float, told: list[tuple[float, str]], name: str) -> None:
    await asyncio.sleep(seconds)
    told.append((asyncio.get_running_loop().time(), name))


def test_years_pass_at_once_and_in_order() -> None:
    told: list[tuple[float, str]] = []

    async def play() -> None:
        await asyncio.gather(slept(1e7, told, "late"), slept(3600, told, "early"), slept(0, told, "now"))

    run_virtually(play())
    assert told == [(0, "now"), (3600, "early"), (1e7, "late")]


def test_a_later_moment_comes_only_when_all_of_this_one_is_done() -> None:
    told: list[str] = []

    async def long() -> None:
        for _ in range(1_000):
            await asyncio.sleep(0)
        told.append("all of the first moment")

    async def play() -> None:
        asyncio.get_running_loop().call_later(1e-6, told.append, "the next")
        await long()
        await asyncio.sleep(1)

    run_virtually(play())
    assert told == ["all of the first moment", "the next"]


def test_deadlines_are_of_the_same_time() -> None:
    async def play() -> float:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(600):
                await asyncio.get_running_loop().create_future()
        return asyncio.get_running_loop().time()

    assert run_virtually(play()) == 600


def test_a_jump_makes_late_what_came_due_meanwhile() -> None:
    told: list[tuple[float, str]] = []

    async def play() -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        loop.call_later(1, loop.jump, 100)
        await asyncio.gather(slept(5, told, "due"), slept(200, told, "not due"))

    run_virtually(play())
    assert told == [(101, "due"), (200, "not due")]


def test_what_waits_for_nothing_ends_with_an_error() -> None:
    async def play() -> None:
        await asyncio.get_running_loop().create_future()

    with pytest.raises(NothingLeft):
        run_virtually(play())
