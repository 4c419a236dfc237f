"""An adapter for any model with pictures, trained on an export by TRL; it can be killed at any time and goes on.

A folder holds the training of one order. While it is under way its state is in `checkpoints`; what was told of it is
in `log.jsonl`; in the end the adapter lies in the folder itself, as PEFT saves it, to be played as MODEL+FOLDER.
"""

import json
import os
import shutil
import warnings
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random
from typing import Any

from sandbox.models import CHECKPOINT, STORYBOOK
from sandbox.store import LOCK
from sandbox.training.rows import check_export, rows_of
from sandbox.whole_file import write_whole
from scenes.problem import refuse

os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")  # read at import; its warnings speak to another program
with warnings.catch_warnings(action="ignore"):
    import torch
    import transformers
    from transformers import AutoModelForImageTextToText, PrinterCallback, TrainerCallback
    from trl import SFTConfig, SFTTrainer

from sandbox.training.lora import lora
from sandbox.training.sequences import Teaching

Figures = dict[str, Any]
Told = Callable[[Figures], None]

ORDER = "training.json"
LOG = "log.jsonl"
ADAPTER = ("adapter_model.safetensors", "adapter_config.json")
"""In the order in which they are put into the folder: with the last it is done."""
_CHECKPOINTS, _CACHE, _DRAFT = "checkpoints", "rows", "adapter.part"
ROWS = 8
"""Rows that a step learns from."""
_LARGE = 1_000_000_000
"""Weights from which on a model reads one row after the other, and forgets what it can work out again."""
_SAVES = 10
_LINES = 100
"""Steps are told so often at most."""


@dataclass(frozen=True)
class Order:
    """What is asked for."""

    model: str
    """A folder with a checkpoint, or an id of the Hugging Face Hub."""
    steps: int | None = None
    """How many; without it `epochs` say."""
    epochs: float = 1.0
    rate: float = 2e-4
    rank: int = 16
    seed: int = 0
    rows: int | None = None
    """Train on so many of the rows, by lot; on all without it."""


@dataclass(frozen=True)
class Adapted:
    """What came of a training."""

    folder: str
    steps: int
    rows: int
    """That it learned from."""
    too_long: int
    """Rows left out since the model cannot read so much."""
    held_out_rows: int
    held_out_before: float | None
    """Loss for each learned token of the rows that are for testing, before the first step; None without such rows."""
    held_out_after: float | None


def train(export: Path, order: Order, out: Path, told: Told, stop: Callable[[], bool]) -> Adapted | None:
    """Train in the folder `out`, or go on there; None where `stop` said to stop before the end.

    Raises `InputRefused` if the folder holds another training, or model or export cannot be used, and `OSError`.
    """
    if torch.cuda.device_count() > 1:
        raise refuse("training takes one GPU, and there are several; choose one: CUDA_VISIBLE_DEVICES=0 rolestage …")
    _claim(export, order, out)
    done = out / "result.json"
    if all((out / name).is_file() for name in ADAPTER) and done.is_file():
        return Adapted(**json.loads(done.read_bytes()))
    adapted = _Training(export, order, out, told, stop).run()
    if adapted is None:
        return None
    write_whole(done, (json.dumps(asdict(adapted), indent=2) + "\n").encode())
    for left in (_CHECKPOINTS, _CACHE):
        shutil.rmtree(out / left, ignore_errors=True)
    return adapted


def _claim(export: Path, order: Order, out: Path) -> None:
    """Note what is trained in a folder. Raises `InputRefused` if that is something else already."""
    asked = {**asdict(order), "export": check_export(export)}
    file = out / ORDER
    if not file.is_file():
        if out.is_dir() and {one.name for one in out.iterdir()} - {LOCK}:
            raise refuse("something else is in this folder; name another with --out.", str(out))
        out.mkdir(parents=True, exist_ok=True)
        write_whole(file, (json.dumps(asked, indent=2) + "\n").encode())
    begun = json.loads(file.read_bytes())
    other = [name for name in asked if begun.get(name) != asked[name]]
    if other:
        raise refuse(f"a training with another {other[0]} is in this folder; name another with --out.", str(out))


