"""The embedded model as it is shipped: its files, what it was trained on, and that it sees what it speaks of."""

import asyncio
import json
import re
from hashlib import sha256
from itertools import islice

import pytest

from sandbox.engines.config import EngineConfig, TransformersConfig, VLLMConfig
from sandbox.engines.start import start
from sandbox.gallery import Gallery
from sandbox.launch import engine_config
from sandbox.models import CHECKPOINT
from sandbox.storybook.exam.exam import AS_IS, requests, sample_evaluation
from sandbox.storybook.exam.paper import Paper
from sandbox.storybook.lessons.fingerprint import prompt_fingerprint
from sandbox.storybook.lessons.lesson import exams
from scenes.chat import Completion, Request

MEGABYTE = 1_000_000
PARITY = 32


def test_the_weights_are_those_of_the_card_and_small_enough_to_ship() -> None:
    weights = (CHECKPOINT / "model.safetensors").read_bytes()
    assert len(weights) <= 12 * MEGABYTE
    assert sha256(weights).hexdigest() in (CHECKPOINT / "SHA256").read_text()
    assert sha256(weights).hexdigest() in (CHECKPOINT / "README.md").read_text()


def test_the_model_has_room_for_a_long_prompt() -> None:
    config = json.loads((CHECKPOINT / "config.json").read_text())
    assert config["text_config"]["max_position_embeddings"] >= 2_048


def test_the_prompts_are_still_those_that_the_model_learned() -> None:
    told = re.search(r"prompts: `([0-9a-f]{16})`", (CHECKPOINT / "README.md").read_text())
    assert told is not None
    assert told[1] == prompt_fingerprint(), (
        "prompts have changed since the embedded model was trained: train it again (`rolestage train storybook`), "
        "or see with `rolestage eval storybook` that it still follows them, and write the new fingerprint into its card"
    )


@pytest.mark.vllm
@pytest.mark.slow
def test_greedy_replies_with_pictures_are_the_same_on_vllm_and_on_transformers() -> None:
    gallery = Gallery()
    papers = [Paper(exam) for exam in islice(exams(1 << 33), PARITY)]
    asked = [request for _, request in requests(papers, AS_IS, "storybook", gallery)]
    assert sum(any(segment.image for segment in request.prompt.segments()) for request in asked) == PARITY
    on_vllm = replies(VLLMConfig(max_num_seqs=16, kv_cache_memory_bytes=64 << 20), asked, gallery)
    on_transformers = replies(TransformersConfig(), asked, gallery)
    assert [one.token_ids for one in on_vllm] == [one.token_ids for one in on_transformers]
    assert len({one.text for one in on_vllm}) > PARITY / 2


def replies(config: EngineConfig, asked: list[Request], gallery: Gallery) -> list[Completion]:
    engine = start(config, str(CHECKPOINT), gallery.open, 4)

    async def all_at_once() -> list[Completion]:
        return await asyncio.gather(*map(engine.complete, asked))

    try:
        return asyncio.run(all_at_once())
    finally:
        engine.close()


@pytest.mark.vllm
@pytest.mark.slow
def test_what_the_model_says_is_true_of_its_picture_and_not_of_a_blank_one() -> None:
    figures = sample_evaluation("storybook", engine_config("vllm")).figures
    seen, blank = figures["as is"]["grounded"].value, figures["blank picture"]["grounded"].value
    assert seen is not None
    assert blank is not None
    assert seen >= 0.8
    assert seen - blank >= 0.6
