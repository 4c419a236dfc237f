"""Drills: their answers are true of their picture or told by their profile, and none is read off another."""

import re
from itertools import chain, islice
from random import Random

import pytest

from sandbox.storybook.lessons.drills import (
    Asked,
    drills,
    profile_drill,
    reading,
    roll_call,
    roll_calls,
)
from sandbox.storybook.lessons.lesson import Lesson, Seen
from sandbox.storybook.questions import asked
from scenes.storybook.drawing import BACKDROPS, HELD_OUT, KINDS, draw_lots, held_out_colours, held_out_places, plural
from scorers.claims import claims_in, is_true


def pairs(lesson: Lesson) -> list[Asked]:
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
    assert told > 0.5 * 150 * 10


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


def tastes(lesson: Lesson, kinds: list[str | None]) -> list[str]:
    """Return the tastes that a drill's profile has of `kinds`."""
    (told,) = lesson.turns[0].parts
    liked, hated = (
        found[1].split(", ") for verb in ("like", "hate") if (found := re.search(f"You {verb}: ([^.]+)", told or ""))
    )
    return ["like" if kind in liked else "hate" if kind in hated else "neither" for kind in kinds]


def test_a_taste_is_that_of_the_profile() -> None:
    rng = Random(4)
    answers = set()
    for _ in range(100):
        lesson = profile_drill(rng)
        told = [
            (one and one.kind, answer)
            for question, answer in pairs(lesson)
            for one in [asked(question)]
            if answer.endswith("them.")
        ]
        meant = {"like": "I like them.", "hate": "I hate them.", "neither": "I do not mind them."}
        assert [answer for _, answer in told] == [meant[taste] for taste in tastes(lesson, [kind for kind, _ in told])]
        answers |= {answer for _, answer in told}
    assert len(answers) == 3


def kind_of(question: str) -> str:
    """Return the kind that a roll call names, as of one."""
    named = question.partition(": ")[2]
    return next(kind for kind in KINDS if named in (kind, plural(kind)))


def test_a_roll_call_tells_each_fact_of_a_picture_and_what_is_not_there() -> None:
    for seed in range(60):
        drawing = draw_lots(seed)
        told = {
            (question.partition(":")[0], kind_of(question)): answer
            for question, answer in pairs(roll_call(drawing, Random(seed)))
        }
        for group in drawing.groups:
            assert told.pop(("any", group.kind)) == "yes"
            assert told.pop(("where", group.kind)) == group.position
            assert told.pop(("colour", group.kind)) == group.colour
            assert told.pop(("number", group.kind)) == ["one", "two", "three", "four"][group.number - 1]
        assert {*told.values()} == {"no"}
        assert not {kind for _, kind in told} & {group.kind for group in drawing.groups}


def test_nobody_is_asked_for_what_stands_behind_a_place() -> None:
    for lesson in islice(roll_calls(5), 200):
        for seen in lesson.pictures:
            behind = BACKDROPS.get(seen.drawing.place)
            drawn = {group.kind for group in seen.drawing.groups}
            assert behind in drawn or behind not in {kind_of(question) for question, _ in pairs(lesson)}


def test_a_reading_tells_all_that_is_shown() -> None:
    ((_, answer),) = pairs(reading(Seen(draw_lots(4))))
    drawing = draw_lots(4)
    assert {claim.kind for claim in claims_in(answer) if claim.kind} == {group.kind for group in drawing.groups}
    assert all(is_true(claim, [drawing]) for claim in claims_in(answer))


@pytest.mark.parametrize("held_out", [False, True])
def test_drills_have_held_out_combinations_only_when_asked(held_out: bool) -> None:
    for lesson in chain(islice(drills(3, held_out), 80), islice(roll_calls(3, held_out), 80)):
        for seen in lesson.pictures:
            assert bool(held_out_colours(seen.drawing) or held_out_places(seen.drawing)) == held_out


def test_no_drill_speaks_of_a_kind_in_a_colour_that_is_held_out_of_it() -> None:
    unheard = re.compile("|".join(rf"\b{colour} ({kind}|{plural(kind)})\b" for kind, colour in HELD_OUT))
    spoken = [text for lesson in islice(drills(6), 600) for pair in pairs(lesson) for text in pair]
    assert not [text for text in spoken if unheard.search(text)]
    assert any(re.search(r"\bthe orange \w+", text) for text in spoken)
