"""`rolestage scores`: what scores come to, beside the same figures worked out here from every single score."""

import csv
import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from commanding import Outcome, commanded, on_a_terminal, program, rows
from playing import carried_out, new_run, played, written

from sandbox.record import Record
from scenes.chat import CallFailed, Request
from scenes.loading import load
from scorers.base import Metric
from scorers.statistics import Comparison, holm

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
    assert table.startswith("[bold]=Two · ")
    assert re.search(r"long .* 0\.\d{3} .* \d+/8 ", table)
    assert "scores with a value / all" in table


def test_a_difference_is_named_only_where_its_interval_leaves_nothing_out(folder: Path) -> None:
    found = {line["metric"]: line for line in as_data(folder, "short", "long", "--compare")}
    words = found["words"]
    assert words["pairs"] == 12
    assert words["difference"] > 4
    assert words["finding"].startswith("B is higher; B is better")
    again = {line["metric"]: line for line in as_data(folder, "short", "short", "--compare")}
    assert again["words"]["finding"] == "not separable"
    assert again["words"]["difference"] == 0


def test_what_cannot_be_told_apart_says_how_much_more_is_needed(own: Path, tmp_path: Path) -> None:
    code = """
from scorers.base import Score
def luck(case):
    run = int(case.trajectory.events[0].text.count("word") > 8) if case.trajectory.events else 0
    return [Score(metric="luck", value=float((case.trajectory.seed * (7 + 4 * run)) % 101))]
"""
    (tmp_path / "luck.py").write_text(code, encoding="utf-8")
    for run in ("short", "long"):
        assert commanded("score", own / "runs" / run, "--scorer", f"{tmp_path}/luck.py:luck").code == 0
    (line,) = as_data(own, "short", "long", "--compare", "--scorer", "luck")
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


OWN = """
from scorers.base import Metric, Score, Scorer
def shaky(case):
    if case.trajectory.episode % 4 == 0:
        raise ValueError("no idea")
    return [Score(metric="sure", value=1.0)]
def never(case):
    raise ValueError("no idea")
def vast(case):
    return [Score(metric="vast", value=1.7e308 * (-1) ** case.trajectory.seed) for _ in range(8)]
def uneven(case):
    few = case.trajectory.episode % 3 == 0
    return [Score(metric="uneven", value=float(few), character="鲸\\x1b[31m") for _ in range(1 if few else 5)]
def noisy(case):
    return [Score(metric="noise", value=float(case.trajectory.seed % 101))]
def met(case):
    return [Score(metric="met", value=1.0, character=name) for name in ("Zoe", "Pip", "Ada", "Brack", "Moss")]
class Odd(Scorer):
    metrics = (Metric("a\\x1b[31m$b$ 鲸", "what", "\\x1b]0;window\\x07unit", (0, None), "lower"),)
    extra: float = 0
    def score(self, case, call):
        return [Score(metric="a\\x1b[31m$b$ 鲸", value=self.extra + 1.0)]
"""


@pytest.fixture
def own(folder: Path, tmp_path: Path) -> Path:
    """A folder of one's own with the two runs, to be scored further, and `judge.py`."""
    shutil.copytree(folder / "runs", tmp_path / "runs")
    (tmp_path / "judge.py").write_text(OWN, encoding="utf-8")
    return tmp_path


def judge(folder: Path, run: str, *scorers: str, settings: Sequence[str] = ()) -> int:
    """Judge a run with shipped scorers or, where they begin with a colon, with those of `judge.py`."""
    names = [f"{folder}/judge.py{name}" if name.startswith(":") else name for name in scorers]
    words = [word for name in names for word in ("--scorer", name)]
    changes = [word for setting in settings for word in ("--set", setting)]
    outcome: Outcome = commanded("score", folder / "runs" / run, *words, *changes)
    return outcome.code


def test_episodes_that_a_scorer_could_not_judge_are_told_beside_its_figures(own: Path) -> None:
    assert judge(own, "short", ":shaky", ":never") == 1
    told_of = told(own, "short").out
    assert re.search(r"shaky@\w+ — 9 of 12 episodes judged, 3 failed", told_of)
    assert "Length" in told_of
    assert not re.search(r"Length@\w+ —", told_of)
    (line,) = as_data(own, "short", "--scorer", "shaky")
    assert (line["judged"], line["failed"], line["episodes"]) == (9, 3, 12)


