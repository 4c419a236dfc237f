"""How likely an answer is, as it was asked for and with something taken away: numbers that tell what it rests on.

An answer that fits its picture is less likely without it, one that answers is less likely without the question, one in
voice is less likely without the profile; what is unlikely in any case is no good language.
"""

from collections.abc import Awaitable, Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from agents.prompts.compact import STAGE
from sandbox.gallery import Gallery
from scenes.chat import Completion, Prompt, Request, Segment, together
from scenes.image import picture_of

Floats = NDArray[np.float64]
Ask = Callable[[Request], Awaitable[Completion]]
CONDITIONS = ("as asked", "blank picture", "without the talk", "without the question", "without the profile", "alone")
SIZE = 6 + 4 * (len(CONDITIONS) - 1)
"""How many numbers tell of an answer."""
_PLAIN = Segment("persona", "system", "You are Somebody.")
_GO_ON = Segment("instruction", "user", f"{STAGE}Go on.", glue="\n")
_LOW = -4.0
"""A token less likely than one in fifty-five, as a natural logarithm."""
_GRAY = (128, 128, 128)


async def read(ask: Ask, request: Request, answer: str, blank: Callable[[str], str]) -> Floats:
    """Return how likely the tokens of an answer are, which was asked for in the layout `compact`.

    Shape (len(CONDITIONS), tokens), natural logarithms. Raises `CallFailed` and `EngineDied`.
    """
    completions = await together(*(ask(one) for one in conditions(request, answer, blank)))
    return np.array([completion.logprobs for completion in completions], dtype=np.float64)


def conditions(request: Request, answer: str, blank: Callable[[str], str]) -> list[Request]:
    """Return what is to be asked of an engine: how likely `answer` is in each of `CONDITIONS`.

    `blank` returns the id of a picture without anything in it, as large as the one with an id.
    """
    segments = request.prompt.segments()
    persona = [one for one in segments if one.stability == "persona"]
    images = [one for one in segments if one.image]
    history = [one for one in segments if one.stability not in ("persona", "instruction") and one not in images]
    closing = [one for one in segments if one.stability == "instruction"] or [_GO_ON]
    told = (
        segments,
        [replace(one, image=blank(one.image)) if one.image else one for one in segments],
        [*persona, *images, *closing],
        [*persona, *images, *history, _GO_ON],
        [_PLAIN, *images, *history, *closing],
        [_PLAIN, _GO_ON],
    )
    return [replace(request, prompt=Prompt().then(*one), answer=answer, form=None) for one in told]


def features(logprobs: Floats) -> Floats:
    """Return the numbers that tell of an answer, shape (SIZE,), from its logprobs, (len(CONDITIONS), tokens)."""
    as_asked, *others = logprobs
    own = [as_asked.mean(), as_asked.min(), np.quantile(as_asked, 0.1), (as_asked < _LOW).mean(), as_asked.std()]
    gains = [part for other in others for part in _gain(as_asked, other)]
    return np.array([*own, np.log(len(as_asked)), *gains])


def _gain(as_asked: Floats, other: Floats) -> tuple[float, float, float, float]:
    """Return what a condition takes from an answer: on average, most, least, and for how many of its tokens."""
    gain = as_asked - other
    return float(gain.mean()), float(gain.max()), float(gain.min()), float((gain < -1).mean())


def blanks(gallery: Gallery) -> Callable[[str], str]:
    """Return what makes gray pictures, each as large as the picture of `gallery` that it takes the place of."""
    made: dict[tuple[int, int], str] = {}

    def blank(image: str) -> str:
        size = gallery.open(image).size
        if size not in made:
            made[size] = _gray(gallery, size)
        return made[size]

    return blank


def _gray(gallery: Gallery, size: tuple[int, int]) -> str:
    from PIL import Image

    picture = picture_of(Image.new("RGB", size, _GRAY))
    gallery.add(picture)
    return picture.id
