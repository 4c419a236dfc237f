"""What is said of many scores together: means with intervals, and two runs compared.

Episodes of one scenario resemble each other, so all spread is taken between scenarios (clusters), and no number comes
without its count. Scores come as columns of sums, made where they are stored, so that a million of them is no work.

An interval is value ± critical · standard error, at 95 %. The standard error is the jackknife's over clusters ("CR3":
MacKinnon, Nielsen and Webb (2023), "Fast and reliable jackknife and bootstrap methods for cluster-robust inference",
J. Appl. Econometrics 38(5), 671-694), the critical value Student's t with the degrees of freedom of Bell and McCaffrey
(2002), "Bias reduction in standard errors for linear regression with multi-stage samples", Survey Methodology 28(2),
169-181. With clusters of one size these are the usual ones and G − 1; with others the usual ones cover too little.
From 50 clusters on the critical value is bootstrapped: the symmetric percentile-t of Hall (1988), "On symmetric
bootstrap confidence intervals", J. R. Statist. Soc. B 50(1), 35-45, over clusters as in Cameron, Gelbach and Miller
(2008), "Bootstrap-based improvements for inference with clustered errors", Rev. Econ. Stat. 90(3), 414-427. Where the
scale has two ends, all this is done on the log-odds and turned back, as `svyciprop(method = "xlogit")` of R's survey
package does: near an end the plain interval covers far too little. Very near it that one does too, so an interval
reaches at least as far as the exact one for a sample of the effective size, after Korn and Graubard (1998), "Confidence
intervals for proportions with small expected number of positive counts estimated from survey data", Survey Methodology
24(2), 193-201. But a few hits tell little of how alike the trials of a cluster are, and none tell nothing: where theirs
then takes all trials for independent, this one takes those of a cluster to be correlated by 0.1.
"""

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import ceil
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Scale = tuple[float | None, float | None]
"""The least and the greatest value of a metric; None where there is none."""

BOOTSTRAPPED_FROM = 50
"""So many clusters, and the critical value is bootstrapped."""
RESAMPLES = 2_000
MOST_RESAMPLED = 500
"""More clusters than that are first put together at random; a critical value needs no finer ones."""
TAIL = 0.025
POWER = 0.8
ALIKE = 0.1
"""Correlation within clusters that is taken for granted as far as they show none, being all at the same end."""
NO_SPREAD = 1e-12
"""A standard error below this part of the value is rounding."""


@dataclass(frozen=True)
class Sums:
    """A table of scores, one row for each episode and whatever else they are told apart by; all columns n long."""

    cluster: Ints
    """The scenario variant of each row, as a code."""
    episode: Ints
    """What tells the episode from others of its variant: its seed or a code."""
    attempted: Ints
    """How many scores there are."""
    valid: Ints
    """How many of them have a value."""
    total: Floats
    """The sum of those values, in the metric's own unit."""

    def at(self, rows: NDArray[Any]) -> "Sums":
        """Return the rows that a mask or an array of indexes names."""
        return Sums(*(column[rows] for column in vars(self).values()))


@dataclass(frozen=True)
class Mean:
    """A pooled mean with its 95 % interval and its counts."""

    value: float | None
    """Sum of all values over their count; None if there is no value."""
    low: float | None
    """None, as `high`, where nothing tells how far values spread: one episode, or every cluster alike."""
    high: float | None
    valid: int
    attempted: int
    clusters: int
    """How many scenarios, or episodes, have a value."""
    by: Literal["scenarios", "episodes"]
    """What the interval is clustered by; where all is from one scenario, it holds for that scenario only."""


@dataclass(frozen=True)
class Comparison:
    """What one run has over another on the episodes that both played, and whether that can be told from chance."""

    difference: float | None
    """Mean over the pairs of the second run's mean score less the first one's; None without pairs."""
    low: float | None
    high: float | None
    pairs: int
    """Episodes that both runs played and have a value for."""
    unscored: int
    """Episodes that both runs played, and that have no value in one of them."""
    only_first: int
    """Episodes that the first run alone has scores of."""
    only_second: int
    clusters: int
    by: Literal["scenarios", "episodes"]
    wilcoxon_p: float | None
    """Wilcoxon's signed-rank test on the mean differences of the clusters, two-sided; None if all of them are 0."""
    separable: bool
    """Whether the interval lies to one side of 0."""
    more_episodes: int | None
    """About how many more pairs would separate such a difference with 80 % power; None if it is separable or 0."""


