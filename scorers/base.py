"""The contract of a scorer: what it is given and what it gives back.

A scorer judges one episode at a time and reaches a model only through the `Call` that it is given. What it says is a
`Score`; what is said of many together is apart, in `scorers.statistics`.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from inspect import getdoc, signature
from typing import Any, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, create_model

from scenes.chat import Call, Completion, Request
from scenes.event import NARRATOR
from scenes.image import Picture
from scenes.loading import Variant
from scenes.scenario import Scenario
from scenes.sights import PictureFacts
from scenes.trajectory import Trajectory

Cause = Literal["character", "narrator", "policy", "engine", "judge"]
"""Who is to blame for what went wrong."""
SIMULATOR: tuple[Cause, ...] = ("narrator", "policy", "engine", "judge")
"""Those to blame who are no character: what they spoil says nothing about the models that are judged."""


class Score(BaseModel):
    """One verdict on one thing: on events, on a character, or, where neither is named, on the episode."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    metric: str = Field(min_length=1, max_length=60)
    value: float | None = Field(default=None, allow_inf_nan=False)
    """In the metric's own unit; None if there is no verdict, which is neither 0 nor left out of the count."""
    reason: str | None = None
    """Why there is no value, or why it is what it is."""
    character: str | None = None
    """Whom it judges: one of the cast, or `Narrator`."""
    events: tuple[int, ...] = ()
    """Indexes of the events that it is about."""
    cause: Cause | None = None
    """Who is to blame, where the metric is a fault."""
    calls: tuple[str, ...] = ()
    """Keys of the judge's calls that it rests on."""


Scores = Iterable[Score]


def _nothing_beside(folder: str, key: str) -> None:
    """Know of no other run."""


@dataclass(frozen=True)
class Metric:
    """What a scorer measures, for whoever reads its numbers."""

    name: str
    meaning: str
    """What the number says, and where it was defined: a paper and section, or this project."""
    unit: str
    """`share`, `claims`, `nats per token`, …"""
    scale: tuple[float | None, float | None] = (0, 1)
    """Its least and its greatest value; None where there is none."""
    better: Literal["higher", "lower"] | None = "higher"


@dataclass(frozen=True)
class Case:
    """One episode as it is judged: what happened in it, and what was true of it."""

    trajectory: Trajectory
    legs: Sequence[tuple[int, Variant]]
    """What was played, each from after a turn on; an episode that is no branch has one leg, from 0."""
    pictures: Mapping[str, PictureFacts]
    """What is true of each picture, by its id."""
    sizes: Mapping[str, tuple[int, int]]
    """Width and height of each picture, in pixels, by its id."""
    asked: Callable[[str], Request]
    """The request behind the call of an event, by its key. Raises `KeyError`."""
    answered: Callable[[str], Completion]
    """What came back from it, exactly. Raises `KeyError`."""
    keep: Callable[[Picture], None]
    """Make a picture that a judge is to see known under its id."""
    beside: Callable[[str, str], str | None] = _nothing_beside
    """What another run, by its folder, replied to the very prompt of the call with a key; None if it never met it."""

    @property
    def variant(self) -> Variant:
        """What was played in the end; of an episode that is no branch, from first to last."""
        return self.legs[-1][1]

    def variant_at(self, turn: int) -> Variant:
        """Return what was played in a turn."""
        return next(variant for after, variant in reversed(self.legs) if turn > after or not after)

    def model_of(self, name: str) -> str:
        """Return the model that speaks as one of the cast, as the narrator, or as the player."""
        scenario = self.variant.scenario
        player, narrator = scenario.player, scenario.narrator
        if player and name == (player.plays or player.name):
            return player.model or ("person" if player.person else "scenario")
        return (narrator and name == NARRATOR and narrator.model) or scenario.model


class Scorer(BaseModel):
    """A judge of episodes; its fields are its options."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: ClassVar[str]
    """As on the command line."""
    version: ClassVar[str] = "1"
    """Another one whenever the same options judge otherwise: verdicts of two versions are never mixed."""
    metrics: ClassVar[tuple[Metric, ...]] = ()
    seconds: ClassVar[float] = 60
    """How long it may compute on one episode; waiting for a model does not count."""

    def score(self, case: Case, call: Call) -> Scores | Awaitable[Scores]:
        """Return the verdicts on an episode; `async def` where a model is asked."""
        raise NotImplementedError

    def prepared(self, cases: Iterable[Case]) -> Self:
        """Return the scorer as it is once it has seen all that is to be judged, one that is trained on it for example.

        What it learned is part of its options, or `basis` names it: learning otherwise is judging otherwise.
        """
        return self

    @property
    def basis(self) -> str:
        """What it was prepared on, in a few letters; nothing where it needs no preparing."""
        return ""

    def models(self, scenario: Scenario) -> Iterable[str]:
        """Return the names of the models that it asks about an episode of `scenario`; an engine is started for each."""
        return ()


def scorer_of(function: Callable[..., Any], version: str) -> type[Scorer]:
    """Return the scorer that a plain function is: `def NAME(case)`, or `async def NAME(case, call)` to ask a model.

    `NAME.metrics = (Metric(…),)` says what its numbers mean.
    """
    arguments = len(signature(function).parameters)

    def score(self: Scorer, case: Case, call: Call) -> Any:
        return function(*(case, call)[:arguments])

    made = create_model(function.__name__, __base__=Scorer, __doc__=getdoc(function))
    made.name, made.version, made.score = function.__name__, version, score  # type: ignore[method-assign]
    made.metrics = getattr(function, "metrics", ())
    if arguments > 1:
        made.models = lambda self, scenario: (scenario.model,)  # type: ignore[method-assign]
    return made
