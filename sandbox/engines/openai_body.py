"""From a request to the JSON that a server reads: chat messages, pictures as data, sampling by the API's names.

A server tokenizes texts by itself, so a control token that somebody says would take effect there. Whatever looks like
one gets a zero-width space behind its first letter (a test of ours found that to break it; a server that takes token
ids and pictures at once would need nothing of the kind, and none of the common ones does).
"""

import re
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO
from typing import Any

import orjson

from sandbox.engines.engine import Pictures
from scenes.chat import Message, Request, Segment, fitting, messages
from scenes.clean import without_surrogates

_KEPT_PICTURES = 256
_CONTROL = re.compile(
    # `<|im_end|>`, `</s>`, `<image>`, and what NFKC makes such of; but for the sections that CharacterRM was trained
    # on, which are tokens of no known model
    "[<＜﹤](?!(?:Scene|Character|Actions|Note|Criteria|Score)>)(?=[^<>＜＞﹤﹥\\s]{1,64}[>＞﹥])"
    "|[\\[［﹇](?=/?g?[A-Z_]{2,32}[\\]］﹈])"  # `[INST]`, `[/INST]`, `[gMASK]`
)


@dataclass(slots=True)
class Dialect:
    """Which of two names for the same thing the servers understand; learned when they refuse one."""

    tokens: str = "max_tokens"
    form: str = "response_format"
    takes_priority: bool = True


@dataclass(frozen=True, slots=True)
class Wording:
    """How one try puts a request."""

    dropped: int
    """Oldest segments of history left out."""
    form: str
    """Where the form of the reply stands: in `response_format`, or in vLLM's `structured_outputs`."""
    tokens: str
    priority: int | None
    """None where it is not understood."""
    is_vllm: bool


def harmless(text: str) -> str:
    """Return `text` with what a tokenizer could take for a control token broken in two."""
    return _CONTROL.sub(lambda found: found[0] + "\u200b", text)


class Bodies:
    """Writes requests for the model that its servers call `name`."""

    def __init__(self, name: str, pictures: Pictures) -> None:
        self.name = name
        self._pictures = pictures
        self._picture = lru_cache(maxsize=_KEPT_PICTURES)(self._written_picture)
        self._line = lru_cache(maxsize=20_000)(lambda text: harmless(text.strip()))

    def chat(self, request: Request, wording: Wording) -> bytes:
        """Return the body of a question to `/chat/completions`."""
        body = self._conversation(request, wording) | {
            "temperature": request.sampling.temperature,
            "top_p": request.sampling.top_p,
            "seed": request.seed % (2**63 if wording.is_vllm else 2**31),
            wording.tokens: request.sampling.max_tokens,
        }
        if request.sampling.stop:
            body["stop"] = request.sampling.stop
        if request.form is not None:
            body[wording.form] = _form(request.form, wording.form)
        if wording.is_vllm:  # which else takes the model's own
            body |= {"top_k": -1, "min_p": 0.0, "repetition_penalty": 1.0}
        if wording.priority is not None:
            body["priority"] = wording.priority
        return orjson.dumps(body)

    def likelihood(self, request: Request, wording: Wording) -> bytes:
        """Return the body of a question how likely the tokens of a prompt are that ends with the answer given."""
        body = self._conversation(request, wording)
        chat, answer = body["messages"], self._given(request.answer or "")
        if chat and chat[-1]["role"] == "assistant":
            chat[-1]["content"] += answer
        else:
            chat.append({"role": "assistant", "content": answer})
        return orjson.dumps(body | _GOES_ON | {"prompt_logprobs": 0, "max_tokens": 1, "temperature": 0.0})

    def tokens(self, text: str) -> bytes:
        """Return the body of a question to vLLM's `/tokenize`: which tokens a text has by itself."""
        return orjson.dumps({"model": self.name, "prompt": self._given(text), "add_special_tokens": False})

    def _given(self, answer: str) -> str:
        """Return an answer as it is sent: it need not have been in a prompt, so anything may be in it."""
        return harmless(without_surrogates(answer))

    def _conversation(self, request: Request, wording: Wording) -> dict[str, Any]:
        segments = request.prompt.segments()
        kept = fitting(segments, wording.dropped) if wording.dropped else segments
        chat = [{"role": message.role, "content": self._content(message, wording)} for message in messages(kept)]
        body: dict[str, Any] = {"model": self.name, "messages": chat}
        return body | _GOES_ON if chat and chat[-1]["role"] == "assistant" else body

    def _content(self, message: Message, wording: Wording) -> Any:
        """Return the content of a message: its text, or with pictures its parts in order."""
        first, *others = message.parts
        if not others and not first.image:
            return self._line(first.text)
        texts, images = _texts_and_images(message.parts)
        if not images:
            return harmless(texts[0].strip())
        texts[0], texts[-1] = texts[0].lstrip(), texts[-1].rstrip()
        parts = [{"type": "text", "text": harmless(texts[0])}] if texts[0] else []
        for image, text in zip(images, texts[1:], strict=True):
            parts.append(self._picture(image, wording.is_vllm))
            parts += [{"type": "text", "text": harmless(text)}] if text else []
        return parts

    def _written_picture(self, image: str, is_vllm: bool) -> Any:
        """Return a picture as JSON that is written once, whoever asks; vLLM gets our id for it too."""
        file = BytesIO()
        self._pictures(image).save(file, "PNG", compress_level=1)
        url = "data:image/png;base64," + b64encode(file.getvalue()).decode()
        part = {"type": "image_url", "image_url": {"url": url}}
        return orjson.Fragment(orjson.dumps(part | {"uuid": image} if is_vllm else part))


_GOES_ON = {"continue_final_message": True, "add_generation_prompt": False}
"""The reply goes on where the last message ends; known to vLLM and SGLang, and elsewhere often done unasked."""


def _texts_and_images(parts: Sequence[Segment]) -> tuple[list[str], list[str]]:
    """Return the texts before, between and behind the pictures of a message, and the ids of those."""
    texts, images = [""], list[str]()
    for at, part in enumerate(parts):
        texts[-1] += (part.glue if at else "") + ("" if part.image else part.text)
        if part.image:
            images.append(part.image)
            texts.append("")
    return texts, images


def _form(form: str, where: str) -> Any:
    schema = orjson.Fragment(form.encode())
    if where == "structured_outputs":
        return {"json": schema}
    return {"type": "json_schema", "json_schema": {"name": "reply", "strict": True, "schema": schema}}
