"""Exams: requests for a line are put to a model, as they are and with something taken away, and its replies are marked.

Each condition asks the same requests, with the teacher's lines as history, so what differs between two of them is owed
to what was changed. Replies are greedy but for those that are compared with each other.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import NamedTuple

import numpy as np

from sandbox.engines.config import EngineConfig
from sandbox.engines.engine import Engine
from sandbox.gallery import Gallery
from sandbox.launch import started_for
from sandbox.meter import Meter
from sandbox.scheduler import AHEAD, Scheduler
from sandbox.side_by_side import Told, each
from sandbox.storybook.exam.marks import Marks, constants
from sandbox.storybook.exam.paper import Paper
from sandbox.storybook.exam.questions import posed
from sandbox.storybook.exam.voice import Voices
from sandbox.storybook.lessons.lesson import exams
from sandbox.storybook.teacher.saying import voice_for
from sandbox.storybook.teacher.sight import Sight
from sandbox.storybook.voices.made_up import CAST
from sandbox.window import USUAL
from scenes.chat import CallFailed, Prompt, Request, Sampling, Segment
from scenes.image import Picture, derived, picture_of
from scenes.sights import PictureFacts, drawn
from scenes.storybook.cast import shipped_profiles
from scenes.storybook.drawing import describe
from scorers.statistics import Mean, Sums, codes, mean_of

SIDE = 128
"""Pixels of a picture's side, as the embedded model sees it."""
_GRAY = (128, 128, 128)
_UNSEEN = 1 << 32
"""Added to the seed: beyond any that training is given."""
MISSES = 3
"""Replies that are shown of those that got nothing for a measure."""
PICTURES = 4
"""Of one request, at most; the scenes of lessons have fewer."""
GREEDY = Sampling(temperature=0)
SAMPLED = Sampling(temperature=0.8)
DISTINCT = "distinct replies"

Making = Callable[[str], Told]
"""Returns who is told how far the work with that name is."""


class Condition(NamedTuple):
    """How requests are put."""

    name: str
    picture: str = "own"
    """`own`, `blank` or `wrong`: another exam's."""
    profile: bool = True
    held_out: bool = False
    """Whether the pictures hold combinations that training never had."""
    sampling: Sampling = GREEDY
    posed: bool = True
    """Whether questions of all types are put besides."""


AS_IS, BLANK = Condition("as is"), Condition("blank picture", picture="blank")
CONDITIONS = (
    AS_IS,
    BLANK,
    Condition("wrong picture", picture="wrong"),
    Condition("no profile", profile=False),
    Condition("new combinations", held_out=True),
    Condition("sampled", sampling=SAMPLED, posed=False),
)


@dataclass(frozen=True)
class Result:
    """What came of an evaluation."""

    engine: str
    """The kind of what answered."""
    figures: Mapping[str, Mapping[str, Mean]]
    """By condition and measure."""
    constants: Mapping[str, float]
    """By measure, how often the best constant answer is right."""
    failed: Mapping[str, int]
    """By condition, the requests that got no answer, and the number of all."""
    asked: int
    left: int = 0
    """Not asked, because the user interrupted."""
    wrong: Mapping[str, Sequence["Miss"]] = field(default_factory=dict)
    """By measure, the first replies to requests as they are that missed it."""


class Miss(NamedTuple):
    """A reply that got nothing for a measure."""

    picture: str
    """What is to be seen, in words."""
    last: str
    """The line that it answers."""
    reply: str


@dataclass(frozen=True)
class Order:
    """What is evaluated, and on how much."""

    model: str
    config: EngineConfig
    number: int = 1_000
    """Lines of scenes that each condition asks for, and questions besides."""
    seed: int = 0
    conditions: Sequence[Condition] = CONDITIONS


def evaluate(order: Order, making: Making) -> Result:
    """Ask the model everything and mark its replies. Raises what `sandbox.errors` lists.

    At Ctrl-C the replies till then are marked.
    """
    gallery = Gallery()
    with started_for([order.model], order.config, gallery, PICTURES) as engines:  # first: it may not be there
        sets = {held: papers(order, held, making) for held in {one.held_out: None for one in order.conditions}}
        asked = [
            _Asked(paper, condition, request)
            for condition in order.conditions
            for paper, request in requests(sets[condition.held_out], condition, order.model, gallery)
        ]
        engine = engines[order.model]
        asyncio.run(_ask_all(asked, engine, order.model, making("answering")))
    return _marked(engine.facts.kind, asked, sets, making("marking"))


