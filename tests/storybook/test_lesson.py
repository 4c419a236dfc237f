"""Lessons: what the teacher says is true and in place, and what is learned of it is what the sandbox asks."""

from collections import Counter
from collections.abc import Iterator
from itertools import islice

import pytest

from sandbox.storybook.lessons.lesson import Exam, Lesson, exams, lessons
from sandbox.storybook.questions import asked
from sandbox.storybook.teacher.heard import heard
from sandbox.storybook.teacher.sight import holds
from sandbox.storybook.teacher.teacher import Teacher
from sandbox.storybook.voices.made_up import CAST, MANNERS
from scenes.storybook.drawing import held_out_colours, held_out_places
from scorers.claims import claims_in

SCENES = 400


@pytest.fixture(scope="module")
def some() -> list[Lesson]:
    return list(islice(lessons(7), SCENES))


@pytest.fixture(scope="module")
def asked_for() -> list[Exam]:
    return list(islice(exams(7), SCENES))


def claims(exam: Exam) -> Iterator[bool | None]:
    told = heard(exam.request)
    sights = [exam.sights[image] for image in told.images]
    yield from (holds(claim, sights) for claim in claims_in(exam.gold, told.last.words if told.last else ""))


def test_what_the_teacher_says_is_true_of_what_it_sees(asked_for: list[Exam]) -> None:
    false = [exam.gold for exam in asked_for if False in claims(exam)]
    assert len(false) <= SCENES // 200, false
    assert sum(True in claims(exam) for exam in asked_for) > 0.8 * SCENES


def test_the_same_seed_teaches_the_same_and_another_seed_something_else(some: list[Lesson]) -> None:
    assert list(islice(lessons(7), 40)) == some[:40] != list(islice(lessons(8), 40))


def test_no_lesson_shows_or_names_a_combination_that_is_held_out(some: list[Lesson]) -> None:
    drawings = [seen.drawing for lesson in some for seen in lesson.pictures]
    assert drawings
    assert not any(held_out_colours(drawing) or held_out_places(drawing) for drawing in drawings)


def test_an_exam_of_what_is_held_out_shows_it() -> None:
    for exam in islice(exams(7, held_out=True), 40):
        drawings = [sight.drawing for sight in exam.sights.values()]
        assert any(held_out_colours(drawing) or held_out_places(drawing) for drawing in drawings)


def test_a_lesson_ends_with_what_is_learned_and_has_a_place_for_each_picture(some: list[Lesson]) -> None:
    for lesson in some:
        assert lesson.turns[-1].learned
        assert {turn.role for turn in lesson.turns if turn.learned} == {"assistant"}
        assert sum(turn.parts.count(None) for turn in lesson.turns) == len(lesson.pictures)


def test_every_kind_of_call_is_taught(some: list[Lesson]) -> None:
    about = Counter(lesson.about for lesson in islice(lessons(11), 3 * SCENES))
    assert {"line", "open", "judge", "steer", "belief", "surroundings", "interview"} <= about.keys()


def test_a_line_said_in_error_is_read_and_not_learned(some: list[Lesson]) -> None:
    unlearned = [turn for lesson in some for turn in lesson.turns if turn.role == "assistant" and not turn.learned]
    assert unlearned


def test_the_teacher_gives_the_same_answer_to_the_same_request(asked_for: list[Exam]) -> None:
    for exam in asked_for[:100]:
        assert Teacher(exam.sights.get).answer(exam.request) == exam.gold


def test_all_voices_are_heard(asked_for: list[Exam]) -> None:
    roles = " ".join(f"{heard(exam.request).me.name} {heard(exam.request).me.role}".casefold() for exam in asked_for)
    assert all(voice in roles for voice in CAST)
    assert all(any(adjective in roles for adjective in adjectives) for adjectives in MANNERS.values())


@pytest.mark.parametrize(("about", "claimed"), [("where", "position"), ("how_many", "number"), ("colour", "colour")])
def test_a_question_is_answered_by_what_it_asks_for(about: str, claimed: str, asked_for: list[Exam]) -> None:
    answered = 0
    for exam in asked_for:
        told = heard(exam.request)
        question = asked(told.last.words) if told.last else None
        sights = [exam.sights[image] for image in told.images]
        there = {group.kind for sight in sights for group in sight.groups}
        if question and question.about == about and question.kind in there and not told.secret:
            said = claims_in(exam.gold, told.last.words if told.last else "")
            assert any(claim.about == claimed and claim.kind == question.kind for claim in said), exam.gold
            answered += 1
    assert answered >= 5


def test_tastes_follow_the_profile_and_not_the_character(asked_for: list[Exam]) -> None:
    tastes = {(heard(exam.request).me.name, heard(exam.request).me.likes) for exam in asked_for}
    assert max(Counter(name for name, _ in tastes).values()) >= 3
