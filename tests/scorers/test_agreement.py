"""Agreement between judges, held against worked examples that were published."""

import numpy as np
import pytest
from scipy import stats

from scorers.agreement import Level, alpha, effective_judges, kendall, order_swap, spearman

NAN = np.nan
FOUR_JUDGES = np.array(
    [
        [1, 2, 3, 3, 2, 1, 4, 1, 2, NAN, NAN, NAN],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, NAN, 3],
        [NAN, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, NAN],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, NAN],
    ]
)
"""Krippendorff (2011), the reliability data of four observers on twelve units."""
LEVELS: tuple[Level, ...] = ("nominal", "ordinal", "interval")


@pytest.mark.parametrize(("level", "published"), [("nominal", 0.743), ("ordinal", 0.815), ("interval", 0.849)])
def test_alpha_is_krippendorff_s_own_for_four_judges_with_gaps(level: Level, published: float) -> None:
    found = alpha(FOUR_JUDGES, level)
    assert found.value == pytest.approx(published, abs=5e-4)
    assert (found.units, found.ratings) == (11, 40)


def test_alpha_is_krippendorff_s_own_for_two_judges() -> None:
    yes_no = np.array([[0, 1, 0, 0, 0, 0, 0, 0, 1, 0], [1, 1, 1, 0, 0, 1, 0, 0, 0, 0]], float)
    letters = np.array([["abcde".index(letter) for letter in said] for said in ("aabbdcccedda", "babbbccceddd")], float)
    assert [alpha(yes_no, level).value for level in LEVELS] == pytest.approx([0.095] * 3, abs=5e-4)
    assert alpha(letters, "nominal").value == pytest.approx(0.692, abs=5e-4)


def test_ordinal_alpha_is_that_of_the_coincidence_matrix() -> None:
    """Krippendorff (2011) as it is written: coincidences of values, and the ordinal difference from their margins."""
    rng = np.random.default_rng(1)
    ratings = rng.integers(6, size=(3, 40)).astype(float)
    ratings[rng.random(ratings.shape) < 0.2] = NAN
    together = np.zeros((6, 6))
    for unit in ratings.T:
        said = unit[~np.isnan(unit)].astype(int)
        for one in range(len(said)):
            for other in set(range(len(said))) - {one}:
                together[said[one], said[other]] += 1 / (len(said) - 1)
    margin = together.sum(1)
    low, high = np.minimum.outer(range(6), range(6)), np.maximum.outer(range(6), range(6))
    between = np.array([[margin[low[c, k] : high[c, k] + 1].sum() for k in range(6)] for c in range(6)])
    squared = (between - (margin[:, None] + margin) / 2) ** 2
    expected = 1 - (margin.sum() - 1) * (together * squared).sum() / (np.outer(margin, margin) * squared).sum()
    assert alpha(ratings, "ordinal").value == pytest.approx(expected, rel=1e-12)


def test_alpha_s_interval_is_scipy_s_bootstrap_over_units() -> None:
    rng = np.random.default_rng(2)
    truth = rng.normal(size=120)
    ratings = np.stack([truth + rng.normal(0, 0.7, 120) for _ in range(3)])

    def of(*judges: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> float:
        spread = np.stack(judges)
        within, count = spread.var(0, ddof=1).mean(), spread.size
        return float(1 - within / (spread.var() * count / (count - 1)))

    expected = stats.bootstrap(
        tuple(ratings), of, paired=True, vectorized=False, method="percentile", n_resamples=4_000, rng=3
    )
    found, ends = alpha(ratings, "interval"), expected.confidence_interval
    assert found.value == pytest.approx(of(*ratings), rel=1e-12)
    assert (found.low, found.high) == pytest.approx((ends.low, ends.high), abs=0.015)


@pytest.mark.parametrize("level", LEVELS)
def test_judges_who_agree_have_one_and_judges_who_guess_have_none(level: Level) -> None:
    rng = np.random.default_rng(4)
    said = rng.integers(1, 6, 2_000).astype(float)
    guessed = alpha(rng.integers(1, 6, (3, 2_000)).astype(float), level)
    assert alpha(np.stack([said, said, said]), level).value == pytest.approx(1)
    assert guessed.low is not None
    assert guessed.high is not None
    assert guessed.low < 0 < guessed.high


@pytest.mark.parametrize("level", LEVELS)
def test_without_variation_or_without_shared_units_there_is_no_alpha(level: Level) -> None:
    alone = np.array([[1, NAN, 3], [NAN, 2, NAN]])
    assert alpha(np.full((3, 5), 0.1), level).value is None
    assert alpha(alone, level) == alpha(np.full((2, 0), NAN), level)
    assert alpha(alone, level).units == 0


def test_a_judge_swayed_by_the_order_is_told() -> None:
    first, second = np.array([2.0, 1, 0, 3, NAN, 1]), np.array([1.0, -1, 0, -2, 4, NAN])
    found = order_swap(first, second)
    expected = stats.binomtest(2, 4).proportion_ci(0.95, "wilson")
    assert (found.consistent, found.pairs, found.attempted) == (0.5, 4, 6)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))
    assert found.means == pytest.approx((1.5, -0.5))
    assert found.deviations == pytest.approx((np.std([2, 1, 0, 3], ddof=1), np.std([1, -1, 0, -2], ddof=1)))


