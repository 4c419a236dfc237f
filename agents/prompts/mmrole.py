"""The layout `mmrole`: the block order that MMRole's models are trained on, with our own words in the blocks.

One user message: picture; step-in; description of the role; description of the partner (inter-role); auxiliary
information of the picture; history of the conversation; the words to answer, or the task to begin. Source: the 294
published test prompts (MMRole, YanqiDai/MMRole, data/test). Blocks are parted by two blank lines.

In that order what is known of the picture, which all share, stands after the descriptions, which one alone reads: the
cast has no more than the picture in common. All of it stays the same for one character, so its own prompt still grows
only at the end; the words to answer move from there into the history when the next ones come.
"""

from collections.abc import Iterator, Sequence

from agents.prompts.blocks import (
    begun,
    inner,
    language_name,
    private_lines,
    sections,
    standing,
    turn_pictures,
)
from agents.prompts.layout import Layout
from scenes.chat import Segment, Stability
from scenes.profile import CharacterProfile
from scenes.scene import PastTurn, View, told

BLOCK = "\n\n\n"
SYSTEM = "You are an actor in a role-play who becomes the given character completely."


def _from_world(profile: CharacterProfile) -> str:
    return f"{profile.name} from {profile.world}" if profile.world else profile.name


def _meets_human(view: View) -> bool:
    return view.player not in (None, view.me.name)


def _partners(view: View) -> str:
    return "a curious human" if _meets_human(view) else " and ".join(map(_from_world, view.others))


def _step_in(view: View) -> str:
    partners = _partners(view)
    step = f"Step into the role of {_from_world(view.me)}, in conversation with {partners} about the picture."
    return " ".join(text for text in (step, view.premise, f"Time: {view.time}." if view.time else None) if text)


def _block(stability: Stability, text: str) -> Segment:
    return Segment(stability, "user", text, glue=BLOCK)


def _opening(view: View) -> Iterator[Segment]:
    yield Segment("global", "system", SYSTEM)
    for shown in view.pictures:
        yield Segment("images", "user", image=shown.image, glue="\n")
    yield Segment("persona", "user", _step_in(view), glue="\n")
    own = "\n".join([sections(view.me), *(f"Only {view.me.name} knows: {text}" for text in private_lines(view))])
    yield _block("persona", f"Who {view.me.name} is:\n{own}")
    if not _meets_human(view):
        yield from (_block("persona", f"Who {other.name} is:\n{sections(other)}") for other in view.others)
    known = "\n".join(shown.notes.told() for shown in view.pictures if shown.notes)
    if known:
        yield _block("scene", f"What is known of the picture:\n{known}")


def _label(view: View, turn: PastTurn) -> str:
    return "human" if turn.actor == view.player else turn.actor


def _past(view: View, turn: PastTurn, first: bool) -> Iterator[Segment]:
    yield from turn_pictures(turn, view.language)
    words = told(turn.events)
    if not words:
        return
    if first:
        yield _block("scene", "The conversation so far:")
    yield Segment("history", "user", f"[{_label(view, turn)}]: {words}", glue="\n")


def _now(view: View, recalled: Sequence[PastTurn]) -> Iterator[Segment]:
    lines = [*inner(view, recalled), standing(view)]
    if any(lines):
        yield _block("now", "\n".join(line for line in lines if line))


def _aside(view: View, question: str) -> Segment:
    return _block("instruction", question)


def _ending(view: View, quoted: PastTurn | None) -> Iterator[Segment]:
    manner = f"in {language_name(view.language)}, with the tone, manner and vocabulary of {view.me.name}"
    if quoted:
        speaker = "the human" if quoted.actor == view.player else quoted.actor
        words = f"Respond to these words of {speaker} about the picture {manner}:\n{told(quoted.events)}"
    elif begun(view):
        words = f"Go on with the conversation {manner}."
    else:
        words = f"Begin the conversation with {_partners(view)}, with a question or a remark on the picture, {manner}."
    yield _block("instruction", words)


MMROLE = Layout("mmrole", _opening, _past, _now, _ending, _aside, quotes_last=True)
