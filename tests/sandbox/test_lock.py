"""One process writes a run; whoever comes second is told who it is, and a dead writer holds nobody up."""

import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from killing import begun
from playing import carried_out, played

from sandbox.errors import EXIT_CODES, RunLocked
from sandbox.store import lock_run

HOLD = """
import sys
from pathlib import Path
from sandbox.store import lock_run
held = lock_run(Path(sys.argv[1]))
print("held", flush=True)
sys.stdin.read()
"""
RACE = """
import os, sys
from pathlib import Path
from sandbox.errors import RunLocked
from sandbox.store import lock_run
folder = Path(sys.argv[1])
results, result = os.pipe()
start, gun = os.pipe()
end, whistle = os.pipe()
for _ in range(20):
    if not os.fork():
        os.close(gun), os.close(whistle)
        os.read(start, 1)
        try:
            held = lock_run(folder)
            os.write(result, b"+")
            os.read(end, 1)
        except RunLocked:
            os.write(result, b"-")
        os._exit(0)
os.close(gun)
seen = b"".join(os.read(results, 1) for _ in range(20))
os.close(whistle)
print(seen.count(b"+"))
"""


@contextmanager
def held(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """Let another process hold the run."""
    with subprocess.Popen([sys.executable, "-c", HOLD, str(folder)], stdin=-1, stdout=-1, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        try:
            yield holder
        finally:
            holder.kill()


def test_a_second_writer_is_refused_at_once_and_told_the_pid_the_host_and_since_when(tmp_path: Path) -> None:
    folder = played(tmp_path)
    with held(folder) as holder, pytest.raises(RunLocked) as refused:
        carried_out(folder)
    told = re.fullmatch(
        r"(.*) is being written by pid (\d+) on (\S+) since (.*) UTC; wait for it.*\.", str(refused.value)
    )
    assert told
    assert told.group(1, 2, 3) == (str(folder), str(holder.pid), socket.gethostname())
    since = datetime.strptime(told[4], "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
    assert abs((datetime.now(UTC) - since).total_seconds()) < 60
    assert EXIT_CODES[RunLocked] == 3


def test_the_command_line_refuses_a_locked_run_with_exit_code_3_and_one_sentence(tmp_path: Path) -> None:
    folder = begun(tmp_path)
    carried_out(folder, lambda request: 1 / 0)
    with held(folder) as holder:
        command = [sys.executable, "-m", "sandbox", "resume", str(folder)]
        refused = subprocess.run(command, capture_output=True, text=True)
    assert refused.returncode == 3
    assert f"pid {holder.pid} on {socket.gethostname()}" in refused.stderr
    assert refused.stderr.count("\n") == 1


def test_a_run_whose_writer_was_killed_is_taken_over_at_once(tmp_path: Path) -> None:
    folder = played(tmp_path)
    with held(folder) as holder:
        holder.kill()
        holder.wait()
        lock_run(folder).close()


def test_a_lock_that_was_given_back_can_be_taken_again(tmp_path: Path) -> None:
    with lock_run(tmp_path), pytest.raises(RunLocked):
        lock_run(tmp_path)
    lock_run(tmp_path).close()


def test_of_many_that_race_for_a_run_one_gets_it(tmp_path: Path) -> None:
    for _ in range(3):
        winners = subprocess.run(
            [sys.executable, "-c", RACE, str(tmp_path)], capture_output=True, text=True, check=True
        )
        assert winners.stdout == "1\n"
