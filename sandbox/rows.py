"""What goes into a store and comes out of it: a batch is what one turn of one episode adds."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, TypeAdapter

from sandbox.schema import row_hash
from scenes.chat import Completion, Prompt, Request, Sampling, Segment
from scenes.event import Event
from scenes.image import Picture
from scenes.sights import PictureFacts
from scenes.trajectory import Status

_SEGMENT = TypeAdapter(Segment)
Row = tuple[object, ...]


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
    ended: float | None


@dataclass(frozen=True, slots=True)
class Batch:
    """What is written in one go: rows of a batch are in the store all or none."""

    episode: int
    calls: Sequence[Asked] = ()
    events: Sequence[Event] = ()
    state: EpisodeRow | None = None
    pictures: Sequence[tuple[Picture, PictureFacts]] = ()
    time: float = 0.0


class StoredRequest(BaseModel):
    """What a request holds besides its prompt."""

    model: str
    sampling: Sampling
    seed: int


def episode_row(state: EpisodeRow) -> Row:
    """Return the row of an episode's state."""
    stable = (state.id, state.variant, state.variant_id, state.values, state.seed, state.status, state.error)
    return (*stable, state.started, state.ended, row_hash(*stable))


def event_rows(batch: Batch) -> Iterator[Row]:
    """Yield the rows of the batch's events."""
    for event in batch.events:
        body = event.model_dump_json(exclude_defaults=True)
        yield batch.episode, event.index, body, batch.time, row_hash(batch.episode, event.index, body)


def call_rows(batch: Batch) -> Iterator[Row]:
    """Yield the rows of the batch's calls."""
    for asked in batch.calls:
        request = asked.request
        rest = StoredRequest.model_construct(model=request.model, sampling=request.sampling, seed=request.seed)
        answer = asked.completion.model_dump_json(exclude_defaults=True) if asked.completion else None
        stable = (
            batch.episode,
            asked.key,
            request.prompt.id,
            rest.model_dump_json(),
            request.digest(),
            answer,
            asked.error,
        )
        yield (*stable, asked.time, asked.seconds, row_hash(*stable))


def node_rows(batch: Batch) -> Iterator[Row]:
    """Yield the prompt nodes that the batch's calls add, and mark them as stored."""
    for asked in batch.calls:
        for node in asked.request.prompt.nodes():
            if node.stored:
                break
            node.stored = True
            yield node.id, _parent(node), _segment_text(node)


def _segment_text(node: Prompt) -> str:
    assert node.segment is not None, "only the root has no segment, and it is not a node of its own"
    return _SEGMENT.dump_json(node.segment, exclude_defaults=True).decode()


def _parent(node: Prompt) -> bytes:
    return node.parent.id if node.parent else b""


def image_rows(batch: Batch) -> Iterator[Row]:
    """Yield the rows of the pictures that the batch's episode uses."""
    for picture, facts in batch.pictures:
        body = facts.model_dump_json(exclude_defaults=True)
        stable = (picture.id, facts.name, picture.width, picture.height, body, batch.episode)
        yield (*stable, row_hash(*stable))


def segment_of(text: str) -> Segment:
    """Return the segment that a prompt node holds."""
    return _SEGMENT.validate_json(text)


def loaded(model: type[BaseModel], text: str) -> Any:
    """Return the record that `text` holds."""
    return model.model_validate_json(text)
