"""Adapters (LoRA, Hu et al. 2022) as PEFT writes them into a folder: what one needs and what it adds to the weights.

Only numbers are read, from safetensors; the older files of PEFT are pickles, which could run code.
"""

import json
from dataclasses import dataclass
from math import sqrt
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictFloat, StrictInt, StrictStr, ValidationError

from scenes.clean import one_line
from scenes.problem import refuse

if TYPE_CHECKING:
    from torch import Tensor

CONFIG, WEIGHTS = "adapter_config.json", "adapter_model.safetensors"
PREFIX = "base_model.model."
"""What PEFT writes before the name of a module."""
_ENDS = (".lora_A.weight", ".lora_B.weight")


class _Config(BaseModel):
    """What is read of `adapter_config.json`, with everything that only some engines could follow as it must be.

    Types are strict, since engines that read the file for themselves take it as it is.
    """

    model_config = ConfigDict(frozen=True, allow_inf_nan=False)

    peft_type: Literal["LORA"]
    r: StrictInt = Field(ge=1, le=512)
    lora_alpha: StrictFloat
    target_modules: StrictStr | list[StrictStr]
    use_rslora: StrictBool = False
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
    init_lora_weights: StrictBool | Literal["gaussian", "eva", "orthogonal", "lora_ga"] = True
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

    @property
    def file(self) -> str:
        """Where its matrices are."""
        return str(Path(self.folder) / WEIGHTS)


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


def pairs(adapter: Adapter) -> "dict[str, tuple[Tensor, Tensor]]":
    """Return A, of shape (r, inputs), and B, (outputs, r), for each module that `adapter` changes.

    They go by their names in the file. Raises `InputRefused` if it holds aught else, or matrices of another
    rank than it says, or numbers that are none.
    """
    halves = _halves(adapter)
    modules = sorted({key.removesuffix(_ENDS[0]) for key in halves if key.endswith(_ENDS[0])})
    odd = min(set(halves) ^ {module + end for module in modules for end in _ENDS}, default=None)
    if odd is not None:
        wrong = "it is no half of a pair of matrices; only plain LoRA is used" if odd in halves else "it is missing"
        raise refuse(f"{one_line(odd, 200)}: {wrong}; save the adapter again.", adapter.file)
    if not modules:
        raise refuse("there are no matrices in it; save the adapter again.", adapter.file)
    for key, half in halves.items():
        _check(one_line(key, 200), half, adapter)
    return {module: (halves[module + _ENDS[0]], halves[module + _ENDS[1]]) for module in modules}


def additions(adapter: Adapter) -> "dict[str, Tensor]":
    """Return what `adapter` adds to the weights of each module, scale x B A, by its name in the file.

    Each has shape (outputs, inputs). Raises `InputRefused` as `pairs` does.
    """
    return {module: adapter.scale * (b.float() @ a.float()) for module, (a, b) in pairs(adapter).items()}


def _halves(adapter: Adapter) -> "dict[str, Tensor]":
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(adapter.file)
    except (SafetensorError, OSError, RuntimeError, KeyError) as error:
        words = f"its weights cannot be read ({one_line(str(error), 200)}); save the adapter again."
        raise refuse(words, adapter.file) from None


def _check(key: str, half: "Tensor", adapter: Adapter) -> None:
    if half.ndim != 2:
        raise refuse(f"{key}: it is no matrix; only plain LoRA is used.", adapter.file)
    rank = half.shape[0 if key.endswith(_ENDS[0]) else 1]
    if rank != adapter.rank:
        raise refuse(
            f"{key}: its rank is {rank}, r in {CONFIG} is {adapter.rank}; save the adapter again.", adapter.file
        )
    if not half.float().isfinite().all():
        raise refuse(f"{key}: not all of its weights are finite numbers; take an earlier save of it.", adapter.file)
