"""Answers made worse: each is worse in the way that it is said to be, and in no other respect that could be told."""

import re
from random import Random

import pytest

from sandbox.launch import engine_config
from sandbox.storybook.exam.exam import Order, papers
from sandbox.storybook.exam.paper import Paper
from sandbox.storybook.reward.degrading import (
    CLEAN,
    EMPTY,
    FITTED,
    GOOD,
    KEPT_BACK,
    NAMES,
    WAYS,
    Degraded,
    Way,
    degraded,
    scores_of,
)
from sandbox.storybook.teacher.saying import voice_for
from sandbox.storybook.teacher.sight import holds
from sandbox.storybook.voices.bank import frames
from scenes.storybook.drawing import COLOURS, KINDS, plural
from scorers.claims import Claim

Made = list[tuple[Paper, Degraded]]


@pytest.fixture(scope="module")
def exams() -> list[Paper]:
    return papers(Order("storybook", engine_config("scripted"), 40, 77), False, lambda what: lambda done, total: None)


@pytest.fixture(scope="module")
def worse(exams: list[Paper]) -> dict[Way, Made]:
    rng = Random(3)
    tried = {way: [(paper, degraded(paper, way, rng)) for paper in exams] for way in WAYS}
    return {way: [(paper, made) for paper, made in of if made] for way, of in tried.items()}


def lies(paper: Paper, text: str) -> list[Claim]:
    return [claim for claim in paper.claims(text) if holds(claim, paper.sights) is False]


def test_every_way_can_be_found_in_some_answers(worse: dict[Way, Made]) -> None:
    assert {way for way, made in worse.items() if made} == {*WAYS}


@pytest.mark.parametrize("way", ["wrong object", "wrong colour", "wrong number", "wrong side", "contradiction"])
def test_what_is_wrong_of_the_picture_is_claimed_and_false(worse: dict[Way, Made], way: Way) -> None:
    for paper, made in worse[way]:
        assert lies(paper, made.text)
        assert not lies(paper, paper.gold)


@pytest.mark.parametrize(("way", "words"), [("wrong colour", COLOURS), ("wrong object", (*KINDS, *map(plural, KINDS)))])
def test_one_word_is_exchanged_and_nothing_else(worse: dict[Way, Made], way: Way, words: tuple[str, ...]) -> None:
    masked = re.compile(rf"\b(?:an? )?(?:{'|'.join(sorted(words, key=len, reverse=True))})\b", re.IGNORECASE)
    for paper, made in worse[way]:
        assert masked.sub("_", re.sub(r"\ban? ", "", paper.gold)) == masked.sub("_", re.sub(r"\ban? ", "", made.text))


def test_an_article_fits_the_word_that_follows_it(worse: dict[Way, Made]) -> None:
    texts = [made.text for way in ("wrong object", "wrong colour") for _, made in worse[way]]
    assert not [text for text in texts if re.search(r"\ba (?:orange|umbrella|apple)|\ban (?:red|purple|boat)", text)]


@pytest.mark.parametrize("way", [CLEAN, "other voice", "off topic"])
def test_what_is_true_stays_true(worse: dict[Way, Made], way: Way) -> None:
    for paper, made in worse[way]:
        assert made.text
        assert made.text != paper.gold
        assert not lies(paper, made.text)


def test_another_voice_is_not_the_speakers(worse: dict[Way, Made]) -> None:
    for paper, made in worse["other voice"]:
        own = [frame.text.split("{")[0] for frame in frames(voice_for(paper.profile), "comment")]
        assert not any(len(start) > 12 and made.text.startswith(start) for start in own)


def test_an_answer_off_the_topic_leaves_the_question_without_one(worse: dict[Way, Made]) -> None:
    for paper, made in worse["off topic"]:
        assert paper.fact is not None
        assert paper.answer(paper.claims(made.text)) is None


def test_a_parrot_says_what_was_said_last(worse: dict[Way, Made]) -> None:
    for paper, made in worse["parrot"]:
        assert paper.last is not None
        assert made.text == paper.last.words


def test_broken_grammar_and_slips_of_spelling_keep_the_words_or_their_letters(worse: dict[Way, Made]) -> None:
    assert all(sorted(made.text.split()) == sorted(paper.gold.split()) for paper, made in worse["grammar"])
    assert all(sorted(made.text) == sorted(paper.gold) for paper, made in worse["misspelt"])
    assert all(made.text.split() != paper.gold.split() for paper, made in worse["misspelt"])


def test_the_same_lot_makes_the_same_answers(exams: list[Paper]) -> None:
    for way in WAYS:
        assert degraded(exams[0], way, Random(5)) == degraded(exams[0], way, Random(5))


def test_ways_kept_back_are_in_none_that_are_fitted_on() -> None:
    assert len(KEPT_BACK) == 3
    assert not KEPT_BACK & {*FITTED}
    assert {*FITTED} | KEPT_BACK | {CLEAN, EMPTY} == {*WAYS}


def test_the_truth_is_on_the_scale_and_every_way_but_clean_costs_something() -> None:
    assert scores_of(CLEAN) == (GOOD,) * len(NAMES)
    assert scores_of(EMPTY) == (1,) * len(NAMES)
    for way in WAYS:
        assert all(1 <= score <= GOOD for score in scores_of(way))
        assert way == CLEAN or min(scores_of(way)) < GOOD / 2
