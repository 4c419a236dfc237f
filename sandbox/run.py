"""Playing the episodes of a run: as many at once as asked for, every turn stored, nothing lost however it ends."""

import asyncio
import signal
from collections.abc import Iterable, Mapping, Sequence
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
    """About the run as a whole, for the store."""


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
    tally = Tally(plan.episodes)

    def committed(batches: Sequence[Batch]) -> None:
        tally.add(batches)
        display.committed(batches)

    store = Store(plan.folder, committed)
    plan.gallery.keep_in(plan.folder / IMAGES)
    store.set_meta(**plan.facts)
    record = Record(plan.folder)
    try:
        waiting = unfinished(record, plan.episodes)
        tally.earlier = plan.episodes - len(waiting)
        display.begin(plan.folder, plan.source, tally)
        stage = Stage(plan.source, plan.gallery, asking(plan.engines), store.put)
        interrupted = await _play_all(waiting, stage, record, plan.concurrency)
        await store.drain()
    finally:
        record.close()
        await store.close()
    summary = tally.summary(str(plan.folder), interrupted)
    display.end(summary)
    return summary


def unfinished(record: Record, episodes: int) -> Sequence[int]:
    """Return the episodes that are still to be played or were left failed."""
    done = {state.id for state in record.states() if state.status == "done"}
    return [episode for episode in range(episodes) if episode not in done] if done else range(episodes)


async def _play_all(waiting: Iterable[int], stage: Stage, record: Record, concurrency: int) -> bool:
    """Play the episodes, at most `concurrency` at once; return whether the user interrupted them."""
    interrupted = asyncio.Event()
    running = asyncio.create_task(_admit(waiting, stage, record, concurrency))
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, _interrupt, running, interrupted)
    try:
        await running
    except asyncio.CancelledError:
        if not interrupted.is_set():
            raise
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
    return interrupted.is_set()


def _interrupt(running: asyncio.Task[None], interrupted: asyncio.Event) -> None:
    interrupted.set()
    running.cancel()


async def _admit(waiting: Iterable[int], stage: Stage, record: Record, concurrency: int) -> None:
    """Start an episode whenever there is room for one; what ends one of them for all is raised as it is."""
    room = asyncio.Semaphore(concurrency)
    try:
        async with asyncio.TaskGroup() as group:
            for episode in waiting:
                await room.acquire()
                task = group.create_task(play_episode(episode, stage, record.answers(episode)))
                task.add_done_callback(lambda _: room.release())
    except ExceptionGroup as failures:
        raise failures.exceptions[0] from None
