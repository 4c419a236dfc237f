"""Starting engines: by kind, loading only what is needed, and saying what is missing."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from lora import adapter
from PIL import Image
from pydantic import TypeAdapter, ValidationError

from sandbox.engines.config import EngineConfig, ScriptedConfig, TransformersConfig, VLLMConfig
from sandbox.engines.start import shares, start
from scenes.problem import InputRefused

Pictures = Callable[[str], Image.Image]
CONFIGS: TypeAdapter[Any] = TypeAdapter(EngineConfig)


@pytest.mark.parametrize("config", [VLLMConfig(max_model_len=384), TransformersConfig(), ScriptedConfig(delay_s=1)])
def test_a_config_is_told_by_its_kind(config: EngineConfig) -> None:
    assert CONFIGS.validate_python(config.model_dump()) == config


@pytest.mark.parametrize(
    "settings",
    [{"kind": "vlm"}, {"kind": "vllm", "max_len": 5}, {"kind": "vllm", "gpu_memory_utilization": 1.5}, {}],
)
def test_settings_that_mean_nothing_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        CONFIGS.validate_python(settings)


@pytest.mark.parametrize("memory", ["lots", "-1GiB", 0, "1e999GiB", "24 GiBs", [], float("nan")])
def test_a_memory_that_is_no_size_is_refused_with_an_example(memory: Any) -> None:
    with pytest.raises(ValidationError, match="such as 24GiB"):
        CONFIGS.validate_python({"kind": "vllm", "memory": memory})
    assert VLLMConfig(memory="1.5GiB").memory == 3 << 29
    assert VLLMConfig(memory=12345).memory == 12345


def test_a_scripted_engine_needs_no_model(pictures: Pictures) -> None:
    engine = start(ScriptedConfig(context_length=9), "storybook", pictures, 1)
    assert engine.facts.kind == "scripted"
    assert engine.facts.context_length == 9


@pytest.mark.parametrize(
    ("config", "missing", "mend"),
    [
        (VLLMConfig(), "vllm", "vllm is not installed; .*--engine transformers"),
        (TransformersConfig(), "transformers", "transformers is not installed; .*--dry-run"),
        (TransformersConfig(), "torch", "torch is not installed; .*--dry-run"),
    ],
)
def test_an_engine_whose_library_is_missing_is_refused_with_the_mend(
    config: EngineConfig, missing: str, mend: str, pictures: Pictures, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(InputRefused, match=mend):
        start(config, "storybook", pictures, 1)


def test_naming_engines_loads_no_library() -> None:
    heavy = {"torch", "transformers", "vllm", "tokenizers", "jinja2"}
    code = f"import sys, sandbox.engines.start, sandbox.engines.terminal; sys.exit(bool({heavy} & set(sys.modules)))"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.vllm
def test_the_memory_of_a_run_is_divided_so_that_every_model_has_room_for_as_many_tokens(
    storybook: str, language_model: str, pictures: Pictures, tmp_path: Path
) -> None:
    with_adapter = {"storybook": None, "storybook+a": adapter(tmp_path / "a", seed=1)}
    models = {storybook: with_adapter, language_model: {"judge": None}}
    config = VLLMConfig(memory="64MiB", max_model_len=256)
    settings = shares(config, models)
    weights = sum(2 * file.stat().st_size for file in Path(storybook).glob("*.safetensors"))  # kept in half of float32
    weights += sum(
        file.stat().st_size
        for folder in (language_model, tmp_path / "a")
        for file in Path(folder).glob("*.safetensors")
    )
    room = [settings[model].kv_cache_memory_bytes for model in models]
    assert (64 << 20) - 10_000 < weights + sum(room) <= 64 << 20
    engines = [start(settings[model], model, pictures, 1) for model in models]
    tokens = [engine.facts.kv_tokens or 0 for engine in engines]
    assert tokens[0] == pytest.approx(tokens[1], abs=32)  # vLLM's unit is a block of 32
    for engine in engines:
        engine.close()


@pytest.mark.vllm
def test_models_that_the_memory_cannot_hold_are_refused_before_any_is_started(
    storybook: str, language_model: str
) -> None:
    with pytest.raises(InputRefused, match=r"do not fit into 16MiB together: .*; give \d+.*MiB or more"):
        shares(VLLMConfig(memory="16MiB"), {storybook: {}, language_model: {}})
    with pytest.raises(InputRefused, match=r"what nobody/knows needs of memory cannot be told.*kv_cache_memory_bytes"):
        shares(VLLMConfig(memory="16MiB"), {"nobody/knows": {}})


@pytest.mark.vllm
def test_without_a_stated_memory_and_for_other_engines_settings_stay_as_they_are(storybook: str) -> None:
    for config in (VLLMConfig(), VLLMConfig(memory="1MiB", kv_cache_memory_bytes=5 << 20), TransformersConfig()):
        assert shares(config, {storybook: {}, "http://localhost:8000/v1#judge": {}}) == {
            storybook: config,
            "http://localhost:8000/v1#judge": config,
        }


@pytest.mark.vllm
def test_on_a_gpu_its_share_is_divided_by_weights_and_states(
    storybook: str, language_model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sandbox.engines.vllm_library import current_platform

    monkeypatch.setattr(type(current_platform), "is_cpu", lambda _: False)
    monkeypatch.setattr(type(current_platform), "get_device_total_memory", lambda *_: 1 << 30)
    config = VLLMConfig(gpu_memory_utilization=0.5, max_model_len=256)
    settings = shares(config, {storybook: {}, language_model: {}})
    assert sum(one.gpu_memory_utilization for one in settings.values()) == pytest.approx(0.5, abs=1e-4)
    assert shares(config, {storybook: {}})[storybook] == config
    with pytest.raises(InputRefused, match="memory is of a CPU"):
        shares(VLLMConfig(memory="1GiB"), {storybook: {}})
