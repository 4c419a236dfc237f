"""Where verdicts come from that are to be compared: a scored run, review files in MMRole's form, a CSV of a person's.

All become a `Judge`: what it said of what, so that the verdicts of two can be put side by side whatever they came
from. Runs are read from their stores, and nothing is asked.
"""

import csv
import json
import re
from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from hashlib import blake2b
from io import StringIO
from math import isfinite
from os.path import isdir, isfile
from pathlib import Path
from typing import Literal, NamedTuple

from pydantic import ValidationError

from sandbox.journal import Answered, Begun, begun_in
from sandbox.record import Record
from sandbox.rows import EpisodeRow, ScorerRow
from sandbox.run_folder import find_run
from sandbox.store import DATABASE
from scenes.chat import Completion
from scenes.clean import one_line, without_surrogates
from scenes.event import Event
from scenes.problem import InputRefused, Problem, refuse
from scenes.references import unknown
from scorers.base import Score
from scorers.mmrole.metrics import METRICS
from scorers.mmrole.records import ENDING, Sample, read_samples, sample_files
from scorers.mmrole.table import ratio

VERDICTS = "verdicts.jsonl"
"""What `rolestage score` keeps of a judge's words beside records that it judged."""
REPEAT = "repeat"
"""The option under which a scorer's verdicts are kept that it gave when it was asked once more."""
DERIVED = ("overall", "average", "swap_consistency")
"""Metrics that are made of others, or are about the judge: they are compared only where they are asked for by name."""
MAX_BYTES = 200_000_000
MOST_PROBLEMS = 20
Kind = Literal["run", "reviews", "people"]


class About(NamedTuple):
    """What a verdict is on: a record by its id, or part of an episode."""

    record: str | None
    episode: int | None
    character: str | None = None
    events: tuple[int, ...] = ()
    """By index; of a person's row those that it names."""
    run: str | None = None
    """The name of the run; of a person's row only where it names one."""


@dataclass(frozen=True, slots=True)
class Item:
    """One verdict."""

    about: About
    metric: str
    value: float | None
    """None where there is no verdict."""
    asked: bool = True
    """Whether a judge was asked, so that a missing value is its own affair."""
    said: bytes = b""
    """A digest of the words that were judged; nothing where they are not known."""
    clusters: tuple[Hashable, ...] = ()
    """Scenario and episode, or character and record: from coarse to fine."""
    calls: tuple[str, ...] = ()
    line: int = 0
    """In a CSV."""


@dataclass(frozen=True)
class Judge:
    """What one judge said of everything."""

    name: str
    place: str
    kind: Kind
    items: Sequence[Item]
    units: Mapping[str, str] = field(default_factory=dict)
    """By metric, where they are known."""
    row: ScorerRow | None = None
    """Of a run's scorer."""
    failed: int = 0
    """Episodes that it could say nothing about."""
    model: str = ""
    """Which model judged, where that is known."""
    answers: Mapping[str, Completion] = field(default_factory=dict, repr=False)
    """What it wrote about records, by the keys of the calls; a run's answers are in its store."""

    @property
    def title(self) -> str:
        """What it is called among others."""
        return one_line(f"{self.name} · {self.place}" if self.name else self.place, 300)

    @property
    def reference(self) -> object:
        """What its scores are ratios to, where they are ratios and that is known."""
        return options_of(self.row).get("reference") if self.row else None


def judge_of(name: str, runs: Path) -> Judge:
    """Return the one judge that the command line calls `name`. Raises `InputRefused` and `StoreDamaged`.

    That is `RUN`, `RUN:SCORER`, a review file or a folder of such, or a CSV file (`FILE.csv:SCORER` where it has the
    verdicts of several).
    """
    place, wanted = _parted(name, runs)
    found = judges_in(place, [wanted] if wanted else [])
    if len(found) == 1:
        return found[0]
    listed = ", ".join(one_line(f"{place}:{judge.name}", 300) for judge in found)
    raise refuse(f"several have judged here; name one of them: {listed}.", one_line(name, 300))


