"""How long the simulated engine is kept busy by real play, against the least time that the same work can take.

The bound is a x max(longest chain, ceil(W / batch limit)) + b x W + c x P (docs/performance.md, B1), with W generated
tokens, P prompt tokens computed with an endless cache, and as chain the replies of one dialogue after another. Replies
depend on their requests alone, so every way of playing has the same work. All is in virtual time and without a store.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from heapq import heapreplace
from math import ceil
from pathlib import Path
from random import Random

from benchmarks.measure import Measure
from sandbox.engines.config import SimulatedConfig
from sandbox.engines.engine import Urgency
from sandbox.engines.simulated import Counters, Simulated
from sandbox.episode import Stage, play_episode, variant_of
from sandbox.gallery import Gallery
from sandbox.launch import _first_prompts
from sandbox.meter import Meter
from sandbox.scheduler import Scheduler
from sandbox.tape import Tape
from sandbox.virtual_time import run_virtually
from sandbox.window import window
from scenes.chat import Call, Completion, Request, Sampling, Segment
from scenes.loading import Source, load

SCENE = Path("scenarios/harbour")
REPETITIONS = 5
SEEDS = 30
"""Of what is held against its goal by a hundredth: one seed is off by more (standard deviation 0.017)."""
ENGINE = SimulatedConfig(step_ms=10, per_sequence_ms=0.1, per_prompt_token_ms=0.02)
"""A VLM of 7B on one H100 is of this order (assumed)."""
LONGEST = 512
"""Most tokens of a reply."""
CONTEXT = 32_768
"""Most tokens of a prompt with its reply: no limit here, but without one nobody can say how long a first prompt is."""
METRICS, VERDICT_TOKENS, METRIC_WORDS = 8, 60, 70
"""Of the scoring that is measured beside play: prompts a turn, tokens of each verdict, words of each metric."""


@dataclass(frozen=True)
class Work:
    """Dialogues to be played, as many at once as there are unless said otherwise."""

    source: Source
    episodes: Sequence[int]
    engine: SimulatedConfig
    at_once: int | None = None
    knows_turns: bool = True
    """Whether the scheduler is told how many turns a dialogue has, and puts those with most left first."""
    lockstep: bool = False
    """Whether nobody's next turn is begun before everybody's last is over."""
    scores: bool = False
    scores_last: bool = False
    """Whether nothing is scored before all is played."""


@dataclass
class Played:
    """What came of it."""

    seconds: float
    counters: Counters
    filled: int
    chains: list[int]
    """Of every turn, the tokens from the beginning of its dialogue to its end, and to that of its longest verdict."""
    replies: list[int]
    """The tokens of each."""

    @property
    def hit_rate(self) -> float:
        return self.counters.cached / (self.counters.cached + self.counters.computed)

    def bound(self, engine: SimulatedConfig) -> float:
        """Return the least time in seconds that an engine needs for the same work."""
        return self._seconds(engine, max(max(self.chains), ceil(self.counters.generated / engine.max_num_seqs)))

    def unchained(self, engine: SimulatedConfig) -> float:
        """Return the seconds for the same replies if none waited for another, in an order by lot.

        Where lengths are drawn alike and nobody knows them, every order is one by lot: none does better on average.
        """
        ends = [0] * engine.max_num_seqs
        for tokens in Random(0).sample(self.replies, len(self.replies)):
            heapreplace(ends, ends[0] + tokens)
        return self._seconds(engine, max(ends))

    def _seconds(self, engine: SimulatedConfig, steps: int) -> float:
        tokens = engine.per_sequence_ms * self.counters.generated + engine.per_prompt_token_ms * self.counters.computed
        return (engine.step_ms * steps + tokens) / 1000


class Lockstep:
    """Lets everybody's next call go when all who still play have come to theirs."""

    def __init__(self, players: int) -> None:
        self._players = players
        self._here: list[asyncio.Future[None]] = []

    async def wait(self) -> None:
        """Wait for all others."""
        turn = asyncio.get_running_loop().create_future()
        self._here.append(turn)
        self._go_if_all()
        await turn

    def leave(self) -> None:
        """Play no more."""
        self._players -= 1
        self._go_if_all()

    def _go_if_all(self) -> None:
        if len(self._here) == self._players:
            here, self._here = self._here, []
            for turn in here:
                turn.set_result(None)


