"""How far judges agree: Krippendorff's α, what the order of two answers does to a judge, and how many judges there are.

Ratings are one array, judges × units, NaN where a judge gave none. Every number comes with the count of units that it
rests on and, where one is known, its 95 % interval; it is None where nothing varies, since then nothing is agreed on.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from scorers.statistics import Floats, resamples, together

Level = Literal["nominal", "ordinal", "interval"]
"""What the differences of ratings mean: another one, a higher one, or so much more."""
TAIL = 0.025


@dataclass(frozen=True)
class Alpha:
    """Krippendorff's α: 1 where all agree, 0 where they agree as by chance, less where they avoid to."""

    value: float | None
    low: float | None
    high: float | None
    units: int
    """Those that two judges or more have rated; the others say nothing of agreement."""
    ratings: int
    """How many ratings these have."""


@dataclass(frozen=True)
class OrderSwap:
    """What becomes of verdicts on pairs (A, B) when B is shown first."""

    consistent: float | None
    """Share of pairs with one winner (or a tie) in both orders."""
    low: float | None
    high: float | None
    pairs: int
    """Those judged in both orders."""
    attempted: int
    means: tuple[float | None, float | None]
    """Mean margin of A over B, shown first and shown second; a judge who minds only what is said has one for both."""
    deviations: tuple[float | None, float | None]
    """Standard deviations of these margins (n − 1)."""


@dataclass(frozen=True)
class RankCorrelation:
    """A rank correlation between two judges, from −1 to 1."""

    value: float | None
    low: float | None
    high: float | None
    units: int
    """Those that both have rated."""


def alpha(ratings: Floats, level: Level) -> Alpha:
    """Return Krippendorff's α, with the percentile bootstrap's interval over units.

    Krippendorff (2011), "Computing Krippendorff's alpha-reliability": its general case, any number of judges and
    missing ratings. The ranks of the ordinal level are those of the whole in every resample.
    """
    units = ratings[:, (~np.isnan(ratings)).sum(0) >= 2]
    count = int((~np.isnan(units)).sum())
    if not count:
        return Alpha(None, None, None, 0, 0)
    sums = together(unit_sums(_points(units, level)))
    value = float(_alpha(sums.sum(0, keepdims=True))[0])
    if np.isnan(value):
        return Alpha(None, None, None, units.shape[1], count)
    low, high = _percentiles(_alpha(resamples(len(sums)) @ sums)) if len(sums) > 1 else (None, None)
    return Alpha(value, low, high, units.shape[1], count)


def order_swap(first: Floats, second: Floats) -> OrderSwap:
    """Return how a judge's margins of A over B (positive: A wins) compare when A is shown first and when second.

    The interval of the share is Wilson's (1927), as scipy has it; pairs count as independent of each other.
    """
    from scipy.stats import binomtest

    both = ~np.isnan(first) & ~np.isnan(second)
    margins, pairs = (first[both], second[both]), int(both.sum())
    if not pairs:
        return OrderSwap(None, None, None, 0, len(first), (None, None), (None, None))
    kept = int((np.sign(margins[0]) == np.sign(margins[1])).sum())
    ends = binomtest(kept, pairs).proportion_ci(1 - 2 * TAIL, "wilson")
    means, deviations = [float(each.mean()) for each in margins], [_deviation(each) for each in margins]
    return OrderSwap(
        kept / pairs,
        float(ends.low),
        float(ends.high),
        pairs,
        len(first),
        (means[0], means[1]),
        (deviations[0], deviations[1]),
    )


def spearman(first: Floats, second: Floats) -> RankCorrelation:
    """Return Spearman's ρ. Interval: Bonett and Wright (2000), "Sample size requirements for estimating Pearson,
    Kendall and Spearman correlations", Psychometrika 65(1), 23-28.
    """
    from scipy.stats import spearmanr

    first, second = _rated_by_both(first, second)
    if _constant(first) or _constant(second):
        return RankCorrelation(None, None, None, len(first))
    value = float(spearmanr(first, second).statistic)
    return _with_interval(value, 1 + value**2 / 2, len(first) - 3, len(first))