def place_of(name: str, runs: Path) -> Path:
    """Return the file or folder called `name`, or the run. Raises `InputRefused`."""
    path = Path(name)
    if isfile(path) and path.suffix not in (".csv", ".json"):
        raise refuse("this is neither a .csv nor a .json file; name a run, MMRole's review files, or a CSV.", name)
    if isfile(path) or (isdir(path) and (isfile(path / DATABASE) or _has_records(path))):
        return path
    if path.suffix in (".csv", ".json"):
        raise refuse("there is no such file; name a run, MMRole's review files, or a CSV of scores.", name)
    return find_run(name, runs)


def _has_records(path: Path) -> bool:
    return next(path.rglob(f"*{ENDING}"), None) is not None


def _parted(name: str, runs: Path) -> tuple[Path, str]:
    """Return the place and the scorer that `name` says."""
    place, colon, scorer = name.rpartition(":")
    if not colon or not place or isfile(name) or isdir(name):
        return place_of(name, runs), ""
    return place_of(place, runs), scorer


def judges_in(place: Path, wanted: Sequence[str] = ()) -> list[Judge]:
    """Return those who judged at `place`: of a run or a CSV only those called `wanted`, if there are such names.

    Raises `InputRefused` and `StoreDamaged`.
    """
    if isfile(place) and place.suffix == ".csv":
        return _of_people(place, wanted)
    if isfile(place / DATABASE):
        return _of_run(place, wanted)
    if wanted:
        raise refuse("review files have no scorers to choose from; leave the name out.", str(place))
    return [_of_reviews(place)]


# ---- runs


def _of_run(folder: Path, wanted: Sequence[str]) -> list[Judge]:
    with closing(Record(folder)) as record:
        rows = chosen_rows(record.scorers(), wanted, folder)
        states = record.states()
        events = {state.id: record.events(state.id) for state in states}
        return [_of_scorer(record, folder, row, states, events) for row in rows]


def chosen_rows(scorers: Sequence[ScorerRow], wanted: Sequence[str], folder: Path) -> list[ScorerRow]:
    """Return the scorers called `wanted`, by name or identity; all without one, and none that only repeats another.

    Raises `InputRefused`.
    """
    if not scorers:
        raise refuse(f"this run has no scores yet; make some: rolestage score {folder} --scorer NAME", str(folder))
    first = [row for row in scorers if not repeat_of(row)]
    for name in wanted:
        if not any(name in (row.id, row.name) for row in scorers):
            raise refuse(unknown("scorer of this run", one_line(name), [row.id for row in first]), str(folder))
    if not wanted:
        return first
    return [row for row in scorers if row.id in wanted or (row.name in wanted and not repeat_of(row))]


def options_of(row: ScorerRow) -> dict[str, object]:
    """Return the options that a scorer was given."""
    options: dict[str, object] = json.loads(row.facts).get("options", {})
    return options


def repeat_of(row: ScorerRow) -> int:
    """Return the how manieth repeat of another scorer's verdicts this is; 0 if it is none."""
    nth = options_of(row).get(REPEAT, 0)
    return nth if isinstance(nth, int) else 0


def _of_scorer(
    record: Record,
    folder: Path,
    row: ScorerRow,
    states: Sequence[EpisodeRow],
    events: Mapping[int, Sequence[Event]],
) -> Judge:
    units = {metric["name"]: metric["unit"] for metric in json.loads(row.facts).get("metrics", ())}
    items = [
        _item(score, state, folder.name, events[state.id])
        for state in states
        for score in record.scores(row.id, state.id)
    ]
    return Judge(row.id, str(folder), "run", _numbered(items), units, row, record.failures(row.id))


def _item(score: Score, state: EpisodeRow, run: str, events: Sequence[Event]) -> Item:
    about = About(None, state.id, score.character, score.events, run)
    spoken = [events[at] for at in score.events] if score.events else events
    said = _digest(f"{event.actor}: {event.text}" for event in spoken)
    clusters = (state.variant_id, (state.variant_id, state.seed, state.id))
    return Item(about, score.metric, score.value, bool(score.calls), said, clusters, score.calls)


def _digest(words: Iterable[str]) -> bytes:
    return blake2b("\0".join(words).encode("utf-8", "replace"), digest_size=12).digest()


