"""What reads the labels of pictures from the eye, while it learns; no part of the model that is shipped.

What a patch shows is read from the patch. The rest is read from the tokens that the text will see, by one look of
attention and one linear layer, so that the text can find it there as easily.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from sandbox.storybook.lessons.lesson import Seen
from sandbox.storybook.pretraining.eye import GRID, NOTHING, SHUFFLE, UNKNOWN, Labels, drawn, held_out, labels
from scenes.storybook.drawing import COLOURS, KINDS, PLACES, POSITIONS, TIMES, WEATHERS

See = Callable[[NDArray[np.uint8]], tuple[Tensor, Tensor]]
"""Returns of pictures, shape (pictures, 3, SIDE, SIDE), the eye's patches and the text's tokens of them."""

_KINDS = len(KINDS) + 1
_NUMBERS = 4
_SCENE = (len(PLACES), len(TIMES), len(WEATHERS))
_KEY = 64
_LOOKS = 2 * len(POSITIONS) + len(_SCENE)
"""At each third for what is there, at each for how many, and for each part of the scene."""
_COLOUR_WEIGHT = 0.5
_FACT_WEIGHT = 0.7
_SCENE_WEIGHT = 0.5
_AT_A_TIME = 64


class Told(NamedTuple):
    """Scores of what each label may be, in the last dimension; those of a scene are of different lengths."""

    patch_kinds: Tensor
    patch_colours: Tensor
    centres: Tensor
    kinds: Tensor
    colours: Tensor
    numbers: Tensor
    scene: list[Tensor]


class Heads(nn.Module):  # type: ignore[misc]  # torch comes without types here
    """Reads labels from patches, shape (pictures, patches, `eye`), and from their tokens for a text of that width."""

    def __init__(self, eye: int, text: int) -> None:
        super().__init__()
        self.patch = nn.Linear(eye, _KINDS + len(COLOURS) + 1)
        self.key = nn.Linear(text, _KEY)
        self.query = nn.Parameter(0.1 * torch.randn(_LOOKS, _KEY))
        self.where = nn.Parameter(torch.zeros(_LOOKS, (GRID // SHUFFLE) ** 2))
        self.kind = nn.Linear(text, _KINDS)
        self.colour = nn.Linear(text, len(COLOURS))
        self.number = nn.Linear(text, _NUMBERS)
        self.scene = nn.ModuleList(nn.Linear(text, size) for size in _SCENE)

    def forward(self, patches: Tensor, tokens: Tensor, labels: Labels) -> Tensor:
        """Return the loss, a number that is about 12 at first."""
        told = self.told(patches, tokens)
        by_patch = _missed(told.patch_kinds, labels.patch_kinds)
        by_patch += _COLOUR_WEIGHT * _missed(told.patch_colours, labels.patch_colours)
        by_patch += F.binary_cross_entropy_with_logits(told.centres, labels.centres.float())
        facts = _missed(told.colours, labels.colours) + _missed(told.numbers, labels.numbers)
        scene = sum(_missed(one, labels.scene[:, at]) for at, one in enumerate(told.scene))
        return by_patch + _missed(told.kinds, labels.kinds) + _FACT_WEIGHT * facts + _SCENE_WEIGHT * scene

    def told(self, patches: Tensor, tokens: Tensor) -> Told:
        """Return the scores of what each label may be."""
        dtype, thirds = self.key.weight.dtype, len(POSITIONS)
        patches, tokens = patches.to(dtype), tokens.to(dtype)
        kinds, colours, centres = self.patch(patches).split([_KINDS, len(COLOURS), 1], -1)
        looks = self.query @ self.key(tokens).transpose(1, 2) / _KEY**0.5 + self.where
        found = looks.softmax(-1) @ tokens
        what, many, scene = found.split([thirds, thirds, len(_SCENE)], 1)
        scenes = [head(scene[:, at]) for at, head in enumerate(self.scene)]
        return Told(kinds, colours, centres[..., 0], self.kind(what), self.colour(what), self.number(many), scenes)


def _missed(scores: Tensor, meant: Tensor) -> Tensor:
    """Return the cross-entropy over what is known; 0 where nothing is."""
    known = (meant != UNKNOWN).sum().clamp(min=1)
    lost = F.cross_entropy(scores.flatten(0, -2).float(), meant.flatten(), ignore_index=UNKNOWN, reduction="sum")
    return lost / known


def reads(see: See, heads: Heads, seen: Sequence[Seen]) -> dict[str, float]:
    """Return which share of each sort of label is read right from whole pictures, by name.

    `position` is right where all thirds that hold something are found and no other; `pair kind` and `pair colour` are
    of held-out pairs alone. What no picture has is left out.
    """
    right, told = Counter[str](), Counter[str]()
    for at in range(0, len(seen), _AT_A_TIME):
        part = seen[at : at + _AT_A_TIME]
        with torch.no_grad():
            scores = heads.told(*see(np.stack([drawn(one.drawing)[0] for one in part])))
        for name, hits in _hits(scores, labels(part)).items():
            right[name] += int(hits.sum())
            told[name] += hits.size
    return {name: right[name] / number for name, number in told.items() if number}


def _hits(told: Told, meant: Labels) -> dict[str, NDArray[np.bool_]]:
    """Return for each sort of label whether each of them is right."""
    kinds, colours, numbers = (_best(one) for one in (told.kinds, told.colours, told.numbers))
    there = meant.kinds != NOTHING
    pairs = held_out(meant.kinds, meant.colours)
    hits = {"kind": (kinds == meant.kinds)[there], "colour": (colours == meant.colours)[there]}
    hits["number"] = (numbers == meant.numbers)[there]
    hits["position"] = ((kinds != NOTHING) == there).all(-1)
    for at, (name, one) in enumerate(zip(("place", "time", "weather"), told.scene, strict=True)):
        hits[name] = _best(one) == meant.scene[:, at]
    return hits | {"pair kind": (kinds == meant.kinds)[pairs], "pair colour": (colours == meant.colours)[pairs]}


def _best(scores: Tensor) -> NDArray[np.int64]:
    best: NDArray[np.int64] = scores.argmax(-1).cpu().numpy()
    return best
