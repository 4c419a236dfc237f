"""What a reply owes to the picture, to what was said before and to who speaks, by a model's own likelihoods.

No judge is asked: the model that spoke, or another, reads the reply once more after the prompt it was written for, and
again after that prompt with one thing taken away. A reply that is as likely without the picture says nothing of it. So
what is measured is dependence and not truth: a wrong claim to which the picture misled is image-dependent too.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from statistics import fmean
from typing import ClassVar

from agents.player import PERSON
from scenes.chat import Call, CallFailed, Prompt, Request, Segment, together
from scenes.event import Event
from scenes.image import picture_of
from scenes.scenario import Scenario
from scenes.scene import told
from scorers.base import Case, Metric, Score, Scorer

MOST_PERSONAS = 3
"""Others whose persona is put in, for a reply; each costs a pass over the prompt."""
_GRAY = (128, 128, 128)

_MEASURED = (
    "Computed as the likelihood features of this project's storybook model are; as an objective for replies, likelihood"
    " with a condition minus likelihood without is maximum mutual information (Li et al. 2016, arXiv:1510.03055, the"
    " MMI-antiLM of section 4)."
)


class Contrast(Scorer):
    """Asks a model how likely each reply of the cast was: as it was asked, without the picture, without history, and
    from the mouths of up to three others.

    A reply is all that one call brought, word for word, also what was cut from it because it spoke for somebody else.
    Answers in a form and replies of a person are not judged by the model that gave them.
    """

    name: ClassVar[str] = "contrast"
    metrics: ClassVar[tuple[Metric, ...]] = (
        Metric(
            "log_likelihood",
            "The mean log-probability of a reply's tokens after the prompt it was asked with (natural logarithm; this "
            "project).",
            "nats per token",
            (None, 0),
            None,
        ),
        Metric(
            "image_contrast",
            "That, minus the same with a gray picture of the same size in place of every picture: what the reply owes "
            f"to what is seen. {_MEASURED}",
            "nats per token",
            (None, None),
        ),
        Metric(
            "history_contrast",
            "That, minus the same without what is told of the past, but for pictures: neither lines of history nor the "
            f"words that a layout quotes to be answered. What the reply owes to the talk. {_MEASURED}",
            "nats per token",
            (None, None),
        ),
        Metric(
            "persona_contrast",
            "That, minus the mean of the same with the persona of each of up to three others of the cast who speak, in "
            f"its order, in place of the speaker's own: what the reply owes to who speaks. {_MEASURED}",
            "nats per token",
            (None, None),
        ),
    )

    model: str | None = None
    """Who is asked; None is the model that spoke."""

    def models(self, scenario: Scenario) -> Iterable[str]:
        """Return the model that is named, or those that speak for the cast."""
        if self.model:
            return (self.model,)
        player = scenario.player
        return dict.fromkeys((scenario.model, *([player.model] if player and player.plays and player.model else [])))

    async def score(self, case: Case, call: Call) -> list[Score]:
        """Return four scores of every reply, in the order of the replies; all calls go out at once."""
        replies = list(_replies(case))
        personas = _personas(replies)
        judged = await together(*(self._judge(case, reply, personas, call) for reply in replies))
        return [score for scores in judged for score in scores]

    async def _judge(
        self, case: Case, reply: "_Reply", personas: Mapping[str, Sequence[Segment]], call: Call
    ) -> list[Score]:
        model = self.model or reply.request.model
        if model == PERSON or not reply.text.strip():
            reason = "the reply is empty" if model != PERSON else _NO_PERSON
            return [reply.score(metric.name, reason) for metric in self.metrics]
        prompts = dict(_prompts(case, reply, personas))
        requests = [
            replace(reply.request, model=model, prompt=Prompt().then(*prompt), answer=reply.text)
            for prompt in prompts.values()
        ]
        read = await together(*(_read(call, *asked) for asked in zip(prompts, requests, strict=True)))
        return list(_scores(reply, dict(zip(prompts, read, strict=True))))


_NO_PERSON = "a person spoke, who gives no likelihoods; name a model, with contrast.model=NAME"
_MISSING = {
    "image": "the prompt holds no picture",
    "history": "the prompt tells of no past",
    "persona": "nobody else who speaks has a persona of its own",
}
"""Why there is nothing to compare with, by what would be taken away."""


@dataclass(frozen=True, slots=True)
class _Reply:
    """What one call to a member of the cast brought."""

    call: str
    events: tuple[Event, ...]
    request: Request
    text: str

    @property
    def actor(self) -> str:
        return self.events[0].actor

    def score(self, metric: str, value: float | str, calls: Iterable[str] = ()) -> Score:
        """Return the score with `value`, or without one and the reason for that."""
        return Score(
            metric=metric,
            value=None if isinstance(value, str) else value,
            reason=value if isinstance(value, str) else None,
            character=self.actor,
            events=tuple(event.index for event in self.events),
            calls=tuple(calls),
        )


def _replies(case: Case) -> Iterator[_Reply]:
    """Yield the replies of the cast in order, but for answers in a form."""
    spoken = [event for event in case.trajectory.events if event.call and event.kind in ("speech", "action", "thought")]
    for call, events in groupby(spoken, lambda event: event.call or ""):
        reply = _Reply(call, tuple(events), case.asked(call), case.answered(call).text)
        if reply.actor in _cast(case, reply) and reply.request.form is None:
            yield reply


def _cast(case: Case, reply: _Reply) -> list[str]:
    return [profile.name for profile in case.variant_at(reply.events[0].turn).profiles]


def _personas(replies: Iterable[_Reply]) -> dict[str, list[Segment]]:
    """Return what each who speaks is first told of itself, by name; without those who are told nothing apart."""
    found: dict[str, list[Segment]] = {}
    for reply in replies:
        own = [segment for segment in reply.request.prompt.segments() if segment.stability == "persona"]
        if own:
            found.setdefault(reply.actor, own)
    return found


def _prompts(
    case: Case, reply: _Reply, personas: Mapping[str, Sequence[Segment]]
) -> Iterator[tuple[str, Sequence[Segment]]]:
    """Yield the prompts after which the reply is read, each with the key of that call."""
    asked = reply.request.prompt.segments()
    yield f"{reply.call}/given", asked
    if any(segment.image for segment in asked):
        yield f"{reply.call}/image", [_unseen(segment, case) for segment in asked]
    past = list(_past(case, reply))
    if any(_is_told(segment) or _quoted(segment, past) for segment in asked):
        yield f"{reply.call}/history", list(_without_history(asked, past))
    own = [segment for segment in asked if segment.stability == "persona"]
    others = [personas[name] for name in _cast(case, reply) if name != reply.actor and name in personas]
    for at, other in enumerate([other for other in others if own and other != own][:MOST_PERSONAS], start=1):
        yield f"{reply.call}/persona-{at}", list(_as_another(asked, other))


def _unseen(segment: Segment, case: Case) -> Segment:
    """Return `segment` with a gray picture in place of its own, so that everything keeps its position."""
    if not segment.image:
        return segment
    from PIL import Image

    gray = picture_of(Image.new("RGB", case.sizes[segment.image], _GRAY))
    case.keep(gray)
    return replace(segment, image=gray.id)


def _is_told(segment: Segment) -> bool:
    return segment.stability == "history" and not segment.image


def _past(case: Case, reply: _Reply) -> Iterator[str]:
    """Yield the words of every turn before that the speaker perceived, the last first."""
    before = case.trajectory.events[: reply.events[0].index]
    perceived = [event for event in reversed(before) if reply.actor in event.visible_to]
    for _, events in groupby(perceived, lambda event: (event.turn, event.actor)):
        words = told(list(events)[::-1])
        if words:
            yield words


def _quoted(segment: Segment, past: Iterable[str]) -> str:
    """Return the words of the past that an instruction ends with, to be answered."""
    if segment.stability != "instruction":
        return ""
    return next((words for words in past if segment.text.endswith((f": {words}", f":\n{words}"))), "")


def _without_history(asked: Iterable[Segment], past: Sequence[str]) -> Iterator[Segment]:
    """Yield the segments but for what is told of the past; where that followed without a gap, so does the rest."""
    left_out: Segment | None = None
    for segment in asked:
        if _is_told(segment):
            left_out = left_out or segment
            continue
        text = segment.text.removesuffix(_quoted(segment, past))
        yield replace(segment, text=text, glue="" if left_out and not left_out.glue else segment.glue)
        left_out = None


def _as_another(asked: Iterable[Segment], persona: Iterable[Segment]) -> Iterator[Segment]:
    """Yield the segments with `persona` in place of the speaker's own."""
    waiting: Iterable[Segment] = persona
    for segment in asked:
        if segment.stability != "persona":
            yield segment
        else:
            yield from waiting
            waiting = ()


async def _read(call: Call, key: str, request: Request) -> float | str:
    """Return the mean log-probability of the tokens of the answer, or why there is none."""
    try:
        logprobs = (await call(key, request)).logprobs
    except CallFailed as error:
        return str(error)
    return fmean(logprobs) if logprobs else "the model gave no likelihoods"


def _scores(reply: _Reply, read: Mapping[str, float | str]) -> Iterator[Score]:
    """Yield the scores of a reply from what it was `read` as, by key."""
    given = f"{reply.call}/given"
    yield reply.score("log_likelihood", read[given], [given])
    for what, missing in _MISSING.items():
        keys = [key for key in read if key.startswith(f"{reply.call}/{what}")]
        contrast = _difference(read[given], [read[key] for key in keys]) if keys else missing
        yield reply.score(f"{what}_contrast", contrast, [given, *keys] if keys else ())


def _difference(given: float | str, without: Sequence[float | str]) -> float | str:
    """Return how much more likely the reply was than it was without something on average, or why nobody can say."""
    numbers = [value for value in (given, *without) if not isinstance(value, str)]
    if len(numbers) <= len(without):
        return next(value for value in (given, *without) if isinstance(value, str))
    return numbers[0] - fmean(numbers[1:])
