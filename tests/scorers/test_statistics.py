"""Means, intervals and comparisons: held against scipy, against formulas of the literature, and against simulations."""

from collections.abc import Iterator
from itertools import combinations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from scorers.statistics import BOOTSTRAPPED_FROM, Sums, codes, compared, grouped, holm, mean_of, means_by

SHARE = (0.0, 1.0)
SIMULATED = 1_500


def table(cluster: list[int], total: list[float], valid: list[int] | None = None) -> Sums:
    """Return a table of one row an episode; each has one value unless `valid` says otherwise."""
    counts = np.array(valid if valid is not None else [1] * len(total))
    return Sums(np.array(cluster), np.arange(len(total)), np.maximum(counts, 1), counts, np.array(total, float))


def test_a_pooled_mean_weighs_every_value_alike_and_counts_what_has_none() -> None:
    mean = mean_of(
        Sums(np.array([0, 1, 2]), np.arange(3), np.array([4, 2, 3]), np.array([3, 1, 0]), np.array([3, 5, 0.0]))
    )
    assert (mean.value, mean.valid, mean.attempted, mean.clusters, mean.by) == (2.0, 4, 9, 2, "scenarios")


def test_without_a_value_there_is_no_mean() -> None:
    mean = mean_of(table([0, 1], [0, 0], [0, 0]))
    assert (mean.value, mean.low, mean.high, mean.valid, mean.attempted) == (None, None, None, 0, 2)


def test_with_clusters_of_one_size_the_interval_is_student_s_on_cluster_means() -> None:
    rng = np.random.default_rng(1)
    values = rng.normal(size=(9, 4)) + rng.normal(size=(9, 1))
    mean = mean_of(table(list(np.repeat(np.arange(9), 4)), list(values.ravel())))
    expected = stats.ttest_1samp(values.mean(1), 0).confidence_interval(0.95)
    assert (mean.low, mean.high) == pytest.approx((expected.low, expected.high), rel=1e-12)


def jackknife_error(total: NDArray[np.float64], valid: NDArray[np.int64]) -> float:
    """Return the standard error from the means that are left when one cluster at a time is left out."""
    left = (total.sum() - total) / (valid.sum() - valid)
    return float(np.sqrt((len(left) - 1) / len(left) * ((left - total.sum() / valid.sum()) ** 2).sum()))


def test_with_clusters_of_other_sizes_it_is_the_jackknife_s_with_bell_and_mccaffrey_s_degrees_of_freedom() -> None:
    """Their formula as it is written, in matrices over single values: sum over squares of the eigenvalues of G'G."""
    sizes, rng = np.array([2, 3, 5, 9, 14, 4]), np.random.default_rng(2)
    cluster, values = np.repeat(np.arange(6), sizes), rng.normal(size=sizes.sum())
    maker, columns = np.eye(len(values)) - 1 / len(values), []
    for one in range(6):
        rows = cluster == one
        columns.append(maker[:, rows] @ np.linalg.inv(maker[np.ix_(rows, rows)]) @ np.ones(rows.sum()))
    form = np.stack(columns)
    eigenvalues = np.linalg.eigvalsh(form @ form.T)
    half = stats.t.ppf(0.975, eigenvalues.sum() ** 2 / (eigenvalues**2).sum())
    half *= jackknife_error(np.bincount(cluster, values), sizes)
    mean = mean_of(table(list(cluster), list(values)))
    assert (mean.low, mean.high) == pytest.approx((values.mean() - half, values.mean() + half), rel=1e-9)


