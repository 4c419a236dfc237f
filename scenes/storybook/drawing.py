"""The truth of a storybook picture: what stands where, in which colour, how often, in what weather.

It is apart from the painting of it so that whoever only needs the truth (a scenario, a scorer) does not load Pillow.
"""

from itertools import combinations
from random import Random
from typing import Annotated, Literal, NamedTuple, Self, get_args

from pydantic import BaseModel, ConfigDict, Field, model_validator

Kind = Literal[
    "boat", "lighthouse", "house", "tree", "flower", "dog", "cat", "kite",
    "balloon", "bird", "bicycle", "tent", "umbrella", "apple", "bottle", "book",
    "ball", "butterfly", "cactus", "car", "castle", "crab", "crown", "guitar",
    "mushroom", "snail", "turtle", "windmill",
]  # fmt: skip
Colour = Literal["red", "blue", "green", "yellow", "orange", "purple", "white", "black"]
Place = Literal["sea", "meadow", "street", "room", "beach", "forest", "mountains", "desert"]
Time = Literal["day", "dusk", "night"]
Weather = Literal["clear", "cloudy", "rain", "snow", "fog"]
Position = Literal["left", "middle", "right"]

# The lots are drawn from these in their order, so another order is another picture for every seed.
KINDS: tuple[Kind, ...] = get_args(Kind)
COLOURS: tuple[Colour, ...] = get_args(Colour)
PLACES: tuple[Place, ...] = get_args(Place)
TIMES: tuple[Time, ...] = get_args(Time)
WEATHERS: tuple[Weather, ...] = get_args(Weather)
POSITIONS: tuple[Position, ...] = get_args(Position)

USUAL_KINDS: dict[Place, tuple[Kind, ...]] = {
    "sea": (
        "boat", "lighthouse", "kite", "balloon", "bird", "umbrella", "bottle", "book",
        "ball", "castle", "crab", "crown", "turtle", "windmill",
    ),
    "meadow": (
        "house", "tree", "flower", "dog", "cat", "kite", "bird", "tent",
        "apple", "butterfly", "mushroom", "snail", "turtle", "windmill",
    ),
    "street": (
        "lighthouse", "house", "tree", "dog", "cat", "balloon", "bicycle", "umbrella",
        "ball", "cactus", "car", "guitar", "mushroom", "snail",
    ),
    "room": (
        "boat", "flower", "dog", "cat", "umbrella", "apple", "bottle", "book",
        "ball", "butterfly", "cactus", "car", "crown", "guitar",
    ),
    "beach": (
        "boat", "lighthouse", "dog", "kite", "bicycle", "tent", "umbrella", "bottle",
        "book", "ball", "crab", "guitar", "snail", "turtle",
    ),
    "forest": (
        "house", "flower", "cat", "bird", "bicycle", "tent", "apple", "book",
        "butterfly", "castle", "crab", "crown", "mushroom", "snail",
    ),
    "mountains": (
        "boat", "lighthouse", "house", "tree", "kite", "balloon", "bird", "apple",
        "cactus", "car", "castle", "guitar", "mushroom", "windmill",
    ),
    "desert": (
        "tree", "flower", "balloon", "bicycle", "tent", "bottle", "butterfly", "cactus",
        "car", "castle", "crab", "crown", "turtle", "windmill",
    ),
}  # fmt: skip
"""What the lots may put in each place: fourteen kinds in each, and each kind in four, so that none is more usual.

A drawing given in full may put anything anywhere.
"""

HELD_OUT: frozenset[tuple[Kind, Colour]] = frozenset(
    {
        ("boat", "green"), ("cat", "purple"), ("balloon", "black"), ("house", "yellow"), ("umbrella", "orange"),
        ("bird", "white"), ("tree", "red"), ("kite", "blue"), ("book", "green"), ("dog", "orange"), ("tent", "purple"),
        ("flower", "black"), ("ball", "red"), ("car", "white"), ("castle", "blue"), ("crab", "yellow"),
        ("crown", "purple"), ("guitar", "green"), ("mushroom", "blue"), ("snail", "red"),
    }
)  # fmt: skip
"""Pairs that no training picture holds: they show whether a model combines what it learned or remembers it."""

