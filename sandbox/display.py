"""What a run shows while it goes on: a conversation and a progress line, plain lines, JSON lines, or nothing."""

import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from rich.console import Console
from rich.live import Live
from rich.text import Text

from sandbox.half_blocks import half_blocks
from sandbox.rows import Batch
from sandbox.run import Display
from sandbox.tally import Summary, Tally
from sandbox.transcript import Transcript
from scenes.clean import clean
from scenes.image import Picture
from scenes.loading import Source
from scenes.sights import PictureFacts
from scenes.storybook.drawing import describe

PLAIN_EVERY_S = 5.0
"""Seconds between the progress lines of the plain display."""


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
                _emit(type="event", episode=batch.episode, **event.model_dump(mode="json", exclude_defaults=True))
            if batch.state and batch.state.status != "playing":
                _emit(type="episode", episode=batch.episode, status=batch.state.status, error=batch.state.error)

    def end(self, summary: Summary) -> None:
        _emit(type="summary", **summary.model_dump(mode="json"))


def _emit(**fields: object) -> None:
    sys.stdout.write(json.dumps(fields, ensure_ascii=False) + "\n")
    sys.stdout.flush()


class Conversation:
    """Follows one episode at a time: prints it from its beginning, then goes on to another that is being played."""

    def __init__(self, console: Console, names: Sequence[str], pictures: bool) -> None:
        self._console, self._names, self._pictures = console, names, pictures
        self._waiting: dict[int, list[Batch]] = {}
        self._followed: int | None = None
        self._transcript = Transcript(names)

    def add(self, batches: Sequence[Batch]) -> None:
        """Print what of `batches` belongs to the followed episode and keep the rest while it may be needed."""
        for batch in batches:
            self._waiting.setdefault(batch.episode, []).append(batch)
            if self._followed is None:
                self._followed = batch.episode
            if batch.episode == self._followed:
                self._print(self._waiting.pop(batch.episode))
            if _is_over(batch):
                self._waiting.pop(batch.episode, None)
                self._followed = self._next() if batch.episode == self._followed else self._followed

    def _next(self) -> int | None:
        if not self._waiting:
            return None
        following = min(self._waiting)
        self._print(self._waiting.pop(following))
        return following

    def _print(self, batches: Sequence[Batch]) -> None:
        for batch in batches:
            if batch.state and batch.state.status == "playing" and batch.state.ended is None and not batch.calls:
                self._transcript = Transcript(self._names)
                self._console.print(
                    Text(f"\n— episode {batch.episode}, variant {batch.state.variant_id}", style="bold")
                )
            for picture, facts in batch.pictures:
                self._print_picture(picture, facts)
            for event in batch.events:
                self._console.print(self._transcript.line(event), soft_wrap=True)

    def _print_picture(self, picture: Picture, facts: PictureFacts) -> None:
        if self._pictures:
            self._console.print(half_blocks(picture))
        self._console.print(Text(f"     {caption(facts)}", style="dim"))


def caption(facts: PictureFacts) -> str:
    """Return what a picture is, in a line."""
    what = describe(facts.drawing) if facts.drawing else facts.file or ""
    part = " (a part of it)" if facts.crop or facts.blur else ""
    return f"picture {clean(facts.name)}{part}: {clean(what)}"


def _is_over(batch: Batch) -> bool:
    return batch.state is not None and (batch.state.status != "playing" or batch.state.ended is not None)