def kendall(first: Floats, second: Floats) -> RankCorrelation:
    """Return Kendall's τ-b, with the interval of Bonett and Wright (2000), made for |τ| below 0.8."""
    from scipy.stats import kendalltau

    first, second = _rated_by_both(first, second)
    if _constant(first) or _constant(second):
        return RankCorrelation(None, None, None, len(first))
    return _with_interval(float(kendalltau(first, second).statistic), 0.437, len(first) - 4, len(first))


def effective_judges(ratings: Floats) -> float | None:
    """Return how many independent judges k judges are worth: k² / Σρ, over all k × k correlations of their ratings.

    From 1, where all say the same, to k, where they are uncorrelated: the variance of a mean of equally good judges,
    Kish (1965), "Survey sampling", section 8.2, with each pair's own correlation; for judges that are language models,
    Kohli (2026), arXiv:2605.29800. Units that one judge left out are not used. None if a judge never varies, or all
    cancel out.
    """
    rated = ratings[:, ~np.isnan(ratings).any(0)]
    if any(_constant(judge) for judge in rated):
        return None
    total = float(np.corrcoef(rated).sum())
    return len(ratings) ** 2 / total if total > 1e-9 else None


def _points(ratings: Floats, level: Level) -> Floats:
    """Return each rating as a point (judges × units × dimensions), so that disagreement is squared distance.

    Ordinal: the distance of mid-ranks, which is what the sum in Krippendorff's ordinal metric comes to.
    """
    from scipy.stats import rankdata

    if level == "nominal":
        values = np.unique(ratings[~np.isnan(ratings)])
        return np.where(np.isnan(ratings)[..., None], np.nan, ratings[..., None] == values)
    ranked = rankdata(ratings, axis=None, nan_policy="omit").reshape(ratings.shape) if level == "ordinal" else ratings
    centred: Floats = ranked - np.nanmean(ranked)
    return centred[..., None]


def unit_sums(points: Floats) -> Floats:
    """Return for each unit: its disagreement within, its ratings, and the sums of squares and of points."""
    here = ~np.isnan(points[..., 0])
    filled = np.where(here[..., None], points, 0)
    count, squares, sums = here.sum(0), (filled**2).sum((0, 2)), filled.sum(0)
    within = (count * squares - (sums**2).sum(1)) / (count - 1)
    return np.column_stack([within, count, squares, sums])


def _alpha(sums: Floats) -> Floats:
    """Return α = 1 − observed / expected disagreement for each row of summed units; NaN where nothing varies."""
    within, count, squares = sums[:, :3].T
    expected = count * squares - (sums[:, 3:] ** 2).sum(1)
    varied = expected > 1e-12 * np.maximum(count * squares, 1e-300)
    ratio: Floats = np.divide((count - 1) * within, expected, out=np.full(len(sums), np.nan), where=varied)
    return 1 - ratio


def _percentiles(values: Floats) -> tuple[float, float]:
    low, high = np.nanquantile(values, (TAIL, 1 - TAIL))
    return float(low), float(high)


def _rated_by_both(first: Floats, second: Floats) -> tuple[Floats, Floats]:
    both: NDArray[np.bool_] = ~np.isnan(first) & ~np.isnan(second)
    return first[both], second[both]


def _constant(values: Floats) -> bool:
    return len(values) < 2 or bool((values == values[0]).all())


def _deviation(values: Floats) -> float | None:
    return float(values.std(ddof=1)) if len(values) > 1 else None


def _with_interval(value: float, variance: float, freedom: int, units: int) -> RankCorrelation:
    """Return a correlation with the interval that is symmetric in Fisher's z; none for too few units or |value| 1."""
    from scipy.special import ndtri

    if freedom < 1 or abs(value) > 1 - 1e-12:
        return RankCorrelation(value, None, None, units)
    point, half = np.arctanh(value), float(ndtri(1 - TAIL)) * np.sqrt(variance / freedom)
    return RankCorrelation(value, float(np.tanh(point - half)), float(np.tanh(point + half)), units)
