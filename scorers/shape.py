"""A line as the checker of claims reads it: every word or known phrase is a letter, so that a line is a short string.

`the two red cats` is `DNCS`; `scorers.lexicon.Word` lists the letters. It is apart from the rules that read shapes.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from scorers.lexicon import BY_FIRST_WORD, WORDS, Word

LINES = 16
"""How many are kept: a reply is read once for itself and once for whoever answers it."""


class Token(NamedTuple):
    """A word, a phrase or a mark: its part, what it means, and where it stands."""

    part: str
    means: str
    start: int
    end: int


class Line(NamedTuple):
    """A line, its tokens and its shape."""

    text: str
    tokens: tuple[Token, ...]
    shape: str
    """The tokens' parts, a letter each."""

    def words(self, start: int, end: int) -> str:
        """Return what the tokens from `start` to before `end` are in words."""
        return self.text[self.tokens[start].start : self.tokens[end - 1].end]


_TAG = re.compile(
    r", ?(?:(?:is|are|was|do|does)(?:n't| not)? (?:it|there|they|you|that)(?: not)?|eh|aye|no|right|yes"
    r"|don't you think)\?"
)
_VERBS = r"(?:it|there|that|here|he|she|what|who|where|this)"
_SPELT = (
    (_TAG, "."),
    (re.compile(r"\bcan't\b"), "can not"),
    (re.compile(r"\bwon't\b"), "will not"),
    (re.compile(r"n't\b"), " not"),
    (re.compile(rf"\b({_VERBS})'s\b"), r"\1 is"),
    (re.compile(r"\blet's\b"), "let us"),
    (re.compile(r"'re\b"), " are"),
    (re.compile(r"'m\b"), " am"),
    (re.compile(r"'ve\b"), " have"),
    (re.compile(r"'d\b"), " would"),
    (re.compile(r"'ll\b"), " will"),
)
_OF_PICTURE = (
    r"(?:the|this) (?:picture|frame|image|scene|view|page|drawing|meadow|street|room|beach|forest|mountains"
    r"|mountain pass|desert|lot|whole|night sky)"
)
_SIDE = (
    r"\b(?:on|to|at|in|off to|over to|toward|towards|along|near) (?:the|my|your|our|its) (?:very |far |extreme |dead )?"
    r"(?P<side>left|right|middle|cent(?:re|er)|port|starboard)"
    r"(?:[ -]hand)?(?: side| edge| corner| half| part| third| margin)?\b(?! track| path| course| foot| time)"
    rf"(?! of\b(?! {_OF_PICTURE}))"
)
_OTHER_SIDE = (
    r"\b(?P<other>left-?most|right-?most|left-hand|right-hand|dead cent(?:re|er)"
    r"|(?:at|to) (?:left|right|port|starboard)|(?:located|lies|far) (?:left|right))\b(?! of)"
)
_PIECE = re.compile(rf"{_SIDE}|{_OTHER_SIDE}|(?P<word>[a-z0-9]+(?:-[a-z]+)*)(?P<of>'s\b)?|(?P<mark>[.,;:!?—–()…])")
_MARKS = {":": ";", "—": ";", "–": ";", "(": ";", ")": ";", "…": "."}
_SIDES = {"left": "left", "port": "left", "right": "right", "star": "right", "midd": "middle", "cent": "middle"}


@lru_cache(LINES)
def read(text: str) -> Line:
    """Return a line as its shape."""
    text = " ".join(text.lower().replace("’", "'").split())
    for found, spelt in _SPELT:
        text = found.sub(spelt, text)
    tokens = tuple(_joined(list(_pieces(text))))
    return Line(text, tokens, _mended("".join(token.part for token in tokens)))


def _pieces(text: str) -> Iterator[Token]:
    """Yield marks, sides and words, of which `means` is the word still."""
    for piece in _PIECE.finditer(text):
        start, end = piece.span()
        if side := piece["side"] or piece["other"]:
            found = re.search(r"left|port|right|star|midd|cent", side)
            yield Token("P", _SIDES[found[0]] if found else "", start, end)
        elif mark := piece["mark"]:
            yield Token(_MARKS.get(mark, mark), "", start, end)
        else:
            yield from _word(piece, start, end)


def _word(piece: re.Match[str], start: int, end: int) -> Iterator[Token]:
    word = piece["word"]
    if not piece["of"]:
        yield Token("w", word, start, end)
    elif WORDS.get(word, Word("w")).part in "OSWTL":  # `the ship's red`; anybody else's is what he owns
        yield from (Token("w", word, start, end - 2), Token("B", "", end - 2, end))
    else:
        yield Token("M", "", start, end)


def _joined(pieces: list[Token]) -> Iterator[Token]:
    """Yield known words and phrases for what they are, the longest phrase first."""
    at = 0
    while at < len(pieces):
        token, length = _longest(pieces, at)
        yield token
        at += length


def _longest(pieces: list[Token], at: int) -> tuple[Token, int]:
    piece = pieces[at]
    for parts, word in BY_FIRST_WORD.get(piece.means, ()) if piece.part == "w" else ():
        run = pieces[at : at + len(parts)]
        if len(parts) == 1 or tuple(token.means for token in run) == parts:
            return Token(*word, piece.start, run[-1].end), len(parts)
    return piece, 1


_CLEAR = re.compile(r"(?<=RB)c(?=[.,&!])|(?<=AW)c|c(?=[,&]?[TgW])|c(?=,)")
_MENDS = (
    (re.compile(r"(?:^|(?<=[.!?]))g(?=[,.!])"), "w"),  # a greeting
    (re.compile(r"g"), "T"),
    (_CLEAR, "W"),
    (re.compile(r"(?<=[WB])d|(?<=D)d(?=B)"), "T"),
    (re.compile(r"(?<=C)N(?=[.,;!?&BfP]|$)"), "n"),  # a blue one
    (re.compile(r"(?<=[,;])p(?=[.,;!?&]|$)"), "P"),  # One bottle, left.
    (re.compile(r"(?<=[OSn])p(?=[.,;!?&]|$)"), "P"),
    (re.compile(r"(?:^|(?<=[.!?]))p(?=[.!]|$)"), "P"),
)


def _mended(shape: str) -> str:
    """Settle the words whose part depends on what stands beside them."""
    for found, part in _MENDS:
        shape = found.sub(part, shape)
    return shape
