"""The scenario file: every field a writer may use, with its range. What refers to what is checked in `references`."""

import re
from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from scenes.chat import Sampling
from scenes.names import folded
from scenes.profile import CharacterProfile, Line, Name, Text
from scenes.storybook.drawing import Drawing


def _fit_for_a_path(key: str) -> str:
    if re.search(r"[.\s/\\]", key):
        raise ValueError("a name that `vary` can point at has no dots, spaces or slashes; write this one without")
    return key


Key = Annotated[str, Field(min_length=1, max_length=80), AfterValidator(_fit_for_a_path)]
"""The name of an image or a place inside the file."""
ModelName = Annotated[str, Field(min_length=1, max_length=400)]
Names = Annotated[tuple[Name, ...], Field(strict=False, max_length=1_000)]
Kind = Literal["comment", "human-role", "inter-role", "story"]
LayoutName = Literal["mmrole", "images-first", "cast-first", "script", "compact"]
PolicyName = Literal["round_robin", "random", "mention", "narrator", "simultaneous"]


class _Part(BaseModel):
    """A part of a scenario: strict types, no unknown keys, immutable."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, allow_inf_nan=False, use_attribute_docstrings=True
    )


class Lots(_Part):
    """A storybook picture drawn by lot: the same seed always gives the same picture."""

    seed: int = Field(ge=0, lt=2**31)
    """Which picture."""
    held_out: bool = False
    """Draw one with a combination of object and colour, or of object and place, that the storybook model never saw."""


class Notes(_Part):
    """What is known of a picture without looking, as MMRole annotates it."""

    characters: Text | None = None
    """Who or what is in it."""
    place: Text | None = None
    """Where it is."""
    scene: Text | None = None
    """What is going on."""

    def told(self) -> str:
        """Return the notes that there are, one line each (MMRole, prompt format: auxiliary information)."""
        kinds = {"Characters": self.characters, "Place": self.place, "Scene": self.scene}
        return "\n".join(f"- {kind}: {text}" for kind, text in kinds.items() if text)


class ImageSpec(_Part):
    """A shared picture: a drawing of the storybook world, by lot or exactly, or a file beside the scenario."""

    storybook: Lots | Drawing | None = None
    """A drawing, by lot (`seed`, `held_out`) or exactly (`place`, `weather`, `time`, `groups`, `seed`)."""
    file: Annotated[str, Field(min_length=1, max_length=400)] | None = None
    """A PNG, JPEG or WebP file, its path from the scenario's folder."""
    size: Literal[128, 256, 512] = 128
    """Side of a storybook picture, pixels."""
    notes: Notes | None = None
    """Told with the picture to whoever sees the whole of it."""
    reserve: bool = False
    """Kept back until the narrator shows it."""

    @model_validator(mode="after")
    def _has_one_source(self) -> "ImageSpec":
        if (self.storybook is None) == (self.file is None):
            raise ValueError('an image needs either "storybook" or "file"; give one of them')
        return self


class PlaceSpec(_Part):
    """A place: the pictures seen there, and the places from which what is said here can be heard."""

    shows: tuple[Key, ...] = Field(default=(), strict=False, max_length=8)
    """Names of the images that are seen there."""
    beside: tuple[Key, ...] = Field(default=(), strict=False, max_length=32)
    """Names of the places to and from which speech carries; sight does not."""


class Sight(_Part):
    """One picture as one character sees it."""

    image: Key
    """Its name under `images`."""
    crop: tuple[int, int, int, int] | None = Field(default=None, strict=False)
    """x, y, width, height in pixels of the picture."""
    blur: float = Field(default=0, ge=0, le=100, strict=False)
    """Radius of a Gaussian blur, pixels."""
    from_turn: int = Field(default=1, ge=1, le=10_000)
    """The turn before which the picture comes into sight."""


