"""Cutting a history that a server says is too long, without counting tokens, which only the server can."""

from collections import OrderedDict
from collections.abc import Iterator

from sandbox.engines.cutting import replies_to_nothing
from scenes.chat import Request, Segment, fitting

_KEPT = 10_000


class Cuts:
    """Remembers how much of a history had to go, so that its next turn need not find out again."""

    def __init__(self) -> None:
        self._dropped: OrderedDict[bytes, int] = OrderedDict()

    def known(self, request: Request) -> int:
        """Return how many segments were left out when a prompt that begins alike was asked last."""
        return self._dropped.get(_chain(request), 0) if self._dropped else 0

    def deeper(self, request: Request, dropped: int) -> int | None:
        """Return how many segments to leave out where `dropped` were too few; None if there are no more."""
        more = next((cut for cut in jumps(request.prompt.segments()) if cut > dropped), None)
        if more is not None:
            self._dropped[_chain(request)] = more
            while len(self._dropped) > _KEPT:
                self._dropped.popitem(last=False)
        return more


def jumps(segments: list[Segment]) -> Iterator[int]:
    """Yield how many of the oldest history segments to leave out: ever more, until none is left.

    A jump is a power of two, about a quarter of the history or more, and the same while the history grows to twice its
    length: so what is left begins at the same place for many turns, and a server has it in its cache.
    """
    history = [segment for segment in segments if segment.stability == "history"]
    jump = 1 << max(0, len(history).bit_length() - 2)
    for dropped in range(jump, len(history), jump):
        left = fitting(segments, dropped)
        yield dropped + replies_to_nothing(left)
    yield from [len(history)] if history else []


def _chain(request: Request) -> bytes:
    """Return the identity of what stands in a prompt before its history and of how that begins."""
    chain = b""
    for node in request.prompt.nodes():
        if node.segment is not None and node.segment.stability == "history":
            chain = node.id
    return chain
