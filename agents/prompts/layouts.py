"""The closed set of layouts, and which of them a scenario allows."""

from collections.abc import Iterator

from agents.prompts.cast import CAST_FIRST, SCRIPT
from agents.prompts.chat import IMAGES_FIRST
from agents.prompts.compact import COMPACT
from agents.prompts.layout import Layout
from agents.prompts.mmrole import MMROLE
from agents.reply import read_reply
from agents.stage_directions import directed
from scenes.event import Draft
from scenes.references import Finding
from scenes.scenario import LayoutName
from scenes.scene import Scene, Setting

LAYOUTS: dict[LayoutName, Layout] = {
    layout.name: layout for layout in (MMROLE, IMAGES_FIRST, CAST_FIRST, SCRIPT, COMPACT)
}


def privacy_breaks(layout: Layout, setting: Setting) -> list[Finding]:
    """Return what of a scenario a text shared by the whole cast would give away; nothing if `layout` is not shared."""
    if not layout.shared:
        return []
    scenario = setting.scenario
    found: list[Finding] = [
        (keys, f'the layout "{layout.name}" {rule}; {MEND}') for keys, rule in _told_to_few(setting)
    ]
    for index, (member, profile) in enumerate(zip(scenario.cast, setting.profiles, strict=True)):
        own = {"secret": member.secret, "private": profile.private, "sees": member.sees}
        found += [
            (("cast", index), f'the layout "{layout.name}" is one text for all and cannot keep a "{what}"; {MEND}')
            for what, value in own.items()
            if value is not None
        ]
        if member.place != scenario.cast[0].place:
            found.append((("cast", index, "place"), f'the layout "{layout.name}" needs all in one place; {MEND}'))
    return found


def _told_to_few(setting: Setting) -> Iterator[Finding]:
    """Yield what of a scenario happens in somebody's head, or is whispered."""
    if setting.scenario.mind != "none":
        yield ("mind",), "is one text for all and cannot keep what each believes to itself"
    scene = Scene(setting, seed=0)
    for at, line in enumerate(setting.scenario.opening):
        for name, text in line.items():
            drafts = [Draft(kind=kind, text=words) for kind, words in read_reply(text, [name], []).parts]
            if name in scene.names and any(draft.to for draft in directed(scene, name, drafts)):
                yield ("opening", at, name), "is one text for all, in which nobody can whisper"


MEND = "take images-first or compact."