def codes(*columns: Iterable[Hashable]) -> list[Ints]:
    """Return columns of any values as integers; equal values have equal codes, in different columns too."""
    known: dict[Hashable, int] = {}
    return [np.array([known.setdefault(value, len(known)) for value in column], np.int64) for column in columns]


def grouped(sums: Sums, *keys: Sequence[Hashable]) -> dict[tuple[Hashable, ...], Sums]:
    """Return the rows of each combination of `keys` (columns as long as the table), in the order they first occur."""
    rows = codes(zip(*keys, strict=True))[0]
    order = np.argsort(rows, kind="stable")
    parts = np.split(order, np.flatnonzero(np.diff(rows[order])) + 1) if len(order) else []
    return {tuple(key[part[0]] for key in keys): sums.at(part) for part in parts}


def means_by(sums: Sums, *keys: Sequence[Hashable], scale: Scale = (None, None)) -> dict[tuple[Hashable, ...], Mean]:
    """Return the mean of each combination of `keys`; all of them are on one scale."""
    return {key: mean_of(part, scale) for key, part in grouped(sums, *keys).items()}


def mean_of(sums: Sums, scale: Scale = (None, None)) -> Mean:
    """Return the pooled mean, with an interval clustered by scenario that stays on the `scale`."""
    attempted, valid = int(sums.attempted.sum()), int(sums.valid.sum())
    by, clusters = _clusters(sums)
    if not valid:
        return Mean(None, None, None, 0, attempted, 0, by)
    low, high = _interval(clusters, scale)
    return Mean(clusters.value, low, high, valid, attempted, len(clusters.total), by)


def compared(first: Sums, second: Sums, scale: Scale = (None, None)) -> Comparison:
    """Compare two runs on the episodes that both played: those with the same cluster and episode codes.

    Each pair counts once, however many scores it has. Below 50 clusters the interval is Student's and not the
    bootstrap's, as for means. The number of episodes is the usual n = ((t + z) · sd / difference)², as in Miller
    (2024), "Adding error bars to evals", arXiv:2411.00640, section 5, with the clustered standard error: it holds for
    more episodes of more scenarios, in the proportion there is now.
    """
    episodes = _Episodes.of(first, second)
    by, clusters = _clusters(episodes.pairs)
    counts = (len(episodes.pairs.total), *episodes.left_out)
    if not counts[0]:
        return Comparison(None, None, None, *counts, 0, by, None, False, None)
    low, high = _interval(clusters, _scale_of_differences(scale))
    separable = low is not None and high is not None and not low <= 0 <= high
    p, more = _wilcoxon(clusters.total / clusters.valid), None if separable else _more_episodes(clusters, counts[0])
    return Comparison(clusters.value, low, high, *counts, len(clusters.total), by, p, separable, more)


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values of several tests, adjusted so that any false alarm among them is as unlikely as each said.

    Holm (1979), "A simple sequentially rejective multiple test procedure", Scand. J. Statist. 6(2), 65-70.
    """
    raw = np.asarray(p_values, np.float64)
    order = np.argsort(raw)
    adjusted = np.empty_like(raw)
    adjusted[order] = np.maximum.accumulate(raw[order] * np.arange(len(raw), 0, -1)).clip(max=1)
    return [float(p) for p in adjusted]


@lru_cache(maxsize=4)
def resamples(units: int) -> Floats:
    """Return how often each of `units` is drawn in each bootstrap resample (`RESAMPLES` × units); seeded."""
    drawn = np.random.default_rng(units).integers(units, size=(RESAMPLES, units))
    flat = (drawn + units * np.arange(RESAMPLES)[:, None]).ravel()
    counts: Floats = np.bincount(flat, minlength=RESAMPLES * units).reshape(RESAMPLES, units).astype(np.float64)
    return counts


def together(columns: Floats) -> Floats:
    """Return the rows (units × columns), added up at random into `MOST_RESAMPLED` rows if there are more; seeded.

    What is drawn at random may be put together at random: Wolter (2007), "Introduction to variance estimation",
    chapter 2 (random groups).
    """
    units = len(columns)
    if units <= MOST_RESAMPLED:
        return columns
    group = np.random.default_rng(units).permutation(units) % MOST_RESAMPLED
    summed: Floats = np.stack([np.bincount(group, column) for column in columns.T], axis=1)
    return summed


@dataclass(frozen=True)
class _Clusters:
    """Sums of values and their counts, one row a cluster; each has a value."""

    total: Floats
    valid: Floats

    @property
    def value(self) -> float:
        return float(self.total.sum() / self.valid.sum())

    @property
    def residual(self) -> Floats:
        residual: Floats = self.total - self.value * self.valid
        return residual

    @property
    def share(self) -> Floats:
        share: Floats = self.valid / self.valid.sum()
        return share

    @property
    def error(self) -> float:
        """The jackknife's standard error: leaving a cluster out moves the mean by residual / (count of the others)."""
        moved = self.residual / (1 - self.share) / self.valid.sum()
        return float(np.sqrt((moved**2).sum() * (1 - 1 / len(moved))))

    @property
    def spread(self) -> bool:
        return self.error > NO_SPREAD * abs(self.value)

    @property
    def freedom(self) -> float:
        """Its degrees of freedom: tr(A)² / tr(A²) of the quadratic form that it is, which for a mean comes to this."""
        odds = self.share / (1 - self.share)
        return float(odds.sum() ** 2 / ((odds**2).sum() + (odds**2).sum() ** 2 - (odds**4).sum()))

    @property
    def effective(self) -> float:
        """How many independent trials tell as much of a mean between 0 and 1: n by the design effect.

        That is how many times wider its variance is than theirs, p(1 − p) / n. It is taken to be at least
        1 + (m − 1) · `ALIKE` (Kish (1965), "Survey sampling", section 5.4) times the squared share of the clusters that
        are all at the end which is nearer: as many are, so much is not seen. The square was chosen by simulation.
        """
        p, count = self.value, self.valid.sum()
        alike = 1 + (float((self.share * self.valid).sum()) - 1) * ALIKE
        if not self.spread:
            return float(count / alike)
        silent = np.mean(np.abs(self.total - round(p) * self.valid) <= NO_SPREAD * self.valid) ** 2
        return float(count / max(count * self.error**2 / max(p * (1 - p), NO_SPREAD), silent * alike))


