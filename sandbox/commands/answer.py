"""`rolestage answer`: let a model answer MMRole's test records."""

import asyncio
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sandbox.answer import Summary, answer_all, finished, work_of
from sandbox.answer_files import JOURNAL, image_folder, read_pictures, read_records
from sandbox.commands.records import check_model, gallery_of, going_on, kind_of, notes, progress
from sandbox.errors import INTERRUPTED, SOME_FAILED
from sandbox.journal import Begun, Journal
from sandbox.launch import engine_config, started_for
from sandbox.record_places import folder_name
from sandbox.screen import Screen, print_json, safe
from scenes.clean import one_line

MOST_NAMED = 10
"""Records of which it is said why they failed, of each reason."""


@dataclass(frozen=True)
class AnswerOptions:
    """What the command line sets."""

    model: str
    engine: str | None = None
    images: Path | None = None
    out: Path | None = None
    concurrency: int | None = None


def answer(place: Path, options: AnswerOptions, as_json: bool) -> int:
    """Fill the answers of the records at `place`, and print what came of it. Raises what `sandbox.errors` lists."""
    screen = Screen()
    check_model(options.model, "--model")
    config = engine_config(options.engine)
    begun = Begun(model=options.model, engine=kind_of(options.model, config))
    out = options.out or Path("answers") / folder_name(options.model)
    files = read_records(place, out)
    images = image_folder(place, options.images)
    with progress(screen, as_json, "reading pictures") as told:
        pictures = read_pictures(files.values(), images, told)
    work = work_of(options.model, files, pictures)
    with Journal(out / JOURNAL, begun) as journal:
        before = sum(one.digest in journal.answers for one in work.asked)
        if work.waiting(journal):
            with (
                started_for([work.model], config, gallery_of(pictures), pictures=1) as engines,
                progress(screen, as_json, "answering") as told,
            ):
                asyncio.run(answer_all(work, journal, engines[work.model], options.concurrency, told))
        summary = finished(work, journal, before, out)
    _tell(summary, screen, as_json)
    return INTERRUPTED if summary.interrupted else SOME_FAILED if summary.failed else 0


def _tell(summary: Summary, screen: Screen, as_json: bool) -> None:
    if as_json:
        print_json(summary.model_dump())
        return
    for line in _lines_of(summary):
        screen.print(safe(line), soft_wrap=True)


def _lines_of(summary: Summary) -> Iterator[str]:
    answered = summary.now + summary.earlier
    yield (
        f"{one_line(summary.model)}: {answered} of {summary.records} records answered "
        f"({summary.now} now, {summary.earlier} before), {summary.failed} failed."
    )
    yield from notes(
        {
            "empty answers, which count as missing when they are judged": summary.empty,
            "answers cut off where they were as long as they may be": summary.cut_off,
            "records came with an answer, which was replaced (and its reviews left out)": summary.replaced,
            "prompts that do not fit the model": summary.too_long,
        }
    )
    yield from _failures(summary)
    yield from (f"written: {file}" for file in summary.files)
    if summary.interrupted:
        yield going_on(summary.left)


def _failures(summary: Summary) -> Iterator[str]:
    """Yield why records failed, those of one reason together; numbers of tokens apart."""
    reasons = Counter(re.sub(r"\d+", "…", failure.reason) for failure in summary.failures)
    for reason, count in reasons.most_common():
        alike = [one for one in summary.failures if re.sub(r"\d+", "…", one.reason) == reason]
        yield f"failed, {count}: {alike[0].reason}"
        yield from (f"    {one.file}: {one_line(one.record)}" for one in alike[:MOST_NAMED])
        if count > MOST_NAMED:
            yield f"    … and {count - MOST_NAMED} more, all of them with --json"
