"""The training of the storybook model from nothing, by the recipe; it can be killed at any time and goes on.

What it knows of itself is in `state.pt`, written every minute: weights, optimisers, where in which pool of lessons it
is, and how long it has trained, which alone says what stage it is in and how fast it learns. Every figure it tells is a
line of `log.jsonl`.
"""

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from io import BytesIO
from itertools import chain, islice
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer

from sandbox.storybook.lessons.lesson import lessons
from sandbox.storybook.model import save_checkpoint
from sandbox.storybook.pretraining.ahead import made_ahead
from sandbox.storybook.pretraining.batches import Batch, Kind, pool
from sandbox.storybook.pretraining.held_out import HeldOut
from sandbox.storybook.pretraining.learner import Figures, Learner
from sandbox.storybook.pretraining.recipe import SCALES, Device, Scale, Stage, StageName, rate_at, stage_at
from sandbox.storybook.tokenizer import trained
from sandbox.whole_file import write_whole
from scenes.problem import refuse

Told = Callable[[Figures], None]
Clock = Callable[[], float]

CHECKPOINT = "checkpoint"
LOG = "log.jsonl"
_ORDER = "order.json"
_TOKENIZER = "tokenizer.json"
_STATE = "state.pt"
_TEXTS = 1200
"""Lessons that the tokenizer is made from."""
_SAVE_EVERY_S = 60.0
_TELL_EVERY_S = 5.0
_CHECKS = 24
"""How often it is measured on what is held out."""
_TAUGHT: dict[StageName, Kind] = {
    "eye": "pictures",
    "roll calls": "roll calls",
    "drills": "drills",
    "lessons": "lessons",
    "together": "lessons",
}


@dataclass(frozen=True)
class Order:
    """What is asked for; a folder holds the training of one order."""

    minutes: float
    seed: int = 0
    device: Device = "cpu"


@dataclass
class Position:
    """How far a training is."""

    elapsed: float = 0.0
    """Seconds of training."""
    step: int = 0
    stage: StageName = "eye"
    pool: int = 0
    """Of the stage's pools, the one it learns from."""
    batch: int = 0
    """Of that pool's batches, the next."""
    saved: float = 0.0
    told: float = 0.0
    checked: float = 0.0
    """When it last did each, in seconds of training."""


def train(
    order: Order,
    out: Path,
    told: Told,
    stop: Callable[[], bool],
    scale: Scale | None = None,
    clock: Clock = time.monotonic,
) -> bool:
    """Train in the folder `out`, or go on there, and write the checkpoint; return whether it is done.

    When `stop` says so it saves itself after the step under way. `scale` is by default what suits the device. Raises
    `InputRefused` if the folder holds another training, and `OSError`.
    """
    _claim(order, out)
    if (out / CHECKPOINT / "SHA256").is_file():
        return True
    training = Training(order, scale or SCALES[order.device], out, told, clock)
    training.run(stop)
    training.save()
    if training.stage is not None:
        return False
    save_checkpoint(training.learner.model, training.tokenizer, out / CHECKPOINT)
    return True


def _claim(order: Order, out: Path) -> None:
    out.mkdir(parents=True, exist_ok=True)
    file = out / _ORDER
    if not file.exists():
        write_whole(file, json.dumps(asdict(order)).encode())
    begun = json.loads(file.read_bytes())
    if begun != asdict(order):
        said = " ".join(f"--{name} {value}" for name, value in begun.items())
        raise refuse(f"a training with {said} is in this folder; go on with those, or name another.", str(out))


