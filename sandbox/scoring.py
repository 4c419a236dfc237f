"""Judging the episodes of a run, while it is played or later: what has a verdict is not judged again.

A scorer that breaks, hangs or talks nonsense about one episode has no verdict on that one, which says why, and all
others go on. Trajectories are only read.
"""

import inspect
import json
import logging
import time
from asyncio import CancelledError, Lock, sleep
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from hashlib import blake2b
from traceback import extract_tb, format_exc

from pydantic import TypeAdapter, ValidationError

from sandbox.cases import Cases
from sandbox.engines.engine import EngineDied
from sandbox.errors import StoreDamaged, StoreFailed
from sandbox.own_code import OwnCode
from sandbox.patience import Overdue, bounded
from sandbox.record import Record
from sandbox.rows import Batch, ScorerRow, Sum, Verdict
from sandbox.store import now
from sandbox.tape import JUDGING, Diverged, Tape
from scenes.chat import Call, CallFailed
from scenes.clean import clean, one_line, without_surrogates
from scenes.problem import InputRefused
from scorers.base import Case, Metric, Score, Scorer

log = logging.getLogger("rolestage")
_SCORES = TypeAdapter(tuple[Score, ...])

ENDING = (EngineDied, StoreFailed, StoreDamaged, CancelledError, GeneratorExit)
"""What is no fault of a scorer, and ends the judging of all."""
PATIENCE_S = 3600.0
"""How long a scorer may wait for its models over one episode; each call has a deadline of its own."""
ROUNDING = 1e-9
"""How far off a scale a value may be for having been computed."""
MOST_SCORES = 100_000
"""Of one episode."""
MOST_SAID = 300
"""Letters of why there is no verdict."""


@dataclass(frozen=True)
class Chosen:
    """A scorer that was asked for, and where it comes from if it is the user's own."""

    scorer: Scorer
    code: OwnCode | None = None

    @property
    def id(self) -> str:
        """Under which name its verdicts are kept: `grounding@1`, or `leakage@1/5f2c01ab` with options of its own."""
        judged_by = f"{self.scorer.model_dump_json(exclude_defaults=True)}{self.scorer.basis}"
        digest = f"/{blake2b(judged_by.encode(), digest_size=4).hexdigest()}" if judged_by != "{}" else ""
        return f"{self.scorer.name}@{self.scorer.version}{digest}"

    @property
    def sees_all(self) -> bool:
        """Whether it must see all episodes before it judges one."""
        return type(self.scorer).prepared is not Scorer.prepared

    def row(self) -> ScorerRow:
        """Return what the run keeps of it."""
        facts = {"version": self.scorer.version, "options": self.scorer.model_dump(mode="json", exclude_defaults=True)}
        basis = {"basis": self.scorer.basis} if self.scorer.basis else {}
        code = {"code": self.code.facts()} if self.code else {}
        metrics = {"metrics": [asdict(metric) for metric in self.scorer.metrics]}
        return ScorerRow(self.id, self.scorer.name, json.dumps(facts | basis | code | metrics))


