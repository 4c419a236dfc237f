"""The eye of the storybook model: its shape, and what it is taught to tell of a picture before it hears a word.

The labels are exact and cost nothing, since whoever draws knows the truth. They say it twice: patch by patch, which
teaches what each thing looks like, and by thirds of the picture, which teaches what a speaker will be asked.

Here is what needs no torch; `sandbox.storybook.pretraining.heads` reads the labels from the eye.
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from math import ceil, dist
from random import Random
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL.Image import Image

from sandbox.storybook.lessons.lesson import Seen
from scenes.storybook.canvas import RGB
from scenes.storybook.drawing import COLOURS, HELD_OUT, KINDS, PLACES, POSITIONS, TIMES, WEATHERS, Colour, Drawing
from scenes.storybook.render import PAINTS, Spot, render_with_spots

SIDE = 128
"""Pixels of a picture's side."""
GRID = 8
"""Patches of a picture's side: a power of two, for transformers counts in the model's own number format where a patch
lies, and in bfloat16 a tenth or a twelfth is no number: neighbours would share a place."""
SHUFFLE = 2
"""Side of the square of patches that becomes one token of the text."""
VISION = {
    "image_size": SIDE,
    "patch_size": SIDE // GRID,
    "hidden_size": 192,
    "intermediate_size": 576,
    "num_hidden_layers": 4,
    "num_attention_heads": 3,
    "hidden_act": "gelu_pytorch_tanh",
}
"""The part of an Idefics3 that sees."""
NOTHING = 0
"""The kind of what shows no thing; kind k of `KINDS` is k + 1."""
UNKNOWN = -100
"""The label of what cannot be told, as torch's cross-entropy skips it."""

_FAR = 110
"""Between two paints, as a distance in RGB, from which on nobody calls them by one name."""
_PAIRS = np.array(sorted((KINDS.index(kind) + 1, COLOURS.index(colour)) for kind, colour in HELD_OUT))
_OUT_OF_SIGHT = {None: (), "left": ("middle", "right"), "right": ("left",)}
"""Of which thirds a half of a picture says nothing."""
_CUT = {None: (), "left": (), "right": ("middle",)}
"""What a half cuts through: what it is can be told, how many not always."""


class Labels(NamedTuple):
    """What is in some pictures: int64 numbers of what `scenes.storybook.drawing` lists, in that order."""

    patch_kinds: Any
    """Shape (pictures, patches): the kind whose box a patch's centre lies in, or `NOTHING`."""
    patch_colours: Any
    """Of the same shape: its colour; `UNKNOWN` where there is nothing."""
    centres: Any
    """Of the same shape: 1 where a thing has its centre, so that they can be counted; else 0."""
    kinds: Any
    """Shape (pictures, 3): the kind in each third from the left, or `NOTHING`."""
    colours: Any
    """Of the same shape: its colour."""
    numbers: Any
    """Of the same shape: how many, less one."""
    scene: Any
    """Shape (pictures, 3): place, time, weather."""


def labels(seen: Iterable[Seen]) -> Labels:
    """Return what is to be told of pictures, as arrays of numpy."""
    told = [(*_of_patches(one), *_of_thirds(one), _of_scene(one.drawing)) for one in seen]
    return Labels(*(np.stack(part) for part in zip(*told, strict=True)))


@lru_cache(maxsize=1024)
def drawn(drawing: Drawing) -> tuple[NDArray[np.uint8], tuple[Spot, ...]]:
    """Return a drawing's pixels, shape (3, SIDE, SIDE), and where each thing is; kept, as both are asked for in turn.

    The pixels are not to be written to.
    """
    image, spots = render_with_spots(drawing, SIDE)
    return channels_first(image), tuple(spots)


def oddly_drawn(drawing: Drawing, rng: Random) -> NDArray[np.uint8]:
    """Return a drawing's pixels with its things in paints that have no name, so that a shape is known in any colour.

    None is near a colour that a kind is never shown in: what is held out stays unseen.
    """
    paints = {group.colour: _odd_paint(drawing, group.colour, rng) for group in drawing.groups}
    return channels_first(render_with_spots(drawing, SIDE, PAINTS | paints)[0])


def channels_first(image: Image) -> NDArray[np.uint8]:
    """Return a picture's pixels, shape (3, height, width)."""
    return np.ascontiguousarray(np.asarray(image, dtype=np.uint8).transpose(2, 0, 1))


def _odd_paint(drawing: Drawing, colour: Colour, rng: Random) -> RGB:
    kinds = {group.kind for group in drawing.groups if group.colour == colour}
    never = [PAINTS[one] for kind, one in HELD_OUT if kind in kinds]
    while True:
        paint = rng.randrange(256), rng.randrange(256), rng.randrange(256)
        if all(dist(paint, one) > _FAR for one in never):
            return paint


def held_out(kinds: NDArray[np.int64], colours: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return for each kind with a colour, numbered as in `Labels`, whether no training picture has the pair."""
    pairs: NDArray[np.bool_] = (np.stack([kinds, colours], -1)[..., None, :] == _PAIRS).all(-1).any(-1)
    return pairs


def _of_patches(seen: Seen) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    kinds = np.full((GRID, GRID), NOTHING)
    colours, centres = np.full_like(kinds, UNKNOWN), np.zeros_like(kinds)
    for spot in drawn(seen.drawing)[1]:
        left, right = _within(spot.left, seen.half), _within(spot.right, seen.half)
        box = _patches(spot.top, spot.bottom), _patches(left, right)
        kinds[box], colours[box] = KINDS.index(spot.kind) + 1, COLOURS.index(spot.colour)
        across, down = (left + right) / 2, (spot.top + spot.bottom) / 2
        if 0 <= across < 1 and 0 <= down < 1:
            centres[int(down * GRID), int(across * GRID)] = 1
    return kinds.ravel(), colours.ravel(), centres.ravel()


def _within(across: float, half: Literal["left", "right"] | None) -> float:
    """Return where in a half, which is shown as wide as a whole picture, a point of the whole lies."""
    return across if half is None else 2 * across - (half == "right")


def _patches(first: float, last: float) -> slice:
    """Return the patches whose centres lie between two shares of the side."""
    return slice(max(0, ceil(first * GRID - 0.5)), max(0, ceil(last * GRID - 0.5)))


def _of_thirds(seen: Seen) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    kinds = np.full(len(POSITIONS), NOTHING)
    colours, numbers = np.full_like(kinds, UNKNOWN), np.full_like(kinds, UNKNOWN)
    for group in seen.drawing.groups:
        at = POSITIONS.index(group.position)
        kinds[at], colours[at] = KINDS.index(group.kind) + 1, COLOURS.index(group.colour)
        numbers[at] = group.number - 1
    _forget(_OUT_OF_SIGHT[seen.half], kinds, colours, numbers)
    _forget(_CUT[seen.half], numbers)
    return kinds, colours, numbers


def _forget(positions: Sequence[str], *parts: NDArray[np.int64]) -> None:
    for part in parts:
        part[[at for at, position in enumerate(POSITIONS) if position in positions]] = UNKNOWN


def _of_scene(drawing: Drawing) -> NDArray[np.int64]:
    return np.array([PLACES.index(drawing.place), TIMES.index(drawing.time), WEATHERS.index(drawing.weather)])
