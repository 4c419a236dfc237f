"""Judging made-up records with a scripted judge. As a program it does so and kills itself, life after life."""

import asyncio
import json
import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from answering import LOG, die_at
from killing import in_a_child
from made_records import Json, answered, pictures_for, record, written_records

from sandbox.answer_files import given_files, read_all, read_pictures
from sandbox.engines.scripted import Scripted
from sandbox.journal import Begun, Journal
from sandbox.judge_records import Summary, Work, finished, found, judge_all, work_of
from sandbox.judge_sources import VERDICTS as JOURNAL
from sandbox.record_places import places_of
from scenes.chat import Request
from scorers.mmrole.metrics import METRICS
from scorers.mmrole.scorer import MMRole

Says = Callable[[Request], str | Awaitable[str]]
ROLES = ("Brack", "Pip", "Vale", "Moss")


def answered_records(folder: Path, each: int = 4, **changes: Any) -> Path:
    """Write six files of answered records, `each` of as many characters, with their pictures; return their folder."""
    for at, split in enumerate(("in-distribution", "out-of-distribution")):
        for nth, kind in enumerate(("comment", "human-role", "inter-role")):
            made = [one(kind, 100 * at + 10 * nth + who, **changes) for who in range(each)]
            written_records(folder / "answers" / split / f"{kind}_test.json", made)
            pictures_for(folder / "images", made)
    return folder / "answers"


def one(kind: str, nth: int, **changes: Any) -> Json:
    role = ROLES[nth % 10 % len(ROLES)]
    made = record(nth, id=f"{role}_{kind}_{nth}", role=role, **changes)
    return answered(made, f"Answer {nth}: a boat.")


def judged(place: Path, out: Path, says: Says | Scripted, model: str = "tiny", **options: Any) -> Summary:
    """Judge the records at `place`, whose pictures are in `images` beside them, answers of `model`."""
    engine = says if isinstance(says, Scripted) else Scripted(says)
    scorer = MMRole(reference="truth", **options)
    paths = places_of(given_files(place, JOURNAL), place, model)
    files = dict(zip(paths, read_all(paths.values()), strict=True))
    work = work_of(
        "judge", scorer, files, read_pictures(files.values(), place.parent / "images", lambda done, of: None)
    )
    summary = Summary(out=str(out), judge="judge", scorer="mmrole@1", form=scorer.form)
    with Journal(out / JOURNAL, Begun(model="judge", engine="scripted", scorer="mmrole@1")) as journal:
        return asyncio.run(_judged(work, journal, engine, summary))


async def _judged(work: Work, journal: Journal, engine: Scripted, summary: Summary) -> Summary:
    before = await found(work, journal)
    if before.waiting:
        await judge_all(work, before.waiting, journal, engine, lambda done, of: None)
    return finished(work, journal, before, await found(work, journal), summary)


def shown(request: Request) -> str:
    """Return all that a judge is shown and asked."""
    return "\n".join(segment.text for segment in request.prompt.segments())


def asked_about(request: Request) -> str:
    """Return the English name of the metric that a judge is asked about."""
    text = shown(request)
    return max((aspect.name for aspect in METRICS), key=lambda name: text.rfind(f"**{name}**"))


def eight_of_ten(request: Request) -> str:
    return f"On {asked_about(request)}: A is good. [Scores]: (8, 10)"


def stored(out: Path) -> set[str]:
    """Return the digests of all requests that have an answer in whole lines of the journal."""
    journal = out / JOURNAL
    lines = journal.read_bytes().split(b"\n")[:-1] if journal.exists() else []
    return {entry["digest"] for entry in map(json.loads, lines) if entry["kind"] == "answered"}


def live(place: Path, out: Path, kth: int) -> None:
    """Judge until the `kth` thing is written, noting what is asked and whether an answer to it was stored."""
    known, log = stored(out), os.open(out.parent / LOG, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    async def says(request: Request) -> str:
        await asyncio.sleep(0)
        os.write(log, f"{'again' if request.digest() in known else 'new'} {request.digest()}\n".encode())
        return eight_of_ten(request)

    die_at(kth)
    judged(place, out, says)


if __name__ == "__main__":
    records, folder, *kills = sys.argv[1:]
    for kill in kills:
        in_a_child(live, Path(records), Path(folder), int(kill))
