"""The engine that computes nothing: its time, its order, its caches by an independent replay, and what it says."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterable, Sequence
from math import inf
from random import Random
from typing import Any

import pytest
from asking import FORM, follows

from sandbox.engines.config import SimulatedConfig
from sandbox.engines.engine import EngineDied, Urgency
from sandbox.engines.simulated import Simulated
from sandbox.engines.start import start
from sandbox.engines.word_blocks import HEADER
from sandbox.launch import engine_config
from sandbox.virtual_time import run_virtually
from scenes.chat import CallFailed, Completion, Prompt, Request, Sampling, Segment

HEADER_TOKENS = len(HEADER) + 1
BLOCK = 16
PERSONA, SCENE, RULES, REPLY, PICTURE = 400, 150, 120, 60, 1225
"""Tokens, as in the table of the cliff in docs/performance.md."""


def engine(**settings: Any) -> Simulated:
    return Simulated(SimulatedConfig(**settings), "a model")


def words(count: int, name: object) -> str:
    return " ".join(f"{name}.{at}" for at in range(count))


def request(*texts: str, seed: int = 0, form: str | None = None, answer: str | None = None, **sampling: Any) -> Request:
    segments = [Segment("history", "user", text, starts_message=True) for text in texts]
    return Request("model", Prompt().then(*segments), Sampling(**{"max_tokens": 4_000} | sampling), seed, form, answer)


def answers(engine: Simulated, *requests: Request) -> list[Completion]:
    """Return what the engine answers to all at once."""

    async def ask() -> list[Completion]:
        return await asyncio.gather(*map(engine.complete, requests))

    return run_virtually(ask())


def now() -> float:
    return asyncio.get_running_loop().time()


async def after(seconds: float, doing: Awaitable[Completion]) -> tuple[float, Completion]:
    """Wait, then do it, and return when it was done."""
    await asyncio.sleep(seconds)
    completion = await doing
    return now(), completion


def test_a_request_alone_takes_a_step_for_each_token_and_its_prompt_once() -> None:
    async def play() -> tuple[float, Completion]:
        return await after(0, engine(step_ms=10, per_sequence_ms=2, per_prompt_token_ms=0.5, **TEN).complete(asked))

    asked = request(words(96, "a"))
    ended, completion = run_virtually(play())
    assert (completion.prompt_tokens, completion.cached_tokens) == (96 + 2 * HEADER_TOKENS, 0)
    assert completion.output_tokens == len(completion.text.split()) == 10
    assert ended == pytest.approx((10 * 12 + 0.5 * 104) / 1000, rel=1e-12)


TEN = {"reply_tokens": 10, "reply_sigma": 0}


def test_who_comes_in_the_middle_of_a_step_joins_the_next() -> None:
    async def play() -> list[tuple[float, Completion]]:
        one = engine(step_ms=10, per_sequence_ms=2, per_prompt_token_ms=0, **TEN)
        return await asyncio.gather(
            after(0, one.complete(request("a"))),
            after(0.030, one.complete(request("b"))),  # while the third step of 12 ms is computed
        )

    (first, _), (second, _) = run_virtually(play())
    assert first == pytest.approx((3 * 12 + 7 * 14) / 1000)
    assert second == pytest.approx((3 * 12 + 7 * 14 + 3 * 12) / 1000)


def test_what_is_asked_at_the_moment_that_a_step_ends_joins_the_very_next() -> None:
    async def talk(one: Simulated, name: str) -> None:
        for turn in range(5):
            for _ in range(20):  # however many hops of the event loop a client needs
                await asyncio.sleep(0)
            await one.complete(request(f"{name} {turn}", max_tokens=10))

    async def play() -> tuple[float, Simulated]:
        one = engine(step_ms=10, per_sequence_ms=0, per_prompt_token_ms=0, reply_tokens=50, reply_sigma=0)
        await asyncio.gather(one.complete(request("somebody who talks all the time")), talk(one, "a"), talk(one, "b"))
        return now(), one

    ended, one = run_virtually(play())
    assert ended == pytest.approx(50 * 10 / 1000)
    assert {batch.size for batch in one.counted.batches} == {3}


def test_a_message_has_one_header_however_many_segments_are_in_it() -> None:
    parts = (Segment("scene", "user", "one two"), Segment("persona", "user", "three"), Segment("now", "system", "four"))
    (completion,) = answers(engine(**TEN), Request("model", Prompt().then(*parts)))
    assert completion.prompt_tokens == 4 + 3 * HEADER_TOKENS
    left_open = Prompt().then(*parts, Segment("history", "assistant", "five"))
    (completion,) = answers(engine(**TEN), Request("model", left_open))
    assert completion.prompt_tokens == 5 + 3 * HEADER_TOKENS


@pytest.mark.parametrize("seed", range(5))
def test_time_is_what_steps_and_tokens_cost(seed: int) -> None:
    rng = Random(seed)
    one = engine(step_ms=7, per_sequence_ms=0.3, per_prompt_token_ms=0.05, max_num_seqs=5, kv_blocks=60)

    async def play() -> tuple[float, list[tuple[float, Completion]]]:
        asked = [request(words(rng.randint(1, 80), rng.randint(0, 3)), seed=at) for at in range(60)]
        done = await asyncio.gather(*(after(rng.uniform(0, 4), one.complete(each)) for each in asked))
        return now(), done

    ended, done = run_virtually(play())
    counted, completions = one.counted, [completion for _, completion in done]
    assert counted.generated == sum(each.output_tokens for each in completions)
    assert counted.computed == sum(each.prompt_tokens - each.cached_tokens for each in completions)
    assert counted.cached == sum(each.cached_tokens for each in completions) > 0
    cost = (7 * counted.steps + 0.3 * counted.generated + 0.05 * counted.computed) / 1000
    assert counted.busy_s == pytest.approx(cost, rel=1e-12)
    idle = sum(max(0.0, gap) for gap in gaps(one))
    assert idle < 1
    assert ended == pytest.approx(cost + idle, rel=1e-12)
    assert max(batch.size for batch in counted.batches) == 5


def gaps(one: Simulated) -> Iterable[float]:
    """Yield how long nothing was computed before each stretch of steps."""
    over = 0.0
    for batch in one.counted.batches:
        yield batch.begun - over
        over = batch.begun + (batch.steps * (7 + 0.3 * batch.size) + 0.05 * batch.prompt_tokens) / 1000


def test_the_most_urgent_is_computed_first_and_among_equals_who_came_first() -> None:
    done: list[str] = []

    async def play() -> None:
        one = engine(max_num_seqs=1, **TEN)

        async def ask(name: str, urgency: Urgency) -> None:
            await one.complete(request(name), urgency)
            done.append(name)

        known = {"far": Urgency(0, 9), "near": Urgency(1, 2), "near too": Urgency(2, 2), "farther": Urgency(3, 12)}
        scoring = {"scored": Urgency(4, scoring=True)}
        await asyncio.gather(*(ask(name, urgency) for name, urgency in (scoring | known).items()))

    run_virtually(play())
    assert done == ["farther", "far", "near", "near too", "scored"]


def tokens_of(asked: Request, reply: str) -> tuple[list[str], list[str]]:
    """Return the tokens of a prompt and of its reply, by the rule that the engine's tokeniser is to follow."""
    prompt: list[str] = []
    for segment in asked.prompt.segments():
        prompt += [*HEADER, segment.role, *segment.text.split()]
    return [*prompt, *HEADER, "assistant"], reply.split()


