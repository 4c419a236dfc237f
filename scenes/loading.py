"""From a scenario file to settings that can be played: everything that can be wrong is found before a model loads."""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from math import prod
from pathlib import Path
from typing import Any

from scenes.chance import seed_for
from scenes.checked import MOST_SHOWN, validated
from scenes.clean import one_line
from scenes.document import Document, read_document
from scenes.image import Picture
from scenes.matrix import Matrix, matrix_of, variant_id, with_values
from scenes.problem import InputRefused, Problem
from scenes.profile import CharacterProfile
from scenes.profile_file import read_profile
from scenes.references import ASKED, Finding, Keys, findings, renamed, unknown
from scenes.scenario import Axis, PlayerSpec, Range, Scenario
from scenes.scene import Setting
from scenes.sights import KeepPicture, PictureSource, shown_pictures
from scenes.tree import Json

COMMENT_QUESTION = "Comment on the picture."
NEVER_VARIED = ("schema_version", "vary", "episodes", "title")
MOST_VARIANTS = 1_000_000_000
MOST_TRIED = 2_000
"""Variants up to which every combination is tried when the file is read, which takes less than a second."""


@dataclass(frozen=True)
class Variant:
    """One combination of the matrix: its values, and the scenario with them put in."""

    index: int
    id: str
    values: dict[str, Any]
    scenario: Scenario
    profiles: tuple[CharacterProfile, ...]

    def seed(self, repetition: int) -> int:
        """Return the seed of the variant's `repetition`-th episode, the same however many are played."""
        return seed_for(self.scenario.seed, f"{self.id}/{repetition}")


@dataclass(frozen=True)
class Source:
    """A scenario file that was read and checked, and every variant of it on demand."""

    document: Document
    data: Json
    """The file's data, with what the command line sets put in."""
    scenario: Scenario
    folder: Path
    root: Path
    _profiles: dict[str, CharacterProfile] = field(default_factory=dict, repr=False)
    _pictures: dict[str, Picture] = field(default_factory=dict, repr=False)

    @cached_property
    def matrix(self) -> Matrix:
        """The combinations of `vary`."""
        return matrix_of(self.scenario.vary)

    @property
    def episodes(self) -> int:
        """How many episodes all variants have together."""
        return len(self.matrix) * self.scenario.episodes

    def variant(self, index: int) -> Variant:
        """Return variant `index`. Raises `InputRefused` if its values do not go together."""
        values = self.matrix.values(index)
        variant = self.variant_with(values, index)
        wrong = list(findings(variant.scenario, variant.profiles))
        if wrong:
            together = ", ".join(f"{path}: {one_line(str(value), 40)}" for path, value in values.items())
            raise InputRefused([self.document.problem(("vary",), f"{together}: {message}") for _, message in wrong])
        return variant

    def variant_with(self, values: Mapping[str, Any], index: int = 0) -> Variant:
        """Return the variant that sets `values`; its scenario has the player that a bare comment gets."""
        scenario = self._varied(values) if values else self.scenario
        profiles = self._cast(scenario)
        asked = scenario.model_copy(update={"player": _player(scenario)})
        parts = renamed(asked, profiles, self._cast(self.scenario))
        return Variant(index, variant_id(values), dict(values), scenario.model_copy(update=parts), profiles)

    def _varied(self, values: Mapping[str, Any]) -> Scenario:
        try:
            data = with_values(self.data, values)
        except LookupError as error:
            rule = f'{" and ".join(values)} do not go together: one takes away the "{error}" of another.'
            raise InputRefused([self.document.problem(("vary",), rule)]) from None
        return validated(Scenario, Document(self.document.file, data, self.document.tree))

    def _cast(self, scenario: Scenario) -> tuple[CharacterProfile, ...]:
        return tuple(self.profile(member.character) for member in scenario.cast)

    def profile(self, character: str | CharacterProfile) -> CharacterProfile:
        """Return the profile that a cast member names. Raises `InputRefused`."""
        if isinstance(character, CharacterProfile):
            return character
        if character not in self._profiles:
            self._profiles[character] = self._read_profile(character)
        return self._profiles[character]

    def _read_profile(self, name: str) -> CharacterProfile:
        try:
            return read_profile(name, self.folder, self.root)
        except InputRefused as refusal:
            raise InputRefused([_in_profile(problem, name, self.folder) for problem in refusal.problems]) from None

    def setting(self, variant: Variant, keep: KeepPicture) -> Setting:
        """Return what is played in `variant`, giving every picture in it to `keep`. Raises `InputRefused`."""
        source = PictureSource(self.folder, self.root, self._pictures, keep)
        gallery, sights, refused = shown_pictures(variant.scenario, source)
        if refused:
            raise InputRefused(list(_problems(self.document, refused)))
        return Setting(variant.scenario, variant.profiles, sights, gallery)


def _in_profile(problem: Problem, name: str, folder: Path) -> Problem:
    """Let a problem with a profile's file say which file that is, and the way to it from here."""
    if problem.line:
        return replace(problem, file=str(folder / name))
    quoted = one_line(name)
    return problem if quoted in problem.message else replace(problem, message=f'"{quoted}": {problem.message}')


def _problems(document: Document, found: Iterable[Finding]) -> Iterator[Problem]:
    for keys, message in found:
        yield document.problem(keys, message)


def _player(scenario: Scenario) -> PlayerSpec | None:
    """Return who asks: nobody where the kind has no room for one, and the stage where a comment names nobody."""
    if scenario.kind == "comment" and scenario.player is None:
        return PlayerSpec(questions=(COMMENT_QUESTION,))
    has_part = scenario.player is not None and (scenario.kind in ASKED or scenario.player.plays is not None)
    return scenario.player if has_part else None


