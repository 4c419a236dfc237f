"""Print the table of measurements: `python -m benchmarks [start_up|play_cost|memory_cost|scoring|statistics ...]`."""

import sys
from importlib import import_module

from benchmarks.measure import machine

PARTS = ("start_up", "play_cost", "story_calls", "memory_cost", "scoring", "statistics", "storybook_throughput")


def main() -> None:
    """Measure the parts named on the command line, or all of them."""
    print(f"{machine()}; median, smallest to largest, repetitions")
    for part in sys.argv[1:] or PARTS:
        for measure in import_module(f"benchmarks.{part}").measures():
            print(measure.row(), flush=True)


main()
