"""A person as an engine: told what is new, asked until there is an answer."""

import asyncio
from collections.abc import Callable

import pytest

from sandbox.engines.terminal import Person
from scenes.chat import CallFailed, Prompt, Request, Segment

PERSONA = Segment("persona", "system", "You are Pip.")
HEARD = Segment("history", "user", "Brack: Evening.")
ASKED = Segment("instruction", "user", "What does Pip say?")


class Keyboard:
    """Types `lines` one after another and then leaves; keeps what was shown."""

    def __init__(self, *lines: str) -> None:
        self.lines = list(lines)
        self.shown: list[str] = []

    async def read(self, prompt: str) -> str:
        await asyncio.sleep(0)
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
