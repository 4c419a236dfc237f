"""What a layout is: the order in which the segments of a prompt stand.

Nothing that changes ever stands before something that does not, so a prompt only grows at its end and an engine that
keeps the state of a prefix computes what is new. Which layout is cheapest for which cast is worked out in
docs/design.md.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from agents.memory import Memory
from agents.prompts.blocks import last_told, turn_pictures
from scenes.chat import Prompt, Segment
from scenes.event import NARRATOR
from scenes.scenario import LayoutName, MemorySpec
from scenes.scene import PastTurn, View


@dataclass(frozen=True, slots=True)
class Layout:
    """Five writers: what stands before the history, one turn of it, how things are now, and what closes the prompt."""

    name: LayoutName
    opening: Callable[[View], Iterable[Segment]]
    past: Callable[[View, PastTurn, bool], Iterable[Segment]]
    """The last argument tells whether no words were told before this turn."""
    now: Callable[[View, Sequence[PastTurn]], Iterable[Segment]]
    """Gets the forgotten turns that matter now."""
    ending: Callable[[View, PastTurn | None], Iterable[Segment]]
    """Asks for a reply. Gets the turn to answer, if the layout quotes it at the end and it is somebody else's."""
    aside: Callable[[View, str], Segment]
    """Puts a question to the character alone, out of the scene, in place of the ending."""
    quotes_last: bool = False
    """The last words of somebody else stand in the closing instruction and not yet in the history."""
    shared: bool = False
    """The whole cast reads one text, so nobody can have anything of its own in it."""
    stop: tuple[str, ...] = ()
    words: int = 3_000
    """Of the past told in full, and how many forgotten turns are told again, where the scenario does not say."""
    recalled: int = 4


class PromptThread:
    """The prompt of one agent as its scene goes on: each turn it perceives is told once, at the end.

    When the told past is more than its budget of words, the older half leaves at one stroke, so that the prompt begins
    anew seldom and not every turn; what has left is kept in memory, and what of it matters is told again.
    """

    def __init__(self, layout: Layout, view: View, memory: MemorySpec) -> None:
        self._layout = layout
        self._view = view
        self._most_words = memory.words or layout.words
        self._recalled = layout.recalled if memory.recalled is None else memory.recalled
        self._memory = Memory(view.me)
        self._start = self._read = self._words = 0
        """Where the told past begins, how far it goes, and its words."""
        self._opening: tuple[Segment, ...] = ()
        self._opened = Prompt()
        self._begin()

    def _begin(self) -> None:
        opening = tuple(self._layout.opening(self._view))
        if opening != self._opening:  # else the same nodes, which are in the store
            self._opening, self._opened = opening, Prompt().then(*opening)
        self._told = self._opened
        self._has_words = False

    def prompt(self, aside: str | None = None) -> Prompt:
        """Return the prompt for the agent's next reply, or for its answer to a question put to it alone."""
        past = self._view.past
        self._tell(self._history_end(past))
        untold = past[self._read :]
        now = self._layout.now(self._view, self._remembered(past))
        if aside:
            last = (one for turn in untold for one in self._layout.past(self._view, turn, not self._has_words))
            return self._told.then(*last, *now, self._layout.aside(self._view, aside))
        new_pictures = (segment for turn in untold for segment in turn_pictures(turn, self._view.language))
        return self._told.then(*new_pictures, *now, *self._layout.ending(self._view, untold[0] if untold else None))

    def _history_end(self, past: Sequence[PastTurn]) -> int:
        """Return the place of the turn that is quoted at the end, if one is; it is told when others follow."""
        last = last_told(past)
        if not self._layout.quotes_last or last is None or past[last].actor in (self._view.me.name, NARRATOR):
            return len(past)
        return last

    def _tell(self, end: int) -> None:
        """Tell the turns up to `end`, one by one, so that it does not matter how often the prompt is asked for."""
        for turn in self._view.past[self._read : end]:
            self._words += _length(turn.words)
            if self._words > self._most_words:
                self._forget()
            self._write(turn)
            self._read += 1

    def _forget(self) -> None:
        """Let the oldest turns leave until half of the budget is left, and begin the prompt anew with the others."""
        past = self._view.past
        while self._start < self._read and self._words > self._most_words // 2:
            forgotten = past[self._start]
            self._words -= _length(forgotten.words)
            if self._recalled and forgotten.words:
                self._memory.keep(forgotten)
            self._start += 1
        self._begin()
        for turn in past[self._start : self._read]:
            self._write(turn)

    def _write(self, turn: PastTurn) -> None:
        segments = list(self._layout.past(self._view, turn, not self._has_words))
        self._told = self._told.then(*segments)
        self._has_words = self._has_words or bool(segments and turn.words)

    def _remembered(self, past: Sequence[PastTurn]) -> Sequence[PastTurn]:
        """Return the forgotten turns that matter to what was told last."""
        if not self._recalled or not self._start:
            return ()
        cue = " ".join(turn.words for turn in past[-2:])
        return self._memory.recall(cue, past[-1].turn, self._recalled)


@lru_cache(maxsize=10_000)
def _length(words: str) -> int:
    """Return how many `words` a turn has; in a script that does not part them, two letters are about one."""
    foreign = 0 if words.isascii() else sum(not char.isascii() for char in words)
    return bool(words) * 2 + max(len(words.split()), foreign // 2)
