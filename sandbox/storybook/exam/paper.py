"""What is to be answered in an exam, and what would be right: by the words of the request and what its pictures show.

A paper has a type: what the last line asks (`where`, `colour`, …), or what kind of remark it is. Where one fact is
needed for a right answer, the paper says which answers have it, and how an answer is read off what a reply claims.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from sandbox.storybook.lessons.lesson import Exam
from sandbox.storybook.questions import Question, asked
from sandbox.storybook.teacher.heard import Heard, Said, heard
from sandbox.storybook.teacher.sight import Sight, holds
from sandbox.storybook.teacher.talk import JOKE, WORRY, kinds_in
from sandbox.storybook.voices.words import NUMBERS, POSITIONS
from scenes.profile import CharacterProfile
from scenes.storybook.drawing import BACKDROPS, PLACES, TIMES, WEATHERS, Drawing, Group, Kind, plural
from scorers.claims import About, Claim, claims_in, is_true

YES, NO = "yes", "no"
ABSENT = "it is not there"
_WHOLE: tuple[About, ...] = ("weather", "time", "place")
_OF_GROUP: dict[str, About] = {"where": "position", "how_many": "number", "colour": "colour"}
_YES_NO: dict[str, About] = {
    "is_there": "object", "colour_yes": "colour", "number_yes": "number", "where_yes": "position",
}  # fmt: skip
FACTS = (*_OF_GROUP, *_YES_NO, *_WHOLE, "what", "false remark", "true remark")
"""The types that need a fact."""


class Fact(NamedTuple):
    """What an answer needs."""

    about: About
    kind: Kind | None
    answers: frozenset[str]
    """Those that are right."""
    said: str = ""
    """What was asked or falsely said: the value of a yes/no question or of a false remark."""


@dataclass(frozen=True)
class Paper:
    """An exam, read."""

    exam: Exam
    is_posed: bool = False
    """Whether its last line was put there to be measured, and is none of the scene as it was played."""

    @cached_property
    def told(self) -> Heard:
        """What the request tells."""
        return heard(self.exam.request)

    @property
    def profile(self) -> CharacterProfile:
        """Who answers."""
        return self.told.me

    @property
    def gold(self) -> str:
        """What the teacher said."""
        return self.exam.gold

    @property
    def scene(self) -> str:
        """The scene that it is from."""
        return next(iter(self.exam.sights))

    @cached_property
    def sights(self) -> list[Sight]:
        """What is in view, oldest first."""
        return [self.exam.sights[image] for image in self.told.images]

    @cached_property
    def last(self) -> Said | None:
        """The line that is to be answered, if there is one."""
        return None if self.told.question else self.told.last

    @cached_property
    def question(self) -> Question | None:
        """What the last line asks."""
        if self.last is None:
            return None
        before = [said for said in self.told.lines if said is not self.last]
        return asked(self.last.words, [kind for said in before[-4:] for kind in kinds_in(said.words)])

    @cached_property
    def kept(self) -> frozenset[Kind]:
        """The things that the speaker keeps secret."""
        return frozenset(kinds_in(self.told.secret))

    @cached_property
    def false_claim(self) -> Claim | None:
        """What the last line says that is not so."""
        claims = claims_in(self.last.words) if self.last else []
        return next((claim for claim in claims if holds(claim, self.sights) is False), None)

    @cached_property
    def type(self) -> str:
        """What the last line asks, or what kind of remark it is; `begin` where there is none."""
        if self.last is None:
            return "begin"
        if self.question:
            return self.question.about
        if JOKE.search(self.last.words) or WORRY.search(self.last.words):
            return "joke or worry"
        if self.false_claim:
            return "false remark"
        named = [claim.kind for claim in claims_in(self.last.words) if claim.kind]
        return "true remark" if any(self.group(kind) for kind in named) else "other remark"

    @cached_property
    def fact(self) -> Fact | None:
        """What a right answer needs; None where that is no single fact, is kept secret, or cannot be seen."""
        found = self._fact() if self.sights else None
        return None if found is None or (found.kind and not self._can_tell(found.kind)) else found

    @cached_property
    def is_told(self) -> bool:
        """Whether the request tells the fact in words, or whole or in part what it needs."""
        fact = self.fact
        return fact is not None and any((claim.about, claim.kind) == (fact.about, fact.kind) for claim in self.heard)

    @cached_property
    def heard(self) -> list[Claim]:
        """What the words of the request truly claim, the grammar's own claims left out."""
        return [claim for claim in self._said() if not claim.implied and is_true(claim, self._drawings)]

    def group(self, kind: Kind | None) -> Group | None:
        """Return the group of a kind that is in view, and no secret."""
        groups = [group for sight in self.sights for group in sight.groups if group.kind not in self.kept]
        return next((group for group in groups if group.kind == kind), None)

    def claims(self, reply: str) -> list[Claim]:
        """Return what a reply claims, read as an answer to the last line; a question is completed where it is short."""
        return claims_in(reply, self._asked_for)

    def answer(self, claims: Sequence[Claim]) -> str | None:
        """Return the answer that claims give to what is asked; None where they give none, or several."""
        fact, about = self.fact, _YES_NO.get(self.type)
        if fact is None:
            return None
        if about:
            return _yes_or_no(claims, fact)
        return _value(claims, fact)

    # ---- what is needed

    def _can_tell(self, kind: Kind) -> bool:
        """Return whether the speaker sees, and may say, how it is with a kind of thing."""
        backdrops = {BACKDROPS.get(sight.drawing.place) for sight in self.sights}
        seen = self.group(kind) is not None or (all(sight.is_whole for sight in self.sights) and kind not in backdrops)
        return seen and kind not in self.kept

    def _fact(self) -> Fact | None:
        if self.type == "false remark" and self.false_claim:
            return self._correction(self.false_claim)
        question = self.question
        if question is None:
            return None
        if question.about in _WHOLE:
            return self._of_whole(question.about)
        if question.kind is None:
            return None
        if question.about in _OF_GROUP:
            return self._of_group(_OF_GROUP[question.about], question.kind)
        return self._yes(question, question.kind) if question.about in _YES_NO else None

    def _of_whole(self, about: About) -> Fact:
        values = {"weather": WEATHERS, "time": TIMES, "place": PLACES}[about]
        true = [one for one in values if is_true(Claim(about, one, one), [self.sights[-1].drawing])]
        return Fact(about, None, frozenset(true))

    def _of_group(self, about: About, kind: Kind) -> Fact:
        group = self.group(kind)
        return Fact(about, kind, frozenset({_of(group, about) if group else ABSENT}))

    def _yes(self, question: Question, kind: Kind) -> Fact:
        about, group = _YES_NO[question.about], self.group(kind)
        value = question.value or ""
        is_so = group is not None and (about == "object" or _is(group, about, value))
        return Fact(about, kind, frozenset({YES if is_so else NO}), value)

    def _correction(self, false: Claim) -> Fact | None:
        if false.kind is None:
            return self._of_whole(false.about)._replace(said=false.value)
        group = self.group(false.kind)
        if group is None and not self._can_tell(false.kind):
            return None
        if group is None:
            there = [group.kind for sight in self.sights for group in sight.groups]
            return Fact("object", None, frozenset(there), false.kind)
        return Fact(false.about, false.kind, frozenset({_of(group, false.about)}), false.value)

    # ---- what is said

    @property
    def _drawings(self) -> list[Drawing]:
        return [sight.drawing for sight in self.sights]

    def _said(self) -> Iterator[Claim]:
        before = ""
        for segment in self.exam.request.prompt.segments():
            if segment.stability in ("history", "instruction") and segment.text:
                words = segment.text.partition(": ")[2] if segment.role == "user" else segment.text
                yield from claims_in(words, before)
                before = words

    @cached_property
    def _asked_for(self) -> str:
        words, question = self.last.words if self.last else "", self.question
        if question is None or question.kind is None or set(kinds_in(words)) == {question.kind}:
            return words
        return _WORDED.get(question.about, "Do you like the {kind}?").format(
            kind=question.kind, kinds=plural(question.kind), value=_in_words(question.value or "")
        )


