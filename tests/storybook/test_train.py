"""The training of the storybook model: it learns, and goes on after a kill as if nothing had been."""

import json
import os
import signal
from collections.abc import Callable
from functools import partial
from itertools import count, pairwise
from pathlib import Path
from typing import Any

import pytest
import torch
from commanding import commanded
from tokenizers import Tokenizer

from sandbox.commands.train import line, stopping
from sandbox.storybook.lessons.lesson import Lesson, Turn
from sandbox.storybook.pretraining.ahead import made_ahead
from sandbox.storybook.pretraining.batches import batches, pool, written
from sandbox.storybook.pretraining.learner import Learner
from sandbox.storybook.pretraining.plots import plot
from sandbox.storybook.pretraining.recipe import STAGES, Scale, rate_at, stage_at
from sandbox.storybook.pretraining.train import CHECKPOINT, LOG, Order, train
from scenes.problem import InputRefused


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


def _never() -> bool:
    return False


def _after(steps: int) -> Callable[[], bool]:
    asked = count()
    return lambda: next(asked) >= steps


class Killed(BaseException):
    """What ends a training at once."""


def _folder(out: Path, tokenizer: Tokenizer) -> Path:
    out.mkdir()
    (out / "tokenizer.json").write_text(tokenizer.to_str())
    return out


def _train(
    out: Path, small: Scale, told: Callable[[Any], None] = lambda _: None, stop: Callable[[], bool] = _never
) -> bool:
    """Train for ten steps of six seconds by a clock of our own."""
    return train(Order(minutes=1.0), out, told, stop, small, clock=partial(next, count(step=6.0)))


def _logged(out: Path) -> list[Any]:
    return [json.loads(line) for line in (out / LOG).read_text().splitlines()]


def test_a_few_steps_make_the_loss_fall(tokenizer: Tokenizer, small: Scale) -> None:
    learner = Learner(0, "cpu", 2e-3)
    for stage, kind, name in ((STAGES[0], "pictures", "labels"), (STAGES[1], "roll calls", "loss")):
        batch = pool(kind, 0, 0, tokenizer, small)[0]  # type: ignore[arg-type]
        losses = [learner.learn(stage, batch, 1.0)[name] for _ in range(6)]
        assert losses[-1] < 0.9 * losses[0]


def test_only_what_a_stage_teaches_learns(tokenizer: Tokenizer, small: Scale) -> None:
    batch = next(batch for batch in pool("drills", 0, 0, tokenizer, small) if len(batch.pixels))
    for stage in STAGES[1:]:
        learner = Learner(0, "cpu", 2e-3)
        body = learner.model.model
        parts = body.vision_model.encoder.layers[0].mlp.fc1, body.text_model.layers[0].mlp.up_proj
        before = [part.weight.clone() for part in parts]
        learner.learn(stage, batch, 1.0)
        learner.learn(stage, batch, 1.0)
        eye, text = (not torch.equal(was, part.weight) for was, part in zip(before, parts, strict=True))
        assert (eye, text) == (stage.eye_rate > 0, True)


def test_a_batch_without_a_picture_is_learned_too(tokenizer: Tokenizer) -> None:
    spoken = Lesson((Turn("user", ("Vale: Well?",), False), Turn("assistant", ("Aye.",), True)), (), "line")
    learner = Learner(0, "cpu", 2e-3)
    batch = next(batches([written(spoken, tokenizer)], 600))
    losses = [learner.learn(STAGES[-1], batch, 1.0)["loss"] for _ in range(4)]
    assert losses[-1] < losses[0]


def test_after_a_kill_it_goes_on_as_if_nothing_had_been(tmp_path: Path, tokenizer: Tokenizer, small: Scale) -> None:
    whole, broken = (_folder(tmp_path / name, tokenizer) for name in ("whole", "broken"))
    assert _train(whole, small)

    def kill(figures: Any) -> None:
        if figures["step"] == 7:
            raise Killed

    assert not _train(broken, small, stop=_after(5))
    with pytest.raises(Killed):
        _train(broken, small, told=kill)
    assert _train(broken, small)
    assert _logged(broken) == _logged(whole)
    assert [line["stage"] for line in _logged(whole) if "rate" in line][-1] == "together"
    weights = [(out / CHECKPOINT / "model.safetensors").read_bytes() for out in (whole, broken)]
    assert weights[0] == weights[1]
    assert plot(whole / LOG, tmp_path).stat().st_size > 10_000


