"""What the narrator writes from: the scene, what happened in this round and the last, and how all are standing now.

What a narrator tells somebody is written from what all who are told have perceived and see, so that it cannot give
away what was whispered or done elsewhere. Only what it decides for itself alone, and nobody reads, knows all events.
"""

from collections.abc import Iterable, Iterator
from itertools import groupby

from agents.prompts.blocks import KNOWN, introduced, language_name, told
from scenes.chat import Prompt, Segment
from scenes.event import Event
from scenes.scene import Scene

SHORT = "You are the Narrator. Describe what happens in one line."
RULES = (
    "You are the narrator of a scene that others play. You tell what there is to see and what comes of what they do, "
    "from the picture and from what has happened, and never speak or decide for them. Write {language}."
)
Audience = tuple[str, ...] | None
"""Who will be told; None where nobody will."""


class Chronicle:
    """The narrator's prompts. A prompt holds one round or two however long the story is."""

    def __init__(self, scene: Scene, is_short: bool, knows_secrets: bool) -> None:
        self._scene, self._is_short, self._knows_secrets = scene, is_short, knows_secrets
        self._chains: dict[Audience, tuple[Prompt, int]] = {}
        self._told_from = self._round_from = _lately(scene)
        self.summary = ""
        """Of what happened before, for the narrator alone."""

    def begin_round(self) -> None:
        """Let the prompts from now on begin with the round that has just ended."""
        self._told_from, self._round_from = self._round_from, len(self._scene.events)
        self._chains.clear()

    def prompt(self, audience: Audience, task: str) -> Prompt:
        """Return the prompt that asks for `task`, which `audience` will be told of."""
        chain, read = self._chains.get(audience) or (Prompt().then(*self._opening(audience)), self._told_from)
        events = self._scene.events[read:]
        chain = chain.then(*self._lines(audience, events))
        self._chains[audience] = chain, read + len(events)
        glue = "" if self._is_short else "\n\n"
        label = "Scene: " if self._is_short else ""
        return chain.then(*self._now(audience), Segment("instruction", "user", label + task, glue=glue))

    def _opening(self, audience: Audience) -> Iterator[Segment]:
        scenario = self._scene.setting.scenario
        if self._is_short:
            yield Segment("global", "system", SHORT)
            yield from self._pictures(audience)
            return
        yield Segment("global", "system", RULES.format(language=language_name(scenario.language)))
        yield from self._pictures(audience)
        told_first = (scenario.premise, f"Time: {scenario.time}." if scenario.time else None)
        yield Segment("scene", "user", "\n".join(["The scene:", *(text for text in told_first if text)]))
        yield from self._cast(audience)

    def _pictures(self, audience: Audience) -> Iterator[Segment]:
        """Yield the pictures that all of `audience` see from the start; for nobody, every picture by its name."""
        scene, glue = self._scene, "" if self._is_short else "\n"
        sights = [
            {shown.image for shown in scene.view(name).pictures} for name in audience or () if name in scene.names
        ]
        for name, shown in scene.setting.gallery.items():
            if audience is not None and not (sights and all(shown.image in seen for seen in sights)):
                continue
            if audience is None and not self._is_short:
                yield Segment("images", "user", f"Picture {name}:", glue=glue)
            yield Segment("images", "user", image=shown.image, glue=glue)
            if shown.notes and not self._is_short:
                yield Segment("images", "user", f"{KNOWN}\n{shown.notes.told()}", glue=glue)

    def _cast(self, audience: Audience) -> Iterator[Segment]:
        scene = self._scene
        for profile, member in zip(scene.setting.profiles, scene.setting.scenario.cast, strict=True):
            if audience is not None and member.reserve and profile.name not in scene.present:
                continue
            yield Segment("cast", "user", introduced(profile.public()), glue="\n")
            kept = [text for text in (profile.private, member.secret) if text]
            if audience is None and self._knows_secrets and kept:
                yield Segment("cast", "user", f"Only {profile.name} knows: {' '.join(kept)}", glue="\n")

    def _lines(self, audience: Audience, events: Iterable[Event]) -> Iterator[Segment]:
        """Yield what happened, as far as all of `audience` perceived it; thoughts are nobody's but their owner's."""
        shared = (
            event for event in events if event.kind not in ("system", "thought") and self._reached(audience, event)
        )
        for (_, actor), done in groupby(shared, lambda event: (event.turn, event.actor)):
            for event in (happened := list(done)):
                if event.image and audience is not None:  # else it stands among all pictures already
                    yield Segment("history", "user", image=event.image, glue="\n")
            words = told(happened)
            if words:
                yield Segment("history", "user", f"{actor}: {words}", glue="\n")

    def _reached(self, audience: Audience, event: Event) -> bool:
        if event.change and event.change.is_private():
            return False
        return audience is None or all(name in event.visible_to for name in audience)

    def _now(self, audience: Audience) -> Iterator[Segment]:
        if self._is_short:
            return
        if audience is None and self.summary:
            yield Segment("now", "user", f"Before this: {self.summary}")
        scene = self._scene
        there = [name for name in scene.present if set(audience or ()) <= set(scene.together_with(name))]
        lines = [f"{name}: {where}" for name in there if (where := self._where(name))]
        if lines:
            yield Segment("now", "user", "\n".join(["Now:", *lines]))

    def _where(self, name: str) -> str:
        standing = self._scene.standings[name]
        return ", ".join(text for text in (standing.place, standing.position, standing.state) if text)


def _lately(scene: Scene) -> int:
    """Return the place of the first event that still matters where a narrator takes up a scene in its middle."""
    rounds = scene.turn - 2 * max(1, len(scene.present))
    return next((event.index for event in scene.events if event.turn > rounds), 0)


def everybody_at(scene: Scene, names: Iterable[str]) -> tuple[str, ...]:
    """Return who of the cast sees what one of `names` does, in the order of the cast."""
    there = {other for name in names for other in scene.together_with(name)}
    return tuple(name for name in scene.names if name in there)
