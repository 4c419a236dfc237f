"""The figures of a judge card on planted data: order, repeats, several judges, and reading both orders again."""

from math import log

import numpy as np
import pytest

from scenes.chat import Completion
from scorers.judge_agreement import Figure
from scorers.judge_card import Where, order_swaps, panel, repeats
from scorers.mmrole.metrics import METRICS
from scorers.statistics import Floats, Mean
from scorers.two_orders import orders

KEY = "score/mmrole@1/ab/t01/brack/speak"


def where(count: int, size: int = 1) -> Where:
    each = np.arange(count, dtype=np.int64)
    return Where(each // size, each)


def inside(figure: Mean | Figure, value: float) -> bool:
    assert figure.low is not None
    assert figure.high is not None
    return figure.low <= value <= figure.high


def test_a_judge_that_adds_points_to_the_first_place_is_seen_to() -> None:
    merit = np.random.default_rng(1).normal(size=300)
    swap = order_swaps(merit + 1.5, merit - 1.5, where(300, 3))
    assert swap.advantage.value == pytest.approx(1.5)
    near = float((np.abs(merit) < 1.5).mean())
    assert swap.toward_first.value == pytest.approx(near)
    assert swap.consistent.value == pytest.approx(1 - near)
    assert swap.toward_second.value == 0
    assert swap.prefers_first.value == pytest.approx(near + (1 - near) / 2)
    assert swap.prefers_first.valid == 600


def test_a_judge_without_bias_prefers_the_first_half_the_time_and_is_consistent() -> None:
    merit = np.random.default_rng(1).normal(size=100)
    swap = order_swaps(merit, merit, where(100))
    assert (swap.consistent.value, swap.prefers_first.value, swap.advantage.value) == (1.0, 0.5, 0.0)


def test_a_tie_is_no_preference_and_what_was_not_read_is_no_tie() -> None:
    swap = order_swaps(np.array([0.0, 1.0, np.nan, 2.0]), np.array([0.0, 0.0, 1.0, np.nan]), where(4))
    assert (swap.consistent.value, swap.consistent.valid, swap.consistent.attempted) == (0.5, 2, 4)
    assert (swap.prefers_first.value, swap.prefers_first.valid) == (1.0, 1)
    assert (swap.advantage.value, swap.advantage.valid) == (0.25, 2)


def test_the_variance_between_repeats_is_the_planted_one() -> None:
    chance = np.random.default_rng(2)
    values = chance.normal(size=400) + chance.normal(0, 0.5, size=(4, 400))
    spread = repeats(values, where(400, 4))
    assert spread.times == 4
    assert inside(spread.variance, 0.25)
    assert spread.variance.value == pytest.approx(float(values.var(0, ddof=1).mean()))
    assert spread.identical.value == 0


def test_what_was_judged_once_alone_has_no_spread_and_is_counted() -> None:
    values = np.array([[1.0, 1.0, 2.0], [1.0, np.nan, 4.0]])
    spread = repeats(values, where(3))
    assert (spread.variance.value, spread.variance.valid, spread.variance.attempted) == (1.0, 2, 3)
    assert spread.identical.value == 0.5


def _judges(count: int, correlation: float, things: int = 600) -> Floats:
    chance = np.random.default_rng(3)
    shared = chance.normal(size=things)
    own = chance.normal(size=(count, things))
    ratings: Floats = np.sqrt(correlation) * shared + np.sqrt(1 - correlation) * own
    return ratings


@pytest.mark.parametrize(("judges", "correlation"), [(2, 0.3), (4, 0.5), (6, 0.1)])
def test_the_effective_number_of_judges_is_kish_s(judges: int, correlation: float) -> None:
    found = panel(_judges(judges, correlation), np.arange(600) // 2)
    assert inside(found.correlation, correlation)
    assert inside(found.effective, judges / (1 + (judges - 1) * correlation))
    assert found.correlation.value is not None
    assert found.effective.value == pytest.approx(judges / (1 + (judges - 1) * found.correlation.value))
    assert inside(found.alpha, correlation)


def test_judges_that_say_the_same_are_worth_one() -> None:
    one = _judges(1, 0.0)[0]
    found = panel(np.stack([one, one, one]), np.arange(600))
    assert found.effective.value == pytest.approx(1)
    assert found.alpha.value == pytest.approx(1)


def test_a_judge_that_never_varies_leaves_no_effective_number() -> None:
    found = panel(np.stack([np.ones(600), _judges(1, 0.0)[0]]), np.arange(600))
    assert (found.effective.value, found.effective.why is None) == (None, False)


def test_what_one_judge_left_out_counts_for_alpha_where_two_rated_it() -> None:
    ratings = _judges(3, 0.5, 60)
    ratings[0, :10] = np.nan
    found = panel(ratings, np.arange(60))
    assert (found.items, found.rated) == (50, 60)


def test_both_orders_are_read_again_from_the_calls() -> None:
    answers: dict[str, Completion | None] = {
        f"{KEY}/Flu": Completion(text="[Scores]: (8, 6)"), f"{KEY}/swapped/Flu": Completion(text="[Scores]: (9, 5)"),
    }  # fmt: skip
    both = orders("fluency", list(answers), answers)
    assert both is not None
    read = [(one.verdict.a, one.verdict.b) for one in both if one.verdict]
    assert read == [(8, 6), (9, 5)]


def test_an_answer_that_could_not_be_read_counts_though_the_next_one_could() -> None:
    answers: dict[str, Completion | None] = {
        f"{KEY}/Flu": Completion(text="Fine."), f"{KEY}/Flu/again": Completion(text="[Scores]: (7, 7)"),
    }  # fmt: skip
    both = orders("fluency", list(answers), answers)
    assert both is not None
    assert (both[0].answers, both[0].unread, both[0].verdict is not None) == (2, 1, True)
    assert (both[1].answers, both[1].verdict) == (0, None)


def test_a_call_that_failed_is_no_answer() -> None:
    both = orders("fluency", [f"{KEY}/Flu"], {f"{KEY}/Flu": None})
    assert both is not None
    assert (both[0].answers, both[0].unread) == (0, 0)


def test_the_answer_about_all_eight_is_read_for_each() -> None:
    text = "\n".join(f"{aspect.name}: ({at + 1}, 9)" for at, aspect in enumerate(METRICS))
    answers: dict[str, Completion | None] = {f"{KEY}/all": Completion(text=text)}
    for at, aspect in enumerate(METRICS):
        both = orders(aspect.metric, list(answers), answers)
        assert both is not None
        assert both[0].verdict is not None
        assert both[0].verdict.a == at + 1


def test_likelihoods_are_read_as_expected_scores() -> None:
    likely = {f"{KEY}/Flu/a{score}": log(0.5 if score in (4, 6) else 1e-9) for score in range(1, 11)}
    likely |= {f"{KEY}/Flu/b{score}": log(1 if score == 8 else 1e-9) for score in range(1, 11)}
    answers: dict[str, Completion | None] = {
        key: Completion(text="", logprobs=(value,)) for key, value in likely.items()
    }
    both = orders("fluency", list(answers), answers)
    assert both is not None
    assert both[0].verdict is not None
    assert [both[0].verdict.a, both[0].verdict.b] == pytest.approx([5, 8])


def test_a_metric_of_no_two_answers_has_no_order() -> None:
    assert orders("true_share", [], {}) is None
