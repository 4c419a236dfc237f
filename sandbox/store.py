"""The one writer of a run's store: what is put goes into a queue, and a thread commits all that waits together."""

import asyncio
import fcntl
import json
import os
import queue
import shutil
import socket
import sqlite3
import threading
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from sandbox.errors import RunLocked, StoreDamaged, StoreFailed
from sandbox.rows import Batch, rows_of
from sandbox.schema import PUT_META, SCHEMA, VERSION, Row, hashed

DATABASE = "run.db"
LOCK = "run.lock"
MOST_AT_ONCE = 512
"""Batches in one commit; a commit costs one flush of the disk, however many turns are in it."""
MOST_ROWS = 500
"""Rows in one statement; each gives up the interpreter's lock, and may wait long for it while much is computed."""
FAR_BEHIND = 4096
"""Batches that may wait; while more do, no episode is begun."""

Rows = Mapping[str, Sequence[Row]]


def lock_run(folder: Path) -> IO[bytes]:
    """Take the run for this process; the lock goes when the file is closed or the process dies.

    Raises `RunLocked` and `StoreFailed`.
    """
    path = folder / LOCK
    try:
        with ExitStack() as unless_locked:
            file = unless_locked.enter_context(open(path, "a+b", buffering=0))
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            holder = f"pid {os.getpid()} on {socket.gethostname()} since {datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC"
            file.truncate(0)
            file.write(holder.encode())
            unless_locked.pop_all()
    except BlockingIOError:
        holder = path.read_text("utf-8") or "another process"
        raise RunLocked(f"{folder} is being written by {holder}; wait for it or stop it.") from None
    except OSError as error:
        raise unwritable(path, error) from None
    return file


def unwritable(path: Path, error: Exception) -> StoreFailed:
    """Return the error that ends a run because `path`, in its folder, cannot be written."""
    reason = error.strerror if isinstance(error, OSError) else error
    room = ""
    with suppress(OSError):
        room = f"; {shutil.disk_usage(path.parent).free / 1e6:.0f} MB free"
    return StoreFailed(
        f"{path} cannot be written ({reason}{room}); what was shown is safe: mend the disk or make room, then resume."
    )


def open_database(path: Path, facts: Mapping[str, object]) -> sqlite3.Connection:
    """Return the writing connection to the store at `path`; a new one gets its tables, and `facts` about the run.

    Raises `StoreDamaged` and `StoreFailed`.
    """
    database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    try:
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("PRAGMA synchronous=FULL")
        database.execute("PRAGMA journal_size_limit=67108864")
        if not database.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            database.executescript(f"BEGIN IMMEDIATE; {SCHEMA} PRAGMA user_version={VERSION};")
            _insert(database, PUT_META, [hashed(key, json.dumps(value)) for key, value in facts.items()])
            database.execute("COMMIT")
    except sqlite3.DatabaseError as error:
        database.close()
        if isinstance(error, sqlite3.OperationalError):
            raise unwritable(path, error) from None
        raise StoreDamaged(f"{path} is no store that can be written ({error}); restore it from a copy.") from None
    return database


def _insert(database: sqlite3.Connection, statement: str, rows: Sequence[Row]) -> None:
    for start in range(0, len(rows), MOST_ROWS):
        some = rows[start : start + MOST_ROWS]
        places = ", ".join(f"({', '.join('?' * len(row))})" for row in some)
        database.execute(f"{statement} VALUES {places}", [value for row in some for value in row])


class Store:
    """A run's store while it is written. Every method belongs to the event loop; while it plays, SQLite to the thread.

    What is put is safe once `committed` has yielded it, or `finish` has returned.
    """

    def __init__(self, folder: Path, facts: Mapping[str, object] | None = None) -> None:
        """Open the store in `folder`, or make it, with `facts` about the run as a whole.

        Raises `RunLocked`, `StoreDamaged` and `StoreFailed`.
        """
        self._lock = lock_run(folder)
        self._path = folder / DATABASE
        try:
            self._database = open_database(self._path, facts or {})
        except (StoreDamaged, StoreFailed):
            self._lock.close()
            raise
        self._loop = asyncio.get_running_loop()
        self._waiting: queue.SimpleQueue[tuple[Batch, Rows] | None] = queue.SimpleQueue()
        self._safe: asyncio.Queue[Sequence[Batch]] = asyncio.Queue()
        self._failure: StoreFailed | None = None
        self._put = self._written = 0
        self._thread = threading.Thread(target=self._write, name="store", daemon=True)
        self._thread.start()

    def put(self, batch: Batch) -> None:
        """Give a batch to the writer and go on. Raises `StoreFailed` if an earlier one could not be written."""
        if self._failure:
            raise self._failure
        self._put += 1
        self._waiting.put((batch, rows_of(batch)))

    async def caught_up(self) -> None:
        """Wait while the writer is far behind: what waits is held in memory."""
        while self._waiting.qsize() > FAR_BEHIND:
            await asyncio.sleep(0.01)

    async def safe(self) -> None:
        """Wait until all that has been put so far can be read."""
        until = self._put
        while self._written < until and self._failure is None:
            await asyncio.sleep(0.01)

    async def committed(self) -> AsyncIterator[Sequence[Batch]]:
        """Yield what is safe, in the order in which it was put, until the store is finished."""
        while batches := await self._safe.get():
            yield batches

    async def finish(self) -> None:
        """Write all that waits. Raises `StoreFailed` if not everything that was put is safe."""
        self._waiting.put(None)
        await asyncio.to_thread(self._thread.join)
        if self._failure:
            raise self._failure

    def note(self, key: str, fact: object) -> None:
        """Keep a fact about the run as a whole once the store is finished; one that cannot be kept is let go."""
        with suppress(sqlite3.Error):  # the disk is full, say, of which whoever plays hears otherwise
            _insert(self._database, PUT_META, [hashed(key, json.dumps(fact))])

    def close(self) -> None:
        """Fold the journal into the store and let go of the run."""
        self._waiting.put(None)
        self._thread.join()
        with suppress(sqlite3.Error):  # the journal is then kept as it is, and read from there
            self._database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self._database.close()
        self._lock.close()

    def _write(self) -> None:
        going = True
        while going:
            taken = self._take()
            going = taken[-1] is not None
            waiting = [item for item in taken if item is not None]
            if waiting and self._failure is None:
                self._try_commit(waiting)
        self._loop.call_soon_threadsafe(self._safe.put_nowait, ())

    def _take(self) -> list[tuple[Batch, Rows] | None]:
        """Return what waits, and wait if nothing does; None comes last."""
        taken = [self._waiting.get()]
        while taken[-1] is not None and len(taken) < MOST_AT_ONCE and not self._waiting.empty():
            taken.append(self._waiting.get())
        return taken

    def _try_commit(self, waiting: Sequence[tuple[Batch, Rows]]) -> None:
        try:
            self._commit([rows for _, rows in waiting])
        except Exception as error:  # whatever ends the writing, those who wait for it must hear of it
            self._failure = unwritable(self._path, error)
            with suppress(sqlite3.Error):  # SQLite has ended the transaction by itself
                self._database.execute("ROLLBACK")
        else:
            self._written += len(waiting)
            self._loop.call_soon_threadsafe(self._safe.put_nowait, [batch for batch, _ in waiting])

    def _commit(self, written: Sequence[Rows]) -> None:
        self._database.execute("BEGIN IMMEDIATE")
        for statement in written[0]:
            _insert(self._database, statement, [row for rows in written for row in rows[statement]])
        self._database.execute("COMMIT")


def now() -> float:
    """Return the time that rows are marked with; nothing in play depends on it."""
    return time.time()
