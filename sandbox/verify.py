"""Proving MMRole's published figures from its reviews: every CSV, every row of Table 5, every review read again.

The folder is as released: `{in,out}-test_reviews/MODEL/KIND_test.json` with answers and reviews, and beside it
`{in,out}-test_results/MODEL/KIND_test.csv`; of one model or several. What is not there is named, and all else compared.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import isclose
from os.path import isdir
from pathlib import Path

from pydantic import BaseModel, computed_field

from scenes.clean import one_line
from scenes.problem import InputRefused, Problem, refuse
from scorers.mmrole.reading import Verdict, read_scores
from scorers.mmrole.records import KINDS, SPLITS, Kind, Review, Sample, SampleFile, Split, read_samples
from scorers.mmrole.table import (
    COUNT,
    NAMES,
    OVERALL,
    Average,
    PublishedRow,
    Row,
    both_sets,
    mean_of,
    overall,
    published,
    read_results,
    reviewed,
    row_of,
)

REVIEWS, RESULTS = "{}-test_reviews", "{}-test_results"
SAME = 1e-9
"""How far a mean may be off a published one for having been added up in another order."""
HALF_A_DIGIT = 0.0005
"""How far a figure may be off one that is printed with three decimals."""


class Difference(BaseModel):
    """A published figure that is not what its reviews come to."""

    where: str
    """The file, or the row of Table 5."""
    metric: str
    published: str
    ours: str


class Reread(BaseModel):
    """A review whose text does not say the score that is stored with it."""

    where: str
    """File and line of the record."""
    record: str
    metric: str
    stored: str
    read: str


class Figure(BaseModel):
    """A mean with its coverage."""

    value: float | None
    n: int
    of: int


class Line(BaseModel):
    """A row of figures: of a scenario, of a test set, or of both test sets."""

    part: str
    """`in` or `out`, the test sets, or `all`, which is 0.75 of the one and 0.25 of the other."""
    scenario: str
    """One of the three, or `all`, which is their plain mean."""
    means: dict[str, Figure]
    """By the English name of the metric; then `Overall`."""


class ModelRows(BaseModel):
    """What the reviews of one model come to."""

    model: str
    lines: list[Line]
    without_answer: int
    """Samples whose answer is empty: in no mean."""
    without_review: int
    """Samples with an answer that were not judged: in no mean either."""
    off_scale: int
    """Scores outside 1 to 10, which are kept."""


class Verification(BaseModel):
    """What came of comparing a folder with itself and with Table 5."""

    folder: str
    models: list[ModelRows] = []
    csv_values: int = 0
    """Compared."""
    table_cells: int = 0
    """Compared."""
    reviews: int = 0
    reviews_read: int = 0
    differences: list[Difference] = []
    rereads: list[Reread] = []
    missing: list[str] = []
    """Files and folders of the release that are not there."""
    not_in_table: list[str] = []
    """Models of which nothing was published in Table 5."""

    @computed_field  # type: ignore[prop-decorator]
    @property
    def equal(self) -> bool:
        """Whether all is there and nothing differs."""
        compared = self.csv_values + self.table_cells
        return bool(compared and self.reviews_read) and not (self.differences or self.rereads or self.missing)


@dataclass(frozen=True)
class _Model:
    """What a folder holds of one model."""

    name: str
    files: Mapping[tuple[Split, Kind], SampleFile]
    results: Mapping[tuple[Split, Kind], Path]

    def samples(self) -> Iterator[Sample]:
        """Yield all its samples."""
        return (sample for file in self.files.values() for sample in file.samples)


def verified(folder: Path) -> Verification:
    """Recompute what was published of the models in `folder`, and say what differs. Raises `InputRefused`."""
    base = _base(folder)
    done = Verification(folder=str(folder))
    problems: list[Problem] = []
    for name in _models(base):
        try:
            _verify(_opened(base, name, done.missing), done)
        except InputRefused as refusal:
            problems += refusal.problems
    if problems:
        raise InputRefused(problems)
    return done


def _base(folder: Path) -> Path:
    """Return the folder that holds reviews and results; the release has it as `eval`."""
    for base in (folder, folder / "eval"):
        if any(isdir(base / REVIEWS.format(split)) for split in SPLITS):
            return base
    reviews = " or ".join(REVIEWS.format(split) for split in SPLITS)
    mend = "name the folder that holds it, as in the release of MMRole." if isdir(folder) else "check the path."
    raise refuse(f"there is no folder {reviews} in it; {mend}", str(folder))


def _models(base: Path) -> list[str]:
    places = [base / kind.format(split) for split in SPLITS for kind in (REVIEWS, RESULTS)]
    try:
        return sorted({entry.name for place in places if isdir(place) for entry in place.iterdir() if isdir(entry)})
    except OSError as error:
        raise refuse(f"the folder cannot be read: {error.strerror}.", str(error.filename)) from None


def _opened(base: Path, name: str, missing: list[str]) -> _Model:
    """Return what there is of a model, and note what is missing."""
    keys = list(product(SPLITS, KINDS))
    reviews = {key: base / REVIEWS.format(key[0]) / name / f"{key[1]}_test.json" for key in keys}
    results = {key: base / RESULTS.format(key[0]) / name / f"{key[1]}_test.csv" for key in keys}
    paths = [*reviews.values(), *results.values()]
    missing += dict.fromkeys(_nearest(path, base) for path in paths if not path.is_file())
    files = {key: read_samples(path) for key, path in reviews.items() if path.is_file()}
    return _Model(name, files, {key: path for key, path in results.items() if path.is_file()})


def _nearest(path: Path, base: Path) -> str:
    """Return what of a path is missing: the file, or the outermost folder around it that is not there."""
    gone = [part for part in (path, *path.parents) if part.is_relative_to(base) and not part.exists()]
    return str(gone[-1] if gone else path)


def _verify(model: _Model, done: Verification) -> None:
    rows: dict[tuple[str, str], Row] = {key: row_of(file.samples) for key, file in model.files.items()}
    _add_sets(rows)
    for key, path in model.results.items():
        if key in rows:
            done.differences += _in_csv(path, model.files[key].samples, rows[key])
            done.csv_values += 1 + len(NAMES)
    printed = published(model.name)
    if not printed:
        done.not_in_table.append(model.name)
    for line in printed:
        if (line.part, "all") in rows:
            done.differences += _in_table(line, rows[line.part, "all"])
            done.table_cells += len(line.cells)
    for file in model.files.values():
        _read_again(file, done)
    done.models.append(_told(model, rows))


def _add_sets(rows: dict[tuple[str, str], Row]) -> None:
    """Add the rows of each test set, and those of both, where there is all that they are made of."""
    for split in SPLITS:
        if all((split, kind) in rows for kind in KINDS):
            rows[split, "all"] = mean_of([rows[split, kind] for kind in KINDS])
    for scenario in (*KINDS, "all"):
        if ("in", scenario) in rows and ("out", scenario) in rows:
            rows["all", scenario] = both_sets(rows["in", scenario], rows["out", scenario])


def _in_csv(path: Path, samples: Sequence[Sample], row: Row) -> Iterator[Difference]:
    results, count = read_results(path), reviewed(samples)
    if results.count != count:
        yield Difference(where=str(path), metric=COUNT, published=str(results.count), ours=str(count))
    for name, mean in results.means.items():
        ours = row[name].value
        if not _equal(ours, mean):
            yield Difference(where=str(path), metric=name, published=_number(mean), ours=_number(ours))


def _equal(ours: float | None, mean: float | None) -> bool:
    if ours is None or mean is None:
        return ours is mean
    return isclose(ours, mean, rel_tol=SAME, abs_tol=SAME)


def _in_table(line: PublishedRow, row: Row) -> Iterator[Difference]:
    for name, printed in line.cells.items():
        ours = (overall(row) if name == OVERALL else row[name]).value
        if ours is None or abs(ours - float(printed)) > HALF_A_DIGIT + SAME:
            where = f"Table 5, {line.title}"
            yield Difference(where=where, metric=name, published=printed, ours=_number(ours))


def _number(value: float | None) -> str:
    return "none" if value is None else str(value)


def _read_again(file: SampleFile, done: Verification) -> None:
    """Read every review of a file and compare what it says with what is stored."""
    for at, sample in enumerate(file.samples):
        for metric, review in (sample.rm_review or {}).items():
            said = read_scores(review.review)
            done.reviews += 1
            done.reviews_read += isinstance(said, Verdict)
            read = (said.a, said.b) if isinstance(said, Verdict) else None
            if read != review.score:
                why = _pair(read) if isinstance(said, Verdict) else said.reason
                done.rereads.append(_reread(file, at, metric, review, why))


def _reread(file: SampleFile, at: int, metric: str, review: Review, read: str) -> Reread:
    problem = file.problem(at, "", metric)
    where, record = f"{problem.file}:{problem.line}", file.samples[at].id
    return Reread(where=where, record=record, metric=one_line(metric), stored=_pair(review.score), read=read)


def _pair(score: tuple[float, float] | None) -> str:
    return "none" if score is None else f"{score[0]:g}, {score[1]:g}"


def _told(model: _Model, rows: Mapping[tuple[str, str], Row]) -> ModelRows:
    order = list(product((*SPLITS, "all"), (*KINDS, "all")))
    samples = list(model.samples())
    scores = [review.score for sample in samples for review in (sample.rm_review or {}).values() if review.score]
    return ModelRows(
        model=model.name,
        lines=[_line(*key, rows[key]) for key in order if key in rows],
        without_answer=sum(not sample.answered for sample in samples),
        without_review=sum(sample.answered and not sample.rm_review for sample in samples),
        off_scale=sum(not 1 <= score <= 10 for pair in scores for score in pair),
    )


def _line(part: str, scenario: str, row: Row) -> Line:
    means = {name: _figure(mean) for name, mean in {**row, OVERALL: overall(row)}.items()}
    return Line(part=part, scenario=scenario, means=means)


def _figure(mean: Average) -> Figure:
    return Figure(value=mean.value, n=mean.n, of=mean.of)
