"""The shapes that objects are made of: their points in a square of side 1, with the foot of the object at (0, 0).

x runs to the right and y upwards, so that an object one unit wide reaches from -0.5 to 0.5.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from scenes.storybook.canvas import OUTLINE, RGB, THIN, Canvas

Point = tuple[float, float]
Fill = RGB | Callable[[RGB], RGB]
"""A fixed colour, or one that follows from the object's own."""


def own(paint: RGB) -> RGB:
    """The object's own colour."""
    return paint


def ink(paint: RGB) -> RGB:
    """The colour of outlines: nearly black, but pale on a black object."""
    return (20, 20, 20) if sum(paint) > 120 else (215, 215, 215)


@dataclass(frozen=True, slots=True)
class Shape:
    """One stroke of the brush. A box form (dome, ellipse, rectangle, arc) has two points: top left, bottom right."""

    form: Literal["polygon", "rectangle", "ellipse", "dome", "line", "arc"]
    points: tuple[Point, ...]
    fill: Fill | None = own
    edge: Fill | None = ink
    width: float = OUTLINE
    """Of the line or the edge, in units of the canvas: it does not grow with the object."""
    angles: tuple[float, float] = (0, 360)


def polygon(*points: Point, fill: Fill = own, edge: Fill | None = ink) -> Shape:
    """A closed figure through `points`."""
    return Shape("polygon", points, fill, edge)


def rectangle(left: float, foot: float, right: float, top: float, fill: Fill = own) -> Shape:
    """An upright box."""
    return Shape("rectangle", ((left, top), (right, foot)), fill)


def ellipse(left: float, foot: float, right: float, top: float, fill: Fill = own, edge: Fill | None = ink) -> Shape:
    """A disc, flattened to its box."""
    return Shape("ellipse", ((left, top), (right, foot)), fill, edge)


def ring(left: float, foot: float, right: float, top: float, edge: Fill, width: float) -> Shape:
    """An ellipse with nothing in it."""
    return Shape("ellipse", ((left, top), (right, foot)), None, edge, width)


def dome(left: float, foot: float, right: float, top: float, fill: Fill = own) -> Shape:
    """The upper half of an ellipse."""
    return Shape("dome", ((left, top), (right, foot)), fill)


def line(*points: Point, fill: Fill = ink, width: float = THIN) -> Shape:
    """A line through all `points`."""
    return Shape("line", points, fill, width=width)


def arc(
    left: float, foot: float, right: float, top: float, angles: tuple[float, float], fill: Fill, width: float
) -> Shape:
    """A piece of the outline of an ellipse, between two angles in degrees, clockwise from three o'clock."""
    return Shape("arc", ((left, top), (right, foot)), fill, width=width, angles=angles)


def draw_shape(canvas: Canvas, shape: Shape, foot: Point, size: float, paint: RGB) -> None:
    """Draw `shape` as a part of an object of this size and colour that stands on `foot`."""
    points = [length for x, y in shape.points for length in (foot[0] + x * size, foot[1] - y * size)]
    fill, edge = _colour(shape.fill, paint), _colour(shape.edge, paint)
    match shape.form:
        case "polygon":
            canvas.polygon(points, fill, edge, shape.width)
        case "rectangle":
            canvas.rectangle(points, fill, edge, shape.width)
        case "ellipse":
            canvas.ellipse(points, fill, edge, shape.width)
        case "dome":
            canvas.dome(points, fill, edge, shape.width)
        case "line":
            canvas.line(points, fill, shape.width)
        case "arc":
            canvas.arc(points, *shape.angles, fill, shape.width)


def _colour(fill: Fill | None, paint: RGB) -> RGB | None:
    return fill(paint) if callable(fill) else fill
