"""What 10^6 episodes on 64 GPUs would take: one GPU's shard on the simulated engine, and the rest reckoned from it.

Scheduler, window, tape and meter are the real ones; the engine is simulated, in virtual time, with the figures of a VLM
of 7B on one H100 that docs/scale.md assumes. A shard is played for some windows, until every turn costs what the one
before did; a job's time is its turns at that pace. `docs/scale.md` says what comes of it.
"""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from math import ceil
from pathlib import Path
from typing import Literal

from benchmarks.makespan import fitting
from benchmarks.measure import Measure
from sandbox.engines.config import SimulatedConfig
from sandbox.engines.simulated import Counters, Simulated
from sandbox.episode import Stage, play_episode
from sandbox.gallery import Gallery
from sandbox.meter import Meter, Occupancy
from sandbox.scheduler import Scheduler
from sandbox.tape import JUDGING, Tape
from sandbox.virtual_time import run_virtually
from scenes.chat import Call, Completion, Request, Sampling, Segment
from scenes.loading import Source, load

SCENE = Path("scenarios/harbour")
EPISODES, GPUS = 10**6, 64
TURNS_EACH = 5
"""Of each of the cast in an episode."""
CAST = ("storybook/vale", "storybook/brack", "storybook/odile", "storybook/moss")
LAYOUTS = ("images-first", "mmrole", "cast-first", "script", "compact")
CARD, USED, OTHER_GB = 80e9, 0.9, 4.0
"""Bytes of a card, the share of it that vLLM takes, and GB of that for activations and graphs (assumed)."""
MOST_VERDICTS = 1000
"""As urgent as an episode with so many turns left: before all play."""


@dataclass(frozen=True)
class Model:
    """What the attention states of a model take; the shapes are those of its published configuration (assumed)."""

    name: str
    layers: int
    kv_heads: int
    head: int
    weights_gb: float

    @property
    def bytes_per_token(self) -> int:
        """Keys and values, two bytes each, of every layer and head."""
        return 2 * 2 * self.layers * self.kv_heads * self.head

    @property
    def kv_tokens(self) -> int:
        """How many tokens a card has room for beside the weights."""
        return int((CARD * USED - (self.weights_gb + OTHER_GB) * 1e9) / self.bytes_per_token)


GROUPED = Model("7B, 4 key-value heads (Qwen2-VL-7B)", 28, 4, 128, 16.6)
FULL = Model("7B, 32 key-value heads (Qwen-VL-Chat)", 32, 32, 128, 19.2)


@dataclass(frozen=True)
class Shard:
    """What one GPU plays, and how."""

    cast: int = 2
    layout: str = "images-first"
    model: Model = GROUPED
    pictures: int = 1000
    """Of the whole job; a picture's episodes stand together."""
    dealt: str = "piece"
    """What is dealt to the GPUs in turn: an `episode`, or a `piece`, all episodes of a picture, as `--shard` does."""
    calls: int = 0
    """Of a judge for each turn, once the episode is over."""
    verdict_tokens: int = 60
    """Most of each call."""
    judged: Literal["below play", "above play", "in the window"] = "below play"
    """In the window is below play as well, but no other episode begins in the place of one that is not judged yet."""
    endless: bool = False
    """Whether memory for attention states has no end, in the same window."""
    at_once: int | None = None
    """Episodes; by default the window."""

    def source(self) -> Source:
        """Return the scenario of the whole job."""
        settings = {
            "cast": [{"character": one} for one in CAST[: self.cast]],
            "turns": TURNS_EACH * self.cast,
            "layout": self.layout,
            "sampling": {"max_tokens": 256},
            "vary": {"images.harbour.storybook.seed": {"range": [0, self.pictures]}},
            "episodes": EPISODES // self.pictures,
            "scorers": [],
        }
        return load(SCENE, settings=settings)

    def episodes(self, number: int) -> list[int]:
        """Return the first so many of this GPU's."""
        each = EPISODES // self.pictures
        if self.dealt == "episode":
            return list(range(0, EPISODES, GPUS))[:number]
        return [episode for first in range(0, EPISODES, GPUS * each) for episode in range(first, first + each)][:number]

    def engine(self) -> SimulatedConfig:
        """Return the engine, of which all but the memory is as the simulated engine has it by default."""
        blocks = self.model.kv_tokens // SimulatedConfig().block_size
        return SimulatedConfig(kv_blocks=blocks)


