"""What verdicts on test records come to: MMRole's means by scenario, by test set and of both, each with its interval.

The means are the published ones (`scorers.mmrole.table`). Records of one character resemble each other, so an interval
takes all spread between characters: the one that `scorers.statistics` has for clusters, of samples that weigh as much
as the rule gives them.
"""

from collections.abc import Mapping, Sequence
from itertools import product
from math import fsum
from typing import Literal, NamedTuple

import numpy as np
from pydantic import BaseModel

from sandbox.record_places import Place
from scorers.mmrole.records import KINDS, SPLITS, Kind, Sample, Split
from scorers.mmrole.table import IN_SHARE, NAMES, OVERALL, ratio
from scorers.statistics import Scale, Sums, codes, mean_of

Files = Mapping[tuple[Split, Kind], Sequence[Sample]]
WHOLE = 10**12
"""What all weights add up to: weights are counts, to statistics."""


class Rated(NamedTuple):
    """A value that a record was given."""

    who: str
    """Whose record it is."""
    record: str
    value: float


class Figure(BaseModel):
    """A mean with its 95 % interval and its coverage."""

    value: float | None
    """1 is as good as the reference; None where a part has no value, for the rest would be another thing."""
    low: float | None = None
    """None, as `high`, where nothing tells how far values spread."""
    high: float | None = None
    n: int
    """Records that it is the mean of."""
    of: int
    """Records that there are."""
    clusters: int = 0
    by: Literal["characters", "records"] = "characters"
    """What the interval is clustered by; where all records are one character's, it speaks of that one alone."""


class Line(BaseModel):
    """The figures of a scenario, of a test set, or of both."""

    part: Literal["in", "out", "all"]
    """A test set, or 0.75 of the one and 0.25 of the other."""
    scenario: Literal["comment", "human-role", "inter-role", "all"]
    """One of the three, or their plain mean."""
    means: dict[str, Figure]
    """By the English name of the metric; then `Overall`."""


class ModelFigures(BaseModel):
    """What the answers of one model were given."""

    model: str
    lines: list[Line]
    """Those of which all parts are there."""


def figures_of(samples: Mapping[Place, Sequence[Sample]]) -> list[ModelFigures]:
    """Return the figures of every model, with its reviewed samples by place."""
    models = dict.fromkeys(place.model for place in samples)
    return [ModelFigures(model=model, lines=_lines(_files(samples, model))) for model in models]


def _files(samples: Mapping[Place, Sequence[Sample]], model: str) -> Files:
    return {(place.split, place.kind): some for place, some in samples.items() if place.model == model}


def _lines(files: Files) -> list[Line]:
    lines = []
    for part, scenario in product((*SPLITS, "all"), (*KINDS, "all")):
        shares = {key: share for key in product(SPLITS, KINDS) if (share := _share(*key, part, scenario))}
        if shares.keys() <= files.keys():
            means = {name: _figure(files, shares, [name]) for name in NAMES}
            means[OVERALL] = _figure(files, shares, NAMES)
            lines.append(Line.model_validate({"part": part, "scenario": scenario, "means": means}))
    return lines


def _share(split: Split, kind: Kind, part: str, scenario: str) -> float:
    """Return how much a file counts for in a line."""
    both = IN_SHARE if split == "in" else 1 - IN_SHARE
    of_set = both if part == "all" else float(part == split)
    return of_set * (1 / len(KINDS) if scenario == "all" else float(scenario == kind))


def _figure(files: Files, shares: Mapping[tuple[Split, Kind], float], names: Sequence[str]) -> Figure:
    """Return the mean over files, each with its share, and over metrics, each with the same."""
    parts = [(share / len(names), rated(files[key], [name])) for key, share in shares.items() for name in names]
    covered = [sum(len(rated(files[key], [name])) for key in shares) for name in names]
    counts = {"n": min(covered), "of": sum(len(files[key]) for key in shares)}
    if not all(rated for _, rated in parts):
        return Figure(value=None, **counts)
    value = fsum(share * fsum(one.value for one in some) / len(some) for share, some in parts)
    return with_interval(Figure(value=value, **counts), parts)


def rated(samples: Sequence[Sample], names: Sequence[str]) -> list[Rated]:
    """Return the ratios that there are."""
    found = [(sample, (sample.rm_review or {}).get(name)) for sample in samples for name in names]
    ratios = [(sample, ratio(review.score)) for sample, review in found if review]
    return [Rated(_who(sample), sample.id, value) for sample, value in ratios if value is not None]


def _who(sample: Sample) -> str:
    return f"{sample.role}\n{sample.script}"


def with_interval(figure: Figure, parts: Sequence[tuple[float, Sequence[Rated]]], scale: Scale = (0, None)) -> Figure:
    """Return a mean of groups of values, each group with its share, with the interval that it has."""
    who, record, values, shares = zip(
        *((*one, share / len(some)) for share, some in parts for one in some), strict=True
    )
    weights = np.array([round(WHOLE * share) for share in shares], np.int64)
    ones = np.ones(len(weights), np.int64)
    mean = mean_of(Sums(codes(who)[0], codes(record)[0], ones, weights, weights * np.array(values)), scale)
    by = "characters" if mean.by == "scenarios" else "records"
    return figure.model_copy(update={"low": mean.low, "high": mean.high, "clusters": mean.clusters, "by": by})
