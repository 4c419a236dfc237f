"""vLLM on a GPU or a CPU; imported when such an engine is started. Only the `vllm` modules here know vLLM."""

from collections.abc import Mapping
from functools import partial

from sandbox.engines.adapter import read_adapter
from sandbox.engines.config import VLLMConfig
from sandbox.engines.counters import EngineCounters
from sandbox.engines.cutting import cut, room
from sandbox.engines.encoding import EncodedPrompt, Encoder
from sandbox.engines.engine import AT_LEISURE, Pictures, Urgency, likelihood, with_room
from sandbox.engines.fitting import check_fit
from sandbox.engines.form import without_controls
from sandbox.engines.pump import Pump
from sandbox.engines.restarting import Restarting
from sandbox.engines.vllm_counting import Counting
from sandbox.engines.vllm_library import (
    LoRARequest,
    RequestOutputKind,
    SamplingParams,
    StructuredOutputsParams,
    current_platform,
)
from sandbox.engines.vllm_steps import Asked, Loading, PicturesForgotten, Steps, has_own_process
from scenes.chat import Completion, Request
from scenes.clean import one_line
from scenes.problem import refuse


class VLLMEngine:
    """Computes all its requests together and caches their prefixes. Raises `InputRefused` if it cannot start.

    `adapters` are folders by the name of the model that a request asks; one that asks any other is for the model alone.
    """

    def __init__(
        self,
        config: VLLMConfig,
        model: str,
        pictures: Pictures,
        images_per_request: int,
        adapters: Mapping[str, str] | None = None,
    ) -> None:
        self._encoder = Encoder(model, pictures)
        self._handed_over: set[str] = set()
        """Pictures that vLLM holds, as far as is known."""
        self._seeded = current_platform.is_cpu() if config.seed_requests is None else config.seed_requests
        self._adapters = _loras(model, self._encoder.takes_pictures, adapters or {})
        self._counting = Counting()
        rank = max((read_adapter(lora.path).rank for lora in self._adapters.values()), default=0)
        images = images_per_request if self._encoder.takes_pictures else None
        plan = Loading(config, model, images, list(dict.fromkeys(self._adapters.values())), rank)
        begin = partial(Steps, plan, self._counting)
        try:
            # a core in a process of its own is started again when it dies; in this one it ends the run
            self._pump: Pump[Asked] = Pump(lambda: Restarting(begin) if has_own_process(config) else begin())
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
        completion = await self._answer(encoded, given, request, urgency)
        if given:
            return likelihood(completion.logprobs[-len(given) :], given, completion.prompt_tokens, dropped)
        text = completion.text if request.form is None else without_controls(completion.text)
        return completion.model_copy(update={"dropped": dropped, "text": text})

    def room(self, request: Request) -> int | None:
        """Return how many tokens of history fit beside the rest of `request` and its reply."""
        return room(request, self.facts.context_length, self._encoder)

    def counters(self) -> EngineCounters:
        """Return what vLLM and the encoder counted up to now."""
        encoder = self._encoder
        return self._counting.counters(pictures=encoder.pictures, opened=encoder.opened, sizes=encoder.sizes)

    def close(self) -> None:
        """Take no more requests; shut down with the last vLLM engine of the process."""
        self._pump.close()

    async def _answer(self, encoded: EncodedPrompt, given: list[int], request: Request, urgency: Urgency) -> Completion:
        try:
            answer = await self._pump.ask(self._asked(encoded, given, request, urgency))
        except PicturesForgotten:
            self._handed_over.difference_update(encoded.images)
            answer = await self._pump.ask(self._asked(encoded, given, request, urgency))
        self._handed_over.update(encoded.images)
        return answer

    def _asked(self, encoded: EncodedPrompt, given: list[int], request: Request, urgency: Urgency) -> Asked:
        known = self._handed_over.intersection(encoded.images)
        pixels = self._encoder.images(encoded, known)
        params, adapter = self._params(request), self._adapters.get(request.model)
        return Asked(encoded.ids + given, encoded.images, pixels, params, urgency.priority, adapter)

    def _params(self, request: Request) -> SamplingParams:
        if request.answer is not None:
            return SamplingParams(
                max_tokens=1, prompt_logprobs=0, detokenize=False, output_kind=RequestOutputKind.FINAL_ONLY
            )
        sampling = request.sampling
        return SamplingParams(
            temperature=sampling.temperature,
            top_p=sampling.top_p,
            max_tokens=sampling.max_tokens,
            stop=list(sampling.stop),
            seed=request.seed % 2**63 if self._seeded else None,
            structured_outputs=StructuredOutputsParams(json=request.form) if request.form is not None else None,
            output_kind=RequestOutputKind.FINAL_ONLY,
        )


def _loras(model: str, takes_pictures: bool, adapters: Mapping[str, str]) -> dict[str, LoRARequest]:
    """Return what vLLM calls each adapter; two names of one folder share one. Raises `InputRefused` if it does not fit.

    vLLM itself says nothing of one that does not, and leaves out what is added outside the language model.
    """
    check_fit(model, takes_pictures, adapters.values(), language_only=True)
    folders = {folder: number for number, folder in enumerate(sorted(set(adapters.values())), start=1)}
    return {name: LoRARequest(folder, folders[folder], folder) for name, folder in adapters.items()}
