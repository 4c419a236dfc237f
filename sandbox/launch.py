"""Getting a run ready: everything that could refuse it is tried before its first turn, cheapest first."""

import asyncio
import shlex
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from functools import reduce
from io import TextIOWrapper
from itertools import takewhile
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from agents.decision import repairs
from agents.opening import whispered_to_nobody, without_effect
from agents.player import PERSON
from agents.prompts.layouts import privacy_breaks
from sandbox.engines.config import EngineConfig
from sandbox.engines.engine import Engine
from sandbox.engines.openai_address import is_address, is_here
from sandbox.engines.start import shares, start
from sandbox.episode import legs_of
from sandbox.gallery import Gallery
from sandbox.layout_cost import settled
from sandbox.models import (
    CHECKPOINT,
    REWARD,
    STORYBOOK,
    TEACHER,
    by_base,
    layout_of,
    models_of,
    most_pictures,
    reference,
)
from sandbox.own_code import OwnCode
from sandbox.policy_file import load_policy, policy_of_run
from sandbox.preview import longest_requests
from sandbox.record import Record
from sandbox.run import Display, Plan, carry_out, unfinished
from sandbox.run_folder import SCENARIO, check_place, new_run_folder
from sandbox.scorer_names import entries_of, scorer_problems, scorers_named, scorers_of, settings_named
from sandbox.scoring import Chosen
from sandbox.screen import Screen, safe
from sandbox.shard import WHOLE, shard_named, shard_of
from sandbox.store import lock_run
from sandbox.tally import Summary, Tally
from sandbox.versions import installed, versions
from sandbox.window import window
from scenes.chat import Prompt, Request, Segment
from scenes.clean import one_line
from scenes.event import NARRATOR
from scenes.loading import Source, Variant, load
from scenes.problem import InputRefused, Problem, refuse
from scenes.references import Finding, Keys, unplayed
from scenes.scenario import Range, Scenario
from scenes.scene import Scene

_OF_ENGINE = "engine."
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
    shard: str | None = None
    """Play this part of them, such as `3/64`."""
    concurrency: int | None = None
    """Episodes at once; without it, as many as the engines have room for."""
    out: Path = Path("runs")
    root: Path | None = None
    player: Mapping[str, str | bool] | None = None
    """Who plays along, in the words of the scenario file."""
    policy: str | None = None
    """A turn policy of the user's own, as `FILE.py:FUNCTION` or `module:function`."""
    scorers: Sequence[str] = ()
    """Who judges every episode as soon as it is over, beside those that the scenario names."""
    fields: Sequence[str] = ()
    """Of scorers and of the engine, such as `leakage.threshold=0.8` and `engine.max_num_seqs=64`."""

    def settings(self) -> dict[str, Any]:
        """Return what is put over the scenario, by path."""
        chosen = {"model": self.model, "seed": self.seed, "layout": self.layout, "player": self.player}
        return {path: value for path, value in chosen.items() if value is not None}

    def of_scorers(self) -> list[str]:
        """Return those `fields` that are not the engine's."""
        return [setting for setting in self.fields if not setting.startswith(_OF_ENGINE)]

    def of_engine(self) -> dict[str, Any]:
        """Return what `fields` say of the engine. Raises `InputRefused`."""
        named = [setting for setting in self.fields if setting.startswith(_OF_ENGINE)]
        chosen: dict[str, Any] = {}
        for _, field, value in settings_named(named, {"engine"}):
            *above, last = field.split(".")
            reduce(lambda part, key: part.setdefault(key, {}), above, chosen)[last] = value
        if "kind" in chosen:
            raise refuse("the kind of engine is chosen with --engine; leave engine.kind out.", "--set")
        return chosen


def checked_source(path: Path, options: Options) -> Source:
    """Return the scenario, fit to be played. Raises `InputRefused`."""
    source = load(path, options.root, options.settings())
    refusals = [*_refusals(source), *_untyped_addresses(source, options.model)]
    refusals += _unfit_engine(source, options.engine)
    problems = [source.document.problem(keys, message) for keys, message in refusals]
    if problems:
        raise InputRefused(problems)
    return settled(source)


