"""Questions put to characters in private, after a scene or in its middle: free, or with answers to choose from."""

from collections.abc import Callable, Sequence

from agents.character import Character
from agents.prompts.wording import worded
from scenes.chat import Call, together
from scenes.event import INTERVIEWER, Draft, Event
from scenes.names import folded
from scenes.scenario import InterviewQuestion
from scenes.scene import Scene

ASK = "You are asked in private, and nobody else will hear it: {question}"


async def hold(scene: Scene, character: Callable[[str], Character], call: Call) -> list[Event]:
    """Put the scenario's questions to those they are for, each to all at once. Raises `CallFailed`."""
    events: list[Event] = []
    for number, question in enumerate(scene.setting.scenario.interview, start=1):
        names = _asked(scene, question)
        choices = tuple(_met(scene)) if question.choices == "cast" else question.choices
        answers = await together(
            *(
                answer(character(name), call, f"interview/{number}/{scene.keys[name]}", question.ask, choices)
                for name in names
            )
        )
        for name, given in zip(names, answers, strict=True):
            events += scene.add(INTERVIEWER, [Draft(kind="speech", text=question.ask, audience=(name,))])
            scored = given.model_copy(update={"score": _score(given, question), "audience": (name,)})
            events += scene.add(name, [scored])
    return events


def _asked(scene: Scene, question: InterviewQuestion) -> list[str]:
    """Return those of whom the question is asked."""
    wanted = scene.names if question.to == "all" else [question.to] if isinstance(question.to, str) else question.to
    return [name for name in _met(scene) if name in wanted]


def _met(scene: Scene) -> list[str]:
    """Return those of the cast that have been on the stage; the others nobody knows of."""
    return [name for name in scene.names if name in scene.present or scene.view(name).past]


async def answer(
    character: Character, call: Call, key: str, question: str, choices: Sequence[str] | None = None
) -> Draft:
    """Return what a character answers; no text if it was to choose and no choice could be read. Raises `CallFailed`."""
    asked = worded(ASK, character.view.language).format(question=question)
    if choices is None:
        return Draft(kind="speech", text=await character.consider(call, key, asked), call=key)
    decision = await character.choose(call, key, asked, choices)
    text = decision.made.answer if decision.made else ""
    return Draft(kind="speech", text=text, flags=decision.flags, call=decision.key)


def _score(given: Draft, question: InterviewQuestion) -> float | None:
    if question.truth is None or not given.text:
        return None
    return float(folded(given.text) == folded(question.truth))
