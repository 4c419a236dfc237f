"""A picture as coloured half blocks: two pixels a character, in any terminal that has colours."""

from typing import TYPE_CHECKING

from rich.color import Color
from rich.style import Style
from rich.text import Text

from scenes.image import Picture, open_picture

if TYPE_CHECKING:
    import PIL.Image


def half_blocks(picture: Picture, columns: int = 48, rows: int = 24) -> Text:
    """Return `picture` in its own proportions, as large as fits into so many columns and rows."""
    scale = min(columns / picture.width, 2 * rows / picture.height)
    width, height = (max(1, round(side * scale)) for side in (picture.width, picture.height / 2))
    pixels = open_picture(picture).resize((width, 2 * height))
    return Text("\n").join(_row(pixels, 2 * y) for y in range(height))


def _row(pixels: "PIL.Image.Image", y: int) -> Text:
    row = Text()
    for x in range(pixels.width):
        row.append("▀", Style(color=_colour(pixels.getpixel((x, y))), bgcolor=_colour(pixels.getpixel((x, y + 1)))))
    return row


def _colour(pixel: object) -> Color:
    assert isinstance(pixel, tuple), "pictures are RGB"
    return Color.from_rgb(*pixel)
