"""What a judge card says, as statistics: order, repeats, and what several judges are worth together.

Rows are the things that were judged. `Where` tells the scenario (cluster) and the episode of each, so that means have
the intervals of `scorers.statistics`; NaN stands where there is no number.
"""

from dataclasses import dataclass

import numpy as np

from scorers.agreement import effective_judges, unit_sums
from scorers.judge_agreement import Figure, jackknifed, summed
from scorers.statistics import Floats, Ints, Mean, Scale, Sums, mean_of, together

SHARE: Scale = (0, 1)
LEAST_ZERO: Scale = (0, None)


@dataclass(frozen=True)
class Where:
    """Codes of the cluster and of the episode of each row."""

    cluster: Ints
    episode: Ints

    def mean(self, total: Floats, valid: Floats, scale: Scale) -> Mean:
        """Return the mean of as many values as `valid` counts in each row, which add up to `total`."""
        counts = valid.astype(np.int64)
        return mean_of(Sums(self.cluster, self.episode, counts, counts, np.where(valid > 0, total, 0.0)), scale)

    def mean_of(self, values: Floats, scale: Scale) -> Mean:
        """Return the mean of `values`, those that are NaN left out but counted as attempted."""
        there = ~np.isnan(values)
        attempted, valid = np.ones(len(values), np.int64), there.astype(np.int64)
        return mean_of(Sums(self.cluster, self.episode, attempted, valid, np.where(there, values, 0.0)), scale)


@dataclass(frozen=True)
class Swap:
    """What becomes of a judge's verdicts on two answers when these are shown in the other order."""

    consistent: Mean
    """Share of pairs with the same winner, or none, in both orders (Zheng et al. 2023, arXiv:2306.05685, table 2)."""
    toward_first: Mean
    """Share of pairs in which whichever is shown first wins, in both orders (there: biased toward first)."""
    toward_second: Mean
    """Share of pairs in which whichever is shown second wins, in both orders."""
    prefers_first: Mean
    """Share of single verdicts for the answer shown first, of those that prefer one; 0.5 is no bias, since every pair
    is judged in both orders."""
    advantage: Mean
    """Points on the judge's scale that the first place is worth: half of how much farther an answer is ahead of the
    other when it is shown first than when it is shown second."""


def order_swaps(first: Floats, second: Floats, where: Where) -> Swap:
    """Return what order does, from the margins of one answer over the other, shown first and shown second."""
    unread = np.isnan(first) | np.isnan(second)

    def share(of: object) -> Mean:
        return where.mean_of(np.where(unread, np.nan, np.asarray(of, np.float64)), SHARE)

    wins = ((first > 0) & ~unread).astype(np.float64) + ((second < 0) & ~unread)
    preferring = ((first != 0) & ~unread).astype(np.float64) + ((second != 0) & ~unread)
    return Swap(
        share(np.sign(first) == np.sign(second)),
        share((first > 0) & (second < 0)),
        share((first < 0) & (second > 0)),
        where.mean(wins, preferring, SHARE),
        where.mean_of((first - second) / 2, (None, None)),
    )


@dataclass(frozen=True)
class Repeats:
    """What becomes of a judge's verdicts when it is asked again."""

    times: int
    """How often everything was judged, the first time included."""
    variance: Mean
    """Mean over the things judged of the variance (n − 1) of the numbers that each got, in the unit's square."""
    identical: Mean
    """Share of the things judged that got one number every time."""


def repeats(values: Floats, where: Where) -> Repeats:
    """Return how far verdicts on the same thing spread, from numbers (times × things)."""
    there = ~np.isnan(values)
    several = there.sum(0) > 1
    kept = np.where(there, values, 0.0)
    count = np.maximum(there.sum(0), 1)
    off = np.where(there, values - kept.sum(0) / count, 0.0)
    variance = np.where(several, (off**2).sum(0) / np.maximum(count - 1, 1), np.nan)
    low, high = np.where(there, values, np.inf).min(0), np.where(there, values, -np.inf).max(0)
    identical = np.where(several, (low == high).astype(np.float64), np.nan)
    return Repeats(len(values), where.mean_of(variance, LEAST_ZERO), where.mean_of(identical, SHARE))


