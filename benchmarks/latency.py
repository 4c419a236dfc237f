"""How near a run comes to its bound where every answer takes 50 ms and nothing limits how many are computed at once.

Then the longest chain of calls that wait for each other is the least time that it can take: the turns of a dialogue, or
the steps of a story's turns.
"""

import asyncio
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.measure import Measure, in_process
from sandbox.display import Quiet
from sandbox.engines.scripted import Scripted, dry_answer
from sandbox.gallery import Gallery
from sandbox.rows import Batch
from sandbox.run import Plan, carry_out
from sandbox.run_folder import SCENARIO, new_run_folder
from scenes.loading import load

CALL_S = 0.05
TALK: tuple[str, dict[str, Any], int] = ("scenarios/harbour", {"turns": 10, "episodes": 32, "vary": {}}, 32)
STORY: tuple[str, dict[str, Any], int] = ("scenarios/inventory", {"turns": 8}, 1)


def measures() -> list[Measure]:
    """Measure five times, each in a process of its own."""
    talk = [in_process("benchmarks.latency", "talk") for _ in range(5)]
    story = [in_process("benchmarks.latency", "story") for _ in range(5)]
    return [
        Measure("32 dialogues x 10 turns, 50 ms a call, stored: makespan / bound", "ratio", talk, "<= 1.05"),
        Measure("a story of eight turns, 50 ms a call, stored: makespan / critical path", "ratio", story, "<= 1.1"),
    ]


class _Depth:
    """Follows how long the chain of calls is that one episode waited for: those asked at one moment are one step."""

    def __init__(self) -> None:
        self.first, self.steps, self.last = 0.0, 0, -1.0

    def asked(self) -> None:
        now = time.monotonic()
        self.first = self.first or now
        self.steps += now - self.last > CALL_S / 2
        self.last = now


def ratio(kind: str) -> float:
    """Play the dialogues or the story; return the time from the first call to the last event over the bound."""
    scenario, settings, episodes = TALK if kind == "talk" else STORY
    depth = _Depth()

    async def answer(request: Any) -> str:
        depth.asked()
        await asyncio.sleep(CALL_S)
        return dry_answer(request)

    with tempfile.TemporaryDirectory() as out:
        folder = new_run_folder(Path(out), load(Path(scenario), settings=settings))
        source = load(folder / SCENARIO)
        engines = {source.scenario.model: Scripted(answer)}
        plan = Plan(folder, source, episodes, engines, Gallery(), 64, {})
        shown = _Shown()
        asyncio.run(carry_out(plan, shown))
    steps = settings["turns"] if kind == "talk" else depth.steps
    return (shown.last - depth.first) / (steps * CALL_S)


class _Shown(Quiet):
    """Notes when the last batch was safe in the store."""

    last = 0.0

    def committed(self, batches: list[Batch]) -> None:  # type: ignore[override]
        self.last = time.monotonic()


if __name__ == "__main__":
    print(json.dumps(ratio(sys.argv[1])))
