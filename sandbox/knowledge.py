"""Who could know something, since when and how: read from what everybody perceived and was told at the start."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import inf

from sandbox.episode import Leg, staged
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


@dataclass(frozen=True)
class _Era:
    """The turns of one leg of an episode, and who had which part then."""

    after: int
    until: float
    views: list[View]
    """What everybody was told as it began, in the order of the parts, whoever asks from outside last."""


def who_knows(text: str, source: Source, legs: Sequence[Leg], events: Sequence[Event]) -> list[Knowledge]:
    """Return how each of an episode could have learned `text`: letters count, their case does not.

    Whoever took over a part where a branch began knows what was known in that part, and is named as at the end.
    """
    eras = _eras(source, legs)
    return [_knowledge(folded(text), part, eras, events) for part in range(len(eras[-1].views))]


def _eras(source: Source, legs: Sequence[Leg]) -> list[_Era]:
    scene, _, forks = staged(source, legs, lambda picture, facts: None)
    ends = [*(float(fork.after) for fork in forks), inf]
    eras = [_Era(0, ends[0], _views(scene))]
    for fork, until in zip(forks, ends[1:], strict=True):
        scene.recast(fork.setting, fork.seed)
        eras.append(_Era(fork.after, until, _views(scene)))
    return eras


def _views(scene: Scene) -> list[View]:
    player = scene.setting.scenario.player
    outside = [player.name] if player and player.plays is None else []
    return [scene.view(name) for name in (*scene.names, *outside)]


def _knowledge(wanted: str, part: int, eras: Sequence[_Era], events: Sequence[Event]) -> Knowledge:
    known_as = eras[-1].views[part].me.name
    for era in eras:
        view = era.views[part]
        came_in = era.after or _came_in(view, events)
        if came_in is not None and any(wanted in folded(told) for told in _told_at_first(view)):
            return Knowledge(known_as, "from the start", came_in)
        for event in events:
            if _is_in(event, era) and view.me.name in event.visible_to and wanted in folded(event.text):
                return Knowledge(known_as, event.visible_to[view.me.name], event.turn, event.actor, event.text)
    return Knowledge(known_as)


def _is_in(event: Event, era: _Era) -> bool:
    return (era.after < event.turn or not era.after) and event.turn <= era.until


def _came_in(view: View, events: Sequence[Event]) -> int | None:
    """Return the turn in which one who was not there at first came in; 0 for one who was, None if it never came."""
    if view.now.present:
        return 0
    entrances = (event.turn for event in events if event.change and event.change.who == view.me.name)
    return next(entrances, None)


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
