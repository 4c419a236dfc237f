"""How likely an answer is that was given: the same on every engine that computes, and what the model itself says."""

import asyncio
import json
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from math import log
from pathlib import Path
from typing import Any

import pytest
from asking import CONFIGS, FORM, PERSONA, PICTURE, QUESTION, answers, outcomes, plain, question, refusal
from PIL import Image

from sandbox.engines.engine import Engine
from sandbox.engines.scripted import Scripted, dry_answer
from sandbox.engines.start import start
from sandbox.record import Record
from sandbox.rows import Asked, Batch
from sandbox.store import Store
from scenes.chat import Completion, Prompt, Request, Segment

Ask = Callable[..., Request]
Inclined = Callable[..., Engine]
Pictures = Callable[[str], Image.Image]

AYE = "Aye, a green bird on the right."
REPLY = Segment("history", "assistant", AYE)
OTHER = Segment("images", "user", image="navy-40x90")
PROMPTS = {
    "a picture": [PERSONA, PICTURE, QUESTION],
    "no picture": [PERSONA, QUESTION],
    "two pictures": [PICTURE, OTHER, QUESTION],
    "a picture late": [PERSONA, QUESTION, REPLY, OTHER, QUESTION],
    "a dialogue": [PERSONA, PICTURE, QUESTION, REPLY, Segment("history", "user", "Pip: And the colour?")],
    "an open reply": [PERSONA, PICTURE, QUESTION, Segment("instruction", "assistant", "Aye, there is a")],
    "too much history": [PERSONA, PICTURE, *[QUESTION, REPLY] * 20, QUESTION],
}


def given(answer: str, *segments: Segment, **sampling: Any) -> Request:
    """Ask how likely `answer` is after `segments`; without any, after the question about a picture."""
    prompt = Prompt().then(*segments) if segments else question().prompt
    return replace(question(**sampling), prompt=prompt, answer=answer)


@pytest.fixture(scope="module")
def transformers_engine(storybook: str, pictures: Pictures) -> Iterator[Engine]:
    engine = start(CONFIGS["transformers"], storybook, pictures, 2)
    yield engine
    engine.close()


def directly(storybook: str, pictures: Pictures, conversation: list[dict[str, Any]], images: list[str]) -> Any:
    """Let transformers itself write greedily; return its tokens and the logprob of each as it was written."""
    import torch
    from transformers import AutoModelForImageTextToText, AutoProcessor

    processor = AutoProcessor.from_pretrained(storybook)
    model = AutoModelForImageTextToText.from_pretrained(storybook, dtype="float32")
    text = processor.apply_chat_template(conversation, tokenize=False, add_generation_prompt=True)
    inputs = processor(text=[text], images=[[pictures(name) for name in images]], return_tensors="pt")
    written = model.generate(
        **inputs, do_sample=False, max_new_tokens=24, output_logits=True, return_dict_in_generate=True
    )
    tokens = written.sequences[0, inputs["input_ids"].shape[1] :]
    scores = torch.cat(written.logits).log_softmax(dim=-1)
    return tokens.tolist(), scores.gather(1, tokens[:, None])[:, 0].tolist()


@pytest.mark.parametrize("images", [["orange"], ["teal", "navy-40x90"]])
def test_a_greedy_reply_is_as_likely_as_it_was_while_it_was_written(
    images: list[str], engine: Engine, storybook: str, pictures: Pictures
) -> None:
    content = [*({"type": "image"} for _ in images), {"type": "text", "text": f"\n\n{QUESTION.text}"}]
    conversation = [
        {"role": "system", "content": [{"type": "text", "text": PERSONA.text}]},
        {"role": "user", "content": content},
    ]
    tokens, logprobs = directly(storybook, pictures, conversation, images)
    segments = [PERSONA, *(Segment("images", "user", image=name, glue="") for name in images)]
    segments.append(replace(QUESTION, glue="\n\n"))
    asked = replace(given("", *segments), answer=None, sampling=question(temperature=0).sampling)
    (written,) = answers(engine, asked)
    assert list(written.token_ids) == tokens
    (likely,) = answers(engine, replace(asked, answer=written.text))
    assert list(likely.token_ids) == tokens[:-1], "the last one ends the reply"
    assert likely.logprobs == pytest.approx(logprobs[:-1], abs=1e-3)
    assert sum(likely.logprobs) == pytest.approx(sum(logprobs[:-1]), abs=1e-2)


