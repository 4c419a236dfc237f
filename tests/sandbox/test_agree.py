"""`rolestage agree`: two judges side by side, from runs, review files and people's CSV; and what it refuses."""

import csv
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from commanding import commanded
from made_records import Json, answered, judged, record, written_records
from playing import played
from scored import Liking, Lines
from scored import judged as judged_run
from scripted_judges import Judge, Noisy, spoken

from scenes.chat import Request
from scorers.mmrole.metrics import METRICS
from scorers.mmrole.scorer import MMRole

# Printed in MMRole (arXiv:2408.04203), tables 4 and 9, "Reward Model (GPT-4)": the eight, and Overall.
MAE = (0.0708, 0.0387, 0.0526, 0.0568, 0.0584, 0.1165, 0.0815, 0.1154, 0.0738)
RMSE = (0.1585, 0.1076, 0.1228, 0.1334, 0.1145, 0.1564, 0.1172, 0.1778, 0.1381)
PRINTED = 0.0001
ALONE: dict[str, Any] = {
    "kind": "comment",
    "player": {"questions": ["What do you see?"]},
    "cast": [{"character": "storybook/brack"}],
    "turns": 1,
}
Rows = Sequence[Sequence[object]]


def sheet(path: Path, *rows: Sequence[object], separator: str = ",") -> Path:
    with open(path, "w", encoding="utf-8", newline="") as out:
        csv.writer(out, delimiter=separator).writerows(rows)
    return path


def told(*words: object) -> Any:
    outcome = commanded("agree", *words, "--json")
    assert outcome.code == 0, outcome.err
    return json.loads(outcome.out)


def refused(*words: object) -> str:
    outcome = commanded("agree", *words)
    assert (outcome.code, outcome.out) == (2, "")
    return outcome.err


def line_of(path: Path, message: str, line: int) -> str:
    return f"{path}:{line}:1: {message}"


def commented(folder: Path, line: str | Callable[[Request], str], episodes: int = 6) -> Path:
    """Play comments on as many pictures; `line` is what is said of each."""
    seeds = {"images.harbour.storybook.seed": list(range(episodes))}
    return played(folder, (lambda request: line) if isinstance(line, str) else line, vary=seeds, **ALONE)


def by_two(folder: Path, *judges: Judge) -> Path:
    """Return a run that these have judged by MMRole's metrics, each under options of its own."""
    run, other = commented(folder / "a", "Aye, a boat."), commented(folder / "b", "Fog.")
    for at, judge in enumerate(judges):
        judged_run(run, MMRole(reference=f"run:{other}", both_orders=bool(at)), answer=spoken(judge))
    return run


def identities(run: Path) -> list[str]:
    outcome = commanded("scores", run, "--json")
    return sorted({line["scorer"] for line in json.loads(outcome.out)})


def test_the_published_overalls_come_out_of_the_printed_rows(tmp_path: Path) -> None:
    rows: list[list[object]] = []
    for aspect, mae, rmse in zip(METRICS, MAE, RMSE, strict=False):
        spread = (rmse**2 - mae**2) ** 0.5
        off = [mae + spread * 19**0.5, *[mae - spread / 19**0.5] * 19]
        rows += [[f"record {at}", aspect.key, one + 1] for at, one in enumerate(off)]
    ours = sheet(tmp_path / "ours.csv", ["record", "metric", "score"], *rows)
    humans = sheet(tmp_path / "humans.csv", ["record", "metric", "score"], *([*row[:2], 1] for row in rows))
    found = told(ours, humans)
    assert [line["mae"]["value"] for line in found["metrics"]] == pytest.approx(MAE[:8])
    assert [line["rmse"]["value"] for line in found["metrics"]] == pytest.approx(RMSE[:8])
    assert found["overall"]["mae"]["value"] == pytest.approx(MAE[8], abs=PRINTED)
    assert found["overall"]["rmse"]["value"] == pytest.approx(RMSE[8], abs=PRINTED)
    assert (found["overall"]["n"], found["clustered_by"]) == (160, "records")
    assert (
        "no Pearson, Spearman: the second judge gives all items the same number" in commanded("agree", ours, humans).out
    )


def test_two_scorers_of_one_run_meet_on_every_reply(tmp_path: Path) -> None:
    run = by_two(tmp_path, Noisy(0.5), Noisy(0.5, 6))
    first, second = identities(run)
    found = told(f"{run}:{first}", f"{run}:{second}")
    assert [line["metric"] for line in found["metrics"]] == [aspect.metric for aspect in METRICS]
    assert {line["n"] for line in found["metrics"]} == {6}
    assert (found["overall"]["n"], found["alone"], found["clustered_by"]) == (48, [0, 0], "scenarios")
    assert found["overall"]["mae"]["low"] < found["overall"]["mae"]["value"] < found["overall"]["mae"]["high"]


