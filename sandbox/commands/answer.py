"""`rolestage answer`: let a model answer MMRole's test records."""

import asyncio
import re
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from agents.player import PERSON
from sandbox.answer import Summary, answer_all, finished, work_of
from sandbox.answer_files import Begun, Journal, Told, image_folder, read_pictures, read_records
from sandbox.engines.openai_address import is_address
from sandbox.errors import INTERRUPTED, SOME_FAILED
from sandbox.gallery import Gallery
from sandbox.launch import engine_config, started_for
from sandbox.models import reference
from sandbox.screen import Screen, print_json, safe
from scenes.clean import one_line, without_surrogates
from scenes.image import Picture
from scenes.problem import refuse

PLAIN_EVERY_S = 5.0
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
    if options.model == PERSON:
        raise refuse("records are answered by models; `rolestage play` is for people.", "--model")
    if without_surrogates(options.model) != options.model:
        raise refuse("the name of the model is not UTF-8; rename its folder.", "--model")
    config = engine_config(options.engine)
    served = is_address(reference(options.model)) and config.kind in ("vllm", "transformers")
    out = options.out or Path("answers") / _folder_name(options.model)
    files = read_records(place, out)
    images = image_folder(place, options.images)
    with _progress(screen, as_json, "reading pictures") as told:
        pictures = read_pictures(files.values(), images, told)
    work = work_of(options.model, files, pictures)
    with Journal(out, Begun(model=options.model, engine="openai" if served else config.kind)) as journal:
        before = sum(one.digest in journal.answers for one in work.asked)
        failed = {}
        if work.waiting(journal):
            with (
                started_for([work.model], config, _gallery(pictures), pictures=1) as engines,
                _progress(screen, as_json, "answering") as told,
            ):
                failed = asyncio.run(answer_all(work, journal, engines[work.model], options.concurrency, told))
        summary = finished(work, journal, before, failed, out)
    _tell(summary, screen, as_json)
    return INTERRUPTED if summary.interrupted else SOME_FAILED if summary.failed else 0


def _folder_name(model: str) -> str:
    """Return the last part of a model's name, as a folder may be called."""
    last = re.split(r"[/#\\]", model.rstrip("/"))[-1]
    return re.sub(r"[^\w.-]+", "-", last).strip(".-") or "model"


def _gallery(pictures: Mapping[str, Picture]) -> Gallery:
    gallery = Gallery()
    for picture in pictures.values():
        gallery.add(picture)
    return gallery


@contextmanager
def _progress(screen: Screen, as_json: bool, what: str) -> Iterator[Told]:
    """Show how far it is: a bar on a terminal, else a line on the error stream now and then."""
    if as_json or not screen.is_terminal:
        yield _lines(what)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=screen, transient=True) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _lines(what: str) -> Told:
    last = time.monotonic()

    def told(done: int, total: int) -> None:
        nonlocal last
        if time.monotonic() - last > PLAIN_EVERY_S:
            last = time.monotonic()
            print(f"{what}: {done} of {total}", file=sys.stderr, flush=True)

    return told


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
    notes = {
        "empty answers, which count as missing when they are judged": summary.empty,
        "answers cut off where they were as long as they may be": summary.cut_off,
        "records came with an answer, which was replaced (and its reviews left out)": summary.replaced,
        "prompts that do not fit the model": summary.too_long,
    }
    yield from (f"{what}: {count}" for what, count in notes.items() if count)
    yield from _failures(summary)
    yield from (f"written: {file}" for file in summary.files)
    if summary.interrupted:
        yield f"Interrupted with {summary.left} left. The same command goes on from there."


def _failures(summary: Summary) -> Iterator[str]:
    """Yield why records failed, those of one reason together; numbers of tokens apart."""
    reasons = Counter(re.sub(r"\d+", "…", failure.reason) for failure in summary.failures)
    for reason, count in reasons.most_common():
        alike = [one for one in summary.failures if re.sub(r"\d+", "…", one.reason) == reason]
        yield f"failed, {count}: {alike[0].reason}"
        yield from (f"    {one.file}: {one_line(one.record)}" for one in alike[:MOST_NAMED])
        if count > MOST_NAMED:
            yield f"    … and {count - MOST_NAMED} more, all of them with --json"
