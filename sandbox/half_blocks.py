"""A picture as coloured half blocks: two pixels a character, in any terminal that has colours."""

from rich.color import Color
from rich.style import Style
from rich.text import Text

from scenes.image import Picture, open_picture


def half_blocks(picture: Picture, columns: int = 48) -> Text:
    """Return `picture` as text, `columns` characters wide."""
    rows = max(2, round(picture.height / picture.width * columns / 2) * 2)
    pixels = open_picture(picture).resize((columns, rows))
    text = Text(no_wrap=True)
    for y in range(0, rows, 2):
        for x in range(columns):
            upper, lower = pixels.getpixel((x, y)), pixels.getpixel((x, y + 1))
            text.append("▀", Style(color=_colour(upper), bgcolor=_colour(lower)))
        text.append("\n")
    return text


def _colour(pixel: object) -> Color:
    assert isinstance(pixel, tuple), "pictures are RGB"
    return Color.from_rgb(*pixel)