def _numbered(items: Sequence[Item]) -> list[Item]:
    """Return the first verdict of each on one thing: a scorer that has two to give says them of different things."""
    seen: set[Hashable] = set()
    return [item for item in items if not _seen(seen, (item.about, item.metric, item.said))]


def _seen(seen: set[Hashable], key: Hashable) -> bool:
    if key in seen:
        return True
    seen.add(key)
    return False


# ---- reviews in MMRole's form


def _of_reviews(place: Path) -> Judge:
    begun, answers = _journal(place)
    items = [
        item
        for path in sample_files(place)
        for sample in read_samples(path).samples
        if sample.rm_review is not None
        for item in _of_sample(sample, answers)
    ]
    if not items:
        raise refuse("no record here has been judged: none has an rm_review.", str(place))
    name, model = (begun.scorer or "", begun.model) if begun else ("", "")
    units = {aspect.metric: "ratio" for aspect in METRICS}
    return Judge(name, str(place), "reviews", _numbered(items), units, model=model, answers=answers)


def _journal(place: Path) -> tuple[Begun | None, dict[str, Completion]]:
    """Return what `rolestage score` kept of the judge's own words beside the reviews that it wrote.

    Where two answers to one record were judged nothing tells which of them a line is about, so those are left out.
    """
    path = place / VERDICTS
    begun = begun_in(path)
    if begun is None:
        return None, {}
    lines = [line for line in path.read_bytes().split(b"\n")[:-1] if line.startswith(b'{"kind":"answered"')]
    try:
        entries = [Answered.model_validate_json(line) for line in lines]
    except ValidationError:
        raise refuse("a line of it is damaged; remove it, and score the records again.", str(path)) from None
    counts = Counter(entry.record for entry in entries)
    return begun, {entry.record: entry.completion for entry in entries if counts[entry.record] == 1}


def _of_sample(sample: Sample, answers: Mapping[str, Completion]) -> Iterator[Item]:
    reviews = {metric_called(name): review for name, review in (sample.rm_review or {}).items()}
    said = _digest([" ".join(sample.answer.split())])
    clusters = ((sample.role, sample.script), sample.id)
    for aspect in METRICS:
        review = reviews.get(aspect.metric)
        value = ratio(review.score) if review else None
        calls = tuple(key for key in _keys(without_surrogates(sample.id), aspect.key) if key in answers)
        yield Item(About(sample.id, None), aspect.metric, value, sample.answered, said, clusters, calls)


def _keys(record: str, metric: str) -> Iterator[str]:
    """Yield under which keys a judge may have been asked about a record by a metric, in the order of asking."""
    expected = [f"{metric}/{side}{score}" for side in "ab" for score in range(1, 11)]
    for order in (record, f"{record}/swapped"):
        yield from (f"{order}/{asked}" for asked in (metric, f"{metric}/again", "all", "all/again", *expected))


# ---- a person's scores in CSV

COLUMNS = {
    "record": ("record", "record_id", "id"),
    "episode": ("episode",),
    "event": ("event", "events"),
    "character": ("character",),
    "metric": ("metric",),
    "score": ("score", "value"),
    "run": ("run",),
    "scorer": ("scorer",),
}
"""What a column may be called; others are passed over."""
WANTED = "the columns are metric, score, and record, or else episode with event, character and run as far as needed"
_KNOWN = {name: aspect.metric for aspect in METRICS for name in (aspect.key.lower(), aspect.name.lower())}


def metric_called(name: str) -> str:
    """Return the name of a metric as scorers have it: `Fluency` and `Flu` are `fluency`."""
    plain = " ".join(name.split()).lower()
    return _KNOWN.get(plain) or re.sub("[ -]", "_", plain)


def _of_people(path: Path, wanted: Sequence[str]) -> list[Judge]:
    found: dict[str, list[Item]] = {}
    problems: list[Problem] = []
    for line, row in _rows(path):
        try:
            found.setdefault(row.get("scorer", ""), []).append(_person_s(row, line))
        except ValueError as error:
            problems.append(Problem(str(path), line, 1, str(error)))
    problems += [] if problems else [one for items in found.values() for one in _twice(items, path)]
    if problems:
        raise InputRefused(problems[:MOST_PROBLEMS])
    if not found:
        raise refuse(f"it has no row of scores; {WANTED}.", str(path))
    missing = [name for name in wanted if name not in found]
    if missing:
        raise refuse(unknown("scorer of this file", one_line(missing[0]), sorted(found)), str(path))
    return [Judge(name, str(path), "people", found[name]) for name in (wanted or found)]


