"""Who is where and perceives what, worked out from the rules alone: an account to hold the scene's own against.

It shares no code with `scenes.perception` and none with the narrator: it is told what happened, and says who should
know of it and how.
"""

from collections.abc import Iterable, Mapping, Sequence

from privacy.answers import outsider, strings_in

from scenes.event import INTERVIEWER, NARRATOR, Change, Event
from scenes.names import named
from scenes.scene import Scene, Setting

Senses = dict[str, str]
"""Who perceives something, and how."""


def is_inner(event: Event) -> bool:
    """Return whether something happens in a head alone."""
    change = event.change
    return event.kind == "thought" or bool(change and (change.belief or change.surroundings))


class World:
    """Where everybody is."""

    def __init__(self, scene: Scene) -> None:
        self.setting = scene.setting
        self.names = list(scene.names)
        members = dict(zip(self.names, self.setting.scenario.cast, strict=True))
        self.place = {name: one.place for name, one in members.items()}
        """Of who is not on the stage, the one where it was last or will come in."""
        self.stage = {name for name, one in members.items() if not one.reserve}
        self.been = set(self.stage)
        """Who has ever been on the stage."""
        self._listening: dict[str, set[str]] = {}
        """Who was there when the narrator was asked for what it tells, by the key of the call."""

    def recast(self, setting: Setting, now: Mapping[str, str]) -> None:
        """Let the parts bear other names."""
        self.setting, self.names = setting, [now[name] for name in self.names]
        self.place = {now[name]: place for name, place in self.place.items()}
        self.stage, self.been = ({now[name] for name in names} for names in (self.stage, self.been))

    def everybody(self) -> set[str]:
        """Return who is on the stage, and who is everywhere."""
        player = outsider(self.setting)
        return self.stage | ({player} if player else set())

    def with_(self, name: str) -> set[str]:
        """Return who sees what somebody does, itself among them; nobody if it is not there."""
        if name not in self.stage:
            return self.everybody() if name in self.everybody() else set()
        beyond = self.everybody() - self.stage
        return {one for one in self.stage if self.place[one] == self.place[name]} | beyond

    def in_earshot(self, name: str) -> set[str]:
        """Return who hears what somebody says aloud."""
        places = self.setting.scenario.places
        here = self.place.get(name)
        if name not in self.stage or here is None:
            return self.with_(name)
        beside = {*places[here].beside, *(other for other, spec in places.items() if here in spec.beside)}
        return self.with_(name) | {one for one in self.stage if self.place[one] in beside}

    def listen(self, key: str, who: str | None) -> set[str]:
        """Return who will be told what the narrator is asked for under `key`; `who` is among them."""
        what = key.split("/")[2]
        if not what.startswith("narrate"):  # which is told to those who saw the deed, where it was judged
            self._listening[what] = self.with_(who) if who else self.everybody()
        return self._listening[what.replace("narrate", "judge")]

    def happens(self, event: Event, following: Event | None, whispered: Sequence[str] | None) -> Senses:
        """Let something happen, and return who perceives it."""
        change = event.change
        if not (change and change.who and (change.place or change.present is not None)):
            return self._perceived(event, following, whispered)
        before = self.with_(change.who)
        self._move(change.who, change)
        return _seen_of(change.who, before | self.with_(change.who))

    def _move(self, who: str, change: Change) -> None:
        self.place[who] = change.place or self.place[who]
        if change.present is not None:
            (self.stage.add if change.present else self.stage.discard)(who)
        self.been |= self.stage

    def _perceived(self, event: Event, following: Event | None, whispered: Sequence[str] | None) -> Senses:
        call, actor = event.call or "", event.actor
        if event.kind == "system":
            return {}
        if is_inner(event):
            return {event.change.who or actor if event.change else actor: "thought"}
        if actor == INTERVIEWER:
            return {following.actor: "was told"} if following else {}
        if call.startswith("interview/"):
            return {actor: "did"}
        if event.kind == "image":
            return dict.fromkeys(self.everybody() if actor == NARRATOR else {actor}, "saw")
        if actor == NARRATOR:
            told: Senses = dict.fromkeys(self._told(call), "was told")
            who = event.change.who if event.change else None
            return told | (_seen_of(who, self.with_(who) & told.keys()) if who else {})  # how one is now, after a deed
        return self._done(event, whispered)

    def _told(self, call: str) -> set[str]:
        """Return who is told what the narrator says; who has left since it was asked for is told nothing."""
        what = call.split("/")[2] if call else ""
        return self.everybody() & self._listening.get(what.replace("narrate", "judge"), self.everybody())

    def _done(self, event: Event, whispered: Sequence[str] | None) -> Senses:
        if whispered is not None:
            meant = {self._meant(name) for name in whispered}
            return _seen_of(event.actor, (meant | {event.actor}) & self.with_(event.actor), "heard")
        if event.kind == "speech":
            return _seen_of(event.actor, self.in_earshot(event.actor), "heard")
        return _seen_of(event.actor, self.with_(event.actor))

    def _meant(self, name: str) -> str:
        index = named(name, self.setting.profiles)
        return name if index is None else self.names[index]

    def may_see(self, name: str, turn: int) -> set[str]:
        """Return the pictures that somebody may have in sight by itself by now."""
        scenario, gallery = self.setting.scenario, self.setting.gallery
        if name not in self.names:
            return {gallery[image].image for image, spec in scenario.images.items() if not spec.reserve}
        index = self.names.index(name)
        sights = {shown.image for shown in self.setting.sights[index] if shown.from_turn <= turn}
        place = self.place[name]
        if scenario.cast[index].sees is not None or place is None:
            return sights
        return sights | {gallery[image].image for image in scenario.places[place].shows}


def _seen_of(who: str, by: Iterable[str], how: str = "saw") -> Senses:
    return {name: "did" if name == who else how for name in by}


def notes_of(setting: Setting) -> dict[str, frozenset[str]]:
    """Return the strings in the notes of every picture as it is, by its id; a part of one has none."""
    return {one.image: strings_in(one.notes.told() if one.notes else "") for one in setting.gallery.values()}
