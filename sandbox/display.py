"""What a run shows while it goes on: a conversation with its progress, JSON lines, or nothing."""

import json
import shlex
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import dropwhile
from pathlib import Path
from typing import Any

from rich.console import RenderableType
from rich.live import Live
from rich.padding import Padding
from rich.text import Text

from agents.player import PERSON
from sandbox.engines.counters import EngineCounters, counters_of
from sandbox.half_blocks import half_blocks
from sandbox.meter import Occupancy
from sandbox.purpose import INTERVIEW, is_of_interview, purpose_of, step_of
from sandbox.rows import Batch, EpisodeRow
from sandbox.run import Display
from sandbox.screen import Screen, print_json, safe
from sandbox.tally import Summary, Tally
from sandbox.transcript import MARGIN, Transcript, caption, is_unseen, varied
from scenes.clean import one_line
from scenes.event import NARRATOR, Event
from scenes.image import Picture
from scenes.loading import Source, Variant
from scenes.sights import PictureFacts

LIVE_EVERY_S = 0.1
PLAIN_EVERY_S = 5.0
"""Seconds between two progress lines, where each replaces the one before and where each stays."""
MOST_COLUMNS, MOST_ROWS = 48, 20
"""Of a picture, so that it leaves room on the terminal for what is said about it."""


class Quiet:
    """Shows nothing; in the end, on standard error, what went wrong."""

    def begin(self, folder: Path, source: Source, tally: Tally) -> None: ...

    def committed(self, batches: Sequence[Batch]) -> None: ...

    def end(self, summary: Summary) -> None:
        wrong = [f"{summary.failed} of {summary.planned} episodes failed"] if summary.failed else []
        wrong += [f"verdicts of scorers that are missing: {summary.unjudged}"] if summary.unjudged else []
        if wrong:
            reasons = [one_line(error, 300) for error in summary.errors]
            more = [f"and {len(reasons) - 3} more"] if len(reasons) > 3 else []
            print(f"{', '.join(wrong)}: {'; '.join([*reasons[:3], *more])}", file=sys.stderr)


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

            if batch.verdict:
                _emit(type="verdict", episode=batch.episode, scorer=batch.verdict.scorer, error=batch.verdict.error)

    def end(self, summary: Summary) -> None:
        _emit(type="summary", **summary.model_dump(mode="json"))


def _emit(**fields: Any) -> None:
    print_json(fields, indent=None)


class Conversation:
    """Follows one episode at a time: prints it from its beginning, then goes on to another that is being played."""

    def __init__(self, screen: Screen, names: Callable[[EpisodeRow], Sequence[str]]) -> None:
        """`names` tells who is on the stage as an episode begins."""
        self._screen, self._names = screen, names
        self._waiting: dict[int, list[Batch]] = {}
        self._followed: int | None = None
        self.shown: set[int] = set()
        """The episodes that were followed."""
        self.over: set[int] = set()
        """All that came to an end meanwhile."""
        self._transcript = Transcript((), screen)
        self._shared = -1
        """The last turn that the followed episode has in common with the one that it branched from."""
        self._drawn: set[str] = set()
        self._pictures: dict[str, str] = {}

    def add(self, batches: Sequence[Batch]) -> None:
        """Print what of `batches` belongs to the followed episode and keep the rest while it may be needed."""
        lines = [line for batch in batches for line in self._taken(batch) if line]
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
            self.over.add(batch.episode)
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
                yield self._begin(batch.state)
            for picture, facts in dict.fromkeys(batch.pictures):
                yield from self._picture(picture, facts)
            yield from map(self._line, batch.events)
            if batch.state and batch.state.error:
                yield self._transcript.paragraph(safe(f"failed: {batch.state.error}", "bold red"))

    def _begin(self, state: EpisodeRow) -> Text:
        """Take up another episode, and return its heading."""
        self.shown.add(state.id)
        self._transcript = Transcript(self._names(state), self._screen, self._pictures)
        self._shared = -1 if state.after is None else state.after
        return safe(f"\n— episode {state.id}{varied(state)}", "bold")

    def _line(self, event: Event) -> Text:
        """Return the line for `event`; an empty one where the episode has it in common with its parent."""
        line = self._transcript.line(event)
        return line if event.turn > self._shared or is_of_interview(event) else Text()

    def _picture(self, picture: Picture, facts: PictureFacts) -> Iterator[RenderableType]:
        """Yield what the picture is, below the picture itself the first time that it comes."""
        self._pictures[picture.id] = facts.name
        if self._screen.shows_pictures and picture.id not in self._drawn:
            self._drawn.add(picture.id)
            columns = min(MOST_COLUMNS, self._screen.width - MARGIN)
            rows = max(4, min(MOST_ROWS, self._screen.height - 10))
            yield Padding(half_blocks(picture, columns, rows), (0, 0, 0, MARGIN))
        yield self._transcript.paragraph(caption(facts))


