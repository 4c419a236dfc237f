"""The one writer of a run's store: batches go in at once, a thread commits them together and says so."""

import asyncio
import fcntl
import json
import os
import queue
import socket
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from sandbox.errors import RunLocked, StoreDamaged, StoreFailed
from sandbox.rows import Batch, call_rows, episode_row, event_rows, image_rows, node_rows
from sandbox.schema import PUT_CALL, PUT_EPISODE, PUT_EVENT, PUT_IMAGE, PUT_NODE, SCHEMA, VERSION

DATABASE = "run.db"
LOCK = "run.lock"
MOST_AT_ONCE = 512
"""Batches in one commit; a commit costs one flush of the disk, however many turns are in it."""

Committed = Callable[[Sequence[Batch]], None]


def lock_run(folder: Path) -> IO[str]:
    """Take the run for this process; the lock goes when the file is closed or the process dies. Raises `RunLocked`."""
    file = open(folder / LOCK, "a+", encoding="utf-8")  # noqa: SIM115 - held open on purpose
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.seek(0)
        holder = file.read().strip() or "another process"
        file.close()
        raise RunLocked(f"{folder} is being written by {holder}; wait for it or stop it.") from None
    file.truncate(0)
    file.write(f"pid {os.getpid()} on {socket.gethostname()} since {datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC")
    file.flush()
    return file


def open_database(path: Path) -> sqlite3.Connection:
    """Return the writing connection to the store at `path`; a new one gets its tables. Raises `StoreDamaged`."""
    database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    try:
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("PRAGMA synchronous=FULL")
        database.execute("PRAGMA journal_size_limit=67108864")
        if not database.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            database.executescript(f"BEGIN; {SCHEMA} PRAGMA user_version={VERSION}; COMMIT;")
    except sqlite3.DatabaseError as error:
        database.close()
        raise StoreDamaged(f"{path} is no store that can be written ({error}); restore it from a copy.") from None
    return database


class Store:
    """A run's store while it is written. Every method belongs to the event loop; only the thread touches SQLite."""

    def __init__(self, folder: Path, committed: Committed = lambda batches: None) -> None:
        """Open the store in `folder`; `committed` is told of batches once they are safe.

        Raises `RunLocked` and `StoreDamaged`.
        """
        self.folder = folder
        self._committed = committed
        self._lock = lock_run(folder)
        self._database = open_database(folder / DATABASE)
        self._loop = asyncio.get_running_loop()
        self._waiting: queue.SimpleQueue[Batch | asyncio.Future[None] | None] = queue.SimpleQueue()
        self._failure: StoreFailed | None = None
        self._thread = threading.Thread(target=self._write, name="store", daemon=True)
        self._thread.start()

    def put(self, batch: Batch) -> None:
        """Give a batch to the writer and go on. Raises `StoreFailed` if an earlier one could not be written."""
        if self._failure:
            raise self._failure
        self._waiting.put(batch)

    async def drain(self) -> None:
        """Wait until all that was put is safe and has been shown. Raises `StoreFailed`."""
        safe: asyncio.Future[None] = self._loop.create_future()
        self._waiting.put(safe)
        await safe

    def set_meta(self, **values: object) -> None:
        """Write facts about the run as a whole, before anything is put."""
        rows = [(key, json.dumps(value)) for key, value in values.items()]
        self._database.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", rows)

    async def close(self) -> None:
        """Write what waits, fold the journal into the store and let go of the run."""
        self._waiting.put(None)
        await asyncio.to_thread(self._thread.join)
        with suppress(sqlite3.Error):  # the journal is then kept as it is, and read from there
            self._database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self._database.close()
        self._lock.close()
        if self._failure:
            raise self._failure

    def _write(self) -> None:
        going = True
        while going:
            waiting = self._take()
            going = None not in waiting
            batches = [item for item in waiting if isinstance(item, Batch)]
            if batches and self._failure is None:
                self._try_commit(batches)
            barriers = [item for item in waiting if isinstance(item, asyncio.Future)]
            self._tell(batches, barriers)

    def _take(self) -> list[Batch | asyncio.Future[None] | None]:
        """Return what waits, and wait if nothing does."""
        taken = [self._waiting.get()]
        while len(taken) < MOST_AT_ONCE and not self._waiting.empty():
            taken.append(self._waiting.get())
        return taken

    def _try_commit(self, batches: Sequence[Batch]) -> None:
        try:
            self._commit(batches)
        except sqlite3.Error as error:
            free = os.statvfs(self.folder).f_bavail * os.statvfs(self.folder).f_frsize / 1e6
            self._failure = StoreFailed(
                f"{self.folder / DATABASE} cannot be written ({error}; {free:.0f} MB free); "
                "what was shown is safe: make room, then resume."
            )
            if self._database.in_transaction:
                self._database.execute("ROLLBACK")

    def _commit(self, batches: Sequence[Batch]) -> None:
        execute, put_all = self._database.execute, self._database.executemany
        execute("BEGIN IMMEDIATE")
        for batch in batches:
            if batch.state:
                execute(PUT_EPISODE, episode_row(batch.state))
            put_all(PUT_IMAGE, image_rows(batch))
            put_all(PUT_NODE, node_rows(batch))
            put_all(PUT_CALL, call_rows(batch))
            put_all(PUT_EVENT, event_rows(batch))
        execute("COMMIT")

    def _tell(self, batches: Sequence[Batch], barriers: Sequence[asyncio.Future[None]]) -> None:
        if self._failure is None and batches:
            self._loop.call_soon_threadsafe(self._committed, batches)
        for barrier in barriers:
            self._loop.call_soon_threadsafe(self._release, barrier)

    def _release(self, barrier: asyncio.Future[None]) -> None:
        if barrier.done():
            return
        if self._failure:
            barrier.set_exception(self._failure)
        else:
            barrier.set_result(None)


def now() -> float:
    """Return the time that rows are marked with; nothing in play depends on it."""
    return time.time()
