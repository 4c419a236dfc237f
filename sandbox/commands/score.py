"""`rolestage score`: judge what a run holds."""

import asyncio
import json
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar
from rich.table import Table

from sandbox.commands.records import check_model
from sandbox.launch import facts_of_run
from sandbox.models import reference
from sandbox.record import Record
from sandbox.score import (
    Progress,
    ScorerSummary,
    ScoringSummary,
    ScoringTally,
    ready_to_judge,
    score_run,
)
from sandbox.scorer_names import OPTION, SHIPPED, Entry, scorers_named, scorers_of
from sandbox.scoring import Chosen
from sandbox.screen import Screen, print_json, safe
from scenes.clean import one_line
from scenes.problem import refuse

PLAIN_EVERY_S = 5.0
RECORDS_ALONE = ("images", "out", "answered_by")
"""Options that say something only where test records are judged."""
JUDGE = "judge"
"""What scorers call the option that says who judges."""


@dataclass(frozen=True)
class ScoreOptions:
    """What the command line sets."""

    scorers: Sequence[str] = ()
    settings: Sequence[str] = ()
    engine: str | None = None
    judge: str | None = None
    """The model that judges, for every scorer that has one."""
    prompt_from: Path | None = None
    """Records whose prompt the scorer mmrole asks with."""
    only_unscored: bool = False
    limit: int | None = None
    images: Path | None = None
    """The pictures of test records."""
    out: Path | None = None
    """Where test records go with their reviews."""
    answered_by: str | None = None
    """Whose answers test records have."""

    @property
    def settled(self) -> Sequence[str]:
        """All settings, as the command line has them."""
        if self.prompt_from is None:
            return self.settings
        return [*self.settings, f"mmrole.prompt_from={json.dumps(str(self.prompt_from), ensure_ascii=False)}"]


def score(folder: Path, options: ScoreOptions, as_json: bool) -> ScoringSummary:
    """Judge the run at `folder` and print what came of it. Raises what `sandbox.errors` lists."""
    summary = judged(folder, options, as_json)
    _tell(summary, Screen(), as_json)
    return summary


def judged(folder: Path, options: ScoreOptions, as_json: bool) -> ScoringSummary:
    """Judge the run at `folder`, telling how far it is. Raises what `sandbox.errors` lists."""
    refuse_set(options, RECORDS_ALONE, "says something of test records, and this is a run")
    with closing(Record(folder)) as record:
        meta = facts_of_run(record)
    chosen = _chosen(meta.get("scorers", []), folder, options)
    with (
        ready_to_judge(folder, chosen, options.engine, options.only_unscored, options.limit) as plan,
        _progress(Screen(), as_json) as progress,
    ):
        return asyncio.run(score_run(plan, progress))


def _chosen(entries: Sequence[Entry], folder: Path, options: ScoreOptions) -> list[Chosen]:
    """Return the scorers that were asked for: by default those that the run was begun with."""
    if options.scorers or options.settled:
        return judged_by(options.judge, scorers_named(options.scorers, options.settled))
    if not entries:
        raise refuse(f"this run was begun without scorers; name some with {OPTION}: {', '.join(SHIPPED)}.", str(folder))
    return judged_by(options.judge, scorers_of(entries))


def judged_by(judge: str | None, chosen: Sequence[Chosen]) -> list[Chosen]:
    """Return the scorers, those that have a judge with `judge` as theirs. Raises `InputRefused` if none has."""
    if judge is None:
        return [*chosen]
    check_model(judge, "--judge")
    reference(judge)
    if not any(JUDGE in type(one.scorer).model_fields for one in chosen):
        names = ", ".join(one_line(one.scorer.name) for one in chosen)
        raise refuse(f"none of these has a judge: {names}; leave it out.", "--judge")
    return [
        replace(one, scorer=one.scorer.model_copy(update={JUDGE: judge}))
        if JUDGE in type(one.scorer).model_fields
        else one
        for one in chosen
    ]


def refuse_set(options: ScoreOptions, names: Iterable[str], why: str) -> None:
    """Refuse options of those called `names` that are set."""
    for name in names:
        if getattr(options, name) not in (None, False):
            raise refuse(f"it {why}; leave it out.", f"--{name.replace('_', '-')}")


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
