"""What the models of a run need of memory, read from their checkpoints, and each one's settings within its share."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sandbox.engines.adapter import read_adapter
from sandbox.engines.budget import Needs, divided, fractions
from sandbox.engines.config import VLLMConfig
from scenes.clean import one_line
from scenes.problem import InputRefused, refuse

_BYTES = {"float32": 4, "bfloat16": 2, "float16": 2}


def apportioned(config: VLLMConfig, models: Mapping[str, Sequence[str]]) -> dict[str, VLLMConfig]:
    """Return the settings of each of the models that a run asks, by their references, with folders of their adapters.

    On a CPU `memory` is divided among them, on a GPU `gpu_memory_utilization`; whoever gives `kv_cache_memory_bytes`
    gives it to each. Raises `InputRefused` if they do not fit, or what one needs cannot be told.
    """
    from sandbox.engines.vllm_library import current_platform

    on_cpu = current_platform.is_cpu()
    if config.memory and not on_cpu:
        raise refuse("memory is of a CPU; on a GPU give gpu_memory_utilization, a share of the whole from 0 to 1.")
    divides = config.memory is not None if on_cpu else len(models) > 1
    if config.kv_cache_memory_bytes or not divides:
        return dict.fromkeys(models, config)
    needs = {model: _needs(model, adapters, config, on_cpu) for model, adapters in models.items()}
    if on_cpu:
        shares = divided(config.memory or 0, needs)
        return {model: config.model_copy(update={"kv_cache_memory_bytes": share}) for model, share in shares.items()}
    total = current_platform.get_device_total_memory() * config.tensor_parallel_size
    parts = fractions(config.gpu_memory_utilization, total, needs)
    return {model: config.model_copy(update={"gpu_memory_utilization": part}) for model, part in parts.items()}


def _needs(model: str, adapters: Sequence[str], config: VLLMConfig, on_cpu: bool) -> Needs:
    from transformers import AutoConfig

    try:
        whole = AutoConfig.from_pretrained(model, trust_remote_code=False)
        text = whole.get_text_config()
        kept = str(getattr(whole, "dtype", None) or "bfloat16").removeprefix("torch.")
        computed = ("float32" if on_cpu else "bfloat16") if config.dtype == "auto" else config.dtype
        grown = 1.0 if hasattr(whole, "quantization_config") else _BYTES[computed] / _BYTES.get(kept, 2)
        folders = sum(read_adapter(folder).bytes for folder in adapters)
        longest = config.max_model_len or text.max_position_embeddings
        return Needs(int(_weights(model) * grown) + folders, _per_token(text, config, _BYTES[computed]), longest)
    except InputRefused:
        raise
    except (OSError, ValueError, KeyError, AttributeError, TypeError) as error:
        raise refuse(
            f"what {one_line(model)} needs of memory cannot be told ({one_line(str(error), 200)}); give "
            "kv_cache_memory_bytes, the room for attention states of each model, instead."
        ) from error


def _weights(model: str) -> int:
    """Return the bytes of a checkpoint's weights; one of the Hub is fetched, as it would be to start it."""
    from transformers.utils import SAFE_WEIGHTS_INDEX_NAME, SAFE_WEIGHTS_NAME, cached_file

    index = cached_file(model, SAFE_WEIGHTS_INDEX_NAME, _raise_exceptions_for_missing_entries=False)
    if index is not None:
        return int(json.loads(Path(index).read_text(encoding="utf-8"))["metadata"]["total_size"])
    return Path(cached_file(model, SAFE_WEIGHTS_NAME)).stat().st_size


def _per_token(text: Any, config: VLLMConfig, size: int) -> int:
    """Return the bytes of one token's attention states, if all layers attend to all tokens: at least what is needed."""
    heads = getattr(text, "num_key_value_heads", None) or text.num_attention_heads
    width = getattr(text, "head_dim", None) or text.hidden_size // text.num_attention_heads
    number = 1 if str(config.further.get("kv_cache_dtype", "")).startswith("fp8") else size
    return int(2 * text.num_hidden_layers * heads * width * number)
