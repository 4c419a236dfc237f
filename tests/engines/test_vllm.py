"""The embedded model on a real vLLM, beyond what every engine does (`test_contract`).

It gives the replies of transformers, computes nothing twice, and its failures stay small.
"""

import asyncio
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from shutil import copytree
from typing import Any

import pytest
from asking import CONFIGS, FORM, PERSONA, PICTURE, QUESTION, answers, outcomes, plain, question
from PIL import Image

from sandbox.engines.config import TransformersConfig, VLLMConfig
from sandbox.engines.engine import Engine, EngineDied
from sandbox.engines.start import start
from scenes.chat import CallFailed, Completion, Request, Segment
from scenes.problem import InputRefused

pytestmark = pytest.mark.vllm

Ask = Callable[..., Request]
Pictures = Callable[[str], Image.Image]

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
def kind() -> str:
    return "vllm"


@pytest.fixture(scope="module")
def transformers_engine(storybook: str, pictures: Pictures) -> Iterator[Engine]:
    engine = start(CONFIGS["transformers"], storybook, pictures, 2)
    yield engine
    engine.close()


def test_greedy_replies_are_those_of_transformers(engine: Engine, transformers_engine: Engine, ask: Ask) -> None:
    requests = [ask(*segments, temperature=0, max_tokens=32) for segments in DIALOGUES.values()]
    requests += [question(0, FORM, temperature=0, max_tokens=300), plain(0, FORM, temperature=0, max_tokens=300)]
    for ours, theirs in zip(answers(engine, *requests), answers(transformers_engine, *requests), strict=True):
        assert ours.token_ids == theirs.token_ids
        assert ours == theirs.model_copy(update={"cached_tokens": ours.cached_tokens})


def test_a_model_without_pictures_gives_the_replies_of_transformers(
    language_model: str, pictures: Pictures, ask: Ask
) -> None:
    requests = [ask(*DIALOGUES["no picture"], temperature=0, max_tokens=length) for length in (1, 20)]
    ours = answers(
        start(CONFIGS["vllm"].model_copy(update={"max_model_len": 256}), language_model, pictures, 2), *requests
    )
    theirs = answers(start(TransformersConfig(), language_model, pictures, 2), *requests)
    assert [answer.token_ids for answer in ours] == [answer.token_ids for answer in theirs]
    assert [answer.text for answer in ours] == [answer.text for answer in theirs]


def test_a_prefix_that_was_seen_is_not_computed_again(engine: Engine, ask: Ask) -> None:
    picture = Segment("images", "user", image="teal")
    request = ask(picture, PERSONA, QUESTION, QUESTION, QUESTION, temperature=0)
    other_picture = ask(Segment("images", "user", image="tan"), PERSONA, QUESTION, QUESTION, QUESTION, temperature=0)
    (first,), (again,), (other,) = answers(engine, request), answers(engine, request), answers(engine, other_picture)
    assert (first.cached_tokens, other.cached_tokens) == (0, 0)
    assert again.cached_tokens > again.prompt_tokens / 2


def test_a_request_that_vllm_refuses_fails_alone(engine: Engine, ask: Ask) -> None:
    too_many = ask(PICTURE, PICTURE, PICTURE, QUESTION)
    first, refused, last = outcomes(engine, question(), too_many, question())
    assert isinstance(refused, CallFailed)
    assert "At most 2 image(s)" in str(refused)
    assert isinstance(first, Completion)
    assert isinstance(last, Completion)


def test_of_64_requests_one_is_cancelled_and_leaves_the_engine_and_the_others_unharmed(
    inclined: Callable[..., Engine],
) -> None:
    engine = inclined(**{"<|im_start|>": -50, "<|im_end|>": -50})
    asked = [plain(seed, FORM if seed % 4 == 1 else None, max_tokens=100) for seed in range(64)]
    undisturbed = answers(engine, *asked)
    asked[31] = plain(31, max_tokens=300)
    running: Any = engine._pump._engine._llm  # type: ignore[attr-defined]

    async def cancel_one() -> list[Completion | BaseException]:
        tasks = [asyncio.create_task(engine.complete(request)) for request in asked]
        while running.get_num_unfinished_requests() < 64:
            await asyncio.sleep(0)
        tasks[31].cancel()
        return await asyncio.gather(*tasks, return_exceptions=True)

    disturbed = asyncio.run(cancel_one())
    assert running.get_num_unfinished_requests() == 0
    assert running.reset_prefix_cache(), "somebody still holds attention states"
    assert isinstance(disturbed.pop(31), asyncio.CancelledError)
    del undisturbed[31]
    assert [answer.token_ids for answer in disturbed] == [answer.token_ids for answer in undisturbed]


def test_of_two_engines_either_answers_also_when_the_other_is_closed(
    engine: Engine, storybook: str, pictures: Pictures
) -> None:
    second = start(CONFIGS["vllm"], storybook, pictures, 1)
    (ours,), (theirs,) = answers(engine, question(temperature=0)), answers(second, question(temperature=0))
    second.close()
    (later,) = answers(engine, question(temperature=0))
    assert ours.token_ids == theirs.token_ids == later.token_ids
    with pytest.raises(EngineDied, match="closed"):
        answers(second, question())


def test_an_engine_that_breaks_in_a_step_fails_those_who_wait_and_those_who_come(
    storybook: str, pictures: Pictures, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = start(CONFIGS["vllm"], storybook, pictures, 1)

    def broken(*_: object) -> None:
        raise RuntimeError("no more numbers")

    monkeypatch.setattr("vllm.v1.worker.cpu_worker.CPUWorker.execute_model", broken)
    lost = outcomes(engine, question(0), question(1), question(2, FORM))
    monkeypatch.undo()
    assert all(isinstance(answer, EngineDied) for answer in lost)
    assert "no more numbers" in str(lost[0])
    assert all(isinstance(answer, EngineDied) for answer in outcomes(engine, question(0), question(1, FORM)))


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
prompt = Prompt().then(Segment("images", "user", image="x"), Segment("history", "user", "Aye?"))
for form in (None, '{{"type": "string", "maxLength": 9}}'):
    print(asyncio.run(engine.complete(Request("m", prompt, form=form))).finish_reason)
engine.close()
engine.close()
"""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True)
    assert (ran.stdout, ran.stderr) == ("stop\nstop\n", "")


def test_an_engine_that_the_memory_cannot_hold_is_refused_and_harms_no_other(
    engine: Engine, storybook: str, pictures: Pictures
) -> None:
    with pytest.raises(InputRefused, match=r"vLLM cannot start .*KV cache"):
        start(VLLMConfig(kv_cache_memory_bytes=1 << 20), storybook, pictures, 1)
    assert answers(engine, question(temperature=0))


def test_two_models_of_one_process_compute_at_the_same_time_as_each_does_alone(
    engine: Engine, storybook: str, pictures: Pictures, tmp_path: Path
) -> None:
    other = start(CONFIGS["vllm"], str(copytree(storybook, tmp_path / "other")), pictures, 1)
    asked = [question(seed, temperature=0.8, max_tokens=60) for seed in range(32)]
    alone = [one.token_ids for one in answers(engine, *asked)]

    async def both() -> list[Completion]:
        return await asyncio.gather(*(one.complete(request) for request in asked for one in (engine, other)))

    together = [one.token_ids for one in asyncio.run(both())]
    other.close()
    assert (together[::2], together[1::2]) == (alone, alone)
