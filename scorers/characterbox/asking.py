"""Asking a judge for scores: once, then in other words for those that are missing, and then there is no verdict."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from statistics import fmean
from typing import Any, Literal

from pydantic import BaseModel, create_model

from agents.decision import Asking, Offered
from scenes.chat import Call, CallFailed, Prompt, Sampling, Segment
from scenes.clean import one_line
from scorers.base import Case, Score
from scorers.characterbox import prompt as words
from scorers.characterbox.material import is_chinese
from scorers.characterbox.metrics import Criterion
from scorers.characterbox.reading import MARK, Reading, names_a_score, read

CRITIQUE_TOKENS = 1_500
"""Room for a critique, as CharacterBox has it."""
SCORE_TOKENS = 400
"""Room for a line, or a key of the form, for each score."""
MOST_QUOTED = 200
"""Letters of an unread answer that are kept in the reason; all of it is on record."""
Format = Callable[[Sequence[Criterion], bool, str], Segment]
"""Asks for scores: of what, whether in Chinese, and with which mark."""
Bounded = Literal[1, 2, 3, 4, 5]


@dataclass(frozen=True)
class Judged:
    """What a judge said of one thing."""

    values: dict[str, float] = field(default_factory=dict)
    """By metric."""
    reasons: dict[str, str] = field(default_factory=dict)
    """Why there is no value, by metric."""
    calls: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """The keys of the calls on which each rests, by metric."""

    @classmethod
    def without(cls, criteria: Sequence[Criterion], reason: str, *calls: str) -> "Judged":
        """Return that there is no verdict, and why."""
        names = [criterion.name for criterion in criteria]
        return cls({}, dict.fromkeys(names, reason), dict.fromkeys(names, calls))

    def resting_on(self, call: str) -> "Judged":
        """Return the same, resting on another call before all others."""
        return replace(self, calls={name: (call, *calls) for name, calls in self.calls.items()})

    def scores(self, criteria: Sequence[Criterion], note: str | None = None, **about: Any) -> Iterator[Score]:
        """Yield a score for each of `criteria`, with `note` beside its reason."""
        for name in (criterion.name for criterion in criteria):
            reason = "; ".join(text for text in (note, self.reasons.get(name)) if text) or None
            yield Score(metric=name, value=self.values.get(name), reason=reason, calls=self.calls[name], **about)

    def mean(self, metric: str, criteria: Sequence[Criterion], note: str | None = None, **about: Any) -> Score:
        """Return the score that is the mean of all; without a value unless every one of them has one."""
        read = [self.values[criterion.name] for criterion in criteria if criterion.name in self.values]
        is_whole = len(read) == len(criteria)
        reason = None if is_whole else f"{len(read)} of {len(criteria)} scores could be read"
        return Score(
            metric=metric,
            value=fmean(read) if is_whole else None,
            reason="; ".join(text for text in (note, reason) if text) or None,
            calls=tuple(dict.fromkeys(key for keys in self.calls.values() for key in keys)),
            **about,
        )


@dataclass(frozen=True)
class Judge:
    """A model that judges an episode, always with its likeliest answer."""

    model: str
    call: Call
    seed: int
    is_chinese: bool

    async def criticised(self, key: str, prompt: Prompt, asking: Segment) -> str:
        """Return the critique of what `prompt` shows. Raises `CallFailed`."""
        request = self._asking(CRITIQUE_TOKENS).request(key, prompt.then(asking))
        return (await self.call(key, request)).text

    async def scored(
        self,
        key: str,
        shown: Prompt,
        criteria: Sequence[Criterion],
        asks: Format,
        critique: str | None = None,
        in_form: bool = True,
    ) -> Judged:
        """Return the scores of what is `shown`, after a `critique` if there is one.

        Scores in a critique are the judge's own, so they call for no mark; those that it quotes stand in what is shown.
        A call that fails leaves all without a verdict.
        """
        mark = _mark(shown, criteria)
        criticised = [] if critique is None else [words.criticised(critique, self.is_chinese)]
        asked = shown.then(*criticised, asks(criteria, self.is_chinese, mark))
        request = self._asking(SCORE_TOKENS).request(key, asked, form_of(tuple(criteria), mark) if in_form else None)
        try:
            text = (await self.call(key, request)).text
        except CallFailed as error:
            return Judged.without(criteria, str(error), key)
        first = read(text, criteria, mark)
        left = [criterion for criterion in criteria if criterion.name not in first.values]
        judged = _judged(first, [one for one in criteria if one not in left], key)
        return _joined(judged, await self._again(key, asked, left, mark)) if left else judged

    async def _again(self, key: str, asked: Prompt, left: Sequence[Criterion], mark: str) -> Judged:
        """Return what comes of asking for the scores that are `left`, in other words and in another form."""
        second = f"{key}/again"
        prompt = asked.then(words.again(left, self.is_chinese, mark))
        try:
            text = (await self.call(second, self._asking(SCORE_TOKENS).request(second, prompt))).text
        except CallFailed as error:
            return Judged.without(left, f"no score was found, and asked again: {error}", key, second)
        return _judged(read(text, left, mark), left, key, second, text=text, mark=mark)

    def _asking(self, tokens: int) -> Asking:
        return Asking(self.model, Sampling(temperature=0, max_tokens=tokens), self.seed)


def judge_of(case: Case, call: Call, model: str | None) -> Judge:
    """Return the judge of an episode: `model`, or the scenario's own."""
    scenario = case.variant.scenario
    return Judge(model or scenario.model, call, case.trajectory.seed, is_chinese(scenario.language))


def _mark(shown: Prompt, criteria: Sequence[Criterion]) -> str:
    """Return the mark that is asked for; none where nothing that is shown looks like a score.

    It hangs on every letter that is shown, so whoever wrote one of them could not write the mark.
    """
    text = "".join(segment.text for segment in shown.segments())
    return shown.id.hex()[:8] if names_a_score(text, criteria) else ""


@lru_cache(maxsize=1_000)
def form_of(criteria: tuple[Criterion, ...], mark: str = "") -> type[BaseModel]:
    """Return the form that offers whole numbers from 1 to 5, after the mark where one is asked for."""
    offered: Any = Literal[mark]
    fields: dict[str, Any] = {MARK: (offered, ...)} if mark else {}
    fields |= {criterion.name: (Bounded, ...) for criterion in criteria}
    form: type[Offered] = create_model("Scores", __base__=Offered, **fields)
    return form


def _judged(reading: Reading, criteria: Sequence[Criterion], *calls: str, text: str = "", mark: str = "") -> Judged:
    judged = Judged()
    for name in (criterion.name for criterion in criteria):
        judged.calls[name] = calls
        if name in reading.values:
            judged.values[name] = reading.values[name]
        else:
            judged.reasons[name] = f"{_why(reading, name, text, mark)}; {_quoted(text)}"
    return judged


def _why(reading: Reading, name: str, text: str, mark: str) -> str:
    if mark and mark not in text:
        return "what was judged holds words like scores, and the answer lacks the mark that tells it from them"
    return f"asked twice, {reading.wrong.get(name, 'no score was found')}"


def _quoted(text: str) -> str:
    return f"the judge wrote: {one_line(text, MOST_QUOTED)}" if text.strip() else "the judge wrote nothing"


def _joined(first: Judged, second: Judged) -> Judged:
    return Judged(first.values | second.values, first.reasons | second.reasons, first.calls | second.calls)
