"""How well the reward model judges: its scores and ratios beside the true ones, in the form of MMRole's tables.

What is judged are answers of which it is known what they deserve, each beside the teacher's answer to the same request;
the teacher's own answer is in no figure, for its ratio to itself is 1 whoever judges. MAE, RMSE and Pearson are those
of `scorers.judge_agreement`, with the rules by which MMRole puts several metrics together.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from sandbox.storybook.reward.answers import Answer, references
from sandbox.storybook.reward.degrading import CLEAN, GOOD, KEPT_BACK, NAMES, Way, scores_of
from sandbox.storybook.reward.features import Floats, features
from sandbox.storybook.reward.network import Network
from scorers.judge_agreement import Agreement, agreement
from scorers.statistics import Ints, codes

OVERALL = "overall"


@dataclass(frozen=True)
class Line:
    """One metric, or all of them."""

    scores: Agreement
    """Of the scores of the answers, 1 to 10, with what they deserve."""
    ratios: Agreement
    """Of the ratios to the teacher's answer, with what they should be."""
    constant: float
    """MAE of the ratio of whoever says the same of every answer, at its best."""


@dataclass(frozen=True)
class Told:
    """How well the answers of one way are told from clean ones, by the mean of the eight scores."""

    n: int
    auc: float
    """How often such an answer gets less than a clean one, any of both, ties counted half."""
    below: float
    """How often it gets less than the teacher's answer to the same request."""


@dataclass(frozen=True)
class Figures:
    """What came of one set of answers."""

    n: Mapping[Way, int]
    lines: Mapping[str, Mapping[str, Line]]
    """By what ways the answers are of, and by metric or `OVERALL`."""
    ways: Mapping[Way, Told]


@dataclass(frozen=True)
class _Judged:
    ways: list[Way]
    scenes: list[str]
    a: Floats
    """Scores of the answers, shape (n, 8); of the teacher's answers likewise."""
    b: Floats

    def of(self, ways: frozenset[Way]) -> "_Judged":
        rows = [at for at, way in enumerate(self.ways) if way in ways]
        own = [self.ways[at] for at in rows]
        return _Judged(own, [self.scenes[at] for at in rows], self.a[rows], self.b[rows])


def figures_of(network: Network, answers: Sequence[Answer]) -> Figures:
    """Return how well `network` judges answers; those that were not read are left out."""
    judged = _judged(network, answers)
    present = frozenset(judged.ways)
    parts = {"ways it was fitted on, and clean": present - KEPT_BACK, "ways kept back": present & KEPT_BACK}
    lines = {name: _lines(judged.of(ways)) for name, ways in parts.items() if ways}
    told = {way: _told(judged, way) for way in sorted(present - {CLEAN})}
    return Figures({way: judged.ways.count(way) for way in sorted(present)}, lines, told)


def _judged(network: Network, answers: Sequence[Answer]) -> _Judged:
    known = [(one, features(one.logprobs)) for one in answers if one.logprobs is not None]
    b = references(answers)
    others = [(one, of) for one, of in known if not one.is_reference and one.paper in b]
    of_a, of_b = np.array([of for _, of in others]), np.array([b[one.paper] for one, _ in others])
    a_scores, b_scores = network.scores(of_a, of_b), network.scores(of_b, of_a)
    return _Judged([one.way for one, _ in others], [one.scene for one, _ in others], a_scores, b_scores)


def _lines(judged: _Judged) -> dict[str, Line]:
    true = np.array([scores_of(way) for way in judged.ways], dtype=np.float64)
    clusters = codes(judged.scenes)[0]
    every = np.arange(len(NAMES))
    columns = {name: np.array([at]) for at, name in enumerate(NAMES)} | {OVERALL: every}
    return {name: _line(judged, true, clusters, at) for name, at in columns.items()}


def _line(judged: _Judged, true: Floats, clusters: Ints, at: Ints) -> Line:
    a, ratio = judged.a[:, at], (judged.a / judged.b)[:, at]
    metrics, scenes = np.tile(at, len(a)), np.repeat(clusters, len(at))
    ratios = true[:, at] / GOOD
    return Line(
        agreement(a.ravel(), true[:, at].ravel(), metrics, scenes),
        agreement(ratio.ravel(), ratios.ravel(), metrics, scenes),
        float(np.abs(ratios - np.median(ratios, axis=0)).mean()),
    )


def auc_of(better: Floats, worse: Floats) -> float:
    """Return how often one of `worse` is less than one of `better`, ties counted half."""
    from scipy.stats import mannwhitneyu

    return float(mannwhitneyu(better, worse).statistic) / (len(better) * len(worse))


def _told(judged: _Judged, way: Way) -> Told:
    own, clean = judged.of(frozenset({way})), judged.of(frozenset({CLEAN}))
    a, b, others = own.a.mean(1), own.b.mean(1), np.concatenate([clean.a.mean(1), judged.b.mean(1)])
    return Told(len(a), auc_of(others, a), float((a < b).mean()))
