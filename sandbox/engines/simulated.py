"""An engine that computes nothing and takes as long as one that does: continuous batching by vLLM's rules, in words.

A step gives every request in it one token and takes a + b x batch + c x prompt tokens computed in it, so that over any
stretch without idleness, with S steps, W tokens generated and P prompt tokens computed, time = a S + b W + c P.
What is said depends on the request alone. In virtual time (`sandbox/virtual_time.py`) hours of it are played in
seconds; in real time it stands in for a machine that is not there.

It is simpler than vLLM in two ways. A prompt is computed in one step, whatever its length. And a request gets the
blocks for its whole reply when it begins, so that none is ever preempted: where vLLM would have to, it waits.
"""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from heapq import heappop, heappush
from itertools import chain, count, cycle, islice
from math import ceil, log
from random import Random

from sandbox.engines.config import SimulatedConfig
from sandbox.engines.cutting import cut, room
from sandbox.engines.engine import AT_LEISURE, EngineDied, EngineFacts, Urgency, with_room
from sandbox.engines.prefix_cache import EncoderCache, Held, PrefixCache
from sandbox.engines.scripted import Scripted, dry_answer
from sandbox.engines.word_blocks import Blocks, WordBlocks
from scenes.chat import CallFailed, Completion, FinishReason, Prompt, Request, fitting

SETTLING_S = 1e-6
"""How long after a step the next one is made up, so that whoever waited for the step can ask again; it takes no time
of the engine's."""
LATE_S = 0.002
"""By so much real timers come late, which takes none of the engine's time either; what is later has held it up."""
FILLING = "and the tide goes out and comes in again while nobody on the quay says what it is that they wait for"
"""Goes on where a reply is to be longer than there is something to say."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Steps that were computed with the same requests."""

    begun: float
    """Time of the event loop, in seconds."""
    steps: int
    size: int
    """Requests in every one of the steps."""
    prompt_tokens: int
    """Computed in the first of them."""


@dataclass(slots=True)
class Counters:
    """What the engine has done since it was started."""

    steps: int = 0
    generated: int = 0
    """Tokens, those of requests that were cancelled among them."""
    computed: int = 0
    """Prompt tokens."""
    cached: int = 0
    """Prompt tokens that did not have to be computed."""
    encodings: int = 0
    """Of pictures."""
    busy_s: float = 0.0
    batches: list[Batch] = field(default_factory=list)
    """The occupancy over time."""

    def add(self, batch: Batch, seconds: float) -> None:
        """Count steps that took so long together."""
        self.steps += batch.steps
        self.generated += batch.steps * batch.size
        self.computed += batch.prompt_tokens
        self.busy_s += seconds
        self.batches.append(batch)


@dataclass(slots=True, eq=False)
class _Job:
    """A request under way."""

    blocks: Blocks
    tokens: list[str]
    """What is generated."""
    reads_cache: bool
    over: asyncio.Future[int]
    """Gets the number of prompt tokens that were cached."""
    left: int = 0
    """Tokens to be generated."""
    cached: int = 0
    held: Held = field(default_factory=list)


