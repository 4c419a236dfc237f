"""Any server of the OpenAI API, one or several that hold the same model: vLLM, SGLang, Ollama, LM Studio and others.

Replies are not streamed: a reply that was cut then shows as JSON that ends early or has no reason to end, and a call
costs a tenth of the work. What a hanging server does is seen by the deadline, which is one for the whole call.
This engine alone tries again; what came of each try is told apart in `openai_reply`.
"""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from math import inf
from random import Random
from typing import Any, TypeVar

import aiohttp

from sandbox.engines.config import OpenAIConfig, Prices
from sandbox.engines.counters import EngineCounters
from sandbox.engines.engine import AT_LEISURE, EngineDied, EngineFacts, Pictures, Urgency, likelihood, with_room
from sandbox.engines.form import without_controls
from sandbox.engines.openai_address import served
from sandbox.engines.openai_body import Bodies, Dialect, Wording
from sandbox.engines.openai_cut import Cuts
from sandbox.engines.openai_line import Line
from sandbox.engines.openai_reply import Reply, Trouble, completion_of, is_too_long, parsed, read_reply
from sandbox.engines.openai_server import MOST_BYTES, MOST_BYTES_OF_LIKELIHOODS, Server, kept_open, new_session
from sandbox.engines.openai_window import pause
from scenes.chat import CallFailed, Completion, Request
from scenes.clean import one_line
from scenes.problem import refuse

MOST_THROTTLED = 60
"""Times that one call is sent away because there is too much to do, before it fails."""
START_S = 30
"""For a server to say what it serves."""
Found = TypeVar("Found")


@dataclass(slots=True)
class Spent:
    """What was asked of the servers so far, and what it cost."""

    calls: int = 0
    """That got an answer."""
    tries: int = 0
    throttled: int = 0
    """Tries that a server sent away because it had too much to do."""
    unmetered: int = 0
    """Answers of which the server did not say how many tokens they cost; counted as none."""
    prompt_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0

    def add(self, completion: Completion, is_metered: bool) -> None:
        """Count an answer."""
        self.calls += 1
        self.unmetered += not is_metered
        self.prompt_tokens += completion.prompt_tokens
        self.cached_tokens += completion.cached_tokens
        self.output_tokens += completion.output_tokens

    def price(self, prices: Prices) -> float:
        """Return what all of it costs."""
        cached = prices.prompt if prices.cached is None else prices.cached
        computed = self.prompt_tokens - self.cached_tokens
        return (computed * prices.prompt + self.cached_tokens * cached + self.output_tokens * prices.output) / 1e6


@dataclass(slots=True)
class _Call:
    """A request on its way through its tries."""

    request: Request
    urgency: Urgency
    left: float
    """Seconds that servers may still spend on it."""
    form: str
    failed: int = 0
    throttled: int = 0
    dropped: int = 0


class _Place:
    """What of an engine belongs to one event loop: the connections, and who waits for them."""

    def __init__(self, servers: list[Server]) -> None:
        self.loop = asyncio.get_running_loop()
        self.line = Line(servers)
        self.session = new_session()
        self._keeper: AsyncIterator[None] = kept_open(self.session)
        self._closing: asyncio.Task[None] | None = None

    async def begin(self) -> None:
        """Make sure that the connections are closed when the loop ends. Does not wait."""
        await anext(self._keeper)

    def close(self, reason: Exception) -> None:
        """Fail all who wait, and close the connections. To be called in the loop."""
        self.line.close(reason)
        self._closing = self.loop.create_task(self.session.close())


Try = Callable[[Server, aiohttp.ClientSession, _Call], Awaitable[Reply]]


