"""The embedded model computed by transformers, beyond what every engine does (`test_contract`)."""

import asyncio
import sys
import time
from collections.abc import Callable

import pytest
from asking import FORM, answers, question
from PIL import Image

from sandbox.engines.config import TransformersConfig
from sandbox.engines.engine import Engine
from sandbox.engines.start import start
from scenes.problem import InputRefused

Pictures = Callable[[str], Image.Image]


@pytest.fixture(scope="module")
def kind() -> str:
    return "transformers"


def test_a_cancelled_reply_is_not_written_to_its_end(engine: Engine) -> None:
    wild = [question(seed, temperature=2, max_tokens=200) for seed in range(20)]
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


def test_without_xgrammar_a_form_is_left_to_the_model(
    storybook: str, pictures: Pictures, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "xgrammar", None)
    (free,) = answers(engine, question(3))
    without = start(TransformersConfig(), storybook, pictures, 1)
    (asked,) = answers(without, question(3, FORM))
    without.close()
    assert asked.token_ids == free.token_ids


def test_a_folder_without_weights_is_refused(folders: dict[str, str], pictures: Pictures) -> None:
    with pytest.raises(InputRefused, match="transformers cannot load"):
        start(TransformersConfig(), folders["llava"], pictures, 1)
