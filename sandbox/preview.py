"""What everybody in a scene is asked first, found by playing it with replies that are only marked, not made."""

import asyncio
from collections.abc import Callable

from agents.player import turns_of
from sandbox.models import layout_of
from sandbox.performance import Performance
from sandbox.purpose import INTERVIEW, first_asked, purpose_of
from scenes.chat import Completion, Prompt, Request
from scenes.event import NARRATOR
from scenes.names import named
from scenes.scene import Scene

UNSPOKEN = "…"
"""Stands for a reply that a model would give. As a decision it cannot be read, so the next in order goes on."""
PLAYER = "Player"
MOST_ROUNDS = 10
"""Rounds after which somebody who was not asked yet is taken never to be."""
PLAIN = ("open", "ask", "speak")
"""What somebody is asked for in the first place, which needs no name."""

Asked = list[tuple[str, Request]]
"""Keys and what is asked under them, in order."""


def first_prompts(scene: Scene) -> dict[str, Prompt | None]:
    """Return each character's first prompt by name, with the narrator's and a player's if a model plays them.

    What somebody is asked besides, to judge a deed for instance or what it now believes, goes by its name and that:
    `Narrator: judge`, `Pip: interview 2`. Exact but for what others reply before it, which stands as `…`. None for one
    who never gets a turn.
    """
    shown: dict[str, Prompt | None] = {}
    for key, request in _rehearsed(scene, lambda request: UNSPOKEN)[0]:
        purpose = purpose_of(key)
        asker = _asker(scene, key)
        shown.setdefault(asker if purpose in PLAIN else f"{asker}: {_what(key)}", request.prompt)
    outside = {name: shown.pop(name) for name in (NARRATOR, PLAYER) if name in shown}
    return outside | {name: shown.pop(name, None) for name in scene.names} | shown


def _what(key: str) -> str:
    """Return what somebody is asked for, and of an interview which question: `interview 2`."""
    purpose = purpose_of(key)
    return f"{purpose} {key.split('/')[1]}" if purpose == INTERVIEW else purpose


def longest_requests(scene: Scene) -> dict[str, list[Request]]:
    """Return what is asked by who is asked, all the cast among them, whoever is on the stage.

    Replies are as long as they may be, and so is what prompts say of them besides the history. What is asked again is
    left out: `agents.decision.repairs` gives it.
    """
    asked, performance = _rehearsed(scene, lambda request: "a " * request.sampling.max_tokens)
    requests: dict[str, list[Request]] = {name: [] for name in scene.names}
    for key, request in asked:
        if key == first_asked(key):
            requests.setdefault(_asker(scene, key), []).append(request)
    for name in scene.names:
        requests[name] = requests[name] or [performance.character(name).request("room")]
    return requests


def _asker(scene: Scene, key: str) -> str:
    """Return who is asked under `key`."""
    asker = key.split("/")[2 if purpose_of(key) == INTERVIEW else 1]
    outside = {"narrator": NARRATOR, "player": PLAYER}
    return next((name for name, short in scene.keys.items() if short == asker), None) or outside[asker]


def _rehearsed(scene: Scene, reply: Callable[[Request], str]) -> tuple[Asked, Performance]:
    """Play `scene` until everybody had a turn and one more came, or long enough, and hold its interview.

    Return all that was asked, and who played.
    """
    asked: Asked = []
    waiting = _expected(scene)

    async def ask(key: str, request: Request) -> Completion:
        asked.append((key, request))
        if purpose_of(key) == "speak":
            waiting.discard(_asker(scene, key))
        return Completion(text=reply(request))

    performance = Performance(scene, layout_of(scene.setting.scenario), ask)
    asyncio.run(_rehearse(scene, performance, waiting))
    return asked, performance


async def _rehearse(scene: Scene, performance: Performance, waiting: set[str]) -> None:
    await performance.open()
    last = _most_turns(scene)
    while scene.turn < last and not performance.is_over:
        last = last if waiting else scene.turn + 1
        scene.turn += 1
        await performance.turn()
    await performance.interview()


def _most_turns(scene: Scene) -> int:
    scenario = scene.setting.scenario
    order = scenario.turn_policy if isinstance(scenario.turn_policy, tuple) else ()
    return min(turns_of(scenario), max(MOST_ROUNDS * len(scene.names), len(order)))


def _expected(scene: Scene) -> set[str]:
    """Return who may get a turn without being brought in."""
    order = scene.setting.scenario.turn_policy
    if not isinstance(order, tuple):
        return {*scene.present}
    places = {named(name, scene.setting.profiles) for name in order}
    return {name for name in scene.present if scene.names.index(name) in places}