def notes(source: Source) -> list[Problem]:
    """Return what of the scenario has no effect when it is played, or not at first."""
    setting = source.setting(source.variant(0), lambda picture, facts: None)
    found = [*unplayed(source.scenario), *without_effect(setting)]
    return [source.document.problem(keys, message) for keys, message in found]


def _refusals(source: Source) -> Iterator[Finding]:
    yield from _unknown_models(source)
    yield from scorer_problems(source.scenario)
    for variant in alternatives(source):
        yield from told_to_others(source, variant)
        yield from whispered_to_nobody(source.setting(variant, lambda picture, facts: None))


def told_to_others(source: Source, variant: Variant) -> Iterator[Finding]:
    """Yield what one of the cast would be told in the layout of `variant` that is not for it."""
    setting = source.setting(variant, lambda picture, facts: None)
    yield from privacy_breaks(layout_of(variant.scenario), setting)


def _unknown_models(source: Source) -> Iterator[Finding]:
    """Yield the models that stand for nothing that could be started; whether one can be loaded is seen later."""
    for name in sorted(_models(source) - {PERSON}):
        try:
            reference(name)
        except InputRefused as refusal:
            yield ("model",), refusal.problems[0].message


def _untyped_addresses(source: Source, typed: str | None) -> Iterator[Finding]:
    """Yield the servers elsewhere that only the file names: what is sent there is for whoever plays to decide."""
    for name in sorted(_models(source) - {PERSON, typed}):
        if is_address(name) and not is_here(name):
            yield ("model",), "a server on another machine is asked only where you type it: --model http://…#name."


def _unfit_engine(source: Source, kind: str | None) -> Iterator[Finding]:
    """Yield what of the scenario's own `engine` cannot be set, or not by a file."""
    settings = source.scenario.engine
    if "api_key_env" in settings:  # with an address it would get whatever that variable holds
        yield ("engine", "api_key_env"), "a key's variable is named only by whoever plays; leave it out."
    try:
        engine_config(kind, settings)
    except ValidationError as error:
        for one in error.errors(include_url=False):
            place = [key for key in one["loc"] or ("kind",) if key in settings]
            yield ("engine", *place), _unfit(one)


def _chosen_engine(source: Source, options: Options) -> EngineConfig:
    """Return the engine's settings, those of the command line over the scenario's. Raises `InputRefused`.

    Where all models are on servers, it is that of servers.
    """
    elsewhere = not source.scenario.engine and all(map(is_address, _models(source) - {PERSON}))
    kind = options.engine or ("openai" if elsewhere else None)
    try:
        return engine_config(kind, source.scenario.engine, **options.of_engine())
    except ValidationError as error:
        raise refuse(_unfit(error.errors(include_url=False)[0]), "--set") from None


def _unfit(error: Any) -> str:
    """Return what pydantic has against an option of an engine, in a sentence."""
    kind, *field = error["loc"] or ("",)
    named = ".".join(map(str, field))
    if error["type"] == "extra_forbidden":
        return f'an engine of the kind {kind} has no option "{one_line(named)}"; leave it out.'
    return f"{named and f'{named}: '}{error['msg'].removeprefix('Value error, ').rstrip('.')}."


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
    planned = min(options.episodes or source.episodes, source.episodes)
    shard = shard_named(options.shard, planned, source.scenario.episodes) if options.shard else WHOLE
    policy = load_policy(options.policy) if options.policy is not None else None
    scorers = scorers_of(source.scenario.scorers)
    scorers += scorers_named(options.scorers, options.of_scorers(), "--score")
    for note in notes(source):
        print(f"note: {note}", file=sys.stderr)
    check_place(options.out)
    config, gallery = _chosen_engine(source, options), Gallery()
    with started(alternatives(source), config, gallery, scorers=scorers) as engines:
        check_room(source, alternatives(source), engines, gallery)
        folder = new_run_folder(options.out, source, shard)
        at_once = options.concurrency or window(source.scenario, engines, *_first_prompts(source, engines, gallery))
        facts = _facts(source, config, planned, at_once, policy) | made_with(engines)
        facts |= {"shard": shard} if options.shard else {}
        facts |= {"scorers": entries_of(scorers), "own_scorers": [one.code.named for one in scorers if one.code]}
        resolved = load(folder / SCENARIO)
        rule = policy.value if policy else None
        plan = Plan(folder, resolved, planned, engines, gallery, at_once, facts, rule, scorers=scorers, shard=shard)
        return played(plan, display)


