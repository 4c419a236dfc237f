"""Runs that are judged: scorers of the tests' own, what a run holds of them, and passes that die on the way.

As a program it judges runs and kills itself at chosen commits, as `killing` does while runs are played.
"""

import asyncio
import json
import sqlite3
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from struct import iter_unpack
from typing import Any, ClassVar

from killing import die_at, in_a_child
from playing import Answer

from sandbox.engines.scripted import Scripted
from sandbox.gallery import Gallery
from sandbox.record import Record
from sandbox.run_folder import SCENARIO
from sandbox.score import ScoringPlan, ScoringSummary, ScoringTally, score_run
from sandbox.scoring import Chosen
from sandbox.store import DATABASE
from scenes.chat import Call, Prompt, Request, Segment
from scenes.event import Event
from scenes.loading import load
from scenes.scenario import Scenario
from scorers.base import Case, Score, Scorer

ASKED_TWICE = "asked_twice.txt"
"""Beside the store of a run: requests that were made again though their answers were on record."""


class Lines(Scorer):
    """Counts the lines of each of the cast; who has fewer than `least` gets no verdict."""

    name: ClassVar[str] = "lines"
    least: int = 0

    def score(self, case: Case, call: Call) -> list[Score]:
        names = [profile.name for profile in case.variant.profiles]
        return [self._of(name, [event for event in spoken(case) if event.actor == name]) for name in names]

    def _of(self, name: str, said: Sequence[Event]) -> Score:
        events = tuple(event.index for event in said)
        value = len(said) if len(said) >= self.least else None
        return Score(metric="lines", value=value, reason="too few lines", character=name, events=events)


class Liking(Scorer):
    """Asks the scenario's model of every line how it likes it: as many words as the answer has."""

    name: ClassVar[str] = "liking"

    async def score(self, case: Case, call: Call) -> list[Score]:
        return [await self._of(event, case, call) for event in spoken(case)]

    async def _of(self, event: Event, case: Case, call: Call) -> Score:
        key, prompt = f"e{event.index:02}", Prompt().then(Segment("global", "user", f"Like it? {event.text}"))
        answer = await call(key, Request(case.variant.scenario.model, prompt, seed=case.trajectory.seed))
        return Score(metric="liking", value=len(answer.text.split()), events=(event.index,), calls=(key,))

    def models(self, scenario: Scenario) -> list[str]:
        return [scenario.model]


def spoken(case: Case) -> list[Event]:
    return [event for event in case.trajectory.events if event.kind == "speech"]


def praise(request: Request) -> str:
    """Answer with as many words as the line that is asked of has."""
    return " ".join("good" for _ in request.prompt.segments()[-1].text.split())


class Nobody:
    """Is told how far a pass is, and does nothing with it."""

    def shown(self, tally: ScoringTally) -> None: ...


def judged(folder: Path, *scorers: Scorer | Chosen, answer: Answer = praise, **plan: Any) -> ScoringSummary:
    """Judge the run at `folder`, with scripted answers."""
    source = plan.pop("source", None) or load(folder / SCENARIO)
    chosen = [one if isinstance(one, Chosen) else Chosen(one) for one in scorers]
    engines = {source.scenario.model: Scripted(answer)}
    return asyncio.run(score_run(ScoringPlan(folder, source, chosen, engines, Gallery(), **plan), Nobody()))


def verdicts_of(folder: Path) -> dict[tuple[str, int], tuple[object, ...]]:
    """Return the verdicts that the run holds by scorer and episode, but for when they were given and how fast."""
    with closing(Record(folder)) as record:
        found: dict[tuple[str, int], tuple[object, ...]] = {}
        for scorer in (row.id for row in record.scorers()):
            kinds = {episode: (kind, _sums(*stored)) for episode, kind, *stored in record.sums(scorer)}
            for episode, error in record.judged(scorer).items():
                kind, sums = kinds.get(episode, ("", ()))
                found[scorer, episode] = (error, kind, sums, record.scores(scorer, episode))
        return found


def _sums(groups: str, counts: bytes) -> tuple[tuple[object, ...], ...]:
    return tuple((*group, *three) for group, three in zip(json.loads(groups), iter_unpack("<3d", counts), strict=True))


def judgements_of(folder: Path) -> dict[tuple[int, str], tuple[str, str | None]]:
    """Return the calls of scorers that the run holds: the request's digest and the answer, by episode and key."""
    with closing(sqlite3.connect(folder / DATABASE)) as database:
        rows = database.execute("SELECT episode, key, digest, completion FROM calls WHERE key GLOB 'score/*'")
        return {(episode, key): (digest, completion) for episode, key, digest, completion in rows}


def answered_judgements(folder: Path) -> set[str]:
    """Return the digests of the requests of scorers that the run holds an answer to."""
    return {digest for digest, completion in judgements_of(folder).values() if completion is not None}


def played_rows(folder: Path) -> list[list[tuple[Any, ...]]]:
    """Return every row, to the byte, of what was played."""
    tables = ("meta", "episodes", "events", "images", "calls WHERE NOT key GLOB 'score/*'")
    with closing(sqlite3.connect(folder / DATABASE)) as database:
        return [database.execute(f"SELECT * FROM {table}").fetchall() for table in tables]


def passes_killed(folders: Iterable[Path], lives: Iterable[Sequence[int]]) -> Iterator[Path]:
    """Let both scorers judge each run, killed at the given commits of one life after the other; yield it dead."""
    orders = [(str(folder), list(kills)) for folder, kills in zip(folders, lives, strict=True)]
    command = [sys.executable, __file__]
    done = subprocess.run(command, input=json.dumps(orders), stdout=subprocess.PIPE, text=True, check=True)
    yield from map(Path, done.stdout.splitlines())


def judge_killed(folder: Path, kth: int) -> None:
    """Judge the run at `folder` until this process kills itself at its `kth` commit; a commit holds one batch."""
    known = answered_judgements(folder)

    def answer(request: Request) -> str:
        if request.digest() in known:
            (folder / ASKED_TWICE).write_text(request.digest())
        return praise(request)

    die_at(kth)
    judged(folder, Lines(), Liking(), answer=answer)


if __name__ == "__main__":
    for run, kills in json.loads(sys.stdin.read()):
        for kill in kills:
            in_a_child(judge_killed, Path(run), kill)
        print(run, flush=True)
