"""From reviews to MMRole's tables: ratios, means of a file, the rows of Table 5, and what was published of them.

The rules are those of eval/RM_review.py and of Table 5 (MMRole, arXiv:2408.04203): a score is that of the evaluated
answer over that of the reference; a file's is the mean over its samples; a test set's the plain mean of its three
scenarios; a row is 0.75 of the in-distribution set and 0.25 of the other; Overall is the plain mean of the eight, not
rounded before. They reproduce every figure that was published, which pooling all samples does not.

Samples without an answer or a readable review are left out of a mean, as they were there, but never out of sight:
beside every mean stands of how many samples it is, and how many there are.
"""

import csv
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from io import StringIO
from math import fsum, isfinite
from pathlib import Path
from typing import Literal

from scenes.clean import one_line
from scenes.problem import InputRefused, Problem, refuse
from scorers.mmrole.metrics import METRICS
from scorers.mmrole.records import Sample

NAMES = tuple(metric.name for metric in METRICS)
"""The columns of the published files, in their order."""
OVERALL = "Overall"
IN_SHARE = 0.75
"""The weight of the in-distribution test set; the other has the rest."""
PUBLISHED = "table5.csv"
"""Table 5 of the paper, and where it was read."""
COUNT = "count"
Part = Literal["all", "in", "out"]


@dataclass(frozen=True, slots=True)
class Average:
    """A mean of ratios, with its coverage."""

    value: float | None
    """1 is as good as the reference; None without a sample."""
    n: int
    """Samples that it is the mean of."""
    of: int
    """Samples that there are."""


Row = Mapping[str, Average]
"""A line of a table: the eight metrics by their English names, in the published order."""


def ratio(score: tuple[float, float] | None) -> float | None:
    """Return the score of a sample on one metric; None where it was not judged, or its reference was given nothing."""
    if score is None or not score[1]:
        return None
    return score[0] / score[1]


def row_of(samples: Sequence[Sample]) -> Row:
    """Return the means of the samples of a file."""
    return {name: _mean([ratio(_score(sample, name)) for sample in samples]) for name in NAMES}


def _score(sample: Sample, name: str) -> tuple[float, float] | None:
    review = (sample.rm_review or {}).get(name)
    return review.score if review and sample.answered else None


def _mean(values: Sequence[float | None]) -> Average:
    known = [value for value in values if value is not None]
    return Average(fsum(known) / len(known) if known else None, len(known), len(values))


def mean_of(rows: Sequence[Row]) -> Row:
    """Return the plain mean of rows, as of the three scenarios of a test set."""
    return {name: _weighted([row[name] for row in rows], [1 / len(rows)] * len(rows)) for name in NAMES}


def both_sets(inside: Row, outside: Row) -> Row:
    """Return the row of Table 5 from those of the two test sets."""
    return {name: _weighted([inside[name], outside[name]], [IN_SHARE, 1 - IN_SHARE]) for name in NAMES}


def _weighted(parts: Sequence[Average], weights: Sequence[float]) -> Average:
    """Return the weighted sum; None if a part has no value, for the rest would be another thing."""
    values = [part.value for part in parts if part.value is not None]
    whole = len(values) == len(parts)
    value = fsum(weight * value for weight, value in zip(weights, values, strict=True)) if whole else None
    return Average(value, sum(part.n for part in parts), sum(part.of for part in parts))


def overall(row: Row) -> Average:
    """Return the plain mean of the eight, not rounded before; of as many samples as the metric with fewest has."""
    mean = _weighted([row[name] for name in NAMES], [1 / len(NAMES)] * len(NAMES))
    return Average(mean.value, min(row[name].n for name in NAMES), max(row[name].of for name in NAMES))


@dataclass(frozen=True)
class Results:
    """A published CSV of one scenario."""

    count: int
    """Samples with a review."""
    means: Mapping[str, float | None]
    """By the English name of the metric; None where no sample was scored, and the cell is empty."""


def csv_of(samples: Sequence[Sample]) -> str:
    """Return the means of a file in the published form: a count and eight columns, one line of them."""
    row = row_of(samples)
    text = StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow([COUNT, *NAMES])
    writer.writerow([reviewed(samples), *("" if one.value is None else one.value for one in row.values())])
    return text.getvalue()


def reviewed(samples: Iterable[Sample]) -> int:
    """Return how many samples have a review, whether it can be read or not."""
    return sum(bool(sample.rm_review) for sample in samples)


def read_results(path: Path) -> Results:
    """Read a CSV in the published form. Raises `InputRefused` with the line of what is wrong."""
    try:
        with open(path, encoding="utf-8-sig", newline="") as stream:
            lines = [line for line in csv.reader(stream) if line]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise refuse(f"the file cannot be read as CSV: {one_line(str(error))}.", str(path)) from None
    if len(lines) != 2:
        raise refuse(f"it has {len(lines)} lines, and the published form has two: names and means.", str(path))
    cells = dict(zip(*lines, strict=False))
    problems = [Problem(str(path), *place, message) for place, message in _wrong(lines, cells)]
    if problems:
        raise InputRefused(problems)
    return Results(int(cells[COUNT]), {name: float(cells[name]) if cells[name] else None for name in NAMES})


def _wrong(lines: Sequence[Sequence[str]], cells: Mapping[str, str]) -> list[tuple[tuple[int, int], str]]:
    names, means = lines
    missing = [f'there is no column "{name}"; name it as published.' for name in (COUNT, *NAMES) if name not in names]
    if missing or len(names) != len(means):
        return [((1, 1), message) for message in missing or ["the two lines have not as many cells; mend the file."]]
    wrong = [name for name in NAMES if cells[name] and not _is_number(cells[name])]
    wrong += [] if re.fullmatch("[0-9]{1,9}", cells[COUNT], re.ASCII) else [COUNT]
    return [((2, 1), f'"{one_line(cells[name])}" in column {name} is no number; mend it.') for name in wrong]


def _is_number(text: str) -> bool:
    try:
        return isfinite(float(text))
    except ValueError:
        return False


@dataclass(frozen=True)
class PublishedRow:
    """A row of Table 5, as printed."""

    name: str
    """Of the model, as in the paper."""
    part: Part
    """What it is of: both test sets, or one of them."""
    cells: Mapping[str, str]
    """Three decimals each, by the English name of the metric or `OVERALL`."""

    @property
    def title(self) -> str:
        """What the row is called in the paper."""
        return self.name if self.part == "all" else f"{self.name} ({self.part.title()}-Test)"


def published(model: str) -> list[PublishedRow]:
    """Return the rows of Table 5 of the model in a folder of that name; none if it is not in the table."""
    return [row for row in table5() if _plain(row.name) == _plain(model)]


def _plain(name: str) -> str:
    """Return a name without case and marks: the folder of `GPT-4 Turbo` is `gpt-4-turbo`."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


@lru_cache(maxsize=1)
def table5() -> tuple[PublishedRow, ...]:
    """Return Table 5 of the paper."""
    text = (files("scorers.mmrole") / PUBLISHED).read_text(encoding="utf-8")
    lines = csv.DictReader(line for line in text.splitlines() if not line.startswith("#"))
    names = {metric.key: metric.name for metric in METRICS} | {OVERALL: OVERALL}
    return tuple(
        PublishedRow(line["model"], _part(line["part"]), {name: line[key] for key, name in names.items()})
        for line in lines
    )


def _part(text: str) -> Part:
    parts: dict[str, Part] = {"all": "all", "in": "in", "out": "out"}
    return parts[text]
