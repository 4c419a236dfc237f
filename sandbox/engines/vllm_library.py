"""vLLM and what comes with it, imported quietly and once; only the `vllm` modules here take them, from here."""

import logging
import os
import warnings

os.environ.setdefault("VLLM_NO_USAGE_STATS", "1")
os.environ.setdefault("VLLM_LOGGING_LEVEL", "ERROR")
os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
# A process that is forked off beside running threads may stand still for ever.
os.environ.setdefault("VLLM_WORKER_MULTIPROCESSING_METHOD", "spawn")
logging.getLogger("torch._library.triton").setLevel(logging.ERROR)
with warnings.catch_warnings(action="ignore"):
    import torch
    import transformers
    import vllm
    from vllm.config import StructuredOutputsConfig
    from vllm.exceptions import VLLMClientError
    from vllm.lora.request import LoRARequest
    from vllm.platforms import current_platform
    from vllm.sampling_params import RequestOutputKind, SamplingParams, StructuredOutputsParams
    from vllm.v1.engine.exceptions import EngineDeadError
    from vllm.v1.executor import Executor

__all__ = [
    "EngineDeadError",
    "Executor",
    "LoRARequest",
    "RequestOutputKind",
    "SamplingParams",
    "StructuredOutputsConfig",
    "StructuredOutputsParams",
    "VLLMClientError",
    "current_platform",
    "torch",
    "transformers",
    "vllm",
]
