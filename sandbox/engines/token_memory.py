"""Token ids of text that was encoded before: a line of a prompt is tokenised once, however many prompts hold it.

A prompt is cut where its tokenizer begins anew whatever stands before and after: at the template's control tokens, and
in front of a line. What lies between is looked up, or encoded between a seam and what may follow, and remembered. That
this gives the ids of the prompt encoded as a whole is checked for each tokenizer at its start, and it holds for a cut
in front of a line because no token of its vocabulary spans one. A tokenizer that fails the check, and a text in which
somebody typed a control token, are encoded as ever.
"""

import re
from array import array
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import product
from typing import Any

from sandbox.engines.chat_template import SEAM
from sandbox.engines.literal_tokenizer import Literal, LiteralTokenizer

MOST_TOKENS = 2_000_000
"""Remembered at once: about 30 MB with their texts."""
_BEGINS = r"A-Za-z0-9\[(*#\-À-ÖØ-öø-ÿА-я一-鿿ぁ-んァ-ヶ가-힣"
"""What a line begins with where it is cut off the one before; other beginnings are left where they are."""
_LINES = re.compile(rf"(?<=\n)(?=[{_BEGINS}])")
_SPANS = re.compile(rf"[\nĊ][{_BEGINS}]")
"""A token with a line break inside, written plainly or as byte-level tokenizers do."""
_NEXT = "A"
"""Stands for the line that follows."""
_BEFORE = ("a", "é", "海", "7", ".", "!", ")", "'", "…", "🌊", " ", "\t", "<", "")
_BREAKS = ("\n", "\n\n", "\n\n\n", " \n", "\n \n", "\r\n")
_AFTER = ("A", "b c", "It's", "é", "ß", "Я", "海", "が", "カ", "한", "7", "2024", "[a]", "(a)", "*a*", "# a", "- a")
_PROBE = "Aye, a bird."

Key = tuple[str, bool, bool]
"""A text, whether it begins the prompt, and whether another line follows."""


