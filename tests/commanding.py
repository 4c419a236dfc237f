"""The command line as a user has it, for tests: in this process, in one of its own, or on a terminal."""

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from collections.abc import Mapping
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import BytesIO, TextIOWrapper
from pathlib import Path

import pytest

from sandbox.cli import main

TERMINAL = {"TERM": "xterm-256color", "COLORTERM": "truecolor"}
ABOUT_TERMINALS = ("COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE")
"""What says in an environment that a terminal is another than it is."""


@dataclass(frozen=True)
class Outcome:
    """How a command ended, and what it wrote."""

    code: int
    out: str
    err: str


def commanded(*words: object) -> Outcome:
    """Run `rolestage` with `words` in this process; an exception other than its exit is a failure of the test."""
    out, err = (TextIOWrapper(BytesIO(), encoding="utf-8", write_through=True) for _ in range(2))
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        patch.setattr(sys, "argv", ["rolestage", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            main()
    assert isinstance(ended.value.code, int)
    return Outcome(ended.value.code, _written(out), _written(err))


def _written(stream: TextIOWrapper) -> str:
    assert isinstance(stream.buffer, BytesIO)
    return stream.buffer.getvalue().decode()


def program(*words: object) -> list[str]:
    """Return the command that runs `rolestage` with `words` in a process of its own."""
    return [sys.executable, "-m", "sandbox", *map(str, words)]


def on_a_terminal(
    command: list[str], folder: Path, columns: int = 100, changes: Mapping[str, str] | None = None, typed: str = ""
) -> str:
    """Run `command` in `folder` on a terminal of its own, and return every character that reached the terminal.

    What is `typed` waits there to be read.
    """
    leader, follower = pty.openpty()
    os.write(leader, typed.encode())
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 30, columns, 0, 0))
    environment = {name: value for name, value in os.environ.items() if name not in ABOUT_TERMINALS}
    environment |= TERMINAL | (changes or {})
    streams = {"stdin": follower, "stdout": follower, "stderr": follower}
    with subprocess.Popen(command, cwd=folder, env=environment, start_new_session=True, **streams):
        os.close(follower)
        return _all_of(leader).decode()


def _all_of(leader: int) -> bytes:
    parts = []
    try:
        while part := os.read(leader, 65536):
            parts.append(part)
    except OSError:  # how Linux says that nobody holds the other end any more
        pass
    os.close(leader)
    return b"".join(parts)


COLOURS = re.compile(r"\x1b\[[\d;]*m|\x1b\[\?25[lh]")
"""What changes the look of what follows, or of the cursor."""
MOVES = re.compile(r"(\x1b\[2K|\x1b\[1A|\r|\n)|([^\x1b\r\n]+)")
"""What rich does to a terminal besides: it takes its progress line away again."""


def rows(raw: str) -> list[str]:
    """Return the rows that stand on a terminal, however far they scrolled, after `raw` reached it."""
    standing, at = [""], 0
    for move, text in MOVES.findall(COLOURS.sub("", raw)):
        if move == "\n":
            standing += [""] * (at + 2 - len(standing))
        at += {"\n": 1, "\x1b[1A": -1}.get(move, 0)
        standing[at] = "" if move == "\x1b[2K" else standing[at] + text
    return [row.rstrip() for row in standing]
