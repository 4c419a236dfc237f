"""One thing that happened: what, by whom, who perceived it, and what it changed."""

from typing import Literal

from pydantic import BaseModel, ConfigDict

EventKind = Literal["speech", "action", "thought", "narration", "image", "state", "system"]
How = Literal["did", "saw", "heard", "was told", "thought"]
"""How an event reached somebody: by doing it, by sight, by ear, by being told in narration or alone, in the head."""

NARRATOR = "Narrator"
INTERVIEWER = "Interviewer"


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
    joined: int = 0
    """Last parts of a reply that had too many, kept as one."""
    repaired: int = 0
    """How often a decision was asked again, in other words, because it could not be read."""
    defaulted: bool = False
    """No answer could be read, and what the rule says for that case was done instead."""


class Change(BaseModel):
    """What an event changed in the world; None leaves a thing as it was."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    who: str | None = None
    """Whom it concerns; nobody where it is the scene itself."""
    present: bool | None = None
    """Came onto the stage, or left it."""
    place: str | None = None
    position: str | None = None
    state: str | None = None
    belief: str | None = None
    """What the character now thinks of itself: belief, desire, intention."""
    surroundings: str | None = None
    """What the character now thinks of the others and of where it is."""
    time: str | None = None
    """When it now is in the scene."""

    def is_private(self) -> bool:
        """Return whether it happened in a head alone."""
        return self.belief is not None or self.surroundings is not None


class Event(BaseModel):
    """A fact of an episode. `index` counts all events from 0, `turn` turns from 1 (0 is before the first)."""

    model_config = ConfigDict(frozen=True)

    index: int
    turn: int
    kind: EventKind
    actor: str
    text: str = ""
    to: tuple[str, ...] = ()
    """Whom it is for: those to whom it is whispered, or whom the deed that is told of touches."""
    image: str | None = None
    """The id of the picture that came into sight."""
    change: Change | None = None
    score: float | None = None
    """Of an answer to a question that has a right one: 1 if it was given, else 0; None if no answer could be read."""
    visible_to: dict[str, How]
    flags: Flags | None = None
    call: str | None = None
    """The key of the model call behind it."""


class Draft(BaseModel):
    """What an agent did, before the scene says who perceived it."""

    model_config = ConfigDict(frozen=True)

    kind: EventKind
    text: str = ""
    to: tuple[str, ...] = ()
    change: Change | None = None
    score: float | None = None
    audience: tuple[str, ...] | None = None
    """Who perceives it where that is not a matter of places; None leaves it to them."""
    flags: Flags | None = None
    call: str | None = None
