"""Answering made-up records with a scripted engine. As a program it does so and kills itself, life after life."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from itertools import count
from pathlib import Path

from killing import in_a_child

import sandbox.answer_files
from sandbox.answer import Summary, answer_all, finished, work_of
from sandbox.answer_files import JOURNAL, read_pictures, read_records
from sandbox.engines.scripted import Scripted
from sandbox.journal import Begun, Entry, Journal
from scenes.chat import Request

Answer = Callable[[Request], str | Awaitable[str]]
LOG = "asked.log"


def filled(
    place: Path, out: Path, answer: Answer, concurrency: int | None = None, context: int | None = None
) -> Summary:
    """Answer the records at `place`, whose pictures are in `images` beside them; the engine has words for tokens."""
    files = read_records(place, out)
    work = work_of("scripted", files, read_pictures(files.values(), place.parent / "images", lambda done, of: None))
    with Journal(out / JOURNAL, Begun(model="scripted", engine="scripted")) as journal:
        before = sum(one.digest in journal.answers for one in work.asked)
        engine = Scripted(answer, context)
        asyncio.run(answer_all(work, journal, engine, concurrency, lambda done, of: None))
        return finished(work, journal, before, out)


def question(request: Request) -> str:
    """Return the text that a model is asked with."""
    return request.prompt.segments()[-1].text


def echo(request: Request) -> str:
    """Answer with what depends on the request alone."""
    return f"{question(request)} Seed {request.seed}."


def stored(out: Path) -> set[str]:
    """Return the digests of all requests that have an answer in whole lines of the journal."""
    journal = out / JOURNAL
    lines = journal.read_bytes().split(b"\n")[:-1] if journal.exists() else []
    entries = [json.loads(line) for line in lines]
    return {entry["digest"] for entry in entries if entry["kind"] == "answered"}


def die_at(kth: int) -> None:
    """Let this process kill itself at the `kth` thing it writes: before that, within it, or right after."""
    add, write, things = Journal.add, sandbox.answer_files.write_whole, count(1)

    def added(journal: Journal, entry: Entry) -> None:
        last = next(things) == kth
        if last and kth % 3:
            os.write(journal._file, entry.model_dump_json().encode()[: 20 * (kth % 3 - 1)])
            os.kill(os.getpid(), signal.SIGKILL)
        add(journal, entry)
        if last:
            os.kill(os.getpid(), signal.SIGKILL)

    def written(target: Path, content: bytes) -> None:
        if next(things) == kth:
            os.kill(os.getpid(), signal.SIGKILL)
        write(target, content)

    Journal.add = added  # type: ignore[method-assign]
    sandbox.answer_files.write_whole = written  # type: ignore[attr-defined]


def live(place: Path, out: Path, kth: int) -> None:
    """Answer until the `kth` thing is written, noting what is asked and whether an answer to it was stored."""
    known, log = stored(out), os.open(out.parent / LOG, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    async def answer(request: Request) -> str:
        await asyncio.sleep(0)
        os.write(log, f"{'again' if request.digest() in known else 'new'} {request.digest()}\n".encode())
        return echo(request)

    die_at(kth)
    filled(place, out, answer, concurrency=3)


if __name__ == "__main__":
    records, folder, *kills = sys.argv[1:]
    for kill in kills:
        in_a_child(live, Path(records), Path(folder), int(kill))
