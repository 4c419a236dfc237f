"""An episode as a person reads it: who said and did what, and who perceived it."""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from rich.console import Console
from rich.text import Text

from sandbox.rows import EpisodeRow
from scenes.clean import clean, one_line
from scenes.event import Event
from scenes.sights import PictureFacts
from scenes.storybook.drawing import describe

COLOURS = ("cyan", "magenta", "green", "yellow", "blue", "bright_red", "bright_cyan", "bright_magenta")
MARGIN = 5
"""Columns on the left that hold the number of the turn, and nothing else: no text can pass for another line."""
NARROWEST = 20


class Transcript:
    """Writes the events of one episode as lines of text; the same speaker has the same colour throughout."""

    def __init__(self, names: Iterable[str], console: Console) -> None:
        """`names` are all who could perceive something; lines are broken to the width of `console`."""
        self._everybody = set(names)
        self._styles: dict[str, str] = {}
        self._console = console

    def line(self, event: Event) -> Text:
        """Return the line for `event`."""
        actor = clean(event.actor) or "·", self._style(event.actor)
        text = Text.assemble(actor, _sign(event), (clean(_words(event)), _manner(event)))
        for remark in self._remarks(event):
            text.append(f"  ‹{clean(remark)}›", style="dim")
        return self.paragraph(text, f"{event.turn:>3}" if event.turn else "")

    def paragraph(self, text: Text, first: str = "") -> Text:
        """Return `text` broken into rows beside the margin, with `first` in the margin of the first row."""
        rows = text.wrap(self._console, max(NARROWEST, self._console.width - MARGIN))
        return Text.assemble((first.ljust(MARGIN), "dim"), Text("\n" + " " * MARGIN).join(rows))

    def _style(self, actor: str) -> str:
        if actor not in self._styles:
            self._styles[actor] = f"bold {COLOURS[len(self._styles) % len(COLOURS)]}"
        return self._styles[actor]

    def _remarks(self, event: Event) -> Iterator[str]:
        missing = self._everybody - event.visible_to.keys()
        if event.kind == "thought":
            yield "nobody else knows"
        elif missing and event.kind != "image":
            others = ", ".join(f"{name} {how}" for name, how in event.visible_to.items() if name != event.actor)
            yield others or "nobody perceived it"
        yield from odd(event)


def odd(event: Event) -> Iterator[str]:
    """Yield what was odd about the reply behind `event`."""
    if event.flags is None:
        return
    if event.flags.spoke_for:
        yield f"cut: it went on as {event.flags.spoke_for}"
    if event.flags.truncated:
        yield "cut: token limit"
    if event.flags.empty:
        yield "said nothing"
    if event.flags.dropped:
        yield f"{event.flags.dropped} oldest lines did not fit its prompt"


def varied(state: EpisodeRow) -> str:
    """Return what sets the variant of an episode apart from the scenario as it is written, if anything does."""
    values = json.loads(state.values)
    return ": " + ", ".join(f"{path} = {_value(value)}" for path, value in values.items()) if values else ""


def _value(value: Any) -> str:
    if isinstance(value, dict) and "name" in value:
        return str(value["name"])
    return one_line(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False), 60)


def caption(facts: PictureFacts) -> Text:
    """Return what a picture is, in a line."""
    what = describe(facts.drawing) if facts.drawing else facts.file or ""
    part = " (a part of it)" if facts.crop or facts.blur else ""
    return Text(clean(f"picture {facts.name}{part}: {what}"), style="dim")


def _sign(event: Event) -> str:
    return {"action": " ", "image": " ", "narration": "  ", "thought": " thinks: "}.get(event.kind, ": ")


def _words(event: Event) -> str:
    if event.kind == "image":
        return f"now sees picture {(event.image or '')[:8]}"
    return event.text


def _manner(event: Event) -> str:
    return {"action": "italic", "thought": "italic dim", "narration": "italic", "image": "dim"}.get(event.kind, "")
