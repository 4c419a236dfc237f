"""Figures as text, as JSON, and in a table that fits the terminal: there, what is worth least goes first."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from string import ascii_uppercase
from typing import Any

from rich.cells import cell_len
from rich.table import Table

from sandbox.score_table import By, Names, ScoreTable
from sandbox.screen import Screen, safe
from scenes.clean import one_line
from scorers.base import Metric
from scorers.statistics import Comparison, Mean

LEVELS = 4
"""Of detail: all, without units, short of what can be spared, and with narrow gaps besides."""
EVERYWHERE = range(LEVELS)


@dataclass(frozen=True)
class Column:
    """A column of a table."""

    head: str
    number: bool = False
    """To the right, and never broken."""
    levels: range = EVERYWHERE
    """Of detail at which it is shown."""
    whole: bool = False
    """Never broken, as numbers are."""


Row = Sequence[str]
"""A cell for each column; or one cell alone, which is a heading."""


def print_table(screen: Screen, columns: Sequence[Column], rows: Sequence[Row]) -> None:
    """Print `rows` with as much detail as fits the screen; texts are broken only where even the least does not."""
    tables = [_table(columns, rows, level) for level in EVERYWHERE]
    screen.print(next((table for table, width in tables if width <= screen.width), tables[-1][0]))


def _table(columns: Sequence[Column], rows: Sequence[Row], level: int) -> tuple[Table, int]:
    """Return the table at a level of detail, and how wide it is where nothing is broken."""
    kept = [at for at, column in enumerate(columns) if level in column.levels]
    gap = 1 if level == LEVELS - 1 else 2
    table = Table(box=None, pad_edge=False, padding=(0, gap, 0, 0))
    for column in (columns[at] for at in kept):
        whole = column.number or column.whole
        table.add_column(column.head, justify="right" if column.number else "left", no_wrap=whole, overflow="fold")
    width = gap * (len(kept) - 1)
    shown = [[*row] if len(row) == 1 else [_cell(row[at]) for at in kept] for row in rows]
    for row in shown:
        table.add_row(*(safe(cell, "bold" if len(row) == 1 else "") for cell in row))
    for place, at in enumerate(kept):
        cells = [line for row in shown if place < len(row) for line in row[place].splitlines()]
        width += max(map(cell_len, [*cells, *columns[at].head.splitlines()]))
    return table, width


def _cell(text: str) -> str:
    return text[: len(text) - len(text.lstrip())] + one_line(text, 200)


def number(value: float | None) -> str:
    """Return a figure with three decimals, or fewer where it is large; a dash where there is none."""
    if value is None:
        return "—"
    return f"{value:.3g}" if abs(value) >= 1e6 else f"{value:.1f}" if abs(value) >= 100 else f"{value:.3f}"


def interval(of: Mean | Comparison) -> str:
    """Return the 95 % interval of a figure; a dash where nothing tells the spread."""
    return "—" if of.low is None else f"[{number(of.low)}, {number(of.high)}]"


def counted(count: int, what: str) -> str:
    """Return `1 episode`, `2 episodes`."""
    return f"{count} {what}{'' if count == 1 else 's'}"


def metric_name(metric: Metric) -> str:
    """Return what a metric is called, with a mark where less of it is better."""
    return one_line(metric.name) + (f" {LOWER}" if metric.better == "lower" else "")


LOWER = "↓"


def lower_note(metrics: Sequence[Metric]) -> str:
    """Return what the mark means, if it is there."""
    return f" {LOWER}: lower is better." if any(metric.better == "lower" for metric in metrics) else ""


def metric_json(metric: Metric) -> dict[str, Any]:
    """Return what a script is told of a metric."""
    return {"metric": metric.name, "unit": metric.unit, "meaning": metric.meaning, "better": metric.better}


def labels_json(by: Sequence[By], labels: Sequence[str], names: Names) -> dict[str, str]:
    """Return what a line is about; of a scenario also its variant, as it is called in the store."""
    told: dict[str, str] = dict(zip(by, labels, strict=True))
    return told | ({"variant": names.told[told["scenario"]].variant} if "scenario" in told else {})


def figures_json(figures: Mean | Comparison, names: Names) -> dict[str, Any]:
    """Return figures, and what their interval is clustered by."""
    by = "clusters" if names.shared and figures.by == "scenarios" else figures.by
    return asdict(figures) | {"by": by}


def letter(at: int) -> str:
    """Return what a run is called in a table of several."""
    return ascii_uppercase[at] if at < len(ascii_uppercase) else str(at + 1)


def print_runs(screen: Screen, tables: Sequence[ScoreTable]) -> None:
    """Print which runs the figures are of, each on a line, with its letter where there are several."""
    for at, table in enumerate(tables):
        lead = f"{letter(at)}: " if len(tables) > 1 else ""
        screen.print(safe(f"{lead}{one_line(table.title)} · {one_line(table.run, 1_000)}", "dim"), soft_wrap=True)


def print_coverage(screen: Screen, tables: Sequence[ScoreTable]) -> None:
    """Print what the figures are not of: episodes that failed, and those that a scorer has not judged."""
    for at, table in enumerate(tables):
        lead = f"{letter(at)}: " if len(tables) > 1 else ""
        for line in _uncovered(table):
            screen.print(safe(f"{lead}{line}", "bold"), soft_wrap=True)


def _uncovered(table: ScoreTable) -> list[str]:
    whole = counted(len(table.episodes), "episode")
    lines = [f"{table.failed} of {whole} of the run failed"] if table.failed else []
    for scorer, covered in table.scorers.items():
        if covered.judged != len(table.episodes):
            failed = f", {covered.failed} failed" if covered.failed else ""
            lines.append(f"{scorer} — {covered.judged} of {whole} judged{failed}")
    return lines
