"""vLLM in this process, on a GPU or a CPU. The only file that knows vLLM; imported when such an engine is started."""

import logging
import os
import warnings
from collections.abc import Iterator
from typing import Any, ClassVar

from sandbox.engines.config import VLLMConfig
from sandbox.engines.cutting import cut, room
from sandbox.engines.encoding import EncodedPrompt, Encoder
from sandbox.engines.engine import AT_LEISURE, EngineFacts, Pictures, Urgency, likelihood, with_room
from sandbox.engines.form import without_controls
from sandbox.engines.pump import Pump
from scenes.chat import CallFailed, Completion, Request
from scenes.clean import one_line, without_surrogates
from scenes.problem import refuse

os.environ.setdefault("VLLM_NO_USAGE_STATS", "1")
os.environ.setdefault("VLLM_LOGGING_LEVEL", "ERROR")
os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")
logging.getLogger("torch._library.triton").setLevel(logging.ERROR)
with warnings.catch_warnings(action="ignore"):
    import torch
    import transformers
    import vllm
    from vllm.config import StructuredOutputsConfig
    from vllm.exceptions import VLLMClientError
    from vllm.platforms import current_platform
    from vllm.sampling_params import RequestOutputKind, StructuredOutputsParams

_CPU_SETTINGS = {
    "enforce_eager": True,
    # The unit of prefix caching: with the default of 128, short prompts would have no whole block in common.
    "block_size": 32,
    # A prompt computed in chunks kills the engine if its request has a seed.
    "enable_chunked_prefill": False,
    "skip_mm_profiling": True,
}
_CPU_KV_CACHE_BYTES = 512 << 20
_REFUSALS = (VLLMClientError, ValueError, TypeError, LookupError, AssertionError, RuntimeError)
"""What vLLM raises about one request while taking it in; `EngineDeadError` is none of them."""

Asked = tuple[dict[str, Any], vllm.SamplingParams, int]


class VLLMEngine:
    """Computes all its requests together and caches their prefixes. Raises `InputRefused` if it cannot start."""

    def __init__(self, config: VLLMConfig, model: str, pictures: Pictures, images_per_request: int) -> None:
        self._encoder = Encoder(model, pictures)
        self._seeded = current_platform.is_cpu() if config.seed_requests is None else config.seed_requests
        limits = {"image": images_per_request} if self._encoder.takes_pictures else {}
        try:
            self._pump: Pump[Asked] = Pump(lambda: _Steps(config, model, limits))
        except (ValueError, OSError, RuntimeError, ImportError) as error:
            raise refuse(f"vLLM cannot start {one_line(model)}: {one_line(str(error), 400)}") from error
        self.facts = self._pump.facts

    async def complete(self, request: Request, urgency: Urgency = AT_LEISURE) -> Completion:
        """Answer `request` beside all others, or say how likely its answer is. To cancel it aborts it in vLLM.

        Likelihoods are computed for a prompt as a whole, without what the cache holds of its beginning, and on a GPU
        their logits, tokens times vocabulary, come on top of the memory that vLLM has planned for.
        """
        given = self._encoder.given(request)
        encoded, dropped = cut(with_room(request, len(given)), self.facts.context_length, self._encoder)
        completion = await self._pump.ask((self._prompt(encoded, given), self._params(request), urgency.priority))
        if given:
            return likelihood(completion.logprobs[-len(given) :], given, completion.prompt_tokens, dropped)
        text = completion.text if request.form is None else without_controls(completion.text)
        return completion.model_copy(update={"dropped": dropped, "text": text})

    def room(self, request: Request) -> int | None:
        """Return how many tokens of history fit beside the rest of `request` and its reply."""
        return room(request, self.facts.context_length, self._encoder)

    def close(self) -> None:
        """Take no more requests; shut down with the last vLLM engine of the process."""
        self._pump.close()

    def _prompt(self, encoded: EncodedPrompt, given: list[int]) -> dict[str, Any]:
        """Return the prompt in vLLM's terms. It finds the places of pictures by token id, and pictures by our ids."""
        prompt: dict[str, Any] = {"prompt_token_ids": encoded.ids + given}
        if encoded.images:
            prompt["multi_modal_data"] = {"image": self._encoder.images(encoded)}
            prompt["multi_modal_uuids"] = {"image": list(encoded.images)}
        return prompt

    def _params(self, request: Request) -> vllm.SamplingParams:
        if request.answer is not None:
            return vllm.SamplingParams(
                max_tokens=1, prompt_logprobs=0, detokenize=False, output_kind=RequestOutputKind.FINAL_ONLY
            )
        sampling = request.sampling
        return vllm.SamplingParams(
            temperature=sampling.temperature,
            top_p=sampling.top_p,
            max_tokens=sampling.max_tokens,
            stop=list(sampling.stop),
            seed=request.seed % 2**63 if self._seeded else None,
            structured_outputs=StructuredOutputsParams(json=request.form) if request.form is not None else None,
            output_kind=RequestOutputKind.FINAL_ONLY,
        )


