"""A person as an engine: told what is new, asked until there is an answer."""

import asyncio
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from asking import FORM, follows
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from agents.character import CHOOSE
from agents.decision import choice_of, schema_of
from agents.interview import ASK
from agents.prompts.wording import worded
from narrator.judgement import judgement_form, touched_form
from narrator.narrator import Update
from narrator.prompts import tasks
from narrator.steering import steering_form
from sandbox.engines import terminal
from sandbox.engines.questionnaire import QUESTIONS
from sandbox.engines.terminal import LEAVE, Person
from sandbox.screen import Screen
from scenes.chat import CallFailed, Prompt, Request, Segment
from scenes.image import picture_of

PERSONA = Segment("persona", "system", "You are Pip.")
HEARD = Segment("history", "user", "Brack: Evening.")
ASKED = Segment("instruction", "user", "What does Pip say?")


class Keyboard:
    """Types `lines` one after another and then leaves; keeps what was shown, and the prompts."""

    def __init__(self, *lines: str) -> None:
        self.lines = list(lines)
        self.shown: list[str] = []
        self.prompts: list[str] = []

    @property
    def told(self) -> list[str]:
        """What was shown, but for the words on how to write and to leave."""
        return [line for line in self.shown if LEAVE not in line]

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
    assert keyboard.told == [PERSONA.text, HEARD.text, ASKED.text, "Brack: See?", ASKED.text]


def said(*lines: str) -> list[Segment]:
    """The history of Pip: its own words are the assistant's."""
    return [
        Segment("history", "assistant", line[5:]) if line.startswith("Pip: ") else Segment("history", "user", line)
        for line in lines
    ]


def shown_of(*prompts: list[Segment]) -> list[list[str]]:
    """Return what is shown with each of `prompts`, each answered."""
    keyboard, shown, before = Keyboard(*["Ahoy!"] * len(prompts)), list[list[str]](), 0

    async def in_turn() -> None:
        nonlocal before
        person = Person(keyboard.read, keyboard.shown.append)
        for prompt in prompts:
            await person.complete(Request("m", Prompt().then(*prompt)))
            shown.append(keyboard.told[before:])
            before = len(keyboard.told)

    asyncio.run(in_turn())
    return shown


def test_own_words_from_before_this_sitting_are_shown_as_such() -> None:
    resumed = [PERSONA, *said("Pip: Hello?", "Brack: Evening.")]
    assert shown_of(resumed, [*resumed, *said("Pip: Ahoy!", "Brack: See?")]) == [
        [PERSONA.text, "You: Hello?", "Brack: Evening."],
        ["Brack: See?"],
    ]


def test_words_to_answer_are_not_shown_again_as_what_happened() -> None:
    quoted = Segment("instruction", "user", "Brack: Evening.")
    later = [PERSONA, *said("Brack: Evening.", "Pip: Ahoy!", "Vale: Hm.")]
    assert shown_of([PERSONA, quoted], later) == [[PERSONA.text, "Brack: Evening."], ["Vale: Hm."]]


def test_when_the_oldest_lines_leave_the_prompt_the_others_are_not_shown_again() -> None:
    first = said("A: one", "B: aye", "A: two")
    second = said("B: aye", "A: two", "Pip: Ahoy!", "A: one", "B: aye")
    assert shown_of([PERSONA, *first, ASKED], [PERSONA, *second, ASKED]) == [
        [PERSONA.text, "A: one", "B: aye", "A: two", ASKED.text],
        ["A: one", "B: aye", ASKED.text],
    ]


def test_a_narrator_with_one_prompt_for_each_audience_is_shown_everything_once() -> None:
    for_all, for_itself = said("A: one", "B: two"), said("A: one", "B: (whispers to C) psst", "B: two")
    later = said("A: one", "B: two", "C: three")
    assert shown_of(for_all, for_itself, later, [*for_itself, *said("C: three", "A: four")]) == [
        ["A: one", "B: two"],
        ["B: (whispers to C) psst"],
        ["C: three"],
        ["A: four"],
    ]


