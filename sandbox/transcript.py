"""An episode as a person reads it: who said and did what, who perceived it, and what went on unseen.

What nobody on the stage perceives (beliefs, what the narrator decides for itself) and what is asked in private stands
apart from the scene: dim, further in, with a mark in place of the turn's number.
"""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from rich.console import Console
from rich.text import Text

from sandbox.purpose import is_of_interview, purpose_of
from sandbox.rows import EpisodeRow
from scenes.clean import clean, one_line
from scenes.event import INTERVIEWER, NARRATOR, Event, EventKind, Flags, How
from scenes.sights import PictureFacts
from scenes.storybook.drawing import describe

COLOURS = ("cyan", "magenta", "green", "yellow", "blue", "bright_red", "bright_cyan", "bright_magenta")
MARGIN = 5
"""Columns on the left that hold the number of the turn, or `MARK`, and nothing else: no text can pass for a line."""
MARK = "  ·"
INDENT = 2
NARROWEST = 20
_MANNERS: Mapping[EventKind, str] = {
    "action": "italic",
    "narration": "italic",
    "state": "italic",
    "thought": "italic dim",
    "image": "dim",
}
_SENSED = {"heard": "heard by", "was told": "told to"}
_TO_ITSELF = {"steer": " decides: ", "summary": " sums up: "}
"""What the narrator does for itself alone, by the purpose of the call; its other remarks are whole sentences."""


class Stage:
    """Who is on the stage while the events of an episode go by."""

    def __init__(self, names: Iterable[str]) -> None:
        """`names` are there as it begins."""
        self._there = set(names)

    def missed(self, event: Event) -> set[str]:
        """Return who is there now and did not perceive `event`; nobody where it was not for all to perceive."""
        change = event.change
        if change and change.who and change.present is not None:
            (self._there.add if change.present else self._there.discard)(change.who)
        if event.kind == "thought" or is_unseen(event) or is_of_interview(event):
            return set()
        return self._there - event.visible_to.keys()


def there_at_first(events: Iterable[Event]) -> set[str]:
    """Return who is on the stage before `events`: all who perceive any of them, but who came in later."""
    everybody: set[str] = set()
    came_in: dict[str, bool] = {}
    for event in events:
        everybody |= set() if is_of_interview(event) else event.visible_to.keys()
        if event.change and event.change.who and event.change.present is not None:
            came_in.setdefault(event.change.who, event.change.present)
    return {name for name in everybody if not came_in.get(name)}


def is_unseen(event: Event) -> bool:
    """Return whether `event` is no part of what happens on the stage: a belief, or what the narrator decides."""
    inner = event.change.is_private() if event.change else purpose_of(event.call) == "reflect"
    return inner or event.kind == "system"


class Transcript:
    """Writes the events of one episode as lines of text; the same speaker has the same colour throughout."""

    def __init__(self, names: Iterable[str], console: Console, pictures: Mapping[str, str] | None = None) -> None:
        """`names` are on the stage as it begins; lines are broken to the width of `console`.

        `pictures` gives the names of pictures by their ids.
        """
        self._stage = Stage(names)
        self._colours: dict[str, str] = {}
        self._console = console
        self._pictures = {} if pictures is None else pictures
        self._block: str | None = None
        self._question: str | None = None

    def recast(self, names: Iterable[str]) -> None:
        """Let `names` be on the stage from now on, as where a branch goes on with other characters."""
        self._stage = Stage(names)

    def line(self, event: Event) -> Text:
        """Return the line for `event`; an empty one for a question that was just put to somebody else."""
        missed = self._stage.missed(event)
        block, self._block = self._block, _block(event)
        lines = [self.paragraph(Text(f"{self._block}:", "bold dim"))] if self._block not in (None, block) else []
        if event.actor == INTERVIEWER and event.text == self._question:
            return Text()
        return Text("\n").join([*lines, self._line(event, missed)])

    def _line(self, event: Event, missed: Collection[str]) -> Text:
        if event.actor == INTERVIEWER:
            self._question = event.text
            return self._paragraph(Text(clean(event.text), "dim"), MARK)
        text = Text.assemble(*self._sentence(event))
        for remark in (*_perceivers(event, missed), *odd(event)):
            text.append(f"  ‹{clean(remark)}›", style="dim")
        if _is_aside(event):
            text.stylize("dim")
            return self._paragraph(text, MARK, INDENT)
        return self._paragraph(text, f"{event.turn:>3}" if event.turn else MARK)

    def _sentence(self, event: Event) -> Iterator[tuple[str, str]]:
        """Yield the pieces of a line, each with its style."""
        verb = _verb(event)
        if verb:
            yield clean(event.actor) or "·", f"{self._colour(event.actor)} {'' if _is_aside(event) else 'bold'}"
            to = [name for name in event.to if name != event.actor]
            yield (f" → {clean(', '.join(to))}" if to else "") + verb, ""
        words = f"picture {self._pictures.get(event.image, event.image[:8])}" if event.image else event.text
        yield clean(words), _MANNERS.get(event.kind, "")

    def paragraph(self, text: Text) -> Text:
        """Return `text` broken into rows beside the margin."""
        return self._paragraph(text, "")

    def _paragraph(self, text: Text, first: str, indent: int = 0) -> Text:
        """Return `text` broken into rows, with `first` in the margin of the first row."""
        margin = MARGIN + indent
        rows = text.wrap(self._console, max(NARROWEST, self._console.width - margin))
        return Text.assemble((first.ljust(margin), "dim"), Text("\n" + " " * margin).join(rows))

    def _colour(self, actor: str) -> str:
        return self._colours.setdefault(actor, COLOURS[len(self._colours) % len(COLOURS)])


