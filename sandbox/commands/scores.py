"""`rolestage scores`: what the scores of runs come to, with intervals and counts, and whether two runs differ."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.table import Table

from sandbox.record import Record
from sandbox.score_files import write_plot, write_scores
from sandbox.score_table import By, Names, ScoreTable, read_scores
from sandbox.screen import Screen, print_json, safe
from scenes.clean import one_line
from scenes.problem import refuse
from scorers.base import Metric
from scorers.statistics import Comparison, Mean, compared, holm, mean_of
from scorers.voice import Voice, confusion


@dataclass(frozen=True)
class Options:
    """What the command line sets."""

    compare: bool = False
    confusion: bool = False
    by: Sequence[By] = ()
    scorers: Sequence[str] = ()
    out: Path | None = None
    plot: Path | None = None


@dataclass(frozen=True)
class Line:
    """A mean in the table: of a metric, in a run, over the part of it that `labels` name."""

    run: str
    scorer: str
    metric: Metric
    labels: tuple[str, ...]
    mean: Mean
    sound: Mean | None
    """Over the episodes without a fault of the simulator's; None where it is known of none."""


@dataclass(frozen=True)
class Difference:
    """Two runs compared by a metric."""

    scorer: str
    metric: Metric
    labels: tuple[str, ...]
    means: tuple[Mean, Mean]
    comparison: Comparison
    p: float | None
    """Of Wilcoxon's test, adjusted for all lines of the table (Holm)."""


def scores(folders: Sequence[Path], options: Options, as_json: bool) -> int:
    """Print what the scores of the runs in `folders` come to. Raises `InputRefused` and `StoreDamaged`."""
    if options.compare and len(folders) != 2:
        raise refuse(f"two runs are compared, and {len(folders)} are named; name two.", "--compare")
    if options.confusion:
        _show_confusions(folders, as_json)
        return 0
    names = Names()
    tables = [read_scores(folder, names, options.scorers) for folder in folders]
    if options.out:
        write_scores(folders, options.scorers, options.out)
    if options.compare:
        first, second = tables
        differences = list(_adjusted(list(_differences(first, second, options.by))))
        _show_differences(differences, folders, options.by, as_json)
        return 0
    lines = [line for table in tables for line in _lines(table, options.by)]
    if options.plot:
        write_plot([(_title(line, len(folders) > 1), line.metric, line.mean) for line in lines], options.plot)
    _show_means(lines, options.by, len(folders) > 1, as_json)
    return 0


def _metrics(table: ScoreTable) -> dict[tuple[str, str], Metric]:
    """Return the metrics that there are scores of, in the order of their scorers."""
    there = dict.fromkeys((group.scorer, group.metric) for group in table.groups_here)
    return {key: table.metrics.get(key, _unknown(key[1])) for key in there}


def _unknown(name: str) -> Metric:
    return Metric(name, "", "", (None, None), None)


def _lines(table: ScoreTable, by: Sequence[By]) -> Iterator[Line]:
    some_faulty = bool(table.faulty.any())
    for (scorer, name), metric in _metrics(table).items():
        for labels, rows in table.parts(table.of_metric(scorer, name), by):
            mean = mean_of(table.sums(rows), metric.scale)
            sound = mean_of(table.sums(rows & ~table.faulty), metric.scale) if some_faulty else None
            yield Line(table.run, scorer, metric, labels, mean, sound)


def _differences(first: ScoreTable, second: ScoreTable, by: Sequence[By]) -> Iterator[Difference]:
    shared = _metrics(second)
    for (scorer, name), metric in _metrics(first).items():
        if (scorer, name) not in shared:
            continue
        parts = [dict(table.parts(table.of_metric(scorer, name), by)) for table in (first, second)]
        for labels in parts[0].keys() & parts[1].keys() if by else [()]:
            one, other = first.sums(parts[0][labels]), second.sums(parts[1][labels])
            means = mean_of(one, metric.scale), mean_of(other, metric.scale)
            comparison = compared(one, other, metric.scale)
            yield Difference(scorer, metric, labels, means, comparison, comparison.wilcoxon_p)


def _adjusted(differences: Sequence[Difference]) -> Iterator[Difference]:
    raw = [difference.p for difference in differences if difference.p is not None]
    adjusted = iter(holm(raw))
    for difference in differences:
        p = None if difference.p is None else next(adjusted)
        yield Difference(**vars(difference) | {"p": p})


def _show_means(lines: Sequence[Line], by: Sequence[By], several: bool, as_json: bool) -> None:
    if as_json:
        print_json([_line_json(line, by) for line in lines])
        return
    faults = any(line.sound for line in lines)
    columns = [*(["run"] if several else []), "metric", *by, "mean", "95 % interval", "scored", "clusters", "unit"]
    table = _table(
        [*columns, "without simulator's faults"] if faults else columns, right=("mean", "scored", "clusters")
    )
    last = None
    for line in lines:
        if line.scorer != last:
            last = line.scorer
            table.add_row(*[safe("")] * (1 if several else 0), safe(line.scorer, "bold"))
        cells = [*([_run(line.run)] if several else []), f"  {line.metric.name}", *line.labels, *_cells(line.mean)]
        table.add_row(*(safe(one_line(cell, 80)) for cell in [*cells, line.metric.unit, *_sound(line.sound)]))
    screen = Screen()
    screen.print(table)
    screen.print(safe(_footnote(lines), "dim"))


def _table(columns: Sequence[str], right: Sequence[str]) -> Table:
    table = Table(box=None, pad_edge=False)
    for column in columns:
        table.add_column(column, justify="right" if column in right else "left")
    return table


def _cells(mean: Mean) -> list[str]:
    return [_number(mean.value), _interval(mean), f"{mean.valid}/{mean.attempted}", f"{mean.clusters} {mean.by}"]


