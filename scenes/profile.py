"""Who a character is: MMRole's five sections, a one-line sheet for small models, and what is nobody else's business."""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")


def _fit_for_a_label(name: str) -> str:
    if name != name.strip() or _UNPRINTABLE.search(name):
        raise ValueError("a name is one line without control characters or spaces at its ends; shorten it to that")
    return name


Name = Annotated[str, Field(min_length=1, max_length=80), AfterValidator(_fit_for_a_label)]
"""A speaker's label. It is never used as a file name."""
Line = Annotated[str, Field(min_length=1, max_length=400)]
Text = Annotated[str, Field(min_length=1, max_length=20_000)]


class CharacterProfile(BaseModel):
    """A character's description. Everything but `private` may be told to the other characters."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, use_attribute_docstrings=True)

    name: Name
    """The name others use, also as the speaker's label in prompts."""
    aliases: tuple[Name, ...] = Field(default=(), max_length=16, strict=False)
    """Other names that count as a mention, such as `Brack` for `Captain Brack`."""
    world: Line | None = None
    """The work or period the character comes from (MMRole's `script`)."""
    role: Line | None = None
    """Who this is in a few words: `a gruff sea captain`."""
    likes: tuple[Line, ...] = Field(default=(), max_length=32, strict=False)
    """Things, in a word or two each."""
    hates: tuple[Line, ...] = Field(default=(), max_length=32, strict=False)
    """Things, in a word or two each."""
    address: Line | None = None
    """What the character calls people: `lad`."""
    catchphrases: tuple[Line, ...] = Field(default=(), max_length=32, strict=False)
    """What the character is known for saying."""
    introduction: Text | None = None
    """Who this is, for somebody who has never heard of it."""
    personality: Text | None = None
    """How it is and behaves."""
    life_story: Text | None = None
    """What it has lived through."""
    relationships: Text | None = None
    """Its ties to others."""
    private: Text | None = None
    """Known to the character alone, in every scenario; a scenario adds its own `secret`."""

    def public(self) -> "CharacterProfile":
        """Return the profile as the others may know it."""
        return self if self.private is None else self.model_copy(update={"private": None})


Section = Literal["introduction", "personality", "life_story", "relationships", "catchphrases"]
SECTION_TITLES: dict[Section, str] = {
    "introduction": "Introduction",
    "personality": "Personality",
    "life_story": "Life Story",
    "relationships": "Main Interpersonal Relationships",
    "catchphrases": "Catchphrases",
}
"""MMRole's five sections of a profile, in its order (MMRole-Data, figure 1; the headings its prompts show)."""
