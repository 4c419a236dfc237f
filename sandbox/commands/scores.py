"""`rolestage scores`: what the scores of runs come to, with intervals and counts."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox.commands.compare import compare
from sandbox.commands.confusion import show_confusions
from sandbox.score_files import Bar, check_plot, check_table, write_plot, write_scores
from sandbox.score_table import By, Codes, Names, ScoreTable, read_scores, together
from sandbox.score_text import (
    Column,
    Row,
    figures_json,
    interval,
    labels_json,
    letter,
    lower_note,
    metric_json,
    metric_name,
    number,
    print_coverage,
    print_runs,
    print_table,
)
from sandbox.screen import Screen, print_json, safe
from scenes.clean import one_line
from scenes.problem import refuse
from scorers.base import Metric
from scorers.statistics import Mean


@dataclass(frozen=True)
class Options:
    """What the command line sets."""

    compare: bool = False
    confusion: bool = False
    together: bool = False
    by: Sequence[By] = ()
    cluster: str | None = None
    scorers: Sequence[str] = ()
    out: Path | None = None
    plot: Path | None = None

    @property
    def shared(self) -> list[str]:
        """The paths of `vary` that make clusters."""
        return [path.strip() for path in self.cluster.split(",")] if self.cluster is not None else []


@dataclass(frozen=True)
class Line:
    """A mean in the table: of a metric, in a run, over the part of it that `labels` name."""

    run: int
    """By its place on the command line."""
    scorer: str
    metric: Metric
    labels: tuple[str, ...]
    mean: Mean
    sound: Mean | None
    """Over the episodes without a fault of the simulator's; None where it is known of none."""


def scores(folders: Sequence[Path], options: Options, as_json: bool) -> int:
    """Print what the scores of the runs in `folders` come to. Raises `InputRefused` and `StoreDamaged`."""
    _check(folders, options)
    if options.confusion:
        show_confusions(folders, as_json)
        return 0
    names = Names(options.shared)
    tables = [read_scores(folder, names, options.scorers) for folder in folders]
    if options.out:
        write_scores(folders, options.scorers, options.out)
    if options.compare:
        compare(tables[0], tables[1], options.by, as_json)
        return 0
    if options.together:
        tables = [together(tables)]
    lines = _together([line for run, table in enumerate(tables) for line in _lines(run, table, options.by)])
    if options.plot:
        write_plot(list(_bars(lines, tables)), options.plot)
    if as_json:
        print_json([*(_line_json(line, tables[line.run], options.by) for line in lines), *_unjudged_json(tables)])
    else:
        _show(lines, tables, options.by)
    return 0


def _check(folders: Sequence[Path], options: Options) -> None:
    """Raise `InputRefused` for options that cannot be, or would do nothing, together."""
    if options.compare and len(folders) != 2:
        raise refuse(f"two runs are compared, and {len(folders)} are named; name two.", "--compare")
    alone = {
        "confusion": ("compare", "by", "cluster", "scorers", "out", "plot"),
        "compare": ("plot",),
        "together": ("compare", "confusion"),
    }
    for option, others in alone.items():
        idle = [other for other in others if getattr(options, option) and getattr(options, other)]
        if idle:
            other = idle[0].removesuffix("s")  # `scorers` is --scorer
            raise refuse(f"it is not together with --{other}, which would do nothing; leave one out.", f"--{option}")
    if options.out:
        check_table(options.out)
    if options.plot:
        check_plot(options.plot)


def _lines(run: int, table: ScoreTable, by: Sequence[By]) -> Iterator[Line]:
    some_faulty = bool(table.faulty.any())
    for (scorer, name), metric in table.metrics.items():
        for labels, rows in table.parts(table.of_metric(scorer, name), by):
            sound = table.mean(rows[~table.faulty[rows]], metric) if some_faulty else None
            yield Line(run, scorer, metric, labels, table.mean(rows, metric), sound)


def _together(lines: Sequence[Line]) -> list[Line]:
    """Return the lines with those beside each other that differ by run alone."""
    scorers, metrics, labels = Codes(), Codes(), Codes()
    keys = [
        (scorers.of(line.scorer), metrics.of((line.scorer, line.metric.name)), labels.of(line.labels), at)
        for at, line in enumerate(lines)
    ]
    return [lines[at] for *_, at in sorted(keys)]


def _bars(lines: Sequence[Line], tables: Sequence[ScoreTable]) -> Iterator[Bar]:
    """Yield a bar for each line; it names run and scorer where there are several of its metric."""
    scorers: dict[Metric, set[str]] = {}
    for line in lines:
        scorers.setdefault(line.metric, set()).add(line.scorer)
    for line in lines:
        run = [f"{letter(line.run)} {Path(tables[line.run].run).name}"] if len(tables) > 1 else []
        scorer = [line.scorer] if len(scorers[line.metric]) > 1 else []
        yield Bar(" · ".join([*line.labels, *run, *scorer]) or "all", line.metric, line.mean)