def test_how_things_are_now_is_shown_when_it_has_changed() -> None:
    quay, cabin = (Segment("now", "user", f"You are now: at the {place}.") for place in ("quay", "cabin"))
    shown = shown_of(*([PERSONA, now, ASKED] for now in (quay, quay, cabin, quay)))
    assert [lines[-2:] for lines in shown] == [
        [quay.text, ASKED.text],
        [ASKED.text],
        [cabin.text, ASKED.text],
        [quay.text, ASKED.text],
    ]


def test_in_one_text_for_all_the_words_of_others_are_shown_and_are_nobodys_own() -> None:
    shared = [Segment("cast", "user", "Pip, Brack"), Segment("history", "assistant", "Brack: Evening.")]
    later = [*shared, Segment("history", "assistant", "Pip: Ahoy!"), Segment("history", "assistant", "Brack: See?")]
    assert shown_of(shared, later) == [["Pip, Brack", "Brack: Evening."], ["Pip: Ahoy!", "Brack: See?"]]


def test_it_is_said_once_how_to_write_and_how_to_leave(ask: Callable[..., Request]) -> None:
    of_cast, of_narrator = Keyboard("a", "b"), Keyboard("a")
    answer(of_cast, ask(PERSONA, ASKED), ask(PERSONA, ASKED))
    assert of_cast.shown == [PERSONA.text, ASKED.text, f"{terminal.HOW_TO} {terminal.HOW_TO_LEAVE}", ASKED.text]
    answer(of_narrator, ask(ASKED))
    assert of_narrator.shown == [ASKED.text, terminal.HOW_TO_LEAVE]


def test_what_is_shown_cannot_command_the_terminal(ask: Callable[..., Request]) -> None:
    keyboard = Keyboard("Ahoy!")
    answer(
        keyboard,
        ask(Segment("history", "user", "Brack: \x1b]0;title\x07Evening."), Segment("images", "user", image="x")),
    )
    assert keyboard.told == ["Brack: ␛Evening.", "[a picture]"]


@pytest.mark.parametrize("typed", [[], [" /quit "]])
def test_a_person_who_left_fails_the_call(typed: list[str], ask: Callable[..., Request]) -> None:
    with pytest.raises(CallFailed, match="the person left"):
        answer(Keyboard(*typed, *["Ahoy!"] * bool(typed)), ask(ASKED))


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
    keyboard = Keyboard("2", "ané", "海岸的鸟，1", "go", "yes", "The fog lifts.")
    said = filled_in(keyboard, FORM)
    assert said == {
        "action": "end",
        "speaker": "Ané",
        "touched": ["海岸的鸟", "Captain Brack"],
        "steps": [{"kind": "go", "far": True}],
        "why": "The fog lifts.",
    }


def test_a_person_is_told_what_can_be_chosen_once_and_what_may_be_left_out() -> None:
    keyboard = Keyboard("1", "2", "")
    names = {"enum": ["Brack", "Pip"]}
    form = {
        "type": "object",
        "properties": {
            "next_speaker": names,
            "other": names,
            "ends": {"anyOf": [{"type": "boolean"}, {"type": "null"}]},
        },
        "required": ["next_speaker", "other", "ends"],
    }
    assert filled_in(keyboard, form) == {"next_speaker": "Brack", "other": "Pip", "ends": None}
    assert keyboard.told[1:] == ["  1  Brack\n  2  Pip", "  1  yes\n  2  no"]
    assert keyboard.prompts == ["next speaker> ", "other> ", "ends (just Enter for none)> "]


def listing(names: list[str], **limits: int) -> dict[str, Any]:
    """A form that asks for some of `names`."""
    listed = {"type": "array", "items": {"enum": names}, **limits}
    return {"type": "object", "properties": {"touched": listed}, "required": ["touched"]}


