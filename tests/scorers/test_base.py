"""The contract of a scorer, as far as a plain function may meet it."""

from scorers.base import Case, Metric, Score, Scores, scorer_of

POLITE = Metric("polite", "whether a question says please", "share")


def polite(case: Case) -> Scores:
    """Say who is polite."""
    return [Score(metric="polite", value=1)]


def test_a_function_may_say_what_its_metrics_mean() -> None:
    def described(case: Case) -> Scores:
        return polite(case)

    described.metrics = (POLITE,)  # type: ignore[attr-defined]
    assert scorer_of(described, "1").metrics == (POLITE,)
    assert scorer_of(polite, "1").metrics == ()
