"""Where files of test records belong in MMRole's layout: whose answers they hold, of which test set and scenario.

Reviews go to `eval/{in,out}-test_reviews/MODEL/KIND_test.json` and means to `eval/{in,out}-test_results`, as released,
so that what is judged here is verified as what was published is.
"""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple, TypeGuard

from sandbox.answer_files import JOURNAL
from sandbox.journal import begun_in
from sandbox.verify import RESULTS, REVIEWS
from scenes.clean import one_line
from scenes.problem import InputRefused, Problem, refuse
from scorers.mmrole.records import ENDING, KINDS, Kind, Split

EVAL = "eval"
"""The folder of reviews and means in the release."""
_TEST_SET = re.compile(r"(in|out)(?:-of)?-(?:test|distribution)(?![a-z]).*", re.IGNORECASE)
_SHORT = re.compile(r"(in|out)")


class Place(NamedTuple):
    """Where a file belongs."""

    model: str
    """Whose answers it holds, as a folder is called."""
    split: Split
    kind: Kind

    def reviews(self, out: Path) -> Path:
        """Return where the records go with their reviews."""
        return out / EVAL / REVIEWS.format(self.split) / self.model / f"{self.kind}{ENDING}"

    def results(self, out: Path) -> Path:
        """Return where their means go."""
        return (out / EVAL / RESULTS.format(self.split) / self.model / f"{self.kind}{ENDING}").with_suffix(".csv")


def folder_name(model: str) -> str:
    """Return the last part of a model's name, as a folder may be called."""
    last = re.split(r"[/#\\]", model.rstrip("/"))[-1]
    return re.sub(r"[^\w.-]+", "-", last).strip(".-") or "model"


def places_of(paths: Iterable[Path], root: Path, model: str | None) -> dict[Place, Path]:
    """Return the files below `root` by their places; all are answers of `model` if that is named.

    Raises `InputRefused` with every one that has none, or that of another.
    """
    found: dict[Place, Path] = {}
    problems: list[Problem] = []
    for path in paths:
        try:
            place = _place_of(path, root, model)
            if found.setdefault(place, path) != path:
                also = (
                    f"it holds the {place.kind} answers of {place.model} of the {place.split}-test, as {found[place]}"
                )
                raise refuse(f"{also} does; name the folder with one of them.", str(path))
        except InputRefused as refusal:
            problems += refusal.problems
    if problems:
        raise InputRefused(problems)
    return found


def _place_of(path: Path, root: Path, model: str | None) -> Place:
    kind = path.name.removesuffix(ENDING)
    if not _is_kind(kind):
        names = ", ".join(f"{one}{ENDING}" for one in KINDS)
        raise refuse(f"its name does not say of which scenario its records are; call it one of {names}.", str(path))
    split = _split_of(path, root)
    if split is None:
        mend = "put it into a folder called in-distribution or out-of-distribution"
        raise refuse(f"no folder around it says of which test set its records are; {mend}.", str(path))
    answered_by = model or _model_of(path)
    if answered_by is None:
        raise refuse("no folder around it says whose answers it holds; name the model: --answered-by NAME.", str(path))
    return Place(folder_name(answered_by), split, kind)


def _is_kind(name: str) -> TypeGuard[Kind]:
    return name in KINDS


def _split_of(path: Path, root: Path) -> Split | None:
    """Return the test set that a folder around a file is called after; the nearest that is."""
    for folder in path.resolve().parents:
        own = folder != root.resolve() and folder.is_relative_to(root.resolve())
        named = _TEST_SET.fullmatch(folder.name) or (own and _SHORT.fullmatch(folder.name))
        if named:
            return "in" if named[1].lower() == "in" else "out"
    return None


def _model_of(path: Path) -> str | None:
    """Return whose answers a file holds, after the journal they were made with, or the folder as in the release."""
    for folder in path.resolve().parents:
        begun = begun_in(folder / JOURNAL)
        if begun:
            return one_line(begun.model, 1_000)
    around = path.resolve().parents
    return around[0].name if len(around) > 1 and _TEST_SET.fullmatch(around[1].name) else None
