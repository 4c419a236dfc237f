"""Muon, which steps a matrix by the nearest orthogonal one to its momentum; all matrices of one shape at a time.

torch has it too and takes them one by one, which on two cores is a fifth of all the training's time with matrices as
small as ours. That is the only reason for this one; a test holds the two equal.
"""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

_MOMENTUM = 0.95
_COEFFICIENTS = (3.4445, -4.7750, 2.0315)
_ROUNDS = 5
_LIKE_ADAM = 0.2
"""How large a step of Adam is, as a root of mean squares: by it one rate suits both."""


class Muon(Optimizer):  # type: ignore[misc]  # torch comes without types here
    """Steps matrices; those of a group that have a gradient.

    Source: K. Jordan et al., Muon: an optimizer for hidden layers in neural networks (2024); the size of a step as in
    J. Liu et al., Muon is scalable for LLM training (2025), section 2.2.
    """

    def __init__(self, groups: Any, decay: float) -> None:
        super().__init__(groups, {"lr": 0.0, "weight_decay": decay})

    def step(self) -> None:
        """Step every matrix that has a gradient."""
        for group in self.param_groups:
            for matrices in _alike(group["params"]):
                with torch.no_grad():
                    self._step(matrices, group["lr"], group["weight_decay"])

    def _step(self, matrices: list[Tensor], rate: float, decay: float) -> None:
        gradients = [matrix.grad for matrix in matrices]
        momenta = [self._momentum(matrix) for matrix in matrices]
        torch._foreach_lerp_(momenta, gradients, 1 - _MOMENTUM)
        ahead = torch._foreach_lerp(gradients, momenta, _MOMENTUM)
        steps = orthogonal(torch.stack(list(ahead)))
        size = _LIKE_ADAM * max(matrices[0].shape) ** 0.5
        torch._foreach_mul_(matrices, 1 - rate * decay)
        torch._foreach_add_(matrices, list(steps.to(matrices[0].dtype)), alpha=-rate * size)

    def _momentum(self, matrix: Tensor) -> Tensor:
        state = self.state[matrix]
        if "momentum" not in state:
            state["momentum"] = torch.zeros_like(matrix)
        momentum: Tensor = state["momentum"]
        return momentum


def _alike(matrices: Iterable[Tensor]) -> Iterable[list[Tensor]]:
    """Return those that have a gradient, together with all of their shape."""
    alike = defaultdict[torch.Size, list[Tensor]](list)
    for matrix in matrices:
        if matrix.grad is not None:
            alike[matrix.shape].append(matrix)
    return alike.values()


def orthogonal(matrices: Tensor) -> Tensor:
    """Return roughly the nearest orthogonal matrix to each of `matrices`, shape (number, rows, columns), in bfloat16.

    By five rounds of Newton and Schulz, after which singular values lie between about 0.7 and 1.2.
    """
    if matrices.shape[-2] > matrices.shape[-1]:
        return orthogonal(matrices.mT).mT
    first, third, fifth = _COEFFICIENTS
    near = matrices.to(torch.bfloat16)
    near = near / near.norm(dim=(-2, -1), keepdim=True).clamp(min=1e-7)
    for _ in range(_ROUNDS):
        square = near @ near.mT
        powers = torch.baddbmm(square, square, square, beta=third, alpha=fifth)
        near = torch.baddbmm(near, powers, near, beta=first)
    return near
