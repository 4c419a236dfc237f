"""The teacher in the place of a model: `--model storybook-teacher`."""

from collections.abc import Callable

from sandbox.engines.engine import Engine
from sandbox.engines.scripted import Scripted
from sandbox.storybook.teacher.sight import WHOLE, Sight
from sandbox.storybook.teacher.teacher import Teacher
from scenes.sights import PictureFacts


def teaching(facts: Callable[[str], PictureFacts | None]) -> Engine:
    """Return an engine that answers from what is true of each picture, by its id; of photographs it knows nothing."""

    def truth(image: str) -> Sight | None:
        known = facts(image)
        return sight_of(known) if known else None

    return Scripted(Teacher(truth).answer, logprobs=None)


def sight_of(facts: PictureFacts) -> Sight | None:
    """Return what is to be seen in a picture; None where it is no drawing, or too blurred to tell."""
    if facts.drawing is None or facts.blur:
        return None
    if facts.crop is None:
        return Sight(facts.drawing)
    left, _, width, _ = facts.crop
    whole = WHOLE if width == facts.size else (left / facts.size, (left + width) / facts.size)
    return Sight(facts.drawing, whole)