def sample_evaluation(model: str, config: EngineConfig, number: int = 60) -> Result:
    """Return what comes of a few lines, as they are and with a blank picture: small enough for every change."""
    conditions = (AS_IS._replace(posed=False), BLANK._replace(posed=False))
    return evaluate(Order(model, config, number, conditions=conditions), lambda what: lambda done, total: None)


def papers(order: Order, held_out: bool, making: Making) -> list[Paper]:
    """Return the exams of an order, read, and as many questions besides."""
    told, made = making("playing scenes for exams" if not held_out else "playing scenes with new combinations"), []
    for exam in islice(exams(_UNSEEN + order.seed, held_out), order.number):
        made.append(Paper(exam))
        told(len(made), order.number)
    return made + posed(made, order.number, order.seed)


# ---- what is asked


@dataclass
class _Asked:
    """A request, and what came of it."""

    paper: Paper
    condition: Condition
    request: Request
    reply: str | None = None
    failed: bool = False


def requests(
    made: Sequence[Paper], condition: Condition, model: str, gallery: Gallery
) -> Iterator[tuple[Paper, Request]]:
    """Yield what a condition asks `model` about papers, and put the pictures of that into `gallery`."""
    made = [paper for paper in made if condition.posed or not paper.is_posed]
    shown = _Pictures(gallery)
    for at, paper in enumerate(made):
        prompt = Prompt().then(*_segments(paper, condition, shown, _other(made, at)))
        request = paper.exam.request
        yield paper, replace(request, model=model, sampling=condition.sampling, prompt=prompt)


def _other(made: Sequence[Paper], at: int) -> Sight | None:
    """Return what is to be seen in the first picture of the next scene."""
    following = (made[(at + step) % len(made)] for step in range(1, len(made)))
    paper = next((one for one in following if one.scene != made[at].scene and one.sights), None)
    return paper.sights[0] if paper else None


def _segments(paper: Paper, condition: Condition, shown: "_Pictures", other: Sight | None) -> Iterator[Segment]:
    for segment in paper.exam.request.prompt.segments():
        if segment.image:
            sight = paper.exam.sights[segment.image]
            yield replace(segment, image=shown.id(sight, condition.picture, other))
        elif condition.profile or segment.stability != "persona":
            yield segment


class _Pictures:
    """Draws what exams show into a gallery."""

    def __init__(self, gallery: Gallery) -> None:
        self._gallery = gallery

    def id(self, sight: Sight, picture: str, other: Sight | None) -> str:
        """Return the id of the picture of a sight, of one as large without anything in it, or of another."""
        if picture == "blank":
            return self._blank(sight)
        if picture == "wrong" and other is not None:
            sight = replace(other, crop=sight.crop)
        left, right = (round(SIDE * edge) for edge in sight.crop)
        facts = PictureFacts(name="exam", drawing=sight.drawing, size=SIDE)
        if sight.is_whole:
            return self._kept(drawn(sight.drawing, SIDE), facts)
        crop = (left, 0, right - left, SIDE)
        return self._kept(derived(drawn(sight.drawing, SIDE), crop), facts.model_copy(update={"crop": crop}))

    def _blank(self, sight: Sight) -> str:
        from PIL import Image

        left, right = (round(SIDE * edge) for edge in sight.crop)
        return self._kept(picture_of(Image.new("RGB", (right - left, SIDE), _GRAY)), PictureFacts(name="blank"))

    def _kept(self, picture: Picture, facts: PictureFacts) -> str:
        self._gallery.add(picture, facts)
        return picture.id


async def _ask_all(asked: Sequence[_Asked], engine: Engine, model: str, told: Told) -> None:
    slots = engine.facts.slots or USUAL
    scheduler = Scheduler({model: engine}, Meter(slots))

    async def ask(nth: int, one: _Asked) -> None:
        try:
            one.reply = (await scheduler.call(nth)("exam", one.request)).text
        except CallFailed:
            one.failed = True

    await each(asked, ask, AHEAD * slots, told)


