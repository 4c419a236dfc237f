"""Getting a run ready: everything that could refuse it is tried before its first turn, cheapest first."""

import asyncio
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from agents.character import Character, Voice
from agents.player import PERSON
from agents.prompts.layouts import privacy_breaks
from sandbox.engines.config import EngineConfig
from sandbox.engines.engine import Engine
from sandbox.engines.start import start
from sandbox.gallery import Gallery
from sandbox.models import layout_of, models_of, most_pictures, reference
from sandbox.record import Record
from sandbox.run import Display, Plan, carry_out, unfinished
from sandbox.run_folder import SCENARIO, new_run_folder
from sandbox.store import lock_run
from sandbox.tally import Summary, Tally
from sandbox.versions import installed, versions
from scenes.clean import one_line
from scenes.loading import Source, Variant, load
from scenes.problem import InputRefused, Problem, refuse
from scenes.references import Finding, unplayed
from scenes.scenario import Range
from scenes.scene import Scene

MOST_ALTERNATIVES = 200
"""Variants whose personas are tried against the model before a run."""


@dataclass(frozen=True)
class Options:
    """What the command line sets; None leaves it to the scenario."""

    model: str | None = None
    engine: str | None = None
    seed: int | None = None
    layout: str | None = None
    episodes: int | None = None
    """Play the first so many."""
    concurrency: int = 64
    out: Path = Path("runs")
    root: Path | None = None

    def settings(self) -> dict[str, Any]:
        """Return what is put over the scenario, by path."""
        chosen = {"model": self.model, "seed": self.seed, "layout": self.layout}
        return {path: value for path, value in chosen.items() if value is not None}


def checked_source(path: Path, options: Options) -> Source:
    """Return the scenario, fit to be played. Raises `InputRefused`."""
    source = load(path, options.root, options.settings())
    problems = [source.document.problem(keys, message) for keys, message in _refusals(source)]
    if problems:
        raise InputRefused(problems)
    return source


def notes(source: Source) -> list[Problem]:
    """Return what of the scenario is left out when it is played."""
    return [source.document.problem(keys, message) for keys, message in unplayed(source.scenario)]


def _refusals(source: Source) -> Iterator[Finding]:
    yield from _unknown_models(source)
    for variant in alternatives(source):
        setting = source.setting(variant, lambda picture, facts: None)
        yield from privacy_breaks(layout_of(variant.scenario), setting)


def _unknown_models(source: Source) -> Iterator[Finding]:
    """Yield the models that stand for nothing that could be started; whether one can be loaded is seen later."""
    for name in sorted(_models(source) - {PERSON}):
        try:
            reference(name)
        except InputRefused as refusal:
            yield ("model",), refusal.problems[0].message


def _models(source: Source) -> set[str]:
    return {name for variant in alternatives(source) for name in models_of(variant.scenario)}


def alternatives(source: Source) -> Iterator[Variant]:
    """Yield the scenario's first variant, and one for each further value of every axis but pictures and seeds."""
    first = source.matrix.values(0)
    yield source.variant(0)
    for path, axis in source.scenario.vary.items():
        if not isinstance(axis, Range) and not path.startswith("images."):
            for value in axis[1:MOST_ALTERNATIVES]:
                yield source.variant_with({**first, path: value})


def play_new(path: Path, options: Options, display: Display) -> Summary:
    """Play the scenario at `path` in a new run. Raises what `sandbox.errors` lists."""
    source = checked_source(path, options)
    for note in notes(source):
        print(f"note: {note}", file=sys.stderr)
    config = engine_config(options.engine)
    gallery = Gallery()
    engines = _engines(source, config, gallery)
    try:
        _check_room(source, engines, gallery)
        folder = new_run_folder(options.out, source)
        planned = min(options.episodes or source.episodes, source.episodes)
        facts = _facts(source, config, engines, planned, options.concurrency)
        resolved = load(folder / SCENARIO)
        return _carry_out(folder, resolved, planned, engines, gallery, options.concurrency, facts, display)
    finally:
        _close(engines)


