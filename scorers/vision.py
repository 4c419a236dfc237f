"""Does the picture matter? Logged replies are asked for again: with their picture, another one, a gray one, or notes.

Whoever looks says what is true of the picture with it and not without it. What is as true with a gray picture was not
seen: it was guessed, or read off what others had said, for the rest of the prompt stays as it was. What is as true with
another picture was not seen either, and what is not even true with the truth in words is no matter of sight.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from itertools import groupby
from typing import ClassVar, Literal, Self, get_args

from pydantic import Field, PrivateAttr

from agents.player import PERSON
from agents.prompts.blocks import KNOWN
from agents.reply import read_reply
from scenes.chance import chance, seed_for
from scenes.chat import Call, CallFailed, Prompt, Request, Segment, together
from scenes.event import INTERVIEWER, NARRATOR, Event
from scenes.image import picture_of
from scenes.names import names_of
from scenes.scenario import Scenario
from scenes.storybook.drawing import Drawing, describe
from scorers.base import Case, Metric, Score, Scorer
from scorers.claims import claims_in, is_true
from scorers.grounding import heard

Condition = Literal["right", "other", "blank", "notes"]
CONDITIONS: tuple[Condition, ...] = get_args(Condition)
Size = tuple[int, int, float]
"""Width and height in pixels, and how blurred it is."""
_GRAY = (128, 128, 128)
_OWN = "claims are found by the rules of scorers/claims.py; this project's own"
_WITH: dict[Condition, str] = {
    "right": "with the same pictures",
    "other": "with others of the run in their places, of the same size",
    "blank": "with gray ones in their places, of the same size",
    "notes": "with what is true of them in words in their places",
}
GROUNDED = {
    condition: Metric(
        f"grounded_{condition}",
        f"A reply asked for again {how}: share of its claims that are true of the pictures it was first written for. "
        f"None where it claims nothing; {_OWN}.",
        "share",
    )
    for condition, how in _WITH.items()
}
_COUNTED: tuple[Condition, ...] = ("right", "blank")
CLAIMS = {
    condition: Metric(
        f"claims_{condition}",
        f"A reply asked for again {_WITH[condition]}: how many claims about the pictures it makes; {_OWN}.",
        "claims",
        (0, None),
        None,
    )
    for condition in _COUNTED
}
GAP = Metric(
    "grounding_gap",
    "grounded_right − grounded_blank of one reply, drawn with one seed: what the picture adds to the truth of what is "
    f"said. None where one of the two claims nothing; {_OWN}.",
    "share",
    (-1, 1),
)


class Vision(Scorer):
    """Asks for replies of the cast again with the same picture, another, a gray one, and the truth in words."""

    name: ClassVar[str] = "vision"
    metrics: ClassVar[tuple[Metric, ...]] = (*GROUNDED.values(), GAP, *CLAIMS.values())

    turns: int | None = Field(default=4, ge=1)
    """Replies of each episode that are asked for again, evenly spread from a start by lot; None is all of them."""
    seed: int = 0
    """Another number, other answers, other replies and other pictures."""

    _shown: Mapping[Size, Sequence[tuple[str, Drawing]]] = PrivateAttr(default_factory=dict)
    """The pictures of the run by their sizes, each with its truth, in the order of their ids."""

    def prepared(self, cases: Iterable[Case]) -> Self:
        """Return the scorer that knows the pictures of all `cases`."""
        shown: dict[Size, dict[str, Drawing]] = {}
        for case in cases:
            for image, facts in case.pictures.items():
                if facts.drawing:
                    shown.setdefault(_size(image, case), {})[image] = facts.drawing
        knowing = self.model_copy()
        knowing._shown = {size: sorted(shown[size].items(), key=lambda pair: pair[0]) for size in sorted(shown)}
        return knowing

    @property
    def basis(self) -> str:
        """A digest of the pictures of the run."""
        ids = [(size, [image for image, _ in pictures]) for size, pictures in self._shown.items()]
        return blake2b(repr(ids).encode(), digest_size=4).hexdigest() if ids else ""

    def models(self, scenario: Scenario) -> Iterable[str]:
        """Return the models that speak for the cast."""
        player = scenario.player
        return dict.fromkeys((scenario.model, *([player.model] if player and player.plays and player.model else [])))

    async def score(self, case: Case, call: Call) -> list[Score]:
        """Return seven scores of every reply that is asked for again, in order; all calls go out at once."""
        replies = self._chosen(list(_replies(case)), case)
        judged = await together(*(self._judged(case, reply, call) for reply in replies))
        return [score for scores in judged for score in scores]

    def _chosen(self, replies: Sequence["_Reply"], case: Case) -> Sequence["_Reply"]:
        if self.turns is None or len(replies) <= self.turns:
            return replies
        start = chance(case.trajectory.seed, f"vision/{self.seed}").randrange(len(replies))
        return [replies[(at * len(replies) + start) // self.turns] for at in range(self.turns)]

    async def _judged(self, case: Case, reply: "_Reply", call: Call) -> list[Score]:
        request = case.asked(reply.call)
        images = [segment.image for segment in request.prompt.segments() if segment.image]
        truth = [facts.drawing for image in images if (facts := case.pictures.get(image)) and facts.drawing]
        missing = _missing(request, len(images), len(truth))
        if missing:
            return [reply.score(metric, missing) for metric in self.metrics]
        prompts = [self._prompt(condition, request, case) for condition in CONDITIONS]
        asked = (self._said(reply, request, *pair, call) for pair in zip(CONDITIONS, prompts, strict=True))
        said = dict(zip(CONDITIONS, await together(*asked), strict=True))
        return list(_scores(reply, said, truth))

    async def _said(
        self, reply: "_Reply", request: Request, condition: Condition, prompt: Sequence[Segment], call: Call
    ) -> "_Said":
        """Return what the model says now; drawn with one seed, so that no other luck tells the conditions apart."""
        if not prompt:
            return _Said(missing="the run has no other picture of this size")
        asked = replace(request, prompt=Prompt().then(*prompt), seed=seed_for(request.seed, f"vision/{self.seed}"))
        key = f"{reply.call}/{condition}"
        try:
            completion = await call(key, asked)
        except CallFailed as error:
            return _Said(missing=str(error), calls=(key,))
        return _Said(reply.speech(completion.text), calls=(key,))

    def _prompt(self, condition: Condition, request: Request, case: Case) -> list[Segment]:
        """Return the prompt as it is asked now; nothing where there is no other picture to put in."""
        asked = request.prompt.segments()
        images = dict.fromkeys(segment.image for segment in asked if segment.image)
        if condition == "right":
            return asked
        if condition == "notes":
            return list(_in_words(asked, case))
        instead = {
            image: _gray(image, case) if condition == "blank" else self._other(image, images, request.seed, case)
            for image in images
        }
        if not all(instead.values()):
            return []
        return [replace(segment, image=instead[segment.image]) if segment.image else segment for segment in asked]

    def _other(self, image: str, images: Iterable[str], seed: int, case: Case) -> str | None:
        """Return a picture of the run, by lot, of the size of `image` and with another truth than all `images`."""
        shown = self._shown.get(_size(image, case), ())
        start = chance(seed, f"vision/{self.seed}/{image}").randrange(max(1, len(shown)))
        truth = [case.pictures[known].drawing for known in images]
        return next((other for other, drawing in (*shown[start:], *shown[:start]) if drawing not in truth), None)


@dataclass(frozen=True, slots=True)
class _Said:
    """What was said when a reply was asked for again; or why nothing was."""

    speech: str = ""
    missing: str | None = None
    calls: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Reply:
    """A reply of one of the cast, as it is logged."""

    call: str
    events: tuple[Event, ...]
    heard: str
    """What it answers: the last line of somebody else that the speaker heard."""
    own: tuple[str, ...]
    others: tuple[str, ...]
    """The names under which the speaker and all others go."""

    def speech(self, text: str) -> str:
        """Return what is said aloud in another text of this speaker."""
        return " ".join(words for kind, words in read_reply(text, self.own, self.others).parts if kind == "speech")

    def score(self, metric: Metric, value: float | str, calls: Iterable[str] = ()) -> Score:
        """Return the score with `value`, or without one and the reason for that."""
        return Score(
            metric=metric.name,
            value=None if isinstance(value, str) else value,
            reason=value if isinstance(value, str) else None,
            character=self.events[0].actor,
            events=tuple(event.index for event in self.events),
            calls=tuple(calls),
        )


def _replies(case: Case) -> Iterator[_Reply]:
    """Yield the replies of the cast in order, but for answers in a form."""
    spoken = [event for event in case.trajectory.events if event.call and event.kind in ("speech", "action", "thought")]
    for call, group in groupby(spoken, lambda event: event.call or ""):
        events = tuple(group)
        variant = case.variant_at(events[0].turn)
        own = [profile for profile in variant.profiles if profile.name == events[0].actor]
        if own and case.asked(call).form is None:
            player = variant.scenario.player
            others = [profile for profile in variant.profiles if profile not in own]
            outside = [NARRATOR, INTERVIEWER, "Scene", *([player.name] if player else [])]
            yield _Reply(
                call,
                events,
                heard(case.trajectory.events[: events[0].index], events[0]),
                tuple(names_of(own)),
                (*names_of(others), *outside),
            )


def _missing(request: Request, images: int, known: int) -> str | None:
    """Return why a reply cannot be judged."""
    if request.model == PERSON:
        return "a person spoke, and is not asked again"
    if not images:
        return "the prompt holds no picture"
    return "the prompt holds a picture whose truth is not known" if known < images else None


def _size(image: str, case: Case) -> Size:
    return *case.sizes[image], case.pictures[image].blur


def _gray(image: str, case: Case) -> str:
    """Return the id of a gray picture of the size of `image`."""
    from PIL import Image

    gray = picture_of(Image.new("RGB", _size(image, case)[:2], _GRAY))
    case.keep(gray)
    return gray.id


def _in_words(asked: Iterable[Segment], case: Case) -> Iterator[Segment]:
    """Yield the segments with the truth of every picture in its place, and what follows it on a line of its own."""
    after_words = False
    for segment in asked:
        if segment.image:
            drawing = case.pictures[segment.image].drawing
            yield replace(segment, image=None, text=f"{KNOWN}\n{describe(drawing)}" if drawing else "")
        else:
            yield replace(segment, glue=segment.glue or "\n") if after_words else segment
        after_words = segment.image is not None


def _scores(reply: _Reply, said: Mapping[Condition, _Said], truth: Sequence[Drawing]) -> Iterator[Score]:
    """Yield the scores of a reply from what was said under each condition."""
    judged = {condition: _judged(one, reply.heard, truth) for condition, one in said.items()}
    shares = {condition: one if isinstance(one, str) else _share(one) for condition, one in judged.items()}
    for condition, metric in GROUNDED.items():
        yield reply.score(metric, shares[condition], said[condition].calls)
    both = (*said["right"].calls, *said["blank"].calls)
    yield reply.score(GAP, _difference(shares["right"], shares["blank"]), both)
    for condition, metric in CLAIMS.items():
        claims = judged[condition]
        yield reply.score(metric, claims if isinstance(claims, str) else len(claims), said[condition].calls)


def _judged(said: _Said, heard: str, truth: Sequence[Drawing]) -> list[bool] | str:
    """Return of each claim whether it is true; or why nothing was said."""
    if said.missing:
        return said.missing
    verdicts = (is_true(claim, truth) for claim in claims_in(said.speech, heard))
    return [verdict for verdict in verdicts if verdict is not None]


def _share(claims: Sequence[bool]) -> float | str:
    return sum(claims) / len(claims) if claims else "no claim"


def _difference(right: float | str, blank: float | str) -> float | str:
    if isinstance(right, str):
        return f"with the picture: {right}"
    return f"with a gray one: {blank}" if isinstance(blank, str) else right - blank
