"""The turns of one episode: who acts, what comes of it, and what everybody makes of that.

Whatever does not depend on each other is asked together. A turn of a story is three steps deep: the deeds; what the
narrator judges of them, beside its decision on what comes next; then what it tells, the reactions of those touched, and
at the end of a round everybody's beliefs. So a round of four has at most twelve calls one after another.
"""

from collections.abc import Awaitable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import chain
from random import Random

from agents.character import Character, Voice
from agents.decision import Decision
from agents.interview import hold
from agents.mind import Mind
from agents.player import PERSON, Player, player_of, turns_of
from agents.prompts.layout import Layout
from agents.reply import read_reply
from agents.stage_directions import directed
from narrator.chronicle import everybody_at
from narrator.leading import lead
from narrator.narrator import Narrator, touched_by
from narrator.steering import END, SWITCH, Steering
from narrator.turn_policy import Policy, draws_lots, next_actors, policy_of
from scenes.chance import chance, seed_for
from scenes.chat import Call, Completion, Request, both, together
from scenes.event import NARRATOR, Draft, Event
from scenes.names import named
from scenes.scene import Scene

Doing = tuple[str, Awaitable[list[Draft]]]
"""Somebody, and what it is about to do."""
Names = tuple[str, ...]
Group = tuple[Names, Names]
"""Those who act, and all who see it."""
_UNUSED = Random(0)
"""For policies that draw no lots: to seed a generator for each turn costs a third of what a turn may."""


def _reseeded(call: Call, seed: int) -> Call:
    async def asked(key: str, request: Request) -> Completion:
        return await call(key, replace(request, seed=seed_for(seed, key)))

    return asked


