"""Who could know something, since when and how: read from what everybody perceived and was told at the start."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from sandbox.episode import variant_of
from scenes.event import Event
from scenes.loading import Source
from scenes.names import folded
from scenes.profile import CharacterProfile
from scenes.scene import Scene, View


@dataclass(frozen=True)
class Knowledge:
    """How one character could first have learned something; None everywhere if it could not."""

    name: str
    how: str | None = None
    """`from the start`, or the way in which the event reached it."""
    turn: int | None = None
    actor: str | None = None
    """Whose words or deed it was."""
    text: str | None = None


def who_knows(text: str, source: Source, episode: int, events: Sequence[Event]) -> list[Knowledge]:
    """Return how each of an episode could have learned `text`: letters count, their case does not."""
    variant, seed = variant_of(source, episode)
    scene = Scene(source.setting(variant, lambda picture, facts: None), seed)
    outside = [variant.scenario.player.name] if variant.scenario.player else []
    return [_knowledge(folded(text), scene.view(name), events) for name in (*scene.names, *outside)]


def _knowledge(wanted: str, view: View, events: Sequence[Event]) -> Knowledge:
    name = view.me.name
    if any(wanted in folded(told) for told in _told_at_first(view)):
        return Knowledge(name, "from the start", 0)
    for event in events:
        if name in event.visible_to and wanted in folded(event.text):
            return Knowledge(name, event.visible_to[name], event.turn, event.actor, event.text)
    return Knowledge(name)


def _told_at_first(view: View) -> Iterator[str]:
    """Yield all words that a view holds before anything has happened."""
    for profile in (view.me, *view.others):
        yield from _words(profile)
    for shown in view.pictures:
        yield from _words_of(shown.notes.model_dump().values() if shown.notes else ())
    yield from _words_of((view.premise, view.time, view.now.place, view.now.position, view.now.state, view.secret))


def _words(profile: CharacterProfile) -> Iterator[str]:
    for value in profile.model_dump().values():
        yield from _words_of(value if isinstance(value, tuple) else (value,))


def _words_of(values: Iterable[object]) -> Iterator[str]:
    yield from (value for value in values if isinstance(value, str))
