"""A person at the keyboard as an engine: shown what a model would be told, answers as one would."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from threading import Thread

from sandbox.engines.engine import EngineFacts
from sandbox.engines.form import read_form
from sandbox.engines.questionnaire import Questionnaire
from scenes.chat import CallFailed, Completion, Request, Segment
from scenes.clean import clean, without_surrogates

LEFT = "the person left"
"""Why a call to a person has no answer; the run can be resumed with one."""


class Person:
    """Shows a request with `write`, line by line, and takes the answer from `read`, which is given the prompt to show.

    `read` raises `EOFError` when the person has left.
    """

    def __init__(self, read: Callable[[str], Awaitable[str]], write: Callable[[str], None]) -> None:
        self._read = read
        self._write = write
        self._shown: set[bytes] = set()
        self._one_at_a_time = asyncio.Lock()
        self._has_left = False
        self.facts = EngineFacts(kind="terminal", model="a person")

    async def complete(self, request: Request) -> Completion:
        """Return the line that the person types, or the form that they fill in.

        Raises `CallFailed` when there is nobody left to ask.
        """
        async with self._one_at_a_time:
            if self._has_left:
                raise CallFailed(LEFT)
            self._show(request)
            try:
                text = await (self._typed() if request.form is None else self._filled_in(request.form))
            except EOFError as error:
                self._has_left = True
                raise CallFailed(LEFT) from error
        return Completion(text=without_surrogates(text))

    def room(self, request: Request) -> int | None:
        """Return None: a person has no limit."""
        return None

    def close(self) -> None:
        """Nothing is held."""

    def _show(self, request: Request) -> None:
        """Write what was not shown before, but for the person's own words."""
        new = [node for node in request.prompt.nodes() if node.id not in self._shown]
        self._shown.update(node.id for node in new)
        for node in reversed(new):
            if node.segment is not None and node.segment.role != "assistant":
                self._write(_line(node.segment))

    async def _typed(self) -> str:
        text = ""
        while not text:
            text = (await self._read("> ")).strip()
        return text

    async def _filled_in(self, form: str) -> str:
        """Return the JSON text of what the person makes of the form, question by question."""
        filled = await Questionnaire(self._read, self._write).fill(read_form(form))
        return json.dumps(filled, ensure_ascii=False)


async def read_line(prompt: str) -> str:
    """Return what is typed after `prompt`. Raises `EOFError`.

    The thread that waits at the keyboard does not keep the program from ending, as one of a pool would.
    """
    typed: Future[str] = Future()
    Thread(target=_read_into, args=(typed, prompt), daemon=True).start()
    return await asyncio.wrap_future(typed)


def _read_into(typed: Future[str], prompt: str) -> None:
    with suppress(InvalidStateError):  # the run was interrupted meanwhile
        try:
            typed.set_result(input(prompt))
        except EOFError as error:
            typed.set_exception(error)


def _line(segment: Segment) -> str:
    return "[a picture]" if segment.image else clean(segment.text)
