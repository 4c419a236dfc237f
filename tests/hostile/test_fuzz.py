"""Hostile input by the hundred, or by as many thousand as ROLESTAGE_FUZZ says: only our own errors come out.

`ROLESTAGE_FUZZ=10000 pytest tests/hostile -k fuzz` takes five to ten minutes. What fails tells its number:
`python -m hostile.fuzz` with a kind, 1 and that number is the same case again.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from commanding import on_a_terminal
from hostile.texts import foreign

CASES = int(os.environ.get("ROLESTAGE_FUZZ", "250"))
pytestmark = [pytest.mark.slow] if CASES > 1_000 else []
HERE = {"PYTHONPATH": str(Path(__file__).parents[1])}


def fuzz(kind: str) -> list[str]:
    return [sys.executable, "-m", "hostile.fuzz", kind, str(CASES)]


def result(folder: Path) -> dict[str, Any]:
    """Return what a fuzz came to that ran in `folder`, and print it: `pytest -rP` shows the figures."""
    found: dict[str, Any] = json.loads((folder / "result.json").read_text())
    print(found)
    return found


@pytest.mark.parametrize(("kind", "taken"), [("scenarios", "played"), ("pictures", "read")])
def test_only_our_own_refusals_come_out_of_a_fuzz_of(kind: str, taken: str, tmp_path: Path) -> None:
    """Y13, and the same for table I; what is taken is played, or is a picture in its normal form."""
    ended = subprocess.run(fuzz(kind), cwd=tmp_path, env=os.environ | HERE, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr[-4_000:]
    came = result(tmp_path)
    refused, kept = came["outcomes"]["refused"], came["outcomes"][taken]
    assert (refused + kept, came["peak_mb"] < 1_024) == (CASES, True)
    assert min(refused, kept) > CASES / 40


@pytest.mark.parametrize("kind", ["replies", "narrations"])
def test_nothing_but_text_reaches_a_terminal_in_a_fuzz_of(kind: str, tmp_path: Path) -> None:
    """M1, M2, M5, E13 as a character and as the narrator: every episode ends well and is stored as it was said."""
    raw = on_a_terminal(fuzz(kind), tmp_path, changes=HERE)
    assert (tmp_path / "result.json").exists(), raw[-4_000:]
    came = result(tmp_path)
    assert came["outcomes"]["replies"] >= CASES
    assert (len(raw) > 100 * CASES, foreign(raw)) == (True, None)
    assert came["peak_mb"] < 1_024
