"""A person as an engine: told what is new, asked until there is an answer."""

import asyncio
import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from asking import FORM, follows
from hypothesis import given
from hypothesis import strategies as st

from sandbox.engines.terminal import Person
from scenes.chat import CallFailed, Prompt, Request, Segment

PERSONA = Segment("persona", "system", "You are Pip.")
HEARD = Segment("history", "user", "Brack: Evening.")
ASKED = Segment("instruction", "user", "What does Pip say?")


class Keyboard:
    """Types `lines` one after another and then leaves; keeps what was shown, and the prompts."""

    def __init__(self, *lines: str) -> None:
        self.lines = list(lines)
        self.shown: list[str] = []
        self.prompts: list[str] = []

    async def read(self, prompt: str) -> str:
        await asyncio.sleep(0)
        self.prompts.append(prompt)
        if not self.lines:
            raise EOFError
        return self.lines.pop(0)


def answer(keyboard: Keyboard, *requests: Request) -> list[str]:
    async def in_turn() -> list[str]:
        person = Person(keyboard.read, keyboard.shown.append)
        return [(await person.complete(request)).text for request in requests]

    return asyncio.run(in_turn())


def test_a_typed_line_is_the_answer(ask: Callable[..., Request]) -> None:
    assert answer(Keyboard("Ahoy! "), ask(ASKED)) == ["Ahoy!"]


def test_an_empty_line_is_asked_again(ask: Callable[..., Request]) -> None:
    assert answer(Keyboard("", "  ", "Ahoy!"), ask(ASKED)) == ["Ahoy!"]


def test_a_person_is_shown_only_what_is_new_and_not_their_own_words() -> None:
    keyboard = Keyboard("Ahoy!", "A bird!")
    so_far = Prompt().then(PERSONA, HEARD)
    later = so_far.then(Segment("history", "assistant", "Ahoy!"), Segment("history", "user", "Brack: See?"))
    answer(keyboard, Request("m", so_far.then(ASKED)), Request("m", later.then(ASKED)))
    assert keyboard.shown == [PERSONA.text, HEARD.text, ASKED.text, "Brack: See?", ASKED.text]


def test_what_is_shown_cannot_command_the_terminal(ask: Callable[..., Request]) -> None:
    keyboard = Keyboard("Ahoy!")
    answer(
        keyboard,
        ask(Segment("history", "user", "Brack: \x1b]0;title\x07Evening."), Segment("images", "user", image="x")),
    )
    assert keyboard.shown == ["Brack: ␛Evening.", "[a picture]"]


def test_a_person_who_left_fails_the_call(ask: Callable[..., Request]) -> None:
    with pytest.raises(CallFailed, match="the person left"):
        answer(Keyboard(), ask(ASKED))


def test_two_questions_at_once_are_asked_one_after_the_other(ask: Callable[..., Request]) -> None:
    async def both() -> list[str]:
        keyboard = Keyboard("", "one", "", "two")
        person = Person(keyboard.read, keyboard.shown.append)
        return [
            answer.text for answer in await asyncio.gather(person.complete(ask(HEARD)), person.complete(ask(ASKED)))
        ]

    assert asyncio.run(both()) == ["one", "two"]


def filled_in(keyboard: Keyboard, form: dict[str, Any]) -> Any:
    (text,) = answer(keyboard, Request("m", Prompt().then(ASKED), form=json.dumps(form)))
    return follows(text, form)


def test_a_form_is_filled_in_property_by_property() -> None:
    keyboard = Keyboard("2", "ané", "海岸的鸟", "1", "go", "yes", "", "The fog lifts.")
    said = filled_in(keyboard, FORM)
    assert said == {
        "action": "end",
        "speaker": "Ané",
        "touched": ["海岸的鸟", "Captain Brack"],
        "steps": [{"kind": "go", "far": True}],
        "why": "The fog lifts.",
    }


def test_a_person_is_told_what_can_be_chosen_once_and_what_may_be_left_out() -> None:
    keyboard = Keyboard("1", "1", "2", "", "2")
    names = {"enum": ["Brack", "Pip"]}
    form = {
        "type": "object",
        "properties": {
            "next_speaker": names,
            "touched": {"type": "array", "items": names},
            "ends": {"anyOf": [{"type": "boolean"}, {"type": "null"}]},
        },
        "required": ["next_speaker", "touched", "ends"],
        "additionalProperties": False,
    }
    assert filled_in(keyboard, form) == {"next_speaker": "Brack", "touched": ["Brack", "Pip"], "ends": False}
    assert keyboard.shown[1:] == ["  1  Brack\n  2  Pip", "  1  yes\n  2  no"]
    assert keyboard.prompts == [
        "next speaker> ",
        "touched 1 (or nothing)> ",
        "touched 2 (or nothing)> ",
        "touched 3 (or nothing)> ",
        "ends (or nothing)> ",
    ]


def test_of_a_list_of_things_with_several_sides_an_empty_line_at_the_first_side_ends_it() -> None:
    touch = {"type": "object", "properties": {"who": {"enum": ["Brack", "Pip"]}, "how": {"type": "string"}}}
    touches = {"type": "array", "items": touch | {"required": ["who", "how"]}}
    keyboard = Keyboard("pip", "", "She stumbles.", "")
    form = {"type": "object", "properties": {"touched": touches}, "required": ["touched"]}
    assert filled_in(keyboard, form) == {"touched": [{"who": "Pip", "how": "She stumbles."}]}
    assert keyboard.shown[-1] == "some words, please"
    assert keyboard.prompts[0] == "touched 1, who (or nothing)> "
    assert keyboard.prompts[-1] == "touched 2, who (or nothing)> "


