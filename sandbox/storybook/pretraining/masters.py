"""What is stepped: float32 copies of weights that compute in bfloat16.

A processor multiplies matrices of bfloat16 several times as fast, but small steps are lost in it; so each step is taken
on the copies, and the weights are what they round to. The matrices between the layers are stepped by Muon, and all else
by AdamW; Muon's rate is scaled so that one rate suits both.
"""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import nn

from sandbox.storybook.pretraining.muon import Muon

_CLIP = 1.0
_BETAS = (0.9, 0.98)
_DECAY = 0.01


class Masters:
    """The float32 copies of the parameters of `parts`, and their optimisers."""

    def __init__(self, parts: Mapping[str, nn.Module], is_matrix: Callable[[str], bool]) -> None:
        self._weights: dict[str, torch.Tensor] = {}
        self._part: dict[str, str] = {}
        for part, module in parts.items():
            for name, weight in module.named_parameters(prefix=part):
                self._weights[name], self._part[name] = weight, part
        self._copies = {name: weight.detach().clone().float() for name, weight in self._weights.items()}
        matrices = {name for name, copy in self._copies.items() if copy.ndim == 2 and is_matrix(name)}
        self._optimisers: list[torch.optim.Optimizer] = [
            Muon(self._groups(matrices), _DECAY),
            torch.optim.AdamW(
                self._groups(self._copies.keys() - matrices), betas=_BETAS, weight_decay=_DECAY, fused=True
            ),
        ]

    def step(self, rates: Mapping[str, float]) -> float:
        """Step every weight that has a gradient, at the rate of its part; return how long the gradient was."""
        for name, weight in self._weights.items():
            self._copies[name].grad = None if weight.grad is None else weight.grad.float()
            weight.grad = None
        norm = nn.utils.clip_grad_norm_([copy for copy in self._copies.values() if copy.grad is not None], _CLIP)
        for optimiser in self._optimisers:
            for group in optimiser.param_groups:
                group["lr"] = rates[group["part"]]
            optimiser.step()
        self._round()
        return float(norm)

    def state(self) -> dict[str, Any]:
        """Return all that `restore` needs."""
        return {"copies": self._copies, "optimisers": [optimiser.state_dict() for optimiser in self._optimisers]}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Be as when `state` was told."""
        for name, copy in self._copies.items():
            copy.detach().copy_(state["copies"][name])
        for optimiser, told in zip(self._optimisers, state["optimisers"], strict=True):
            optimiser.load_state_dict(told)
        self._round()

    def _round(self) -> None:
        with torch.no_grad():
            torch._foreach_copy_(list(self._weights.values()), list(self._copies.values()))

    def _groups(self, names: Any) -> list[dict[str, Any]]:
        """Return a group of parameters for each part, in the order of the parameters."""
        parts = dict.fromkeys(part for name, part in self._part.items() if name in names)
        chosen = [name for name in self._copies if name in names]
        return [
            {"part": part, "params": [self._copies[name] for name in chosen if self._part[name] == part]}
            for part in parts
        ]
