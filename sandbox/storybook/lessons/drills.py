"""Drills: many short questions about one picture or one profile, with bare answers.

Few words of a scene are looked up in the picture, and fewer in the profile. From scenes alone a small model learns to
talk long before it learns to look up what it is asked for, and from questions of all wordings it learns that no sooner.
In a roll call, where things are named and nothing else, it learns it in minutes; then the wordings come. A drill is
told apart from a talk by who asks, so that nobody answers as shortly there.
"""

from collections.abc import Callable, Iterable, Iterator
from random import Random

from agents.prompts.blocks import sheet
from sandbox.storybook.lessons.lesson import Lesson, Seen, Turn
from sandbox.storybook.lessons.person import false_remark, true_remark
from sandbox.storybook.questions import say
from sandbox.storybook.teacher.sight import absent, other_colour
from sandbox.storybook.voices.made_up import made_up
from sandbox.storybook.voices.words import NUMBERS, of_drawing, of_group, thing
from scenes.profile import CharacterProfile
from scenes.storybook.drawing import KINDS, SEEDS, Drawing, Group, Kind, describe, plural, sample, usual_colours

Asked = tuple[str, str]
"""A question and its answer."""
Ask = Callable[[Drawing, Group, Random], Asked]
"""Returns a question about a picture, about one of its groups or one like those that are not there."""

_ASKS = "Quiz: "
_QUESTIONS = 10
_ABSENT = 6
"""Kinds that are not in a picture and are asked for nevertheless, at most."""
_READ = "Scene: Read the picture."


def roll_calls(seed: int, held_out: bool = False) -> Iterator[Lesson]:
    """Yield roll calls of pictures without end."""
    rng = Random(seed)
    while True:
        yield roll_call(sample(rng, held_out), rng)


def drills(seed: int, held_out: bool = False) -> Iterator[Lesson]:
    """Yield drills without end: a whole picture, questions about pictures and about a profile, in turn."""
    rng = Random(seed)
    while True:
        yield reading(Seen(sample(rng, held_out)))
        yield picture_drill(sample(rng, held_out), rng)
        yield picture_drill(sample(rng, held_out), rng)
        yield profile_drill(rng)


def reading(seen: Seen) -> Lesson:
    """Return a drill that tells all that a picture shows."""
    return _of_picture(seen.drawing, [(_READ, describe(seen.drawing))], "reading")


def _of_picture(drawing: Drawing, asked: Iterable[Asked], about: str) -> Lesson:
    first, *others = _turns(asked)
    shown = Turn("user", (None, *first.parts), False)
    return Lesson((shown, *others), (Seen(drawing),), about)


def _turns(asked: Iterable[Asked]) -> list[Turn]:
    return [
        turn
        for question, answer in asked
        for turn in (Turn("user", (question,), False), Turn("assistant", (answer,), True))
    ]


# ---- roll calls

_SLOTS: dict[str, Callable[[Group], str]] = {
    "any": lambda group: "yes",
    "where": lambda group: group.position,
    "number": lambda group: NUMBERS[group.number],
    "colour": lambda group: group.colour,
}


def roll_call(drawing: Drawing, rng: Random) -> Lesson:
    """Return a drill that names each thing of a picture, and things that it does not show, once for every fact."""
    told = [(slot, one.kind, tell(one)) for one in drawing.groups for slot, tell in _SLOTS.items()]
    told += [(rng.choice([*_SLOTS]), kind, "no") for kind in rng.sample(absent(drawing), _ABSENT)]
    asked = [(f"{slot}: {plural(kind)}", fact) for slot, kind, fact in told]
    return _of_picture(drawing, rng.sample(asked, len(asked)), "roll call")


# ---- questions about pictures


def picture_drill(drawing: Drawing, rng: Random) -> Lesson:
    """Return questions of a person about a picture, each worded by lot."""
    return _of_picture(drawing, _quiz(_about_picture(drawing, rng)), "picture drill")


def _quiz(asked: Iterable[Asked]) -> Iterator[Asked]:
    return ((_ASKS + question, f"{answer[0].upper()}{answer[1:]}.") for question, answer in asked)


