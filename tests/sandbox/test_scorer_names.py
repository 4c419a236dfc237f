"""What a scorer is called, in a command and in its settings."""

from pathlib import Path

import pytest

from sandbox.scorer_names import scorers_named
from scenes.problem import InputRefused

OWN = """
from typing import ClassVar

from scorers.base import Metric, Score, Scorer


class Words(Scorer):
    name: ClassVar[str] = "words"
    word: str = "please"
    least: int = 1


def polite(case):
    return [Score(metric="polite", value=1)]


polite.metrics = (Metric("polite", "whether a question says please", "share"),)


def vague(case):
    return []


vague.metrics = "polite"
"""


@pytest.fixture
def own(tmp_path: Path) -> str:
    """A file of one's own with two scorers in it, as the command line names it."""
    file = tmp_path / "mine.py"
    file.write_text(OWN)
    return str(file)


@pytest.mark.parametrize("called", ["Words", "words"])
def test_a_setting_may_call_a_scorer_by_its_class_or_by_its_own_name(own: str, called: str) -> None:
    (chosen,) = scorers_named([f"{own}:Words"], [f"{called}.word=kindly"])
    assert chosen.scorer.model_dump() == {"word": "kindly", "least": 1}


def test_of_settings_under_both_names_all_count_and_the_last_wins(own: str) -> None:
    (chosen,) = scorers_named([f"{own}:Words"], ["Words.word=kindly", "words.least=3", "words.word=pray"])
    assert chosen.scorer.model_dump() == {"word": "pray", "least": 3}


def test_a_name_that_no_scorer_of_the_command_has_is_refused_with_those_there_are(own: str) -> None:
    with pytest.raises(InputRefused, match='no scorer of this command is named "word"; did you mean "words"'):
        scorers_named([f"{own}:Words"], ["word.word=kindly"])


def test_the_metrics_of_a_function_are_kept_and_what_is_none_is_refused(own: str) -> None:
    (chosen,) = scorers_named([f"{own}:polite"], [])
    assert [metric.unit for metric in chosen.scorer.metrics] == ["share"]
    with pytest.raises(InputRefused, match="metrics"):
        scorers_named([f"{own}:vague"], [])
