"""A disk that fails, is full or may not be written: what was shown is safe, and the run goes on where there is room."""

import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from shutil import copytree
from typing import Any

import pytest
from killing import Shown, begun, contents, lost, read_only, shown
from playing import carried_out, new_run, written

import sandbox.store
from sandbox.cli import main
from sandbox.engines.scripted import dry_answer
from sandbox.errors import EXIT_CODES, StoreFailed
from sandbox.store import DATABASE
from scenes.chat import Request
from scenes.loading import load


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
    template = begun(tmp_path, episodes=2, turns=1)
    whole = copytree(template, tmp_path / "whole")
    carried_out(whole)
    kth, failures = 0, 0
    while failures == kth:
        kth += 1
        folder = copytree(template, tmp_path / str(kth))
        failures += _fails_and_is_completed(folder, kth, lasting, monkeypatch)
        assert contents(folder) == contents(whole)
    assert failures > 30


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
    capsys.readouterr()
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


@pytest.mark.parametrize("room", [20_000, 300_000])
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
