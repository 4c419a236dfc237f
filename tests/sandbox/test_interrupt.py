"""Ctrl-C: the run ends soon, with all it showed in the store, says how to go on, and goes on to the same end."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from killing import begun, contents, lost, shown
from playing import carried_out, new_run, written

from sandbox.display import Quiet
from sandbox.engines.scripted import dry_answer
from sandbox.errors import INTERRUPTED
from sandbox.launch import play_on
from sandbox.tally import Tally
from scenes.chat import Request
from scenes.loading import Source, load

SCENE = {"episodes": 3, "turns": 8, "narrator": {"model": "storybook"}, "turn_policy": "random"}
SLOW = """
import asyncio
from sandbox.engines import start

async def slow(request, answer=start.dry_answer):
    await asyncio.sleep(0.03)
    return answer(request)

start.dry_answer = slow
"""
DEAF = """
import asyncio
from sandbox.engines import start

async def deaf(request, answer=start.dry_answer):
    if len(request.prompt.segments()) > 5:
        open("deaf", "w").close()
        while True:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                continue
    return answer(request)

start.dry_answer = deaf
"""
RUN = """
from sandbox.cli import main
main()
"""


@contextmanager
def playing(tmp_path: Path, answers: str, *options: str) -> Iterator[subprocess.Popen[str]]:
    """Play a dry run in a process of its own, with answers that take their time."""
    scenario = written(tmp_path / "scenario", **SCENE)
    command = [sys.executable, "-c", answers + RUN, "run", str(scenario), "--dry-run", "--out", str(tmp_path / "runs")]
    with subprocess.Popen([*command, *options], stdout=-1, stderr=-1, text=True, cwd=tmp_path) as process:
        try:
            yield process
        finally:
            process.kill()


def lines(process: subprocess.Popen[str], number: int) -> list[str]:
    """Wait for so many lines of what the run shows."""
    assert process.stdout is not None
    return [process.stdout.readline() for _ in range(number)]


def only_run(tmp_path: Path) -> Path:
    (folder,) = (tmp_path / "runs").iterdir()
    return folder


def assert_completed(folder: Path, tmp_path: Path) -> None:
    """Play the run on and compare it with one that nobody interrupted."""
    summary = play_on(folder, Quiet())
    assert (summary.earlier + summary.done, summary.failed) == (3, 0)
    whole = new_run(load(tmp_path / "scenario"), tmp_path / "whole")
    carried_out(whole, dry_answer)
    assert contents(folder) == contents(whole)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("concurrency", ["1", "64"])
def test_an_interrupted_run_has_stored_what_it_showed_and_is_completed_by_a_resume(
    number: signal.Signals, concurrency: str, tmp_path: Path
) -> None:
    with playing(tmp_path, SLOW, "--json", "--concurrency", concurrency) as process:
        seen = lines(process, 8)
        process.send_signal(number)
        rest, err = process.communicate(timeout=20)
    assert (process.returncode, err) == (INTERRUPTED, "")
    folder = only_run(tmp_path)
    events = shown([*seen, *rest.splitlines()])
    assert 6 < len(events) < 27
    assert lost(events, folder) == []
    assert '"interrupted": true' in rest.splitlines()[-1]
    assert_completed(folder, tmp_path)


def test_an_interrupted_run_says_how_to_go_on(tmp_path: Path) -> None:
    with playing(tmp_path, SLOW, "--display", "plain") as process:
        lines(process, 5)
        process.send_signal(signal.SIGINT)
        rest, err = process.communicate(timeout=20)
    assert (process.returncode, err) == (INTERRUPTED, "")
    assert rest.splitlines()[-1].endswith(f"rolestage resume {only_run(tmp_path)}")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_second_signal_ends_at_once_what_does_not_heed_the_first_and_loses_nothing_shown(
    number: signal.Signals, tmp_path: Path
) -> None:
    with playing(tmp_path, DEAF, "--json") as process:
        seen = lines(process, 8)
        while not (tmp_path / "deaf").exists():
            time.sleep(0.01)
        process.send_signal(number)
        time.sleep(0.3)
        assert process.poll() is None
        process.send_signal(number)
        rest, _ = process.communicate(timeout=20)
    assert process.returncode == -number
    folder = only_run(tmp_path)
    events = shown([*seen, *rest.splitlines()])
    assert len(events) > 6
    assert lost(events, folder) == []
    assert_completed(folder, tmp_path)


def test_a_reader_that_leaves_ends_the_run_without_a_traceback_and_nothing_is_lost(tmp_path: Path) -> None:
    with playing(tmp_path, SLOW, "--json") as process:
        seen = lines(process, 4)
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        err = process.stderr.read()
        process.wait(timeout=20)
    assert "Traceback" not in err
    assert process.returncode not in (0, 1)
    folder = only_run(tmp_path)
    assert lost(shown(seen), folder) == []
    assert_completed(folder, tmp_path)


def test_after_a_run_signals_do_what_they_did_before(tmp_path: Path) -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    folder = begun(tmp_path)

    class Interrupting(Quiet):
        def begin(self, folder: Path, source: Source, tally: Tally) -> None:
            asyncio.get_running_loop().call_later(0.1, os.kill, os.getpid(), signal.SIGTERM)

    async def endless(request: Request) -> str:
        await asyncio.sleep(60)
        return "Never said."

    assert carried_out(folder, endless, display=Interrupting()).interrupted
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before