def _show(lines: Sequence[Line], tables: Sequence[ScoreTable], by: Sequence[By]) -> None:
    screen = Screen()
    print_runs(screen, tables)
    if lines:
        head = _clustered_by(lines, tables)
        print_table(screen, _columns(lines, tables, by, head), list(_rows(lines, tables, head)))
    print_coverage(screen, tables)
    for told in _options_told(tables):
        screen.print(safe(told), soft_wrap=True)
    if lines:
        screen.print(safe(_footnote(lines, head), "dim"))


def _options_told(tables: Sequence[ScoreTable]) -> Iterator[str]:
    """Yield the options of scorers that are there with several: ratios, say, to different references."""
    options = {id: _options(table, id) for table in tables for id in table.scorers}
    count = Counter(id.partition("@")[0] for id in options)
    for id, chosen in options.items():
        if count[id.partition("@")[0]] > 1:
            named = ", ".join(f"{field}={value}" for field, value in chosen.items()) or "as it comes"
            yield one_line(f"{id}: {named}", 400)


def _options(table: ScoreTable, scorer: str) -> dict[str, Any]:
    chosen: dict[str, Any] = json.loads(table.scorers[scorer].row.facts).get("options", {})
    return chosen


def _columns(lines: Sequence[Line], tables: Sequence[ScoreTable], by: Sequence[By], head: str) -> list[Column]:
    sound = [Column("without simulator's faults", whole=True, levels=range(2)), Column("without faults", levels=_SHORT)]
    return [
        Column("metric"),
        *([Column("run", whole=True)] if len(tables) > 1 else []),
        *(Column(label) for label in by),
        Column("mean", number=True),
        Column("95 % interval", whole=True),
        Column("scored", number=True),
        Column(head, number=True),
        Column("unit", levels=range(1)),
        *(sound if any(line.sound for line in lines) else []),
    ]


_SHORT = range(2, 4)
"""Levels of detail at which what holds without faults has no interval."""


def _rows(lines: Sequence[Line], tables: Sequence[ScoreTable], head: str) -> Iterator[Row]:
    last = None
    faults = any(line.sound for line in lines)
    for line in lines:
        if line.scorer != last:
            last = line.scorer
            yield [line.scorer]
        mean = line.mean
        apart = " e" if head != "episodes" and mean.valid and mean.by == "episodes" else ""
        figures = [number(mean.value), interval(mean), f"{mean.valid}/{mean.attempted}", f"{mean.clusters}{apart}"]
        run = [letter(line.run)] if len(tables) > 1 else []
        sound = _sound(line.sound) if faults else []
        yield [f"  {metric_name(line.metric)}", *run, *line.labels, *figures, line.metric.unit, *sound]


def _sound(mean: Mean | None) -> list[str]:
    """Return the cell with the interval, and the one without."""
    if mean is None:
        return ["", ""]
    count = f"{mean.valid}/{mean.attempted}"
    return [f"{number(mean.value)} {interval(mean)} {count}", f"{number(mean.value)} {count}"]


def _clustered_by(lines: Sequence[Line], tables: Sequence[ScoreTable]) -> str:
    """Return what the figures in the column are numbers of."""
    if {line.mean.by for line in lines if line.mean.valid} == {"episodes"}:
        return "episodes"
    return "clusters" if tables[0].names.shared else "scenarios"


def _footnote(lines: Sequence[Line], head: str) -> str:
    """Say how to read the table."""
    told = [line.mean for line in lines if line.mean.valid]
    text = "scored: scores with a value / all. Intervals are clustered by "
    text += "what was varied alike" if head == "clusters" else "scenario (the variant)"
    if any(mean.by == "episodes" for mean in told):
        mark = " (e)" if head != "episodes" else ""
        text += f"; where there is one alone, by episode{mark}, and then hold for that one only"
    if any(mean.low is None for mean in told):
        text += "; — where nothing tells the spread, or sums are past all numbers"
    return f"{text}.{lower_note([line.metric for line in lines])}"


def _line_json(line: Line, table: ScoreTable, by: Sequence[By]) -> dict[str, Any]:
    sound = {"without_simulator_faults": figures_json(line.sound, table.names)} if line.sound else {}
    about = metric_json(line.metric) | labels_json(by, line.labels, table.names)
    return _scorer_json(table, line.scorer) | about | figures_json(line.mean, table.names) | sound


def _scorer_json(table: ScoreTable, scorer: str) -> dict[str, Any]:
    covered = table.scorers[scorer]
    counts = {"judged": covered.judged, "failed": covered.failed, "episodes": len(table.episodes)}
    named = {"run": table.run, "scorer": scorer, "options": _options(table, scorer)}
    return named | counts | {"episodes_failed": table.failed}


def _unjudged_json(tables: Sequence[ScoreTable]) -> Iterator[dict[str, Any]]:
    """Yield the scorers that there is no score of."""
    for table in tables:
        for scorer in table.scorers:
            if not any(scorer == of for of, _ in table.metrics):
                yield _scorer_json(table, scorer) | {"metric": None, "value": None, "valid": 0, "attempted": 0}
