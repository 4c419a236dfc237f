"""Lessons: scenarios of the storybook world played with the teacher, as the sequences that a model learns from.

They are what an export of such runs would hold, made without a store between: the same play, the same prompts, the
same views. A line in which the teacher erred on purpose, so that others can put it right, is read and not learned.
"""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Literal, NamedTuple

from sandbox.export.lines import Line, lines_of, other_than_line
from sandbox.export.text import parts
from sandbox.export.views import views_of
from sandbox.play import play
from sandbox.purpose import purpose_of
from sandbox.record import StoredCall
from sandbox.storybook.lessons.curriculum import Planned, planned
from sandbox.storybook.teacher.sight import Sight
from sandbox.storybook.teacher.teacher import Teacher
from scenes.chat import Completion, Message, Request, Role, Segment, messages
from scenes.event import Event
from scenes.scene import Scene
from scenes.storybook.drawing import Drawing

Half = Literal["left", "right"]


class Seen(NamedTuple):
    """A picture, whole or one half of it."""

    drawing: Drawing
    half: Half | None = None


class Turn(NamedTuple):
    """A message: texts, and None where the next picture stands."""

    role: Role
    parts: tuple[str | None, ...]
    learned: bool


@dataclass(frozen=True, slots=True)
class Lesson:
    """One sequence."""

    turns: tuple[Turn, ...]
    pictures: tuple[Seen, ...]
    about: str
    """What is learned: `line`, or the purpose of a call that brought none: `open`, `judge`, `belief`, …"""


_OTHERS = {
    "belief": 0.15,
    "surroundings": 0.15,
    "judge": 0.1,
    "steer": 0.12,
    "interview": 0.5,
    "open": 1.0,
    "narrate": 1.0,
}
"""How many of the calls that bring no line are learned, by what they are for."""
_CONVERSATIONS = ("compact", "images-first")
_ERRING = 0.12
"""How often a speaker among others errs."""


def lessons(seed: int, held_out: bool = False) -> Iterator[Lesson]:
    """Yield lessons without end, the same for the same seed; `held_out` ones are for evaluation alone."""
    for played in _played(seed, held_out):
        yield from played.lessons()


def exams(seed: int, held_out: bool = False) -> Iterator["Exam"]:
    """Yield without end what the sandbox asks for a line in the layout `compact`, one or two of a scene."""
    for played in _played(seed, held_out):
        yield from played.exams()


@dataclass(frozen=True, slots=True)
class Exam:
    """A request for a line, and what the teacher said to it."""

    request: Request
    gold: str
    sights: Mapping[str, Sight]
    """What is to be seen in each picture of the scene, by its id."""


def _played(seed: int, held_out: bool) -> Iterator["_Played"]:
    rng = Random(seed)
    with asyncio.Runner() as runner:
        while True:
            played = _Played(planned(rng, held_out), rng)
            runner.run(played.play())
            yield played


class _Played:
    """A scene, played with the teacher."""

    def __init__(self, scene: Planned, rng: Random) -> None:
        self._scene, self._rng = scene, rng
        self._teacher = Teacher(scene.sights.get)
        self._calls: dict[str, StoredCall] = {}
        self._erred: set[str] = set()
        self._events: list[Event] = []

    async def play(self) -> None:
        """Play the scene."""
        scene = Scene(self._scene.setting, self._scene.seed)
        await play(scene, self._scene.layout, self._call, self._events.extend)

    async def _call(self, key: str, request: Request) -> Completion:
        errs = self._rng.random() < _ERRING and purpose_of(key) == "speak" and self._may_err()
        text = self._teacher.err(request) if errs else self._teacher.answer(request)
        if errs:
            self._erred.add(key)
        completion = Completion(text=text)
        self._calls[key] = StoredCall(key, request, completion, None, 0.0)
        return completion

    def _may_err(self) -> bool:
        """Return whether there are others who can put it right."""
        return len(self._scene.setting.profiles) > 1

    def _lines(self) -> list[Line]:
        return [line for line in lines_of(self._events, self._calls) if line.words]

    def lessons(self) -> Iterator[Lesson]:
        """Yield what is learned from the scene."""
        lines = self._lines()
        if self._scene.layout.name not in _CONVERSATIONS:  # each line has a long prompt of its own
            lines = self._rng.sample(lines, min(1, len(lines)))
        for name in dict.fromkeys(line.name for line in lines):
            own = [line for line in lines if line.name == name]
            for view in views_of(own, [line.call.key not in self._erred for line in own]):
                yield self._lesson(view.conversation(), "line")
        yield from self._others()

    def exams(self) -> Iterator[Exam]:
        """Yield one or two of the lines as questions."""
        lines = [line for line in self._lines() if line.call.key not in self._erred]
        if self._scene.layout.name == "compact":
            for line in self._rng.sample(lines, min(2, len(lines))):
                yield Exam(line.call.request, line.completion.text, self._scene.sights)

    def _others(self) -> Iterator[Lesson]:
        """Yield what was asked besides lines, each with its answer."""
        for call in self._calls.values():
            if self._is_kept(call) and call.completion and call.completion.text:
                answer = Segment("history", "assistant", call.completion.text, starts_message=True)
                asked = messages([*call.request.prompt.segments(), answer])
                yield self._lesson([(one, one is asked[-1]) for one in asked], purpose_of(call.key))

    def _is_kept(self, call: StoredCall) -> bool:
        """Return whether a call that brought no line is learned: a share is, for they are many and alike."""
        return other_than_line(call) is not None and self._rng.random() < _OTHERS.get(purpose_of(call.key), 0.3)

    def _lesson(self, told: Sequence[tuple[Message, bool]], about: str) -> Lesson:
        images = [part.image for message, _ in told for part in message.parts if part.image]
        turns = tuple(Turn(message.role, tuple(parts(message)), learned) for message, learned in told)
        return Lesson(turns, tuple(_seen(self._scene.sights[image]) for image in images), about)


def _seen(sight: Sight) -> Seen:
    return Seen(sight.drawing, None if sight.is_whole else "left" if sight.crop[0] == 0 else "right")
