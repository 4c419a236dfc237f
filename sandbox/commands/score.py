"""`rolestage score`: judge what a run holds."""

import asyncio
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar
from rich.table import Table

from sandbox.gallery import Gallery
from sandbox.launch import alternatives, asked_by, engine_config, facts_of_run, started_for
from sandbox.models import most_pictures
from sandbox.record import Record
from sandbox.run_folder import SCENARIO
from sandbox.score import (
    Progress,
    ScorerSummary,
    ScoringPlan,
    ScoringSummary,
    ScoringTally,
    score_run,
    told_of_scoring_beside,
)
from sandbox.scorer_names import OPTION, SHIPPED, Entry, scorers_named, scorers_of
from sandbox.scoring import Chosen
from sandbox.screen import Screen, print_json, safe
from sandbox.store import lock_run
from scenes.clean import one_line
from scenes.loading import load
from scenes.problem import refuse

PLAIN_EVERY_S = 5.0


@dataclass(frozen=True)
class ScoreOptions:
    """What the command line sets."""

    scorers: Sequence[str] = ()
    settings: Sequence[str] = ()
    engine: str | None = None
    only_unscored: bool = False
    limit: int | None = None


def score(folder: Path, options: ScoreOptions, as_json: bool) -> ScoringSummary:
    """Judge the run at `folder` and print what came of it. Raises what `sandbox.errors` lists."""
    summary = judged(folder, options, as_json)
    _tell(summary, Screen(), as_json)
    return summary


def judged(folder: Path, options: ScoreOptions, as_json: bool) -> ScoringSummary:
    """Judge the run at `folder`, telling how far it is. Raises what `sandbox.errors` lists."""
    with closing(Record(folder)) as record:
        meta = facts_of_run(record)
    source = load(folder / SCENARIO)
    chosen = _chosen(meta.get("scorers", []), folder, options)
    with told_of_scoring_beside():
        lock_run(folder).close()  # a run that another process writes is refused before a model is loaded
    kind = options.engine or meta["engine"]["kind"]
    config = engine_config(**(meta["engine"] if kind == meta["engine"]["kind"] else {"kind": kind}))
    scenarios = [variant.scenario for variant in alternatives(source)]
    models = {model for scenario in scenarios for model in asked_by(chosen, scenario)}
    gallery = Gallery()
    with started_for(models, config, gallery, max(map(most_pictures, scenarios))) as engines:
        plan = ScoringPlan(folder, source, chosen, engines, gallery, options.only_unscored, options.limit)
        with _progress(Screen(), as_json) as progress:
            return asyncio.run(score_run(plan, progress))


def _chosen(entries: Sequence[Entry], folder: Path, options: ScoreOptions) -> list[Chosen]:
    """Return the scorers that were asked for: by default those that the run was begun with."""
    if options.scorers or options.settings:
        return scorers_named(options.scorers, options.settings)
    if not entries:
        raise refuse(f"this run was begun without scorers; name some with {OPTION}: {', '.join(SHIPPED)}.", str(folder))
    return scorers_of(entries)


class _Lines:
    """Says now and then on the error stream how far it is, where nothing can be drawn over."""

    def __init__(self) -> None:
        self._last = time.monotonic()

    def shown(self, tally: ScoringTally) -> None:
        if time.monotonic() - self._last > PLAIN_EVERY_S:
            self._last = time.monotonic()
            print(f"{tally.done} of {tally.planned} verdicts", file=sys.stderr, flush=True)


class _Bar:
    """Draws how far it is."""

    def __init__(self, bar: Bar) -> None:
        self._bar, self._task = bar, bar.add_task("judging", total=None)

    def shown(self, tally: ScoringTally) -> None:
        self._bar.update(self._task, total=tally.planned, completed=tally.done)


@contextmanager
def _progress(screen: Screen, as_json: bool) -> Iterator[Progress]:
    if as_json or not screen.is_terminal:
        yield _Lines()
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Bar(*columns, console=screen, transient=True) as bar:
        yield _Bar(bar)


def _tell(summary: ScoringSummary, screen: Screen, as_json: bool) -> None:
    if as_json:
        print_json(summary.model_dump(mode="json"))
        return
    table = Table("scorer", *(title for title, _ in _COLUMNS), box=None, pad_edge=False)
    for column in table.columns[1:]:
        column.justify = "right"
    for scorer in summary.scorers:
        table.add_row(safe(scorer.scorer), *(str(getattr(scorer, name)) for _, name in _COLUMNS))
    screen.print(table)
    for scorer in summary.scorers:
        for line in _explained(scorer):
            screen.print(safe(line))
    if summary.interrupted:
        screen.print(safe("\nInterrupted. The same command judges what is left.", "dim"))
        return
    screen.print(safe(f"\nNext: rolestage scores {summary.run}", "dim"))


_COLUMNS = (
    ("judged now", "judged"),
    ("earlier", "earlier"),
    ("failed", "failed"),
    ("left", "left"),
    ("scores", "scores"),
    ("without value", "without_value"),
)


def _explained(scorer: ScorerSummary) -> Iterator[str]:
    """Yield why a scorer could say nothing, and why scores have no value."""
    for reason, count in scorer.errors.items():
        yield f"{scorer.scorer}: {f'{count} failed' if count else 'could not judge at all'}: {reason}"
    for reason, count in scorer.reasons.items():
        yield f"{scorer.scorer}: {count} without a value: {one_line(reason, 300)}"