class Training:
    """A training under way, in a folder of its own."""

    def __init__(self, order: Order, scale: Scale, out: Path, told: Told, clock: Clock) -> None:
        self._order, self._scale, self._out = order, scale, out
        self._told, self._clock = told, clock
        self.tokenizer = _tokenizer(order, out / _TOKENIZER)
        self.learner = Learner(order.seed, order.device, self._scale.rate)
        self.position = Position()
        self._restore()
        self._held_out = HeldOut(order.seed, self.tokenizer, self._scale)
        self._untold: list[Figures] = []
        self._last = clock()

    @property
    def share(self) -> float:
        """Return how much of the minutes is over."""
        return self.position.elapsed / (60 * self._order.minutes)

    @property
    def stage(self) -> Stage | None:
        """Return the stage that comes next, None at the end."""
        return stage_at(self.share)

    def run(self, stop: Callable[[], bool]) -> None:
        """Train to the end, or until `stop` says so after a step."""
        while (stage := self.stage) is not None and not stop():
            if stage.name != self.position.stage:
                self.position.stage, self.position.pool, self.position.batch = stage.name, 0, 0
            with made_ahead(self._make(stage), self.position.pool, self._scale.workers) as pools:
                self._learn(stage, pools, stop)

    def _make(self, stage: Stage) -> Callable[[int], list[Batch]]:
        return partial(pool, _TAUGHT[stage.name], self._order.seed, tokenizer=self.tokenizer, scale=self._scale)

    def _learn(self, stage: Stage, pools: Iterator[list[Batch]], stop: Callable[[], bool]) -> None:
        """Learn until the stage is over. The wait for its first lessons does not count as training."""
        first = next(pools)
        self._last = self._clock()
        for batches in chain([first], pools):
            for batch in batches[self.position.batch :]:
                self._step(stage, batch)
                if stop() or self.stage is not stage:
                    return
            self.position.pool, self.position.batch = self.position.pool + 1, 0

    def _step(self, stage: Stage, batch: Batch) -> None:
        position = self.position
        began = position.elapsed
        figures = self.learner.learn(stage, batch, rate_at(self.share))
        position.step, position.batch = position.step + 1, position.batch + 1
        now = self._clock()
        position.elapsed, self._last = position.elapsed + now - self._last, now
        self._untold.append({**figures, "seconds": position.elapsed - began, "tokens": batch.ids.size})
        self._tell()

    def _tell(self) -> None:
        """Tell how the last steps went, measure, and save, each when it is time for it."""
        position, end = self.position, self.stage is None
        if end or position.elapsed - position.checked >= max(30.0, 60 * self._order.minutes / _CHECKS):
            position.checked = position.elapsed
            self._log(self._measured())
        if position.elapsed - position.told >= _TELL_EVERY_S:
            position.told = position.elapsed
            self._log(_over(self._untold))
            self._untold = []
        if position.elapsed - position.saved >= _SAVE_EVERY_S:
            self.save()

    def _measured(self) -> Figures:
        """Return the figures on what is held out; those of words only once there were any."""
        words = {} if self.position.stage == "eye" else {"held_out": self._held_out.words(self.learner)}
        return {**words, "eye": self._held_out.eye(self.learner)}

    def _log(self, figures: Figures) -> None:
        minutes = self.position.elapsed / 60
        left = max(0.0, self._order.minutes - minutes)
        at = {"step": self.position.step, "minutes": minutes, "left": left, "stage": self.position.stage}
        with open(self._out / LOG, "a", encoding="utf-8") as log:
            log.write(json.dumps({**at, **figures}) + "\n")
        self._told({**at, **figures})

    def save(self) -> None:
        """Write all that is needed to go on."""
        self.position.saved = self.position.elapsed
        state = BytesIO()
        torch.save({"position": asdict(self.position), **self.learner.state()}, state)
        write_whole(self._out / _STATE, state.getvalue())

    def _restore(self) -> None:
        """Go on where it was last saved; what was logged after that is told again."""
        file, log = self._out / _STATE, self._out / LOG
        if not file.exists():
            log.unlink(missing_ok=True)
            return
        state: Mapping[str, Any] = torch.load(file, map_location="cpu", weights_only=True)
        self.learner.restore(state)
        self.position = Position(**state["position"])
        lines = log.read_text(encoding="utf-8").splitlines(keepends=True) if log.exists() else []
        kept = [line for line in lines if line.endswith("\n") and json.loads(line)["step"] <= self.position.step]
        write_whole(log, "".join(kept).encode())


def _over(steps: Sequence[Figures]) -> Figures:
    """Return the means of what steps told, and the tokens a second over all of them."""
    told = {name: [step[name] for step in steps if name in step] for step in steps for name in step}
    means = {name: sum(values) / len(values) for name, values in told.items()}
    return {**means, "tokens_s": means["tokens"] / max(1e-9, means["seconds"])}


def _tokenizer(order: Order, file: Path) -> Tokenizer:
    if not file.exists():
        write_whole(file, trained(islice(lessons(order.seed), _TEXTS)).to_str().encode())
    return Tokenizer.from_file(str(file))
