"""MMRole's test records, with the answers and reviews that are added to them, in the released form (JSON lists).

A file is kept as it was read, beside what is known of its records: written again with answers or reviews, it differs
from what was given in nothing else, neither in keys that are unknown here nor in how its JSON is laid out.

The form is that of the release (github.com/YanqiDai/MMRole and its data set YanqiDai/MMRole_dataset): keys `id, system,
image, conversations, role, script, other_role`; two conversations, of which the second is the reference and gets the
`answer` of the model that is judged; and `rm_review`, by the English names of the metrics.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from os.path import isdir, isfile
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from scenes.clean import one_line
from scenes.problem import InputRefused, Problem, refuse
from scorers.mmrole.json_list import JsonList, read_list

Split = Literal["in", "out"]
SPLITS: tuple[Split, ...] = ("in", "out")
"""The test sets: of characters that the training data have, and of others."""
Kind = Literal["comment", "human-role", "inter-role"]
KINDS: tuple[Kind, ...] = ("comment", "human-role", "inter-role")
ENDING = "_test.json"
"""How the name of a file of records ends; what is before it is the kind."""
HUMAN = "a curious human"
"""The `other_role` where no character is talked with."""
MOST_PROBLEMS = 20


def _none_if_empty(score: object) -> object:
    """Read what the original program stores where it could not read a review as no score."""
    return None if score in ({}, [], "") else score


class _Released(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True, extra="ignore", allow_inf_nan=False, populate_by_name=True)


class Line(_Released):
    """One of the two lines of a record."""

    speaker: str = Field(alias="from")
    value: str
    answer: str | None = None
    """Of the model that is judged, in the second line only."""


Score = Annotated[tuple[float, float], Field(strict=False)]
"""Of the evaluated answer, and of the reference; 1 to 10 is what judges are asked for."""


class Review(_Released):
    """What a judge said about one metric."""

    review: str = ""
    score: Annotated[Score | None, BeforeValidator(_none_if_empty)] = None
    """None where the review could not be read."""


class Sample(_Released):
    """A test record: one prompt to one model, what it answered, and how that was judged."""

    id: str
    system: str
    image: str
    """Path from the folder of images."""
    conversations: Annotated[tuple[Line, ...], Field(strict=False, min_length=2, max_length=2)]
    role: str
    script: str
    """The world that the role is from."""
    other_role: str
    """A character's name, or `HUMAN`."""
    rm_review: dict[str, Review] | None = None
    """By the English name of the metric; None where the record was not judged."""

    @property
    def prompt(self) -> str:
        """The text that the model is asked with, under the picture."""
        return self.conversations[0].value

    @property
    def reference(self) -> str:
        """The answer that comes with the record."""
        return self.conversations[1].value

    @property
    def answer(self) -> str:
        """Of the model that is judged; nothing but blanks if there is none."""
        return self.conversations[1].answer or ""

    @property
    def answered(self) -> bool:
        """Whether there is an answer to judge."""
        return bool(self.answer.strip())


@dataclass(frozen=True)
class SampleFile:
    """A file of records that was read."""

    path: Path
    samples: tuple[Sample, ...]
    listed: JsonList = field(repr=False)
    """As they were read, with all that is not known here."""

    def problem(self, at: int, message: str, key: str = "") -> Problem:
        """Return what is wrong with the record at a position (from 0), at the line of its `key` if it has that."""
        return self.listed.problem(at, f"{_named(at, self.listed.items[at])}: {message}", key)

    def answered(self, answers: Mapping[int, str]) -> bytes:
        """Return the file with `answers`, by the position of the record.

        A review of another answer that stood there is left out: it says nothing about this one.
        """
        return self._with({at: _with_answer(self.listed.items[at], answer) for at, answer in answers.items()})

    def reviewed(self, reviews: Mapping[int, Mapping[str, Review]]) -> bytes:
        """Return the file with `reviews`, by the position of the record and the name of the metric."""
        return self._with({at: _with_reviews(self.listed.items[at], judged) for at, judged in reviews.items()})

    def _with(self, changed: Mapping[int, dict[str, Any]]) -> bytes:
        return self.listed.written([changed.get(at, record) for at, record in enumerate(self.listed.items)])


