"""The contract of an engine: requests in, completions out. Apart from the adapters, so that naming it loads nothing."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol, TypeAlias

from pydantic import BaseModel, ConfigDict

from scenes.chat import Completion, Request

if TYPE_CHECKING:
    from PIL import Image

Pictures: TypeAlias = "Callable[[str], Image.Image]"
"""A picture's id to its pixels, RGB."""


class EngineFacts(BaseModel):
    """What an engine turned out to be; kept with a run, so that its numbers can be traced to what made them."""

    model_config = ConfigDict(frozen=True)

    kind: str
    model: str
    """As the user named it: a folder, an id of the Hugging Face Hub, a function."""
    revision: str | None = None
    """The commit of a model from the Hub."""
    context_length: int | None = None
    """Most tokens of a prompt with its reply; None if there is no limit."""
    device: str | None = None
    dtype: str | None = None
    versions: dict[str, str] = {}
    """Of the libraries that compute, by name."""


class EngineDied(Exception):
    """The engine is gone, and every request to it with it; a run ends here and can be resumed."""


class Engine(Protocol):
    """Anything that answers requests."""

    @property
    def facts(self) -> EngineFacts: ...

    async def complete(self, request: Request) -> Completion:
        """Answer one request. Raises `CallFailed` if this one has no answer, `EngineDied` if no other will have."""
        ...

    def room(self, request: Request) -> int | None:
        """Return how many tokens of history fit beside the rest of `request` and its reply; negative if not even that.

        None if the context has no limit.
        """
        ...

    def close(self) -> None:
        """Give back what the engine holds. Safe to call again."""
        ...