def play_on(folder: Path, display: Display, policy: str | None = None) -> Summary:
    """Play what is unfinished or failed in the run at `folder`, with the turn policy of the user's own that it has.

    Raises what `sandbox.errors` lists.
    """
    with closing(Record(folder)) as record:
        meta, branches = facts_of_run(record), record.branches()
        shard = shard_of(meta)
        left = unfinished(record, meta["planned"], shard)
        if not left:
            record.check_whole()
        for note in _unjudged(record, meta, finished=not left):
            print(f"note: {note}", file=sys.stderr)
    if not left:
        return _nothing_left(folder, len(shard.episodes(meta["planned"])) + len(branches), display)
    own = policy_of_run(meta, policy, folder)
    lock_run(folder).close()  # a run that another process writes is refused before a model is loaded
    source, config, gallery = load(folder / SCENARIO), engine_config(**meta["engine"]), Gallery()
    ways = [legs_of(source, episode, branches) for episode in left if episode in branches]
    variants = [way[-1].variant for way in ways]
    if left[0] not in branches:
        variants += alternatives(source)
    scorers = scorers_of(meta.get("scorers", []))
    with started(variants, config, gallery, max(map(len, ways), default=1), scorers) as engines:
        rule = own.value if own else None
        count, at_once = meta["planned"], meta["concurrency"]
        plan = Plan(folder, source, count, engines, gallery, at_once, {}, rule, scorers=scorers, shard=shard)
        return played(plan, display)


def _unjudged(record: Record, meta: Mapping[str, Any], finished: bool) -> Iterator[str]:
    """Yield what a resume leaves to `rolestage score`: scorers of the user's own, and verdicts that are missing."""
    again = f"rolestage score {shlex.quote(str(record.folder))}"
    for named in meta.get("own_scorers", []):
        own = f"{again} --scorer {shlex.quote(named)}"
        yield f"code is loaded only where you name it; what is not judged yet by your own scorer: {one_line(own, 400)}"
    for scorer in scorers_of(meta.get("scorers", []) if finished else []):
        known = {one.id for one in record.scorers() if one.name == scorer.scorer.name}
        judged = {episode for one in known for episode in record.judged(one)}
        missing = sum(state.status != "playing" and state.id not in judged for state in record.states())
        if missing:
            yield f"episodes that {scorer.scorer.name} has not judged yet: {missing}; do it with: {again}"


def facts_of_run(record: Record) -> dict[str, Any]:
    """Return the facts about a run that was begun. Raises `InputRefused` if it was not."""
    meta = record.meta()
    if "engine" not in meta:
        raise refuse(f"nothing of this run was begun; play its {SCENARIO} as a new one.", str(record.folder))
    return meta


def _nothing_left(folder: Path, planned: int, display: Display) -> Summary:
    """Say that a run is finished, which needs no engine."""
    summary = Tally(planned, earlier=planned).summary(str(folder), interrupted=False)
    display.end(summary)
    return summary


def played(plan: Plan, display: Display) -> Summary:
    """Play what is planned, one episode at a time where a person plays along."""
    return asyncio.run(carry_out(replace(plan, concurrency=1) if PERSON in plan.engines else plan, display))


