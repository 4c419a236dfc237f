"""The layout `compact`: a one-line sheet for a persona, pictures in the first user turn, a line each for the rest.

For short contexts, and exactly what the embedded storybook model was trained on: `Name: words` for others, the bare
words for the character itself, and a stage direction by `Scene` where it has to begin. Of a profile only the sheet is
told, without its sections and without what is private in it, and of a picture no notes; the scenario's own `secret`
is. Where the character is follows its sheet and does not stand at the end, where so small a model answers it instead
of what was said. What it believes and remembers is the last to leave with the history where all does not fit: it may be
as long as several replies.
"""

from collections.abc import Iterator, Sequence

from agents.prompts.blocks import inner, last_told, line, sheet, standing, turn_pictures
from agents.prompts.layout import Layout
from scenes.chat import Segment
from scenes.scene import PastTurn, View

STAGE = "Scene: "
"""How a prompt begins what it tells a character of itself and asks of it, in the place of history."""


def _opening(view: View) -> Iterator[Segment]:
    yield Segment("persona", "system", " ".join(text for text in (sheet(view.me), standing(view), view.secret) if text))
    for shown in view.pictures:
        yield Segment("images", "user", image=shown.image, glue="")


def _label(view: View, turn: PastTurn) -> str:
    """Remarks are asked for by the stage and questions by a person, as in the storybook model's training."""
    return "Scene" if view.kind == "comment" and turn.actor == view.player else turn.actor


def _past(view: View, turn: PastTurn, first: bool) -> Iterator[Segment]:
    yield from turn_pictures(turn, view.language, notes=False)
    if turn.actor == view.me.name:
        if turn.words:
            yield from _cue(first, "Begin.")
            yield Segment("history", "assistant", turn.words)
    elif turn.words:
        yield Segment("history", "user", line(turn, _label(view, turn)), glue="" if first else "\n")


def _cue(needed: bool, words: str) -> Iterator[Segment]:
    if needed:
        yield Segment("history", "user", f"{STAGE}{words}", glue="")


def _now(view: View, recalled: Sequence[PastTurn]) -> Iterator[Segment]:
    yield from (Segment("history", "user", f"{STAGE}{text}", glue="\n") for text in inner(view, recalled))


def _aside(view: View, question: str) -> Segment:
    return Segment("instruction", "user", f"{STAGE}{question}", glue="\n")


def _ending(view: View, quoted: PastTurn | None) -> Iterator[Segment]:
    last = last_told(view.past)
    if quoted:
        is_first = last_told(view.past, last) is None and not inner(view, ())
        glue = "" if is_first else "\n"
        yield Segment("instruction", "user", line(quoted, _label(view, quoted)), glue=glue)
    elif last is None:
        yield Segment("instruction", "user", f"{STAGE}Begin.", glue="")
    elif view.past[last].actor == view.me.name:
        yield Segment("instruction", "user", f"{STAGE}Go on.", glue="\n")


COMPACT = Layout("compact", _opening, _past, _now, _ending, _aside, quotes_last=True, words=150, recalled=0)
