"""`rolestage lint`, `preview` and `schema`: a scenario before it is played."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from sandbox.commands.draw import write_picture
from sandbox.launch import Options, checked_source, notes
from sandbox.models import layout_of
from sandbox.preview import first_prompts
from sandbox.prompt_text import prompt_text
from sandbox.screen import Screen, print_json, safe
from scenes.chat import Prompt, Segment
from scenes.image import Picture
from scenes.loading import Source, Variant
from scenes.problem import InputRefused, refuse
from scenes.profile import CharacterProfile
from scenes.scenario import Scenario
from scenes.scene import Scene
from scenes.sights import PictureFacts

Pictures = dict[str, tuple[Picture, PictureFacts]]
"""Pictures with their facts, by id."""


def lint_scenario(path: Path, root: Path | None, layout: str | None, as_json: bool) -> int:
    """Say what is wrong with the scenario, or what it holds; 2 if it cannot be played."""
    try:
        source = checked_source(path, Options(root=root, layout=layout))
    except InputRefused as refusal:
        if not as_json:
            raise
        print_json({"ok": False, "problems": [asdict(problem) for problem in refusal.problems], "notes": []})
        return 2
    facts, left_out = _facts(source), notes(source)
    if as_json:
        print_json({"ok": True, "problems": [], "notes": [asdict(note) for note in left_out], **facts})
        return 0
    screen = Screen()
    for note in left_out:
        screen.print(safe(f"note: {note}"), soft_wrap=True)
    screen.print(safe(f"{source.document.file}: fine. {', '.join(_named(facts))}"), soft_wrap=True)
    return 0


def _facts(source: Source) -> dict[str, Any]:
    scenario = source.scenario
    return {
        "title": scenario.title,
        "kind": scenario.kind,
        "cast": [profile.name for profile in source.variant(0).profiles],
        "variants": len(source.matrix),
        "episodes": source.episodes,
        "layout": layout_of(scenario).name,
        "model": scenario.model,
    }


def _named(facts: Mapping[str, Any]) -> Iterator[str]:
    for name, value in facts.items():
        yield f"{name} {' + '.join(value) if isinstance(value, list) else value}"


def preview_scenario(
    path: Path, root: Path | None, layout: str | None, variant: int, images: Path | None, as_json: bool
) -> int:
    """Print the first request of every character, and write the pictures in it to the folder `images` if given."""
    source = checked_source(path, Options(root=root, layout=layout))
    if variant >= len(source.matrix):
        raise refuse(f"there is no variant {variant}; there are {len(source.matrix)}, counted from 0.", str(path))
    pictures: Pictures = {}
    prompts = _prompts(source, source.variant(variant), pictures)
    if images:
        for picture, _ in pictures.values():
            write_picture(picture, images / _file_of(picture.id))
    if as_json:
        print_json({name: _prompt_json(prompt) for name, prompt in prompts.items()})
        return 0
    screen = Screen()
    for name, prompt in prompts.items():
        _print_prompt(screen, name, prompt, pictures, images)
    return 0


def _prompts(source: Source, variant: Variant, pictures: Pictures) -> dict[str, Prompt | None]:
    """Return the prompt of everybody's first request by name, and collect the pictures of the scene."""

    def keep(picture: Picture, facts: PictureFacts) -> None:
        pictures[picture.id] = picture, facts

    return first_prompts(Scene(source.setting(variant, keep), variant.seed(0)))


def _file_of(image: str) -> str:
    return f"{image[:8]}.png"


def _prompt_json(prompt: Prompt | None) -> list[dict[str, Any]] | None:
    return None if prompt is None else [_segment_json(segment) for segment in prompt.segments()]


def _segment_json(segment: Segment) -> dict[str, Any]:
    return {
        "stability": segment.stability,
        "role": segment.role,
        "text": None if segment.image else segment.text,
        "image": segment.image,
    }


def _print_prompt(screen: Screen, name: str, prompt: Prompt | None, pictures: Pictures, images: Path | None) -> None:
    if prompt is None:
        screen.print(safe(f"── {name} never gets a turn", "bold"))
        return
    text = prompt_text(prompt)
    screen.print(safe(f"── {name}: {len(text.split())} words", "bold"))
    screen.print(safe(text))
    for segment in prompt.segments():
        if segment.image:
            picture, facts = pictures[segment.image]
            where = f" → {images / _file_of(picture.id)}" if images else ""
            shown = f"picture {picture.id[:8]}: {facts.name}, {picture.width}×{picture.height}{where}"
            screen.print(safe(shown, "dim"), soft_wrap=True)


def print_schema(what: str) -> int:
    """Print the JSON schema of what a user writes."""
    model: type[BaseModel] = Scenario if what == "scenario" else CharacterProfile
    print_json(model.model_json_schema())
    return 0
