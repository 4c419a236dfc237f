"""To whom an action whispers, read by rule from its words.

What is whispered to a name that nobody bears must not be said aloud instead: only who speaks such words perceives them.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

from scenes.names import addressed, folded, name_words, names_in, names_of
from scenes.profile import CharacterProfile
from scenes.scene import Scene

_WHISPER = re.compile(
    r"\bwhisper|\bunder (?:his|her|their|its|my) breath\b|耳语|低声|悄声|小声|附耳"
    r"|悄悄地?(?=[对跟]|告诉|提醒|说|问|道)",  # otherwise it is stealth, not a whisper
    re.IGNORECASE,
)
_NEXT_DEED = re.compile(
    r"(?:,|\b(?:and|then|while|as)\b)(?=(?:\s\w+ly)?\s(?:he\s|she\s|they\s)?\w+(?:s|ing)\b)", re.IGNORECASE
)
"""Where an action goes on with another deed: `and goes to the window`, `, leaning close`."""
_EAR = r"(?<![\w'’])(?:(?:his|her|their|your)\s)?[\w'’]+\sears?\b(?!\sof\b)|[^\s，。；]{1,12}?的?耳[边旁畔朵]"
_OF = r"\bears?\sof\s(?P<of>[^,;.:]+)"
_FACING = r"(?:[对向跟朝]着?(?![前后左右上下外里内着了上随])|告诉|提醒)"
_AFTER = re.compile(
    rf"(?<!next\s)(?<!close\s)\b(?:to|towards?)\s(?P<to>[^,;.:]+)|{_FACING}(?P<told>[^\s，。；]+)"
    rf"|(?P<ear>{_EAR})|{_OF}",
    re.IGNORECASE,
)
"""An address of anybody at all, after the word that tells of the whisper."""
_BEFORE = re.compile(
    rf"\b(?:to|towards?)\s(?P<to>(?:the\s)?(?-i:[A-Z])(?:(?!\sand\b)[^,;.:])*)|{_FACING}(?P<told>[^\s，。；]+)\Z"
    rf"|(?P<ear>{_EAR})|{_OF}",
    re.IGNORECASE,
)
"""The same before that word, where somebody may as well have gone to the window: here it must look like a name."""
_ALL = re.compile(
    r"(?:all|everyone|everybody|the (?:others|rest|group|room|crowd|company))\b(?!.*\b(?:but|except|save)\b)"
    r"|大家|众人|所有人|各位|其他人",
    re.IGNORECASE,
)
_THE_OTHER = re.compile(
    r"(?:him|them|you)\b|her(?:\s\w+ly)?\s*\Z|(?:his|her|their|your)\s(?:\w+\s)?ears?\b"
    r"|[他她它你您]们?(?:[说道讲]|\Z)|\S*[他她它你您]的?耳",
    re.IGNORECASE,
)
"""One who is not named, but is known where nobody else is there."""
_NOBODY = re.compile(r"(?:him|her|my|it|your|them)sel(?:f|ves)\b|no ?(?:one|body)\b|自己|自言", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Whisper:
    """To whom words are whispered."""

    to: tuple[str, ...]
    """Empty where it is for all; the speaker alone where nobody else can be meant."""
    stranger: str | None = None
    """What somebody is called whom nobody of the scene is."""


def whisper_of(scene: Scene, action: str, actor: str) -> Whisper | None:
    """Return to whom `action` whispers; None if it does not, or says of nobody that it is for them."""
    whisper = _WHISPER.search(action)
    if whisper is None:
        return None
    profiles = [*scene.setting.profiles, *(CharacterProfile(name=name) for name in scene.outside)]
    known = tuple(dict.fromkeys([*names_of(profiles), *(word for profile in profiles for word in name_words(profile))]))
    after, before = action[whisper.start() :], action[: whisper.start()]
    found = _first(after, known) or _last(before, known)
    if isinstance(found, str):
        return _to_unnamed(scene, found, actor)
    return _to_named(names_in(found[0], known), profiles, actor) if found else None


def _first(words: str, known: tuple[str, ...]) -> re.Match[str] | str | None:
    """Return whom `words` turn to first: `to Pip and Moss`, or in words that hold no name known here."""
    named = _address(known).search(words)
    anybody = _AFTER.search(_NEXT_DEED.split(words)[0]) or _BEFORE.search(words)
    if anybody is None or (named and named.start() <= anybody.start()):
        return named
    return _whom(anybody)


def _last(words: str, known: tuple[str, ...]) -> re.Match[str] | str | None:
    """Return whom `words` turn to last."""
    named = list(_address(known).finditer(words))[-1:]
    anybody = list(_BEFORE.finditer(words, named[0].end() if named else 0))[-1:]
    return _whom(anybody[0]) if anybody else next(iter(named), None)


def _whom(found: re.Match[str]) -> str:
    return found[found.lastgroup or 0].strip()


@lru_cache(maxsize=1_000)
def _address(known: tuple[str, ...]) -> re.Pattern[str]:
    """Return what finds an address of one or several of `known`: `in Pip's ear`, `对八戒`, `八戒耳边`."""
    name = rf"(?:the\s)?(?:{'|'.join(map(re.escape, sorted(known, key=len, reverse=True)))})(?![a-z])"
    names = rf"{name}(?:\s*(?:,\s*and\b|,|&|\band\b|、|和|与)\s*{name})*"
    to = r"to|into|in|at|towards?|only|for|with|ears? of|whisper(?:s|ing)?"
    return re.compile(rf"(?:\b(?:{to})\s|[对向跟朝]|告诉|提醒)\s*{names}|{name}的?耳", re.IGNORECASE)


def _to_named(words: list[str], profiles: list[CharacterProfile], actor: str) -> Whisper:
    """Return the whisper to those whom `words` name; a word that is part of several names names nobody."""
    found = (addressed(word, profiles) for word in words)
    names = dict.fromkeys(profiles[index].name for index in found if index is not None)
    return Whisper(tuple(name for name in names if name != actor) or (actor,), None if names else words[0])


def _to_unnamed(scene: Scene, words: str, actor: str) -> Whisper | None:
    """Return the whisper to all, to the only other one there, or to nobody; None if `words` tell of a place."""
    places = [re.sub("[_-]", " ", folded(place)) for place in scene.setting.scenario.places]
    if folded(words).removeprefix("the ") in places:
        return None
    if _ALL.match(words):
        return Whisper(())
    others = [name for name in (*scene.together_with(actor), *scene.outside) if name != actor]
    if _THE_OTHER.match(words) and len(others) == 1:
        return Whisper((others[0],))
    return Whisper((actor,), None if _NOBODY.match(words) else words)
