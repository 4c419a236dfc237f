"""`rolestage train EXPORT`: an adapter for any model with pictures, trained on what was exported."""

import shlex
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from sandbox.engines.openai_address import is_address
from sandbox.errors import INTERRUPTED
from sandbox.models import STORYBOOK, TEACHER, model_of
from sandbox.screen import Screen, print_json, safe
from sandbox.store import lock_run
from scenes.problem import refuse

if TYPE_CHECKING:
    from sandbox.training.train import Adapted

Told = Callable[[dict[str, Any]], None]

_OF_STORYBOOK = ("device", "minutes")
_OF_REWARD = ("model", "answers")
REWARD = "storybook-rm"
_TYPED = {"rate": "--lr", "answers": "-n"}
_NEEDED = ("torch", "transformers", "trl", "peft", "accelerate", "datasets")


def train_named(what: str, out: Path | None, seed: int, options: Mapping[str, Any], as_json: bool) -> int:
    """Train the embedded model from nothing, or any on an export. Raises what `sandbox.errors` lists."""
    given = {name: value for name, value in options.items() if value is not None}
    if what != REWARD:
        _refuse({*given} & {"answers"}, "is of training the reward model")
    if what == STORYBOOK:
        from sandbox.commands.train import train_storybook

        _refuse({*given} - {*_OF_STORYBOOK}, "is of training on an export")
        chosen: dict[str, Any] = {"device": "cpu", "minutes": 75.0} | given
        return train_storybook(out or Path("trained/storybook"), seed=seed, as_json=as_json, **chosen)
    if what == REWARD:
        from sandbox.commands.reward import train_reward

        _refuse({*given} - {*_OF_REWARD}, "is not of training the reward model")
        model, answers = given.get("model", STORYBOOK), given.get("answers", 3_000)
        return train_reward(model, out or Path("trained/storybook-rm"), answers, seed, as_json)
    _refuse({*given} & {*_OF_STORYBOOK}, "is of training storybook from nothing")
    if out is None:
        raise refuse("name the folder that the adapter is to lie in.", "--out")
    return train_on(Path(what), out, given | {"seed": seed}, as_json)


def _refuse(names: set[str], why: str) -> None:
    for name in sorted(names):
        raise refuse(f"it {why}; leave it out.", _TYPED.get(name, f"--{name}"))


def train_on(export: Path, out: Path, options: Mapping[str, Any], as_json: bool) -> int:
    """Train an adapter on an export, or go on with it. Raises `InputRefused` and `RunLocked`."""
    screen = Screen()
    model = str(options.get("model") or "")
    order = {**options, "model": learner(model)}
    with _telling(screen, as_json) as told:
        adapted = adapt(export, out, order, told)
    if adapted is None:
        print(f"Interrupted. Go on with: {shlex.join(['rolestage', *sys.argv[1:]])}", file=sys.stderr)
        return INTERRUPTED
    _tell_done(adapted, model, screen, as_json)
    return 0


def learner(name: str) -> str:
    """Return the folder or the Hugging Face id of the model that learns. Raises `InputRefused` if it cannot."""
    if not name:
        raise refuse("name the model that learns.", "--model")
    if name == TEACHER or is_address(name):
        raise refuse("this has no weights to train; name a folder with a checkpoint, or a Hugging Face id.", "--model")
    model = model_of(name)
    if model.adapter is not None:
        raise refuse("an adapter is trained for a model without one; name that alone.", "--model")
    return model.base


def adapt(export: Path, out: Path, order: Mapping[str, Any], told: Told) -> "Adapted | None":
    """Train by an `order`, as `sandbox.training.train.Order` has it; None where it was interrupted.

    Raises `InputRefused` and `RunLocked`.
    """
    missing = next((name for name in _NEEDED if find_spec(name) is None), None)
    if missing:
        raise refuse(f'training needs {missing}; install "rolestage[cpu,train]" or "rolestage[gpu,train]".')
    from sandbox.commands.train import stopping
    from sandbox.training.rows import check_export
    from sandbox.training.train import Order, train

    check_export(export)
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise refuse(f"the folder cannot be made ({error.strerror}); name another place.", str(out)) from None
    with lock_run(out), stopping() as stopped:
        return train(export, Order(**order), out, told, stopped)


@contextmanager
def _telling(screen: Screen, as_json: bool) -> Iterator[Told]:
    """Give what tells the figures of a step: as JSON, as a line, or on a terminal as a bar with lines above it."""
    if as_json:
        yield lambda figures: print_json(figures, indent=None)
    elif not screen.is_terminal:
        yield lambda figures: screen.print(safe(line(figures)))
    else:
        columns = (TextColumn("training"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}"))
        with Progress(*columns, TimeRemainingColumn(), console=screen, transient=True) as bar:
            task = bar.add_task("")
            yield lambda figures: _draw(figures, screen, bar, task)


def _draw(figures: Mapping[str, Any], screen: Screen, bar: Progress, task: Any) -> None:
    if "held_out" in figures:
        screen.print(safe(line(figures)))
    loss = f"loss {figures['loss']:.3f}" if "loss" in figures else None
    bar.update(task, total=figures["steps"], completed=figures["step"], description=loss)


def line(figures: Mapping[str, Any]) -> str:
    """Return the figures of a step in a line."""
    at = f"step {figures['step']} of {figures['steps']}"
    if "held_out" in figures:
        return f"{at} · held-out loss {figures['held_out']:.3f}"
    return f"{at} · loss {figures['loss']:.3f}"


def _tell_done(adapted: "Adapted", model: str, screen: Screen, as_json: bool) -> None:
    if as_json:
        print_json(vars(adapted), indent=None)
        return
    screen.print(safe(f"learned from {adapted.rows} rows in {adapted.steps} steps"))
    if adapted.too_long:
        screen.print(safe(f"left out: rows longer than what the model reads: {adapted.too_long}"))
    if adapted.held_out_before is not None and adapted.held_out_after is not None:
        change = f"{adapted.held_out_before:.3f} before, {adapted.held_out_after:.3f} after"
        screen.print(safe(f"held-out loss: {change} ({adapted.held_out_rows} rows)"))
    else:
        screen.print(safe("held-out loss: the export has no rows to test on"))
    screen.print(
        safe(f"The adapter is in {adapted.folder}; play it: --model {shlex.quote(f'{model}+{adapted.folder}')}")
    )
