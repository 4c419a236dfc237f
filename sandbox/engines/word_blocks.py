"""Prompts as blocks of words, for an engine without a model: a word is a token, and so many of them are a block.

A message begins with a header, as in a chat template, and a picture is as many tokens as it is given. Equal beginnings
of prompts are equal blocks: that is all that an engine's prefix cache goes by.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b

from scenes.chat import Prompt, Role, Segment

HEADER = ("<end>", "<start>", "<role>")
"""What stands before a message; the last is followed by the role."""
MOST_KNOWN = 100_000
"""Segments whose blocks are kept."""


@dataclass(frozen=True, slots=True)
class Blocks:
    """A prompt up to the end of one segment: what this segment adds, and `before` it."""

    before: "Blocks | None" = None
    hashes: tuple[bytes, ...] = ()
    """Of the blocks that end in this segment."""
    last: bytes = b""
    """The hash of the last block up to here."""
    rest: tuple[str, ...] = ()
    """The tokens after that block."""
    length: int = 0
    """Tokens of the whole."""
    picture: str | None = None

    def parts(self) -> "Iterator[Blocks]":
        """Yield this part and those before it, back to the first."""
        part: Blocks | None = self
        while part is not None:
            yield part
            part = part.before

    def all_hashes(self) -> list[bytes]:
        """Return the hashes of all whole blocks in order."""
        found = [block for part in self.parts() for block in reversed(part.hashes)]
        return found[::-1]

    def pictures(self, after: int = 0) -> list[str]:
        """Return the pictures that do not end within the first `after` tokens, in order."""
        found = [part.picture for part in self.parts() if part.picture and part.length > after]
        return found[::-1]


class WordBlocks:
    """Makes blocks of prompts, each segment once."""

    def __init__(self, block_size: int, picture_tokens: int) -> None:
        self._block_size = block_size
        self._picture_tokens = picture_tokens
        self._known: dict[bytes, Blocks] = {}

    def of(self, prompt: Prompt) -> Blocks:
        """Return the blocks of `prompt`, with the header of the reply if one is to begin."""
        new: list[Prompt] = []
        found = Blocks()
        for node in prompt.nodes():
            if node.id in self._known:
                found = self._known[node.id]
                break
            new.append(node)
        for node in reversed(new):
            found = self._known[node.id] = self._with_segment(found, node)
        if len(self._known) > MOST_KNOWN:
            self._known.clear()
        goes_on = prompt.segment is not None and prompt.segment.role == "assistant"
        return found if goes_on else self.then(found, header("assistant"))

    def encode(self, segments: Sequence[Segment]) -> Blocks:
        """Return the blocks of the prompt that `segments` make."""
        return self.of(Prompt().then(*segments))

    def size(self, segment: Segment) -> int:
        """Return the tokens of one segment, no fewer than leaving it out would free."""
        return len(self._tokens(segment)) + len(header(segment.role))

    def then(self, before: Blocks, tokens: Iterable[str], picture: str | None = None) -> Blocks:
        """Return the blocks of what goes on after `before` with `tokens`."""
        rest, last, hashes, size = [*before.rest, *tokens], before.last, list[bytes](), self._block_size
        length = before.length + len(rest) - len(before.rest)
        whole = len(rest) - len(rest) % size
        for start in range(0, whole, size):
            last = blake2b(last + "\0".join(rest[start : start + size]).encode(), digest_size=16).digest()
            hashes.append(last)
        return Blocks(before, tuple(hashes), last, tuple(rest[whole:]), length, picture)

    def _with_segment(self, before: Blocks, node: Prompt) -> Blocks:
        segment = node.segment
        assert segment is not None, "only the root has no segment, and it is no node"
        above = node.parent.segment if node.parent else None
        begins = segment.starts_message or above is None or above.role != segment.role
        tokens = [*header(segment.role)] * begins + self._tokens(segment)
        return self.then(before, tokens, segment.image)

    def _tokens(self, segment: Segment) -> list[str]:
        """Return a segment's words, or for a picture its tokens: in each is its id, which vLLM adds to the block's."""
        return [f"<{segment.image}>"] * self._picture_tokens if segment.image else segment.text.split()


def header(role: Role) -> tuple[str, ...]:
    """Return the tokens before a message of this role."""
    return *HEADER, role
