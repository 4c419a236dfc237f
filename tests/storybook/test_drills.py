"""Drills: their answers are true of their picture or told by their profile, and none is read off another."""

from itertools import islice
from random import Random

import pytest

from sandbox.storybook.lessons.drills import drills, profile_drill, reading
from sandbox.storybook.lessons.lesson import Lesson, Seen
from sandbox.storybook.questions import asked
from scenes.storybook.drawing import draw_lots, held_out_colours, held_out_places
from scorers.claims import claims_in, is_true


def pairs(lesson: Lesson) -> list[tuple[str, str]]:
    """Return the questions of a drill with their answers."""
    spoken = [turn.parts[-1] or "" for turn in lesson.turns if turn.role != "system"]
    return [(one.removeprefix("Quiz: "), other) for one, other in zip(spoken[::2], spoken[1::2], strict=True)]


def test_every_claim_of_an_answer_is_true_of_the_picture() -> None:
    told = 0
    for lesson in islice((one for one in drills(1) if one.about == "picture drill"), 150):
        drawing = lesson.pictures[0].drawing
        for question, answer in pairs(lesson):
            claims = claims_in(answer, question)
            assert all(is_true(claim, [drawing]) for claim in claims), (question, answer)
            told += bool(claims)
    assert told > 0.8 * 150 * 6


def test_no_question_is_asked_twice_and_only_answers_are_learned() -> None:
    for lesson in islice(drills(2), 100):
        questions = [question for question, _ in pairs(lesson)]
        assert len({*questions}) == len(questions)
        assert [turn.learned for turn in lesson.turns] == [turn.role == "assistant" for turn in lesson.turns]


def test_all_kinds_of_questions_come() -> None:
    told = [asked(question) for lesson in islice(drills(3), 200) for question, _ in pairs(lesson)]
    kinds = {one.about for one in told if one}
    assert kinds >= {
        "where", "how_many", "colour", "is_there", "colour_yes", "what", "weather", "time", "place", "opinion",
    }  # fmt: skip


def test_a_taste_is_that_of_the_profile() -> None:
    rng = Random(4)
    answers = set()
    for _ in range(100):
        lesson = profile_drill(rng)
        (sheet,) = lesson.turns[0].parts
        for question, answer in pairs(lesson):
            if answer.endswith("them"):
                one = asked(question)
                liked, hated = (f"You {verb}: {one and one.kind}." in (sheet or "") for verb in ("like", "hate"))
                assert answer == ("I like them" if liked else "I hate them" if hated else "I do not mind them")
                answers.add(answer)
    assert len(answers) == 3


def test_a_reading_tells_all_that_is_shown() -> None:
    ((_, answer),) = pairs(reading(Seen(draw_lots(4))))
    drawing = draw_lots(4)
    assert {claim.kind for claim in claims_in(answer) if claim.kind} == {group.kind for group in drawing.groups}
    assert all(is_true(claim, [drawing]) for claim in claims_in(answer))


@pytest.mark.parametrize("held_out", [False, True])
def test_drills_have_held_out_combinations_only_when_asked(held_out: bool) -> None:
    for lesson in islice(drills(3, held_out), 80):
        for seen in lesson.pictures:
            assert bool(held_out_colours(seen.drawing) or held_out_places(seen.drawing)) == held_out