class Terminal:
    """The conversation as it happens above one line of progress."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live = Live(console=console, auto_refresh=False, transient=True)

    def begin(self, folder: Path, source: Source, tally: Tally) -> None:
        self._tally = tally
        self._conversation = Conversation(
            self._console, everybody(source), pictures=self._console.color_system is not None
        )
        self._console.print(Text(f"{clean(source.scenario.title)}  →  {clean(str(folder))}", style="bold"))
        self._live.start()

    def committed(self, batches: Sequence[Batch]) -> None:
        self._conversation.add(batches)
        self._live.update(Text(progress(self._tally), style="reverse"), refresh=True)

    def end(self, summary: Summary) -> None:
        self._live.stop()
        self._console.print(Text(told(summary)))


class Plain:
    """The same as lines of plain text, for a file or a pipe: the conversation, and progress now and then."""

    def __init__(self, write: Callable[[str], object]) -> None:
        self._write = write
        self._console = Console(file=sys.stdout, color_system=None, highlight=False, width=10_000)
        self._next_at = PLAIN_EVERY_S

    def begin(self, folder: Path, source: Source, tally: Tally) -> None:
        self._tally = tally
        self._conversation = Conversation(self._console, everybody(source), pictures=False)
        self._write(f"{clean(source.scenario.title)} -> {clean(str(folder))}\n")

    def committed(self, batches: Sequence[Batch]) -> None:
        self._conversation.add(batches)
        if self._tally.seconds > self._next_at:
            self._write(progress(self._tally) + "\n")
            self._next_at = self._tally.seconds + PLAIN_EVERY_S

    def end(self, summary: Summary) -> None:
        self._write(told(summary) + "\n")


def everybody(source: Source) -> list[str]:
    """Return the names of all who could perceive something in the scenario's first variant."""
    variant = source.variant(0)
    player = variant.scenario.player
    return [*(profile.name for profile in variant.profiles), *([player.name] if player else [])]


def progress(tally: Tally) -> str:
    """Return the progress of a run in a line."""
    counts, seconds = tally.counts, max(tally.seconds, 1e-9)
    over = counts["done"] + counts["failed"]
    left = tally.planned - tally.earlier - over
    eta = f"{seconds / over * left:.0f} s left" if over else "…"
    failed = f", {counts['failed']} failed" if counts["failed"] else ""
    rates = f"{counts['turns'] / seconds:.1f} turns/s, {counts['output_tokens'] / seconds:.0f} tokens/s"
    return f" {tally.earlier + over}/{tally.planned} episodes{failed} · {counts['turns']} turns · {rates} · {eta} "


def told(summary: Summary) -> str:
    """Return what came of a run, in a few lines."""
    lines = [
        f"\n{summary.earlier + summary.done} of {summary.planned} episodes done, {summary.failed} failed; "
        f"{summary.turns} turns in {summary.seconds:.1f} s ({summary.turns_per_s:.1f} turns/s, "
        f"{summary.tokens_per_s:.0f} tokens/s)",
        f"tokens: {summary.prompt_tokens} of prompts ({_share(summary.cached_tokens, summary.prompt_tokens)} from the "
        f"prefix cache), {summary.output_tokens} generated in {summary.calls} calls, {summary.failed_calls} failed",
    ]
    odd = {
        "cut for speaking for others": summary.spoke_for_others,
        "cut at the token limit": summary.truncated,
        "empty": summary.empty,
        "with history left out": summary.with_dropped_history,
    }
    if any(odd.values()):
        lines.append("replies " + ", ".join(f"{what}: {count}" for what, count in odd.items() if count))
    lines += [f"failed {count} x: {clean(error, 300)}" for error, count in list(summary.errors.items())[:5]]
    return "\n".join([*lines, *_next_steps(summary)])


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.0%}" if whole else "none"


def _next_steps(summary: Summary) -> list[str]:
    run = summary.run
    if summary.interrupted:
        return [f"interrupted; everything shown is safe. Go on with:  rolestage resume {run}"]
    if summary.failed:
        return [f"try the failed ones again:  rolestage resume {run}"]
    return [
        f"read it:            rolestage show {run}",
        f"the exact prompts:  rolestage show {run} 0 --calls",
        f"prove the record:   rolestage replay {run} --check",
    ]


def display_of(kind: str | None) -> Display:
    """Return the display called `kind`; without one, the conversation on a terminal and plain lines elsewhere."""
    console = Console(highlight=False)
    kind = kind or ("rich" if console.is_terminal else "plain")
    if kind == "rich":
        return Terminal(console)
    if kind == "plain":
        return Plain(sys.stdout.write)
    return JsonLines() if kind == "json" else Quiet()
