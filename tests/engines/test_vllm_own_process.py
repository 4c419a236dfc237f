"""vLLM's core in a process of its own: the same replies, also to those who were waiting when it was killed."""

import asyncio
import os
import signal
from collections.abc import Callable

import pytest
from asking import CONFIGS, answers, plain, question
from PIL import Image

from sandbox.engines.engine import Engine
from sandbox.engines.start import start
from sandbox.engines.vllm import VLLMEngine
from scenes.chat import Completion

pytestmark = [pytest.mark.vllm, pytest.mark.slow]

Pictures = Callable[[str], Image.Image]
ASKED = [plain(seed, max_tokens=300) for seed in range(64)]


async def killed_at_work(engine: Engine, process: int) -> list[Completion]:
    """Kill the core while it computes; return what became of the requests."""
    asked = [asyncio.create_task(engine.complete(one)) for one in ASKED]
    assert isinstance(engine, VLLMEngine)
    while engine.counters().running < 64:
        await asyncio.sleep(0.001)
    os.kill(process, signal.SIGKILL)
    async with asyncio.timeout(300):
        return await asyncio.gather(*asked)


def test_a_core_in_a_process_of_its_own_replies_the_same_and_if_it_is_killed_another_replies(
    storybook: str, pictures: Pictures
) -> None:
    inside, own = (
        start(CONFIGS["vllm"].model_copy(update={"own_process": apart}), storybook, pictures, 1)
        for apart in (False, True)
    )
    asked = [question(seed, temperature=0.8) for seed in range(8)]
    assert [one.token_ids for one in answers(own, *asked)] == [one.token_ids for one in answers(inside, *asked)]
    counted = own.counters()  # type: ignore[attr-defined]
    assert (counted.pictures, counted.preprocessed, counted.encoded) == (1, 1, 1)
    restarting = own._pump._engine  # type: ignore[attr-defined]
    (core,) = restarting._engine._processes
    ended = asyncio.run(killed_at_work(own, core.pid))
    assert [one.token_ids for one in ended] == [one.token_ids for one in answers(inside, *ASKED)]
    assert restarting.restarts == 1
    (another,) = restarting._engine._processes
    own.close()
    inside.close()
    for process in (core, another):
        process.join(10)
        assert not process.is_alive()
