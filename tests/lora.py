"""Adapters for the embedded model, made by hand as PEFT would save them."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sandbox.storybook.model import TEXT
from sandbox.storybook.pretraining.eye import VISION

if TYPE_CHECKING:
    from torch import Tensor

PARTS = ("q_proj", "v_proj", "o_proj")
WIDTH, WIDTH_OF_EYE, LAYERS = TEXT["hidden_size"], VISION["hidden_size"], TEXT["num_hidden_layers"]


def adapter(
    folder: Path, seed: int, rank: int = 8, module: str = "model.text_model", width: int = WIDTH, **config: Any
) -> str:
    """Save an adapter that makes much difference to what is said; return its folder."""
    import torch
    from safetensors.torch import save_file

    folder.mkdir(parents=True)
    random = torch.Generator().manual_seed(seed)
    halves = {}
    for at in (f"{layer}.self_attn.{part}" for layer in range(LAYERS) for part in PARTS):
        name = f"base_model.model.{module}.layers.{at}"
        halves[f"{name}.lora_A.weight"] = torch.randn(rank, width, generator=random) / width**0.5
        halves[f"{name}.lora_B.weight"] = torch.randn(width, rank, generator=random) * 0.3
    save_file(halves, folder / "adapter_model.safetensors")
    settings = {"peft_type": "LORA", "r": rank, "lora_alpha": 8, "target_modules": PARTS, "bias": "none"} | config
    (folder / "adapter_config.json").write_text(json.dumps(settings))
    return str(folder)


def changed(folder: str, change: "Callable[[dict[str, Tensor]], object]") -> str:
    """Save the matrices of the adapter in `folder` again as `change` leaves them; return the folder."""
    from safetensors.torch import load_file, save_file

    file = Path(folder) / "adapter_model.safetensors"
    halves = load_file(file)
    change(halves)
    save_file(halves, file)
    return folder


def renamed(old: str, new: str) -> "Callable[[dict[str, Tensor]], object]":
    """Change every name that has `old` in it; for `changed`."""

    def change(halves: "dict[str, Tensor]") -> None:
        for key in [key for key in halves if old in key]:
            halves[key.replace(old, new)] = halves.pop(key)

    return change