def test_without_a_pair_in_both_orders_nothing_is_said_of_the_order() -> None:
    found = order_swap(np.array([1.0, NAN]), np.array([NAN, 1.0]))
    assert (found.consistent, found.low, found.pairs, found.attempted, found.means) == (None, None, 0, 2, (None, None))


def test_spearman_s_rho_and_interval_are_those_of_bonett_s_example() -> None:
    """The example of `ci.spear` in Bonett's R package statpsych."""
    first = np.array([21, 4, 9, 12, 35, 18, 10, 22, 24, 1, 6, 8, 13, 16, 19], float)
    second = np.array([67, 28, 30, 28, 52, 40, 25, 37, 44, 10, 14, 20, 28, 40, 51], float)
    found = spearman(first, second)
    assert (found.value, found.low, found.high) == pytest.approx((0.8699639, 0.5840951, 0.9638297), abs=1e-7)
    assert found.units == 15


def test_rank_correlations_are_scipy_s_on_the_units_that_both_rated() -> None:
    first, second = FOUR_JUDGES[1], FOUR_JUDGES[3]
    both = ~np.isnan(first) & ~np.isnan(second)
    assert spearman(first, second).value == stats.spearmanr(first[both], second[both]).statistic
    assert kendall(first, second).value == stats.kendalltau(first[both], second[both]).statistic
    assert kendall(first, second).units == both.sum()


def test_kendall_s_interval_covers_the_truth() -> None:
    """For normal ratings with correlation r, τ is 2/π · arcsin r (Greiner's relation)."""
    rng, covered = np.random.default_rng(5), []
    for _ in range(1_000):
        common = rng.normal(size=60)
        found = kendall(common + rng.normal(size=60), common + rng.normal(size=60))
        covered.append(found.low is not None and found.high is not None and found.low <= 1 / 3 <= found.high)
    assert 0.93 <= np.mean(covered) <= 0.97


def test_a_correlation_without_variation_is_none_and_a_perfect_one_has_no_interval() -> None:
    line = np.arange(8.0)
    for correlation in (spearman, kendall):
        assert correlation(np.ones(8), line).value is None
        assert correlation(line, line).value == pytest.approx(1)
        assert correlation(line, line).low is None
        assert correlation(line[:3], np.array([1.0, 3, 2])).low is None


def test_identical_judges_are_worth_one_and_independent_ones_are_worth_all() -> None:
    line, zigzag, arch = np.array([1.0, 2, 3, 4]), np.array([-1.0, 3, -3, 1]), np.array([-1.0, 1, 1, -1])
    assert effective_judges(np.stack([line, 2 * line, line - 7])) == pytest.approx(1)
    assert effective_judges(np.stack([line, zigzag, arch])) == pytest.approx(3)


def test_two_judges_of_correlation_a_half_are_worth_four_thirds() -> None:
    one, other = np.array([1.0, 1, -1, -1]), np.array([1.0, -1, 1, -1])
    half = np.stack([one, one / 2 + np.sqrt(0.75) * other])
    gaps = np.column_stack([half, [NAN, 9]])
    assert effective_judges(half) == pytest.approx(4 / 3)
    assert effective_judges(gaps) == pytest.approx(4 / 3)


def test_judges_who_never_vary_or_cancel_out_have_no_effective_number() -> None:
    line = np.arange(4.0)
    assert effective_judges(np.stack([line, np.ones(4)])) is None
    assert effective_judges(np.stack([line, -line])) is None
