"""What an engine says of its own work while it works, by the counts of its library or of servers."""

from collections.abc import Mapping
from typing import Protocol, runtime_checkable

from pydantic import BaseModel, ConfigDict


class EngineCounters(BaseModel):
    """Counts since the engine was started, and how full it was in its last step.

    Every picture is read, preprocessed and encoded once while vLLM's caches hold it, so `preprocessed` and `encoded`
    are then both `pictures`; whatever they are more was computed twice.
    """

    model_config = ConfigDict(frozen=True)

    running: int = 0
    """Requests in the batch."""
    waiting: int = 0
    """Requests for which it had no room."""
    kv_used: float = 0
    """Share of the room for attention states that requests in the batch hold, from 0 to 1."""
    steps: int = 0
    prefix_queries: int = 0
    """Prompt tokens that were looked up in the prefix cache."""
    prefix_hits: int = 0
    """Those of them that it held."""
    computed: int = 0
    """Prompt tokens that were computed."""
    preempted: int = 0
    """Requests that were put back for want of room, and taken in again."""
    pictures: int = 0
    """Distinct pictures that prompts held."""
    opened: int = 0
    """How often a picture was asked for, to be handed over or to learn its size."""
    sizes: int = 0
    """Blank pictures preprocessed to learn how many tokens one of their size has; one of each size."""
    preprocessed: int = 0
    """Pictures preprocessed to be encoded."""
    encoded: int = 0
    """Runs of the picture encoder, each of one picture."""
    encoder_tokens: int | None = None
    """For how many tokens of encoded pictures there is room; None if not known."""

    throttled: int = 0
    """Tries that a server sent away because it had too much to do."""
    unmetered: int = 0
    """Answers of which a server did not say how many tokens they cost; counted as none."""
    price: float | None = None
    """What servers ask for all of it; None if no prices are set."""

    @property
    def hit_share(self) -> float:
        """Share of the prompt tokens that were looked up which the prefix cache held."""
        return self.prefix_hits / self.prefix_queries if self.prefix_queries else 0.0


@runtime_checkable
class Counted(Protocol):
    """An engine that counts."""

    def counters(self) -> EngineCounters: ...


def counters_of(engines: Mapping[str, object]) -> dict[str, EngineCounters]:
    """Return what those of `engines` say that count, by name; one that goes by several names is told once."""
    counting = {id(engine): (name, engine) for name, engine in reversed([*engines.items()])}
    return {name: engine.counters() for name, engine in counting.values() if isinstance(engine, Counted)}
