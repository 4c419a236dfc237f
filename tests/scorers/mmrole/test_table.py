import csv
from itertools import product
from math import isclose
from pathlib import Path

import pytest
from made_records import Json, answered, judged, record, written_records
from records import data_folder

from scenes.problem import InputRefused
from scorers.mmrole.metrics import METRICS
from scorers.mmrole.records import KINDS, SPLITS, Sample, read_samples
from scorers.mmrole.table import (
    NAMES,
    OVERALL,
    Average,
    Row,
    both_sets,
    csv_of,
    mean_of,
    overall,
    published,
    ratio,
    read_results,
    reviewed,
    row_of,
    table5,
)

HEAD = ",".join(["count", *NAMES])


def samples(folder: Path, *records: Json) -> tuple[Sample, ...]:
    return read_samples(written_records(folder / "comment_test.json", records)).samples


def row(value: float, n: int = 1) -> Row:
    return {name: Average(value, n, n) for name in NAMES}


def results(folder: Path, content: str) -> Path:
    path = folder / "comment_test.csv"
    path.write_text(content, encoding="utf-8", newline="")
    return path


def test_a_score_is_that_of_the_answer_over_that_of_the_reference() -> None:
    assert [ratio((8, 10)), ratio((10, 3)), ratio((0, 4)), ratio((5, 0)), ratio(None)] == [0.8, 10 / 3, 0, None, None]


def test_what_has_no_score_is_in_no_mean_and_is_counted(tmp_path: Path) -> None:
    scores = dict.fromkeys((metric.key for metric in METRICS), (9, 10)) | {"Flu": (5, 0)}
    del scores["TC"]
    made = samples(
        tmp_path, judged(record(0), (6, 8)), judged(record(1), scores), answered(record(2), ""), answered(record(3))
    )
    found = row_of(made)
    assert [*found] == [metric.name for metric in METRICS]
    assert found["Instruction Adherence"] == Average((0.75 + 0.9) / 2, 2, 4)
    assert found["Fluency"] == found["Tone Consistency"] == Average(0.75, 1, 4)
    assert reviewed(made) == 2
    assert overall(found).n == 1
    assert overall(found).of == 4


def test_a_file_without_reviews_has_no_mean(tmp_path: Path) -> None:
    found = row_of(samples(tmp_path, record()))
    assert set(found.values()) == {Average(None, 0, 1)}
    assert overall(found) == Average(None, 0, 1)


def test_a_test_set_is_the_plain_mean_of_its_scenarios_however_large_they_are() -> None:
    assert mean_of([row(0.75, 72), row(1.5, 1), row(0.0, 5)]) == row(0.75, 78)


def test_a_row_is_three_quarters_of_the_one_set_and_a_quarter_of_the_other() -> None:
    assert both_sets(row(1.0, 216), row(0.6, 78)) == row(0.9, 294)


def test_a_mean_of_which_a_part_is_missing_is_none() -> None:
    without = {**row(1.0), "Fluency": Average(None, 0, 1)}
    assert mean_of([row(1.0), without])["Fluency"] == Average(None, 1, 2)
    assert both_sets(without, row(1.0))["Fluency"].value is None
    assert overall(both_sets(without, row(1.0))).value is None


def test_overall_is_the_mean_of_what_is_not_rounded() -> None:
    means = {name: Average(1.0004 + at / 1e4, 3, 3) for at, name in enumerate(NAMES)}
    assert isclose(overall(means).value or 0, 1.00075, abs_tol=1e-12)


def test_the_csv_has_the_published_form_and_is_read_again(tmp_path: Path) -> None:
    text = csv_of(samples(tmp_path, judged(record(0), (6, 8)), judged(record(1), (1, 3)), record(2)))
    assert text.startswith(f"{HEAD}\r\n2,0.54166")
    assert text.endswith("\r\n")
    found = read_results(results(tmp_path, text))
    assert found.count == 2
    assert [*found.means] == [*NAMES]
    assert isclose(found.means["Fluency"], (6 / 8 + 1 / 3) / 2)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", ": it has 0 lines"),
        (HEAD, ": it has 1 lines"),
        (f"{HEAD}\n{'1,' * 8}1\n{'1,' * 8}1", ": it has 3 lines"),
        (f"{HEAD.replace('Fluency', 'Flu')}\n{'1,' * 8}1", ':1:1: there is no column "Fluency"'),
        (f"{HEAD}\n1,1", ":1:1: the two lines have not as many cells"),
        (f"{HEAD}\n{'1,' * 8}one", ':2:1: "one" in column Tone Consistency is no number'),
        (f"{HEAD}\n{'1,' * 8}nan", ':2:1: "nan" in column Tone Consistency is no number'),
        (f"{HEAD}\n7.5,{'1,' * 7}1", ':2:1: "7.5" in column count is no number'),
    ],
)
def test_a_csv_of_another_form_is_refused_at_its_line(tmp_path: Path, content: str, said: str) -> None:
    path = results(tmp_path, content)
    with pytest.raises(InputRefused) as refused:
        read_results(path)
    assert str(refused.value).startswith(f"{path}{said}")


def test_a_csv_that_is_not_there_or_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "bytes.csv").write_bytes(b"\xff\xfe\x00")
    for name in ("nowhere.csv", "bytes.csv"):
        with pytest.raises(InputRefused, match="cannot be read as CSV"):
            read_results(tmp_path / name)


def test_table_5_is_found_by_the_folder_of_a_model() -> None:
    assert len(table5()) == 13
    assert [one.title for one in published("mmrole-agent")] == [
        "MMRole-Agent",
        "MMRole-Agent (In-Test)",
        "MMRole-Agent (Out-Test)",
    ]
    (turbo,) = published("gpt-4-turbo")
    assert (turbo.cells["Personality Consistency"], turbo.cells[OVERALL]) == ("1.168", "1.099")
    assert published("storybook") == []


def test_what_is_printed_in_table_5_agrees_with_itself() -> None:
    for one in table5():
        assert abs(sum(float(one.cells[name]) for name in NAMES) / 8 - float(one.cells[OVERALL])) <= 0.001


@pytest.mark.data
def test_every_published_csv_comes_out_of_its_reviews() -> None:
    data = data_folder("mmrole")
    models = sorted(path.name for path in (data / "in-test_reviews").iterdir())
    for split, model, kind in product(SPLITS, models, KINDS):
        file = read_samples(data / f"{split}-test_reviews" / model / f"{kind}_test.json")
        text = (data / f"{split}-test_results" / model / f"{kind}_test.csv").read_text(encoding="utf-8")
        ours, theirs = (next(csv.DictReader(one.splitlines())) for one in (csv_of(file.samples), text))
        assert [*ours] == [*theirs]
        for name, value in theirs.items():
            assert isclose(float(ours[name]), float(value), rel_tol=1e-12)
