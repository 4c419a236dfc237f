"""Options by vLLM's own names: what may be given, and what is refused, with the reason and without loading vLLM."""

import subprocess
import sys
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from sandbox.engines import vllm_options
from sandbox.engines.config import EngineConfig, VLLMConfig

CONFIGS: TypeAdapter[Any] = TypeAdapter(EngineConfig)


@pytest.mark.vllm
def test_the_names_are_those_of_vllms_own_class() -> None:
    import dataclasses

    from vllm import EngineArgs

    assert vllm_options.fields() == {field.name for field in dataclasses.fields(EngineArgs) if field.name[0] != "_"}


@pytest.mark.vllm
def test_a_reason_is_given_for_options_that_vllm_has() -> None:
    assert set(vllm_options._OURS) | vllm_options.WORDS <= vllm_options.fields()


@pytest.mark.parametrize(
    "option",
    [{"max_num_batched_tokens": 4096}, {"kv_cache_dtype": "fp8"}, {"swa_bounded_replay": True}, {"watermark": 0.1}],
)
def test_an_option_of_vllm_is_kept_and_comes_back(option: dict[str, Any]) -> None:
    config = CONFIGS.validate_python({"kind": "vllm", **option})
    assert config.further == option
    assert CONFIGS.validate_python(config.model_dump(mode="json", exclude_defaults=True) | {"kind": "vllm"}) == config


@pytest.mark.vllm
def test_an_unknown_option_is_refused_with_those_that_are_alike() -> None:
    with pytest.raises(
        ValidationError, match=r'no option "max_num_seq"; did you mean max_num_seqs, max_num_active_seqs'
    ):
        VLLMConfig(max_num_seq=3)
    with pytest.raises(ValidationError, match='no option "max_batched_tokens"; did you mean max_num_batched_tokens'):
        VLLMConfig(max_batched_tokens=3)


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ({"trust_remote_code": True}, "own code is never run"),
        ({"enable_prefix_caching": False}, "computed over and over"),
        ({"max_loras": 1}, "adapters"),
        ({"data_parallel_size": 2}, "several machines"),
        ({"hf_token": True}, "environment"),
        ({"revision": "main"}, "tokenizer"),
        ({"worker_cls": "evil"}, "only a number"),
        ({"scheduler_cls": "os.system"}, "only a number"),
        ({"logits_processors": ["os:system"]}, "only a number"),
        ({"hf_overrides": {"auto_map": {}}}, "only a number"),
        ({"load_format": "pt"}, "only a number"),
        ({"download_dir": "/etc"}, "only a number"),
        ({"kv_transfer_config": {"kv_connector_module_path": "evil"}}, "only a number"),
        ({"otlp_traces_endpoint": "http://example.org"}, "several machines|only a number"),
        ({"kv_cache_dtype": "../../secret"}, "one word"),
        ({"quantization": "my.module"}, "one word"),
        ({"quantization": ["fp8"]}, "one word"),
        ({"watermark": float("nan")}, "finite"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_what_a_file_could_do_harm_with_or_is_ours_is_refused(option: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        CONFIGS.validate_python({"kind": "vllm", **option})


def test_without_vllm_no_name_is_unknown_and_harm_is_refused_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    vllm_options.fields.cache_clear()
    monkeypatch.setattr(vllm_options, "find_spec", lambda _: None)
    assert VLLMConfig(max_num_batched_tokens=1).further
    with pytest.raises(ValidationError, match="only a number"):
        VLLMConfig(worker_cls="evil")
    vllm_options.fields.cache_clear()


def test_checking_options_loads_no_library() -> None:
    code = "import sys; from sandbox.engines.config import VLLMConfig; VLLMConfig(watermark=0.1); "
    code += "sys.exit(bool({'vllm', 'torch', 'transformers'} & set(sys.modules)))"
    subprocess.run([sys.executable, "-c", code], check=True)
