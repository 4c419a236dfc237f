"""Runs whose process dies, and what is left of them. As a program it plays runs and kills them at chosen commits.

One process forks a child for every life of a run: it imports the project once, and so kills hundreds in seconds.
"""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import count
from math import inf
from pathlib import Path
from shutil import copytree, rmtree
from tempfile import mkdtemp
from typing import Any

from playing import carried_out, last_words, new_run, written

import sandbox.store
from sandbox.display import JsonLines
from sandbox.purpose import is_of_interview
from sandbox.record import Record
from sandbox.rows import Batch
from sandbox.store import DATABASE, Rows, Store
from sandbox.tally import Summary, Tally
from sandbox.tape import turn_of
from scenes.chat import Request
from scenes.loading import Source, load

SHOWN = "shown.jsonl"
"""What a run's display wrote before its process died, beside its store."""
NOBODY = 65534
STATEMENTS = 7
"""One more than a commit has at most, so that one in seven deaths comes right after it."""


def begun(tmp_path: Path, **changes: object) -> Path:
    """Return a run of which nothing was played."""
    return new_run(load(written(tmp_path / "scenario", **changes)), tmp_path)


class Shown:
    """A display that keeps every event it is told of."""

    def __init__(self) -> None:
        self.events: list[tuple[int, dict[str, Any]]] = []

    def begin(self, folder: Path, source: Source, tally: Tally) -> None: ...

    def committed(self, batches: Sequence[Batch]) -> None:
        self.events += [(batch.episode, event.model_dump(mode="json")) for batch in batches for event in batch.events]

    def end(self, summary: Summary) -> None: ...


def shown(lines: Iterable[str]) -> list[tuple[int, dict[str, Any]]]:
    """Return the events that a display showed as JSON lines, each with its episode."""
    objects = [json.loads(line) for line in lines]
    events = [fields for fields in objects if fields.pop("type") == "event"]
    return [(fields.pop("episode"), fields) for fields in events]


def lost(events: Iterable[tuple[int, dict[str, Any]]], folder: Path) -> list[tuple[int, dict[str, Any]]]:
    """Return those of the `events` that were shown which are not in the store of the run."""
    with closing(Record(folder)) as record:
        stored = {
            state.id: [event.model_dump(mode="json") for event in record.events(state.id)] for state in record.states()
        }
    return [(episode, event) for episode, event in events if event not in stored.get(episode, [])]


def contents(folder: Path) -> list[tuple[object, ...]]:
    """Return all that a run holds but for when it was: trajectories, pictures, and the calls of every episode."""
    with closing(Record(folder)) as record:
        return [
            (
                record.trajectory(state).model_dump_json(),
                record.pictures(state.id),
                record.answers(state.id, failures=True),
            )
            for state in record.states()
        ]


def torn(folder: Path) -> set[str]:
    """Return the calls of the run whose turn is not stored; there are none where every batch is stored all or none."""
    with closing(Record(folder)) as record:
        return {
            f"{episode}/{key}"
            for episode, keys in own_calls(folder).items()
            for key in keys
            if turn_of(key) > _over(record, episode)
        }


def own_calls(folder: Path) -> dict[int, list[str]]:
    """Return the keys of the calls that were made for each episode, without those that a branch has of its parent."""
    with closing(sqlite3.connect(folder / DATABASE)) as database:
        rows = database.execute("SELECT episode, key FROM calls ORDER BY time, key").fetchall()
    keys: dict[int, list[str]] = {}
    for episode, key in rows:
        keys.setdefault(episode, []).append(key)
    return keys


def _over(record: Record, episode: int) -> float:
    """Return the last turn of an episode that is stored; its interview comes after all."""
    return inf if any(map(is_of_interview, record.events(episode))) else record.settled(episode)


def answered(folder: Path) -> set[str]:
    """Return the digests of the requests that the run holds an answer to."""
    with closing(Record(folder)) as record:
        return {answer.digest for state in record.states() for answer in record.answers(state.id).values()}


def killed(folders: Iterable[Path], lives: Iterable[Sequence[int]], concurrency: int = 8) -> Iterator[Path]:
    """Play each run, killed at the given commits of one life after the other; yield it when it is dead."""
    orders = [(str(folder), list(kills), concurrency) for folder, kills in zip(folders, lives, strict=True)]
    with subprocess.Popen([sys.executable, __file__], stdin=-1, stdout=-1, text=True) as killer:
        assert killer.stdin is not None
        assert killer.stdout is not None
        killer.stdin.write(json.dumps(orders) + "\n")
        killer.stdin.flush()
        for line in killer.stdout:
            yield Path(line.rstrip("\n"))
    assert killer.returncode == 0