def _clusters(sums: Sums) -> tuple[Literal["scenarios", "episodes"], _Clusters]:
    """Return the sums of each scenario, or of each episode where there is but one scenario."""
    scored = sums.at(sums.valid > 0)
    names, of = np.unique(scored.cluster, return_inverse=True)
    if len(names) == 1:
        _, of = np.unique(scored.episode, return_inverse=True)
    total, valid = (np.bincount(of, column).astype(np.float64) for column in (scored.total, scored.valid))
    return "episodes" if len(names) == 1 else "scenarios", _Clusters(total, valid)


Line = Callable[[Any, Any], tuple[Any, Any]]
"""Values and their standard errors, as they are on the line on which an interval is symmetric."""


def _interval(clusters: _Clusters, scale: Scale) -> tuple[float | None, float | None]:
    low, high = scale
    if len(clusters.total) < 2:
        return None, None
    if low is None or high is None or not low <= clusters.value <= high:
        return _on_line(clusters, low)
    shares = _Clusters((clusters.total - low * clusters.valid) / (high - low), clusters.valid)
    ends = _of_shares(shares)
    return (None, None) if ends is None else (low + (high - low) * ends[0], low + (high - low) * ends[1])


def _on_line(clusters: _Clusters, least: float | None) -> tuple[float | None, float | None]:
    """Return value ± critical · error, cut off where values end."""
    if not clusters.spread:
        return None, None
    value, half = clusters.value, _critical(clusters, lambda values, errors: (values, errors)) * clusters.error
    low = value - half
    return (low if least is None or value < least else max(low, least)), value + half


def _of_shares(clusters: _Clusters) -> tuple[float, float] | None:
    """Return the interval of a mean between 0 and 1: on the log-odds, and no narrower than the exact one."""
    from scipy.special import expit

    value = clusters.value
    if not clusters.spread:
        return None if min(value, 1 - value) > NO_SPREAD else _exact(value, clusters.effective)
    point, error = _log_odds(value, clusters.error)
    half = _critical(clusters, _log_odds) * error
    low, high = _exact(value, clusters.effective)
    return min(low, float(expit(point - half))), max(high, float(expit(point + half)))


def _exact(share: float, trials: float) -> tuple[float, float]:
    """Return the interval of Clopper and Pearson (1934), Biometrika 26(4), 404-413; `trials` need not be whole."""
    from scipy.special import betaincinv

    hits, misses = share * trials, (1 - share) * trials
    low = float(betaincinv(hits, misses + 1, TAIL)) if share > NO_SPREAD else 0.0
    high = float(betaincinv(hits + 1, misses, 1 - TAIL)) if 1 - share > NO_SPREAD else 1.0
    return low, high


