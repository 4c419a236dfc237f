"""What a layout is: the order in which the segments of a prompt stand.

Nothing that changes ever stands before something that does not, so a prompt only grows at its end and an engine that
keeps the state of a prefix computes what is new. Which layout is cheapest for which cast is worked out in
docs/design.md.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from scenes.chat import Prompt, Segment
from scenes.scenario import LayoutName
from scenes.scene import PastTurn, View


@dataclass(frozen=True, slots=True)
class Layout:
    """Three writers: what stands before the history, how one turn of it is told, and what closes the prompt."""

    name: LayoutName
    opening: Callable[[View], Iterable[Segment]]
    past: Callable[[View, PastTurn, bool], Iterable[Segment]]
    """The last argument tells whether this is the first turn of the history."""
    ending: Callable[[View, PastTurn | None], Iterable[Segment]]
    """Gets the turn to answer, if the layout quotes it at the end and somebody else spoke last."""
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
        self._has_history = False

    def prompt(self) -> Prompt:
        """Return the prompt for the agent's next reply."""
        past = self._view.past
        last = past[-1] if past and past[-1].actor != self._view.me.name else None
        quoted = last if self._layout.quotes_last else None
        self._tell(past[self._read : len(past) - (quoted is not None)])
        return self._told.then(*self._layout.ending(self._view, quoted))

    def _tell(self, turns: Iterable[PastTurn]) -> None:
        for turn in turns:
            segments = list(self._layout.past(self._view, turn, not self._has_history))
            self._told = self._told.then(*segments)
            self._has_history = self._has_history or bool(segments)
            self._read += 1
