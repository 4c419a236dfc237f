"""Who is meant by a name: when two are the same, and which names a text holds."""

import re
import unicodedata
from collections.abc import Iterable, Sequence

from scenes.profile import CharacterProfile

_LETTER = r"[^\W\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff]"
"""A letter of a script that parts words by spaces or marks, as Chinese, Japanese and Korean names are not."""


def folded(name: str) -> str:
    """Return the form under which two names count as the same."""
    return unicodedata.normalize("NFKC", name).casefold()


def named(name: str, profiles: Sequence[CharacterProfile]) -> int | None:
    """Return the place in the cast of the character that goes by `name`, by its name first and then by an alias."""
    wanted = folded(name)
    for index, profile in enumerate(profiles):
        if folded(profile.name) == wanted:
            return index
    owners = [index for index, profile in enumerate(profiles) if wanted in map(folded, profile.aliases)]
    return owners[0] if len(owners) == 1 else None


def names_in(words: str, names: Iterable[str]) -> list[str]:
    """Return those of `names` that `words` hold, in the order of the words; of two that overlap the longer one."""
    choices = "|".join(map(re.escape, sorted(names, key=len, reverse=True)))
    return re.findall(rf"(?<!{_LETTER})(?:{choices})(?!{_LETTER})", words, re.IGNORECASE) if choices else []


def addressed(name: str, profiles: Sequence[CharacterProfile]) -> int | None:
    """Return the place in the cast of whom `name` addresses: as `named` does, else by a word of one name only."""
    index = named(name, profiles)
    owners = [at for at, profile in enumerate(profiles) if folded(name) in map(folded, name_words(profile))]
    return owners[0] if index is None and len(owners) == 1 else index


def name_words(profile: CharacterProfile) -> list[str]:
    """Return the words of a name by which somebody may be called, such as `Frodo` for `Frodo Baggins`."""
    return [word for word in profile.name.split() if len(word) > 2 and word[0].isupper() and word != "The"]


def names_of(profiles: Iterable[CharacterProfile]) -> list[str]:
    """Return every name and alias of `profiles`."""
    return [name for profile in profiles for name in (profile.name, *profile.aliases)]