@pytest.mark.parametrize(
    ("typed", "touched"),
    [("", []), ("pip", ["Pip"]), ("2, brack", ["Pip", "Brack"]), ("Brack，Pip；", ["Brack", "Pip"])],
)
def test_nobody_one_or_several_are_named_in_one_line(typed: str, touched: list[str]) -> None:
    keyboard = Keyboard(typed)
    assert filled_in(keyboard, listing(["Brack", "Pip"])) == {"touched": touched}
    assert keyboard.prompts == ["Whom does it touch? (1 Brack, 2 Pip; commas between several; just Enter for none)> "]


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("Pip, Zoe", '"Zoe" is none of: Brack, Pip, Moss; please write all of them again'),
        ("1 2", '"1 2" is none of: Brack, Pip, Moss; please write all of them again'),
        ("", "at least 1, please"),
        ("1, 2, 3", "at most 2, please; these were 3"),
    ],
)
def test_a_name_that_nobody_has_or_a_wrong_number_of_names_is_asked_again(typed: str, said: str) -> None:
    keyboard = Keyboard(typed, "Pip, Moss")
    form = listing(["Brack", "Pip", "Moss"], minItems=1, maxItems=2)
    assert filled_in(keyboard, form) == {"touched": ["Pip", "Moss"]}
    assert keyboard.told[1:] == [said]
    assert keyboard.prompts == ["Whom does it touch? (1 Brack, 2 Pip, 3 Moss; commas between several)> "] * 2


def test_a_name_with_a_comma_is_known_when_it_stands_alone() -> None:
    assert filled_in(Keyboard("moss, the elder"), listing(["Moss, the elder", "Pip"])) == {
        "touched": ["Moss, the elder"]
    }


def test_a_judgement_is_asked_for_in_plain_questions() -> None:
    form = json.loads(schema_of(judgement_form(("Pip", "Moss"), ("Brack", "Pip", "Moss"), ("quay", "cabin"))))
    keyboard = Keyboard("Pip, 2", "She stumbles.", "", "Pip", "cabin", "", "wet")
    assert filled_in(keyboard, form) == {
        "touched": [{"who": "Pip", "how": "She stumbles."}, {"who": "Moss", "how": ""}],
        "after": [{"who": "Pip", "place": "cabin", "state": "wet"}],
    }
    assert [prompt.split("?")[0] for prompt in keyboard.prompts] == [
        "Whom does it touch",
        "How does it touch Pip",
        "How does it touch Moss",
        "Who is elsewhere or otherwise now",
        "Is Pip elsewhere now",
        "Has Pip another position",
        "Is Pip otherwise now",
    ]


FORMS = {
    "judge": (tasks.JUDGE, judgement_form(("Pip",), ("Brack", "Pip"), ("quay",))),
    "judge shortly": (tasks.JUDGE_SHORT, touched_form(("Pip",))),
    "steer": (tasks.STEER, steering_form(("end",), False)),
    "update": (tasks.UPDATE, Update),
    "choose": (f"{ASK}\n{CHOOSE}", choice_of(("Pip", "Brack"))),
}
"""All that is asked in a form: the words, and the form."""


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("what", FORMS)
def test_a_person_is_not_told_how_a_model_writes_its_answer(what: str, language: str) -> None:
    words, form = FORMS[what]
    task = "\n".join(worded(line, language) for line in words.split("\n"))
    keyboard = Keyboard(*["1"] * 20)
    asked = Segment("instruction", "user", task)
    answer(keyboard, Request("m", Prompt().then(asked), form=schema_of(form)))
    assert keyboard.shown[0]
    assert task.startswith(keyboard.shown[0])
    assert not re.search('JSON|"[.a-z]+"', "".join(keyboard.shown + keyboard.prompts))
    assert set(json.loads(schema_of(form))["properties"]) <= set(QUESTIONS), "each has a question of its own"


