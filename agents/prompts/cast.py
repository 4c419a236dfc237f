"""The layouts `cast-first` and `script`: one text for the whole cast, so that no line is ever computed twice.

Both refuse anything that one character has for itself, and thoughts stay out of them. In `script` the reply goes on in
the text where its own history lies: the floor of what a dialogue can cost.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from agents.prompts.blocks import (
    everybody,
    introduced,
    language_name,
    line,
    picture_segments,
    scene_text,
    sections,
    standing,
    turn_pictures,
)
from agents.prompts.layout import Layout
from scenes.chat import Segment
from scenes.scene import PastTurn, View

RULES = (
    "You perform a scene with several characters, one line at a time. Write only the line you are asked for, in the "
    "voice of its speaker, from what the picture and the scene hold. (Actions) stand in round brackets. "
    "Write {language}."
)


def _opening(view: View) -> Iterator[Segment]:
    yield Segment("global", "system", RULES.format(language=language_name(view.language)))
    yield from picture_segments(view.pictures, view.language)
    yield Segment("scene", "user", f"The scene:\n{scene_text(view)}")
    for profile in everybody(view):
        yield Segment("cast", "user", f"{introduced(profile)}\n{sections(profile)}")


def _shared_line(turn: PastTurn) -> str:
    """Return the turn as a line without thoughts, which one of the cast alone would read."""
    return line(replace(turn, events=tuple(event for event in turn.events if event.kind != "thought")))


def _past(view: View, turn: PastTurn, first: bool) -> Iterator[Segment]:
    yield from turn_pictures(turn, view.language)
    words = _shared_line(turn)
    if words:
        yield Segment("history", "user", words, glue="\n\n" if first else "\n")


def _now(view: View, recalled: Sequence[PastTurn]) -> Iterator[Segment]:
    if standing(view):
        yield Segment("now", "user", f"{view.me.name}: {standing(view)}")
    yield from (
        Segment("now", "user", f"Before: {_shared_line(turn)}", glue="\n") for turn in recalled if _shared_line(turn)
    )


def _ending(view: View, quoted: PastTurn | None) -> Iterator[Segment]:
    yield Segment("instruction", "user", f"Write the next line, spoken by {view.me.name}, without the name in front.")


def _aside(view: View, question: str) -> Segment:
    return Segment("instruction", "user", f"For {view.me.name} alone. {question}")


def _script_opening(view: View) -> Iterator[Segment]:
    yield from _opening(view)
    yield Segment("cast", "user", "Write the scene as a script, each line with its speaker's name in front.")


def _script_past(view: View, turn: PastTurn, first: bool) -> Iterator[Segment]:
    yield from turn_pictures(turn, view.language)
    words = _shared_line(turn)
    if words:
        yield Segment("history", "assistant", words.replace("\n", " "), glue="\n")


def _script_now(view: View, recalled: Sequence[PastTurn]) -> Iterator[Segment]:
    """Nothing may come between the script and its next line."""
    return iter(())


def _script_ending(view: View, quoted: PastTurn | None) -> Iterator[Segment]:
    yield Segment("instruction", "assistant", f"{view.me.name}:", glue="\n")


CAST_FIRST = Layout("cast-first", _opening, _past, _now, _ending, _aside, shared=True)
SCRIPT = Layout("script", _script_opening, _script_past, _script_now, _script_ending, _aside, shared=True, stop=("\n",))
