"""Scores as files for other programs: every single score as CSV or Parquet, means with their intervals as a picture."""

import csv
import json
import warnings
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from sandbox.record import Record
from scenes.clean import one_line
from scenes.problem import refuse
from scorers.base import Metric
from scorers.statistics import Mean

COLUMNS = {
    "run": "string", "title": "string", "scorer": "string", "episode": "int64", "kind": "string",
    "scenario": "string", "seed": "int64", "metric": "string", "character": "string", "model": "string",
    "cause": "string", "value": "double", "reason": "string", "events": "string", "calls": "string",
}  # fmt: skip
"""Of every file, with their types in Arrow; events and calls are lists as JSON has them, so that no reader takes those
of one event for numbers."""
AT_ONCE = 20_000
"""Rows held in memory while a file is written."""
BAR_INCHES = 0.3
TABLES = (".csv", ".parquet")
PLOTS = (".png", ".svg")
FONTS = (
    "DejaVu Sans", "Noto Sans CJK SC", "Noto Sans CJK JP", "Noto Sans SC", "Source Han Sans SC", "WenQuanYi Zen Hei",
    "WenQuanYi Micro Hei", "Microsoft YaHei", "SimHei", "PingFang SC", "Hiragino Sans GB", "Arial Unicode MS",
)  # fmt: skip
"""In which a plot is written, those that the machine has: the first for most, the others for Chinese names."""

Row = tuple[Any, ...]
Write = Callable[[Sequence[Row]], None]


def check_table(file: Path) -> None:
    """Raise `InputRefused` if scores cannot be written in the format that the ending of `file` names."""
    if file.suffix not in TABLES:
        raise refuse("scores are written as .csv or .parquet; give the file one of these endings.", str(file))


def check_plot(file: Path) -> None:
    """Raise `InputRefused` if a plot cannot be drawn in the format that the ending of `file` names."""
    if file.suffix not in PLOTS:
        raise refuse("plots are drawn as .png or .svg; give the file one of these endings.", str(file))


def write_scores(folders: Sequence[Path], wanted: Collection[str], file: Path) -> None:
    """Write every score of the runs, one a row, as the ending of `file` says. Raises `InputRefused`."""
    check_table(file)
    with _writable(file), (_csv if file.suffix == ".csv" else _parquet)(file) as write:
        rows = (row for folder in folders for row in _rows(folder, wanted))
        while chunk := list(islice(rows, AT_ONCE)):
            write(chunk)


def _rows(folder: Path, wanted: Collection[str]) -> Iterator[Row]:
    with closing(Record(folder)) as record:
        title = str(record.meta().get("title", ""))
        scorers = [one.id for one in record.scorers() if not wanted or {one.id, one.name} & {*wanted}]
        about = {scorer: {row[0]: row[1:3] for row in record.sums(scorer)} for scorer in scorers}
        for state in record.states():
            for scorer in scorers:
                kind, groups = about[scorer].get(state.id, ("", "[]"))
                models = _models(groups)
                for score in record.scores(scorer, state.id):
                    model = models.get((score.metric, score.character, score.cause), "")
                    lists = json.dumps(score.events), json.dumps(score.calls, ensure_ascii=False)
                    facts = score.metric, score.character, model, score.cause, score.value, score.reason
                    place = state.id, kind, state.variant_id, state.seed
                    yield folder.name, title, scorer, *place, *facts, *lists


@lru_cache(maxsize=10_000)
def _models(groups: str) -> Mapping[tuple[str, str | None, str | None], str]:
    """Return which model speaks in each group of scores, as a row of verdicts has them."""
    return {(metric, character, cause): model for metric, character, model, cause in json.loads(groups)}


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


class Bar(NamedTuple):
    """A mean as it is drawn."""

    title: str
    metric: Metric
    mean: Mean


def write_plot(bars: Sequence[Bar], file: Path) -> None:
    """Draw means with their 95 % intervals, a panel for each metric, as PNG or SVG. Raises `InputRefused`."""
    check_plot(file)
    panels: dict[Metric, list[Bar]] = {}
    for bar in bars:
        panels.setdefault(bar.metric, []).append(bar)
    with _writable(file), _foreign_text():
        _figure(list(panels.values())).savefig(file, dpi=150)


@contextmanager
def _foreign_text() -> Iterator[None]:
    """Let texts be drawn as they are: no formulas, the fonts that there are, and no words about letters they lack."""
    from matplotlib import rc_context
    from matplotlib.font_manager import fontManager

    there = {font.name for font in fontManager.ttflist}
    fonts = [name for name in FONTS if name in there] or ["sans-serif"]
    settings: dict[Any, Any] = {"font.family": fonts, "text.parse_math": False, "svg.fonttype": "none"}
    with rc_context(settings), warnings.catch_warnings():
        warnings.filterwarnings("ignore", r"(?s)Glyph .* missing from font")
        yield


def _figure(panels: Sequence[Sequence[Bar]]) -> Any:
    from matplotlib.figure import Figure

    heights = [len(panel) + 1.5 for panel in panels]
    figure = Figure((8, BAR_INCHES * sum(heights) + 0.5), layout="constrained")
    if panels:
        axes = figure.subplots(len(panels), 1, squeeze=False, height_ratios=heights)
        for axis, panel in zip(axes[:, 0], panels, strict=True):
            _draw(axis, panel)
    return figure


def _draw(axis: Any, panel: Sequence[Bar]) -> None:
    """Draw the means of one metric as bars, first on top."""
    metric = panel[0].metric
    known = [(title, mean, mean.value) for title, _, mean in panel if mean.value is not None]
    values = [value for _, _, value in known]
    # A mean whose spread nothing tells has no whiskers, which are not the same as whiskers of no length.
    spread = [
        (value - mean.low, mean.high - value) if mean.low is not None and mean.high is not None else (float("nan"),) * 2
        for _, mean, value in known
    ]
    labels = [f"{one_line(title, 100)}  ({mean.valid}/{mean.attempted})" for title, mean, _ in known]
    axis.barh(range(len(known)), values, xerr=list(zip(*spread, strict=True)) or None, color="#7f9fbf", capsize=3)
    axis.set_yticks(range(len(known)), labels)
    axis.invert_yaxis()
    name, unit = one_line(metric.name), one_line(metric.unit, 40)
    axis.set_title(name + (f" ({unit})" if unit else ""), loc="left", fontsize="medium")
    axis.set_xlim(*metric.scale)
