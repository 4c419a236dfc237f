"""One thing that happened: what, by whom, and who perceived it."""

from typing import Literal

from pydantic import BaseModel, ConfigDict

EventKind = Literal["speech", "action", "thought", "narration", "image", "state", "system"]
How = Literal["did", "saw", "heard", "was told", "thought"]
"""How an event reached somebody: by doing it, by sight, by ear, from the narrator, or in the head alone."""

NARRATOR = "Narrator"


class Flags(BaseModel):
    """What was odd about the reply that an event came from; absent where nothing was."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    spoke_for: str | None = None
    """The other speaker whose line the model began to write; the reply was cut there."""
    truncated: bool = False
    """The reply ran into its token limit."""
    empty: bool = False
    """The model said nothing."""
    dropped: int = 0
    """Oldest lines of history that did not fit the model and were left out of the prompt."""


class Event(BaseModel):
    """A fact of an episode. `index` counts all events from 0, `turn` replies from 1 (0 is before the first)."""

    model_config = ConfigDict(frozen=True)

    index: int
    turn: int
    kind: EventKind
    actor: str
    text: str = ""
    image: str | None = None
    """The id of the picture that came into sight."""
    visible_to: dict[str, How]
    flags: Flags | None = None
    call: str | None = None
    """The key of the model call behind it."""


class Draft(BaseModel):
    """What an agent did, before the scene says who perceived it."""

    model_config = ConfigDict(frozen=True)

    kind: EventKind
    text: str = ""
    flags: Flags | None = None
    call: str | None = None
