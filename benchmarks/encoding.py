"""What it costs to encode a request as its history grows: CPU with what is remembered, and with everything afresh.

Afresh is what a prompt encoded as a whole costs, with its template rendered anew, which every request did before.
"""

import time
from collections.abc import Callable

from PIL import Image

from benchmarks.measure import Measure, repeated
from sandbox.engines.chat_template import ChatTemplate
from sandbox.engines.encoding import Encoder
from sandbox.models import CHECKPOINT
from scenes.chat import Segment

LENGTHS = (10, 40, 100)
TURNS = 40
"""Requests for one figure, each with one line more than the one before."""
OPENING = (
    Segment("persona", "system", "You are Captain Brack, a gruff sea captain. You like: boats. You hate: fog, kites."),
    Segment("images", "user", image="red", glue=""),
)
ENDING = Segment("instruction", "user", "Reply as Captain Brack.")


def measures() -> list[Measure]:
    """Measure lines of a conversation, and lines of one text that all share."""
    return [row for shared in (False, True) for length in LENGTHS for row in _rows(length, shared)]


def _rows(length: int, shared: bool) -> list[Measure]:
    encoder, what = Encoder(str(CHECKPOINT), _picture), "one text" if shared else "a conversation"
    processor = encoder._processor
    template = ChatTemplate(processor, processor.image_token)

    def afresh(segments: list[Segment]) -> object:
        return encoder._literal.encode(template.render(segments).pieces, add_special_tokens=True)

    before = repeated(5, lambda: _cost(afresh, length, shared))
    after = repeated(5, lambda: _cost(encoder.encode, length, shared))
    ratios = [old / new for old, new in zip(before, after, strict=True)]
    return [
        Measure(f"encoding: {what} of {length} lines, afresh: CPU per request", "us", before, "-"),
        Measure(f"encoding: {what} of {length} lines, remembered: CPU per request", "us", after, "-"),
        Measure(f"encoding: {what} of {length} lines, afresh / remembered", "ratio", ratios, "-"),
    ]


def _cost(encode: Callable[[list[Segment]], object], length: int, shared: bool) -> float:
    """Return the CPU of a request about so many lines long, as the next in its conversation, in microseconds."""
    start = max(0, length - TURNS // 2)
    encode(_prompt(start, shared))
    begun = time.thread_time()
    for lines in range(start, start + TURNS):
        encode(_prompt(lines, shared))
    return (time.thread_time() - begun) / TURNS * 1e6


def _prompt(lines: int, shared: bool) -> list[Segment]:
    return [*OPENING, *(_line(at, shared) for at in range(lines)), ENDING]


def _line(at: int, shared: bool) -> Segment:
    words = f"Pip: Aye, I see the red boat on the left of the harbour, and {at} green birds over the lighthouse."
    return Segment("history", "assistant" if at % 2 and not shared else "user", words, glue="\n")


def _picture(image: str) -> Image.Image:
    return Image.new("RGB", (128, 128), image)