def _about_picture(drawing: Drawing, rng: Random) -> Iterator[Asked]:
    """Return questions, none twice: the second answer would be read off the first."""
    possible = [(ask, group) for ask in _OF_THINGS for group in drawing.groups]
    possible += [(rng.choice(_OF_ABSENT), _some(kind, rng)) for kind in rng.sample(absent(drawing), _ABSENT)]
    possible += [(ask, drawing.groups[0]) for ask in _OF_WHOLES]
    return (ask(drawing, group, rng) for ask, group in rng.sample(possible, _QUESTIONS))


def _some(kind: Kind, rng: Random) -> Group:
    return Group(kind=kind, number=rng.randint(1, 4), colour=rng.choice(usual_colours(kind)), position="left")


def _of_thing(intent: str, slot: str) -> Ask:
    return lambda drawing, group, rng: (_say(intent, group, rng), of_group(group)[slot])


def _of_absent(intent: str) -> Ask:
    return lambda drawing, group, rng: (_say(intent, group, rng), f"no {group.kind}")


def _of_whole(intent: str, slot: str) -> Ask:
    return lambda drawing, group, rng: (say(intent, rng), of_drawing(drawing)[slot])


def _is_there(drawing: Drawing, group: Group, rng: Random) -> Asked:
    return _say("present", group, rng), f"yes, {thing(group)}"


def _is_so(drawing: Drawing, group: Group, rng: Random) -> Asked:
    asked = group.colour if rng.random() < 0.5 else other_colour(group, rng)
    return _say("colour_yes", group, rng, asked), "yes" if asked == group.colour else f"no, {group.colour}"


def _what_there(drawing: Drawing, group: Group, rng: Random) -> Asked:
    return _say("what_there", group, rng), thing(group)


def _remark(drawing: Drawing, group: Group, rng: Random) -> Asked:
    return (true_remark(drawing, rng), "true") if rng.random() < 0.5 else (false_remark(drawing, rng), "false")


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
_OF_ABSENT = (*(_of_absent(intent) for intent in ("where", "how_many", "colour")), *[_of_absent("absent")] * 3)
_OF_WHOLES = (
    _of_whole("what", "scene"),
    *(_of_whole(slot, slot) for slot in ("weather", "time", "place")),
    _remark,
)


# ---- questions about profiles


def _tasting(rng: Random) -> tuple[CharacterProfile, list[tuple[Kind, str]]]:
    """Return somebody whose tastes are by lot, so that they cannot be known but from the profile; and tastes."""
    kinds, many = rng.sample(KINDS, 12), rng.choice((1, 1, 2, 3))
    liked, hated, neither = kinds[:many], kinds[3 : 3 + many], kinds[6 : 8 + 2 * many]
    profile = made_up(rng.randrange(SEEDS)).model_copy(update={"likes": tuple(liked), "hates": tuple(hated)})
    told = {"like": liked, "hate": hated, "do not mind": neither}
    return profile, [(kind, taste) for taste, of in told.items() for kind in of]


def profile_drill(rng: Random) -> Lesson:
    """Return questions about a profile that is told in the one line of the layout `compact`."""
    profile, tastes = _tasting(rng)
    possible = [
        ("What do you like?", f"I like {_plurals(profile.likes)}"),
        ("What do you hate?", f"I hate {_plurals(profile.hates)}"),
        ("What do you call people?", f"I call them {profile.address}"),
        ("What do you always say?", f"I say {profile.catchphrases[0]}"),
        ("Who are you?", f"I am {profile.name}"),
        *((say("opinion", rng, **of_group(_some(kind, rng))), f"I {taste} them") for kind, taste in tastes),
    ]
    asked = _quiz(rng.sample(possible, min(_QUESTIONS, len(possible))))
    return Lesson((Turn("system", (sheet(profile),), False), *_turns(asked)), (), "profile drill")


def _plurals(kinds: Iterable[str]) -> str:
    return ", ".join(map(plural, kinds))
