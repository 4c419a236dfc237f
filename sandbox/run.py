"""Playing the episodes of a run: as many at once as asked for, every turn stored, nothing lost however it ends."""

import asyncio
import signal
from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from narrator.turn_policy import Policy
from sandbox.cases import Cases
from sandbox.control import Control
from sandbox.engines.engine import Engine
from sandbox.episode import Stage, play_episode
from sandbox.gallery import Gallery
from sandbox.meter import Meter
from sandbox.models import models_of
from sandbox.record import Record
from sandbox.rows import Batch
from sandbox.run_folder import IMAGES
from sandbox.scheduler import Scheduler
from sandbox.schema import SESSION
from sandbox.scoring import Chosen, Judging
from sandbox.shard import WHOLE, Shard
from sandbox.store import Store, now
from sandbox.tally import Summary, Tally
from sandbox.tape import Tape
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
    policy: Policy | None = None
    """A turn policy that stands in for the scenario's."""
    only: Sequence[int] | None = None
    """Episodes to be played, and no others; by default all that are not done, branches among them."""
    scorers: Sequence[Chosen] = ()
    """Who judges every episode as soon as it is over."""
    shard: Shard = WHOLE
    """Which part of the first so many is this run's."""


async def carry_out(plan: Plan, display: Display) -> Summary:
    """Play every episode of `plan` that is not done, and return what came of it.

    Raises `RunLocked` and `StoreDamaged` before anything is played; `EngineDied` and `StoreFailed` end the run, with
    all that was shown safe.
    """
    with opened(plan.folder, plan.gallery, plan.facts) as (store, record):
        return await _carry_out(plan, store, record, display)


@contextmanager
def opened(folder: Path, gallery: Gallery, facts: Mapping[str, object] | None = None) -> Iterator[tuple[Store, Record]]:
    """Give a run's store to be written, its record, and its folder to the gallery.

    Raises `RunLocked`, `StoreDamaged` and `StoreFailed`.
    """
    store = Store(folder, facts)
    try:
        gallery.keep_in(folder / IMAGES)
        with closing(Record(folder)) as record:
            yield store, record
    finally:
        store.close()


async def _carry_out(plan: Plan, store: Store, record: Record, display: Display) -> Summary:
    branches = record.branches()
    waiting = unfinished(record, plan.episodes, plan.shard) if plan.only is None else plan.only
    planned = len(plan.shard.episodes(plan.episodes)) + len(branches) if plan.only is None else len(waiting)
    at_once = max(1, min(plan.concurrency, len(waiting)))
    meter = Meter(full(plan.engines, at_once), waiting=len(waiting))
    scheduler = Scheduler(plan.engines, meter)
    tally = Tally(planned, earlier=planned - len(waiting), meter=meter, engines=plan.engines)
    display.begin(plan.folder, plan.source, tally)
    showing = asyncio.create_task(_show(store, tally, display))
    interrupted = True
    try:
        stage = Stage(plan.source, plan.gallery, store.put, branches, plan.policy)
        cases = Cases(record, plan.source, plan.gallery)
        judging = Judging(record, cases, scheduler.call, store.put, tally.refuse)
        playing = _play_and_judge(waiting, plan, stage, judging, scheduler, store)
        interrupted = await until_done(playing, store, showing)
    finally:
        await showing
        summary = tally.summary(str(plan.folder), interrupted)
        if summary.calls or summary.judged:
            store.note(f"{SESSION}{now():.6f}", summary.model_dump(mode="json", exclude={"run"}))
        display.end(summary)
    return summary


