"""The layout `images-first`: a conversation in which a character's own lines are the assistant's.

[rules][pictures][scene][persona][history][now][instruction]: the pictures and the scene are one prefix for the whole
cast, so (A-1)(Iv+s) tokens are saved over persona-first with A agents, I pictures of v tokens and s tokens of scene.
"""

from collections.abc import Iterator, Sequence

from agents.prompts.blocks import (
    begun,
    inner,
    introduced,
    language_name,
    line,
    picture_segments,
    private_lines,
    scene_text,
    sections,
    standing,
    turn_pictures,
    ways,
)
from agents.prompts.layout import Layout
from agents.prompts.wording import worded
from scenes.chat import Segment
from scenes.scene import PastTurn, View, told

RULES = (
    "You take one part in a role-play. Speak and act as your character only, in its own voice, from what it can see, "
    "hear and know. Write (what you do) in round brackets and [what you only think] in square ones. Give one reply, "
    "without your name in front of it, and never write a line for anybody else. Speak {language}."
)


def _opening(view: View) -> Iterator[Segment]:
    yield Segment("global", "system", worded(RULES, view.language).format(language=language_name(view.language)))
    yield from picture_segments(view.pictures, view.language)
    yield Segment("scene", "user", f"{worded('The scene:', view.language)}\n{scene_text(view)}")
    if ways(view):
        yield Segment("scene", "user", ways(view), glue="\n")
    who = worded("Your character is {who}.", view.language).format(who=introduced(view.me, view.language))
    yield Segment("persona", "user", f"{who}\n{sections(view.me)}")
    for secret in private_lines(view):
        text = worded("Only you know: {secret}", view.language).format(secret=secret)
        yield Segment("persona", "user", text, glue="\n")


def _past(view: View, turn: PastTurn, first: bool) -> Iterator[Segment]:
    yield from turn_pictures(turn, view.language)
    if turn.actor == view.me.name:
        words = told(turn.events)
        if words:
            yield Segment("history", "assistant", words, glue="\n")
    elif line(turn):
        yield Segment("history", "user", line(turn), glue="\n\n" if first else "\n")


def _now(view: View, recalled: Sequence[PastTurn]) -> Iterator[Segment]:
    lines = [*inner(view, recalled), standing(view)]
    if any(lines):
        yield Segment("now", "user", "\n".join(line for line in lines if line))


def _ending(view: View, quoted: PastTurn | None) -> Iterator[Segment]:
    task = "Reply as {name}." if begun(view) else "Begin the conversation as {name}."
    yield Segment("instruction", "user", worded(task, view.language).format(name=view.me.name))


def _aside(view: View, question: str) -> Segment:
    return Segment("instruction", "user", question)


IMAGES_FIRST = Layout("images-first", _opening, _past, _now, _ending, _aside)
