"""Files of test records and their pictures, read so that what is wrong with one is refused before a model starts."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from os.path import isdir
from pathlib import Path

from sandbox.side_by_side import Told
from sandbox.store import unwritable
from sandbox.whole_file import write_whole
from scenes.clean import one_line
from scenes.image import ImageRefused, Picture
from scenes.image_file import read_picture
from scenes.inside import Outside, inside
from scenes.problem import InputRefused, Problem, refuse
from scorers.mmrole.records import ENDING, SampleFile, read_samples, sample_files

JOURNAL = "answers.jsonl"
"""Of the answers in a folder, beside them."""
IMAGES = "images"
"""The folder of pictures in the release."""
ABOVE = 3
"""How far above the records it is looked for."""
MOST_NAMED = 20
"""Pictures that are named in a refusal."""


def read_records(place: Path, out: Path) -> dict[Path, SampleFile]:
    """Return the files of records at `place`, by where each goes below `out`. Raises `InputRefused`.

    Files that stand beside a journal of answers were made here, and are no input unless `place` names their folder.
    """
    paths = given_files(place, JOURNAL)
    root = place if place.is_dir() else place.parent
    targets = {out / path.relative_to(root): path for path in paths}
    check_apart(targets)
    return dict(zip(targets, read_all(paths), strict=True))


def given_files(place: Path, journal: str) -> list[Path]:
    """Return the files of records at `place` that do not stand beside such a journal. Raises `InputRefused`."""
    paths = [path for path in sample_files(place) if not _is_made(path, place, journal)]
    if not paths:
        raise refuse(f"all files named *{ENDING} in it are such as were made here; name records.", str(place))
    return paths


def _is_made(path: Path, place: Path, journal: str) -> bool:
    folders = [folder for folder in path.parents if folder != place and folder.is_relative_to(place)]
    return any((folder / journal).exists() for folder in folders)


def check_apart(targets: Mapping[Path, Path]) -> None:
    """Refuse to write what is made of a file in its place."""
    same = next((path for target, path in targets.items() if target.resolve() == path.resolve()), None)
    if same:
        raise refuse("what is made would take the place of these records; name another folder with --out.", str(same))


def read_all(paths: Iterable[Path]) -> list[SampleFile]:
    """Return the files of records. Raises `InputRefused` with all that is wrong in them."""
    files: list[SampleFile] = []
    problems: list[Problem] = []
    for path in paths:
        try:
            files.append(read_samples(path))
        except InputRefused as refusal:
            problems += refusal.problems
    if problems:
        raise InputRefused(problems)
    return files


def image_folder(place: Path, named: Path | None) -> Path:
    """Return the folder that images are named from: as `named`, or the nearest called so at or above the records.

    Raises `InputRefused`.
    """
    if named is not None:
        if isdir(named):
            return named
        raise refuse("there is no such folder; name the one with the pictures of the records.", str(named))
    start = place.resolve()
    start = start if start.is_dir() else start.parent
    for folder in (start, *start.parents[:ABOVE]):
        if (folder / IMAGES).is_dir():
            return folder / IMAGES
    raise refuse(f'there is no folder "{IMAGES}" in it or above it; name the pictures with --images DIR.', str(place))


def read_pictures(files: Iterable[SampleFile], folder: Path, told: Told) -> dict[str, Picture]:
    """Return the pictures of all records by the name they have there, each read once.

    Raises `InputRefused` with every one that cannot be used.
    """
    first: dict[str, tuple[SampleFile, int]] = {}
    for file in files:
        for at, sample in enumerate(file.samples):
            first.setdefault(sample.image, (file, at))
    pictures: dict[str, Picture] = {}
    wrong: list[tuple[SampleFile, int, Exception]] = []
    for count, (name, (file, at)) in enumerate(first.items(), 1):
        try:
            pictures[name] = _picture(name, folder)
        except (ImageRefused, Outside) as refusal:
            wrong.append((file, at, refusal))
        told(count, len(first))
    if wrong:
        raise InputRefused([*_named(wrong, folder)])
    return pictures


def _named(wrong: Sequence[tuple[SampleFile, int, Exception]], folder: Path) -> Iterator[Problem]:
    """Yield what is wrong with pictures, at the records that name them; of very many the first, and how many more."""
    where = f"It was looked for in {one_line(str(folder), 400)} (--images)."
    for file, at, refusal in wrong[:MOST_NAMED]:
        yield file.problem(at, f"{refusal} {where}", "image")
    for file, at, _ in wrong[MOST_NAMED : MOST_NAMED + 1]:
        yield file.problem(at, f"… and {len(wrong) - MOST_NAMED} more pictures cannot be used, from here on.", "image")


def _picture(name: str, folder: Path) -> Picture:
    try:
        inside(name, folder, folder)
    except Outside:
        rule = "is no path from the folder of images to a file in it; mend the record, or name another with --images"
        raise Outside(f'"{one_line(name)}" {rule}.') from None
    return read_picture(name, folder, folder)


def write_files(contents: Mapping[Path, bytes]) -> list[str]:
    """Write each of some files whole or not at all, and return their names. Raises `StoreFailed`."""
    for target, content in contents.items():
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            write_whole(target, content)
        except OSError as error:
            raise unwritable(target, error) from None
    return [str(target) for target in contents]
