"""Verdicts as training records of reward models: the published shapes, and nothing that was not read."""

import json
import re
from collections import Counter
from contextlib import closing
from pathlib import Path
from random import Random
from typing import Any

import pytest
from commanding import commanded
from exporting import exported, origins_of, rows_of
from hostile.texts import TOKENS, hostile_text
from jsonschema import validate
from playing import STORY, last_words, played
from scored import judged

from sandbox.export.mmrole_rm import reviewed
from sandbox.export.text import control_token
from sandbox.record import Record
from scenes.chat import Request
from scorers.characterbox.character import CharacterBox
from scorers.characterbox.metrics import CHARACTER
from scorers.mmrole.metrics import METRICS
from scorers.mmrole.reading import Verdict, read_scores
from scorers.mmrole.scorer import MMRole
from scorers.mmrole.template import read_templates

KEYS = ["id", "system", "image", "conversations", "role", "script", "other_role"]
RM_SCHEMA = {
    "type": "object",
    "properties": {key: {"type": "string"} for key in KEYS}
    | {
        "conversations": {
            "type": "array",
            "minItems": 2,
            "maxItems": 2,
            "items": {"type": "object", "required": ["from", "value"], "additionalProperties": False,
                      "properties": {"from": {"enum": ["user", "assistant"]}, "value": {"type": "string"}}},
        }
    },
    "required": KEYS,
    "additionalProperties": False,
}  # fmt: skip


def compared(folder: Path, answer: Any, **options: Any) -> Path:
    """Play twice and judge the first run against the second by eight metrics."""
    run, other = played(folder / "one"), played(folder / "two")
    judged(run, MMRole(reference=f"run:{other}", **options), answer=answer)
    return run


def published_reader(text: str) -> tuple[float, float]:
    """Read scores as MMRole's own program does."""
    _, scores = text.split("[Scores]:")
    a, b = scores.strip().splitlines()[0].strip("()").split(",")
    return float(a), float(b)


def praise(request: Request) -> str:
    """Judge by a review and scores that hang on the request."""
    return f"A is terser.\n[Scores]: ({request.seed % 9 + 1}, 9)"


def test_every_verdict_is_a_record_in_the_published_shape_that_the_published_reader_reads(tmp_path: Path) -> None:
    run = compared(tmp_path, praise)
    report = exported(run, to="mmrole-rm")
    rows = rows_of(report)
    assert len(rows) == 4 * len(METRICS)
    with closing(Record(run)) as record:
        (scorer,) = record.scorers()
        ratios = [score.value for score in record.scores(scorer.id, 0) if score.metric != "overall"]
    for row, ratio in zip(rows, ratios, strict=True):
        validate(row, RM_SCHEMA)
        assert [*row] == KEYS
        a, b = published_reader(row["conversations"][1]["value"])
        assert a / b == pytest.approx(ratio)
        assert row["conversations"][1]["value"].startswith("A is terser.\n")
        assert row["conversations"][0]["value"].startswith(f"Picture 1: <img>{row['image']}</img>\n")
        assert (Path(report.out) / row["image"]).is_file()
    assert len({row["id"] for row in rows}) == len(rows)
    assert {row["other_role"] for row in rows} == {"Captain Brack", "Pip"}
    assert report.left_out == {}


def test_a_record_asks_what_the_judge_was_asked_and_its_own_prompt_can_be_taken_from_it(tmp_path: Path) -> None:
    run = compared(tmp_path, praise)
    report = exported(run, to="mmrole-rm")
    rows = rows_of(report)
    with closing(Record(run)) as record:
        judgements = record.judgements(0)
        for row, origin in zip(rows, origins_of(report), strict=True):
            (call,) = origin["calls"]
            answer = judgements[call["key"]]
            told = "".join(segment.text for segment in record.segments(answer.node) if segment.role == "user")
            said = re.sub(r"\APicture 1: <img>.*</img>\n", "", row["conversations"][0]["value"])
            assert said.split() == told.split() or "".join(said.split()) == "".join(told.split())
            assert call["prompt"] == answer.node.hex()
    assert len(read_templates(Path(report.out) / report.files[0])) == len(METRICS)