class _Training:
    """A training under way."""

    def __init__(self, export: Path, order: Order, out: Path, told: Told, stop: Callable[[], bool]) -> None:
        self._order, self._out, self._told, self._stop = order, out, told, stop
        self._teaching = Teaching(order.model)
        model = _load(order.model)
        self._context = getattr(model.config.get_text_config(), "max_position_embeddings", None)
        rows, held_out = (rows_of(export, split, out / _CACHE) for split in ("train", "test"))
        self._rows, self._too_long = self._readable(_by_lot(rows, order), str(export))
        self._held_out = None if held_out is None else self._readable(held_out, str(export))[0]
        self._trainer = self._made(model)

    def run(self) -> Adapted | None:
        """Train to the end, or until it is told to stop."""
        trainer, checkpoint = self._trainer, _last(self._out / _CHECKPOINTS)
        before = self._before(checkpoint)
        trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
        state = trainer.state
        if state.global_step < state.max_steps:
            return None
        after = self._measured()
        if after is not None:
            self.log({"step": state.global_step, "held_out": after})
        self._save()
        held_out = 0 if self._held_out is None else len(self._held_out)
        return Adapted(str(self._out), state.global_step, len(self._rows), self._too_long, held_out, before, after)

    def log(self, figures: Figures) -> None:
        """Write figures down, and tell them."""
        with open(self._out / LOG, "a", encoding="utf-8") as log:
            log.write(json.dumps(figures) + "\n")
        self._told({"steps": self._trainer.state.max_steps or self._trainer.args.max_steps, **figures})

    def _before(self, checkpoint: Path | None) -> float | None:
        """Return the loss on what is held out before the first step, and forget what was told after `checkpoint`."""
        reached = json.loads((checkpoint / "trainer_state.json").read_bytes())["global_step"] if checkpoint else 0
        log = self._out / LOG
        lines = log.read_text(encoding="utf-8").splitlines(keepends=True) if log.is_file() else []
        kept = [line for line in lines if line.endswith("\n") and json.loads(line)["step"] <= reached]
        write_whole(log, "".join(kept).encode())
        known = next((told["held_out"] for told in map(json.loads, kept) if told["step"] == 0), None)
        before: float | None = known if known is not None else self._measured()
        if before is not None and known is None:
            self.log({"step": 0, "held_out": before})
        return before

    def _measured(self) -> float | None:
        if self._held_out is None:
            return None
        return float(self._trainer.evaluate()["eval_loss"])

    def _readable(self, rows: Any, export: str) -> tuple[Any, int]:
        """Return the rows that the model can read, and how many it cannot."""
        fits = [at for at, row in enumerate(rows) if not self._context or self._teaching.length(row) <= self._context]
        if not fits:
            raise refuse(f"no row fits the {self._context} tokens that the model reads.", export)
        return rows.select(fits), len(rows) - len(fits)

    def _made(self, model: Any) -> Any:
        trainer = SFTTrainer(
            model,
            _settings(self._order, self._out / _CHECKPOINTS, len(self._rows), model),
            data_collator=self._teaching,
            train_dataset=self._rows,
            eval_dataset=self._held_out,
            peft_config=lora(model, self._order.rank),
            callbacks=[_Telling(self.log, self._stop)],
        )
        trainer.remove_callback(PrinterCallback)
        return trainer

    def _save(self) -> None:
        """Put the adapter into the folder: what says that it is there comes last."""
        draft, adapted = self._out / _DRAFT, self._trainer.model
        if Path(self._order.model) == CHECKPOINT:  # where it lies on this machine says nothing on another
            adapted.peft_config["default"].base_model_name_or_path = STORYBOOK
        adapted.save_pretrained(draft, save_embedding_layers=False)
        for name in ADAPTER:
            os.replace(draft / name, self._out / name)
        shutil.rmtree(draft)


class _Telling(TrainerCallback):  # type: ignore[misc]
    """Tells how it goes, and stops when it is told to."""

    def __init__(self, told: Told, stop: Callable[[], bool]) -> None:
        self._told, self._stop = told, stop

    def on_log(self, args: Any, state: Any, control: Any, logs: Figures | None = None, **_: Any) -> None:
        """Tell the figures of a step."""
        if logs and "loss" in logs:
            self._told({"step": state.global_step, "loss": float(logs["loss"]), "rate": logs.get("learning_rate")})

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Save and stop, if told so."""
        if self._stop():
            control.should_save = control.should_training_stop = True


def _settings(order: Order, folder: Path, rows: int, model: Any) -> Any:
    """Return the settings of the trainer; pictures must not be cut, so that no length is given."""
    gpu, large = torch.cuda.is_available(), model.num_parameters() > _LARGE
    at_once = 1 if large else ROWS
    steps = order.steps or max(1, round(order.epochs * rows / ROWS))
    return SFTConfig(
        output_dir=str(folder), max_length=None, max_steps=steps, seed=order.seed, report_to=[], disable_tqdm=True,
        per_device_train_batch_size=at_once, per_device_eval_batch_size=at_once,
        gradient_accumulation_steps=ROWS // at_once, gradient_checkpointing=large,
        learning_rate=order.rate, lr_scheduler_type="cosine", warmup_steps=steps // 20,
        logging_steps=max(1, steps // _LINES), save_steps=max(1, steps // _SAVES), save_total_limit=2,
        use_cpu=not gpu, bf16=gpu, dataloader_pin_memory=gpu,
    )  # fmt: skip


def _load(model: str) -> Any:
    transformers.utils.logging.disable_progress_bar()
    dtype = torch.bfloat16 if torch.cuda.is_available() else torch.float32
    try:
        return AutoModelForImageTextToText.from_pretrained(
            model, dtype=dtype, use_safetensors=True, trust_remote_code=False
        )
    except (OSError, ValueError) as error:
        raise refuse(f"the model cannot be loaded ({str(error).splitlines()[0]}).", model) from error


def _by_lot(rows: Any, order: Order) -> Any:
    if order.rows is None or order.rows >= len(rows):
        return rows
    return rows.select(sorted(Random(order.seed).sample(range(len(rows)), order.rows)))


def _last(folder: Path) -> Path | None:
    """Return the last checkpoint that was written to its end, which `trainer_state.json` is."""
    whole = [file.parent for file in folder.glob("checkpoint-*/trainer_state.json") if _is_whole(file)]
    return max(whole, key=lambda one: int(one.name.partition("-")[2]), default=None)


def _is_whole(file: Path) -> bool:
    try:
        json.loads(file.read_bytes())
    except ValueError:
        return False
    return True
