"""What a judge of two answers said in each of the two orders, read again from the calls that a score rests on.

Scores keep the mean of both orders; what the order does to a judge is in its answers, which are on record. They are
read by the same readers as when they were judged, so nothing has to be asked or stored a second time.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import exp, fsum

from scenes.chat import Completion
from scorers.mmrole.metrics import METRICS, Aspect
from scorers.mmrole.reading import Reading, Unreadable, Verdict, checked, read_eight, read_scores

SWAPPED = "/swapped/"
"""In the keys of calls that show the reference first."""
_EXPECTED = re.compile(r"/([ab])([0-9]{1,2})$")
_ASPECTS = {aspect.metric: aspect for aspect in METRICS}


@dataclass(frozen=True, slots=True)
class Order:
    """One order of the two answers."""

    verdict: Verdict | None
    """What was read in the end."""
    answers: int
    """How often the judge answered."""
    unread: int
    """How many of these answers could not be read."""


def orders(metric: str, keys: Sequence[str], answers: Mapping[str, Completion | None]) -> tuple[Order, Order] | None:
    """Return what the calls of one score of MMRole's scorer say: the evaluated answer first, and the reference first.

    `keys` are those of the score, `answers` what came back. None for a metric that is none of the eight.
    """
    aspect = _ASPECTS.get(metric)
    if aspect is None:
        return None
    swapped = [key for key in keys if SWAPPED in key]
    return _order(aspect, [key for key in keys if key not in swapped], answers), _order(aspect, swapped, answers)


def _order(aspect: Aspect, keys: Sequence[str], answers: Mapping[str, Completion | None]) -> Order:
    known = {key: answer for key in keys if (answer := answers.get(key)) is not None}
    if keys and _EXPECTED.search(keys[0]):
        reading = _expected(known)
        return Order(reading, int(bool(known)), int(bool(known) and reading is None))
    readings = [_reading(aspect, key, answer) for key, answer in known.items()]
    verdicts = [one for one in readings if isinstance(one, Verdict)]
    return Order(verdicts[-1] if verdicts else None, len(readings), len(readings) - len(verdicts))


def _reading(aspect: Aspect, key: str, answer: Completion) -> Reading:
    if key.endswith(("/all", "/all/again")):
        return read_eight(answer.text)[aspect]
    return read_scores(answer.text)


def _expected(known: Mapping[str, Completion]) -> Verdict | None:
    """Return the expected scores, as the form `expected` has them; None where a likelihood is missing."""
    sums: dict[str, dict[int, float]] = {"a": {}, "b": {}}
    for key, answer in known.items():
        found = _EXPECTED.search(key)
        if found and answer.logprobs:
            sums[found[1]][int(found[2])] = fsum(answer.logprobs)
    if any(len(side) < 10 for side in sums.values()):
        return None
    reading = checked(_mean(sums["a"]), _mean(sums["b"]))
    return None if isinstance(reading, Unreadable) else reading


def _mean(sums: Mapping[int, float]) -> float:
    weights = {score: exp(one - max(sums.values())) for score, one in sums.items()}
    return fsum(score * weight for score, weight in weights.items()) / fsum(weights.values())