def _is_aside(event: Event) -> bool:
    return is_unseen(event) or is_of_interview(event)


def _block(event: Event) -> str | None:
    """Return the heading under which `event` stands together with others, if it does."""
    if is_of_interview(event):
        return "asked in private"
    return "nobody else knows" if is_unseen(event) and event.kind != "system" else None


def _verb(event: Event) -> str:
    """Return what stands between who did it and the words; nothing where these are a whole sentence."""
    if event.kind == "system":
        return _TO_ITSELF.get(purpose_of(event.call), "")
    if event.change and event.change.is_private():
        return " believes: " if event.change.belief else " makes of it: "
    if event.actor == NARRATOR:
        return " shows " if event.image else "  "
    return {"action": " ", "state": " ", "image": " now sees ", "thought": " thinks: "}.get(event.kind, ": ")


def _perceivers(event: Event, missed: Collection[str]) -> Iterator[str]:
    """Yield who perceived `event` where not all did."""
    others = {name: how for name, how in event.visible_to.items() if name != event.actor}
    if is_unseen(event):
        return
    if event.kind == "thought":
        yield "nobody else knows"
    elif event.kind == "speech" and event.to:
        yield f"heard by {' and '.join(others)} alone" if others else "nobody heard it"
    elif missed and event.kind != "image":
        yield _all_but(missed) if len(missed) < len(others) else _by_sense(others) or "nobody perceived it"


def _all_but(missed: Collection[str]) -> str:
    return f"all but {', '.join(sorted(missed))}"


def _by_sense(others: Mapping[str, How]) -> str:
    """Return `seen by Pip; heard by Brack, Moss`."""
    groups: dict[str, list[str]] = {}
    for name, how in others.items():
        groups.setdefault(_SENSED.get(how, "seen by"), []).append(name)
    return "; ".join(f"{sensed} {', '.join(names)}" for sensed, names in groups.items())


def odd(event: Event) -> Iterator[str]:
    """Yield what was odd about the reply behind `event`, and of an answer in private whether it was right."""
    flags = event.flags or Flags()
    if event.score is not None:
        yield "right" if event.score else "wrong"
    if flags.spoke_for:
        yield f"cut: it went on as {flags.spoke_for}"
    if flags.truncated:
        yield "cut: token limit"
    if flags.empty:
        yield "said nothing"
    if flags.dropped:
        yield f"{flags.dropped} oldest {'line' if flags.dropped == 1 else 'lines'} did not fit its prompt"
    if flags.joined:
        yield f"{flags.joined} last parts kept as one"
    if flags.defaulted:
        yield "unreadable" if is_of_interview(event) else "no readable answer: default"
    elif flags.repaired:
        yield f"asked again {'twice' if flags.repaired == 2 else 'once'}"


def varied(state: EpisodeRow) -> str:
    """Return what sets an episode apart from the scenario as it is written, if anything does."""
    branch = [] if state.parent is None else [f"branch of {state.parent} after turn {state.after}"]
    apart = branch + [f"{path} = {_value(value)}" for path, value in json.loads(state.values).items()]
    return ": " + ", ".join(apart) if apart else ""


def _value(value: Any) -> str:
    if isinstance(value, dict) and "name" in value:
        return str(value["name"])
    return one_line(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False), 60)


def caption(facts: PictureFacts) -> Text:
    """Return what a picture is, in a line."""
    what = describe(facts.drawing) if facts.drawing else facts.file or ""
    part = " (a part of it)" if facts.crop or facts.blur else ""
    return Text(clean(f"picture {facts.name}{part}: {what}"), style="dim")
