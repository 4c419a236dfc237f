"""How two judges agree: the published overalls from the published rows, planted data, and what has no value."""

import numpy as np
import pytest

from scorers.agreement import alpha
from scorers.judge_agreement import agreement, overall_mae, overall_rmse
from scorers.statistics import Floats, Ints

# Printed in MMRole (arXiv:2408.04203), tables 4 and 9: IA, Flu, Coh, ITR, RA, PC, KC, TC, and Overall.
MAES = {
    "QWen-VL-Chat (GPT-4)": (0.3776, 0.3718, 0.3218, 0.3561, 0.3528, 0.4091, 0.3794, 0.4558, 0.3780),
    "Reward Model (GPT-4)": (0.0708, 0.0387, 0.0526, 0.0568, 0.0584, 0.1165, 0.0815, 0.1154, 0.0738),
    "QWen-VL-Chat (humans)": (0.2469, 0.1870, 0.2720, 0.2574, 0.2608, 0.2368, 0.2243, 0.2658, 0.2439),
    "GPT-4 (humans)": (0.1526, 0.1150, 0.0772, 0.0922, 0.1463, 0.1475, 0.1279, 0.1442, 0.1254),
    "Reward Model (humans)": (0.0993, 0.0815, 0.1006, 0.1225, 0.1412, 0.1669, 0.1438, 0.1507, 0.1258),
}
RMSES = {
    "Reward Model (GPT-4)": (0.1585, 0.1076, 0.1228, 0.1334, 0.1145, 0.1564, 0.1172, 0.1778, 0.1381),
    "GPT-4 (humans)": (0.1794, 0.1421, 0.1050, 0.1253, 0.1837, 0.1826, 0.1515, 0.1946, 0.1609),
    "Reward Model (humans)": (0.1356, 0.1107, 0.1465, 0.1731, 0.1810, 0.2057, 0.1793, 0.2010, 0.1695),
}
NINE = np.linspace(0, 8, 9)
PRINTED = 0.0001
"""How far a figure may be off: half a digit for what was printed, half a digit for what it is computed from."""


def one(count: int, code: int = 0) -> Ints:
    return np.full(count, code, np.int64)


def each(count: int) -> Ints:
    return np.arange(count, dtype=np.int64)


@pytest.mark.parametrize("row", MAES)
def test_the_published_overall_mae_is_the_mean_of_the_printed_metrics(row: str) -> None:
    *metrics, overall = MAES[row]
    assert float(overall_mae(np.array(metrics))) == pytest.approx(overall, abs=PRINTED)


@pytest.mark.parametrize("row", RMSES)
def test_the_published_overall_rmse_pools_the_printed_metrics(row: str) -> None:
    *metrics, overall = RMSES[row]
    assert float(overall_rmse(np.array(metrics), np.ones(8))) == pytest.approx(overall, abs=PRINTED)
    assert abs(np.mean(metrics) - overall) > 10 * PRINTED


