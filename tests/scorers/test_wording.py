"""Words as they count when texts are compared."""

import pytest

from scorers.wording import grams, in_order, sentences, stem, telling


@pytest.mark.parametrize(
    "forms",
    [
        ("move", "moves", "moved", "moving"),
        ("steal", "stole", "stolen", "steals"),
        ("sleep", "slept", "asleep"),
        ("smuggle", "smuggler", "smuggling"),
        ("stop", "stopped"),
        ("berry", "berries"),
        ("three", "third", "3"),
        ("woman", "women"),
    ],
)
def test_the_forms_of_a_word_have_one_stem(forms: tuple[str, ...]) -> None:
    assert len({stem(form) for form in forms}) == 1


def test_case_marks_and_empty_words_tell_nothing() -> None:
    assert telling("It is NOT the buoy…") == telling("buoy") == [stem("buoy")]
    assert telling("Ｂｕｏｙ’s") == [stem("buoy")]


def test_a_pronoun_stands_for_somebody_and_a_marked_name_for_itself() -> None:
    assert telling("She told me of @1") == ["@?", "@me", "@1"]


def test_chinese_is_read_by_characters_and_by_two_of_them_that_stand_together() -> None:
    assert telling("红伞是他的") == ["红", "伞", "@?", "红伞"]


def test_words_in_order_are_stems_without_articles_and_with_one_form_of_be() -> None:
    assert in_order("He was the thief.") == in_order("You are a thief!") == ["@?", "be", stem("thief")]


def test_a_text_falls_into_its_sentences() -> None:
    assert sentences("One. Two?\n三。四！ ") == ["One.", "Two?", "三。", "四！"]


def test_grams_are_all_runs_of_a_length() -> None:
    assert grams(["a", "b", "c"], 2) == [("a", "b"), ("b", "c")]
    assert grams(["a"], 2) == []
