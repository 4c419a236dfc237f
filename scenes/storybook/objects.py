"""The sixteen kinds of object, each a list of shapes drawn one over the other."""

from math import cos, pi, sin

from scenes.storybook.canvas import RGB, Canvas
from scenes.storybook.drawing import Kind
from scenes.storybook.shapes import (
    Point,
    Shape,
    arc,
    dome,
    draw_shape,
    ellipse,
    ink,
    line,
    own,
    polygon,
    rectangle,
    ring,
)

_WOOD: RGB = (110, 70, 40)
_STEM: RGB = (40, 120, 50)
_LEAF: RGB = (60, 160, 70)
_SAIL: RGB = (235, 230, 215)
_PAPER: RGB = (240, 238, 225)
_LAMP: RGB = (255, 235, 120)
_PANE: RGB = (255, 240, 150)
_ROOF: RGB = (120, 60, 45)
_DOOR: RGB = (80, 50, 35)
_TYRE: RGB = (30, 30, 30)
_SADDLE: RGB = (40, 30, 30)


def draw_object(canvas: Canvas, kind: Kind, paint: RGB, foot: Point, size: float) -> None:
    """Draw one object, `size` units high and wide, standing on `foot`."""
    for shape in OBJECTS[kind]:
        draw_shape(canvas, shape, foot, size, paint)


def _stripe(paint: RGB) -> RGB:
    """A lighthouse's stripe: white, but red on a pale tower."""
    return (240, 240, 240) if sum(paint) < 600 else (190, 60, 60)


def _heart(paint: RGB) -> RGB:
    """A flower's heart: yellow, but brown among petals that are nearly yellow themselves."""
    red, _, blue = paint
    return (255, 225, 90) if blue > 60 or red < 200 else (110, 60, 30)


def _petal(turn: float) -> Shape:
    x, y = 0.24 * cos(turn), 0.68 + 0.24 * sin(turn)
    return ellipse(x - 0.17, y - 0.17, x + 0.17, y + 0.17)


def _wheel(hub: float) -> Shape:
    return ring(hub - 0.22, 0, hub + 0.22, 0.44, edge=_TYRE, width=1)


