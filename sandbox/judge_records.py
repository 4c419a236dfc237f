"""Judging MMRole's test records: every answer beside the reference of its record, each of the judge's words kept.

What a judge is asked about a record follows from the record, the judge and the scorer's options alone. So verdicts are
made of the journal: a pass over it that asks nobody tells what is left to be judged, and in the end what to write.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil
from pathlib import Path
from statistics import fmean

from pydantic import BaseModel

from sandbox.answer_files import write_files
from sandbox.engines.engine import Engine, EngineDied
from sandbox.journal import Answered, Journal, Started
from sandbox.meter import Meter
from sandbox.record_figures import Figure, ModelFigures, Rated, figures_of, with_interval
from sandbox.record_places import Place
from sandbox.scheduler import AHEAD, Scheduler
from sandbox.side_by_side import Told, each, kept
from sandbox.tape import JUDGING
from sandbox.window import SHARE_OF_REPLY, USUAL
from scenes.chat import Call, CallFailed, Completion, Request
from scenes.clean import without_surrogates
from scenes.image import Picture
from scorers.mmrole.asking import Judged
from scorers.mmrole.metrics import METRICS
from scorers.mmrole.prompt import Form, Matter
from scorers.mmrole.reading import Unreadable, Verdict, disarmed, read_scores
from scorers.mmrole.records import Review, Sample, SampleFile
from scorers.mmrole.scorer import MMRole, Verdicts
from scorers.mmrole.table import csv_of

CALLS: Mapping[Form, int] = {"review": len(METRICS), "together": 1, "expected": 10 * len(METRICS)}
"""How many calls about one answer a judge gets at once."""
MOST_NAMED = 20
"""Reasons in a summary."""
MOST_MEASURED = 64
"""Prompts whose length is measured to see how many fit the engine."""


@dataclass(frozen=True)
class Answer:
    """An answer to be judged, and all that a judge is told of it; copies of it in other files are the same."""

    record: str
    matter: Matter

    @property
    def missing(self) -> bool:
        """Whether there is none, which counts, and which no judge is asked about."""
        return not self.matter.answer


@dataclass(frozen=True)
class Work:
    """Files of answered records that one judge is to judge."""

    judge: str
    scorer: MMRole
    files: Mapping[Place, SampleFile]
    answers: Mapping[Place, Sequence[Answer]]
    """Of each file, in the order of its records."""

    @property
    def given(self) -> list[Answer]:
        """All of them, one for each record."""
        return [answer for answers in self.answers.values() for answer in answers]


@dataclass
class Found:
    """What follows from a journal."""

    verdicts: dict[Answer, Verdicts] = field(default_factory=dict)
    failures: dict[Answer, dict[str, str]] = field(default_factory=dict)
    """Why calls about an answer failed, by their keys; only of answers with such calls."""
    waiting: dict[Answer, Request] = field(default_factory=dict)
    """Those about which something is still to be asked, with one request of that."""

    def whole(self, answer: Answer) -> bool:
        """Return whether all that there is to ask about an answer has been answered."""
        return answer in self.verdicts and answer not in self.failures


class Failure(BaseModel):
    """A call to the judge that had no answer."""

    record: str
    """The id of the record."""
    call: str
    """What was asked about: the key of a metric, `all` of them, again or not."""
    reason: str


class Summary(BaseModel):
    """What came of judging records."""

    out: str
    judge: str
    scorer: str
    """With its version and options."""
    form: Form
    records: int = 0
    now: int = 0
    """Judged by this command, all metrics of them."""
    earlier: int = 0
    """Judged before."""
    empty: int = 0
    """Without an answer: scored by no metric, and counted."""
    left: int = 0
    """Not judged to the end, because the user interrupted."""
    verdicts: int = 0
    """A verdict is on one record by one metric."""
    unreadable: int = 0
    """Verdicts of which nothing could be read; what the judge wrote is kept with them."""
    reasons: dict[str, int] = {}
    """Why they have no value, the most frequent first."""
    flagged: int = 0
    """Verdicts with something odd about them, such as a score off the scale, which is kept."""
    failed: int = 0
    """Records of which a call to the judge had no answer; they are judged again by the next command."""
    failures: list[Failure] = []
    replaced: int = 0
    """Records that came with reviews, whose place these take."""
    calls: int = 0
    """Answers of the judge on record."""
    prompt_tokens: int = 0
    cached_tokens: int = 0
    """Of the prompt tokens: those that the judge had read before."""
    output_tokens: int = 0
    swap_consistency: Figure | None = None
    """Of a record: the share of metrics by which the same answer won in both orders; None where there was one order."""
    models: list[ModelFigures] = []
    files: list[str] = []
    """Written."""
    interrupted: bool = False


def work_of(judge: str, scorer: MMRole, files: Mapping[Place, SampleFile], pictures: Mapping[str, Picture]) -> Work:
    """Return what `judge` is to be asked about the answers in `files`."""
    answers = {place: [_answer(sample, pictures) for sample in file.samples] for place, file in files.items()}
    return Work(judge, scorer, files, answers)


def _answer(sample: Sample, pictures: Mapping[str, Picture]) -> Answer:
    said, reference, prompt = map(without_surrogates, (sample.answer, sample.reference, sample.prompt))
    role, partner, world = map(without_surrogates, (sample.role, sample.other_role, sample.script))
    shown = (pictures[sample.image].id,)
    matter = Matter(role, partner, said.strip(), reference.strip(), shown, context=(prompt,), world=world)
    return Answer(without_surrogates(sample.id), matter)


class _Unknown(Exception):
    """Something is to be asked that is not in the journal."""

    def __init__(self, request: Request) -> None:
        super().__init__()
        self.request = request


@dataclass
class _Kept:
    """A call that is answered from a journal, and asks nobody."""

    journal: Journal
    failures: dict[str, str] = field(default_factory=dict)

    async def __call__(self, key: str, request: Request) -> Completion:
        completion, failure = self.journal.known(request), self.journal.failed.get(request.digest())
        if completion:
            return completion
        if not failure:
            raise _Unknown(request)
        self.failures[key] = failure.reason
        raise CallFailed(failure.reason)


async def found(work: Work, journal: Journal) -> Found:
    """Return the verdicts that follow from what is in the journal, and the answers that need more."""
    found = Found()
    for answer in dict.fromkeys(work.given):  # once, in however many files it stands
        kept = _Kept(journal)
        try:
            found.verdicts[answer] = await _judged(work, answer, kept)
        except _Unknown as unknown:
            found.waiting[answer] = unknown.request
        if kept.failures:
            found.failures[answer] = kept.failures
    return found


async def _judged(work: Work, answer: Answer, call: Call) -> Verdicts:
    judge = work.scorer.asks(call, work.judge, seed=0)
    return await work.scorer.verdicts(judge, answer.matter, f"{JUDGING}{answer.record}")


async def judge_all(
    work: Work, waiting: Mapping[Answer, Request], journal: Journal, engine: Engine, told: Told
) -> None:
    """Ask the judge about the answers that wait, and keep each of its words.

    At Ctrl-C those under way are given up and it returns. Raises `EngineDied` and `StoreFailed`; what the judge said
    till then is safe in either case.
    """
    journal.add(Started(engine=engine.facts))
    scheduler = Scheduler({work.judge: engine}, Meter(engine.facts.slots or USUAL))

    async def judge(nth: int, answer: Answer) -> None:
        await _judged(work, answer, journal.asking(engine, scheduler.call(nth)))

    try:
        await each([*waiting], judge, _window(work, [*waiting.values()], engine), told)
    except EngineDied as died:
        raise kept(died, journal) from died


def _window(work: Work, requests: Sequence[Request], engine: Engine) -> int:
    """Return how many answers are to be under way: no more than keep the engine busy, nor than it can remember.

    All calls about an answer begin alike, and a second try follows the first: what they begin with is read once if the
    engine still has it then (`sandbox.window` tells why it has nothing where one too many is under way).
    """
    calls = CALLS[work.scorer.form] * (1 + work.scorer.both_orders)
    busy = ceil(AHEAD * (engine.facts.slots or USUAL) / calls)
    tokens = [_tokens(request, calls, engine) for request in requests[:: ceil(len(requests) / MOST_MEASURED)]]
    if engine.facts.kv_tokens is None or None in tokens:
        return busy
    return max(1, min(busy, int(engine.facts.kv_tokens // fmean(filter(None, tokens)))))


def _tokens(request: Request, calls: int, engine: Engine) -> int | None:
    """Return for how many tokens an engine keeps the states of an answer's calls; None if nothing tells."""
    room, context, most = engine.room(request), engine.facts.context_length, request.sampling.max_tokens
    if room is None or context is None:
        return None
    return context - room - most + int(calls * most * SHARE_OF_REPLY)


