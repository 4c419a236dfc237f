"""Which further options of vLLM a user may set, by vLLM's own names; nothing of vLLM is loaded.

Scenarios come from elsewhere, and some options of vLLM load code, pickles or files, or open connections. So a value
is a number, yes or no; only of a few options, listed here, it is a word, and then one that can be no path and no
module. What the engine sets itself is refused with the reason.
"""

import ast
import difflib
import re
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.util import find_spec
from math import isfinite
from pathlib import Path
from typing import Any

WORDS = frozenset({
    "attention_backend", "kv_cache_dtype", "linear_backend", "logprobs_mode", "mm_encoder_attn_backend",
    "mm_encoder_tp_mode", "mm_processor_cache_type", "moe_backend", "performance_mode", "quantization",
})  # fmt: skip
"""Options whose values are words."""
_OURS = {
    "model": "the scenario's `model` says it",
    "seed": "every request brings its own",
    "trust_remote_code": "a model's own code is never run",
    "hf_token": "it is read from the environment only",
    "enable_prefix_caching": "dialogues are computed over and over without it",
    "enable_lora": "adapters are named with the model, as in NAME+FOLDER",
    "max_loras": "it is as many as the run has adapters, and one more",
    "max_lora_rank": "the adapters say it",
    "max_cpu_loras": "every adapter of the run is kept",
    "enable_chunked_prefill": "on a CPU seeds do not go with it, and on a GPU it is always on",
    "mm_processor_cache_gb": "a picture is handed over once, and must be held then",
    "disable_log_stats": "its counts are what the meter shows",
    "enable_logging_iteration_details": "its counts are what the meter shows",
    "revision": "the tokenizer would be of another",
    "tokenizer_revision": "the weights would be of another",
    "skip_tokenizer_init": "replies are text",
    "enable_prompt_embeds": "prompts are text and pictures",
    "enable_mm_embeds": "prompts are text and pictures",
    "language_model_only": "prompts hold pictures",
    "tokens_only": "replies are text",
    "use_tqdm_on_load": "the screen is the run's own",
}
"""Options that are not for the user to set, each with the reason."""
_ELSEWHERE = re.compile(
    "data_parallel_|nnodes|node_rank|master_|pipeline_parallel|device_ids|otlp_|_api_|enable_sleep_mode"
)
"""Options of engines in several machines or processes, and of what reports elsewhere."""
_WORD = re.compile("[A-Za-z0-9][A-Za-z0-9_-]{0,63}")


@cache
def fields() -> frozenset[str]:
    """Return the names that `vllm.EngineArgs` knows, read from its source; none where vLLM is not installed."""
    spec = find_spec("vllm")
    if spec is None or not spec.submodule_search_locations:
        return frozenset()
    source = (Path(spec.submodule_search_locations[0]) / "engine" / "arg_utils.py").read_text(encoding="utf-8")
    classes = [node for node in ast.parse(source).body if isinstance(node, ast.ClassDef) and node.name == "EngineArgs"]
    named = [node.target for one in classes for node in one.body if isinstance(node, ast.AnnAssign)]
    return frozenset(target.id for target in named if isinstance(target, ast.Name) and not target.id.startswith("_"))


def problems(options: Mapping[str, Any], others: frozenset[str]) -> Iterator[tuple[str, str]]:
    """Yield the name of each option that cannot be set, with the reason and the mend; `others` are names of our own.

    Where vLLM is not installed, no name is unknown.
    """
    for name, value in options.items():
        if message := _problem(name, value, others):
            yield name, message


def _problem(name: str, value: Any, others: frozenset[str]) -> str | None:
    known = fields()
    if known and name not in known:
        near = difflib.get_close_matches(name, sorted(known | others), n=3)
        return f'vLLM has no option "{name}"' + (f"; did you mean {', '.join(near)}?" if near else "; leave it out.")
    if name in _OURS:
        return f'"{name}" is not for you to set: {_OURS[name]}; leave it out.'
    if _ELSEWHERE.search(name):
        return f'"{name}" is for engines on several machines, which this version does not start; leave it out.'
    if isinstance(value, bool | int | float):
        return None if isfinite(value) else f'"{name}" is a finite number; write one.'
    if name not in WORDS:
        return f'"{name}" takes only a number, true or false here, since a file could do harm with more; leave it out.'
    if not (isinstance(value, str) and _WORD.fullmatch(value)):
        return f'"{name}" is one word of letters, digits, - and _; write vLLM\'s name for it.'
    return None