def scenario_file(path: Path) -> Path:
    """Return the scenario file that `path` names: itself, or `scenario.yaml` in that folder."""
    return path / "scenario.yaml" if os.path.isdir(path) else path  # Path.is_dir() raises for a name that is too long


def load(path: Path, root: Path | None = None, settings: Mapping[str, Any] | None = None) -> Source:
    """Read and check the scenario at `path`, with `settings` (paths and values) put over what it says.

    Raises `InputRefused` with every problem found in the file and in the files that it names, or, where these are
    sound, in its matrix.
    """
    file = scenario_file(path)
    document = read_document(file, str(file))
    data = with_values(document.data, settings or {})
    scenario = validated(Scenario, Document(document.file, data, document.tree))
    source = Source(document, data, scenario, file.parent, root or file.parent)
    problems = _reference_problems(source) or _matrix_problems(source)
    if problems:
        raise InputRefused(_first(problems))
    return source


def _first(problems: Iterable[Problem]) -> list[Problem]:
    """Return the first problems, as many as a reader can use, and the count of the others."""
    in_order = sorted(problems)
    first, others = in_order[:MOST_SHOWN], in_order[MOST_SHOWN:]
    if others:
        first.append(replace(others[0], message=f"… and {len(others)} more from here on."))
    return first


def _reference_problems(source: Source) -> list[Problem]:
    problems, profiles = [], []
    for index, member in enumerate(source.scenario.cast):
        profile, found = _profile_or_problems(source, member.character, ("cast", index, "character"))
        profiles.append(profile)
        problems += found
    known = [profile for profile in profiles if profile is not None]
    if len(known) == len(profiles):
        played = source.scenario.model_copy(update={"player": _player(source.scenario)})
        problems += _problems(source.document, findings(played, known))
    return problems + list(_problems(source.document, _refused_pictures(source, source.scenario, source._pictures)))


def _profile_or_problems(
    source: Source, character: str | CharacterProfile, keys: Keys
) -> tuple[CharacterProfile | None, list[Problem]]:
    try:
        return source.profile(character), []
    except InputRefused as refusal:
        return None, [_placed(problem, source.document, keys) for problem in refusal.problems]


def _placed(problem: Problem, document: Document, keys: Keys, lead: str = "") -> Problem:
    """A problem at a place in another file stays there; any other stands where the scenario names the cause."""
    if problem.line and problem.file != document.file:
        return problem
    return document.problem(keys, lead + problem.message)


def _refused_pictures(source: Source, scenario: Scenario, read: dict[str, Picture]) -> list[Finding]:
    reader = PictureSource(source.folder, source.root, read, lambda picture, facts: None)
    return shown_pictures(scenario, reader)[2]


def _matrix_problems(source: Source) -> list[Problem]:
    """Try the values of each axis by themselves, everything else as the file has it; then all together, if not many."""
    vary = source.scenario.vary
    variants = prod(map(_length, vary.values()))
    if variants > MOST_VARIANTS:
        rule = f"the matrix has more than {MOST_VARIANTS:,} variants; shorten its ranges."
        return [source.document.problem(("vary",), rule)]
    found = [problem for path, axis in vary.items() for problem in _axis_problems(source, path, axis)]
    if not found and variants <= MOST_TRIED:
        found = [problem for index in range(variants) for problem in _variant_problems(source, index)]
    return list(dict.fromkeys(found))


def _variant_problems(source: Source, index: int) -> Sequence[Problem]:
    try:
        source.variant(index)
    except InputRefused as refusal:
        return refusal.problems
    return ()


def _length(axis: Axis) -> int:
    return axis.range[1] - axis.range[0] if isinstance(axis, Range) else len(axis)


def _axis_problems(source: Source, path: str, axis: Axis) -> Iterator[Problem]:
    """Try the values of one axis; of a range, its two ends."""
    document, keys = source.document, ("vary", path)
    wrong = _wrong_path(source, path)
    if wrong:
        yield Problem(document.file, *document.key_place(keys), wrong)
    elif isinstance(axis, Range):
        for value in (axis.range[0], axis.range[1] - 1):
            yield from _value_problems(source, path, value, keys)
    else:
        for at, value in enumerate(axis):
            yield from _value_problems(source, path, value, (*keys, at))


def _wrong_path(source: Source, path: str) -> str | None:
    """Return why nothing can be varied at `path`, if so."""
    if path.split(".")[0] in NEVER_VARIED:
        return f'"{path}" cannot be varied; vary what is played.'
    try:
        with_values(source.data, {path: None})
    except LookupError:
        known = [path for path in _paths(source.data) if path.split(".")[0] not in NEVER_VARIED]
        return unknown("value of this file", path, known)
    return None


def _value_problems(source: Source, path: str, value: Any, place: Keys) -> Iterator[Problem]:
    lead = f'as "{path}": '
    try:
        variant = source.variant_with({path: value})
    except InputRefused as refusal:
        yield from (_placed(problem, source.document, place, lead) for problem in refusal.problems)
        return
    found = list(findings(variant.scenario, variant.profiles))
    if path.startswith("images.") or ".sees" in path:
        found += _refused_pictures(source, variant.scenario, dict(source._pictures))
    yield from (source.document.problem(place, lead + message) for _, message in found)


def _paths(data: Json, lead: str = "") -> Iterator[str]:
    children: Any = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for key, value in children:
        yield f"{lead}{key}"
        yield from _paths(value, f"{lead}{key}.")