# ---- what it gets


def _marked(engine: str, asked: Sequence[_Asked], sets: Mapping[bool, Sequence[Paper]], told: Told) -> Result:
    everybody = [paper for made in sets.values() for paper in made]
    marks = Marks(everybody, shipped_profiles())
    voices = Voices({name for paper in everybody for name in (paper.profile.name, *paper.told.others)})
    by_condition: dict[str, list[_Asked]] = defaultdict(list)
    for one in asked:
        by_condition[one.condition.name].append(one)
    figures: dict[str, Mapping[str, Mean]] = {}
    wrong: dict[str, list[Miss]] = {}
    for name, ones in by_condition.items():
        answered = [one for one in ones if one.reply is not None]
        verdicts = _verdicts(answered, marks, voices)
        figures[name] = _figures(answered, verdicts)
        wrong = wrong or _wrong(answered, verdicts)
        told(len(figures), len(by_condition))
    failed = {name: sum(one.failed for one in ones) for name, ones in by_condition.items()}
    left = sum(one.reply is None and not one.failed for one in asked)
    return Result(engine, figures, constants(sets[False]), failed, len(asked), left, wrong)


def _verdicts(answered: Sequence[_Asked], marks: Marks, voices: Voices) -> list[dict[str, float]]:
    heard = _heard(answered, voices)
    return [marks.of(one.paper, one.reply or "", voice) for one, voice in zip(answered, heard, strict=True)]


def _figures(answered: Sequence[_Asked], verdicts: Sequence[Mapping[str, float]]) -> dict[str, Mean]:
    found: dict[str, list[tuple[str, float]]] = defaultdict(list)
    for one, of_one in zip(answered, verdicts, strict=True):
        for measure, value in of_one.items():
            found[measure].append((one.paper.scene, value))
    for scene, value in _distinct(answered):
        found[DISTINCT].append((scene, value))
    return {measure: _mean(values) for measure, values in found.items()}


def _wrong(answered: Sequence[_Asked], verdicts: Sequence[Mapping[str, float]]) -> dict[str, list[Miss]]:
    found: dict[str, list[Miss]] = defaultdict(list)
    for one, of_one in zip(answered, verdicts, strict=True):
        for measure in (measure for measure, value in of_one.items() if not value and len(found[measure]) < MISSES):
            last = one.paper.last
            shown = "; ".join(_shown(sight) for sight in one.paper.sights)
            found[measure].append(Miss(shown, f"{last.name}: {last.words}" if last else "", one.reply or ""))
    return found


def _shown(sight: Sight) -> str:
    return describe(sight.drawing) + ("" if sight.is_whole else f", of which seen: {sight.slots()['scene']}")


def _heard(answered: Sequence[_Asked], voices: Voices) -> list[str | None]:
    """Return whose voice each reply is in; None where it has no words."""
    of = [voice_for(one.paper.profile) for one in answered]
    heard: dict[int, str] = {}
    for is_cast in (True, False):
        ats = [at for at, voice in enumerate(of) if (voice in CAST) == is_cast and (answered[at].reply or "").strip()]
        if ats:
            heard |= dict(zip(ats, voices.heard([answered[at].reply or "" for at in ats], of[ats[0]]), strict=True))
    return [heard.get(at) for at in range(len(answered))]


def _distinct(answered: Sequence[_Asked]) -> Iterator[tuple[str, float]]:
    """Yield for each line 1 if none before it was the same: their mean is distinct lines by lines."""
    known: set[str] = set()
    for one in (one for one in answered if not one.paper.is_posed):
        yield one.paper.scene, float(one.reply not in known)
        known.add(one.reply or "")


def _mean(values: Sequence[tuple[str, float]]) -> Mean:
    cluster = codes([scene for scene, _ in values])[0]
    ones, rows = np.ones(len(values), np.int64), np.arange(len(values), dtype=np.int64)
    total = np.array([value for _, value in values], np.float64)
    return mean_of(Sums(cluster, rows, ones, ones, total), (0, 1))
