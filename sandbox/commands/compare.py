"""`rolestage scores --compare`: whether two runs differ, on the episodes that both played."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from sandbox.score_table import By, Coverage, Ints, ScoreTable, unvalued, within_reach
from sandbox.score_text import (
    Column,
    Row,
    counted,
    figures_json,
    interval,
    labels_json,
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
from scorers.base import Metric
from scorers.statistics import Comparison, Scale, Sums, compared, holm

LEVEL = 0.05
RUNS = "AB"


@dataclass(frozen=True)
class Difference:
    """Two runs compared by a metric."""

    scorers: tuple[str, str]
    """Of each run the one that judged it: the same, or two that have learned from different runs."""
    metric: Metric
    labels: tuple[str, ...]
    means: tuple[float | None, float | None]
    """Of each run over the pairs, of which every one counts once."""
    comparison: Comparison
    adjusted: float | None
    """The p of Wilcoxon's test, adjusted for all lines of the table (Holm)."""


class Apart(NamedTuple):
    """What is not compared, because it is in one run alone."""

    scorer: str
    metric: str | None
    labels: tuple[str, ...]
    why: str

    def __str__(self) -> str:
        metric = f"{self.metric} of " if self.metric else ""
        part = f" for {' · '.join(self.labels)}" if self.labels else ""
        return one_line(f"{metric}{self.scorer}{part} ({self.why})", 200)


Found = list[Difference | Apart]


def compare(first: ScoreTable, second: ScoreTable, by: Sequence[By], as_json: bool) -> None:
    """Print how two runs differ, and what of them cannot be compared."""
    found = list(_found(first, second, by))
    differences = _adjusted([one for one in found if isinstance(one, Difference)])
    apart = [one for one in found if isinstance(one, Apart)]
    if as_json:
        lines = [_difference_json(one, (first, second), by, len(differences)) for one in differences]
        print_json([*lines, *(_apart_json(one, (first, second), by) for one in apart)])
        return
    screen = Screen()
    print_runs(screen, (first, second))
    if differences:
        print_table(screen, _columns(by), list(_rows(differences)))
    print_coverage(screen, (first, second))
    if apart:
        screen.print(safe(f"Not compared: {', '.join(map(str, apart))}."), soft_wrap=True)
    screen.print(safe("\n".join(_footnotes(differences, first)), "dim"))


def _found(first: ScoreTable, second: ScoreTable, by: Sequence[By]) -> Iterator[Difference | Apart]:
    whole = [_by_judgement(table.scorers) for table in (first, second)]
    for run, table, mine, others in zip(RUNS, (first, second), whole, whole[::-1], strict=True):
        for scorer, covered in table.scorers.items():
            if _judgement(covered) not in others:
                yield Apart(scorer, None, (), f"{run} alone")
            elif mine[_judgement(covered)] != scorer:
                yield Apart(scorer, None, (), f"{run}, where another has judged more")
    for judgement, scorer in whole[0].items():
        if judgement in whole[1]:
            yield from _by_metric(first, second, (scorer, whole[1][judgement]), by)


def _by_judgement(scorers: Mapping[str, Coverage]) -> dict[str, str]:
    """Return the scorers by what they are; of a run that grew, the one that judged most of it."""
    whole = sorted(scorers.items(), key=lambda scorer: scorer[1].judged)
    return {_judgement(covered): scorer for scorer, covered in whole}


def _judgement(covered: Coverage) -> str:
    """Return what two scorers have in common that differ at most by what they have learned from."""
    facts = json.loads(covered.row.facts)
    code = facts.get("code", {}).get("sha256")
    return json.dumps([covered.row.name, facts.get("version"), facts.get("options"), code], sort_keys=True)


def _by_metric(
    first: ScoreTable, second: ScoreTable, scorers: tuple[str, str], by: Sequence[By]
) -> Iterator[Difference | Apart]:
    mine, theirs = (
        {name: metric for (of, name), metric in table.metrics.items() if of == scorer}
        for table, scorer in zip((first, second), scorers, strict=True)
    )
    for name, metric in mine.items():
        if name in theirs:
            yield from _by_part(first, second, scorers, metric, by)
        else:
            yield Apart(scorers[0], name, (), "A alone")
    yield from (Apart(scorers[1], name, (), "B alone") for name in theirs if name not in mine)


def _by_part(
    first: ScoreTable, second: ScoreTable, scorers: tuple[str, str], metric: Metric, by: Sequence[By]
) -> Iterator[Difference | Apart]:
    mine, theirs = (
        dict(table.parts(table.of_metric(scorer, metric.name), by))
        for table, scorer in zip((first, second), scorers, strict=True)
    )
    for labels, rows in mine.items():
        if labels in theirs:
            yield _difference(first.sums(rows), second.sums(theirs[labels]), scorers, metric, labels)
        else:
            yield Apart(scorers[0], metric.name, labels, "A alone")
    yield from (Apart(scorers[1], metric.name, labels, "B alone") for labels in theirs if labels not in mine)


def _difference(
    first: Sums, second: Sums, scorers: tuple[str, str], metric: Metric, labels: tuple[str, ...]
) -> Difference:
    comparison = _compared(first, second, metric.scale)
    means = (None, None) if comparison.difference is None else _means_of_pairs(first, second)
    return Difference(scorers, metric, labels, means, comparison, comparison.wilcoxon_p)


def _compared(first: Sums, second: Sums, scale: Scale) -> Comparison:
    """Compare two runs; where their sums are past all numbers, count their pairs."""
    if within_reach(first) and within_reach(second):
        return compared(first, second, scale)
    pairs = compared(unvalued(first), unvalued(second), scale)
    return replace(pairs, difference=None, low=None, high=None, wilcoxon_p=None, separable=False, more_episodes=None)