def test_a_scorer_that_failed_everywhere_is_told_of_without_a_table(own: Path) -> None:
    judge(own, "short", ":never")
    told_of = told(own, "short", "--scorer", "never")
    assert re.search(r"never@\w+ — 0 of 12 episodes judged, 12 failed", told_of.out)
    assert "mean" not in told_of.out
    (line,) = as_data(own, "short", "--scorer", "never")
    assert (line["metric"], line["value"], line["judged"], line["failed"]) == (None, None, 0, 12)


def test_episodes_of_the_run_that_failed_are_counted(tmp_path: Path) -> None:
    def failing(request: Request) -> str:
        if request.seed % 6 == 0:
            raise CallFailed("no answer")
        return "word"

    run = played(tmp_path, failing, episodes=8)
    with closing(Record(run)) as record:
        failed = sum(state.status == "failed" for state in record.states())
    assert 0 < failed < 8
    assert commanded("score", run, "--scorer", "faults").code == 0
    assert f"{failed} of 8 episodes of the run failed" in commanded("scores", run).out
    lines = json.loads(commanded("scores", run, "--json").out)
    assert {line["episodes_failed"] for line in lines} == {failed}


def test_scorers_that_learned_from_their_own_runs_are_compared_and_others_named_as_left_out(own: Path) -> None:
    for run in ("short", "long"):
        assert judge(own, run, "voice") == 0
    assert judge(own, "short", "leakage", settings=["leakage.threshold=0.9"]) == 0
    (line, *_) = [line for line in as_data(own, "short", "long", "--compare") if line["metric"] == "voice_recognised"]
    assert line["pairs"] == 12
    with closing(Record(own / "runs" / "short")) as record:
        (leakage,) = [row.id for row in record.scorers() if row.name == "leakage"]
    table = told(own, "short", "long", "--compare").out
    assert f"Not compared: {leakage} (A alone)" in table
    assert "each learned from its own run" in table
    (gone,) = [line for line in as_data(own, "short", "long", "--compare") if line["scorer"] == leakage]
    assert gone["finding"] == "not compared (A alone)"


def test_metrics_and_parts_of_one_run_alone_are_named_as_not_compared(own: Path) -> None:
    judge(own, "short", ":met")
    judge(own, "long", ":met")
    lines = as_data(own, "short", "long", "--compare", "--by", "character", "--scorer", "met")
    assert [line["character"] for line in lines] == ["Ada", "Brack", "Moss", "Pip", "Zoe"]
    (own / "part.py").write_text(
        "from scorers.base import Score\n"
        "def part(case):\n"
        "    both = any('word ' * 10 in e.text for e in case.trajectory.events)\n"
        "    names = ('Pip', 'Zoe') if both else ('Pip', 'Ada')\n"
        "    yield from (Score(metric='there', value=1.0, character=name) for name in names)\n"
        "    yield Score(metric='loud' if both else 'quiet', value=1.0)\n",
        encoding="utf-8",
    )
    for run in ("short", "long"):
        assert commanded("score", own / "runs" / run, "--scorer", f"{own}/part.py:part").code == 0
    whole = told(own, "short", "long", "--compare", "--scorer", "part").out
    assert re.search(r"Not compared: quiet of part@\w+ \(A alone\), loud of part@\w+ \(B alone\)", whole)
    parts = told(own, "short", "long", "--compare", "--by", "character", "--scorer", "part").out
    assert re.search(r"there of part@\w+ for Ada \(A alone\)", parts)
    assert re.search(r"there of part@\w+ for Zoe \(B alone\)", parts)


def test_the_lines_of_a_comparison_keep_their_order_at_every_start(own: Path) -> None:
    for run in ("short", "long"):
        judge(own, run, ":met")
    words = ["scores", "short", "long", "--compare", "--by", "character", "--runs", own / "runs"]
    seen = set()
    for seed in ("1", "2", "3"):
        changed = os.environ | {"PYTHONHASHSEED": seed}
        seen.add(subprocess.run(program(*words), env=changed, capture_output=True, check=True).stdout)
    assert len(seen) == 1


def test_the_means_of_a_comparison_are_those_of_the_pairs_and_agree_with_the_difference(own: Path) -> None:
    for run in ("short", "long"):
        judge(own, run, ":uneven")
    table = {line["metric"]: line for line in as_data(own, "short", "long", "--compare")}
    for line in table.values():
        assert line["difference"] == pytest.approx(line["means"][1] - line["means"][0])
    assert table["uneven"]["means"] == pytest.approx([1 / 3, 1 / 3])  # pooled it would be 4 of 44
    assert "over the pairs" in told(own, "short", "long", "--compare").out