@dataclass
class Played:
    """What came of a shard."""

    at_once: int
    seconds: float
    counters: Counters
    occupancy: Occupancy
    pictures: int
    turns: list[float] = field(default_factory=list)
    """When each was over, in seconds."""

    @property
    def pace(self) -> float:
        """Turns per second in the middle half: neither while all begin nor while all end."""
        first, last = len(self.turns) // 4, 3 * len(self.turns) // 4
        return (last - first) / (self.turns[last] - self.turns[first])

    @property
    def hit_rate(self) -> float:
        return self.counters.cached / (self.counters.cached + self.counters.computed)

    def bound(self, engine: SimulatedConfig, computed: int) -> float:
        """Return the least seconds for what was generated and so many prompt tokens; no chain is as long as that."""
        steps = ceil(self.counters.generated / engine.max_num_seqs)
        tokens = engine.per_sequence_ms * self.counters.generated + engine.per_prompt_token_ms * computed
        return (engine.step_ms * steps + tokens) / 1000


@dataclass
class Playing:
    """A shard that is being played."""

    shard: Shard
    scheduler: Scheduler
    stage: Stage
    at_once: int
    turns: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._room, self._judging = asyncio.Semaphore(self.at_once), asyncio.Semaphore(self.at_once)

    async def all(self, episodes: Sequence[int]) -> None:
        """Play and judge `episodes`, as `sandbox.run` admits them."""
        async with asyncio.TaskGroup() as group:
            for episode in episodes:
                await self._room.acquire()
                task = group.create_task(self._episode(episode, group))
                task.add_done_callback(lambda _: self._room.release())

    async def _episode(self, episode: int, group: asyncio.TaskGroup) -> None:
        said: list[tuple[Request, Completion]] = []
        call = self.scheduler.call(episode, TURNS_EACH * self.shard.cast)
        with self.scheduler.meter.playing(episode):
            await play_episode(episode, self.stage, Tape({}, self._heard(call, said)))
        if self.shard.judged == "in the window":
            await self._judge(episode, said)
        else:
            group.create_task(self._judge(episode, said))

    def _heard(self, call: Call, said: list[tuple[Request, Completion]]) -> Call:
        async def ask(key: str, request: Request) -> Completion:
            completion = await call(key, request)
            said.append((request, completion))
            self.turns.append(asyncio.get_running_loop().time())
            return completion

        return ask

    async def _judge(self, episode: int, said: Sequence[tuple[Request, Completion]]) -> None:
        key = "t0/verdict" if self.shard.judged == "above play" else JUDGING
        call = self.scheduler.call(episode, MOST_VERDICTS)
        async with self._judging:
            await asyncio.gather(*(call(key, request) for request in self._questions(said)))

    def _questions(self, said: Sequence[tuple[Request, Completion]]) -> Iterator[Request]:
        """Yield what the judge is asked: the prompt of each reply, the reply, and last the words of the metric."""
        for request, completion in said:
            reply = request.prompt.then(Segment("history", "assistant", completion.text))
            for metric in range(self.shard.calls):
                words = Segment("instruction", "user", f"metric-{metric} " * 70)
                sampling = Sampling(max_tokens=self.shard.verdict_tokens)
                yield Request(request.model, reply.then(words), sampling, request.seed)


