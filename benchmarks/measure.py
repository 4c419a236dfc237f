"""A measurement: what, the figure of each repetition, and the goal it is held against."""

import json
import platform
import statistics
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Measure:
    """One row of the table."""

    what: str
    unit: str
    values: Sequence[float]
    goal: str

    def row(self) -> str:
        """Return the row as text: median, spread, repetitions, goal."""
        median = statistics.median(self.values)
        spread = f"{min(self.values):.4g} to {max(self.values):.4g}"
        return f"{self.what:<66} {median:>9.4g} {self.unit:<10} {spread:<20} n={len(self.values):<3} goal {self.goal}"


def repeated(times: int, measured: Callable[[], float]) -> list[float]:
    """Return what `measured` gives, `times` over."""
    return [measured() for _ in range(times)]


def in_process(module: str, *arguments: object) -> Any:
    """Run `python -m module` in a process of its own and return the JSON that it prints last."""
    command = [sys.executable, "-m", module, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stderr[-2_000:]}")
    return json.loads(done.stdout.strip().splitlines()[-1])


def machine() -> str:
    """Return what the figures were taken on."""
    return f"{platform.machine()}, Python {platform.python_version()}, {platform.system()} {platform.release()}"
