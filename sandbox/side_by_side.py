"""Doing one thing with very many, as many at once as keep an engine busy, until all is done or the user interrupts."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import TypeVar

from sandbox.engines.engine import EngineDied
from sandbox.journal import Journal
from sandbox.run import on_signal

Item = TypeVar("Item")
Told = Callable[[int, int], None]
"""Is told how many are done, and of how many."""


async def each(items: Sequence[Item], do: Callable[[int, Item], Awaitable[None]], at_once: int, told: Told) -> None:
    """Do it with each of `items`, which are numbered from 0; at Ctrl-C or SIGTERM those under way are given up.

    Raises what the first failure is, when the others have ended.
    """
    waiting, done = iter(enumerate(items)), 0

    async def go_on() -> None:
        nonlocal done
        for nth, item in waiting:
            await do(nth, item)
            done += 1
            told(done, len(items))

    tasks = [asyncio.create_task(go_on()) for _ in range(min(at_once, len(items)))]
    with on_signal(lambda: _cancel(tasks)):
        try:
            await asyncio.gather(*tasks)
        except asyncio.CancelledError:
            pass  # whoever called sees what is left
        finally:
            _cancel(tasks)
            await asyncio.gather(*tasks, return_exceptions=True)


def _cancel(tasks: Iterable[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()


def kept(died: EngineDied, journal: Journal) -> EngineDied:
    """Return the death of an engine with what is safe all the same."""
    return EngineDied(f"{died}; answers kept: {len(journal.answers)}; the same command goes on from there.")
