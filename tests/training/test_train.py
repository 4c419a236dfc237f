"""Training on an export: what comes of it, what it tells meanwhile, and what a kill costs."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from commanding import commanded
from playing import written
from training.teaching import lessons

from sandbox.models import reference

Figures = dict[str, Any]


@pytest.fixture(scope="module")
def export(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return lessons(tmp_path_factory.mktemp("lessons"))


def trained(export: Path, out: Path, stop: Callable[[], bool] = lambda: False, **order: Any) -> tuple[Any, Any]:
    """Train a few steps; return what came of it, and what was told."""
    from sandbox.training.train import Order, train

    told: list[Figures] = []
    asked = Order(reference("storybook"), **{"steps": 4, "rank": 4, "rate": 2e-3, **order})
    return train(export, asked, out, told.append, stop), told


def weights(folder: Path) -> dict[str, list[float]]:
    from safetensors.torch import load_file

    return {name: value.flatten().tolist() for name, value in load_file(folder / "adapter_model.safetensors").items()}


@pytest.mark.slow
def test_the_loss_on_held_out_rows_falls_and_the_adapter_plays(export: Path, tmp_path: Path) -> None:
    out = tmp_path / "adapter"
    ended = commanded(
        "train", export, "--model", "storybook", "--out", out, "--steps", 8, "--lr", 5e-3, "--rank", 4, "--json"
    )
    assert ended.code == 0
    *told, done = map(json.loads, ended.out.splitlines())
    assert json.loads((out / "adapter_config.json").read_text())["base_model_name_or_path"] == "storybook"
    assert done["held_out_after"] < done["held_out_before"] == told[0]["held_out"]
    assert [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()] == [
        {name: value for name, value in figures.items() if name != "steps"} for figures in told
    ]
    scenario = written(tmp_path / "scenario", turns=1, layout="compact")
    model = f"storybook+{out}"
    played = commanded("run", scenario, "--engine", "transformers", "--model", model, "--out", tmp_path, "--json")
    assert played.code == 0


@pytest.mark.slow
def test_a_training_that_was_stopped_goes_on_to_the_same_adapter(export: Path, tmp_path: Path) -> None:
    whole, told = trained(export, tmp_path / "whole")
    steps = iter([False, True])
    assert trained(export, tmp_path / "parts", lambda: next(steps))[0] is None
    assert not (tmp_path / "parts" / "adapter_config.json").exists()
    done, later = trained(export, tmp_path / "parts")
    assert [figures["step"] for figures in later] == [3, 4, 4]
    assert told[-1] == later[-1]
    assert (done.steps, done.held_out_before) == (4, whole.held_out_before)
    assert weights(tmp_path / "parts") == weights(tmp_path / "whole")
    logs = [(tmp_path / name / "log.jsonl").read_text() for name in ("parts", "whole")]
    assert logs[0] == logs[1]
    assert trained(export, tmp_path / "parts") == (done, [])


@pytest.mark.slow
def test_another_seed_makes_another_adapter_and_a_folder_holds_one_training(export: Path, tmp_path: Path) -> None:
    from scenes.problem import InputRefused

    trained(export, tmp_path / "one", steps=1)
    done, _ = trained(export, tmp_path / "other", steps=1, seed=1, rows=16)
    assert done.rows == 16
    assert weights(tmp_path / "one") != weights(tmp_path / "other")
    with pytest.raises(InputRefused, match="a training with another seed is in this folder"):
        trained(export, tmp_path / "one", steps=1, seed=1)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("none", "--model", "storybook", "--out", "out"), "none: this is no export"),
        (("export", "--model", "storybook"), "--out: name the folder"),
        (("export", "--out", "out"), "--model: name the model that learns"),
        (("export", "--model", "storybook-teacher", "--out", "out"), "--model: this has no weights"),
        (("export", "--model", "http://host/v1#name", "--out", "out"), "--model: this has no weights"),
        (("export", "--model", "storybook", "--out", "full"), "full: something else is in this folder"),
        (("export", "--model", "storybook", "--out", "out", "--minutes", "3"), "--minutes: it is of training storyb"),
        (("storybook", "--lr", "0.1"), "--lr: it is of training on an export"),
        (("judgements", "--model", "storybook", "--out", "out"), "judgements: this is exported as mmrole-rm"),
    ],
)
def test_what_cannot_be_trained_is_refused_in_a_line(
    words: tuple[str, ...], said: str, export: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "export").symlink_to(export)
    for name, file, text in (("full", "notes.txt", ""), ("judgements", "report.json", '{"format": "mmrole-rm"}')):
        (tmp_path / name).mkdir()
        (tmp_path / name / file).write_text(text)
    ended = commanded("train", *words)
    assert (ended.code, ended.out) == (2, "")
    assert said in ended.err
    assert ended.err.count("\n") == 1
