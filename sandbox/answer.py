"""Having a model answer MMRole's test records: all at once on its engine, each answer kept as soon as it is there.

A record's request is its own text under its picture, as published, with the record's system sentence before. What it is
asked with is a function of the record and the model's name alone, so that whatever was answered once is known again.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel

from sandbox.answer_files import write_files
from sandbox.engines.engine import Engine, EngineDied
from sandbox.journal import Answered, Journal, Started
from sandbox.meter import Meter
from sandbox.scheduler import AHEAD, Scheduler
from sandbox.side_by_side import Told, each, kept
from sandbox.window import USUAL
from scenes.chance import seed_for
from scenes.chat import CallFailed, Prompt, Request, Sampling, Segment
from scenes.clean import without_surrogates
from scenes.image import Picture
from scorers.mmrole.records import Sample, SampleFile

SAMPLING = Sampling(max_tokens=512)
"""The longest reference of the release has 378 words."""


@dataclass(frozen=True)
class Asked:
    """A record, with what its model is asked."""

    target: Path
    at: int
    """Its place in its file, from 0."""
    sample: Sample
    request: Request
    digest: str


@dataclass(frozen=True)
class Work:
    """Files of records that are to be answered by one model."""

    model: str
    files: Mapping[Path, SampleFile]
    """By where each is written to."""
    asked: tuple[Asked, ...]

    def waiting(self, journal: Journal) -> dict[str, Asked]:
        """Return what no answer is known to, by digest; what two records ask alike is asked once."""
        return {one.digest: one for one in self.asked if one.digest not in journal.answers}


class Failure(BaseModel):
    """A record that got no answer."""

    file: str
    record: str
    reason: str


class Summary(BaseModel):
    """What came of answering records."""

    out: str
    model: str
    records: int
    now: int = 0
    """Answered by this command."""
    earlier: int = 0
    """Answered before."""
    empty: int = 0
    """Of those answered: with nothing but blanks, which counts as missing when they are judged."""
    cut_off: int = 0
    """Of those answered: as long as an answer may be, and not at its end."""
    replaced: int = 0
    """Records that came with an answer, whose place a new one took; a review of it was left out."""
    failed: int = 0
    too_long: int = 0
    """Of those failed: their prompt does not fit the model."""
    left: int = 0
    """Not asked, because the user interrupted."""
    failures: list[Failure] = []
    files: list[str] = []
    """Written."""
    interrupted: bool = False


def work_of(model: str, files: Mapping[Path, SampleFile], pictures: Mapping[str, Picture]) -> Work:
    """Return what `model` is to be asked about all records of `files`."""
    return Work(model, files, tuple(_asked(model, files, pictures)))


def _asked(model: str, files: Mapping[Path, SampleFile], pictures: Mapping[str, Picture]) -> Iterator[Asked]:
    for target, file in files.items():
        for at, sample in enumerate(file.samples):
            request = request_of(sample, model, pictures[sample.image].id)
            yield Asked(target, at, sample, request, request.digest())


def request_of(sample: Sample, model: str, image: str) -> Request:
    """Return what a model is asked about a record: its own words, under the picture with the id `image`."""
    system = Segment("global", "system", without_surrogates(sample.system))
    picture = Segment("images", "user", image=image)
    words = Segment("persona", "user", without_surrogates(sample.prompt), glue="\n")
    parts = (system, picture, words) if sample.system.strip() else (picture, words)
    return Request(model, Prompt().then(*parts), SAMPLING, seed_for(0, without_surrogates(f"answer/{sample.id}")))


async def answer_all(work: Work, journal: Journal, engine: Engine, concurrency: int | None, told: Told) -> None:
    """Ask whatever has no answer yet, and keep each answer.

    At Ctrl-C those under way are given up and it returns. Raises `EngineDied` and `StoreFailed`; what was answered
    till then is safe in either case.
    """
    slots = engine.facts.slots or USUAL
    journal.add(Started(engine=engine.facts))
    scheduler = Scheduler({work.model: engine}, Meter(slots))

    async def ask(nth: int, asked: Asked) -> None:
        with suppress(CallFailed):
            await journal.asking(engine, scheduler.call(nth))(f"answer/{asked.sample.id}", asked.request)

    try:
        await each(list(work.waiting(journal).values()), ask, concurrency or AHEAD * slots, told)
    except EngineDied as died:
        raise kept(died, journal) from died


def finished(work: Work, journal: Journal, before: int, out: Path) -> Summary:
    """Write the records with their answers, if all were asked, and return what came of it. Raises `StoreFailed`.

    `before` is how many records had an answer when the work was taken up. One that failed has the empty answer.
    """
    known = [one for one in work.asked if one.digest in journal.answers]
    lost = [(one, journal.failed[one.digest]) for one in work.asked if one.digest in journal.failed]
    left = len(work.asked) - len(known) - len(lost)
    summary = Summary(out=str(out), model=work.model, records=len(work.asked), left=left, interrupted=left > 0)
    _count(summary, [journal.answers[one.digest] for one in known])
    summary.now, summary.earlier = len(known) - before, before
    summary.replaced = sum(one.sample.answered for one in work.asked)
    summary.failed, summary.too_long = len(lost), sum(failure.too_long for _, failure in lost)
    summary.failures = [
        Failure(file=str(work.files[one.target].path), record=failure.record, reason=failure.reason)
        for one, failure in lost
    ]
    if not left:
        summary.files = _write(work, journal)
    return summary


def _count(summary: Summary, answers: list[Answered]) -> None:
    summary.empty = sum(not answer.text.strip() for answer in answers)
    summary.cut_off = Counter(answer.finish_reason for answer in answers)["length"]


def _write(work: Work, journal: Journal) -> list[str]:
    answers: dict[Path, dict[int, str]] = {target: {} for target in work.files}
    for one in work.asked:
        known = journal.answers.get(one.digest)
        answers[one.target][one.at] = known.text if known else ""
    return write_files({target: file.answered(answers[target]) for target, file in work.files.items()})
