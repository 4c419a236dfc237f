"""The writer: what was shown is safe whatever the disk does, and a run that could not be written goes on later."""

import asyncio
import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from shutil import copytree
from typing import Any

import pytest
from killing import Shown, contents, lost, read_only, shown
from playing import carried_out, new_run, written

import sandbox.store
from sandbox.cli import main
from sandbox.engines.scripted import dry_answer
from sandbox.errors import EXIT_CODES, StoreDamaged, StoreFailed
from sandbox.gallery import Gallery
from sandbox.record import Record
from sandbox.rows import Batch, EpisodeRow
from sandbox.schema import PUT_NODE
from sandbox.store import DATABASE, Rows, Store
from scenes.chat import Request
from scenes.event import Event
from scenes.image import open_picture
from scenes.loading import load
from scenes.sights import drawn
from scenes.storybook.drawing import draw_lots


def begun(tmp_path: Path, **changes: object) -> Path:
    """Return a run of which nothing was played."""
    return new_run(load(written(tmp_path / "scenario", **changes)), tmp_path)


class Failing:
    """A connection to SQLite that fails at its k-th statement, or from there on."""

    def __init__(self, database: sqlite3.Connection, at: int, lasting: bool) -> None:
        self._database, self._left, self._lasting = database, at, lasting

    def execute(self, *args: Any) -> sqlite3.Cursor:
        return self._counted(self._database.execute, *args)

    def executescript(self, *args: Any) -> sqlite3.Cursor:
        return self._counted(self._database.executescript, *args)

    def _counted(self, execute: Callable[..., sqlite3.Cursor], *args: Any) -> sqlite3.Cursor:
        self._left -= 1
        if self._left == 0 or (self._left < 0 and self._lasting):
            raise sqlite3.OperationalError("disk I/O error")
        return execute(*args)

    def close(self) -> None:
        self._database.close()


def fail_at(patch: pytest.MonkeyPatch, kth: int, lasting: bool) -> None:
    """Let the writer's connection fail at the k-th statement; those that only read are left alone."""
    connect = sqlite3.connect

    def failing(*args: Any, **kwargs: Any) -> Any:
        database = connect(*args, **kwargs)
        return database if kwargs.get("uri") else Failing(database, kth, lasting)

    patch.setattr(sqlite3, "connect", failing)
    patch.setattr(sandbox.store, "MOST_AT_ONCE", 1)


