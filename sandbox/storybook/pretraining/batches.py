"""Lessons as what a model learns from: token ids, which of them it is to say, and pixels.

A pool of lessons at a time is written, sorted by length and cut into batches, so that little is padding; a pool is
known by its seed and number alone, which is what lets a training go on from the middle of one. Pools are made ahead in
a process of their own, which needs neither torch nor transformers.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from random import Random
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from sandbox.storybook.lessons.drills import drills, roll_calls
from sandbox.storybook.lessons.lesson import Lesson, Seen, Turn, lessons
from sandbox.storybook.pretraining.eye import SIDE, UNKNOWN, Labels, channels_first, drawn, labels, oddly_drawn
from sandbox.storybook.pretraining.recipe import Scale
from sandbox.storybook.tokenizer import END, PAD, PICTURE, ROLES
from scenes.storybook.drawing import sample

if TYPE_CHECKING:
    from tokenizers import Tokenizer

Kind = Literal["pictures", "roll calls", "drills", "lessons"]

LONGEST = 1024
"""Tokens of the longest sequence; what a lesson has beyond is left out, by whole turns."""
ODD_PICTURES = 0.4
"""How many of the pictures that the eye alone learns from are in colours of no name."""
DRILLS_AMONG_LESSONS = 0.15
"""Of all lessons; so that what was learned by them is not lost, and most words are of scenes."""
EVEN_TOKENS = 32
"""Sequences are padded to a multiple of it, so that there are few shapes."""
_PICTURE_COST = 64
"""What a sequence adds to the work of a batch, in tokens: its picture's patches go through the eye."""


class Written(NamedTuple):
    """A lesson as a sequence."""

    ids: list[int]
    learned: list[bool]
    """Which of `ids` the model is to say."""
    pictures: list[Seen]


class Batch(NamedTuple):
    """Sequences that are learned together."""

    ids: NDArray[np.int64]
    """Shape (sequences, tokens), padded on the right; without any where pictures are learned by their labels alone."""
    learned: NDArray[np.bool_]
    """Of the same shape."""
    pixels: NDArray[np.uint8]
    """Shape (pictures, channels, SIDE, SIDE), in the order of their places in `ids`."""
    labels: Labels | None
    """What is in them; None where there are none."""


def written(lesson: Lesson, tokenizer: "Tokenizer") -> Written:
    """Return `lesson` as a sequence, with as many of its turns from the first on as fit."""
    ids: list[int] = []
    learned: list[bool] = []
    pictures = 0
    for turn in lesson.turns:
        said = _turn_ids(turn, tokenizer)
        if len(ids) + len(said) > LONGEST:
            break
        ids += said
        learned += [False, *[turn.learned] * (len(said) - 1)]
        pictures += turn.parts.count(None)
    return Written(ids, learned, list(lesson.pictures[:pictures]))


def _turn_ids(turn: Turn, tokenizer: "Tokenizer") -> list[int]:
    ids, text = [ROLES[turn.role]], ""
    for part in (*turn.parts, None):  # texts that nothing parts are one text
        if part is not None:
            text += part
            continue
        ids += [*_text_ids(text, tokenizer), *PICTURE] if text else PICTURE
        text = ""
    return [*ids[: -len(PICTURE)], END]


def _text_ids(text: str, tokenizer: "Tokenizer") -> list[int]:
    ids: list[int] = tokenizer.encode(text, add_special_tokens=False).ids
    return ids


def pixels(seen: Seen) -> NDArray[np.uint8]:
    """Return what the model sees of a picture, shape (3, SIDE, SIDE): half of one is as wide as a whole one to it."""
    whole, _ = drawn(seen.drawing)
    if seen.half is None:
        return whole
    left = 0 if seen.half == "left" else SIDE // 2
    part = Image.fromarray(whole.transpose(1, 2, 0)).crop((left, 0, left + SIDE // 2, SIDE))
    return channels_first(part.resize((SIDE, SIDE), Image.Resampling.BICUBIC))


def pool(kind: Kind, seed: int, number: int, tokenizer: "Tokenizer", scale: Scale) -> list[Batch]:
    """Return the batches of the pool of that `number`, in the order in which they are learned."""
    rng = Random(f"{kind}/{seed}/{number}")
    if kind == "pictures":
        return _pictures(scale, rng)
    told = islice(_lessons(kind, rng.randrange(1 << 31), scale.pool), scale.pool)
    sequences = [one for one in (written(lesson, tokenizer) for lesson in told) if any(one.learned)]
    made = list(batches(sequences, scale.budget))
    rng.shuffle(made)
    return made


def _lessons(kind: Kind, seed: int, number: int) -> Iterable[Lesson]:
    if kind == "roll calls":
        return roll_calls(seed)
    if kind == "drills":
        return drills(seed)
    some = round(number * DRILLS_AMONG_LESSONS)
    return chain(islice(drills(seed), some), lessons(seed))


def batches(sequences: Iterable[Written], budget: int) -> Iterator[Batch]:
    """Yield `sequences` in batches of like lengths, each of about as much work as `budget`, from the longest on.

    All batches of one length have as many sequences, but for the last: a CPU prepares for every new shape.
    """
    left = sorted(sequences, key=lambda one: len(one.ids), reverse=True)
    while left:
        size = max(1, budget // (_padded(len(left[0].ids)) + _PICTURE_COST))
        yield _batch(left[:size])
        left = left[size:]


def _padded(tokens: int) -> int:
    return tokens + -tokens % EVEN_TOKENS


def _pictures(scale: Scale, rng: Random) -> list[Batch]:
    """Return batches of pictures without a word."""
    size, seen = scale.pictures, [Seen(sample(rng)) for _ in range(scale.pool)]
    none = np.zeros((0, 0), dtype=np.int64)
    parts = [seen[at : at + size] for at in range(0, len(seen), size)]
    return [_with_odd_ones(_shown(none, none.astype(np.bool_), part), part, rng) for part in parts]


def _with_odd_ones(batch: Batch, seen: Sequence[Seen], rng: Random) -> Batch:
    """Return the batch with some of its pictures in colours that have no name, and so no label."""
    for at, one in enumerate(seen):
        if rng.random() < ODD_PICTURES and batch.labels:
            batch.pixels[at] = oddly_drawn(one.drawing, rng)
            batch.labels.colours[at] = batch.labels.patch_colours[at] = UNKNOWN
    return batch


def _batch(sequences: Sequence[Written]) -> Batch:
    shape = len(sequences), _padded(max(len(one.ids) for one in sequences))
    ids, learned = np.full(shape, PAD, dtype=np.int64), np.zeros(shape, dtype=np.bool_)
    for row, one in enumerate(sequences):
        ids[row, : len(one.ids)], learned[row, : len(one.ids)] = one.ids, one.learned
    return _shown(ids, learned, [*chain.from_iterable(one.pictures for one in sequences)])


def _shown(ids: NDArray[np.int64], learned: NDArray[np.bool_], seen: Sequence[Seen]) -> Batch:
    shown = np.stack([pixels(one) for one in seen]) if seen else np.zeros((0, 3, SIDE, SIDE), dtype=np.uint8)
    return Batch(ids, learned, shown, labels(seen) if seen else None)
