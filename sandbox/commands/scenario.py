"""`rolestage lint`, `preview` and `schema`: a scenario before it is played."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from agents.prompts.layouts import LAYOUTS
from sandbox.commands.draw import write_picture
from sandbox.launch import Options, checked_source, notes
from sandbox.layout_cost import AT_THE_END, Cost, cost, priced, settings_of, settled, unsuited
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
        source = settled(checked_source(path, Options(root=root, layout=layout)))
    except InputRefused as refusal:
        if not as_json:
            raise
        print_json({"ok": False, "problems": [asdict(problem) for problem in refusal.problems], "notes": []})
        return 2
    facts, left_out, costs = _facts(source), notes(source), _costs(source)
    if as_json:
        listed = [asdict(note) for note in left_out]
        print_json({"ok": True, "problems": [], "notes": listed, **facts, "layouts": costs})
        return 0
    screen = Screen()
    for note in left_out:
        screen.print(safe(f"note: {note}"), soft_wrap=True)
    screen.print(safe(f"{source.document.file}: fine. {', '.join(_named(facts))}"), soft_wrap=True)
    _print_costs(screen, costs, facts["layout"])
    return 0


def _costs(source: Source) -> dict[str, dict[str, Any]]:
    """Return what every layout costs in the first variant, or why it cannot be taken, by name."""
    settings = settings_of(source)
    costs = priced(settings[0])
    return {name: _cost_json(costs.get(name), unsuited(name, settings)) for name in LAYOUTS}


def _cost_json(spent: Cost | None, why_not: str | None) -> dict[str, Any]:
    """Return the cost of a layout, if it gives nothing away, and why `auto` does not take it, if so."""
    if spent is None:
        return {"auto_takes_it": False, "because": why_not}
    return {
        "computed_per_turn": round(spent.per_turn, 1),
        "first_turn": spent.first,
        "later_turns": round(spent.later, 1),
        "from_cache": round(spent.cached, 3),
        "turns": spent.turns,
        "breaks": {where: asdict(one) for where, one in spent.breaks.items()},
        "auto_takes_it": why_not is None,
        "because": why_not,
    }


def _print_costs(screen: Screen, costs: Mapping[str, dict[str, Any]], taken: str) -> None:
    """Print a line for each layout: prompt tokens that are computed, and what else is to be said of it."""
    screen.print(safe("prompt tokens computed     a turn   first   later  cached"))
    for name, told in costs.items():
        is_taken = name == taken
        said = f"  {told['because']}" if told["because"] and not is_taken else ""
        row = f"{'→' if is_taken else ' '} {name:<22}{_figures(told)}{said}"
        screen.print(safe(row, "bold" if is_taken else ""), soft_wrap=True)
    for sentence in _broken(costs[taken]):
        screen.print(safe(f"{taken}: {sentence}"), soft_wrap=True)


def _figures(told: Mapping[str, Any]) -> str:
    if "turns" not in told:
        return f"{'–':>9}{'–':>8}{'–':>8}{'–':>8}"
    return (
        f"{told['computed_per_turn']:>9,.0f}{told['first_turn']:>8,}{told['later_turns']:>8,.0f}"
        f"{told['from_cache']:>8.0%}"
    )


def _broken(told: Mapping[str, Any]) -> Iterator[str]:
    """Yield where the prompts of a layout break off, other than at their end, where what is new comes in."""
    for where, broken in told.get("breaks", {}).items():
        if where not in AT_THE_END:
            times = "once" if broken["times"] == 1 else f"{broken['times']} times"
            yield (
                f"the prefix breaks at {where} {times} in {told['turns']} turns; {broken['tokens']:,} tokens that were "
                "read before are computed again."
            )


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
    source = settled(checked_source(path, Options(root=root, layout=layout)))
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
    played = layout_of(source.variant(variant).scenario)
    spent = cost(source.setting(source.variant(variant), lambda picture, facts: None), played)
    _print_costs(screen, {played.name: _cost_json(spent, None)}, played.name)
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