class OpenAIEngine:
    """Asks the servers that `model` names. May be asked from several event loops, one after another.

    Raises `InputRefused` if no server can be reached, or none has the model.
    """

    def __init__(self, config: OpenAIConfig, model: str, pictures: Pictures) -> None:
        where, key = served(model), _key(config)
        self.spent = Spent()
        self.prices = config.prices
        self._config = config
        self._servers = [Server(address, config.max_concurrency, key) for address in where.addresses]
        self._bodies = Bodies(where.name, pictures)
        self._dialect = Dialect()
        self._chance = Random(model)
        self._answers_as: str | None = None
        self._cuts = Cuts()
        self._place: _Place | None = None
        self._over: str | None = None
        versions = _alone(self._meet())
        lengths = [server.card.context_length for server in self._servers if server.card and server.card.context_length]
        self.facts = EngineFacts(
            kind="openai",
            model=model,
            context_length=min(lengths, default=None),
            slots=config.max_concurrency * len(self._servers),
            versions=versions,
        )

    async def complete(self, request: Request, urgency: Urgency = AT_LEISURE) -> Completion:
        """Answer `request`, or say how likely its answer is. To cancel it closes the connection that it is on."""
        call = _Call(request, urgency, self._config.deadline_s, self._dialect.form, dropped=self._cuts.known(request))
        if request.answer is not None:
            return await self._likelihood(call)
        reply = await self._answer(call, self._chat)
        completion = completion_of(reply, call.dropped)
        self.spent.add(completion, reply.usage is not None)
        if request.form is not None:
            return completion.model_copy(update={"text": without_controls(completion.text)})
        return completion

    def counters(self) -> EngineCounters:
        """Return what was asked of the servers so far, and what it cost."""
        spent = self.spent
        return EngineCounters(
            prefix_queries=spent.prompt_tokens,
            prefix_hits=spent.cached_tokens,
            computed=spent.prompt_tokens - spent.cached_tokens,
            throttled=spent.throttled,
            unmetered=spent.unmetered,
            price=spent.price(self.prices) if self.prices else None,
        )

    def room(self, request: Request) -> int | None:
        """Return None: only the servers can count tokens."""
        return None

    def close(self) -> None:
        """Take no more requests, and fail those under way."""
        self._over = self._over or "the engine was closed"
        place, self._place = self._place, None
        if place is not None and place.loop.is_running():
            place.loop.call_soon_threadsafe(place.close, EngineDied(self._over))

    async def _answer(self, call: _Call, attempt: Try) -> Reply:
        """Try until there is an answer. Raises `CallFailed` and `EngineDied`."""
        while True:
            place = await self._here()
            server = await place.line.enter(call.urgency)
            try:
                return await self._tried(server, place.session, call, attempt)
            except Trouble as trouble:
                wait = self._judged(trouble, call, server)
            finally:
                place.line.leave(server)
            if wait:
                await asyncio.sleep(wait)

    async def _tried(self, server: Server, session: aiohttp.ClientSession, call: _Call, attempt: Try) -> Reply:
        """Return what one try came to; the server's window hears of it. Raises `Trouble`."""
        burst, started = server.window.bursts, time.monotonic()
        self.spent.tries += 1
        try:
            async with asyncio.timeout(call.left):
                if server.window.down_since is not None or server.card is None:
                    await self._look(server, session)
                reply = await attempt(server, session, call)
        except TimeoutError:
            late = Trouble("late", f"no answer within {self._config.deadline_s:g} s")
            self._note(late, server, burst)
            raise late from None
        except Trouble as trouble:
            self._note(trouble, server, burst)
            raise
        finally:
            call.left -= time.monotonic() - started
        server.window.answered(burst)
        return reply

    def _note(self, trouble: Trouble, server: Server, burst: int) -> None:
        """Tell a server's window what a try came to."""
        now, chance = time.monotonic(), self._chance.random()
        if trouble.what == "busy":
            self.spent.throttled += 1
            server.window.throttled(now, burst, trouble.wished, chance)
        elif trouble.what in ("refused", "over"):
            server.window.answered(burst)
        else:
            server.window.failed(now, trouble.what == "gone", chance)

    def _judged(self, trouble: Trouble, call: _Call, server: Server) -> float:
        """Return after how many seconds to try again. Raises `CallFailed` and `EngineDied` if that is no use."""
        if self._over or trouble.what == "over":
            self._end(self._over or f"{server.address}: {trouble}")
        self._check_patience(trouble)
        match trouble.what:
            case "refused":
                self._learn(trouble, call)
                return 0
            case "late":
                raise CallFailed(f"the call failed: {trouble}") from None
            case "gone":
                return 0  # it waits for a server to come back, and that is none of its own failures
        if trouble.status == 429:
            call.throttled += 1
        else:
            call.failed += 1
        if call.failed > self._config.retries or call.throttled > MOST_THROTTLED:
            raise CallFailed(f"the call failed {call.failed + call.throttled} times, at last so: {trouble}") from None
        return 0 if trouble.what == "busy" else 2 * pause(call.failed - 1, 0) * self._chance.random()

    def _check_patience(self, trouble: Trouble) -> None:
        """Raise `EngineDied` if every server has been down for too long."""
        down = [server.window.down_since for server in self._servers]
        since = max((inf if one is None else one) for one in down)
        if time.monotonic() - since > self._config.give_up_s:
            self._end(f"no server has answered for {self._config.give_up_s:g} s; the last trouble: {trouble}")

    def _end(self, reason: str) -> None:
        """Let the engine be over for everybody. Raises `EngineDied`."""
        self._over = reason
        if self._place is not None:
            self._place.line.close(EngineDied(reason))
        raise EngineDied(reason)

    def _learn(self, trouble: Trouble, call: _Call) -> None:
        """Put `call` otherwise, as its refusal suggests. Raises `CallFailed` if there is no other way."""
        said, asks = str(trouble), call.request.answer is None
        if is_too_long(trouble):
            self._cut(call, trouble)
        elif asks and "max_completion_tokens" in said and self._dialect.tokens == "max_tokens":
            self._dialect.tokens = "max_completion_tokens"
        elif asks and "priority" in said.casefold() and self._dialect.takes_priority:
            self._dialect.takes_priority = False
        elif asks and call.request.form is not None and call.form == self._dialect.form == "response_format":
            call.form = "structured_outputs"
        else:
            raise CallFailed(f"the call was refused: {trouble}") from None

    def _cut(self, call: _Call, trouble: Trouble) -> None:
        """Leave out more of the history. Raises `CallFailed` if there is none."""
        dropped = self._cuts.deeper(call.request, call.dropped)
        if dropped is None:
            raise CallFailed(f"the prompt does not fit the model, even without any history: {trouble}") from None
        call.dropped = dropped

    async def _chat(self, server: Server, session: aiohttp.ClientSession, call: _Call) -> Reply:
        """Ask a server for a reply. Raises `Trouble`."""
        body = self._bodies.chat(call.request, self._wording(server, call))
        reply = read_reply(await server.post(session, server.chat, body))
        self._check_model(reply)
        if self._ran_out(reply, call.request):
            raise Trouble("refused", "the reply was cut off by the model's context length")
        if call.form != self._dialect.form:
            self._dialect.form = call.form
        return reply

    def _ran_out(self, reply: Reply, request: Request) -> bool:
        """Return whether a reply is short because the prompt took its room, which vLLM allows."""
        length, usage = self.facts.context_length, reply.usage
        if length is None or usage is None or reply.choices[0].finish_reason != "length":
            return False
        is_short = usage.completion_tokens < request.sampling.max_tokens
        return is_short and usage.prompt_tokens + request.sampling.max_tokens > length

    def _check_model(self, reply: Reply) -> None:
        """Raise `Trouble` if another model answers than did at first."""
        if self._answers_as is None:
            self._answers_as = reply.model
        elif reply.model not in (None, self._answers_as):
            was, now = one_line(self._answers_as), one_line(reply.model or "")
            raise Trouble("over", f"another model answers now: {now}, and before {was}")

    def _wording(self, server: Server, call: _Call) -> Wording:
        is_vllm = server.card is not None and server.card.is_vllm
        priority = call.urgency.priority if is_vllm and self._dialect.takes_priority else None
        return Wording(call.dropped, call.form, self._dialect.tokens, priority, is_vllm)

    async def _likelihood(self, call: _Call) -> Completion:
        """Say how likely the given answer is, from vLLM's logprobs of a prompt. Raises `CallFailed`."""
        tokens: list[int] = []

        async def attempt(server: Server, session: aiohttp.ClientSession, call: _Call) -> Reply:
            wording = self._wording(server, call)
            if not wording.is_vllm:
                raise CallFailed(f"{server.address} cannot say how likely an answer is; vLLM's own server can")
            tokens[:] = await self._tokens(server, session, call.request.answer or "")
            with_room(call.request, len(tokens))
            body = self._bodies.likelihood(call.request, wording)
            return read_reply(await server.post(session, server.chat, body, MOST_BYTES_OF_LIKELIHOODS))

        reply = await self._answer(call, attempt)
        completion = likelihood(_logprobs(reply, tokens), tokens, _prompt_tokens(reply), call.dropped)
        self.spent.add(completion, reply.usage is not None)
        return completion

    async def _tokens(self, server: Server, session: aiohttp.ClientSession, text: str) -> list[int]:
        """Return the tokens of `text` by itself. Raises `Trouble`."""
        found = parsed(await server.post(session, server.tokenize, self._bodies.tokens(text), MOST_BYTES))
        tokens = found.get("tokens") if isinstance(found, dict) else None
        if not isinstance(tokens, list) or not all(isinstance(token, int) for token in tokens):
            raise Trouble("again", "the server's tokens are not in the form of vLLM's API")
        return tokens

    async def _here(self) -> _Place:
        """Return what belongs to the running loop. Raises `EngineDied`."""
        if self._over:
            raise EngineDied(self._over)
        if self._place is None or self._place.loop is not asyncio.get_running_loop():
            self._place = _Place(self._servers)
            await self._place.begin()
        return self._place

    async def _meet(self) -> dict[str, str]:
        """Read the card of every server that is there; return the versions of what serves. Raises `InputRefused`."""
        async with new_session() as session:
            found = await asyncio.gather(*(self._met(server, session) for server in self._servers))
            troubles = [trouble for trouble in found if trouble]
            if len(troubles) == len(self._servers):
                raise refuse(f"the model {one_line(self._bodies.name)} cannot be asked: {troubles[0]}.")
            vllms = [server for server in self._servers if server.card and server.card.is_vllm]
            version = await vllms[0].version(session) if vllms else None
        return {"vllm": version} if version else {}

    async def _met(self, server: Server, session: aiohttp.ClientSession) -> Trouble | None:
        """Meet one server; return why it could not be met. Raises `InputRefused` if it does not have the model."""
        try:
            async with asyncio.timeout(START_S):
                await self._look(server, session)
        except TimeoutError:
            return Trouble("late", f"{server.address} does not answer within {START_S} s")
        except Trouble as trouble:
            if trouble.what == "over":
                raise refuse(f"{server.address}: {trouble}.") from None
            server.window.failed(time.monotonic(), gone=True, chance=0)
            return trouble
        return None

    async def _look(self, server: Server, session: aiohttp.ClientSession) -> None:
        """Read a server's card. Raises `Trouble`."""
        others = await server.look(session, self._bodies.name)
        if others:
            names = ", ".join(map(one_line, others[:8]))
            raise Trouble("over", f"there is no model {one_line(self._bodies.name)} there; there are: {names}")


def _logprobs(reply: Reply, tokens: list[int]) -> list[float]:
    """Return the logprob of each of `tokens`, with which the prompt ends. Raises `CallFailed` if it does not."""
    read = (reply.prompt_logprobs or [])[-len(tokens) :]
    found = [
        position[token].logprob for position, token in zip(read, tokens, strict=False) if position and token in position
    ]
    if len(found) != len(tokens):
        raise CallFailed("the server reads the answer otherwise behind the prompt than by itself, so none can be told")
    return found


def _prompt_tokens(reply: Reply) -> int:
    return reply.usage.prompt_tokens if reply.usage else 0


def _key(config: OpenAIConfig) -> str | None:
    """Return the key. Raises `InputRefused`, which never quotes it."""
    if config.api_key_env is None:
        return None
    key = os.environ.get(config.api_key_env, "").strip()
    if not key or not key.isascii() or not key.isprintable():
        raise refuse(f"the environment variable {config.api_key_env} holds no key; set it, or leave api_key_env out.")
    return key


def _alone(work: Coroutine[Any, Any, Found]) -> Found:
    """Do `work` in a loop of its own, whether or not one is running here."""
    with ThreadPoolExecutor(max_workers=1) as thread:
        return thread.submit(asyncio.run, work).result()
