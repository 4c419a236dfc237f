"""What a reply owes to picture, talk and speaker: after which prompts it is read, and what is made of that."""

from collections.abc import Iterator
from dataclasses import replace
from importlib.resources import files
from itertools import zip_longest
from pathlib import Path
from typing import Any

import pytest
from judging import case_of, verdicts
from staging import Answer, counted, performed, scene_of

from sandbox.engines.config import TransformersConfig
from sandbox.engines.engine import Engine
from sandbox.engines.scripted import Scripted, dry_answer
from sandbox.engines.start import start
from scenes.chat import Call, CallFailed, Completion, Request, Segment
from scenes.image import Picture, open_picture
from scenes.scenario import LayoutName
from scenes.sights import drawn
from scorers.base import Case, Score
from scorers.contrast import Contrast

METRICS = ["log_likelihood", "image_contrast", "history_contrast", "persona_contrast"]
FOUR = [{"character": f"storybook/{name}"} for name in ("brack", "pip", "moss", "odile")]


class Reader:
    """Gives out likelihoods by the last part of a call's key; keeps what it was asked."""

    def __init__(self, **logprobs: Any) -> None:
        self.asked: dict[str, Request] = {}
        self._logprobs = logprobs

    async def __call__(self, key: str, request: Request) -> Completion:
        self.asked[key] = request
        found = self._logprobs.get(key.rpartition("/")[2].replace("-", "_"), (-1.0,))
        if isinstance(found, str):
            raise CallFailed(found)
        return Completion(text="", logprobs=found)

    def prompt(self, key: str) -> list[Segment]:
        return self.asked[key].prompt.segments()


def by_engine(engine: Engine) -> Call:
    async def call(key: str, request: Request) -> Completion:
        return await engine.complete(request)

    return call


def of(scores: list[Score], metric: str) -> list[Score]:
    return [score for score in scores if score.metric == metric]


def laid_out(folder: Path, layout: LayoutName, answer: Answer = counted, **changes: Any) -> Case:
    """Return the case of a talk whose prompts are in another layout than judging's own."""
    asked = performed(scene_of(folder / "again", **changes), layout, answer)
    return replace(case_of(folder, answer, **changes), asked=asked.__getitem__)


def changed(before: list[Segment], after: list[Segment]) -> list[tuple[Segment | None, Segment | None]]:
    return [(one, other) for one, other in zip_longest(before, after) if one != other]


def test_every_reply_of_the_cast_has_four_scores_of_its_own_tokens(tmp_path: Path) -> None:
    read = Reader(given=(-1.0, -3.0), image=(-4.0, -5.0), history=(-2.0, -2.5), persona_1=(-0.5, -1.5))
    scores = verdicts(Contrast(), case_of(tmp_path), read)
    assert [score.metric for score in scores] == METRICS * 4
    assert [score.value for score in scores[-4:]] == [-2.0, 2.5, 0.25, -1.0]
    assert [(score.character, score.events) for score in scores[::4]] == [
        ("Captain Brack", (0,)), ("Pip", (1,)), ("Captain Brack", (2,)), ("Pip", (3,)),
    ]  # fmt: skip
    assert of(scores, "persona_contrast")[1].calls == ("t02/pip/speak/given", "t02/pip/speak/persona-1")
    assert {key for score in scores for key in score.calls} == read.asked.keys()


def test_a_reply_is_read_as_it_was_written_after_the_prompt_it_was_written_for(tmp_path: Path) -> None:
    def answer(key: str, request: Request) -> str:
        return " (nods) Aye, lad! [A bird.]\nPip: No, a boat!"

    case, read = case_of(tmp_path, answer), Reader()
    scores = verdicts(Contrast(), case, read)
    request = read.asked["t02/pip/speak/given"]
    assert request.prompt.id == case.asked("t02/pip/speak").prompt.id
    assert {asked.answer for asked in read.asked.values()} == {answer("", request)}
    assert [event.kind for event in case.trajectory.events[:3]] == ["action", "speech", "thought"]
    assert scores[0].events == (0, 1, 2)


def test_without_its_picture_a_prompt_has_a_gray_one_of_the_same_size(tmp_path: Path) -> None:
    known: dict[str, Picture] = {}
    images = {
        "harbour": {"storybook": {"seed": 7}, "size": 256},
        "chart": {"storybook": {"seed": 9}, "size": 512},
    }
    cast = [FOUR[0], FOUR[1] | {"sees": [{"image": "chart", "crop": [10, 20, 100, 60]}]}]
    case = replace(
        case_of(tmp_path, images=images, cast=cast), keep=lambda picture: known.update({picture.id: picture})
    )
    read = Reader()
    verdicts(Contrast(), case, read)
    for call, sizes in {"t01/captainbrack/speak": [(256, 256), (512, 512)], "t02/pip/speak": [(100, 60)]}.items():
        pairs = changed(read.prompt(f"{call}/given"), read.prompt(f"{call}/image"))
        grays = [known[gray.image] for _, gray in pairs if gray and gray.image]
        assert [(gray.width, gray.height) for gray in grays] == sizes
        assert len(grays) == len(pairs)
        assert all(open_picture(gray).getcolors() == [(gray.width * gray.height, (128, 128, 128))] for gray in grays)