def test_words_on_json_in_a_question_of_the_users_own_are_kept() -> None:
    asked = Segment("instruction", "user", "Did Pip say: Answer in JSON?\nAnswer in JSON, in this form: {}")
    keyboard = Keyboard("1")
    answer(keyboard, Request("m", Prompt().then(asked), form=schema_of(choice_of(("yes", "no")))))
    assert keyboard.shown[0] == "Did Pip say: Answer in JSON?"
    keyboard = Keyboard("Yes.")
    answer(keyboard, Request("m", Prompt().then(asked)))
    assert keyboard.shown[0] == asked.text, "no form was asked for"


def test_a_picture_is_shown_by_whoever_can(ask: Callable[..., Request]) -> None:
    keyboard, pictures = Keyboard("Ahoy!"), list[str]()
    person = Person(keyboard.read, keyboard.shown.append, pictures.append)
    asyncio.run(person.complete(ask(PERSONA, Segment("images", "user", image="x"), ASKED)))
    assert pictures == ["x"]
    assert "[a picture]" not in keyboard.shown


def test_a_picture_that_is_named_later_is_shown_under_its_name() -> None:
    image = Segment("images", "user", image="x")
    first, named = [image], [Segment("images", "user", "Picture harbour:"), image]
    assert shown_of([*first, ASKED], [*named, ASKED], [*named, ASKED]) == [
        ["[a picture]", ASKED.text],
        ["Picture harbour:", "[a picture]", ASKED.text],
        [ASKED.text],
    ]


def test_of_a_picture_the_file_is_named_from_here_and_off_a_terminal_nothing_is_drawn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "images" / "x.png"
    file.parent.mkdir()
    file.write_bytes(picture_of(Image.new("RGB", (64, 32), "red")).png)
    monkeypatch.chdir(tmp_path)
    terminal.show_picture(Path("images/x.png"), Screen())
    terminal.show_picture(file, Screen())
    monkeypatch.chdir(file.parent)
    terminal.show_picture(file.parent.parent / "images" / "x.png", Screen())
    assert capsys.readouterr().out.splitlines() == [
        "[a picture of 64 x 32 pixels: images/x.png]",
        "[a picture of 64 x 32 pixels: images/x.png]",
        "[a picture of 64 x 32 pixels: x.png]",
    ]


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
    assert keyboard.told[1] == "  1  pick_speaker\n  2  end"


@pytest.mark.parametrize(
    ("form", "wrong", "said", "right"),
    [
        ({"enum": ["Brack", "Pip"]}, "Vale", "a number from 1 to 2, or the words after it, please", "pip"),
        ({"enum": ["Pip", "Pia"]}, "pi", "a number from 1 to 2, or the words after it, please", "pia"),
        ({"enum": ["Brack", "Pip"]}, "0", "a number from 1 to 2, or the words after it, please", "2"),
        ({"type": "integer"}, "many", "a whole number, please", "-3"),
        ({"type": "integer"}, "9" * 5000, "a whole number, please", "0"),
        ({"type": "string", "maxLength": 4}, "Ahoy!", "at most 4 characters, please; these were 5", "Ahoy"),
        ({"type": "string", "minLength": 1}, " ", "some words, please", "Ahoy!"),
        ({"type": "string", "minLength": 4}, "Ah", "at least 4 characters, please", "Ahoy!"),
        (
            {"type": "array", "items": {"type": "integer"}, "minItems": 1, "maxItems": 1},
            "one",
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


@settings(deadline=None, derandomize=True)
@given(lines=st.lists(st.sampled_from(["1", "2", "3", "yes", "Pip", "", " ", "\ud83d", "x" * 50]) | st.text()))
def test_whatever_is_typed_what_comes_back_follows_the_form(lines: list[str]) -> None:
    keyboard = Keyboard(*lines, *["1"] * 20)
    assert filled_in(keyboard, FORM)
