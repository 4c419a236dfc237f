"""Answers made worse in known ways, so that it is known what a judge should say of them.

An answer counts as worse only if it is: where a fact is changed, the answer must then claim what is false of its
picture, and what does not answer must be read as no answer. Some ways are kept from training: they show whether a judge
knows a bad answer, or only the ways that it was shown.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from random import Random
from typing import Literal, get_args

from sandbox.storybook.exam.paper import Paper
from sandbox.storybook.lessons.person import lines
from sandbox.storybook.questions import asked
from sandbox.storybook.teacher.heard import Said
from sandbox.storybook.teacher.saying import Move, Saying, voice_for
from sandbox.storybook.teacher.sight import holds
from sandbox.storybook.teacher.talk import Talk
from sandbox.storybook.teacher.teacher import Teacher
from sandbox.storybook.voices.made_up import made_up
from sandbox.storybook.voices.words import NUMBERS, with_article
from scenes.storybook.cast import shipped_profiles
from scenes.storybook.drawing import COLOURS, KINDS, SEEDS, Kind, plural
from scorers.claims import Claim
from scorers.mmrole.metrics import METRICS

Way = Literal[
    "clean", "wrong object", "wrong colour", "wrong number", "other voice", "contradiction", "off topic", "grammar",
    "empty", "wrong side", "parrot", "misspelt",
]  # fmt: skip
WAYS: tuple[Way, ...] = get_args(Way)
CLEAN: Way = "clean"
EMPTY: Way = "empty"
"""Needs no model to be told, so that none is fitted on it and no figure counts it."""
KEPT_BACK: frozenset[Way] = frozenset({"wrong side", "parrot", "misspelt"})
"""Ways that no reward model was fitted on."""
FITTED: tuple[Way, ...] = tuple(way for way in WAYS if way not in KEPT_BACK | {CLEAN, EMPTY})

NAMES = tuple(metric.metric for metric in METRICS)
GOOD, WORST = 9, 1
"""What an answer that is as it should be gets for each metric, and what no answer gets."""
_TRUTH: Mapping[Way, Mapping[str, int]] = {
    "clean": {},
    "wrong object": {"image_text_relevance": 2, "response_accuracy": 2, "instruction_adherence": 6},
    "wrong colour": {"image_text_relevance": 4, "response_accuracy": 3},
    "wrong number": {"image_text_relevance": 4, "response_accuracy": 3},
    "other voice": {"personality_consistency": 3, "tone_consistency": 2, "knowledge_consistency": 6},
    "contradiction": {"coherency": 3, "response_accuracy": 4, "image_text_relevance": 5},
    "off topic": {"instruction_adherence": 3, "coherency": 3, "response_accuracy": 3},
    "grammar": {"fluency": 2, "coherency": 4, "tone_consistency": 6},
    "empty": dict.fromkeys(NAMES, WORST),
    "wrong side": {"image_text_relevance": 4, "response_accuracy": 3},
    "parrot": {
        "instruction_adherence": 3, "coherency": 3, "response_accuracy": 3, "personality_consistency": 4,
        "tone_consistency": 4,
    },
    "misspelt": {"fluency": 2, "coherency": 7, "tone_consistency": 6},
}  # fmt: skip
"""What each way does to each metric: scores of 1 to 10, and `GOOD` for what it does nothing to."""


@dataclass(frozen=True, slots=True)
class Degraded:
    """An answer, and in which way it is worse than it should be."""

    way: Way
    text: str

    @property
    def scores(self) -> tuple[int, ...]:
        """Return what it deserves by each of MMRole's eight metrics, in their order."""
        return scores_of(self.way)


def scores_of(way: Way) -> tuple[int, ...]:
    """Return what an answer deserves that is worse in one way, by each of MMRole's eight metrics, in their order."""
    return tuple(_TRUTH[way].get(name, GOOD) for name in NAMES)


def degraded(paper: Paper, way: Way, rng: Random) -> Degraded | None:
    """Return the teacher's answer made worse in one way; None where it cannot be in that way.

    `clean` is another answer of the teacher, as good as the one that came with the paper.
    """
    text = _WORSE[way](paper, rng)
    return None if text is None or text == paper.gold else Degraded(way, text)


Worse = Callable[[Paper, Random], str | None]


def _clean(paper: Paper, rng: Random) -> str | None:
    request = replace(paper.exam.request, seed=rng.getrandbits(32))
    return _true(paper, Teacher(paper.exam.sights.get).answer(request))


def _empty(paper: Paper, rng: Random) -> str:
    return ""


# ---- what is false of the picture


def _other_object(paper: Paper, rng: Random) -> str | None:
    named = _claimed(paper)
    if not named:
        return None
    kind, other = rng.choice(named), rng.choice([kind for kind in KINDS if kind not in named])
    return _false(paper, _exchanged(_exchanged(paper.gold, plural(kind), plural(other)), kind, other))


def _other_colour(paper: Paper, rng: Random) -> str | None:
    return _other_word(paper, COLOURS, rng)


def _other_number(paper: Paper, rng: Random) -> str | None:
    return _other_word(paper, NUMBERS[2:], rng)


def _other_side(paper: Paper, rng: Random) -> str | None:
    return _other_word(paper, ("on the left", "in the middle", "on the right"), rng)


