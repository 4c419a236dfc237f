"""The live state of one played scenario, and the only door from it into a prompt: `Scene.view`."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby

from scenes.event import NARRATOR, Change, Draft, Event, How
from scenes.perception import Perception
from scenes.profile import CharacterProfile
from scenes.scenario import Kind, Notes, Scenario


@dataclass(frozen=True, slots=True)
class Shown:
    """A picture as somebody sees it: its id, and the notes that come with it."""

    image: str
    notes: Notes | None = None
    from_turn: int = 1


@dataclass(frozen=True)
class PastTurn:
    """What was perceived of one turn of one speaker; all who perceived the whole of it share one."""

    turn: int
    actor: str
    events: tuple[Event, ...]

    @cached_property
    def words(self) -> str:
        """As `told` has it; worked out once, since prompts ask for it again and again."""
        return told(self.events)


def told(events: Iterable[Event]) -> str:
    """Return the events of one turn as a line of dialogue: `(nods) Evening. [Too late.]`."""
    words, acted = [], False
    for event in events:
        # who saw somebody set out for a place need not be told that it comes there
        words.append("" if event.kind == "state" and acted else _told(event))
        acted = acted or event.kind == "action"
    return " ".join(text for text in words if text)


def _told(event: Event) -> str:
    if not event.text or event.image or (event.change and event.change.is_private()):
        return ""
    if event.kind == "action" or (event.kind == "state" and event.actor != NARRATOR):
        return f"({event.text})"
    return f"[{event.text}]" if event.kind == "thought" else event.text


@dataclass(slots=True)
class Standing:
    """Where and how somebody is now, and what it makes of that; changes as the scene goes on."""

    present: bool = True
    place: str | None = None
    position: str | None = None
    state: str | None = None
    belief: str | None = None
    surroundings: str | None = None
    time: str | None = None
    """When it is, if that was told to be otherwise than as the scene began."""

    def take(self, change: Change) -> None:
        """Be as `change` says from now on; how one stood in a place one does not take to another."""
        if change.place not in (None, self.place):
            self.position = None
        for name in ("present", "place", "position", "state", "belief", "surroundings"):
            value = getattr(change, name)
            if value is not None:
                setattr(self, name, value)


@dataclass(frozen=True, slots=True)
class View:
    """All that one character can perceive now; nothing else of the scene may reach its prompt."""

    kind: Kind
    language: str
    premise: str | None
    time: str | None
    me: CharacterProfile
    others: tuple[CharacterProfile, ...]
    """The rest of the cast on the stage, without what is private to them."""
    player: str | None
    """Who asks from outside the cast, if anybody does."""
    places: tuple[str, ...]
    """Where one can go."""
    now: Standing
    """Follows the scene."""
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
        self.events: list[Event] = []
        self.turn = 0
        self.acted: list[str] = []
        """Who has had a turn so far, in order; reactions are none."""
        self.acts_in_round = 0
        """How many of them were in the present round."""
        self.picked: str | None = None
        """Whom the narrator picked to act next."""
        self._cast(setting, seed)

    def _cast(self, setting: Setting, seed: int) -> None:
        scenario = setting.scenario
        self.setting = setting
        self.seed = seed
        self.names = [profile.name for profile in setting.profiles]
        self.keys = _keys(self.names)
        """The cast by name as the keys of calls have them."""
        self.time = scenario.time
        self.standings = {
            name: Standing(not member.reserve, member.place, member.position, member.state)
            for name, member in zip(self.names, scenario.cast, strict=True)
        }
        places: dict[str, str | None] = {name: one.place for name, one in self.standings.items() if one.present}
        if scenario.player and scenario.player.plays is None:
            self.standings[scenario.player.name] = Standing()
            places[scenario.player.name] = None
        self._perception = Perception(scenario, places)
        self._past: dict[str, list[PastTurn]] = {name: [] for name in self.standings}
        self._views: dict[str, View] = {}
        self.seen = {
            name: {shown.image for shown in sights if shown.from_turn <= 1}
            for name, sights in zip(self.names, setting.sights, strict=True)
        }
        """The ids of the pictures that each of the cast has seen."""

    def recast(self, setting: Setting, seed: int) -> None:
        """Go on with another setting or seed: who has a part in `setting` has perceived what that part perceived.

        What has happened stays, under the names that the parts have now; places and states are as they have become.
        """
        earlier, standings, time = self.events, self.standings, self.time
        now = dict(zip(self.names, (profile.name for profile in setting.profiles), strict=True))
        self._cast(setting, seed)
        self.time = time
        self.events = [_renamed(event, now) for event in earlier]
        self.acted = [now[name] for name in self.acted]
        self.picked = now.get(self.picked or "")
        for name, standing in standings.items():
            self._stand(now.get(name, name), standing)
        for (turn, actor), done in groupby(self.events, lambda event: (event.turn, event.actor)):
            self._remember(turn, actor, list(done))
        for event in self.events:
            self._note_seen(event)

    def _stand(self, name: str, standing: Standing) -> None:
        self.standings[name] = standing
        if not standing.present:
            self._perception.take_away(name)
        elif name in self.names:
            self._perception.put(name, standing.place)

    @property
    def present(self) -> list[str]:
        """The cast on the stage, in its order."""
        return [name for name in self.names if self.standings[name].present]

    @property
    def reserve(self) -> list[str]:
        """The cast that is not on the stage: held in reserve, or gone."""
        return [name for name in self.names if not self.standings[name].present]

    @property
    def outside(self) -> list[str]:
        """Who asks from outside the cast, and is everywhere."""
        return [name for name in self.standings if name not in self.names]

    def together_with(self, name: str) -> list[str]:
        """Return who of the cast sees what `name` does, itself among them."""
        return [other for other in self._perception.together_with(name) if other in self.names]

    def view(self, name: str) -> View:
        """Return what the character or player called `name` can perceive now."""
        if name not in self._views:
            self._views[name] = self._cast_view(name) if name in self.names else self._player_view(name)
        return self._views[name]

    def _cast_view(self, name: str) -> View:
        scenario, index = self.setting.scenario, self.names.index(name)
        others = zip(self.names, self.setting.profiles, strict=True)
        return View(
            kind=scenario.kind,
            language=scenario.language,
            premise=scenario.premise,
            time=scenario.time,
            me=self.setting.profiles[index],
            others=tuple(other.public() for one, other in others if one != name and self.standings[one].present),
            player=scenario.player.name if scenario.player and scenario.player.plays is None else None,
            places=tuple(scenario.places),
            now=self.standings[name],
            secret=scenario.cast[index].secret,
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
            others=tuple(one.public() for one in self.setting.profiles if self.standings[one.name].present),
            player=name,
            places=(),
            now=self.standings[name],
            secret=None,
            pictures=tuple(self._everywhere()),
            past=self._past[name],
        )

    def _everywhere(self) -> Iterator[Shown]:
        """Yield the pictures that nobody keeps back."""
        images = self.setting.scenario.images
        yield from (shown for name, shown in self.setting.gallery.items() if not images[name].reserve)

    def add(self, actor: str, drafts: Sequence[Draft]) -> list[Event]:
        """Let `actor` have done `drafts` in the present turn; return the events, each with who perceived it.

        Whoever comes to another place sees what is shown there, which is an event of its own.
        """
        added = [event for draft in drafts for event in self._done(actor, draft)]
        self._remember(self.turn, actor, added)
        return added

    def _done(self, actor: str, draft: Draft) -> Iterator[Event]:
        visible_to = self._perceived(actor, draft)
        if draft.change:
            self._take(draft.change)
            visible_to |= self._perceived(actor, draft)
        yield self._event(actor, draft, visible_to)
        if draft.change and draft.change.who and (draft.change.place or draft.change.present):
            yield from self._come_into_sight(draft.change.who)

    def _perceived(self, actor: str, draft: Draft) -> dict[str, How]:
        """Return who perceives what `actor` does, as all are standing now."""
        if draft.change and draft.change.is_private() and draft.change.who:
            return {draft.change.who: "thought"}
        if draft.change and draft.change.who:
            seen = self._perception.of("state", draft.change.who)
            return seen if draft.audience is None else {name: seen.get(name, "was told") for name in draft.audience}
        if draft.audience is not None:
            there = [name for name in draft.audience if draft.kind != "narration" or self.standings[name].present]
            return {name: "did" if name == actor else "was told" for name in there}
        return self._perception.of("narration" if draft.kind == "state" else draft.kind, actor, draft.to)

    def _take(self, change: Change) -> None:
        self.time = change.time or self.time
        if change.who is None:
            for name in self._perception.everybody():
                self.standings[name].time = self.time
            return
        standing = self.standings[change.who]
        standing.take(change)
        if not change.is_private():
            self._stand(change.who, standing)

    def _come_into_sight(self, name: str) -> Iterator[Event]:
        """Yield what `name` sees for the first time where it is now."""
        if self.standings[name].present:
            new = [shown for shown in self._in_sight(name) if shown.image not in self.seen[name]]
            yield from (self._shown(name, shown, (name,)) for shown in new)

    def _in_sight(self, name: str) -> Iterator[Shown]:
        """Yield the pictures of `name`: its own if the scenario gives it some, and else those that its place shows."""
        index, place = self.names.index(name), self.standings[name].place
        member, places = self.setting.scenario.cast[index], self.setting.scenario.places
        if member.sees is None and place in places:
            yield from (self.setting.gallery[picture] for picture in places[place].shows)
        else:
            yield from (shown for shown in self.setting.sights[index] if shown.from_turn <= self.turn)

    def show(self, name: str, shown: Shown) -> list[Event]:
        """Let a picture come into the sight of the character called `name` alone, with the notes that go with it."""
        added = [self._shown(name, shown, (name,))]
        self._remember(self.turn, name, added)
        return added

    def show_all(self, picture: str, call: str | None = None) -> list[Event]:
        """Let the picture that the scenario calls `picture` come into the sight of everybody on the stage."""
        added = [self._shown(NARRATOR, self.setting.gallery[picture], self._perception.everybody(), call)]
        self._remember(self.turn, NARRATOR, added)
        return added

    def _shown(self, actor: str, shown: Shown, to: Sequence[str], call: str | None = None) -> Event:
        draft = Draft(kind="image", text=shown.notes.told() if shown.notes else "", call=call)
        return self._event(actor, draft, dict.fromkeys(to, "saw"), shown.image)

    def _event(self, actor: str, draft: Draft, visible_to: dict[str, How], image: str | None = None) -> Event:
        event = Event(
            index=len(self.events),
            turn=self.turn,
            kind=draft.kind,
            actor=actor,
            text=draft.text,
            to=draft.to,
            image=image,
            change=draft.change,
            score=draft.score,
            visible_to=visible_to,
            flags=draft.flags,
            call=draft.call,
        )
        self.events.append(event)
        self._note_seen(event)
        return event

    def _note_seen(self, event: Event) -> None:
        if event.image:
            for name in event.visible_to.keys() & self.seen.keys():
                self.seen[name].add(event.image)

    def _remember(self, turn: int, actor: str, added: Sequence[Event]) -> None:
        whole = PastTurn(turn, actor, tuple(added))
        for name, past in self._past.items():
            perceived = tuple([event for event in added if name in event.visible_to])
            if perceived:
                at = _before_the_others(turn, past) if name == actor and _is_a_turn(perceived) else len(past)
                past.insert(at, whole if perceived == whole.events else PastTurn(turn, actor, perceived))


def _before_the_others(turn: int, past: Sequence[PastTurn]) -> int:
    """Return where in `past` one's own turn stands: before those that others had at the same time."""
    at = len(past)
    while at and past[at - 1].turn == turn and _is_a_turn(past[at - 1].events):
        at -= 1
    return at


def _is_a_turn(events: Sequence[Event]) -> bool:
    """Return whether somebody had its turn in `events`, and did not react to that of another."""
    return any((event.call or "").endswith("/speak") for event in events)


def _renamed(event: Event, now: Mapping[str, str]) -> Event:
    """Return `event` as it is once the parts bear the names that `now` gives them."""
    if all(old == new for old, new in now.items()):
        return event
    change = event.change
    if change and change.who:
        change = change.model_copy(update={"who": now.get(change.who, change.who)})
    return event.model_copy(
        update={
            "actor": now.get(event.actor, event.actor),
            "to": tuple(now.get(name, name) for name in event.to),
            "change": change,
            "visible_to": {now.get(name, name): how for name, how in event.visible_to.items()},
        }
    )


def _keys(names: Sequence[str]) -> dict[str, str]:
    """Return a short name of letters and digits for everybody, no two alike."""
    keys: dict[str, str] = {}
    for index, name in enumerate(names):
        letters = "".join(char for char in name.casefold() if char.isalnum())[:24] or "cast"
        keys[name] = letters if letters not in keys.values() else f"{letters}-{index}"
    return keys
