"""Table F at the edges: a store that somebody else holds, a terminal that goes away, files that do not fit.

Its heart is elsewhere: F1 and F2 in `test_resume.py`, F3 and F6 in `test_disk.py`, F4 in `test_interrupt.py`, F8 in
`test_disk.py` and `test_record.py`, F13 in `test_lock.py`.
"""

import asyncio
import fcntl
import os
import pty
import re
import signal
import sqlite3
import struct
import subprocess
import sys
import termios
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from commanding import ABOUT_TERMINALS, TERMINAL, commanded
from hostile.pictures import drawing, encoded
from killing import Shown, begun, contents, lost, shown
from PIL import Image
from playing import carried_out, last_words, new_run, played, written

from sandbox.engines.scripted import dry_answer
from sandbox.errors import EXIT_CODES, StoreFailed
from sandbox.gallery import Gallery
from sandbox.store import DATABASE
from scenes.chat import Request
from scenes.image import picture_of
from scenes.loading import load


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


# F3: a store that is held


def test_a_store_that_another_program_holds_ends_the_run_in_a_sentence_and_it_goes_on_afterwards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F3, SQLITE_BUSY: as when somebody looks into a run with a tool of their own, and begins to write."""
    connect = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda *args, **kwargs: connect(*args, **{"timeout": 0.05, **kwargs}))
    folder, whole = begun(tmp_path / "held", turns=40), begun(tmp_path / "whole", turns=40)
    carried_out(whole)
    display, held = Shown(), list[sqlite3.Connection]()

    async def answer(request: Request) -> str:
        await asyncio.sleep(0.005)
        if len(display.events) > 3 and not held:
            held.append(connect(folder / DATABASE, isolation_level=None))
            held[0].execute("BEGIN IMMEDIATE")
        return last_words(request)

    with pytest.raises(StoreFailed) as failed:
        carried_out(folder, answer, display=display)
    held[0].close()
    assert str(failed.value).startswith(f"{folder / DATABASE} cannot be written (database is locked; ")
    assert lost(display.events, folder) == []
    carried_out(folder)
    assert contents(folder) == contents(whole)


# F5: signals on a terminal, and a terminal that is closed


SCENE = {"episodes": 3, "turns": 8, "turn_policy": "random"}
ON_A_TERMINAL = """
import asyncio, fcntl, sys, termios
from sandbox.cli import main
from sandbox.engines import start

async def slow(request, answer=start.dry_answer):
    await asyncio.sleep(0.03)
    return answer(request)

async def deaf(request, answer=start.dry_answer):
    while len(request.prompt.segments()) > 6:
        print("hears nothing", file=sys.stderr)
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            print("was told to stop", file=sys.stderr)
    return answer(request)