def test_a_list_of_things_that_hold_nothing_ends() -> None:
    empty = {"type": "object", "properties": {"more": {"type": "string"}}}
    assert filled_in(Keyboard("x", ""), {"type": "array", "items": empty}) == [{"more": "x"}]


def test_nothing_is_an_answer_where_the_form_says_so() -> None:
    words = {"anyOf": [{"type": "string"}, {"type": "null"}]}
    form = {
        "type": "object",
        "properties": {"state": words, "place": words, "mood": words},
        "required": ["state", "place"],
    }
    assert filled_in(Keyboard("", "the quay", ""), form) == {"state": None, "place": "the quay"}


def test_what_is_left_out_is_not_in_the_reply() -> None:
    parts = [{"type": "string"}, {"type": "integer"}, {"enum": ["a"]}, {"type": "array", "items": {"type": "integer"}}]
    form = {"type": "object", "properties": {str(at): part for at, part in enumerate([*parts, FORM])}}
    assert filled_in(Keyboard(*[""] * 5), form) == {}


def test_nothing_is_asked_where_there_is_no_choice() -> None:
    assert filled_in(Keyboard(), {"type": "object", "properties": {"act": {"const": "end"}}, "required": ["act"]}) == {
        "act": "end"
    }


def test_one_of_several_forms_is_chosen_by_what_it_always_says() -> None:
    reason = {"type": "string", "maxLength": 200}
    acts = [("pick_speaker", {"who": {"enum": ["Brack", "Pip"]}}), ("end", {"why": reason})]
    form = {
        "anyOf": [
            {
                "type": "object",
                "properties": {"act": {"const": act}, **rest},
                "required": ["act", *rest],
                "additionalProperties": False,
            }
            for act, rest in acts
        ]
    }
    keyboard = Keyboard("end", "All is said.")
    assert filled_in(keyboard, form) == {"act": "end", "why": "All is said."}
    assert keyboard.shown[1] == "  1  pick_speaker\n  2  end"


@pytest.mark.parametrize(
    ("form", "wrong", "said", "right"),
    [
        ({"enum": ["Brack", "Pip"]}, "Vale", "a number from 1 to 2, or the words after it, please", "pip"),
        ({"enum": ["Pip", "Pia"]}, "pi", "a number from 1 to 2, or the words after it, please", "pia"),
        ({"enum": ["Brack", "Pip"]}, "0", "a number from 1 to 2, or the words after it, please", "2"),
        ({"type": "integer"}, "many", "a whole number, please", "-3"),
        ({"type": "integer"}, "9" * 5000, "a whole number, please", "0"),
        ({"type": "string", "maxLength": 4}, "Ahoy!", "at most 4 characters, please; these were 5", "Ahoy"),
        ({"type": "string"}, " ", "some words, please", "Ahoy!"),
        (
            {"type": "array", "items": {"type": "integer"}, "minItems": 1, "maxItems": 1},
            "",
            "a whole number, please",
            "1",
        ),
    ],
)
def test_wrong_input_is_asked_again_with_what_is_allowed(
    form: dict[str, Any], wrong: str, said: str, right: str
) -> None:
    keyboard = Keyboard(wrong, right)
    filled_in(keyboard, form)
    assert keyboard.shown[-1] == said
    assert keyboard.lines == []


@pytest.mark.parametrize(
    ("typed", "chosen"), [("bra", "Brack"), ("pip", "Pip"), ("Pip t", "Pip the Elder"), ("3", "Pip")]
)
def test_a_choice_is_known_by_how_it_alone_begins(typed: str, chosen: str) -> None:
    assert filled_in(Keyboard(typed), {"enum": ["Pip the Elder", "Brack", "Pip"]}) == chosen


def test_a_number_that_is_a_choice_itself_is_that_choice() -> None:
    assert filled_in(Keyboard("2"), {"enum": [2, 1]}) == 2


def test_what_a_form_shows_cannot_command_the_terminal() -> None:
    hostile = "\x1b]0;owned\x07\x1b[2J\u202eevil\nline\r"
    form = {
        "type": "object",
        "properties": {hostile: {"enum": [hostile, "b"]}, "c": {"anyOf": [{"type": "integer"}, {"const": hostile}]}},
        "required": [hostile, "c"],
    }
    keyboard = Keyboard("1", "2")
    assert filled_in(keyboard, form) == {hostile: hostile, "c": hostile}
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", "".join(keyboard.shown + keyboard.prompts))
    assert "\n" not in "".join(keyboard.prompts)


@pytest.mark.parametrize("typed", ["A \ud83d bird", "\ud83d"])
def test_half_a_letter_that_is_typed_can_be_written(typed: str, ask: Callable[..., Request]) -> None:
    (plain,) = answer(Keyboard(typed), ask(ASKED))
    assert plain == typed.replace("\ud83d", "\ufffd")
    assert filled_in(Keyboard(typed), {"type": "string"}) == plain


def test_a_person_who_leaves_in_the_middle_of_a_form_fails_the_call() -> None:
    with pytest.raises(CallFailed, match="the person left"):
        filled_in(Keyboard("1"), FORM)


@given(lines=st.lists(st.sampled_from(["1", "2", "3", "yes", "Pip", "", " ", "\ud83d", "x" * 50]) | st.text()))
def test_whatever_is_typed_what_comes_back_follows_the_form(lines: list[str]) -> None:
    keyboard = Keyboard(*lines, *["1"] * 20)
    assert filled_in(keyboard, FORM)
