"""Carrying out what the narrator decided: it changes the scene, and what the cast perceives of that are events."""

from collections.abc import Iterator

from agents.decision import Decision
from narrator.changes import change_told, entrance_told
from narrator.steering import ADD, END, PICK, SHOW, SWITCH, Steering
from scenes.event import NARRATOR, Change, Draft, Event
from scenes.scene import Scene


def lead(scene: Scene, decision: Decision[Steering]) -> list[Event]:
    """Let what was decided happen; what could not be read leaves the next turn to the order of the cast."""
    steering = decision.made
    scene.picked = None
    text = f"{steering.decision}: {steering.reason}" if steering else "no decision: the next in order"
    events = scene.add(NARRATOR, [Draft(kind="system", text=text, flags=decision.flags, call=decision.key)])
    if steering is None or steering.action == END:
        return events
    if steering.action == PICK:
        scene.picked = steering.object
        return events
    if steering.action == SHOW:
        return events + scene.show_all(steering.object, decision.key)
    changes = {ADD: _entrance, SWITCH: _switch}[steering.action](scene, steering.object)
    return events + scene.add(NARRATOR, [draft.model_copy(update={"call": decision.key}) for draft in changes])


def _entrance(scene: Scene, name: str) -> Iterator[Draft]:
    """Yield the entrance of one from the reserve: where the scenario puts it, or where it left."""
    index = scene.names.index(name)
    told = entrance_told(scene.setting.profiles[index], scene.setting.scenario.language)
    yield Draft(kind="state", text=told, change=Change(who=name, present=True))


def _switch(scene: Scene, place: str) -> Iterator[Draft]:
    """Yield the way of everybody on the stage to another place; where there are no places, only time goes on."""
    for name in scene.present:
        if place and scene.standings[name].place != place:
            change = Change(who=name, place=place)
            yield Draft(kind="state", text=change_told(change, scene.setting.scenario.language), change=change)
