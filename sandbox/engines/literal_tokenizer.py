"""Token ids of a rendered prompt in which contents are only ever text: no typed `<|im_end|>` or `<image>` takes effect.

The prompt is encoded as a whole, so that a harmless one gets exactly the ids it always had. Where the tokenizer reads
a control token that the template did not write, a seam is put inside it and the prompt is encoded again: the seam is a
token too, so nothing is matched across it, and its id is left out in the end. So what counts is what the tokenizer
itself makes of the text, after its own normalising, and whatever kind of token it has added.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from sandbox.engines.chat_template import SEAM


@dataclass(frozen=True, slots=True)
class Literal:
    """An encoded prompt: its text with the seams, and its ids without them."""

    text: str
    ids: list[int]


class LiteralTokenizer:
    """Wraps a fast tokenizer of transformers, which gets a token for the seam."""

    def __init__(self, tokenizer: Any) -> None:
        from transformers import AddedToken

        added = tokenizer.added_tokens_decoder.items()
        self._controls = {token_id: token.content for token_id, token in added if _is_control(token.content)}
        self._unknown: int | None = tokenizer.unk_token_id
        tokenizer.add_tokens([AddedToken(SEAM, special=True, normalized=False)])
        self.seam_id: int = tokenizer.convert_tokens_to_ids(SEAM)
        self._backend = tokenizer.backend_tokenizer
        self._backend.no_truncation()
        self._backend.no_padding()

    def encode(self, pieces: Sequence[str], add_special_tokens: bool) -> Literal:
        """Return the prompt made of `pieces`, of which every second one is content."""
        pieces, intruders = list(pieces), [0]
        while intruders:
            text = "".join(pieces)
            encoding = self._backend.encode(text, add_special_tokens=add_special_tokens)
            ends = list(accumulate(map(len, pieces)))
            intruders = self._intruders(encoding, text, ends)
            for at in reversed(intruders):
                _sew(pieces, ends, at)
        return Literal(text, [token for token in encoding.ids if token != self.seam_id])

    def count(self, text: str) -> int:
        """Return how many tokens `text` has by itself."""
        return len(self._backend.encode(text, add_special_tokens=False).ids)

    def _intruders(self, encoding: Any, text: str, ends: list[int]) -> list[int]:
        """Return where control tokens begin that are not wholly the template's, given where the pieces end."""
        found = []
        for token, (start, end) in zip(encoding.ids, encoding.offsets, strict=True):
            if token not in self._controls or self._is_unknown(token, text[start:end]):
                continue
            start, end = _without_blanks(text, start, end)
            piece = bisect_right(ends, start)
            written_by_template = piece % 2 == 0 and end <= ends[piece]
            if end - start > 1 and not written_by_template:
                found.append(start)
        return found

    def _is_unknown(self, token: int, text: str) -> bool:
        """Return whether `token` stands for letters that the tokenizer does not know, and was not typed."""
        return token == self._unknown and text != self._controls[token]


def _is_control(content: str) -> bool:
    """Return whether an added token is more than a letter or blanks, which SentencePiece writes `▁`."""
    return len(content) > 1 and bool(content.replace("▁", " ").strip())


def _without_blanks(text: str, start: int, end: int) -> tuple[int, int]:
    """Return the span without the blanks around it, which some tokens swallow."""
    token = text[start:end]
    return start + len(token) - len(token.lstrip()), end - len(token) + len(token.rstrip())


def _sew(pieces: list[str], ends: list[int], at: int) -> None:
    """Put a seam behind the character `at` of the joined `pieces`, which ended at `ends`."""
    piece = bisect_right(ends, at)
    inside = at + 1 - (ends[piece - 1] if piece else 0)
    pieces[piece] = pieces[piece][:inside] + SEAM + pieces[piece][inside:]
