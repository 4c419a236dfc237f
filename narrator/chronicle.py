"""What the narrator writes from: the scene, what happened in this round and the last, and how all are standing now.

What a narrator tells somebody is written from what all who are told have perceived and see, so that it cannot give
away what was whispered or done elsewhere. Only what it decides for itself alone, and nobody reads, knows all events.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from agents.prompts.blocks import comma, language_name, met, picture_segments, time_line, unended
from narrator.prompts.wording import worded
from scenes.chat import Prompt, Segment
from scenes.event import NARRATOR, Event
from scenes.scene import Scene, told

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
        self._language = scene.setting.scenario.language
        self._chains: dict[Audience, tuple[Prompt, int]] = {}
        self._told_from = self._round_from = _lately(scene)
        self._place = _last_place(scene.events[: self._told_from])
        """What was last told to be otherwise about the place."""
        self.summary = _last_summary(scene)
        """Of what happened before, for the narrator alone."""

    def begin_round(self) -> None:
        """Let the prompts from now on begin with the round that has just ended."""
        self._place = _last_place(self._scene.events[self._told_from : self._round_from]) or self._place
        self._told_from, self._round_from = self._round_from, len(self._scene.events)
        self._chains.clear()

    def prompt(self, audience: Audience, task: str) -> Prompt:
        """Return the prompt that asks for `task`, which `audience` will be told of."""
        if self._is_short:
            return self._short_prompt(audience, task)
        chain, read = self._chains.get(audience) or (Prompt().then(*self._opening(audience)), self._told_from)
        events = self._scene.events[read:]
        chain = chain.then(*self._lines(audience, events))
        self._chains[audience] = chain, read + len(events)
        return chain.then(*self._now(audience), Segment("instruction", "user", task))

    def _short_prompt(self, audience: Audience, task: str) -> Prompt:
        """Return the pictures, what the cast did in this turn, and `task`, if any, as small narrators were trained."""
        scene = self._scene
        lately = scene.events[self._told_from :]
        done = (event for event in lately if event.turn == scene.turn and event.actor != NARRATOR)
        lines = list(self._lines(audience, done))
        asked = [Segment("instruction", "user", f"Scene: {task}", glue="\n")] if task else []
        return Prompt().then(*self._opening(audience), *lines, *asked)

    def _opening(self, audience: Audience) -> Iterator[Segment]:
        scenario = self._scene.setting.scenario
        if self._is_short:
            yield Segment("global", "system", SHORT)
            yield from self._pictures(audience)
            return
        rules = self._worded(RULES).format(language=language_name(self._language))
        yield Segment("global", "system", rules)
        yield from self._pictures(audience)
        place = self._place
        told_first = (
            self._worded("The scene:"),
            scenario.premise,
            place.text if place and self._reached(audience, place) else None,
            time_line(self._scene.time, self._language),
        )
        yield Segment("scene", "user", "\n".join(text for text in told_first if text))
        yield from self._cast(audience)

    def _pictures(self, audience: Audience) -> Iterator[Segment]:
        """Yield the pictures that all of `audience` see from the start; for nobody, every picture by its name."""
        kept_back = not_yet_shown(self._scene) if self._is_short else []  # which no word could say there
        for name, shown in self._scene.setting.gallery.items():
            if name in kept_back:
                continue
            if self._is_short:
                seen = [Segment("images", "user", image=shown.image, glue="")]
            elif audience is None:
                label = self._worded("Picture {name}:").format(name=name)
                seen = [Segment("images", "user", label, glue="\n"), *picture_segments([shown], self._language)]
            else:
                seen = [*picture_segments([shown], self._language)]
            if audience is None or self._all_see(audience, shown.image):
                yield from seen

    def _all_see(self, audience: tuple[str, ...], image: str) -> bool:
        views = [self._scene.view(name) for name in audience]
        return bool(views) and all(image in {shown.image for shown in view.pictures} for view in views)

    def _worded(self, text: str) -> str:
        return worded(text, self._language)

    def _cast(self, audience: Audience) -> Iterator[Segment]:
        scene = self._scene
        for profile, member in zip(scene.setting.profiles, scene.setting.scenario.cast, strict=True):
            if audience is not None and member.reserve and profile.name not in scene.present:
                continue
            yield Segment("cast", "user", met(profile.public(), self._language), glue="\n")
            kept = " ".join(text for text in (profile.private, member.secret) if text)
            if audience is None and self._knows_secrets and kept:
                told_to_it = self._worded("Only {name} knows: {secret}").format(name=profile.name, secret=kept)
                yield Segment("cast", "user", told_to_it, glue="\n")

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
        if audience is None and self.summary:
            yield Segment("now", "user", self._worded("Before this: {summary}").format(summary=self.summary))
        scene = self._scene
        if audience is None:
            yield from self._kept_back()
        told = set(audience or ()) & set(scene.names)
        there = [name for name in scene.present if told <= set(scene.together_with(name))]
        lines = [f"{name}: {where}" for name in there if (where := self._where(name))]
        if lines:
            yield Segment("now", "user", "\n".join([self._worded("Now:"), *lines]))

    def _kept_back(self) -> Iterator[Segment]:
        """Yield who of the cast is not on the stage, and which of the pictures above nobody there has seen."""
        lists = {
            "Not on the stage now: {names}.": self._scene.reserve,
            "Pictures that are not shown yet: {names}.": not_yet_shown(self._scene),
        }
        for text, names in lists.items():
            if names:
                listed = comma(self._language).join(names)
                yield Segment("now", "user", self._worded(text).format(names=listed), glue="\n")

    def _where(self, name: str) -> str:
        standing = self._scene.standings[name]
        parts = (standing.place, standing.position, standing.state)
        return comma(self._language).join(unended(text) for text in parts if text)


def not_yet_shown(scene: Scene) -> list[str]:
    """Return the names of the pictures that are held in reserve and that nobody has seen."""
    seen = set[str]().union(*scene.seen.values())
    kept = (name for name, spec in scene.setting.scenario.images.items() if spec.reserve)
    return [name for name in kept if scene.setting.gallery[name].image not in seen]


def _last_summary(scene: Scene) -> str:
    """Return what the narrator last summed up, where it takes up a scene in its middle."""
    sums = (
        one.text for one in reversed(scene.events) if one.kind == "system" and (one.call or "").endswith("/summary")
    )
    return next(sums, "")


def _last_place(events: Sequence[Event]) -> Event | None:
    """Return what of `events` last told that something is otherwise about the place."""
    told = (one for one in reversed(events) if one.kind == "narration" and (one.call or "").endswith("/update"))
    return next(told, None)


def _lately(scene: Scene) -> int:
    """Return the place of the first event that still matters where a narrator takes up a scene in its middle."""
    rounds = scene.turn - 2 * max(1, len(scene.present))
    return next((event.index for event in scene.events if event.turn > rounds), 0)


def everybody_at(scene: Scene, names: Iterable[str]) -> tuple[str, ...]:
    """Return who of the cast sees what one of `names` does, in the order of the cast."""
    there = {other for name in names for other in scene.together_with(name)}
    return tuple(name for name in scene.names if name in there)
