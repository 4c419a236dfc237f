"""`rolestage play`: one episode in which a person at the terminal holds a part."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from sandbox.launch import Options, play_new
from sandbox.run import Display
from sandbox.tally import Summary
from scenes.event import NARRATOR
from scenes.loading import Source, load
from scenes.names import named
from scenes.problem import refuse
from scenes.references import ASKED, unknown


def play_as(path: Path, name: str, options: Options, display: Display) -> Summary:
    """Play the scenario at `path` once, with a person as `name`. Raises what `sandbox.errors` lists."""
    player = _part(load(path, options.root, options.settings()), name)
    return play_new(path, replace(options, player=player, episodes=1), display)


def _part(source: Source, name: str) -> Mapping[str, str | bool]:
    """Return the `player` by which a person is `name` in the scenario's first variant. Raises `InputRefused`."""
    variant = source.variant(0)
    scenario, cast = variant.scenario, [profile.name for profile in variant.profiles]
    asking = scenario.player if scenario.kind in ASKED else None
    parts = [asking.name] if asking else [*cast, NARRATOR] if scenario.narrator else cast
    index = named(name, variant.profiles)
    chosen = name if index is None else cast[index]
    if chosen not in parts:
        raise refuse(unknown("part that a person can hold", name, parts), source.document.file)
    return {"name" if asking else "plays": chosen, "person": True}
