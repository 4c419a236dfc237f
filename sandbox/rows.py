"""What goes into a store and comes out of it: a batch is what one turn of one episode adds."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass
from struct import pack
from typing import Any, NamedTuple

from pydantic import BaseModel, TypeAdapter

from sandbox.schema import (
    PUT_CALL,
    PUT_EPISODE,
    PUT_EVENT,
    PUT_IMAGE,
    PUT_NODE,
    PUT_SCORER,
    PUT_SCORES,
    PUT_VERDICT,
    Row,
    hashed,
)
from scenes.chat import Completion, Prompt, Request, Sampling, Segment
from scenes.event import Event
from scenes.image import Picture
from scenes.sights import PictureFacts
from scenes.trajectory import Status
from scorers.base import Score

_SEGMENT = TypeAdapter(Segment)
_REQUEST = TypeAdapter(Request)
_SCORES = TypeAdapter(tuple[Score, ...])


@dataclass(frozen=True, slots=True)
class Asked:
    """A model call that was made: the question, and the answer or why there is none."""

    key: str
    request: Request
    completion: Completion | None
    error: str | None
    time: float
    """When the answer came, seconds since 1970."""
    seconds: float
    """How long it took."""


@dataclass(frozen=True, slots=True)
class EpisodeRow:
    """The state of one episode."""

    id: int
    variant: int
    variant_id: str
    values: str
    """JSON."""
    seed: int
    status: Status
    error: str | None
    started: float
    """When it was last begun: a resumed episode is begun again."""
    ended: float | None
    events: int = 0
    """How many it came to, once it is over: a missing last one would leave no gap."""
    parent: int | None = None
    """The episode that it branches from, if it is a branch."""
    after: int | None = None
    """The last turn that a branch has in common with its parent; 0 is before the first."""


class Sum(NamedTuple):
    """The scores of an episode that have these four in common: what every statistic is made of."""

    metric: str
    character: str | None
    model: str
    """Which speaks as that character; "" where the scores are about the episode."""
    cause: str | None
    attempted: int
    """How many scores there are."""
    valid: int
    """How many of them have a value."""
    total: float
    """The sum of those values."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one scorer says of one episode."""

    scorer: str
    """Its identity: name, version and options."""
    episode: int
    error: str | None
    """Why it could say nothing."""
    kind: str
    """Of the scenario."""
    sums: tuple[Sum, ...]
    scores: tuple[Score, ...]
    seconds: float


@dataclass(frozen=True, slots=True)
class ScorerRow:
    """A scorer that a run was given."""

    id: str
    name: str
    facts: str
    """JSON: its version and options, and where code of the user's own comes from."""


@dataclass(frozen=True, slots=True)
class Batch:
    """What is written in one go: rows of a batch are in the store all or none."""

    episode: int
    calls: Sequence[Asked] = ()
    events: Sequence[Event] = ()
    state: EpisodeRow | None = None
    pictures: Sequence[tuple[Picture, PictureFacts]] = ()
    time: float = 0.0
    verdict: Verdict | None = None
    scorer: ScorerRow | None = None
    judging: bool = False
    """Whether it comes from a scorer and is no part of what was played."""


class StoredRequest(BaseModel):
    """What a request holds besides its prompt."""

    model: str
    sampling: Sampling
    seed: int
    form: str | None = None
    answer: str | None = None


def rows_of(batch: Batch) -> Mapping[str, Sequence[Row]]:
    """Return the rows of `batch` under the statements that put them, and mark its prompts as stored."""
    return {
        PUT_EPISODE: [hashed(*astuple(batch.state))] if batch.state else [],
        PUT_IMAGE: [_image_row(picture, facts, batch.episode) for picture, facts in batch.pictures],
        PUT_NODE: list(_node_rows(batch.calls)),
        PUT_CALL: [_call_row(batch.episode, asked) for asked in batch.calls],
        PUT_EVENT: [_event_row(batch, event) for event in batch.events],
        PUT_SCORER: [hashed(*astuple(batch.scorer))] if batch.scorer else [],
        PUT_VERDICT: [_verdict_row(batch.verdict, batch.time)] if batch.verdict else [],
        PUT_SCORES: [_scores_row(batch.verdict)] if batch.verdict else [],
    }


def _verdict_row(verdict: Verdict, time: float) -> Row:
    groups = json.dumps([(sum.metric, sum.character, sum.model, sum.cause) for sum in verdict.sums])
    flat = [float(count) for sum in verdict.sums for count in (sum.attempted, sum.valid, sum.total)]
    counts = pack(f"<{len(flat)}d", *flat)
    return hashed(verdict.scorer, verdict.episode, verdict.error, verdict.kind, groups, counts, time, verdict.seconds)


def _scores_row(verdict: Verdict) -> Row:
    body = _SCORES.dump_json(verdict.scores, exclude_defaults=True).decode()
    return hashed(verdict.scorer, verdict.episode, body)


def scores_of(body: str) -> tuple[Score, ...]:
    """Return the scores that a row holds."""
    return _SCORES.validate_json(body)


def _image_row(picture: Picture, facts: PictureFacts, episode: int) -> Row:
    body = facts.model_dump_json(exclude_defaults=True)
    return hashed(picture.id, facts.name, picture.width, picture.height, body, episode)


def _node_rows(calls: Sequence[Asked]) -> Iterator[Row]:
    for asked in calls:
        for node in asked.request.prompt.nodes():
            if node.stored:
                break
            node.stored = True
            yield hashed(node.id, node.parent.id if node.parent else b"", _segment_text(node))


def _segment_text(node: Prompt) -> str:
    assert node.segment is not None, "only the root has no segment, and it is not a node of its own"
    return _SEGMENT.dump_json(node.segment, exclude_defaults=True).decode()


def _call_row(episode: int, asked: Asked) -> Row:
    request = asked.request
    rest = _REQUEST.dump_json(request, exclude={"prompt"}, exclude_none=True).decode()
    answer = asked.completion.model_dump_json(exclude_defaults=True) if asked.completion else None
    question = (request.prompt.id, rest, request.digest())
    return hashed(episode, asked.key, *question, answer, asked.error, asked.time, asked.seconds)


def _event_row(batch: Batch, event: Event) -> Row:
    return hashed(batch.episode, event.index, event.model_dump_json(exclude_defaults=True), batch.time)


def segment_of(text: str) -> Segment:
    """Return the segment that a prompt node holds."""
    return _SEGMENT.validate_json(text)


def loaded(model: type[BaseModel], text: str) -> Any:
    """Return the record that `text` holds."""
    return model.model_validate_json(text)
