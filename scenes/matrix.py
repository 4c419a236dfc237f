"""The `vary` matrix: every combination of its axes is a variant, made only when it is asked for."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from itertools import starmap
from math import prod
from typing import Any

from scenes.scenario import Axis, Range


@dataclass(frozen=True)
class Matrix:
    """The axes in the order of the file; the last one turns fastest."""

    axes: tuple[tuple[str, Sequence[Any]], ...]

    def __len__(self) -> int:
        return prod(len(values) for _, values in self.axes)

    def values(self, index: int) -> dict[str, Any]:
        """Return the value of every path in variant `index`, counted from 0."""
        chosen = {}
        for path, values in reversed(self.axes):
            index, at = divmod(index, len(values))
            chosen[path] = values[at]
        return dict(reversed(chosen.items()))


def matrix_of(vary: Mapping[str, Axis]) -> Matrix:
    """Return the matrix that `vary` describes; a range is never written out."""
    return Matrix(tuple(starmap(_axis, vary.items())))


def _axis(path: str, axis: Axis) -> tuple[str, Sequence[Any]]:
    return path, range(*axis.range) if isinstance(axis, Range) else axis


def variant_id(values: Mapping[str, Any]) -> str:
    """Return hexadecimal digits that name a variant by its values, whatever its place in the matrix.

    Sixteen of them: with eight, a million variants would hold a hundred pairs that share a name, and so their seeds.
    """
    if not values:
        return "base"
    return blake2b(json.dumps(values, sort_keys=True).encode(), digest_size=8).hexdigest()


def with_values(data: Any, values: Mapping[str, Any]) -> Any:
    """Return `data` with each path set to its value, sharing what is not changed. Raises `LookupError`.

    A section of the file that is not written there, such as `sampling`, is begun by the path that leads into it.
    """
    for path, value in values.items():
        section, *rest = path.split(".")
        data = _with({section: {}, **data} if rest else data, [section, *rest], value)
    return data


def _with(data: Any, steps: list[str], value: Any) -> Any:
    """Set what `steps` lead to: keys of mappings, which may be new if last, and places in lists, which may not."""
    if not steps:
        return value
    step, rest = steps[0], steps[1:]
    if isinstance(data, dict) and (step in data or not rest):
        return {**data, step: _with(data.get(step), rest, value)}
    if isinstance(data, list) and step.isdecimal() and int(step) < len(data):
        at = int(step)
        return [*data[:at], _with(data[at], rest, value), *data[at + 1 :]]
    raise LookupError(step)
