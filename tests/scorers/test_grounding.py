"""The scorer of grounding: who is judged, by which pictures, and what it gives where nothing can be judged."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from judging import case_of, verdicts, with_events
from PIL import Image

from scenes.event import NARRATOR, Event
from scorers.base import Case, Score
from scorers.grounding import KINDS, Grounding

BRACK, PIP = "Captain Brack", "Pip"
QUAY: dict[str, Any] = {
    "place": "sea",
    "weather": "clear",
    "time": "dusk",
    "groups": [{"kind": "boat", "colour": "red", "position": "left"}],
}
MEADOW = QUAY | {"place": "meadow", "groups": [{"kind": "dog", "colour": "black", "position": "right"}]}


def case_in(folder: Path, **changes: Any) -> Case:
    """Return a case of Brack and Pip, who see a red boat."""
    return case_of(folder, **{"images": {"quay": {"storybook": QUAY}}, "turns": 1} | changes)


def event(index: int, actor: str, text: str, **changes: Any) -> Event:
    """Return a speech, heard by both."""
    given = {"kind": "speech", "visible_to": {BRACK: "heard", PIP: "heard"}, "call": f"t{index}"} | changes
    return Event.model_validate({"index": index, "turn": index + 1, "actor": actor, "text": text} | given)


def judged(case: Case, *events: Event) -> list[Score]:
    return verdicts(Grounding(), with_events(case, events))


def values(scores: Sequence[Score], index: int = 0) -> dict[str, float | None]:
    return {score.metric: score.value for score in scores if score.events == (index,)}


def test_a_reply_gets_its_share_its_claims_and_a_share_of_each_kind_that_it_claims(tmp_path: Path) -> None:
    scores = judged(case_in(tmp_path), event(0, BRACK, "Two red boats on the left, in fog."))
    share = {"true_share": 3 / 5, "claims": 5, "true_object": 1, "true_number": 0, "true_colour": 1}
    assert values(scores) == pytest.approx(share | {"true_position": 1, "true_weather": 0})
    assert {score.character for score in scores} == {BRACK}


def test_a_false_claim_is_quoted(tmp_path: Path) -> None:
    scores = judged(case_in(tmp_path), event(0, BRACK, "I see a BLACK boat."))
    assert {score.reason for score in scores if score.metric == "true_colour"} == {
        'not so: boat black ("a black boat")'
    }
    assert next(score.reason for score in scores if score.metric == "true_object") is None


def test_a_reply_without_a_claim_has_no_share_and_counts_none(tmp_path: Path) -> None:
    share, claims = sorted(
        judged(case_in(tmp_path), event(0, PIP, "Zoom!")), key=lambda score: score.metric != "true_share"
    )
    assert (share.value, share.reason, claims.value) == (None, "no claim", 0)


def test_a_yes_is_judged_by_the_last_line_that_its_speaker_heard(tmp_path: Path) -> None:
    whispered = event(1, BRACK, "Is it raining?", visible_to={BRACK: "did"})
    asked = event(0, BRACK, "Do you see a kite?")
    assert values(judged(case_in(tmp_path), asked, whispered, event(2, PIP, "Yes!")), 2)["true_object"] == 0


def test_a_yes_to_oneself_answers_nothing(tmp_path: Path) -> None:
    asked = event(0, BRACK, "Do you see a kite?")
    assert values(judged(case_in(tmp_path), asked, event(1, BRACK, "Yes!")), 1) == {"claims": 0, "true_share": None}


@pytest.mark.parametrize(
    "changes",
    [{"call": None}, {"actor": "A stranger"}, {"kind": "action"}, {"kind": "thought"}, {"text": " "}],
)
def test_only_what_a_model_says_as_one_of_the_cast_or_narrates_is_judged(
    tmp_path: Path, changes: dict[str, Any]
) -> None:
    said = event(0, BRACK, "A red boat.")
    assert judged(case_in(tmp_path), said) != []
    assert judged(case_in(tmp_path), said.model_copy(update=changes)) == []


def test_somebody_who_sees_nothing_gets_no_verdict(tmp_path: Path) -> None:
    cast = [{"character": "storybook/brack", "sees": []}, {"character": "storybook/pip"}]
    scores = judged(case_in(tmp_path, cast=cast), event(0, BRACK, "A red boat."), event(1, PIP, "A red boat."))
    assert values(scores) == {"claims": None, "true_share": None}
    assert {score.reason for score in scores if score.events == (0,)} == {"sees no picture"}
    assert values(scores, 1)["true_share"] == 1


def test_a_picture_that_comes_into_sight_counts_from_then_on_and_only_for_who_sees_it(tmp_path: Path) -> None:
    images = {"quay": {"storybook": QUAY}, "late": {"storybook": MEADOW, "reserve": True}}
    case = case_in(tmp_path, images=images)
    late = next(name for name, facts in case.pictures.items() if facts.name == "late")
    shown = event(1, PIP, "", kind="image", image=late, visible_to={PIP: "saw"}, call=None)
    lines = [event(0, PIP, "A black dog."), shown, event(2, PIP, "A black dog."), event(3, BRACK, "A black dog.")]
    scores = judged(case, *lines)
    assert [values(scores, at)["true_share"] for at in (0, 2, 3)] == [0, 1, 0]


def test_a_part_of_a_picture_is_judged_by_the_whole(tmp_path: Path) -> None:
    sees = [{"image": "quay", "crop": [64, 0, 64, 128]}]
    cast = [{"character": "storybook/brack", "sees": sees}, {"character": "storybook/pip"}]
    assert values(judged(case_in(tmp_path, cast=cast), event(0, BRACK, "A red boat.")))["true_share"] == 1


def test_a_picture_that_is_seen_later_does_not_count_before(tmp_path: Path) -> None:
    cast = [
        {"character": "storybook/brack", "sees": [{"image": "quay", "from_turn": 3}]},
        {"character": "storybook/pip"},
    ]
    assert values(judged(case_in(tmp_path, cast=cast), event(0, BRACK, "A red boat.")))["claims"] is None


def test_beside_a_picture_of_unknown_truth_nothing_is_judged(tmp_path: Path) -> None:
    tmp_path.mkdir(exist_ok=True)
    Image.new("RGB", (64, 64), "teal").save(tmp_path / "photo.png")
    case = case_in(tmp_path, images={"quay": {"storybook": QUAY}, "photo": {"file": "photo.png"}})
    (reason,) = {score.reason for score in judged(case, event(0, BRACK, "A red boat."))}
    assert reason == "sees a picture whose truth is not known"


def test_the_narrator_sees_what_all_see_whom_it_tells(tmp_path: Path) -> None:
    images = {"quay": {"storybook": QUAY}, "field": {"storybook": MEADOW}}
    cast = [
        {"character": "storybook/brack", "sees": [{"image": "quay"}]},
        {"character": "storybook/pip", "sees": [{"image": "quay"}, {"image": "field"}]},
    ]
    case = case_in(tmp_path, images=images, cast=cast)
    both = {PIP: "saw", BRACK: "saw"}
    told = event(0, NARRATOR, "Pip circles the black dog.", kind="narration", visible_to=both)
    alone = told.model_copy(update={"index": 1, "visible_to": {PIP: "was told"}})
    scores = judged(case, told, alone)
    assert [values(scores, at)["true_share"] for at in (0, 1)] == [0, 1]


def test_a_branch_with_another_picture_is_judged_by_it_from_the_fork_on(tmp_path: Path) -> None:
    case, other = case_in(tmp_path / "one"), case_in(tmp_path / "two", images={"quay": {"storybook": MEADOW}})
    branch = replace(case, legs=(*case.legs, (1, other.variant)))
    scores = judged(branch, event(0, BRACK, "A red boat."), event(1, BRACK, "A red boat."))
    assert [values(scores, at)["true_share"] for at in (0, 1)] == [1, 0]


def test_an_answer_chosen_among_some_is_no_reply(tmp_path: Path) -> None:
    asked = [
        {"ask": "Whose is it?", "choices": "cast"},
        {"ask": "What is it?", "choices": ["a boat", "a kite"]},
        {"ask": "And?"},
    ]
    answers = [event(at, PIP, "a boat", call=f"interview/{at + 1}/pip") for at in range(3)]
    scores = judged(case_in(tmp_path, interview=asked), *answers)
    assert {score.events for score in scores} == {(2,)}


def test_every_metric_that_is_given_is_one_that_the_scorer_names(tmp_path: Path) -> None:
    line = "At dusk a red boat on the left, on the open sea, under a clear sky."
    names = {score.metric for score in judged(case_in(tmp_path), event(0, BRACK, line))}
    assert names == {metric.name for metric in Grounding.metrics}
    assert len(KINDS) == 7
