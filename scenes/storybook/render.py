"""From the truth to the picture: place, objects, weather, painted in that order.

A small model has to read it, so objects are as large as a third of the picture allows, keep their colour by night and
in fog, and stand on nearly the same line. The order in which chance is asked is a part of the picture: the shipped
model learned from these very pixels.
"""

from collections.abc import Iterator, Mapping
from random import Random
from typing import NamedTuple

from PIL import Image

from scenes.storybook.canvas import RGB, UNITS, Canvas
from scenes.storybook.drawing import Colour, Drawing, Group, Kind, Place, Position
from scenes.storybook.ground import draw_place
from scenes.storybook.light import shade
from scenes.storybook.objects import draw_object
from scenes.storybook.weather import draw_falling, draw_fog

PAINTS: dict[Colour, RGB] = {
    "red": (214, 40, 40),
    "blue": (40, 90, 230),
    "green": (30, 150, 60),
    "yellow": (250, 214, 30),
    "orange": (245, 130, 20),
    "purple": (150, 55, 190),
    "white": (250, 250, 250),
    "black": (25, 25, 30),
}

_FLYING = ("kite", "balloon", "bird", "butterfly")
_CENTRES: dict[Position, float] = {"left": 1 / 6, "middle": 1 / 2, "right": 5 / 6}
_SIZES = {1: 41, 2: 28, 3: 25.5, 4: 26}
"""Side of one object, in units, by how many stand in the group, at most."""
_STANDS: dict[int, tuple[tuple[float, float], ...]] = {
    1: ((0, 0),),
    2: ((0.24, 0), (-0.24, -1.08)),
    3: ((0.32, 0), (-0.32, -1.02), (0.32, -2.04)),
    4: ((-0.54, 0), (0.54, 0), (-0.54, -1.1), (0.54, -1.1)),
}
"""Where the objects of a group stand around its foot, in sides of one object: clear of each other and of the next third
of the picture. Only four spread wider; they are the only group of their picture."""


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


def render_with_spots(
    drawing: Drawing, size: int = 128, paints: Mapping[Colour, RGB] = PAINTS
) -> tuple[Image.Image, list[Spot]]:
    """Return the picture, painted with `paints`, and where each object is in it; otherwise as `render`."""
    if size % 32 or not 64 <= size <= 1024:
        raise ValueError(f"a drawing cannot be {size} pixels wide; give a multiple of 32 from 64 to 1024")
    rng = Random(drawing.seed)
    canvas = Canvas(2 * size)  # shrunk in the end, which smooths the edges
    view = draw_place(canvas, drawing, rng)
    draw_fog(canvas, view, drawing, rng)
    spots = [spot for group in drawing.groups for spot in _draw_group(canvas, group, drawing, rng, paints)]
    draw_falling(canvas, view, drawing, rng)
    return canvas.image.resize((size, size), Image.Resampling.BOX), spots


def _draw_group(
    canvas: Canvas, group: Group, drawing: Drawing, rng: Random, paints: Mapping[Colour, RGB]
) -> Iterator[Spot]:
    size = _SIZES[group.number] * rng.uniform(0.93, 1)
    foot = _foot(group, drawing.place, size, rng)
    half = size * (0.5 + max(right for right, _ in _STANDS[group.number]))
    centre = min(max(_CENTRES[group.position] * UNITS, half + 1), UNITS - half - 1)
    paint = shade(paints[group.colour], drawing.time, 0.15)
    for right, down in _STANDS[group.number]:
        x, y = centre + right * size, foot + down * size
        draw_object(canvas, group.kind, paint, (x, y), size)
        edges = (x - 0.5 * size, y - size, x + 0.5 * size, y)
        yield Spot(group.kind, group.colour, *(edge / UNITS for edge in edges))


def _foot(group: Group, place: Place, size: float, rng: Random) -> float:
    """Return how far down the lowest of a group stands, or hangs, in units."""
    if group.kind not in _FLYING:
        return UNITS - 7 - rng.uniform(0, 4)
    top = (36 if place == "room" and group.number < 3 else 5) + rng.uniform(0, 5)  # in a room below the window
    return top + size * (1 - min(down for _, down in _STANDS[group.number]))
