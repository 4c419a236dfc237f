"""Runs in virtual time that are disturbed by a lot, cut off, and resumed until they are done: real play, real schema.

A life is what one process plays of a run. The store is the real one, its database in memory, its thread replaced by a
task that commits at drawn moments: whatever is not committed when a life ends by a kill is lost, as on a disk.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import inf
from pathlib import Path
from random import Random
from typing import Any, Literal

from sandbox.engines.config import SimulatedConfig
from sandbox.engines.engine import AT_LEISURE, EngineDied, Urgency
from sandbox.engines.simulated import Simulated
from sandbox.episode import Stage, play_episode
from sandbox.gallery import Gallery
from sandbox.meter import Meter
from sandbox.purpose import is_of_interview
from sandbox.record import Record
from sandbox.rows import Batch, rows_of
from sandbox.run import admit, unfinished
from sandbox.scheduler import Scheduler
from sandbox.store import Rows, Store, open_database
from sandbox.tape import Answer, Tape, turn_of
from sandbox.virtual_time import VirtualLoop, run_virtually
from scenes.chat import CallFailed, Completion, Request
from scenes.event import Event
from scenes.loading import Source

ENGINE = SimulatedConfig(
    step_ms=100, max_num_seqs=3, block_size=16, kv_blocks=500, encoder_cache=1, picture_tokens=8, reply_tokens=12
)
DEADLINE_S = 60.0
End = Literal["over", "killed", "interrupted", "engine died"]
"""How a life ended."""


@dataclass(frozen=True)
class Faults:
    """What goes wrong in one life."""

    seed: str = ""
    raises: float = 0
    """The share of calls that fail at once, that are never answered, and that are answered late."""
    hangs: float = 0
    slow: float = 0
    dies_at: int | None = None
    """The call at which the engine dies."""
    cut_at: int | None = None
    """The commit after which the life is cut off."""
    kill: bool = True
    """Cut off as by SIGKILL; otherwise as by Ctrl-C, when what is put is still committed."""
    jumps: tuple[tuple[float, float], ...] = ()
    """When the clock jumps, and how far."""


def drawn_faults(seed: str) -> Faults:
    """Return faults of every kind, each in some lives and not in others."""
    rng = Random(seed)

    def maybe(share: float, value: Any, otherwise: Any) -> Any:
        return value if rng.random() < share else otherwise

    return Faults(
        seed,
        raises=maybe(0.4, rng.uniform(0, 0.15), 0),
        hangs=maybe(0.3, rng.uniform(0, 0.1), 0),
        slow=maybe(0.4, rng.uniform(0, 0.3), 0),
        dies_at=maybe(0.25, rng.randint(1, 40), None),
        cut_at=maybe(0.8, rng.randint(1, 9), None),
        kill=rng.random() < 0.8,
        jumps=tuple((rng.uniform(0, 30), rng.uniform(0, 4 * DEADLINE_S)) for _ in range(maybe(0.3, 2, 0))),
    )


class MemoryRecord(Record):
    """A record whose database is given."""

    def __init__(self, database: Any) -> None:
        self.folder = self._path = Path("memory")
        self._database = database


class MemoryStore(Store):
    """A store that commits when it is told to. Its clock tells any time: nothing in play may depend on it."""

    def __init__(self, rng: Random) -> None:
        self._database = open_database(Path(":memory:"), {})
        self._rng = rng
        self._put_since: list[tuple[Batch, Rows]] = []
        self.record = MemoryRecord(self._database)
        self.shown: list[tuple[int, Event]] = []
        """Every event that was committed, with its episode: what a display may have shown."""
        self.is_dead = False

    def put(self, batch: Batch) -> None:
        calls = [replace(asked, time=self._rng.uniform(0, 1e9)) for asked in batch.calls]
        timed = replace(batch, calls=calls, time=self._rng.uniform(0, 1e9))
        if not self.is_dead:
            self._put_since.append((timed, rows_of(timed)))

    async def caught_up(self) -> None:
        await asyncio.sleep(0)

    def commit(self, most: int | None = None) -> bool:
        """Commit what was put first, at most so many batches; return whether there was anything."""
        now, self._put_since = self._put_since[:most], self._put_since[len(self._put_since[:most]) :]
        if now:
            self._commit([rows for _, rows in now])
            self.shown += [(batch.episode, event) for batch, _ in now for event in batch.events]
        return bool(now)

    def lose(self) -> None:
        """Lose all that is not committed, and all that is still put."""
        self._put_since, self.is_dead = [], True

    def close(self) -> None:
        self._database.close()


class Faulty:
    """An engine that is disturbed by a lot, drawn from the request."""

    def __init__(self, engine: Simulated, faults: Faults) -> None:
        self._engine, self._faults = engine, faults
        self.facts = engine.facts
        self.asked: Counter[tuple[int, str]] = Counter()
        """Every request, by its episode and digest."""

    async def complete(self, request: Request, urgency: Urgency = AT_LEISURE) -> Completion:
        faults, digest = self._faults, request.digest()
        self.asked[urgency.episode, digest] += 1
        if faults.dies_at is not None and self.asked.total() >= faults.dies_at:
            raise EngineDied("the engine was killed")
        rng = Random(f"{faults.seed}/{digest}")
        lot = rng.random()
        if lot < faults.raises:
            raise CallFailed("the engine refuses this one")
        if lot < faults.raises + faults.hangs:
            await asyncio.get_running_loop().create_future()
        if lot < faults.raises + faults.hangs + faults.slow:
            await asyncio.sleep(rng.uniform(0, 1.5 * DEADLINE_S))
        return await self._engine.complete(request, urgency)

    def room(self, request: Request) -> int | None:
        return self._engine.room(request)

    def close(self) -> None:
        self._engine.close()


def remembering(record: Record, episode: int) -> tuple[Mapping[str, Answer], int]:
    """Return what a life knows of an episode: what is on record, and the last turn there."""
    return record.answers(episode), record.settled(episode)


@dataclass
class Run:
    """A run of the first so many episodes of a source, over all its lives."""

    source: Source
    episodes: int
    at_once: int
    store: MemoryStore
    remembers: Callable[[Record, int], tuple[Mapping[str, Answer], int]] = remembering
    engine: Callable[[], Simulated] = lambda: Simulated(ENGINE, "simulated")
    asked: list[Counter[tuple[int, str]]] = field(default_factory=list)
    """Of every life."""
    ends: list[End] = field(default_factory=list)
    reasons: set[str] = field(default_factory=set)
    """Why lives ended or episodes failed."""

    def live(self, faults: Faults) -> End:
        """Play on until all is played or the life is cut off; return which."""
        self.ends.append(run_virtually(self._live(faults)))
        self.reasons |= {state.error for state in self.store.record.states() if state.error}
        return self.ends[-1]

    async def _live(self, faults: Faults) -> End:
        loop, engine = asyncio.get_running_loop(), Faulty(self.engine(), faults)
        assert isinstance(loop, VirtualLoop)
        self.asked.append(engine.asked)
        for at, far in faults.jumps:
            loop.call_later(at, loop.jump, far)
        playing = asyncio.create_task(self._play(engine))
        writing = asyncio.create_task(self._write(faults, playing))
        try:
            await playing
        except asyncio.CancelledError:
            return "killed" if faults.kill else "interrupted"
        except EngineDied as death:
            self.reasons.add(str(death))
            return "engine died"
        finally:
            writing.cancel()
            self.store.commit()
            self.store.is_dead = False
        return "over"

    async def _play(self, engine: Faulty) -> None:
        record, scenario = self.store.record, self.source.scenario
        meter = Meter(ENGINE.max_num_seqs, clock=asyncio.get_running_loop().time)
        scheduler = Scheduler({scenario.model: engine}, meter, DEADLINE_S)
        stage = Stage(self.source, GALLERY, self.store.put, {})

        async def play(episode: int, group: asyncio.TaskGroup) -> None:
            known, settled = self.remembers(record, episode)
            tape = Tape(known, scheduler.call(episode, scenario.turns), settled)
            with meter.playing(episode):
                await play_episode(episode, stage, tape)

        await admit(unfinished(record, self.episodes), play, self.at_once, self.store)

    async def _write(self, faults: Faults, playing: asyncio.Task[None]) -> None:
        """Commit at drawn moments, until the life is cut off."""
        rng, commits = Random(f"{faults.seed}/writing"), 0
        while True:
            await asyncio.sleep(rng.uniform(0, 2.5))
            commits += self.store.commit(rng.randint(1, 2))
            if commits == faults.cut_at:
                if faults.kill:
                    self.store.lose()
                playing.cancel()
                return


GALLERY = Gallery()


def story_of(record: Record, episode: int) -> tuple[str, dict[str, tuple[str, str]]]:
    """Return what is to be the same however an episode came about: its trajectory, its questions and answers."""
    state = record.state(episode)
    assert state is not None
    answers = record.answers(episode, failures=True)
    said = {key: (one.digest, one.completion.text if one.completion else "") for key, one in answers.items()}
    return record.trajectory(state).model_dump_json(), said


def undisturbed(source: Source, episodes: int) -> list[Any]:
    """Return the stories of the first so many episodes, played in one life."""
    run = Run(source, episodes, episodes, MemoryStore(Random(0)))
    assert run.live(Faults()) == "over"
    assert {state.status for state in run.store.record.states()} == {"done"}
    stories = [story_of(run.store.record, episode) for episode in range(episodes)]
    run.store.close()
    return stories


def live_through(run: Run, lives: Iterable[Faults], expected: Sequence[Any]) -> None:
    """Play `run` in `lives` and in a last one without faults, and check after each that nothing is lost or doubled."""
    for faults in (*lives, Faults()):
        known = committed_answers(run)
        end = run.live(faults)
        check_asked(run, known)
        check_standing(run, end)
        check_shown(run)
        if end == "killed":
            check_whole(run, known)
    stories = [story_of(run.store.record, episode) for episode in range(run.episodes)]
    assert stories == list(expected[: run.episodes]), "the run is not what it would have been undisturbed"


def committed_answers(run: Run) -> set[tuple[int, str]]:
    """Return the questions that the run holds an answer to, each with its episode."""
    rows = run.store.record._rows("SELECT * FROM calls WHERE completion IS NOT NULL")
    return {(row[0], row[4]) for row in rows}


def check_asked(run: Run, known: set[tuple[int, str]]) -> None:
    """Check that nothing was asked in the last life that had an answer, and nothing twice."""
    asked = run.asked[-1]
    assert not known & set(asked), "an answer that was on record was asked for again"
    assert set(asked.values()) <= {1}, "something was asked twice in one life"


def check_standing(run: Run, end: End) -> None:
    """Check that every episode stands as it may after a life."""
    record = run.store.record
    states = {state.id: state for state in record.states()}
    assert end != "over" or set(states) == set(range(run.episodes)), "an episode was never begun"
    for episode, state in states.items():
        assert state.status in ("done", "failed", "playing")[: 2 + (end != "over")], "an episode was left where it was"
        assert (state.error is not None) == (state.status == "failed"), "a failure without a reason"
        record.answers(episode)  # raises if an event is missing, or the call behind one


def check_whole(run: Run, known: set[tuple[int, str]]) -> None:
    """Check that of what a killed life asked nothing is on record but whole turns; a failed one has its failed turn."""
    record = run.store.record
    for state in record.states():
        over = inf if any(map(is_of_interview, record.events(state.id))) else record.settled(state.id)
        answered = {answer.digest: key for key, answer in record.answers(state.id).items() if answer.completion}
        new = [key for digest, key in answered.items() if (state.id, digest) not in known]
        assert state.status != "playing" or all(turn_of(key) <= over for key in new), "a turn is stored in part"


def check_shown(run: Run) -> None:
    """Check that every event that was shown is on record as it was shown, and nothing else."""
    record = run.store.record
    stored = {(state.id, event.index): event for state in record.states() for event in record.events(state.id)}
    for episode, event in run.store.shown:
        assert stored.get((episode, event.index)) == event, f"an event of episode {episode} that was shown is lost"
    assert len(stored) == len({(episode, event.index) for episode, event in run.store.shown}), "more than was shown"


def drawn_run(seed: int, sources: Sequence[Source]) -> tuple[int, Run, list[Faults]]:
    """Return the number of a source, a run of it and its disturbed lives, all drawn from `seed`."""
    rng = Random(seed)
    at = rng.randrange(len(sources))
    run = Run(sources[at], rng.randint(1, 3), rng.randint(1, 3), MemoryStore(rng))
    return at, run, [drawn_faults(f"{seed}/{life}") for life in range(rng.randint(1, 3))]


def survive(seed: int, sources: Sequence[Source], expected: Sequence[Sequence[Any]], **planted: Any) -> Run:
    """Play the run of `seed` through its lives and return it; `planted` are parts of it that are wrong."""
    at, run, lives = drawn_run(seed, sources)
    for name, part in planted.items():
        setattr(run, name, part(run) if name == "store" else part)
    try:
        live_through(run, lives, expected[at])
    except AssertionError as error:
        raise AssertionError(f"seed {seed}: {error}") from error
    finally:
        run.store.close()
    return run
