"""From what is known of two answers to the scores of one: small networks, as arrays in a file that numpy reads.

As in MMRole, an answer is judged beside another one to the same request: how much the picture or the question matters
there at all, the other answer tells as well.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from sandbox.storybook.reward.features import SIZE, Floats
from sandbox.whole_file import write_whole
from scenes.problem import refuse
from scorers.mmrole.metrics import METRICS
from scorers.mmrole.reading import LEAST, MOST

WEIGHTS = "weights.npz"
SHIPPED = Path(__file__).parent / "weights"
"""The folder of the reward model that comes with Rolestage."""
INPUTS = 2 * SIZE
"""Numbers that a network is given: of the answer, and what they are above those of the other."""
_SHAPES: Mapping[str, tuple[int | None, ...]] = {
    "mean": (INPUTS,), "scale": (INPUTS,), "first": (None, INPUTS, None), "first_bias": (None, 1, None),
    "second": (None, None, None), "second_bias": (None, 1, None),
    "last": (None, None, len(METRICS)), "last_bias": (None, 1, len(METRICS)),
}  # fmt: skip
MOST_OFF = 8.0
"""Standard deviations beyond which a number is taken for this one: nothing was learned out there."""


def inputs(of: Floats, beside: Floats) -> Floats:
    """Return what a network is given, shape (n, INPUTS), of the features of answers and of others, (n, SIZE) each."""
    return np.concatenate([of, of - beside], axis=1)


@dataclass(frozen=True)
class Network:
    """Some networks that began differently, whose mean is taken; each has two layers of hidden units."""

    arrays: Mapping[str, Floats]
    """By the names and shapes of `_SHAPES`; the first axis of all but `mean` and `scale` is over the networks."""

    def scores(self, of: Floats, beside: Floats) -> Floats:
        """Return the scores of answers by MMRole's eight metrics, shape (n, 8), 1 to 10.

        From their features, (n, SIZE), and from those of the answers beside which each is judged.
        """
        arrays = self.arrays
        standard = np.clip((inputs(of, beside) - arrays["mean"]) / arrays["scale"], -MOST_OFF, MOST_OFF)
        first = np.maximum(standard @ arrays["first"] + arrays["first_bias"], 0)
        second = np.maximum(first @ arrays["second"] + arrays["second_bias"], 0)
        shares = 1 / (1 + np.exp(-(second @ arrays["last"] + arrays["last_bias"])))
        scores: Floats = LEAST + (MOST - LEAST) * shares.mean(0)
        return scores

    def save(self, folder: Path) -> None:
        """Write the networks into a folder. Raises `OSError`."""
        file = BytesIO()
        np.savez(file, allow_pickle=False, **{name: of.astype(np.float32) for name, of in self.arrays.items()})
        write_whole(folder / WEIGHTS, file.getvalue())


def load_network(folder: Path) -> Network:
    """Return the network in a folder. Raises `InputRefused` if there is none, or another one."""
    try:
        with np.load(BytesIO((folder / WEIGHTS).read_bytes()), allow_pickle=False) as file:
            arrays = {name: file[name].astype(np.float64) for name in _SHAPES}
    except (OSError, KeyError, ValueError, BadZipFile):
        raise refuse("there is no reward model; make one: rolestage train storybook-rm.", str(folder)) from None
    if not all(_fits(arrays[name].shape, shape) for name, shape in _SHAPES.items()):
        raise refuse(
            "this reward model is of another version; make one anew: rolestage train storybook-rm.", str(folder)
        )
    return Network(arrays)


def _fits(shape: tuple[int, ...], wanted: tuple[int | None, ...]) -> bool:
    return len(shape) == len(wanted) and all(two in (None, one) for one, two in zip(shape, wanted, strict=True))