def _is_over(batch: Batch) -> bool:
    return batch.state is not None and (batch.state.status != "playing" or batch.state.ended is not None)


class LastWords:
    """Shows a person who plays along what it perceived after it was last asked; all before that its engine showed."""

    def __init__(self, screen: Screen, person: Callable[[EpisodeRow], str | None]) -> None:
        """`person` tells as whom the person plays in an episode."""
        self._screen, self._person = screen, person
        self._transcript = Transcript((), screen)
        self._name: str | None = None
        self._untold: list[Event] = []

    def add(self, batches: Sequence[Batch]) -> None:
        """Keep what happened since the person was last asked, and print it where an episode is over."""
        for batch in batches:
            if batch.state and not _is_over(batch):
                self._name = self._person(batch.state)
                self._transcript = Transcript((), self._screen)
            self._untold = [*self._untold, *batch.events]
            for asked in batch.calls:
                if asked.request.model == PERSON:
                    self._untold = _since(asked.key, batch.events)
            if _is_over(batch):
                self._print()

    def _print(self) -> None:
        lines = map(self._transcript.line, filter(self._perceives, self._untold))
        for line in filter(None, lines):
            self._screen.print(line, soft_wrap=True)
        self._untold = []

    def _perceives(self, event: Event) -> bool:
        if event.actor == self._name:
            return False
        if self._name == NARRATOR:
            return event.kind != "thought" and not is_unseen(event) and not is_of_interview(event)
        return self._name in event.visible_to


def _since(asked: str, events: Sequence[Event]) -> list[Event]:
    """Return what of a turn's `events` was not yet told in the call under the key `asked`, nor is an answer to it."""
    if purpose_of(asked) == INTERVIEW:
        return []
    return list(dropwhile(lambda event: step_of(event.call) < step_of(asked), events))


class Telling:
    """The conversation as it happens and its progress: on a terminal as one line below it, else as a line at times.

    Where a person plays along, neither: they are shown by the engine what they perceive, and must not see more.
    """

    def __init__(self, screen: Screen, live: Live | None = None) -> None:
        self._screen, self._live = screen, live
        self._shown: Conversation | LastWords = Conversation(screen, lambda state: ())
        self._every = LIVE_EVERY_S if live else PLAIN_EVERY_S
        self._next_at = self._every

    def begin(self, folder: Path, source: Source, tally: Tally) -> None:
        self._tally = tally
        self._is_played = played_by(source.variant(0)) is not None
        self._shown = _following(source, self._screen, self._is_played)
        self._screen.print(safe(f"{source.scenario.title} → {folder}", "bold"), soft_wrap=True)
        if self._live and self._is_played:
            self._live.stop()
        elif self._live:
            self._show(progress(tally))

    def committed(self, batches: Sequence[Batch]) -> None:
        self._shown.add([batch for batch in batches if not batch.judging])
        if self._tally.seconds >= self._next_at and not self._is_played:
            self._next_at = self._tally.seconds + self._every
            self._show(progress(self._tally))

    def _show(self, line: str) -> None:
        if self._live:
            self._live.update(Text(line, style="reverse", no_wrap=True, overflow="ellipsis"), refresh=True)
        else:
            self._screen.print(line)

    def end(self, summary: Summary) -> None:
        self._screen.print(safe("\n" + "\n".join(came(summary))))
        steps = [*next_steps(summary), *self._others(summary)]
        self._screen.print(safe("\n".join(steps)), soft_wrap=True)  # whole, as they are to be copied

    def _others(self, summary: Summary) -> Iterator[str]:
        """Yield how to read the episodes that went by unseen, if any did."""
        over, shown = (self._shown.over, self._shown.shown) if isinstance(self._shown, Conversation) else (set(), set())
        if over - shown:
            were = "was" if len(over & shown) == 1 else "were"
            read = f"{program()} show {shlex.quote(summary.run)} {min(over - shown)}"
            yield f"{len(over & shown)} of {len(over)} episodes {were} shown; read another:  {read}"


def _following(source: Source, screen: Screen, is_played: bool) -> Conversation | LastWords:
    """Return what shows the episodes of `source`, to who watches or to who plays along."""

    def variant(state: EpisodeRow) -> Variant:
        return source.variant_with(json.loads(state.values), state.variant)

    if is_played:
        return LastWords(screen, lambda state: played_by(variant(state)))
    return Conversation(screen, lambda state: on_stage(variant(state)))


def on_stage(variant: Variant) -> list[str]:
    """Return the names of all who are on the stage as a variant of the scenario begins, the player outside included."""
    player = variant.scenario.player
    cast = zip(variant.profiles, variant.scenario.cast, strict=True)
    there = [profile.name for profile, member in cast if not member.reserve]
    return [*there, player.name] if player and player.plays is None else there


