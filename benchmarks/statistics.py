"""What the statistics of a million scores cost: every mean with its interval, two runs compared, judges held together.

One process, one thread; half of the scores are shares and half are normal, and each scenario has its own level.
"""

import time
from collections.abc import Callable, Hashable, Sequence
from functools import partial

import numpy as np

from benchmarks.measure import Measure, repeated
from scorers.agreement import alpha, effective_judges, kendall, spearman
from scorers.statistics import Floats, Scale, Sums, compared, grouped, mean_of, means_by

SCORES, METRICS = 1_000_000, 10
EPISODES = SCORES // METRICS
CHARACTERS = ("Brack", "Pip", "Oda", None)
JUDGES, LEVELS = 4, 5
KEYS = ("character", "kind", "model")


def measures() -> list[Measure]:
    """Measure with a variant to each two hundred episodes, and with one to each: the most clusters there can be."""
    first, second = _scored(500, 1), _scored(500, 2)
    alone, ratings = _scored(EPISODES, 3), _ratings()
    parts: list[tuple[str, Callable[[], object]]] = [
        ("means by metric and character, kind or model, 500 variants", partial(_means, *first)),
        (f"the same, {EPISODES} variants", partial(_means, *alone)),
        ("two runs compared, metric by metric", partial(_compared, *first, *second)),
        (f"agreement of {JUDGES} judges", partial(_agreement, ratings)),
    ]
    taken = [(what, repeated(5, partial(_seconds, part))) for what, part in parts]
    all_of = [sum(each) for each in zip(*(seconds for _, seconds in taken), strict=True)]
    rows = [Measure(f"statistics: {what}, CPU", "s", seconds, "-") for what, seconds in taken]
    return [*rows, Measure(f"statistics: all of it over {SCORES} scores, CPU", "s", all_of, "<= 10")]


def _seconds(part: Callable[[], object]) -> float:
    begun = time.process_time()
    part()
    return time.process_time() - begun


def _scored(variants: int, seed: int) -> tuple[Sums, dict[str, Sequence[Hashable]]]:
    """Return a row for each episode and metric, and what the rows are told apart by."""
    rng = np.random.default_rng(seed)
    episode, metric = np.repeat(np.arange(EPISODES), METRICS), np.tile(np.arange(METRICS), EPISODES)
    cluster = episode % variants
    level = np.random.default_rng(0).normal(size=variants)[cluster]
    normal, share = level + rng.normal(size=SCORES), rng.random(SCORES) < 1 / (1 + np.exp(-level - 2))
    valid = (rng.random(SCORES) < 0.98).astype(np.int64)
    total = np.where(metric % 2, normal, share) * valid.astype(np.float64)
    keys: dict[str, Sequence[Hashable]] = {
        "metric": metric.tolist(),
        "character": [CHARACTERS[at] for at in rng.integers(len(CHARACTERS), size=SCORES)],
        "kind": [("comment", "inter-role", "story")[at] for at in (cluster % 3).tolist()],
        "model": [("storybook", "other")[at] for at in (episode // variants % 2).tolist()],
    }
    return Sums(cluster, episode, np.ones(SCORES, np.int64), valid, total), keys


def _scale(metric: int) -> Scale:
    return (None, None) if metric % 2 else (0, 1)


def _means(sums: Sums, keys: dict[str, Sequence[Hashable]]) -> None:
    for (metric,), part in grouped(sums, keys["metric"]).items():
        mean_of(part, _scale(int(str(metric))))
    for key in KEYS:
        means_by(sums, keys["metric"], keys[key])


def _compared(
    first: Sums, first_keys: dict[str, Sequence[Hashable]], second: Sums, second_keys: dict[str, Sequence[Hashable]]
) -> None:
    ours, theirs = grouped(first, first_keys["metric"]), grouped(second, second_keys["metric"])
    for key in ours:
        compared(ours[key], theirs[key], _scale(int(str(key[0]))))


def _ratings() -> Floats:
    rng = np.random.default_rng(4)
    truth = rng.normal(size=SCORES // JUDGES)
    said = np.clip(np.round(3 + truth + rng.normal(size=(JUDGES, len(truth)))), 1, LEVELS)
    said[rng.random(said.shape) < 0.02] = np.nan
    return said


def _agreement(ratings: Floats) -> None:
    for level in ("nominal", "ordinal", "interval"):
        alpha(ratings, level)
    effective_judges(ratings)
    for correlation in (spearman, kendall):
        correlation(ratings[0], ratings[1])
