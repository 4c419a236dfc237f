"""From a request to what a model reads: token ids and pictures, by the checkpoint's own processor and chat template."""

import json
import os
from collections.abc import Container, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sandbox.engines.chat_template import SEAM, ChatTemplate
from sandbox.engines.engine import Pictures
from sandbox.engines.literal_tokenizer import LiteralTokenizer
from sandbox.engines.token_memory import TokenMemory
from scenes.chat import Request, Segment
from scenes.clean import one_line, without_surrogates
from scenes.problem import InputRefused, refuse

if TYPE_CHECKING:
    from PIL.Image import Image
    from torch import Tensor

# Read when transformers is imported; its warnings speak to who trains models.
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

_SHAPES = 1_000
"""Conversations of different shapes whose rendering is kept."""
_MESSAGE_TOKENS = 8
"""More than a chat template puts around a message."""


@dataclass(frozen=True, slots=True)
class EncodedPrompt:
    """A prompt for a model. In `ids` a picture is the template's one placeholder, as vLLM wants it."""

    text: str
    ids: list[int]
    images: tuple[str, ...]
    length: int
    """Tokens once every placeholder has become its picture's; never too few."""


class Encoder:
    """Encodes for the model in a folder or on the Hub. Raises `InputRefused` if the model cannot be used."""

    def __init__(self, model: str, pictures: Pictures) -> None:
        self._pictures = pictures
        self._processor = _processor(model)
        self.tokenizer = getattr(self._processor, "tokenizer", self._processor)
        self.takes_pictures = hasattr(self._processor, "image_processor")
        self._processor.chat_template = self._processor.chat_template or self.tokenizer.chat_template
        self._placeholder: Any = getattr(self._processor, "image_token", None) if self.takes_pictures else None
        _check(model, self._processor, self.tokenizer, self._placeholder)
        self._template = ChatTemplate(_ByShape(self._processor), self._placeholder)
        self._literal = LiteralTokenizer(self.tokenizer)
        self._memory = TokenMemory(self._literal, self.tokenizer)
        self._text_tokens = lru_cache(maxsize=100_000)(self._literal.count)
        self._size_of = lru_cache(maxsize=None)(lambda image: self._open(image).size)
        self._tokens_of_size = lru_cache(maxsize=None)(self._count_picture)
        self.opened = 0
        """How often a picture was asked for."""

    @property
    def tokenised(self) -> int:
        """Tokens that were tokenised so far: those of a line that many prompts hold count once."""
        return self._memory.tokenised

    @property
    def pictures(self) -> int:
        """Distinct pictures that prompts held so far."""
        return self._size_of.cache_info().currsize

    @property
    def sizes(self) -> int:
        """Distinct sizes of theirs, for each of which one blank picture was preprocessed."""
        return self._tokens_of_size.cache_info().currsize

    def encode(self, segments: Sequence[Segment]) -> EncodedPrompt:
        """Return the prompt that `segments` make. Raises `CallFailed` if the model's template refuses them."""
        rendered = self._template.render(segments)
        adds_special = self.takes_pictures and not self._begins(rendered.pieces[0])
        literal = self._memory.encode(rendered.pieces, adds_special)
        length = len(literal.ids) + sum(map(self._picture_tokens, rendered.images))
        return EncodedPrompt(literal.text, literal.ids, rendered.images, length)

    def given(self, request: Request) -> list[int]:
        """Return the token ids of the answer that `request` gives; none where it gives none.

        They are those of its text alone, as it follows the prompt, with nothing that begins or ends a reply.
        """
        text = without_surrogates(request.answer or "").replace(SEAM, "\ufffd")
        return self._literal.encode(["", text], add_special_tokens=False).ids

    def size(self, segment: Segment) -> int:
        """Return the tokens of one segment, no fewer than leaving it out would free."""
        own = self._picture_tokens(segment.image) if segment.image else self._text_tokens(segment.text)
        return own + _MESSAGE_TOKENS

    def images(self, prompt: EncodedPrompt, known: Container[str] = ()) -> "list[Image | None]":
        """Return the pictures of `prompt` in order, None for each of those that are `known` already."""
        return [None if image in known else self._open(image) for image in prompt.images]

    def tensors(self, prompt: EncodedPrompt) -> "dict[str, Tensor]":
        """Return what transformers' models take, shapes (1, tokens); pictures as the processor shapes them."""
        inputs = self._call_processor(prompt.text, self.images(prompt))
        shape, kept = inputs["input_ids"].shape, inputs["input_ids"][0] != self._literal.seam_id
        return {name: value[:, kept] if value.shape == shape else value for name, value in inputs.items()}

    def _begins(self, text: str) -> bool:
        """Return whether the template wrote the beginning-of-text token, which the tokenizer must then not add."""
        bos = self.tokenizer.bos_token
        return bos is not None and text.startswith(bos)

    def _call_processor(self, text: str, images: list[Any]) -> Any:
        if not self.takes_pictures:
            return self.tokenizer(text, add_special_tokens=False, return_tensors="pt")
        special = {"add_special_tokens": False} if self._begins(text) else {}
        return self._processor(text=[text], images=[images] if images else None, return_tensors="pt", **special)

    def _open(self, image: str) -> "Image":
        self.opened += 1
        return self._pictures(image)

    def _picture_tokens(self, image: str) -> int:
        return self._tokens_of_size(self._size_of(image))

    def _count_picture(self, size: tuple[int, int]) -> int:
        """Return the tokens of a picture beyond its placeholder; next to some texts they come to a few less.

        Processors scale and split a picture by its size alone, so a blank one tells it of all.
        """
        import PIL.Image

        whole = self._call_processor(self._placeholder, [PIL.Image.new("RGB", size)])["input_ids"].shape[1]
        return int(whole) - len(self.tokenizer(self._placeholder)["input_ids"])


