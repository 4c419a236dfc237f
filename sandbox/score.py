"""Scoring a stored run: every episode that is over and has no verdict yet, and what came of it."""

import asyncio
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Protocol

from pydantic import BaseModel

from sandbox.cases import Cases
from sandbox.engines.engine import Engine
from sandbox.errors import RunLocked
from sandbox.gallery import Gallery
from sandbox.launch import alternatives, asked_by, engine_config, facts_of_run, started_for
from sandbox.meter import Meter
from sandbox.models import most_pictures
from sandbox.record import Record
from sandbox.rows import Batch, Verdict
from sandbox.run import admit, opened, until_done
from sandbox.run_folder import SCENARIO
from sandbox.scheduler import Scheduler
from sandbox.scoring import Chosen, Judging
from sandbox.store import Store, lock_run
from scenes.loading import Source, load


class ScorerSummary(BaseModel):
    """What one scorer did in one command."""

    scorer: str
    judged: int = 0
    """Episodes that have a verdict now and had none."""
    earlier: int = 0
    """Episodes that had one before."""
    failed: int = 0
    """Episodes about which it could say nothing."""
    left: int = 0
    """Episodes that are still to be judged."""
    scores: int = 0
    without_value: int = 0
    reasons: dict[str, int] = {}
    """Why scores have no value, the most frequent first."""
    errors: dict[str, int] = {}
    """Why it could say nothing, and about how many episodes; 0 where it could not judge at all."""


class ScoringSummary(BaseModel):
    """What came of a command that judged episodes."""

    run: str
    scorers: list[ScorerSummary]
    interrupted: bool = False

    @property
    def failed(self) -> bool:
        """Whether a scorer could say nothing about an episode."""
        return any(scorer.failed or scorer.errors for scorer in self.scorers)


@dataclass
class ScoringTally:
    """Adds up verdicts that are safe in the store."""

    planned: int = 0
    done: int = 0
    counts: dict[str, Counter[str]] = field(default_factory=dict)
    reasons: dict[str, Counter[str]] = field(default_factory=dict)
    errors: dict[str, Counter[str]] = field(default_factory=dict)

    def expect(self, scorer: str, planned: int, waiting: int, earlier: int) -> None:
        """Count with `planned` verdicts of a scorer, of all that wait, beside those that it gave earlier."""
        self.planned += planned
        self.counts[scorer] = Counter(left=waiting, earlier=earlier)

    def refuse(self, chosen: Chosen, reason: str) -> None:
        """Count a scorer that cannot judge at all."""
        self.counts.setdefault(chosen.id, Counter())
        self.errors.setdefault(chosen.id, Counter())[reason] += 0

    def add(self, batches: Sequence[Batch]) -> None:
        """Count what `batches` hold."""
        for batch in batches:
            if batch.verdict:
                self._add(batch.verdict)

    def _add(self, verdict: Verdict) -> None:
        self.done += 1
        counts = self.counts.setdefault(verdict.scorer, Counter())
        counts["left"] -= 1
        counts["judged" if verdict.error is None else "failed"] += 1
        if verdict.error is not None:
            self.errors.setdefault(verdict.scorer, Counter())[verdict.error] += 1
        unvalued = [score.reason or "no reason given" for score in verdict.scores if score.value is None]
        counts["scores"] += len(verdict.scores)
        counts["without_value"] += len(unvalued)
        self.reasons.setdefault(verdict.scorer, Counter()).update(unvalued)

    def summary(self, run: str, interrupted: bool) -> ScoringSummary:
        """Return the totals so far."""
        return ScoringSummary(run=run, interrupted=interrupted, scorers=[self._of(name) for name in self.counts])

    def _of(self, scorer: str) -> ScorerSummary:
        reasons, errors = self.reasons.get(scorer, Counter()), self.errors.get(scorer, Counter())
        return ScorerSummary(
            scorer=scorer,
            reasons=dict(reasons.most_common(MOST_REASONS)),
            errors=dict(errors.most_common(MOST_REASONS)),
            **self.counts[scorer],
        )


MOST_REASONS = 20
"""Of each kind in a summary; all are in the store."""


