"""The characters that come with Rolestage, as profile files that also work out of a wheel."""

from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable

import yaml

from scenes.clean import one_line
from scenes.problem import refuse
from scenes.profile import CharacterProfile


def shipped_characters() -> dict[str, Traversable]:
    """Return the profile file of each shipped character by name, in the order of the names."""
    profiles = [file for file in (files("scenes.storybook") / "cast").iterdir() if file.name.endswith(".yaml")]
    return {file.name.removesuffix(".yaml"): file for file in sorted(profiles, key=lambda file: file.name)}


def read_shipped(name: str) -> str:
    """Return the text of a shipped profile. Raises `InputRefused` for a name that nobody of the cast has."""
    cast = shipped_characters()
    if name not in cast:
        raise refuse(f'no character "{one_line(name)}" comes with Rolestage; choose among {", ".join(cast)}')
    return cast[name].read_text(encoding="utf-8")


@cache
def shipped_profiles() -> tuple[CharacterProfile, ...]:
    """Return the shipped characters, in the order of their files' names."""
    return tuple(CharacterProfile.model_validate(yaml.safe_load(read_shipped(name))) for name in shipped_characters())
