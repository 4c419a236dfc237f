"""Watches a play, and says whether each request holds what the one who is asked could know, no more and no less."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

from privacy.answers import Answers, in_order, strings_in, who_is_asked
from privacy.knowledge import Knowledge, Strings, strings_of
from privacy.world import World, is_inner

from agents.prompts.layout import Layout
from sandbox.play import Fork
from scenes.chat import Request
from scenes.event import NARRATOR, Event
from scenes.scene import Scene

FOR_ITSELF = ("steer", "summary")
"""What the narrator is asked for that nobody is told."""
NEVER_TOLD = ("reason-", "summary-", "lost-")
"""How strings begin that nobody is ever told: what the narrator thinks, and what could not be read."""

REMEMBERED = ("You remember:", "你记得：", "Before: ")
"""What stands before a forgotten turn that is told again."""


class Leak(AssertionError):
    """Somebody was told or shown what it could not know."""


class Gap(AssertionError):
    """Somebody was not told what it perceived, or did not perceive what it should have."""


class Witness:
    """Follows one play from request to request."""

    def __init__(self, scene: Scene, layout: Layout, answers: Answers, forks: Sequence[Fork] = ()) -> None:
        self._scene, self._layout, self._answers, self._forks = scene, layout, answers, forks
        self._world = World(scene)
        self._known = Knowledge(scene, self._world)
        self._read = 0
        self._unknown: dict[str, dict[str, Strings]] = {}
        """Of what the narrator was told under a key, what everybody else did not know then."""
        self.happened: Counter[str] = Counter()
        """What kinds of things there were, so that a test can say that there were all."""

    # What happens

    def look(self) -> None:
        """Take in what has happened since, and check who perceived it."""
        self._notice_fork()
        new = self._scene.events[self._read :]
        for event, following in pairwise([*new, None]):
            if event:
                self._take_in(event, following)
        self._read += len(new)

    def _notice_fork(self) -> None:
        setting = self._scene.setting
        if setting is self._world.setting:
            return
        now = dict(zip(self._world.names, self._scene.names, strict=True))
        self._layout = next(fork.layout for fork in self._forks if fork.setting is setting)
        self._world.recast(setting, now)
        self._known.recast(now)
        self.happened["recast" if any(old != new for old, new in now.items()) else "fork"] += 1

    def _take_in(self, event: Event, following: Event | None) -> None:
        self._check_sight(event)
        expected = self._world.happens(event, following, self._whispered(event))
        _compare(event, expected)
        self._check_words(event)
        self._known.grow(event, expected)
        self.happened.update(kinds_of(event, self._scene.present))

    def _whispered(self, event: Event) -> Sequence[str] | None:
        """Return to whom a string was whispered, if it was and is first said here; a shared text has no whispers."""
        if self._layout.shared or event.kind != "speech":
            return None
        return self._answers.whispered.get(next(in_order(event.text), ""))

    def _check_sight(self, event: Event) -> None:
        """Fail if a picture comes into sight that whoever sees it could not see."""
        if not event.image:
            return
        setting = self._scene.setting
        kept = {setting.gallery[name].image for name, spec in setting.scenario.images.items() if spec.reserve}
        if event.image not in (kept if event.actor == NARRATOR else self._world.may_see(event.actor, event.turn)):
            raise Leak(f"nobody could see this picture: {event}")

    def _check_words(self, event: Event) -> None:
        """Fail if somebody perceives words that are for nobody, or that were made from what it does not know."""
        words = strings_in(event.text)
        _none({word for word in words if word.startswith(NEVER_TOLD)} if event.visible_to else set(), str(event), Leak)
        unknown = self._unknown.get(event.call or "", {}) if words else {}
        for name in event.visible_to:
            _none(unknown.get(name, set()), f"{name} is told what was made from this: {event}", Leak)

    # What is asked

    def ask(self, key: str, request: Request) -> None:
        """Check the request that is asked under `key`."""
        self.look()
        self.happened.update(kinds_of_request(key, request))
        name = who_is_asked(self._scene, key)
        found, shown = _strings_told(request), _pictures_told(request)
        if name != NARRATOR:
            self._check_request(name, key, found)
            self._check_pictures(name, key, shown)
        elif key.split("/")[2] in FOR_ITSELF:
            self._check_leading(key, found)
        else:
            self._check_telling(key, found, shown)

    def _check_request(self, name: str, key: str, found: Strings) -> None:
        """Check what one of the cast, or the player, is told."""
        may = self._known.of(name) | self._question(key)
        _none(found - may, f"{name} is told too much in {key}", Leak)
        _none(self._always(name) - found, f"{name} is not told of itself in {key}", Gap)
        told = [event for event in self._known.perceived[name] if self._is_told(event)]
        left_out = [event for event in told if strings_in(event.text) - found]
        if left_out and not self._may_forget(name, left_out[-1], told):
            raise Gap(f"{name} is not told in {key}: {left_out[-1]}")

    def _check_pictures(self, name: str, key: str, shown: set[str]) -> None:
        seen = self._known.seen(name)
        _none(shown - seen, f"{name} is shown too much in {key}", Leak)
        _none(seen - shown if not self._is_long(name) else set(), f"{name} is not shown all in {key}", Gap)

    def _check_leading(self, key: str, found: Strings) -> None:
        """Check what the narrator is told for itself: all that happened, and secrets only if it may."""
        narrator = self._scene.setting.scenario.narrator
        secrets = set().union(*map(self._known.secrets, self._scene.names))
        told = secrets if narrator and narrator.knows_secrets else set()
        _none(found - self._known.everything() - told, f"the narrator is told too much in {key}", Leak)
        _none(told - found if self._layout.name != "compact" else set(), f"the narrator lacks secrets in {key}", Gap)
        _none(strings_of(self._lately()) - found, f"the narrator misses in {key}", Gap)

    def _check_telling(self, key: str, found: Strings, shown: set[str]) -> None:
        """Check what the narrator is told so as to tell others: what all of them know, and nothing else."""
        audience = self._world.listen(key, self._named_in(key))
        self._unknown[key] = {name: self._known.unknown(name, found, shown) for name in self._known.perceived}
        for name in sorted(audience):
            _none(self._unknown[key][name], f"the narrator is told what {name} does not know in {key}", Leak)
        in_heads = found - self._known.outside_of_heads - self._known.plain_to(audience)
        _none(in_heads, f"the narrator looks into heads in {key}", Leak)
        shared = [event for event in self._lately() if audience and audience <= event.visible_to.keys()]
        _none(strings_of(shared) - found, f"the narrator misses in {key}", Gap)

    def _named_in(self, key: str) -> str | None:
        """Return of whom a call of the narrator speaks, if its key says so: `t02/narrator/judge-brack`."""
        short = key.split("/")[2].partition("-")[2]
        return next((name for name, known in self._scene.keys.items() if known == short), None)

    def _question(self, key: str) -> Strings:
        """Return what is asked in private under `key`."""
        if not key.startswith("interview/"):
            return frozenset()
        question = self._scene.setting.scenario.interview[int(key.split("/")[1]) - 1]
        return strings_in(f"{question.ask} {question.choices}")

    # What has to be told

    def _always(self, name: str) -> Strings:
        """Return what of itself somebody is told in every request."""
        if name not in self._scene.names or self._layout.shared:
            return frozenset()
        if self._layout.name == "compact":
            return self._known.beliefs(name) | self._known.secret(name)
        return self._known.beliefs(name) | self._known.secrets(name) | self._known.standing(name)

    def _is_told(self, event: Event) -> bool:
        """Return whether the layout tells of such an event, to whom perceived it."""
        if event.kind == "image":
            return self._layout.name != "compact"
        return not (is_inner(event) and (event.change or self._layout.shared))

    def _may_forget(self, name: str, last: Event, told: Sequence[Event]) -> bool:
        """Return whether `last` may have been forgotten: only to make room is it, and half of the room stays filled."""
        since = [event for event in told if event.index >= last.index or event.turn == last.turn]
        return self._is_long(name) and _words(since) > self._room() // 2

    def _is_long(self, name: str) -> bool:
        """Return whether the past of somebody may be too long to be told in full."""
        return _words(self._known.perceived[name]) > self._room()

    def _room(self) -> int:
        return self._scene.setting.scenario.memory.words or self._layout.words

    def _lately(self) -> list[Event]:
        """Return what happened in this turn for others to perceive; a small narrator is told of the cast alone."""
        this_turn = (event for event in self._scene.events if event.turn == self._scene.turn)
        kinds = ("speech", "action") if self._layout.name == "compact" else ("speech", "action", "narration")
        return [event for event in this_turn if event.kind in kinds]


def _compare(event: Event, expected: dict[str, str]) -> None:
    """Fail if not those perceived an event who should, or in another way."""
    too_many = [name for name in event.visible_to if name not in expected]
    if too_many:
        raise Leak(f"{too_many} perceive what they cannot: {event}")
    if event.visible_to != expected:
        raise Gap(f"expected {expected}: {event}")


def _none(strings: Strings, what: str, failure: type[AssertionError]) -> None:
    """Fail if there are any."""
    if strings:
        raise failure(f"{what}: {sorted(strings)}")


def _words(events: Iterable[Event]) -> int:
    """Return at least as many words as the past counts, which takes the events of a turn together."""
    texts = [event.text for event in events]
    return sum(3 + max(len(text.split()), sum(not char.isascii() for char in text)) for text in texts)


def _strings_told(request: Request) -> frozenset[str]:
    told = (strings_in(segment.text) for segment in request.prompt.segments())
    return frozenset().union(strings_in(request.form or ""), *told)


def _pictures_told(request: Request) -> set[str]:
    return {segment.image for segment in request.prompt.segments() if segment.image}


def kinds_of(event: Event, present: Sequence[str]) -> Iterator[str]:
    """Yield what sort of thing happened."""
    yield event.kind
    if event.to:
        yield f"{event.kind} to one who {'perceives' if set(event.to) & event.visible_to.keys() else 'misses'} it"
    if event.flags and event.flags.repaired:
        yield "defaulted" if event.flags.defaulted else "repaired"
    change = event.change.model_dump(exclude_none=True, exclude={"who"}) if event.change else {}
    yield from (f"{name} {value}" if name == "present" else name for name, value in change.items())
    if event.kind in ("speech", "action") and len(event.visible_to) < len(present):
        yield f"{event.kind} out of reach"
    if event.image:
        yield "shown to all" if event.actor == NARRATOR else "came into sight"


def kinds_of_request(key: str, request: Request) -> Iterator[str]:
    """Yield what sort of request it is."""
    what, _, of = key.split("/")[2].partition("-")
    kind = "interview" if key.startswith("interview/") else what
    yield f"{kind} apart" if of else kind
    if any(words in segment.text for segment in request.prompt.segments() for words in REMEMBERED):
        yield "remembered"
