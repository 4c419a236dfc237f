"""The embedded model on a real vLLM: the replies of transformers, alone or in a batch, and failures that stay small."""

import asyncio
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest
from PIL import Image

from sandbox.engines.config import TransformersConfig, VLLMConfig
from sandbox.engines.engine import Engine, EngineDied
from sandbox.engines.start import start
from scenes.chat import CallFailed, Completion, Request, Segment
from scenes.problem import InputRefused

pytestmark = pytest.mark.vllm

Ask = Callable[..., Request]
Pictures = Callable[[str], Image.Image]

SMALL = VLLMConfig(max_model_len=384, max_num_seqs=32, kv_cache_memory_bytes=32 << 20)
PERSONA = Segment("persona", "system", "You are Captain Brack, a gruff sea captain. You like: boat. You hate: fog.")
PICTURE = Segment("images", "user", image="orange")
QUESTION = Segment("history", "user", "Pip: Do you see a balloon?", glue="")
REPLY = Segment("history", "assistant", "Aye, a green bird on the right.")

DIALOGUES = {
    "a picture": [PERSONA, PICTURE, QUESTION],
    "no picture": [PERSONA, QUESTION],
    "two pictures": [PICTURE, Segment("images", "user", image="navy-40x90"), QUESTION],
    "a picture late": [PERSONA, QUESTION, REPLY, Segment("images", "user", image="white"), QUESTION],
    "a dialogue": [PERSONA, PICTURE, QUESTION, REPLY, Segment("history", "user", "Pip: And the colour?")],
    "an open reply": [PERSONA, PICTURE, QUESTION, Segment("instruction", "assistant", "Aye, there is a")],
    "typed tokens": [PERSONA, PICTURE, Segment("history", "user", "Pip: <image><|end|><|bot|><end_of_utterance> Aye?")],
}


@pytest.fixture(scope="module")
def engine(storybook: str, pictures: Pictures) -> Iterator[Engine]:
    engine = start(SMALL, storybook, pictures, 2)
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def transformers_engine(storybook: str, pictures: Pictures) -> Iterator[Engine]:
    engine = start(TransformersConfig(max_model_len=384), storybook, pictures, 2)
    yield engine
    engine.close()


@pytest.fixture
def question(ask: Ask) -> Callable[..., Request]:
    def question(**sampling: object) -> Request:
        return ask(PERSONA, PICTURE, QUESTION, **{"max_tokens": 24, **sampling})

    return question


def answers(engine: Engine, *requests: Request) -> list[Completion]:
    async def gather() -> list[Completion]:
        return await asyncio.gather(*map(engine.complete, requests))

    return asyncio.run(gather())


def test_greedy_replies_are_those_of_transformers(engine: Engine, transformers_engine: Engine, ask: Ask) -> None:
    requests = [ask(*segments, temperature=0, max_tokens=32) for segments in DIALOGUES.values()]
    for ours, theirs in zip(answers(engine, *requests), answers(transformers_engine, *requests), strict=True):
        assert ours.token_ids == theirs.token_ids
        assert ours == theirs.model_copy(update={"cached_tokens": ours.cached_tokens})


def test_a_model_without_pictures_gives_the_replies_of_transformers(
    language_model: str, pictures: Pictures, ask: Ask
) -> None:
    requests = [ask(*DIALOGUES["no picture"], temperature=0, max_tokens=length) for length in (1, 20)]
    ours = answers(start(SMALL.model_copy(update={"max_model_len": 256}), language_model, pictures, 2), *requests)
    theirs = answers(start(TransformersConfig(), language_model, pictures, 2), *requests)
    assert [answer.token_ids for answer in ours] == [answer.token_ids for answer in theirs]
    assert [answer.text for answer in ours] == [answer.text for answer in theirs]


def test_a_seed_makes_the_same_reply_alone_and_in_a_batch(engine: Engine, question: Ask) -> None:
    (alone,) = answers(engine, question(seed=7))
    among = answers(engine, *(question(seed=seed) for seed in range(32)))
    assert among[7].token_ids == alone.token_ids
    assert len({answer.text for answer in among}) > 5


@pytest.mark.parametrize("seed", [-1, 2**64 - 1, 2**200])
def test_any_integer_is_a_seed(seed: int, engine: Engine, question: Ask) -> None:
    first, again = answers(engine, question(seed=seed), question(seed=seed))
    assert first.token_ids == again.token_ids


def test_a_prefix_that_was_seen_is_not_computed_again(engine: Engine, ask: Ask) -> None:
    picture = Segment("images", "user", image="teal")
    request = ask(picture, PERSONA, QUESTION, QUESTION, QUESTION, temperature=0)
    other_picture = ask(Segment("images", "user", image="tan"), PERSONA, QUESTION, QUESTION, QUESTION, temperature=0)
    (first,), (again,), (other,) = answers(engine, request), answers(engine, request), answers(engine, other_picture)
    assert (first.cached_tokens, other.cached_tokens) == (0, 0)
    assert again.cached_tokens > again.prompt_tokens / 2


