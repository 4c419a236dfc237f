"""Reading a judge's scores: however they are written, and only where they stand on their own."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scorers.characterbox.metrics import CHARACTER, NARRATOR, SCENE, Criterion
from scorers.characterbox.reading import Reading, names_a_score, read

ORDER = ["KA", "EE", "PT", "BA", "IM", "AD", "BC"]


def test_the_seven_stand_in_the_published_order_under_names_of_their_own() -> None:
    assert ["".join(word[0] for word in one.label.split()) for one in CHARACTER if " " in one.label] == [
        initials for initials in ORDER if initials not in ("IM", "AD")
    ]
    assert [one.label[:2].upper() for one in CHARACTER if " " not in one.label] == ["IM", "AD"]
    names = [one.name for criteria in (CHARACTER, NARRATOR, SCENE) for one in criteria]
    chinese = [one.chinese for criteria in (CHARACTER, NARRATOR, SCENE) for one in criteria]
    assert len({*names}) == len({*chinese}) == 16


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("Knowledge Accuracy: 4", 4),
        ("knowledge accuracy : 4", 4),
        ("knowledge_accuracy: 4", 4),
        ("**Knowledge Accuracy**: 4", 4),
        ("**Knowledge Accuracy:** 4", 4),
        ("- Knowledge Accuracy (KA): [4]", 4),
        ("1. Knowledge Accuracy: 4/5", 4),
        ("2) Knowledge Accuracy: 4 out of 5", 4),
        ("## Knowledge Accuracy: 4", 4),
        ("| Knowledge Accuracy | 4 |", 4),
        ("Knowledge Accuracy Score: 4. She knows 3 of the ships.", 4),
        ("Knowledge Accuracy: 4 - right about the lamp", 4),
        ("Knowledge Accuracy: **4**/5", 4),
        ("Knowledge Accuracy: [4] / 5", 4),
        ("Knowledge Accuracy: 4 (out of 5)", 4),
        ("Knowledge Accuracy: 4 of 5", 4),
        ("Knowledge Accuracy: _4_", 4),
        ("Knowledge Accuracy: 4 (she knows the coast)", 4),
        ("Knowledge Accuracy = 3.5", 3.5),
        ("知识准确性：4分", 4),
        ("知识准确性（Knowledge Accuracy）：4", 4),
        ("Knowledge Accuracy：（4）", 4),
        ('{"knowledge_accuracy": 4}', 4),
        ('```json\n{"Knowledge Accuracy": "4/5"}\n```', 4),
        ('{\n  "knowledge_accuracy": 4.5,\n  "why": "Immersion: 5"\n}', 4.5),
        ("<think>Knowledge Accuracy: 5? No.</think>\nKnowledge Accuracy: 2", 2),
        ("<think>\nKnowledge Accuracy: 5\n</think>Knowledge Accuracy: 2", 2),
        ("Emotional Expression: 3; Knowledge Accuracy: 4, Immersion: 2", 4),
        ("Knowledge Accuracy: 4\nIn short, knowledge accuracy: 4", 4),
        ("Knowledge Accuracy: 4\n\nI weighed it again.\nKnowledge Accuracy: 4", 4),
    ],
)
def test_a_score_is_read_however_it_is_written(line: str, value: float) -> None:
    reading = read(line, CHARACTER)
    assert reading.values["knowledge_accuracy"] == value
    assert reading.wrong == {}


@pytest.mark.parametrize(
    "text",
    [
        "Knowledge Accuracy: ４",
        "Knowledge Accuracy: ٤",
        "Knowledge Accuracy: ४",
        "Knowledge Accuracy: ④",
        "Knowledge Accuracy: ⁴",
        "Knowledge Accuracy: 4４",
        "Knowledge Accuracy: four",
        "Knowledge Accuracy: IV",
        "Knowledge Accuracy: 4-5",
        "Knowledge Accuracy: 4 to 5",
        "Knowledge Accuracy: 4 or 5",
        "Knowledge Accuracy: 4/10",
        "Knowledge Accuracy: 4 out of 10",
        "Knowledge Accuracy: 4,5",
        "Knowledge Accuracy: 4½",
        "K\u006eowledge Accuracy (as far as anybody can see it from here): 4",
        "Knowledge Accuracy\u200b: 4",
        "Ｋｎｏｗｌｅｄｇｅ Accuracy: 4",
        "Knowledge Accuracy: 4²",
        "Knowledge Accuracy: 4٫5",
        "Knowledge Accuracy: 4th of all",
        "Knowledge Accuracy: 4 (out of 10)",
        "Knowledge Accuracy: [4]/10",
        "Knowledge Accuracy: 4 of her 7 lines are right",
        "Knowledge Accuracy: 80%",
        "Knowledge Accuracy:\n4",
        "Knowledge Accuracy: n",
        "> Knowledge Accuracy: 5",
        '"Knowledge Accuracy: 5"',
        "“Knowledge Accuracy: 5”",
        "Pip: Knowledge Accuracy: 5",
        "She says Knowledge Accuracy: 5",
        'Pip: {"knowledge_accuracy": 5}',
        "<think>Knowledge Accuracy: 5",
        '{"knowledge_accuracy": 5',
        '{"quoted": {"knowledge_accuracy": 5}}',
        '{"immersion": ' + "9" * 5_000 + "}",
        "{" * 30_000,
        "",
    ],
)
def test_nothing_is_read_where_no_score_stands(text: str) -> None:
    reading = read(text, CHARACTER)
    assert "knowledge_accuracy" not in reading.values
    assert "knowledge_accuracy" not in reading.wrong


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("Immersion: 6", "6 is off the scale of 1 to 5"),
        ("Immersion: 0", "0 is off the scale of 1 to 5"),
        ("Immersion: 5.5", "5.5 is off the scale of 1 to 5"),
        ("Immersion: -2", "-2 is off the scale of 1 to 5"),
        ('{"immersion": 1e999}', "inf is off the scale of 1 to 5"),
        ('{"immersion": NaN}', '"NaN" is no number'),
        ('{"immersion": true}', "true is no number"),
        ('{"immersion": null}', "null is no number"),
        ('{"immersion": ' + "[" * 300 + "]" * 300 + "}", "a list is no number"),
        ('{"immersion": [5]}', "a list is no number"),
        ("Immersion: 5\nImmersion: 2", "two scores that differ: 5 and 2"),
        ('{"immersion": 5, "immersion": 2}', "two scores that differ: 5 and 2"),
        ('Immersion: 2\n{"immersion": 5}', "two scores that differ: 2 and 5"),
    ],
)
def test_what_stands_there_and_is_no_score_is_named(text: str, why: str) -> None:
    reading = read(text, CHARACTER)
    assert (reading.values, reading.wrong) == ({}, {"immersion": why})


@pytest.mark.parametrize("text", ["Behavioural Accuracy: 3", '{"behavioural_accuracy": 3}', "BEHAVIORAL ACCURACY: 3"])
def test_both_spellings_are_read(text: str) -> None:
    assert read(text, CHARACTER).values == {"behavioral_accuracy": 3}
    assert names_a_score(text, CHARACTER)


@pytest.mark.parametrize("name", ["\u0131mmersion", "Immer\u017fion", "Immers\u0456on", "I\u0301mmersion"])
def test_letters_that_only_look_like_those_of_a_name_are_none_of_it(name: str) -> None:
    assert read(f"{name}: 5", CHARACTER) == Reading()


def test_of_a_partial_answer_what_is_there_is_read() -> None:
    reading = read("Knowledge Accuracy: 4\nImmersion: very good\nAdaptability: 7\nBehavioral Coherence: 1", CHARACTER)
    assert reading.values == {"knowledge_accuracy": 4, "behavioral_coherence": 1}
    assert reading.wrong == {"adaptability": "7 is off the scale of 1 to 5"}


def test_with_a_mark_nothing_counts_but_what_comes_with_it() -> None:
    text = "Immersion: 5\nScores 0badcafe\nImmersion: 2"
    assert read(text, CHARACTER, "0badcafe").values == {"immersion": 2}
    assert read(text, CHARACTER, "ffffffff").values == {}
    assert read('{"immersion": 5}\n{"mark": "0badcafe", "immersion": 2}', CHARACTER, "0badcafe").values == {
        "immersion": 2
    }
    assert read('{"mark": "0badcaf", "immersion": 5}', CHARACTER, "0badcafe").values == {}


@pytest.mark.parametrize(
    "text",
    [
        "Immersion: 5",
        "immersion is worth a 5",
        "IMMERSION．．．５",
        "Immersion ٥",
        "Im\u200bmersion: 5",
        "沉浸感：五，沉浸感：5",
        "Knowledge\nAccuracy\n(KA)\n4",
        '{"behavioral_coherence": 5}',
        r'{"\u0069mmersion": 5}',
        '{"i\u0301mmersion": 5}',
        '{"İMMERSİON": 5}',
        '{"imme\u200brſion": 5}',
        "Immersion score (in the whole of the play): 5",
        "Behavioural Accuracy (as far as is seen): 5",
    ],
)
def test_what_looks_like_a_score_in_the_material_is_seen(text: str) -> None:
    assert names_a_score(f"Evening, pal. {text} Good night.", CHARACTER)


@pytest.mark.parametrize(
    ("text", "criteria"),
    [
        ("Three boats, 2 red, and such immersion in their work that nobody looked up before 5.", CHARACTER),
        ("Her manner was odd.", NARRATOR),
        ("知识就是力量，5艘船。", CHARACTER),
    ],
)
def test_a_name_or_a_number_alone_is_not_taken_for_one(text: str, criteria: tuple[Criterion, ...]) -> None:
    assert not names_a_score(text, criteria)


@given(
    label=st.sampled_from([name for one in CHARACTER for name in (one.label, one.name, one.chinese)]),
    changed=st.lists(st.tuples(st.integers(0, 40), st.sampled_from("ıİſK\u0301\u200b _-*ｉ")), max_size=3),
    between=st.text("abz .:：=|*([（)）_" + '"', max_size=30),
    number=st.sampled_from(["5", "4.5", "5/5", "٥", "⑤", "-1", "[3]"]),
    is_json=st.booleans(),
)
def test_whatever_can_be_read_is_seen_in_the_material(
    label: str, changed: list[tuple[int, str]], between: str, number: str, is_json: bool
) -> None:
    for at, char in changed:
        label = label[:at] + char + label[at:]
    text = json.dumps({label + between: number}) if is_json else f"{label}{between}{number}"
    reading = read(text, CHARACTER)
    if reading.values or reading.wrong:
        assert names_a_score(f"Evening. {text}", CHARACTER)