class CastMember(_Part):
    """A character in this scenario, and what it has here that its profile does not say."""

    character: Annotated[str, Field(min_length=1, max_length=400)] | CharacterProfile
    """`storybook/NAME` for a shipped character, the path of a profile, or the profile itself."""
    place: Key | None = None
    """Where the character is; needed if the scenario has places."""
    position: Line | None = None
    """How or where it stands there: `on the bollard`."""
    state: Line | None = None
    """How it is: `tired`."""
    secret: Text | None = None
    """What it alone knows in this scenario."""
    sees: tuple[Sight, ...] | None = Field(default=None, strict=False, max_length=8)
    """The pictures this character sees; without it, those its place shows, or all where there are no places."""
    reserve: bool = False
    """Not on the stage until the narrator brings it in."""


class PlayerSpec(_Part):
    """Who plays from outside: asks in `comment` and `human-role`, or holds a part of the cast in any kind."""

    name: Name = "Human"
    """How the player is called in the conversation; who holds a part bears the name of that."""
    plays: Name | None = None
    """The part that the player holds: one of the cast, or `Narrator`. Without it, the player asks."""
    questions: tuple[Text, ...] | None = Field(default=None, strict=False, min_length=1, max_length=1_000)
    """Asked one a turn; the episode ends when they are used up."""
    model: ModelName | None = None
    """A model plays, from what the player perceives."""
    person: bool = False
    """Whoever sits at the terminal plays."""
    about: Text | None = None
    """What a model is told about the person it plays."""

    @model_validator(mode="after")
    def _plays_in_one_way(self) -> "PlayerSpec":
        if (self.questions is not None) + (self.model is not None) + self.person != 1:
            raise ValueError('a player needs one of "questions", "model" or "person: true"; give exactly one')
        if self.plays and self.questions is not None:
            raise ValueError('who holds a part is a "model" or a "person", and no list of questions')
        return self


class NarratorSpec(_Part):
    """Who opens the scene; in a story also judges deeds and tells of them; under the policy `narrator` leads."""

    model: ModelName | None = None
    """The scenario's own model where none is named."""
    knows_secrets: bool = False
    """Is told the secrets and private lines of the cast, to lead with; what it tells the cast is made without them."""


class MemorySpec(_Part):
    """How much of its past a prompt tells; everything that was perceived is kept, and what matters is retrieved."""

    words: int | None = Field(default=None, ge=20, le=1_000_000)
    """Most words of the past told in full; without it, what suits the layout: 150 in `compact`, 3,000 in the others."""
    recalled: int | None = Field(default=None, ge=0, le=50)
    """Forgotten turns told again because they matter now; without it, 4, and none in `compact`."""


def _with_words(question: str) -> str:
    if not question.strip():
        raise ValueError("a question needs words; write what is asked")
    return question


def _that_differ(choices: tuple[str, ...]) -> tuple[str, ...]:
    if not can_be_told_apart(choices):
        raise ValueError(
            "the choices must differ by more than capitals and spaces, and none may be blank; change one of them"
        )
    return choices


def can_be_told_apart(choices: Sequence[str]) -> bool:
    """Return whether an answer is one of `choices` and no other, and none of them is blank."""
    bare = {folded(" ".join(choice.split())) for choice in choices}
    return len(bare) == len(choices) and "" not in bare


Choices = Annotated[tuple[Line, ...], Field(strict=False, min_length=2, max_length=64), AfterValidator(_that_differ)]


class InterviewQuestion(_Part):
    """Something asked of characters in private after the last turn."""

    to: Name | Names = "all"
    """Whom: a name, several, or `all`."""
    ask: Annotated[Text, AfterValidator(_with_words)]
    """The question."""
    choices: Literal["cast"] | Choices | None = None
    """The answers to choose from; `cast` for the names of the cast."""
    truth: Line | None = None
    """The right one among the choices."""