def test_the_bootstrapped_critical_value_is_scipy_s() -> None:
    rng, count = np.random.default_rng(3), 60
    valid = rng.integers(3, 40, count)
    total = valid * (rng.exponential(size=count) + 1)
    mean = mean_of(table(list(range(count)), list(total), list(valid)))
    assert mean.value is not None
    assert mean.high is not None
    center = mean.value

    def studentised(total: NDArray[np.float64], valid: NDArray[np.float64], axis: int) -> NDArray[np.float64]:
        value = total.sum(axis, keepdims=True) / valid.sum(axis, keepdims=True)
        squares = ((total - value * valid) ** 2).sum(axis) * count / (count - 1)
        return np.abs(value[..., 0] - center) * valid.sum(axis) / np.sqrt(squares)

    drawn = stats.bootstrap(
        (total, valid.astype(float)), studentised, paired=True, vectorized=True, n_resamples=20_000, batch=5_000, rng=4,
        method="percentile",
    ).bootstrap_distribution  # fmt: skip
    critical = (mean.high - center) / jackknife_error(total, valid)
    assert critical == pytest.approx(np.quantile(drawn, 0.95), rel=0.03)
    assert critical > 1.03 * stats.t.ppf(0.975, count - 1)


def test_more_clusters_than_are_resampled_are_put_together_and_the_interval_stays() -> None:
    rng, count = np.random.default_rng(5), 20_000
    values = rng.normal(3, 2, count)
    mean = mean_of(table(list(range(count)), list(values)))
    expected = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    assert (mean.low, mean.high, mean.clusters) == pytest.approx((expected.low, expected.high, count), rel=2e-3)


def test_one_scenario_is_clustered_by_its_episodes_and_says_so() -> None:
    one = Sums(*(np.array(column) for column in ([7, 7, 7, 7], [1, 1, 2, 3], [1] * 4, [1] * 4, [1.0, 2.0, 4.0, 6.0])))
    mean = mean_of(one)
    assert (mean.by, mean.clusters) == ("episodes", 3)
    assert mean.low is not None


def test_one_episode_has_a_mean_and_no_interval() -> None:
    mean = mean_of(table([7], [6], [3]))
    assert (mean.value, mean.low, mean.high, mean.by, mean.clusters) == (2.0, None, None, "episodes", 1)


def test_where_all_clusters_are_alike_there_is_no_interval() -> None:
    mean = mean_of(table([0, 1, 2], [0.3, 0.6, 0.9], [1, 2, 3]))
    assert mean.value == pytest.approx(0.3)
    assert (mean.low, mean.high) == (None, None)


@pytest.mark.parametrize("clusters", [2, 8, 60])
def test_all_ones_have_the_exact_interval_of_as_many_trials_as_there_are(clusters: int) -> None:
    ones = mean_of(table(list(range(clusters)), [1.0] * clusters), SHARE)
    zeros = mean_of(table(list(range(clusters)), [0.0] * clusters), SHARE)
    exact = stats.binomtest(clusters, clusters).proportion_ci(0.95, "exact")
    assert (ones.low, ones.high) == pytest.approx((exact.low, 1))
    assert (zeros.low, zeros.high) == pytest.approx((0, 1 - exact.low))


def test_trials_of_one_cluster_count_for_less_where_all_are_alike() -> None:
    """Eleven of a cluster that share a tenth of their variance count for 11 / (1 + 10 · 0.1) = 5.5."""
    ones = mean_of(table(list(range(8)), [11.0] * 8, [11] * 8), SHARE)
    assert (ones.low, ones.high) == pytest.approx((0.025 ** (1 / 44), 1))


def hits(count: int) -> tuple[float, float]:
    """Return the interval of `count` hits of 368 trials in 16 clusters, no two in one; the complement's agrees."""
    total = [1.0] * count + [0.0] * (16 - count)
    mean = mean_of(table(list(range(16)), total, [23] * 16), SHARE)
    other = mean_of(table(list(range(16)), [23 - each for each in total], [23] * 16), SHARE)
    assert mean.low is not None
    assert mean.high is not None
    assert (other.low, other.high) == pytest.approx((1 - mean.high, 1 - mean.low))
    return mean.low, mean.high


def test_no_hits_do_not_look_worse_than_one_nor_one_better_than_so_many_trials_can_show() -> None:
    intervals = [hits(count) for count in range(16)]
    assert intervals == sorted(intervals)
    assert [high for _, high in intervals] == sorted(high for _, high in intervals)
    for count, (low, high) in enumerate(intervals[:6]):
        exact = stats.binomtest(count, 368).proportion_ci(0.95, "exact")
        assert low <= exact.low + 1e-12
        assert exact.high <= high < 2.6 * exact.high + 0.01


