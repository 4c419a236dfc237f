"""Adapters (LoRA, Hu et al. 2022) as PEFT writes them into a folder: what one needs and what it adds to the weights.

Only numbers are read, from safetensors; the older files of PEFT are pickles, which could run code.
"""

import json
from dataclasses import dataclass
from math import sqrt
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from scenes.problem import refuse

if TYPE_CHECKING:
    from torch import Tensor

CONFIG, WEIGHTS = "adapter_config.json", "adapter_model.safetensors"
_PREFIX = "base_model.model."


class _Config(BaseModel):
    """What is read of `adapter_config.json`, with everything that only some engines could follow as it must be."""

    model_config = ConfigDict(frozen=True, allow_inf_nan=False)

    peft_type: Literal["LORA"]
    r: int = Field(ge=1, le=512)
    lora_alpha: float
    use_rslora: bool = False
    use_dora: Literal[False] = False
    lora_bias: Literal[False] = False
    fan_in_fan_out: Literal[False] = False
    bias: Literal["none"] = "none"
    modules_to_save: tuple[()] | None = None
    layer_replication: tuple[()] | None = None
    target_parameters: tuple[()] | None = None
    trainable_token_indices: tuple[()] | None = None
    alora_invocation_tokens: tuple[()] | None = None
    use_qalora: Literal[False] = False
    use_bdlora: None = None
    # Others (PiSSA, OLoRA, LoftQ, CorDA) are what is added to a base whose weights were changed as well.
    init_lora_weights: bool | Literal["gaussian", "eva", "orthogonal", "lora_ga"] = True
    rank_pattern: dict[str, int] = Field(default={}, max_length=0)
    alpha_pattern: dict[str, float] = Field(default={}, max_length=0)


@dataclass(frozen=True)
class Adapter:
    """An adapter that can be used."""

    folder: str
    rank: int
    scale: float
    """What the product of its matrices is multiplied by: alpha / r, or alpha / sqrt(r) (rsLoRA)."""
    bytes: int


def read_adapter(folder: str) -> Adapter:
    """Return the adapter in `folder`. Raises `InputRefused`."""
    path, weights = Path(folder) / CONFIG, Path(folder) / WEIGHTS
    if not path.is_file():
        raise refuse(f"there is no {CONFIG}; name a folder with an adapter that PEFT saved.", folder)
    if not weights.is_file():
        raise refuse(f"there is no {WEIGHTS}, and pickles (.bin, .pt) are not read; save the adapter again.", folder)
    try:
        config = _Config.model_validate(json.loads(path.read_text(encoding="utf-8")))
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "the whole"
        words = f"{place}: {first['msg']}; only plain LoRA can be used: one rank, no biases, no modules beside it."
        raise refuse(words, str(path)) from None
    except (OSError, ValueError, RecursionError) as error:
        raise refuse(f"this is no JSON that can be read ({error}); save the adapter again.", str(path)) from None
    scale = config.lora_alpha / (sqrt(config.r) if config.use_rslora else config.r)
    return Adapter(folder, config.r, scale, weights.stat().st_size)


def additions(adapter: Adapter) -> "dict[str, Tensor]":
    """Return what `adapter` adds to the weights of each module, by the module's name; shape (outputs, inputs).

    scale x B A, with A of shape (r, inputs) and B of shape (outputs, r). Raises `InputRefused` if it holds aught else.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    file = Path(adapter.folder) / WEIGHTS
    try:
        halves = load_file(file)
        modules = {key.removesuffix(".lora_A.weight") for key in halves if key.endswith(".lora_A.weight")}
        known = {f"{module}.lora_{half}.weight" for module in modules for half in "AB"}
        if known != set(halves):
            raise refuse(f"{min(known ^ set(halves))}: it is no pair of matrices; only plain LoRA is used.", str(file))
        products = {
            module: halves[f"{module}.lora_B.weight"].float() @ halves[f"{module}.lora_A.weight"].float()
            for module in modules
        }
    except (SafetensorError, OSError, RuntimeError) as error:
        raise refuse(f"its weights cannot be read ({error}); save the adapter again.", str(file)) from None
    return {module.removeprefix(_PREFIX): adapter.scale * product for module, product in sorted(products.items())}
