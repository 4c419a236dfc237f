"""Who is on the stage and where, event by event, and what narration says that is otherwise.

Read from narration are only plain statements with a character for their subject: that it is at a place of the scenario,
that it leaves or dies, or that it does something here. A name that is only mentioned says nothing.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache

from scenes.event import Event
from scenes.loading import Variant
from scenes.profile import CharacterProfile
from scorers.wording import HAN

_DOES = (
    r"(?:stands?|sits?|leans?|nods?|smiles?|walks?|enters?|steps?|looks?|watches|turns?|laughs?|says?|speaks?|raises|lifts|"
    r"waits?|points?|stood|sat|leaned|nodded|smiled|walked|entered|stepped|looked|watched|turned|laughed|said|spoke|waited|"
    r"is (?:here|standing|sitting|watching|waiting|looking))\b"
)
_LEAVES = r"(?:leaves|left|has left|is gone|has gone|exits|walks (?:off|away|out)|disappears|has disappeared)\b"
_DIES = r"(?:dies|died|has died|is dead(?!\s+(?:tired|set|right|wrong|certain|serious|calm|silent|sure|still|quiet)))\b"
_BEFORE = r"(?:\A|(?<=[.!?…;]\s)|(?<=,\s)|\b(?:and|while|as|where)\s)(?:the\s)?"
_DOES_HAN = r"(?:站在|坐在|点点头|点头|走来|笑|说道|说：|看着|转身|就在这)"
_LEAVES_HAN = r"(?:离开了|走了|不见了|离去)"
_DIES_HAN = r"(?:死了|断了气|去世)"
STANDS = r"(?:is|stands|sits|waits|lies|kneels|remains)"


class Ledger:
    """Where everybody is, as the events have it."""

    def __init__(self) -> None:
        self._place: dict[str, str | None] = {}
        self._present: dict[str, bool] = {}
        self._state: dict[str, str] = {}
        self._moved: dict[str, int] = {}
        """The last turn in which somebody went elsewhere or off the stage."""
        self._subjects: dict[str, tuple[str, ...]] = {}
        self._places: tuple[str, ...] = ()

    def begin(self, variant: Variant) -> None:
        """Take the cast as it stands at the start; in a branch, whoever has become known stays as it is."""
        self._places = tuple(variant.scenario.places)
        for member, profile in zip(variant.scenario.cast, variant.profiles, strict=True):
            self._place.setdefault(profile.name, member.place)
            self._present.setdefault(profile.name, not member.reserve)
            self._state.setdefault(profile.name, member.state or "")
            self._subjects[profile.name] = _names(profile)

    def take(self, event: Event) -> None:
        """Take what an event changes."""
        change = event.change
        if change is None or change.who is None:
            return
        if change.place or change.present is not None:
            self._moved[change.who] = event.turn
        self._place[change.who] = change.place or self._place.get(change.who)
        self._state[change.who] = change.state or self._state.get(change.who, "")
        if change.present is not None:
            self._present[change.who] = change.present

    def anybody(self) -> bool:
        """Return whether anybody is on the stage."""
        return any(self._present.values())

    def against(self, event: Event) -> str | None:
        """Return the words of a narration that are against how things stand, and how they stand; else None."""
        return next(self._all_against(event), None)

    def _all_against(self, event: Event) -> Iterator[str]:
        for name, subjects in self._subjects.items():
            if not any(subject in event.text for subject in subjects):
                continue
            says = _statements(subjects, self._places)
            if self._present[name]:
                yield from self._wrong_of_present(name, event, says)
            elif found := says["does"].search(event.text):
                yield f'"{found[0]}", but {name} is not there'

    def _wrong_of_present(self, name: str, event: Event, says: Mapping[str, re.Pattern[str]]) -> Iterator[str]:
        stays = self._moved.get(name) != event.turn
        if stays and (found := says["leaves"].search(event.text)):
            yield f'"{found[0]}", but {name} is still there'
        if "dead" not in self._state[name] and (found := says["dies"].search(event.text)):
            yield f'"{found[0]}", but {name} is alive'
        found = says["at"].search(event.text)
        if found and stays and (found["place"] or found["there"]) != self._place[name]:
            yield f'"{found[0]}", but {name} is at {self._place[name]}'


def _names(profile: CharacterProfile) -> tuple[str, ...]:
    return (profile.name, *profile.aliases)


@lru_cache(maxsize=4_096)
def _statements(subjects: tuple[str, ...], places: tuple[str, ...]) -> Mapping[str, re.Pattern[str]]:
    """Return what finds each kind of statement about one of the cast."""
    who = _choice(subjects)
    place = _choice(places)
    return {
        "does": re.compile(rf"{_BEFORE}{who} {_DOES}|{who}{_DOES_HAN}"),
        "leaves": re.compile(
            rf"{_BEFORE}{who} {_LEAVES}(?!\s+(?:the|a|an|his|her|their|it|hand)\b)|{who}{_LEAVES_HAN}"
        ),
        "dies": re.compile(rf"{_BEFORE}{who} {_DIES}|{who}{_DIES_HAN}"),
        "at": re.compile(
            rf"{_BEFORE}{who} {STANDS} (?:\w+ )?(?:in|at|on|inside) (?:the )?(?P<place>{place})(?![^\W{HAN}])"
            rf"|{who}正?[站坐等]?在(?P<there>{place})"
        ),
    }


def _choice(names: Iterable[str]) -> str:
    choices = "|".join(map(re.escape, sorted(names, key=len, reverse=True)))
    return f"(?:{choices})" if choices else "(?!)"
