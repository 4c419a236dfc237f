"""Starting engines: by kind, loading only what is needed, and saying what is missing."""

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from PIL import Image
from pydantic import TypeAdapter, ValidationError

from sandbox.engines.config import EngineConfig, ScriptedConfig, TransformersConfig, VLLMConfig
from sandbox.engines.start import start
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
