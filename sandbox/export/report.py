"""What an export came to: how much there is, what was left out and why, and what was checked."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from pydantic import BaseModel

from sandbox.export.row import SPLITS, Row, Split

CHECKED = (
    "every row has the shape of the format",
    "every row has as many places for pictures as pictures",
    "no text holds a control token of a known family",
    "no scenario is both in train and in test",
)


class Part(BaseModel):
    """The rows of one split."""

    rows: int = 0
    scenarios: int = 0


class Report(BaseModel):
    """What an export holds."""

    format: str
    runs: list[str]
    out: str
    verdicts_of: list[str] = []
    """Scorers, where verdicts are exported."""
    kept_by: list[str] = []
    """Rules by which lines are learned, where scores say so."""
    splits: dict[Split, Part]
    episodes: int = 0
    """Of which there are rows."""
    learned: int = 0
    """Answers of models that are learned."""
    words: int = 0
    words_learned: int = 0
    most_words: int = 0
    """Of one row."""
    most_tokens: int = 0
    """Of one row's longest call, as the engine that was asked counted them; 0 where none did."""
    pictures: int = 0
    """Distinct ones."""
    left_out: dict[str, int] = {}
    """Why, and how many, the most frequent first."""
    notes: dict[str, int] = {}
    """What is odd about what is exported."""
    checked: list[str] = list(CHECKED)
    files: list[str] = []

    @property
    def rows(self) -> int:
        """How many there are."""
        return sum(part.rows for part in self.splits.values())


@dataclass
class Tally:
    """Adds up rows and what was left out."""

    left_out: Counter[str] = field(default_factory=Counter)
    notes: Counter[str] = field(default_factory=Counter)
    rows: Counter[Split] = field(default_factory=Counter)
    scenarios: dict[Split, set[str]] = field(default_factory=lambda: {split: set() for split in SPLITS})
    sums: Counter[str] = field(default_factory=Counter)
    episodes: set[tuple[str, int]] = field(default_factory=set)

    def leave_out(self, why: str, count: int) -> None:
        """Count what is not exported."""
        self.left_out[why] += count

    def note(self, what: str, count: int) -> None:
        """Count what is exported and odd."""
        self.notes[what] += count

    def add(self, split: Split, row: Row) -> None:
        """Count a row."""
        self.rows[split] += 1
        self.scenarios[split].add(row.origin.scenario)
        self.episodes.add((row.origin.run, row.origin.episode))
        self.sums.update(words=row.words, words_learned=row.learned, learned=row.answers)
        for what, value in (("most_words", row.words), ("most_tokens", row.tokens)):
            self.sums[what] = max(self.sums[what], value)

    def report(self, **facts: object) -> Report:
        """Return what it all comes to."""
        found = {
            "splits": {split: Part(rows=self.rows[split], scenarios=len(self.scenarios[split])) for split in SPLITS},
            "episodes": len(self.episodes),
            "left_out": dict(self.left_out.most_common()),
            "notes": {what: count for what, count in self.notes.most_common() if count},
        }
        return Report.model_validate(found | dict(self.sums) | facts)


def lines_of(report: Report) -> Iterator[str]:
    """Yield the report as a person reads it."""
    train, test = (report.splits[split] for split in SPLITS)
    yield (
        f"{report.format}: {report.rows} rows of {report.episodes} episodes: {train.rows} to train "
        f"({train.scenarios} scenarios), {test.rows} to test ({test.scenarios})"
    )
    tokens = f", {report.most_tokens} tokens in the longest call" if report.most_tokens else ""
    yield (
        f"learned: {report.learned} answers, {report.words_learned} of {report.words} words; "
        f"{report.most_words} words in the longest row{tokens}"
    )
    yield f"pictures: {report.pictures}"
    yield from (f"learned where: {rule}" for rule in report.kept_by)
    yield from (f"note: {what}: {count}" for what, count in report.notes.items())
    yield from (f"left out: {why}: {count}" for why, count in report.left_out.items())
    if report.rows:
        yield from (f"checked: {what}" for what in report.checked)
    yield from (f"written: {report.out}/{file}" for file in report.files)
