"""How well two judges agree on the same things: MAE, RMSE, Pearson, Spearman and Krippendorff's α, with intervals.

All five are made of sums over clusters (scenarios, episodes or records), so an interval costs nothing more: each is
the statistic ± t · standard error on a line on which it is symmetric (a logarithm, or Fisher's z for correlations),
turned back. The standard error is the jackknife's over clusters, the degrees of freedom are Bell and McCaffrey's (2002)
for a mean, as in `scorers.statistics`, which names the papers.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from scorers.agreement import unit_sums
from scorers.statistics import TAIL, Floats, Ints

NEARLY = 1e-12
"""A difference this small is rounding."""


@dataclass(frozen=True)
class Figure:
    """A number with its 95 % interval."""

    value: float | None
    low: float | None = None
    """None, as `high`, where nothing tells the spread: one cluster, or all of them alike."""
    high: float | None = None
    why: str | None = None
    """Why there is no value."""


@dataclass(frozen=True)
class Agreement:
    """What two judges say of the same things."""

    items: int
    """Things that both gave a number."""
    clusters: int
    """What the intervals are clustered by, how many of it."""
    mae: Figure
    """Mean of |first − second|, in the metric's unit; of several metrics the plain mean of theirs."""
    rmse: Figure
    """Root of the mean of (first − second)², in the metric's unit; of several metrics over all items pooled."""
    pearson: Figure
    """Pearson's correlation; of several metrics over all items pooled."""
    spearman: Figure
    """Pearson's correlation of the mid-ranks, pooled likewise."""
    alpha: Figure
    """Krippendorff's α at the interval level, pooled likewise; 1 is full agreement, 0 as by chance."""


def overall_mae(maes: Floats) -> Floats:
    """Return the MAE of several metrics from theirs, along the last axis: the plain mean.

    This is the rule by which MMRole's table 4 (arXiv:2408.04203) was printed.
    """
    mean: Floats = np.mean(maes, -1)
    return mean


def overall_rmse(rmses: Floats, counts: Floats) -> Floats:
    """Return the RMSE over the items of several metrics from theirs and their numbers of items, along the last axis.

    With equal counts it is the root of the mean of the squares: MMRole's table 9 (arXiv:2408.04203).
    """
    pooled: Floats = np.sqrt((counts * rmses**2).sum(-1) / counts.sum(-1))
    return pooled


def agreement(first: Floats, second: Floats, metrics: Ints, clusters: Ints) -> Agreement:
    """Return how two judges agree on items, one entry each: two numbers, and codes of the metric and the cluster.

    Several metrics are put together by the rules of MMRole's tables 4, 9 and 10 (arXiv:2408.04203): the MAE is the mean
    of the metrics' MAEs, all else is of the items pooled. They should be in one unit.
    """
    if not len(first):
        nothing = Figure(None, why="no item has a number from both")
        return Agreement(0, 0, nothing, nothing, nothing, nothing, nothing)
    sums = _Sums.of(first, second, metrics, clusters)
    flat = _flat(first, second)

    def correlation(of: "Callable[[_Sums], Floats]") -> Figure:
        return Figure(None, why=flat) if flat else _figure(of, sums, _FISHER)

    same = np.ptp(np.concatenate([first, second])) <= NEARLY
    alpha = Figure(None, why="all numbers are the same") if same else _figure(_alpha, sums, _BELOW_ONE)
    return Agreement(
        len(first),
        len(sums.counts),
        _figure(_mae, sums, _LOG),
        _figure(_rmse, sums, _LOG),
        correlation(lambda part: _correlation(part.values)),
        correlation(lambda part: _correlation(part.ranks)),
        alpha,
    )


def _flat(first: Floats, second: Floats) -> str | None:
    """Return why there is no correlation, where one of them never varies."""
    if len(first) < 2:
        return "one item alone"
    flat = [name for name, of in (("first", first), ("second", second)) if np.ptp(of) <= NEARLY]
    if not flat:
        return None
    who = f"the {flat[0]} judge gives" if len(flat) == 1 else "each of the judges gives"
    return f"{who} all items the same number"


