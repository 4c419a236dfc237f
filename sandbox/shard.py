"""A part of a run's episodes, so that several machines can play one job between them, each into a run of its own.

All are dealt in turn, a piece at a time. The episodes of a variant stand together and share its pictures, so a piece is
of one variant, or of parts of two; and there are several to each part, since variants may differ in what they cost.
"""

import re
from collections.abc import Mapping, Sequence
from math import ceil
from typing import Any, NamedTuple

from scenes.problem import refuse

LEAST_PIECES = 8
"""To each part, if there are enough episodes."""


class Shard(NamedTuple):
    """Part number `part` of so many `parts`, counted from 0."""

    part: int = 0
    parts: int = 1
    piece: int = 1
    """Episodes that are dealt together."""

    def episodes(self, planned: int) -> Sequence[int]:
        """Return the episodes of this part of the first `planned`, in order."""
        if self.piece == 1:
            return range(self.part, planned, self.parts)
        pieces = range(self.part * self.piece, planned, self.parts * self.piece)
        return [episode for first in pieces for episode in range(first, min(first + self.piece, planned))]


WHOLE = Shard()


def shard_named(text: str, planned: int, alike: int) -> Shard:
    """Return the part that `text` names, such as `3/64`, of so many episodes, `alike` of each variant.

    Raises `InputRefused` if there is no such part, or nothing in it.
    """
    named = re.fullmatch(r"([0-9]{1,9})/([0-9]{1,9})", text)
    if not named or int(named[1]) >= int(named[2]):
        raise refuse(f'"{text}" is no part of a run; 0/64 is the first of 64, and 63/64 the last.', "--shard")
    part, parts = int(named[1]), int(named[2])
    pieces = max(LEAST_PIECES, ceil(planned / (parts * alike)))
    shard = Shard(part, parts, ceil(planned / (parts * pieces)))
    if not shard.episodes(planned):
        raise refuse(f"{planned} episodes are too few for {parts} parts; make fewer.", "--shard")
    return shard


def shard_of(meta: Mapping[str, Any]) -> Shard:
    """Return the part that a run plays, by the facts about it."""
    return Shard(*meta.get("shard", WHOLE))
