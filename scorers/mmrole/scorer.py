"""MMRole's reward as a scorer: a judge compares every reply of the cast with a reference, by eight metrics.

A score is the judge's score of the reply over its score of the reference (MMRole, arXiv:2408.04203, section 4.1), so it
says something only beside the same reference: which one it is belongs to the scorer's options, and verdicts with
different options are never mixed.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from pathlib import Path
from statistics import fmean
from typing import ClassVar, Self

from pydantic import Field, PrivateAttr, field_validator, model_validator

from agents.decision import Asking
from scenes.chat import Call, CallFailed, together
from scenes.clean import one_line
from scenes.scenario import Scenario
from scorers.base import Case, Metric, Score, Scorer
from scorers.mmrole.asking import SAMPLING, Judge, Judged
from scorers.mmrole.metrics import METRICS
from scorers.mmrole.prompt import Form, Matter
from scorers.mmrole.reading import Reading, Unreadable, checked
from scorers.mmrole.replies import Reply, matter_of, replies_of
from scorers.mmrole.template import Template, read_templates

TRUTH, RUN, MODEL = "truth", "run:", "model:"
"""Where a reference comes from: the record itself, the reply of another run, or that of a model asked for it."""
_REFERENCE = "reference"
"""How the key ends under which a reference is asked for."""
RATIOS = tuple(Metric(aspect.metric, aspect.meaning, "ratio", (0, None)) for aspect in METRICS)
OVERALL = Metric(
    "overall",
    "The plain mean of the eight ratios of one reply (MMRole, arXiv:2408.04203, table 5: Overall); none where one of "
    "them is missing.",
    "ratio",
    (0, None),
)
SWAP = Metric(
    "swap_consistency",
    "Share of the eight metrics by which a judge prefers the same answer, or neither, when the two are shown in the "
    "other order (Wang et al. 2023, arXiv:2305.17926, section 2, on position bias). With the option both_orders alone.",
    "share",
)


class MMRole(Scorer):
    """Asks a judge to compare each reply of the cast with a reference reply to the same prompt, by eight metrics.

    A reply is all that one call brought, word for word, also what was cut from it. Answers in a form are not judged.
    """

    name: ClassVar[str] = "mmrole"
    metrics: ClassVar[tuple[Metric, ...]] = (*RATIOS, OVERALL, SWAP)

    reference: str = Field(default="", validate_default=True)
    """What a reply is compared with: `run:FOLDER`, the reply of that run to the same prompt; `model:NAME`, the reply of
    that model, which is asked for it; or `truth`, the answer that comes with a test record."""
    judge: str | None = None
    """The model that judges; None is the scenario's own."""
    form: Form = "review"
    """`review`: a call for each metric, as published; `together`: one call for all eight; `expected`: no text, the
    expected scores from likelihoods."""
    both_orders: bool = False
    """Judge with the reference in the first place too, and take the mean of both scores (Wang et al. 2023)."""
    prompt_from: Path | None = None
    """Training records of a reward model, in MMRole's released form, whose prompt is used instead of our own."""

    _templates: Mapping[str, Template] | None = PrivateAttr(default=None)

    @field_validator("reference")
    @classmethod
    def _is_one(cls, reference: str) -> str:
        if reference == TRUTH or (reference.startswith(MODEL) and reference.removeprefix(MODEL).strip()):
            return reference
        folder = reference.removeprefix(RUN).strip()
        if not reference.startswith(RUN) or not folder:
            named = f'"{one_line(reference)}" names none' if reference else "none is named"
            raise ValueError(
                f"scores are ratios to a reference, and {named}; set mmrole.reference=run:FOLDER, a run that answered "
                "the same prompts, model:NAME, a model to be asked them, or truth, for test records"
            )
        # as it is now: which run it was is part of who judged
        path = Path(folder).expanduser().resolve()
        if not path.is_dir():
            raise ValueError(f"there is no folder {one_line(folder)}; name the folder of a run")
        return f"{RUN}{path}"

    @model_validator(mode="after")
    def _reads_its_prompt(self) -> Self:
        if self.prompt_from is None:
            return self
        if self.form != "review":
            raise ValueError(f"a prompt from records asks for a review, and form is {self.form}; leave one out")
        self._templates = read_templates(self.prompt_from)
        return self

    @property
    def basis(self) -> str:
        """A digest of the prompts that were taken from records."""
        return blake2b(repr(self._templates).encode(), digest_size=4).hexdigest() if self._templates else ""

    def models(self, scenario: Scenario) -> Iterable[str]:
        """Return the judge, and the model that gives the references if one does."""
        judge = self.judge or scenario.model
        return (judge,) if self._asked_for_reference is None else (judge, self._asked_for_reference)

    @property
    def _asked_for_reference(self) -> str | None:
        """The name of the model that gives the references; None where none is asked."""
        return self.reference.removeprefix(MODEL).strip() if self.reference.startswith(MODEL) else None

    def asks(self, call: Call, model: str, seed: int) -> Judge:
        """Return the judge of these options, fit to be asked."""
        templates = self._templates
        prompts = None if templates is None else lambda matter: lambda aspect: templates[aspect.key].prompt(matter)
        return Judge(Asking(self.judge or model, SAMPLING, seed), call, self.form, prompts)

    async def verdicts(self, judge: Judge, matter: Matter, key: str) -> "Verdicts":
        """Return what `judge` makes of one answer, in one order or both, with keys that begin with `key`."""
        missing = _missing(matter)
        if missing:
            return Verdicts([Judged(aspect, Unreadable(missing), ()) for aspect in METRICS])
        if not self.both_orders:
            return Verdicts(await judge.judged(matter, key))
        first, second = await together(judge.judged(matter, key), judge.judged(matter.swapped(), f"{key}/swapped"))
        both = [_of_both(one, other) for one, other in zip(first, second, strict=True)]
        same = [_same_winner(one.reading, other.reading) for one, other in zip(first, second, strict=True)]
        return Verdicts(both, [one for one in same if one is not None])

    async def score(self, case: Case, call: Call) -> list[Score]:
        """Return the scores of every reply, in the order of the replies; all calls go out at once.

        Raises `CallFailed` if there is nothing to compare replies with.
        """
        if self.reference == TRUTH:
            raise CallFailed(
                "no answer comes with what is played, as one does with a test record; set mmrole.reference=run:FOLDER"
            )
        judge = self.asks(call, case.variant.scenario.model, case.trajectory.seed)
        judged = await together(*(self._judged(judge, case, reply) for reply in replies_of(case)))
        return [score for scores in judged for score in scores]

    async def _judged(self, judge: Judge, case: Case, reply: Reply) -> list[Score]:
        reference = await self._reference(judge.call, case, reply)
        if isinstance(reference, Unreadable):
            return list(_scores(reply, Verdicts([Judged(aspect, reference, ()) for aspect in METRICS])))
        return list(_scores(reply, await self.verdicts(judge, matter_of(case, reply, reference), reply.call)))

    async def _reference(self, call: Call, case: Case, reply: Reply) -> str | Unreadable:
        """Return what the reply is compared with, or why there is nothing."""
        if self._asked_for_reference is None:
            beside = case.beside(self.reference.removeprefix(RUN), reply.call)
            return Unreadable("the other run has no reply to the same prompt") if beside is None else beside
        request = replace(case.asked(reply.call), model=self._asked_for_reference)
        try:
            return (await call(f"{reply.call}/{_REFERENCE}", request)).text
        except CallFailed as error:
            return Unreadable(f"the reference: {error}")


