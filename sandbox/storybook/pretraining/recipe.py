"""The recipe of the storybook model: its stages, how fast each part learns when, and how large a batch is where.

All is by shares of the minutes given, so ten minutes make a weaker model by the same steps. The picture is read with
labels first, since words teach an eye slowly; then come roll calls and drills, where every word is looked up in the
picture or a profile; and only then lessons, most of whose words need neither. Some drills go on among them.
"""

from dataclasses import dataclass
from typing import Literal

Device = Literal["cpu", "cuda"]
StageName = Literal["eye", "roll calls", "drills", "lessons", "together"]


@dataclass(frozen=True)
class Stage:
    """A part of the training."""

    name: StageName
    until: float
    """The share of the minutes at which it ends."""
    eye_rate: float
    """How fast the eye learns, over the text's rate; at 0 it stands still."""


STAGES = (
    Stage("eye", 0.12, 1.0),
    Stage("roll calls", 0.17, 0.0),
    Stage("drills", 0.21, 0.0),
    Stage("lessons", 0.27, 0.0),
    Stage("together", 1.0, 0.1),
)
WEIGHTS = {"loss": 1.0, "heard": 0.3, "labels": 0.3}
"""What each loss counts for while words are learned: the model's own lines; what others say in a talk and sheets tell,
which it is never to say and yet learns the language from; the labels of pictures."""
_WARM_UP = 0.01
_FADE_FROM = 0.60
_LEAST = 0.02
_EYE_FADE_FROM = 0.5


@dataclass(frozen=True)
class Scale:
    """What suits a device."""

    budget: int
    """Work of a batch, in tokens."""
    pictures: int
    """Pictures of a batch for the eye alone."""
    pool: int
    """Lessons that are made at a time, from which like lengths are put together."""
    measured: int
    """Lessons that it is measured on, and half as many pictures of each sort."""
    workers: int
    """Processes that make lessons."""
    rate: float
    """The highest rate of learning."""


SCALES: dict[Device, Scale] = {
    "cpu": Scale(budget=4_096, pictures=64, pool=512, measured=128, workers=1, rate=3e-3),
    "cuda": Scale(budget=65_536, pictures=512, pool=2048, measured=512, workers=12, rate=4e-3),
}


def stage_at(share: float) -> Stage | None:
    """Return the stage at a share of the minutes, None when they are over."""
    return next((stage for stage in STAGES if share < stage.until), None)


def rate_at(share: float) -> float:
    """Return the rate of learning at a share of the minutes, over the highest.

    The eye alone and all that follows each warm up, stay, and fade to almost nothing.
    """
    begin, end = STAGES[0].until, 1.0
    if share < begin:
        return _rise_and_fall(share / begin, _WARM_UP / begin, _EYE_FADE_FROM)
    return _rise_and_fall((share - begin) / (end - begin), _WARM_UP, (_FADE_FROM - begin) / (end - begin))


def _rise_and_fall(at: float, warm: float, fade: float) -> float:
    falling = max(_LEAST, (1 - at) / (1 - fade))
    return min(1.0, max(at / warm, _LEAST), falling)
