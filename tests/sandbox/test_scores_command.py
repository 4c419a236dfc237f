"""`rolestage scores`: what scores come to, beside the same figures worked out here from every single score."""

import csv
import json
import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from commanding import Outcome, commanded
from playing import carried_out, new_run, written

from sandbox.record import Record
from scenes.chat import Request
from scenes.loading import load

CODE = '''
from scorers.base import Metric, Score, Scorer

class Length(Scorer):
    """Words of each line, and whether a line is long."""

    metrics = (Metric("words", "how many words a line has", "words", (0, None)),
               Metric("long", "whether it has more than six", "share"))

    def score(self, case, call):
        for event in case.trajectory.events:
            if event.kind == "speech" and event.call:
                words = len(event.text.split())
                about = {"character": event.actor, "events": (event.index,)}
                yield Score(metric="words", value=words, **about)
                yield Score(metric="long", value=float(words > 6) if words != 5 else None, reason="[red]=1", **about)

def spoilt(case):
    bad = case.trajectory.episode % 4 == 0
    mended = Score(metric="repaired", value=1.0, cause="policy")
    return [Score(metric="broken", value=float(bad), cause="engine"), mended]
'''


def babble(request: Request) -> str:
    return "word " * (3 + request.seed % 7)


def longer(request: Request) -> str:
    return "word " * (9 + request.seed % 5)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two scored runs of one scenario, `short` and `long`: six pictures, two episodes each."""
    folder = tmp_path_factory.mktemp("scored")
    (folder / "own.py").write_text(CODE, encoding="utf-8")
    changes = {"vary": {"images.harbour.storybook.seed": {"range": [0, 6]}}, "episodes": 2, "title": "[bold]=Two"}
    source = load(written(folder / "scenario", **changes))
    for name, answer in (("short", babble), ("long", longer)):
        run = new_run(source, folder / "runs")
        carried_out(run, answer)
        run = run.rename(run.parent / name)
        assert commanded("score", run, "--scorer", f"{folder}/own.py:Length").code == 0
    return folder


def told(folder: Path, *words: object) -> Outcome:
    return commanded("scores", *words, "--runs", folder / "runs")


def as_data(folder: Path, *words: object) -> list[dict[str, Any]]:
    outcome = told(folder, *words, "--json")
    assert outcome.code == 0
    lines: list[dict[str, Any]] = json.loads(outcome.out)
    return lines


def single(folder: Path, run: str, metric: str) -> Iterator[tuple[str, str, float | None]]:
    """Yield the variant, the character and the value of every score."""
    with closing(Record(folder / "runs" / run)) as record:
        scorer = next(scorer for scorer in record.scorers() if scorer.name == "Length")
        for state in record.states():
            for score in record.scores(scorer.id, state.id):
                if score.metric == metric:
                    yield state.variant_id, score.character or "", score.value


def test_means_and_counts_are_those_of_every_single_score(folder: Path) -> None:
    for line in as_data(folder, "short", "--by", "character"):
        values = [value for _, name, value in single(folder, "short", line["metric"]) if name == line["character"]]
        valid = [value for value in values if value is not None]
        assert (line["attempted"], line["valid"]) == (len(values), len(valid))
        assert line["value"] == pytest.approx(sum(valid) / len(valid))
        assert line["low"] < line["value"] < line["high"]
        assert (line["clusters"], line["by"]) == (6, "scenarios")


def test_a_line_for_each_scenario_says_that_its_interval_is_by_episodes(folder: Path) -> None:
    lines = as_data(folder, "short", "--by", "scenario")
    assert len(lines) == 12
    assert {(line["clusters"], line["by"]) for line in lines} == {(2, "episodes")}


def test_the_table_shows_counts_beside_means_and_takes_foreign_text_literally(folder: Path) -> None:
    table = told(folder, "short", "--by", "scenario").out
    assert "[bold]=Two" in table
    assert re.search(r"long .* 0\.\d{3} .* \d+/8 ", table)
    assert "scores with a value / all" in table


def test_a_difference_is_named_only_where_its_interval_leaves_nothing_out(folder: Path) -> None:
    found = {line["metric"]: line for line in as_data(folder, "short", "long", "--compare")}
    words = found["words"]
    assert words["pairs"] == 12
    assert words["difference"] > 4
    assert words["finding"] == "B is higher; B is better"
    again = {line["metric"]: line for line in as_data(folder, "short", "short", "--compare")}
    assert again["words"]["finding"] == "not separable"
    assert again["words"]["difference"] == 0


def test_what_cannot_be_told_apart_says_how_much_more_is_needed(folder: Path, tmp_path: Path) -> None:
    code = """