def _means_of_pairs(first: Sums, second: Sums) -> tuple[float, float]:
    """Return the mean of each run over the episodes that have a value in both, each of which counts once.

    There is one such at least.
    """
    count = max(int(sums.episode.max(initial=0)) for sums in (first, second)) + 1
    valid = [np.bincount(sums.episode, sums.valid, count) for sums in (first, second)]
    both: Ints = np.flatnonzero((valid[0] > 0) & (valid[1] > 0))
    totals = [np.bincount(sums.episode, sums.total, count) for sums in (first, second)]
    one, other = (float(np.mean(total[both] / of[both])) for total, of in zip(totals, valid, strict=True))
    return one, other


def _adjusted(differences: Sequence[Difference]) -> list[Difference]:
    adjusted = iter(holm([one.adjusted for one in differences if one.adjusted is not None]))
    return [one if one.adjusted is None else replace(one, adjusted=next(adjusted)) for one in differences]


def _columns(by: Sequence[By]) -> list[Column]:
    return [
        Column("metric"),
        *(Column(label) for label in by),
        *(Column(head, number=True) for head in ("A", "B", "B − A")),
        Column("95 % interval", whole=True),
        Column("p", number=True),
        Column("adjusted", number=True, levels=range(2)),
        Column("pairs", number=True),
        Column("finding"),
    ]


def _rows(differences: Sequence[Difference]) -> Iterator[Row]:
    last = None
    for one in differences:
        if one.scorers != last:
            last = one.scorers
            yield [_heading(*one.scorers)]
        of = one.comparison
        figures = [
            *map(number, one.means),
            number(of.difference),
            interval(of),
            *map(number, (of.wilcoxon_p, one.adjusted)),
        ]
        said = finding(of, one.metric, one.adjusted, len(differences))
        yield [f"  {metric_name(one.metric)}", *one.labels, *figures, str(of.pairs), said]


def _heading(first: str, second: str) -> str:
    return first if first == second else f"{first} (A)\n{second} (B)"


def finding(comparison: Comparison, metric: Metric, adjusted: float | None, lines: int) -> str:
    """Return what may be said of two runs: which is higher only where the interval leaves 0 out.

    Where it does, and a p of Wilcoxon's test does not bear it out, that is said too.
    """
    if comparison.difference is None:
        return "nothing to compare"
    if not comparison.separable:
        more = comparison.more_episodes
        return "not separable" + (f"; about {counted(more, 'more episode')} needed" if more else "")
    higher, lower = ("B", "A") if comparison.difference > 0 else ("A", "B")
    best = {"higher": f"; {higher} is better", "lower": f"; {lower} is better"}.get(metric.better or "", "")
    return f"{higher} is higher{best}{_doubt(comparison.wilcoxon_p, adjusted, lines)}"


def _doubt(p: float | None, adjusted: float | None, lines: int) -> str:
    if p is None or adjusted is None or adjusted < LEVEL:
        return ""
    return f" (p {number(p)}, {number(adjusted)} adjusted for {counted(lines, 'line')})"


def _footnotes(differences: Sequence[Difference], table: ScoreTable) -> Iterator[str]:
    """Yield how to read the table, and what is not in it."""
    cluster = "clusters" if table.names.shared else "scenarios"
    yield (
        "Pairs: episodes of one variant and one seed that both runs played. A and B are means over the pairs, each of "
        "which counts once; those over all scores are told without --compare."
    )
    yield (
        "The interval decides what is separable; it and p are of each line alone, and adjusted is p for as many lines "
        f"as there are (Holm). p: Wilcoxon's test on the differences of {cluster}, two-sided."
        f"{lower_note([one.metric for one in differences])}"
    )
    if any(one.scorers[0] != one.scorers[1] for one in differences):
        yield "Where two scorers stand over figures, each learned from its own run."
    counts = [(one.comparison.unscored, one.comparison.only_first, one.comparison.only_second) for one in differences]
    without, first, second = (max((count[at] for count in counts), default=0) for at in range(3))
    if without or first or second:
        yield f"Not paired, at most: {without} without a value in one of them, {first} in A alone, {second} in B alone."


Tables = tuple[ScoreTable, ScoreTable]


def _difference_json(one: Difference, tables: Tables, by: Sequence[By], lines: int) -> dict[str, Any]:
    names = tables[0].names
    about = {"scorer": one.scorers[0]} | metric_json(one.metric) | labels_json(by, one.labels, names)
    p = {"p_holm": one.adjusted, "finding": finding(one.comparison, one.metric, one.adjusted, lines)}
    figures = {"means": one.means} | figures_json(one.comparison, names)
    return about | _coverage_json(one.scorers, tables) | figures | p


def _coverage_json(scorers: tuple[str, str], tables: Tables) -> dict[str, Any]:
    """Return of both runs how much of them was judged."""
    pairs = list(zip(tables, scorers, strict=True))
    return {
        "runs": [table.run for table in tables],
        "scorers": scorers,
        "judged": [table.scorers[scorer].judged for table, scorer in pairs],
        "failed": [table.scorers[scorer].failed for table, scorer in pairs],
        "episodes": [len(table.episodes) for table in tables],
        "episodes_failed": [table.failed for table in tables],
    }


def _apart_json(one: Apart, tables: Tables, by: Sequence[By]) -> dict[str, Any]:
    facts = {"scorer": one.scorer, "metric": one.metric, "difference": None, "pairs": 0, "separable": False}
    labels = labels_json(by, one.labels, tables[0].names) if one.labels else {}
    return facts | labels | {"finding": f"not compared ({one.why})"}