def test_a_run_with_two_judges_is_refused_with_their_names(tmp_path: Path) -> None:
    run = by_two(tmp_path, Noisy(0.5), Noisy(0.5))
    message = refused(run, run)
    assert "several have judged here; name one of them: " in message
    assert all(f"{run}:{name}" in message for name in identities(run))
    assert 'no scorer of this run is named "nobody"' in refused(f"{run}:nobody", run)


def test_people_say_as_much_of_a_reply_as_is_needed(tmp_path: Path) -> None:
    run = by_two(tmp_path, Noisy(0.5))
    head = ["run", "episode", "event", "character", "metric", "score", "remark"]
    rows = [[run.name, at, "", "Captain Brack" if at % 2 else "", "Fluency", 0.5 + at / 10, "fine"] for at in range(6)]
    people = sheet(tmp_path / "people.csv", head, *rows, ["another", 0, "", "", "Flu", 1, ""], separator=";")
    found = told(run, people)
    assert [(line["metric"], line["n"]) for line in found["metrics"]] == [("fluency", 6)]
    assert (found["overall"], found["alone"]) == (None, [0, 1])
    turned = told(people, run)
    assert turned["metrics"][0]["mae"] == found["metrics"][0]["mae"]
    assert turned["alone"] == [1, 0]


def test_the_file_that_scores_writes_is_a_judge_of_its_own(tmp_path: Path) -> None:
    run = by_two(tmp_path, Noisy(0.5), Noisy(0.5, 7))
    sheet_of_all = tmp_path / "all.csv"
    commanded("scores", run, "--out", sheet_of_all)
    first, second = identities(run)
    whole = told(f"{sheet_of_all}:{first}", f"{run}:{second}")
    assert whole["overall"]["mae"] == told(f"{run}:{first}", f"{run}:{second}")["overall"]["mae"]
    assert told(f"{sheet_of_all}:{first}", f"{run}:{first}")["overall"]["mae"]["value"] == 0


def test_what_has_no_value_is_counted_for_each(tmp_path: Path) -> None:
    first = sheet(tmp_path / "a.csv", ["record", "metric", "score"], ["x", "Flu", 1], ["y", "Flu", ""], ["z", "Flu", 2])
    second = sheet(
        tmp_path / "b.csv", ["record", "metric", "score"], ["x", "Flu", 1], ["y", "Flu", 1], ["z", "Flu", ""]
    )
    found = told(first, second)["metrics"][0]
    assert (found["n"], found["pairs"], found["without_value"]) == (1, 3, [1, 1])


def reviewed(path: Path, scores: Sequence[tuple[float, float]], answer: str = "I see a boat.") -> Path:
    made: list[Json] = []
    for at, score in enumerate(scores):
        one = judged(record(at), score)
        made.append(answered(one, f"{answer} {at}"))
    return written_records(path / "comment_test.json", made)


def test_review_files_meet_by_record(tmp_path: Path) -> None:
    ours = reviewed(tmp_path / "ours", [(8, 10), (5, 10), (9, 10)])
    published = reviewed(tmp_path / "published", [(9, 10), (5, 10), (9, 10)])
    found = told(ours.parent, published)
    assert found["overall"]["n"] == 24
    assert found["overall"]["mae"]["value"] == pytest.approx(0.1 / 3)
    people = sheet(tmp_path / "people.csv", ["id", "metric", "value"], [record(1)["id"], "TC", 0.7])
    assert told(ours, people)["metrics"][0]["mae"]["value"] == pytest.approx(0.2)


def test_reviews_of_other_answers_never_meet(tmp_path: Path) -> None:
    ours = reviewed(tmp_path / "ours", [(8, 10)])
    other = reviewed(tmp_path / "other", [(8, 10)], "I see fog.")
    assert "other words in them" in refused(ours, other)


def test_a_run_and_its_like_with_other_words_never_meet(tmp_path: Path) -> None:
    runs = [commented(tmp_path / name, line) for name, line in (("a", "Aye."), ("b", "No."))]
    for run in runs:
        judged_run(run, Lines())
    assert "other words" in refused(*runs)


