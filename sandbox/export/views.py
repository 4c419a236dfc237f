"""What one of the cast saw and said in an episode as one conversation: the prompts it was sent, and its lines.

A prompt of a layout that is a conversation goes on where the one before ended, but for what closes each: the view has
every prompt's closing where it was sent, before the line that answers it. Where a prompt does not go on so, because the
oldest talk was forgotten or the layout writes a new text each time (`mmrole`, `cast-first`), another view begins.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from agents.prompts.compact import STAGE
from sandbox.export.lines import Line
from scenes.chat import Message, Segment, fitting, messages

Asked = tuple[Segment, ...]


@dataclass
class View:
    """A conversation with lines in it; what is not learned of it is there to be read."""

    segments: list[Segment] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    """The learned ones."""
    exact: list[bool] = field(default_factory=list)
    """Of each of them, whether the view before it is to the letter what was sent."""
    _learned: set[int] = field(default_factory=set)
    _last: Asked = ()
    _end: int = 0
    """After the last learned line."""

    def goes_on(self, asked: Asked) -> Asked | None:
        """Return what `asked` adds to the view; None where it does not go on from it."""
        if not self.segments:
            return asked
        before, own = self._last, self.segments[-1]
        same = 0
        while same < min(len(before), len(asked)) and _alike(before[same], asked[same]):
            same += 1
        at = next((n for n in range(same, len(asked)) if _alike(asked[n], own)), None)
        if at is None or not _is_closing(before[same:], asked[same:at]):
            return None
        return asked[at + 1 :]

    def add(self, line: Line, asked: Asked, new: Asked, learned: bool) -> None:
        """Add what was asked, of which `new` is not there yet, and the line that answered it."""
        self.segments += new
        if learned:
            self.lines.append(line)
            self.exact.append(_contents(self.segments) == _contents(asked))
        own = Segment("history", "assistant", line.words, starts_message=True)
        self.segments.append(own)
        self._last = asked
        if learned:
            self._learned.add(len(self.segments) - 1)
            self._end = len(self.segments)

    def conversation(self) -> list[tuple[Message, bool]]:
        """Return the messages up to the last learned line, each with whether it is learned."""
        kept = self.segments[: self._end]
        learned = {id(kept[at]) for at in self._learned}
        return [(message, id(message.parts[0]) in learned) for message in messages(kept)]


def views_of(lines: Iterable[Line], learned: Sequence[bool]) -> Iterator[View]:
    """Yield the views that hold the `lines` of one character; those with nothing to learn are none."""
    view = View()
    for line, is_learned in zip(lines, learned, strict=True):
        asked = tuple(fitting(line.call.request.prompt.segments(), line.completion.dropped))
        new = view.goes_on(asked)
        if new is None:
            if view.lines:
                yield view
            view, new = View(), asked
        view.add(line, asked, new, is_learned)
    if view.lines:
        yield view


def _alike(one: Segment, other: Segment) -> bool:
    return (one.role, one.text.strip(), one.image) == (other.role, other.text.strip(), other.image)


def _is_closing(closing: Sequence[Segment], kept: Sequence[Segment]) -> bool:
    """Return whether `closing` is no more than what closed a prompt, and what is `kept` of it: a line quoted there.

    What it loses besides may be how things were and what was asked, but no talk: that would be forgotten.
    """
    waiting = list(kept)
    for segment in closing:
        if waiting and _alike(segment, waiting[0]):
            del waiting[0]
        elif segment.stability == "history" and not segment.text.startswith(STAGE):
            return False
    return not waiting


def _contents(segments: Sequence[Segment]) -> list[tuple[str, list[tuple[str, str | None]]]]:
    """Return messages as roles and parts, glue included, however they were cut into segments."""
    found: list[tuple[str, list[tuple[str, str | None]]]] = []
    for message in messages(segments):
        texts: list[tuple[str, str | None]] = [("", None)]
        for at, part in enumerate(message.parts):
            text = (part.glue if at else "") + part.text
            texts[-1] = (texts[-1][0] + text, texts[-1][1])
            if part.image:
                texts.append(("", part.image))
        found.append((message.role, [(text.strip(), image) for text, image in texts]))
    return found