@dataclass(frozen=True)
class Judging:
    """The scorers of a run at work."""

    record: Record
    cases: Cases
    ask: Callable[[int], Call]
    """Returns the call of an episode, by its number."""
    put: Callable[[Batch], None]
    refused: Callable[[Chosen, str], None]
    """Told of a scorer that cannot judge at all, and why."""
    _shown: set[tuple[str, str]] = field(default_factory=set)
    """Which defects have been logged, of which scorer: each is once, though it may be in every verdict."""
    _turn: Lock = field(default_factory=Lock)
    """Who begins: computing holds up all else, so between two that compute the loop hears of Ctrl-C and of answers."""

    async def prepared(self, chosen: Iterable[Chosen], episodes: Sequence[int]) -> list[Chosen]:
        """Return the scorers fit to judge, those left out that cannot be prepared."""
        ready = [await self._prepared(one, episodes) for one in chosen]
        fit = {one.id: one for one in ready if one}  # one that was named twice judges once
        for one in fit.values():
            self.put(Batch(-1, scorer=one.row(), time=now(), judging=True))
        return list(fit.values())

    async def _prepared(self, chosen: Chosen, episodes: Sequence[int]) -> Chosen | None:
        async def prepare() -> Scorer:
            scorer = chosen.scorer.prepared(self._cases(episodes))
            if not isinstance(scorer, Scorer):
                raise TypeError(f"prepared() returned {type(scorer).__name__}; return the scorer")
            return scorer

        if not chosen.sees_all:
            return chosen
        try:
            scorer = await bounded(prepare(), PATIENCE_S, PATIENCE_S)
        except ENDING:
            raise
        except BaseException as error:
            self.refused(chosen, self._reason(chosen, error))
            return None
        return Chosen(scorer, chosen.code)

    def _cases(self, episodes: Iterable[int]) -> Iterator[Case]:
        """Yield the cases, without those whose variant cannot be."""
        for episode in episodes:
            with suppress(InputRefused):
                yield self.cases.case(episode)

    async def left(self, chosen: Iterable[Chosen]) -> dict[int, list[Chosen]]:
        """Return by whom each episode that is over has not been tried."""
        over = self.over()
        scorers = await self.prepared(chosen, over)
        return _missing(scorers, over, [set(self.record.judged(one.id)) for one in scorers])

    def over(self) -> list[int]:
        """Return the episodes that have ended, well or not."""
        return [state.id for state in self.record.states() if state.status != "playing"]

    def waiting(
        self, chosen: Sequence[Chosen], episodes: Sequence[int], only_unscored: bool = False
    ) -> dict[int, list[Chosen]]:
        """Return by whom each episode is still to be judged, those aside that need nobody.

        Where a scorer could say nothing it tries again; with `only_unscored`, only where none of its name has judged.
        """
        done = [self._of_name(one.scorer.name) if only_unscored else self._with_verdict(one.id) for one in chosen]
        return _missing(chosen, episodes, done)

    def _with_verdict(self, scorer: str) -> set[int]:
        return {episode for episode, error in self.record.judged(scorer).items() if error is None}

    def _of_name(self, name: str) -> set[int]:
        known = [row.id for row in self.record.scorers() if row.name == name]
        return {episode for scorer in known for episode in self._with_verdict(scorer)}

    async def judge(self, episode: int, chosen: Sequence[Chosen]) -> None:
        """Store the verdict of every scorer on an episode that is over."""
        try:
            case = self.cases.case(episode)
        except InputRefused as error:
            for one in chosen:
                verdict = _failed(one, episode, one_line(str(error), MOST_SAID))
                self.put(Batch(episode, verdict=verdict, time=now(), judging=True))
            return
        known = self.record.judgements(episode) if any(_asks(one.scorer, case) for one in chosen) else {}
        for one in chosen:
            await self._judge(case, one, Tape(known, self.ask(episode)))

    async def _judge(self, case: Case, chosen: Chosen, tape: Tape) -> None:
        async with self._turn:
            await sleep(0)
        verdict, start = None, time.monotonic()
        try:
            scores = await bounded(_said(chosen, case, tape), chosen.scorer.seconds, PATIENCE_S)
            seconds = time.monotonic() - start
            kind = case.variant.scenario.kind
            verdict = Verdict(chosen.id, case.trajectory.episode, None, kind, _sums(scores, case), scores, seconds)
        except ENDING:
            raise
        except BaseException as error:  # whatever is wrong with it is wrong with this verdict alone
            reason = self._reason(chosen, error)
            verdict = _failed(chosen, case.trajectory.episode, reason, time.monotonic() - start)
        finally:
            episode, calls = case.trajectory.episode, tape.taken()
            self.put(Batch(episode, calls=calls, verdict=verdict, time=now(), judging=True))

    def _reason(self, chosen: Chosen, error: BaseException) -> str:
        """Return why a scorer could say nothing, on one line and with the line of the user's code where it broke.

        Where the code is ours, the whole way there is logged, once.
        """
        if isinstance(error, Overdue | CallFailed | Diverged | InputRefused):
            return one_line(str(error), MOST_SAID)
        defect = (chosen.id, type(error).__name__)
        if not chosen.code and defect not in self._shown:
            self._shown.add(defect)
            log.warning("scorer %s failed\n%s", chosen.id, clean(format_exc()))
        words = error.errors()[0]["msg"] if isinstance(error, ValidationError) else str(error)
        kind = type(error).__name__
        return one_line(f"{_place(chosen, error)}{f'{kind}: {words}' if words else kind}", MOST_SAID)


