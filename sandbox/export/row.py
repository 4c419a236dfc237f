"""What every format makes of a run: rows, each with where it comes from; and what a format is."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Protocol

from pydantic import BaseModel, ConfigDict

from sandbox.record import Record
from scorers.base import Case, Score

Kind = Literal["parquet", "json"]
Split = Literal["train", "test"]
SPLITS: tuple[Split, ...] = ("train", "test")


class CallOrigin(BaseModel):
    """A call that a row holds the answer of."""

    model_config = ConfigDict(frozen=True)

    key: str
    turn: int | None = None
    prompt: str
    """Digest of its prompt, hexadecimal, under which the run holds it."""
    exact: bool | None = None
    """Whether what stands in the row before the answer is to the letter what was asked; None where that is the rule."""
    flags: list[str] = []
    """What was odd about the answer."""


class Origin(BaseModel):
    """Where a row comes from."""

    model_config = ConfigDict(frozen=True)

    run: str
    episode: int
    scenario: str
    """Digest of what was played, which decides whether a row is for training or for testing."""
    character: str
    model: str
    """Which wrote what is learned."""
    turns: list[int] = []
    """In which what is learned was said."""
    calls: list[CallOrigin]


@dataclass(frozen=True)
class Row:
    """One sample."""

    body: Mapping[str, Any]
    """In the shape of the format."""
    pictures: tuple[str, ...]
    """Their ids, in the order in which they stand in it."""
    origin: Origin
    words: int
    learned: int
    """How many of the words are learned."""
    answers: int = 1
    """Answers of models that are learned."""
    tokens: int = 0
    """Of its longest call, as the engine counted; 0 where it did not."""


@dataclass(frozen=True)
class Played:
    """One episode that is exported."""

    run: str
    record: Record
    case: Case
    scenario: str
    shared_to: int
    """The last turn that it has in common with the episode it branches from; -1 where it has none."""
    verdicts: tuple[str, ...]
    """The scorer whose verdicts are exported, if the format holds any."""
    keeps: Callable[[Sequence[int]], bool]
    """Whether the line that came of these events is learned, as far as scores say."""
    leave_out: Callable[[str, int], None]
    """Count what is not exported, by why."""
    note: Callable[[str, int], None]
    """Count what is exported and odd."""

    def scores(self) -> tuple[Score, ...]:
        """Return the scores of the verdicts that are exported."""
        return tuple(
            score for scorer in self.verdicts for score in self.record.scores(scorer, self.case.trajectory.episode)
        )

    def judge(self) -> str:
        """Return the model that gave the verdicts."""
        facts: dict[str, Any] = next(
            (json.loads(row.facts) for row in self.record.scorers() if row.id in self.verdicts), {}
        )
        return str(facts.get("options", {}).get("judge") or self.case.variant.scenario.model)

    def origin(self, character: str, model: str, calls: list[CallOrigin]) -> Origin:
        """Return where a row of this episode comes from."""
        turns = sorted({call.turn for call in calls if call.turn is not None})
        return Origin(
            run=self.run, episode=self.case.trajectory.episode, scenario=self.scenario,
            character=character, model=model, turns=turns, calls=calls,
        )  # fmt: skip


class Format(Protocol):
    """One of the closed set of formats."""

    name: ClassVar[str]
    scorer: ClassVar[str | None]
    """Whose verdicts it holds; None where it holds what was played."""
    kind: ClassVar[Kind]
    """Of the files that its readers expect."""
    schema: ClassVar[type[BaseModel]]
    """The shape of a row's body."""

    def rows(self, played: Played) -> Iterator[Row]:
        """Yield the rows of an episode."""
        ...

    def told(self, body: Mapping[str, Any]) -> str:
        """Return the text of a row as a person reads it."""
        ...

    def places(self, body: Mapping[str, Any]) -> int:
        """Return how many places for pictures a row has."""
        ...

    def texts(self, body: Mapping[str, Any]) -> Iterator[str]:
        """Yield all that is written in a row by others than ourselves, in which no control token may stand."""
        ...
