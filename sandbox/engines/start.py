"""Starting the engine that a config asks for; each library is imported only when its engine is."""

from collections.abc import Mapping
from importlib.util import find_spec

from sandbox.engines.config import (
    EngineConfig,
    OpenAIConfig,
    ScriptedConfig,
    SimulatedConfig,
    TransformersConfig,
    VLLMConfig,
)
from sandbox.engines.engine import Engine, Pictures
from sandbox.engines.openai_address import is_address
from sandbox.engines.scripted import Scripted, dry_answer
from scenes.clean import one_line
from scenes.problem import refuse

VLLM_MISSING = 'install "rolestage[cpu]" or "rolestage[gpu]", or use --engine transformers'


def start(
    config: EngineConfig,
    model: str,
    pictures: Pictures,
    images_per_request: int,
    adapters: Mapping[str, str] | None = None,
) -> Engine:
    """Return an engine for `model`: a folder, an id of the Hugging Face Hub, or a name on servers.

    It answers those who ask for `model` with one of `adapters` as well, folders by the names that requests ask for.

    A model on servers is asked there whatever kind the others are of, so that one run may have both.

    `images_per_request` is the most pictures that one request will have. Raises `InputRefused` if the engine is not
    installed or the model cannot be used.
    """
    if is_address(model) and isinstance(config, VLLMConfig | TransformersConfig):
        config = OpenAIConfig()
    match config:
        case OpenAIConfig():
            return _openai(config, model, pictures)
        case VLLMConfig():
            return _vllm(config, model, pictures, images_per_request, adapters)
        case TransformersConfig():
            return _transformers(config, model, pictures, adapters)
        case ScriptedConfig():
            return Scripted(dry_answer, config.context_length, config.delay_s, logprobs=None)
        case SimulatedConfig():
            from sandbox.engines.simulated import Simulated

            return Simulated(config, model)


def shares(config: EngineConfig, models: Mapping[str, Mapping[str, str | None]]) -> dict[str, EngineConfig]:
    """Return the settings of each of the models that a run asks together, given as `sandbox.models.by_base` does.

    Raises `InputRefused` if they do not fit into the memory of the run.
    """
    each: dict[str, EngineConfig] = dict.fromkeys(models, config)
    here = {base: [at for at in names.values() if at] for base, names in models.items() if not is_address(base)}
    if isinstance(config, VLLMConfig) and here:
        _need("vllm", VLLM_MISSING)
        from sandbox.engines.needs import apportioned

        each.update(apportioned(config, here))
    return each


def _openai(config: OpenAIConfig, model: str, pictures: Pictures) -> Engine:
    if not is_address(model):
        raise refuse(f"{one_line(model)} is on no server; name it as http://host:8000/v1#name, or take another engine.")
    from sandbox.engines.openai import OpenAIEngine

    return OpenAIEngine(config, model, pictures)


def _vllm(
    config: VLLMConfig, model: str, pictures: Pictures, images_per_request: int, adapters: Mapping[str, str] | None
) -> Engine:
    _need("vllm", VLLM_MISSING)
    from sandbox.engines.vllm import VLLMEngine

    return VLLMEngine(config, model, pictures, images_per_request, adapters)


def _transformers(
    config: TransformersConfig, model: str, pictures: Pictures, adapters: Mapping[str, str] | None
) -> Engine:
    for library in ("torch", "transformers"):
        _need(library, 'install "rolestage[cpu]", or use --dry-run to play without a model')
    from sandbox.engines.hugging_face import TransformersEngine

    return TransformersEngine(config, model, pictures, adapters)


def _need(library: str, mend: str) -> None:
    if find_spec(library) is None:
        raise refuse(f"{library} is not installed; {mend}")