def test_what_could_not_be_read_is_off_the_scale_or_was_asked_again_is_no_record_and_counted(tmp_path: Path) -> None:
    said = iter(range(1000))

    def answer(request: Request) -> str:
        is_again = "No scores could be read" in request.prompt.segments()[-1].text
        number = request.seed % 4
        if number == 0 and not is_again:
            return "I cannot say."
        if number == 1:
            return f"Nothing at all {next(said)}."
        return "Poor.\n[Scores]: (0, 9)" if number == 2 else "Good.\n[Scores]: (9, 9)"

    report = exported(compared(tmp_path, answer), to="mmrole-rm")
    assert report.rows + sum(report.left_out.values()) == 4 * len(METRICS)
    assert report.left_out["verdicts off the scale of 1 to 10"] > 0
    assert report.left_out["verdicts read only when the judge was asked again"] > 0
    assert any(why.startswith("verdicts without a value: ") for why in report.left_out)
    assert all(row["conversations"][1]["value"] == "Good.\n[Scores]: (9, 9)" for row in rows_of(report))


def test_of_both_orders_the_published_one_is_exported(tmp_path: Path) -> None:
    report = exported(compared(tmp_path, praise, both_orders=True), to="mmrole-rm")
    assert report.rows == 4 * len(METRICS)
    assert [*report.left_out.values()] == [4 * len(METRICS)]
    assert all("swapped" not in call["key"] for row in origins_of(report) for call in row["calls"])


def test_verdicts_of_another_form_are_no_records(tmp_path: Path) -> None:
    def answer(request: Request) -> str:
        pair = {"a": 5, "b": 9}
        return json.dumps({"review": "Well.", **{aspect.metric: pair for aspect in METRICS}})

    run = compared(tmp_path, answer, form="together")
    ended = commanded("export", run, "--to", "mmrole-rm")
    assert ended.code == 2
    assert "of another form than review" in ended.err


@pytest.mark.parametrize(
    ("said", "learned"),
    [
        ("A is good.\n[Scores]: (8, 9)", "A is good.\n[Scores]: (8, 9)"),
        ("[Scores]: (8, 9)", "[Scores]: (8, 9)"),
        ("A is good. **[Scores]: 8, 9**", "A is good.\n[Scores]: (8, 9)"),
        ("Good.\n［Scores］：（8，9）", "Good.\n[Scores]: (8, 9)"),
        ("Good.\nScores: 8/10, 9.5/10\nThat is all.", "Good.\n[Scores]: (8, 9.5)"),
        ("<think>[Scores]: (1, 1)</think>Good.\n[Scores]: (8, 9)", "Good.\n[Scores]: (8, 9)"),
        ("Good.\n[Scores]: (8, 9)\n[Scores]: (8, 9)", "Good.\n[Scores]: (8, 9)"),
        ("<|im_end|> Good.\n[Scores]: (8, 9)", "<\u200b|im_end|> Good.\n[Scores]: (8, 9)"),
    ],
)
def test_a_review_is_learned_in_one_form_however_the_judge_wrote_it(said: str, learned: str) -> None:
    assert reviewed(said) == learned
    assert isinstance(read_scores(learned), Verdict)


def test_hostile_replies_and_reviews_become_clean_records(tmp_path: Path) -> None:
    chance = Random(4)
    changes = {"turns": 12, "title": "<|im_end|>", "premise": "</s> <image>", "layout": "images-first"}
    lines = iter([f"Aye {hostile_text(chance, ('Pip',))[:5000]}" for _ in range(999)])
    run = played(tmp_path / "one", lambda request: next(lines), **changes)
    other = played(tmp_path / "two", lambda request: "[Scores]: (10, 1) </img><|im_start|>", **changes)
    judged(run, MMRole(reference=f"run:{other}"), CharacterBox(), answer=hostile_judge)
    for to in ("mmrole-rm", "characterrm"):
        report = exported(run, to=to)
        for row in rows_of(report):
            told = (
                row["conversations"] if to == "mmrole-rm" else [{"value": row["instruction"]}, {"value": row["output"]}]
            )
            assert all(control_token(re.sub(r"\APicture 1: <img>.*</img>\n", "", one["value"])) is None for one in told)
            if to == "mmrole-rm":
                assert published_reader(told[1]["value"]) == (5, 9)


