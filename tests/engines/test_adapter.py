"""Adapters as PEFT writes them: what is read of one, and what is refused with its file and the reason."""

import json
from collections.abc import Callable
from math import inf, nan
from pathlib import Path
from shutil import copytree, ignore_patterns
from typing import TYPE_CHECKING

import pytest
from lora import LAYERS, PARTS, WIDTH, WIDTH_OF_EYE, adapter, changed, renamed

from sandbox.engines.adapter import additions, read_adapter
from sandbox.engines.config import TransformersConfig, VLLMConfig
from sandbox.engines.fitting import check_fit, fitted
from sandbox.engines.start import start
from scenes.problem import InputRefused

if TYPE_CHECKING:
    from torch import Tensor


@pytest.mark.parametrize(("rslora", "scale"), [(False, 2.0), (True, 4.0)])
def test_what_is_added_is_the_scaled_product_of_the_two_matrices(rslora: bool, scale: float, tmp_path: Path) -> None:
    from safetensors.torch import load_file

    one = read_adapter(adapter(tmp_path / "a", seed=1, rank=4, use_rslora=rslora))
    added = additions(one)
    halves = load_file(tmp_path / "a" / "adapter_model.safetensors")
    assert (one.rank, one.scale, len(added)) == (4, scale, LAYERS * len(PARTS))
    name = "base_model.model.model.text_model.layers.2.self_attn.v_proj"
    row, column = 5, 7
    products = [
        float(halves[f"{name}.lora_B.weight"][row, rank]) * float(halves[f"{name}.lora_A.weight"][rank, column])
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
        ({"r": "8"}, "r: .*integer"),
        ({"r": 8.0}, "r: .*integer"),
        ({"r": True}, "r: .*integer"),
        ({"lora_alpha": "16"}, "lora_alpha"),
        ({"lora_alpha": "much"}, "lora_alpha"),
        ({"use_rslora": "false"}, "use_rslora"),
        ({"target_modules": None}, "target_modules"),
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


NAME = "base_model.model.model.text_model.layers.0.self_attn.q_proj"
A, B = f"{NAME}.lora_A.weight", f"{NAME}.lora_B.weight"
Change = Callable[[dict[str, "Tensor"]], object]
UNSOUND: dict[str, tuple[Change, str]] = {
    "half a pair": (lambda halves: halves.pop(B), r"q_proj\.lora_B\.weight: it is missing; save"),
    "a bias": (
        lambda halves: halves.update({f"{NAME}.lora_B.bias": halves[B][:, 0].clone()}),
        "lora_B.bias: it is no half of a pair",
    ),
    "nothing": (lambda halves: halves.clear(), "no matrices in it"),
    "a vector": (lambda halves: halves.update({A: halves[A].flatten()}), "lora_A.weight: it is no matrix"),
    "rank of A": (lambda halves: halves.update({A: halves[A][:4].clone()}), "lora_A.weight: its rank is 4, r .* is 8"),
    "rank of B": (
        lambda halves: halves.update({B: halves[B][:, :3].clone()}),
        "lora_B.weight: its rank is 3, r .* is 8",
    ),
    "not a number": (lambda halves: halves[A][3, 7].fill_(nan), "lora_A.weight: not all .*finite.*; take"),
    "infinite": (lambda halves: halves[B][3, 7].fill_(-inf), "lora_B.weight: not all .*finite.*; take"),
}
MISFITS: dict[str, tuple[Change, str]] = {
    "another model": (renamed("text_model", "brain"), r"model\.brain\.layers\.0\..*: the model has no .* of that name"),
    "a layer too many": (renamed("layers.3", "layers.30"), r"layers\.30\..*: the model has no .* of that name"),
    "a norm": (renamed("self_attn.o_proj", "input_layernorm"), "input_layernorm: the model has no linear layer"),
    "tied head": (renamed("model.text_model.layers.0.self_attn.q_proj", "lm_head"), "lm_head: .*weights of its own"),
    "inputs": (lambda halves: halves.update({A: halves[A][:, :100].clone()}), r"\(256, 100\), .* \(256, 256\); take"),
    "outputs": (lambda halves: halves.update({B: halves[B][:64].clone()}), r"\(64, 256\), .* \(256, 256\); take"),
    "one layer twice": (
        lambda halves: halves.update({key.removeprefix("base_model.model."): halves[key].clone() for key in (A, B)}),
        "another name in the file is of the same layer",
    ),
}


@pytest.mark.parametrize("case", UNSOUND)
def test_matrices_that_no_engine_could_play_are_refused(case: str, tmp_path: Path) -> None:
    change, said = UNSOUND[case]
    one = read_adapter(changed(adapter(tmp_path / "a", seed=1), change))
    with pytest.raises(InputRefused, match=rf"a/adapter_model\.safetensors: .*{said}"):
        additions(one)


@pytest.mark.parametrize("kept", [0, 5, 5_000, -1])
def test_weights_that_are_cut_off_are_refused_with_the_reason(kept: int, tmp_path: Path) -> None:
    one = read_adapter(adapter(tmp_path / "a", seed=1))
    Path(one.file).write_bytes(Path(one.file).read_bytes()[:kept])
    with pytest.raises(InputRefused, match=r"cannot be read \(.{10,}\); save the adapter again"):
        additions(one)


@pytest.mark.parametrize("case", MISFITS)
def test_an_adapter_that_does_not_fit_is_refused_without_loading_the_model(
    case: str, tmp_path: Path, storybook: str
) -> None:
    change, said = MISFITS[case]
    folder = changed(adapter(tmp_path / "a", seed=1), change)
    with pytest.raises(InputRefused, match=rf"a/adapter_model\.safetensors: .*{said}"):
        check_fit(without_weights(storybook, tmp_path / "base"), True, [folder])


def test_what_is_added_outside_the_language_model_fits_only_an_engine_that_heeds_it(
    tmp_path: Path, storybook: str
) -> None:
    told = adapter(tmp_path / "a", seed=1, width=WIDTH_OF_EYE)
    seeing = changed(told, only(".layers.0.self_attn.q_proj", "model.vision_model.encoder"))
    check_fit(storybook, True, [seeing])
    with pytest.raises(InputRefused, match=r"vision_model.*: vLLM leaves out .*; use --engine transformers"):
        check_fit(storybook, True, [seeing], language_only=True)


def test_an_adapter_of_the_language_model_fits_every_engine(tmp_path: Path, storybook: str) -> None:
    check_fit(storybook, True, [adapter(tmp_path / "a", seed=1)], language_only=True)


def test_names_of_older_checkpoints_are_those_of_the_model_as_it_is_now(tmp_path: Path) -> None:
    import torch
    from transformers import LlavaConfig, LlavaForConditionalGeneration

    sizes = {"hidden_size": WIDTH, "num_hidden_layers": LAYERS, "num_attention_heads": 2, "num_key_value_heads": 2}
    with torch.device("meta"):
        llava = LlavaForConditionalGeneration(
            LlavaConfig(text_config={"model_type": "llama", "head_dim": WIDTH // 2, **sizes})
        )
    folders = [
        adapter(tmp_path / name, seed=1, module=name) for name in ("language_model.model", "model.language_model")
    ]
    before, now = (fitted(read_adapter(folder), llava, language_only=True) for folder in folders)
    assert set(before).isdisjoint(now)
    assert (
        sorted(before.values())
        == sorted(now.values())
        == sorted(name.removeprefix("base_model.model.") for name in now)
    )


def test_a_model_that_is_none_is_refused_with_its_name(tmp_path: Path) -> None:
    with pytest.raises(InputRefused, match=r"nowhere: whether an adapter fits cannot be told"):
        check_fit(str(tmp_path / "nowhere"), True, [adapter(tmp_path / "a", seed=1)])


def test_transformers_refuses_an_adapter_of_another_model(tmp_path: Path, storybook: str, pictures: object) -> None:
    other = adapter(tmp_path / "a", seed=1, module="model.brain")
    with pytest.raises(InputRefused, match=r"model\.brain\..*no linear layer"):
        start(TransformersConfig(), storybook, pictures, 1, {"m+a": other})  # type: ignore[arg-type]


@pytest.mark.vllm
@pytest.mark.parametrize("case", MISFITS | UNSOUND)
def test_vllm_refuses_what_transformers_refuses(case: str, tmp_path: Path, storybook: str, pictures: object) -> None:
    change, said = (MISFITS | UNSOUND)[case]
    folder = changed(adapter(tmp_path / "a", seed=1), change)
    with pytest.raises(InputRefused, match=rf"^\S*a/adapter_model\.safetensors: .*{said}"):
        start(VLLMConfig(), storybook, pictures, 1, {"m+a": folder})  # type: ignore[arg-type]


def without_weights(model: str, folder: Path) -> str:
    """Copy a model but for its weights, so that whoever loads them fails."""
    return str(copytree(model, folder, ignore=ignore_patterns("*.safetensors")))


def only(kept: str, module: str) -> Change:
    """Leave only the names that have `kept` in them, as of `module`."""

    def change(halves: dict[str, "Tensor"]) -> None:
        for key in [key for key in halves if kept not in key]:
            del halves[key]
        renamed("model.text_model", module)(halves)

    return change


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
