"""Reading a run that was played, or is being played: short read-only transactions, every row checked by its hash."""

import json
import shlex
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import Any

from sandbox.errors import StoreDamaged
from sandbox.rows import EpisodeRow, ScorerRow, StoredRequest, loaded, scores_of, segment_of
from sandbox.run_folder import SCENARIO
from sandbox.schema import SESSION, VERSION, hashed
from sandbox.store import DATABASE
from sandbox.tape import JUDGING, Answer, turn_of
from scenes.chat import Completion, Prompt, Request, Segment
from scenes.clean import one_line
from scenes.event import Event
from scenes.problem import refuse
from scenes.sights import PictureFacts
from scenes.trajectory import Status, Trajectory
from scorers.base import Score

_JUDGING = f"key GLOB '{JUDGING}*'"


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

    def close(self) -> None:
        """Let go of the store."""
        self._database.close()

    def _rows(self, query: str, *values: object) -> list[Any]:
        """Return the rows of `query`, which takes all their columns. Raises `StoreDamaged` if a hash does not fit."""
        with _damage(self._path):
            rows = self._database.execute(query, values).fetchall()
        for row in rows:
            if row != hashed(*row[:-1]):
                raise StoreDamaged(
                    f"{self._path}: a row does not match its hash ({one_line(repr(row[:2]))}); "
                    "restore the run from a copy."
                )
        return rows

    def meta(self) -> dict[str, Any]:
        """Return the facts about the run as a whole."""
        rows = self._rows("SELECT * FROM meta")
        return {key: json.loads(value) for key, value, _ in rows if not key.startswith(SESSION)}

    def sessions(self) -> list[dict[str, Any]]:
        """Return the summary of every command that played episodes of the run, in order."""
        return [json.loads(value) for _, value, _ in self._rows(f"SELECT * FROM meta WHERE key GLOB '{SESSION}*'")]

    def states(self) -> list[EpisodeRow]:
        """Return the state of every episode that was begun, in order."""
        return [self._state(row) for row in self._rows("SELECT * FROM episodes ORDER BY id")]

    def state(self, episode: int) -> EpisodeRow | None:
        """Return the state of an episode; None if it was not begun."""
        rows = self._rows("SELECT * FROM episodes WHERE id=?", episode)
        return self._state(rows[0]) if rows else None

    def _state(self, row: tuple[Any, ...]) -> EpisodeRow:
        state = EpisodeRow(*row[:-1])
        if state.parent is not None and not (state.after is not None and state.parent < state.id):
            raise self._lacks(f"what episode {state.id} branches from")
        return state

    def branches(self) -> dict[int, EpisodeRow]:
        """Return the state of every episode that is a branch of another, by number."""
        rows = self._rows("SELECT * FROM episodes WHERE parent IS NOT NULL ORDER BY id")
        return {state.id: state for state in map(self._state, rows)}

    def settled(self, episode: int) -> int:
        """Return the last turn that the record holds of an episode, the opening being turn 0; -1 if it holds none.

        A branch has all that it shares with its parent.
        """
        state = self.state(episode)
        rows = self._rows('SELECT * FROM events WHERE episode=? ORDER BY "index" DESC LIMIT 1', episode)
        last: int = loaded(Event, rows[0][2]).turn if rows else -1
        return last if state is None or state.after is None else max(last, state.after)

    def events(self, episode: int) -> tuple[Event, ...]:
        """Return the events of an episode. Raises `StoreDamaged` if one is missing or changed."""
        state = self.state(episode)  # first: the events may become more
        rows = self._rows('SELECT * FROM events WHERE episode=? ORDER BY "index"', episode)
        expected = max(len(rows), state.events if state else 0)
        if [row[1] for row in rows] != [*range(expected)]:
            raise self._lacks(f"an event of episode {episode}")
        return tuple(loaded(Event, body) for _, _, body, _, _ in rows)

    def check_whole(self) -> None:
        """Raise `StoreDamaged` if an episode lacks events that it had when it was over; they are counted, not read."""
        with _damage(self._path):
            counts = dict(self._database.execute("SELECT episode, COUNT(*) FROM events GROUP BY episode").fetchall())
        for state in self.states():
            if counts.get(state.id, 0) < state.events:
                raise self._lacks(f"an event of episode {state.id}")

    def _lacks(self, what: str) -> StoreDamaged:
        return StoreDamaged(f"{self._path} lacks {what}; restore the run from a copy.")

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
        """Return what is on record for an episode by key; recorded failures only where they are to be kept, or the turn
        is over: it was played on after them.

        A branch has the answers of its parent up to where it leaves it.
        """
        return _answers(self._calls(episode), inf if failures else self.settled(episode))

    def judgements(self, episode: int) -> dict[str, Answer]:
        """Return what models answered to scorers about an episode, by key."""
        return _answers(self._rows(f"SELECT * FROM calls WHERE episode=? AND {_JUDGING}", episode))

    def calls(self, episode: int) -> list[StoredCall]:
        """Return the calls of an episode with their prompts, in the order of their answers; a branch's begin with those
        that it has in common with its parent."""
        return [self._call(row) for row in self._calls(episode)]

    def _calls(self, episode: int) -> list[Any]:
        """Return the rows of the calls. Raises `StoreDamaged` if one is missing that an event came from."""
        events = self.events(episode)  # first: the calls may become more
        rows = self._call_rows(episode)
        missing = {event.call for event in events if event.call} - {row[1] for row in rows}
        if missing:
            raise self._lacks(f"the call {one_line(min(missing))} of episode {episode}")
        return rows

    def _call_rows(self, episode: int) -> list[Any]:
        own = self._rows(f"SELECT * FROM calls WHERE episode=? AND NOT {_JUDGING} ORDER BY time, key", episode)
        state = self.state(episode)
        if state is None or state.parent is None or state.after is None:
            return own
        return [row for row in self._call_rows(state.parent) if turn_of(row[1]) <= state.after] + own

    def _call(self, row: tuple[Any, ...]) -> StoredCall:
        _, key, node, rest, _, completion, error, _, seconds, _ = row
        stored: StoredRequest = loaded(StoredRequest, rest)
        prompt = Prompt().then(*self.segments(node))
        answer = loaded(Completion, completion) if completion is not None else None
        request = Request(stored.model, prompt, stored.sampling, stored.seed, stored.form, stored.answer)
        return StoredCall(key, request, answer, error, seconds)

    def segments(self, node: bytes) -> list[Segment]:
        """Return the segments of the prompt that ends at `node`. Raises `StoreDamaged` if one is missing or changed."""
        found: list[Segment] = []
        while node:
            rows = self._rows("SELECT * FROM prompts WHERE node=?", node)
            if not rows:
                raise self._lacks("a part of a prompt")
            _, node, segment, _ = rows[0]
            found.append(segment_of(segment))
        return found[::-1]

    def replies(self) -> dict[bytes, str]:
        """Return what was said in play by the id of the prompt; where one was asked twice, the first answer."""
        rows = self._rows(f"SELECT * FROM calls WHERE completion IS NOT NULL AND NOT {_JUDGING} ORDER BY episode, key")
        found: dict[bytes, str] = {}
        for _, _, node, _, _, completion, *_ in rows:
            found.setdefault(node, loaded(Completion, completion).text)
        return found

    def scorers(self) -> list[ScorerRow]:
        """Return the scorers that the run was given, by identity."""
        return [ScorerRow(*row[:-1]) for row in self._rows("SELECT * FROM scorers ORDER BY id")]

    def judged(self, scorer: str) -> dict[int, str | None]:
        """Return the episodes of which the scorer with this identity has a verdict; why it could say nothing."""
        rows = self._rows("SELECT * FROM verdicts WHERE scorer=? ORDER BY episode", scorer)
        return {row[1]: row[2] for row in rows}

    def sums(self, scorer: str) -> Iterator[tuple[int, str, str, bytes]]:
        """Yield of each episode that a scorer judged its number, the scenario's kind, and the sums of its scores.

        The last two are as they are stored, `groups` and `counts`: of a large run there are very many.
        """
        query = "SELECT * FROM verdicts WHERE scorer=? AND error IS NULL ORDER BY episode"
        for _, episode, _, kind, groups, counts, *_ in self._rows(query, scorer):
            yield episode, kind, groups, counts

    def failures(self, scorer: str) -> int:
        """Return of how many episodes a scorer could say nothing."""
        return len(self._rows("SELECT * FROM verdicts WHERE scorer=? AND error IS NOT NULL", scorer))

    def begun(self) -> Iterator[tuple[int, str, str, int, Status]]:
        """Yield the number, the variant, its varied values (JSON), the seed and the status of every episode, in order.

        These are as they are stored: of a large run there are very many.
        """
        for episode, _, variant, values, seed, status, *_ in self._rows("SELECT * FROM episodes ORDER BY id"):
            yield episode, variant, values, seed, status

    def scores(self, scorer: str, episode: int) -> tuple[Score, ...]:
        """Return the single scores that a scorer gave an episode; none where it has not judged it."""
        rows = self._rows("SELECT * FROM scores WHERE scorer=? AND episode=?", scorer, episode)
        return scores_of(rows[0][2]) if rows else ()

    def pictures(self, episode: int) -> list[StoredPicture]:
        """Return the pictures of an episode, by name."""
        rows = self._rows("SELECT * FROM images WHERE episode=? ORDER BY name, id", episode)
        return [
            StoredPicture(image, name, width, height, loaded(PictureFacts, facts))
            for image, name, width, height, facts, _, _ in rows
        ]