def engine_config(kind: str | None = None, settings: Mapping[str, Any] | None = None, **others: Any) -> EngineConfig:
    """Return the settings of an engine; without a kind, of vLLM if it is installed, and else of transformers.

    `settings` are a scenario's; they count only for the kind that they are for.
    """
    own = dict(settings or {})
    usual = own.pop("kind", None) or ("vllm" if installed("vllm") else "transformers")
    chosen = kind or usual
    return TypeAdapter[EngineConfig](EngineConfig).validate_python(
        {**(own if chosen == usual else {}), **others, "kind": chosen}
    )


@contextmanager
def started(
    variants: Iterable[Variant],
    config: EngineConfig,
    gallery: Gallery,
    legs: int = 1,
    scorers: Sequence[Chosen] = (),
) -> Iterator[dict[str, Engine]]:
    """Give an engine for every model that one of `variants`, or a scorer of it, asks, by name. Raises `InputRefused`.

    Of an episode in several `legs` a prompt may hold the pictures of all.
    """
    scenarios = [variant.scenario for variant in variants]
    names = {name for scenario in scenarios for name in (*models_of(scenario), *asked_by(scorers, scenario))}
    with started_for(names, config, gallery, legs * max(map(most_pictures, scenarios))) as engines:
        yield engines


def asked_by(scorers: Sequence[Chosen], scenario: Scenario) -> list[str]:
    """Return the names of the models that `scorers` ask about an episode of `scenario`."""
    return [name for chosen in scorers for name in chosen.scorer.models(scenario)]


@contextmanager
def started_for(
    names: Iterable[str], config: EngineConfig, gallery: Gallery, pictures: int
) -> Iterator[dict[str, Engine]]:
    """Give an engine for every model of `names`, of whose requests one has at most so many pictures.

    Raises `InputRefused`.
    """
    asked = set(names)
    engines: dict[str, Engine] = {PERSON: _person(gallery)} if PERSON in asked else {}  # first: it may not be there
    try:
        judged_by = {STORYBOOK} if REWARD in asked else set()
        models = by_base((asked | judged_by) - {PERSON, REWARD})
        for base, settings in shares(config, models).items():
            engine = _engine_of_base(base, models[base], settings, gallery, pictures)
            engines |= dict.fromkeys(models[base], engine)
        if judged_by:
            engines[REWARD] = _reward_model(engines[STORYBOOK], gallery)
        yield engines
    finally:
        for engine in engines.values():
            engine.close()


def _reward_model(storybook: Engine, gallery: Gallery) -> Engine:
    from sandbox.storybook.reward.judge import rewarding

    return rewarding(storybook, gallery)


def _engine_of_base(
    base: str, names: Mapping[str, str | None], config: EngineConfig, gallery: Gallery, pictures: int
) -> Engine:
    """Return the engine for all models that have one base, by name with their adapters."""
    if base == TEACHER:
        from sandbox.storybook.teacher.engine import teaching

        return teaching(gallery.facts)
    kind = "openai" if is_address(base) and config.kind in ("vllm", "transformers") else config.kind
    if kind in ("vllm", "transformers"):
        _need_embedded(base)
    if kind not in ("scripted", "simulated"):
        print(f"starting {one_line(', '.join(names))} on {kind} …", file=sys.stderr, flush=True)
    return start(config, base, gallery.open, pictures, {name: at for name, at in names.items() if at})


def _need_embedded(base: str) -> None:
    """Raise `InputRefused` where the embedded model is meant and its weights are gone."""
    if base == str(CHECKPOINT) and not (CHECKPOINT / "model.safetensors").is_file():
        raise refuse(
            "the weights of the embedded model are not here; get them back from the repository, or make others with "
            "rolestage train storybook, and name their folder: --model trained/storybook/checkpoint.",
            base,
        )