class Performance:
    """Plays a scene turn by turn."""

    def __init__(self, scene: Scene, layout: Layout, call: Call, policy: Policy | None = None) -> None:
        """`policy` stands in for the scenario's own."""
        scenario = scene.setting.scenario
        self._scene, self._layout, self._asked, self._call = scene, layout, call, call
        self._policy = policy or policy_of(scenario)
        self._leads = policy is None and scenario.turn_policy == "narrator"
        self._characters: dict[str, Character] = {}
        self._minds: dict[str, Mind] = {}
        self._player = self._asking_player()
        self._narrator = Narrator(scene, self._voice(NARRATOR)) if scenario.narrator else None
        self.is_over = False

    def reseed(self, seed: int) -> None:
        """Go on with another seed and nothing else changed: everybody is told what it would have been told."""
        self._scene.seed = seed
        self._call = _reseeded(self._asked, seed)

    def _voice(self, name: str) -> Voice:
        """Return how the lines of one of the cast, or of the narrator, are made."""
        scenario = self._scene.setting.scenario
        player, model = scenario.player, scenario.model
        if player and player.plays == name:
            model = PERSON if player.person else player.model or model
        elif name == NARRATOR and scenario.narrator:
            model = scenario.narrator.model or model
        return Voice(model, self._layout, scenario.sampling, scenario.memory)

    def _asking_player(self) -> Player | None:
        spec = self._scene.setting.scenario.player
        if spec is None or spec.plays:
            return None
        voice = self._voice("")
        model = PERSON if spec.person else spec.model or voice.model
        return player_of(self._scene, spec, Voice(model, self._layout, voice.sampling, voice.memory))

    def character(self, name: str) -> Character:
        """Return the character called `name`; it takes up its part when it is first asked."""
        if name not in self._characters:
            self._characters[name] = Character(self._scene.view(name), self._voice(name), self._scene.seed)
        return self._characters[name]

    async def open(self) -> list[Event]:
        """Play what comes before the first turn. Raises `CallFailed`."""
        scene, events = self._scene, list[Event]()
        if self._narrator:
            events += scene.add(NARRATOR, await self._narrator.open(self._call))
        for line in scene.setting.scenario.opening:
            for name, text in line.items():
                events += self._say(name, text)
        return events + await self._after([], self._believing())

    def _say(self, name: str, text: str) -> list[Event]:
        """Let somebody say a line that the scenario gives."""
        scene = self._scene
        index = named(name, scene.setting.profiles)
        if index is None:
            return scene.add(NARRATOR, [Draft(kind="narration", text=text)])
        speaker = scene.names[index]
        scene.acted.append(speaker)
        return self._add(speaker, [Draft(kind=kind, text=words) for kind, words in read_reply(text, [name], []).parts])

    def _add(self, name: str, drafts: Sequence[Draft]) -> list[Event]:
        """Let somebody have done `drafts`, whispers and ways included; a text shared by all knows of neither."""
        return self._scene.add(name, drafts if self._layout.shared else directed(self._scene, name, drafts))

    async def turn(self) -> list[Event]:
        """Play one turn: pictures come into sight, the player asks, one of the cast acts or several do at once.

        Raises `CallFailed` and `PolicyFailed`.
        """
        scene, spec = self._scene, self._scene.setting.scenario.player
        events = self._new_pictures()
        if self._player and spec:
            events += self._add(spec.name, await self._player(self._call, scene.turn))
        actors = next_actors(self._policy, scene, self._lots())
        deeds = await together(*(self._act(name, "speak") for name in actors))
        for name, drafts in zip(actors, deeds, strict=True):
            scene.acted.append(name)
            events += self._add(name, drafts)
        events += await self._come_of(actors)
        self.is_over = self.is_over or not scene.present
        return events

    def _lots(self) -> Random:
        """Return the generator of this turn, for a policy that draws lots."""
        key = f"t{self._scene.turn:02d}/policy"
        return chance(self._scene.seed, key) if draws_lots(self._policy) else _UNUSED

    def _act(self, name: str, what: str) -> Awaitable[list[Draft]]:
        return self.character(name).speak(self._call, f"t{self._scene.turn:02d}/{self._scene.keys[name]}/{what}")

    def _new_pictures(self) -> list[Event]:
        scene, events = self._scene, list[Event]()
        for name, sights in zip(scene.names, scene.setting.sights, strict=True):
            for shown in sights:
                if shown.from_turn == scene.turn > 1 and name in scene.present:
                    events += scene.show(name, shown)
        return events

    async def _come_of(self, actors: Sequence[str]) -> list[Event]:
        """Play what comes of the deeds of `actors`, and at the end of a round what all make of it."""
        self._scene.acts_in_round += len(actors)
        ends_round = self._scene.acts_in_round >= len(self._scene.present)
        closing = chain(self._tracking(), self._believing()) if ends_round and self._goes_on() else ()
        events = await self._after(self._groups(actors), closing)
        if ends_round:
            self._scene.acts_in_round = 0
            if self._narrator:
                self._narrator.begin_round()
        return events

    def _goes_on(self) -> bool:
        return self._scene.turn < turns_of(self._scene.setting.scenario)

    def _groups(self, actors: Sequence[str]) -> list[Group]:
        """Return, in a story, those of `actors` who see each other, each group with all who see it."""
        scene = self._scene
        if scene.setting.scenario.kind != "story":
            return []
        groups: dict[Names, list[str]] = {}
        for name in actors:
            if name in scene.present:
                groups.setdefault(everybody_at(scene, [name]), []).append(name)
        return [(tuple(names), audience) for audience, names in groups.items()]

    async def _after(self, groups: Sequence[Group], closing: Iterable[Doing]) -> list[Event]:
        """Play what follows: the narrator judges deeds and leads on; then all that rests on that, at once."""
        scene, narrator = self._scene, self._narrator
        if narrator is None:
            return await self._done(closing)
        leading = [narrator.steer(self._call)] if self._leads and self._goes_on() else []
        judging = (narrator.judge(self._call, *group) for group in groups)
        judgements, led = await both(judging, leading)
        events = [event for drafts in judgements for event in scene.add(NARRATOR, drafts)]
        events += await self._done(chain(self._following(groups, judgements), self._switching(led), closing))
        for decision in led:
            events += lead(scene, decision)
            self.is_over = decision.made is not None and decision.made.action == END
        return events

    async def _done(self, doings: Iterable[Doing]) -> list[Event]:
        """Let all do at once what they are about to do, and return it in order."""
        listed, scene, events = list(doings), self._scene, list[Event]()
        for (name, _), drafts in zip(listed, await together(*(doing for _, doing in listed)), strict=True):
            events += self._add(name, drafts) if name in scene.names else scene.add(name, drafts)
        return events

    def _following(self, groups: Sequence[Group], judgements: Sequence[Sequence[Draft]]) -> Iterator[Doing]:
        """Yield what comes of judgements that found something: the narrator tells it, and those touched react."""
        assert self._narrator, "there are judgements only where there is a narrator"
        for (actors, audience), drafts in zip(groups, judgements, strict=True):
            if any(draft.kind != "system" or draft.to for draft in drafts):
                yield NARRATOR, self._narrator.narrate(self._call, actors, audience)
            yield from ((name, self._act(name, "react")) for name in touched_by(drafts) if name in self._scene.present)

    def _switching(self, led: Sequence[Decision[Steering]]) -> Iterator[Doing]:
        """Yield the narration of where and when the scene goes on, if it does so elsewhere or later."""
        for decision in led:
            if self._narrator and decision.made and decision.made.action == SWITCH:
                yield NARRATOR, self._narrator.tell_switch(self._call, decision.made.object)

    def _tracking(self) -> Iterator[Doing]:
        """Yield how the narrator of a story keeps track at the end of a round; a person remembers what was before."""
        if self._narrator and self._scene.setting.scenario.kind == "story":
            yield NARRATOR, self._narrator.update(self._call)
            if not self._is_person(NARRATOR):
                yield NARRATOR, self._narrator.sum_up(self._call)

    def _believing(self) -> Iterator[Doing]:
        """Yield what everybody on the stage makes of what has happened; a person does that without being asked."""
        if self._scene.setting.scenario.mind == "none":
            return
        for name in self._scene.present:
            if not self._is_person(name):
                yield name, self._mind(name).form_beliefs(self._call, self._scene.turn)

    def _is_person(self, name: str) -> bool:
        """Return whether somebody at the terminal plays `name`."""
        player = self._scene.setting.scenario.player
        return player is not None and player.person and player.plays == name

    def _mind(self, name: str) -> Mind:
        if name not in self._minds:
            self._minds[name] = Mind(self.character(name), self._scene.keys[name], self._layout.name == "compact")
        return self._minds[name]

    async def interview(self) -> list[Event]:
        """Play the questions put to the cast in private. Raises `CallFailed`."""
        return await hold(self._scene, self.character, self._call)
