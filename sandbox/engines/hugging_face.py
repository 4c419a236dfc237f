"""The same checkpoints computed by transformers, one request at a time. Imported when such an engine is started."""

import asyncio
import warnings
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property, partial
from importlib.util import find_spec
from threading import Event
from typing import Any

from sandbox.engines.adapter import read_adapter
from sandbox.engines.config import TransformersConfig
from sandbox.engines.cutting import cut, room
from sandbox.engines.encoding import EncodedPrompt, Encoder
from sandbox.engines.engine import AT_LEISURE, EngineDied, EngineFacts, Pictures, Urgency, likelihood, with_room
from sandbox.engines.form import without_controls
from sandbox.engines.merged import Weights
from scenes.chat import CallFailed, Completion, Request
from scenes.clean import one_line, without_surrogates
from scenes.problem import refuse

with warnings.catch_warnings(action="ignore"):
    import torch
    import transformers
    from transformers import (
        GenerationConfig,
        LogitsProcessorList,
        StoppingCriteriaList,
        TemperatureLogitsWarper,
        TopPLogitsWarper,
    )

_GRAMMAR_CACHE_BYTES = 512 << 20


class TransformersEngine:
    """Writes one reply after another, in a thread of its own. Raises `InputRefused` if it cannot load the model.

    `adapters` are folders by the name of the model that a request asks; one that asks any other is for the model alone.
    """

    def __init__(
        self, config: TransformersConfig, model: str, pictures: Pictures, adapters: Mapping[str, str] | None = None
    ) -> None:
        self._encoder = Encoder(model, pictures)
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="engine")
        tokenizer, takes_pictures = self._encoder.tokenizer, self._encoder.takes_pictures
        loading = self._thread.submit(_load, config, model, takes_pictures, tokenizer.eos_token_id)
        try:
            self._model = loading.result()
        except (ValueError, OSError, RuntimeError, ImportError) as error:
            raise refuse(f"transformers cannot load {one_line(model)}: {one_line(str(error), 400)}") from error
        self._weights = Weights(self._model, {name: read_adapter(at) for name, at in (adapters or {}).items()})
        self.facts = _facts(config, model, self._model)

    async def complete(self, request: Request, urgency: Urgency = AT_LEISURE) -> Completion:
        """Answer `request` after those asked before, or say how likely its answer is.

        To cancel it stops the writing.
        """
        given = self._encoder.given(request)
        encoded, dropped = cut(with_room(request, len(given)), self.facts.context_length, self._encoder)
        cancelled = Event()
        read, write = partial(self._read, encoded, given), partial(self._write, encoded, request, cancelled)
        work = partial(self._with_adapter, request.model, read if given else write)
        try:
            job = self._thread.submit(work)
        except RuntimeError as error:
            raise EngineDied("the engine was closed") from error
        try:
            completion = await asyncio.wrap_future(job)
        finally:
            cancelled.set()
        return completion.model_copy(update={"dropped": dropped})

    def room(self, request: Request) -> int | None:
        """Return how many tokens of history fit beside the rest of `request` and its reply."""
        return room(request, self.facts.context_length, self._encoder)

    def close(self) -> None:
        """Let the reply under way end, and take no more."""
        self._thread.shutdown()

    def _with_adapter(self, name: str, work: Callable[[], Completion]) -> Completion:
        self._weights.take(name)
        return work()

    def _read(self, encoded: EncodedPrompt, given: list[int]) -> Completion:
        """Say how likely `given` is after the prompt, in one pass; only where it stands are there scores of tokens."""
        inputs = self._inputs(encoded)
        shape, tail = inputs["input_ids"].shape, torch.tensor([given], device=self._model.device)
        rows = {"input_ids": tail, "attention_mask": torch.ones_like(tail)}  # of any other kind, 0 is text
        for name, value in inputs.items():
            if value.shape == shape:
                inputs[name] = torch.cat([value, rows.get(name, torch.zeros_like(tail)).to(value.dtype)], dim=1)
        try:
            with torch.inference_mode():
                logits = self._model(**inputs, use_cache=False, logits_to_keep=len(given) + 1).logits
        except (RuntimeError, IndexError) as error:
            raise CallFailed(f"transformers failed on the request: {one_line(str(error), 300)}") from error
        scores = logits[0, -len(given) - 1 : -1].float().log_softmax(dim=-1)
        logprobs = scores.gather(1, tail.T)[:, 0].tolist()
        return likelihood(logprobs, given, inputs["input_ids"].shape[1], 0)

    def _inputs(self, encoded: EncodedPrompt) -> dict[str, torch.Tensor]:
        return {name: self._placed(value) for name, value in self._encoder.tensors(encoded).items()}

    def _write(self, encoded: EncodedPrompt, request: Request, cancelled: Event) -> Completion:
        prompt = self._inputs(encoded)
        length = prompt["input_ids"].shape[1]

        def ends(tokens: torch.Tensor, scores: Any, **_: Any) -> torch.Tensor:
            """Return whether to end, shape (1,): at a stop string, or when nobody waits for the reply any more."""
            found = bool(request.sampling.stop) and self._text(tokens[0, length:].tolist(), request)[1]
            return torch.tensor([found or cancelled.is_set()], device=tokens.device)

        try:
            tokens = self._model.generate(
                **prompt,
                max_new_tokens=request.sampling.max_tokens,
                logits_processor=LogitsProcessorList([*self._mask(request.form), _draw(request, self._model.device)]),
                stopping_criteria=StoppingCriteriaList([ends]),
            )
        except RuntimeError as error:
            raise CallFailed(f"transformers failed on the request: {one_line(str(error), 300)}") from error
        return self._completion(request, length, tokens[0, length:].tolist())

    def _mask(self, form: str | None) -> list[Callable[[torch.Tensor, torch.Tensor], torch.Tensor]]:
        """Return what leaves only tokens that go on with `form`; nothing if there is none or xgrammar is missing.

        Raises `CallFailed` if xgrammar cannot follow the form.
        """
        if form is None or self._grammars is None:
            return []
        from xgrammar.contrib.hf import LogitsProcessor

        try:
            grammar = self._grammars.compile_json_schema(form, any_whitespace=False, separators=(",", ":"))
        except (RuntimeError, ValueError) as error:
            raise CallFailed(f"xgrammar refuses the form of the reply: {one_line(str(error), 300)}") from error
        return [LogitsProcessor(grammar)]

    @cached_property
    def _grammars(self) -> Any:
        """The compiler of grammars over the model's tokens, None without xgrammar, which is installed with vLLM only.

        The model has a score for each of `vocab_size` tokens; its tokenizer may know more tokens, or fewer.
        """
        if find_spec("xgrammar") is None:
            return None
        import xgrammar

        ends = self._model.generation_config.eos_token_id
        scores = self._model.config.get_text_config().vocab_size
        vocabulary = xgrammar.TokenizerInfo.from_huggingface(
            self._encoder.tokenizer, vocab_size=scores, stop_token_ids=ends
        )
        return xgrammar.GrammarCompiler(vocabulary, cache_limit_bytes=_GRAMMAR_CACHE_BYTES)

    def _placed(self, value: torch.Tensor) -> torch.Tensor:
        """Return the tensor where the model is; numbers that are not integers in the model's precision."""
        dtype = self._model.dtype if value.is_floating_point() else value.dtype
        return value.to(self._model.device, dtype)

    def _text(self, tokens: list[int], request: Request) -> tuple[str, bool]:
        """Return the text of `tokens` up to the first stop string, and whether there is one."""
        text = self._encoder.tokenizer.decode(tokens, skip_special_tokens=True, clean_up_tokenization_spaces=False)
        stops = [at for at in map(text.find, request.sampling.stop) if at >= 0]
        return text[: min(stops, default=None)], bool(stops)

    def _completion(self, request: Request, prompt_tokens: int, tokens: list[int]) -> Completion:
        ended = tokens[-1] in self._model.generation_config.eos_token_id
        text, stopped = self._text(tokens[:-1] if ended else tokens, request)
        return Completion(
            text=without_surrogates(text if request.form is None else without_controls(text)),
            finish_reason="stop" if ended or stopped else "length",
            prompt_tokens=prompt_tokens,
            output_tokens=len(tokens),
            token_ids=tuple(tokens),
        )