class TokenMemory:
    """Encodes as its `LiteralTokenizer` does, and remembers."""

    def __init__(self, literal: LiteralTokenizer, tokenizer: Any) -> None:
        added = tokenizer.added_tokens_decoder
        self._literal, self._backend, self._seam = literal, tokenizer.backend_tokenizer, literal.seam_id
        self._reserved = {token for token, one in added.items() if one.content.strip()}
        self._around = self._added_by_itself()
        self._memory: OrderedDict[Key, array[int] | None] = OrderedDict()
        self._held = 0
        self.tokenised = 0
        """Tokens that were not known from before."""
        plain = (token for token, one in added.items() if not (one.lstrip or one.rstrip or one.single_word))
        controls = sorted(self._reserved.intersection(plain) - {self._seam})
        self._controls = {one: added[one].content for one in controls if self._stands_apart(added[one].content, one)}
        self._parts = lru_cache(maxsize=10_000)(self._parted)
        self._cuts_lines = False
        self._cuts_lines = not self._spans_lines(tokenizer) and self._line_by_line()

    def encode(self, pieces: Sequence[str], add_special_tokens: bool) -> Literal:
        """Return the prompt made of `pieces`, of which every second one is content, as `LiteralTokenizer.encode`."""
        ids: list[int] = list(self._around[0]) if add_special_tokens else []
        for at, part in enumerate(self._sections(pieces)):
            if isinstance(part, int):
                ids.append(part)
            elif not self._read(part, at == 0, ids):
                return self._literal.encode(pieces, add_special_tokens)
        return Literal("".join(pieces), [*ids, *self._around[1]] if add_special_tokens else ids)

    def _sections(self, pieces: Sequence[str]) -> Iterator[str | int]:
        """Yield the template's control tokens, and all that is written between two of them as one text."""
        text = ""
        for at, piece in enumerate(pieces):
            for part in self._parts(piece) if at % 2 == 0 else (piece,):
                if isinstance(part, str):
                    text += part
                    continue
                if text:
                    yield text
                yield part
                text = ""
        if text:
            yield text

    def _parted(self, piece: str) -> tuple[str | int, ...]:
        """Return a piece of the template as control tokens and the texts between."""
        found: list[str | int] = []
        end, encoding = 0, self._backend.encode(piece, add_special_tokens=False)
        for token, (start, stop) in zip(encoding.ids, encoding.offsets, strict=True):
            if piece[start:stop] == self._controls.get(token):  # and no letter that the tokenizer does not know
                found += [piece[end:start], token]
                end = stop
        return tuple(part for part in (*found, piece[end:]) if part != "")

    def _read(self, text: str, is_first: bool, ids: list[int]) -> bool:
        """Add the ids of `text` to `ids`; return whether it could be."""
        lines = _LINES.split(text) if self._cuts_lines else [text]
        for at, line in enumerate(lines):
            known = self._recalled((line, is_first and at == 0, at + 1 < len(lines)))
            if known is None:
                return False
            ids.extend(known)
        return True

    def _recalled(self, key: Key) -> "array[int] | None":
        """Return the ids of a text, None if there is a control token among them."""
        if key in self._memory:
            self._memory.move_to_end(key)
            return self._memory[key]
        known = self._memory[key] = self._tokenised(*key)
        self._held += _size(key, known)
        while self._held > MOST_TOKENS and len(self._memory) > 1:
            self._held -= _size(*self._memory.popitem(last=False))
        return known

    def _tokenised(self, text: str, is_first: bool, goes_on: bool) -> "array[int] | None":
        following = self._of(_NEXT) if goes_on else []
        ids = self._of(text + _NEXT * goes_on, seam=not is_first)
        self.tokenised += len(ids) - len(following)
        end = len(ids) - len(following)
        if ids[end:] != following or not self._reserved.isdisjoint(ids):
            return None
        return array("l", ids[:end])

    def _of(self, text: str, seam: bool = True) -> list[int]:
        """Return the ids of `text` behind a seam, or as a prompt begins."""
        ids: list[int] = self._backend.encode(SEAM * seam + text, add_special_tokens=False).ids
        return ids[1:] if seam else ids

    def _added_by_itself(self) -> tuple[list[int], list[int]]:
        """Return what the tokenizer puts before and behind a prompt when it adds special tokens."""
        bare, whole = (self._backend.encode(_PROBE, add_special_tokens=adds).ids for adds in (False, True))
        before = next(at for at in range(len(whole)) if whole[at : at + len(bare)] == bare)
        return whole[:before], whole[before + len(bare) :]

    def _stands_apart(self, content: str, token: int) -> bool:
        """Return whether text beside a control token is encoded as it is beside a seam."""
        ids = self._backend.encode(f"{content}{_PROBE}{content} b\n{content}", add_special_tokens=False).ids
        return bool(ids == [token, *self._of(_PROBE), token, *self._of(" b\n"), token])

    def _spans_lines(self, tokenizer: Any) -> bool:
        return any(_SPANS.search(token) for token in tokenizer.get_vocab())

    def _line_by_line(self) -> bool:
        """Return whether texts cut in front of a line have the ids that they have as a whole, and some could be cut."""
        compared = 0
        for before, broken, after in product(_BEFORE, _BREAKS, _AFTER):
            whole = self._of(f"{before}{broken}{after}")
            if not self._reserved.isdisjoint(whole):  # letters that this tokenizer does not know
                continue
            head, compared = self._tokenised(f"{before}{broken}", False, True), compared + 1
            if head is None or [*head, *self._of(after)] != whole:
                return False
        return compared > 0


def _size(key: Key, known: "array[int] | None") -> int:
    """Return what a remembered text counts: its tokens, and for what is kept of it besides as many as ten."""
    return len(known or key[0]) + 10