@dataclass
class Playing:
    """Work that is being played."""

    work: Work
    engine: Simulated
    scheduler: Scheduler
    lockstep: Lockstep
    verdicts: list[Callable[[], Awaitable[None]]] = field(default_factory=list)
    chains: list[int] = field(default_factory=list)
    replies: list[int] = field(default_factory=list)

    async def episode(self, number: int, stage: Stage, room: asyncio.Semaphore, scoring: asyncio.TaskGroup) -> None:
        """Play one dialogue."""
        variant, _ = variant_of(self.work.source, number)
        turns = variant.scenario.turns if self.work.knows_turns else 0
        async with room:
            await play_episode(number, stage, Tape({}, self._counted(self.scheduler.call(number, turns), scoring)))
        self.lockstep.leave()

    def _counted(self, call: Call, scoring: asyncio.TaskGroup) -> Call:
        chain = 0

        async def ask(key: str, request: Request) -> Completion:
            nonlocal chain
            if self.work.lockstep:
                await self.lockstep.wait()
            completion = await call(key, request)
            chain += completion.output_tokens
            self.chains.append(chain)
            self.replies.append(completion.output_tokens)
            if self.work.scores:
                self._score(request, completion, chain, scoring)
            return completion

        return ask

    def _score(self, request: Request, completion: Completion, chain: int, scoring: asyncio.TaskGroup) -> None:
        """Let a reply be judged by every metric, now or when all is played."""
        reply = request.prompt.then(Segment("history", "assistant", completion.text))

        async def judge(metric: int) -> None:
            words = " ".join(f"metric-{metric}" for _ in range(METRIC_WORDS))
            asked = Request(
                request.model,
                reply.then(Segment("instruction", "user", words)),
                Sampling(max_tokens=VERDICT_TOKENS),
                request.seed,
            )
            verdict = await self.engine.complete(asked, Urgency(scoring=True))
            self.chains.append(chain + verdict.output_tokens)

        for metric in range(METRICS):
            if self.work.scores_last:
                self.verdicts.append(partial(judge, metric))
            else:
                scoring.create_task(judge(metric))


async def _played(work: Work) -> Played:
    loop, engine = asyncio.get_running_loop(), Simulated(work.engine, "simulated")
    meter = Meter(work.engine.max_num_seqs, clock=loop.time)
    scheduler = Scheduler({work.source.scenario.model: engine}, meter, deadline=None)
    playing = Playing(work, engine, scheduler, Lockstep(len(work.episodes)))
    stage = Stage(work.source, Gallery(), lambda batch: None, {})
    room = asyncio.Semaphore(work.at_once or len(work.episodes))
    async with asyncio.TaskGroup() as scoring:
        await asyncio.gather(*(playing.episode(one, stage, room, scoring) for one in work.episodes))
    await asyncio.gather(*(judge() for judge in playing.verdicts))
    return Played(loop.time(), engine.counted, engine.cache.filled, playing.chains, playing.replies)


def played(work: Work) -> Played:
    """Play `work` in virtual time."""
    return run_virtually(_played(work))


def fitting(source: Source, engine: SimulatedConfig) -> int:
    """Return how many episodes are to be under way at once, as `rolestage run` finds it."""
    engines = {source.scenario.model: Simulated(engine.model_copy(update={"max_model_len": CONTEXT}), "")}
    return window(source.scenario, engines, *_first_prompts(source, engines, Gallery()))


def dialogues(number: int, turns: range, seed: int, pictures: int = 1) -> tuple[Source, list[int]]:
    """Return a source and so many episodes of it by lot, each of a number of turns by lot from `turns`."""
    axes = {"turns": list(turns), "images.harbour.storybook.seed": list(range(pictures))}
    vary = {path: values for path, values in axes.items() if len(values) > 1}
    each = ceil(number / (len(turns) * pictures))
    settings = {
        "seed": seed,
        "turns": turns[0],
        "vary": vary,
        "episodes": each,
        "sampling": {"max_tokens": LONGEST},
        "layout": "images-first",
        "scorers": [],
    }
    source = load(SCENE, settings=settings)
    return source, Random(seed).sample(range(source.episodes), number)


def measures() -> list[Measure]:
    """Measure how near play comes to the bound: by the order of calls, with scoring beside, and with little memory."""
    return [*_orders(), *_scoring(), *_memory()]