class Simulated:
    """Answers with what a dry run answers, in a reply of a drawn length. Belongs to one event loop at a time."""

    def __init__(self, config: SimulatedConfig, model: str) -> None:
        self._config = config
        self._words = WordBlocks(config.block_size, config.picture_tokens)
        self.cache = PrefixCache(config.kv_blocks)
        self._encoder = EncoderCache(config.encoder_cache)
        self._speaker = Scripted(dry_answer)
        self._order = count()
        self._waiting: list[tuple[int, int, _Job]] = []
        self._running: list[_Job] = []
        self._batch: Batch | None = None
        """The steps under way, as many as are planned."""
        self._timer: asyncio.TimerHandle | None = None
        """Ends the steps under way, or begins the next; None while there is nothing to do."""
        self._due = 0.0
        """When the engine was through with what it had to do."""
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closed = False
        self.counted = Counters()
        self.facts = EngineFacts(
            kind="simulated",
            model=model,
            context_length=config.max_model_len,
            slots=config.max_num_seqs,
            kv_tokens=config.kv_blocks * config.block_size if config.kv_blocks else None,
        )

    async def complete(self, request: Request, urgency: Urgency = AT_LEISURE) -> Completion:
        """Answer `request` beside all others, or say how likely its answer is. To cancel it ends it with the step.

        Likelihoods are computed for a prompt as a whole, in one step, without what the cache holds.
        """
        if self._closed:
            raise EngineDied("the engine was closed")
        given = (request.answer or "").split()
        request, blocks, dropped = self._cut(with_room(request, len(given)))
        said = await self._speaker.complete(request)
        tokens, finish = self._reply(request, said)
        if given:
            blocks = self._words.then(blocks, given)
        cached = await self._computed(blocks, tokens, not given, urgency.priority)
        read = {"prompt_tokens": blocks.length, "cached_tokens": cached, "dropped": dropped}
        if given:
            return said.model_copy(update=read)
        text = " ".join(tokens) if request.form is None else said.text
        written = {"text": text, "finish_reason": finish, "output_tokens": len(tokens)}
        return said.model_copy(update=read | written)

    def room(self, request: Request) -> int | None:
        """Return how many words of history fit beside the rest of `request` and its reply."""
        return room(request, self.facts.context_length, self._words)

    def close(self) -> None:
        """Take no more requests and fail those under way. Safe to call again."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
        for job in [*self._running, *(job for _, _, job in self._waiting)]:
            if not job.over.done():
                job.over.set_exception(EngineDied("the engine was closed"))
        self._running.clear()
        self._waiting.clear()

    def _cut(self, request: Request) -> tuple[Request, Blocks, int]:
        """Return `request` as cut to the context, its blocks and how many segments were dropped."""
        if self.facts.context_length is None:
            return request, self._words.of(request.prompt), 0
        blocks, dropped = cut(request, self.facts.context_length, self._words)
        if dropped:
            kept = fitting(request.prompt.segments(), dropped)
            request = replace(request, prompt=Prompt().then(*kept))
        return request, blocks, dropped

    def _reply(self, request: Request, said: Completion) -> tuple[list[str], FinishReason]:
        """Return the tokens of the reply, of a lognormal number that depends on the request alone, and its end."""
        if request.answer is not None:
            return ["<end>"], "stop"
        mean, sigma = self._config.reply_tokens, self._config.reply_sigma
        drawn = Random(request.digest()).lognormvariate(log(mean) - sigma**2 / 2, sigma)
        length = min(max(1, round(drawn)), request.sampling.max_tokens)
        words = islice(chain(said.text.split(), cycle(FILLING.split())), length)
        return list(words), "stop" if round(drawn) <= length else "length"

    async def _computed(self, blocks: Blocks, tokens: list[str], reads_cache: bool, priority: int) -> int:
        """Wait until a request is computed; return how many of its prompt's tokens were cached."""
        if self._blocks_for(blocks, tokens) > self.cache.blocks:
            raise CallFailed("the prompt with its reply needs more blocks than the engine has")
        job = _Job(blocks, tokens, reads_cache, self._settled_in().create_future(), len(tokens))
        heappush(self._waiting, (priority, next(self._order), job))
        self._wake()
        try:
            return await job.over
        except asyncio.CancelledError:
            self._shorten()
            raise

    def _settled_in(self) -> asyncio.AbstractEventLoop:
        """Return the running loop; what was under way in one before it went with that."""
        loop = asyncio.get_running_loop()
        if loop is not self._loop:
            for job in self._running:
                self.cache.give_back(job.held, ())
            self._loop, self._running, self._waiting, self._batch, self._timer = loop, [], [], None, None
        return loop

    def _blocks_for(self, blocks: Blocks, tokens: list[str]) -> int:
        """Return the blocks of a prompt with its reply, of whose last token no state is ever computed."""
        return ceil((blocks.length + len(tokens) - 1) / self._config.block_size)

    def _wake(self) -> None:
        """See to it that what waits is begun as soon as can be."""
        if self._timer is None:
            self._due = asyncio.get_running_loop().time()
            self._plan_next()
        elif len(self._running) < self._config.max_num_seqs:
            self._shorten()

    def _plan_next(self) -> None:
        self._timer = asyncio.get_running_loop().call_at(self._due + SETTLING_S, self._begin)

    def _shorten(self) -> None:
        """Let the steps under way end with the one that is being computed now."""
        if self._batch is None or self._closed:
            return
        loop, batch = asyncio.get_running_loop(), self._batch
        since = (loop.time() - batch.begun) * 1000 - self._config.per_prompt_token_ms * batch.prompt_tokens
        steps = max(1, ceil(since / self._step_ms(batch) - 1e-6))
        if steps < batch.steps:
            self._batch = replace(batch, steps=steps)
            self._plan_end(self._batch)

    def _plan_end(self, batch: Batch) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_at(batch.begun + self._seconds(batch), self._end)

    def _step_ms(self, batch: Batch) -> float:
        return self._config.step_ms + self._config.per_sequence_ms * batch.size

    def _seconds(self, batch: Batch) -> float:
        """Return how long the steps of `batch` take."""
        prompts = self._config.per_prompt_token_ms * batch.prompt_tokens
        return (batch.steps * self._step_ms(batch) + prompts) / 1000

    def _begin(self) -> None:
        """Begin as many steps as can be computed before a request ends."""
        begun = max(self._due, asyncio.get_running_loop().time() - LATE_S)
        admitted = list(self._admitted())
        self._timer = None
        if not self._running:
            return
        steps = min(job.left for job in self._running)
        computed = sum(job.blocks.length - job.cached for job in admitted)
        self._batch = Batch(begun, steps, len(self._running), computed)
        self._plan_end(self._batch)

    def _admitted(self) -> Iterator[_Job]:
        """Let in the most urgent while they have room, and none before one that has not; yield them."""
        while self._waiting and len(self._running) < self._config.max_num_seqs:
            job = self._waiting[0][2]
            if not job.over.done():
                if not self._let_in(job):
                    return
                yield job
            heappop(self._waiting)

    def _let_in(self, job: _Job) -> bool:
        """Give a request its blocks and let it run; return whether there is room."""
        hashes, size = job.blocks.all_hashes(), self._config.block_size
        usable = hashes[: (job.blocks.length - 1) // size] if job.reads_cache else []
        hits = self.cache.hits(usable)
        held = self.cache.take(hashes, hits, self._blocks_for(job.blocks, job.tokens))
        if held is None:
            return False
        job.held, job.cached = held, hits * size
        self.counted.cached += job.cached
        self.counted.encodings += sum(map(self._encoder.needs, job.blocks.pictures(after=job.cached)))
        self._running.append(job)
        return True

    def _end(self) -> None:
        """End the steps under way, and with them the requests that are over."""
        batch, self._batch = self._batch, None
        assert batch is not None, "its timer is set when it is begun"
        self.counted.add(batch, self._seconds(batch))
        self._due = batch.begun + self._seconds(batch)
        for job in self._running:
            job.left -= batch.steps
            if not job.left or job.over.done():
                self._settle(job)
        self._running = [job for job in self._running if job.left and not job.over.done()]
        self._plan_next()

    def _settle(self, job: _Job) -> None:
        """Take back the blocks of a request that is over or cancelled, and answer it."""
        generated = job.tokens[: len(job.tokens) - job.left]
        whole = self._words.then(job.blocks, generated[:-1])
        self.cache.give_back(job.held, whole.all_hashes())
        if not job.over.done():
            job.over.set_result(job.cached)
