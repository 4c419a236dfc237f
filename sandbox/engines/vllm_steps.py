"""vLLM's engine as the pump wants it: started, stepped, closed."""

import os
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from multiprocessing import resource_tracker
from multiprocessing.connection import wait
from signal import SIG_BLOCK, SIG_SETMASK, SIGINT, pthread_sigmask
from threading import Lock, Thread
from typing import Any, ClassVar

from sandbox.engines.config import VLLMConfig
from sandbox.engines.engine import EngineFacts
from sandbox.engines.vllm_counting import Counting
from sandbox.engines.vllm_library import (
    EngineDeadError,
    Executor,
    LoRARequest,
    SamplingParams,
    StructuredOutputsConfig,
    VLLMClientError,
    current_platform,
    torch,
    transformers,
    vllm,
)
from scenes.chat import CallFailed, Completion
from scenes.clean import one_line, without_surrogates

_CPU_SETTINGS = {
    "enforce_eager": True,
    # The unit of prefix caching: with the default of 128, short prompts would have no whole block in common.
    "block_size": 32,
    # A prompt computed in chunks kills the engine if its request has a seed.
    "enable_chunked_prefill": False,
    "skip_mm_profiling": True,
}
_CPU_KV_CACHE_BYTES = 512 << 20
_RANKS = (1, 8, 16, 32, 64, 128, 256, 320, 512)
"""Of adapters, for which vLLM can keep room."""
_LAST_BREATH_S = 1.0
_HERE = Lock()
"""Held for a step in this process: what vLLM computes with there is global, and two engines at once would crash."""
_REFUSALS = (VLLMClientError, ValueError, TypeError, LookupError, AssertionError, RuntimeError)
"""What vLLM raises about one request while taking it in; `EngineDeadError` is none of them."""


class PicturesForgotten(CallFailed):
    """vLLM holds a picture no longer that was to be known to it by its id alone."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A request in vLLM's terms."""

    tokens: list[int]
    images: tuple[str, ...]
    pixels: list[Any]
    """Of each of `images`; None for one that was handed over before."""
    params: SamplingParams
    priority: int
    adapter: LoRARequest | None

    def prompt(self) -> dict[str, Any]:
        """Return the prompt. vLLM finds the places of pictures by token id, and pictures by our ids."""
        prompt: dict[str, Any] = {"prompt_token_ids": self.tokens}
        if self.images:
            prompt["multi_modal_data"] = {"image": self.pixels}
            prompt["multi_modal_uuids"] = {"image": list(self.images)}
        return prompt


@dataclass(frozen=True)
class Loading:
    """What is started."""

    config: VLLMConfig
    model: str
    images_per_request: int | None
    """None for a model without pictures."""
    adapters: Sequence[LoRARequest]
    rank: int
    """The largest of the adapters."""


