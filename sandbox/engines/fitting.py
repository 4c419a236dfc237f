"""Whether adapters fit a model, told from their files and the model's skeleton before any weights are loaded.

Engines differ in what they do with one that does not: vLLM plays on, as if there were none, or babbles. The skeleton is
what transformers would load, without numbers. Headers of the checkpoint would not do: models rename what they load, and
a quantised weight is saved in another shape than that of what it stands for.
"""

import warnings
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from sandbox.engines.adapter import PREFIX, Adapter, pairs, read_adapter
from scenes.clean import one_line
from scenes.problem import refuse

if TYPE_CHECKING:
    from torch import nn

_MEND = "take an adapter of this model."


def check_fit(model: str, takes_pictures: bool, folders: Iterable[str], language_only: bool = False) -> None:
    """Check the adapters in `folders` against `model`, a folder or an id of the Hub. Raises `InputRefused`.

    `language_only` is of an engine that leaves out what an adapter adds to any other part.
    """
    adapters = [read_adapter(folder) for folder in sorted(set(folders))]
    if not adapters:
        return
    bones = skeleton(model, takes_pictures)
    for adapter in adapters:
        fitted(adapter, bones, language_only)


def skeleton(model: str, takes_pictures: bool) -> Any:
    """Return the model with shapes for weights, made of its config alone, so that one of the Hub is not fetched for it.

    Raises `InputRefused` if transformers knows no such model.
    """
    with warnings.catch_warnings(action="ignore"):
        import torch
        from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForImageTextToText
    kind = AutoModelForImageTextToText if takes_pictures else AutoModelForCausalLM
    try:
        config = AutoConfig.from_pretrained(model, trust_remote_code=False)
        with torch.device("meta"):
            return kind.from_config(config, trust_remote_code=False)
    except (OSError, ValueError, RuntimeError, ImportError, KeyError, AttributeError, TypeError) as error:
        words = f"whether an adapter fits cannot be told ({one_line(str(error), 300)}); play it without one."
        raise refuse(words, model) from error


def fitted(adapter: Adapter, model: Any, language_only: bool = False) -> dict[str, str]:
    """Return the module of `model`, loaded or a skeleton, that each module named in `adapter` is.

    Raises `InputRefused` at the first that is none, or of another shape, or outside the language model where that
    alone may be.
    """
    from transformers.conversion_mapping import get_model_conversion_mapping

    renamings = get_model_conversion_mapping(model)
    linear, language = _linear(model), _language(model) if language_only else None
    found: dict[str, str] = {}
    for name, (a, b) in pairs(adapter).items():
        module = _renamed(name.removeprefix(PREFIX), renamings)
        wrong = _wrong(linear.get(module), (len(b), a.shape[1]), language)
        if module in found.values():
            wrong = "another name in the file is of the same layer; save the adapter again."
        if wrong:
            raise refuse(f"{one_line(name, 200)}: {wrong}", adapter.file)
        found[name] = module
    return found


def _wrong(layer: "nn.Linear | None", shape: tuple[int, int], language: "set[nn.Module] | None") -> str | None:
    """Return why what is added to the weights of `layer`, of `shape`, cannot be played; None if it can."""
    if layer is None:
        return f"the model has no linear layer of that name with weights of its own; {_MEND}"
    has = tuple(layer.weight.shape)
    if has != shape:
        return f"it is for weights of shape {shape}, and the model's have {has}; {_MEND}"
    if language is not None and layer not in language:
        return (
            "vLLM leaves out what is added outside the language model; use --engine transformers, or an adapter of "
            "the language model alone."
        )
    return None


def _linear(model: Any) -> "dict[str, nn.Linear]":
    """Return the layers that an adapter may change by name: a head that is the embeddings too would change those."""
    from torch import nn

    shared = model.get_input_embeddings().weight
    modules = ((name, module) for name, module in model.named_modules() if isinstance(module, nn.Linear))
    return {name: module for name, module in modules if module.weight is not shared}


def _language(model: Any) -> "set[nn.Module]":
    return {*model.get_decoder().modules(), model.get_output_embeddings()}


def _renamed(name: str, renamings: Iterable[Any]) -> str:
    """Return what a module is called now; adapters saved by older versions call some as the checkpoints still do."""
    weight = f"{name}.weight"
    for renaming in renamings:
        weight = renaming.rename_source_key(weight)[0]
    return weight.removesuffix(".weight")