class Progress(Protocol):
    """Who is told how far judging is."""

    def shown(self, tally: ScoringTally) -> None: ...


@dataclass(frozen=True)
class ScoringPlan:
    """What is to be judged, and by whom."""

    folder: Path
    source: Source
    scorers: Sequence[Chosen]
    engines: Mapping[str, Engine]
    gallery: Gallery
    only_unscored: bool = False
    """Leave out what a scorer of the same name has judged, in whatever version and with whatever options."""
    limit: int | None = None
    """Judge the first so many of the episodes that wait."""
    concurrency: int = 64


@contextmanager
def told_of_scoring_beside() -> Iterator[None]:
    """Let the refusal of a run that is being written say how a run is scored meanwhile."""
    try:
        yield
    except RunLocked as locked:
        beside = "To score a run while it plays, begin it with --score: rolestage run SCENARIO --score NAME"
        raise RunLocked(f"{locked} {beside}") from None


@contextmanager
def ready_to_judge(
    folder: Path,
    scorers: Sequence[Chosen],
    engine: str | None,
    only_unscored: bool = False,
    limit: int | None = None,
) -> Iterator[ScoringPlan]:
    """Give the plan by which `scorers` judge the run at `folder`, with an engine for every model that they ask.

    By default of the kind that the run was played with. Raises `InputRefused` and `RunLocked`.
    """
    with closing(Record(folder)) as record:
        settings = facts_of_run(record)["engine"]
    source = load(folder / SCENARIO)
    with told_of_scoring_beside():
        lock_run(folder).close()  # a run that another process writes is refused before a model is loaded
    kind = engine or settings["kind"]
    config = engine_config(**(settings if kind == settings["kind"] else {"kind": kind}))
    scenarios = [variant.scenario for variant in alternatives(source)]
    models = {model for scenario in scenarios for model in asked_by(scorers, scenario)}
    gallery = Gallery()
    with started_for(models, config, gallery, max(map(most_pictures, scenarios))) as engines:
        yield ScoringPlan(folder, source, scorers, engines, gallery, only_unscored, limit)


async def score_run(plan: ScoringPlan, progress: Progress) -> ScoringSummary:
    """Judge what is over and not judged in the run of `plan`, and return what came of it.

    Raises `RunLocked` and `StoreDamaged` before anything is judged; `EngineDied` and `StoreFailed` end it, with all
    that was counted safe.
    """
    with told_of_scoring_beside(), opened(plan.folder, plan.gallery) as (store, record):
        return await _score(plan, store, record, progress)


async def _score(plan: ScoringPlan, store: Store, record: Record, progress: Progress) -> ScoringSummary:
    tally = ScoringTally()
    cases = Cases(record, plan.source, plan.gallery)
    judging = Judging(record, cases, Scheduler(plan.engines, Meter(plan.concurrency)).call, store.put, tally.refuse)
    showing = asyncio.create_task(_show(store, tally, progress))
    interrupted = True
    try:
        interrupted = await until_done(_judge_all(plan, judging, tally, store), store, showing)
    finally:
        await showing
    return tally.summary(str(plan.folder), interrupted)


async def _show(store: Store, tally: ScoringTally, progress: Progress) -> None:
    async for batches in store.committed():
        tally.add(batches)
        progress.shown(tally)


async def _judge_all(plan: ScoringPlan, judging: Judging, tally: ScoringTally, store: Store) -> None:
    over = judging.over()
    scorers = await judging.prepared(plan.scorers, over)
    waiting = judging.waiting(scorers, over, plan.only_unscored)
    planned = dict(islice(waiting.items(), plan.limit))
    by_scorer, by_scorer_now = _by_scorer(waiting), _by_scorer(planned)
    for scorer in scorers:
        tally.expect(scorer.id, by_scorer_now[scorer.id], by_scorer[scorer.id], len(over) - by_scorer[scorer.id])
    await admit(planned, lambda episode, _: judging.judge(episode, planned[episode]), plan.concurrency, store)


def _by_scorer(waiting: Mapping[int, Sequence[Chosen]]) -> Counter[str]:
    return Counter(scorer.id for wanted in waiting.values() for scorer in wanted)
