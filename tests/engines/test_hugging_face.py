"""The embedded model computed by transformers."""

import asyncio
import time
from collections.abc import Callable, Iterator

import pytest
from PIL import Image

from sandbox.engines.config import TransformersConfig
from sandbox.engines.engine import Engine, EngineDied
from sandbox.engines.start import start
from scenes.chat import Completion, Request, Segment
from scenes.problem import InputRefused

Ask = Callable[..., Request]
Pictures = Callable[[str], Image.Image]

PERSONA = Segment("persona", "system", "You are Captain Brack, a gruff sea captain. You like: boat. You hate: fog.")
PICTURE = Segment("images", "user", image="orange")
QUESTION = Segment("history", "user", "Pip: Do you see a balloon?", glue="")


@pytest.fixture(scope="module")
def engine(storybook: str, pictures: Pictures) -> Iterator[Engine]:
    engine = start(TransformersConfig(max_model_len=256), storybook, pictures, 1)
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


def test_a_greedy_reply_is_the_same_again_and_counts_its_tokens(engine: Engine, question: Ask) -> None:
    first, again = answers(engine, question(temperature=0), question(temperature=0, seed=5))
    assert first == again
    assert first.text
    assert first.finish_reason == "stop"
    assert first.prompt_tokens > 30
    assert first.output_tokens == len(first.token_ids) > 3
    assert "<" not in first.text


def test_a_seed_makes_the_same_reply_whatever_is_asked_beside_it(engine: Engine, question: Ask) -> None:
    (alone,) = answers(engine, question(seed=7))
    among = answers(engine, *(question(seed=seed) for seed in range(10)))
    assert among[7] == alone
    assert len({answer.text for answer in among}) > 3


def test_a_low_top_p_is_nearly_greedy(engine: Engine, question: Ask) -> None:
    greedy, *drawn = answers(engine, question(temperature=0), *(question(top_p=0.01, seed=seed) for seed in range(3)))
    assert {answer.text for answer in drawn} == {greedy.text}


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
    history = [Segment("history", "user", "Pip: Look there, it goes again!", starts_message=True)] * 40
    (answer,) = answers(engine, ask(PERSONA, PICTURE, *history, QUESTION, max_tokens=8))
    assert answer.dropped > 0
    assert 256 - 8 - 16 < answer.prompt_tokens <= 256 - 8


def test_a_cancelled_reply_is_not_written_to_its_end(engine: Engine, question: Ask) -> None:
    wild = [question(temperature=2, max_tokens=200, seed=seed) for seed in range(20)]
    lengths = [answer.output_tokens for answer in answers(engine, *wild)]
    long_one = wild[lengths.index(max(lengths))]

    async def cancel() -> None:
        asked = asyncio.create_task(engine.complete(long_one))
        await asyncio.sleep(0)
        asked.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asked

    before = time.process_time()
    answers(engine, long_one)
    between = time.process_time()
    asyncio.run(cancel())
    answers(engine, question(max_tokens=1))
    assert time.process_time() - between < (between - before) / 2


def test_facts_tell_what_computes(engine: Engine, storybook: str) -> None:
    facts = engine.facts
    assert (facts.kind, facts.model, facts.context_length) == ("transformers", storybook, 256)
    assert facts.dtype == "float32"
    assert set(facts.versions) == {"torch", "transformers"}


def test_a_closed_engine_is_gone(storybook: str, pictures: Pictures, question: Ask) -> None:
    engine = start(TransformersConfig(), storybook, pictures, 1)
    engine.close()
    engine.close()
    with pytest.raises(EngineDied):
        answers(engine, question())


def test_a_folder_without_weights_is_refused(folders: dict[str, str], pictures: Pictures) -> None:
    with pytest.raises(InputRefused, match="transformers cannot load"):
        start(TransformersConfig(), folders["llava"], pictures, 1)
