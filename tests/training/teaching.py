"""Exports to train on: scenes that the teacher plays, which needs no weights."""

from pathlib import Path
from typing import Any

from exporting import exported
from playing import written

from sandbox.display import Quiet
from sandbox.launch import Options, play_new
from sandbox.models import TEACHER


def taught(folder: Path, **changes: Any) -> Path:
    """Let the teacher play a scenario of two with `changes`, and return the run's folder."""
    file = written(folder / "scenario", **{"layout": "compact", "turns": 2, **changes})
    return Path(play_new(file, Options(model=TEACHER, out=folder / "runs"), Quiet()).run)


def export_of(*runs: Path, out: Path) -> Path:
    """Export runs to train on, and return the folder."""
    return Path(exported(*runs, out=out).out)


def lessons(folder: Path, pictures: int = 24) -> Path:
    """Return an export with rows of scenes with as many pictures, some of them held out."""
    seeds = {"images.harbour.storybook.seed": {"range": [0, pictures]}}
    return export_of(taught(folder, vary=seeds), out=folder / "export")