def played_by(variant: Variant) -> str | None:
    """Return as whom a person plays in a variant of the scenario, if one does."""
    player = variant.scenario.player
    return (player.plays or player.name) if player and player.person else None


def progress(tally: Tally) -> str:
    """Return the progress of a run in a line; what matters most stands first, as a narrow terminal cuts the rest."""
    counts, seconds = tally.counts, max(tally.seconds, 1e-9)
    over = counts["done"] + counts["failed"]
    left = tally.planned - tally.earlier - over
    failed = f", {counts['failed']} failed" if counts["failed"] else ""
    full = f" · {tally.meter.occupancy().busy:.0%} full" if tally.meter else ""
    for counted in counters_of(tally.engines).values():
        full += f" · KV {counted.kv_used:.0%}" if counted.kv_used else ""
        full += f" · prefix {counted.hit_share:.0%}" if counted.prefix_queries else ""
    eta = f" · {seconds / over * left:.0f} s left" if over else ""
    rates = f"{counts['turns'] / seconds:.1f} turns/s · {counts['output_tokens'] / seconds:.0f} tokens/s"
    return f" {tally.earlier + over}/{tally.planned} episodes{failed}{eta} · {counts['turns']} turns · {rates}{full} "


def came(summary: Summary) -> Iterator[str]:
    """Yield what came of a run, in a few lines."""
    if summary.earlier == summary.planned:
        yield f"all {summary.planned} episodes of this run are done already; nothing is left to play"
        return
    reactions = f" with {summary.reactions} reactions" if summary.reactions else ""
    yield (
        f"{summary.earlier + summary.done} of {summary.planned} episodes done, {summary.failed} failed; "
        f"{summary.turns} turns{reactions} in {summary.seconds:.1f} s ({summary.turns_per_s:.1f} turns/s, "
        f"{summary.tokens_per_s:.0f} tokens/s)"
    )
    yield (
        f"tokens: {summary.prompt_tokens} of prompts ({_share(summary.cached_tokens, summary.prompt_tokens)} from the "
        f"prefix cache), {summary.output_tokens} generated in {summary.calls} calls, {summary.failed_calls} failed"
    )
    if summary.occupancy and summary.calls:
        yield filled(summary.occupancy)
    for name, counted in summary.engines.items():
        if told := ", ".join(_counted(counted)):
            yield f"{one_line(name, 60)}: {told}"
    odd = {
        "cut for speaking for others": summary.spoke_for_others,
        "cut at the token limit": summary.truncated,
        "empty": summary.empty,
        "with history left out": summary.with_dropped_history,
    }
    decisions = {"asked for again": summary.repaired, "unreadable and made by rule": summary.defaulted}
    answers = {"right": summary.answers_right, "wrong": summary.answers_wrong, "unreadable": summary.answers_unreadable}
    for what, counts in {"replies": odd, "decisions": decisions, "answers in private": answers}.items():
        if any(counts.values()):
            yield f"{what} " + ", ".join(f"{how}: {count}" for how, count in counts.items() if count)
    if summary.judged or summary.unjudged:
        failed = f"; {summary.unjudged} times one could say nothing" if summary.unjudged else ""
        yield f"scorers gave {summary.judged} verdicts{failed}"
    for error, count in list(summary.errors.items())[:5]:
        yield f"failed {count} x: {one_line(error, 300)}"


def _counted(counted: EngineCounters) -> Iterator[str]:
    """Yield what is worth telling of what an engine counted."""
    if counted.pictures:
        yield f"pictures: {counted.pictures}, encodings: {counted.encoded}"
    if counted.preempted:
        yield f"requests put back for want of memory: {counted.preempted}"
    if counted.throttled:
        yield f"tries sent away by servers that were full: {counted.throttled}"
    if counted.unmetered:
        yield f"answers whose tokens no server counted: {counted.unmetered}"
    if counted.price is not None:
        yield f"price {counted.price:.4g}"


def filled(occupancy: Occupancy) -> str:
    """Say how full the engine was, and what the rest was lost to."""
    lost = {"the client": occupancy.client, "admission": occupancy.admission, "the tail": occupancy.tail}
    lost |= {"a pause": occupancy.paused}
    told = ", ".join(f"{share:.0%} to {cause}" for cause, share in lost.items() if share >= 0.005)
    rest = f"; lost: {told}" if told else ""
    return f"the engine's {occupancy.slots} slots were {occupancy.busy:.0%} full{rest}"


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.0%}" if whole else "none"


def next_steps(summary: Summary) -> list[str]:
    """Return the commands to give next."""
    run, command = shlex.quote(summary.run), program()
    if summary.interrupted:
        return [f"interrupted; everything shown is safe. Go on with:  {command} resume {run}"]
    if summary.failed:
        return [f"try the failed ones again:  {command} resume {run}"]
    scores = [f"the scores:         {command} scores {run}"] if summary.judged else []
    return [
        *scores,
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
