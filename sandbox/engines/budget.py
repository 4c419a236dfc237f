"""How the memory of a run is divided among the models that it asks: characters, narrator, judges.

A model needs room for its weights, and for the attention states of as many tokens as all others have room for: every
dialogue asks them in turn, so that one with less would be what the others wait for. Only arithmetic; all in bytes.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from scenes.clean import one_line
from scenes.problem import refuse

GIB = 1 << 30


@dataclass(frozen=True)
class Needs:
    """What a model needs of memory."""

    weights: int
    """Adapters among them."""
    per_token: int
    """The attention states of one token: 2 x layers x heads of keys x their size x bytes of a number."""
    context: int
    """Most tokens of a prompt with its reply, which vLLM wants to have room for."""


def divided(memory: int, needs: Mapping[str, Needs]) -> dict[str, int]:
    """Return the room for attention states of each model, so that all fit into `memory` with their weights.

    Raises `InputRefused` if they cannot.
    """
    weights, per_token = (sum(one.weights for one in needs.values()), sum(one.per_token for one in needs.values()))
    context = max(one.context for one in needs.values())
    least = weights + context * per_token
    if memory < least:
        raise refuse(
            f"{_named(needs)} do not fit into {_gib(memory)} together: weights take {_gib(weights)}, attention states "
            f"of a prompt of {context:,} tokens each {_gib(least - weights)}; give {_gib(least)} or more, lower "
            "max_model_len, or take smaller models."
        )
    tokens = (memory - weights) // per_token
    return {name: tokens * one.per_token for name, one in needs.items()}


def fractions(fraction: float, total: int, needs: Mapping[str, Needs]) -> dict[str, float]:
    """Return the share of a GPU of `total` bytes for each model, together `fraction`. Raises `InputRefused`.

    What a model computes with beside its weights comes out of its room for attention states.
    """
    states = divided(int(fraction * total), needs)
    return {name: (one.weights + states[name]) / total for name, one in needs.items()}


def _named(needs: Mapping[str, Needs]) -> str:
    return one_line(", ".join(needs), 400)


def _gib(size: int) -> str:
    """Return a size as an option takes it, rounded up."""
    unit, name = (GIB, "GiB") if size >= GIB else (1 << 20, "MiB")
    return f"{-(-size * 10 // unit) / 10:g}{name}"
