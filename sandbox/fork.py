"""Branches: further episodes of a run that go on from a turn of another one, each in a way of its own.

What a branch has in common with its parent stays on record there, once; it is played over that record, so no model is
asked for it. Which episode a branch comes from and after which turn is in its row, and with that the tree is.
"""

import json
import re
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import astuple, dataclass, replace
from pathlib import Path
from typing import Any

from agents.player import PERSON, turns_of
from sandbox.episode import legs_of
from sandbox.launch import told_to_others
from sandbox.models import models_of, reference
from sandbox.record import Record
from sandbox.rows import EpisodeRow
from sandbox.schema import PUT_EPISODE, PUT_META, Row, hashed
from sandbox.store import DATABASE, lock_run, now, open_database, unwritable
from scenes.chance import seed_for
from scenes.clean import one_line
from scenes.document import parse_document
from scenes.loading import NEVER_VARIED, Source, Variant
from scenes.matrix import Matrix, with_values
from scenes.names import named
from scenes.problem import InputRefused, Problem, refuse
from scenes.profile import CharacterProfile
from scenes.references import Finding, findings, unknown

AT, VARY = "--at", "--vary"
SEED = "seed"


@dataclass(frozen=True)
class Branching:
    """Branches to be made, all of the same turn of the same episode."""

    parent: EpisodeRow
    after: int
    number: int
    variants: Sequence[Variant]
    """What the branches are in turn; after the last of these comes the first again."""
    legs: int
    """How many a branch has."""

    def rows(self, first: int) -> list[EpisodeRow]:
        """Return the states of the branches, numbered from `first`; each has a seed that no other episode has."""
        return [self._row(first + at, self.variants[at % len(self.variants)]) for at in range(self.number)]

    def _row(self, episode: int, variant: Variant) -> EpisodeRow:
        seed = seed_for(self.parent.seed, f"branch/{episode}/{self.after}")
        values = json.dumps(variant.values)
        row = EpisodeRow(episode, self.parent.variant, variant.id, values, seed, "playing", None, now(), None)
        return replace(row, parent=self.parent.id, after=self.after)


def branching_at(record: Record, source: Source, at: str, number: int, vary: Sequence[str]) -> Branching:
    """Return the branches that the command line asks for, fit to be played. Raises `InputRefused`.

    `at` is `EPISODE:TURN`; each of `vary` is `seed` or `PATH=VALUE,VALUE`.
    """
    parent, turn = _fork_of(record, at)
    legs = legs_of(source, parent.id, record.branches())
    leg = legs[-1]
    matrix = Matrix(tuple(_axes(vary, leg.variant).items()))
    data = with_values(source.data, leg.variant.values)
    for path, _ in matrix.axes:
        _check_path(path, data)
    combinations = [matrix.values(index) for index in range(min(number, len(matrix)))]
    variants = [_variant(source, leg.variant, values) for values in combinations]
    is_over = turn == record.settled(parent.id) and parent.status == "done" and turn < turns_of(leg.variant.scenario)
    for variant in variants:
        _check_future(variant, turn, is_over)
    return Branching(parent, turn, number, variants, len(legs) + 1)


def _fork_of(record: Record, at: str) -> tuple[EpisodeRow, int]:
    """Return the episode and the turn that `at` names."""
    match = re.fullmatch(r"(\d{1,9}):(\d{1,9})", at)
    if match is None:
        raise refuse(f'"{one_line(at)}" is no turn of an episode; write EPISODE:TURN, such as 0:5.', AT)
    parent, turn = record.state(int(match[1])), int(match[2])
    if parent is None:
        raise refuse(f"there is no episode {match[1]}; this run has {len(record.states())}, counted from 0.", AT)
    last = record.settled(parent.id)
    if turn > last:
        there = f"up to turn {last}" if last >= 0 else "not even its opening"
        raise refuse(f"episode {parent.id} has no turn {turn}; on record it is {there}.", AT)
    if parent.after is not None and turn < parent.after:
        origin = parent.parent
        raise refuse(
            f"turn {turn} of episode {parent.id} is one of episode {origin}, from which that branches after turn "
            f"{parent.after}; write {AT} {origin}:{turn}.",
            AT,
        )
    return parent, turn


def _axes(vary: Sequence[str], variant: Variant) -> dict[str, Sequence[Any]]:
    """Return the values that are to be tried, by path."""
    axes: dict[str, Sequence[Any]] = {}
    for text in vary:
        if text == SEED:  # it always differs
            continue
        path, values = _axis(text, variant.profiles)
        if path in axes:
            raise refuse(f'"{one_line(path)}" is varied twice; write all its values behind one {VARY}.', VARY)
        axes[path] = values
    return axes


