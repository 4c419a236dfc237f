"""What the name of a scorer stands for: one that comes with Rolestage, or code of the user's own."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib import import_module
from inspect import isclass, isfunction, signature
from re import fullmatch
from typing import Any

import yaml
from pydantic import ValidationError

from sandbox.own_code import OwnCode, load_code
from sandbox.scoring import Chosen
from scenes.clean import one_line
from scenes.problem import InputRefused, refuse
from scenes.references import Finding, unknown
from scenes.scenario import Scenario
from scorers.base import Metric, Scorer, scorer_of

SHIPPED = {
    "grounding": "scorers.grounding:Grounding",
    "leakage": "scorers.leakage:Leakage",
    "voice": "scorers.voice:Voice",
    "faults": "scorers.faults:Faults",
    "vision": "scorers.vision:Vision",
    "contrast": "scorers.contrast:Contrast",
    "mmrole": "scorers.mmrole.scorer:MMRole",
    "characterbox": "scorers.characterbox.character:CharacterBox",
    "characterbox-narrator": "scorers.characterbox.narrator:CharacterBoxNarrator",
    "characterbox-scene": "scorers.characterbox.scene:CharacterBoxScene",
}
"""The scorers that come with Rolestage, and where each is; one is loaded when it is named."""
OPTION = "--scorer"
SCORERS = "a function of a case, or of a case and a call, or a class made from Scorer"
"""What can be one."""
Entry = str | Mapping[str, Any]
"""A scorer as a scenario names it: `leakage`, or `{scorer: leakage, threshold: 0.8}`."""


def scorer_problems(scenario: Scenario) -> Iterator[Finding]:
    """Yield every entry of a scenario's `scorers` that names none, and why."""
    for at, entry in enumerate(scenario.scorers):
        try:
            _of_entry(entry)
        except InputRefused as refusal:
            yield ("scorers", at), refusal.problems[0].message


def scorers_of(entries: Iterable[Entry]) -> list[Chosen]:
    """Return the scorers that a scenario names: shipped ones, since a scenario cannot name code to be run.

    Raises `InputRefused`.
    """
    return [_of_entry(entry) for entry in entries]


def entries_of(chosen: Iterable[Chosen]) -> list[Entry]:
    """Return how a scenario would name these; those of the user's own it cannot."""
    shipped = [one.scorer for one in chosen if not one.code]
    return [{"scorer": one.name, **one.model_dump(mode="json", exclude_defaults=True)} for one in shipped]


def _of_entry(entry: Entry) -> Chosen:
    if isinstance(entry, str):
        return Chosen(_made(_shipped(entry), {}, entry))
    options = dict(entry)
    name = options.pop("scorer", None)
    if not isinstance(name, str):
        raise refuse("a scorer with options needs its name: `{scorer: leakage, synonyms: {…}}`.", "scorers")
    return Chosen(_made(_shipped(name), options, name))


def scorers_named(names: Sequence[str], settings: Sequence[str], option: str = OPTION) -> list[Chosen]:
    """Return the scorers that the command line calls `names`, with `settings` such as `leakage.threshold=0.8`.

    Raises `InputRefused`.
    """
    named = {name: _named(name, option) for name in names}
    called = {name: {name.rpartition(":")[2], scorer.name} for name, (scorer, _) in named.items()}
    settled = list(settings_named(settings, set().union(*called.values())))
    options = {name: {field: value for own, field, value in settled if own in called[name]} for name in named}
    return [Chosen(_made(scorer, options[name], name), code) for name, (scorer, code) in named.items()]


def _named(name: str, option: str) -> tuple[type[Scorer], OwnCode | None]:
    if ":" not in name:
        return _shipped(name, option), None
    code = load_code(name, option)
    version = code.sha256[:8]
    if isclass(code.value) and issubclass(code.value, Scorer):
        own = {"version": version, "name": getattr(code.value, "name", code.value.__name__)}
        made: type[Scorer] = type(code.value.__name__, (code.value,), own | {"__module__": code.value.__module__})
    elif _is_judging(code.value):
        made = scorer_of(code.value, version)
    else:
        raise refuse(f"{one_line(name)} is no scorer; name {SCORERS}.", option)
    if not (isinstance(made.name, str) and fullmatch(r"\w[\w-]{0,59}", made.name)):
        raise refuse(f"{one_line(name)} has a name that is none; let it be a word.", option)
    if not (isinstance(made.metrics, tuple) and all(isinstance(metric, Metric) for metric in made.metrics)):
        raise refuse(f"{one_line(name)} has metrics that are none; let them be a tuple of Metric.", option)
    return made, code


def _is_judging(value: object) -> bool:
    """Return whether `value` is a function, one with a name, of as many arguments as a scorer gets."""
    return isfunction(value) and value.__name__.isidentifier() and len(signature(value).parameters) in (1, 2)


def _shipped(name: str, option: str = OPTION) -> type[Scorer]:
    if name not in SHIPPED:
        raise refuse(f"{unknown('scorer', name, list(SHIPPED))} One of your own is FILE.py:NAME.", option)
    module, _, scorer = SHIPPED[name].partition(":")
    found: type[Scorer] = getattr(import_module(module), scorer)
    return found


def _made(scorer: type[Scorer], options: Mapping[str, Any], name: str) -> Scorer:
    place = f"scorer {one_line(name)}"
    try:
        return scorer(**options)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(map(str, first["loc"]))
        if first["type"] == "extra_forbidden":
            raise refuse(unknown("option", field, list(scorer.model_fields)), place) from None
        if first["type"] == "value_error":  # a rule of the scorer's own, which says how to mend it
            raise refuse(f"{one_line(str(first['ctx']['error']), 300)}.", place) from None
        raise refuse(f"{field or 'its options'}: {one_line(first['msg'])}; set it otherwise.", place) from None
    except Exception as error:  # in code of the user's own
        raise refuse(f"{type(error).__name__}: {one_line(str(error), 300)}; mend it.", place) from None


def settings_named(settings: Iterable[str], names: set[str]) -> Iterator[tuple[str, str, Any]]:
    """Yield name, field and value of each `NAME.FIELD=VALUE`, the value in the words of YAML. Raises `InputRefused`."""
    for setting in settings:
        path, equals, value = setting.partition("=")
        name, dot, field = path.partition(".")
        if not (equals and dot and field):
            raise refuse(f'"{one_line(setting)}" sets nothing; write NAME.FIELD=VALUE.', "--set")
        if name not in names:
            raise refuse(unknown("scorer of this command", name, sorted(names)), "--set")
        try:
            yield name, field, yaml.safe_load(value)
        except yaml.YAMLError:
            raise refuse(f'"{one_line(value)}" is no value; write it as in a scenario file.', "--set") from None
