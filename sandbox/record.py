"""Reading a run that was played, or is being played: short read-only transactions, every row checked by its hash."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox.errors import StoreDamaged
from sandbox.rows import EpisodeRow, StoredRequest, loaded, segment_of
from sandbox.schema import VERSION, row_hash
from sandbox.store import DATABASE
from sandbox.tape import Answer
from scenes.chat import Completion, Prompt, Request, Segment
from scenes.event import Event
from scenes.problem import refuse
from scenes.sights import PictureFacts
from scenes.trajectory import Trajectory


@dataclass(frozen=True)
class StoredPicture:
    """A picture of an episode."""

    id: str
    name: str
    width: int
    height: int
    facts: PictureFacts


@dataclass(frozen=True)
class StoredCall:
    """A call as it was made."""

    key: str
    request: Request
    completion: Completion | None
    error: str | None
    seconds: float


@contextmanager
def _damage(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise StoreDamaged(
            f"{path} cannot be read ({error}); copy the run with its -wal file, or restore it."
        ) from None


class Record:
    """A run's store, read only."""

    def __init__(self, folder: Path) -> None:
        """Open the store in `folder`. Raises `InputRefused` if there is none and `StoreDamaged` if it is unusable."""
        self.folder = folder
        self._path = folder / DATABASE
        if not self._path.is_file():
            raise refuse(f"this is no run: it has no {DATABASE}; see `rolestage list`.", str(folder))
        with _damage(self._path):
            self._database = _connect(self._path)
            version = self._database.execute("PRAGMA user_version").fetchone()[0]
        if version != VERSION:
            raise StoreDamaged(f"{self._path} has schema {version} and this program reads {VERSION}.")

    def close(self) -> None:
        """Let go of the store."""
        self._database.close()

    def _rows(self, query: str, *values: object) -> list[Any]:
        with _damage(self._path):
            return self._database.execute(query, values).fetchall()

    def meta(self) -> dict[str, Any]:
        """Return the facts about the run as a whole."""
        return {key: json.loads(value) for key, value in self._rows("SELECT key, value FROM meta")}

    def states(self) -> list[EpisodeRow]:
        """Return the state of every episode that was begun, in order."""
        rows = self._rows("SELECT * FROM episodes ORDER BY id")
        return [EpisodeRow(*self._checked(row, row[:7])[:9]) for row in rows]

    def _checked(self, row: tuple[Any, ...], stable: tuple[Any, ...]) -> tuple[Any, ...]:
        if row[-1] != row_hash(*stable):
            raise StoreDamaged(
                f"{self._path}: a row does not match its hash ({row[:2]!r}); restore the run from a copy."
            )
        return row

    def events(self, episode: int) -> tuple[Event, ...]:
        """Return the events of an episode."""
        rows = self._rows('SELECT episode, "index", body, hash FROM events WHERE episode=? ORDER BY "index"', episode)
        return tuple(loaded(Event, self._checked(row, row[:3])[2]) for row in rows)

    def trajectory(self, state: EpisodeRow) -> Trajectory:
        """Return the trajectory of an episode."""
        return Trajectory(
            episode=state.id,
            variant=state.variant_id,
            values=json.loads(state.values),
            seed=state.seed,
            status=state.status,
            error=state.error,
            events=self.events(state.id),
        )

    def answers(self, episode: int, failures: bool = False) -> dict[str, Answer]:
        """Return what is on record for an episode by key; recorded failures only where they are to be kept."""
        query = "SELECT episode, key, node, request, digest, completion, error, hash FROM calls WHERE episode=?"
        found = {}
        for row in self._rows(query, episode):
            _, key, node, _, digest, completion, error, _ = self._checked(row, row[:7])
            if completion is not None or failures:
                answer = loaded(Completion, completion) if completion is not None else None
                found[key] = Answer(digest, node, answer, error)
        return found

    def calls(self, episode: int) -> list[StoredCall]:
        """Return the calls of an episode with their prompts, in the order of their answers."""
        query = """SELECT episode, key, node, request, digest, completion, error, seconds, hash
            FROM calls WHERE episode=? ORDER BY time, key"""
        return [self._call(self._checked(row, row[:7])) for row in self._rows(query, episode)]

    def _call(self, row: tuple[Any, ...]) -> StoredCall:
        _, key, node, rest, _, completion, error, seconds, _ = row
        stored: StoredRequest = loaded(StoredRequest, rest)
        prompt = Prompt().then(*self.segments(node))
        answer = loaded(Completion, completion) if completion is not None else None
        return StoredCall(key, Request(stored.model, prompt, stored.sampling, stored.seed), answer, error, seconds)

    def segments(self, node: bytes) -> list[Segment]:
        """Return the segments of the prompt that ends at `node`. Raises `StoreDamaged` if one is missing or changed."""
        found: list[Segment] = []
        while node:
            rows = self._rows("SELECT parent, segment FROM prompts WHERE node=?", node)
            if not rows or segment_of(rows[0][1]).digest(rows[0][0]) != node:
                raise StoreDamaged(f"{self._path}: a prompt does not match its hash; restore the run from a copy.")
            found.append(segment_of(rows[0][1]))
            node = rows[0][0]
        return found[::-1]

    def pictures(self, episode: int) -> list[StoredPicture]:
        """Return the pictures of an episode, by name."""
        query = "SELECT id, name, width, height, facts, episode, hash FROM images WHERE episode=? ORDER BY name, id"
        rows = [self._checked(row, row[:6]) for row in self._rows(query, episode)]
        return [StoredPicture(row[0], row[1], row[2], row[3], loaded(PictureFacts, row[4])) for row in rows]


def _connect(path: Path) -> sqlite3.Connection:
    """Open read-only; where not even the journal's index may be made beside it, as the file stands."""
    for mode in ("mode=ro", "immutable=1"):
        database = sqlite3.connect(f"{path.absolute().as_uri()}?{mode}", uri=True, isolation_level=None)
        try:
            database.execute("SELECT count(*) FROM sqlite_master").fetchone()
            return database
        except sqlite3.OperationalError:
            database.close()
            if mode == "immutable=1":
                raise
    raise AssertionError("unreachable: the loop returns or raises")
