"""How long `rolestage scores` takes on a large run: 100,000 judged episodes, four metrics of two characters each.

The rows are written as judging writes them, without playing anything; there are no single scores, which the table does
not read.
"""

import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from benchmarks.measure import Measure, repeated
from sandbox.rows import Batch, EpisodeRow, ScorerRow, Sum, Verdict, rows_of
from sandbox.store import open_database

EPISODES = 100_000
OF_EACH_SCENARIO = 10
SCORER = ScorerRow("made_up@1", "made_up", "{}")


def measures() -> Iterator[Measure]:
    """Measure the table and a comparison, each with the start of the program."""
    with tempfile.TemporaryDirectory() as out:
        runs = [_run(Path(out) / name, lot) for lot, name in enumerate(("first", "second"))]
        what = f"scores: {EPISODES} judged episodes"
        yield Measure(f"{what}, wall with start", "s", repeated(5, lambda: _wall(runs[0])), "<= 2")
        yield Measure(
            f"{what} x 2 --compare, wall with start", "s", repeated(3, lambda: _wall(*runs, "--compare")), "-"
        )


def _wall(*words: object) -> float:
    start = time.perf_counter()
    subprocess.run([sys.executable, "-m", "sandbox", "scores", *map(str, words)], capture_output=True, check=True)
    return time.perf_counter() - start


def _run(folder: Path, lot: int) -> Path:
    """Write the store of a run."""
    folder.mkdir()
    dice = random.Random(lot)
    with closing(open_database(folder / "run.db", {"title": "Large", "planned": EPISODES})) as database:
        database.execute("BEGIN")
        for episode in range(EPISODES):
            written = {statement: rows for statement, rows in rows_of(_batch(episode, dice)).items() if rows}
            for statement, (row, *_) in written.items():
                database.execute(f"{statement} VALUES ({', '.join('?' * len(row))})", row)
        database.execute("COMMIT")
    return folder


def _batch(episode: int, dice: random.Random) -> Batch:
    variant = episode // OF_EACH_SCENARIO
    state = EpisodeRow(episode, variant, f"{variant:016x}", f'{{"seed": {variant}}}', episode, "done", None, 0.0, 1.0)
    about = [(f"metric{at}", name) for at in range(4) for name in ("Captain Brack", "Pip")]
    sums = tuple(Sum(metric, name, "storybook", None, 5, 5, 5 * dice.random()) for metric, name in about)
    verdict = Verdict(SCORER.id, episode, None, "inter-role", sums, (), 0.1)
    return Batch(episode, state=state, verdict=verdict, scorer=SCORER if not episode else None)