@dataclass(frozen=True)
class _Sums:
    """Sums over the items of each cluster, a row each; or of all but one cluster, or of all."""

    counts: Floats
    """Items, a column for each metric; so are the next two."""
    absolute: Floats
    squares: Floats
    values: Floats
    """Number of items, Σx, Σy, Σx², Σy², Σxy of the numbers, less the mean of all."""
    ranks: Floats
    """The same of the mid-ranks."""
    within: Floats
    """Columns of `scorers.agreement.unit_sums`."""

    @classmethod
    def of(cls, first: Floats, second: Floats, metrics: Ints, clusters: Ints) -> "_Sums":
        from scipy.stats import rankdata

        of_cluster = np.unique(clusters, return_inverse=True)[1]
        kinds = np.unique(metrics, return_inverse=True)[1]
        is_of = (kinds[:, None] == np.arange(kinds.max() + 1)).astype(np.float64)
        off, middle = first - second, np.concatenate([first, second]).mean()
        x, y = first - middle, second - middle
        columns = (
            is_of,
            is_of * np.abs(off)[:, None],
            is_of * (off**2)[:, None],
            _products(x, y),
            _products(rankdata(x) - (len(x) + 1) / 2, rankdata(y) - (len(y) + 1) / 2),
            unit_sums(np.stack([x, y])[..., None]),
        )
        return cls(*(summed(column, of_cluster) for column in columns))

    def total(self) -> "_Sums":
        return _Sums(*(column.sum(0, keepdims=True) for column in vars(self).values()))

    def without_each(self) -> "_Sums":
        return _Sums(*(column.sum(0) - column for column in vars(self).values()))


def summed(columns: Floats, cluster: Ints) -> Floats:
    """Return the sums of rows (items × columns) over clusters, given as codes from 0."""
    sums: Floats = np.stack([np.bincount(cluster, column) for column in columns.T], axis=1)
    return sums


def _products(x: Floats, y: Floats) -> Floats:
    return np.column_stack([np.ones(len(x)), x, y, x * x, y * y, x * y])


def _mae(sums: _Sums) -> Floats:
    return overall_mae(sums.absolute / sums.counts)


def _rmse(sums: _Sums) -> Floats:
    return overall_rmse(np.sqrt(np.maximum(sums.squares, 0) / sums.counts), sums.counts)


def _correlation(products: Floats) -> Floats:
    count, x, y, xx, yy, xy = products.T
    spread = np.maximum(count * xx - x * x, 0) * np.maximum(count * yy - y * y, 0)
    ratio: Floats = (count * xy - x * y) / np.sqrt(spread)
    return np.clip(ratio, -1, 1)


def _alpha(sums: _Sums) -> Floats:
    """Return α = 1 − observed / expected disagreement (Krippendorff 2011)."""
    within, count, squares, x = sums.within.T
    alpha: Floats = 1 - (count - 1) * within / (count * squares - x**2)
    return alpha


Line = tuple[Callable[[Any], Any], Callable[[Any], Any]]
"""To the line on which a statistic is symmetric, and back."""
_LOG: Line = (np.log, np.exp)
_FISHER: Line = (np.arctanh, np.tanh)
_BELOW_ONE: Line = (lambda alpha: -np.log(1 - alpha), lambda point: 1 - np.exp(-point))


def _figure(of: Callable[[_Sums], Floats], sums: _Sums, line: Line) -> Figure:
    with np.errstate(all="ignore"):  # what cannot be computed without a cluster is seen below
        value, without = float(of(sums.total())[0]), of(sums.without_each())
        return jackknifed(value, without, sums.values[:, 0], line)


def jackknifed(value: float, without: Floats, counts: Floats, line: Line = _LOG) -> Figure:
    """Return a statistic with the interval that its values `without` each cluster tell, which have `counts` items."""
    there, back = line
    with np.errstate(all="ignore"):
        point, moved = there(value), there(without)
        if len(without) < 2 or not np.isfinite(point) or not np.isfinite(moved).all():
            return Figure(value)
        error = float(np.sqrt(((moved - point) ** 2).sum() * (1 - 1 / len(moved))))
    if error <= NEARLY:
        return Figure(value)
    half = _student(counts / counts.sum()) * error
    return Figure(value, float(back(point - half)), float(back(point + half)))


def _student(share: Floats) -> float:
    """Return Student's critical value for clusters that have such shares of the items (Bell and McCaffrey 2002)."""
    from scipy.special import stdtrit

    odds = share / (1 - share)
    freedom = odds.sum() ** 2 / ((odds**2).sum() + (odds**2).sum() ** 2 - (odds**4).sum())
    return float(stdtrit(freedom, 1 - TAIL))