def finished(work: Work, journal: Journal, before: Found, now: Found, summary: Summary) -> Summary:
    """Write reviews and means, if all is judged, and return `summary` with what came of it. Raises `StoreFailed`.

    `before` is what was known when the work was taken up.
    """
    answers = [answer for answer in work.given if not answer.missing]
    summary.records, summary.empty = len(work.given), len(work.given) - len(answers)
    summary.earlier = sum(map(before.whole, answers))
    summary.now = sum(map(now.whole, answers)) - summary.earlier
    summary.failed = sum(answer in now.failures for answer in answers)
    summary.left = len(answers) - summary.earlier - summary.now - summary.failed
    summary.interrupted = summary.left > 0
    summary.failures = [
        Failure(record=answer.record, call=key.removeprefix(f"{JUDGING}{answer.record}/"), reason=reason)
        for answer, failures in now.failures.items()
        for key, reason in failures.items()
    ]
    judged = [now.verdicts[answer] for answer in answers if answer in now.verdicts]
    _count([one for verdicts in judged for one in verdicts.judged], summary)
    _spend(journal.answers.values(), summary)
    summary.swap_consistency = _same(work, now)
    if not summary.interrupted:
        _write(work, now, summary)
    return summary


def _count(judged: Sequence[Judged], summary: Summary) -> None:
    summary.verdicts = len(judged)
    unread = Counter(_why(one) for one in judged if isinstance(one.reading, Unreadable))
    summary.unreadable = sum(isinstance(one.reading, Unreadable) and one.review is not None for one in judged)
    unscored = sum(isinstance(one.reading, Verdict) and one.reading.ratio is None for one in judged)
    unread.update({"the reference was given 0": unscored} if unscored else {})
    summary.reasons = dict(unread.most_common(MOST_NAMED))
    summary.flagged = sum(isinstance(one.reading, Verdict) and bool(one.reading.flags) for one in judged)


