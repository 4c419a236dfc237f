"""What the directions in a scenario's opening come to, before it is played: whispers and ways that lead nowhere."""

from collections.abc import Iterator

from agents.reply import read_reply
from agents.stage_directions import directed, leads_nowhere
from agents.whisper import whisper_of
from scenes.clean import one_line
from scenes.event import Draft
from scenes.references import Finding, Keys, unknown
from scenes.scene import Scene, Setting

Moment = tuple[Keys, Scene, str, Draft]
"""Where in the file, the scene as it is then, who does it, and what."""


def whispered_to_nobody(setting: Setting) -> Iterator[Finding]:
    """Yield the whispers of an opening to somebody who is nobody of the scene: they would reach nobody."""
    for keys, scene, actor, draft in _moments(setting):
        whisper = whisper_of(scene, draft.text, actor) if draft.kind == "action" else None
        if whisper and whisper.stranger:
            wrong = unknown("character", whisper.stranger, [*scene.names, *scene.outside])
            yield keys, f"nobody would hear this whisper: {wrong}"


def without_effect(setting: Setting) -> Iterator[Finding]:
    """Yield the whispers of an opening to somebody who is elsewhere then, and the ways to no place that there is."""
    places = tuple(setting.scenario.places)
    for keys, scene, actor, draft in _moments(setting):
        there = {actor, *scene.together_with(actor), *scene.outside}
        for name in draft.to if draft.kind == "speech" else ():
            if name not in there:
                where = "elsewhere" if name in scene.present else "not on the stage"
                yield keys, f"{one_line(name)} is {where} at that moment and does not hear what is whispered."
        wanted = leads_nowhere(draft.text, actor, places) if draft.kind == "action" and places else None
        if wanted:
            yield keys, f"nobody goes anywhere here: {unknown('place', wanted, places)}"


def _moments(setting: Setting) -> Iterator[Moment]:
    """Play the opening, and yield what is done in it, each time before it has happened."""
    scene = Scene(setting, seed=0)
    for at, line in enumerate(setting.scenario.opening):
        for name, text in line.items():
            drafts = [Draft(kind=kind, text=words) for kind, words in read_reply(text, [name], []).parts]
            for draft in directed(scene, name, drafts) if name in scene.names else ():
                yield ("opening", at, name), scene, name, draft
                scene.add(name, [draft])