def test_a_folder_holds_the_training_of_one_order(tmp_path: Path, tokenizer: Tokenizer, small: Scale) -> None:
    out = _folder(tmp_path / "out", tokenizer)
    _train(out, small, stop=_after(0))
    with pytest.raises(InputRefused, match=r"--minutes 1\.0 --seed 0 --device cpu"):
        train(Order(minutes=2.0), out, lambda _: None, _never, small)


def test_what_is_made_ahead_comes_in_order_and_its_failure_ends_it(capfd: pytest.CaptureFixture[str]) -> None:
    with made_ahead(_inverse, -3, workers=2) as made:
        assert [next(made), next(made), next(made)] == [-1 / 3, -1 / 2, -1.0]
        with pytest.raises(EOFError):
            next(made)
    assert "ZeroDivisionError" in capfd.readouterr().err


def _inverse(number: int) -> float:
    return 1 / number


def test_the_rate_rises_and_fades_twice_and_the_stages_follow_each_other() -> None:
    shares = [at / 1000 for at in range(1000)]
    rates = [rate_at(share) for share in shares]
    eye = [rate for share, rate in zip(shares, rates, strict=True) if share < STAGES[0].until]
    words = rates[len(eye) :]
    for part in (eye, words):
        assert part[0] < 0.1
        assert max(part) == 1.0
        assert part[-1] < 0.05
        assert all(later <= earlier for earlier, later in pairwise(part[30:]))
    told = [stage for share in shares if (stage := stage_at(share))]
    assert list(dict.fromkeys(told)) == list(STAGES)
    assert stage_at(1.0) is None


def test_the_command_tells_how_it_went_and_what_to_do_next(
    tmp_path: Path, tokenizer: Tokenizer, small: Scale, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sandbox.storybook.pretraining.train.SCALES", {"cpu": small})
    out = _folder(tmp_path / "out", tokenizer)
    words = ("train", "storybook", "--minutes", 0.001, "--out", out)
    for outcome in (commanded(*words), commanded(*words)):
        assert outcome.code == 0
        assert f"rolestage run scenarios/harbour --layout compact --model {out / CHECKPOINT}" in outcome.out
    told = commanded(*words, "--json")
    assert json.loads(told.out) == {"checkpoint": str(out / CHECKPOINT), "plots": str(out / "training.png")}
    refused = commanded("train", "storybook", "--minutes", 2, "--out", out)
    assert refused.code == 2
    assert "--minutes 0.001" in refused.err


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_device_that_is_not_there_is_refused(tmp_path: Path) -> None:
    refused = commanded("train", "storybook", "--device", "cuda", "--out", tmp_path / "out")
    assert (refused.code, refused.out) == (2, "")
    assert "--device cpu" in refused.err
    assert not (tmp_path / "out").exists()


def test_the_first_ctrl_c_asks_it_to_stop_and_the_second_ends_it() -> None:
    with stopping() as stopped:
        assert not stopped()
        os.kill(os.getpid(), signal.SIGINT)
        assert stopped()
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)


def test_figures_are_told_in_a_line() -> None:
    at = {"step": 7, "minutes": 1.25, "left": 0.75, "stage": "together"}
    assert line({**at, "loss": 0.5, "labels": 2.0, "tokens_s": 812.4}) == (
        "1.2 min · 0.8 left · together · step 7 · loss 0.500, labels 2.000 · 812 tokens/s"
    )
    measured = {"eye": {"kind": 0.95}, "held_out": {"line": {"loss": 0.25, "right": 0.9, "tokens": 10}}}
    assert line({**at, **measured}) == (
        "1.2 min · 0.8 left · together · held out, right of pictures: kind 0.950 · loss: line 0.250"
    )