def _answers(rows: Iterable[Any], failures_to: float = -1) -> dict[str, Answer]:
    """Return the answers in `rows` by key, and up to the turn `failures_to` also what failed."""
    found = {}
    for _, key, node, _, digest, completion, error, *_ in rows:
        if completion is not None or turn_of(key) <= failures_to:
            answer = loaded(Completion, completion) if completion is not None else None
            found[key] = Answer(digest, node, answer, error)
    return found


@contextmanager
def _damage(path: Path) -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, UnicodeError) as error:  # what is quoted in a message of SQLite may be damaged too
        raise StoreDamaged(
            f"{path} cannot be read ({one_line(str(error))}); copy the run with its -wal file, or restore it."
        ) from None


def _connect(path: Path) -> sqlite3.Connection:
    """Open read-only; where not even the journal's index may be made beside it, as the file stands."""
    try:
        return _opened(path, "mode=ro")
    except sqlite3.OperationalError:
        journal = Path(f"{path}-wal")
        if journal.exists() and journal.stat().st_size:
            raise
        return _opened(path, "immutable=1")


def _opened(path: Path, mode: str) -> sqlite3.Connection:
    database = sqlite3.connect(f"{path.absolute().as_uri()}?{mode}", uri=True, isolation_level=None)
    try:
        _check_version(path, database.execute("PRAGMA user_version").fetchone()[0])
    except (sqlite3.Error, UnicodeError, StoreDamaged):
        database.close()
        raise
    return database


def _check_version(path: Path, version: int) -> None:
    if version == 0:
        raise StoreDamaged(
            f"{path} holds no run: it was copied without its -wal file, or ended before its first turn; "
            "copy the whole folder, or play its scenario again."
        )
    if version < VERSION:
        raise StoreDamaged(
            f"{path} has schema {version}, of an earlier version, and this program reads {VERSION}; read it with the "
            f"version that wrote it, or play it anew: rolestage run {shlex.quote(str(path.parent / SCENARIO))}"
        )
    if version > VERSION:
        raise StoreDamaged(f"{path} has schema {version} and this program reads {VERSION}; use the one that wrote it.")
