"""From the truth to the picture: place, objects, weather, painted in that order.

The order in which chance is asked is a part of the picture: the shipped model learned from these very pixels.
"""

from collections.abc import Iterator
from random import Random
from typing import NamedTuple

from PIL import Image

from scenes.storybook.canvas import RGB, UNITS, Canvas
from scenes.storybook.drawing import Colour, Drawing, Group, Kind, Place, Position
from scenes.storybook.ground import draw_place
from scenes.storybook.light import shade
from scenes.storybook.objects import draw_object
from scenes.storybook.weather import draw_weather

PAINTS: dict[Colour, RGB] = {
    "red": (214, 40, 40),
    "blue": (38, 84, 214),
    "green": (30, 150, 60),
    "yellow": (250, 214, 30),
    "orange": (245, 130, 20),
    "purple": (140, 50, 175),
    "white": (250, 250, 250),
    "black": (25, 25, 30),
}

_FLYING = ("kite", "balloon", "bird")
_CENTRES: dict[Position, float] = {"left": 0.18, "middle": 0.5, "right": 0.82}
_SIZES = {1: 34, 2: 21, 3: 19, 4: 18}
"""Side of one object, in units, by how many stand in the group."""
_LOWER, _UPPER = ((-0.62, 0), (0.62, 0)), ((-0.62, -1.15), (0.62, -1.15))
_STANDS: dict[int, tuple[tuple[float, float], ...]] = {
    1: ((0, 0),),
    2: _LOWER,
    3: (*_LOWER, (0, -1.15)),
    4: (*_LOWER, *_UPPER),
}
"""Where the objects of a group stand around its foot, in sides of one object."""


class Spot(NamedTuple):
    """Where one object is in the picture, for a model that learns to look: edges as shares of the picture's side."""

    kind: Kind
    colour: Colour
    left: float
    top: float
    right: float
    bottom: float


def render(drawing: Drawing, size: int = 128) -> Image.Image:
    """Return the picture, `size` pixels square. Raises `ValueError` unless that is a multiple of 32 in 64..1024."""
    return render_with_spots(drawing, size)[0]


def render_with_spots(drawing: Drawing, size: int = 128) -> tuple[Image.Image, list[Spot]]:
    """Return the picture and where each object is in it; otherwise as `render`."""
    if size % 32 or not 64 <= size <= 1024:
        raise ValueError(f"a drawing cannot be {size} pixels wide; give a multiple of 32 from 64 to 1024")
    rng = Random(drawing.seed)
    canvas = Canvas(2 * size)  # shrunk in the end, which smooths the edges
    view = draw_place(canvas, drawing, rng)
    spots = [spot for group in drawing.groups for spot in _draw_group(canvas, group, drawing, rng)]
    draw_weather(canvas, view, drawing, rng)
    return canvas.image.resize((size, size), Image.Resampling.BOX), spots


def _draw_group(canvas: Canvas, group: Group, drawing: Drawing, rng: Random) -> Iterator[Spot]:
    size = _SIZES[group.number] * rng.uniform(0.9, 1.08)
    foot = _foot(group, drawing.place, rng)
    half = size * (1.2 if group.number > 1 else 0.6)
    centre = min(max(_CENTRES[group.position] * UNITS, half + 1), UNITS - half - 1)
    paint = shade(PAINTS[group.colour], drawing.time, 0.35)
    for right, down in _STANDS[group.number]:
        x, y = centre + right * size, foot + down * size
        draw_object(canvas, group.kind, paint, (x + rng.uniform(-1, 1), y), size)
        edges = (x - 0.5 * size, y - size, x + 0.5 * size, y)
        yield Spot(group.kind, group.colour, *(edge / UNITS for edge in edges))


def _foot(group: Group, place: Place, rng: Random) -> float:
    """Return how far down the group stands, or hangs, in units."""
    if group.kind not in _FLYING:
        return UNITS * 0.93 - 2 - rng.uniform(0, 5)
    aloft = UNITS * rng.uniform(0.36, 0.42) + (8 if group.number > 2 else 0)
    return UNITS * 0.6 if place == "room" else aloft
