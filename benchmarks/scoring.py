"""What judging costs: a run of many short episodes is played with a free answer, and judged without a model.

Once every episode has a picture and so a variant of its own, and once all have the same. The scorer `speeches` counts
lines and nothing else: what it takes is what the pass itself takes.
"""

import asyncio
import json
import resource
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.measure import Measure, in_process
from sandbox.display import Quiet
from sandbox.engines.scripted import Scripted, dry_answer
from sandbox.gallery import Gallery
from sandbox.run import Plan, carry_out
from sandbox.run_folder import SCENARIO, new_run_folder
from sandbox.score import ScoringPlan, ScoringTally, score_run
from sandbox.scorer_names import scorers_of
from sandbox.scoring import Chosen
from scenes.loading import load
from scorers.base import Case, Score, scorer_of

SCENE = Path("scenarios/harbour")
TURNS = 10
JUDGE_FREE = ("grounding", "leakage", "voice", "faults")


def measures(episodes: int = 10_000) -> Iterator[Measure]:
    """Measure every pass in a process of its own; a run is judged by one set of scorers after the other."""
    for pictures in (episodes, 1):
        with tempfile.TemporaryDirectory() as out:
            folder = in_process("benchmarks.scoring", "play", out, pictures, episodes)
            what = f"score: {episodes} episodes x {TURNS} turns, {pictures} pictures"
            yield from _pass(f"{what}, the pass itself", folder, (), "<= 15")
            yield from _pass(f"{what}, judge-free scorers", folder, JUDGE_FREE, "<= 60")


def _pass(what: str, folder: str, scorers: Sequence[str], goal: str) -> Iterator[Measure]:
    cost = in_process("benchmarks.scoring", "score", folder, *scorers)
    yield Measure(f"{what}: CPU", "s", [cost["cpu_s"]], goal)
    yield Measure(f"{what}: peak memory", "MB", [cost["peak_mb"]], "<= 1000")


def play(out: str, pictures: int, episodes: int) -> str:
    """Play so many episodes, and return the run's folder."""
    vary = {"images.harbour.storybook.seed": {"range": [0, pictures]}}
    source = load(SCENE, settings={"turns": TURNS, "episodes": episodes // pictures, "vary": vary})
    folder = new_run_folder(Path(out), source)
    engines = {source.scenario.model: Scripted(dry_answer)}
    plan = Plan(folder, load(folder / SCENARIO), episodes, engines, Gallery(), 64, {})
    asyncio.run(carry_out(plan, Quiet()))
    return str(folder)


def score(folder: Path, names: Sequence[str]) -> dict[str, float]:
    """Judge the run with the scorers of these names, or with `speeches`, and return what it cost."""
    chosen = scorers_of(names) if names else [Chosen(scorer_of(speeches, "1")())]
    begun = time.process_time()
    plan = ScoringPlan(folder, load(folder / SCENARIO), chosen, {}, Gallery())
    summary = asyncio.run(score_run(plan, _Nobody()))
    assert not summary.failed, summary
    return {
        "cpu_s": time.process_time() - begun,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def speeches(case: Case) -> list[Score]:
    """Count the lines of each speaker."""
    said = [event.actor for event in case.trajectory.events if event.kind == "speech"]
    return [Score(metric="speeches", value=said.count(name), character=name) for name in sorted({*said} - {None})]


class _Nobody:
    def shown(self, tally: ScoringTally) -> None: ...


if __name__ == "__main__":
    verb, place, *rest = sys.argv[1:]
    print(json.dumps(play(place, *map(int, rest)) if verb == "play" else score(Path(place), rest)))
