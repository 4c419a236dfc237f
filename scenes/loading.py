"""From a scenario file to settings that can be played: everything that can be wrong is found before a model loads."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from scenes.chance import seed_for
from scenes.checked import problems_in, validated
from scenes.document import Document, read_document
from scenes.image import ImageRefused, Picture
from scenes.matrix import Matrix, keys_of, matrix_of, variant_id, with_values
from scenes.problem import InputRefused, Problem
from scenes.profile import CharacterProfile
from scenes.profile_file import read_profile
from scenes.references import Finding, Keys, findings, unknown
from scenes.scenario import PlayerSpec, Range, Scenario
from scenes.scene import Setting
from scenes.sights import KeepPicture, PictureSource, shown_pictures
from scenes.tree import Json

COMMENT_QUESTION = "Comment on the picture."
NEVER_VARIED = ("schema_version", "vary", "episodes", "title")


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
        return self.variant_with(self.matrix.values(index), index)

    def variant_with(self, values: Mapping[str, Any], index: int = 0) -> Variant:
        """Return the variant that sets `values`; its scenario has the player that a bare comment gets."""
        scenario = self.scenario
        if values:
            scenario = self._varied(values)
        if scenario.kind == "comment" and scenario.player is None:
            asked = PlayerSpec(questions=(COMMENT_QUESTION,))
            scenario = scenario.model_copy(update={"player": asked})
        return Variant(index, variant_id(values), dict(values), scenario, self._cast(scenario))

    def _varied(self, values: Mapping[str, Any]) -> Scenario:
        document = Document(self.document.file, with_values(self.data, values), self.document.tree)
        return validated(Scenario, document)

    def _cast(self, scenario: Scenario) -> tuple[CharacterProfile, ...]:
        return tuple(self.profile(member.character) for member in scenario.cast)

    def profile(self, character: str | CharacterProfile) -> CharacterProfile:
        """Return the profile that a cast member names. Raises `InputRefused`."""
        if isinstance(character, CharacterProfile):
            return character
        if character not in self._profiles:
            self._profiles[character] = read_profile(character, self.folder, self.root)
        return self._profiles[character]

    def setting(self, variant: Variant, keep: KeepPicture) -> Setting:
        """Return what is played in `variant`, giving every picture in it to `keep`. Raises `InputRefused`."""
        source = PictureSource(self.folder, self.root, self._pictures, keep)
        gallery, sights, refused = shown_pictures(variant.scenario, source)
        if refused:
            raise InputRefused(list(_problems(self.document, refused)))
        return Setting(variant.scenario, variant.profiles, sights, gallery)


def _problems(document: Document, found: list[Finding]) -> Iterator[Problem]:
    for keys, message in found:
        yield document.problem(keys, message)


def scenario_file(path: Path) -> Path:
    """Return the scenario file that `path` names: itself, or `scenario.yaml` in that folder."""
    return path / "scenario.yaml" if path.is_dir() else path


def load(path: Path, root: Path | None = None, settings: Mapping[str, Any] | None = None) -> Source:
    """Read and check the scenario at `path`, with `settings` (paths and values) put over what it says.

    Raises `InputRefused` with every problem found in the file, in the files that it names and in its matrix.
    """
    file = scenario_file(path)
    document = read_document(file, str(file))
    data = with_values(document.data, settings or {})
    scenario = validated(Scenario, Document(document.file, data, document.tree))
    source = Source(document, data, scenario, file.parent, root or file.parent)
    problems = _reference_problems(source) + _matrix_problems(source)
    if problems:
        raise InputRefused(problems)
    return source


def _reference_problems(source: Source) -> list[Problem]:
    problems, profiles = [], []
    for index, member in enumerate(source.scenario.cast):
        profile, found = _profile_or_problems(source, member.character, ("cast", index, "character"))
        profiles.append(profile)
        problems += found
    known = [profile for profile in profiles if profile is not None]
    if len(known) == len(profiles):
        problems += _problems(source.document, list(findings(source.scenario, known)))
    return problems + _picture_problems(source)


def _profile_or_problems(
    source: Source, character: str | CharacterProfile, keys: Keys
) -> tuple[CharacterProfile | None, list[Problem]]:
    try:
        return source.profile(character), []
    except InputRefused as refusal:
        return None, [_placed(problem, source.document, keys) for problem in refusal.problems]


def _placed(problem: Problem, document: Document, keys: Keys) -> Problem:
    """A problem inside another file keeps its place there; one about the file as a whole stands where it is named."""
    return problem if problem.line else document.problem(keys, problem.message)


def _picture_problems(source: Source) -> list[Problem]:
    reader = PictureSource(source.folder, source.root, source._pictures, lambda picture, facts: None)
    refused = shown_pictures(source.scenario, reader)[2]
    return list(_problems(source.document, refused))


def _matrix_problems(source: Source) -> list[Problem]:
    problems = []
    for path, axis in source.scenario.vary.items():
        keys: Keys = ("vary", path)
        if path.split(".")[0] in NEVER_VARIED:
            problems.append(source.document.problem(keys, f'"{path}" cannot be varied; vary what is played.'))
            continue
        values = {0: axis.range[0], 1: axis.range[1] - 1} if isinstance(axis, Range) else dict(enumerate(axis))
        for at, value in values.items():
            place = keys if isinstance(axis, Range) else (*keys, at)
            problems += _value_problems(source, path, value, place)
    return problems


def _value_problems(source: Source, path: str, value: Any, place: Keys) -> list[Problem]:
    """Try one value of one axis, everything else as the file has it."""
    try:
        variant = source.variant_with({path: value})
    except LookupError as error:
        known = [".".join(map(str, keys)) for keys in _paths(source.data)]
        return [source.document.problem(place, unknown("value of this file", path, known) + f" (stopped at {error})")]
    except InputRefused as refusal:
        return [source.document.problem(place, f'as "{path}": {problem.message}') for problem in refusal.problems]
    found = list(findings(variant.scenario, variant.profiles))
    return [source.document.problem(place, f'as "{path}": {message}') for _, message in found]


def _paths(data: Json, keys: Keys = ()) -> Iterator[Keys]:
    children: Any = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for key, value in children:
        yield (*keys, key)
        yield from _paths(value, (*keys, key))


__all__ = ["ImageRefused", "Source", "Variant", "keys_of", "load", "problems_in", "scenario_file"]
