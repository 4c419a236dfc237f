"""What everybody in a play could know by now: what it perceived, what is its own, and what is plain to see."""

from collections.abc import Iterable, Mapping

from privacy.answers import outsider, strings_in
from privacy.world import World, is_inner, notes_of

from scenes.event import Event
from scenes.scene import Scene

Strings = frozenset[str] | set[str]


def strings_of(events: Iterable[Event]) -> set[str]:
    """Return the planted strings in what happened."""
    return set().union(*(strings_in(event.text) for event in events))


class Knowledge:
    """What everybody in one scene could know."""

    def __init__(self, scene: Scene, world: World) -> None:
        self._scene, self._world = scene, world
        player = outsider(scene.setting)
        self.perceived: dict[str, list[Event]] = {name: [] for name in (*scene.names, *([player] if player else []))}
        """By everybody, the player who asks among them."""
        self.outside_of_heads: set[str] = set()
        """The strings in all that happened for others to perceive, wherever it was."""

    def recast(self, now: Mapping[str, str]) -> None:
        """Let the parts bear other names."""
        self.perceived = {now.get(name, name): events for name, events in self.perceived.items()}

    def grow(self, event: Event, by: Iterable[str]) -> None:
        """Let some have perceived something."""
        for name in by:
            self.perceived[name].append(event)
        if event.kind != "system" and not is_inner(event):
            self.outside_of_heads |= strings_in(event.text)

    def of(self, name: str) -> set[str]:
        """Return every string that somebody could know, whether or not it is told them again."""
        return strings_of(self.perceived[name]) | self.own(name) | self._notes_at_first(name) | self.common()

    def unknown(self, name: str, strings: Strings, pictures: set[str]) -> Strings:
        """Return what of that somebody can neither know from others nor see for itself."""
        return (strings - strings_of(self.perceived[name]) - self.plain_to([name])) | (pictures - self.seen(name))

    def plain_to(self, names: Iterable[str]) -> set[str]:
        """Return what one of `names` can know without being told, of all whom they all have before their eyes."""
        there = set(self._world.stage)
        for name in names:
            there &= self._world.with_(name)
        return self.common().union(*map(self.standing, there), *map(self._notes_at_first, names))

    def common(self) -> set[str]:
        """Return what everybody knows: when it is, and who those are that have ever been on the stage."""
        profiles = zip(self._scene.names, self._scene.setting.profiles, strict=True)
        roles = (strings_in(one.role or "") for name, one in profiles if name in self._world.been)
        return set().union(strings_in(self._scene.time or ""), *roles)

    def standing(self, name: str) -> Strings:
        """Return how one of the cast is standing now."""
        standing = self._scene.standings[name]
        return strings_in(f"{standing.position} {standing.state}")

    def own(self, name: str) -> Strings:
        """Return what somebody knows of itself."""
        scenario = self._scene.setting.scenario
        if name not in self._scene.names:
            return strings_in(scenario.player.about or "") if scenario.player else frozenset()
        member = scenario.cast[self._scene.names.index(name)]
        return self.secrets(name) | strings_in(f"{member.position} {member.state}") | self.standing(name)

    def secrets(self, name: str) -> Strings:
        """Return what one of the cast alone knows from the start."""
        profile = self._scene.setting.profiles[self._scene.names.index(name)]
        return self.secret(name) | strings_in(profile.private or "")

    def secret(self, name: str) -> Strings:
        """Return the secret that one of the cast has in this scenario."""
        return strings_in(self._scene.setting.scenario.cast[self._scene.names.index(name)].secret or "")

    def beliefs(self, name: str) -> Strings:
        """Return what one of the cast believes now."""
        standing = self._scene.standings[name]
        return strings_in(f"{standing.belief} {standing.surroundings}")

    def everything(self) -> set[str]:
        """Return what the narrator may know for itself alone: all but what is in heads."""
        names, setting = self._scene.names, self._scene.setting
        own_words = strings_of(event for event in self._scene.events if event.kind == "system")
        roles = strings_in(" ".join(profile.role or "" for profile in setting.profiles))
        return self.outside_of_heads.union(own_words, roles, *map(self.standing, names), *notes_of(setting).values())

    def seen(self, name: str) -> set[str]:
        """Return the pictures that somebody has seen."""
        return self._at_first(name) | {event.image for event in self.perceived[name] if event.image}

    def _at_first(self, name: str) -> set[str]:
        """Return the pictures that somebody has in sight from the first turn on."""
        if name not in self._scene.names:
            return self._world.may_see(name, 1)
        sights = self._scene.setting.sights[self._scene.names.index(name)]
        return {shown.image for shown in sights if shown.from_turn <= 1}

    def _notes_at_first(self, name: str) -> set[str]:
        notes = notes_of(self._scene.setting)
        return set().union(*(notes.get(picture, frozenset()) for picture in self._at_first(name)))
