"""How the narrator leads: one of a closed set of decisions, each open to it only where it can be carried out.

The five are the vocabulary of AdaMARP's scene manager (arXiv 2601.11007).
"""

from dataclasses import replace
from functools import lru_cache
from typing import Any, Literal

from pydantic import create_model

from agents.decision import Decision, Offered, Phrase, Sentence
from narrator.chronicle import not_yet_shown
from scenes.scene import Scene

PICK, SWITCH, ADD, SHOW, END = "pick_speaker", "switch_scene", "add_role", "show_image", "end"


class Steering(Offered):
    """What comes next, and why; the reason is nobody else's."""

    reason: str = ""
    decision: str

    @property
    def action(self) -> str:
        """Which of the five it is."""
        return self.decision.split(" ", 1)[0]

    @property
    def object(self) -> str:
        """Whom or what it is about: a character, a place, a picture; empty if it needs none."""
        return self.decision.partition(" ")[2]


def steering_decisions(scene: Scene, is_short: bool) -> tuple[str, ...]:
    """Return what the narrator may decide now.

    That the scene goes on later, and not elsewhere, is nothing for a small model, which is told of no time.
    """
    scenario = scene.setting.scenario
    occupied = {scene.standings[name].place for name in scene.present}
    return (
        *(f"{PICK} {name}" for name in scene.present),
        *(f"{SWITCH} {place}" for place in scenario.places if occupied != {place}),
        *((SWITCH,) if not (scenario.places or is_short) else ()),
        *(f"{ADD} {name}" for name in scene.reserve),
        *(f"{SHOW} {name}" for name in not_yet_shown(scene)),
        *((END,) if set(scene.present) <= set(scene.acted) else ()),
    )


@lru_cache(maxsize=1_000)
def steering_form(decisions: tuple[str, ...], is_short: bool) -> type[Steering]:
    """Return the form that offers `decisions`, with a reason of a sentence or of a few words.

    A small model finds whom or what each is about at its beginning, as in the lines that it knows: `Pip: pick_speaker`.
    It chooses by the first letters and has no word for what they say, so among actions it would take one and the same.
    """
    offered: Any = Literal[tuple(map(_turned, decisions)) if is_short else decisions]
    reason: Any = Phrase if is_short else Sentence
    return create_model("Steering", __base__=Steering, reason=(reason, ...), decision=(offered, ...))


def _turned(decision: str) -> str:
    action, _, about = decision.partition(" ")
    return f"{about}: {action}" if about else action


def straightened(short: Decision[Steering]) -> Decision[Steering]:
    """Return the decision that one in the form for small models is."""
    if short.made is None:
        return short
    about, _, action = short.made.decision.rpartition(": ")
    return replace(short, made=short.made.model_copy(update={"decision": f"{action} {about}".strip()}))
