"""Adapters for the embedded model, made by hand as PEFT would save them."""

import json
from pathlib import Path
from typing import Any

PARTS = ("q_proj", "v_proj", "o_proj")
WIDTH, LAYERS = 192, 4


def adapter(folder: Path, seed: int, rank: int = 8, module: str = "model.text_model", **config: Any) -> str:
    """Save an adapter that makes much difference to what is said; return its folder."""
    import torch
    from safetensors.torch import save_file

    folder.mkdir(parents=True)
    random = torch.Generator().manual_seed(seed)
    halves = {}
    for at in (f"{layer}.self_attn.{part}" for layer in range(LAYERS) for part in PARTS):
        name = f"base_model.model.{module}.layers.{at}"
        halves[f"{name}.lora_A.weight"] = torch.randn(rank, WIDTH, generator=random) / WIDTH**0.5
        halves[f"{name}.lora_B.weight"] = torch.randn(WIDTH, rank, generator=random) * 0.3
    save_file(halves, folder / "adapter_model.safetensors")
    settings = {"peft_type": "LORA", "r": rank, "lora_alpha": 8, "target_modules": PARTS, "bias": "none"} | config
    (folder / "adapter_config.json").write_text(json.dumps(settings))
    return str(folder)
