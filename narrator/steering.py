"""How the narrator leads: one of a closed set of decisions, each open to it only where it can be carried out.

The five are the vocabulary of AdaMARP's scene manager (arXiv 2601.11007).
"""

from functools import lru_cache
from typing import Any, Literal

from pydantic import create_model

from agents.decision import Offered, Phrase, Sentence
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


def steering_decisions(scene: Scene) -> tuple[str, ...]:
    """Return what the narrator may decide now."""
    scenario = scene.setting.scenario
    seen = set().union(*scene.seen.values())
    occupied = {scene.standings[name].place for name in scene.present}
    kept = [name for name, spec in scenario.images.items() if spec.reserve]
    return (
        *(f"{PICK} {name}" for name in scene.present),
        *(f"{SWITCH} {place}" for place in scenario.places if occupied != {place}),
        *((SWITCH,) if not scenario.places else ()),
        *(f"{ADD} {name}" for name in scene.reserve),
        *(f"{SHOW} {name}" for name in kept if scene.setting.gallery[name].image not in seen),
        *((END,) if set(scene.present) <= set(scene.acted) else ()),
    )


@lru_cache(maxsize=1_000)
def steering_form(decisions: tuple[str, ...], is_short: bool) -> type[Steering]:
    """Return the form that offers `decisions`, with a reason of a sentence or of a few words."""
    offered: Any = Literal[decisions]
    reason: Any = Phrase if is_short else Sentence
    return create_model("Steering", __base__=Steering, reason=(reason, ...), decision=(offered, ...))