def test_near_an_end_the_effective_sample_size_is_what_the_spread_says() -> None:
    """Korn and Graubard's: the exact interval of p̂·n* hits in n* = p̂(1 − p̂) / variance trials."""
    total = np.array([9.0, 0, 0, 1, 4, 0, 1, 2, 1, 3, 1, 1])
    size = np.full(12, 60)
    share, variance = total.sum() / 720, jackknife_error(total, size) ** 2
    trials = share * (1 - share) / variance
    exact = stats.beta.ppf(
        [0.025, 0.975], [share * trials, share * trials + 1], [(1 - share) * trials + 1, (1 - share) * trials]
    )
    mean = mean_of(table(list(range(12)), list(total), list(size)), SHARE)
    assert mean.low is not None
    assert mean.high is not None
    assert mean.low == pytest.approx(min(mean.low, exact[0]))
    assert mean.high == pytest.approx(max(mean.high, exact[1]))


@pytest.mark.parametrize("clusters", [8, 12, 30, 200])
@pytest.mark.parametrize("truth", [0.98, 0.995])
def test_near_an_end_an_interval_covers_the_truth_in_93_of_100_at_least(clusters: int, truth: float) -> None:
    rng, covered = np.random.default_rng(clusters), []
    names = np.arange(clusters)
    for _ in range(300):
        count = np.maximum(1, rng.lognormal(np.log(15), 0.8, clusters).round().astype(int))
        ones = rng.binomial(count, rng.beta(truth * 7 / 3, (1 - truth) * 7 / 3, clusters)).astype(float)
        mean = mean_of(Sums(names, names, count, count, ones), SHARE)
        covered.append(mean.low is not None and mean.high is not None and mean.low <= truth <= mean.high)
    assert np.mean(covered) >= 0.93


def test_an_interval_stays_on_the_scale_of_its_metric_whatever_that_is() -> None:
    total = [0.9, 1, 1, 1, 1, 0.4]
    plain, share = mean_of(table(list(range(6)), total)), mean_of(table(list(range(6)), total), SHARE)
    marks = mean_of(table(list(range(6)), [1 + 9 * value for value in total]), (1, 10))
    counts = mean_of(table(list(range(6)), [1 - value for value in total]), (0, None))
    assert plain.high is not None
    assert share.low is not None
    assert share.high is not None
    assert 0 < share.low < share.high < 1 < plain.high
    assert (marks.low, marks.high) == pytest.approx((1 + 9 * share.low, 1 + 9 * share.high))
    assert counts.low == 0


def test_values_off_the_scale_whose_mean_is_its_end_have_an_interval_nevertheless() -> None:
    mean = mean_of(table([0, 1, 2, 3], [0.5, 1.5, 0.75, 1.25]), SHARE)
    assert mean.low is not None
    assert mean.high is not None
    assert 0 <= mean.low <= 1 <= mean.high


def test_a_mean_off_its_scale_is_told_as_it_is() -> None:
    values = list(np.random.default_rng(6).normal(3, 0.1, 8))
    assert mean_of(table(list(range(8)), values), SHARE) == mean_of(table(list(range(8)), values))


def simulated(clusters: int, shares: bool) -> Iterator[Sums]:
    """Make tables of unequal clusters (1 to some 100 values, log-normal) that share a tenth of their variance.

    The values are normal with mean 0, or are 0 and 1 with a mean of 0.9 (beta-binomial).
    """
    rng = np.random.default_rng(clusters)
    names = np.arange(clusters)
    for _ in range(SIMULATED):
        count = np.maximum(1, rng.lognormal(np.log(15), 0.8, clusters).round().astype(int))
        common, own = np.sqrt(0.1) * rng.standard_normal(clusters), np.sqrt(0.9 * count) * rng.standard_normal(clusters)
        ones = rng.binomial(count, rng.beta(0.9 * 9, 0.1 * 9, clusters)).astype(float)
        yield Sums(names, names, count, count, ones if shares else common * count + own)


