"""What is said to a model and what comes back: segments, requests, completions.

A prompt is a chain of segments, each with a stability class, and never a string: the chain is shared by every
request that begins alike, so a request costs what is new in it, the store keeps each segment once, and an engine
can tell what may be dropped (history) from what may not (persona, picture).
"""

from asyncio import ensure_future, gather
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Annotated, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field

Role = Literal["system", "user", "assistant"]
Stability = Literal["global", "images", "scene", "cast", "persona", "history", "now", "instruction"]
"""How long a segment stays the same, in the order of the classes: a run, a scene, a character, then a turn."""
FinishReason = Literal["stop", "length"]
Answer = TypeVar("Answer")
Other = TypeVar("Other")


@dataclass(frozen=True, slots=True)
class Segment:
    """A piece of a prompt: text, or one image by its id. `glue` stands before it when it continues a message."""

    stability: Stability
    role: Role
    text: str = ""
    image: str | None = None
    glue: str = "\n\n"
    starts_message: bool = False
    """Begin a new message even if the one before has the same role."""

    def digest(self, parent: bytes) -> bytes:
        """Return the 16-byte identity of this segment standing after `parent`."""
        image, new = self.image or "", "new" * self.starts_message
        words = f"{len(self.text)}:{self.text}{len(image)}:{image}{len(self.glue)}:{self.glue}{len(new)}:{new}"
        framed = f"{len(self.stability)}:{self.stability}{len(self.role)}:{self.role}{words}"
        return blake2b(parent + framed.encode(), digest_size=16).digest()


@dataclass(slots=True, eq=False)
class Prompt:
    """A node of the trie of prompts: everything up to here is `parent`, and `segment` is what this node adds."""

    parent: "Prompt | None" = None
    segment: Segment | None = None
    id: bytes = b""
    stored: bool = False
    """Whether the node is known to be in the run's store already, so that it is not sent there again."""

    def then(self, *segments: Segment) -> "Prompt":
        """Return the prompt that goes on from here with `segments`."""
        node = self
        for segment in segments:
            node = Prompt(node, segment, segment.digest(node.id))
        return node

    def nodes(self) -> Iterator["Prompt"]:
        """Yield the nodes from this one back to the first segment."""
        node: Prompt | None = self
        while node is not None and node.segment is not None:
            yield node
            node = node.parent

    def segments(self) -> list[Segment]:
        """Return the segments in order."""
        found = [node.segment for node in self.nodes() if node.segment is not None]
        return found[::-1]


class Sampling(BaseModel):
    """How a model draws its answer; the names are the field's, the ranges keep one bad value from killing an engine."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, allow_inf_nan=False, use_attribute_docstrings=True
    )

    temperature: float = Field(default=0.8, ge=0, le=2)
    """0 is greedy."""
    top_p: float = Field(default=1.0, gt=0, le=1)
    """Draw from the likeliest tokens that make up this share; 1 is all of them."""
    max_tokens: int = Field(default=80, ge=1, le=32_768)
    """Most tokens of one reply."""
    stop: tuple[Annotated[str, Field(min_length=1, max_length=80)], ...] = Field(default=(), max_length=8, strict=False)
    """A reply ends before any of these."""


@dataclass(frozen=True, slots=True)
class Request:
    """One question to a model. `model` is a name of the scenario; an engine is found for it in the sandbox."""

    model: str
    prompt: Prompt
    sampling: Sampling = field(default_factory=Sampling)
    seed: int = 0
    """Derived from the episode's seed and the call's key, so that a reply does not depend on its neighbours."""
    form: str | None = None
    """The JSON schema, as text, that the reply is to follow; an engine that can holds its model to it."""
    answer: str | None = None
    """An answer that is given: the model writes nothing and says how likely it finds each of its tokens."""

    def digest(self) -> str:
        """Return the identity of the question: same digest, same answer on the record."""
        rest = f"{self.seed} {self.sampling.model_dump_json()} {self.model}{self.form or ''}"
        if self.answer is not None:
            rest += f"\0{self.answer}"
        return blake2b(self.prompt.id + rest.encode(), digest_size=16).hexdigest()


class Completion(BaseModel):
    """What came back: the text exactly as produced (lone surrogates aside), why it ended, and what it cost."""

    model_config = ConfigDict(frozen=True)

    text: str
    finish_reason: FinishReason = "stop"
    prompt_tokens: int = 0
    cached_tokens: int = 0
    """Prompt tokens whose attention state the engine had at hand already."""
    output_tokens: int = 0
    token_ids: tuple[int, ...] = ()
    """Of the reply, or of the answer that was given."""
    logprobs: tuple[float, ...] = ()
    """Of an answer that was given: for each of its tokens the natural logarithm of its probability after the prompt and
    the tokens before it, as the model has it, whatever the sampling. What ends a reply is none of them."""
    dropped: int = 0
    """Oldest history segments left out because the whole did not fit the model."""


class CallFailed(Exception):
    """A model call that has no answer, after everything its engine could do; the message is fit for a user."""


Call = Callable[[str, Request], Awaitable[Completion]]
"""Ask a model: a stable key such as `t07/brack/speak`, and the request. Raises `CallFailed`."""


async def together(*asked: Awaitable[Answer]) -> list[Answer]:
    """Wait for calls that do not depend on each other, all at once; raise what failed first, once all have ended.

    So the answers of those beside a failure are on record and need not be asked for again.
    """
    if len(asked) < 2:  # most turns are one call, and a task of its own costs more than all that is done with it
        return [await one for one in asked]
    outcomes = await gather(*asked, return_exceptions=True)
    for outcome in outcomes:
        if isinstance(outcome, BaseException):
            raise outcome
    return [outcome for outcome in outcomes if not isinstance(outcome, BaseException)]


async def both(
    first: Iterable[Awaitable[Answer]], second: Iterable[Awaitable[Other]]
) -> tuple[list[Answer], list[Other]]:
    """Wait for calls of two kinds at once, as `together` does."""
    # begun before anything is waited for: what is cancelled before it was begun would be left over
    these, those = [ensure_future(one) for one in first], [ensure_future(one) for one in second]
    await together(*these, *those)
    return [one.result() for one in these], [one.result() for one in those]


@dataclass(frozen=True, slots=True)
class Message:
    """One chat message: its role and the parts that fill it, texts and image ids in order."""

    role: Role
    parts: tuple[Segment, ...]


def fitting(segments: list[Segment], dropped: int) -> list[Segment]:
    """Return `segments` without the `dropped` oldest of the history."""
    kept = []
    for segment in segments:
        if dropped and segment.stability == "history":
            dropped -= 1
        else:
            kept.append(segment)
    return kept


def messages(segments: Iterable[Segment]) -> list[Message]:
    """Group `segments` into chat messages: a new one wherever the role changes or a segment asks for it."""
    grouped: list[tuple[Role, list[Segment]]] = []
    for segment in segments:
        if not grouped or grouped[-1][0] != segment.role or segment.starts_message:
            grouped.append((segment.role, []))
        grouped[-1][1].append(segment)
    return [Message(role, tuple(parts)) for role, parts in grouped]


def message_text(message: Message, image: Callable[[str], str]) -> str:
    """Return the message as one text, with `image(id)` where a picture stands."""
    text = ""
    for at, part in enumerate(message.parts):
        text += (part.glue if at else "") + (image(part.image) if part.image else part.text)
    return text
