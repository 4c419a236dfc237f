"""The truth of a storybook picture: what stands where, in which colour, how often, in what weather.

It is apart from the painting of it so that whoever only needs the truth (a scenario, a scorer) does not load Pillow.
"""

from itertools import combinations
from random import Random
from typing import Annotated, Literal, Self, get_args

from pydantic import BaseModel, ConfigDict, Field, model_validator

Kind = Literal[
    "boat", "lighthouse", "house", "tree", "flower", "dog", "cat", "kite",
    "balloon", "bird", "bicycle", "tent", "umbrella", "apple", "bottle", "book",
]  # fmt: skip
Colour = Literal["red", "blue", "green", "yellow", "orange", "purple", "white", "black"]
Place = Literal["sea", "meadow", "street", "room", "beach"]
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
    "sea": ("boat", "bird", "lighthouse", "balloon"),
    "meadow": ("tree", "house", "flower", "dog", "cat", "kite", "balloon", "bird", "bicycle", "tent"),
    "street": ("house", "bicycle", "umbrella", "cat", "dog", "balloon", "bird", "tree"),
    "room": ("cat", "apple", "bottle", "book", "flower", "umbrella"),
    "beach": ("umbrella", "boat", "kite", "tent", "dog", "bottle", "lighthouse", "book"),
}
"""What the lots may put in each place; a drawing given in full may put anything anywhere."""

HELD_OUT: frozenset[tuple[Kind, Colour]] = frozenset(
    {
        ("boat", "green"),
        ("cat", "purple"),
        ("balloon", "black"),
        ("house", "yellow"),
        ("umbrella", "orange"),
        ("bird", "white"),
        ("tree", "red"),
        ("kite", "blue"),
        ("book", "green"),
        ("dog", "orange"),
        ("tent", "purple"),
        ("flower", "black"),
    }
)
"""Pairs that no training picture holds: they show whether a model combines what it learned or remembers it."""

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
                crowd = f"{group.number} {group.kind}s do not fit in a picture of {len(self.groups)} groups"
                raise ValueError(f"{crowd}; give a number of {room} at most")
        return self


def most(kind: Kind, groups: int) -> int:
    """Return the largest number of `kind` that fits in a picture of so many groups; a coast has one lighthouse."""
    return 1 if kind == "lighthouse" else {1: 4, 2: 3, 3: 2}[groups]


def draw_lots(seed: int, held_out: bool = False) -> Drawing:
    """Return the drawing of `seed`, the same for ever; a `held_out` one has at least one pair of `HELD_OUT`."""
    return sample(Random(seed), held_out)


def sample(rng: Random, held_out: bool = False) -> Drawing:
    """Return the next drawing of `rng`: with a pair of `HELD_OUT`, or else with none."""
    while True:
        place = rng.choice(PLACES)
        groups = _sample_groups(rng, place)
        if held_out == any((group.kind, group.colour) in HELD_OUT for group in groups):
            time, weather, seed = rng.choice(TIMES), rng.choice(WEATHERS), rng.randrange(SEEDS)
            return Drawing(place=place, weather=weather, time=time, groups=groups, seed=seed)


def _sample_groups(rng: Random, place: Place) -> tuple[Group, ...]:
    count = rng.choices((1, 2, 3), (3, 5, 3))[0]
    kinds = rng.sample(USUAL_KINDS[place], count)
    positions = _sample_positions(rng, count)
    colours = _sample_colours(rng, count)
    return tuple(
        Group(kind=kind, colour=colour, number=_sample_number(rng, most(kind, count)), position=position)
        for kind, colour, position in zip(kinds, colours, positions, strict=True)
    )


def _sample_positions(rng: Random, count: int) -> list[Position]:
    # All three are drawn whichever is used: leaving one out would change the picture of every seed.
    alone = [rng.choice(POSITIONS)]
    pair = rng.sample(("left", "right") if rng.random() < 0.6 else POSITIONS, 2)
    return (alone, pair, rng.sample(POSITIONS, 3))[count - 1]


def _sample_colours(rng: Random, count: int) -> list[Colour]:
    """Return colours that seldom repeat, so that a colour mostly tells which group is meant."""
    colours: list[Colour] = []
    for _ in range(count):
        colours.append(rng.choice([c for c in COLOURS if c not in colours or rng.random() < 0.1]))
    return colours


def _sample_number(rng: Random, largest: int) -> int:
    return 1 if largest == 1 or rng.random() < 0.35 else rng.randint(1, largest)


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
}


def describe(drawing: Drawing) -> str:
    """Return the whole truth in one line: `a black bicycle on the left; in a street, at night, rain`."""
    *others, last = [f"{_name(group)} {_POSITIONS[group.position]}" for group in drawing.groups]
    shown = f"{', '.join(others)} and {last}" if others else last
    return f"{shown}; {_PLACES[drawing.place]}, {_TIMES[drawing.time]}, {_WEATHERS[drawing.weather]}"


def _name(group: Group) -> str:
    if group.number > 1:
        return f"{_NUMBERS[group.number]} {group.colour} {group.kind}s"
    return f"{'an' if group.colour == 'orange' else 'a'} {group.colour} {group.kind}"