@pytest.mark.parametrize(
    "words",
    [
        ["long", "--compare", "--plot", "x.png"],
        ["--confusion", "--out", "x.csv"],
        ["--confusion", "--plot", "x.png"],
        ["--confusion", "--by", "kind"],
        ["--confusion", "--scorer", "voice"],
        ["long", "--confusion", "--compare"],
        ["--confusion", "--cluster", "turns"],
    ],
)
def test_options_that_would_do_nothing_together_are_refused(words: list[str], folder: Path) -> None:
    refused = told(folder, "short", *words)
    assert refused.code == 2
    assert "not together with" in refused.err


def test_p_is_shown_raw_and_adjusted_and_a_finding_says_where_they_disagree(folder: Path) -> None:
    from sandbox.commands.compare import finding

    lines = as_data(folder, "short", "long", "--compare")
    assert [line["p_holm"] for line in lines] == pytest.approx(holm([line["wilcoxon_p"] for line in lines]))
    table = told(folder, "short", "long", "--compare").out
    assert re.search(r"p +adjusted", table)
    odds = Comparison(0.4, 0.1, 0.7, 30, 0, 0, 0, 30, "scenarios", 0.03, True, None)
    metric = Metric("m", "", "share")
    assert finding(odds, metric, 0.04, 27) == "B is higher; B is better"
    assert finding(odds, metric, 0.56, 27) == "B is higher; B is better (p 0.030, 0.560 adjusted for 27 lines)"


def test_no_text_of_a_scorer_reaches_the_terminal_raw_through_a_plot(own: Path) -> None:
    assert judge(own, "short", ":Odd", ":uneven") == 0
    command = program("scores", "short", "--by", "character", "--plot", own / "x.svg", "--runs", own / "runs")
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    assert "\x1b" not in done.stdout
    drawn = (own / "x.svg").read_text(encoding="utf-8")
    assert "鲸" in drawn
    assert "$b$" in drawn
    assert "31m" not in drawn
    assert "window" not in drawn


def test_bars_of_one_metric_stand_together_and_say_run_and_scorer(own: Path) -> None:
    for run in ("short", "long"):
        assert judge(own, run, ":Odd") == 0
    assert judge(own, "short", ":Odd", settings=["Odd.extra=1"]) == 0
    assert told(own, "short", "long", "--plot", own / "x.svg").code == 0
    drawn = (own / "x.svg").read_text(encoding="utf-8")
    assert drawn.count('id="axes_') == 3  # words, long, and the odd one
    assert len(re.findall(r"A short · Odd@\w+(/\w+)?  \(", drawn)) == 2
    assert len(re.findall(r"A short  \(", drawn)) == 2
    assert re.findall(r"([AB]) (?:short|long)  \(", drawn) == ["A", "B", "A", "B"]


def test_a_table_of_two_runs_fits_a_terminal_of_eighty_columns(own: Path) -> None:
    for run in ("short", "long"):
        judge(own, run, ":uneven")
    for words in (["short", "long"], ["short", "long", "--by", "character"], ["short", "long", "--compare"]):
        command = program("scores", *words, "--runs", own / "runs")
        shown = rows(on_a_terminal(command, own, 80))
        text = "\n".join(shown)
        assert "A: [bold]=Two · " in text
        assert "B: [bold]=Two · " in text
        assert not any("…" in row for row in shown)
        numbers = re.findall(r"\[-?[\d.]+, -?[\d.]+\]", text)
        assert len(numbers) >= 2
        assert text.count("[") == text.count("]")


def test_what_intervals_are_clustered_by_stands_in_the_head(folder: Path) -> None:
    assert re.search(r"scored +scenarios", told(folder, "short").out)
    by_scenario = told(folder, "short", "--by", "scenario").out
    assert re.search(r"scored +episodes", by_scenario)
    assert "1 episodes" not in by_scenario


def test_a_scenario_is_told_by_what_was_varied(folder: Path) -> None:
    table = told(folder, "short", "--by", "scenario").out
    assert [int(seed) for seed in re.findall(r"words +\S*seed = (\d)", table)] == [*range(6)]
    lines = as_data(folder, "short", "--by", "scenario")
    with closing(Record(folder / "runs" / "short")) as record:
        known = {state.variant_id: json.loads(state.values) for state in record.states()}
    assert {line["variant"] for line in lines} == known.keys()
    for line in lines:
        (seed,) = known[line["variant"]].values()
        assert line["scenario"].endswith(f"seed = {seed}")


