"""Questions put in the place of a person's last line, so that each type is asked often enough to be measured by itself.

In scenes as they are played a question where something is comes once in thirty lines. Here all types take turns.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice
from random import Random

from sandbox.storybook.exam.paper import Paper
from sandbox.storybook.lessons.lesson import Exam
from sandbox.storybook.lessons.person import NAMES
from sandbox.storybook.questions import say
from sandbox.storybook.teacher.sight import other_colour, renamed
from sandbox.storybook.teacher.teacher import Teacher
from sandbox.storybook.voices.words import of_group
from scenes.chat import Prompt, Request
from scenes.storybook.drawing import Group

_TYPES = (
    "where", "present", "absent", "colour_yes", "how_many", "colour", "opinion", "what", "weather", "time", "place",
)  # fmt: skip


def posed(papers: Sequence[Paper], number: int, seed: int) -> list[Paper]:
    """Return so many papers with a question in the place of a person's last line; none if no person speaks last."""
    rng = Random(seed)
    asked_by_person = [paper for paper in papers if _is_asked(paper)]
    return list(islice(_posed(asked_by_person, rng), number)) if asked_by_person else []


def _is_asked(paper: Paper) -> bool:
    """Return whether a person speaks last, and what the picture shows may be named."""
    return paper.last is not None and paper.last.name in NAMES and bool(_groups(paper))


def _groups(paper: Paper) -> list[Group]:
    """Return what the newest picture shows and the speaker may name."""
    groups = paper.sights[-1].groups if paper.sights else ()
    return [group for group in groups if group.kind not in paper.kept]


def _posed(papers: Sequence[Paper], rng: Random) -> Iterator[Paper]:
    while True:
        for kind in rng.sample(_TYPES, len(_TYPES)):
            paper = rng.choice(papers)
            yield _with(paper, _worded(kind, rng.choice(_groups(paper)), paper, rng))


def _worded(kind: str, group: Group, paper: Paper, rng: Random) -> str:
    if kind == "absent":
        group = renamed(group, paper.sights[-1].drawing, rng)
    colour = group.colour if rng.random() < 0.5 else other_colour(group, rng)
    return say(kind, rng, **of_group(group), some_colour=colour)


def _with(paper: Paper, question: str) -> Paper:
    """Return a paper that ends with another line of the same person."""
    *before, last = paper.exam.request.prompt.segments()
    told = replace(last, text=f"{last.text.partition(': ')[0]}: {question}")
    request: Request = replace(paper.exam.request, prompt=Prompt().then(*before, told))
    gold = Teacher(paper.exam.sights.get).answer(request)
    return Paper(Exam(request, gold, paper.exam.sights), is_posed=True)
