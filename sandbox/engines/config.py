"""The settings of each kind of engine, told apart by `kind`; the names are vLLM's. Loads no library."""

from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ByteSize,
    ConfigDict,
    Field,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    model_validator,
)

from sandbox.engines.vllm_options import problems
from scenes.clean import one_line

DType = Literal["auto", "float32", "bfloat16", "float16"]


def _a_size(value: Any, read: ValidatorFunctionWrapHandler) -> ByteSize:
    try:
        size: ByteSize = read(value)
    except (ValidationError, OverflowError):
        raise ValueError("it is a number of bytes, or one with a unit, such as 24GiB") from None
    return size


Memory = Annotated[ByteSize, Field(ge=1), WrapValidator(_a_size)]


class VLLMConfig(BaseModel):
    """vLLM, on a GPU or a CPU. `sandbox.engines.vllm_options` says which others of its own options can be given."""

    model_config = ConfigDict(frozen=True, extra="allow", allow_inf_nan=False)

    kind: Literal["vllm"] = "vllm"
    dtype: DType = "auto"
    """`auto` is the checkpoint's own on a GPU and float32 on a CPU, where a reply then does not depend on its batch."""
    max_model_len: int | None = Field(default=None, ge=1)
    """Most tokens of a prompt with its reply; None is all that the model knows."""
    max_num_seqs: int = Field(default=256, ge=1, le=1_000_000)
    """Most requests computed together."""
    kv_cache_memory_bytes: int | None = Field(default=None, ge=1)
    """Room for attention states of each model. None is 512 MiB on a CPU, and on a GPU what `gpu_memory_utilization`
    leaves."""
    memory: Memory | None = None
    """On a CPU, for the weights and attention states of all models of a run together: bytes, or such as `24GiB`. What
    the process needs besides, about 1 GiB, is not part of it."""
    gpu_memory_utilization: float = Field(default=0.9, gt=0, le=1)
    """The share of a GPU's memory that all models of a run may take together."""
    tensor_parallel_size: int = Field(default=1, ge=1)
    enforce_eager: bool = False
    """Leave out CUDA graphs and compilation on a GPU; a CPU is always eager."""
    seed_requests: bool | None = None
    """Draw every reply with its request's own seed. None is yes on a CPU and no on a GPU, where it costs speed."""
    threads: int = Field(default=1, ge=1, le=1024)
    """Of a CPU. One is right for the embedded model, and makes a reply the same on every machine; a large model wants
    all of them."""
    own_process: bool | None = None
    """Compute in a process of its own, which can die without the run. None is yes on a GPU and no on a CPU."""

    @model_validator(mode="after")
    def _knows_its_further_options(self) -> "VLLMConfig":
        found = [message for _, message in problems(self.further, frozenset(type(self).model_fields))]
        if found:
            raise ValueError(one_line(" ".join(found), 1_000))
        return self

    @property
    def further(self) -> dict[str, bool | int | float | str]:
        """Options of vLLM's own beside those above."""
        return dict(self.model_extra or {})


class TransformersConfig(BaseModel):
    """The same checkpoints without vLLM, one request at a time: for small machines, and to check vLLM against."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    kind: Literal["transformers"] = "transformers"
    dtype: DType = "auto"
    """`auto` is the checkpoint's own on a GPU and float32 on a CPU."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    max_model_len: int | None = Field(default=None, ge=1)
    """Most tokens of a prompt with its reply; None is all that the model knows."""
    threads: int = Field(default=1, ge=1, le=1024)
    """Of a CPU, as for vLLM."""


class ScriptedConfig(BaseModel):
    """No model at all: a line made from the request, to try a scenario without computing anything."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    kind: Literal["scripted"] = "scripted"
    context_length: int | None = Field(default=None, ge=1)
    """In words."""
    delay_s: float = Field(default=0, ge=0, le=86_400)
    """How long each answer takes."""


class SimulatedConfig(BaseModel):
    """No model, but the time that one would take: a step takes a + b x batch + c x prompt tokens computed in it.

    By default that of a VLM of 7B on one H100, as docs/performance.md assumes it. A word counts as a token.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    kind: Literal["simulated"] = "simulated"
    step_ms: float = Field(default=6, gt=0, le=1e6)
    """a: what a step takes however many requests are in it."""
    per_sequence_ms: float = Field(default=0.05, ge=0, le=1e6)
    """b: what each of them adds."""
    per_prompt_token_ms: float = Field(default=0.03, ge=0, le=1e6)
    """c: what each prompt token adds that is not cached."""
    max_num_seqs: int = Field(default=256, ge=1, le=1_000_000)
    """Most requests computed together."""
    max_model_len: int | None = Field(default=None, ge=1)
    """Most tokens of a prompt with its reply; None is no limit."""
    block_size: int = Field(default=16, ge=1)
    """Tokens in a block of the prefix cache."""
    kv_blocks: int | None = Field(default=None, ge=1)
    """Room for attention states; None is endless."""
    encoder_cache: int | None = Field(default=None, ge=1)
    """Room for encoded pictures; None is endless."""
    picture_tokens: int = Field(default=1225, ge=1)
    """Of one picture."""
    reply_tokens: float = Field(default=60, ge=1, le=1e6)
    """The mean of the replies' lengths, which are lognormal, before `max_tokens` cuts them."""
    reply_sigma: float = Field(default=0.8, ge=0, le=10)
    """The standard deviation of their logarithm; 0 makes all equal."""


class Prices(BaseModel):
    """What a million tokens cost, in whatever currency."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    prompt: float = Field(default=0, ge=0)
    cached: float | None = Field(default=None, ge=0)
    """Of prompt tokens that the server had at hand; None if they cost what the others do."""
    output: float = Field(default=0, ge=0)


class OpenAIConfig(BaseModel):
    """Servers of the OpenAI API: vLLM, SGLang, Ollama, LM Studio and others. Where they are, a model's name says."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    kind: Literal["openai"] = "openai"
    deadline_s: float = Field(default=600, gt=0, le=86_400)
    """Most seconds that servers may spend on one call, all tries together; waiting for a place there is no part."""
    max_concurrency: int = Field(default=256, ge=1)
    """Most requests under way at one server; fewer while it says that it has too much to do."""
    retries: int = Field(default=3, ge=0)
    """Further tries of a call where a server failed."""
    give_up_s: float = Field(default=900, ge=0, le=86_400)
    """The run ends when every server has been down for so long."""
    api_key_env: str | None = Field(default=None, pattern="^[A-Za-z_][A-Za-z0-9_]*$")
    """The environment variable that holds the key; None is no key. The key itself is written nowhere. Only for whoever
    runs: a scenario from elsewhere that could name both a variable and an address would get whatever that holds."""
    prices: Prices | None = None


EngineConfig = Annotated[
    VLLMConfig | TransformersConfig | ScriptedConfig | SimulatedConfig | OpenAIConfig, Field(discriminator="kind")
]
