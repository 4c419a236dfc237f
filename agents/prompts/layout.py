"""What a layout is: the order in which the segments of a prompt stand.

Nothing that changes ever stands before something that does not, so a prompt only grows at its end and an engine that
keeps the state of a prefix computes what is new. Which layout is cheapest for which cast is worked out in
docs/design.md.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from agents.prompts.blocks import last_told, told, turn_pictures
from scenes.chat import Prompt, Segment
from scenes.event import NARRATOR
from scenes.scenario import LayoutName
from scenes.scene import PastTurn, View


@dataclass(frozen=True, slots=True)
class Layout:
    """Three writers: what stands before the history, how one turn of it is told, and what closes the prompt."""

    name: LayoutName
    opening: Callable[[View], Iterable[Segment]]
    past: Callable[[View, PastTurn, bool], Iterable[Segment]]
    """The last argument tells whether no words were told before this turn."""
    ending: Callable[[View, PastTurn | None], Iterable[Segment]]
    """Gets the turn to answer, if the layout quotes it at the end and it is somebody else's, not the narrator's."""
    quotes_last: bool = False
    """The last words of somebody else stand in the closing instruction and not yet in the history."""
    shared: bool = False
    """The whole cast reads one text, so nobody can have anything of its own in it."""
    stop: tuple[str, ...] = ()


class PromptThread:
    """The prompt of one agent as its scene goes on: each turn it perceives is told once, at the end."""

    def __init__(self, layout: Layout, view: View) -> None:
        self._layout = layout
        self._view = view
        self._told = Prompt().then(*layout.opening(view))
        self._read = 0
        self._has_words = False

    def prompt(self) -> Prompt:
        """Return the prompt for the agent's next reply."""
        past = self._view.past
        end = self._history_end(past)
        self._tell(past[self._read : end])
        untold = past[end:]
        new_pictures = (segment for turn in untold for segment in turn_pictures(turn))
        quoted = untold[0] if untold else None
        return self._told.then(*new_pictures, *self._layout.ending(self._view, quoted))

    def _history_end(self, past: Sequence[PastTurn]) -> int:
        """Return the place of the turn that is quoted at the end, if one is; it is told when others follow."""
        last = last_told(past)
        if not self._layout.quotes_last or last is None or past[last].actor in (self._view.me.name, NARRATOR):
            return len(past)
        return last

    def _tell(self, turns: Iterable[PastTurn]) -> None:
        for turn in turns:
            segments = list(self._layout.past(self._view, turn, not self._has_words))
            self._told = self._told.then(*segments)
            self._has_words = self._has_words or bool(segments and told(turn.events))
            self._read += 1
