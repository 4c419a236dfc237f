"""What is told of a change, by rule and not by a model, in the language of the scene."""

from agents.prompts.blocks import met, unended
from agents.stage_directions import spoken
from scenes.event import Change
from scenes.profile import CharacterProfile

_WORDS = {
    "en": {
        "now": "{who} is now {how}.",
        "at": "at the place called {place}",
        "comes": "{who} comes in.",
        "reached": "What {actors} did reaches {who}.",
        "time": "It is now: {time}.",
        "join": ", ",
    },
    "zh": {
        "now": "{who}现在{how}。",
        "at": "在{place}",
        "comes": "{who}来了。",
        "reached": "{actors}所做的事触及了{who}。",
        "time": "现在是{time}。",
        "join": "，",
    },
}


def _words(language: str) -> dict[str, str]:
    return _WORDS.get(language.split("-")[0], _WORDS["en"])


def change_told(change: Change, language: str) -> str:
    """Return the sentence that tells where and how somebody now is."""
    words = _words(language)
    at = words["at"].format(place=spoken(change.place)) if change.place else None
    how = words["join"].join(unended(text) for text in (at, change.position, change.state) if text)
    return words["now"].format(who=change.who, how=how)


def entrance_told(profile: CharacterProfile, language: str) -> str:
    """Return the sentence that tells who comes in."""
    return _words(language)["comes"].format(who=met(profile.public(), language))


def touch_told(actors: str, who: str, language: str) -> str:
    """Return the sentence that tells whom a deed reaches, where the narrator did not say how."""
    return _words(language)["reached"].format(actors=actors, who=who)


def time_told(time: str, language: str) -> str:
    """Return the sentence that tells when it now is."""
    return _words(language)["time"].format(time=unended(time))
