import json
from pathlib import Path
from typing import Any

import pytest
from made_records import Json, answered, judged, record, text_of, written_records
from records import data_folder

from scenes.problem import InputRefused
from scorers.mmrole.metrics import METRICS
from scorers.mmrole.records import KINDS, Review, SampleFile, read_samples, sample_files


def read(path: Path, *records: Json) -> SampleFile:
    return read_samples(written_records(path / "comment_test.json", records))


def refusal(path: Path, content: str | bytes) -> list[str]:
    file = path / "comment_test.json"
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(InputRefused) as refused:
        read_samples(file)
    return [str(problem).removeprefix(f"{path}/") for problem in refused.value.problems]


def without(made: Json, key: str) -> Json:
    return {name: value for name, value in made.items() if name != key}


def test_a_record_tells_who_plays_whom_and_what_was_answered_and_judged(tmp_path: Path) -> None:
    (sample,) = read(tmp_path, judged(record(3), (7, 10))).samples
    assert (sample.id, sample.role, sample.script, sample.image) == (
        "Brack_comment_COCO_3",
        "Brack",
        "The Harbour",
        "quay/1.png",
    )
    assert (sample.prompt, sample.reference, sample.answer) == (
        "Question 3: what is on the quay?",
        "A boat, and 海.",
        "I see a boat.",
    )
    assert sample.rm_review
    assert {review.score for review in sample.rm_review.values()} == {(7.0, 10.0)}


@pytest.mark.parametrize("answer", [None, "", " \n\u3000"])
def test_an_answer_of_blanks_is_none(tmp_path: Path, answer: str | None) -> None:
    (sample,) = read(tmp_path, record() if answer is None else answered(record(), answer)).samples
    assert not sample.answered
    assert sample.rm_review is None


@pytest.mark.parametrize("score", [{}, [], None, ""])
def test_what_the_original_stores_for_an_unreadable_review_is_no_score(tmp_path: Path, score: Any) -> None:
    made = answered(record()) | {"rm_review": {"Fluency": {"review": "Good.", "score": score}, "Coherency": {}}}
    (sample,) = read(tmp_path, made).samples
    assert sample.rm_review == {"Fluency": Review(review="Good."), "Coherency": Review()}


def test_scores_off_the_scale_are_kept_as_they_are(tmp_path: Path) -> None:
    (sample,) = read(tmp_path, judged(record(), {"IA": (0, 12.5)})).samples
    assert sample.rm_review
    assert sample.rm_review["Instruction Adherence"].score == (0, 12.5)


def test_a_file_with_answers_differs_in_nothing_else(tmp_path: Path) -> None:
    strange = record(1) | {"note": {"b": 1, "a": [1.5, None]}, "other_role": "Ané 🦜"}
    file = read(tmp_path, record(0), strange)
    expected = [record(0), answered(strange, "Tide's in. 潮")]
    assert file.answered({1: "Tide's in. 潮"}).decode() == text_of(expected)
    assert file.answered({}).decode() == text_of([record(0), strange])


def test_a_new_answer_takes_the_place_of_one_and_of_its_review(tmp_path: Path) -> None:
    file = read(tmp_path, judged(record(0)), judged(record(1)))
    assert file.answered({0: "No."}).decode() == text_of([answered(record(0), "No."), judged(record(1))])


def test_reviews_are_written_as_released(tmp_path: Path) -> None:
    file = read(tmp_path, answered(record()))
    reviews = {metric.name: Review(review="…[Scores]: (8, 9)", score=(8, 9)) for metric in METRICS}
    (made,) = json.loads(file.reviewed({0: reviews}))
    assert [*made] == [*record(), "rm_review"]
    assert [*made["rm_review"]] == [metric.name for metric in METRICS]
    assert made["rm_review"]["Fluency"] == {"review": "…[Scores]: (8, 9)", "score": [8.0, 9.0]}


@pytest.mark.parametrize("indent", [None, 2, 4])
@pytest.mark.parametrize("ensure_ascii", [True, False])
@pytest.mark.parametrize("after", ["", "\n"])
@pytest.mark.parametrize("before", ["", "\ufeff"])
def test_the_layout_of_the_json_is_kept(
    tmp_path: Path, indent: int | None, ensure_ascii: bool, after: str, before: str
) -> None:
    def text(records: list[Json]) -> str:
        return before + json.dumps(records, indent=indent, ensure_ascii=ensure_ascii) + after

    path = tmp_path / "comment_test.json"
    path.write_text(text([record(0), record(1)]), encoding="utf-8")
    assert read_samples(path).answered({0: "海"}).decode() == text([answered(record(0), "海"), record(1)])


def test_half_of_a_surrogate_pair_is_written_as_an_escape(tmp_path: Path) -> None:
    path = tmp_path / "comment_test.json"
    path.write_text(text_of([record()]).replace("boat", r"\ud83d boat"), encoding="utf-8")
    assert r"A \ud83d boat" in read_samples(path).answered({0: "Aye."}).decode()