def _place(chosen: Chosen, error: BaseException) -> str:
    """Return where in the user's own file something broke; nothing if it did not break there."""
    file = chosen.code.file if chosen.code else None
    lines = [frame.lineno for frame in extract_tb(error.__traceback__) if file and frame.filename == file]
    return f"{file}:{lines[-1]}: " if lines else ""


def _missing(chosen: Sequence[Chosen], episodes: Sequence[int], done: Sequence[set[int]]) -> dict[int, list[Chosen]]:
    pairs = list(zip(chosen, done, strict=True))
    wanted = {episode: [one for one, have in pairs if episode not in have] for episode in episodes}
    return {episode: scorers for episode, scorers in wanted.items() if scorers}


def _asks(scorer: Scorer, case: Case) -> bool:
    return next(iter(scorer.models(case.variant.scenario)), None) is not None


async def _said(chosen: Chosen, case: Case, tape: Tape) -> tuple[Score, ...]:
    lead = f"{JUDGING}{chosen.id}/"
    said = chosen.scorer.score(case, lambda key, request: tape.call(without_surrogates(lead + key), request))
    scores = list(_checked(await said if inspect.isawaitable(said) else said, case))
    return tuple(_linked(score, lead) for score in _on_scale(_sound(scores), chosen.scorer.metrics))


def _on_scale(scores: Sequence[Score], metrics: Iterable[Metric]) -> Sequence[Score]:
    """Return `scores`. Raises `ValueError` for a value off the scale that its metric declares."""
    scales = {metric.name: metric.scale for metric in metrics}
    for score in scores:
        low, high = scales.get(score.metric, (None, None))
        if score.value is None:
            continue
        if (low is not None and score.value < low - ROUNDING) or (high is not None and score.value > high + ROUNDING):
            raise ValueError(f"{score.metric} is {score.value:g}, off its scale of {low} to {high}")
    return scores


def _linked(score: Score, lead: str) -> Score:
    """Return the score with the keys of its calls as they are on record."""
    return score.model_copy(update={"calls": tuple(lead + key for key in score.calls)}) if score.calls else score


def _checked(said: object, case: Case) -> Iterator[Score]:
    """Yield the scores that there are. Raises `TypeError` and `ValueError` for what is none."""
    if not isinstance(said, Iterable) or isinstance(said, str | Mapping):
        raise TypeError(f"it returned {type(said).__name__}; return the scores in a list")
    for at, score in enumerate(said):
        if at >= MOST_SCORES:
            raise ValueError(f"it gave more than {MOST_SCORES:,} scores")
        if not isinstance(score, Score):
            raise TypeError(f"one of its scores is {type(score).__name__}; make it a Score")
        wrong = [index for index in score.events if not 0 <= index < len(case.trajectory.events)]
        if wrong:
            raise ValueError(f"a score is about event {wrong[0]}, of {len(case.trajectory.events)}")
        yield score


def _sound(scores: Sequence[Score]) -> tuple[Score, ...]:
    """Return `scores` checked: NaN may have come in past the checks, and text that cannot be written does."""
    sound = _SCORES.validate_python(_SCORES.dump_python(tuple(scores), warnings=False))
    _SCORES.dump_json(sound)
    return sound


def _sums(scores: Iterable[Score], case: Case) -> tuple[Sum, ...]:
    """Return what statistics need of `scores`, in the order in which their groups come."""
    groups: dict[tuple[str, str | None, str | None], list[float | None]] = defaultdict(list)
    for score in scores:
        groups[score.metric, score.character, score.cause].append(score.value)
    return tuple(
        _sum(metric, character, case.model_of(character) if character else "", cause, values)
        for (metric, character, cause), values in groups.items()
    )


def _sum(metric: str, character: str | None, model: str, cause: str | None, values: Sequence[float | None]) -> Sum:
    valid = [value for value in values if value is not None]
    return Sum(metric, character, model, cause, len(values), len(valid), sum(valid))


def _failed(chosen: Chosen, episode: int, error: str, seconds: float = 0) -> Verdict:
    return Verdict(chosen.id, episode, error, "", (), (), seconds)
