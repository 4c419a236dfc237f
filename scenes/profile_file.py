"""Profiles by name: shipped ones, and files beside a scenario."""

from pathlib import Path

from scenes.checked import validated
from scenes.document import Document, parse_document, read_document
from scenes.inside import Outside, inside
from scenes.problem import refuse
from scenes.profile import CharacterProfile
from scenes.references import unknown
from scenes.storybook.cast import read_shipped, shipped_characters

SHIPPED = "storybook/"


def read_profile(name: str, folder: Path, root: Path) -> CharacterProfile:
    """Return the profile that `name` stands for in a scenario in `folder`. Raises `InputRefused`."""
    return validated(CharacterProfile, _document(name, folder, root))


def _document(name: str, folder: Path, root: Path) -> Document:
    if name.startswith(SHIPPED):
        known = [SHIPPED + shipped for shipped in shipped_characters()]
        if name not in known:
            raise refuse(unknown("shipped character", name, known))
        return parse_document(read_shipped(name.removeprefix(SHIPPED)), name)
    try:
        return read_document(inside(name, folder, root), name)
    except Outside as error:
        raise refuse(str(error)) from None