async def _played(shard: Shard, source: Source, number: int, at_once: int) -> Played:
    loop, config, name = asyncio.get_running_loop(), shard.engine(), source.scenario.model
    engine = Simulated(config.model_copy(update={"kv_blocks": None}) if shard.endless else config, name)
    meter = Meter(config.max_num_seqs, waiting=number, clock=loop.time)
    scheduler, stage = Scheduler({name: engine}, meter, deadline=None), Stage(source, Gallery(), lambda batch: None, {})
    playing, episodes = Playing(shard, scheduler, stage, at_once), shard.episodes(number)
    await playing.all(episodes)
    pictures = len({episode // source.scenario.episodes for episode in episodes})
    return Played(at_once, loop.time(), engine.counted, meter.occupancy(), pictures, playing.turns)


@cache
def played(shard: Shard, number: int) -> Played:
    """Play the first so many episodes of a shard, in virtual time."""
    source = shard.source()
    return run_virtually(_played(shard, source, number, shard.at_once or fitting(source, shard.engine())))


def measures() -> list[Measure]:
    """Measure the pace of shards; what is drawn by lot in them is so much that one seed is as good as another."""
    cases = [*_layouts(), *_memory(), *_judged()]
    return [row for what, shard, number in cases for row in _rows(what, shard, played(shard, number))] + _slowest()


def _layouts() -> Iterator[tuple[str, Shard, int]]:
    for cast, number in ((2, 600), (4, 250)):
        for layout in LAYOUTS:
            yield f"{cast} characters, {layout}", Shard(cast, layout), number


def _memory() -> Iterator[tuple[str, Shard, int]]:
    yield "2 characters, 32 key-value heads", Shard(model=FULL), 300
    yield "4 characters, 32 key-value heads", Shard(4, model=FULL), 150
    for dealt in ("episode", "piece"):
        yield f"2 characters, 10^4 pictures, dealt by {dealt}", Shard(pictures=10**4, dealt=dealt), 600
    yield "2 characters, a picture for each episode", Shard(pictures=EPISODES), 600


def _judged() -> Iterator[tuple[str, Shard, int]]:
    for calls, tokens in ((1, 120), (8, 60)):
        for judged in ("below play", "in the window"):
            shard = Shard(calls=calls, verdict_tokens=tokens, judged=judged)
            yield f"2 characters, {calls} verdicts a turn, {judged}", shard, 600


def _rows(what: str, shard: Shard, outcome: Played) -> list[Measure]:
    turns, counters = len(outcome.turns), outcome.counters
    pace = turns / outcome.seconds if shard.calls else outcome.pace  # judging goes on when play is over
    least = outcome.bound(shard.engine(), counters.computed) / turns
    hours = EPISODES * TURNS_EACH * shard.cast / GPUS / pace / 3600
    return [
        Measure(f"{what}: turns per second of a GPU, {outcome.at_once} under way", "1/s", [pace], "-"),
        Measure(f"{what}: hours for the whole job", "h", [hours], "-"),
        Measure(f"{what}: lost against an engine always full", "share", [1 - least * pace], "-"),
        Measure(f"{what}: prompt tokens found", "share", [outcome.hit_rate], "-"),
        Measure(f"{what}: encodings per picture", "", [counters.encodings / outcome.pictures], "1"),
    ]


def _slowest() -> list[Measure]:
    """Measure how much longer than the mean the longest of 64 shards is, where dialogues have 4 to 20 turns."""
    return [
        Measure(
            f"{episodes:,} episodes of 4 to 20 turns: longest of {GPUS} shards / mean", "ratio", _longest(episodes), "-"
        )
        for episodes in (10**4, 10**5, EPISODES)
    ]


def _longest(episodes: int) -> list[float]:
    import numpy as np

    found = []
    for seed in range(5):
        lots = np.random.default_rng(seed)
        turns = lots.integers(4, 21, (GPUS, episodes // GPUS))
        replies = lots.lognormal(np.log(60) - 0.32, 0.8, (GPUS, int(turns.sum(axis=1).max())))
        tokens = [replies[shard, : turns[shard].sum()].clip(1, 256).sum() for shard in range(GPUS)]
        found.append(float(np.max(tokens) / np.mean(tokens)))
    return found
