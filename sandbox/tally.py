"""Counting what was played, from what was committed: the numbers of a progress line and of a summary."""

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pydantic import BaseModel

from sandbox.engines.counters import EngineCounters, counters_of
from sandbox.engines.terminal import LEFT
from sandbox.meter import Meter, Occupancy
from sandbox.purpose import is_of_interview, purpose_of
from sandbox.rows import Batch, Verdict
from sandbox.scoring import Chosen
from scenes.event import Event


class Summary(BaseModel):
    """What came of a command that played episodes."""

    run: str
    planned: int
    """Episodes the run is to have."""
    done: int
    failed: int
    earlier: int
    """Episodes that were done before this command."""
    turns: int
    """Of all episodes; what somebody does in answer to another's turn belongs to that turn."""
    reactions: int
    """What those did whom the deeds of others touched."""
    calls: int
    failed_calls: int
    prompt_tokens: int
    cached_tokens: int
    output_tokens: int
    spoke_for_others: int
    truncated: int
    empty: int
    with_dropped_history: int
    repaired: int
    """Decisions that could be read once they had been asked for again."""
    defaulted: int
    """Decisions that could not be read at all, so that the rule for that case was followed."""
    answers_right: int
    """In interviews, of the answers to questions that have a right one."""
    answers_wrong: int
    answers_unreadable: int
    """In interviews, where one of several answers was to be chosen; neither right nor wrong."""
    seconds: float
    interrupted: bool = False
    judged: int = 0
    """Verdicts of scorers on episodes."""
    unjudged: int = 0
    """Episodes about which a scorer could say nothing."""
    occupancy: Occupancy | None = None
    """How full the engine was, and why it was not fuller."""
    engines: dict[str, EngineCounters] = {}
    """What engines counted since they were started, by the name of the model."""
    errors: dict[str, int] = {}
    """Why episodes failed, and how many for each reason."""

    @property
    def turns_per_s(self) -> float:
        """Turns per second of wall time."""
        return self.turns / self.seconds if self.seconds else 0.0

    @property
    def tokens_per_s(self) -> float:
        """Tokens generated per second of wall time."""
        return self.output_tokens / self.seconds if self.seconds else 0.0


@dataclass
class Tally:
    """Adds up committed batches."""

    planned: int
    earlier: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    start: float = field(default_factory=time.monotonic)
    meter: Meter | None = None
    engines: Mapping[str, object] = field(default_factory=dict)
    """Some of which count what they do."""
    left: bool = False
    """Whether the person who plays along went away."""

    def add(self, batches: Sequence[Batch]) -> None:
        """Count what `batches` hold."""
        for batch in batches:
            if batch.judging:
                self._add_verdict(batch.verdict)
                continue
            self._add_calls(batch)
            self._add_events(batch)
            if batch.state and batch.state.status != "playing":
                self._add_end(batch.state.status, batch.state.error)

    def _add_verdict(self, verdict: Verdict | None) -> None:
        if verdict is None:
            return
        self.counts["judged" if verdict.error is None else "unjudged"] += 1
        if verdict.error is not None:
            self.errors[f"{verdict.scorer}: {verdict.error}"] += 1

    def refuse(self, chosen: Chosen, reason: str) -> None:
        """Count a scorer that cannot judge at all."""
        self.counts["unjudged"] += 1
        self.errors[f"{chosen.id}: {reason}"] += 1

    def _add_end(self, status: str, error: str | None) -> None:
        if error == LEFT:
            self.left = True
            return
        self.counts[status] += 1
        if error:
            self.errors[error] += 1

    def _add_calls(self, batch: Batch) -> None:
        for asked in batch.calls:
            self.counts["calls"] += 1
            if asked.completion is None:
                self.counts["failed_calls"] += asked.error != LEFT
                continue
            self.counts["prompt_tokens"] += asked.completion.prompt_tokens
            self.counts["cached_tokens"] += asked.completion.cached_tokens
            self.counts["output_tokens"] += asked.completion.output_tokens

    def _add_events(self, batch: Batch) -> None:
        if not batch.calls:  # played from the record
            return
        self.counts["turns"] += any(event.turn and not is_of_interview(event) for event in batch.events)
        self.counts["reactions"] += len({event.call for event in batch.events if purpose_of(event.call) == "react"})
        for event in batch.events:
            self._add_flags(event)
            if event.score is not None:
                self.counts["answers_right" if event.score else "answers_wrong"] += 1

    def _add_flags(self, event: Event) -> None:
        flags = event.flags
        if flags is None:
            return
        self.counts["spoke_for_others"] += flags.spoke_for is not None
        self.counts["truncated"] += flags.truncated
        self.counts["empty"] += flags.empty
        self.counts["with_dropped_history"] += flags.dropped > 0
        self.counts["repaired"] += flags.repaired > 0 and not flags.defaulted
        if flags.defaulted:
            self.counts["answers_unreadable" if is_of_interview(event) else "defaulted"] += 1

    @property
    def seconds(self) -> float:
        """Wall time since the start."""
        return time.monotonic() - self.start

    def summary(self, run: str, interrupted: bool) -> Summary:
        """Return the totals so far."""
        others = {"run", "planned", "earlier", "seconds", "interrupted", "errors", "occupancy", "engines"}
        counted = Summary.model_fields.keys() - others
        return Summary(
            run=run,
            planned=self.planned,
            earlier=self.earlier,
            seconds=self.seconds,
            interrupted=interrupted or self.left,
            errors=dict(self.errors),
            occupancy=self.meter.occupancy() if self.meter else None,
            engines=counters_of(self.engines),
            **{name: self.counts[name] for name in counted},
        )
