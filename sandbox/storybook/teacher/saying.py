"""From what is to be said to words: a frame of the speaker's voice that it has not used yet, filled from the truth."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from random import Random
from string import Formatter
from zlib import crc32

from sandbox.storybook.teacher.sight import Sight
from sandbox.storybook.voices.bank import NARRATOR as NARRATING
from sandbox.storybook.voices.bank import Frame, frames
from sandbox.storybook.voices.made_up import CAST, MANNERS, voice_of
from sandbox.storybook.voices.words import of_absent, of_group
from scenes.event import NARRATOR
from scenes.profile import CharacterProfile
from scenes.storybook.drawing import Group, Kind

_TELLING = 8
"""Letters of a frame's longest fixed part from which on that part tells that the frame was used."""
NAMELESS = ("Human", "human")
"""What a person is called who gave no name; nobody says that."""

_TITLES = ("Captain", "Doctor", "Inspector", "Mister", "Miss", "Mrs", "Mr", "Lady", "Lord", "Sir", "Professor", "The")


@dataclass(frozen=True, slots=True)
class Move:
    """Something to say: what for, and about what."""

    intent: str
    group: Group | None = None
    absent: Kind | None = None
    sight: Sight | None = None
    """The picture that the group is in, or that is spoken of as a whole."""


def voice_for(profile: CharacterProfile) -> str:
    """Return the voice that somebody speaks with; by its name where it tells no manner."""
    if profile.name == NARRATOR:
        return NARRATING
    try:
        return voice_of(profile)
    except ValueError:
        return sorted(MANNERS)[crc32(profile.name.encode()) % len(MANNERS)]


class Saying:
    """Words for the moves of one speaker, to one other."""

    def __init__(self, me: CharacterProfile, other: str | None, said: Iterable[str], rng: Random) -> None:
        """`said` are the speaker's lines so far, none of whose frames is used again while there are others."""
        self._voice, self._rng = voice_for(me), rng
        self._used = " ".join(said)
        self._about = dict(_of_speaker(me))
        if other and other not in NAMELESS:
            self._about["other"] = _called(other, rng)
        self._to = _voice_named(other or "")
        self._has_named = False

    def words(self, *moves: Move, **slots: str) -> str:
        """Return the first of `moves` for which there are words; nothing if there are none for any.

        Nobody is called by name twice in a line, if it can be said without.
        """
        return self._words(moves, slots) or self._words(moves, slots, again=True)

    def _words(self, moves: Iterable[Move], slots: dict[str, str], again: bool = False) -> str:
        for move in moves:
            filled = _slots(move) | self._about | slots
            fitting = [frame for frame in frames(self._voice, move.intent) if self._fits(frame, filled, again)]
            if fitting:
                chosen = self._chosen(fitting)
                self._has_named = self._has_named or "other" in chosen.slots
                return chosen.filled(**filled)
        return ""

    def _fits(self, frame: Frame, slots: Mapping[str, str], again: bool) -> bool:
        names_again = "other" in frame.slots and self._has_named and not again
        return frame.slots <= slots.keys() and frame.to in (None, self._to) and not names_again

    def _chosen(self, fitting: list[Frame]) -> Frame:
        fresh = [frame for frame in fitting if not self._is_used(frame)]
        return self._rng.choice(fresh or fitting)

    def _is_used(self, frame: Frame) -> bool:
        fixed = max((text for text, *_ in Formatter().parse(frame.text)), key=len).strip()
        return len(fixed) >= _TELLING and fixed[1:] in self._used


def _called(name: str, rng: Random) -> str:
    """Return what somebody is called to the face: mostly by the first name, or by title and name."""
    first, *rest = name.split()
    return name if not rest or first in _TITLES or rng.random() < 0.2 else first


def _of_speaker(me: CharacterProfile) -> Iterator[tuple[str, str]]:
    told = {
        "me": me.name,
        "role": me.role,
        "address": me.address,
        "catchphrase": next(iter(me.catchphrases), None),
        "liked": next(iter(me.likes), None),
        "hated": next(iter(me.hates), None),
    }
    yield from ((slot, words) for slot, words in told.items() if words)


def _slots(move: Move) -> dict[str, str]:
    of_picture = move.sight.slots() if move.sight else {}
    of_thing = of_group(move.group) if move.group else {}
    return of_picture | of_thing | (of_absent(move.absent) if move.absent else {})


def _voice_named(name: str) -> str:
    words = {word.casefold() for word in name.split()}
    return next((voice for voice in CAST if voice in words), "")
