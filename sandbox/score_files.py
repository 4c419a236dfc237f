"""Scores as files for other programs: every single score as CSV or Parquet, means with their intervals as a picture."""

import csv
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import closing, contextmanager
from itertools import groupby, islice
from pathlib import Path
from typing import Any

from sandbox.record import Record
from scenes.clean import one_line
from scenes.problem import refuse
from scorers.base import Metric
from scorers.statistics import Mean

COLUMNS = {
    "run": "string", "scorer": "string", "episode": "int64", "scenario": "string", "seed": "int64",
    "metric": "string", "character": "string", "cause": "string", "value": "double", "reason": "string",
    "events": "string", "calls": "string",
}  # fmt: skip
"""Of every file, with their types in Arrow; events and calls are lists with a blank between."""
AT_ONCE = 20_000
"""Rows held in memory while a file is written."""
BAR_INCHES = 0.3

Row = tuple[Any, ...]
Write = Callable[[Sequence[Row]], None]


def write_scores(folders: Sequence[Path], wanted: Collection[str], file: Path) -> None:
    """Write every score of the runs, one a row, as the ending of `file` says. Raises `InputRefused`."""
    writers = {".csv": _csv, ".parquet": _parquet}
    if file.suffix not in writers:
        raise refuse("scores are written as .csv or .parquet; give the file one of these endings.", str(file))
    with _writable(file), writers[file.suffix](file) as write:
        rows = (row for folder in folders for row in _rows(folder, wanted))
        while chunk := list(islice(rows, AT_ONCE)):
            write(chunk)


def _rows(folder: Path, wanted: Collection[str]) -> Iterator[Row]:
    with closing(Record(folder)) as record:
        scorers = [one.id for one in record.scorers() if not wanted or {one.id, one.name} & {*wanted}]
        for state in record.states():
            about = state.id, state.variant_id, state.seed
            for scorer in scorers:
                for score in record.scores(scorer, state.id):
                    lists = " ".join(map(str, score.events)), " ".join(score.calls)
                    facts = score.metric, score.character, score.cause, score.value, score.reason
                    yield folder.name, scorer, *about, *facts, *lists


@contextmanager
def _csv(file: Path) -> Iterator[Write]:
    with open(file, "w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(COLUMNS)
        yield writer.writerows


@contextmanager
def _parquet(file: Path) -> Iterator[Write]:
    import pyarrow
    from pyarrow.parquet import ParquetWriter

    schema = pyarrow.schema([(name, getattr(pyarrow, kind, pyarrow.float64)()) for name, kind in COLUMNS.items()])
    with ParquetWriter(file, schema) as writer:

        def write(rows: Sequence[Row]) -> None:
            writer.write_table(pyarrow.table([list(column) for column in zip(*rows, strict=True)], schema=schema))

        yield write


@contextmanager
def _writable(file: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise refuse(f"the file cannot be written ({error.strerror}); name another.", str(file)) from None


def write_plot(bars: Sequence[tuple[str, Metric, Mean]], file: Path) -> None:
    """Draw means with their 95 % intervals, a panel for each metric, as PNG or SVG. Raises `InputRefused`.

    `bars` gives the title of each bar; those of one metric follow each other.
    """
    from matplotlib.figure import Figure

    if file.suffix not in (".png", ".svg"):
        raise refuse("plots are drawn as .png or .svg; give the file one of these endings.", str(file))
    panels = [list(panel) for _, panel in groupby(bars, key=lambda bar: bar[1])]
    heights = [len(panel) + 1.5 for panel in panels]
    figure = Figure((8, BAR_INCHES * sum(heights) + 0.5), layout="constrained")
    axes = figure.subplots(len(panels), 1, squeeze=False, height_ratios=heights)
    for axis, panel in zip(axes[:, 0], panels, strict=True):
        _draw(axis, panel)
    with _writable(file):
        figure.savefig(file, dpi=150)


def _draw(axis: Any, panel: Sequence[tuple[str, Metric, Mean]]) -> None:
    """Draw the means of one metric as bars, first on top."""
    metric = panel[0][1]
    known = [(title, mean, mean.value) for title, _, mean in panel if mean.value is not None]
    values = [value for _, _, value in known]
    # A mean whose spread nothing tells has no whiskers, which are not the same as whiskers of no length.
    spread = [
        (value - mean.low, mean.high - value) if mean.low is not None and mean.high is not None else (float("nan"),) * 2
        for _, mean, value in known
    ]
    labels = [f"{one_line(title, 50)}  ({mean.valid}/{mean.attempted})".replace("$", r"\$") for title, mean, _ in known]
    axis.barh(range(len(known)), values, xerr=list(zip(*spread, strict=True)) or None, color="#7f9fbf", capsize=3)
    axis.set_yticks(range(len(known)), labels)
    axis.invert_yaxis()
    axis.set_title(f"{metric.name}" + (f" ({metric.unit})" if metric.unit else ""), loc="left", fontsize="medium")
    axis.set_xlim(*metric.scale)