HELD_OUT_PLACES: frozenset[tuple[Kind, Place]] = frozenset(
    {
        ("bicycle", "sea"), ("butterfly", "sea"), ("balloon", "meadow"), ("umbrella", "meadow"), ("book", "street"),
        ("turtle", "street"), ("kite", "room"), ("snail", "room"), ("flower", "beach"), ("crown", "beach"),
        ("dog", "forest"), ("car", "forest"), ("tent", "mountains"), ("lighthouse", "desert"),
    }
)  # fmt: skip
"""The same of where things stand: none of these is in `USUAL_KINDS`."""

BACKDROPS: dict[Place, Kind] = {"street": "house", "forest": "tree"}
"""What a place is painted with besides its groups: whether there is another one of these cannot be told."""

SEEDS = 1 << 30


class Group(BaseModel):
    """One to four equal objects, close together: `two red cats on the right`."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, use_attribute_docstrings=True)

    kind: Kind
    """What it is."""
    colour: Colour
    """Its colour."""
    number: int = Field(default=1, ge=1, le=4)
    """How many of them."""
    position: Position
    """Which third of the picture they stand in."""


class Drawing(BaseModel):
    """Everything that a picture shows. Equal drawings are equal pictures, pixel for pixel."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, use_attribute_docstrings=True)

    place: Place
    """Where the picture plays."""
    weather: Weather
    """The weather."""
    time: Time
    """The time of day."""
    groups: Annotated[tuple[Group, ...], Field(min_length=1, max_length=3, strict=False)]
    """What there is to see."""
    seed: int = Field(default=0, ge=0, lt=SEEDS)
    """Settles what the words leave open: where the sun stands, how tall the houses are."""

    @model_validator(mode="after")
    def _each_group_is_told_apart(self) -> Self:
        for one, other in combinations(self.groups, 2):
            if one.position == other.position:
                raise ValueError(f"two groups stand on the same spot ({one.position}); give each its own position")
            if one.kind == other.kind:
                raise ValueError(f"two groups are of one kind ({one.kind}); a picture has one group of a kind at most")
        return self

    @model_validator(mode="after")
    def _every_group_fits(self) -> Self:
        for group in self.groups:
            room = most(group.kind, len(self.groups))
            if group.number > room:
                crowd = f"{group.number} {plural(group.kind)} do not fit in a picture of {len(self.groups)} groups"
                raise ValueError(f"{crowd}; give a number of {room} at most")
        return self


def most(kind: Kind, groups: int) -> int:
    """Return the largest number of `kind` that fits in a picture of so many groups; a coast has one lighthouse."""
    return 1 if kind == "lighthouse" else {1: 4, 2: 3, 3: 2}[groups]


def held_out_colours(drawing: Drawing) -> list[Group]:
    """Return the groups whose kind is in that colour in no training picture."""
    return [group for group in drawing.groups if (group.kind, group.colour) in HELD_OUT]


def held_out_places(drawing: Drawing) -> list[Group]:
    """Return the groups whose kind stands in that place in no training picture."""
    return [group for group in drawing.groups if (group.kind, drawing.place) in HELD_OUT_PLACES]


class Relation(NamedTuple):
    """How two groups of a drawing stand to each other; the other way round goes without saying."""

    one: Group
    is_: Literal["left of"]
    other: Group


def relations(drawing: Drawing) -> tuple[Relation, ...]:
    """Return which group stands left of which, from left to right: none of one group, one of two, three of three."""
    in_order = sorted(drawing.groups, key=lambda group: POSITIONS.index(group.position))
    return tuple(Relation(one, "left of", other) for one, other in combinations(in_order, 2))


def draw_lots(seed: int, held_out: bool = False) -> Drawing:
    """Return the drawing of `seed`, the same for ever; a `held_out` one has a combination that training never had."""
    return sample(Random(seed), held_out)