@pytest.mark.parametrize("shares", [False, True], ids=["normal", "zeros and ones"])
@pytest.mark.parametrize("clusters", [8, 12, 30, 200])
def test_an_interval_covers_the_truth_in_93_to_97_of_100_simulations(clusters: int, shares: bool) -> None:
    truth, scale = (0.9, SHARE) if shares else (0.0, (None, None))
    means = [mean_of(sums, scale) for sums in simulated(clusters, shares)]
    covered = [mean.low is not None and mean.high is not None and mean.low <= truth <= mean.high for mean in means]
    assert 0.93 <= np.mean(covered) <= 0.97


def test_the_same_table_has_the_same_interval_in_any_order() -> None:
    rng = np.random.default_rng(7)
    sums = table(list(rng.integers(80, size=300)), list(rng.normal(size=300)))
    again, mixed = mean_of(sums), mean_of(sums.at(rng.permutation(300)))
    assert mean_of(sums) == again
    assert (mixed.low, mixed.high) == pytest.approx((again.low, again.high))
    assert again.clusters >= BOOTSTRAPPED_FROM


def test_equal_values_have_equal_codes_in_all_columns() -> None:
    first, second = codes(["b", None, "a", "b"], [None, "c", "a"])
    assert (list(first), list(second)) == ([0, 1, 2, 0], [1, 3, 2])


def test_means_are_told_apart_by_any_keys() -> None:
    sums = table([0, 1, 0, 1, 0], [1, 2, 3, 4, 5])
    metric, character = ["voice", "voice", "echo", "voice", "echo"], ["Pip", None, "Pip", None, "Pip"]
    means = means_by(sums, metric, character)
    assert {key: (mean.value, mean.valid) for key, mean in means.items()} == {
        ("voice", "Pip"): (1.0, 1),
        ("voice", None): (3.0, 2),
        ("echo", "Pip"): (4.0, 2),
    }
    assert list(grouped(sums.at(np.array([], int)), [])) == []


def run(rng: np.random.Generator, clusters: int, episodes: int, gain: float = 0.0) -> Sums:
    """Return the scores of a run of `episodes` a scenario; scenarios differ far more than runs do."""
    cluster, episode = np.repeat(np.arange(clusters), episodes), np.tile(np.arange(episodes), clusters)
    count = rng.integers(1, 5, len(cluster))
    means = 10.0 * cluster + gain + rng.normal(size=len(cluster)) / np.sqrt(count)
    return Sums(cluster, episode, count, count, means * count)


def test_two_runs_are_compared_by_pairs_and_not_by_their_means() -> None:
    rng = np.random.default_rng(8)
    first, second = run(rng, 12, 6), run(rng, 12, 6, gain=1)
    difference = (second.total / second.valid - first.total / first.valid).reshape(12, 6).mean(1)
    expected = stats.ttest_1samp(difference, 0).confidence_interval(0.95)
    found = compared(first, second)
    assert (found.difference, found.low, found.high) == pytest.approx((difference.mean(), expected.low, expected.high))
    assert found.wilcoxon_p == stats.wilcoxon(difference).pvalue
    assert (found.pairs, found.clusters, found.by) == (72, 12, "scenarios")
    assert (found.separable, found.more_episodes) == (True, None)


def test_wilcoxon_s_test_gives_the_published_p_of_darwin_s_plants() -> None:
    """Darwin's fifteen pairs of maize, cross- and self-fertilised (eighths of an inch): W = 24, p = 0.0413."""
    differences = [6, 8, 14, 16, 23, 24, 28, 29, 41, -48, 49, 56, 60, -67, 75]
    found = compared(table(list(range(15)), [0.0] * 15), table(list(range(15)), [float(each) for each in differences]))
    assert found.wilcoxon_p == pytest.approx(0.0413, abs=5e-5)


