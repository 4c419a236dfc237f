"""How a training went, as a picture."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

PLOTS = "training.png"


def plot(log: Path, folder: Path) -> Path:
    """Draw the losses and the held-out figures of `log` into `folder` and return the file. Raises `OSError`."""
    from matplotlib.figure import Figure

    lines = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    steps = [line for line in lines if "rate" in line]
    checks = [line for line in lines if "held_out" in line]
    looks = [line for line in lines if "eye" in line]
    figure = Figure((9, 13), layout="constrained")
    learned, eye, loss, right = figure.subplots(4, 1, sharex=True)
    for name in ("loss", "labels"):
        _draw(learned, name, [(line["minutes"], line[name]) for line in steps if name in line])
    for name in dict.fromkeys(name for look in looks for name in look["eye"]):
        _draw(eye, name, [(look["minutes"], look["eye"][name]) for look in looks if name in look["eye"]])
    for name in dict.fromkeys(name for check in checks for name in check["held_out"]):
        told = [(check["minutes"], check["held_out"][name]) for check in checks if name in check["held_out"]]
        _draw(loss, name, [(at, one["loss"]) for at, one in told])
        _draw(right, name, [(at, one["right"]) for at, one in told])
    titles = {
        learned: "loss of what is learned",
        eye: "held out: right of labels",
        loss: "held out: loss of words",
        right: "held out: right tokens",
    }
    for axis, title in titles.items():
        axis.set_title(title, loc="left")
        axis.legend(fontsize="small") if axis.lines else None
    right.set_xlabel("minutes")
    figure.savefig(folder / PLOTS, dpi=120)
    return folder / PLOTS


def _draw(axis: Any, name: str, points: Sequence[tuple[float, float]]) -> None:
    if points:
        axis.plot(*zip(*points, strict=True), label=name)
