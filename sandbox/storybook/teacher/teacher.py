"""The teacher: answers a request as the storybook model is to learn to, from the prompt and the truth of pictures."""

from dataclasses import dataclass
from random import Random

from agents.interview import ASK
from agents.mind import REFLECT, SELF, SHORT, SURROUNDINGS
from sandbox.storybook.teacher.deciding import decided, narrated
from sandbox.storybook.teacher.heard import Heard, heard
from sandbox.storybook.teacher.saying import Move, Saying
from sandbox.storybook.teacher.sight import Sight, Truth, mistaken
from sandbox.storybook.teacher.talk import Talk
from scenes.chat import Request
from scenes.event import NARRATOR

_IN_PRIVATE = ASK.split("{")[0]
_OF_SELF = (SHORT["belief"], SELF.split("{")[0])
_OF_OTHERS = (SHORT["surroundings"], SURROUNDINGS.split("{")[0], REFLECT.split("{")[0])


@dataclass(frozen=True)
class Teacher:
    """Answers every call of the sandbox. The same request gets the same answer."""

    truth: Truth

    def answer(self, request: Request) -> str:
        """Return the answer to a request."""
        return self._answer(request, errs=False)

    def err(self, request: Request) -> str:
        """Return what somebody answers who errs about one thing in each picture, so that others may put it right."""
        return self._answer(request, errs=True)

    def _answer(self, request: Request, errs: bool) -> str:
        told, rng = heard(request), Random(request.seed)
        sights = [sight for image in told.images if (sight := self.truth(image))]
        if errs:
            sights = [mistaken(sight, rng) for sight in sights]
        if told.form is not None:
            return decided(told, rng)
        if told.me.name == NARRATOR:
            return narrated(told, sights, rng)
        return _said(told, sights, rng)


def _said(told: Heard, sights: list[Sight], rng: Random) -> str:
    talk = Talk(told, sights, rng)
    question = told.question
    if question.startswith(_OF_SELF):
        return talk.inwardly("belief")
    if question.startswith(_OF_OTHERS):
        return talk.inwardly("thought")
    if question.startswith(_IN_PRIVATE):
        return talk.answer(question.removeprefix(_IN_PRIVATE)) or talk.inwardly("belief")
    return talk.reply() or Saying(told.me, None, told.own, rng).words(Move("admit"))