@dataclass(frozen=True)
class Panel:
    """Several judges of the same things."""

    judges: int
    items: int
    """Things that all of them gave a number."""
    alpha: Figure
    """Krippendorff's α (2011), interval level, over things that two or more rated."""
    rated: int
    """How many things these are."""
    correlation: Figure
    """Mean of Pearson's correlations of all pairs of judges."""
    effective: Figure
    """k / (1 + (k − 1) · that mean correlation): how many independent judges k judges are worth."""


def panel(ratings: Floats, cluster: Ints) -> Panel:
    """Return what judges (rows) of the same things (columns) are worth together.

    The effective number is Kish's (1965, "Survey sampling", section 8.2: the design effect 1 + (k − 1) ρ of a mean),
    with ρ the mean correlation of all pairs: of the verdicts, or of the errors where `ratings` are such.
    """
    whole = ratings[:, ~np.isnan(ratings).any(0)]
    at = cluster[~np.isnan(ratings).any(0)]
    rated = int(((~np.isnan(ratings)).sum(0) >= 2).sum())
    alpha = _alpha(ratings, cluster)
    flat = whole.shape[1] < 2 or bool((np.ptp(whole, axis=1) < 1e-12).any())
    if flat:
        why = Figure(None, why="one of them gives everything the same number, or too little was judged by all")
        return Panel(len(ratings), whole.shape[1], alpha, rated, why, why)
    moments, counts = _moments(whole, at)
    left = [_correlations(moments.sum(0) - one) for one in moments]
    mean = _correlations(moments.sum(0))
    correlation = jackknifed(mean, np.array(left), counts, (np.arctanh, np.tanh))
    return Panel(len(ratings), whole.shape[1], alpha, rated, correlation, _effective(whole, np.array(left), counts))


def _effective(whole: Floats, left: Floats, counts: Floats) -> Figure:
    value, judges = effective_judges(whole), len(whole)
    if value is None:
        return Figure(None, why="their numbers cancel each other out")
    with np.errstate(all="ignore"):
        without = judges / (1 + (judges - 1) * left)
    return jackknifed(value, np.where(without > 0, without, np.nan), counts)


def _moments(whole: Floats, cluster: Ints) -> tuple[Floats, Floats]:
    """Return of each cluster 1, the sums and the sums of products of the judges, flat; and its number of items."""
    centred = np.vstack([np.ones(whole.shape[1]), whole - whole.mean(1, keepdims=True)])
    products = (centred[:, None] * centred[None]).reshape(len(centred) ** 2, -1).T
    sums = together(summed(products, np.unique(cluster, return_inverse=True)[1]))
    return sums, sums[:, 0]


def _correlations(moments: Floats) -> float:
    """Return the mean correlation of all pairs of judges."""
    size = round(len(moments) ** 0.5)
    table = moments.reshape(size, size)
    count, sums, products = table[0, 0], table[0, 1:], table[1:, 1:]
    with np.errstate(all="ignore"):
        covariance = products / count - np.outer(sums, sums) / count**2
        spread = np.sqrt(np.diag(covariance))
        correlations = covariance / np.outer(spread, spread)
    return float((correlations.sum() - size + 1) / ((size - 1) * (size - 2)))


def _alpha(ratings: Floats, cluster: Ints) -> Figure:
    shared = (~np.isnan(ratings)).sum(0) >= 2
    if not shared.any():
        return Figure(None, why="nothing was judged by two of them")
    some = ratings[:, shared] - np.nanmean(ratings)
    if np.nanmax(some) - np.nanmin(some) < 1e-12:
        return Figure(None, why="all numbers are the same")
    sums = together(summed(unit_sums(some[..., None]), np.unique(cluster[shared], return_inverse=True)[1]))
    whole = sums.sum(0)
    with np.errstate(all="ignore"):
        value, left = _alpha_of(whole[None])[0], _alpha_of(whole - sums)
    return jackknifed(float(value), left, sums[:, 1], (lambda a: -np.log(1 - a), lambda p: 1 - np.exp(-p)))


def _alpha_of(sums: Floats) -> Floats:
    within, count, squares, total = sums.T
    alpha: Floats = 1 - (count - 1) * within / (count * squares - total**2)
    return alpha