class Replay:
    """vLLM's rules of a prefix cache in the plainest form, for one request after another: prefixes, and a queue."""

    def __init__(self, blocks: float) -> None:
        self.room = blocks
        self.queue: list[tuple[str, ...]] = []
        """The least recently used first; each is the whole text up to the end of its block."""

    def cached(self, prompt: list[str], reply: list[str]) -> int:
        """Return how many tokens of the prompt were there, and take up what is new."""
        computed = [*prompt, *reply[:-1]]
        whole = [tuple(computed[:end]) for end in range(BLOCK, len(computed) + 1, BLOCK)]
        hits = 0
        while hits < (len(prompt) - 1) // BLOCK and whole[hits] in self.queue:
            hits += 1
        unused = [block for block in self.queue if block not in whole[:hits]]
        while len(unused) - (-len(computed) // BLOCK) > self.room:
            unused.pop(0)
        self.queue = unused + [block for block in reversed(whole) if block not in unused]
        return hits * BLOCK


@pytest.mark.parametrize("room", [40, 64, None])
@pytest.mark.parametrize("seed", range(4))
def test_hits_are_those_of_a_plain_replay_of_the_same_tokens(seed: int, room: int | None) -> None:
    rng, replay = Random(seed), Replay(inf if room is None else room)
    one = engine(kv_blocks=room, reply_tokens=30)

    async def play() -> list[tuple[int, int]]:
        told, found = [["start " + words(rng.randint(1, 60), at % 2)] for at in range(6)], []
        for turn in range(80):
            history = rng.choice(told)
            completion = await one.complete(asked := request(*history, seed=turn, max_tokens=60))
            found.append((completion.cached_tokens, replay.cached(*tokens_of(asked, completion.text))))
            history.append(completion.text if len(history) < 5 else words(3, turn))
            del history[7:]
        return found

    pairs = run_virtually(play())
    assert [cached for cached, _ in pairs] == [expected for _, expected in pairs]
    assert sum(cached for cached, _ in pairs) > 0


class Dialogue:
    """Two characters by turns before one picture, in the layout `images-first`."""

    def __init__(self, number: int) -> None:
        common = Prompt().then(Segment("global", "system", words(RULES, "rule")))
        seen = common.then(Segment("images", "user", image=f"picture {number}"))
        scene = seen.then(Segment("scene", "user", words(SCENE, f"scene-{number}")))
        personas = (Segment("persona", "user", words(PERSONA, f"{number}-{at}")) for at in range(2))
        self.prompts = [scene.then(persona) for persona in personas]

    async def turn(self, one: Simulated, number: int) -> None:
        sampling = Sampling(max_tokens=REPLY)
        completion = await one.complete(Request("model", self.prompts[number % 2], sampling, number))
        for at, prompt in enumerate(self.prompts):
            role: Any = "assistant" if at == number % 2 else "user"
            self.prompts[at] = prompt.then(Segment("history", role, completion.text))


Order = Callable[[Simulated, Sequence[Dialogue]], Awaitable[None]]


async def breadth_first(one: Simulated, dialogues: Sequence[Dialogue]) -> None:
    for turn in range(10):
        for dialogue in dialogues:
            await dialogue.turn(one, turn)


def in_windows(size: int) -> Order:
    async def play(one: Simulated, dialogues: Sequence[Dialogue]) -> None:
        for first in range(0, len(dialogues), size):
            await breadth_first(one, dialogues[first : first + size])

    return play


def hit_rate(kv_blocks: int | None, order: Order) -> float:
    one = engine(kv_blocks=kv_blocks, picture_tokens=PICTURE, reply_tokens=REPLY, reply_sigma=0)
    run_virtually(order(one, [Dialogue(number) for number in range(64)]))
    return one.counted.cached / (one.counted.cached + one.counted.computed)


@pytest.mark.parametrize("fitting", [4, 8, 16])
def test_one_episode_more_than_fits_and_the_cache_is_of_no_use(fitting: int) -> None:
    """The cliff of docs/performance.md: 5 % against 87 %, which is what an endless cache finds."""
    whole = RULES + PICTURE + SCENE + 2 * (PERSONA + 10 * (REPLY + HEADER_TOKENS))
    room = fitting * (whole // BLOCK + 1)
    endless = hit_rate(None, breadth_first)
    assert endless == pytest.approx(0.868, abs=0.01)
    assert hit_rate(room, breadth_first) == pytest.approx(0.05, abs=0.01)
    assert hit_rate(room, in_windows(fitting - 1)) >= 0.97 * endless


def encodings(room: int | None, pictures: Iterable[str]) -> int:
    """Return how often pictures are encoded that are shown one after another, each to be read anew."""
    # without room for prompts, so that each has to be computed again with its picture
    one = engine(encoder_cache=room, kv_blocks=15, picture_tokens=200, max_num_seqs=1, **TEN)

    async def play() -> None:
        for turn, picture in enumerate(pictures):
            seen = Segment("images", "user", image=picture)
            await one.complete(Request("model", Prompt().then(Segment("now", "system", f"turn-{turn} "), seen)))

    run_virtually(play())
    return one.counted.encodings


def test_a_picture_is_encoded_once_while_all_in_flight_fit() -> None:
    assert encodings(None, "abcd" * 5) == encodings(4, "abcd" * 5) == 4
    assert encodings(3, "abcd" * 5) == 20


def test_the_picture_that_was_not_shown_for_longest_is_the_first_to_be_encoded_again() -> None:
    assert encodings(2, "abaca") == 3


def test_a_picture_whose_states_are_cached_needs_no_encoding() -> None:
    one = engine(encoder_cache=1, picture_tokens=48, **TEN)
    seen = [Prompt().then(Segment("images", "user", image=name)) for name in ("red", "blue")]
    asked = [Request("model", one.then(Segment("instruction", "user", words(20, "a")))) for one in seen]

    async def play() -> None:
        for each in [*asked, *asked]:
            await one.complete(each)

    run_virtually(play())
    assert one.counted.encodings == 2


def test_replies_depend_on_the_request_alone_and_the_time_is_the_same_again() -> None:
    asked = [request(words(at % 7 + 1, "a"), seed=at) for at in range(40)]

    async def play(requests: Sequence[Request], **settings: Any) -> tuple[float, dict[int, str]]:
        one = engine(**settings)
        done = await asyncio.gather(*map(one.complete, requests))
        return now(), {each.seed: completion.text for each, completion in zip(requests, done, strict=True)}

    first = run_virtually(play(asked, max_num_seqs=8))
    assert run_virtually(play(asked, max_num_seqs=8)) == first
    assert run_virtually(play(asked[::-1], max_num_seqs=3))[1] == first[1]
    assert len({len(text.split()) for text in first[1].values()}) > 20


def test_lengths_are_lognormal_and_cut_by_max_tokens() -> None:
    drawn = answers(engine(reply_tokens=60, reply_sigma=0.8), *(request("a", seed=seed) for seed in range(2_000)))
    mean = sum(completion.output_tokens for completion in drawn) / len(drawn)
    assert mean == pytest.approx(60, rel=0.06)
    cut = answers(engine(reply_tokens=60), *(request("a", seed=seed, max_tokens=20) for seed in range(50)))
    assert {completion.finish_reason for completion in cut if completion.output_tokens == 20} >= {"length"}
    assert max(completion.output_tokens for completion in cut) == 20


def test_a_form_is_filled_in() -> None:
    for completion in answers(engine(), *(request("a", seed=seed, form=json.dumps(FORM)) for seed in range(10))):
        assert follows(completion.text, FORM)


def test_an_answer_that_is_given_is_read_in_one_step_without_the_cache() -> None:
    one = engine(**TEN)
    asked = request(words(40, "a"))
    answers(one, asked)
    steps = one.counted.steps
    (likely,) = answers(one, request(words(40, "a"), answer="it is so"))
    assert one.counted.steps == steps + 1
    assert (likely.cached_tokens, likely.prompt_tokens) == (0, 40 + 2 * HEADER_TOKENS + 3)
    assert (len(likely.logprobs), likely.text, likely.output_tokens) == (3, "", 0)
    with pytest.raises(CallFailed, match="without words"):
        answers(one, request("a", answer="..."))


def test_the_oldest_history_goes_where_a_context_is_short() -> None:
    one = engine(max_model_len=100, **TEN)
    asked = request(*(words(20, at) for at in range(6)), max_tokens=10)
    (cut,) = answers(one, asked)
    assert cut.dropped == 3
    assert cut.prompt_tokens == 3 * (20 + HEADER_TOKENS) + HEADER_TOKENS <= 90
    assert one.room(asked) == 90 - HEADER_TOKENS


def test_who_finds_no_room_waits_and_who_never_would_is_refused() -> None:
    one = engine(kv_blocks=8, block_size=BLOCK, **TEN)
    done = answers(one, request(words(60, "a")), request(words(60, "b")))
    assert [completion.output_tokens for completion in done] == [10, 10]
    assert {batch.size for batch in one.counted.batches} == {1}
    with pytest.raises(CallFailed, match="more blocks"):
        answers(one, request(words(130, "c")))


def test_a_cancelled_request_leaves_with_the_step_and_gives_its_room_back() -> None:
    one = engine(step_ms=10, per_sequence_ms=2, per_prompt_token_ms=0, kv_blocks=8, max_num_seqs=2, **TEN)

    async def play() -> float:
        leaving = asyncio.create_task(one.complete(request("a")))
        waiting = asyncio.create_task(one.complete(request(words(100, "c"))))
        staying = asyncio.create_task(one.complete(request("b")))
        await asyncio.sleep(0.015)
        leaving.cancel()
        waiting.cancel()
        await staying
        assert leaving.cancelled()
        assert waiting.cancelled()
        ended = now()
        await one.complete(request(words(100, "d")))
        return ended

    assert run_virtually(play()) == pytest.approx((2 * 12 + 10 * 12) / 1000)
    assert one.counted.generated == 2 + 10 + 10


def test_a_closed_engine_fails_those_who_wait_and_those_who_come() -> None:
    one = engine()

    async def play() -> None:
        waiting = asyncio.create_task(one.complete(request("a")))
        await asyncio.sleep(0.001)
        one.close()
        one.close()
        with pytest.raises(EngineDied):
            await waiting
        with pytest.raises(EngineDied):
            await one.complete(request("a"))

    run_virtually(play())


def test_an_engine_goes_on_in_another_event_loop_without_what_was_cut_off_in_the_first() -> None:
    one = engine(kv_blocks=8, **TEN)

    async def cut_off() -> None:
        asyncio.create_task(one.complete(request(words(100, "a"))))  # noqa: RUF006
        await asyncio.sleep(0.02)

    run_virtually(cut_off())
    (answer,) = answers(one, request(words(100, "b")))
    assert answer.output_tokens == 10


def test_it_takes_its_time_in_real_time_too() -> None:
    config = engine_config("simulated", step_ms=2, reply_tokens=5, reply_sigma=0)
    one = start(config, "a model", lambda name: pytest.fail("it looks at no picture"), 1)
    assert (one.facts.kind, one.facts.slots, one.facts.kv_tokens) == ("simulated", 256, None)

    async def play() -> float:
        before = now()
        await asyncio.gather(*(one.complete(request("a", seed=seed)) for seed in range(3)))
        return now() - before

    assert asyncio.run(play()) >= 0.010
