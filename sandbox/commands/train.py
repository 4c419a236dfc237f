"""`rolestage train`: a model of the project's own, trained from nothing."""

import os
import shlex
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from rich.status import Status

from sandbox.doctor import gpu_names
from sandbox.errors import INTERRUPTED
from sandbox.screen import Screen, print_json, safe
from sandbox.store import lock_run
from sandbox.storybook.pretraining.recipe import Device
from scenes.problem import refuse

Told = Callable[[dict[str, Any]], None]


def train_storybook(out: Path, minutes: float, seed: int, device: Device, as_json: bool) -> int:
    """Train the storybook model in `out`, or go on there. Raises `InputRefused` and `RunLocked`."""
    _check_device(device)
    from sandbox.storybook.pretraining.plots import plot
    from sandbox.storybook.pretraining.train import CHECKPOINT, LOG, Order, train

    screen = Screen()
    _make(out)
    with lock_run(out), stopping() as stopped, _telling(screen, as_json) as told:
        done = train(Order(minutes, seed, device), out, told, stopped)
    if not done:
        print(f"Interrupted. Go on with: {shlex.join(['rolestage', *sys.argv[1:]])}", file=sys.stderr)
        return INTERRUPTED
    plots = plot(out / LOG, out)
    _tell_done(out / CHECKPOINT, plots, screen, as_json)
    return 0


def _check_device(device: Device) -> None:
    """Refuse a device that is not there, and let the threads of torch stay awake while they wait for one another."""
    os.environ.setdefault("OMP_WAIT_POLICY", "ACTIVE")  # both are read when the libraries are imported
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    if find_spec("torch") is None or find_spec("transformers") is None:
        raise refuse('training needs torch and transformers; install "rolestage[cpu]" or "rolestage[gpu]".')
    if device == "cuda" and not gpu_names():
        raise refuse("there is no GPU here; train with --device cpu.", "--device")


def _make(out: Path) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise refuse(f"the folder cannot be made ({error.strerror}); name another place.", str(out)) from None


@contextmanager
def stopping() -> Iterator[Callable[[], bool]]:
    """Give what says whether Ctrl-C was pressed or the process was told to end; a second time it ends at once."""
    asked: list[int] = []

    def ask(number: int, _: object) -> None:
        if asked:
            raise KeyboardInterrupt
        asked.append(number)

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: bool(asked)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _telling(screen: Screen, as_json: bool) -> AbstractContextManager[Told]:
    if as_json:
        return nullcontext(lambda figures: print_json(figures, indent=None))
    return _live(screen) if screen.is_terminal else nullcontext(lambda figures: screen.print(safe(line(figures))))


@contextmanager
def _live(screen: Screen) -> Iterator[Told]:
    """Keep one line that tells the last step, and print what is measured above it."""
    with screen.status(safe("making lessons")) as status:
        yield lambda figures: _show(figures, screen, status)


def _show(figures: dict[str, Any], screen: Screen, status: Status) -> None:
    if "eye" in figures:
        screen.print(safe(line(figures)))
    else:
        status.update(safe(line(figures)))


def line(figures: dict[str, Any]) -> str:
    """Return figures of the training in a line."""
    at = [f"{figures['minutes']:.1f} min", f"{figures['left']:.1f} left", figures["stage"]]
    if "eye" in figures:
        at.append("held out, right of pictures: " + _listed(figures["eye"]))
        words = {name: one["loss"] for name, one in figures.get("held_out", {}).items()}
        return " · ".join([*at, "loss: " + _listed(words)] if words else at)
    losses = _listed({name: figures[name] for name in ("loss", "labels") if name in figures})
    return " · ".join([*at, f"step {figures['step']}", losses, f"{figures['tokens_s']:.0f} tokens/s"])


def _listed(values: dict[str, float]) -> str:
    return ", ".join(f"{name} {value:.3f}" for name, value in values.items())


def _tell_done(checkpoint: Path, plots: Path, screen: Screen, as_json: bool) -> None:
    if as_json:
        print_json({"checkpoint": str(checkpoint), "plots": str(plots)}, indent=None)
        return
    screen.print(safe(f"The model is trained: {checkpoint} (how it went: {plots})"))
    screen.print(
        safe(f"Play with it: rolestage run scenarios/harbour --layout compact --model {_as_folder(checkpoint)}")
    )


def _as_folder(checkpoint: Path) -> str:
    """Return the name that a command takes for a folder, and not for an id on a hub."""
    return shlex.quote(str(checkpoint if checkpoint.is_absolute() else Path(".") / checkpoint))