def test_episodes_without_a_partner_or_a_value_are_counted() -> None:
    first = Sums(*(np.array(column) for column in ([0, 0, 1, 1], [5, 6, 5, 6], [1] * 4, [1, 1, 1, 0], [1.0, 2, 3, 0])))
    second = Sums(*(np.array(column) for column in ([0, 1, 1, 2], [5, 5, 6, 5], [1] * 4, [1] * 4, [2.0, 5, 6, 7])))
    found = compared(first, second)
    assert (found.pairs, found.unscored, found.only_first, found.only_second) == (2, 1, 1, 1)
    assert found.difference == 1.5


def test_runs_without_a_common_episode_have_no_difference() -> None:
    found = compared(table([0, 1], [1, 2]), table([2, 3], [1, 2]))
    assert (found.difference, found.pairs, found.only_first, found.only_second) == (None, 0, 2, 2)
    assert (found.separable, found.more_episodes, found.wilcoxon_p) == (False, None, None)


def test_a_run_compared_with_itself_is_not_separable_and_no_number_of_episodes_would_do() -> None:
    same = run(np.random.default_rng(9), 6, 3)
    found = compared(same, same)
    assert (found.difference, found.separable, found.more_episodes, found.wilcoxon_p) == (0.0, False, None, None)


def test_one_scenario_is_compared_by_episodes() -> None:
    rng = np.random.default_rng(10)
    first, second = run(rng, 1, 20), run(rng, 1, 20, gain=2)
    found = compared(first, second)
    assert (found.by, found.clusters, found.separable) == ("episodes", 20, True)
    assert found.wilcoxon_p == stats.wilcoxon(second.total / second.valid - first.total / first.valid).pvalue


def test_a_run_that_is_always_right_is_separable_from_one_that_is_always_wrong() -> None:
    wrong, right = table(list(range(8)), [0.0] * 8), table(list(range(8)), [1.0] * 8)
    found = compared(wrong, right, SHARE)
    back = compared(right, wrong, SHARE)
    assert (found.difference, found.high, found.separable) == (1.0, 1.0, True)
    assert (back.difference, back.low, back.separable) == (-1.0, -1.0, True)
    assert compared(wrong, right).low is None


@pytest.mark.parametrize("clusters", [10, 200])
def test_a_comparison_s_interval_covers_the_truth(clusters: int) -> None:
    rng, covered = np.random.default_rng(clusters), []
    for _ in range(1_000):
        found = compared(run(rng, clusters, 3), run(rng, clusters, 3, gain=0.5))
        covered.append(found.low is not None and found.high is not None and found.low <= 0.5 <= found.high)
    assert 0.93 <= np.mean(covered) <= 0.97


def test_as_many_more_episodes_as_said_separate_the_difference_in_eight_of_ten_runs() -> None:
    rng = np.random.default_rng(11)
    difference = rng.normal(size=60)
    difference = (difference - difference.mean()) / difference.std(ddof=1) + 0.2
    pilot = compared(table(list(range(60)), [0.0] * 60), table(list(range(60)), list(difference)))
    assert (pilot.separable, pilot.difference) == (False, pytest.approx(0.2))
    assert pilot.more_episodes is not None
    needed = 60 + pilot.more_episodes
    nothing = table(list(range(needed)), [0.0] * needed)
    again = [compared(nothing, table(list(range(needed)), list(rng.normal(0.2, 1, needed)))) for _ in range(400)]
    assert 0.75 <= np.mean([found.separable for found in again]) <= 0.87


def test_holm_refuses_what_the_closed_test_refuses() -> None:
    """Holm's is the closed test of Bonferroni's: a hypothesis has the worst p of all sets of them that it is in."""
    p_values = [0.04, 0.01, 0.03, 0.005, 0.5]
    sets = [one for size in range(1, 6) for one in combinations(range(5), size)]
    closed = [max(min(1, len(one) * min(p_values[at] for at in one)) for one in sets if i in one) for i in range(5)]
    assert holm(p_values) == pytest.approx(closed)
    assert holm([]) == []
