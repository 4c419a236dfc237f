"""The first request of everybody in a scene, found by playing it with replies that are only marked, not made."""

import asyncio

from sandbox.models import layout_of
from sandbox.play import play
from scenes.chat import CallFailed, Completion, Prompt, Request
from scenes.scene import Scene

UNSPOKEN = "…"
"""Stands for a reply that a model would give."""


class _AllAsked(CallFailed):
    """Everybody has been asked; the rest of the scene does not matter."""


def first_prompts(scene: Scene) -> dict[str, Prompt | None]:
    """Return each character's first prompt by name, with its narrator's and its player's if a model plays them.

    Exact but for what others reply before it, which stands as `…`. None for one who never gets a turn.
    """
    asked: dict[str, Prompt] = {}
    waited_for = {f"{scene.keys[name]}/speak" for name in scene.names}

    async def ask(key: str, request: Request) -> Completion:
        asked.setdefault(key.split("/", 1)[1], request.prompt)
        if waited_for <= asked.keys():
            raise _AllAsked
        return Completion(text=UNSPOKEN)

    async def playing() -> None:
        try:
            await play(scene, layout_of(scene.setting.scenario), ask, lambda events: None)
        except _AllAsked:
            return

    asyncio.run(playing())
    cast: dict[str, Prompt | None] = {name: asked.get(f"{scene.keys[name]}/speak") for name in scene.names}
    return _outside(asked) | cast


def _outside(asked: dict[str, Prompt]) -> dict[str, Prompt | None]:
    """Return the prompts of those who are not of the cast."""
    roles = {"narrator/open": "Narrator", "player/ask": "Player"}
    return {name: asked[key] for key, name in roles.items() if key in asked}