@pytest.mark.parametrize("case", PROMPTS)
def test_every_engine_finds_an_answer_as_likely_as_transformers_does(
    case: str, engine: Engine, transformers_engine: Engine
) -> None:
    texts = [AYE, "Zut! 海だ\n<|end|> Two purple boats", " lad."]
    requests = [given(text, *PROMPTS[case]) for text in texts]
    for ours, theirs in zip(answers(engine, *requests), answers(transformers_engine, *requests), strict=True):
        assert ours.logprobs == pytest.approx(theirs.logprobs, abs=1e-2)
        assert ours.model_copy(update={"logprobs": ()}) == theirs.model_copy(update={"logprobs": ()})
        assert len(ours.logprobs) == len(ours.token_ids) > 1
        assert max(ours.logprobs) <= 0


def test_nothing_is_written(engine: Engine) -> None:
    (likely,) = answers(engine, given(AYE))
    (written,) = answers(engine, question())
    assert (likely.text, likely.output_tokens, likely.finish_reason) == ("", 0, "stop")
    assert likely.prompt_tokens == written.prompt_tokens + len(likely.token_ids)
    assert written.logprobs == ()


def test_likelihoods_do_not_depend_on_sampling_nor_on_who_is_asked_beside(engine: Engine) -> None:
    (alone,) = answers(engine, given(AYE))
    sampled = [given(AYE, temperature=0), given(AYE, top_p=0.1, stop=("bird",)), replace(given(AYE), seed=9)]
    for likely in answers(engine, *sampled, question(1), replace(given(AYE), form=json.dumps(FORM)), question(2))[:3]:
        assert likely.logprobs == pytest.approx(alone.logprobs, abs=1e-4)


def test_replies_are_the_same_beside_likelihoods(engine: Engine) -> None:
    alone = answers(engine, *(question(seed) for seed in range(4)))
    mixed = answers(engine, *(asked for seed in range(4) for asked in (question(seed), given(AYE))))
    assert [reply.token_ids for reply in mixed[::2]] == [reply.token_ids for reply in alone]


def test_a_prompt_that_was_seen_before_gives_the_same_likelihoods(engine: Engine) -> None:
    request = given(AYE, *PROMPTS["a dialogue"] * 2)
    (first,), _, (again,) = (
        answers(engine, request),
        answers(engine, replace(request, answer=None)),
        answers(engine, request),
    )
    assert again.logprobs == pytest.approx(first.logprobs, abs=1e-4)
    assert again.cached_tokens == 0


def test_what_a_picture_shows_and_what_was_said_counts(engine: Engine) -> None:
    words = Segment("history", "user", "Pip: I see two purple boats!", glue="")
    (without,), (said,) = (
        answers(engine, given("Two purple boats", PERSONA, PICTURE, QUESTION)),
        answers(engine, given("Two purple boats", PERSONA, PICTURE, words)),
    )
    assert sum(said.logprobs) > sum(without.logprobs) + 1


def test_history_goes_as_it_went_for_the_reply(engine: Engine) -> None:
    segments = PROMPTS["too much history"]
    asked = replace(given("", *segments, max_tokens=100), answer=None)
    written, likely = answers(engine, asked, replace(asked, answer=AYE))
    assert likely.dropped == written.dropped > 0
    assert likely.prompt_tokens == written.prompt_tokens + len(likely.token_ids)