def _orders() -> list[Measure]:
    what, engine = "256 dialogues of 4 to 20 turns, batch limit 64", ENGINE.model_copy(update={"max_num_seqs": 64})
    ours = [_order(seed, engine) for seed in range(SEEDS)]
    return [
        _ratios(f"{what}: most turns left first / bound", ours, engine, "<= 1.05"),
        Measure(
            "the same replies, none waiting for another, by lot / bound",
            "ratio",
            [one.unchained(engine) / one.bound(engine) for one in ours],
            "- (no order by less)",
        ),
        *_others(what, engine),
    ]


def _others(what: str, engine: SimulatedConfig) -> list[Measure]:
    """Measure what is no goal but tells what the order is worth, and what happens where nobody has to wait."""
    roomy = ENGINE.model_copy(update={"max_num_seqs": 256})
    ways = {"first come, first served": ({"knows_turns": False}, "1.12"), "lockstep": ({"lockstep": True}, "1.9")}
    return [
        _ratios(
            f"{what}: {name} / bound",
            [_order(seed, engine, **way) for seed in range(REPETITIONS)],
            engine,
            f"- (about {by})",
        )
        for name, (way, by) in ways.items()
    ] + [
        _ratios(
            "the same, batch limit 256, so that all fit",
            [_order(n, roomy) for n in range(REPETITIONS)],
            roomy,
            "<= 1.005",
        )
    ]


def _order(seed: int, engine: SimulatedConfig, **way: bool) -> Played:
    return played(Work(*dialogues(256, range(4, 21), seed), engine, **way))  # type: ignore[arg-type]


def _ratios(what: str, outcomes: Sequence[Played], engine: SimulatedConfig, goal: str) -> Measure:
    return Measure(what, "ratio", [one.seconds / one.bound(engine) for one in outcomes], goal)


def _scoring() -> list[Measure]:
    found = []
    for number, most in ((32, 64), (64, 256)):
        engine = ENGINE.model_copy(update={"max_num_seqs": most})
        together, after = [], []
        for seed in range(REPETITIONS):
            source, episodes = dialogues(number, range(10, 11), seed)
            beside = played(Work(source, episodes, engine, scores=True))
            together.append(beside.seconds / beside.bound(engine))
            after.append(played(Work(source, episodes, engine, scores=True, scores_last=True)).seconds / beside.seconds)
        what = f"{number} dialogues x 10 turns, batch limit {most}, {METRICS} verdicts a turn"
        found.append(Measure(f"{what}: together / joint bound", "ratio", together, "<= 1.03"))
        found.append(Measure(f"{what}: scored after / together", "ratio", after, ">= 1.12"))
    return found


def _memory() -> list[Measure]:
    """Measure 64 dialogues before a picture of their own each, where the engine has room for eight."""
    engine = ENGINE.model_copy(update={"max_num_seqs": 64})
    hits, unmanaged, pace, crowded, encodings = [], [], [], [], []
    for seed in range(REPETITIONS):
        source, episodes = dialogues(64, range(10, 11), seed, pictures=64)
        endless = played(Work(source, episodes, engine))
        little = engine.model_copy(update={"kv_blocks": endless.filled // 8, "encoder_cache": 8})
        managed = played(Work(source, episodes, little, at_once=fitting(source, little)))
        hits.append(managed.hit_rate / endless.hit_rate)
        everybody = played(Work(source, episodes, little))
        unmanaged.append(everybody.hit_rate / endless.hit_rate)
        crowded.append(everybody.seconds / endless.bound(engine))
        pace.append(managed.seconds / endless.bound(engine))
        encodings.append(managed.counted.encodings / len(episodes))
    what = "64 dialogues x 10 turns, memory for 8"
    return [
        Measure(f"{what}: prefix hits / endless memory, in a window", "ratio", hits, ">= 0.97"),
        Measure(f"{what}: the same, all at once", "ratio", unmanaged, "- (the cliff)"),
        Measure(f"{what}: makespan / bound with endless memory, in a window", "ratio", pace, "-"),
        Measure(f"{what}: the same, all at once", "ratio", crowded, "-"),
        Measure(f"{what}: encodings per picture, room for 8, in a window", "", encodings, "1"),
    ]
