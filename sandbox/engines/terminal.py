"""A person at the keyboard as an engine: shown what a model would be told, answers as one would."""

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from difflib import SequenceMatcher
from pathlib import Path
from threading import Thread

from sandbox.engines.engine import AT_LEISURE, EngineFacts, Urgency
from sandbox.engines.form import read_form
from sandbox.engines.questionnaire import Questionnaire
from sandbox.half_blocks import half_blocks
from sandbox.screen import Screen, safe
from scenes.chat import CallFailed, Completion, Request, Segment
from scenes.clean import clean, without_surrogates
from scenes.image_file import read_picture

LEFT = "the person left"
"""Why a call to a person has no answer; the run can be resumed with one."""
LEAVE = "/quit"
HOW_TO = (
    "Write what you say, (what you do) and [what you only think]. Words after (whispers to NAME) are heard by that one "
    "alone; where there are places, (goes to PLACE) takes you to one."
)
HOW_TO_LEAVE = f"{LEAVE} leaves, and the run can be gone on with later."
MOST_COLUMNS, MOST_ROWS, FEWEST_COLUMNS = 48, 20, 20
"""Of a picture, so that it leaves room for words, and of a screen on which one is drawn."""
_FOR_MODELS = re.compile(r"\s*(?:Answer in JSON|用JSON回答)(?!.*(?:Answer in JSON|用JSON回答)).*", re.DOTALL)
"""How a model is told to write its answer in a form: the end of what it is asked, and nothing to a person."""
Line = tuple[str, str | None]
"""What tells one line on the screen from another: its words, or its picture."""


class Person:
    """Shows a request with `write`, line by line, and takes the answer from `read`, which is given the prompt to show.

    `read` raises `EOFError` when the person has left. `picture` shows the picture with an id.
    """

    def __init__(
        self,
        read: Callable[[str], Awaitable[str]],
        write: Callable[[str], None],
        picture: Callable[[str], None] | None = None,
    ) -> None:
        self._read = read
        self._write = write
        self._picture = picture or (lambda image: write("[a picture]"))
        self._told: list[Line] = []
        self._now: list[str] = []
        self._one_at_a_time = asyncio.Lock()
        self._was_helped = self._has_left = False
        self.facts = EngineFacts(kind="terminal", model="a person")

    async def complete(self, request: Request, urgency: Urgency = AT_LEISURE) -> Completion:
        """Return the line that the person types, or the form that they fill in.

        Raises `CallFailed` when there is nobody left to ask.
        """
        if request.answer is not None:
            raise CallFailed("a person cannot say how likely an answer is")
        async with self._one_at_a_time:
            if self._has_left:
                raise CallFailed(LEFT)
            self._show(request)
            self._help(request)
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
        """Write what was not told before, how things are now if that has changed, and what is asked."""
        segments = request.prompt.segments()
        self._tell([segment for segment in segments if segment.stability not in ("now", "instruction")])
        now = [segment.text for segment in segments if segment.stability == "now"]
        asked = [segment.text for segment in segments if segment.stability == "instruction"]
        asked = [_FOR_MODELS.sub("", text) for text in asked] if request.form else asked
        for text in [*(text for text in now if text not in self._now), *filter(None, asked)]:
            self._write(clean(text))
        self._now = now
        self._told += [(text, None) for text in asked]  # words to be answered are told again as what happened

    def _tell(self, past: Sequence[Segment]) -> None:
        """Write what of `past` is new to the person, whose own words are new only where they were not typed here."""
        is_first = not self._told
        is_shared = any(segment.stability == "cast" for segment in past)
        self._told, new = _merged(self._told, [(segment.text, segment.image) for segment in past])
        for at, segment in enumerate(past):
            is_named = segment.image is not None and at - 1 in new  # by the words before it
            if at not in new and not is_named:
                continue
            is_own = segment.role == "assistant" and not is_shared  # one text for all holds no words of one's own
            if segment.image:
                self._picture(segment.image)
            elif is_first or not is_own:
                self._write(clean("You: " * is_own + segment.text))

    def _help(self, request: Request) -> None:
        """Say once how to write as one of the cast, whose persona is then in the prompt, and how to leave."""
        if not self._was_helped:
            self._was_helped = True
            is_of_cast = any(segment.stability == "persona" for segment in request.prompt.segments())
            self._write(f"{HOW_TO} {HOW_TO_LEAVE}" if is_of_cast else HOW_TO_LEAVE)

    async def _typed(self) -> str:
        text = ""
        while not text:
            text = (await self._line("> ")).strip()
        return text

    async def _filled_in(self, form: str) -> str:
        """Return the JSON text of what the person makes of the form, question by question."""
        filled = await Questionnaire(self._line, self._write).fill(read_form(form))
        return json.dumps(filled, ensure_ascii=False)

    async def _line(self, prompt: str) -> str:
        """Return what is typed after `prompt`. Raises `EOFError` if that is the wish to leave."""
        line = await self._read(prompt)
        if line.strip() == LEAVE:
            raise EOFError
        return line


def _merged(told: Sequence[Line], lines: Sequence[Line]) -> tuple[list[Line], set[int]]:
    """Return `told` with what is new in `lines` put where it belongs, and the places in `lines` of what is new.

    A prompt lets go of its oldest lines, and those that remain are the last that were told; so both are compared from
    their ends.
    """
    before, given = told[::-1], lines[::-1]
    merged, new = list[Line](), set[int]()
    for how, i, j, start, end in SequenceMatcher(None, before, given, autojunk=False).get_opcodes():
        if how != "equal":
            merged += given[start:end]
            new |= {len(lines) - 1 - at for at in range(start, end)}
        merged += before[i:j]
    return merged[::-1], new


def show_picture(file: Path, screen: Screen) -> None:
    """Say where the picture in `file` lies, to be opened, and draw it where there are colours and room for it.

    Raises `ImageRefused` if it is none.
    """
    picture = read_picture(file.name, file.parent, file.parent)
    here = file.relative_to(Path.cwd()) if file.is_relative_to(Path.cwd()) else file
    screen.print(safe(f"[a picture of {picture.width} x {picture.height} pixels: {here}]"), soft_wrap=True)
    if screen.shows_pictures and screen.width >= FEWEST_COLUMNS:
        rows = max(4, min(MOST_ROWS, screen.height - 10))
        screen.print(half_blocks(picture, min(MOST_COLUMNS, screen.width), rows))


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
