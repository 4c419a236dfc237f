"""Playing made-up scenarios with a scripted engine, for tests of everything that rests on play."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import yaml

from sandbox.display import Quiet
from sandbox.engines.engine import Engine
from sandbox.engines.scripted import Scripted, dry_answer
from sandbox.gallery import Gallery
from sandbox.run import Plan, carry_out
from sandbox.run_folder import SCENARIO, new_run_folder
from sandbox.tally import Summary
from scenes.chat import Request
from scenes.loading import Source, load

Answer = Callable[[Request], str | Awaitable[str]]

STORY: dict[str, Any] = {
    "kind": "story",
    "images": {"harbour": {"storybook": {"seed": 7}}, "chart": {"storybook": {"seed": 9}, "reserve": True}},
    "places": {"quay": {"shows": ["harbour"], "beside": ["cabin"]}, "cabin": {}},
    "cast": [
        {"character": "storybook/brack", "place": "quay", "secret": "He moved the buoy."},
        {"character": "storybook/pip", "place": "quay"},
        {"character": "storybook/moss", "place": "cabin"},
        {"character": "storybook/odile", "place": "cabin", "reserve": True},
    ],
    "opening": [{"Brack": "(whispers to Pip) I moved the buoy."}, {"Pip": "(goes to the cabin) Moss!"}],
    "interview": [{"ask": "Who moved the buoy?", "choices": "cast", "truth": "Brack"}],
    "narrator": {},
    "mind": "bdi",
    "turn_policy": "narrator",
    "turns": 8,
    "layout": "images-first",
}
"""What makes a story with everything in it out of the scenario of two."""
DUO: dict[str, Any] = {
    "schema_version": 1,
    "title": "Two on the quay",
    "kind": "inter-role",
    "images": {"harbour": {"storybook": {"seed": 7}}},
    "cast": [{"character": "storybook/brack"}, {"character": "storybook/pip"}],
    "turns": 4,
}


def written(folder: Path, **changes: Any) -> Path:
    """Write a scenario of two, with `changes` to its top level (None takes a key away), and return its file."""
    data = {key: value for key, value in (DUO | changes).items() if value is not None}
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "scenario.yaml"
    file.write_text(yaml.safe_dump(data, sort_keys=False, allow_unicode=True), encoding="utf-8")
    return file


def last_words(request: Request) -> str:
    """Answer with a line that depends on the request alone: its seed and how long its prompt is; fill in forms."""
    if request.form is not None:
        return dry_answer(request)
    return f"Line {request.seed % 1000}, {sum(1 for _ in request.prompt.nodes())}."


def new_run(source: Source, out: Path) -> Path:
    """Make the folder of a run of `source` below `out`, ready to be played, and return it."""
    return new_run_folder(out, source)


def carried_out(
    folder: Path, answer: Answer = last_words, episodes: int | None = None, concurrency: int = 8, display: Any = None
) -> Summary:
    """Play, or play on, the run at `folder` with scripted answers."""
    source = load(folder / SCENARIO)
    planned = min(episodes or source.episodes, source.episodes)
    engines: Mapping[str, Engine] = {source.scenario.model: Scripted(answer)}
    facts = {
        "planned": planned,
        "title": source.scenario.title,
        "concurrency": concurrency,
        "engine": {"kind": "scripted"},
    }
    plan = Plan(folder, source, planned, engines, Gallery(), concurrency, facts)
    return asyncio.run(carry_out(plan, display or Quiet()))


def played(tmp_path: Path, answer: Answer = last_words, **changes: Any) -> Path:
    """Play a scenario of two with `changes`, all its episodes, and return the run's folder."""
    folder = new_run(load(written(tmp_path / "scenario", **changes)), tmp_path / "runs")
    carried_out(folder, answer)
    return folder
