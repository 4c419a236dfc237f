"""Playing the episodes of a run: as many at once as asked for, every turn stored, nothing lost however it ends."""

import asyncio
import signal
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from sandbox.engines.engine import Engine
from sandbox.episode import Stage, play_episode
from sandbox.gallery import Gallery
from sandbox.record import Record
from sandbox.rows import Batch
from sandbox.run_folder import IMAGES
from sandbox.store import Store
from sandbox.tally import Summary, Tally
from scenes.chat import Call, Completion, Request
from scenes.loading import Source

STOPPING = (signal.SIGINT, signal.SIGTERM)


class Display(Protocol):
    """Who is told what is safe in the store, in the order in which it happened."""

    def begin(self, folder: Path, source: Source, tally: Tally) -> None: ...

    def committed(self, batches: Sequence[Batch]) -> None: ...

    def end(self, summary: Summary) -> None: ...


@dataclass(frozen=True)
class Plan:
    """What is to be played, and with what."""

    folder: Path
    source: Source
    episodes: int
    """The first so many of all episodes."""
    engines: Mapping[str, Engine]
    """By the name of the model."""
    gallery: Gallery
    concurrency: int
    facts: Mapping[str, object]
    """About the run as a whole, for a new store."""


def asking(engines: Mapping[str, Engine]) -> Call:
    """Return the call that takes each request to the engine of its model."""

    async def ask(key: str, request: Request) -> Completion:
        return await engines[request.model].complete(request)

    return ask


async def carry_out(plan: Plan, display: Display) -> Summary:
    """Play every episode of `plan` that is not done, and return what came of it.

    Raises `RunLocked` and `StoreDamaged` before anything is played; `EngineDied` and `StoreFailed` end the run, with
    all that was shown safe.
    """
    store = Store(plan.folder, plan.facts)
    try:
        plan.gallery.keep_in(plan.folder / IMAGES)
        with closing(Record(plan.folder)) as record:
            return await _carry_out(plan, store, record, display)
    finally:
        store.close()


async def _carry_out(plan: Plan, store: Store, record: Record, display: Display) -> Summary:
    waiting = unfinished(record, plan.episodes)
    tally = Tally(plan.episodes, earlier=plan.episodes - len(waiting))
    display.begin(plan.folder, plan.source, tally)
    showing = asyncio.create_task(_show(store, tally, display))
    interrupted = True
    try:
        interrupted = await _play_all(_admit(waiting, plan, store, record), showing)
    finally:
        try:
            await store.finish()
        finally:
            await showing
            summary = tally.summary(str(plan.folder), interrupted)
            display.end(summary)
    return summary


def unfinished(record: Record, episodes: int) -> Sequence[int]:
    """Return the episodes that are still to be played or were left failed."""
    done = {state.id for state in record.states() if state.status == "done"}
    return [episode for episode in range(episodes) if episode not in done] if done else range(episodes)


async def _show(store: Store, tally: Tally, display: Display) -> None:
    async for batches in store.committed():
        tally.add(batches)
        display.committed(batches)


async def _play_all(playing: Coroutine[None, None, None], showing: asyncio.Task[None]) -> bool:
    """Play until all is played or the user interrupts, and return whether one did; end if nothing can be shown."""
    running = asyncio.create_task(playing)
    showing.add_done_callback(lambda _: running.cancel())
    with _stoppable(running.cancel) as stopped:
        try:
            await running
        except asyncio.CancelledError:
            if not stopped:
                raise
    return bool(stopped)