def play_on(folder: Path, display: Display) -> Summary:
    """Play what is unfinished or failed in the run at `folder`. Raises what `sandbox.errors` lists."""
    with closing(Record(folder)) as record:
        meta = record.meta()
        finished = "engine" in meta and not unfinished(record, meta["planned"])
    if "engine" not in meta:
        raise refuse(f"nothing of this run was begun; play its {SCENARIO} as a new one.", str(folder))
    if finished:
        return _nothing_left(folder, meta["planned"], display)
    lock_run(folder).close()  # a run that another process writes is refused before a model is loaded
    source = load(folder / SCENARIO)
    config = engine_config(**meta["engine"])
    gallery = Gallery()
    engines = _engines(source, config, gallery)
    try:
        concurrency = meta["concurrency"]
        return _carry_out(folder, source, meta["planned"], engines, gallery, concurrency, {}, display)
    finally:
        _close(engines)


def _nothing_left(folder: Path, planned: int, display: Display) -> Summary:
    """Say that a run is finished, which needs no engine."""
    summary = Tally(planned, earlier=planned).summary(str(folder), interrupted=False)
    display.end(summary)
    return summary


def _carry_out(
    folder: Path,
    source: Source,
    planned: int,
    engines: Mapping[str, Engine],
    gallery: Gallery,
    concurrency: int,
    facts: Mapping[str, object],
    display: Display,
) -> Summary:
    at_once = 1 if PERSON in engines else concurrency
    return asyncio.run(carry_out(Plan(folder, source, planned, engines, gallery, at_once, facts), display))


def engine_config(kind: str | None = None, **settings: Any) -> EngineConfig:
    """Return the settings of an engine; without a kind, of vLLM if it is installed, and else of transformers."""
    settings["kind"] = kind or ("vllm" if installed("vllm") else "transformers")
    return TypeAdapter[EngineConfig](EngineConfig).validate_python(settings)


def _engines(source: Source, config: EngineConfig, gallery: Gallery) -> dict[str, Engine]:
    """Start an engine for every model that some variant asks. Raises `InputRefused`."""
    pictures = max(most_pictures(variant.scenario) for variant in alternatives(source))
    engines: dict[str, Engine] = {}
    for name in sorted(_models(source), key=lambda name: name != PERSON):  # a person first, who may not be there
        engines[name] = _person() if name == PERSON else _started(name, config, gallery, pictures)
    return engines


def _started(name: str, config: EngineConfig, gallery: Gallery, pictures: int) -> Engine:
    if config.kind != "scripted":
        print(f"starting {one_line(name)} on {config.kind} …", file=sys.stderr, flush=True)
    return start(config, reference(name), gallery.open, pictures)


def _person() -> Engine:
    from sandbox.engines.terminal import Person, read_line

    if not sys.stdin.isatty():
        raise refuse("a person plays in this scenario, and the input is no terminal; run it in one.")
    return Person(read_line, print)


def _close(engines: Mapping[str, Engine]) -> None:
    for engine in engines.values():
        engine.close()


def _check_room(source: Source, engines: Mapping[str, Engine], gallery: Gallery) -> None:
    """Refuse personas and pictures that leave no room for a reply, whatever is left out of the history."""
    problems = [problem for variant in alternatives(source) for problem in _too_long(source, variant, engines, gallery)]
    if problems:
        raise InputRefused(problems)


def _too_long(source: Source, variant: Variant, engines: Mapping[str, Engine], gallery: Gallery) -> Iterator[Problem]:
    scene = Scene(source.setting(variant, lambda picture, facts: gallery.add(picture)), variant.seed(0))
    engine = engines[variant.scenario.model]
    voice = Voice(variant.scenario.model, layout_of(variant.scenario), variant.scenario.sampling)
    for index, name in enumerate(scene.names):
        room = engine.room(Character(scene.view(name), voice, scene.seed).request("room"))
        if room is not None and room < 0:
            yield source.document.problem(
                ("cast", index, "character"),
                f"{name}'s persona, pictures and reply need {-room} tokens more than the "
                f"{engine.facts.context_length} of the model; shorten them, lower max_tokens, or take another model.",
            )


def _facts(
    source: Source, config: EngineConfig, engines: Mapping[str, Engine], planned: int, concurrency: int
) -> dict[str, object]:
    settings = config.model_dump(mode="json", exclude_defaults=True)
    return {
        "engine": {**settings, "kind": config.kind},
        "engines": {name: engine.facts.model_dump(mode="json") for name, engine in engines.items()},
        "planned": planned,
        "concurrency": concurrency,
        "title": source.scenario.title,
        "scenario": source.document.file,
        "command": sys.argv[1:],
        "versions": versions(),
    }
