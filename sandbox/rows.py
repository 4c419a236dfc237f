"""What goes into a store and comes out of it: a batch is what one turn of one episode adds."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass
from typing import Any

from pydantic import BaseModel, TypeAdapter

from sandbox.schema import PUT_CALL, PUT_EPISODE, PUT_EVENT, PUT_IMAGE, PUT_NODE, Row, hashed
from scenes.chat import Completion, Prompt, Request, Sampling, Segment
from scenes.event import Event
from scenes.image import Picture
from scenes.sights import PictureFacts
from scenes.trajectory import Status

_SEGMENT = TypeAdapter(Segment)


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
    form: str | None = None


def rows_of(batch: Batch) -> Mapping[str, Sequence[Row]]:
    """Return the rows of `batch` under the statements that put them, and mark its prompts as stored."""
    return {
        PUT_EPISODE: [hashed(*astuple(batch.state))] if batch.state else [],
        PUT_IMAGE: [_image_row(picture, facts, batch.episode) for picture, facts in batch.pictures],
        PUT_NODE: list(_node_rows(batch.calls)),
        PUT_CALL: [_call_row(batch.episode, asked) for asked in batch.calls],
        PUT_EVENT: [_event_row(batch, event) for event in batch.events],
    }


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
    rest = StoredRequest(model=request.model, sampling=request.sampling, seed=request.seed, form=request.form)
    answer = asked.completion.model_dump_json(exclude_defaults=True) if asked.completion else None
    question = (request.prompt.id, rest.model_dump_json(exclude_none=True), request.digest())
    return hashed(episode, asked.key, *question, answer, asked.error, asked.time, asked.seconds)


def _event_row(batch: Batch, event: Event) -> Row:
    return hashed(batch.episode, event.index, event.model_dump_json(exclude_defaults=True), batch.time)


def segment_of(text: str) -> Segment:
    """Return the segment that a prompt node holds."""
    return _SEGMENT.validate_json(text)


def loaded(model: type[BaseModel], text: str) -> Any:
    """Return the record that `text` holds."""
    return model.model_validate_json(text)