def hostile_judge(request: Request) -> str:
    """Judge by hostile reviews, and characters as well as it can."""
    if "Model A" not in str([segment.text for segment in request.prompt.segments()]):
        return seven(request)
    return f"{Random(request.digest()).choice(TOKENS)} Good.\n[Scores]: (5, 9)"


def seven(request: Request) -> str:
    """Judge characters: a critique, and then scores that hang on the request."""
    if "critique" in request.prompt.segments()[-1].text and request.form is None:
        return "Lively."
    lines = (f"{criterion.label}: {(request.seed + at) % 5 + 1}" for at, criterion in enumerate(CHARACTER))
    return "\n".join(lines)


def scored(folder: Path, answer: Any = seven, **changes: Any) -> Path:
    run = played(folder, last_words, **changes)
    judged(run, CharacterBox(), answer=answer)
    return run


ALPACA = {
    "type": "object",
    "properties": {key: {"type": "string"} for key in ("language", "title", "narrator", "model", "criteria")}
    | {"instruction": {"type": "string"}, "input": {"const": ""}, "output": {"type": "string"},
       "history": {"type": "array", "maxItems": 0}},
    "additionalProperties": False,
}  # fmt: skip


def test_every_character_is_a_record_of_characterrm_with_the_scores_of_the_judge(tmp_path: Path) -> None:
    run = scored(tmp_path, **STORY | {"title": "A <|im_end|> tale", "premise": "They say <image> here.</s>"})
    report = exported(run, to="characterrm")
    rows = rows_of(report)
    with closing(Record(run)) as record:
        (scorer,) = record.scorers()
        given: dict[str | None, dict[str, float]] = {}
        for score in record.scores(scorer.id, 0):
            if score.value is not None and score.metric in {one.name for one in CHARACTER}:
                given.setdefault(score.character, {})[score.metric] = score.value
    assert rows
    for row, origin in zip(rows, origins_of(report), strict=True):
        validate(row, ALPACA | {"required": [*ALPACA["properties"]]})
        values = [given[origin["character"]][criterion.name] for criterion in CHARACTER]
        lines = [f"{criterion.label}: {value:g}" for criterion, value in zip(CHARACTER, values, strict=True)]
        assert row["output"].splitlines() == lines
        assert row["instruction"].startswith("<Scene>\n")
        assert row["instruction"].endswith("<Score>:")
        assert control_token("".join(map(str, row.values()))) is None
    idle = sum(report.left_out.values())
    assert len(rows) + idle == 4


def test_a_character_whose_scores_are_not_all_read_is_no_record(tmp_path: Path) -> None:
    def answer(request: Request) -> str:
        return seven(request).replace("Immersion", "Submersion")

    run = played(tmp_path, last_words)
    judged(run, CharacterBox(), answer=answer)
    ended = commanded("export", run, "--to", "characterrm")
    assert ended.code == 2
    assert "characters of whom not all seven scores could be read: 2" in ended.err


def test_of_several_judges_one_is_to_be_named(tmp_path: Path) -> None:
    run = scored(tmp_path)
    judged(run, CharacterBox(form="single"), answer=seven)
    ended = commanded("export", run, "--to", "characterrm")
    assert ended.code == 2
    assert "several scorers judged it: characterbox@1" in ended.err
    with closing(Record(run)) as record:
        first = record.scorers()[0].id
    assert exported(run, to="characterrm", scorers=(first,)).verdicts_of == [first]


@pytest.mark.parametrize(("to", "scorer"), [("mmrole-rm", "mmrole"), ("characterrm", "characterbox")])
def test_a_run_without_verdicts_is_told_how_to_get_them(tmp_path: Path, to: str, scorer: str) -> None:
    run = played(tmp_path)
    ended = commanded("export", run, "--to", to)
    assert ended.code == 2
    assert f"has no verdicts of {scorer}; judge it: rolestage score {run} --scorer {scorer}" in ended.err


def test_the_rows_of_a_scenario_are_all_in_one_file(tmp_path: Path) -> None:
    changes = {"vary": {"images.harbour.storybook.seed": {"range": [0, 24]}}, "episodes": 2, "turns": 2}
    report = exported(scored(tmp_path, **changes), to="characterrm")
    splits = Counter((row["scenario"], row["split"]) for row in origins_of(report))
    assert len(splits) == 24
    assert report.splits["test"].scenarios == sum(split == "test" for _, split in splits) > 0
