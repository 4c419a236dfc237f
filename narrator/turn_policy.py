"""Who speaks next. A policy is one plain function from the scene to a name of its cast."""

import re
from collections.abc import Callable
from random import Random

from scenes.references import named
from scenes.scenario import PolicyName, Scenario
from scenes.scene import Scene

Policy = Callable[[Scene, Random], str]
"""Gets the scene before its next turn, and a generator of its own for that turn."""


def last_speaker(scene: Scene) -> str | None:
    """Return who of the cast spoke or acted last."""
    for event in reversed(scene.events):
        if event.kind in ("speech", "action") and event.actor in scene.names:
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
    """Whoever the last words named last; the next of the cast where they named nobody else."""
    spoken = next((event for event in reversed(scene.events) if event.kind == "speech"), None)
    if spoken is None:
        return round_robin(scene, rng)
    found = [
        (where, profile.name)
        for profile in scene.setting.profiles
        for name in (profile.name, *profile.aliases)
        if profile.name != spoken.actor and (where := _last_place(name, spoken.text)) >= 0
    ]
    return max(found)[1] if found else round_robin(scene, rng)


def _last_place(name: str, text: str) -> int:
    places = [match.start() for match in re.finditer(rf"(?<!\w){re.escape(name)}(?!\w)", text, re.IGNORECASE)]
    return places[-1] if places else -1


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