@pytest.mark.parametrize("lasting", [False, True], ids=["once", "from then on"])
def test_a_disk_that_fails_at_any_statement_ends_the_run_with_all_that_was_shown_safe(
    lasting: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fail at the k-th statement, for every k until the run comes through."""
    template = begun(tmp_path, episodes=2, turns=2)
    whole = copytree(template, tmp_path / "whole")
    carried_out(whole)
    kth, failures = 0, 0
    while failures == kth:
        kth += 1
        folder = copytree(template, tmp_path / str(kth))
        failures += _fails_and_is_completed(folder, kth, lasting, monkeypatch)
        assert contents(folder) == contents(whole)
    assert failures > 40


def _fails_and_is_completed(folder: Path, kth: int, lasting: bool, monkeypatch: pytest.MonkeyPatch) -> bool:
    display = Shown()
    with monkeypatch.context() as patch:
        fail_at(patch, kth, lasting)
        try:
            carried_out(folder, display=display)
        except StoreFailed as failure:
            message = str(failure)
        else:
            return False
    assert message.startswith(f"{folder / DATABASE} cannot be written (disk I/O error; ")
    assert message.endswith(" MB free); what was shown is safe: mend the disk or make room, then resume.")
    assert not display.events or lost(display.events, folder) == []
    carried_out(folder)
    return True


def test_the_command_line_ends_a_run_that_cannot_be_written_with_exit_code_6_and_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = begun(tmp_path)
    carried_out(folder, lambda request: 1 / 0)  # type: ignore[arg-type,return-value]
    fail_at(monkeypatch, 8, lasting=True)
    monkeypatch.setattr(sys, "argv", ["rolestage", "resume", str(folder), "--display", "plain"])
    with pytest.raises(SystemExit) as ended:
        main()
    out, err = capsys.readouterr()
    assert ended.value.code == EXIT_CODES[StoreFailed] == 6
    assert err.count("\n") == 1
    assert "cannot be written (disk I/O error" in err
    assert f"rolestage resume {folder}" in out


FULL = """
import resource, sys
from sandbox.cli import main
room = int(sys.argv.pop(1))
resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))
main()
"""
LARGE = {"episodes": 40, "turns": 40}


def dry(folder: Path) -> list[str]:
    """Return the arguments of a dry run of a large scenario, its runs in `folder`."""
    return [
        "run",
        str(folder.parent / "scenario"),
        "--dry-run",
        "--display",
        "json",
        "--out",
        str(folder),
        "--concurrency",
        "2",
    ]


@pytest.mark.parametrize("room", [20_000, 300_000, 1_000_000])
def test_a_run_that_outgrows_its_disk_keeps_what_it_showed_and_goes_on_where_there_is_room(
    room: int, tmp_path: Path
) -> None:
    written(tmp_path / "scenario", **LARGE)
    command = [sys.executable, "-c", FULL, str(room), *dry(tmp_path / "full")]
    cut = subprocess.run(command, capture_output=True, text=True)
    assert (cut.returncode, cut.stderr.count("\n")) == (6, 1)
    assert "cannot be written (" in cut.stderr
    (folder,) = (tmp_path / "full").iterdir()
    events = shown(cut.stdout.splitlines())
    assert bool(events) == (room > 20_000)
    assert not events or lost(events, folder) == []
    carried_out(folder, dry_answer)
    assert contents(folder) == contents(whole(tmp_path))


def whole(tmp_path: Path) -> Path:
    """Play the same large scenario where there is room."""
    folder = new_run(load(tmp_path / "scenario"), tmp_path / "whole")
    carried_out(folder, dry_answer)
    return folder


IN_A_SMALL_DISK = """
mount -t tmpfs -o size=1m none "$1" || exit 77
shift
"$@" > "$SHOWN" 2> "$TOLD"
echo $? >> "$TOLD"
cp -r "$DISK"/* "$COPY"
"""


def test_a_disk_that_is_full_is_named_with_what_is_left_of_it(tmp_path: Path) -> None:
    """A file system of one megabyte, in a name space of its own where this kernel lets us make one."""
    written(tmp_path / "scenario", **LARGE)
    places = {name: tmp_path / name.lower() for name in ("DISK", "COPY", "SHOWN", "TOLD")}
    places["DISK"].mkdir()
    places["COPY"].mkdir()
    command = [
        "unshare",
        "-rm",
        "sh",
        "-c",
        IN_A_SMALL_DISK,
        "sh",
        str(places["DISK"]),
        sys.executable,
        "-m",
        "sandbox",
    ]
    try:
        made = subprocess.run([*command, *dry(places["DISK"])], env=os.environ | {k: str(v) for k, v in places.items()})
    except FileNotFoundError:
        pytest.skip("there is no unshare here to make a small disk with")
    if made.returncode:
        pytest.skip("no file system may be mounted here")
    told, code = places["TOLD"].read_text().splitlines()
    assert "cannot be written (database or disk is full; 0 MB free)" in told
    assert code == "6"
    (folder,) = places["COPY"].iterdir()
    events = shown(places["SHOWN"].read_text().splitlines())
    assert len(events) > 10
    assert lost(events, folder) == []
    carried_out(folder, dry_answer)
    assert contents(folder) == contents(whole(tmp_path))


def test_a_folder_that_cannot_be_written_is_refused_before_anything_is_played(tmp_path: Path) -> None:
    asked: list[Request] = []
    folder = begun(tmp_path)
    with (
        read_only(folder) as folder,
        pytest.raises(StoreFailed, match=r"run\.lock cannot be written \(Permission denied"),
    ):
        carried_out(folder, lambda request: asked.append(request) or "")
    assert asked == []


def test_a_store_that_is_none_is_refused_and_the_run_is_let_go(tmp_path: Path) -> None:
    folder = begun(tmp_path)
    (folder / DATABASE).write_bytes(b"This is a letter and no database." * 100)
    for _ in range(2):
        with pytest.raises(StoreDamaged, match=r"run\.db is no store that can be written \(file is not a database\)"):
            carried_out(folder)


def test_a_row_that_cannot_be_written_ends_the_run_instead_of_holding_it_up_for_ever(tmp_path: Path) -> None:
    async def put_two() -> None:
        store = Store(tmp_path)
        try:
            store.put(Batch(0, state=EpisodeRow(0, 0, "base", object(), 0, "playing", None, 0.0, None)))
            await store.finish()
        finally:
            store.close()

    with pytest.raises(StoreFailed, match="type 'object' is not supported"):
        asyncio.run(put_two())


def event(index: int) -> Event:
    return Event(index=index, turn=index, kind="speech", actor="Pip", text=f"Line {index}.", visible_to={"Pip": "did"})


def test_what_is_put_is_given_back_in_order_once_it_is_safe_and_nothing_is_put_after_a_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def put_many() -> list[int]:
        store = Store(tmp_path)
        try:
            for index in range(1000):
                store.put(Batch(0, events=(event(index),)))
            await store.finish()
            given = [batch.events[0].index async for batches in store.committed() for batch in batches]
            monkeypatch.setattr(store, "_failure", StoreFailed("the disk is gone"))
            with pytest.raises(StoreFailed, match="the disk is gone"):
                store.put(Batch(0, events=(event(1000),)))
        finally:
            store.close()
        return given

    assert asyncio.run(put_many()) == [*range(1000)]
    with closing(Record(tmp_path)) as record:
        assert [one.index for one in record.events(0)] == [*range(1000)]


def test_a_store_keeps_its_journal_in_step_with_the_disk_and_leaves_one_file_behind(tmp_path: Path) -> None:
    async def settings() -> list[Any]:
        store = Store(tmp_path, {"title": "Tea"})
        try:
            return [store._database.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous")]
        finally:
            store.close()

    assert asyncio.run(settings()) == ["wal", 2]
    assert {file.name for file in tmp_path.iterdir()} == {"run.db", "run.lock"}


def test_play_that_outruns_the_disk_begins_no_further_episode_until_it_has_caught_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    behind = []
    commit = Store._commit

    def slow(store: Store, written: Sequence[Rows]) -> None:
        behind.append(store._waiting.qsize())
        time.sleep(0.002)
        commit(store, written)

    monkeypatch.setattr(Store, "_commit", slow)
    monkeypatch.setattr(sandbox.store, "MOST_AT_ONCE", 4)
    monkeypatch.setattr(sandbox.store, "FAR_BEHIND", 20)
    carried_out(begun(tmp_path, episodes=100, turns=5), concurrency=2)
    assert 20 < max(behind) <= 20 + 2 * 9


def test_no_segment_of_a_prompt_is_sent_to_the_store_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[object] = []
    commit = Store._commit

    def counted(store: Store, written: Sequence[Rows]) -> None:
        sent.extend(row[0] for rows in written for row in rows[PUT_NODE])
        commit(store, written)

    monkeypatch.setattr(Store, "_commit", counted)
    carried_out(begun(tmp_path, turns=30))
    assert len(sent) > 60
    assert len(sent) == len({*sent})


def test_a_store_grows_linearly_with_its_turns(tmp_path: Path) -> None:
    def size(turns: int) -> int:
        folder = begun(tmp_path / str(turns), turns=turns)
        carried_out(folder)
        return (folder / DATABASE).stat().st_size

    small, middle, large = size(50), size(500), size(950)
    assert (large - middle) / (middle - small) == pytest.approx(1, abs=0.1)
    assert (large - middle) / 450 < 1_200


def test_a_picture_is_kept_once_and_opened_only_if_it_is_still_itself(tmp_path: Path) -> None:
    gallery, picture = Gallery(), drawn(draw_lots(7), 128)
    gallery.add(picture)
    assert gallery.open(picture.id).tobytes() == open_picture(picture).tobytes()
    gallery.keep_in(tmp_path / "images")
    gallery.add(picture)
    (file,) = (tmp_path / "images").iterdir()
    assert (file.name, file.read_bytes()) == (f"{picture.id}.png", picture.png)
    later = Gallery()
    later.keep_in(tmp_path / "images")
    assert later.open(picture.id).tobytes() == open_picture(picture).tobytes()


@pytest.mark.parametrize("content", [b"", b"no picture", drawn(draw_lots(8), 128).png, None])
def test_a_picture_that_is_no_longer_itself_is_never_shown_to_a_model(content: bytes | None, tmp_path: Path) -> None:
    gallery, picture = Gallery(), drawn(draw_lots(7), 128)
    gallery.keep_in(tmp_path)
    gallery.add(picture)
    (file,) = tmp_path.iterdir()
    if content is None:
        file.unlink()
    else:
        file.write_bytes(content)
    with pytest.raises(StoreDamaged, match=f"{picture.id}.png is not the picture it was; restore it from a copy"):
        gallery.open(picture.id)


def test_a_picture_that_cannot_be_written_ends_the_run_like_a_turn_that_cannot(tmp_path: Path) -> None:
    gallery = Gallery()
    gallery.keep_in(tmp_path / "gone" / "images")
    with pytest.raises(StoreFailed, match=r"\.png cannot be written \(No such file or directory"):
        gallery.add(drawn(draw_lots(7), 128))


def test_damage_that_is_found_while_playing_ends_the_run_instead_of_failing_its_episodes(tmp_path: Path) -> None:
    def answer(request: Request) -> str:
        raise StoreDamaged("a picture is not what it was")

    folder = begun(tmp_path, episodes=5)
    with pytest.raises(StoreDamaged, match="a picture is not what it was"):
        carried_out(folder, answer)
    with closing(Record(folder)) as record:
        assert {state.status for state in record.states()} == {"playing"}
