"""Replies of the model itself, judged: whether one is false of its picture is known from what it claims.

Such errors are harder to tell than answers made worse on purpose, for the model that is asked how likely they are has
made them. None was learned from.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from sandbox.engines.engine import Engine
from sandbox.gallery import Gallery
from sandbox.meter import Meter
from sandbox.scheduler import AHEAD, Scheduler
from sandbox.side_by_side import Told, each
from sandbox.storybook.exam.exam import AS_IS, SAMPLED, requests
from sandbox.storybook.exam.paper import Paper
from sandbox.storybook.reward.answers import Answer
from sandbox.storybook.reward.degrading import CLEAN, NAMES
from sandbox.storybook.reward.features import Floats, features
from sandbox.storybook.reward.figures import auc_of
from sandbox.storybook.reward.network import Network
from sandbox.storybook.teacher.sight import holds
from sandbox.window import USUAL
from scenes.chat import CallFailed

LOOKED_AT = ("image_text_relevance", "response_accuracy")
"""The metrics that a false claim costs."""


@dataclass(frozen=True)
class Own:
    """How well replies that are false of their picture are told from those that are true."""

    true: int
    """Replies with claims, all of them true."""
    false: int
    """Replies with a false one among them."""
    auc: dict[str, float]
    """By metric, how often a false reply gets less than a true one, ties counted half; none where there is no pair."""


def own_replies(
    papers: Sequence[Paper], engine: Engine, model: str, gallery: Gallery, told: Told
) -> list[Answer] | None:
    """Return the replies that a model gives to papers, drawn at temperature 0.8; those that claim something.

    None where the user interrupted.
    """
    asked = [
        Answer(at, paper.scene, CLEAN, "", request)
        for at, (paper, request) in enumerate(requests(papers, AS_IS, model, gallery))
    ]
    slots, over = engine.facts.slots or USUAL, set[int]()
    scheduler = Scheduler({model: engine}, Meter(slots))

    async def ask(nth: int, one: Answer) -> None:
        try:
            one.text = (await scheduler.call(nth)("own", replace(one.request, sampling=SAMPLED))).text.strip()
        except CallFailed:
            one.failed = True
        over.add(nth)

    asyncio.run(each(asked, ask, AHEAD * slots, told))
    if len(over) < len(asked):
        return None
    return [one for one in asked if one.text and papers[one.paper].claims(one.text)]


def told_apart(
    network: Network, answers: Sequence[Answer], papers: Sequence[Paper], references: Mapping[int, Floats]
) -> Own:
    """Return how well `network` tells what is false among the replies of a model that were read.

    Each is judged beside a reference, whose features are given by the number of the paper.
    """
    known = [(one, features(one.logprobs)) for one in answers if one.logprobs is not None and one.paper in references]
    false = np.array([_lies(papers[one.paper], one.text) for one, _ in known], dtype=bool)
    if not len(false) or false.all() or not false.any():
        return Own(int((~false).sum()), int(false.sum()), {})
    scores = network.scores(np.array([of for _, of in known]), np.array([references[one.paper] for one, _ in known]))
    columns = {name: scores[:, NAMES.index(name)] for name in LOOKED_AT} | {"mean of eight": scores.mean(1)}
    auc = {name: auc_of(of[~false], of[false]) for name, of in columns.items()}
    return Own(int((~false).sum()), int(false.sum()), auc)


def _lies(paper: Paper, text: str) -> bool:
    return any(holds(claim, paper.sights) is False for claim in paper.claims(text))
