"""The layout `mmrole`: the block order that MMRole's models are trained on, with our own words in the blocks.

One user message: picture; step-in; description of the role; description of the partner (inter-role); auxiliary
information of the picture; history of the conversation; the words to answer, or the task to begin. Source: the 294
published test prompts (MMRole, YanqiDai/MMRole, data/test). Blocks are parted by two blank lines.
"""

from collections.abc import Iterator

from agents.prompts.blocks import language_name, notes_text, private_lines, sections, standing, told, turn_pictures
from agents.prompts.layout import Layout
from scenes.chat import Segment
from scenes.profile import CharacterProfile
from scenes.scene import PastTurn, View

BLOCK = "\n\n\n"
SYSTEM = "You are an actor in a role-play who becomes the given character completely."


def _from_world(profile: CharacterProfile) -> str:
    return f"{profile.name} from {profile.world}" if profile.world else profile.name


def _partners(view: View) -> str:
    if view.player:
        return "a curious human"
    return " and ".join(map(_from_world, view.others))


def _block(stability: str, text: str) -> Segment:
    return Segment("scene" if stability == "scene" else "persona", "user", text, glue=BLOCK)


def _opening(view: View) -> Iterator[Segment]:
    yield Segment("global", "system", SYSTEM)
    for shown in view.pictures:
        yield Segment("images", "user", image=shown.image, glue="\n")
    step_in = f"Step into the role of {_from_world(view.me)}, in conversation with {_partners(view)} about the picture."
    yield Segment("scene", "user", " ".join([step_in, view.premise or ""]).strip(), glue="\n")
    own = "\n".join([sections(view.me), *(f"Only {view.me.name} knows: {text}" for text in private_lines(view))])
    yield _block("persona", f"Who {view.me.name} is:\n{own}")
    if not view.player:
        for other in view.others:
            yield _block("persona", f"Who {other.name} is:\n{sections(other)}")
    known = "\n".join(notes_text(shown.notes) for shown in view.pictures if shown.notes)
    if known:
        yield _block("scene", f"What is known of the picture:\n{known}")


def _label(view: View, turn: PastTurn) -> str:
    return "human" if turn.actor == view.player else turn.actor


def _past(view: View, turn: PastTurn, first: bool) -> Iterator[Segment]:
    yield from turn_pictures(turn)
    words = told(turn.events)
    if not words:
        return
    if first:
        yield _block("scene", "The conversation so far:")
    yield Segment("history", "user", f"[{_label(view, turn)}]: {words}", glue="\n")


def _ending(view: View, quoted: PastTurn | None) -> Iterator[Segment]:
    where, language = standing(view), language_name(view.language)
    if where:
        yield Segment("now", "user", where, glue=BLOCK)
    manner = f"in {language}, with the tone, manner and vocabulary of {view.me.name}"
    if quoted:
        speaker = "the human" if quoted.actor == view.player else quoted.actor
        words = f"Respond to these words of {speaker} about the picture {manner}:\n{told(quoted.events)}"
    elif view.past:
        words = f"Go on with the conversation {manner}."
    else:
        words = f"Begin the conversation with {_partners(view)}, with a question or a remark on the picture, {manner}."
    yield Segment("instruction", "user", words, glue=BLOCK)


MMROLE = Layout("mmrole", _opening, _past, _ending, quotes_last=True)