def _sound(mean: Mean | None) -> list[str]:
    return [] if mean is None else [f"{_number(mean.value)} {_interval(mean)} {mean.valid}/{mean.attempted}"]


def _number(value: float | None) -> str:
    return "—" if value is None else f"{value:.3f}" if abs(value) < 100 else f"{value:.1f}"


def _interval(mean: Mean | Comparison) -> str:
    return "—" if mean.low is None else f"[{_number(mean.low)}, {_number(mean.high)}]"


def _run(run: str) -> str:
    return Path(run).name


def _title(line: Line, several: bool) -> str:
    return " · ".join([*line.labels, *([_run(line.run)] if several else [])]) or "all"


def _footnote(lines: Sequence[Line]) -> str:
    """Say how to read the table."""
    text = "scored: scores with a value / all. Intervals are clustered by scenario (the variant)"
    if any(line.mean.by == "episodes" for line in lines):
        text += "; where there is one alone, by episode, and then hold for that scenario only"
    if any(line.mean.value is not None and line.mean.low is None for line in lines):
        text += "; — where nothing tells the spread"
    return text + "."


def _line_json(line: Line, by: Sequence[By]) -> dict[str, Any]:
    labels = dict(zip(by, line.labels, strict=True))
    sound = {"without_simulator_faults": asdict(line.sound)} if line.sound else {}
    facts = {"run": line.run, "scorer": line.scorer, "metric": line.metric.name, "unit": line.metric.unit}
    return facts | labels | asdict(line.mean) | sound


def _show_differences(
    differences: Sequence[Difference], folders: Sequence[Path], by: Sequence[By], as_json: bool
) -> None:
    if as_json:
        print_json([_difference_json(difference, folders, by) for difference in differences])
        return
    screen = Screen()
    for letter, folder in zip("AB", folders, strict=True):
        screen.print(safe(f"{letter}: {folder}", "dim"), soft_wrap=True)
    columns = ["metric", *by, "A", "B", "B − A", "95 % interval", "p", "pairs", "finding"]
    table = _table(columns, right=("A", "B", "B − A", "p", "pairs"))
    for one in differences:
        means = [_number(mean.value) for mean in one.means]
        p = "—" if one.p is None else f"{one.p:.3f}"
        difference = [_number(one.comparison.difference), _interval(one.comparison), p, str(one.comparison.pairs)]
        cells = [one.metric.name, *one.labels, *means, *difference, _finding(one)]
        table.add_row(*(safe(one_line(cell, 80)) for cell in cells))
    screen.print(table)
    screen.print(safe("\n".join(_left_out(differences)), "dim"))


def _finding(one: Difference) -> str:
    """Return what may be said of two runs: which is higher only where the interval leaves 0 out."""
    comparison = one.comparison
    if comparison.difference is None:
        return "nothing to compare"
    if comparison.separable:
        higher, lower = ("B", "A") if comparison.difference > 0 else ("A", "B")
        best = {"higher": f"; {higher} is better", "lower": f"; {lower} is better"}.get(one.metric.better or "", "")
        return f"{higher} is higher{best}"
    more = f"; about {comparison.more_episodes} more episodes needed" if comparison.more_episodes else ""
    return f"not separable{more}"


def _left_out(differences: Sequence[Difference]) -> Iterator[str]:
    """Yield how to read the table, and what is not in it."""
    yield "Pairs are episodes of one variant and one seed that both runs played. p: Wilcoxon's test on the scenarios'"
    yield "differences, two-sided, adjusted for all lines (Holm). The interval decides what is separable."
    unpaired = [(one.comparison.unscored, one.comparison.only_first, one.comparison.only_second) for one in differences]
    without, first, second = (
        (max(counts, default=0) for counts in zip(*unpaired, strict=True)) if unpaired else (0, 0, 0)
    )
    if without or first or second:
        yield f"Not paired, at most: {without} without a value in one of them, {first} in A alone, {second} in B alone."


def _difference_json(one: Difference, folders: Sequence[Path], by: Sequence[By]) -> dict[str, Any]:
    labels = dict(zip(by, one.labels, strict=True))
    facts = {"scorer": one.scorer, "metric": one.metric.name, "unit": one.metric.unit}
    runs = {"runs": [str(folder) for folder in folders], "means": [asdict(mean) for mean in one.means]}
    return facts | labels | runs | asdict(one.comparison) | {"p_holm": one.p, "finding": _finding(one)}


def _show_confusions(folders: Sequence[Path], as_json: bool) -> None:
    """Print, for every run, who was taken for whom by the scorer `voice`. Raises `InputRefused`."""
    found = {str(folder): _confusion(folder) for folder in folders}
    if as_json:
        print_json(found)
        return
    screen = Screen()
    for run, taken in found.items():
        names = list(dict.fromkeys([*taken, *(name for counts in taken.values() for name in counts)]))
        heads = [f"taken for {name}" for name in names]
        table = _table(["lines of", *heads], right=heads)
        for name, counts in taken.items():
            table.add_row(*(safe(one_line(cell, 80)) for cell in [name, *(str(counts[other]) for other in names)]))
        screen.print(safe(run, "bold"), soft_wrap=True)
        screen.print(table)


def _confusion(folder: Path) -> dict[str, Counter[str]]:
    with closing(Record(folder)) as record:
        judged = [scorer.id for scorer in record.scorers() if scorer.name == Voice.name]
        if not judged:
            raise refuse("nobody's voice was judged here; do it with: rolestage score RUN --scorer voice", str(folder))
        whole = max(judged, key=lambda scorer: len(record.judged(scorer)))  # a run that grew has several
        scores = [score for state in record.states() for score in record.scores(whole, state.id)]
    return confusion(scores)
