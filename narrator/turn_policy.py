"""Who acts next. A policy is one plain function from the scene to a name of its cast, or to several at once."""

from collections.abc import Callable, Iterable, Sequence
from inspect import iscoroutine
from itertools import groupby
from pathlib import Path
from random import Random
from traceback import extract_tb

from scenes.names import named, names_in, names_of
from scenes.scenario import PolicyName, Scenario
from scenes.scene import Scene

Policy = Callable[[Scene, Random], str | Sequence[str]]
"""Gets the scene before its next turn, and a generator of its own for that turn; those it names act at once."""
_A_REPLY = ("speech", "action", "thought")


class PolicyFailed(Exception):
    """A policy broke, or named nobody who is on the stage; the message says so."""


def round_robin(scene: Scene, rng: Random) -> str:
    """The next of the cast on the stage after whoever had the last turn."""
    if not scene.acted:
        return scene.present[0]
    after = scene.names.index(scene.acted[-1]) + 1
    order = scene.names[after:] + scene.names[:after]
    present = scene.present
    return next(name for name in order if name in present)


def random(scene: Scene, rng: Random) -> str:
    """Anybody on the stage but the one who had the last turn."""
    last = scene.acted[-1] if scene.acted else None
    return rng.choice([name for name in scene.present if name != last] or scene.present)


def mention(scene: Scene, rng: Random) -> str:
    """Whomever the last reply named last; the next of the cast where it named nobody else who is on the stage."""
    speaker, words = _last_reply(scene)
    profiles = scene.setting.profiles
    called = [named(name, profiles) for name in names_in(words, names_of(profiles))]
    others = [scene.names[index] for index in called if index is not None and scene.names[index] != speaker]
    there = [name for name in others if name in scene.present]
    return there[-1] if there else round_robin(scene, rng)


def _last_reply(scene: Scene) -> tuple[str | None, str]:
    """Return who spoke or acted last, the player included, and all that was said then."""
    turns = (event for event in reversed(scene.events) if event.kind in _A_REPLY)
    for (_, actor), events in groupby(turns, lambda event: (event.turn, event.actor)):
        said = [event.text for event in events if event.kind == "speech"]
        return actor, " ".join(reversed(said))
    return None, ""


def simultaneous(scene: Scene, rng: Random) -> Sequence[str]:
    """Everybody on the stage, each without knowing what the others are doing meanwhile."""
    return scene.present


def narrator(scene: Scene, rng: Random) -> str:
    """Whom the narrator picked; the next of the cast where it picked nobody."""
    return scene.picked if scene.picked in scene.present else round_robin(scene, rng)


def in_order(names: tuple[str, ...]) -> Policy:
    """Return the policy that goes through `names` again and again, passing over who is not on the stage."""

    def policy(scene: Scene, rng: Random) -> str:
        at = (scene.turn - 1) % len(names)
        places = (named(name, scene.setting.profiles) for name in names[at:] + names[:at])
        speakers = (scene.names[place] for place in places if place is not None)
        return next((name for name in speakers if name in scene.present), None) or round_robin(scene, rng)

    return policy


TURN_POLICIES: dict[PolicyName, Policy] = {
    "round_robin": round_robin,
    "random": random,
    "mention": mention,
    "simultaneous": simultaneous,
    "narrator": narrator,
}


def policy_of(scenario: Scenario) -> Policy:
    """Return the policy that the scenario names."""
    policy = scenario.turn_policy
    return in_order(policy) if isinstance(policy, tuple) else TURN_POLICIES[policy]


def draws_lots(policy: Policy) -> bool:
    """Return whether `policy` may draw lots: that called `random` does, and one of a user's own may."""
    return policy is random or policy not in TURN_POLICIES.values()


def next_actors(policy: Policy, scene: Scene, rng: Random) -> tuple[str, ...]:
    """Return who acts next by `policy`, in the order of the cast. Raises `PolicyFailed`."""
    try:
        chosen: object = policy(scene, rng)
        if isinstance(chosen, Iterable) and not isinstance(chosen, str):
            chosen = list(chosen)
    except (Exception, SystemExit) as error:  # a policy may be a user's own: whatever breaks in it is told as such
        at = extract_tb(error.__traceback__)[-1]
        where = f"{Path(at.filename).name}:{at.lineno}"
        raise PolicyFailed(f"the turn policy failed at {where}: {type(error).__name__}: {error}") from error
    called = _names(chosen)
    places = [named(name, scene.setting.profiles) for name in called]
    names = [scene.names[place] for place in places if place is not None]
    strangers = [name for name, place in zip(called, places, strict=True) if place is None]
    present = scene.present
    strangers += [name for name in names if name not in present]
    if strangers or not names:
        raise PolicyFailed(f"the turn policy named {strangers or 'nobody'}; on the stage are: {', '.join(present)}")
    return tuple(name for name in present if name in names)


def _names(chosen: object) -> list[str]:
    """Return the names that a policy gave, whatever it gave. Raises `PolicyFailed`."""
    names = [chosen] if isinstance(chosen, str) else chosen
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        if iscoroutine(chosen):
            chosen.close()  # or Python complains that nobody waited for it
        raise PolicyFailed(
            f"the turn policy returned {type(chosen).__name__}; let it return a name from scene.present, or a list"
        )
    return names