def _other_word(paper: Paper, words: Iterable[str], rng: Random) -> str | None:
    """Return the answer with one of `words` that it holds in the place of another of them."""
    said = [word for word in words if re.search(rf"\b{word}\b", paper.gold, re.IGNORECASE)]
    others = [word for word in words if word not in said]
    if not said or not others:
        return None
    return _false(paper, _exchanged(paper.gold, rng.choice(said), rng.choice(others)))


def _exchanged(text: str, word: str, other: str) -> str:
    """Return a text with one word for another, and the article that this needs."""

    def exchange(found: re.Match[str]) -> str:
        words = with_article(other) if found["article"] else other
        return words[0].upper() + words[1:] if found[0][0].isupper() else words

    return re.sub(rf"\b(?P<article>an? )?{word}\b", exchange, text, flags=re.IGNORECASE)


def _claimed(paper: Paper) -> list[Kind]:
    """Return the things of which the answer says that they are there."""
    claims = [claim for claim in paper.claims(paper.gold) if claim.about == "object" and not claim.denied]
    return [claim.kind for claim in claims if claim.kind]


def _false(paper: Paper, text: str) -> str | None:
    """Return `text` if it claims what is false of what is seen, and the teacher's answer does not."""
    return text if _lies(paper, text) and not _lies(paper, paper.gold) else None


def _true(paper: Paper, text: str) -> str | None:
    return None if _lies(paper, text) else text


def _lies(paper: Paper, text: str) -> list[Claim]:
    return [claim for claim in paper.claims(text) if holds(claim, paper.sights) is False]


def _contradiction(paper: Paper, rng: Random) -> str | None:
    """Return the answer with a denial, in the speaker's voice, of something that it says is there."""
    named = _claimed(paper)
    if not named:
        return None
    kind = rng.choice(named)
    there = [(group, sight) for sight in paper.sights for group in sight.groups if group.kind not in named]
    saying = Saying(paper.profile, None, [paper.gold], rng)
    moves = [Move("absent", group, kind, sight) for group, sight in rng.sample(there, min(1, len(there)))]
    denial = (saying.words(*moves) if rng.random() < 0.5 else "") or rng.choice(_DENIALS).format(kind, plural(kind))
    return _false(paper, " ".join(rng.sample([paper.gold, denial], 2)))


_DENIALS = (
    "There is no {0}.",
    "No {0} is here at all.",
    "I see no {1}.",
    "There are no {1} here.",
    "Not one {0} is to be seen.",
    "And yet there is no {0} anywhere.",
)


# ---- what does not suit the speaker or the talk


def _other_voice(paper: Paper, rng: Random) -> str | None:
    """Return what somebody of another voice would have answered in the speaker's place, by the same tastes."""
    me, told = paper.profile, paper.told
    other = made_up(rng.randrange(SEEDS)) if rng.random() < 0.5 else rng.choice(shipped_profiles())
    if voice_for(other) == voice_for(me) or other.name in told.others:
        return None
    stand_in = other.model_copy(update={"likes": me.likes, "hates": me.hates})
    said = tuple(Said(other.name if one.name == me.name else one.name, one.words) for one in told.lines)
    return _true(paper, Talk(replace(told, me=stand_in, lines=said), paper.sights, rng).reply())


def _off_topic(paper: Paper, rng: Random) -> str | None:
    """Return a true answer to another question, which leaves the one that was asked without one."""
    if paper.last is None or paper.fact is None or not paper.question:
        return None
    said = rng.choice(lines(paper.sights[-1].drawing, rng, "Human", paper.profile.name, False))
    other = asked(said)
    if other and other.about == paper.question.about:
        return None
    told = replace(paper.told, lines=(*paper.told.lines[:-1], Said(paper.last.name, said)))
    text = _true(paper, Talk(told, paper.sights, rng).reply())
    return text if text and paper.answer(paper.claims(text)) is None else None


def _parrot(paper: Paper, rng: Random) -> str | None:
    return paper.last.words if paper.last and len(paper.last.words.split()) > 2 else None


def _broken(paper: Paper, rng: Random) -> str | None:
    """Return the words in another order, a third of them exchanged with a neighbour but one."""
    words = paper.gold.split()
    if len(words) < 5:
        return None
    for at in rng.sample(range(len(words) - 2), max(2, len(words) // 3)):
        words[at], words[at + 2] = words[at + 2], words[at]
    return " ".join(words)


def _misspelt(paper: Paper, rng: Random) -> str | None:
    """Return the words with two letters exchanged in every other one that has five letters or more."""
    words = paper.gold.split()
    long = [at for at, word in enumerate(words) if len(word) >= 5]
    if len(long) < 2:
        return None
    for at in rng.sample(long, max(2, len(long) // 2)):
        cut = rng.randrange(1, len(words[at]) - 2)
        before, one, other, after = words[at][:cut], words[at][cut], words[at][cut + 1], words[at][cut + 2 :]
        words[at] = f"{before}{other}{one}{after}"
    return " ".join(words)


_WORSE: Mapping[Way, Worse] = {
    "clean": _clean,
    "wrong object": _other_object,
    "wrong colour": _other_colour,
    "wrong number": _other_number,
    "other voice": _other_voice,
    "contradiction": _contradiction,
    "off topic": _off_topic,
    "grammar": _broken,
    "empty": _empty,
    "wrong side": _other_side,
    "parrot": _parrot,
    "misspelt": _misspelt,
}