@pytest.mark.parametrize(
    ("layout", "left"),
    [
        ("images-first", "\n\nReply as Captain Brack."),
        ("compact", "Pip:"),
        ("mmrole", "\n\n\nRespond to these words of Pip about the picture in English, with the tone, manner"),
        ("script", "\nCaptain Brack:"),
    ],
)
def test_without_its_past_a_prompt_holds_no_line_of_it(layout: LayoutName, left: str, tmp_path: Path) -> None:
    read = Reader()
    verdicts(Contrast(), laid_out(tmp_path, layout), read)
    given, without = (read.prompt(f"t03/captainbrack/speak/{what}") for what in ("given", "history"))
    assert "Line t02/pip/speak" in "".join(segment.text for segment in given)
    assert "Line" not in "".join(segment.text for segment in without)
    assert (without[-1].glue + without[-1].text).startswith(left)
    assert [segment.image for segment in without if segment.image] == [s.image for s in given if s.image]
    assert without[:-1] == [segment for segment in given if segment.stability not in ("history", "instruction")]


def test_a_picture_that_came_into_sight_stays_without_the_past(tmp_path: Path) -> None:
    images = {"harbour": {"storybook": {"seed": 7}}, "chart": {"storybook": {"seed": 9}}}
    sees = [{"image": "harbour"}, {"image": "chart", "from_turn": 2}]
    read = Reader()
    verdicts(Contrast(), case_of(tmp_path, images=images, cast=[FOUR[0] | {"sees": sees}, FOUR[1]]), read)
    given, without = (read.prompt(f"t03/captainbrack/speak/{what}") for what in ("given", "history"))
    assert sum(bool(segment.image) for segment in given) == sum(bool(segment.image) for segment in without) == 2


def test_a_persona_is_put_in_for_each_of_up_to_three_others_in_their_order(tmp_path: Path) -> None:
    cast = [*FOUR, {"character": "storybook/vale"}]
    read = Reader(given=(-1.0,), persona_1=(-2.0,), persona_2=(-3.0,), persona_3=(-7.0,))
    scores = verdicts(Contrast(), case_of(tmp_path, cast=cast, turns=5), read)
    assert of(scores, "persona_contrast")[1].value == 3.0
    given = read.prompt("t02/pip/speak/given")
    for at, who in enumerate(("captainbrack", "doctormoss", "odilefenn"), start=1):
        other = next(key for key in read.asked if key.endswith(f"/{who}/speak/given"))
        of_other = [segment for segment in read.prompt(other) if segment.stability == "persona"]
        swapped = read.prompt(f"t02/pip/speak/persona-{at}")
        assert [segment for segment in swapped if segment.stability == "persona"] == of_other
        assert [s for s in swapped if s.stability != "persona"] == [s for s in given if s.stability != "persona"]
    assert "t02/pip/speak/persona-4" not in read.asked


def test_what_cannot_be_taken_away_gives_no_value_and_says_so(tmp_path: Path) -> None:
    read = Reader()
    scores = verdicts(Contrast(), case_of(tmp_path, images=None, turns=1), read)
    assert list(read.asked) == ["t01/captainbrack/speak/given"]
    assert [(score.metric, score.reason) for score in scores] == [
        ("log_likelihood", None),
        ("image_contrast", "the prompt holds no picture"),
        ("history_contrast", "the prompt tells of no past"),
        ("persona_contrast", "nobody else who speaks has a persona of its own"),
    ]
    assert [score.value for score in scores] == [-1.0, None, None, None]


def test_one_text_for_the_whole_cast_tells_nobody_apart(tmp_path: Path) -> None:
    scores = verdicts(Contrast(), laid_out(tmp_path, "script"), Reader())
    assert {score.reason for score in of(scores, "persona_contrast")} == {
        "nobody else who speaks has a persona of its own"
    }


def test_a_call_that_fails_takes_away_what_rests_on_it_alone(tmp_path: Path) -> None:
    case = case_of(tmp_path)
    scores = verdicts(Contrast(), case, Reader(image="out of memory"))[-4:]
    assert [score.reason for score in scores] == [None, "out of memory", None, None]
    assert [score.value for score in scores] == [-1.0, None, 0.0, 0.0]
    scores = verdicts(Contrast(), case, Reader(given="too long"))[-4:]
    assert [(score.value, score.reason) for score in scores] == [(None, "too long")] * 4
    (score, *_) = verdicts(Contrast(), case, Reader(given=()))
    assert (score.value, score.reason) == (None, "the model gave no likelihoods")


def test_an_empty_reply_is_not_asked_about(tmp_path: Path) -> None:
    scores = verdicts(Contrast(), case_of(tmp_path, lambda key, request: " \n"))
    assert [(score.value, score.reason) for score in scores] == [(None, "the reply is empty")] * 16