def turns_of(source: Source, episode: int) -> int:
    """Return how many turns an episode may have; a branch, or one whose variant cannot be, counts as any."""
    if "turns" not in source.scenario.vary or episode >= source.episodes:
        return source.scenario.turns
    turns = source.matrix.values(episode // source.scenario.episodes)["turns"]
    return int(turns)


def full(engines: Mapping[str, Engine], concurrency: int) -> int:
    """Return how many requests keep the engines full; where nothing limits them, as many as there are episodes."""
    slots = [engine.facts.slots for engine in engines.values() if engine.facts.slots is not None]
    return min(max(slots, default=concurrency), concurrency)


def unfinished(record: Record, episodes: int, shard: Shard = WHOLE) -> Sequence[int]:
    """Return the episodes that are still to be played or were left failed: of the first `episodes`, and of branches.

    Of the first ones, those of `shard` alone.
    """
    states = record.states()
    done = {state.id for state in states if state.status == "done"}
    branches = [state.id for state in states if state.parent is not None]
    if not done and not branches:
        return shard.episodes(episodes)
    return [episode for episode in (*shard.episodes(episodes), *branches) if episode not in done]


async def _show(store: Store, tally: Tally, display: Display) -> None:
    async for batches in store.committed():
        tally.add(batches)
        display.committed(batches)


async def until_done(playing: Coroutine[None, None, None], store: Store, showing: asyncio.Task[None]) -> bool:
    """Play until all is played and stored, or the user interrupts; return whether one did. No display, no play."""
    running = asyncio.create_task(playing)
    showing.add_done_callback(lambda _: running.cancel())
    interrupted = asyncio.Event()

    def interrupt() -> None:
        interrupted.set()
        running.cancel()

    with on_signal(interrupt):
        try:
            await running
        except asyncio.CancelledError:
            if not interrupted.is_set():
                raise
        finally:
            await store.finish()
    return interrupted.is_set()


@contextmanager
def on_signal(stop: Callable[[], None]) -> Iterator[None]:
    """Call `stop` at the first Ctrl-C or SIGTERM; a second one ends the process at once, which loses nothing shown."""
    loop = asyncio.get_running_loop()
    before = [signal.getsignal(number) for number in STOPPING]

    def at_first() -> None:
        for number in STOPPING:
            loop.remove_signal_handler(number)
            signal.signal(number, signal.SIG_DFL)
        stop()

    for number in STOPPING:
        loop.add_signal_handler(number, at_first)
    try:
        yield
    finally:
        for number, handler in zip(STOPPING, before, strict=True):
            loop.remove_signal_handler(number)
            signal.signal(number, handler)


async def _play_and_judge(
    waiting: Sequence[int], plan: Plan, stage: Stage, judging: Judging, scheduler: Scheduler, store: Store
) -> None:
    """Play, and judge every episode when it is over; those who must see all of them first judge in the end."""
    room, record = asyncio.Semaphore(plan.concurrency), judging.record
    beside = await judging.prepared([one for one in plan.scorers if not one.sees_all], ())
    near = asks_players(beside, plan)

    async def judge(episode: int, scorers: Sequence[Chosen]) -> None:
        await store.safe()
        await judging.judge(episode, scorers)

    async def judge_aside(episode: int) -> None:
        async with room:
            await judge(episode, beside)

    async def play(episode: int, group: asyncio.TaskGroup) -> None:
        ask = scheduler.call(episode, turns_of(plan.source, episode))
        tape = Tape(record.answers(episode), ask, record.settled(episode))
        with scheduler.meter.playing(episode):
            await play_episode(episode, stage, tape)
        if near:
            await judge(episode, beside)  # before another begins, while the engine still has at hand what was said
        elif beside:
            group.create_task(judge_aside(episode))

    listening = asyncio.create_task(Control(plan.folder, scheduler).listen())
    try:
        await admit(waiting, play, plan.concurrency, store)
    finally:
        listening.cancel()
    if plan.scorers:
        await store.safe()
        left = await judging.left(plan.scorers)
        await admit(left, lambda episode, _: judge(episode, left[episode]), plan.concurrency, store)


def asks_players(scorers: Sequence[Chosen], plan: Plan) -> bool:
    """Return whether one of `scorers` asks an engine that plays, and whose prefix cache it then shares."""
    scenario = plan.source.scenario
    playing = {id(plan.engines[name]) for name in models_of(scenario) if name in plan.engines}
    asked = (name for one in scorers for name in one.scorer.models(scenario))
    return any(name in plan.engines and id(plan.engines[name]) in playing for name in asked)


async def admit(
    waiting: Iterable[int],
    begin: Callable[[int, asyncio.TaskGroup], Coroutine[None, None, None]],
    concurrency: int,
    store: Store,
) -> None:
    """Begin an episode whenever there is room for one; what ends one of them for all is raised as it is."""
    room = asyncio.Semaphore(concurrency)
    try:
        async with asyncio.TaskGroup() as group:
            for episode in waiting:
                await room.acquire()
                await store.caught_up()
                task = group.create_task(begin(episode, group))
                task.add_done_callback(lambda _: room.release())
    except ExceptionGroup as failures:
        raise failures.exceptions[0] from None