class Range(_Part):
    """Whole numbers from the first up to but not including the second."""

    range: tuple[int, int] = Field(strict=False)
    """From, and up to but not including."""

    @model_validator(mode="after")
    def _is_not_empty(self) -> "Range":
        if self.range[0] >= self.range[1]:
            raise ValueError("a range needs a first number smaller than its second, such as [0, 64]")
        return self


VariedPath = Annotated[str, Field(min_length=1, max_length=400)]
Axis = Range | Annotated[tuple[Any, ...], Field(strict=False, min_length=1, max_length=1_000)]


class Scenario(_Part):
    """A validated scenario file."""

    schema_version: Literal[1]
    """The version of this format."""
    title: Line
    """What the scenario is called."""
    kind: Kind
    """MMRole's three kinds of dialogue, or a `story` with a narrator."""
    language: Annotated[str, Field(min_length=2, max_length=35)] = "en"
    """The language to speak, as a language tag: `en`, `zh`."""
    premise: Text | None = None
    """What is going on, told to everybody (CharacterBox's `event`)."""
    time: Line | None = None
    """When it plays, told to everybody."""
    images: dict[Key, ImageSpec] = Field(default={}, max_length=64)
    """The shared pictures by name."""
    places: dict[Key, PlaceSpec] = Field(default={}, max_length=256)
    """Where things happen; without any, all are in one place."""
    cast: tuple[CastMember, ...] = Field(strict=False, min_length=1, max_length=32)
    """The characters, in the order of `round_robin`."""
    player: PlayerSpec | None = None
    """Who asks from outside the cast, in `comment` and `human-role`."""
    opening: tuple[dict[Name, Text], ...] = Field(default=(), strict=False, max_length=64)
    """First lines, in order: `- {Brack: "Evening."}`. `Narrator` may open as well."""
    interview: tuple[InterviewQuestion, ...] = Field(default=(), strict=False, max_length=64)
    """Questions put to the cast in private after the last turn."""
    narrator: NarratorSpec | None = None
    """Opens the scene, and in a story tells what comes of deeds; `{}` with the scenario's own model."""
    memory: MemorySpec = MemorySpec()
    """What of a long past is told."""
    mind: Literal["none", "bdi"] = "none"
    """`bdi`: everybody keeps, in private, what it believes, desires and intends, and what it thinks of the others."""
    turns: int = Field(default=10, ge=1, le=10_000)
    """Turns of one episode: a reply each, and one of everybody with `simultaneous`. Questions, or the narrator, end it
    earlier."""
    turn_policy: PolicyName | Names = "round_robin"
    """Who speaks next: a rule, or the names in the order in which they speak, again and again."""
    sampling: Sampling = Sampling()
    """How the models draw their replies."""
    vary: dict[VariedPath, Axis] = Field(default={}, max_length=16)
    """A matrix: dotted paths into this file, each with its values; every combination is a variant."""
    episodes: int = Field(default=1, ge=1, le=1_000_000)
    """Episodes of each variant."""
    seed: int = Field(default=0, ge=0, lt=2**31)
    """Of all chance in the episodes."""
    model: ModelName = "storybook"
    """`storybook`, a folder with a checkpoint, an id of the Hugging Face Hub, or a name on a server,
    `http://host:8000/v1#name`."""
    engine: dict[Name, bool | int | float | str | None] = Field(default={}, max_length=64)
    """How the models are computed: `{kind: vllm, max_num_seqs: 64}`, with vLLM's own names; without a kind, vLLM if it
    is installed. Only for that kind: `--engine` with another leaves it out."""
    layout: LayoutName | Literal["auto"] = "auto"
    """The order of the prompt's segments; `auto` takes the cheapest that suits the model and gives nothing away."""
    scorers: tuple[Name | dict[str, Any], ...] = Field(default=(), strict=False, max_length=32)
    """Who judges every episode when it is over: `leakage`, or with options `{scorer: leakage, threshold: 0.6}`."""
