"""What a server's reply means: an answer, or which kind of trouble. Apart, because it judges hostile bytes and no more.

Trouble is told apart by what has to be done about it; who does that is the engine.
"""

import json
import time
from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Annotated, Any, Literal

import orjson
from pydantic import BaseModel, Field, ValidationError

from scenes.chat import CallFailed, Completion
from scenes.clean import one_line, without_surrogates

What = Literal["again", "late", "busy", "gone", "refused", "over"]
"""`again`: this try failed, by the server's fault. `late`: there was no time left. `busy`: too much to do there.
`gone`: the server cannot be reached, or has lost its engine. `refused`: no other try would do better. `over`: nor would
any other request."""

_DEAD_ENGINE = ("EngineCore encountered an issue", "EngineDeadError", "engine is dead", "Engine process died")
_TOO_LONG = (
    "context length", "context_length", "context size", "context window", "maximum context", "max_model_len",
    "prompt is too long", "input is too long", "reduce the length", "maximum input length",
)  # fmt: skip
_NO_MONEY = b"insufficient_quota"


class Trouble(Exception):
    """A try that came to no answer; the message is fit for a user."""

    def __init__(self, what: What, message: str, wished: float | None = None, status: int = 0) -> None:
        super().__init__(message)
        self.what = what
        self.wished = wished
        """Seconds of rest that the server asked for."""
        self.status = status


class _Message(BaseModel):
    content: str | None = None
    refusal: str | None = None


class _Choice(BaseModel):
    message: _Message
    finish_reason: str | None = None


class _Details(BaseModel):
    cached_tokens: int | None = None


class Usage(BaseModel):
    """What a reply cost, in tokens."""

    prompt_tokens: Annotated[int, Field(ge=0)] = 0
    completion_tokens: Annotated[int, Field(ge=0)] = 0
    prompt_tokens_details: _Details | None = None

    @property
    def cached(self) -> int:
        """Prompt tokens that the server had at hand, if it says."""
        return (self.prompt_tokens_details and self.prompt_tokens_details.cached_tokens) or 0


class _Likelihood(BaseModel):
    logprob: float


class Reply(BaseModel):
    """A reply of a server, as far as it is read."""

    choices: Annotated[list[_Choice], Field(min_length=1)]
    usage: Usage | None = None
    model: str | None = None
    prompt_logprobs: list[dict[int, _Likelihood] | None] | None = None


def read_reply(body: bytes) -> Reply:
    """Return the reply in `body`, which has an answer that is whole. Raises `Trouble`."""
    try:
        reply = Reply.model_validate(parsed(body))
    except ValidationError as error:
        raise Trouble("again", f"the server's reply is not in the form of the API: {_excerpt(body)}") from error
    if reply.choices[0].finish_reason in (None, "abort", "error"):
        raise Trouble("again", "the server's reply does not say that it is finished")
    return reply


def parsed(body: bytes) -> Any:
    """Return the JSON in `body`; lone surrogates, which only the lenient reader takes, are seen to later.

    Raises `Trouble`.
    """
    try:
        return orjson.loads(body)
    except ValueError:
        pass
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Trouble("again", f"the server's reply is not JSON: {_excerpt(body)}") from error


def completion_of(reply: Reply, dropped: int) -> Completion:
    """Return the completion in `reply`. Raises `CallFailed` if the server would not answer, or not in words."""
    answer, usage = reply.choices[0], reply.usage or Usage()
    if answer.message.refusal:
        raise CallFailed(f"the model refuses to answer: {one_line(answer.message.refusal, 200)}")
    if answer.finish_reason == "content_filter":
        raise CallFailed("the server's content filter withheld the reply")
    if answer.finish_reason not in ("stop", "length"):
        raise CallFailed(f"the reply ended with {one_line(answer.finish_reason or '')}, which is no end of a text")
    return Completion(
        text=_whole(answer.message.content or ""),
        finish_reason="length" if answer.finish_reason == "length" else "stop",
        prompt_tokens=usage.prompt_tokens,
        cached_tokens=usage.cached,
        output_tokens=usage.completion_tokens,
        dropped=dropped,
    )


def trouble_of(status: int, headers: Mapping[str, str], body: bytes, key: str | None = None) -> Trouble:
    """Return what a reply with another status than 200 means; `key` is kept out of the message."""
    said = _said(body, key)
    message = f"the server answered {status}: {said}"
    if 300 <= status < 400:
        return Trouble("refused", f"the server answered {status}, another address; only the one you named is asked")
    if status in (401, 403):
        return Trouble("over", f"{message} (the key is taken from the variable that `api_key_env` names)", None, status)
    if status == 404 or _NO_MONEY in body:
        return Trouble("over", message, None, status)
    if status in (429, 503, 529):
        return Trouble("busy", message, _wished(headers.get("Retry-After")), status)
    if status >= 500 and any(words in said for words in _DEAD_ENGINE):
        return Trouble("gone", message)
    if status in (408, 409, 425) or status >= 500:
        return Trouble("again", message)
    return Trouble("refused", message, status=status)


def is_too_long(trouble: Trouble) -> bool:
    """Return whether a server refused a request because it is longer than the model's context."""
    said = str(trouble).casefold()
    return trouble.what == "refused" and any(words in said for words in _TOO_LONG)


def _said(body: bytes, key: str | None) -> str:
    """Return what an error says in words, on one line, at most 300 characters."""
    try:
        found = parsed(body)
    except Trouble:
        found = None
    for name in ("error", "message", "detail"):
        if isinstance(found, dict):
            found = found.get(name, found)
    words = found if isinstance(found, str) else body.decode(errors="replace")
    return one_line(words.replace(key, "***") if key else words, 300) or "nothing"


def _wished(header: str | None) -> float | None:
    """Return the seconds in a `Retry-After`, which holds a number or a date; None if it holds neither."""
    if header is None:
        return None
    try:
        return max(0.0, float(header)) if header.strip().replace(".", "", 1).isdecimal() else _until(header)
    except (ValueError, TypeError, OverflowError):
        return None


def _until(date: str) -> float:
    when = parsedate_to_datetime(date)
    return max(0.0, when.replace(tzinfo=when.tzinfo or UTC).timestamp() - time.time())


def _whole(text: str) -> str:
    return text if text.isascii() else without_surrogates(text)


def _excerpt(body: bytes) -> str:
    return f"“{one_line(body[:400].decode(errors='replace'))}”" if body else "nothing at all"
