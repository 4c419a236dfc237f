"""`storybook+rm`: a judge that is no writer. It asks the storybook model how likely both answers are, and scores that.

The eight metrics of a reply are eight calls, which begin alike; what was found out for one serves them all.
"""

import json
from asyncio import Task, create_task, shield
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from sandbox.engines.engine import AT_LEISURE, Engine, Urgency
from sandbox.gallery import Gallery
from sandbox.models import REWARD
from sandbox.storybook.reward.features import CONDITIONS, Floats, blanks, features, read
from sandbox.storybook.reward.hearing import Asked, answered, asked_in
from sandbox.storybook.reward.network import SHIPPED, Network, load_network
from scenes.chat import CallFailed, Completion, Request, Sampling, together
from scorers.mmrole.metrics import METRICS
from scorers.mmrole.prompt import Matter
from scorers.mmrole.reading import LEAST

_RESTS_ON = {"the picture": "blank picture", "the talk": "without the talk", "the profile": "without the profile"}
KEPT = 1_024
"""Pairs of answers of which it is kept what was found."""


@dataclass(frozen=True)
class _Answer:
    scores: Floats
    """By MMRole's eight metrics, in their order."""
    likely: Floats | None
    """Mean logprob of a token in each of `CONDITIONS`; None of an answer without words."""


@dataclass(frozen=True)
class _Pair:
    a: _Answer
    b: _Answer


class RewardModel:
    """Answers what the scorer `mmrole` asks a judge, by what `inner`, the storybook model, finds likely."""

    def __init__(self, inner: Engine, network: Network, blank: Callable[[str], str]) -> None:
        """`blank` returns the id of a gray picture as large as the one with an id."""
        self._inner, self._network, self._blank = inner, network, blank
        self._found: OrderedDict[Matter, Task[_Pair]] = OrderedDict()
        self.facts = inner.facts.model_copy(update={"model": REWARD, "context_length": None, "kv_tokens": None})

    async def complete(self, request: Request, urgency: Urgency = AT_LEISURE) -> Completion:
        """Return a review with scores of 1 to 10, with one decimal.

        Raises `CallFailed` for what is no question of `mmrole` about a reply that was played, and where an answer
        cannot be read; `EngineDied` if the storybook model is gone.
        """
        asked = asked_in(request)
        pair = await self._pair(asked.matter, urgency)
        return Completion(text=_said(asked, pair))

    def room(self, request: Request) -> int | None:
        """Return None: what does not fit is left out where the storybook model is asked."""
        return None

    def close(self) -> None:
        """Let go of the storybook model."""
        self._inner.close()

    async def _pair(self, matter: Matter, urgency: Urgency) -> "_Pair":
        """Return what is found out about a pair of answers, once for all who ask meanwhile or later."""
        known = self._found.get(matter)
        if known is None or (known.done() and (known.cancelled() or known.exception())):
            known = self._found[matter] = create_task(self._asked(matter, urgency))
            if len(self._found) > KEPT:
                self._found.popitem(last=False)
        return await shield(known)

    async def _asked(self, matter: Matter, urgency: Urgency) -> "_Pair":
        request = Request(REWARD, answered(matter), Sampling(temperature=0))
        a, b = await together(*(self._read(request, text, urgency) for text in (matter.answer, matter.reference)))
        return _Pair(self._answer(a, b), self._answer(b, a))

    async def _read(self, request: Request, text: str, urgency: Urgency) -> Floats | None:
        """Return how likely the tokens of an answer are; None of an answer without words."""
        if not text.strip():
            return None
        logprobs = await read(lambda one: self._inner.complete(one, urgency), request, text, self._blank)
        if not logprobs.size:
            raise CallFailed("the engine of the storybook model gives no likelihoods; take vllm or transformers")
        return logprobs

    def _answer(self, of: Floats | None, beside: Floats | None) -> "_Answer":
        if of is None:
            return _Answer(np.full(len(METRICS), float(LEAST)), None)
        own, other = (features(one)[None] for one in (of, of if beside is None else beside))
        return _Answer(self._network.scores(own, other)[0], of.mean(1))


def _said(asked: Asked, pair: _Pair) -> str:
    scores = {one.metric: (pair.a.scores[at], pair.b.scores[at]) for at, one in enumerate(METRICS)}
    review = _review(pair)
    if asked.aspect is None:
        eight = {metric: {"a": round(a, 1), "b": round(b, 1)} for metric, (a, b) in scores.items()}
        return json.dumps({"review": review, **eight})
    a, b = scores[asked.aspect.metric]
    return f"{review}\n[Scores]: ({a:.1f}, {b:.1f})"


def _review(pair: _Pair) -> str:
    """Return in a sentence what makes the words of both answers likelier."""
    if pair.a.likely is None or pair.b.likely is None:
        return "An answer without words has no merit."
    of_a, of_b = (likely[0] - likely for likely in (pair.a.likely, pair.b.likely))
    told = [
        f"by {what} by {of_a[at]:.1f} and {of_b[at]:.1f}"
        for what, condition in _RESTS_ON.items()
        for at in (CONDITIONS.index(condition),)
    ]
    return f"A word of Model A and of Model B is made likelier {', '.join(told)} nats."


def rewarding(inner: Engine, gallery: Gallery) -> Engine:
    """Return the reward model that comes with Rolestage, over an engine of the storybook model.

    Raises `InputRefused` if it is missing.
    """
    return RewardModel(inner, load_network(SHIPPED), blanks(gallery))
