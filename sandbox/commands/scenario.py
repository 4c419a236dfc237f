"""`rolestage lint`, `preview` and `schema`: a scenario before it is played."""

import json
import sys
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from rich.text import Text

from agents.character import Character, Voice
from agents.prompts.layouts import LAYOUTS
from sandbox.commands.out import console, print_json
from sandbox.launch import Options, checked_source
from sandbox.models import layout_of
from sandbox.prompt_text import prompt_text
from scenes.clean import clean
from scenes.image import Picture
from scenes.problem import InputRefused, refuse
from scenes.profile import CharacterProfile
from scenes.scenario import Scenario
from scenes.scene import Scene
from scenes.sights import PictureFacts


def lint_scenario(path: Path, root: Path | None, layout: str | None, as_json: bool) -> int:
    """Say what is wrong with the scenario, or what it holds; 2 if it cannot be played."""
    try:
        source = checked_source(path, Options(root=root, layout=layout))
    except InputRefused as refusal:
        if not as_json:
            raise
        print_json({"ok": False, "problems": [vars_of(problem) for problem in refusal.problems]})
        return 2
    scenario = source.scenario
    facts = {
        "ok": True,
        "title": scenario.title,
        "kind": scenario.kind,
        "cast": [profile.name for profile in source.variant(0).profiles],
        "variants": len(source.matrix),
        "episodes": source.episodes,
        "layout": layout_of(scenario),
        "model": scenario.model,
    }
    if as_json:
        print_json(facts)
    else:
        console().print(
            f"{source.document.file}: fine. "
            + ", ".join(f"{k} {clean(_list(v))}" for k, v in facts.items() if k != "ok")
        )
    return 0


def vars_of(problem: Any) -> dict[str, Any]:
    """Return a problem as JSON."""
    return {name: getattr(problem, name) for name in ("file", "line", "column", "message")}


def _list(value: Any) -> str:
    return " + ".join(value) if isinstance(value, list) else str(value)


def preview_scenario(
    path: Path, root: Path | None, layout: str | None, variant: int, images: Path | None, as_json: bool
) -> int:
    """Print the first request of every character, and write the pictures in it to the folder `images` if given."""
    source = checked_source(path, Options(root=root, layout=layout))
    if variant >= len(source.matrix):
        raise refuse(f"there is no variant {variant}; the matrix has {len(source.matrix)}, from 0.", str(path))
    chosen = source.variant(variant)
    pictures: dict[str, tuple[Picture, PictureFacts]] = {}
    scene = Scene(
        source.setting(chosen, lambda picture, facts: pictures.update({picture.id: (picture, facts)})), chosen.seed(0)
    )
    voice = Voice(chosen.scenario.model, LAYOUTS[layout_of(chosen.scenario)], chosen.scenario.sampling)
    prompts = {name: Character(scene.view(name), voice, scene.seed).request("preview").prompt for name in scene.names}
    if images:
        _write_pictures(pictures, images)
    if as_json:
        print_json({name: [_segment_json(one) for one in prompt.segments()] for name, prompt in prompts.items()})
        return 0
    out = console()
    for name, prompt in prompts.items():
        text = prompt_text(prompt)
        seen = [segment.image for segment in prompt.segments() if segment.image]
        out.print(Text(f"── {clean(name)} · layout {voice.layout.name} · {len(text.split())} words", style="bold"))
        out.print(Text(clean(text)))
        for image in seen:
            picture, facts = pictures[image]
            where = f" → {images / (image[:8] + '.png')}" if images else ""
            out.print(Text(f"picture {image[:8]}: {facts.name}, {picture.width}×{picture.height}{where}", style="dim"))
    return 0


def _segment_json(segment: Any) -> dict[str, Any]:
    shown = {"stability": segment.stability, "role": segment.role}
    return shown | ({"image": segment.image} if segment.image else {"text": segment.text})


def _write_pictures(pictures: dict[str, tuple[Picture, PictureFacts]], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for picture, _ in pictures.values():
        (folder / f"{picture.id[:8]}.png").write_bytes(picture.png)


def print_schema(what: str) -> int:
    """Print the JSON schema of what a user writes."""
    model: type[BaseModel] = Scenario if what == "scenario" else CharacterProfile
    sys.stdout.write(json.dumps(model.model_json_schema(), indent=2, ensure_ascii=False) + "\n")
    return 0
