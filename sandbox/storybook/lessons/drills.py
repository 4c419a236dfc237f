"""Drills: many short questions about one picture or one profile, with bare answers.

Few words of a scene are looked up in the picture, and fewer in the profile. From scenes alone a small model learns to
talk long before it learns to look up what it is asked for. In a drill every word that is learned has to be looked up.
They are told apart from a talk by who asks, so that nobody answers as shortly there.
"""

from collections.abc import Callable, Iterator
from random import Random

from agents.prompts.blocks import sheet
from sandbox.storybook.lessons.lesson import Lesson, Seen, Turn
from sandbox.storybook.questions import say
from sandbox.storybook.teacher.sight import other_colour, renamed
from sandbox.storybook.voices.made_up import made_up
from sandbox.storybook.voices.words import of_drawing, of_group, thing
from scenes.storybook.drawing import COLOURS, KINDS, SEEDS, Drawing, Group, Kind, describe, plural, sample

Asked = tuple[str, str]
"""A question and its answer."""

_ASKS = "Quiz: "
_QUESTIONS = 6
_READ = "Scene: Read the picture."


def drills(seed: int, held_out: bool = False) -> Iterator[Lesson]:
    """Yield drills without end: a whole picture, questions about a picture, questions about a profile, in turn."""
    rng = Random(seed)
    while True:
        yield reading(Seen(sample(rng, held_out)))
        yield picture_drill(sample(rng, held_out), rng)
        yield picture_drill(sample(rng, held_out), rng)
        yield profile_drill(rng)


def reading(seen: Seen) -> Lesson:
    """Return a drill that tells all that a picture shows."""
    question = Turn("user", (None, _READ), False)
    return Lesson((question, Turn("assistant", (describe(seen.drawing),), True)), (seen,), "reading")


def picture_drill(drawing: Drawing, rng: Random) -> Lesson:
    """Return questions of a person about a picture, each worded by lot."""
    first, *others = _turns(_about_picture(drawing, rng))
    shown = Turn("user", (None, *first.parts), False)
    return Lesson((shown, *others), (Seen(drawing),), "picture drill")


def _turns(asked: list[Asked]) -> list[Turn]:
    return [
        turn
        for question, answer in asked
        for turn in (Turn("user", (_ASKS + question,), False), Turn("assistant", (answer,), True))
    ]


# ---- pictures


def _about_picture(drawing: Drawing, rng: Random) -> list[Asked]:
    """Return questions, none twice: the second answer would be read off the first."""
    possible = [(ask, group) for ask in _OF_THINGS for group in drawing.groups]
    possible += [(ask, drawing.groups[0]) for ask in _OF_WHOLES]
    asked = (ask(drawing, group, rng) for ask, group in rng.sample(possible, _QUESTIONS))
    return [(question, f"{answer[0].upper()}{answer[1:]}.") for question, answer in asked]


def _of_thing(intent: str, slot: str) -> Callable[[Drawing, Group, Random], Asked]:
    """Return what asks for one thing's side, number or colour; now and then it is not there."""

    def asked(drawing: Drawing, group: Group, rng: Random) -> Asked:
        if rng.random() < 0.1:
            absent = renamed(group, drawing, rng)
            return _say(intent, absent, rng), f"no {absent.kind}"
        return _say(intent, group, rng), of_group(group)[slot]

    return asked


def _of_whole(intent: str, slot: str) -> Callable[[Drawing, Group, Random], Asked]:
    return lambda drawing, group, rng: (say(intent, rng), of_drawing(drawing)[slot])


def _is_there(drawing: Drawing, group: Group, rng: Random) -> Asked:
    if rng.random() < 0.5:
        return _say("present", group, rng), f"yes, {thing(group)}"
    absent = renamed(group, drawing, rng)
    return _say("absent", absent, rng), f"no, no {absent.kind}"


def _is_so(drawing: Drawing, group: Group, rng: Random) -> Asked:
    asked = group.colour if rng.random() < 0.5 else other_colour(group, rng)
    return _say("colour_yes", group, rng, asked), "yes" if asked == group.colour else f"no, {group.colour}"


def _what_there(drawing: Drawing, group: Group, rng: Random) -> Asked:
    return _say("what_there", group, rng), thing(group)


def _what(drawing: Drawing, group: Group, rng: Random) -> Asked:
    return say("what", rng), of_drawing(drawing)["scene"]


def _say(intent: str, group: Group, rng: Random, colour: str = "") -> str:
    return say(intent, rng, **of_group(group), **({"some_colour": colour} if colour else {}))


_OF_THINGS = (
    _of_thing("where", "where"),
    _of_thing("how_many", "number"),
    _of_thing("colour", "colour"),
    _is_there,
    _is_so,
    _what_there,
)
_OF_WHOLES = (_what, _of_whole("weather", "weather"), _of_whole("time", "time"), _of_whole("place", "place"))


# ---- profiles


def profile_drill(rng: Random) -> Lesson:
    """Return questions about a profile that is told in the one line of the layout `compact`.

    Its tastes and words are by lot, so that they cannot be known but from there.
    """
    liked, hated, *others = rng.sample(KINDS, 4)
    profile = made_up(rng.randrange(SEEDS)).model_copy(update={"likes": (liked,), "hates": (hated,)})
    possible = [
        ("What do you like?", plural(liked)),
        ("What do you hate?", plural(hated)),
        ("What do you call people?", profile.address or ""),
        ("What do you always say?", profile.catchphrases[0]),
        ("Who are you?", profile.name),
        (_opinion(liked, rng), "I like them"),
        (_opinion(hated, rng), "I hate them"),
        *((_opinion(kind, rng), "I do not mind them") for kind in others),
    ]
    told = Turn("system", (sheet(profile),), False)
    return Lesson((told, *_turns(rng.sample(possible, _QUESTIONS))), (), "profile drill")


def _opinion(kind: Kind, rng: Random) -> str:
    group = Group(kind=kind, number=rng.randint(1, 4), colour=rng.choice(COLOURS), position="left")
    return say("opinion", rng, **of_group(group))
