"""The settings of each kind of engine, told apart by `kind`; the names are vLLM's. Loads no library."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

DType = Literal["auto", "float32", "bfloat16", "float16"]


class VLLMConfig(BaseModel):
    """vLLM in this process, on a GPU or a CPU."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["vllm"] = "vllm"
    dtype: DType = "auto"
    """`auto` is the checkpoint's own on a GPU and float32 on a CPU, where a reply then does not depend on its batch."""
    max_model_len: int | None = Field(default=None, ge=1)
    """Most tokens of a prompt with its reply; None is all that the model knows."""
    max_num_seqs: int = Field(default=256, ge=1)
    """Most requests computed together."""
    kv_cache_memory_bytes: int | None = Field(default=None, ge=1)
    """Room for attention states. None is 512 MiB on a CPU, and on a GPU what `gpu_memory_utilization` leaves."""
    gpu_memory_utilization: float = Field(default=0.9, gt=0, le=1)
    tensor_parallel_size: int = Field(default=1, ge=1)
    enforce_eager: bool = False
    """Leave out CUDA graphs and compilation on a GPU; a CPU is always eager."""
    seed_requests: bool | None = None
    """Draw every reply with its request's own seed. None is yes on a CPU and no on a GPU, where it costs speed."""
    threads: int = Field(default=1, ge=1)
    """Of a CPU. One is right for the embedded model, and makes a reply the same on every machine; a large model wants
    all of them."""


class TransformersConfig(BaseModel):
    """The same checkpoints without vLLM, one request at a time: for small machines, and to check vLLM against."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["transformers"] = "transformers"
    dtype: DType = "auto"
    """`auto` is the checkpoint's own on a GPU and float32 on a CPU."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    max_model_len: int | None = Field(default=None, ge=1)
    """Most tokens of a prompt with its reply; None is all that the model knows."""
    threads: int = Field(default=1, ge=1)
    """Of a CPU, as for vLLM."""


class ScriptedConfig(BaseModel):
    """No model at all: a line made from the request, to try a scenario without computing anything."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["scripted"] = "scripted"
    context_length: int | None = Field(default=None, ge=1)
    """In words."""
    delay_s: float = Field(default=0, ge=0)
    """How long each answer takes."""


EngineConfig = Annotated[VLLMConfig | TransformersConfig | ScriptedConfig, Field(discriminator="kind")]