_WORDED = {
    "where": "Where is the {kind}?",
    "how_many": "How many {kinds} are there?",
    "colour": "What colour is the {kind}?",
    "is_there": "Is there a {kind}?",
    "colour_yes": "Is the {kind} {value}?",
    "number_yes": "Are there {value} {kinds}?",
    "where_yes": "Is the {kind} {value}?",
}


def _in_words(value: str) -> str:
    if value in POSITIONS:
        return POSITIONS[value]
    return NUMBERS[int(value)] if value.isdigit() and int(value) < len(NUMBERS) else value


def _of(group: Group, about: About) -> str:
    """Return what is true of a group."""
    values = {"number": str(group.number), "colour": group.colour, "position": group.position}
    return values.get(about, group.kind)


def _is(group: Group, about: About, value: str) -> bool:
    if value.startswith(">"):
        return group.number > int(value[1:])
    return _of(group, about) == value


def _value(claims: Sequence[Claim], fact: Fact) -> str | None:
    """Return the one value that is claimed; what is said to be absent has none."""
    given = {claim.value for claim in claims if claim.about == fact.about and not claim.denied and _fits(claim, fact)}
    if len(given) == 1 or (fact.kind is None and given and given <= fact.answers):
        return min(given)
    gone = any(claim.about == "object" and claim.denied and claim.kind == fact.kind for claim in claims)
    return ABSENT if gone and not given else None


def _fits(claim: Claim, fact: Fact) -> bool:
    """Return whether a claim is about what a fact is; where any thing will do, about any."""
    return claim.kind == fact.kind or (fact.kind is None and fact.about == "object")


def _yes_or_no(claims: Sequence[Claim], fact: Fact) -> str | None:
    of_thing = [claim for claim in claims if claim.kind == fact.kind]
    if any(claim.about == "object" and claim.denied for claim in of_thing):
        return NO
    said = [claim for claim in of_thing if claim.about == fact.about]
    answers = {YES if _agrees(claim, fact) else NO for claim in said}
    if len(answers) == 1:
        return answers.pop()
    shown = any(claim.about == "object" for claim in of_thing)
    return YES if shown and fact.about == "position" and not said else None


def _agrees(claim: Claim, fact: Fact) -> bool:
    """Return whether a claim says yes to what was asked."""
    if fact.about == "object":
        return not claim.denied
    if fact.said.startswith(">") and claim.value.isdigit():
        return int(claim.value) > int(fact.said[1:])
    return (claim.value == fact.said) != claim.denied