@pytest.mark.parametrize("extra", range(3))
def test_a_long_answer_takes_the_room_of_history(extra: int, engine: Engine) -> None:
    long = " ".join([AYE] * 20) + " Aye." * extra
    (likely,) = answers(engine, given(long, *PROMPTS["too much history"]))
    (short,) = answers(engine, given(AYE, *PROMPTS["too much history"]))
    assert likely.dropped > short.dropped
    assert likely.prompt_tokens < 384
    assert "does not fit the model" in refusal(engine, given(" ".join([AYE] * 50)))


@pytest.mark.parametrize("token", ["<|end|>", "<image>", "<|bot|>", "\ufdd0"])
def test_a_token_in_an_answer_is_text(token: str, engine: Engine, storybook: str, pictures: Pictures) -> None:
    from transformers import AutoTokenizer

    (likely,) = answers(engine, given(f"Aye {token} lad"))
    tokenizer = AutoTokenizer.from_pretrained(storybook)
    assert not set(likely.token_ids) & set(tokenizer.all_special_ids)
    assert tokenizer.decode(likely.token_ids) == f"Aye {token} lad".replace("\ufdd0", "\ufffd")


def test_an_answer_without_words_fails_its_call_alone(engine: Engine) -> None:
    first, refused, last = outcomes(engine, question(), given(""), given(AYE))
    assert "without words" in str(refused)
    assert isinstance(first, Completion)
    assert isinstance(last, Completion)


def test_an_answer_that_the_model_can_never_give_fails_its_call(inclined: Inclined) -> None:
    engine = inclined(x=float("-inf"))
    assert "gives no probability" in refusal(engine, replace(plain(), answer="axa"))
    (possible,) = answers(engine, replace(plain(), answer="aya"))
    assert possible.logprobs == pytest.approx([-log(639)] * 3, abs=1e-4)


def test_a_dry_run_finds_words_likely_that_the_prompt_holds(ask: Ask) -> None:
    engine = Scripted(dry_answer)
    told = ask(PERSONA, PICTURE, QUESTION)
    near, far = answers(engine, replace(told, answer="A balloon?"), replace(told, answer="The cellar."))
    assert near.logprobs == pytest.approx([log(3 / 10_020), log(2 / 10_020)])
    assert far.logprobs == pytest.approx([log(1 / 10_020)] * 2)
    assert near.text == far.text == ""


def test_a_dry_run_judges_what_its_context_holds(ask: Ask) -> None:
    engine = Scripted(dry_answer, context_length=30)
    request = replace(ask(PERSONA, QUESTION, QUESTION, QUESTION, max_tokens=4), answer="A balloon.")
    (likely,) = answers(engine, request)
    assert (likely.dropped, likely.prompt_tokens) == (1, 28)
    assert "without words" in refusal(engine, replace(request, answer="…"))


def test_a_question_without_an_answer_is_the_question_it_always_was() -> None:
    asked = Request("m", Prompt().then(Segment("history", "user", "Aye?")), seed=3, form='{"type": "string"}')
    assert asked.digest() == "44bbadc7aa084009aab3f65867164538"
    assert len({replace(asked, answer=answer).digest() for answer in (None, "", "a", "b")}) == 4


def test_a_likelihood_is_kept_as_any_call_is(tmp_path: Path) -> None:
    asked = given("Aye, Bræck 海.", PERSONA, QUESTION)
    (answer,) = answers(Scripted(dry_answer), asked)

    async def keep() -> None:
        store = Store(tmp_path, {})
        store.put(Batch(0, calls=[Asked("t01/pip/speak", asked, answer, None, 0.0, 0.0)]))
        await store.finish()
        store.close()

    asyncio.run(keep())
    with closing(Record(tmp_path)) as record:
        (call,) = record.calls(0)
        (known,) = record.answers(0).values()
    assert call.request.digest() == known.digest == asked.digest()
    assert call.request.answer == asked.answer
    assert call.completion == known.completion == answer
    assert len(answer.logprobs) == 3
