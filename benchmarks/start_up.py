"""How long a command takes to begin."""

import subprocess
import sys
import time

from benchmarks.measure import Measure, repeated

IMPORT = "import time; import sandbox.launch; print(time.process_time())"


def measures() -> list[Measure]:
    """Measure the help text and the import of everything that a run needs but a model library."""
    return [
        Measure("rolestage --help, wall", "s", repeated(10, _help), "<= 0.4"),
        Measure(
            "import of the run path without torch, CPU with Python's own start", "s", repeated(5, _import), "<= 0.5"
        ),
    ]


def _help() -> float:
    start = time.perf_counter()
    subprocess.run([sys.executable, "-m", "sandbox", "--help"], capture_output=True, check=True)
    return time.perf_counter() - start


def _import() -> float:
    return float(subprocess.run([sys.executable, "-c", IMPORT], capture_output=True, check=True).stdout)
