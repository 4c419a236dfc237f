"""An engine without a model: a function answers. It stands in for a real one in tests, and is what a dry run plays."""

import asyncio
import json
import re
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from inspect import isawaitable
from math import log
from random import Random

from sandbox.engines.cutting import cut, room
from sandbox.engines.engine import AT_LEISURE, EngineFacts, Urgency, likelihood, with_room
from sandbox.engines.form import instance, read_form
from scenes.chat import CallFailed, Completion, Prompt, Request, Segment, fitting
from scenes.clean import one_line, without_surrogates

_KINDS = 10_000
"""Of words, that a dry run takes a language to have."""
Answer = Callable[[Request], str | Awaitable[str]]
Logprobs = Callable[[Sequence[str], Request], list[float]]
"""Returns how likely each of some words is after a request."""


def dry_logprobs(answer: Sequence[str], request: Request) -> list[float]:
    """Return a logprob for each word of `answer`: a word is the likelier, the more often the prompt has it.

    The estimate is a unigram's with one added to every count (Jurafsky and Martin, Speech and Language Processing,
    section on Laplace smoothing), over as many kinds of words as `_KINDS`.
    """
    prompt = [word for segment in request.prompt.segments() for word in _bare(segment.text)]
    counts = Counter(prompt)
    return [log((counts[word] + 1) / (len(prompt) + _KINDS)) for word in answer]


def _bare(text: str) -> list[str]:
    return re.findall(r"\w+", text.casefold())


class Scripted:
    """Answers with `answer`, which may raise `CallFailed` or `EngineDied`.

    Its tokens are words, and a picture is one word: near enough to see what a context length cuts, not to predict cost.
    Without a context length those of a prompt are not counted: a turn then costs the same however long the story is.
    """

    def __init__(
        self,
        answer: Answer,
        context_length: int | None = None,
        delay_s: float = 0,
        logprobs: Logprobs | None = dry_logprobs,
    ) -> None:
        self._answer = answer
        self._logprobs = logprobs
        self._delay_s = delay_s
        name = getattr(answer, "__qualname__", type(answer).__qualname__)
        self.facts = EngineFacts(kind="scripted", model=name, context_length=context_length)

    async def complete(self, request: Request, urgency: Urgency = AT_LEISURE) -> Completion:
        """Return what the function says to `request`, which it sees as cut to the context.

        An answer that is given is not shown to the function: its words are as likely as `logprobs` has it. Without
        that its call fails, for likelihoods that are made up look like any others.
        """
        if request.answer is not None and self._logprobs is None:
            raise CallFailed("a dry run computes no likelihood; score with a model")
        given = _bare(request.answer or "")
        words, dropped = self._cut(with_room(request, len(given)))
        seen = _without_oldest(request, dropped)
        if given and self._logprobs:
            await asyncio.sleep(self._delay_s)
            return likelihood(self._logprobs(given, seen), (), words + len(given), dropped)
        answer = self._answer(seen)
        text = without_surrogates(await answer if isawaitable(answer) else answer)
        await asyncio.sleep(self._delay_s)
        return Completion(text=text, prompt_tokens=words, output_tokens=len(text.split()), dropped=dropped)

    def room(self, request: Request) -> int | None:
        """Return how many words of history fit beside the rest of `request` and its reply."""
        return room(request, self.facts.context_length, _COUNTER)

    def close(self) -> None:
        """Nothing is held."""

    def _cut(self, request: Request) -> tuple[int, int]:
        """Return the words of the prompt and how many segments were dropped."""
        if self.facts.context_length is None:
            return 0, 0
        words, dropped = cut(request, self.facts.context_length, _COUNTER)
        return words.length, dropped


def dry_answer(request: Request) -> str:
    """Return a line that tells where it stands: the number of the turn and the end of what it answers.

    A request with a form gets that form, filled in by lot with the request's seed.
    """
    if request.form is not None:
        return json.dumps(instance(read_form(request.form), Random(request.seed)), ensure_ascii=False)
    heard = [segment.text for segment in request.prompt.segments() if segment.text and _is_heard(segment)]
    if not heard:
        return "Turn 1, with nothing said before."
    return f"Turn {len(heard) + 1}, after “{one_line(heard[-1], 60)}”."


def _is_heard(segment: Segment) -> bool:
    """Return whether a segment is a line of the past, or the one that `compact` quotes at the end to be answered."""
    quoted = segment.stability == "instruction" and not segment.text.startswith("Scene: ")
    return segment.stability == "history" or (quoted and ": " in segment.text[:100])


@dataclass(frozen=True, slots=True)
class _Words:
    length: int


class _WordCounter:
    def encode(self, segments: Sequence[Segment]) -> _Words:
        return _Words(sum(map(self.size, segments)))

    def size(self, segment: Segment) -> int:
        return 1 if segment.image else len(segment.text.split())


_COUNTER = _WordCounter()


def _without_oldest(request: Request, dropped: int) -> Request:
    if not dropped:
        return request
    return replace(request, prompt=Prompt().then(*fitting(request.prompt.segments(), dropped)))
