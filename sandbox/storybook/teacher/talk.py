"""The discourse: what somebody says next in a talk about pictures that it sees, and sees rightly.

A question is answered, a false remark is corrected, a true one is met; then, sometimes, the talk moves on to what was
spoken of least. What the speaker keeps secret it does not name.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from random import Random

from sandbox.storybook.questions import Question, asked
from sandbox.storybook.teacher.heard import Heard, Said
from sandbox.storybook.teacher.saying import Move, Saying
from sandbox.storybook.teacher.sight import Sight, holds
from scenes.storybook.drawing import BACKDROPS, KINDS, Group, Kind
from scorers.claims import Claim, claims_in
from scorers.shape import read

JOKE = re.compile(r"\bjokes?\b|\bknock,? knock\b|\bwhy did the\b|\bfunny one\b", re.IGNORECASE)
WORRY = re.compile(r"\bworr(?:y|ied)\b|\bafraid\b|\bscared\b|\bnervous\b|\bfrighten", re.IGNORECASE)
_TALKED_OUT = 7
"""Own lines after which somebody may end a talk."""
_MORE, _MORE_TO_AN_ANSWER, _MORE_TO_NOTHING = 0.45, 0.25, 0.75
"""How often a second sentence follows the first: one of a picture, an answer, one that says nothing of a picture."""
_DEED, _DEED_AMONG_DEEDS, _THOUGHT = 0.08, 0.3, 0.03


@dataclass(frozen=True, slots=True)
class Thing:
    """A group and the picture that it is in."""

    group: Group
    sight: Sight


class Talk:
    """What one request is answered with."""

    def __init__(self, heard: Heard, sights: Sequence[Sight], rng: Random) -> None:
        self._heard, self._sights, self._rng = heard, sights, rng
        self._last = heard.last
        self._say = Saying(heard.me, self._other, heard.own, rng)

    # ---- what is there

    @cached_property
    def _things(self) -> list[Thing]:
        kept = kinds_in(self._heard.secret)
        return [Thing(group, sight) for sight in self._sights for group in sight.groups if group.kind not in kept]

    @cached_property
    def _spoken_of(self) -> Counter[Kind]:
        return Counter(kind for said in self._heard.lines for kind in kinds_in(said.words))

    @property
    def _other(self) -> str | None:
        return self._last.name if self._last else next(iter(self._heard.others), None)

    def _fresh(self, apart: Kind | None = None) -> Thing | None:
        """Return what was spoken of least; `apart` from one kind, if there is anything else."""
        things = [thing for thing in self._things if thing.group.kind != apart] or self._things
        if not things:
            return None
        least = min(self._spoken_of[thing.group.kind] for thing in things)
        return self._rng.choice([thing for thing in things if self._spoken_of[thing.group.kind] == least])

    def _find(self, kind: Kind | None) -> Thing | None:
        return next((thing for thing in self._things if thing.group.kind == kind), None)

    # ---- a line

    def reply(self) -> str:
        """Return the next line."""
        last, question = self._last, self._heard.question
        if question:
            return self.answer(question) or self._begin()
        if last is None:
            return self._begin()
        to_answer = asked(last.words, self._kinds_before(last))
        first = self._answered(to_answer) if to_answer else self._met(last)
        return self._with_deed(self._with_more(first, to_answer), to_answer)

    def answer(self, question: str) -> str:
        """Return what it says to a question that is put to it out of the talk; nothing if that cannot be read."""
        if question == "Go on.":
            return self._remark(("story", "topic", "comment"))
        read_as = asked(question)
        return self._answered(read_as) if read_as else ""

    def inwardly(self, intent: str) -> str:
        """Return what it thinks, or believes, to itself."""
        thing = self._fresh()
        return self._say.words(_about(intent, thing) if thing else Move(intent), Move("admit"))

    def _kinds_before(self, last: Said) -> list[Kind]:
        lines = [said for said in self._heard.lines if said is not last]
        return [kind for said in lines[-4:] for kind in kinds_in(said.words)]

    def _begin(self) -> str:
        return self._remark(("open", "comment") if self._heard.others else ("comment",))

    def _remark(self, intents: Iterable[str]) -> str:
        thing = self._fresh()
        if thing is None:
            return self._at_a_loss()
        intent = self._rng.choice(list(intents))
        return self._say.words(_about(intent, thing), _about("comment", thing))

    def _at_a_loss(self) -> str:
        """Return what can be said where nothing is in sight, or nothing that may be named."""
        sight = next(iter(self._sights), None)
        if self._heard.secret and self._last:
            return self._say.words(Move("evade"))
        return self._say.words(Move("place", sight=sight) if sight else Move("admit"), Move("admit"))

    # ---- a question

    def _answered(self, question: Question) -> str:
        whole = {"weather", "time", "place"}
        sight = self._sights[-1] if self._sights else None
        if question.about in whole:
            return self._say.words(Move(question.about, sight=sight) if sight else Move("admit"))
        if question.about == "what":
            return self._shown_there(question.value) if question.value else self._described(sight)
        if question.about in _PLAIN:
            return self._say.words(*(Move(intent) for intent in _PLAIN[question.about]))
        return self._answered_about_thing(question)

    def _described(self, sight: Sight | None) -> str:
        shown = [thing for thing in self._things if thing.sight == sight]
        if sight is None or not shown:
            return self._at_a_loss()
        if len(shown) < len(sight.groups):
            return self._say.words(_about("comment", self._rng.choice(shown)))
        return self._say.words(Move("what", sight=sight))

    def _shown_there(self, value: str) -> str:
        """Return what is on a side, or of a colour."""
        found = [thing for thing in self._things if value in (thing.group.position, thing.group.colour)]
        return self._say.words(_about("comment", found[0])) if found else self._elsewhere()

    def _elsewhere(self) -> str:
        """Return what there is where nothing is of what was asked for."""
        thing = self._fresh()
        return self._say.words(_about("correct_side", thing), _about("comment", thing)) if thing else self._at_a_loss()

    def _answered_about_thing(self, question: Question) -> str:
        thing = self._find(question.kind) if question.kind else self._fresh()
        if thing is None or (question.kind is None and question.about != "opinion" and question.about != "view"):
            return self._missing(question.kind)
        kind = question.about
        if kind == "is_there" or (kind in _YES and _is_so(question, thing.group)):
            return self._say.words(_about("present", thing))
        if kind in _YES:
            denied = "correct_side" if kind == "where_yes" else "correct"
            return self._say.words(_about(denied, thing)) or f"No. {self._say.words(_about('comment', thing))}"
        if kind in ("where", "how_many", "colour", "story"):
            return self._say.words(_about(kind, thing))
        return self._opinion(thing)

    def _missing(self, kind: Kind | None) -> str:
        """Return what it says of a thing that is not there, or that it keeps to itself."""
        other = self._fresh()
        if kind in kinds_in(self._heard.secret):
            return self._say.words(Move("evade"))
        if kind in {BACKDROPS.get(sight.drawing.place) for sight in self._sights}:
            return self._say.words(
                Move("place", sight=self._sights[-1])
            )  # there are some behind, of which nobody knows
        if kind and other:
            return self._say.words(Move("absent", other.group, kind, other.sight))
        return self._say.words(Move("admit"))

    def _opinion(self, thing: Thing) -> str:
        taste = self._taste(thing)
        intents = [taste] if taste != "neutral" else self._rng.choice((["neutral"], ["opinion", "neutral"]))
        return self._say.words(*(_about(intent, thing) for intent in intents))

    def _taste(self, thing: Thing) -> str:
        me, kind = self._heard.me, thing.group.kind
        return "liked" if kind in me.likes else "hated" if kind in me.hates else "neutral"

    # ---- a remark

    def _met(self, last: Said) -> str:
        for mood, intent in ((JOKE, "react_joke"), (WORRY, "react_worry")):
            if mood.search(last.words):
                return self._say.words(Move(intent), Move("react_opinion"), Move("admit"))
        claims = claims_in(last.words)
        false = next((claim for claim in claims if holds(claim, self._sights) is False), None)
        if false:
            return self._corrected(false) or self._chatted()
        true = [claim.kind for claim in claims if claim.kind and self._find(claim.kind)]
        return self._met_true(true[-1]) if true else self._chatted()

    def _corrected(self, false: Claim) -> str:
        """Return what is so instead of what was said."""
        thing = self._find(false.kind)
        sight = self._sights[-1]
        if false.kind is None:
            return self._say.words(Move(false.about, sight=sight))
        if thing is None:
            return self._not_there(false)
        if false.denied and false.about == "object":
            return self._say.words(_about("correct", thing))
        if false.about == "position":
            return self._say.words(_about("correct_side", thing), _about("where", thing))
        return self._say.words(_about("correct", thing))

    def _not_there(self, false: Claim) -> str:
        if false.kind in kinds_in(self._heard.secret):
            return self._say.words(Move("evade"))
        other = self._fresh()
        if other is None or false.denied:
            return ""
        return self._say.words(Move("correct_kind", other.group, false.kind, other.sight))

    def _met_true(self, kind: Kind) -> str:
        thing = self._find(kind)
        assert thing is not None, "it was found before"
        taste = self._taste(thing)
        often = taste if taste != "neutral" else "opinion"
        intent = self._rng.choices(
            ("agree", often, "react_opinion", "story", "tease", "quarrel", "topic"), (30, 25, 10, 12, 5, 8, 10)
        )[0]
        if intent == "topic":
            return self._remark(("topic",))
        return self._say.words(_about(intent, thing), _about("agree", thing), _about("present", thing))

    def _chatted(self) -> str:
        """Return an answer to words that say nothing of the picture."""
        if len(self._heard.own) >= _TALKED_OUT and self._rng.random() < 0.2:
            return self._say.words(Move("close"))
        if self._rng.random() < 0.5 and (thing := self._fresh()):
            return self._say.words(
                _about(self._rng.choice(("topic", "comment", "open")), thing), _about("comment", thing)
            )
        intent = self._rng.choice(("react_opinion", "react_opinion", "tease", "quarrel"))
        return self._say.words(Move(intent), Move("react_opinion")) or self._remark(("comment",))

    # ---- what goes with it

    def _with_more(self, first: str, question: Question | None) -> str:
        """Return a line with a second sentence, now and then: a question to the other, or a turn to something else.

        A line that says nothing of a picture mostly has one that does.
        """
        named = kinds_in(first)
        thing = self._fresh(named[-1] if named else None)
        chance = _MORE_TO_NOTHING if not named else _MORE_TO_AN_ANSWER if question else _MORE
        is_apart = question is not None and question.about in ("close", "greet", "secret", "weather", "time", "place")
        if thing is None or is_apart or not first or first.endswith("?") or self._rng.random() > chance:
            return first
        intent = self._rng.choices(("follow_up", "comment", "story"), (60, 20, 20))[0]
        return f"{first} {self._say.words(_about(intent, thing), _about('story', thing))}".strip()

    def _with_deed(self, line: str, question: Question | None) -> str:
        chance = self._rng.random()
        acts = any("(" in said.words for said in self._heard.lines[-4:])
        thing = self._fresh()
        if thing is None or question:
            return line
        if chance < (_DEED_AMONG_DEEDS if acts else _DEED):
            return f"({self._say.words(_about('action', thing))}) {line}"
        if chance > 1 - _THOUGHT:
            return f"{line} [{self._say.words(_about('thought', thing))}]"
        return line


_PLAIN = {
    "who": ("who",),
    "name": ("name", "admit"),
    "greet": ("greet",),
    "close": ("reply_close", "close"),
    "secret": ("evade",),
}
"""Questions that no picture answers, with the intents that do."""
_YES = ("colour_yes", "number_yes", "where_yes")


def _about(intent: str, thing: Thing) -> Move:
    return Move(intent, thing.group, sight=thing.sight)


def _is_so(question: Question, group: Group) -> bool:
    of_group = {"colour_yes": group.colour, "number_yes": str(group.number), "where_yes": group.position}
    return of_group[question.about] == question.value


def kinds_in(text: str) -> list[Kind]:
    """Return the things of the storybook world that a text names, in order."""
    line = read(text)
    return [kind for at, part in enumerate(line.shape) if part in "OS" and (kind := line.tokens[at].means) in KINDS]
