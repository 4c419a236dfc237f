"""`rolestage verify mmrole`, on reviews that were made up to come to the printed figures, and on the real ones."""

import json
import re
from itertools import product
from pathlib import Path
from shutil import copytree, rmtree
from typing import Any

import pytest
from commanding import commanded, on_a_terminal, program, rows
from made_records import answered, judged, record, text_of, written_records
from records import data_folder

from sandbox.verify import verified
from scorers.mmrole.metrics import METRICS
from scorers.mmrole.records import KINDS, SPLITS, read_samples
from scorers.mmrole.table import NAMES, csv_of, published

MODEL = "mmrole-agent"
REVIEWS = f"in-test_reviews/{MODEL}/comment_test.json"
RESULTS = f"in-test_results/{MODEL}/comment_test.csv"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The release of one model, every sample of which has the means that are printed of its test set."""
    folder = tmp_path_factory.mktemp("release")
    for split, kind in product(SPLITS, KINDS):
        release(folder, MODEL, split, kind, scores(split))
    return folder


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    return copytree(made, tmp_path / "release")


def scores(split: str) -> dict[str, tuple[float, float]]:
    """Return what gives every metric its printed mean."""
    (line,) = (one for one in published(MODEL) if one.part == split)
    return {metric.key: (round(10 * float(line.cells[metric.name]), 2), 10.0) for metric in METRICS}


def release(folder: Path, model: str, split: str, kind: str, given: dict[str, tuple[float, float]]) -> None:
    reviews = folder / f"{split}-test_reviews" / model / f"{kind}_test.json"
    written_records(reviews, [judged(record(nth), given) for nth in range(3)])
    put_results(reviews)


def put_results(reviews: Path) -> None:
    """Write the CSV that belongs to a file of reviews."""
    results = Path(str(reviews).replace("_reviews", "_results")).with_suffix(".csv")
    results.parent.mkdir(parents=True, exist_ok=True)
    results.write_text(csv_of(read_samples(reviews).samples), encoding="utf-8", newline="")


def told(folder: Path, code: int) -> Any:
    outcome = commanded("verify", "mmrole", folder, "--json")
    assert (outcome.code, outcome.err) == (code, "")
    return json.loads(outcome.out)


def changed(path: Path, old: str, new: str) -> None:
    content = path.read_bytes()
    assert old.encode() in content
    path.write_bytes(content.replace(old.encode(), new.encode(), 1))


def test_figures_that_follow_from_their_reviews_are_equal(folder: Path) -> None:
    outcome = commanded("verify", "mmrole", folder)
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out.splitlines()[-1] == (
        "54 of 54 CSV values equal; 27 of 27 cells of Table 5 equal; "
        "144 of 144 reviews read, 0 with another score than is stored."
    )
    assert "differs" not in outcome.out
    assert "missing" not in outcome.out


def test_the_rows_of_each_scenario_stand_beside_those_of_the_test_sets(folder: Path) -> None:
    (model,) = told(folder, 0)["models"]
    lines = {(line["part"], line["scenario"]): line["means"] for line in model["lines"]}
    assert [*lines] == list(product(("in", "out", "all"), (*KINDS, "all")))
    assert [*lines["in", "comment"]] == [*NAMES, "Overall"]
    assert lines["all", "all"]["Personality Consistency"] == {
        "value": pytest.approx(0.75 * 1.012 + 0.25 * 0.963),
        "n": 18,
        "of": 18,
    }
    assert lines["in", "comment"]["Overall"] == {"value": pytest.approx(0.998875), "n": 3, "of": 3}


def test_a_csv_value_that_does_not_follow_is_named(folder: Path) -> None:
    results = folder / RESULTS
    row = results.read_text(encoding="utf-8").splitlines()[1].split(",")
    before, row[2] = row[2], "1.0000001"
    results.write_text(f"{','.join(['count', *NAMES])}\r\n{','.join(row)}\r\n", encoding="utf-8", newline="")
    outcome = commanded("verify", "mmrole", folder)
    assert outcome.code == 1
    line = f"differs: {results}: Fluency: published 1.0000001, from the reviews {before}"
    assert line in outcome.out.splitlines()
    assert outcome.out.count("differs") == 1
    assert "53 of 54 CSV values equal; 27 of 27 cells" in outcome.out


def test_another_count_than_there_are_reviews_is_named(folder: Path) -> None:
    changed(folder / RESULTS, "\r\n3,", "\r\n4,")
    (difference,) = told(folder, 1)["differences"]
    assert difference == {"where": str(folder / RESULTS), "metric": "count", "published": "4", "ours": "3"}


def test_a_cell_of_table_5_that_does_not_follow_is_named(folder: Path) -> None:
    release(folder, MODEL, "out", "comment", scores("out") | {"IA": (9.5, 10.0)})
    found = told(folder, 1)["differences"]
    assert [(one["where"], one["metric"], one["published"]) for one in found] == [
        ("Table 5, MMRole-Agent", "Instruction Adherence", "0.998"),
        ("Table 5, MMRole-Agent (Out-Test)", "Instruction Adherence", "0.992"),
        ("Table 5, MMRole-Agent (Out-Test)", "Overall", "0.981"),
    ]
    assert float(found[0]["ours"]) == pytest.approx(0.75 * 1.0 + 0.25 * (0.992 * 2 + 0.95) / 3)


def test_a_stored_score_that_its_review_does_not_give_is_named_at_its_line(folder: Path) -> None:
    reviews = folder / REVIEWS
    changed(reviews, "[Scores]: (9.97, 10)", "[Scores]: (3, 10)")
    put_results(reviews)
    done = told(folder, 1)
    line = next(at for at, one in enumerate(reviews.read_text(encoding="utf-8").splitlines(), 1) if "Relevance" in one)
    assert done["differences"] == []
    assert done["rereads"] == [
        {
            "where": f"{reviews}:{line}",
            "record": "Brack_comment_COCO_0",
            "metric": "Image-Text Relevance",
            "stored": "9.97, 10",
            "read": "3, 10",
        }
    ]


def test_a_review_that_cannot_be_read_is_counted_and_told_why(folder: Path) -> None:
    changed(folder / REVIEWS, "[Scores]: (9.97, 10)", "Both were fine.")
    done = told(folder, 1)
    assert (done["reviews"], done["reviews_read"]) == (144, 143)
    (reread,) = done["rereads"]
    assert reread["read"] == "it has no score line"


def test_a_table_fits_a_terminal_of_80_columns(folder: Path) -> None:
    shown = rows(on_a_terminal(program("verify", "mmrole", folder), folder, 80))
    head = next(at for at, row in enumerate(shown) if row.startswith("test set"))
    assert [re.split(r" +[01]\.", row)[0] for row in shown[head + 1 : head + 13]] == [
        f"{part} {kind}".strip() for part in ("in", "out", "both") for kind in (*KINDS, "")
    ]


def test_what_was_not_answered_or_judged_is_in_no_mean_and_is_said(folder: Path) -> None:
    made = [judged(record(0), scores("in")), answered(record(1), ""), answered(record(2))]
    written_records(folder / REVIEWS, made)
    put_results(folder / REVIEWS)
    outcome = commanded("verify", "mmrole", folder)
    assert outcome.code == 0
    assert f"{MODEL}: samples without an answer, in no mean: 1" in outcome.out
    assert f"{MODEL}: samples with an answer that nobody judged, in no mean: 1" in outcome.out
    assert next(line for line in outcome.out.splitlines() if "comment" in line).split()[-1] == "1/3"


def test_a_metric_with_fewer_verdicts_has_its_own_count(folder: Path) -> None:
    release(folder, MODEL, "in", "comment", scores("in"))
    changed(folder / REVIEWS, '"score": [\n                    10.0,\n                    10.0', '"score": [\n5,\n0')
    outcome = commanded("verify", "mmrole", folder)
    line = next(line for line in outcome.out.splitlines() if line.startswith("in "))
    assert line.split()[-1] == "2/3"
    assert "1.000 (3/3)" in line


@pytest.mark.parametrize(
    ("gone", "named"),
    [
        (RESULTS, RESULTS),
        (REVIEWS, REVIEWS),
        (f"out-test_results/{MODEL}", f"out-test_results/{MODEL}"),
        ("out-test_reviews", "out-test_reviews"),
    ],
)
def test_what_is_missing_is_named_and_all_else_compared(folder: Path, gone: str, named: str) -> None:
    (rmtree if (folder / gone).is_dir() else Path.unlink)(folder / gone)  # type: ignore[operator]
    done = told(folder, 1)
    assert done["missing"] == [str(folder / named)]
    assert done["differences"] == done["rereads"] == []
    assert done["csv_values"] >= 27
    assert f"missing: {folder / named}" in commanded("verify", "mmrole", folder).out.splitlines()


def test_a_model_that_is_not_in_table_5_is_compared_with_its_csvs_alone(folder: Path) -> None:
    for split, kind in product(SPLITS, KINDS):
        release(folder, "storybook", split, kind, scores(split))
    done = told(folder, 0)
    assert done["not_in_table"] == ["storybook"]
    assert (done["csv_values"], done["table_cells"]) == (108, 27)


def test_the_release_holds_it_all_in_a_folder_called_eval(folder: Path) -> None:
    folder.rename(folder.parent / "eval")
    assert told(folder.parent, 0)["table_cells"] == 27


def test_scores_off_the_scale_are_kept_and_counted(folder: Path) -> None:
    release(folder, MODEL, "in", "comment", scores("in") | {"IA": (0.0, 10.0)})
    assert f"{MODEL}: scores outside 1 to 10, kept: " in commanded("verify", "mmrole", folder).out


def test_a_folder_without_reviews_is_refused(tmp_path: Path) -> None:
    for place in (tmp_path, tmp_path / "nowhere", tmp_path / ("x" * 300)):
        outcome = commanded("verify", "mmrole", place)
        assert outcome.code == 2
        assert outcome.err.startswith(f"{place}: there is no folder in-test_reviews or out-test_reviews in it;")


def test_broken_files_are_refused_together_with_their_lines(folder: Path) -> None:
    release(folder, "other", "in", "comment", scores("in"))
    broken = folder / "in-test_reviews/other/comment_test.json"
    broken.write_text(text_of([record()])[:-20], encoding="utf-8")
    changed(folder / RESULTS, "\r\n3,", "\r\nthree,")
    outcome = commanded("verify", "mmrole", folder)
    assert outcome.code == 2
    assert [line.split(": ")[0] for line in outcome.err.splitlines()] == [
        f"{folder / RESULTS}:2:1",
        f"{broken}:18:23",
    ]


def test_the_name_of_a_model_is_shown_without_its_escapes(folder: Path) -> None:
    release(folder, "x\x1b[2J", "in", "comment", scores("in"))
    outcome = commanded("verify", "mmrole", folder)
    assert outcome.code == 1
    assert "\x1b" not in outcome.out


@pytest.mark.data
def test_all_that_was_published_of_five_models_is_reproduced() -> None:
    done = verified(data_folder("mmrole"))
    assert done.equal
    assert (done.csv_values, done.table_cells) == (5 * 6 * 9, 7 * 9)
    assert done.reviews == done.reviews_read == 11_736
    assert sum(model.without_answer for model in done.models) == 3
