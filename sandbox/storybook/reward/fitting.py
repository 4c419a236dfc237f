"""Fitting the networks of the reward model to answers whose scores are known."""

from copy import deepcopy
from typing import Any

import numpy as np
import torch
from torch import nn

from sandbox.storybook.reward.features import Floats
from sandbox.storybook.reward.network import MOST_OFF, Network
from scorers.mmrole.metrics import METRICS
from scorers.mmrole.reading import LEAST, MOST

_NETWORKS, _HIDDEN = 4, 64
_EPOCHS, _PATIENCE, _BATCH = 400, 15, 128
_RATE, _DECAY, _DROPPED = 4e-3, 0.03, 0.25
_NEAR = 0.25
"""Of the whole scale: what is off by less counts as its square, what is off by more only as much as it is off."""


def fit(inputs: Floats, scores: Floats, held: "np.ndarray[Any, np.dtype[np.bool_]]", seed: int) -> Network:
    """Return the network that tells scores, shape (n, 8), from what `sandbox.storybook.reward.network.inputs` gives.

    The rows that are `held` are not learned from: they say when to stop. The same arguments give the same network.
    """
    mean, scale = inputs[~held].mean(0), inputs[~held].std(0) + 1e-3
    standard = torch.tensor((inputs - mean) / scale, dtype=torch.float32).clamp(-MOST_OFF, MOST_OFF)
    wanted = torch.tensor((scores - LEAST) / (MOST - LEAST), dtype=torch.float32)
    learned = [_fitted(standard, wanted, torch.tensor(held), seed * _NETWORKS + at) for at in range(_NETWORKS)]
    stacked = {name: np.stack([one[name] for one in learned]) for name in learned[0]}
    return Network({"mean": mean, "scale": scale, **stacked})


def _fitted(inputs: torch.Tensor, wanted: torch.Tensor, held: torch.Tensor, seed: int) -> dict[str, Floats]:
    """Return the arrays of one network."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        layers = _layers(inputs.shape[1])
        _learn(layers, inputs, wanted, held)
    linear = [layer for layer in layers if isinstance(layer, nn.Linear)]
    arrays: dict[str, Floats] = {}
    for name, layer in zip(("first", "second", "last"), linear, strict=True):
        arrays |= {name: _array(layer.weight).T, f"{name}_bias": _array(layer.bias)[None]}
    return arrays


def _layers(inputs: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(inputs, _HIDDEN), nn.ReLU(), nn.Dropout(_DROPPED),
        nn.Linear(_HIDDEN, _HIDDEN), nn.ReLU(), nn.Dropout(_DROPPED),
        nn.Linear(_HIDDEN, len(METRICS)), nn.Sigmoid(),
    )  # fmt: skip


def _learn(layers: nn.Sequential, inputs: torch.Tensor, wanted: torch.Tensor, held: torch.Tensor) -> None:
    """Learn until what is held gets no better, and go back to the best."""
    loss = nn.SmoothL1Loss(beta=_NEAR)
    optimiser = torch.optim.AdamW(layers.parameters(), _RATE, weight_decay=_DECAY)
    best, least, waited = deepcopy(layers.state_dict()), float("inf"), 0
    for _ in range(_EPOCHS):
        _pass(layers, optimiser, loss, inputs[~held], wanted[~held])
        now = _off(layers, inputs[held], wanted[held])
        best, waited = (deepcopy(layers.state_dict()), 0) if now < least else (best, waited + 1)
        least = min(now, least)
        if waited >= _PATIENCE:
            break
    layers.load_state_dict(best)


def _pass(
    layers: nn.Sequential,
    optimiser: torch.optim.Optimizer,
    loss: nn.SmoothL1Loss,
    inputs: torch.Tensor,
    wanted: torch.Tensor,
) -> None:
    layers.train()
    for batch in torch.randperm(len(inputs)).split(_BATCH):
        optimiser.zero_grad()
        loss(layers(inputs[batch]), wanted[batch]).backward()
        optimiser.step()


def _off(layers: nn.Sequential, inputs: torch.Tensor, wanted: torch.Tensor) -> float:
    layers.eval()
    with torch.inference_mode():
        return float((layers(inputs) - wanted).abs().mean())


def _array(of: torch.Tensor) -> Floats:
    array: Floats = of.detach().numpy().astype(np.float64)
    return array