def test_a_fault_of_the_simulators_is_known_whatever_is_shown(own: Path, folder: Path) -> None:
    assert commanded("score", own / "runs" / "short", "--scorer", f"{folder}/own.py:spoilt").code == 0
    lines = {line["metric"]: line for line in as_data(own, "short", "--scorer", "Length")}
    assert lines["words"]["without_simulator_faults"]["attempted"] == 36
    assert lines.keys() == {"words", "long"}
    assert "without simulator's faults" in told(own, "short", "--scorer", "Length").out


def test_sums_past_all_numbers_are_no_value_and_no_warning(own: Path) -> None:
    for run in ("short", "long"):
        assert judge(own, run, ":vast") == 0
    for words in (["short"], ["short", "long", "--compare"]):
        command = program("scores", *words, "--scorer", "vast", "--runs", own / "runs")
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        assert done.stderr == ""
        assert not re.search(r"\b(inf|nan)\b", done.stdout)
        raw = subprocess.run([*command, "--json"], capture_output=True, text=True, check=True)
        assert raw.stderr == ""
        assert not re.search("Infinity|NaN", raw.stdout)


def test_large_numbers_are_short() -> None:
    from sandbox.score_text import number

    assert [number(value) for value in (None, 0.5, 123.4, 1.7e6, -2.5e300)] == [
        "—",
        "0.500",
        "123.4",
        "1.7e+06",
        "-2.5e+300",
    ]


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_a_file_of_scores_says_title_kind_and_model_and_keeps_events_as_text(
    ending: str, folder: Path, tmp_path: Path
) -> None:
    import duckdb

    file = tmp_path / f"scores.{ending}"
    assert told(folder, "short", "--scorer", "Length", "--out", file).code == 0
    assert duckdb.sql(f"SELECT DISTINCT title, kind, model FROM '{file}'").fetchall() == [
        ("[bold]=Two", "inter-role", "storybook")
    ]
    types = dict(row[:2] for row in duckdb.sql(f"DESCRIBE SELECT * FROM '{file}'").fetchall())
    assert types["events"] == types["calls"] == "VARCHAR"
    lists = [row[0] for row in duckdb.sql(f"SELECT events FROM '{file}'").fetchall()]
    assert all(len(json.loads(text)) == 1 for text in lists)


def test_a_wrong_ending_is_refused_before_anything_is_read(tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    (run / "run.db").write_bytes(b"no store at all")
    for words in (["--plot", "x.pdf"], ["--out", "x.xlsx"], ["--compare", "--out", "x.xlsx"]):
        refused = commanded("scores", run, run, *words)
        assert refused.code == 2
        assert "endings" in refused.err


def test_where_less_is_better_the_metric_says_so(own: Path) -> None:
    assert judge(own, "short", ":Odd") == 0
    table = told(own, "short").out
    assert re.search(r"鲸 ↓", table)
    assert "↓: lower is better" in table
    assert "words ↓" not in table
    lines = {line["metric"]: line for line in as_data(own, "short")}
    assert (lines["words"]["meaning"], lines["words"]["better"]) == ("how many words a line has", "higher")


def test_intervals_are_clustered_by_what_scenarios_share(own: Path) -> None:
    vary = {"images.harbour.storybook.seed": {"range": [0, 3]}, "turn_policy": ["round_robin", "random"]}
    run = new_run(load(written(own / "shared", vary=vary, episodes=2)), own / "runs")
    carried_out(run, babble)
    assert judge(own, run.name, ":uneven", ":noisy") == 0
    (plain,) = as_data(own, run.name, "--scorer", "noisy")
    (shared,) = as_data(own, run.name, "--scorer", "noisy", "--cluster", "images.harbour.storybook.seed")
    assert (plain["clusters"], plain["by"]) == (6, "scenarios")
    assert (shared["clusters"], shared["by"]) == (3, "clusters")
    assert shared["value"] == plain["value"]
    both = ["--cluster", "images.harbour.storybook.seed,turn_policy"]
    assert as_data(own, run.name, "--scorer", "noisy", *both)[0]["clusters"] == 6
    assert re.search(r"scored +clusters", told(own, run.name, *both).out)
    refused = told(own, run.name, "--cluster", "images.harbour.storybok.seed")
    assert refused.code == 2
    assert 'did you mean "images.harbour.storybook.seed"' in refused.err
    paired = as_data(own, run.name, run.name, "--compare", "--scorer", "noisy", "--cluster", "turn_policy")
    assert (paired[0]["pairs"], paired[0]["clusters"]) == (12, 2)