def _person(gallery: Gallery) -> Engine:
    from sandbox.engines.terminal import Person, read_line, show_picture

    if not sys.stdin.isatty():
        raise refuse("a person plays in this scenario, and the input is no terminal; run it in one.")
    if isinstance(sys.stdin, TextIOWrapper):  # in most locales a byte that is no letter would be an error
        sys.stdin.reconfigure(errors="replace")
    screen = Screen()
    return Person(
        read_line, lambda text: screen.print(safe(text)), lambda image: show_picture(gallery.file(image), screen)
    )


def check_room(source: Source, variants: Iterable[Variant], engines: Mapping[str, Engine], gallery: Gallery) -> None:
    """Refuse what does not fit a model where all history is left out, and replies are as long as they may be.

    Counted is all that stands in a prompt besides: persona, pictures, words to answer, question, reply; of a decision
    also what asks for it again.
    """
    problems = [problem for variant in variants for problem in _too_long(source, variant, engines, gallery)]
    if problems:
        raise InputRefused(list(dict.fromkeys(problems)))


def _too_long(source: Source, variant: Variant, engines: Mapping[str, Engine], gallery: Gallery) -> Iterator[Problem]:
    scene = Scene(source.setting(variant, gallery.add), variant.seed(0))
    for asker, requests in longest_requests(scene).items():
        asked = [one for request in requests for one in (request, *repairs(request))]
        rooms = [(engines[request.model].room(request), request.model) for request in asked]
        missing, model = max(((-room, model) for room, model in rooms if room is not None), default=(0, ""))
        if missing > 0:
            yield source.document.problem(
                _place_of(asker, scene),
                f"{asker}'s persona, pictures and reply need {missing} tokens more than the "
                f"{engines[model].facts.context_length} of the model; shorten them, lower max_tokens, or take another "
                "model.",
            )


def _first_prompts(source: Source, engines: Mapping[str, Engine], gallery: Gallery) -> tuple[int, int]:
    """Return how many tokens the longest first prompt of somebody has, and how many of them all have in common.

    0 where nothing tells.
    """
    variant = source.variant(0)
    scene = Scene(source.setting(variant, gallery.add), variant.seed(0))
    first = [requests[0] for requests in longest_requests(scene).values()]
    longest = max((_tokens(engines[request.model], request) for request in first), default=0)
    shared = Prompt().then(*_common([request.prompt.segments() for request in first]))
    return longest, _tokens(engines[first[0].model], replace(first[0], prompt=shared)) if shared.segment else 0


def _common(prompts: Sequence[Sequence[Segment]]) -> list[Segment]:
    alike = takewhile(lambda segments: len(set(segments)) == 1, zip(*prompts, strict=False))
    return [segments[0] for segments in alike]


def _tokens(engine: Engine, request: Request) -> int:
    room, context = engine.room(request), engine.facts.context_length
    return 0 if room is None or context is None else context - max(0, room) - request.sampling.max_tokens


def _place_of(asker: str, scene: Scene) -> Keys:
    """Return where a scenario says who somebody is."""
    if asker in scene.names:
        return "cast", scene.names.index(asker), "character"
    return ("narrator",) if asker == NARRATOR else ("player",)


def _facts(
    source: Source, config: EngineConfig, planned: int, concurrency: int, policy: OwnCode | None
) -> dict[str, object]:
    settings = config.model_dump(mode="json", exclude_defaults=True)
    facts: dict[str, object] = {
        "engine": {**settings, "kind": config.kind},
        "planned": planned,
        "concurrency": concurrency,
        "title": source.scenario.title,
        "scenario": source.document.file,
    }
    return facts | ({"policy": policy.facts()} if policy else {})


def made_with(engines: Mapping[str, Engine]) -> dict[str, object]:
    """Return what is kept of that with which episodes are made, so that their numbers can be traced to it."""
    return {
        "engines": {name: engine.facts.model_dump(mode="json") for name, engine in engines.items()},
        "command": sys.argv[1:],
        "versions": versions(),
    }
