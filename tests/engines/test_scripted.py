"""The engine without a model: what a function says, and what a dry run plays."""

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest
from asking import FORM, follows, question, refusal

from sandbox.engines.scripted import Scripted, dry_answer
from scenes.chat import Completion, Request, Segment

Ask = Callable[..., Request]


def test_a_function_answers_and_words_are_counted(ask: Ask) -> None:
    request = ask(Segment("persona", "system", "You are Brack."), Segment("images", "user", image="red"))
    completion = asyncio.run(Scripted(lambda _: "Aye, a bird.", context_length=100).complete(request))
    assert completion == Completion(text="Aye, a bird.", prompt_tokens=4, output_tokens=3)


def test_an_answer_may_be_awaited(ask: Ask) -> None:
    async def answer(request: Request) -> str:
        await asyncio.sleep(0)
        return f"seed {request.seed}"

    assert asyncio.run(Scripted(answer).complete(ask(seed=7))).text == "seed 7"


def test_an_empty_answer_is_an_answer(ask: Ask) -> None:
    assert asyncio.run(Scripted(lambda _: "").complete(ask())).text == ""


def test_a_dry_run_tells_the_turn_and_what_it_answers(ask: Ask) -> None:
    lines = [Segment("history", "user", "Pip: Look there!"), Segment("history", "user", "Vale: A\nbird.")]
    assert dry_answer(ask(*lines, Segment("instruction", "user", "Go on."))) == "Turn 3, after “Vale: A bird.”."
    assert dry_answer(ask()) == "Turn 1, with nothing said before."


def test_a_dry_run_fills_in_a_form_and_the_seed_decides_how() -> None:
    drawn = [dry_answer(question(seed, FORM)) for seed in range(20)]
    assert all(follows(text, FORM) for text in drawn)
    assert drawn == [dry_answer(question(seed, FORM)) for seed in range(20)]
    assert len(set(drawn)) > 10


def test_a_name_in_any_script_stands_in_a_dry_reply_as_it_is() -> None:
    assert dry_answer(question(0, {"const": "海岸的鸟"})) == '"海岸的鸟"'


def test_a_form_that_makes_no_sense_fails_its_request() -> None:
    assert "not JSON" in refusal(Scripted(dry_answer), question(0, "no JSON"))


@pytest.mark.parametrize("text", ["", " \n\t ", "\ud83d", "<|im_end|>"])
def test_whatever_a_function_says_is_a_reply_and_can_be_written(text: str, ask: Ask) -> None:
    completion = asyncio.run(Scripted(lambda _: text).complete(ask()))
    assert completion.text.encode().decode() == text.replace("\ud83d", "\ufffd")


def test_without_likelihoods_an_answer_is_not_judged(ask: Ask) -> None:
    asked = replace(ask(), answer="A bird.")
    assert "a dry run computes no likelihood" in refusal(Scripted(dry_answer, logprobs=None), asked)
    assert len(asyncio.run(Scripted(dry_answer).complete(asked)).logprobs) == 2


def test_an_engine_names_the_function_that_answers() -> None:
    assert Scripted(dry_answer, 50).facts.model == "dry_answer"
    assert Scripted(dry_answer, 50).facts.context_length == 50
