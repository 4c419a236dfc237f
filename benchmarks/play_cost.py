"""What play itself costs where answers are free: CPU per turn and call, growth with a story, store, memory.

The growth is that of the thread that plays; the thread that writes lags behind or catches up as the machine has it.
"""

import asyncio
import json
import resource
import sys
import tempfile
import time
from functools import lru_cache
from pathlib import Path
from random import Random

from benchmarks.measure import Measure, in_process
from sandbox.display import Quiet
from sandbox.engines.form import instance, read_form
from sandbox.engines.scripted import Scripted
from sandbox.episode import Stage, play_episode
from sandbox.gallery import Gallery
from sandbox.meter import Meter
from sandbox.run import Plan, carry_out
from sandbox.run_folder import SCENARIO, new_run_folder
from sandbox.scheduler import Scheduler
from sandbox.store import DATABASE
from sandbox.tape import Tape
from scenes.chat import Request
from scenes.loading import Source, load

SCENE = Path("scenarios/harbour")
NARRATED = Path("scenarios/campsite")
AT_ONCE = 64
LONG = 410
"""Turns from which on growth can be told."""
WORDS = "A line of the usual length for a turn, so about twenty words, as people say when they stand on a quay."


def measures() -> list[Measure]:
    """Measure in processes of their own, so that no repetition warms or fattens the next."""
    short = [in_process("benchmarks.play_cost", 256, 40) for _ in range(5)]
    long = [in_process("benchmarks.play_cost", 24, 420) for _ in range(5)]
    unstored = [in_process("benchmarks.play_cost", 256, 40, SCENE) for _ in range(5)]
    narrated = [in_process("benchmarks.play_cost", 256, 40, NARRATED) for _ in range(5)]
    sizes = [after["bytes_per_turn"] / before["bytes_per_turn"] for before, after in zip(short, long, strict=True)]
    memory = [in_process("benchmarks.play_cost", episodes, 400)["peak_mb"] for episodes in (25, 250)]
    return [
        Measure(
            "256 episodes x 40 turns, scripted, stored: CPU per turn",
            "us",
            [one["us_per_turn"] for one in short],
            "<= 100",
        ),
        Measure("the same without the store", "us", [one["us_per_call"] for one in unstored], "<= 40"),
        Measure(
            "narrated rounds, without the store: CPU per call", "us", [one["us_per_call"] for one in narrated], "<= 60"
        ),
        Measure(
            "play: CPU of a turn about turn 400 / about turn 20",
            "ratio",
            [one["late_over_early"] for one in long],
            "<= 1.2",
        ),
        Measure("store: bytes per turn", "B", [one["bytes_per_turn"] for one in short], "-"),
        Measure("store: bytes per turn in 420 turns / in 40", "ratio", sizes, "1 (linear)"),
        Measure("peak memory of 10^5 turns / of 10^4", "ratio", [memory[1] / memory[0]], "1 (flat)"),
    ]


def play(episodes: int, turns: int) -> dict[str, float]:
    """Play so many episodes with an answer that costs nothing; return what it cost all the same."""
    stamps: list[float] = []
    clock = time.thread_time if turns > LONG else float  # to ask for the time costs as much as half a turn

    def answer(request: Request) -> str:
        stamps.append(clock())
        return WORDS

    with tempfile.TemporaryDirectory() as out:
        source = load(SCENE, settings={"turns": turns, "episodes": episodes, "vary": {}})
        folder = new_run_folder(Path(out), source)
        engines = {source.scenario.model: Scripted(answer)}
        plan = Plan(folder, load(folder / SCENARIO), episodes, engines, Gallery(), AT_ONCE, {})
        start = time.process_time()
        asyncio.run(carry_out(plan, Quiet()))
        seconds = time.process_time() - start
        size = (folder / DATABASE).stat().st_size
    return {
        "us_per_turn": seconds / len(stamps) * 1e6,
        "late_over_early": _late_over_early(stamps, min(AT_ONCE, episodes)),
        "bytes_per_turn": size / len(stamps),
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def play_unstored(episodes: int, turns: int, scene: Path) -> dict[str, float]:
    """Play so many episodes of `scene`, of which nothing is kept; return what a call cost, of which a turn has one."""
    calls = 0

    def answer(request: Request) -> str:
        nonlocal calls
        calls += 1
        return _filled(request.form) if request.form else WORDS

    source = load(scene, settings={"turns": turns, "episodes": episodes, "vary": {}})
    engine = Scripted(answer)
    start = time.process_time()
    asyncio.run(_unstored(source, Scheduler({source.scenario.model: engine}, Meter(AT_ONCE, episodes)), turns))
    return {"us_per_call": (time.process_time() - start) / calls * 1e6, "calls": calls}


async def _unstored(source: Source, scheduler: Scheduler, turns: int) -> None:
    stage, room = Stage(source, Gallery(), lambda batch: None, {}), asyncio.Semaphore(AT_ONCE)

    async def one(episode: int) -> None:
        async with room:
            with scheduler.meter.playing(episode):
                await play_episode(episode, stage, Tape({}, scheduler.call(episode, turns)))

    async with asyncio.TaskGroup() as group:
        for episode in range(source.episodes):
            group.create_task(one(episode))


@lru_cache
def _filled(form: str) -> str:
    """Return one answer in the form, always the same, so that to answer is free here as well."""
    return json.dumps(instance(read_form(form), Random(0)))


def _late_over_early(stamps: list[float], at_once: int) -> float:
    """Return what turns 390 to 410 cost over what turns 10 to 30 did: episodes go on abreast, so calls count turns."""
    if len(stamps) < LONG * at_once:
        return 0.0
    early = stamps[30 * at_once] - stamps[10 * at_once]
    late = stamps[LONG * at_once - 1] - stamps[390 * at_once - 1]
    return late / early if early else 0.0  # no time was taken


if __name__ == "__main__":
    size = int(sys.argv[1]), int(sys.argv[2])
    print(json.dumps(play_unstored(*size, Path(sys.argv[3])) if sys.argv[3:] else play(*size)))
