"""What `rolestage answer` reads and writes: records with their pictures, and the journal that outlives the process.

The journal is a file to which a line is added for every answer, whole and at once. So a process may be killed at any
moment: what was answered is in it, and is not asked again. The files of records are written from it in the end.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from os.path import isdir
from pathlib import Path
from types import TracebackType
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from sandbox.engines.engine import EngineFacts
from sandbox.errors import StoreDamaged
from sandbox.store import lock_run, unwritable
from scenes.chat import FinishReason
from scenes.clean import one_line
from scenes.image import ImageRefused, Picture
from scenes.image_file import read_picture
from scenes.inside import Outside, inside
from scenes.problem import InputRefused, Problem, refuse
from scorers.mmrole.records import ENDING, SampleFile, read_samples, sample_files

JOURNAL = "answers.jsonl"
IMAGES = "images"
"""The folder of pictures in the release."""
ABOVE = 3
"""How far above the records it is looked for."""
MOST_NAMED = 20
"""Pictures that are named in a refusal."""
Told = Callable[[int, int], None]
"""Is told how many are done, and of how many."""


class Begun(BaseModel):
    """The first line of a journal: whose answers it holds."""

    model_config = ConfigDict(extra="forbid")

    kind: Literal["begun"] = "begun"
    model: str
    engine: str
    """The kind of it: what one that is scripted says is not to pass for what the model would."""

    @property
    def answerer(self) -> str:
        """Who answers, in words."""
        return f"{one_line(self.model)} on {self.engine}"


class Started(BaseModel):
    """With what the answers that follow are made."""

    model_config = ConfigDict(extra="forbid")

    kind: Literal["started"] = "started"
    engine: EngineFacts


class Answered(BaseModel):
    """An answer, to the request that its digest names."""

    model_config = ConfigDict(extra="forbid")

    kind: Literal["answered"] = "answered"
    digest: str
    record: str
    text: str
    finish_reason: FinishReason
    prompt_tokens: int = 0
    output_tokens: int = 0


class Failed(BaseModel):
    """A request that got no answer; it is asked again when the work goes on."""

    model_config = ConfigDict(extra="forbid")

    kind: Literal["failed"] = "failed"
    digest: str
    record: str
    reason: str
    too_long: bool = False
    """Whether the prompt does not fit the model."""


Entry = Annotated[Begun | Started | Answered | Failed, Field(discriminator="kind")]
_ENTRY = TypeAdapter[Entry](Entry)


class Journal:
    """The answers of one model, kept in a folder that no other process writes meanwhile.

    Raises `RunLocked`, `StoreFailed`, `StoreDamaged`, and `InputRefused` if somebody else's are in it.
    """

    def __init__(self, folder: Path, begun: Begun) -> None:
        self.answers: dict[str, Answered] = {}
        self._path = folder / JOURNAL
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise refuse(
                f"the folder cannot be made ({error.strerror}); name another with --out.", str(folder)
            ) from None
        self._lock = lock_run(folder)
        try:
            entries = self._read()
            self._file = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        except OSError as error:
            self._lock.close()
            raise unwritable(self._path, error) from None
        except BaseException:
            self._lock.close()
            raise
        self._begin(entries, begun)

    def _begin(self, entries: Sequence[Entry], begun: Begun) -> None:
        """Take up what the journal holds, or begin it."""
        before = next((entry for entry in entries if isinstance(entry, Begun)), None)
        if before and before != begun:
            self.close()
            others = (
                f"the answers in this folder are those of {before.answerer}, and these would be of {begun.answerer}"
            )
            raise refuse(f"{others}; name another with --out.", str(self._path.parent))
        if not before:
            self.add(begun)
        self.answers = {entry.digest: entry for entry in entries if isinstance(entry, Answered)}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def add(self, entry: Entry) -> None:
        """Keep an entry; it is safe from a kill when this returns. Raises `StoreFailed`."""
        line = entry.model_dump_json().encode() + b"\n"
        try:
            written = os.write(self._file, line)
            if written != len(line):  # the disk is full: what was begun must not stay before what comes later
                os.truncate(self._file, os.fstat(self._file).st_size - written)
                raise OSError("only a part was written")
        except OSError as error:
            raise unwritable(self._path, error) from None
        if isinstance(entry, Answered):
            self.answers[entry.digest] = entry

    def close(self) -> None:
        """Bring all to the disk and let others write."""
        try:
            os.fsync(self._file)
        except OSError as error:
            raise unwritable(self._path, error) from None
        finally:
            os.close(self._file)
            self._lock.close()

    def _read(self) -> list[Entry]:
        """Return what is there, after cutting off a line that was not written to its end."""
        if not self._path.exists():
            return []
        if not self._path.is_file():
            raise refuse("this is no regular file; remove it, or name another folder with --out.", str(self._path))
        content = self._path.read_bytes()
        whole = content[: content.rfind(b"\n") + 1]
        if whole != content:
            os.truncate(self._path, len(whole))
        return [self._entry(number, line) for number, line in enumerate(whole.splitlines(), 1)]

    def _entry(self, number: int, line: bytes) -> Entry:
        try:
            return _ENTRY.validate_json(line)
        except ValidationError:
            mend = "the line is damaged; remove it, and what it held is asked again."
            raise StoreDamaged(str(Problem(str(self._path), number, 1, mend))) from None


def read_records(place: Path, out: Path) -> dict[Path, SampleFile]:
    """Return the files of records at `place`, by where each goes below `out`. Raises `InputRefused`.

    Files that stand beside a journal were made here, and are no input unless `place` names their folder.
    """
    paths = [path for path in sample_files(place) if not _is_made(path, place)]
    if not paths:
        raise refuse(f"all files named *{ENDING} in it are answers that were made here; name records.", str(place))
    root = place if place.is_dir() else place.parent
    targets = {out / path.relative_to(root): path for path in paths}
    same = next((path for target, path in targets.items() if target.resolve() == path.resolve()), None)
    if same:
        raise refuse("the answers would take the place of these records; name another folder with --out.", str(same))
    files: dict[Path, SampleFile] = {}
    problems: list[Problem] = []
    for target, path in targets.items():
        try:
            files[target] = read_samples(path)
        except InputRefused as refusal:
            problems += refusal.problems
    if problems:
        raise InputRefused(problems)
    return files


def _is_made(path: Path, place: Path) -> bool:
    folders = [folder for folder in path.parents if folder != place and folder.is_relative_to(place)]
    return any((folder / JOURNAL).exists() for folder in folders)


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


def contents(files: Mapping[Path, SampleFile], answers: Mapping[Path, Mapping[int, str]]) -> dict[Path, bytes]:
    """Return what is to be written to each file: its records with their answers."""
    return {target: file.answered(answers[target]) for target, file in files.items()}
