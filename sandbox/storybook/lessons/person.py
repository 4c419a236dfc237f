"""What a person says and asks of a picture in a lesson: a handful of lines, some of them false, with follow-ups."""

from random import Random

from sandbox.storybook.questions import of_wrong, say
from sandbox.storybook.teacher.sight import moved, other_colour, recoloured, recounted, renamed
from sandbox.storybook.voices.words import of_group
from scenes.storybook.drawing import KINDS, Drawing, Group

NAMES = (
    "Human", "Human", "Human", "Rosa", "Emil", "Tara", "Jun", "Nadia", "Otto", "Lena", "Amir", "Clara", "Hugo", "Mina",
    "Felix", "Anouk", "Bela", "Dora", "Ivo", "Kaya", "Lars", "Nora", "Priya", "Sami", "Tilda", "Viktor", "Wanda",
    "Yusuf",
)  # fmt: skip
"""Some people give no name."""

_WEIGHTS = {
    "what": 9, "what_there": 7, "where": 14, "how_many": 11, "colour": 10, "present": 9, "absent": 11, "colour_yes": 10,
    "opinion": 16, "story": 6, "weather": 7, "time": 6, "place": 6, "who": 3, "name": 3, "secret": 2, "remark": 6,
    "joke": 2, "worry": 2, "false_colour": 3, "false_number": 3, "false_kind": 3, "false_side": 3,
}  # fmt: skip
"""How often a line is for what; yes and no, sides and tastes often, which were not learned at first."""
_WRONG = {"false_colour": recoloured, "false_number": recounted, "false_kind": renamed, "false_side": moved}
_FOLLOW_UPS = {"where": "follow_where", "how_many": "follow_how_many", "colour": "follow_colour"}


def lines(drawing: Drawing, rng: Random, person: str, other: str, has_secret: bool) -> tuple[str, ...]:
    """Return two to six lines that a person says of a picture to `other`, one after another."""
    person_slots = {"other": other} | ({"me": person} if person != "Human" else {})
    weights = _WEIGHTS | {"name": 0 if person == "Human" else 4, "secret": 14 if has_secret else 2}
    said = [say("greet", rng, **person_slots)] if rng.random() < 0.12 else []
    for intent in rng.choices(list(weights), list(weights.values()), k=rng.randint(2, 5)):
        group = rng.choice(drawing.groups)
        said.append(_line(intent, group, drawing, rng, person_slots))
        if intent in _FOLLOW_UPS and rng.random() < 0.3:
            follow_up = rng.choice([one for what, one in _FOLLOW_UPS.items() if what != intent])
            said.append(say(follow_up, rng, **person_slots))
    if rng.random() < 0.08:
        said.append(say("close", rng, **person_slots))
    return tuple(said)


def _line(intent: str, group: Group, drawing: Drawing, rng: Random, person: dict[str, str]) -> str:
    if intent == "absent":
        return say(intent, rng, **of_group(renamed(group, drawing, rng)), **person)
    if intent in _WRONG:
        wrong = _WRONG[intent](group, drawing, rng)
        return say(intent, rng, **of_group(group), **of_wrong(wrong), **person)
    colour = group.colour if rng.random() < 0.5 else other_colour(group, rng)
    if rng.random() < 0.08 and intent in ("where", "how_many", "colour"):  # what is not there can be asked for as well
        group = renamed(group, drawing, rng)
    return say(intent, rng, **of_group(group), some_colour=colour, **person)


def false_remark(drawing: Drawing, rng: Random) -> str:
    """Return a statement about a picture that is not so."""
    intent = rng.choice(list(_WRONG))
    return _line(intent, rng.choice(drawing.groups), drawing, rng, {})


def true_remark(drawing: Drawing, rng: Random) -> str:
    """Return a statement about a picture that is so."""
    return say("remark", rng, **of_group(rng.choice(drawing.groups)))


def kinds_for_tastes(drawing: Drawing, rng: Random) -> tuple[str, str]:
    """Return what somebody likes and hates: often something of the picture, so that tastes are learned as well."""
    there: list[str] = [group.kind for group in drawing.groups]
    liked = rng.choice(there) if rng.random() < 0.45 else rng.choice(KINDS)
    hated = rng.choice(there) if rng.random() < 0.45 else rng.choice(KINDS)
    return liked, hated if hated != liked else rng.choice([kind for kind in KINDS if kind != liked])
