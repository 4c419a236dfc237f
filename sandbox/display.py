"""What a run shows while it goes on: a conversation with its progress, JSON lines, or nothing."""

import shlex
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import RenderableType
from rich.live import Live
from rich.padding import Padding
from rich.text import Text

from sandbox.half_blocks import half_blocks
from sandbox.rows import Batch
from sandbox.run import Display
from sandbox.screen import Screen, print_json, safe
from sandbox.tally import Summary, Tally
from sandbox.transcript import MARGIN, Transcript, caption, varied
from scenes.clean import one_line
from scenes.event import Event
from scenes.image import Picture
from scenes.loading import Source
from scenes.sights import PictureFacts

LIVE_EVERY_S = 0.1
PLAIN_EVERY_S = 5.0
"""Seconds between two progress lines, where each replaces the one before and where each stays."""
MOST_COLUMNS, MOST_ROWS = 48, 20
"""Of a picture, so that it leaves room on the terminal for what is said about it."""


class Quiet:
    """Shows nothing."""

    def begin(self, folder: Path, source: Source, tally: Tally) -> None: ...

    def committed(self, batches: Sequence[Batch]) -> None: ...

    def end(self, summary: Summary) -> None: ...


class JsonLines:
    """One JSON object a line on standard output: events as they are safe, and the summary."""

    def begin(self, folder: Path, source: Source, tally: Tally) -> None:
        _emit(type="run", run=str(folder), planned=tally.planned, earlier=tally.earlier)

    def committed(self, batches: Sequence[Batch]) -> None:
        for batch in batches:
            for event in batch.events:
                _emit(type="event", episode=batch.episode, **event.model_dump(mode="json"))
            if batch.state and batch.state.status != "playing":
                _emit(type="episode", episode=batch.episode, status=batch.state.status, error=batch.state.error)

    def end(self, summary: Summary) -> None:
        _emit(type="summary", **summary.model_dump(mode="json"))


def _emit(**fields: Any) -> None:
    print_json(fields, indent=None)


class Conversation:
    """Follows one episode at a time: prints it from its beginning, then goes on to another that is being played."""

    def __init__(self, screen: Screen, names: Callable[[int], Sequence[str]]) -> None:
        """`names` tells who is in a variant of the scenario."""
        self._screen, self._names = screen, names
        self._waiting: dict[int, list[Batch]] = {}
        self._followed: int | None = None
        self._transcript = Transcript((), screen)
        self._drawn: set[str] = set()

    def add(self, batches: Sequence[Batch]) -> None:
        """Print what of `batches` belongs to the followed episode and keep the rest while it may be needed."""
        lines = [line for batch in batches for line in self._taken(batch)]
        if lines:
            self._screen.print(*lines, sep="\n", soft_wrap=True)

    def _taken(self, batch: Batch) -> Iterator[RenderableType]:
        """Yield what can be printed now that `batch` is there."""
        self._waiting.setdefault(batch.episode, []).append(batch)
        if self._followed is None:
            self._followed = batch.episode
        if batch.episode == self._followed:
            yield from self._lines(self._waiting.pop(batch.episode))
        if _is_over(batch):
            self._waiting.pop(batch.episode, None)
            if batch.episode == self._followed:
                yield from self._next()

    def _next(self) -> Iterator[RenderableType]:
        """Go on to another episode, and yield what there is of it."""
        self._followed = min(self._waiting, default=None)
        if self._followed is not None:
            yield from self._lines(self._waiting.pop(self._followed))

    def _lines(self, batches: Sequence[Batch]) -> Iterator[RenderableType]:
        for batch in batches:
            if batch.state and not _is_over(batch):
                self._transcript = Transcript(self._names(batch.state.variant), self._screen)
                yield safe(f"\n— episode {batch.episode}{varied(batch.state)}", "bold")
            for picture, facts in batch.pictures:
                yield from self._picture(picture, facts)
            yield from map(self._transcript.line, batch.events)
            if batch.state and batch.state.error:
                yield self._transcript.paragraph(safe(f"failed: {batch.state.error}", "bold red"))

    def _picture(self, picture: Picture, facts: PictureFacts) -> Iterator[RenderableType]:
        """Yield what the picture is, below the picture itself the first time that it comes."""
        if self._screen.shows_pictures and picture.id not in self._drawn:
            self._drawn.add(picture.id)
            columns = min(MOST_COLUMNS, self._screen.width - MARGIN)
            rows = max(4, min(MOST_ROWS, self._screen.height - 10))
            yield Padding(half_blocks(picture, columns, rows), (0, 0, 0, MARGIN))
        yield self._transcript.paragraph(caption(facts))


def _is_over(batch: Batch) -> bool:
    return batch.state is not None and (batch.state.status != "playing" or batch.state.ended is not None)


