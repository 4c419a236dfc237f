"""Decisions in a form: what is read, what is asked again, and what is left undecided."""

import asyncio
import json
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.decision import Asking, Choice, Decision, choice_of, decide, read_form, repairs, schema_of
from narrator.judgement import judgement_form
from narrator.narrator import Update
from narrator.steering import steering_form
from scenes.chat import CallFailed, Completion, Prompt, Request, Sampling, Segment
from scenes.event import Flags

WHO = choice_of(("Brack", "Pip"))
JUDGED = judgement_form(("Pip",), ("Brack", "Pip"), ("quay",))
PROMPT = Prompt().then(Segment("instruction", "user", "Who was it?"))


def decided(answers: Sequence[str]) -> tuple[Decision[Choice], dict[str, Request]]:
    """Return what is decided when the model gives `answers` one after another, and what it was asked."""
    asked: dict[str, Request] = {}

    async def call(key: str, request: Request) -> Completion:
        asked[key] = request
        return Completion(text=answers[len(asked) - 1])

    asking = Asking("storybook", Sampling(), 7)
    return asyncio.run(decide(asking, call, "t01/narrator/who", PROMPT, WHO)), asked


def test_an_answer_that_fits_is_taken_at_once() -> None:
    decision, asked = decided(['{"answer": "Pip"}'])
    assert decision.made is not None
    assert decision.made.answer == "Pip"
    assert (decision.flags, decision.key, list(asked)) == (None, "t01/narrator/who", ["t01/narrator/who"])


def test_the_form_goes_to_the_engine_as_a_schema_without_references() -> None:
    _, asked = decided(['{"answer": "Pip"}'])
    form = json.loads(asked["t01/narrator/who"].form or "")
    assert form["properties"]["answer"] == {"enum": ["Brack", "Pip"], "type": "string"}
    nested = schema_of(JUDGED)
    assert "$ref" not in nested
    assert json.loads(nested)["properties"]["touched"]["items"]["properties"]["who"]["const"] == "Pip"


def test_what_cannot_be_read_is_asked_again_twice_each_time_in_other_words() -> None:
    decision, asked = decided(["Pip, I think.", "It was Pip!", '{"answer": "Pip"}'])
    assert decision.made is not None
    assert decision.made.answer == "Pip"
    assert decision.flags == Flags(repaired=2)
    assert list(asked) == [key := "t01/narrator/who", f"{key}/again1", f"{key}/again2"]
    first, again, last = (request.prompt.segments() for request in asked.values())
    assert again[:1] == last[:1] == first
    assert again[-1].text != last[-1].text
    assert len({request.seed for request in asked.values()}) == 3
    assert decision.key == f"{key}/again2"


def test_after_two_repairs_nothing_is_decided_and_that_is_flagged() -> None:
    decision, asked = decided(["?"] * 9)
    assert (decision.made, decision.flags, len(asked)) == (None, Flags(repaired=2, defaulted=True), 3)


FORMS = {
    "a name": (WHO, '{"answer": "Brack" | "Pip"}'),
    "a judgement": (
        JUDGED,
        '{"touched": [{"who": "Pip", "how": "..."}], '
        '"after": [{"who": "Brack" | "Pip", "place": "quay" | null, "position": "..." | null, "state": "..." | null}]}',
    ),
    "a decision": (steering_form(("end",), True), '{"reason": "...", "decision": "end"}'),
    "an update": (Update, '{"time": "..." | null, "scene": "..." | null}'),
}


@pytest.mark.parametrize("name", FORMS)
def test_a_repair_names_the_choices_once_and_in_few_words(name: str) -> None:
    form, shape = FORMS[name]
    request = Asking("storybook", Sampling(), 7).request("t01/narrator/who", PROMPT, form)
    first, second = repairs(request)
    assert [one.prompt.segments()[:-1] for one in (first, second)] == [PROMPT.segments()] * 2
    told = second.prompt.segments()[-1].text
    assert told.endswith(f": {shape}")
    assert max(len(one.prompt.segments()[-1].text) for one in (first, second)) < len(shape) + 75


def test_what_is_asked_again_is_what_the_repairs_of_a_request_are_said_to_be() -> None:
    _, asked = decided(["?"] * 3)
    first, *others = asked.values()
    assert [(one.prompt.id, one.form) for one in others] == [(one.prompt.id, one.form) for one in repairs(first)]