def _why(judged: Judged) -> str:
    """Return why there is no verdict, without what the judge wrote, so that the like can be counted."""
    return judged.reading.reason.partition(";")[0] if isinstance(judged.reading, Unreadable) else ""


def _spend(answers: Collection[Answered], summary: Summary) -> None:
    summary.calls = len(answers)
    summary.prompt_tokens = sum(one.prompt_tokens for one in answers)
    summary.cached_tokens = sum(one.cached_tokens for one in answers)
    summary.output_tokens = sum(one.output_tokens for one in answers)


def _same(work: Work, now: Found) -> Figure | None:
    """Return by how many metrics the same answer won in both orders; None where there was one order."""
    if not work.scorer.both_orders:
        return None
    same = [
        Rated(f"{answer.matter.role}\n{answer.matter.world}", answer.record, fmean(verdicts.same))
        for answer, verdicts in now.verdicts.items()
        if verdicts.same
    ]
    figure = Figure(value=fmean(one.value for one in same) if same else None, n=len(same), of=len(now.verdicts))
    return with_interval(figure, [(1, same)], (0, 1)) if same else figure


def _write(work: Work, now: Found, summary: Summary) -> None:
    """Write the records with their reviews, and the means of each file, as published."""
    reviews = {place: _reviews(file, work.answers[place], now) for place, file in work.files.items()}
    samples = {
        place: [
            sample.model_copy(update={"rm_review": reviews[place].get(at)}) for at, sample in enumerate(file.samples)
        ]
        for place, file in work.files.items()
    }
    summary.replaced = sum(bool(sample.rm_review) for file in work.files.values() for sample in file.samples)
    summary.models = figures_of(samples)
    out = Path(summary.out)
    written = {place.reviews(out): file.reviewed(reviews[place]) for place, file in work.files.items()}
    written |= {place.results(out): csv_of(some).encode() for place, some in samples.items()}
    summary.files = write_files(written)


def _reviews(file: SampleFile, answers: Sequence[Answer], now: Found) -> dict[int, dict[str, Review]]:
    """Return the reviews of each record that has an answer; none of one that has not, whatever it came with."""
    found = {}
    for at, (sample, answer) in enumerate(zip(file.samples, answers, strict=True)):
        if not answer.missing:
            found[at] = {one.aspect.name: _review(one) for one in now.verdicts[answer].judged if _says(one)}
        elif sample.rm_review:
            found[at] = {}
    return found


def _says(judged: Judged) -> bool:
    return isinstance(judged.reading, Verdict) or judged.review is not None


def _review(judged: Judged) -> Review:
    """Return what a judge wrote, with the scores that were made of it.

    Where these cannot be read in what it wrote about the one metric (it wrote about eight, or twice, or nothing), they
    are told in a line of ours, and no digits of its own can be taken for them.
    """
    text = judged.review or ""
    score = (judged.reading.a, judged.reading.b) if isinstance(judged.reading, Verdict) else None
    said = read_scores(text)
    if score == ((said.a, said.b) if isinstance(said, Verdict) else None):
        return Review(review=text, score=score)
    line = [f"[Scores]: ({_exactly(score[0])}, {_exactly(score[1])})"] if score else []
    return Review(review="\n".join([*filter(None, [disarmed(text)]), *line]), score=score)


def _exactly(score: float) -> str:
    return repr(score).removesuffix(".0")