def _rows(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield the lines of a CSV with their numbers, by what their columns are. Raises `InputRefused`."""
    text = _text(path)
    head = text.partition("\n")[0]
    reader = csv.reader(StringIO(text), delimiter=max(",;\t", key=head.count), strict=True)
    try:
        names = _columns(next(reader, []), path)
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield reader.line_num, _checked(cells, names, path, reader.line_num)
    except csv.Error as error:
        raise InputRefused([Problem(str(path), reader.line_num, 1, f"this is no CSV ({error}); mend it.")]) from None


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise refuse(f"the file has more than {MAX_BYTES // 1_000_000} MB; split it.", str(path))
        return path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise refuse(f"the file cannot be read ({error.strerror}); name another.", str(path)) from None
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise InputRefused([Problem(str(path), line, 1, "this is not UTF-8; save the file as UTF-8.")]) from None


def _columns(head: Sequence[str], path: Path) -> list[str | None]:
    called = {alias: name for name, aliases in COLUMNS.items() for alias in aliases}
    names = [called.get(cell.strip().lower()) for cell in head]
    counts = Counter(name for name in names if name)
    problem = next((f'two columns are "{name}"; keep one' for name, count in counts.items() if count > 1), None)
    if not problem and not {"metric", "score"} <= counts.keys():
        missing = next(name for name in ("metric", "score") if name not in counts)
        problem = f'there is no column "{missing}"; {WANTED}'
    if not problem and not {"record", "episode"} & counts.keys():
        problem = f'there is neither a column "record" nor a column "episode"; {WANTED}'
    if problem:
        raise InputRefused([Problem(str(path), 1, 1, f"{problem}.")])
    return names


def _checked(cells: Sequence[str], names: Sequence[str | None], path: Path, line: int) -> dict[str, str]:
    if len(cells) != len(names):
        message = f"the line has {len(cells)} cells and the first one {len(names)}; put texts with commas in quotes."
        raise InputRefused([Problem(str(path), line, 1, message)])
    return {name: cell.strip() for name, cell in zip(names, cells, strict=True) if name}


def _person_s(row: Mapping[str, str], line: int) -> Item:
    """Return the verdict in a row. Raises `ValueError`."""
    record, episode = row.get("record") or None, _whole(row.get("episode", ""), "episode")
    if (record is None) == (episode is None):
        raise ValueError("a row is about a record or about an episode; fill in one of the two")
    if not row["metric"]:
        raise ValueError("it names no metric; fill it in")
    events = tuple(_events(row.get("event", "")))
    about = About(record, episode, row.get("character") or None, events, row.get("run") or None)
    clusters: tuple[Hashable, ...] = (record,) if record else (episode,)
    return Item(about, metric_called(row["metric"]), _number(row["score"]), True, b"", clusters, (), line)


def _number(text: str) -> float | None:
    """Return the number in a cell; None for an empty one. Raises `ValueError`."""
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not isfinite(value):
        raise ValueError(f'"{one_line(text)}" is no score; write a number like 0.5, or nothing where there is none')
    return value


def _whole(text: str, what: str) -> int | None:
    if not text:
        return None
    if not re.fullmatch("[0-9]{1,9}", text, re.ASCII):
        raise ValueError(f'"{one_line(text)}" is no {what}; write its number')
    return int(text)


def _events(text: str) -> Iterator[int]:
    """Yield the events in a cell: `3`, `3 4` or `[3, 4]`."""
    for part in re.split(r"[\s,;]+", text.strip("[] ")):
        number = _whole(part, "event")
        if number is not None:
            yield number


def _twice(items: Iterable[Item], path: Path) -> Iterator[Problem]:
    first: dict[Hashable, int] = {}
    for item in items:
        before = first.setdefault((item.about, item.metric), item.line)
        if before != item.line:
            message = f"line {before} has a score of the same thing already; keep one of the two."
            yield Problem(str(path), item.line, 1, message)