@pytest.mark.parametrize("row", RMSES)
def test_both_published_overalls_come_out_of_items_with_the_printed_maes_and_rmses(row: str) -> None:
    off = np.concatenate([sized(MAES[row][at], RMSES[row][at]) for at in range(8)])
    found = agreement(off + 1, np.ones(len(off)), np.repeat(np.arange(8), len(off) // 8), each(len(off)))
    assert found.mae.value == pytest.approx(MAES[row][8], abs=PRINTED)
    assert found.rmse.value == pytest.approx(RMSES[row][8], abs=PRINTED)


def sized(mae: float, rmse: float) -> Floats:
    """Return twenty differences of such a mean size and such a root mean square: one large, the others small."""
    spread = (rmse**2 - mae**2) ** 0.5
    return np.array([mae + spread * 19**0.5, *[mae - spread / 19**0.5] * 19])


def test_an_offset_is_seen_as_error_and_not_as_lack_of_correlation() -> None:
    truth = np.linspace(0, 1, 40)
    found = agreement(truth + 0.25, truth, one(40), each(40) // 4)
    assert [figure.value for figure in (found.mae, found.rmse, found.pearson, found.spearman)] == pytest.approx(
        [0.25, 0.25, 1, 1]
    )
    assert found.alpha.value is not None
    assert found.alpha.value < 0.8


def test_another_scale_keeps_ranks_and_a_swapped_one_turns_them() -> None:
    truth = np.linspace(1, 10, 30)
    steep = agreement(truth**3, truth, one(30), each(30))
    assert steep.spearman.value == pytest.approx(1)
    assert steep.pearson.value == pytest.approx(float(np.corrcoef(truth**3, truth)[0, 1]))
    assert agreement(11 - truth, truth, one(30), each(30)).pearson.value == pytest.approx(-1)


def test_every_figure_is_what_its_definition_says_and_alpha_what_the_general_one_says() -> None:
    first, second = _planted(60, 0.5)
    found = agreement(first, second, one(60), each(60) // 5)
    off = first - second
    assert found.mae.value == pytest.approx(float(np.abs(off).mean()))
    assert found.rmse.value == pytest.approx(float(np.sqrt((off**2).mean())))
    assert found.pearson.value == pytest.approx(float(np.corrcoef(first, second)[0, 1]))
    ranks = [of.argsort().argsort() for of in (first, second)]
    assert found.spearman.value == pytest.approx(float(np.corrcoef(ranks[0], ranks[1])[0, 1]))
    assert found.alpha.value == pytest.approx(alpha(np.stack([first, second]), "interval").value)
    assert (found.items, found.clusters) == (60, 12)


def test_of_several_metrics_the_mae_is_their_mean_and_all_else_is_pooled() -> None:
    first, second = _planted(40, 0.3)
    metrics = np.repeat([0, 1], [10, 30])
    first[:10] += 2
    found = agreement(first, second, metrics, each(40))
    maes = [float(np.abs(first - second)[metrics == code].mean()) for code in (0, 1)]
    assert found.mae.value == pytest.approx(sum(maes) / 2)
    assert found.rmse.value == pytest.approx(float(np.sqrt(((first - second) ** 2).mean())))
    assert found.pearson.value == pytest.approx(float(np.corrcoef(first, second)[0, 1]))


def test_the_intervals_hold_the_planted_figures_about_as_often_as_they_say() -> None:
    held = np.zeros(3)
    for nth in range(200):
        first, second = _planted(96, 0.5, nth, alike=0.5)
        found = agreement(first, second, one(96), each(96) // 4)
        # differences are normal with variance 0.25, and numbers have variance 1 and 1.25
        planted = {"mae": 0.5 * (2 / np.pi) ** 0.5, "rmse": 0.5, "pearson": 1.25**-0.5}
        figures = [getattr(found, name) for name in planted]
        held += [figure.low <= value <= figure.high for figure, value in zip(figures, planted.values(), strict=True)]
    assert held.min() >= 180
    assert held.max() < 200


def _planted(count: int, deviation: float, seed: int = 0, alike: float = 0.0) -> tuple[Floats, Floats]:
    """Return a judge's numbers and the truth, the first with normal noise; four after each other are `alike`."""
    chance = np.random.default_rng(seed)

    def drawn() -> Floats:
        own, shared = chance.normal(size=count), np.repeat(chance.normal(size=-(-count // 4)), 4)[:count]
        mixed: Floats = np.sqrt(1 - alike) * own + np.sqrt(alike) * shared
        return mixed

    truth = drawn()
    return truth + deviation * drawn(), truth


def test_where_one_never_varies_there_is_no_correlation_and_it_is_said_who() -> None:
    found = agreement(np.ones(9), NINE, one(9), each(9))
    assert (found.pearson.value, found.pearson.why) == (None, "the first judge gives all items the same number")
    assert found.spearman.value is None
    assert found.mae.value == pytest.approx(np.abs(NINE - 1).mean())
    same = agreement(np.ones(9), np.ones(9), one(9), each(9))
    assert same.pearson.why == "each of the judges gives all items the same number"
    assert (same.alpha.value, same.alpha.why) == (None, "all numbers are the same")
    assert (same.mae.value, same.mae.low) == (0, None)


def test_nothing_and_one_item_are_no_failure() -> None:
    empty = np.array([])
    assert agreement(empty, empty, one(0), each(0)).mae.why == "no item has a number from both"
    single = agreement(np.array([1.0]), np.array([2.0]), one(1), each(1))
    assert (single.mae.value, single.mae.low, single.pearson.why) == (1.0, None, "one item alone")


def test_without_a_second_cluster_nothing_tells_the_spread() -> None:
    first, second = _planted(20, 0.5)
    found = agreement(first, second, one(20), one(20))
    assert found.mae.value is not None
    assert (found.mae.low, found.pearson.low, found.alpha.low) == (None, None, None)