def test_metrics_in_several_units_have_no_overall(tmp_path: Path) -> None:
    run = commented(tmp_path, "Aye, a boat.")
    outcome = commanded("score", run, "--scorer", "grounding")
    assert outcome.code == 0
    found = told(run, run)
    assert found["overall"] is None
    assert "There is no overall line: these metrics are in different units." in commanded("agree", run, run).out
    assert [line["metric"] for line in told(run, run, "--metric", "claims")["metrics"]] == ["claims"]


def test_judges_by_different_metrics_are_refused(tmp_path: Path) -> None:
    run = commented(tmp_path, "Aye.")
    judged_run(run, Lines(), Liking())
    message = refused(f"{run}:lines", f"{run}:liking")
    assert "they judged by different metrics" in message
    assert 'did you mean "lines"?' in refused(f"{run}:lines", f"{run}:lines", "--metric", "line")


HEAD = ["episode", "event", "metric", "score"]
WRONG: dict[str, tuple[Rows, int, str]] = {
    "no metric": ([["episode", "score"], [0, 1]], 1, 'there is no column "metric"; the columns are metric, score, and'),
    "no place": ([["metric", "score"], ["a", 1]], 1, 'there is neither a column "record" nor a column "episode";'),
    "twice named": ([["id", "record", "metric", "score"]], 1, 'two columns are "record"; keep one.'),
    "no number": (
        [HEAD, [0, 0, "fluency", "good"]],
        2,
        '"good" is no score; write a number like 0.5, or nothing where',
    ),
    "endless": ([HEAD, [0, 0, "fluency", "inf"]], 2, '"inf" is no score;'),
    "no episode": ([HEAD, ["one", 0, "fluency", 1]], 2, '"one" is no episode; write its number'),
    "no event": ([HEAD, [0, "x", "fluency", 1]], 2, '"x" is no event; write its number'),
    "about nothing": ([HEAD, ["", 0, "fluency", 1]], 2, "a row is about a record or about an episode; fill in one of"),
    "of no metric": ([HEAD, [0, 0, "", 1]], 2, "it names no metric; fill it in"),
    "too short": ([HEAD, [0, 0, "fluency"]], 2, "the line has 3 cells and the first one 4; put texts with commas in"),
    "said twice": ([HEAD, [0, 0, "flu", 1], [0, 0, "Fluency", 2]], 3, "line 2 has a score of the same thing already;"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_sheet_that_is_wrong_is_refused_with_its_line(tmp_path: Path, case: str) -> None:
    rows, line, message = WRONG[case]
    path = sheet(tmp_path / "people.csv", *rows)
    assert refused(path, path).startswith(line_of(path, message, line))


def test_a_row_that_fits_several_replies_is_refused_with_its_line(tmp_path: Path) -> None:
    run, other = played(tmp_path / "a", lambda request: "Aye."), played(tmp_path / "b", lambda request: "Aye.")
    judged_run(run, MMRole(reference=f"run:{other}"), answer=spoken(Noisy(0.5)))
    path = sheet(tmp_path / "people.csv", HEAD, [0, "", "fluency", 1])
    message = "4 verdicts by fluency fit this row; say which in the columns event and character."
    assert refused(run, path).strip() == line_of(path, message, 2)
    path = sheet(tmp_path / "people.csv", HEAD, [0, 2, "fluency", 1])
    assert told(run, path)["metrics"][0]["pairs"] == 1


@pytest.mark.parametrize("content", [b"", b"record,metric,score\n", b"\xff\xfe", b'record,metric,score\n"a,b\n'])
def test_no_sheet_at_all_is_one_message(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "people.csv"
    path.write_bytes(content)
    message = refused(path, path)
    assert message.startswith(str(path))
    assert "Traceback" not in message


@pytest.mark.parametrize("name", ["nowhere.csv", "nowhere.json", "nowhere"])
def test_what_is_not_there_is_said(tmp_path: Path, name: str) -> None:
    assert "nowhere" in refused(tmp_path / name, tmp_path / name, "--runs", tmp_path)


def test_ratios_to_different_references_are_not_compared(tmp_path: Path) -> None:
    run = commented(tmp_path / "run", "Aye, a boat.", 2)
    for name in ("a", "b"):
        reference = f"run:{commented(tmp_path / name, f'I see a boat, says {name}.', 2)}"
        judged_run(run, MMRole(reference=reference), answer=lambda request: "[Scores]: (8, 10)")
    first, second = identities(run)
    assert "different references" in refused(f"{run}:{first}", f"{run}:{second}")
    card = commanded("judge-card", run)
    assert card.code == 0
    assert "different references" in card.out
    assert "2 judges" not in card.out