OBJECTS: dict[Kind, tuple[Shape, ...]] = {
    "boat": (
        polygon((-0.5, 0.3), (0.5, 0.3), (0.35, 0), (-0.35, 0)),
        line((0, 0.3), (0, 1), fill=_WOOD, width=1),
        polygon((0.04, 0.38), (0.04, 0.98), (0.42, 0.38), fill=_SAIL),
    ),
    "lighthouse": (
        polygon((-0.2, 0), (0.2, 0), (0.13, 0.8), (-0.13, 0.8)),
        rectangle(-0.16, 0.25, 0.16, 0.4, fill=_stripe),
        rectangle(-0.15, 0.8, 0.15, 0.95, fill=_LAMP),
        polygon((-0.2, 0.95), (0.2, 0.95), (0, 1.12), fill=(60, 60, 70)),
    ),
    "house": (
        rectangle(-0.42, 0, 0.42, 0.55),
        polygon((-0.52, 0.55), (0.52, 0.55), (0, 0.98), fill=_ROOF),
        rectangle(-0.1, 0, 0.1, 0.3, fill=_DOOR),
        rectangle(0.18, 0.22, 0.34, 0.4, fill=_PANE),
        rectangle(-0.34, 0.22, -0.18, 0.4, fill=_PANE),
    ),
    "tree": (
        rectangle(-0.08, 0, 0.08, 0.4, fill=_WOOD),
        ellipse(-0.42, 0.3, 0.42, 1.05),
    ),
    "flower": (
        line((0, 0), (0, 0.5), fill=_STEM, width=1.5),
        polygon((0, 0.15), (0.25, 0.32), (0.05, 0.28), fill=_STEM),
        *(_petal(sixth * pi / 3) for sixth in range(6)),
        ellipse(-0.13, 0.55, 0.13, 0.81, fill=_heart),
    ),
    "dog": (
        rectangle(-0.35, 0.25, 0.25, 0.55),
        *(rectangle(leg, 0, leg + 0.1, 0.27) for leg in (-0.35, -0.2, 0.05, 0.15)),
        ellipse(0.12, 0.42, 0.5, 0.82),
        polygon((0.14, 0.8), (0.24, 0.8), (0.1, 0.5)),
        polygon((-0.35, 0.5), (-0.5, 0.8), (-0.42, 0.8), (-0.28, 0.55)),
        ellipse(0.34, 0.62, 0.4, 0.68, fill=ink),
    ),
    "cat": (
        ellipse(-0.3, 0, 0.3, 0.58),
        ellipse(-0.24, 0.46, 0.24, 0.9),
        polygon((-0.24, 0.75), (-0.2, 1.05), (-0.05, 0.86)),
        polygon((0.24, 0.75), (0.2, 1.05), (0.05, 0.86)),
        ellipse(-0.13, 0.66, -0.06, 0.74, fill=ink),
        ellipse(0.06, 0.66, 0.13, 0.74, fill=ink),
        arc(0.1, 0, 0.55, 0.5, angles=(-90, 90), fill=own, width=1.5),
    ),
    "kite": (
        polygon((0, 1), (0.36, 0.6), (0, 0.1), (-0.36, 0.6)),
        line((0, 1), (0, 0.1)),
        line((-0.36, 0.6), (0.36, 0.6)),
        line((0, 0.1), (0.1, -0.1), (-0.05, -0.25), (0.1, -0.45)),
    ),
    "balloon": (
        ellipse(-0.36, 0.25, 0.36, 1.0),
        polygon((-0.07, 0.18), (0.07, 0.18), (0, 0.28)),
        line((0, 0.18), (0.05, -0.1), (-0.03, -0.4)),
    ),
    "bird": (
        ellipse(-0.3, 0.3, 0.25, 0.62),
        ellipse(0.14, 0.48, 0.44, 0.78),
        polygon((0.42, 0.66), (0.6, 0.6), (0.42, 0.56), fill=(250, 170, 40)),
        polygon((-0.1, 0.55), (-0.3, 1.0), (0.1, 0.6)),
        polygon((-0.28, 0.5), (-0.55, 0.62), (-0.5, 0.38)),
        ellipse(0.28, 0.62, 0.34, 0.68, fill=ink),
    ),
    "bicycle": (
        _wheel(-0.3),
        _wheel(0.3),
        line((-0.3, 0.22), (-0.1, 0.6), (0.2, 0.6), (0, 0.22), (-0.3, 0.22), fill=own, width=2),
        line((-0.1, 0.6), (0, 0.22), fill=own, width=2),
        line((0.3, 0.22), (0.18, 0.78), (0.3, 0.8), fill=own, width=2),
        line((-0.2, 0.68), (0, 0.68), fill=_SADDLE, width=2),
    ),
    "tent": (
        polygon((-0.55, 0), (0.55, 0), (0, 0.8)),
        polygon((-0.14, 0), (0.14, 0), (0, 0.45), fill=(50, 40, 40)),
    ),
    "umbrella": (
        line((0, 0), (0, 0.9), fill=_WOOD, width=1),
        dome(-0.5, 0.1, 0.5, 1.0),
        line((0, 0.55), (0, 1.0)),
        line((0, 1), (-0.25, 0.55)),
        line((0, 1), (0.25, 0.55)),
        arc(-0.14, -0.06, 0, 0.1, angles=(0, 180), fill=_WOOD, width=1),
    ),
    "apple": (
        ellipse(-0.36, 0, 0.1, 0.62),
        ellipse(-0.1, 0, 0.36, 0.62),
        ellipse(-0.28, 0.05, 0.28, 0.55),
        ellipse(-0.27, 0.06, 0.27, 0.56, edge=None),
        line((0, 0.5), (0.05, 0.78), fill=_WOOD, width=1),
        polygon((0.05, 0.68), (0.3, 0.82), (0.12, 0.6), fill=_LEAF),
    ),
    "bottle": (
        rectangle(-0.2, 0, 0.2, 0.58),
        polygon((-0.2, 0.58), (0.2, 0.58), (0.08, 0.75), (-0.08, 0.75)),
        rectangle(-0.08, 0.75, 0.08, 0.95),
        rectangle(-0.09, 0.93, 0.09, 1.03, fill=(160, 115, 70)),
        rectangle(-0.14, 0.15, 0.14, 0.4, fill=(240, 235, 220)),
    ),
    "book": (
        polygon((-0.45, 0), (0.35, 0), (0.45, 0.14), (-0.35, 0.14), fill=_PAPER),
        polygon((-0.45, 0.14), (0.35, 0.14), (0.48, 0.62), (-0.32, 0.62)),
        line((-0.2, 0.45), (0.3, 0.45)),
    ),
}
