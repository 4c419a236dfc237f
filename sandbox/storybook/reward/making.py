"""Making the reward model: answers are made, a model says how likely it finds them, a network is fitted and measured.

In its folder stand the network, what is known of it, and how likely the answers were, so that an interrupted making
goes on.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import groupby, permutations
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from sandbox.engines.config import EngineConfig
from sandbox.engines.engine import Engine
from sandbox.gallery import Gallery
from sandbox.launch import started_for
from sandbox.models import reference
from sandbox.storybook.exam.exam import PICTURES, papers
from sandbox.storybook.exam.exam import Order as Exams
from sandbox.storybook.exam.paper import Paper
from sandbox.storybook.reward.answers import PER_PAPER, Answer, Making, answers_to, read_on, references
from sandbox.storybook.reward.degrading import CLEAN, FITTED, KEPT_BACK, Way, scores_of
from sandbox.storybook.reward.features import features
from sandbox.storybook.reward.figures import Figures, figures_of
from sandbox.storybook.reward.network import Network, inputs
from sandbox.storybook.reward.own import Own, own_replies, told_apart
from sandbox.whole_file import write_whole
from scenes.problem import refuse

CARD = "card.json"
_ORDER = "order.json"
_LEAST_SCENES = 4
_HELD = 0.2
"""Of the scenes to learn from, those that say when to stop."""


@dataclass(frozen=True)
class Order:
    """What is asked for; a folder holds what was made for one order."""

    model: str
    config: EngineConfig
    number: int = 3_000
    """Answers to learn from; each of the two sets to measure on has a quarter of them."""
    seed: int = 0


class Set(NamedTuple):
    """Answers for one purpose."""

    name: str
    share: float
    ways: Sequence[Way]
    seed: int
    """Added to the order's, shifted beyond what evaluations of the model use."""
    held_out: bool = False


LEARNED = Set("learned", 1.0, (CLEAN, *FITTED), 1)
MEASURED = (
    Set("unseen pictures", 0.25, (CLEAN, *FITTED, *sorted(KEPT_BACK)), 2),
    Set("new combinations", 0.25, (CLEAN, *FITTED, *sorted(KEPT_BACK)), 3, held_out=True),
)


@dataclass(frozen=True)
class Made:
    """A reward model, and how well it judges."""

    network: Network
    learned: int
    """Answers that it was fitted on."""
    failed: int
    """Answers that the model could not be asked about."""
    figures: Mapping[str, Figures]
    """By the name of the set."""
    own: Own
    """Of the model's own replies."""


def make(order: Order, out: Path, making: Making) -> Made | None:
    """Make a reward model in `out`, or go on there; None where the user interrupted.

    Raises `InputRefused` and `EngineDied`.
    """
    _check_order(order, out)
    gallery = Gallery()
    with started_for([order.model], order.config, gallery, PICTURES) as engines:
        engine, answers = engines[order.model], dict[str, list[Answer]]()
        for one in (LEARNED, *MEASURED):
            exams = _papers(order, one, making)
            answers[one.name] = answers_to(exams, one.ways, order.model, gallery, order.seed)
            if not _read(answers[one.name], one.name, engine, gallery, out, making):
                return None
        said = own_replies(exams, engine, order.model, gallery, making("asking for replies"))
        if said is None or not read_on(said, engine, gallery, None, making("asking how likely its replies are")):
            return None
    network = _fitted(answers[LEARNED.name], order.seed)
    network.save(out)
    figures = {one.name: figures_of(network, answers[one.name]) for one in MEASURED}
    known = sum(one.logprobs is not None for one in answers[LEARNED.name])
    failed = sum(one.failed for of in answers.values() for one in of)
    beside = references(answers[one.name])
    return Made(network, known, failed, figures, told_apart(network, said, exams, beside))


def _read(answers: Sequence[Answer], name: str, engine: Engine, gallery: Gallery, out: Path, making: Making) -> bool:
    """Read answers, or go on with it; return whether nothing is left."""
    file = out / f"{name.replace(' ', '-')}.npz"
    return read_on(answers, engine, gallery, file, making(f"asking how likely answers are ({name})"))


def _papers(order: Order, of: Set, making: Making) -> list[Paper]:
    lines = max(2, round(order.number * of.share / PER_PAPER / 2))  # as many questions are posed besides
    return papers(Exams(order.model, order.config, lines, (order.seed + 1 << 8) + of.seed), of.held_out, making)


def _fitted(answers: Sequence[Answer], seed: int) -> Network:
    """Return what is fitted to every answer beside every other one to the same paper."""
    from sandbox.storybook.reward.fitting import fit

    known = [(one, features(one.logprobs)) for one in answers if one.logprobs is not None]
    of_paper = [list(own) for _, own in groupby(known, lambda pair: pair[0].paper)]
    pairs = [pair for own in of_paper for pair in permutations(own, 2)]
    scenes = list(dict.fromkeys(one.scene for one, _ in known))
    if len(scenes) < _LEAST_SCENES:
        raise refuse("the model could say of too few answers how likely they are.", "--model")
    held = {*scenes[: round(_HELD * len(scenes))]}
    given = inputs(np.array([of for (_, of), _ in pairs]), np.array([beside for _, (_, beside) in pairs]))
    scores = np.array([scores_of(one.way) for (one, _), _ in pairs], dtype=np.float64)
    return fit(given, scores, np.array([one.scene in held for (one, _), _ in pairs]), seed)


def _check_order(order: Order, out: Path) -> None:
    asked = {"model": order.model, "checkpoint": digest(order.model), "answers": order.number, "seed": order.seed}
    file = out / _ORDER
    if file.exists() and json.loads(file.read_text(encoding="utf-8")) != asked:
        raise refuse("another reward model was begun in this folder; name another one.", str(out))
    write_whole(file, json.dumps(asked).encode())


def digest(model: str) -> str:
    """Return the SHA-256 of a model's weights; nothing where it is no folder with a checkpoint."""
    file = Path(reference(model)) / "model.safetensors"
    return sha256(file.read_bytes()).hexdigest() if file.is_file() else ""


def write_card(out: Path, card: Mapping[str, Any]) -> None:
    """Write what is known of a reward model beside it. Raises `OSError`."""
    write_whole(out / CARD, (json.dumps(card, indent=1) + "\n").encode())
