"""What an engine that dies costs: nothing but time to all, and its answer to the request that kills it."""

import asyncio
import logging
import multiprocessing
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from random import Random
from threading import Event, Thread
from typing import Any

import pytest
from dying_core import DyingCore
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.engines.engine import EngineDied, EngineFacts
from sandbox.engines.pump import Pump
from sandbox.engines.restarting import PARTS, PATIENCE, Restarting
from scenes.chat import CallFailed, Completion


@pytest.fixture(autouse=True)
def _silence() -> Iterator[None]:
    """A thousand deaths are not worth a line each."""
    logging.getLogger("rolestage").setLevel(logging.ERROR)
    yield
    logging.getLogger("rolestage").setLevel(logging.NOTSET)


class World:
    """What outlives the engines: which requests kill them, which deaths come by chance, and what was done.

    A request is the number of steps that it takes. A death by chance is the number of a step, over all engines' lives.
    """

    def __init__(self, kills: Callable[[set[str]], bool] = lambda _: False, chance: Collection[int] = ()) -> None:
        self.kills = kills
        self.chance = chance
        self.lives: list[Mortal] = []
        self.steps = 0
        self.deaths = 0
        self.startable = True
        self.blamed: set[str] = set()
        """Requests that were alone in an engine when it died by chance."""

    def start(self) -> "Mortal":
        if not self.startable:
            raise OSError("no memory")
        self.lives.append(Mortal(self))
        return self.lives[-1]

    @property
    def restarts(self) -> int:
        return len(self.lives) - 1


class Mortal:
    """One life of an engine."""

    facts = EngineFacts(kind="mortal", model="none")

    def __init__(self, world: World) -> None:
        self.world = world
        self.left: dict[str, int] = {}
        self.aborted: list[str] = []
        self.dead = False
        self.closed = 0

    def add(self, request_id: str, prompt: int) -> None:
        self._live()
        if prompt < 0:
            raise CallFailed("a negative number of steps")
        self.left[request_id] = prompt

    def step(self) -> dict[str, Completion | CallFailed]:
        self._live()
        assert self.left, "an engine is not stepped for nothing"
        self.world.steps += 1
        if self.world.steps in self.world.chance:
            self.world.blamed |= set(self.left) if len(self.left) == 1 else set()
            self._die("by chance")
        if self.world.kills(set(self.left)):
            self._die("of poison")
        self.left = {request_id: steps - 1 for request_id, steps in self.left.items()}
        ended = [request_id for request_id, steps in self.left.items() if steps <= 0]
        for request_id in ended:
            del self.left[request_id]
        return {request_id: Completion(text=request_id) for request_id in ended}

    def abort(self, request_ids: list[str]) -> None:
        self._live()
        self.aborted += request_ids
        for request_id in request_ids:
            del self.left[request_id]

    def close(self) -> None:
        self.closed += 1

    def _live(self) -> None:
        if self.dead:
            raise RuntimeError("dead")

    def _die(self, how: str) -> None:
        self.dead = True
        self.world.deaths += 1
        raise RuntimeError(f"died {how}, death {self.world.deaths}")


def any_of(*poison: str) -> Callable[[set[str]], bool]:
    return lambda asked: not asked.isdisjoint(poison)


def restarting(world: World, patience: int = PATIENCE) -> Restarting[int]:
    return Restarting(world.start, patience, pauses_s=(0, 0))


def outcomes(engine: Restarting[int], ids: Collection[str], steps: int = 3) -> dict[str, Completion | CallFailed]:
    """Ask all at once, and step until all have ended, each once."""
    for request_id in ids:
        engine.add(request_id, steps)
    ended: dict[str, Completion | CallFailed] = {}
    while not ended.keys() >= set(ids):
        step = engine.step()
        assert not ended.keys() & step.keys()
        ended |= step
    return ended


def failed(ended: dict[str, Completion | CallFailed]) -> set[str]:
    return {request_id for request_id, outcome in ended.items() if isinstance(outcome, CallFailed)}