def test_what_has_no_form_is_not_repaired() -> None:
    assert repairs(Asking("storybook", Sampling(), 7).request("t01/pip/speak", PROMPT)) == []


@pytest.mark.parametrize("answered", [1, 2])
def test_a_repair_that_has_no_answer_leaves_the_default_from_the_last_that_had_one(answered: int) -> None:
    asked: list[str] = []

    async def call(key: str, request: Request) -> Completion:
        asked.append(key)
        if len(asked) > answered:
            raise CallFailed("the prompt does not fit the model")
        return Completion(text="Pip, I think.")

    decision = asyncio.run(decide(Asking("storybook", Sampling(), 7), call, "t01/narrator/who", PROMPT, WHO))
    assert (decision.made, decision.flags) == (None, Flags(repaired=answered - 1, defaulted=True))
    assert decision.key == asked[answered - 1]
    assert len(asked) == answered + 1


def test_a_decision_of_which_nothing_was_answered_fails() -> None:
    async def call(key: str, request: Request) -> Completion:
        raise CallFailed("the engine is tired")

    with pytest.raises(CallFailed, match="tired"):
        asyncio.run(decide(Asking("storybook", Sampling(), 7), call, "t01/narrator/who", PROMPT, WHO))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Pip",
        "[]",
        "{}",
        '{"answer": "Mara"}',
        '{"answer": "pip"}',
        '{"answer": ["Pip"]}',
        '{"answer": null}',
        '{"answer": NaN}',
        '{"answer": "Pip", "__class__": "os.system"}',
        '{"answer": "Pip"} {"answer": "Brack"}',
        '{"answer": "Pip"}{"answer": "Pip"}',
        '{"answer": "Pip"',
        "{'answer': 'Pip'}",
        "{" * 5_000,
        '{"a":' * 3_000,
        '{"answer": "' + "x" * 30_000 + '"}',
    ],
)
def test_what_was_not_offered_is_no_decision(text: str) -> None:
    assert read_form(text, WHO) is None


@pytest.mark.parametrize(
    "text",
    ['{"answer": "Pip"}', 'Well: {"answer":"Pip"}.', '```json\n{"answer": "Pip"}\n```', '\ufeff{"answer": "Pip"}'],
)
def test_one_object_among_other_words_is_read(text: str) -> None:
    made = read_form(text, WHO)
    assert made is not None
    assert made.answer == "Pip"


def test_too_many_of_something_are_no_decision() -> None:
    touches = [{"who": "Pip", "how": "hm"}] * 10_000
    assert read_form(json.dumps({"touched": touches, "after": []}), JUDGED) is None
    assert read_form(json.dumps({"touched": touches[:3], "after": []}), JUDGED) is not None


@given(st.text(alphabet='{}[]":,. \\u0041answerPipBrack01eEnul-', max_size=60))
def test_no_text_breaks_the_reading(text: str) -> None:
    made = read_form(text, WHO)
    assert made is None or made.answer in ("Brack", "Pip")


def test_a_name_in_any_letters_can_be_offered() -> None:
    names = ('Say "x"', "孙悟空", "Ann\\n", "{")
    for name in names:
        made = read_form(json.dumps({"answer": name}), choice_of(names))
        assert made is not None
        assert made.answer == name
    assert "孙悟空" in schema_of(choice_of(names))


def test_forms_are_made_once() -> None:
    assert choice_of(("a", "b")) is choice_of(("a", "b"))
    assert steering_form(("end",), True) is steering_form(("end",), True)


def test_free_text_that_is_too_long_is_cut_and_nothing_is_asked_again() -> None:
    made = read_form(json.dumps({"reason": "x" * 500, "decision": "end"}), steering_form(("end",), False))
    assert made is not None
    assert made.reason == "x" * 120


def test_a_stop_of_the_scenario_does_not_cut_a_form() -> None:
    asked: list[Request] = []

    async def call(key: str, request: Request) -> Completion:
        asked.append(request)
        return Completion(text='{"answer": "Pip"}')

    asyncio.run(decide(Asking("storybook", Sampling(stop=("Pip",)), 7), call, "t01/narrator/who", PROMPT, WHO))
    assert asked[0].sampling.stop == ()
