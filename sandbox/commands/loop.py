"""`rolestage loop`: one turn of playing, keeping, learning and testing."""

import json
import shlex
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from sandbox.commands.adapt import adapt, learner
from sandbox.errors import INTERRUPTED
from sandbox.score_text import Column, print_table
from sandbox.screen import Screen, print_json, safe
from sandbox.storybook.loop.loop import HEADS, Plan, Turn, as_json, markdown, rows, turn
from sandbox.storybook.loop.scenes import Shown, Stopped
from sandbox.whole_file import write_whole

REPORTS = ("report.md", "report.json")
PLAIN_EVERY_S = 5.0


def loop_storybook(model: str, out: Path, seeds: int, episodes: int, steps: int, json_wanted: bool) -> int:
    """Make a turn of the loop in `out`, or go on there, and tell of it. Raises what `sandbox.errors` lists."""
    name = str(Path(model).resolve()) if Path(model).is_dir() else model
    plan, screen = Plan(name, learner(model), seeds, episodes, steps), Screen()
    try:
        with _showing(screen, json_wanted) as shown:
            made = turn(plan, out, adapt, shown)
    except (Stopped, KeyboardInterrupt) as stopped:
        print(f"Interrupted. Go on with: {shlex.join(['rolestage', *sys.argv[1:]])}", file=sys.stderr)
        return stopped.code if isinstance(stopped, Stopped) and stopped.code > 0 else INTERRUPTED
    _tell(made, out, screen, json_wanted)
    return 0


@contextmanager
def _showing(screen: Screen, json_wanted: bool) -> Iterator[Shown]:
    """Give what shows how far it is: a bar on a terminal, else a line on the error stream now and then."""
    if json_wanted or not screen.is_terminal:
        yield _lines()
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=screen, transient=True) as bar:
        task = bar.add_task("")
        yield lambda what, done, total: bar.update(task, description=what, completed=done, total=total)


def _lines() -> Shown:
    last, since = "", time.monotonic()

    def shown(what: str, done: int, total: int) -> None:
        nonlocal last, since
        if what != last or time.monotonic() - since > PLAIN_EVERY_S:
            last, since = what, time.monotonic()
            print(f"{what}: {done} of {total}", file=sys.stderr, flush=True)

    return shown


def _tell(made: Turn, out: Path, screen: Screen, json_wanted: bool) -> None:
    figures = as_json(made)
    texts = ("\n".join(markdown(made)) + "\n", json.dumps(figures, indent=2) + "\n")
    for name, text in zip(REPORTS, texts, strict=True):
        write_whole(out / name, text.encode())
    if json_wanted:
        print_json(figures)
        return
    for one in made.learned:
        screen.print(safe(f"seed {one.seed}: {one.kept} of {one.lines} lines kept, {one.rows} rows learned by each"))
    screen.print()
    print_table(screen, [Column(head, number=at > 1) for at, head in enumerate(HEADS)], list(rows(made)))
    screen.print()
    screen.print(safe(f"written: {', '.join(str(out / name) for name in REPORTS)}", "dim"))
    best = made.plan.model, out.resolve() / "seed-0" / "filtered"
    screen.print(safe(f"play it: --model {shlex.quote('+'.join(map(str, best)))}", "dim"))