def depth(requests: int) -> int:
    """Return how many times a request can be divided from others, one at least."""
    parts, times = 1, 0
    while parts < requests:
        parts, times = parts * PARTS, times + 1
    return max(1, times)


def names(count: int) -> list[str]:
    return [str(number) for number in range(count)]


def test_one_request_that_kills_is_found_among_64_with_three_restarts_and_the_others_are_answered() -> None:
    world = World(any_of("41"))
    ended = outcomes(restarting(world), names(64))
    assert failed(ended) == {"41"}
    assert "dies of this request" in str(ended["41"])
    assert "RuntimeError: died of poison" in str(ended["41"])
    assert world.restarts == world.deaths == 3


@pytest.mark.parametrize("asked", [1, 2, 8, 9, 64, 65, 512])
@pytest.mark.parametrize("poison", [1, 2, 5])
def test_requests_that_kill_cost_no_more_restarts_than_is_said(asked: int, poison: int) -> None:
    for spread in (1, max(1, asked // poison)):
        killers = names(asked)[::spread][:poison]
        world = World(any_of(*killers))
        assert failed(outcomes(restarting(world), names(asked))) == set(killers)
        assert world.restarts <= 1 + len(killers) * depth(asked)


def test_a_death_by_chance_fails_nobody() -> None:
    world = World(chance={2})
    assert not failed(outcomes(restarting(world), names(40)))
    assert world.restarts == 1


def test_one_that_was_alone_at_one_death_is_asked_once_more() -> None:
    world = World(chance={2})
    assert not failed(outcomes(restarting(world), ["only"]))
    world = World(any_of("only"))
    assert failed(outcomes(restarting(world), ["only"])) == {"only"}
    assert world.deaths == 2


def test_requests_that_kill_only_together_are_all_answered() -> None:
    world = World(lambda asked: {"3", "4"} <= asked or len(asked) > 30)
    assert not failed(outcomes(restarting(world), names(40)))


def test_what_comes_after_a_death_is_no_suspect_and_waits_until_the_suspects_are_done() -> None:
    world = World(any_of("0", "late"))
    engine = restarting(world)
    for name in ("0", "1", "2"):
        engine.add(name, 3)
    engine.step()
    engine.add("late", 3)
    ended: dict[str, Completion | CallFailed] = {}
    while len(ended) < 3:
        ended |= engine.step()
        assert not any("late" in life.left for life in world.lives)
    assert failed(ended) == {"0"}
    assert "late" not in ended
    deaths = world.deaths
    while "late" not in ended:
        ended |= engine.step()
    assert world.deaths == deaths + 2, "the first death of a request that comes alone is no proof"


def test_a_request_that_finds_a_dead_engine_is_answered_by_the_next() -> None:
    world = World()
    engine = restarting(world)
    assert not failed(outcomes(engine, ["early"]))
    world.lives[0].dead = True
    assert not failed(outcomes(engine, names(20)))
    assert world.restarts == 1


def test_a_suspect_that_finds_its_engine_dead_is_not_to_blame_for_that() -> None:
    world = World(chance={1})
    engine = restarting(world)
    for name in names(16):
        engine.add(name, 3)
    engine.step()
    engine.step()
    world.lives[1].dead = True
    ended: dict[str, Completion | CallFailed] = {}
    while len(ended) < 16:
        ended |= engine.step()
    assert not failed(ended)


def test_a_refused_request_fails_alone_and_costs_no_restart() -> None:
    world = World()
    engine = restarting(world)
    engine.add("bad", -1)
    assert failed(dict(engine.step())) == {"bad"}
    engine.add("worse", -2)
    engine.add("0", 3)
    assert failed(dict(engine.step())) == {"worse"}
    assert not failed(outcomes(engine, ["1", "2"]))
    assert world.restarts == 0


def test_a_request_that_is_aborted_while_its_engine_is_dead_is_not_computed_again() -> None:
    world = World(chance={1})
    engine = restarting(world)
    for name in names(20):
        engine.add(name, 3)
    engine.step()
    engine.abort(["7"])
    ended: dict[str, Completion | CallFailed] = {}
    while len(ended) < 19:
        ended |= engine.step()
        assert "7" not in world.lives[-1].left
    assert set(ended) == set(names(20)) - {"7"}
    assert world.lives[-1].aborted == []


def test_an_abort_reaches_the_engine_and_survives_its_death() -> None:
    world = World()
    engine = restarting(world)
    for name in names(3):
        engine.add(name, 3)
    engine.step()
    engine.abort(["0"])
    assert world.lives[0].aborted == ["0"]
    world.lives[0].dead = True
    engine.abort(["1"])
    ended: dict[str, Completion | CallFailed] = {}
    while not ended:
        ended |= engine.step()
    assert set(ended) == {"2"}


def test_an_engine_that_dies_of_everything_is_given_up_after_so_many_deaths_with_its_first_error() -> None:
    world = World(lambda _: True)
    engine = restarting(world, patience=5)
    with pytest.raises(RuntimeError, match=r"died of poison, death 1$"):
        outcomes(engine, names(64))
    assert world.deaths == 6
    assert world.restarts == 5
    assert all(life.closed == 1 for life in world.lives)


def test_the_error_told_is_of_the_first_death_since_the_last_answer() -> None:
    world = World(chance={1})
    engine = restarting(world, patience=2)
    outcomes(engine, ["0"])
    world.kills = lambda _: True
    with pytest.raises(RuntimeError, match=r"death 2$"):
        outcomes(engine, names(3))


def test_answers_between_deaths_keep_an_engine_from_being_given_up() -> None:
    world = World(chance=range(5, 500, 5))
    engine = restarting(world, patience=3)
    for turn in range(30):
        outcomes(engine, [f"{turn}-{name}" for name in names(4)], steps=2)
    assert world.deaths > 10


def test_an_engine_that_cannot_be_started_again_says_what_the_first_one_died_of() -> None:
    world = World(any_of("0"))
    engine = restarting(world)
    world.startable = False
    with pytest.raises(RuntimeError, match=r"died of poison, death 1$"):
        outcomes(engine, names(3))


def test_an_engine_that_cannot_be_started_at_once_is_started_a_little_later() -> None:
    world = World(chance={1})
    engine = restarting(world)
    starts = iter([False, True])
    begin = world.start

    def start() -> Mortal:
        world.startable = next(starts)
        return begin()

    engine._start = start
    assert not failed(outcomes(engine, names(3)))


def test_nobody_waits_for_a_dead_engine_that_hangs_while_it_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sandbox.engines.restarting.CLOSING_S", 0.01)
    world = World(chance={1})
    engine = restarting(world)
    never = Event()
    world.lives[0].close = never.wait  # type: ignore[method-assign, assignment]
    assert not failed(outcomes(engine, names(3)))
    never.set()


def driven(engine: Restarting[int], count: int, order: Random) -> tuple[dict[str, Completion | CallFailed], set[str]]:
    """Ask so many requests bit by bit, and abort one now and then; return what ended, and what was aborted."""
    coming = order.sample(names(count), count)
    under_way: set[str] = set()
    aborted: set[str] = set()
    ended: dict[str, Completion | CallFailed] = {}
    while coming or under_way:
        for _ in range(min(len(coming), order.choice((0, 0, 1, 5, 80)))):
            under_way.add(coming[-1])
            engine.add(coming.pop(), order.randint(1, 4))
        if under_way and order.random() < 0.05:
            gone = order.choice(sorted(under_way))
            engine.abort([gone])
            under_way.remove(gone)
            aborted.add(gone)
        if under_way:
            step = engine.step()
            assert step.keys() <= under_way, "nothing is answered twice, or though it was aborted"
            under_way -= step.keys()
            ended |= step
    return ended, aborted


@settings(max_examples=1000, deadline=None, derandomize=True)
@given(
    st.integers(1, 80), st.sets(st.integers(0, 79), max_size=6), st.sets(st.integers(1, 60), max_size=6), st.integers(0)
)
def test_whatever_is_to_blame_all_others_are_answered_once_within_so_many_restarts(
    count: int, killers: set[int], chance: set[int], seed: int
) -> None:
    order = Random(seed)
    poison = {str(number % count) for number in killers}
    pair = set(order.sample(names(count), 2)) if count > 1 and order.random() < 0.5 else {"nobody"}
    world = World(lambda asked: not poison.isdisjoint(asked) or pair <= asked, chance)
    ended, aborted = driven(restarting(world, patience=10_000), count, order)
    assert ended.keys() | aborted == set(names(count))
    assert failed(ended) <= poison | world.blamed
    assert poison - aborted <= failed(ended)
    by_chance = len([step for step in chance if step <= world.steps])
    assert world.restarts <= (len(poison) + (len(pair) == 2)) * (1 + depth(count)) + by_chance
    assert all(life.closed == life.dead for life in world.lives)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.sets(st.sampled_from(names(100)), min_size=1), st.integers(0, 6))
def test_an_engine_is_given_up_exactly_when_it_dies_more_often_than_it_may(poison: set[str], patience: int) -> None:
    world = World(any_of(*poison))
    engine = restarting(world, patience)
    for name in names(100):
        engine.add(name, 1)
    ended: dict[str, Completion | CallFailed] = {}
    since = 0
    try:
        while len(ended) < 100:
            before = world.deaths
            step = engine.step()
            since = 0 if any(isinstance(outcome, Completion) for outcome in step.values()) else since
            since += world.deaths - before
            ended |= step
            assert since <= patience
    except RuntimeError:
        assert since == patience
    else:
        assert failed(ended) == poison


@pytest.fixture
def cores() -> Iterator[list[DyingCore]]:
    """Every engine that was started; afterwards none of their processes is left, not even as a zombie."""
    lives: list[DyingCore] = []
    yield lives
    assert not [life.core.pid for life in lives if Path(f"/proc/{life.core.pid}").exists()]
    assert not multiprocessing.active_children()


def in_a_process(lives: list[DyingCore], **settings: Any) -> Pump[str]:
    def start() -> DyingCore:
        lives.append(DyingCore())
        return lives[-1]

    return Pump(lambda: Restarting(start, **settings))


def asked(pump: Pump[str], *words: str) -> list[Completion | BaseException]:
    async def gather() -> list[Completion | BaseException]:
        return await asyncio.gather(*map(pump.ask, words), return_exceptions=True)

    try:
        return asyncio.run(asyncio.wait_for(gather(), 60))
    finally:
        pump.close()


def texts(answers: list[Completion | BaseException]) -> list[str]:
    return [answer.text if isinstance(answer, Completion) else type(answer).__name__ for answer in answers]


@pytest.mark.parametrize("poison", ["exit", "kill"])
def test_a_process_that_a_request_kills_is_replaced_and_the_others_are_answered(
    cores: list[DyingCore], poison: str
) -> None:
    answers = asked(in_a_process(cores), "aye", "no", poison, "ship")
    assert texts(answers) == ["AYE", "NO", "CallFailed", "SHIP"]
    assert len(cores) == 3
    assert {life.core.exitcode for life in cores[:2]} == {1 if poison == "exit" else -9}


def test_a_process_that_hangs_is_killed_and_the_request_that_hangs_it_fails(cores: list[DyingCore]) -> None:
    answers = asked(in_a_process(cores, hangs_s=1), "aye", "hang", "ship")
    assert texts(answers) == ["AYE", "CallFailed", "SHIP"]


def test_a_process_killed_from_without_costs_nobody_an_answer(cores: list[DyingCore]) -> None:
    pump = in_a_process(cores)

    def kill() -> None:
        cores[0].core.kill()

    Thread(target=kill).start()
    words = [f"word {number}" for number in range(50)]
    assert texts(asked(pump, *words)) == [word.upper() for word in words]


def test_an_engine_that_only_ever_dies_ends_all_requests_and_leaves_no_process(cores: list[DyingCore]) -> None:
    answers = asked(in_a_process(cores, patience=2), *["exit"] * 9)
    assert all(isinstance(answer, EngineDied) for answer in answers)
    assert len(cores) == 3