def _draw(request: Request, device: torch.device) -> Callable[[torch.Tensor, torch.Tensor], torch.Tensor]:
    """Return what draws a token from scores, shape (1, vocabulary), leaving them all but that one's at minus infinity.

    Left to itself `generate` draws from the one generator of the process, where other requests draw too.
    """
    if request.sampling.temperature == 0:
        return lambda tokens, scores: scores
    warpers = LogitsProcessorList([TemperatureLogitsWarper(request.sampling.temperature)])
    if request.sampling.top_p < 1:
        warpers.append(TopPLogitsWarper(request.sampling.top_p))
    generator = torch.Generator(device).manual_seed(request.seed % 2**63)

    def draw(tokens: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        probabilities = warpers(tokens, scores).softmax(dim=-1)
        drawn = torch.multinomial(probabilities, 1, generator=generator)
        return torch.full_like(scores, -torch.inf).scatter(1, drawn, 0.0)

    return draw


def _load(config: TransformersConfig, model: str, takes_pictures: bool, end_of_text: int | None) -> Any:
    """Return the model, whose generation settings are only what ends a reply: what the checkpoint adds vLLM has not."""
    transformers.utils.logging.disable_progress_bar()
    device = config.device if config.device != "auto" else "cuda" if torch.cuda.is_available() else "cpu"
    if device == "cpu":
        torch.set_num_threads(config.threads)
    kind = transformers.AutoModelForImageTextToText if takes_pictures else transformers.AutoModelForCausalLM
    dtype = "float32" if config.dtype == "auto" and device == "cpu" else config.dtype
    loaded = kind.from_pretrained(model, dtype=dtype, use_safetensors=True, trust_remote_code=False)
    named = loaded.generation_config.eos_token_id
    ends = {*(named if isinstance(named, list) else [named]), end_of_text} - {None}
    loaded.generation_config = GenerationConfig(eos_token_id=sorted(ends), pad_token_id=min(ends, default=0))
    return loaded.to(device).eval()


def _facts(config: TransformersConfig, model: str, loaded: Any) -> EngineFacts:
    longest = getattr(loaded.config.get_text_config(), "max_position_embeddings", None)
    return EngineFacts(
        kind="transformers",
        slots=1,
        model=model,
        revision=getattr(loaded.config, "_commit_hash", None),
        context_length=min(filter(None, (config.max_model_len, longest)), default=None),
        device=str(loaded.device),
        dtype=str(loaded.dtype).removeprefix("torch."),
        versions={library.__name__: str(library.__version__) for library in (torch, transformers)},
    )
