"""The prompt for the line that opens a scene."""

from collections.abc import Iterator

from agents.prompts.blocks import introduced, language_name, picture_segments
from agents.prompts.layout import Layout
from scenes.chat import Prompt, Segment
from scenes.scene import Setting

SHORT = "You are the Narrator. Describe what happens in one line."
RULES = (
    "You are the narrator of a scene. Tell in one or two sentences what there is to see as it begins, from the "
    "picture and the notes. Nobody speaks yet. Write {language}."
)


def opening_prompt(setting: Setting, layout: Layout) -> Prompt:
    """Return the request for an opening line: what everybody may know, and where all of them are; no secrets."""
    return Prompt().then(*(_short(setting) if layout.name == "compact" else _full(setting)))


def _short(setting: Setting) -> Iterator[Segment]:
    yield Segment("global", "system", SHORT)
    for shown in setting.gallery.values():
        yield Segment("images", "user", image=shown.image, glue="")
    yield Segment("instruction", "user", "Scene: Open the scene.", glue="")


def _full(setting: Setting) -> Iterator[Segment]:
    scenario = setting.scenario
    yield Segment("global", "system", RULES.format(language=language_name(scenario.language)))
    yield from picture_segments(setting.gallery.values())
    told = (scenario.premise, f"Time: {scenario.time}." if scenario.time else None)
    yield Segment("scene", "user", "\n".join(["The scene:", *(text for text in told if text)]))
    for profile, member in zip(setting.profiles, scenario.cast, strict=True):
        where = ", ".join(text for text in (member.place, member.position, member.state) if text)
        yield Segment("cast", "user", f"{introduced(profile.public())}{f': {where}' if where else ''}", glue="\n")
    yield Segment("instruction", "user", "Open the scene.")
