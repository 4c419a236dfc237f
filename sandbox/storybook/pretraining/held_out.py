"""What the model makes of what it never learned from: lessons, pictures, and combinations."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from random import Random

import torch
import torch.nn.functional as F
from tokenizers import Tokenizer

from sandbox.storybook.lessons.drills import drills, roll_calls
from sandbox.storybook.lessons.lesson import Lesson, Seen, lessons
from sandbox.storybook.pretraining.batches import Batch, Written, batches, written
from sandbox.storybook.pretraining.learner import Figures, Learner
from sandbox.storybook.pretraining.recipe import Scale
from scenes.storybook.drawing import sample

_SEED = 2**31
"""Beyond any that training is given."""


class HeldOut:
    """The same lessons each time it measures."""

    def __init__(self, seed: int, tokenizer: Tokenizer, scale: Scale) -> None:
        rng = Random(_SEED + seed)
        self._pictures = [Seen(sample(rng, held_out)) for held_out in (False, True) for _ in range(scale.measured)]
        self._batches = {
            name: [*batches(_written(told, tokenizer), scale.budget)]
            for name, told in _told(_SEED + seed, scale.measured).items()
        }

    def eye(self, learner: Learner) -> dict[str, float]:
        """Return which share of each sort of label is read right; half of the pictures have held-out combinations."""
        return learner.reads(self._pictures)

    def words(self, learner: Learner) -> Figures:
        """Return the loss and the share of right tokens, with the words before given, of each set."""
        return {name: _measured(learner, made) for name, made in self._batches.items()}


def _told(seed: int, number: int) -> dict[str, list[Lesson]]:
    sets: dict[str, list[Lesson]] = defaultdict(list)
    for lesson in islice(lessons(seed), number):
        sets[lesson.about].append(lesson)
    for lesson in chain(islice(drills(seed), number), islice(roll_calls(seed), number)):
        sets[lesson.about].append(lesson)
    for lesson in islice(drills(seed, held_out=True), number):
        if lesson.pictures:
            sets[f"{lesson.about}, held-out combinations"].append(lesson)
    return sets


def _written(told: Iterable[Lesson], tokenizer: Tokenizer) -> Iterator[Written]:
    return (one for one in (written(lesson, tokenizer) for lesson in told) if any(one.learned))


def _measured(learner: Learner, made: Iterable[Batch]) -> dict[str, float]:
    loss, right, tokens = 0.0, 0, 0
    for batch in made:
        said, meant = learner.read(batch)
        loss += float(F.cross_entropy(said, meant, reduction="sum"))
        right += int(torch.eq(said.argmax(-1), meant).sum())
        tokens += len(meant)
    return {"loss": loss / tokens, "right": right / tokens, "tokens": tokens}