def _axis(text: str, profiles: Sequence[CharacterProfile]) -> tuple[str, Sequence[Any]]:
    path, _, listed = text.partition("=")
    name, colon, rest = listed.partition(":")
    if path == "character" and colon:
        index = named(name, profiles)
        if index is None:
            raise refuse(unknown("character", name, [profile.name for profile in profiles]), VARY)
        path, listed = f"cast.{index}.character", rest
    elif path == "image" and colon:
        path, listed = f"images.{name}.storybook.seed", rest
    values = _values(listed)
    if path == SEED or not values:
        raise refuse(f'"{one_line(text)}" sets nothing; write {SEED} alone, or PATH=VALUE,VALUE.', VARY)
    return path, values


def _values(listed: str) -> Sequence[Any]:
    """Return the values between the commas, each read as it would be in a scenario file."""
    try:
        data = parse_document(f"values: [{listed}]", VARY).data
    except InputRefused as refusal:
        raise InputRefused([replace(problem, line=0, column=0) for problem in refusal.problems]) from None
    values = data["values"] if isinstance(data, dict) else []
    return values if isinstance(values, list) else []


def _check_path(path: str, data: Any) -> None:
    if path.split(".")[0] in NEVER_VARIED:
        raise refuse(f'"{one_line(path)}" cannot be varied; vary what is played.', VARY)
    try:
        with_values(data, {path: None})
    except LookupError as missing:
        raise refuse(
            f'"{one_line(path)}" leads nowhere in the scenario of this run, which has no "{one_line(str(missing))}" '
            "there; write a path such as cast.0.character.",
            VARY,
        ) from None


def _variant(source: Source, parent: Variant, values: Mapping[str, Any]) -> Variant:
    """Return the variant that sets `values` besides what `parent` does."""
    try:
        kept = {path: _with_profile(path, value, source) for path, value in values.items()}
        variant = source.variant_with({**parent.values, **kept}, parent.index)
        source.setting(variant, lambda picture, facts: None)
        problems = [source.document.problem(keys, message) for keys, message in _refusals(source, variant, parent)]
        if problems:
            raise InputRefused(problems)
    except InputRefused as refusal:
        run = source.document.file  # which is not what the user wrote
        told = dict.fromkeys(_of_option(problem, run) for problem in refusal.problems)
        raise InputRefused(list(told)) from None
    return variant


def _of_option(problem: Problem, run: str) -> Problem:
    """Return a problem that stands nowhere, or in the file of the `run`, as one of what the user wrote."""
    return problem if problem.line and problem.file != run else Problem(VARY, 0, 0, problem.message)


def _with_profile(path: str, value: Any, source: Source) -> Any:
    """Return `value`, or the profile that it names: the run plays alone, whatever becomes of that."""
    if re.fullmatch(r"cast\.\d+\.character", path) and isinstance(value, str):
        return source.profile(value).model_dump(mode="json", exclude_defaults=True)
    return value


def _refusals(source: Source, variant: Variant, parent: Variant) -> Iterator[Finding]:
    if len(variant.profiles) != len(parent.profiles) or _asks(variant) != _asks(parent):
        yield (), "a branch has the parts of what it branches from; vary who has them, and not how many there are."
        return
    yield from findings(variant.scenario, variant.profiles)
    for name in {*models_of(variant.scenario)} - {PERSON}:
        reference(name)
    yield from told_to_others(source, variant)


def _asks(variant: Variant) -> bool:
    """Return whether somebody asks from outside the cast."""
    player = variant.scenario.player
    return player is not None and player.plays is None


def _check_future(variant: Variant, turn: int, is_over: bool) -> None:
    """Check that something is left to play after `turn`."""
    if (is_over or turn >= turns_of(variant.scenario)) and not variant.scenario.interview:
        raise refuse(f"after turn {turn} the scene is over and nobody is interviewed; name an earlier turn.", AT)


def begin(folder: Path, branching: Branching, facts: Mapping[str, object]) -> list[int]:
    """Put the branches into the store of the run, all or none, with `facts` about how; return their numbers.

    They are unfinished episodes from then on. Raises `RunLocked` and `StoreFailed`.
    """
    with closing(lock_run(folder)):
        with closing(Record(folder)) as record:
            first = max([record.meta()["planned"], *(state.id + 1 for state in record.states())])
        rows = branching.rows(first)
        _put(folder / DATABASE, rows, hashed(f"fork/{first}", json.dumps(facts)))
    return [row.id for row in rows]


def _put(path: Path, rows: Sequence[EpisodeRow], fact: Row) -> None:
    with closing(open_database(path, {})) as database:
        try:
            database.execute("BEGIN IMMEDIATE")
            database.execute(f"{PUT_META} VALUES (?, ?, ?)", fact)
            for row in rows:
                values = hashed(*astuple(row))
                database.execute(f"{PUT_EPISODE} VALUES ({', '.join('?' * len(values))})", values)
            database.execute("COMMIT")
        except sqlite3.Error as error:
            raise unwritable(path, error) from None