class _ByShape:
    """A processor that renders its template once for each shape of a conversation.

    What is rendered holds slots where texts stand, so all conversations of as many messages are alike.
    """

    def __init__(self, processor: Any) -> None:
        self._processor = processor
        self._rendered = lru_cache(maxsize=_SHAPES)(self._render)

    def apply_chat_template(self, conversation: list[dict[str, Any]], **options: bool) -> str:
        return self._rendered(json.dumps(conversation), **options)

    def _render(self, shape: str, **options: bool) -> str:
        return str(self._processor.apply_chat_template(json.loads(shape), **options))


def _processor(model: str) -> Any:
    """Return the processor of a model, or the tokenizer of one without pictures. No code of the model's is run."""
    from transformers import AutoProcessor

    if Path(model).is_absolute() and not Path(model).is_dir():
        raise _unusable(model, "there is no such folder")
    try:
        return AutoProcessor.from_pretrained(model, trust_remote_code=False)
    except (OSError, ValueError, ImportError, AttributeError) as error:
        hint = "" if find_spec("torchvision") else " (torchvision, which some processors need, is not installed)"
        raise _unusable(model, one_line(str(error), 300) + hint) from error


def _check(model: str, processor: Any, tokenizer: Any, placeholder: str | None) -> None:
    """Refuse a model that cannot be prompted safely."""
    if not getattr(tokenizer, "is_fast", False):
        raise _unusable(model, "it has no fast tokenizer (tokenizer.json)")
    if not processor.chat_template:
        raise _unusable(model, "it has no chat template; take the instruction-tuned version of it")
    if processor is not tokenizer and placeholder not in tokenizer.get_added_vocab():
        raise _unusable(model, "its pictures are not marked by a token of their own, so a text could pose as one")


def _unusable(model: str, reason: str) -> InputRefused:
    return refuse(f"model {one_line(model)} cannot be used: {reason}")
