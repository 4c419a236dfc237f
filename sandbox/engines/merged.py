"""The weights of a model in transformers, with one of several adapters added to them at a time."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sandbox.engines.adapter import Adapter, additions
from sandbox.engines.fitting import fitted

if TYPE_CHECKING:
    from torch import Tensor


class Weights:
    """The weights that adapters change; all else of a model is shared. Raises `InputRefused` if one does not fit it."""

    def __init__(self, model: Any, adapters: Mapping[str, Adapter]) -> None:
        self._model = model
        self._added = {name: self._checked(adapter) for name, adapter in adapters.items()}
        changed = {module for added in self._added.values() for module in added}
        self._own = {module: self._weight(module).data for module in changed}
        self._taken: str | None = None

    def take(self, name: str) -> None:
        """Compute with the adapter of the model called `name` from now on, or with none."""
        if name == self._taken:
            return
        added = self._added.get(name, {})
        for module, own in self._own.items():
            self._weight(module).data = own + added[module].to(own) if module in added else own
        self._taken = name

    def _checked(self, adapter: Adapter) -> "dict[str, Tensor]":
        modules = fitted(adapter, self._model)
        return {modules[name]: added for name, added in additions(adapter).items()}

    def _weight(self, module: str) -> Any:
        return self._model.get_submodule(module).weight