@dataclass(frozen=True, slots=True)
class Verdicts:
    """What became of one answer by the eight metrics."""

    judged: Sequence[Judged]
    same: Sequence[bool] | None = None
    """Of each metric that was read in both orders, whether the winner stayed; None where there was one order."""


def _missing(matter: Matter) -> str | None:
    """Return why there is nothing to compare."""
    if not matter.answer.strip():
        return "the answer is empty"
    return None if matter.reference.strip() else "the reference is empty"


def _of_both(one: Judged, other: Judged) -> Judged:
    """Return the mean of the scores that each answer got in the two orders."""
    calls = (*one.calls, *other.calls)
    if isinstance(one.reading, Unreadable):
        return replace(one, calls=calls)
    if isinstance(other.reading, Unreadable):
        return replace(one, reading=Unreadable(f"in the other order: {other.reading.reason}"), calls=calls)
    mean = checked((one.reading.a + other.reading.b) / 2, (one.reading.b + other.reading.a) / 2)
    return replace(one, reading=mean, calls=calls)


def _same_winner(one: Reading, other: Reading) -> bool | None:
    if isinstance(one, Unreadable) or isinstance(other, Unreadable):
        return None
    return (one.a > one.b) - (one.a < one.b) == (other.b > other.a) - (other.b < other.a)


def _scores(reply: Reply, verdicts: Verdicts) -> Iterator[Score]:
    """Yield the scores of a reply."""
    calls = tuple(dict.fromkeys(key for judged in verdicts.judged for key in judged.calls))
    ratios = [_ratio(judged.reading) for judged in verdicts.judged]
    for judged, (value, reason) in zip(verdicts.judged, ratios, strict=True):
        yield _score(reply, judged.aspect.metric, value, reason, judged.calls)
    known = [value for value, _ in ratios if value is not None]
    whole = len(known) == len(ratios)
    lacking = None if whole else f"{len(ratios) - len(known)} of the eight have no value"
    yield _score(reply, OVERALL.name, fmean(known) if whole else None, lacking, calls)
    if verdicts.same is not None:
        same = fmean(verdicts.same) if verdicts.same else None
        unread = None if verdicts.same else "no metric was read in both orders"
        yield _score(reply, SWAP.name, same, unread, calls)


def _ratio(reading: Reading) -> tuple[float | None, str]:
    """Return the ratio, and why it is what it is or why there is none."""
    if isinstance(reading, Unreadable):
        return None, reading.reason
    return reading.ratio, "; ".join((f"{reading.a:.3g} against {reading.b:.3g}", *reading.flags))


def _score(reply: Reply, metric: str, value: float | None, reason: str | None, calls: tuple[str, ...]) -> Score:
    return Score(
        metric=metric,
        value=value,
        reason=reason,
        character=reply.profile.name,
        events=tuple(event.index for event in reply.events),
        calls=calls,
    )
