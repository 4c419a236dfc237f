"""From a scenario file to settings that can be played: everything that can be wrong is found before a model loads."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from math import prod
from pathlib import Path
from typing import Any

from scenes.chance import seed_for
from scenes.checked import validated
from scenes.document import Document, read_document
from scenes.image import Picture
from scenes.matrix import Matrix, matrix_of, variant_id, with_values
from scenes.problem import InputRefused, Problem
from scenes.profile import CharacterProfile
from scenes.profile_file import read_profile
from scenes.references import ASKED, Finding, Keys, findings, named, unknown
from scenes.scenario import Axis, InterviewQuestion, PlayerSpec, Range, Scenario
from scenes.scene import Setting
from scenes.sights import KeepPicture, PictureSource, shown_pictures
from scenes.tree import Json

COMMENT_QUESTION = "Comment on the picture."
NEVER_VARIED = ("schema_version", "vary", "episodes", "title")
MOST_VARIANTS = 1_000_000_000


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
        scenario = self._varied(values) if values else self.scenario
        profiles = self._cast(scenario)
        parts = {"player": _player(scenario), **_renamed(scenario, profiles, self._cast(self.scenario))}
        return Variant(index, variant_id(values), dict(values), scenario.model_copy(update=parts), profiles)

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


def _problems(document: Document, found: Iterable[Finding]) -> Iterator[Problem]:
    for keys, message in found:
        yield document.problem(keys, message)


def _player(scenario: Scenario) -> PlayerSpec | None:
    """Return who asks: nobody where the kind has no room for one, and the stage where a comment names nobody."""
    if scenario.kind == "comment" and scenario.player is None:
        return PlayerSpec(questions=(COMMENT_QUESTION,))
    return scenario.player if scenario.kind in ASKED else None


def _renamed(
    scenario: Scenario, profiles: Sequence[CharacterProfile], written: Sequence[CharacterProfile]
) -> dict[str, Any]:
    """Return the parts of a scenario that name speakers, with the names that these have in the variant.

    The file was `written` with one cast; where `vary` puts another character in, a name means whoever has that part.
    """

    def name(given: str) -> str:
        index = named(given, profiles)
        index = named(given, written) if index is None else index
        return given if index is None else profiles[index].name

    policy = scenario.turn_policy
    return {
        "opening": tuple({name(speaker): text for speaker, text in line.items()} for line in scenario.opening),
        "turn_policy": tuple(map(name, policy)) if isinstance(policy, tuple) else policy,
        "interview": tuple(_renamed_question(question, name) for question in scenario.interview),
    }


def _renamed_question(question: InterviewQuestion, name: Callable[[str], str]) -> InterviewQuestion:
    to = name(question.to) if isinstance(question.to, str) else tuple(map(name, question.to))
    truth = name(question.truth) if question.truth and question.choices == "cast" else question.truth
    return question.model_copy(update={"to": to, "truth": truth})


def scenario_file(path: Path) -> Path:
    """Return the scenario file that `path` names: itself, or `scenario.yaml` in that folder."""
    return path / "scenario.yaml" if path.is_dir() else path


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
    """Try the values of each axis by themselves, everything else as the file has it; of a range its two ends."""
    vary = source.scenario.vary
    if prod(map(_length, vary.values())) > MOST_VARIANTS:
        rule = f"the matrix has more than {MOST_VARIANTS:,} variants; shorten its ranges."
        return [source.document.problem(("vary",), rule)]
    found = (problem for path, axis in vary.items() for problem in _axis_problems(source, path, axis))
    return list(dict.fromkeys(found))


def _length(axis: Axis) -> int:
    return axis.range[1] - axis.range[0] if isinstance(axis, Range) else len(axis)


def _axis_problems(source: Source, path: str, axis: Axis) -> Iterator[Problem]:
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
        return unknown("value of this file", path, list(_paths(source.data)))
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