class Steps:
    """One engine of vLLM, in this process or with its core in a process of its own.

    An engine of this process that is shut down, or collected as garbage, takes away what the others of the process
    compute with. So all of those are kept until the last one closes.
    """

    _open: ClassVar[set["Steps"]] = set()
    _closed: ClassVar[set["Steps"]] = set()

    def __init__(self, plan: Loading, counting: Counting) -> None:
        if current_platform.is_cpu():
            torch.set_num_threads(plan.config.threads)
        own = has_own_process(plan.config)
        with _environment(plan.config, own), _uninterrupted(), warnings.catch_warnings(action="ignore"):
            settings = _arguments(plan).create_engine_config()
            executor = Executor.get_class(settings)
            self._llm = vllm.LLMEngine(settings, executor, log_stats=True, multiprocess_mode=own)
        self._llm.logger_manager = counting
        self._llm.log_stats = self._llm.output_processor.log_stats = False  # what it would add up for its own loggers
        manager = getattr(getattr(self._llm.engine_core, "resources", None), "engine_manager", None)
        self._processes: Sequence[Any] = manager.processes if manager else ()
        if self._processes:
            Thread(target=self._tell_of_death, name="death of vLLM", daemon=True).start()
        else:
            self._open.add(self)
        self._load(plan.adapters)
        self.facts = _facts(plan.model, self._llm.vllm_config)
        counting.encoder_tokens = self._llm.vllm_config.scheduler_config.encoder_cache_size

    def add(self, request_id: str, prompt: Asked) -> None:
        if not self._holds(prompt):
            raise PicturesForgotten("a picture is to be handed over again")
        with self._alive():
            try:
                self._llm.add_request(
                    request_id, prompt.prompt(), prompt.params, priority=prompt.priority, lora_request=prompt.adapter
                )
            except _REFUSALS as error:
                self._llm.abort_request([request_id])
                raise CallFailed(f"vLLM refuses the request: {one_line(str(error), 300)}") from error

    def step(self) -> dict[str, Completion | CallFailed]:
        with self._alive(), nullcontext() if self._processes else _HERE:
            finished = [output for output in self._llm.step() if output.finished]
        if self._processes and any(output.outputs[0].finish_reason == "abort" for output in finished):
            raise RuntimeError("vLLM's own process is going down")  # and lets go of all that it was asked
        return {output.request_id: _completion(output) for output in finished}

    def abort(self, request_ids: list[str]) -> None:
        with self._alive():
            self._llm.abort_request(request_ids)

    def kill(self) -> None:
        """Kill the process of its own, if it has one, so that a step that waits for it raises."""
        for process in self._processes:
            process.kill()

    def close(self) -> None:
        if self._processes:
            self._close_own()
            return
        self._open.discard(self)
        self._closed.add(self)
        while self._closed and not self._open:
            self._closed.pop()._llm.engine_core.shutdown()

    def _close_own(self) -> None:
        """End the process of the core, and the sockets to it, which vLLM leaves to Python to complain about."""
        core = self._llm.engine_core
        core.shutdown()
        core.output_queue_thread.join(_LAST_BREATH_S)
        if not core.output_queue_thread.is_alive():
            core.ctx.destroy(linger=0)

    @contextmanager
    def _alive(self) -> Iterator[None]:
        """Say of a process that is gone how it ended, where vLLM only says that it has."""
        try:
            yield
        except EngineDeadError as error:
            for process in self._processes:
                process.join(_LAST_BREATH_S)
            codes = ", ".join(str(process.exitcode) for process in self._processes)
            raise RuntimeError(f"vLLM's own process is gone, with exit code {codes}") from error

    def _load(self, adapters: Sequence[LoRARequest]) -> None:
        """Load what would otherwise be loaded in a step, and end the engine if it cannot be."""
        for adapter in adapters:
            try:
                self._llm.add_lora(adapter)
            except Exception as error:  # of no common kind, and from a process of its own it is a bare `Exception`
                self.close()
                raise RuntimeError(f"the adapter {adapter.path} cannot be loaded: {error}") from error

    def _holds(self, prompt: Asked) -> bool:
        """Return whether vLLM still has every picture that is not handed over with `prompt`."""
        cache = self._llm.renderer.mm_processor_cache
        missing = [image for image, pixels in zip(prompt.images, prompt.pixels, strict=True) if pixels is None]
        return not missing or (cache is not None and all(map(cache.is_cached_item, missing)))

    def _tell_of_death(self) -> None:
        """Wake a step that waits for the core when that is gone; vLLM's own watch leaves it waiting for ever."""
        wait([process.sentinel for process in self._processes])
        self._llm.engine_core.outputs_queue.put_nowait(EngineDeadError())


def has_own_process(config: VLLMConfig) -> bool:
    """Return whether an engine computes in a process of its own."""
    return not current_platform.is_cpu() if config.own_process is None else config.own_process


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Keep Ctrl-C from the process that is started: it would fail all requests, which the run lets finish."""
    resource_tracker.ensure_running()  # or the first process would start it, and it lifts the mask
    before = pthread_sigmask(SIG_BLOCK, {SIGINT})
    try:
        yield
    finally:
        pthread_sigmask(SIG_SETMASK, before)


@contextmanager
def _environment(config: VLLMConfig, own: bool) -> Iterator[None]:
    """Set what is read of the environment while an engine starts, by vLLM and by the process of its core."""
    chosen = {"VLLM_ENABLE_V1_MULTIPROCESSING": str(int(own))}
    if own:
        chosen |= {"PYTHONWARNINGS": "ignore", "TORCH_LOGS": "-torch._library.triton"}
    if own and current_platform.is_cpu():
        chosen |= {"OMP_NUM_THREADS": str(config.threads), "VLLM_CPU_OMP_THREADS_BIND": "nobind"}
    before = {name: os.environ.get(name) for name in chosen}
    os.environ.update(chosen)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})


def _arguments(plan: Loading) -> vllm.EngineArgs:
    config = plan.config
    ours = {"kind", "threads", "seed_requests", "memory", "own_process"}
    settings: dict[str, Any] = config.model_dump(exclude=ours | set(config.further))
    if current_platform.is_cpu():
        settings |= _CPU_SETTINGS
        settings["dtype"] = "float32" if config.dtype == "auto" else config.dtype
        settings["kv_cache_memory_bytes"] = config.kv_cache_memory_bytes or _CPU_KV_CACHE_BYTES
    if plan.adapters:
        # On a CPU a request without an adapter takes the weights of the last slot: one more, so that it stays empty.
        rank = next(one for one in _RANKS if one >= plan.rank)
        settings |= {"enable_lora": True, "max_loras": len(plan.adapters) + 1, "max_lora_rank": rank}
    return vllm.EngineArgs(
        model=plan.model,
        limit_mm_per_prompt={} if plan.images_per_request is None else {"image": plan.images_per_request},
        enable_prefix_caching=True,
        scheduling_policy="priority",
        load_format="safetensors",
        seed=0,
        disable_log_stats=False,
        enable_logging_iteration_details=True,
        use_tqdm_on_load=False,
        # Named, since the first form would choose for all that follow. Without blanks, which a small model goes on
        # writing until it is cut off.
        structured_outputs_config=StructuredOutputsConfig(backend="xgrammar", disable_any_whitespace=True),
        **settings | config.further,
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
