"""Adapters as PEFT writes them: what is read of one, and what is refused with its file and the reason."""

import json
from pathlib import Path

import pytest
from lora import LAYERS, PARTS, adapter

from sandbox.engines.adapter import additions, read_adapter
from sandbox.engines.config import TransformersConfig
from sandbox.engines.start import start
from scenes.problem import InputRefused


@pytest.mark.parametrize(("rslora", "scale"), [(False, 2.0), (True, 4.0)])
def test_what_is_added_is_the_scaled_product_of_the_two_matrices(rslora: bool, scale: float, tmp_path: Path) -> None:
    from safetensors.torch import load_file

    one = read_adapter(adapter(tmp_path / "a", seed=1, rank=4, use_rslora=rslora))
    added = additions(one)
    halves = load_file(tmp_path / "a" / "adapter_model.safetensors")
    assert (one.rank, one.scale, len(added)) == (4, scale, LAYERS * len(PARTS))
    name = "model.text_model.layers.2.self_attn.v_proj"
    row, column = 5, 7
    products = [
        float(halves[f"base_model.model.{name}.lora_B.weight"][row, rank])
        * float(halves[f"base_model.model.{name}.lora_A.weight"][rank, column])
        for rank in range(4)
    ]
    assert float(added[name][row, column]) == pytest.approx(scale * sum(products), rel=1e-4)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"use_dora": True}, "use_dora"),
        ({"bias": "all"}, "bias"),
        ({"r": 0}, r"r: .*greater than or equal to 1"),
        ({"r": 4096}, r"r: .*less than or equal to 512"),
        ({"modules_to_save": ["lm_head"]}, "modules_to_save"),
        ({"rank_pattern": {"q_proj": 3}}, "rank_pattern"),
        ({"peft_type": "IA3"}, "peft_type"),
        ({"lora_alpha": "much"}, "lora_alpha"),
        ({"lora_alpha": float("nan")}, "lora_alpha"),
        ({"init_lora_weights": "pissa_niter_16"}, "init_lora_weights"),
    ],
)
def test_an_adapter_that_is_more_than_plain_lora_is_refused(
    changed: dict[str, object], said: str, tmp_path: Path
) -> None:
    with pytest.raises(InputRefused, match=rf"adapter_config\.json: {said}.*only plain LoRA"):
        read_adapter(adapter(tmp_path / "a", seed=1, **changed))


@pytest.mark.parametrize("text", ["", "{", "[" * 100_000, "\udcff", "[]", "null"])
def test_settings_that_are_none_are_refused(text: str, tmp_path: Path) -> None:
    folder = adapter(tmp_path / "a", seed=1)
    (tmp_path / "a" / "adapter_config.json").write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(InputRefused, match=r"adapter_config\.json: "):
        read_adapter(folder)


def test_pickles_are_not_read(tmp_path: Path) -> None:
    folder = adapter(tmp_path / "a", seed=1)
    (tmp_path / "a" / "adapter_model.safetensors").rename(tmp_path / "a" / "adapter_model.bin")
    with pytest.raises(InputRefused, match=r"no adapter_model\.safetensors.*pickles .*are not read"):
        read_adapter(folder)


def test_a_folder_without_an_adapter_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputRefused, match=r"no adapter_config\.json; name a folder"):
        read_adapter(str(tmp_path))


def test_weights_that_are_cut_off_or_no_pairs_are_refused(tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    one = read_adapter(adapter(tmp_path / "a", seed=1))
    file = tmp_path / "a" / "adapter_model.safetensors"
    whole, halves = file.read_bytes(), load_file(file)
    halves.popitem()
    save_file(halves, file)
    with pytest.raises(InputRefused, match=r"no pair of matrices"):
        additions(one)
    file.write_bytes(whole[:5_000])
    with pytest.raises(InputRefused, match=r"cannot be read"):
        additions(one)


def test_transformers_refuses_an_adapter_of_another_model(tmp_path: Path, storybook: str, pictures: object) -> None:
    other = adapter(tmp_path / "a", seed=1, module="model.brain")
    with pytest.raises(InputRefused, match=r"model\.brain\..*no such weights"):
        start(TransformersConfig(), storybook, pictures, 1, {"m+a": other})  # type: ignore[arg-type]


def test_the_settings_of_an_adapter_are_as_peft_saves_them(tmp_path: Path) -> None:
    saved = {  # by peft 0.21.2
        "alora_invocation_tokens": None, "alpha_pattern": {}, "arrow_config": None, "auto_mapping": None,
        "base_model_name_or_path": "x", "bias": "none", "corda_config": None, "ensure_weight_tying": False,
        "eva_config": None, "exclude_modules": None, "fan_in_fan_out": False, "inference_mode": True,
        "init_lora_weights": True, "layer_replication": None, "layers_pattern": None, "layers_to_transform": None,
        "loftq_config": {}, "lora_alpha": 32, "lora_bias": False, "lora_dropout": 0.0, "megatron_config": None,
        "megatron_core": "megatron.core", "modules_to_save": None, "peft_type": "LORA", "peft_version": "0.21.2",
        "qalora_group_size": 16, "r": 16, "rank_pattern": {}, "revision": None, "target_modules": ["q_proj"],
        "target_parameters": None, "task_type": "CAUSAL_LM", "trainable_token_indices": None, "use_dora": False,
        "use_qalora": False, "use_rslora": False,
    }  # fmt: skip
    folder = adapter(tmp_path / "a", seed=1)
    (tmp_path / "a" / "adapter_config.json").write_text(json.dumps(saved))
    assert (read_adapter(folder).rank, read_adapter(folder).scale) == (16, 2.0)
