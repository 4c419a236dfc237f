"""What remembering costs: keeping a forgotten turn and recalling, as a story grows, and the memory that a turn takes.

The words of the stories are as frequent as those of a language (Zipf's law): common and rare ones are looked up.
"""

import json
import resource
import sys
import time
from collections.abc import Sequence
from itertools import accumulate
from random import Random

from agents.memory import Memory
from benchmarks.measure import Measure, in_process
from scenes.event import Event
from scenes.profile import CharacterProfile
from scenes.scene import PastTurn

ME = CharacterProfile(name="Brack", aliases=("Captain",))
EARLY, LATE = 1_000, 50_000
AT_ONCE = 500
"""So many turns are kept, and so many cues asked with, for one figure."""
VOCABULARY = [f"word{rank}" for rank in range(30_000)]
FREQUENCY = list(accumulate(1 / (rank + 2.7) for rank in range(30_000)))


def measures() -> list[Measure]:
    """Measure in processes of their own, so that none finds the memory of another."""
    grown = [in_process("benchmarks.memory_cost", EARLY, LATE) for _ in range(5)]

    def of(what: str, at: int) -> list[float]:
        return [one[str(at)][what] for one in grown]

    def growth(what: str) -> list[float]:
        return [late / early for late, early in zip(of(what, LATE), of(what, EARLY), strict=True)]

    return [
        Measure(f"memory: CPU of a recall among {LATE} turns", "us", of("recall_us", LATE), "-"),
        Measure(f"memory: a recall among {LATE} turns / among {EARLY}", "ratio", growth("recall_us"), "<= 2"),
        Measure(f"memory: CPU of keeping turn {LATE}", "us", of("keep_us", LATE), "-"),
        Measure(f"memory: keeping turn {LATE} / turn {EARLY}", "ratio", growth("keep_us"), "<= 2"),
        Measure("memory: bytes per kept turn, besides the turn", "B", of("bytes_per_turn", LATE), "-"),
    ]


def grow(sizes: Sequence[int]) -> dict[int, dict[str, float]]:
    """Remember a story, and return what keeping and recalling cost when each of `sizes` turns were kept."""
    rng = Random(7)
    turns = [_turn(at, rng) for at in range(1, max(sizes) + 1)]
    memory, empty = Memory(ME), _peak()
    return {size: _cost(memory, turns[:size], rng, empty) for size in sizes}


def _cost(memory: Memory, turns: Sequence[PastTurn], rng: Random, empty: int) -> dict[str, float]:
    """Return what the last of `turns` cost to keep and what recalls cost then; the memory holds the first of them."""
    for turn in turns[len(memory) : -AT_ONCE]:
        memory.keep(turn)
    begun = time.thread_time()
    for turn in turns[len(memory) :]:
        memory.keep(turn)
    kept = time.thread_time()
    size = _peak() - empty
    cues = [_words(rng) for _ in range(AT_ONCE)]
    asked = time.thread_time()
    for cue in cues:
        memory.recall(cue, len(turns) + 30, 4)
    recalled = time.thread_time()
    return {
        "keep_us": (kept - begun) / AT_ONCE * 1e6,
        "recall_us": (recalled - asked) / AT_ONCE * 1e6,
        "bytes_per_turn": size / len(turns),
    }


def _turn(at: int, rng: Random) -> PastTurn:
    """Return a turn of the usual length; every fifth asks, every seventh names the one who remembers."""
    words = _words(rng) + ("?" if at % 5 == 0 else ".") + (" Captain!" if at % 7 == 0 else "")
    event = Event(index=at, turn=at, kind="speech", actor="Pip", text=words, visible_to={"Brack": "heard"})
    return PastTurn(at, "Pip", (event,))


def _words(rng: Random) -> str:
    return " ".join(rng.choices(VOCABULARY, cum_weights=FREQUENCY, k=25))


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


if __name__ == "__main__":
    print(json.dumps(grow([int(size) for size in sys.argv[1:]])))
