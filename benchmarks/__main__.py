"""Print the table of measurements: `python -m benchmarks [PART ...]`, all parts by default."""

import sys
from importlib import import_module

from benchmarks.measure import machine

PARTS = (
    "start_up", "play_cost", "latency", "makespan", "story_calls", "memory_cost", "scoring", "scores_table",
    "statistics", "encoding", "layouts", "client", "pictures", "storybook_throughput", "vllm_prefix", "judging",
    "sotopia",
)  # fmt: skip


def main() -> None:
    """Measure the parts named on the command line, or all of them."""
    print(f"{machine()}; median, smallest to largest, repetitions")
    for part in sys.argv[1:] or PARTS:
        for measure in import_module(f"benchmarks.{part}").measures():
            print(measure.row(), flush=True)


main()
