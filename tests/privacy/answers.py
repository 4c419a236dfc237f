"""Answers to every request that play makes, each with strings that were never said before."""

import json
import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from random import Random
from typing import Any

from privacy.plays import PLACES, WHISPERED

from scenes.chat import Request
from scenes.event import NARRATOR
from scenes.names import names_of
from scenes.scene import Scene, Setting

_STRING = re.compile(r"[a-z]+-(?:\d+|o[fn]-[A-Za-z]+)")
WHISPERS = ("whispers to {one}", "leans over and whispers in the ear of {one}", "对{one}耳语")
GLANCES = (
    "whispers to {one}, with an eye on {other}",
    "glances at {other} and whispers to {one}",
    "turns to {other}, then leans over to {one} and whispers",
)
NOBODY = "Wraith"
"""Whom nobody in any play is called; what is whispered to that name reaches nobody."""
WHISPERS_TO_TWO = ("whispers to {one} and {other}", "小声对{one}和{other}说")
WAYS = ("goes to the {place}", "quickly walks into {place}", "走到{place}", "nods, then climbs back up to the {place}")
DEEDS = {"say": 6.0, "act": 4.0, "think": 3.0, "whisper": 4.0, "aloud": 1.0, "go": 3.0, "leave": 0.4}
"""What a reply is made of, and how often."""


@lru_cache(maxsize=100_000)
def strings_in(text: str) -> frozenset[str]:
    """Return the planted strings in a text."""
    return frozenset(_STRING.findall(text))


def in_order(text: str) -> Iterator[str]:
    """Yield the planted strings in a text one after another."""
    yield from _STRING.findall(text)


def outsider(setting: Setting) -> str | None:
    """Return the name of the player who asks, and is everywhere."""
    player = setting.scenario.player
    return player.name if player and player.plays is None else None


def who_is_asked(scene: Scene, key: str) -> str:
    """Return who answers the call of that key: one of the cast, the narrator or the player."""
    parts = key.split("/")
    who = parts[2] if parts[0] == "interview" else parts[1]
    outside = {"narrator": NARRATOR, "player": outsider(scene.setting)}
    return outside.get(who) or next(name for name, short in scene.keys.items() if short == who)


class Answers:
    """Answers by the key of a call and the form of its request."""

    def __init__(self, scene: Scene, rng: Random) -> None:
        self._scene, self._rng = scene, rng
        self._planted = 0
        self._heard: list[str] = []
        """The strings in the request that is being answered."""
        self._others: list[str] = []
        """Every name of anybody but the one who is answering."""
        self.whispered: dict[str, Sequence[str]] = dict(WHISPERED)
        """To whom a string was whispered when it was first said."""

    def __call__(self, key: str, request: Request) -> str:
        """Return the answer to `request`, which was asked under `key`."""
        self._heard = sorted(set().union(*(strings_in(one.text) for one in request.prompt.segments())))
        if request.form:
            return self._decision(json.loads(request.form), 0.5 if "/again" in key else 0.15)
        what = "answer" if key.startswith("interview/") else key.split("/")[2].split("-")[0]
        if what not in ("speak", "react", "ask"):
            return f"{self._new(what)}."
        self._others = self._names_but(who_is_asked(self._scene, key))
        return self._reply()

    def _names_but(self, speaker: str) -> list[str]:
        others = [profile for profile in self._scene.setting.profiles if profile.name != speaker]
        player = outsider(self._scene.setting)
        return names_of(others) + ([player] if player and player != speaker else [])

    def _new(self, what: str) -> str:
        """Return a new string, and now and then one that the request held."""
        self._planted += 1
        return f"{what}-{self._planted}" + self._again()

    def _again(self) -> str:
        return f" {self._rng.choice(self._heard)}" if self._heard and self._rng.random() < 0.15 else ""

    def _decision(self, form: dict[str, Any], unreadable: float) -> str:
        """Return a decision that fits, or as often as that one that cannot be read."""
        return self._new("lost") if self._rng.random() < unreadable else json.dumps(self._filled(form, ""))

    def _filled(self, part: dict[str, Any], name: str) -> Any:
        if "const" in part or "enum" in part:
            return self._one_of(part.get("enum") or [part["const"]])
        if "anyOf" in part:
            return self._filled(self._rng.choice(part["anyOf"]), name)
        if part["type"] == "array":
            return [self._filled(part["items"], name) for _ in range(self._rng.choice([0, 1, 1, 2]))]
        if part["type"] == "object":
            return {key: self._filled(value, key) for key, value in part["properties"].items()}
        return None if part["type"] == "null" else self._new(name)

    def _one_of(self, offered: Sequence[str]) -> str:
        """Return one of what is offered, each kind of decision as often as another; the end comes seldom."""
        kinds = {choice.split(" ")[0] for choice in offered}
        if len(kinds) > 1 and self._rng.random() < 0.8:
            kinds.discard("end")
        kind = self._rng.choice(sorted(kinds))
        return self._rng.choice([choice for choice in offered if choice.split(" ")[0] == kind])

    def _reply(self) -> str:
        """Return what one says and does: aloud until it whispers, and to those few until it speaks aloud again."""
        parts, to = list[str](), tuple[str, ...]()
        for what in self._rng.choices(list(DEEDS), list(DEEDS.values()), k=self._rng.randint(1, 4)):
            action, to = self._action(what, to)
            said = f"{self._said(to)}." if what in ("say", "whisper", "aloud") else ""
            parts += [part for part in (action, said) if part]
        return " ".join(parts)

    def _action(self, what: str, to: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
        """Return how something is done, and who hears what is said from then on; nobody named is everybody."""
        if what == "whisper":
            action, to = self._whisper()
            return f"({action})", to
        place = self._rng.choice(list(PLACES)).replace("_", " ")
        way = self._rng.choice(WAYS).format(place=place)
        actions = {"say": "", "act": f"({self._new('act')})", "think": f"[{self._new('think')}]"}
        actions |= {"aloud": "(aloud)", "go": f"({way})", "leave": "(leaves)"}
        return actions[what], () if what == "aloud" else to

    def _said(self, to: tuple[str, ...]) -> str:
        new = self._new("whisper" if to else "say")
        if to:
            self.whispered[new.split(" ")[0]] = to
        return f"{new}, {self._rng.choice(self._others)}"

    def _whisper(self) -> tuple[str, tuple[str, ...]]:
        one, other = self._rng.choice(self._others), self._rng.choice(self._others)
        forms = self._rng.choice([WHISPERS, WHISPERS, GLANCES, WHISPERS_TO_TWO])
        one = NOBODY if forms != WHISPERS_TO_TWO and self._rng.random() < 0.1 else one
        to = (one, other) if forms == WHISPERS_TO_TWO else (one,)
        return self._rng.choice(forms).format(one=one, other=other), to
