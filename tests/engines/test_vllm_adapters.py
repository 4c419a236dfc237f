"""One vLLM engine for a model and its adapters: each request has its own, and those without one are as if alone."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from asking import CONFIGS, FORM, answers, question
from lora import adapter
from PIL import Image

from sandbox.engines.engine import Engine
from sandbox.engines.start import start
from scenes.chat import Request
from scenes.problem import InputRefused

pytestmark = pytest.mark.vllm

Pictures = Callable[[str], Image.Image]
MODELS = ("storybook", "storybook+brack", "storybook+pip")


@pytest.fixture(scope="module")
def adapters(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("adapters")
    return {MODELS[1]: adapter(folder / "brack", seed=1), MODELS[2]: adapter(folder / "pip", seed=2, rank=3)}


@pytest.fixture(scope="module", params=[1, 2])
def shared(
    request: pytest.FixtureRequest, adapters: dict[str, str], storybook: str, pictures: Pictures
) -> Iterator[tuple[Engine, Engine, tuple[str, ...]]]:
    """An engine of vLLM and one of transformers with the same adapters, and the models that both answer for."""
    some = dict(list(adapters.items())[: request.param])
    ours, theirs = (start(CONFIGS[kind], storybook, pictures, 1, some) for kind in ("vllm", "transformers"))
    yield ours, theirs, MODELS[: request.param + 1]
    ours.close()
    theirs.close()


def to(model: str, seed: int = 0, form: object = None, **sampling: object) -> Request:
    asked = question(seed, form, **sampling)
    return Request(model, asked.prompt, asked.sampling, asked.seed, asked.form)


def test_replies_are_those_of_transformers_with_the_weights_merged(
    shared: tuple[Engine, Engine, tuple[str, ...]],
) -> None:
    ours, theirs, models = shared
    requests = [to(model, temperature=0, stop=stop) for stop in ((), ("balloon",)) for model in models * 2]
    read, expected = answers(ours, *requests), answers(theirs, *requests)
    assert [one.token_ids for one in read] == [one.token_ids for one in expected]
    assert len({one.token_ids for one in read[: len(models)]}) == len(models), "every adapter says something else"


def test_replies_without_an_adapter_are_as_if_there_were_none(
    shared: tuple[Engine, Engine, tuple[str, ...]], storybook: str, pictures: Pictures
) -> None:
    ours, _, models = shared
    alone = start(CONFIGS["vllm"], storybook, pictures, 1)
    forms = (None, FORM)
    expected = answers(alone, *(to(MODELS[0], seed, form) for seed in range(6) for form in forms))
    mixed = answers(ours, *(to(model, seed, form) for seed in range(6) for form in forms for model in models))
    assert [one.token_ids for one in mixed[:: len(models)]] == [one.token_ids for one in expected]
    alone.close()


def test_a_prefix_is_found_again_only_for_the_same_adapter(adapters: dict[str, str], storybook: str) -> None:
    engine = start(CONFIGS["vllm"], storybook, lambda _: Image.new("RGB", (128, 128), "teal"), 1, adapters)
    cached = [answers(engine, to(model, temperature=0))[0].cached_tokens for model in MODELS * 2]
    assert cached[:3] == [0, 0, 0]
    assert min(cached[3:]) > 0
    engine.close()


def test_an_adapter_that_is_none_is_refused_and_harms_no_other_engine(
    shared: tuple[Engine, Engine, tuple[str, ...]], tmp_path: Path, storybook: str, pictures: Pictures
) -> None:
    ours, *_ = shared
    folder = adapter(tmp_path / "a", seed=1)
    (tmp_path / "a" / "adapter_model.safetensors").write_bytes(b"nothing of the kind")
    with pytest.raises(InputRefused, match=r"adapter_model\.safetensors: its weights cannot be read"):
        start(CONFIGS["vllm"], storybook, pictures, 1, {"m+a": folder})
    assert answers(ours, to(MODELS[0], temperature=0))
