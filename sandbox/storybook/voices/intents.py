"""What a line can be for, and which slots its frames may have: the closed list that every bank of frames fills.

It is apart from the banks so that a planner of talks and the check of a bank read the same list.
"""

from typing import NamedTuple

from scorers.claims import About

THING = frozenset(
    {"thing", "the_thing", "kind", "kinds", "a_kind", "number", "counted", "colour", "where"}
    | {"is", "was", "has", "does", "it", "them", "its", "that", "this", "s", "es", "it_s", "that_s"}
)
"""Of one group of the picture, one or several: `two red boats`, `the red boats`, `boats` … `are`, `they`, `those`."""
NAMED = frozenset({"thing", "the_thing", "kind", "kinds", "a_kind", "counted", "it", "them", "it_s"})
"""Those that say which group is meant."""
WHOLE = frozenset({"weather", "time", "at_time", "place", "the_place", "in_place"})
"""Of the picture as a whole."""
ABSENT = frozenset({"absent", "absents", "an_absent"})
"""Of a kind of thing that is not there."""
SELF = frozenset({"me", "role", "address", "catchphrase", "liked", "hated"})
"""Of the speaker, as its profile says."""
OTHER = frozenset({"other"})
"""Whom the line is said to, by name."""
STORY = frozenset({"actor", "deed", "scene"})
"""What only the narrator tells, and all that a picture shows."""
SLOTS = THING | WHOLE | ABSENT | SELF | OTHER | STORY

Spoken = SELF | OTHER


class Intent(NamedTuple):
    """What a line does."""

    does: str
    needed: tuple[frozenset[str], ...] = ()
    """Of each of these sets a frame has at least one slot."""
    allowed: frozenset[str] = Spoken
    """What a frame may have besides."""
    least: int = 15
    """How many frames each of the cast has at least."""
    plants: tuple[About, ...] = ()
    """What claims the filled frame certainly makes, as `scorers.claims` reads them; it makes no false one."""
    asked: str = ""
    """A question that it answers, with slots of its own, for whoever reads what the answer claims."""

    @property
    def slots(self) -> frozenset[str]:
        """Return all slots that a frame may have."""
        return self.allowed.union(*self.needed)


def _set(*slots: str) -> frozenset[str]:
    return frozenset(slots)


_SAID = Spoken | THING
_SCENE = Spoken | THING | WHOLE
_RARE = 8

TALK: dict[str, Intent] = {
    # ---- of the picture
    "comment": Intent("says what it sees, as a remark", (_set("thing"),), _SCENE, plants=("object", "colour")),
    "what": Intent("tells all that is seen", (_set("scene"),), Spoken, plants=("object",), asked="What do you see?"),
    "where": Intent(
        "says on which side something is", (_set("where"),), _SAID, plants=("position",), asked="Where {is} the {kind}?"
    ),
    "how_many": Intent(
        "says how many there are",
        (_set("number", "counted"),),
        _SAID,
        plants=("number",),
        asked="How many {kinds} are there?",
    ),
    "colour": Intent(
        "says which colour something has",
        (_set("colour"),),
        _SAID,
        plants=("colour",),
        asked="What colour {is} the {kind}?",
    ),
    "weather": Intent(
        "says what the weather is", (_set("weather"),), plants=("weather",), asked="What is the weather like?"
    ),
    "time": Intent(
        "says what time of day it is",
        (_set("time", "at_time"),),
        plants=("time",),
        asked="What time is it in the picture?",
    ),
    "place": Intent(
        "says what place it is",
        (_set("place", "in_place"),),
        plants=("place",),
        asked="What place is this?",
    ),
    "present": Intent(
        "says that something is there", (_set("thing"),), _SAID, plants=("object",), asked="Is there {a_kind} here?"
    ),
    "absent": Intent(
        "says that something is not there, and what is instead",
        (ABSENT, _set("thing")),
        _SAID,
        plants=("object",),
        asked="Is there {an_absent} here?",
    ),
    "liked": Intent("speaks well of a thing that its profile likes", (_set("the_thing"),), _SAID),
    "hated": Intent("speaks ill of a thing that its profile hates", (_set("the_thing"),), _SAID),
    "neutral": Intent("says what it thinks of a thing that is nothing to it", (_set("the_thing"),), _SAID),
    "story": Intent("tells what a thing reminds it of, or what it would do with it", (_set("the_thing"),), _SAID),
    "admit": Intent("says that it does not know", least=_RARE),
    # ---- with others
    "open": Intent("begins a talk about a thing", (_set("thing"), OTHER), _SCENE, plants=("object", "colour")),
    "agree": Intent("confirms what the other said", (_set("thing"), OTHER), _SAID, plants=("object", "colour")),
    "correct": Intent(
        "says what is so, where the other's colour or number was false",
        (_set("thing"),),
        _SAID,
        plants=("object", "colour"),
    ),
    "correct_side": Intent(
        "says where a thing is, where the other's side was false",
        (_set("the_thing"), _set("where")),
        _SAID,
        _RARE,
        ("object", "position"),
    ),
    "correct_kind": Intent(
        "says what is there, where the other named what is not",
        (ABSENT, _set("thing")),
        _SAID,
        _RARE,
        ("object", "colour"),
    ),
    "answer": Intent("answers the other and says what is there", (_set("thing"), OTHER), _SAID, plants=("object",)),
    "opinion": Intent("gives the other its view of a thing", (_set("the_thing"), OTHER), _SAID),
    "follow_up": Intent("asks the other about a thing", (_set("the_thing"),), _SAID),
    "react_opinion": Intent("answers what the other thinks", (OTHER,)),
    "react_joke": Intent("answers a joke of the other", (OTHER,), least=_RARE),
    "react_worry": Intent("answers a worry of the other", (OTHER,), least=_RARE),
    "tease": Intent("teases the other", (OTHER,)),
    "topic": Intent("changes to another thing", (_set("the_thing"),), _SAID, _RARE),
    "close": Intent("ends the talk", least=_RARE),
    "reply_close": Intent("answers an ending", (OTHER,), least=_RARE),
    "greet": Intent("greets", least=_RARE),
    "who": Intent("says who it is", (_set("me", "role"),), least=_RARE, asked="Who are you?"),
    "name": Intent("knows the other's name", (OTHER,), least=_RARE, asked="Do you remember my name?"),
    "evade": Intent("keeps its secret when asked"),
    # ---- for itself
    "thought": Intent("thinks what nobody hears", (), _SAID, _RARE),
    "belief": Intent("says for itself what it believes, wants and will do", (), _SAID, _RARE),
    "action": Intent("does something, as a stage direction", (), _SAID, _RARE),
}
"""What every character and every manner has frames for."""

QUARREL = "quarrel"
"""What one of the cast has for one other of it alone: no slots, and the other's name."""

TOLD: dict[str, Intent] = {
    "narrate_open": Intent("opens the scene", (_set("scene"),), WHOLE, plants=("object",)),
    "narrate_deed": Intent("tells what comes of a deed", (_set("actor"), _set("deed")), OTHER | _set("the_thing")),
    "narrate_new": Intent("tells of a new scene", (_set("scene"),), WHOLE, plants=("object",)),
}
"""What the narrator has frames for."""

INTENTS = TALK | TOLD
NOT_SENTENCES = frozenset({"action"})
"""Begun with a small letter: they go on after somebody's name."""
