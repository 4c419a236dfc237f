"""Lines are learned by what scorers said of them; all others are still there to be read."""

from pathlib import Path

import pytest
from commanding import commanded
from exporting import exported, learned, rows_of, text_of
from playing import played

from scenes.chat import Request
from scenes.problem import InputRefused
from scenes.storybook.drawing import draw_lots, name_of

THING = draw_lots(7).groups[0]
TRUE = f"I can see {name_of(THING)} there."
FALSE = (
    f"I can see {name_of(THING.model_copy(update={'colour': 'purple' if THING.colour == 'blue' else 'blue'}))} there."
)
VAGUE = "I was thinking of something else entirely for the whole of this long voyage."


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run of three lines each, one true, one false, one that claims nothing."""
    lines = iter((TRUE, FALSE, VAGUE) * 2)

    def said(_: Request) -> str:
        return next(lines)

    folder = played(tmp_path, said, turns=6, layout="compact", turn_policy=["Brack"])
    assert commanded("score", folder, "--scorer", "grounding", "--scorer", "faults").code == 0
    return folder


def test_only_lines_with_the_score_asked_for_are_learned(run: Path) -> None:
    report = exported(run, keep=("grounding.true_share=1",))
    rows = rows_of(report)
    assert [line for row in rows for line in learned(row)] == [TRUE, TRUE]
    read = [text_of(one) for row in rows for one in row["messages"] if one["role"] == "assistant" and not one["train"]]
    assert {FALSE, VAGUE} == {*read}
    assert report.kept_by == ["grounding.true_share=1"]
    assert report.learned == 2
    assert [count for why, count in report.left_out.items() if why.startswith("lines that --keep leaves")] == [4]


def test_rules_hold_together_and_for_all_metrics_of_a_scorer(run: Path) -> None:
    kept = [line for row in rows_of(exported(run, keep=("grounding.claims<=0", "faults=0"))) for line in learned(row)]
    assert kept == [VAGUE]  # the second time it is a repetition
    assert exported(run, keep=("grounding.claims>=1",)).learned == 4


def test_a_line_without_the_score_asked_for_is_not_learned(run: Path) -> None:
    assert exported(run, keep=("grounding.true_number=1",)).learned == 4


@pytest.mark.parametrize(
    ("keep", "said"),
    [
        ("grounding.true_share", r'--keep: "grounding.true_share" is no rule'),
        ("grounding.true_share=much", "is no rule"),
        ("voice.voice_recognised=1", "the run has no verdicts of voice; judge it"),
        ("grounding.true_share>=2", "there is nothing to export"),
    ],
)
def test_a_rule_that_cannot_be_followed_is_refused(run: Path, keep: str, said: str) -> None:
    with pytest.raises(InputRefused, match=said):
        exported(run, keep=(keep,))


def test_verdicts_are_not_chosen_by_scores(run: Path) -> None:
    ended = commanded("export", run, "--to", "mmrole-rm", "--keep", "faults=0")
    assert ended.code == 2
    assert "--keep: it is about what was played" in ended.err
