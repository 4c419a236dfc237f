"""Cutting a request to a model's context: the oldest history goes first, and only history. One rule for all engines.

A cut at the very place where the rest just fits would be at another one with every turn, and an engine that keeps the
state of prefixes would compute all that is left of the history anew each time. So cuts are made in jumps: history is
divided into stretches of a fixed length, counted from its beginning, and goes by whole stretches. A stretch is the
context halved until two of it have room beside the rest of the request, so between a quarter and a half of the room.
The cut then stays where it is until a stretch's worth of turns has come, and about half of the room, at the
least, holds history.

Where it is follows from the request alone, and the number of segments that went is on the record with the completion;
prompts are recorded whole.
"""

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from math import ceil
from typing import Protocol, TypeVar

from scenes.chat import CallFailed, Request, Segment, fitting


class Encoded(Protocol):
    """A request made ready for a model."""

    @property
    def length(self) -> int:
        """Tokens of the whole, pictures included."""
        ...


Ready = TypeVar("Ready", bound=Encoded, covariant=True)


class Encoder(Protocol[Ready]):
    """Makes segments ready for a model."""

    def encode(self, segments: Sequence[Segment]) -> Ready: ...

    def size(self, segment: Segment) -> int:
        """Return the tokens of one segment, no fewer than leaving it out would free."""
        ...


def cut(request: Request, context_length: int | None, encoder: Encoder[Ready]) -> tuple[Ready, int]:
    """Return `request` encoded without so much of its oldest history that it fits, and the number of segments cut.

    It is cut in jumps. What a cut leaves never begins with replies to something that was cut. Raises `CallFailed` if
    the rest alone is too long.
    """
    segments = request.prompt.segments()
    encoded, dropped = encoder.encode(segments), 0
    while (excess := _excess(encoded, request, context_length)) > 0:
        history = [segment for segment in fitting(segments, dropped) if segment.stability == "history"]
        if not history:
            raise CallFailed(_too_long(encoded, request, context_length))
        dropped += _oldest_worth(excess, history, encoder)
        dropped += replies_to_nothing(fitting(segments, dropped))
        encoded = encoder.encode(fitting(segments, dropped))
    jumped = _jumped(request, segments, dropped, context_length, encoder) if dropped and context_length else dropped
    return (encoded, dropped) if jumped == dropped else (encoder.encode(fitting(segments, jumped)), jumped)


def _jumped(
    request: Request, segments: list[Segment], fewest: int, context_length: int, encoder: Encoder[Encoded]
) -> int:
    """Return how many of the oldest go where at least `fewest` do: all in the stretches these reach into.

    The newest stays if it may.
    """
    ends = list(accumulate(encoder.size(segment) for segment in segments if segment.stability == "history"))
    stretch = _stretch(context_length, room(request, context_length, encoder) or 0)
    whole = bisect_right(ends, stretch * ceil(ends[fewest - 1] / stretch))
    dropped = max(fewest, min(whole, len(ends) - 1))
    return dropped + replies_to_nothing(fitting(segments, dropped))


def _stretch(context_length: int, room: int) -> int:
    """Return the length of the stretches by which history goes, tokens."""
    stretch = context_length
    while stretch > 1 and 2 * stretch > room:
        stretch //= 2
    return stretch


def room(request: Request, context_length: int | None, encoder: Encoder[Encoded]) -> int | None:
    """Return how many tokens of history fit beside the rest of `request` and its reply; None if there is no limit."""
    if context_length is None:
        return None
    rest = [segment for segment in request.prompt.segments() if segment.stability != "history"]
    return -_excess(encoder.encode(rest), request, context_length)


def _excess(encoded: Encoded, request: Request, context_length: int | None) -> int:
    if context_length is None:
        return 0
    return encoded.length + request.sampling.max_tokens - context_length


def _oldest_worth(excess: int, history: list[Segment], encoder: Encoder[Encoded]) -> int:
    """Return how many of the oldest segments surely have to go: sizes are generous, so never one too many."""
    for count, segment in enumerate(history, start=1):
        excess -= encoder.size(segment)
        if excess <= 0:
            return count
    return len(history)


def replies_to_nothing(kept: list[Segment]) -> int:
    """Return how many replies the history begins with that no user message comes before: to what was cut."""
    count = 0
    for segment in kept:
        if segment.role == "user" or (segment.stability == "history" and segment.role != "assistant"):
            break
        count += segment.stability == "history"
    return count


def _too_long(encoded: Encoded, request: Request, context_length: int | None) -> str:
    return (
        f"the prompt does not fit the model: {encoded.length} tokens without any history and "
        f"{request.sampling.max_tokens} for the reply are more than its context of {context_length}; "
        "shorten the persona or the scene, or lower max_tokens"
    )
