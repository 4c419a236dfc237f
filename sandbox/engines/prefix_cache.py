"""What an engine keeps of prompts it has read, as vLLM keeps it: attention states in blocks, and encoded pictures.

No state is in it, only what is where. The rules are those of vLLM 0.32 (`v1/core/block_pool.py`,
`v1/core/kv_cache_manager.py`, `v1/core/encoder_cache_manager.py`).
"""

from collections import OrderedDict
from collections.abc import Sequence
from math import inf

Held = list[bytes | None]
"""The blocks of a request in order; None is one that nobody else can use."""


class PrefixCache:
    """Blocks by the hash of all tokens up to their end; those that nobody uses go in the order of their last use.

    Of one request's blocks the last go first, since they are of no use without those before them.
    """

    def __init__(self, blocks: int | None = None) -> None:
        """`blocks` is the room in all; None is endless."""
        self.blocks = inf if blocks is None else blocks
        self._blank = self.blocks
        """Blocks that hold nothing; they are taken first."""
        self._unused: OrderedDict[bytes, None] = OrderedDict()
        self._users: dict[bytes, int] = {}

    @property
    def filled(self) -> int:
        """How many blocks hold what others can use."""
        return len(self._users) + len(self._unused)

    def hits(self, hashes: Sequence[bytes]) -> int:
        """Return how many of the first blocks are there."""
        for at, block in enumerate(hashes):
            if block not in self._users and block not in self._unused:
                return at
        return len(hashes)

    def take(self, hashes: Sequence[bytes], hits: int, blocks: int) -> Held | None:
        """Return `blocks` blocks for one request, or None if there is no room for them now.

        The first `hits` are those that are there, and the others are new: those with a hash are filled and can be used
        by others from now on, and the rest are for what is generated.
        """
        known, new = hashes[:hits], blocks - hits
        if new > self._blank + len(self._unused) - sum(block in self._unused for block in known):
            return None
        for block in known:
            self._unused.pop(block, None)
            self._users[block] = self._users.get(block, 0) + 1
        self._make_room(new)
        filled = [self._fill(block) for block in hashes[hits:]]
        return [*known, *filled, *[None] * (new - len(filled))]

    def give_back(self, held: Held, hashes: Sequence[bytes]) -> None:
        """Take back the blocks of a request that is over, of which the first have come to hold `hashes`."""
        for at in range(len(hashes)):
            if held[at] is None:
                held[at] = self._fill(hashes[at])
        for block in reversed(held):
            self._let_go(block)

    def _make_room(self, blocks: int) -> None:
        blank = min(self._blank, blocks)
        self._blank -= blank
        for _ in range(blocks - int(blank)):
            self._unused.popitem(last=False)

    def _fill(self, block: bytes) -> bytes | None:
        """Return what a new block counts as: nothing, if another holds the same already."""
        if block in self._users or block in self._unused:
            return None
        self._users[block] = 1
        return block

    def _let_go(self, block: bytes | None) -> None:
        if block is None:
            self._blank += 1
            return
        self._users[block] -= 1
        if not self._users[block]:
            del self._users[block]
            self._unused[block] = None


class EncoderCache:
    """Encoded pictures by id; the one whose last use is longest ago goes first."""

    def __init__(self, pictures: int | None = None) -> None:
        """`pictures` is the room in all; None is endless."""
        self._room = inf if pictures is None else pictures
        self._encoded: OrderedDict[str, None] = OrderedDict()

    def needs(self, picture: str) -> bool:
        """Use a picture; return whether it had to be encoded for that."""
        is_new = picture not in self._encoded
        self._encoded[picture] = None
        self._encoded.move_to_end(picture)
        if len(self._encoded) > self._room:
            self._encoded.popitem(last=False)
        return is_new
