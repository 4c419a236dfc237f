"""Attention of a text to what was before, as a CPU takes it back fastest in bfloat16.

torch's own is made for long sequences: it keeps no matrix of weights, and works it out a second time on the way back.
Ours are a few hundred tokens long; there that takes up to twice as long as keeping it.
"""

from typing import Any

import torch
from torch import Tensor
from transformers import AttentionInterface

NAME = "storybook"


class _Attention(torch.autograd.Function):  # type: ignore[misc]  # torch comes without types here
    """Takes queries, keys and values, each of shape (sequences × heads, tokens, width), and a scale."""

    @staticmethod
    def forward(context: Any, queries: Tensor, keys: Tensor, values: Tensor, scale: float) -> Tensor:
        tokens = queries.shape[1]
        hidden = torch.full((tokens, tokens), float("-inf"), dtype=queries.dtype, device=queries.device).triu(1)
        weights = torch.baddbmm(hidden, queries, keys.mT, alpha=scale).softmax(-1)
        context.save_for_backward(queries, keys, values, weights)
        context.scale = scale
        return weights @ values

    @staticmethod
    def backward(context: Any, back: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        queries, keys, values, weights = context.saved_tensors
        scores = torch._softmax_backward_data(back @ values.mT, weights, -1, weights.dtype)
        scores *= context.scale
        return scores @ keys, scores.mT @ queries, weights.mT @ back, None


def attended(queries: Tensor, keys: Tensor, values: Tensor, scale: float) -> Tensor:
    """Return what each token sees of those up to it, shape (sequences, tokens, heads, width).

    What is given has the shape (sequences, heads, tokens, width).
    """
    seen: Tensor = _Attention.apply(*(part.flatten(0, 1) for part in (queries, keys, values)), scale)
    return seen.view(queries.shape).transpose(1, 2).contiguous()


def _attend(
    module: Any, queries: Tensor, keys: Tensor, values: Tensor, mask: None, scaling: float, **_: Any
) -> tuple[Tensor, None]:
    return attended(queries, keys, values, scaling), None


AttentionInterface.register(NAME, _attend)
