"""The three ways to ask a judge about one answer: a review for each metric, one for all eight, or likelihoods alone.

Each takes the same matter and gives for each metric what was read, after which calls, and the judge's own words. What
cannot be read is asked for once more, in other words and with a key of its own: the same prompt again, at temperature
0, would bring the same answer.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from math import exp

from agents.decision import Asking
from scenes.chat import Call, CallFailed, Completion, Prompt, Sampling, together
from scenes.clean import one_line
from scorers.mmrole.metrics import METRICS, Aspect
from scorers.mmrole.prompt import Eight, Form, Matter, again, on, on_all, shared
from scorers.mmrole.reading import LEAST, MOST, Reading, Unreadable, Verdict, checked, read_eight, read_scores

SAMPLING = Sampling(temperature=0, max_tokens=512)
"""A judge is asked for what it finds likeliest; published reviews have up to 85 words."""
_MOST_QUOTED = 160
"""Letters of an unreadable output that are kept with the reason."""
_SCALE = range(LEAST, MOST + 1)


@dataclass(frozen=True, slots=True)
class Judged:
    """What a judge made of one answer by one metric."""

    aspect: Aspect
    reading: Reading
    calls: tuple[str, ...]
    """Keys of the calls that it rests on, the last of which it was read from."""
    review: str | None = None
    """The judge's own words, exactly; None where it was not asked for any, or did not answer."""


@dataclass(frozen=True, slots=True)
class Judge:
    """Who is asked, and by what prompts."""

    asking: Asking
    call: Call
    form: Form = "review"
    prompts: Callable[[Matter], Callable[[Aspect], Prompt]] | None = None
    """What makes the prompts of the eight metrics, where they are not our own."""

    async def judged(self, matter: Matter, key: str) -> list[Judged]:
        """Return what is made of one answer, in the order of the metrics; all calls go out at once."""
        if self.form == "together":
            return await self._together(shared(matter, self.form), key)
        prompt_of = self.prompts(matter) if self.prompts else _own(shared(matter, self.form))
        judge = self._reviewed if self.form == "review" else self._expected
        return await together(*(judge(aspect, prompt_of(aspect), f"{key}/{aspect.key}") for aspect in METRICS))

    async def _reviewed(self, aspect: Aspect, prompt: Prompt, key: str) -> Judged:
        first = await self._read(aspect, prompt, key)
        if isinstance(first.reading, Verdict) or first.review is None:
            return first
        second = await self._read(aspect, prompt.then(again(self.form)), f"{key}/again")
        return _later(first, second)

    async def _read(self, aspect: Aspect, prompt: Prompt, key: str) -> Judged:
        try:
            completion = await self.call(key, self.asking.request(key, prompt))
        except CallFailed as error:
            return Judged(aspect, Unreadable(str(error)), (key,))
        return Judged(aspect, _seen(read_scores(completion.text), completion), (key,), completion.text)

    async def _together(self, prompt: Prompt, key: str) -> list[Judged]:
        asked = prompt.then(on_all())
        first = await self._read_eight(asked, f"{key}/all")
        if first[0].review is None or all(isinstance(one.reading, Verdict) for one in first):
            return first
        second = await self._read_eight(asked.then(again(self.form)), f"{key}/all/again")
        return [
            one if isinstance(one.reading, Verdict) else _later(one, two)
            for one, two in zip(first, second, strict=True)
        ]

    async def _read_eight(self, prompt: Prompt, key: str) -> list[Judged]:
        try:
            completion = await self.call(key, self.asking.request(key, prompt, Eight))
        except CallFailed as error:
            return [Judged(aspect, Unreadable(str(error)), (key,)) for aspect in METRICS]
        read = read_eight(completion.text)
        return [Judged(aspect, _seen(read[aspect], completion), (key,), completion.text) for aspect in METRICS]

    async def _expected(self, aspect: Aspect, prompt: Prompt, key: str) -> Judged:
        """Return the expected scores: of A, and of B after the likeliest score of A."""
        a = await self._likely(prompt, {f"{key}/a{score}": f"[Scores]: ({score}," for score in _SCALE})
        if isinstance(a, str):
            return Judged(aspect, Unreadable(a), tuple(f"{key}/a{score}" for score in _SCALE))
        most = max(_SCALE, key=lambda score: a[score - LEAST])
        b = await self._likely(prompt, {f"{key}/b{score}": f"[Scores]: ({most}, {score})" for score in _SCALE})
        calls = tuple(f"{key}/{side}{score}" for side in "ab" for score in _SCALE)
        reading = Unreadable(b) if isinstance(b, str) else checked(_mean(a), _mean(b))
        return Judged(aspect, reading, calls)

    async def _likely(self, prompt: Prompt, answers: Mapping[str, str]) -> list[float] | str:
        """Return the probabilities of some answers, of which one is given, or why they are not known."""
        sums = await together(*(self._sum(prompt, key, answer) for key, answer in answers.items()))
        known = [one for one in sums if not isinstance(one, str)]
        if len(known) < len(sums):
            return next(one for one in sums if isinstance(one, str))
        weights = [exp(one - max(known)) for one in known]
        return [weight / sum(weights) for weight in weights]

    async def _sum(self, prompt: Prompt, key: str, answer: str) -> float | str:
        """Return the log-probability of an answer, all its tokens together, so that 10 may be two of them."""
        try:
            completion = await self.call(key, replace(self.asking.request(key, prompt), answer=answer))
        except CallFailed as error:
            return str(error)
        return sum(completion.logprobs) if completion.logprobs else "the judge gave no likelihoods"


def _own(begun: Prompt) -> Callable[[Aspect], Prompt]:
    return lambda aspect: begun.then(on(aspect))


def _seen(reading: Reading, completion: Completion) -> Reading:
    """Return a reading that says if its judge was not shown everything."""
    if isinstance(reading, Unreadable) or not completion.dropped:
        return reading
    unseen = f"the {completion.dropped} oldest lines did not fit the judge"
    return replace(reading, flags=(*reading.flags, unseen))


def _later(first: Judged, second: Judged) -> Judged:
    """Return what a second try brought; where it brought nothing either, why, with what was said the first time."""
    calls = (*first.calls, *second.calls)
    if isinstance(second.reading, Verdict) or isinstance(first.reading, Verdict):
        return replace(second, calls=calls)
    words = one_line(first.review or "", _MOST_QUOTED) or "nothing"
    reason = f"{first.reading.reason}; asked again: {second.reading.reason}; the judge wrote: {words}"
    return replace(
        second, reading=Unreadable(reason), calls=calls, review=first.review if second.review is None else second.review
    )


def _mean(probabilities: Iterable[float]) -> float:
    return sum(score * probability for score, probability in zip(_SCALE, probabilities, strict=True))