fcntl.ioctl(0, termios.TIOCSCTTY, 0)
start.dry_answer = {"slow": slow, "deaf": deaf}[sys.argv.pop(1)]
main()
"""


class Terminal:
    """A terminal with a run on it."""

    def __init__(self, leader: int, process: "subprocess.Popen[bytes]") -> None:
        self.leader, self.process, self.raw = leader, process, b""

    def read_until(self, pattern: bytes) -> None:
        while not re.search(pattern, self.raw):
            self.raw += os.read(self.leader, 4_096)

    def read_to_the_end(self) -> str:
        try:
            while part := os.read(self.leader, 65_536):
                self.raw += part
        except OSError:  # how Linux says that nobody holds the other end any more
            pass
        return self.raw.decode()


@contextmanager
def terminal(answers: str, *options: str) -> Iterator[Terminal]:
    """Play a dry run in a session of its own, on a terminal that it controls."""
    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 100, 0, 0))
    environment = {name: value for name, value in os.environ.items() if name not in ABOUT_TERMINALS} | TERMINAL
    command = [
        sys.executable,
        "-c",
        ON_A_TERMINAL,
        answers,
        "run",
        str(written(Path("scenario"), **SCENE)),
        "--dry-run",
    ]
    streams: dict[str, Any] = {"stdin": follower, "stdout": follower, "stderr": follower}
    with subprocess.Popen([*command, *options], env=environment, start_new_session=True, **streams) as process:
        os.close(follower)
        try:
            yield Terminal(leader, process)
        finally:
            process.kill()


def only_run() -> Path:
    (folder,) = Path("runs").iterdir()
    return folder


def assert_completed(folder: Path) -> None:
    """Play the run on and compare it with one that nobody interrupted."""
    carried_out(folder, dry_answer)
    whole = new_run(load(Path("scenario/scenario.yaml")), Path("whole"))
    carried_out(whole, dry_answer)
    assert contents(folder) == contents(whole)


def has_cursor(raw: str) -> bool:
    """Return whether a terminal shows its cursor after `raw`."""
    return raw.rfind("\x1b[?25h") >= raw.rfind("\x1b[?25l")


@pytest.mark.parametrize(
    ("answers", "signals"),
    [
        pytest.param("slow", [signal.SIGINT], id="Ctrl-C"),
        pytest.param("deaf", [signal.SIGINT, signal.SIGINT], id="Ctrl-C twice"),
        pytest.param("deaf", [signal.SIGTERM, signal.SIGTERM], id="terminated twice"),
        pytest.param("slow", [signal.SIGHUP], id="hung up"),
        pytest.param("slow", [signal.SIGKILL], id="killed"),
    ],
)
def test_a_terminal_is_as_it_was_however_a_run_on_it_ends(answers: str, signals: Sequence[int]) -> None:
    """F5: its settings, the cursor, the screen, the mouse."""
    with terminal(answers) as on:
        before = termios.tcgetattr(on.leader)
        on.read_until(rb"Turn 4," if answers == "slow" else b"hears nothing")
        on.process.send_signal(signals[0])
        for number in signals[1:]:
            on.read_until(b"was told to stop")
            on.process.send_signal(number)
        raw = on.read_to_the_end()
        assert termios.tcgetattr(on.leader) == before
    assert "Traceback" not in raw
    assert has_cursor(raw)
    assert re.search(r"\x1b\[\?(1049|1000|1002|1003|1006|2004)h", raw) is None
    assert_completed(only_run())


def test_a_run_whose_terminal_is_closed_has_stored_what_it_showed_and_is_completed_by_a_resume() -> None:
    """F5"""
    with terminal("slow", "--json") as on:
        on.read_until(rb'(?s)("type": "event".*){4}')
        os.close(on.leader)
        on.process.wait(20)
    assert on.process.returncode != 0
    whole_lines = on.raw.decode().splitlines(keepends=True)
    events = shown(line for line in whole_lines if line.endswith("\n"))
    assert len(events) >= 3
    assert lost(events, only_run()) == []
    assert_completed(only_run())


# F7: files that do not fit


IN_LITTLE_SPACE = """
import resource, sys
from sandbox.cli import main
room = int(sys.argv.pop(1))
resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))
main()
"""


def commanded_with(room: int, *words: object) -> "subprocess.CompletedProcess[str]":
    """Run a command that can write no file of more than `room` bytes."""
    command = [sys.executable, "-c", IN_LITTLE_SPACE, str(room), *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True)


def files(folder: Path) -> dict[str, bytes]:
    """Return all files below `folder`, by their place."""
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


@pytest.mark.parametrize("command", [["draw", "--seed", "7", "--out"], ["preview", "scenario", "--images"]])
def test_a_picture_that_does_not_fit_leaves_the_one_that_was_there(command: list[str]) -> None:
    """F7"""
    written(Path("scenario"), images={"harbour": {"storybook": {"seed": 7}, "size": 512}})
    assert commanded(*command, "there/view.png").code == 0
    before = files(Path("there"))
    (name,) = before
    Path("there", name).write_bytes(b"what somebody made of it")
    refused = commanded_with(1_000, *command, "there/view.png")
    assert (refused.returncode, refused.stderr.count("\n")) == (2, 1)
    assert "the picture cannot be written (File too large)" in refused.stderr
    assert files(Path("there")) == {name: b"what somebody made of it"}


def test_a_picture_can_be_written_to_what_is_no_file() -> None:
    """F7: a device stays what it is."""
    os.mkfifo("pipe")
    with subprocess.Popen(["cat", "pipe"], stdout=-1) as reader:
        assert commanded("draw", "--size", "128", "--out", "pipe").code == 0
        assert reader.communicate()[0].startswith(b"\x89PNG")
    assert Path("pipe").is_fifo()


def test_a_run_whose_scenario_does_not_fit_leaves_none_behind() -> None:
    """F7: half of it would be another scenario."""
    written(Path("scenario"), premise="It is late. " * 1_500)
    cut = commanded_with(10_000, "run", "scenario", "--dry-run")
    assert (cut.returncode, cut.stderr.count("\n")) == (EXIT_CODES[StoreFailed], 1)
    assert "run.yaml cannot be written (File too large" in cut.stderr
    assert files(Path("runs")) == {}


def test_a_run_whose_picture_does_not_fit_leaves_no_part_of_it_behind() -> None:
    """F7"""
    scenario = written(Path("scenario"), images={"view": {"file": "view.png"}})
    noise = Image.effect_noise((400, 400), 50).convert("RGB")
    (scenario.parent / "view.png").write_bytes(encoded(noise, "PNG"))
    cut = commanded_with(50_000, "run", "scenario", "--dry-run")
    assert (cut.returncode, cut.stderr.count("\n")) == (EXIT_CODES[StoreFailed], 1)
    assert ".png cannot be written (File too large" in cut.stderr
    assert [name for name in files(Path("runs")) if not name.endswith(("run.db", "run.lock"))] == []


def test_a_file_is_on_the_disk_before_it_has_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """F7: or a name would stand for nothing after the power has failed."""
    done: list[str] = []

    def noted(what: str, do: Callable[..., None]) -> Callable[..., None]:
        def noting(*arguments: object) -> None:
            done.append(what)
            do(*arguments)

        return noting

    monkeypatch.setattr(os, "fsync", noted("on disk", os.fsync))
    monkeypatch.setattr(os, "replace", noted("named", os.replace))
    gallery = Gallery()
    gallery.keep_in(tmp_path / "images")
    gallery.add(picture_of(drawing()))
    assert done == ["on disk", "named"]


# F8: a folder where nothing may be written


OUT = """
import sys
from sandbox.cli import main
try:
    main()
finally:
    print(*{"torch", "transformers", "vllm"} & set(sys.modules))
"""


def test_a_run_that_can_be_written_nowhere_is_refused_before_a_model_is_loaded() -> None:
    """F8: with the engine that a user has by default."""
    written(Path("scenario"))
    Path("taken").write_text("a file")
    command = [sys.executable, "-c", OUT, "run", "scenario", "--out", "taken/runs"]
    ended = subprocess.run(command, capture_output=True, text=True)
    told = "taken/runs: no run can be written there (Not a directory); name another folder with --out.\n"
    assert (ended.returncode, ended.stderr, ended.stdout) == (2, told, "\n")


# F13: two that play


def test_a_run_that_is_being_played_is_left_alone_by_whoever_comes_second() -> None:
    """F13: exit code 3, one sentence, and the first plays on to its end."""
    with terminal("slow", "--json") as on:
        on.read_until(rb'"type": "event"')
        second = commanded("resume", only_run())
        on.read_to_the_end()
        assert on.process.wait() == 0
    assert second.code == 3
    assert re.search(rf"is being written by pid {on.process.pid} on \S+ since ", second.err)
    assert second.err.count("\n") == 1
    assert played(Path("again")).is_dir()
    assert_completed(only_run())
