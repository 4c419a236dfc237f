"""Counting what was played, from what was committed: the numbers of a progress line and of a summary."""

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from pydantic import BaseModel

from sandbox.rows import Batch


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
    calls: int
    failed_calls: int
    prompt_tokens: int
    cached_tokens: int
    output_tokens: int
    spoke_for_others: int
    truncated: int
    empty: int
    with_dropped_history: int
    seconds: float
    interrupted: bool = False
    errors: dict[str, int] = {}
    """Why episodes failed, and how many for each reason."""

    @property
    def turns_per_s(self) -> float:
        """Replies per second of wall time."""
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

    def add(self, batches: Sequence[Batch]) -> None:
        """Count what `batches` hold."""
        for batch in batches:
            self._add_calls(batch)
            self._add_events(batch)
            if batch.state and batch.state.status != "playing":
                self.counts[batch.state.status] += 1
                if batch.state.error:
                    self.errors[batch.state.error] += 1

    def _add_calls(self, batch: Batch) -> None:
        for asked in batch.calls:
            self.counts["calls"] += 1
            if asked.completion is None:
                self.counts["failed_calls"] += 1
                continue
            self.counts["prompt_tokens"] += asked.completion.prompt_tokens
            self.counts["cached_tokens"] += asked.completion.cached_tokens
            self.counts["output_tokens"] += asked.completion.output_tokens

    def _add_events(self, batch: Batch) -> None:
        if not batch.calls:  # played from the record
            return
        self.counts["turns"] += any(event.turn for event in batch.events)
        for event in batch.events:
            if event.flags:
                self.counts["spoke_for_others"] += event.flags.spoke_for is not None
                self.counts["truncated"] += event.flags.truncated
                self.counts["empty"] += event.flags.empty
                self.counts["with_dropped_history"] += event.flags.dropped > 0

    @property
    def seconds(self) -> float:
        """Wall time since the start."""
        return time.monotonic() - self.start

    def summary(self, run: str, interrupted: bool) -> Summary:
        """Return the totals so far."""
        names = ("done", "failed", "turns", "calls", "failed_calls", "prompt_tokens", "cached_tokens", "output_tokens")
        odd = ("spoke_for_others", "truncated", "empty", "with_dropped_history")
        return Summary(
            run=run,
            planned=self.planned,
            earlier=self.earlier,
            seconds=self.seconds,
            interrupted=interrupted,
            errors=dict(self.errors),
            **{name: self.counts[name] for name in (*names, *odd)},
        )