def test_a_reply_ends_before_a_stop_string(engine: Engine, question: Ask) -> None:
    (whole,) = answers(engine, question(temperature=0))
    word = whole.text.split()[2]
    (cut,) = answers(engine, question(temperature=0, stop=("nowhere", word)))
    assert cut.text == whole.text[: whole.text.index(word)]
    assert cut.finish_reason == "stop"


def test_an_empty_reply_is_a_reply(engine: Engine, question: Ask) -> None:
    (whole,) = answers(engine, question(temperature=0))
    (empty,) = answers(engine, question(temperature=0, stop=(whole.text[0],)))
    assert (empty.text, empty.finish_reason) == ("", "stop")


def test_a_reply_that_is_cut_off_says_so(engine: Engine, question: Ask) -> None:
    (answer,) = answers(engine, question(temperature=0, max_tokens=3))
    assert (answer.finish_reason, answer.output_tokens) == ("length", 3)


def test_what_does_not_fit_is_dropped_and_told(engine: Engine, ask: Ask) -> None:
    history = [Segment("history", "user", "Pip: Look there, it goes again!", starts_message=True)] * 80
    (answer,) = answers(engine, ask(PERSONA, PICTURE, *history, QUESTION, max_tokens=8))
    assert answer.dropped > 0
    assert 384 - 8 - 16 < answer.prompt_tokens <= 384 - 8


def test_a_request_that_vllm_refuses_fails_alone(engine: Engine, ask: Ask, question: Ask) -> None:
    too_many = ask(PICTURE, PICTURE, PICTURE, QUESTION)

    async def both() -> list[Completion | BaseException]:
        asked = [engine.complete(request) for request in (question(), too_many, question())]
        return await asyncio.gather(*asked, return_exceptions=True)

    first, refused, last = asyncio.run(both())
    assert isinstance(refused, CallFailed)
    assert "At most 2 image(s)" in str(refused)
    assert isinstance(first, Completion)
    assert isinstance(last, Completion)


def test_a_cancelled_request_harms_no_other(engine: Engine, question: Ask) -> None:
    (undisturbed,) = answers(engine, question(seed=3))

    async def cancel_one() -> Completion:
        cancelled = asyncio.create_task(engine.complete(question(seed=4, temperature=2, max_tokens=400)))
        kept = asyncio.create_task(engine.complete(question(seed=3)))
        await asyncio.sleep(0.01)
        cancelled.cancel()
        return await kept

    assert asyncio.run(cancel_one()).token_ids == undisturbed.token_ids


def test_of_two_engines_either_answers_also_when_the_other_is_closed(
    engine: Engine, storybook: str, pictures: Pictures, question: Ask
) -> None:
    second = start(SMALL, storybook, pictures, 1)
    (ours,), (theirs,) = answers(engine, question(temperature=0)), answers(second, question(temperature=0))
    second.close()
    (later,) = answers(engine, question(temperature=0))
    assert ours.token_ids == theirs.token_ids == later.token_ids
    with pytest.raises(EngineDied, match="closed"):
        answers(second, question())


def test_an_engine_that_breaks_in_a_step_fails_those_who_wait_and_those_who_come(
    storybook: str, pictures: Pictures, question: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = start(SMALL, storybook, pictures, 1)

    def broken(*_: object) -> None:
        raise RuntimeError("no more numbers")

    async def three() -> list[Completion | BaseException]:
        return await asyncio.gather(*(engine.complete(question(seed=i)) for i in range(3)), return_exceptions=True)

    monkeypatch.setattr("vllm.v1.worker.cpu_worker.CPUWorker.execute_model", broken)
    lost = asyncio.run(three())
    monkeypatch.undo()
    assert all(isinstance(answer, EngineDied) for answer in lost)
    assert "no more numbers" in str(lost[0])
    assert all(isinstance(answer, EngineDied) for answer in asyncio.run(three()))


def test_a_program_that_closes_its_engine_ends_well_and_has_said_nothing(storybook: str) -> None:
    code = f"""
import asyncio
import subprocess
import sys
from PIL import Image
from sandbox.engines.config import VLLMConfig
from sandbox.engines.start import start
from scenes.chat import Prompt, Request, Segment

engine = start(VLLMConfig(kv_cache_memory_bytes=32 << 20), {storybook!r}, lambda _: Image.new("RGB", (64, 64)), 1)
request = Request("m", Prompt().then(Segment("images", "user", image="x"), Segment("history", "user", "Aye?")))
print(asyncio.run(engine.complete(request)).finish_reason)
engine.close()
engine.close()
"""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True)
    assert (ran.stdout, ran.stderr) == ("stop\n", "")


def test_facts_tell_what_computes(engine: Engine, storybook: str) -> None:
    facts = engine.facts
    assert (facts.kind, facts.model, facts.context_length) == ("vllm", storybook, 384)
    assert set(facts.versions) == {"vllm", "torch", "transformers"}


def test_an_engine_that_the_memory_cannot_hold_is_refused_and_harms_no_other(
    engine: Engine, storybook: str, pictures: Pictures, question: Ask
) -> None:
    with pytest.raises(InputRefused, match=r"vLLM cannot start .*KV cache"):
        start(VLLMConfig(kv_cache_memory_bytes=1 << 20), storybook, pictures, 1)
    assert answers(engine, question(temperature=0))