def test_the_model_that_spoke_is_asked_or_the_one_that_is_named(tmp_path: Path) -> None:
    case = case_of(tmp_path, model="one", player={"plays": "Pip", "model": "two"})
    own, named = Reader(), Reader()
    verdicts(Contrast(), case, own)
    verdicts(Contrast(model="three"), case, named)
    assert {key.split("/")[1]: request.model for key, request in own.asked.items()} == {
        "captainbrack": "one", "pip": "two",
    }  # fmt: skip
    assert {request.model for request in named.asked.values()} == {"three"}
    assert list(Contrast().models(case.variant.scenario)) == ["one", "two"]
    assert list(Contrast(model="three").models(case.variant.scenario)) == ["three"]


def test_a_person_is_not_asked(tmp_path: Path) -> None:
    case = case_of(tmp_path, player={"plays": "Pip", "person": True})
    read = Reader()
    scores = [score for score in verdicts(Contrast(), case, read) if score.character == "Pip"]
    assert {score.reason for score in scores} == {
        "a person spoke, who gives no likelihoods; name a model, with contrast.model=NAME"
    }
    assert not any("pip" in key for key in read.asked)
    assert list(Contrast().models(case.variant.scenario)) == ["storybook"]
    read = Reader()
    verdicts(Contrast(model="storybook"), case, read)
    assert any("pip" in key for key in read.asked)


def test_answers_in_a_form_and_words_of_others_are_no_replies(tmp_path: Path) -> None:
    interview = [{"ask": "Who?", "choices": "cast"}, {"ask": "Why?"}]
    case = case_of(tmp_path, narrator={}, interview=interview, opening=[{"Brack": "Ahoy."}], turns=2)
    judged = {score.events for score in verdicts(Contrast(), case, Reader())}
    spoken = [case.trajectory.events[index] for (index,) in judged]
    assert {(event.actor, event.call) for event in spoken} == {
        (name, f"{key}")
        for name, who in (("Captain Brack", "captainbrack"), ("Pip", "pip"))
        for key in (event.call for event in case.trajectory.events if event.call)
        if f"/{who}" in str(key) and case.asked(str(key)).form is None
    }
    assert len(spoken) == 4


def test_a_dry_run_shows_which_reply_takes_up_what_was_said(tmp_path: Path) -> None:
    replies = {"t01": "A lantern burns.", "t02": "A lantern burns?", "t03": "Nothing but quarrels.", "t04": "So."}
    case = case_of(tmp_path, lambda key, request: replies[key[:3]])
    scores = of(verdicts(Contrast(), case, by_engine(Scripted(dry_answer))), "history_contrast")
    taken_up, new = scores[1].value, scores[2].value
    assert taken_up is not None
    assert new is not None
    assert taken_up > 0.1 > new


@pytest.fixture(scope="module")
def gallery() -> dict[str, Picture]:
    return {}


@pytest.fixture(scope="module")
def engine(gallery: dict[str, Picture]) -> Iterator[Engine]:
    checkpoint = str(files("sandbox.storybook") / "checkpoint")
    engine = start(TransformersConfig(), checkpoint, lambda image: open_picture(gallery[image]), 1)
    yield engine
    engine.close()


def test_the_embedded_model_tells_a_false_remark_and_a_strange_voice_from_fitting_ones(
    engine: Engine, gallery: dict[str, Picture], tmp_path: Path
) -> None:
    bird = {"kind": "bird", "colour": "red", "number": 1, "position": "middle"}
    drawing = {"place": "meadow", "time": "day", "weather": "clear", "groups": [bird], "seed": 1}

    def judged(said: str) -> dict[str, float]:
        """Return what is said of Brack's answer to Pip, who wonders what there is to see."""
        lines = {"t01": "I see sand.", "t02": "Captain Brack, what do you see?", "t03": said}
        case = laid_out(
            tmp_path,
            "compact",
            lambda key, request: lines[key[:3]],
            images={"meadow": {"storybook": drawing}},
            turns=3,
        )
        pictures = [drawn(facts.drawing, 128) for facts in case.pictures.values() if facts.drawing]
        gallery.update({picture.id: picture for picture in pictures})
        keeping = replace(case, keep=lambda picture: gallery.update({picture.id: picture}))
        scores = verdicts(Contrast(), keeping, by_engine(engine))
        return {score.metric: score.value for score in scores[-4:] if score.value is not None}

    fitting = judged("Aye, a red bird in the middle.")
    false = judged("Aye, three purple kites on the left.")
    strange = judged("Wow! A red bird in the middle! Gears and sprockets!")
    assert fitting["image_contrast"] > 0.5 > -0.5 > false["image_contrast"]
    assert fitting["persona_contrast"] > 0.5 > -0.5 > strange["persona_contrast"]
    assert fitting["log_likelihood"] > max(false["log_likelihood"], strange["log_likelihood"])
