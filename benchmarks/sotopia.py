"""Sotopia 0.1.5 and ours on one fake server: the same 32 dialogues of two people and ten lines, 50 ms an answer.

Sotopia is no part of this project: install it into an environment of its own, and say where that environment's
interpreter is in `ROLESTAGE_SOTOPIA_PYTHON`. Each side plays in a process of its own, the sides in turn. Before the
time is taken each plays one dialogue more and opens all connections. Ours stores all that was asked and said, safe on
the disk; sotopia stores nothing. Ours is also measured on an engine in its own process that takes 50 ms.
"""

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from benchmarks.measure import Measure
from benchmarks.peers.fake_server import DELAY_S, LINE
from sandbox.display import Quiet
from sandbox.engines.config import OpenAIConfig
from sandbox.engines.engine import Engine
from sandbox.engines.scripted import Scripted
from sandbox.engines.start import start
from sandbox.gallery import Gallery
from sandbox.run import Plan, carry_out
from sandbox.run_folder import SCENARIO, new_run_folder
from scenes.chat import Prompt, Request, Segment
from scenes.loading import load

INTERPRETER = "ROLESTAGE_SOTOPIA_PYTHON"
VERSION = "0.1.5"
PEERS = Path(__file__).parent / "peers"
GARDEN = PEERS / "garden.yaml"
DIALOGUES, TURNS = 32, 10
REPETITIONS = 5
LONGEST_S = 300
"""For one side to play once, with all that it has to load before."""
INSIDE = "inside"
"""In the place of an address: the engine in our own process."""
Runs = list[dict[str, float]]
"""What a side took, each time it played."""


def measures() -> list[Measure]:
    """Measure all three in turn; nothing where sotopia is not installed."""
    python = os.environ.get(INTERPRETER, "")
    reason = _why_not(python)
    if reason:
        print(f"not measured: sotopia beside ours; {reason}")
        return []
    ways: dict[str, Runs] = {"sotopia": [], "http": [], "inside": []}
    with _served() as address:
        for _ in range(REPETITIONS):
            ways["sotopia"].append(_measured(address, python, str(PEERS / "sotopia_driver.py"), str(GARDEN), address))
            ways["http"].append(_measured(address, sys.executable, "-m", "benchmarks.sotopia", address))
            ways["inside"].append(_measured(address, sys.executable, "-m", "benchmarks.sotopia", INSIDE))
    return [*_makespans(**ways), *_cpu(**ways)]


def _why_not(python: str) -> str | None:
    """Return why sotopia cannot be played with that interpreter; None if it can."""
    if not python:
        return f"install sotopia=={VERSION} into an environment of its own, and set {INTERPRETER} to its python"
    asked = "from importlib.metadata import version; print(version('sotopia'))"
    try:
        done = subprocess.run([python, "-c", asked], capture_output=True, text=True, check=False)
    except OSError as error:
        return f"{INTERPRETER} is {python}, which does not run ({error.strerror})"
    found = done.stdout.strip() or "none"
    return None if found == VERSION else f"{INTERPRETER} is {python}, which has sotopia {found} and not {VERSION}"


def _makespans(sotopia: Runs, http: Runs, inside: Runs) -> Iterator[Measure]:
    theirs, ours, own = ([run["seconds"] for run in runs] for runs in (sotopia, http, inside))
    what = f"{DIALOGUES} dialogues x {TURNS} lines, {DELAY_S * 1000:.0f} ms a call"
    bound = f"- (bound {TURNS * DELAY_S:g})"
    yield Measure(f"{what}: sotopia 0.1.5", "s", theirs, bound)
    yield Measure("the same: ours over HTTP, stored", "s", ours, bound)
    yield Measure("the same: ours with an engine in process, stored", "s", own, bound)
    yield Measure("makespan: sotopia / ours over HTTP", "times", _ratios(theirs, ours), ">= 3.5")
    yield Measure("makespan: sotopia / ours in process", "times", _ratios(theirs, own), ">= 4")


def _cpu(sotopia: Runs, http: Runs, inside: Runs) -> Iterator[Measure]:
    theirs, ours, own = ([run["cpu"] / run["lines"] * 1e6 for run in runs] for runs in (sotopia, http, inside))
    yield Measure(f"CPU per turn: sotopia {VERSION}", "us", theirs, "-")
    yield Measure("CPU per turn: ours over HTTP, stored", "us", ours, "-")
    yield Measure("CPU per turn: ours with an engine in process, stored", "us", own, "-")
    yield Measure("CPU per turn: sotopia / ours over HTTP", "times", _ratios(theirs, ours), ">= 20")
    yield Measure("CPU per turn: sotopia / ours in process", "times", _ratios(theirs, own), ">= 50")


def _ratios(ones: list[float], others: list[float]) -> list[float]:
    return [one / other for one, other in zip(ones, others, strict=True)]


def _measured(address: str, *command: str) -> dict[str, float]:
    """Run a side, and see to it that it has done all that it should, with one call a line."""
    _asked(address)
    with tempfile.TemporaryDirectory() as home:  # sotopia's storage lies there
        environment = os.environ | {"HOME": home, "HF_HUB_OFFLINE": "1"}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=LONGEST_S)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stderr[-2_000:]}")
    outcome: dict[str, float] = json.loads(done.stdout.strip().splitlines()[-1])
    calls = 0 if INSIDE in command else TURNS + DIALOGUES * (1 + TURNS)
    if (outcome["lines"], _asked(address)) != (DIALOGUES * TURNS, calls):
        raise RuntimeError(
            f"{' '.join(command)} did not play {DIALOGUES} dialogues with a call for each line: {outcome}"
        )
    return outcome


def _asked(address: str) -> int:
    """Return how many questions there were since this was last asked."""
    with urlopen(f"{address}/asked") as response:
        return int(json.load(response)["asked"])


@contextmanager
def _served() -> Iterator[str]:
    """Give the address of the fake server, in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.peers.fake_server"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield f"http://127.0.0.1:{process.stdout.readline().strip()}/v1"
        finally:
            process.terminate()


async def play(out: Path, where: str) -> dict[str, float]:
    """Play all dialogues on the server at `where`, or in this process; return what it took."""
    gallery, model = Gallery(), "plain" if where == INSIDE else f"{where}#plain"
    engine = _engine(where, model, gallery)
    folder = new_run_folder(out, load(GARDEN, settings={"model": model}))

    def plan(episodes: int) -> Plan:
        return Plan(folder, load(folder / SCENARIO), episodes, {model: engine}, gallery, DIALOGUES, {})

    await carry_out(plan(1), Quiet())
    hello = Request(model, Prompt().then(Segment("instruction", "user", "Hello.")))
    await asyncio.gather(*(engine.complete(hello) for _ in range(DIALOGUES)))
    begun, cpu = time.perf_counter(), time.process_time()
    summary = await carry_out(plan(1 + DIALOGUES), Quiet())
    seconds, cpu = time.perf_counter() - begun, time.process_time() - cpu
    return {"seconds": seconds, "cpu": cpu, "lines": summary.turns}


def _engine(where: str, model: str, gallery: Gallery) -> Engine:
    if where == INSIDE:
        return Scripted(lambda request: LINE, delay_s=DELAY_S)
    return start(OpenAIConfig(), model, gallery.open, 1)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        outcome: dict[str, Any] = asyncio.run(play(Path(folder), sys.argv[1]))
    print(json.dumps(outcome))
