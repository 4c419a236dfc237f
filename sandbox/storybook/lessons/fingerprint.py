"""A fingerprint of the sandbox's prompts: whether they still are what the embedded model was trained on."""

import asyncio
from collections.abc import Iterator
from hashlib import blake2b
from typing import Any

from agents.prompts.layouts import LAYOUTS
from sandbox.play import play
from scenes.chat import Completion, Request
from scenes.profile import CharacterProfile
from scenes.scenario import Scenario
from scenes.scene import Scene, Setting, Shown

_CAST = (
    {
        "name": "Ada Wick", "role": "a gloomy weaver", "likes": ["boat"], "hates": ["fog"], "address": "petal",
        "catchphrases": ["so it goes"], "introduction": "Ada Wick is a gloomy weaver.", "personality": "She sighs.",
    },
    {"name": "Bo Lund", "role": "a merry piper", "likes": ["tree", "kite"], "hates": ["cat"], "address": "chum"},
)  # fmt: skip
_SCENES: tuple[dict[str, Any], ...] = (
    {"kind": "comment", "player": {"questions": ["Comment on the picture."] * 2}},
    {"kind": "human-role", "player": {"name": "Rosa", "questions": ["What do you see?", "Why?"]}},
    {"kind": "inter-role", "turns": 4, "opening": [{"Bo Lund": "Evening."}]},
    {"kind": "story", "turns": 4, "narrator": {}, "turn_policy": "narrator", "premise": "A quay.", "time": "dusk"},
)
_PRIVATE: tuple[dict[str, Any], ...] = (
    {"kind": "inter-role", "turns": 4, "mind": "bdi", "interview": [{"ask": "Who is it?", "choices": "cast"}]},
)
"""What a text that the whole cast reads cannot hold."""


def prompt_fingerprint() -> str:
    """Return a digest of all that is asked in a few fixed scenes, in every layout: 16 hexadecimal digits."""
    digest = blake2b(digest_size=8)
    for request in _requests():
        digest.update(request.prompt.id + (request.form or "").encode())
    return digest.hexdigest()


def _requests() -> Iterator[Request]:
    for layout in LAYOUTS.values():
        for scene in (*_SCENES, *(() if layout.shared else _PRIVATE)):
            yield from _asked({**scene, "layout": layout.name})


def _asked(told: dict[str, Any]) -> list[Request]:
    asked: list[Request] = []

    async def call(key: str, request: Request) -> Completion:
        asked.append(request)
        return Completion(text="(nods) So it is." if request.form is None else "{}")

    size = 1 if told["kind"] in ("comment", "human-role") else 2
    profiles = tuple(CharacterProfile.model_validate(one) for one in _CAST[:size])
    members = [{"character": profile, "state": "tired"} for profile in profiles]
    scenario = Scenario.model_validate({"schema_version": 1, "title": "Fixed", "cast": members, **told})
    setting = Setting(scenario, profiles, ((Shown("picture"),),) * size, {"picture": Shown("picture")})
    asyncio.run(play(Scene(setting, 0), LAYOUTS[told["layout"]], call, lambda events: None))
    return asked
