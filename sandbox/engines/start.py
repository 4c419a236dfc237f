"""Starting the engine that a config asks for; each library is imported only when its engine is."""

from importlib.util import find_spec

from sandbox.engines.config import EngineConfig, ScriptedConfig, TransformersConfig, VLLMConfig
from sandbox.engines.engine import Engine, Pictures
from sandbox.engines.scripted import Scripted, dry_answer
from scenes.problem import refuse


def start(config: EngineConfig, model: str, pictures: Pictures, images_per_request: int) -> Engine:
    """Return an engine for `model`, a folder or an id of the Hugging Face Hub.

    `images_per_request` is the most pictures that one request will have. Raises `InputRefused` if the engine is not
    installed or the model cannot be used.
    """
    match config:
        case VLLMConfig():
            return _vllm(config, model, pictures, images_per_request)
        case TransformersConfig():
            return _transformers(config, model, pictures)
        case ScriptedConfig():
            return Scripted(dry_answer, config.context_length, config.delay_s)


def _vllm(config: VLLMConfig, model: str, pictures: Pictures, images_per_request: int) -> Engine:
    _need("vllm", 'install "rolestage[cpu]" or "rolestage[gpu]", or use --engine transformers')
    from sandbox.engines.vllm import VLLMEngine

    return VLLMEngine(config, model, pictures, images_per_request)


def _transformers(config: TransformersConfig, model: str, pictures: Pictures) -> Engine:
    for library in ("torch", "transformers"):
        _need(library, 'install "rolestage[cpu]", or use --dry-run to play without a model')
    from sandbox.engines.hugging_face import TransformersEngine

    return TransformersEngine(config, model, pictures)


def _need(library: str, mend: str) -> None:
    if find_spec(library) is None:
        raise refuse(f"{library} is not installed; {mend}")
