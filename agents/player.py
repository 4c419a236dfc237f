"""Who plays against the cast from outside: questions from a list, from a model, or typed by a person."""

from collections.abc import Awaitable, Callable

from agents.character import Character, Voice
from scenes.chat import Call
from scenes.event import Draft
from scenes.scenario import PlayerSpec, Scenario
from scenes.scene import Scene

PERSON = "person"
"""The model's name under which a request reaches the person at the terminal; what is typed is a completion."""

Player = Callable[[Call, int], Awaitable[list[Draft]]]
"""Ask the question of a turn."""


def player_of(scene: Scene, spec: PlayerSpec, voice: Voice) -> Player:
    """Return the player of `scene`."""
    if spec.questions is not None:
        return _asking(spec.questions)
    return _playing(Character(scene.view(spec.name), voice, scene.seed))


def _asking(questions: tuple[str, ...]) -> Player:
    async def ask(call: Call, turn: int) -> list[Draft]:
        return [Draft(kind="speech", text=questions[turn - 1])]

    return ask


def _playing(character: Character) -> Player:
    async def ask(call: Call, turn: int) -> list[Draft]:
        return await character.speak(call, f"t{turn:02d}/player/ask")

    return ask


def turns_of(scenario: Scenario) -> int:
    """Return how many replies an episode has: a list of questions ends when it is used up."""
    spec = scenario.player
    if spec is None or spec.questions is None:
        return scenario.turns
    return min(scenario.turns, len(spec.questions))