def _log_odds(shares: Any, errors: Any) -> tuple[Any, Any]:
    inside = np.clip(shares, NO_SPREAD, 1 - NO_SPREAD)
    return np.log(inside / (1 - inside)), errors / (inside * (1 - inside))


def _critical(clusters: _Clusters, line: Line) -> float:
    """Return how many standard errors an interval reaches to either side."""
    if len(clusters.total) < BOOTSTRAPPED_FROM:
        return _student(clusters.freedom)
    return float(np.quantile(_deviations(clusters, line), 1 - 2 * TAIL))


def _deviations(clusters: _Clusters, line: Line) -> Floats:
    """Return how many of its own standard errors each resample lies from the mean; those without spread left out."""
    off, valid = together(np.stack([clusters.residual, clusters.valid], axis=1)).T
    weights = resamples(len(off))
    off_sum, count, off2, cross, valid2 = (weights @ np.stack([off, valid, off * off, off * valid, valid * valid], 1)).T
    shift = off_sum / count
    squares = np.maximum(off2 - 2 * shift * cross + shift**2 * valid2, 0) * len(off) / (len(off) - 1)
    errors = np.sqrt(squares) / count
    some = errors > NO_SPREAD**0.5 * clusters.error
    points, errors = line(clusters.value + shift[some], errors[some])
    deviations: Floats = np.abs(points - line(clusters.value, 1.0)[0]) / errors
    return deviations


def _student(freedom: float) -> float:
    from scipy.special import stdtrit

    return float(stdtrit(freedom, 1 - TAIL))


@dataclass(frozen=True)
class _Episodes:
    """The episodes of two runs, side by side."""

    pairs: Sums
    """One row for each episode that has a value in both; its total is the difference of the two means."""
    left_out: tuple[int, int, int]
    """How many have no value in one of them, are in the first only, and in the second only."""

    @classmethod
    def of(cls, first: Sums, second: Sums) -> "_Episodes":
        cluster = np.concatenate([first.cluster, second.cluster])
        rows, of = _distinct(cluster, np.concatenate([first.episode, second.episode]))
        cut, count = len(first.cluster), len(rows)
        played = [np.bincount(part, minlength=count) > 0 for part in (of[:cut], of[cut:])]
        difference = _episode_means(of[cut:], second, count) - _episode_means(of[:cut], first, count)
        paired, both = ~np.isnan(difference), played[0] & played[1]
        left_out = ((both & ~paired).sum(), (played[0] & ~both).sum(), (played[1] & ~both).sum())
        ones = np.ones(int(paired.sum()), np.int64)
        pairs = Sums(cluster[rows][paired], np.flatnonzero(paired), ones, ones, difference[paired])
        return cls(pairs, (int(left_out[0]), int(left_out[1]), int(left_out[2])))


def _distinct(cluster: Ints, episode: Ints) -> tuple[Ints, Ints]:
    """Return a row of each episode, and which of them each row is about."""
    ranks, seeds = (np.unique(column, return_inverse=True)[1] for column in (cluster, episode))
    joint = ranks * (seeds.max(initial=0) + 1) + seeds
    _, rows, of = np.unique(joint, return_index=True, return_inverse=True)
    return rows.astype(np.int64), of.astype(np.int64)


def _episode_means(of: Ints, sums: Sums, count: int) -> Floats:
    """Return the mean of each of `count` episodes; NaN where there is no value."""
    total, valid = (np.bincount(of, column, count).astype(np.float64) for column in (sums.total, sums.valid))
    means: Floats = np.divide(total, valid, out=np.full(count, np.nan), where=valid > 0)
    return means


def _scale_of_differences(scale: Scale) -> Scale:
    low, high = scale
    return (None, None) if low is None or high is None else (low - high, high - low)


def _wilcoxon(differences: Floats) -> float | None:
    from scipy.stats import wilcoxon

    return float(wilcoxon(differences).pvalue) if differences.any() else None


def _more_episodes(clusters: _Clusters, pairs: int) -> int | None:
    from scipy.special import ndtri

    if len(clusters.total) < 2 or not clusters.value or not clusters.spread:
        return None
    reach = (_student(clusters.freedom) + float(ndtri(POWER))) * clusters.error / abs(clusters.value)
    return max(1, ceil(pairs * (reach**2 - 1)))
