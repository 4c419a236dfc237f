"""The contract of an engine: requests in, completions out. Apart from the adapters, so that naming it loads nothing."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import isfinite
from typing import TYPE_CHECKING, Protocol, TypeAlias

from pydantic import BaseModel, ConfigDict

from scenes.chat import CallFailed, Completion, Request

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
    slots: int | None = None
    """How many requests it computes together; None if that makes no difference."""
    kv_tokens: int | None = None
    """For how many tokens of prompts and replies it keeps attention states; None if it keeps none, or is not known."""
    device: str | None = None
    dtype: str | None = None
    versions: dict[str, str] = {}
    """Of the libraries that compute, by name."""


@dataclass(frozen=True, slots=True)
class Urgency:
    """Whose a request is, and how soon it should be answered where an engine cannot take all at once.

    The episode with most turns left is the one that keeps a run from ending (Hu's rule: longest chain first), so it
    goes first; scoring, for which nobody waits, goes below all play.
    """

    episode: int = -1
    """-1 for what belongs to none."""
    turns_left: int = 0
    scoring: bool = False

    @property
    def priority(self) -> int:
        """A number as engines take it: the smaller, the sooner."""
        return (BELOW if self.scoring else 0) - min(self.turns_left, BELOW - 1)


BELOW = 1 << 20
"""How far scoring stands below play; more turns than that are as urgent as that many."""
AT_LEISURE = Urgency()


class EngineDied(Exception):
    """The engine is gone, and every request to it with it; a run ends here and can be resumed."""


class Engine(Protocol):
    """Anything that answers requests."""

    @property
    def facts(self) -> EngineFacts: ...

    async def complete(self, request: Request, urgency: Urgency = AT_LEISURE) -> Completion:
        """Answer one request, or say how likely the answer is that it gives.

        Raises `CallFailed` if this one has no answer, `EngineDied` if no other will have.
        """
        ...

    def room(self, request: Request) -> int | None:
        """Return how many tokens of history fit beside the rest of `request` and its reply; negative if not even that.

        None if the context has no limit.
        """
        ...

    def close(self) -> None:
        """Give back what the engine holds. Safe to call again."""
        ...


def with_room(request: Request, answer_tokens: int) -> Request:
    """Return `request` as it is to be cut to a context, the answer that it gives having `answer_tokens`.

    History goes as it went when a reply was asked for, so that this reply is judged after the prompt that it was
    written for. An answer that is longer than a reply may be needs room for itself and for the one token that vLLM
    writes in any case. Raises `CallFailed` if the answer holds nothing.
    """
    if request.answer is None:
        return request
    if not answer_tokens:
        raise CallFailed("an answer without words has no likelihood")
    room = max(request.sampling.max_tokens, answer_tokens + 1)
    return replace(request, sampling=request.sampling.model_copy(update={"max_tokens": room}))


def likelihood(logprobs: Sequence[float], token_ids: Sequence[int], prompt_tokens: int, dropped: int) -> Completion:
    """Return what an engine says of an answer that was given: nothing but how likely its tokens are.

    `prompt_tokens` are all that were read, the answer among them. Raises `CallFailed` if one is impossible.
    """
    if not all(map(isfinite, logprobs)):
        raise CallFailed("the model cannot say how likely the answer is: to one of its tokens it gives no probability")
    return Completion(
        text="", prompt_tokens=prompt_tokens, token_ids=tuple(token_ids), logprobs=tuple(logprobs), dropped=dropped
    )
