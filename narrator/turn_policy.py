"""Who speaks next. A policy is one plain function from the scene to a name of its cast."""

import re
from collections.abc import Callable, Sequence
from itertools import groupby
from random import Random

from scenes.profile import CharacterProfile
from scenes.references import named
from scenes.scenario import PolicyName, Scenario
from scenes.scene import Scene

Policy = Callable[[Scene, Random], str]
"""Gets the scene before its next turn, and a generator of its own for that turn."""
TAKES_A_TURN = ("speech", "action", "thought")
"""Kinds of event by which somebody has had a turn, even if nobody else could tell."""
_LETTER = r"[^\W\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff]"
"""A letter of a script that parts words by spaces or marks, as Chinese, Japanese and Korean names are not."""


def last_speaker(scene: Scene) -> str | None:
    """Return who of the cast had the last turn."""
    for event in reversed(scene.events):
        if event.kind in TAKES_A_TURN and event.actor in scene.names:
            return event.actor
    return None


def round_robin(scene: Scene, rng: Random) -> str:
    """The next of the cast after whoever spoke last."""
    last = last_speaker(scene)
    return scene.names[0] if last is None else scene.names[(scene.names.index(last) + 1) % len(scene.names)]


def random(scene: Scene, rng: Random) -> str:
    """Anybody but the one who spoke last."""
    last = last_speaker(scene)
    return rng.choice([name for name in scene.names if name != last] or scene.names)


def mention(scene: Scene, rng: Random) -> str:
    """Whomever the last reply named last; the next of the cast where it named nobody else."""
    speaker, words = _last_reply(scene)
    profiles = scene.setting.profiles
    called = [named(name, profiles) for name in _names_in(words, profiles)]
    others = [scene.names[index] for index in called if index is not None and scene.names[index] != speaker]
    return others[-1] if others else round_robin(scene, rng)


def _last_reply(scene: Scene) -> tuple[str | None, str]:
    """Return who had the last turn, the player included, and all that was said in it."""
    turns = (event for event in reversed(scene.events) if event.kind in TAKES_A_TURN)
    for (_, actor), events in groupby(turns, lambda event: (event.turn, event.actor)):
        said = [event.text for event in events if event.kind == "speech"]
        return actor, " ".join(reversed(said))
    return None, ""


def _names_in(words: str, profiles: Sequence[CharacterProfile]) -> list[str]:
    """Return the names and aliases that `words` hold, in their order; of two that overlap the longer one."""
    names = [name for profile in profiles for name in (profile.name, *profile.aliases)]
    choices = "|".join(map(re.escape, sorted(names, key=len, reverse=True)))
    return re.findall(rf"(?<!{_LETTER})(?:{choices})(?!{_LETTER})", words, re.IGNORECASE)


def in_order(names: tuple[str, ...]) -> Policy:
    """Return the policy that goes through `names` again and again."""

    def policy(scene: Scene, rng: Random) -> str:
        index = named(names[(scene.turn - 1) % len(names)], scene.setting.profiles)
        assert index is not None, "the names of a turn policy are checked when the scenario is loaded"
        return scene.names[index]

    return policy


TURN_POLICIES: dict[PolicyName, Policy] = {"round_robin": round_robin, "random": random, "mention": mention}


def policy_of(scenario: Scenario) -> Policy:
    """Return the policy that the scenario names."""
    policy = scenario.turn_policy
    return in_order(policy) if isinstance(policy, tuple) else TURN_POLICIES[policy]