class _Steps:
    """vLLM's engine as the pump wants it.

    An engine of vLLM that is shut down, or collected as garbage, takes away what the others of its process compute
    with. So all are kept until the last one closes.
    """

    _open: ClassVar[set["_Steps"]] = set()
    _closed: ClassVar[set["_Steps"]] = set()

    def __init__(self, config: VLLMConfig, model: str, limits: dict[str, int]) -> None:
        if current_platform.is_cpu():
            os.environ.setdefault("VLLM_ENABLE_V1_MULTIPROCESSING", "0")
            torch.set_num_threads(config.threads)
        with warnings.catch_warnings(action="ignore"):
            self._llm = vllm.LLMEngine.from_engine_args(_arguments(config, model, limits))
        self.facts = _facts(model, self._llm.vllm_config)
        self._open.add(self)

    def add(self, request_id: str, prompt: Asked) -> None:
        try:
            text, params, priority = prompt
            self._llm.add_request(request_id, text, params, priority=priority)
        except _REFUSALS as error:
            self._llm.abort_request([request_id])
            raise CallFailed(f"vLLM refuses the request: {one_line(str(error), 300)}") from error

    def step(self) -> dict[str, Completion | CallFailed]:
        return {output.request_id: _completion(output) for output in self._llm.step() if output.finished}

    def abort(self, request_ids: list[str]) -> None:
        self._llm.abort_request(request_ids)

    def close(self) -> None:
        self._open.discard(self)
        self._closed.add(self)
        while self._closed and not self._open:
            self._closed.pop()._llm.engine_core.shutdown()


def _arguments(config: VLLMConfig, model: str, limits: dict[str, int]) -> vllm.EngineArgs:
    settings: dict[str, Any] = config.model_dump(exclude={"kind", "threads", "seed_requests"})
    if current_platform.is_cpu():
        settings |= _CPU_SETTINGS
        settings["dtype"] = "float32" if config.dtype == "auto" else config.dtype
        settings["kv_cache_memory_bytes"] = config.kv_cache_memory_bytes or _CPU_KV_CACHE_BYTES
    return vllm.EngineArgs(
        model=model,
        limit_mm_per_prompt=limits,
        enable_prefix_caching=True,
        scheduling_policy="priority",
        load_format="safetensors",
        seed=0,
        disable_log_stats=True,
        use_tqdm_on_load=False,
        # Named, since the first form would choose for all that follow. Without blanks, which a small model goes on
        # writing until it is cut off.
        structured_outputs_config=StructuredOutputsConfig(backend="xgrammar", disable_any_whitespace=True),
        **settings,
    )


def _facts(model: str, settings: Any) -> EngineFacts:
    config, cache = settings.model_config, settings.cache_config
    return EngineFacts(
        kind="vllm",
        model=model,
        slots=settings.scheduler_config.max_num_seqs,
        kv_tokens=cache.num_gpu_blocks * cache.block_size if cache.num_gpu_blocks else None,
        revision=getattr(config.hf_config, "_commit_hash", None),
        context_length=config.max_model_len,
        device=current_platform.get_device_name(),
        dtype=str(config.dtype).removeprefix("torch."),
        versions={library.__name__: str(library.__version__) for library in (vllm, torch, transformers)},
    )


def _completion(output: Any) -> Completion | CallFailed:
    """Return the answer in a finished `RequestOutput` of vLLM."""
    answer = output.outputs[0]
    if answer.finish_reason not in ("stop", "length"):
        return CallFailed(f"vLLM ended the request: {answer.finish_reason}")
    return Completion(
        text=without_surrogates(answer.text),
        finish_reason=answer.finish_reason,
        prompt_tokens=len(output.prompt_token_ids),
        cached_tokens=output.num_cached_tokens or 0,
        output_tokens=len(answer.token_ids),
        token_ids=tuple(answer.token_ids),
        logprobs=tuple(_prompt_logprobs(output)),
    )


def _prompt_logprobs(output: Any) -> Iterator[float]:
    """Yield the logprob of each token of the prompt but the first, which follows nothing, if they were asked for."""
    for position in (output.prompt_logprobs or ())[1:]:
        (token,) = position.values()
        yield token.logprob