def copies(template: Path, number: int, tmp_path: Path) -> list[Path]:
    """Return so many copies of the run."""
    return [copytree(template, tmp_path / str(at)) for at in range(number)]


@dataclass(frozen=True)
class Unbroken:
    """What a run holds when it is played in one go."""

    contents: list[tuple[object, ...]]
    answered: set[str]


def unbroken_run(template: Path) -> Unbroken:
    """Play a copy of the run in one go, beside it, and return what it holds."""
    folder = copytree(template, template.parent / "unbroken")
    carried_out(folder)
    return Unbroken(contents(folder), answered(folder))


def resumed(folder: Path) -> set[str]:
    """Play the run on and return the digests of the requests that were made for it."""
    asked = []

    def answer(request: Request) -> str:
        asked.append(request.digest())
        return last_words(request)

    carried_out(folder, answer)
    assert len(asked) == len({*asked})
    return {*asked}


def assert_nothing_is_lost(folder: Path, unbroken: Unbroken) -> int:
    """Check that all a killed run showed is stored, and that it is completed without asking anything again.

    Return how many events it showed.
    """
    with open(folder / SHOWN, encoding="utf-8") as file:
        events = shown(file)
    assert lost(events, folder) == []
    assert torn(folder) == set()
    known = answered(folder)
    asked = resumed(folder)
    assert asked & known == set()
    assert asked | known == unbroken.answered
    assert contents(folder) == unbroken.contents
    return len(events)


@contextmanager
def read_only(folder: Path) -> Iterator[Path]:
    """Give a copy of the run in which nobody may write; not even the superuser, whose rights are laid down for it."""
    place = Path(mkdtemp())
    run = Path(copytree(folder, place / folder.name))
    user = os.geteuid()
    place.chmod(0o755)
    run.chmod(0o555)
    try:
        if user == 0:
            os.seteuid(NOBODY)
        yield run
    finally:
        if user == 0:
            os.seteuid(user)
        run.chmod(0o755)
        rmtree(place)


def in_a_child(play: Callable[..., None], *arguments: object) -> None:
    """Let a child of this process play, and die of it or come to the end."""
    child = os.fork()
    if child:
        _, status = os.waitpid(child, 0)
        assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0, f"a life ended with {status}"
        return
    try:
        play(*arguments)
        os._exit(0)
    finally:
        os._exit(1)


def play_killed(folder: Path, kth: int, concurrency: int) -> None:
    """Play the run at `folder`, until this process kills itself at its `kth` commit; a commit holds one batch."""
    die_at(kth)
    with open(folder / SHOWN, "a", encoding="utf-8") as sys.stdout:
        carried_out(folder, concurrency=concurrency, display=JsonLines())


def die_at(kth: int) -> None:
    """Let this process kill itself at its `kth` commit: before one of its statements, or else right after the last."""
    commit, commits = Store._commit, count(1)

    def counted(store: Store, written: Sequence[Rows]) -> None:
        last = next(commits) == kth
        if last:
            die_at_statement(store._database, 1 + kth % STATEMENTS)
        commit(store, written)
        if last:
            die()

    Store._commit = counted  # type: ignore[method-assign]
    sandbox.store.MOST_AT_ONCE = 1


def die_at_statement(database: sqlite3.Connection, kth: int) -> None:
    """Let this process kill itself before the `kth` statement from now on."""
    statements = count(1)
    database.set_trace_callback(lambda _: die() if next(statements) == kth else None)


def make_killed(folder: Path, kth: int) -> None:
    """Play the run at `folder`, until this process kills itself before the `kth` statement of its store."""
    connect = sqlite3.connect

    def dying(*args: Any, **kwargs: Any) -> sqlite3.Connection:
        database = connect(*args, **kwargs)
        die_at_statement(database, kth)
        return database

    sqlite3.connect = dying
    carried_out(folder)


def die() -> None:
    """End this process, whatever it is at; but first give its display the time to show what it should not have yet."""
    time.sleep(0.002)
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    for nth, made in enumerate(sys.argv[1:], 1):
        in_a_child(make_killed, Path(made), nth)
    for run, lives, at_once in json.loads(sys.stdin.readline() or "[]"):
        for kill in lives:
            in_a_child(play_killed, Path(run), kill, at_once)
        print(run, flush=True)