def _with_answer(record: dict[str, Any], answer: str) -> dict[str, Any]:
    asked, replied = record["conversations"]
    kept = {key: value for key, value in record.items() if key != "rm_review"}
    return kept | {"conversations": [asked, replied | {"answer": answer}]}


def _with_reviews(record: dict[str, Any], judged: Mapping[str, Review]) -> dict[str, Any]:
    told = {name: {"review": one.review, "score": list(one.score or ())} for name, one in judged.items()}
    return record | {"rm_review": told}


def sample_files(place: Path) -> list[Path]:
    """Return the file of records at `place`, or all in that folder, in the order of their names.

    Raises `InputRefused` if there is none.
    """
    if isfile(place):
        return [place]
    if not isdir(place):
        raise refuse("there is no such file or folder; name one with MMRole's test records.", str(place))
    found = sorted(place.rglob(f"*{ENDING}"))
    if not found:
        raise refuse(f"no file in this folder has a name that ends with {ENDING}; name one with records.", str(place))
    return found


def read_samples(path: Path) -> SampleFile:
    """Read a file of records. Raises `InputRefused` with what is wrong in it, by line."""
    listed = read_list(path)
    samples: list[Sample] = []
    problems: list[Problem] = []
    for at, record in enumerate(listed.items):
        try:
            samples.append(Sample.model_validate(record))
        except ValidationError as error:
            problems += [
                _of_error(listed, at, one) for one in error.errors(include_url=False) if not _is_miscounted(one)
            ]
        if len(problems) >= MOST_PROBLEMS:
            break
    problems += [] if problems else _twice(listed, samples)
    if problems:
        raise InputRefused(problems[:MOST_PROBLEMS])
    return SampleFile(path, tuple(samples), listed)


def _named(at: int, record: object) -> str:
    name = record.get("id") if isinstance(record, dict) else None
    return f"record {at + 1}" + (f" ({one_line(name)})" if isinstance(name, str) else "")


_RULES = {
    "missing": "is missing",
    "string_type": "must be a text",
    "model_type": "must be an object with keys",
    "dict_type": "must be an object with keys",
    "list_type": "must be a list",
    "tuple_type": "must be a list",
    "finite_number": "must be a finite number",
    "too_short": "has too few items",
    "too_long": "has too many items",
}
_MENDS = {
    "conversations": "conversations are two lines, each with `from` and `value`, the second of them the reference",
    "rm_review": 'rm_review holds by metric {"review": text, "score": [evaluated, reference]}',
}
_MEND = "a record has the texts id, system, image, role, script, other_role, and its conversations"


def _is_miscounted(error: ErrorDetails) -> bool:
    """Return whether a list is called too short only because pydantic leaves out the items that are wrong."""
    return error["type"] == "too_short" and len(error["input"]) >= error["ctx"]["min_length"]


def _of_error(listed: JsonList, at: int, error: ErrorDetails) -> Problem:
    keys = [str(part) for part in error["loc"]]
    first = keys[0] if keys else ""
    rule = _RULES.get(error["type"], "must be a number" if "score" in keys else "is not of the released form")
    where = ".".join(one_line(key) for key in keys) or "it"
    return listed.problem(at, f"{_named(at, listed.items[at])}: {where} {rule}; {_MENDS.get(first, _MEND)}.", first)


def _twice(listed: JsonList, samples: Sequence[Sample]) -> list[Problem]:
    """Return the records whose id another has: each would count twice in a mean."""
    first: dict[str, int] = {}
    found = []
    for at, sample in enumerate(samples):
        before = first.setdefault(sample.id, at)
        if before != at:
            same = f'id "{one_line(sample.id)}" is that of record {before + 1} as well; keep one of them.'
            found.append(listed.problem(at, f"record {at + 1}: {same}", "id"))
    return found