def test_what_is_missing_or_of_another_kind_is_named_at_its_line(tmp_path: Path) -> None:
    wrong = [
        without(record(0), "image"),
        record(1, role=7),
        record(2, conversations=[{"from": "user", "value": "x"}]),
        record(3, conversations=["x", {"from": "assistant", "value": None}]),
        answered(record(4)) | {"rm_review": {"Fluency": {"review": "x", "score": [9]}}},
        answered(record(5)) | {"rm_review": {"Fluency": {"review": "x", "score": ["9", True]}}},
        "a text",
    ]
    lines = refusal(tmp_path, text_of(wrong))  # type: ignore[arg-type]
    starts = [line.split(":")[1] for line in lines]
    content = text_of(wrong).splitlines()  # type: ignore[arg-type]
    assert [content[int(start) - 1].strip()[:10] for start in starts] == [
        "{",
        '"role": 7,',
        '"conversat',
        '"conversat',
        '"conversat',
        '"rm_review',
        '"rm_review',
        '"rm_review',
        '"a text"',
    ]
    assert [line.split(": ", 1)[1].split(";")[0] for line in lines] == [
        "record 1 (Brack_comment_COCO_0): image is missing",
        "record 2 (Brack_comment_COCO_1): role must be a text",
        "record 3 (Brack_comment_COCO_2): conversations has too few items",
        "record 4 (Brack_comment_COCO_3): conversations.0 must be an object with keys",
        "record 4 (Brack_comment_COCO_3): conversations.1.value must be a text",
        "record 5 (Brack_comment_COCO_4): rm_review.Fluency.score.1 is missing",
        "record 6 (Brack_comment_COCO_5): rm_review.Fluency.score.0 must be a number",
        "record 6 (Brack_comment_COCO_5): rm_review.Fluency.score.1 must be a number",
        "record 7: it must be an object with keys",
    ]


def test_a_score_that_is_no_finite_number_is_refused(tmp_path: Path) -> None:
    (line,) = refusal(tmp_path, text_of([judged(record(), {"IA": (8, 9)})]).replace("8,\n", "NaN,\n"))
    assert "rm_review.Instruction Adherence.score.0 must be a finite number" in line


def test_a_record_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    (line,) = refusal(tmp_path, text_of([record(0), record(1), record(0)]))
    assert line.startswith('comment_test.json:39:9: record 3: id "Brack_comment_COCO_0" is that of record 1 as well')


def test_a_key_that_is_there_twice_is_refused_at_its_record(tmp_path: Path) -> None:
    twice = text_of([record(0), record(1)]).replace('"role": "Brack"', '"role": "Brack", "role": "Pip"', 2)
    (line,) = refusal(tmp_path, twice)
    assert line == 'comment_test.json:2:5: key "role" occurs twice in this record; keep one.'
    (later,) = refusal(tmp_path, text_of([record(0)])[:-2] + ', {"a": 1, "a": 2}]')
    assert later.startswith("comment_test.json:19:8: ")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('[\n{"id": "x",}\n]', ":2:12: this is not JSON"),
        ("", ":1:1: this is not JSON"),
        ("{}", ":1:1: the file must hold a list of records"),
        ('{"a": 1, "a": 2}', ":1:1: key"),
        (b'[\n"\xff"]', ":2:1: what stands here is not UTF-8"),
        ("[" * 100_000, ": a number in it is too long, or it is nested too deep"),
        ("[" + "1" * 5_000 + "]", ": a number in it is too long"),
    ],
)
def test_what_is_no_list_of_records_is_refused(tmp_path: Path, content: str | bytes, said: str) -> None:
    (line,) = refusal(tmp_path, content)
    assert line.startswith(f"comment_test.json{said}")


def test_of_many_mistakes_the_first_are_told(tmp_path: Path) -> None:
    assert len(refusal(tmp_path, text_of([without(record(nth), "image") for nth in range(90)]))) == 20


def test_a_terminal_escape_in_an_id_is_not_quoted(tmp_path: Path) -> None:
    (line,) = refusal(tmp_path, text_of([record(id="\x1b[2Jx", role=7)]))
    assert "\x1b" not in line


def test_files_of_records_are_found_by_their_ending_in_order(tmp_path: Path) -> None:
    for name in ("out/inter-role_test.json", "in/comment_test.json", "in/profiles.json"):
        written_records(tmp_path / name, [record()])
    found = [path.relative_to(tmp_path).as_posix() for path in sample_files(tmp_path)]
    assert found == ["in/comment_test.json", "out/inter-role_test.json"]
    assert sample_files(tmp_path / "in/profiles.json") == [tmp_path / "in/profiles.json"]
    (tmp_path / "deep").mkdir()
    for place in (tmp_path / "nowhere", tmp_path / "deep"):
        with pytest.raises(InputRefused):
            sample_files(place)


@pytest.mark.data
def test_every_released_file_is_written_again_byte_by_byte() -> None:
    counts = dict.fromkeys(KINDS, 0)
    for path in sample_files(data_folder("mmrole")):
        file = read_samples(path)
        reviews = {at: sample.rm_review for at, sample in enumerate(file.samples) if sample.rm_review}
        assert file.reviewed(reviews) == path.read_bytes()
        counts[path.name.removesuffix("_test.json")] += len(file.samples)  # type: ignore[index]
    assert counts == dict.fromkeys(KINDS, 5 * 98)
