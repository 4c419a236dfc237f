"""What the model makes of what it never learned from: lessons, pictures, and combinations."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import islice

import torch
import torch.nn.functional as F
from tokenizers import Tokenizer

from sandbox.storybook.batches import Batch, Written, batches, readings, written
from sandbox.storybook.learner import Figures, Learner
from sandbox.storybook.lesson import Lesson, lessons
from sandbox.storybook.recipe import Scale

_SEED = 2**31
"""Beyond any that training is given."""


class HeldOut:
    """The same lessons each time it measures."""

    def __init__(self, seed: int, tokenizer: Tokenizer, scale: Scale) -> None:
        told = [*islice(readings(_SEED + seed), scale.measured), *islice(readings(_SEED + seed, True), scale.measured)]
        self._pictures = [lesson.pictures[0] for lesson in told]
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


def _told(seed: int, number: int) -> dict[str, Iterable[Lesson]]:
    sets: dict[str, list[Lesson]] = defaultdict(list)
    for lesson in islice(lessons(seed), number):
        sets[lesson.about].append(lesson)
    unseen, pairs = readings(seed), readings(seed, held_out=True)
    return {
        **sets,
        "reading": islice(unseen, number // 2),
        "reading of held-out combinations": islice(pairs, number // 2),
    }


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
