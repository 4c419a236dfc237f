"""The live state of one played scenario, and the only door from it into a prompt: `Scene.view`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from scenes.event import Draft, Event, EventKind, How
from scenes.perception import Perception
from scenes.profile import CharacterProfile
from scenes.scenario import Kind, Notes, Scenario


@dataclass(frozen=True, slots=True)
class Shown:
    """A picture as somebody sees it: its id, and the notes that come with it."""

    image: str
    notes: Notes | None = None
    from_turn: int = 1


@dataclass(frozen=True, slots=True)
class PastTurn:
    """What one character perceived of one turn of one speaker."""

    turn: int
    actor: str
    events: tuple[Event, ...]


@dataclass(frozen=True, slots=True)
class View:
    """All that one character can perceive now; nothing else of the scene may reach its prompt."""

    kind: Kind
    language: str
    premise: str | None
    time: str | None
    me: CharacterProfile
    others: tuple[CharacterProfile, ...]
    """The rest of the cast, without what is private to them."""
    player: str | None
    """Who asks from outside the cast, if anybody does."""
    place: str | None
    position: str | None
    state: str | None
    secret: str | None
    pictures: tuple[Shown, ...]
    """In sight from the first turn on."""
    past: Sequence[PastTurn]
    """Everything perceived so far, oldest first; grows as the scene goes on."""


@dataclass(frozen=True, slots=True)
class Setting:
    """A scenario with everything resolved that it points at: who plays, and which pictures each of them sees."""

    scenario: Scenario
    profiles: tuple[CharacterProfile, ...]
    sights: tuple[tuple[Shown, ...], ...]
    """One tuple of pictures per cast member."""
    gallery: Mapping[str, Shown]
    """Every picture of the scenario as it is, by its name in the file."""


class Scene:
    """Who is here and what has happened. Events enter through `add`, views leave through `view`."""

    def __init__(self, setting: Setting, seed: int) -> None:
        self.setting = setting
        self.seed = seed
        self.events: list[Event] = []
        self.turn = 0
        self.names = [profile.name for profile in setting.profiles]
        self.keys = _keys(self.names)
        """The cast by name as the keys of calls have them."""
        self._perception = Perception(setting.scenario, self._everybody())
        self._past: dict[str, list[PastTurn]] = {name: [] for name in self._everybody()}
        self._views: dict[str, View] = {}

    def _everybody(self) -> dict[str, str | None]:
        scenario = self.setting.scenario
        places = dict(zip(self.names, (member.place for member in scenario.cast), strict=True))
        return places | ({scenario.player.name: None} if scenario.player else {})

    def view(self, name: str) -> View:
        """Return what the character or player called `name` can perceive now."""
        if name not in self._views:
            self._views[name] = self._cast_view(name) if name in self.names else self._player_view(name)
        return self._views[name]

    def _cast_view(self, name: str) -> View:
        scenario, index = self.setting.scenario, self.names.index(name)
        member = scenario.cast[index]
        others = tuple(other.public() for at, other in enumerate(self.setting.profiles) if at != index)
        return View(
            kind=scenario.kind,
            language=scenario.language,
            premise=scenario.premise,
            time=scenario.time,
            me=self.setting.profiles[index],
            others=others,
            player=scenario.player.name if scenario.player else None,
            place=member.place,
            position=member.position,
            state=member.state,
            secret=member.secret,
            pictures=tuple(shown for shown in self.setting.sights[index] if shown.from_turn <= 1),
            past=self._past[name],
        )

    def _player_view(self, name: str) -> View:
        scenario = self.setting.scenario
        about = scenario.player.about if scenario.player else None
        return View(
            kind=scenario.kind,
            language=scenario.language,
            premise=scenario.premise,
            time=scenario.time,
            me=CharacterProfile(name=name, role="a curious human", introduction=about),
            others=tuple(profile.public() for profile in self.setting.profiles),
            player=name,
            place=None,
            position=None,
            state=None,
            secret=None,
            pictures=tuple(self.setting.gallery.values()),
            past=self._past[name],
        )

    def add(self, actor: str, drafts: Sequence[Draft]) -> list[Event]:
        """Let `actor` have done `drafts` in the present turn; return the events, each with who perceived it."""
        added = [self._event(actor, draft.kind, self._perception.of(draft.kind, actor), draft) for draft in drafts]
        self._remember(actor, added)
        return added

    def show(self, name: str, shown: Shown) -> list[Event]:
        """Let a picture come into the sight of the character called `name` alone, with the notes that go with it."""
        draft = Draft(kind="image", text=shown.notes.told() if shown.notes else "")
        added = [self._event(name, "image", {name: "saw"}, draft, shown.image)]
        self._remember(name, added)
        return added

    def _event(
        self, actor: str, kind: EventKind, visible_to: dict[str, How], draft: Draft, image: str | None = None
    ) -> Event:
        event = Event(
            index=len(self.events),
            turn=self.turn,
            kind=kind,
            actor=actor,
            text=draft.text,
            image=image,
            visible_to=visible_to,
            flags=draft.flags,
            call=draft.call,
        )
        self.events.append(event)
        return event

    def _remember(self, actor: str, added: Sequence[Event]) -> None:
        for name, past in self._past.items():
            perceived = tuple(event for event in added if name in event.visible_to)
            if perceived:
                past.append(PastTurn(self.turn, actor, perceived))


def _keys(names: Sequence[str]) -> dict[str, str]:
    """Return a short name of letters and digits for everybody, no two alike."""
    keys: dict[str, str] = {}
    for index, name in enumerate(names):
        letters = "".join(char for char in name.casefold() if char.isalnum())[:24] or "cast"
        keys[name] = letters if letters not in keys.values() else f"{letters}-{index}"
    return keys