def usual_colours(kind: Kind) -> list[Colour]:
    """Return the colours that a kind has in training pictures."""
    return [colour for colour in COLOURS if (kind, colour) not in HELD_OUT]


def sample(rng: Random, held_out: bool = False) -> Drawing:
    """Return the next drawing of `rng`: with a pair of `HELD_OUT` or `HELD_OUT_PLACES`, or else with none of either."""
    while True:
        place = rng.choice(PLACES)
        groups = _sample_groups(rng, place, held_out)
        time, weather, seed = rng.choice(TIMES), rng.choice(WEATHERS), rng.randrange(SEEDS)
        drawing = Drawing(place=place, weather=weather, time=time, groups=groups, seed=seed)
        if not held_out or held_out_colours(drawing) or held_out_places(drawing):
            return drawing


def _sample_groups(rng: Random, place: Place, held_out: bool) -> tuple[Group, ...]:
    count = rng.choices((1, 2, 3), (4, 5, 3))[0]
    unusual = [kind for kind in KINDS if held_out and (kind, place) in HELD_OUT_PLACES]
    kinds = rng.sample([*USUAL_KINDS[place], *unusual], count)
    groups: list[Group] = []
    for kind, position in zip(kinds, rng.sample(POSITIONS, count), strict=True):
        colour = _sample_colour(rng, kind, {group.colour for group in groups}, held_out)
        number = _sample_number(rng, most(kind, count))
        groups.append(Group(kind=kind, colour=colour, number=number, position=position))
    return tuple(groups)


def _sample_colour(rng: Random, kind: Kind, taken: set[Colour], held_out: bool) -> Colour:
    """Return a colour that seldom repeats, so that a colour mostly tells which group is meant."""
    fitting = COLOURS if held_out else usual_colours(kind)
    return rng.choice([colour for colour in fitting if colour not in taken or rng.random() < 0.1])


def _sample_number(rng: Random, largest: int) -> int:
    """Return a number; three and four are rarely possible, so they are likelier where they are."""
    return rng.choices((1, 2, 3, 4)[:largest], (1, 1, 2, 3)[:largest])[0]


_NUMBERS = {2: "two", 3: "three", 4: "four"}
_POSITIONS: dict[Position, str] = {"left": "on the left", "middle": "in the middle", "right": "on the right"}
_TIMES: dict[Time, str] = {"day": "by day", "dusk": "at dusk", "night": "at night"}
_WEATHERS: dict[Weather, str] = {
    "clear": "clear sky",
    "cloudy": "clouds",
    "rain": "rain",
    "snow": "snow",
    "fog": "fog",
}
_PLACES: dict[Place, str] = {
    "sea": "on the open sea",
    "meadow": "in a meadow",
    "street": "in a street",
    "room": "in a room",
    "beach": "on a beach",
    "forest": "in a forest",
    "mountains": "in the mountains",
    "desert": "in a desert",
}


def plural(kind: str) -> str:
    """Return several of a kind of thing."""
    if kind.endswith(("s", "x", "ch", "sh")):
        return f"{kind}es"
    return f"{kind[:-1]}ies" if kind.endswith("y") and kind[-2] not in "aeiou" else f"{kind}s"


def describe(drawing: Drawing) -> str:
    """Return the whole truth in one line: `a black bicycle on the left; in a street, at night, rain`."""
    *others, last = [f"{name_of(group)} {_POSITIONS[group.position]}" for group in drawing.groups]
    shown = f"{', '.join(others)} and {last}" if others else last
    return f"{shown}; {_PLACES[drawing.place]}, {_TIMES[drawing.time]}, {_WEATHERS[drawing.weather]}"


def name_of(group: Group) -> str:
    """Return a group in words: `two red cats`."""
    if group.number > 1:
        return f"{_NUMBERS[group.number]} {group.colour} {plural(group.kind)}"
    return f"{'an' if group.colour == 'orange' else 'a'} {group.colour} {group.kind}"