class Telling:
    """The conversation as it happens and its progress: on a terminal as one line below it, else as a line at times."""

    def __init__(self, screen: Screen, live: Live | None = None) -> None:
        self._screen, self._live = screen, live
        self._every = LIVE_EVERY_S if live else PLAIN_EVERY_S
        self._next_at = self._every
        self._person: str | None = None
        self._last: Sequence[Event] = ()

    def begin(self, folder: Path, source: Source, tally: Tally) -> None:
        self._tally = tally
        self._conversation = Conversation(self._screen, partial(everybody, source))
        self._screen.print(safe(f"{source.scenario.title} → {folder}", "bold"), soft_wrap=True)
        player = source.scenario.player
        self._person = player.name if player is not None and player.person else None
        if self._live and self._person:
            self._live.stop()
        elif self._live:
            self._show(progress(tally))

    def committed(self, batches: Sequence[Batch]) -> None:
        if self._person:  # who plays along is shown by the engine what they perceive, and must not see more
            self._last = [event for batch in batches for event in batch.events] or self._last
            return
        self._conversation.add(batches)
        if self._tally.seconds >= self._next_at:
            self._next_at = self._tally.seconds + self._every
            self._show(progress(self._tally))

    def _show(self, line: str) -> None:
        if self._live:
            self._live.update(Text(line, style="reverse", no_wrap=True, overflow="ellipsis"), refresh=True)
        else:
            self._screen.print(line)

    def end(self, summary: Summary) -> None:
        for event in self._last:  # the last reply, after which the person was asked nothing more
            if self._person in event.visible_to and event.actor != self._person:
                self._screen.print(safe(f"{event.actor}: {event.text}"))
        self._screen.print(safe("\n" + "\n".join(came(summary))))
        self._screen.print(safe("\n".join(next_steps(summary))), soft_wrap=True)  # whole, as they are to be copied


def everybody(source: Source, index: int) -> list[str]:
    """Return the names of all who could perceive something in a variant of the scenario."""
    variant = source.variant(index)
    player = variant.scenario.player
    return [*(profile.name for profile in variant.profiles), *([player.name] if player else [])]


def progress(tally: Tally) -> str:
    """Return the progress of a run in a line; what matters most stands first, as a narrow terminal cuts the rest."""
    counts, seconds = tally.counts, max(tally.seconds, 1e-9)
    over = counts["done"] + counts["failed"]
    left = tally.planned - tally.earlier - over
    failed = f", {counts['failed']} failed" if counts["failed"] else ""
    eta = f" · {seconds / over * left:.0f} s left" if over else ""
    rates = f"{counts['turns'] / seconds:.1f} turns/s · {counts['output_tokens'] / seconds:.0f} tokens/s"
    return f" {tally.earlier + over}/{tally.planned} episodes{failed}{eta} · {counts['turns']} turns · {rates} "


def came(summary: Summary) -> Iterator[str]:
    """Yield what came of a run, in a few lines."""
    if summary.earlier == summary.planned:
        yield f"all {summary.planned} episodes of this run are done already; nothing is left to play"
        return
    yield (
        f"{summary.earlier + summary.done} of {summary.planned} episodes done, {summary.failed} failed; "
        f"{summary.turns} turns in {summary.seconds:.1f} s ({summary.turns_per_s:.1f} turns/s, "
        f"{summary.tokens_per_s:.0f} tokens/s)"
    )
    yield (
        f"tokens: {summary.prompt_tokens} of prompts ({_share(summary.cached_tokens, summary.prompt_tokens)} from the "
        f"prefix cache), {summary.output_tokens} generated in {summary.calls} calls, {summary.failed_calls} failed"
    )
    odd = {
        "cut for speaking for others": summary.spoke_for_others,
        "cut at the token limit": summary.truncated,
        "empty": summary.empty,
        "with history left out": summary.with_dropped_history,
    }
    if any(odd.values()):
        yield "replies " + ", ".join(f"{what}: {count}" for what, count in odd.items() if count)
    for error, count in list(summary.errors.items())[:5]:
        yield f"failed {count} x: {one_line(error, 300)}"


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.0%}" if whole else "none"


def next_steps(summary: Summary) -> list[str]:
    """Return the commands to give next."""
    run, command = shlex.quote(summary.run), program()
    if summary.interrupted:
        return [f"interrupted; everything shown is safe. Go on with:  {command} resume {run}"]
    if summary.failed:
        return [f"try the failed ones again:  {command} resume {run}"]
    return [
        f"read it:            {command} show {run}",
        f"the exact prompts:  {command} show {run} 0 --calls",
        f"prove the record:   {command} replay {run} --check",
    ]


def program() -> str:
    """Return how to call this program here: by its name where a shell finds it, else by the path it was called by."""
    called = sys.argv[0]
    by_path = Path(called).name == "rolestage" and shutil.which("rolestage") is None
    return shlex.quote(called) if by_path else "rolestage"


@contextmanager
def display_of(kind: str | None) -> Iterator[Display]:
    """Give the display called `kind`; without one, the conversation on a terminal and plain lines elsewhere.

    The terminal is left as it was found, whatever happens.
    """
    screen = Screen()
    kind = kind or ("rich" if screen.is_terminal and not screen.is_dumb_terminal else "plain")
    if kind == "rich":
        with Live(Text("getting ready …", style="dim"), console=screen, auto_refresh=False, transient=True) as live:
            yield Telling(screen, live)
    elif kind == "plain":
        yield Telling(screen)
    else:
        yield JsonLines() if kind == "json" else Quiet()
