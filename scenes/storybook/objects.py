"""The kinds of object, each a list of shapes drawn one over the other: all of one size, and mostly of one colour."""

from math import cos, pi, sin

from scenes.storybook.canvas import RGB, Canvas
from scenes.storybook.drawing import Kind
from scenes.storybook.shapes import (
    Fill,
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
_PALE: RGB = (238, 232, 215)
_LAMP: RGB = (255, 235, 120)
_PANE: RGB = (255, 240, 150)
_GLASS: RGB = (185, 220, 240)
_ROOF: RGB = (95, 75, 70)
_DARK: RGB = (50, 42, 45)
_TYRE: RGB = (30, 30, 30)
_SKIN: RGB = (196, 168, 120)
_BEAK: RGB = (250, 170, 40)


def draw_object(canvas: Canvas, kind: Kind, paint: RGB, foot: Point, size: float) -> None:
    """Draw one object, `size` units high and wide, standing on `foot`."""
    for shape in OBJECTS[kind]:
        draw_shape(canvas, shape, foot, size, paint)


def _stripe(paint: RGB) -> RGB:
    """A stripe around something: white, but grey on what is white itself."""
    return (250, 250, 250) if sum(paint) < 600 else (150, 150, 158)


def _heart(paint: RGB) -> RGB:
    """A flower's heart: yellow, but brown among petals that are nearly yellow themselves."""
    red, _, blue = paint
    return (255, 225, 90) if blue > 60 or red < 200 else (110, 60, 30)


def _spot(x: float, y: float, radius: float, fill: Fill, edge: Fill | None = None) -> Shape:
    return ellipse(x - radius, y - radius, x + radius, y + radius, fill, edge)


def _petal(turn: float) -> Shape:
    x, y = 0.26 * cos(turn), 0.6 + 0.26 * sin(turn)
    return _spot(x, y, 0.18, own, ink)


def _wheel(hub: float, radius: float, width: float) -> Shape:
    return ring(hub - radius, 0, hub + radius, 2 * radius, edge=_TYRE, width=width)


def _tyre(hub: float) -> tuple[Shape, ...]:
    return (
        ellipse(hub - 0.14, 0, hub + 0.14, 0.28, fill=_TYRE, edge=_TYRE),
        ellipse(hub - 0.05, 0.09, hub + 0.05, 0.19, fill=_PALE, edge=None),
    )


def _wing(turn: float) -> Shape:
    """One of the four wings of a windmill, from its hub outwards."""
    along, across = (cos(turn), sin(turn)), (-sin(turn), cos(turn))
    corners = ((0.04, 0), (0.42, 0), (0.42, 0.15), (0.1, 0.15))
    return polygon(*((a * along[0] + b * across[0], 0.6 + a * along[1] + b * across[1]) for a, b in corners))


_TUBES: tuple[tuple[Point, ...], ...] = (
    ((-0.27, 0.21), (-0.12, 0.6), (0.2, 0.6), (0, 0.21), (-0.27, 0.21)),
    ((-0.14, 0.66), (0, 0.21)),
    ((0.27, 0.21), (0.17, 0.8), (0.36, 0.84)),
)
"""The frame of a bicycle, painted twice: broad in ink, then in its own colour."""

OBJECTS: dict[Kind, tuple[Shape, ...]] = {
    "boat": (
        line((0.02, 0.3), (0.02, 1), fill=_WOOD, width=1.5),
        polygon((0.07, 0.38), (0.07, 0.98), (0.45, 0.38)),
        polygon((-0.03, 0.38), (-0.03, 0.85), (-0.32, 0.38), fill=_PALE),
        polygon((-0.48, 0.32), (0.48, 0.32), (0.34, 0), (-0.34, 0)),
    ),
    "lighthouse": (
        polygon((-0.27, 0), (0.27, 0), (0.17, 0.72), (-0.17, 0.72)),
        polygon((-0.23, 0.28), (0.23, 0.28), (0.21, 0.42), (-0.21, 0.42), fill=_stripe),
        rectangle(-0.24, 0.68, 0.24, 0.74, fill=_DARK),
        rectangle(-0.13, 0.74, 0.13, 0.88, fill=_LAMP),
        polygon((-0.2, 0.88), (0.2, 0.88), (0, 1.02), fill=_DARK),
    ),
    "house": (
        rectangle(0.18, 0.62, 0.3, 0.92, fill=_ROOF),
        rectangle(-0.42, 0, 0.42, 0.58),
        polygon((-0.49, 0.55), (0.49, 0.55), (0, 0.95), fill=_ROOF),
        rectangle(-0.09, 0, 0.09, 0.32, fill=_DARK),
        rectangle(0.19, 0.22, 0.33, 0.4, fill=_PANE),
        rectangle(-0.33, 0.22, -0.19, 0.4, fill=_PANE),
    ),
    "tree": (
        rectangle(-0.09, 0, 0.09, 0.4, fill=_WOOD),
        ellipse(-0.46, 0.28, 0.02, 0.72),
        ellipse(-0.02, 0.28, 0.46, 0.72),
        ellipse(-0.32, 0.46, 0.32, 1.0),
        ellipse(-0.31, 0.33, 0.31, 0.8, edge=None),
    ),
    "flower": (
        line((0, 0), (0, 0.5), fill=_STEM, width=2),
        polygon((0, 0.06), (0.32, 0.28), (0.06, 0.24), fill=_LEAF),
        polygon((0, 0.02), (-0.32, 0.22), (-0.06, 0.19), fill=_LEAF),
        *(_petal(sixth * pi / 3) for sixth in range(6)),
        _spot(0, 0.6, 0.12, _heart, ink),
    ),
    "dog": (
        polygon((-0.33, 0.48), (-0.48, 0.8), (-0.38, 0.82), (-0.22, 0.58)),
        *(rectangle(leg, 0, leg + 0.12, 0.3) for leg in (-0.37, -0.19, 0.02, 0.17)),
        rectangle(-0.37, 0.25, 0.29, 0.58),
        ellipse(0.06, 0.45, 0.4, 0.88),
        ellipse(0.24, 0.48, 0.49, 0.68),
        polygon((0.02, 0.86), (0.18, 0.84), (0.12, 0.5), (0.01, 0.56), fill=_DARK),
        _spot(0.27, 0.72, 0.045, ink),
        _spot(0.46, 0.62, 0.045, ink),
    ),
    "cat": (
        arc(0.04, 0.02, 0.46, 0.5, angles=(-100, 90), fill=ink, width=3.2),
        arc(0.05, 0.03, 0.45, 0.49, angles=(-100, 90), fill=own, width=2),
        ellipse(-0.32, 0, 0.3, 0.62),
        polygon((-0.31, 0.66), (-0.3, 1.0), (-0.06, 0.86)),
        polygon((0.29, 0.66), (0.28, 1.0), (0.04, 0.86)),
        ellipse(-0.31, 0.44, 0.29, 0.92),
        _spot(-0.13, 0.72, 0.05, ink),
        _spot(0.11, 0.72, 0.05, ink),
        polygon((-0.05, 0.63), (0.03, 0.63), (-0.01, 0.58), fill=ink, edge=None),
    ),
    "kite": (
        line((0, 0.3), (0.1, 0.18), (-0.06, 0.1), (0.06, 0.0), (-0.02, -0.12), width=1),
        polygon((0, 1), (0.42, 0.66), (0, 0.2), (-0.42, 0.66)),
        line((0, 1), (0, 0.2), width=1),
        line((-0.42, 0.66), (0.42, 0.66), width=1),
        polygon((-0.1, 0.16), (-0.1, 0.04), (0.1, 0.16), (0.1, 0.04)),
    ),
    "balloon": (
        line((0, 0.25), (0.06, 0.12), (-0.05, -0.02), (0.03, -0.16), width=1),
        ellipse(-0.36, 0.26, 0.36, 1.0),
        polygon((-0.08, 0.18), (0.08, 0.18), (0, 0.28)),
        ellipse(-0.22, 0.68, -0.08, 0.88, fill=_stripe, edge=None),
    ),
    "bird": (
        polygon((-0.24, 0.5), (-0.48, 0.66), (-0.48, 0.36)),
        ellipse(-0.34, 0.2, 0.28, 0.6),
        ellipse(0.06, 0.4, 0.4, 0.76),
        polygon((0.37, 0.64), (0.52, 0.57), (0.37, 0.51), fill=_BEAK),
        polygon((0.1, 0.48), (-0.34, 0.96), (-0.22, 0.44)),
        _spot(0.26, 0.62, 0.045, ink),
    ),
    "bicycle": (
        _wheel(-0.27, 0.21, 2),
        _wheel(0.27, 0.21, 2),
        *(line(*points, fill=fill, width=width) for fill, width in ((ink, 4.5), (own, 3)) for points in _TUBES),
        line((-0.27, 0.69), (-0.03, 0.69), fill=_TYRE, width=2.5),
    ),
    "tent": (
        polygon((-0.49, 0), (0.49, 0), (0, 0.86)),
        polygon((-0.16, 0), (0.16, 0), (0, 0.5), fill=_DARK),
        line((-0.06, 0.98), (0, 0.86), (0.06, 0.98), fill=_WOOD, width=1.5),
    ),
    "umbrella": (
        line((0, 0.1), (0, 1.0), fill=_WOOD, width=2),
        arc(-0.17, 0, 0, 0.18, angles=(0, 180), fill=_WOOD, width=2),
        dome(-0.48, 0.06, 0.48, 0.96),
        *(ellipse(x - 0.16, 0.45, x + 0.16, 0.57, fill=_DARK, edge=None) for x in (-0.32, 0, 0.32)),
        line((0, 0.94), (-0.16, 0.53), width=1),
        line((0, 0.94), (0.16, 0.53), width=1),
    ),
    "apple": (
        ellipse(-0.43, 0.02, 0.1, 0.72),
        ellipse(-0.1, 0.02, 0.43, 0.72),
        ellipse(-0.3, 0.05, 0.3, 0.62, edge=None),
        line((0, 0.58), (0.05, 0.9), fill=_WOOD, width=2),
        polygon((0.05, 0.76), (0.22, 0.96), (0.42, 0.92), (0.26, 0.76), fill=_LEAF),
    ),
    "bottle": (
        rectangle(-0.24, 0, 0.24, 0.54),
        polygon((-0.24, 0.54), (0.24, 0.54), (0.1, 0.74), (-0.1, 0.74)),
        rectangle(-0.1, 0.72, 0.1, 0.92),
        rectangle(-0.12, 0.9, 0.12, 1.0, fill=_WOOD),
        rectangle(-0.16, 0.17, 0.16, 0.35, fill=_PALE),
    ),
    "book": (
        polygon((-0.3, 0.04), (0.42, 0.04), (0.42, 0.86), (-0.3, 0.86), fill=_PALE),
        line((-0.3, 0.1), (0.42, 0.1)),
        polygon((-0.42, 0.13), (0.32, 0.13), (0.32, 0.95), (-0.42, 0.95)),
        line((-0.3, 0.13), (-0.3, 0.95), width=1),
        rectangle(-0.18, 0.62, 0.22, 0.8, fill=_PALE),
    ),
    "ball": (
        ellipse(-0.44, 0, 0.44, 0.88),
        polygon((-0.43, 0.35), (0.42, 0.35), (0.42, 0.54), (-0.43, 0.54), fill=_stripe),
    ),
    "butterfly": (
        ellipse(-0.48, 0.44, -0.03, 0.94),
        ellipse(0.03, 0.44, 0.48, 0.94),
        ellipse(-0.4, 0.08, -0.02, 0.52),
        ellipse(0.02, 0.08, 0.4, 0.52),
        _spot(-0.27, 0.7, 0.08, _stripe),
        _spot(0.27, 0.7, 0.08, _stripe),
        ellipse(-0.06, 0.14, 0.06, 0.84, fill=_DARK, edge=None),
        line((-0.16, 1.0), (0, 0.8), (0.16, 1.0), width=1),
    ),
    "cactus": (
        polygon(
            (-0.16, 0),
            (0.16, 0),
            (0.16, 0.32),
            (0.47, 0.32),
            (0.47, 0.82),
            (0.28, 0.82),
            (0.28, 0.52),
            (0.16, 0.52),
            (0.16, 0.94),
            (0.08, 1),
            (-0.08, 1),
            (-0.16, 0.94),
            (-0.16, 0.42),
            (-0.28, 0.42),
            (-0.28, 0.7),
            (-0.47, 0.7),
            (-0.47, 0.22),
            (-0.16, 0.22),
        ),
        line((-0.05, 0.06), (-0.05, 0.9), fill=_stripe),
        line((0.06, 0.06), (0.06, 0.9), fill=_stripe),
    ),
    "car": (
        polygon((-0.3, 0.4), (-0.2, 0.72), (0.16, 0.72), (0.3, 0.4)),
        polygon((-0.21, 0.42), (-0.14, 0.64), (-0.03, 0.64), (-0.03, 0.42), fill=_GLASS),
        polygon((0.03, 0.42), (0.03, 0.64), (0.12, 0.64), (0.21, 0.42), fill=_GLASS),
        rectangle(-0.49, 0.12, 0.49, 0.44),
        *_tyre(-0.27),
        *_tyre(0.27),
        rectangle(0.41, 0.28, 0.49, 0.38, fill=_LAMP),
    ),
    "castle": (
        rectangle(-0.3, 0, 0.3, 0.6),
        *(rectangle(x, 0.55, x + 0.12, 0.7) for x in (-0.18, 0.06)),
        *(rectangle(x, 0, x + 0.26, 0.8) for x in (-0.48, 0.22)),
        *(rectangle(x, 0.76, x + 0.1, 0.94) for x in (-0.48, -0.32, 0.22, 0.38)),
        dome(-0.13, -0.3, 0.13, 0.36, fill=_DARK),
        rectangle(-0.38, 0.46, -0.32, 0.62, fill=_DARK),
        rectangle(0.32, 0.46, 0.38, 0.62, fill=_DARK),
    ),
    "crab": (
        *(line((0, 0.3), (x, 0.2), (x * 1.15, 0), width=2) for x in (-0.4, -0.26, 0.26, 0.4)),
        line((-0.3, 0.35), (-0.4, 0.62), fill=ink, width=2.5),
        line((0.3, 0.35), (0.4, 0.62), fill=ink, width=2.5),
        polygon((-0.4, 0.56), (-0.49, 0.78), (-0.4, 0.96), (-0.37, 0.76), (-0.18, 0.9), (-0.22, 0.68)),
        polygon((0.4, 0.56), (0.49, 0.78), (0.4, 0.96), (0.37, 0.76), (0.18, 0.9), (0.22, 0.68)),
        ellipse(-0.38, 0.1, 0.38, 0.56),
        _spot(-0.1, 0.62, 0.08, (250, 250, 250), ink),
        _spot(0.1, 0.62, 0.08, (250, 250, 250), ink),
        _spot(-0.1, 0.62, 0.035, _TYRE),
        _spot(0.1, 0.62, 0.035, _TYRE),
    ),
    "crown": (
        polygon((-0.4, 0.1), (-0.48, 0.8), (-0.22, 0.48), (0, 0.92), (0.22, 0.48), (0.48, 0.8), (0.4, 0.1)),
        rectangle(-0.4, 0.06, 0.4, 0.24),
        *(_spot(x, y, 0.07, own, ink) for x, y in ((-0.46, 0.84), (0, 0.94), (0.46, 0.84))),
        *(_spot(x, 0.15, 0.05, _stripe) for x in (-0.22, 0, 0.22)),
    ),
    "guitar": (
        rectangle(-0.06, 0.4, 0.06, 0.92, fill=_WOOD),
        rectangle(-0.11, 0.86, 0.11, 1.0, fill=_WOOD),
        ellipse(-0.26, 0.3, 0.26, 0.66),
        ellipse(-0.36, 0, 0.36, 0.46),
        ellipse(-0.25, 0.22, 0.25, 0.6, edge=None),
        _spot(0, 0.4, 0.1, _DARK),
        line((-0.12, 0.12), (0.12, 0.12), fill=_DARK, width=1.5),
    ),
    "mushroom": (
        rectangle(-0.15, 0, 0.15, 0.5, fill=_PALE),
        dome(-0.48, -0.02, 0.48, 0.94),
        _spot(-0.24, 0.6, 0.08, _stripe),
        _spot(0.04, 0.76, 0.09, _stripe),
        _spot(0.26, 0.58, 0.07, _stripe),
    ),
    "snail": (
        polygon((-0.48, 0), (0.4, 0), (0.48, 0.1), (0.44, 0.4), (0.3, 0.4), (0.22, 0.16), (-0.3, 0.16), fill=_SKIN),
        line((0.36, 0.36), (0.3, 0.62), fill=_SKIN, width=1.5),
        line((0.4, 0.36), (0.47, 0.62), fill=_SKIN, width=1.5),
        ellipse(-0.42, 0.1, 0.26, 0.78),
        arc(-0.25, 0.24, 0.11, 0.62, angles=(-60, 230), fill=ink, width=1),
        _spot(-0.07, 0.42, 0.06, ink),
    ),
    "turtle": (
        *(rectangle(x, 0, x + 0.15, 0.2, fill=_SKIN) for x in (-0.34, 0.1)),
        polygon((-0.4, 0.16), (-0.49, 0.1), (-0.36, 0.26), fill=_SKIN),
        ellipse(0.22, 0.2, 0.49, 0.5, fill=_SKIN),
        dome(-0.42, -0.34, 0.34, 0.72),
        line((-0.2, 0.2), (-0.12, 0.5), (0.06, 0.5), (0.14, 0.2), width=1),
        line((-0.12, 0.5), (-0.2, 0.62), width=1),
        line((0.06, 0.5), (0.13, 0.62), width=1),
        _spot(0.4, 0.38, 0.035, ink),
    ),
    "windmill": (
        polygon((-0.3, 0), (0.3, 0), (0.16, 0.64), (-0.16, 0.64)),
        dome(-0.16, 0.5, 0.16, 0.8, fill=_DARK),
        rectangle(-0.07, 0, 0.07, 0.2, fill=_DARK),
        *(_wing(pi / 4 + quarter * pi / 2) for quarter in range(4)),
        _spot(0, 0.6, 0.06, _DARK),
    ),
}
