"""The vision probe: one who sees loses what is true without the picture, one who is blind loses nothing."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from judging import case_of, nobody, verdicts
from PIL import Image

from scenes.chat import Call, CallFailed, Completion, Prompt, Request, Segment
from scenes.image import Picture, open_picture
from scenes.storybook.drawing import Drawing, describe
from scorers.base import Case, Score
from scorers.vision import CONDITIONS, Vision

BRACK, PIP = "Captain Brack", "Pip"
QUAY: dict[str, Any] = {
    "place": "sea",
    "weather": "clear",
    "time": "dusk",
    "groups": [{"kind": "boat", "colour": "red", "position": "left"}],
}
MEADOW = {
    "place": "meadow",
    "weather": "fog",
    "time": "night",
    "groups": [{"kind": "dog", "colour": "black", "number": 2, "position": "right"}],
}
FALSE = "I see a purple tent in a room, by day."
Answer = Callable[[Request], str]


def case_in(folder: Path, **changes: Any) -> Case:
    """Return a case of Brack and Pip, who see a red boat and speak twice each."""
    return case_of(folder, **{"images": {"quay": {"storybook": QUAY}}} | changes)


def cases_in(folder: Path) -> list[Case]:
    """Return two cases, with a boat and with dogs."""
    return [case_in(folder / "quay"), case_in(folder / "meadow", images={"meadow": {"storybook": MEADOW}})]


def prepared(cases: list[Case], **options: Any) -> Vision:
    return Vision(**options).prepared(cases)


def asked_by(answer: Answer, asked: dict[str, Request] | None = None) -> Call:
    """Return a call that `answer` answers, and that keeps every request in `asked`."""

    async def call(key: str, request: Request) -> Completion:
        if asked is not None:
            asked[key] = request
        return Completion(text=answer(request))

    return call


def seeing(cases: list[Case]) -> Answer:
    """Return who says what is in a picture or in the words in its place, and of a gray one what is not so."""
    truth = {image: facts.drawing for case in cases for image, facts in case.pictures.items()}

    def answer(request: Request) -> str:
        pictures = [truth.get(segment.image) for segment in request.prompt.segments() if segment.image]
        if pictures:
            return describe(pictures[0]) if pictures[0] else FALSE
        return next(segment.text for segment in request.prompt.segments() if describe(QUAY_DRAWN) in segment.text)

    return answer


QUAY_DRAWN = Drawing.model_validate(QUAY)


def values(scores: list[Score], metric: str) -> list[float | None]:
    return [score.value for score in scores if score.metric == metric]


def reasons(scores: list[Score], metric: str) -> set[str | None]:
    return {score.reason for score in scores if score.metric == metric}


def test_one_who_sees_is_right_with_the_picture_alone_or_its_truth_in_words(tmp_path: Path) -> None:
    cases = cases_in(tmp_path)
    scores = verdicts(prepared(cases), cases[0], asked_by(seeing(cases)))
    assert values(scores, "grounded_right") == [1] * 4
    assert values(scores, "grounded_notes") == [1] * 4
    assert values(scores, "grounded_other") == [0] * 4
    assert values(scores, "grounded_blank") == [0] * 4
    assert values(scores, "grounding_gap") == [1] * 4
    assert values(scores, "claims_right") == [7] * 4


def test_one_who_is_blind_is_as_right_without_the_picture(tmp_path: Path) -> None:
    cases = cases_in(tmp_path)
    scores = verdicts(prepared(cases), cases[0], asked_by(lambda request: "I see a red dog, at dusk."))
    shares = [values(scores, f"grounded_{condition}") for condition in CONDITIONS]
    assert shares == [shares[0]] * 4
    assert 0 < (shares[0][0] or 0) < 1
    assert values(scores, "grounding_gap") == [0] * 4


def test_the_four_requests_differ_in_the_picture_alone(tmp_path: Path) -> None:
    cases, asked = cases_in(tmp_path), dict[str, Request]()
    verdicts(prepared(cases), cases[0], asked_by(lambda request: FALSE, asked))
    logged = next(event.call for event in cases[0].trajectory.events if event.call)
    four = {condition: asked[f"{logged}/{condition}"] for condition in CONDITIONS}
    plain = {condition: without_picture(request) for condition, request in four.items()}
    assert plain["right"] == plain["other"] == plain["blank"]
    assert len({request.seed for request in four.values()}) == 1
    assert four["right"].seed != cases[0].asked(logged).seed
    assert four["right"] == replace(cases[0].asked(logged), prompt=four["right"].prompt, seed=four["right"].seed)
    assert four["right"].prompt.id == cases[0].asked(logged).prompt.id
    assert [segment.image for segment in four["other"].prompt.segments() if segment.image] == list(cases[1].pictures)


def without_picture(request: Request) -> list[Segment]:
    return [replace(segment, image="" if segment.image else None) for segment in request.prompt.segments()]


def test_words_in_place_of_a_picture_stand_on_lines_of_their_own(tmp_path: Path) -> None:
    case, asked = case_in(tmp_path), dict[str, Request]()
    picture = Segment("images", "user", image=next(iter(case.pictures)), glue="")
    short = Prompt().then(picture, Segment("instruction", "user", "Scene: Begin.", glue=""))
    case = replace(case, asked=lambda key: Request("storybook", short))
    verdicts(prepared([case]), case, asked_by(lambda request: FALSE, asked))
    told = next(request for key, request in asked.items() if key.endswith("/notes")).prompt.segments()
    at = next(at for at, segment in enumerate(told) if describe(QUAY_DRAWN) in segment.text)
    assert told[at + 1].glue == "\n"
    assert not any(segment.image for segment in told)


@pytest.mark.parametrize("crop", [None, [0, 0, 64, 32]])
def test_the_gray_picture_has_the_size_of_the_right_one_and_is_made_known(
    tmp_path: Path, crop: list[int] | None
) -> None:
    images = {"quay": {"storybook": QUAY, "size": 256}}
    kept: list[Picture] = []
    brack = {"character": "storybook/brack", "sees": [{"image": "quay", **({"crop": crop} if crop else {})}]}
    case = replace(case_in(tmp_path, images=images, cast=[brack, {"character": "storybook/pip"}]), keep=kept.append)
    asked: dict[str, Request] = {}
    verdicts(prepared([case], turns=None), case, asked_by(lambda request: FALSE, asked))
    sizes = {(gray.width, gray.height) for gray in kept}
    assert sizes == {(256, 256), (64, 32) if crop else (256, 256)}
    assert {open_picture(gray).getcolors() == [(gray.width * gray.height, (128, 128, 128))] for gray in kept} == {True}
    shown = [request.prompt.segments() for key, request in asked.items() if key.endswith("/blank")]
    assert {segment.image for segments in shown for segment in segments if segment.image} == {gray.id for gray in kept}


def test_without_another_picture_of_that_size_only_that_condition_has_no_value(tmp_path: Path) -> None:
    large = case_in(tmp_path / "large", images={"meadow": {"storybook": MEADOW, "size": 256}})
    case = case_in(tmp_path / "case")
    scores = verdicts(prepared([case, large]), case, asked_by(lambda request: FALSE))
    assert values(scores, "grounded_other") == [None] * 4
    assert reasons(scores, "grounded_other") == {"the run has no other picture of this size"}
    assert values(scores, "grounded_right") == [0] * 4


def test_a_reply_without_a_claim_has_no_share_and_no_gap(tmp_path: Path) -> None:
    case = case_in(tmp_path)
    said = asked_by(
        lambda request: (
            FALSE if any(segment.image in case.pictures for segment in request.prompt.segments()) else "Zoom!"
        )
    )
    scores = verdicts(prepared([case]), case, said)
    assert reasons(scores, "grounded_blank") == {"no claim"}
    assert (values(scores, "grounding_gap"), reasons(scores, "grounding_gap")) == (
        [None] * 4,
        {"with a gray one: no claim"},
    )
    assert values(scores, "claims_blank") == [0] * 4


def test_a_call_that_fails_is_a_reason_and_spares_the_others(tmp_path: Path) -> None:
    case = case_in(tmp_path)

    async def call(key: str, request: Request) -> Completion:
        if key.endswith("/right"):
            raise CallFailed("no answer in time")
        return Completion(text=FALSE)

    scores = verdicts(prepared([case]), case, call)
    assert reasons(scores, "grounded_right") == {"no answer in time"}
    assert reasons(scores, "grounding_gap") == {"with the picture: no answer in time"}
    assert values(scores, "grounded_blank") == [0] * 4


@pytest.mark.parametrize(
    ("image", "reason"),
    [
        ({"file": "photo.png"}, "the prompt holds a picture whose truth is not known"),
        (None, "the prompt holds no picture"),
    ],
)
def test_where_no_truth_is_known_nobody_is_asked(tmp_path: Path, image: Mapping[str, str] | None, reason: str) -> None:
    Image.new("RGB", (64, 64), "red").save(tmp_path / "photo.png")
    case = case_in(tmp_path, images={"photo": image} if image else None)
    scores = verdicts(prepared([case]), case, nobody)
    assert {score.metric for score in scores} == {metric.name for metric in Vision.metrics}
    assert {(score.value, score.reason) for score in scores} == {(None, reason)}


def test_what_is_not_said_aloud_by_the_speaker_is_no_claim(tmp_path: Path) -> None:
    case = case_in(tmp_path)
    text = "[A purple tent.] (points at a purple tent) A red boat!\nPip: A purple tent!"
    scores = verdicts(prepared([case]), case, asked_by(lambda request: text))
    brack = [score.value for score in scores if score.metric == "grounded_right" and score.character == BRACK]
    assert brack == [1, 1]


@pytest.mark.parametrize(("turns", "replies"), [(1, 1), (3, 3), (4, 4), (9, 4), (None, 4)])
def test_at_most_so_many_replies_are_asked_for_again(tmp_path: Path, turns: int | None, replies: int) -> None:
    case = case_in(tmp_path)
    scores = verdicts(prepared([case], turns=turns), case, asked_by(lambda request: FALSE))
    events = [score.events for score in scores if score.metric == "grounding_gap"]
    assert len(set(events)) == len(events) == replies


def test_replies_are_chosen_evenly_from_a_start_by_lot(tmp_path: Path) -> None:
    case = case_in(tmp_path, turns=12)
    chosen = [
        [score.events[0] for score in verdicts(prepared([case], turns=3, seed=seed), case, asked_by(lambda _: FALSE))]
        for seed in range(12)
    ]
    steps = {second - first for events in chosen for first, second in zip(events[::7], events[7::7], strict=False)}
    assert steps == {4}
    assert len({events[0] for events in chosen}) > 1


def test_scores_name_the_reply_and_the_calls_they_rest_on(tmp_path: Path) -> None:
    case = case_in(tmp_path)
    scores = verdicts(prepared([case]), case, asked_by(lambda request: FALSE))
    first = next(event for event in case.trajectory.events if event.call)
    gap = next(score for score in scores if score.metric == "grounding_gap")
    assert (gap.character, gap.events) == (first.actor, (first.index,))
    assert gap.calls == (f"{first.call}/right", f"{first.call}/blank")


def test_the_basis_is_the_pictures_of_the_run(tmp_path: Path) -> None:
    cases = cases_in(tmp_path)
    assert Vision().basis == ""
    assert prepared(cases).basis == prepared(cases[::-1]).basis != prepared(cases[:1]).basis


def test_another_seed_draws_other_answers(tmp_path: Path) -> None:
    case = case_in(tmp_path)
    seeds = []
    for seed in (0, 0, 1):
        asked: dict[str, Request] = {}
        verdicts(prepared([case], seed=seed), case, asked_by(lambda request: FALSE, asked))
        seeds.append({key: request.seed for key, request in asked.items()})
    assert seeds[0] == seeds[1] != seeds[2]
