"""What vLLM counts of its work, and that a picture is read, preprocessed and encoded once for all who see it."""

from collections import Counter
from collections.abc import Iterator

import pytest
from asking import CONFIGS, PERSONA, QUESTION, answers
from PIL import Image

from sandbox.engines.config import VLLMConfig
from sandbox.engines.counters import EngineCounters
from sandbox.engines.engine import Engine
from sandbox.engines.start import start
from sandbox.engines.vllm import VLLMEngine
from scenes.chat import Prompt, Request, Sampling, Segment

pytestmark = pytest.mark.vllm

CAST = ("Brack", "Pip", "Ada", "Tom")


class Album:
    """Pictures by their colour, and how often each was read."""

    def __init__(self) -> None:
        self.reads: Counter[str] = Counter()

    def __call__(self, colour: str) -> Image.Image:
        self.reads[colour] += 1
        return Image.new("RGB", (128, 128), colour)


@pytest.fixture
def album() -> Album:
    return Album()


@pytest.fixture
def counted(album: Album, storybook: str) -> Iterator[Engine]:
    engine = start(CONFIGS["vllm"], storybook, album, 2)
    yield engine
    engine.close()


def look(name: str, *colours: str, say: str = "") -> Request:
    persona = Segment("persona", "system", f"You are {name}. You like: boat.")
    pictures = [Segment("images", "user", image=colour) for colour in colours]
    said = Segment("history", "user", f"Pip: {say or 'Do you see a balloon?'}")
    return Request("m", Prompt().then(persona, *pictures, said), Sampling(max_tokens=8, temperature=0))


def counters(engine: Engine) -> EngineCounters:
    assert isinstance(engine, VLLMEngine)
    return engine.counters()


def test_a_picture_is_preprocessed_and_encoded_once_whoever_sees_it_and_whenever(counted: Engine, album: Album) -> None:
    colours = ("red", "green", "blue", "teal", "tan")
    for say in ("Look!", "And now?", "Once more."):
        answers(counted, *(look(name, colour, say=say) for name in CAST for colour in colours))
    now = counters(counted)
    assert (now.pictures, now.preprocessed, now.encoded, now.sizes) == (5, 5, 5, 1)
    read = sum(album.reads.values())
    answers(counted, *(look(name, *colours[:2], say="Both?") for name in CAST))
    assert sum(album.reads.values()) == read == now.opened, "what vLLM holds is not read again"


def test_a_picture_that_vllm_has_lost_is_handed_over_again(counted: Engine) -> None:
    first, *_ = answers(counted, look("Ada", "red"))
    counted._pump._engine._llm.reset_mm_cache()  # type: ignore[attr-defined]
    again, other = answers(counted, look("Ada", "red"), look("Ada", "red", "blue"))
    assert again.token_ids == first.token_ids
    assert other.output_tokens
    assert counters(counted).preprocessed == 3


def test_where_pictures_in_flight_outnumber_the_encoders_cache_the_counts_show_it(storybook: str, album: Album) -> None:
    engine = start(VLLMConfig(max_model_len=64, max_num_seqs=4, max_num_batched_tokens=64), storybook, album, 1)
    room = counters(engine).encoder_tokens
    assert room == 64
    colours = [f"rgb({at}, 0, 0)" for at in range(8)]  # 16 tokens each
    for name in CAST:
        answers(engine, *(look(name, colour, say="Aye?") for colour in colours))
    now = counters(engine)
    assert (now.pictures, now.preprocessed) == (8, 8)
    assert now.encoded > 8
    engine.close()


def test_tokens_are_counted_as_the_answers_say(counted: Engine) -> None:
    asked = [Request("m", Prompt().then(PERSONA, QUESTION), Sampling(max_tokens=4, temperature=0), 0)] * 2
    asked += [look(name, "red") for name in CAST]
    read = answers(counted, *asked)
    read += answers(counted, *asked)
    now = counters(counted)
    assert now.prefix_queries == sum(one.prompt_tokens for one in read)
    assert now.prefix_hits == sum(one.cached_tokens for one in read) > 0
    assert now.computed == now.prefix_queries - now.prefix_hits
    assert (now.running, now.waiting, now.kv_used, now.preempted) == (0, 0, 0.0, 0)
    assert now.steps > 2


def test_the_counts_say_how_full_the_engine_is_while_it_works(storybook: str, album: Album) -> None:
    engine = start(VLLMConfig(max_num_seqs=2, kv_cache_memory_bytes=32 << 20), storybook, album, 1)
    seen: list[EngineCounters] = []
    running = engine._pump._engine  # type: ignore[attr-defined]
    step = running.step
    running.step = lambda: (step(), seen.append(counters(engine)))[0]
    answers(engine, *(look(name, "red") for name in CAST))
    assert max(one.running for one in seen) == 2
    assert max(one.waiting for one in seen) == 2
    assert 0 < max(one.kv_used for one in seen) < 1
    engine.close()
