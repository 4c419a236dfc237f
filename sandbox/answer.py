"""Having a model answer MMRole's test records: all at once on its engine, each answer kept as soon as it is there.

A record's request is its own text under its picture, as published, with the record's system sentence before. What it is
asked with is a function of the record and the model's name alone, so that whatever was answered once is known again.
"""

import asyncio
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel

from sandbox.answer_files import Answered, Failed, Journal, Started, Told, contents
from sandbox.engines.engine import Engine, EngineDied
from sandbox.meter import Meter
from sandbox.scheduler import AHEAD, Scheduler
from sandbox.store import unwritable
from sandbox.whole_file import write_whole
from sandbox.window import USUAL
from scenes.chance import seed_for
from scenes.chat import Call, CallFailed, Prompt, Request, Sampling, Segment
from scenes.clean import one_line, without_surrogates
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


@dataclass
class _Asking:
    """Asks one after another of what waits; as many of these at once as are wanted."""

    engine: Engine
    journal: Journal
    waiting: Iterator[tuple[int, Asked]]
    scheduler: Scheduler
    failed: dict[str, Failed]
    told: Told
    total: int
    done: int = 0

    async def go_on(self) -> None:
        for nth, asked in self.waiting:
            entry = await self._entry(asked, self.scheduler.call(nth))
            self.journal.add(entry)
            if isinstance(entry, Failed):
                self.failed[asked.digest] = entry
            self.done += 1
            self.told(self.done, self.total)

    async def _entry(self, asked: Asked, call: Call) -> Answered | Failed:
        """Return the answer to keep, or why there is none."""
        record = without_surrogates(asked.sample.id)
        try:
            if missing := self._missing(asked.request):
                reason = f"prompt, picture and answer need {missing} tokens more than the model's context has"
                return Failed(digest=asked.digest, record=record, reason=reason, too_long=True)
            said = await call(f"answer/{record}", asked.request)
        except CallFailed as failure:
            return Failed(digest=asked.digest, record=record, reason=one_line(str(failure), 400))
        spent = {"prompt_tokens": said.prompt_tokens, "output_tokens": said.output_tokens}
        text = without_surrogates(said.text)
        return Answered(digest=asked.digest, record=record, text=text, finish_reason=said.finish_reason, **spent)

    def _missing(self, request: Request) -> int:
        """Return how many tokens a request has too many; 0 if it fits, or only the server knows."""
        room = self.engine.room(request)
        return 0 if room is None else max(0, -room)


async def answer_all(
    work: Work, journal: Journal, engine: Engine, concurrency: int | None, told: Told
) -> dict[str, Failed]:
    """Ask whatever has no answer yet, and keep each answer; return what failed, by digest.

    Where the task is cancelled, those under way are given up and it returns. Raises `EngineDied` and `StoreFailed`;
    what was answered till then is safe in either case.
    """
    waiting = work.waiting(journal)
    slots = engine.facts.slots or USUAL
    workers = min(concurrency or AHEAD * slots, len(waiting))
    journal.add(Started(engine=engine.facts))
    scheduler = Scheduler({work.model: engine}, Meter(slots))
    asking = _Asking(engine, journal, iter(list(enumerate(waiting.values()))), scheduler, {}, told, len(waiting))
    tasks = [asyncio.create_task(asking.go_on()) for _ in range(workers)]
    try:
        await asyncio.gather(*tasks)
    except asyncio.CancelledError:
        pass  # Ctrl-C: whoever called sees what is left
    except EngineDied as died:
        raise EngineDied(
            f"{died}; answers kept: {len(journal.answers)}; the same command goes on from there."
        ) from died
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    return asking.failed


def finished(work: Work, journal: Journal, before: int, failed: Mapping[str, Failed], out: Path) -> Summary:
    """Write the records with their answers, if all were asked, and return what came of it. Raises `StoreFailed`.

    `before` is how many records had an answer when the work was taken up. One that failed has the empty answer.
    """
    known = [one for one in work.asked if one.digest in journal.answers]
    left = sum(one.digest not in journal.answers and one.digest not in failed for one in work.asked)
    summary = Summary(out=str(out), model=work.model, records=len(work.asked), left=left, interrupted=left > 0)
    _count(summary, [journal.answers[one.digest] for one in known])
    summary.now, summary.earlier = len(known) - before, before
    summary.replaced = sum(one.sample.answered for one in work.asked)
    lost = [(one, failed[one.digest]) for one in work.asked if one.digest in failed]
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
    for target, content in contents(work.files, answers).items():
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            write_whole(target, content)
        except OSError as error:
            raise unwritable(target, error) from None
    return [str(target) for target in work.files]
