"""Which weights an adapter (LoRA, Hu et al. 2022) changes: the linear layers of the language model.

The eye is left as it is, since vLLM leaves out what an adapter adds to it; so is the head, which in small models is the
embeddings too.
"""

import re
from typing import Any


def lora(model: Any, rank: int) -> Any:
    """Return the settings of an adapter of `rank` for `model`, as PEFT takes them; alpha is twice the rank."""
    from peft import LoraConfig

    return LoraConfig(r=rank, lora_alpha=2 * rank, lora_dropout=0.0, bias="none", target_modules=_layers(model))


def _layers(model: Any) -> str:
    """Return a pattern of the names of the layers."""
    from torch import nn

    decoder = model.get_decoder()
    where = next(name for name, module in model.named_modules() if module is decoder)
    linear = [name for name, module in decoder.named_modules() if isinstance(module, nn.Linear)]
    last = sorted({re.escape(name.rpartition(".")[2]) for name in linear})
    return rf"{re.escape(where)}\..*\.({'|'.join(last)})"
