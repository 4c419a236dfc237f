"""A square canvas measured in units, so that one set of numbers draws the picture at every size."""

from collections.abc import Sequence
from typing import Literal

from PIL import Image, ImageDraw

UNITS = 128
"""Side of every picture, in units: one unit is one pixel of the pictures that the model was trained on."""
THIN = 0.5
"""Width of a line inside a thing, in units."""
OUTLINE = 1.0
"""Width of the line around a thing, in units: enough to part white from snow and black from night."""

Box = tuple[float, float, float, float]
"""Left, top, right, bottom."""
RGB = tuple[int, int, int]
Paint = RGB | int
"""A colour, or one level on a canvas of mode `L`."""


class Canvas:
    """Pillow's drawing with lengths in units; points and boxes are flat sequences of x, y."""

    def __init__(self, pixels: int, mode: Literal["RGB", "L"] = "RGB") -> None:
        self.pixels = pixels
        self.image = Image.new(mode, (pixels, pixels))
        self._pen = ImageDraw.Draw(self.image)
        self._scale = pixels / UNITS

    def polygon(
        self, points: Sequence[float], fill: Paint | None, edge: Paint | None = None, width: float = THIN
    ) -> None:
        """Draw a closed figure."""
        self._pen.polygon(self._pixels(points), fill)
        if edge is not None:  # as a line: Pillow's own broad edge paints a mask of the whole picture
            self.line([*points, *points[:4]], edge, width)

    def rectangle(
        self, box: Sequence[float], fill: Paint | None, edge: Paint | None = None, width: float = THIN
    ) -> None:
        """Draw a box; its edge lies inside it."""
        self._pen.rectangle(self._pixels(box), fill, edge, self._width(width))

    def ellipse(self, box: Sequence[float], fill: Paint | None, edge: Paint | None = None, width: float = THIN) -> None:
        """Draw the ellipse that fills `box`."""
        self._pen.ellipse(self._pixels(box), fill, edge, self._width(width))

    def dome(self, box: Sequence[float], fill: Paint | None, edge: Paint | None = None, width: float = THIN) -> None:
        """Draw the upper half of the ellipse that fills `box`."""
        self._pen.pieslice(self._pixels(box), 180, 360, fill, edge, self._width(width))

    def line(self, points: Sequence[float], fill: Paint | None, width: float = THIN) -> None:
        """Draw a line through all `points`."""
        self._pen.line(self._pixels(points), fill, self._width(width))

    def arc(self, box: Sequence[float], start: float, end: float, fill: Paint | None, width: float = THIN) -> None:
        """Draw a piece of the ellipse that fills `box`, from `start` to `end` degrees clockwise from three o'clock."""
        self._pen.arc(self._pixels(box), start, end, fill, self._width(width))

    def gradient(self, box: Box, top: RGB, bottom: RGB) -> None:
        """Fill `box`, row by row, with colours that go from `top` to `bottom`."""
        left, first, right, last = self._pixels(box)
        for y in range(int(first), int(last)):
            self._pen.line((left, y, right, y), mix(top, bottom, (y - first) / max(1, last - first)))

    def veil(self, colour: RGB, density: "Canvas") -> None:
        """Lay `colour` over the picture, as thick as `density` (of mode `L`) says at each point."""
        self.image.paste(colour, (0, 0), density.image)

    def _pixels(self, lengths: Sequence[float]) -> list[float]:
        return [length * self._scale for length in lengths]

    def _width(self, units: float) -> int:
        return max(1, int(units * self._scale))


def mix(one: RGB, other: RGB, share: float) -> RGB:
    """Return the colour between the two that has this share of `other`."""
    red, green, blue = (int(a * (1 - share) + b * share) for a, b in zip(one, other, strict=True))
    return red, green, blue
