"""What every engine that computes a model does: the embedded one, and models that would rather say something else."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from asking import (
    CONFIGS,
    FORM,
    NAMES,
    PERSONA,
    PICTURE,
    QUESTION,
    answers,
    follows,
    outcomes,
    plain,
    question,
    refusal,
)
from PIL import Image

from sandbox.engines.engine import Engine, EngineDied
from sandbox.engines.start import start
from scenes.chat import CallFailed, Completion, Request, Segment

Ask = Callable[..., Request]
Inclined = Callable[..., Engine]
Pictures = Callable[[str], Image.Image]


@pytest.fixture(scope="module")
def wild(inclined: Inclined) -> Engine:
    """A model to which every token is as likely as any other, control characters and halves of letters too.

    But for the byte that begins a surrogate: xgrammar takes one for a letter, and to a tokenizer it is three that are
    broken, so that a string can become too long.
    """
    return inclined(í=-50)


def test_a_greedy_reply_is_the_same_again_and_counts_its_tokens(engine: Engine) -> None:
    first, again = answers(engine, question(temperature=0), question(temperature=0, seed=5))
    assert (first.text, first.token_ids) == (again.text, again.token_ids)
    assert first.text
    assert first.finish_reason == "stop"
    assert first.prompt_tokens > 30
    assert first.output_tokens == len(first.token_ids) > 3
    assert "<" not in first.text


@pytest.mark.parametrize(("form", "others"), [(None, 32), (FORM, 10)], ids=["free", "form"])
def test_a_seed_makes_the_same_reply_alone_and_among_others(form: Any, others: int, engine: Engine) -> None:
    (alone,) = answers(engine, question(7, form))
    among = answers(engine, *(question(seed, form if seed != 2 else None) for seed in range(others)))
    assert among[7].token_ids == alone.token_ids
    assert len({answer.text for answer in among}) > 3


@pytest.mark.parametrize("seed", [-1, 2**64 - 1, 2**200])
def test_any_integer_is_a_seed(seed: int, engine: Engine) -> None:
    first, again = answers(engine, question(seed), question(seed))
    assert first.token_ids == again.token_ids


def test_a_low_top_p_is_nearly_greedy(engine: Engine) -> None:
    greedy, *drawn = answers(engine, question(temperature=0), *(question(seed, top_p=0.01) for seed in range(3)))
    assert {answer.text for answer in drawn} == {greedy.text}


def test_a_reply_ends_before_a_stop_string(engine: Engine) -> None:
    (whole,) = answers(engine, question(temperature=0))
    word = whole.text.split()[2]
    (cut,) = answers(engine, question(temperature=0, stop=("nowhere", word)))
    assert cut.text == whole.text[: whole.text.index(word)]
    assert cut.finish_reason == "stop"


def test_an_empty_reply_is_a_reply(engine: Engine) -> None:
    (whole,) = answers(engine, question(temperature=0))
    (empty,) = answers(engine, question(temperature=0, stop=(whole.text[0],)))
    assert (empty.text, empty.finish_reason) == ("", "stop")


@pytest.mark.parametrize(
    ("token", "letter"), [("<pad>", ""), ("Ġ", " "), ("í", "\ufffd")], ids=["control", "blank", "no UTF-8"]
)
def test_a_reply_of_tokens_that_say_nothing_is_a_reply(token: str, letter: str, inclined: Inclined) -> None:
    (answer,) = answers(inclined(**{token: 50}), plain(max_tokens=6))
    assert (answer.finish_reason, answer.output_tokens) == ("length", 6)
    assert answer.text.strip(letter) == ""


@pytest.mark.parametrize("form", [None, FORM], ids=["free", "form"])
def test_a_reply_that_is_cut_off_says_so(form: Any, engine: Engine) -> None:
    (answer,) = answers(engine, question(0, form, temperature=0, max_tokens=3))
    assert (answer.finish_reason, answer.output_tokens) == ("length", 3)


def test_what_does_not_fit_is_dropped_and_told(engine: Engine, ask: Ask) -> None:
    history = [Segment("history", "user", "Pip: Look there, it goes again!", starts_message=True)] * 80
    (answer,) = answers(engine, ask(PERSONA, PICTURE, *history, QUESTION, max_tokens=8))
    assert answer.dropped > 0
    assert 384 / 2 < answer.prompt_tokens <= 384 - 8


def test_facts_tell_what_computes(engine: Engine, kind: str, storybook: str) -> None:
    facts = engine.facts
    assert (facts.kind, facts.model, facts.context_length, facts.dtype) == (kind, storybook, 384, "float32")
    assert set(facts.versions) == {"torch", "transformers", *({kind} & {"vllm"})}


def test_a_closed_engine_is_gone(kind: str, storybook: str, pictures: Pictures) -> None:
    engine = start(CONFIGS[kind], storybook, pictures, 1)
    engine.close()
    engine.close()
    with pytest.raises(EngineDied, match="closed"):
        answers(engine, question())


@pytest.mark.parametrize("temperature", [0, 0.8, 2])
def test_a_reply_follows_its_form(temperature: float, engine: Engine) -> None:
    asked = [question(seed, FORM, temperature=temperature, max_tokens=300) for seed in range(4)]
    for answer in answers(engine, *asked):
        follows(answer.text, FORM)
        assert answer.finish_reason == "stop"


def test_a_form_holds_a_model_that_would_say_anything(wild: Engine) -> None:
    free, *held = answers(wild, plain(), *(plain(seed, FORM, temperature=2, max_tokens=300) for seed in range(12)))
    said = [follows(answer.text, FORM) for answer in held]
    assert {reply["speaker"] for reply in said} > {None}
    assert {reply["action"] for reply in said} == {"pick_speaker", "end"}
    with pytest.raises(ValueError, match="Expecting value"):
        json.loads(free.text)


def test_of_the_likeliest_tokens_only_those_are_drawn_that_the_form_allows(wild: Engine) -> None:
    asked = [plain(seed, FORM, top_p=0.2, max_tokens=300) for seed in range(4)]
    assert all(follows(answer.text, FORM) for answer in answers(wild, *asked))


@pytest.mark.parametrize("token", ["Ġ", "<|im_end|>", "<|im_start|>"], ids=["blanks", "the end", "another end"])
def test_a_form_is_filled_in_by_a_model_that_always_wants_the_same(token: str, inclined: Inclined) -> None:
    (answer,) = answers(inclined(**{token: 50}), plain(0, FORM, temperature=0, max_tokens=300))
    follows(answer.text, FORM)
    assert answer.finish_reason == "stop"


@pytest.mark.parametrize("name", NAMES)
def test_a_name_in_any_script_comes_back_as_it_is(name: str, engine: Engine) -> None:
    (answer,) = answers(engine, question(0, {"const": name}, max_tokens=60))
    assert json.loads(answer.text) == name


@pytest.mark.parametrize("length", [1, 20, 200])
def test_a_string_is_no_longer_than_its_form_allows(length: int, inclined: Inclined) -> None:
    form = {"type": "string", "maxLength": length}
    (answer,) = answers(inclined(x=50), plain(0, form, max_tokens=300))
    assert answer.text == f'"{"x" * length}"'


def test_a_form_leaves_the_replies_beside_it_alone(engine: Engine) -> None:
    alone = answers(engine, *(question(seed) for seed in range(6)))
    mixed = answers(engine, *(question(seed, form) for seed in range(6) for form in (None, FORM)))
    assert [answer.token_ids for answer in mixed[::2]] == [answer.token_ids for answer in alone]


@pytest.mark.parametrize("form", ["", "no JSON", "5", '{"type": "wish"}', '{"enum": []}', '{"const": "\ud83d"}'])
def test_a_form_that_makes_no_sense_fails_its_request_alone(form: str, engine: Engine) -> None:
    first, refused, last = outcomes(engine, question(), question(0, form), question(1, FORM))
    assert isinstance(refused, CallFailed)
    assert isinstance(first, Completion)
    assert isinstance(last, Completion)
    assert "refuses" in refusal(engine, question(0, form))