from scorers.base import Score
def luck(case):
    run = int(case.trajectory.events[0].text.count("word") > 8) if case.trajectory.events else 0
    return [Score(metric="luck", value=float((case.trajectory.seed * (7 + 4 * run)) % 101))]
"""
    (tmp_path / "luck.py").write_text(code, encoding="utf-8")
    for run in ("short", "long"):
        assert commanded("score", folder / "runs" / run, "--scorer", f"{tmp_path}/luck.py:luck").code == 0
    (line,) = as_data(folder, "short", "long", "--compare", "--scorer", "luck")
    assert not line["separable"]
    assert line["more_episodes"] > 0
    assert line["finding"] == f"not separable; about {line['more_episodes']} more episodes needed"


def test_episodes_with_a_fault_of_the_simulators_are_left_out_of_a_second_column(folder: Path, tmp_path: Path) -> None:
    run = new_run(load(folder / "scenario" / "scenario.yaml"), tmp_path / "runs")
    carried_out(run, babble)
    scored = commanded("score", run, "--scorer", f"{folder}/own.py:Length", "--scorer", f"{folder}/own.py:spoilt")
    assert scored.code == 0
    lines = {line["metric"]: line for line in json.loads(commanded("scores", run, "--json").out)}
    words, broken = lines["words"], lines["broken"]
    assert (words["attempted"], words["without_simulator_faults"]["attempted"]) == (48, 36)
    assert broken["without_simulator_faults"]["value"] == 0
    assert "without simulator's faults" in commanded("scores", run).out


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_every_score_is_in_a_file_that_other_programs_read(ending: str, folder: Path, tmp_path: Path) -> None:
    file = tmp_path / f"scores.{ending}"
    assert told(folder, "short", "long", "--scorer", "Length", "--out", file).code == 0
    if ending == "csv":
        with open(file, encoding="utf-8", newline="") as lines:
            rows = [(row["run"], row["metric"], row["value"]) for row in csv.DictReader(lines)]
        words = [float(value) for run, metric, value in rows if (run, metric) == ("short", "words")]
        missing = [value for _, metric, value in rows if metric == "long" and not value]
    else:
        import duckdb

        found = duckdb.sql(f"SELECT run, metric, value FROM '{file}'").fetchall()
        rows = [(str(run), str(metric), value) for run, metric, value in found]
        words = [value for run, metric, value in rows if (run, metric) == ("short", "words")]
        missing = [value for _, metric, value in rows if metric == "long" and value is None]
    assert sorted(words) == sorted(value for _, _, value in single(folder, "short", "words") if value is not None)
    assert len(missing) == sum(
        value is None for run in ("short", "long") for _, _, value in single(folder, run, "long")
    )
    assert missing


@pytest.mark.parametrize("ending", ["png", "svg"])
def test_means_are_drawn_with_their_intervals(ending: str, folder: Path, tmp_path: Path) -> None:
    file = tmp_path / f"means.{ending}"
    assert told(folder, "short", "long", "--by", "character", "--plot", file).code == 0
    drawn = file.read_bytes()
    if ending == "svg":
        assert drawn.count(b'id="axes_') >= 2
    else:
        from PIL import Image

        with Image.open(file) as picture:
            colours = picture.convert("RGB").getcolors(1 << 24)
        assert colours is not None
        assert any(colour == (127, 159, 191) and count > 1_000 for count, colour in colours)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["short", "--compare"], "two runs are compared, and 1 are named"),
        (["short", "--scorer", "lenght"], 'no scorer of this run is named "lenght"'),
        (["short", "--out", "x.xlsx"], "written as .csv or .parquet"),
        (["short", "--plot", "x.gif"], "drawn as .png or .svg"),
        (["short", "--out", "no/such/folder.csv"], "cannot be written"),
    ],
)
def test_what_cannot_be_told_is_refused_in_a_sentence(words: list[str], message: str, folder: Path) -> None:
    refused = told(folder, *words)
    assert refused.code == 2
    assert message in refused.err


def test_a_run_without_scores_says_how_to_make_some(tmp_path: Path) -> None:
    run = new_run(load(written(tmp_path / "scenario")), tmp_path / "runs")
    carried_out(run)
    refused = commanded("scores", run)
    assert refused.code == 2
    assert "rolestage score" in refused.err
