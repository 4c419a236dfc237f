"""Storybook pictures drawn by lot: their truth in words and as data, and many of them on one sheet with captions."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from PIL import Image, ImageDraw, ImageFont

from scenes.image import ImageRefused, check_size
from scenes.problem import refuse
from scenes.storybook.drawing import (
    SEEDS,
    Drawing,
    describe,
    draw_lots,
    held_out_colours,
    held_out_places,
    name_of,
    relations,
)
from scenes.storybook.render import render

_MARGIN = 8
_PAPER, _INK = (255, 255, 255), (30, 30, 30)


class Drawn(NamedTuple):
    """A drawing and the seed that it was drawn by."""

    seed: int
    drawing: Drawing


def draw_many(seed: int, number: int, held_out: bool) -> list[Drawn]:
    """Return the drawings of `number` seeds from `seed` on. Raises `InputRefused`."""
    if seed + number > SEEDS:
        raise refuse(f"the last seed is {SEEDS - 1}; begin lower, or draw fewer.", "draw")
    return [Drawn(one, draw_lots(one, held_out)) for one in range(seed, seed + number)]


def told(drawing: Drawing) -> list[str]:
    """Return the truth in lines: all that is shown, what stands where to what, and what no training picture holds."""
    lines = [describe(drawing)]
    lines += [f"{name_of(one)} {is_} {name_of(other)}" for one, is_, other in relations(drawing)]
    lines += [f"held out: {name_of(group)}" for group in held_out_colours(drawing)]
    lines += [f"held out: {group.kind} and {drawing.place}" for group in held_out_places(drawing)]
    return lines


def as_data(drawing: Drawing) -> dict[str, Any]:
    """Return the drawing, its relations by the kinds that stand in them, and its held-out combinations."""
    return {
        "drawing": drawing.model_dump(mode="json"),
        "relations": [[one.kind, is_, other.kind] for one, is_, other in relations(drawing)],
        "held_out": [
            *([group.kind, group.colour] for group in held_out_colours(drawing)),
            *([group.kind, drawing.place] for group in held_out_places(drawing)),
        ],
    }


def contact_sheet(shown: Sequence[Drawn], columns: int, size: int) -> Image.Image:
    """Return a sheet of pictures of `size` pixels, so many in a row, a caption under each. Raises `InputRefused`."""
    columns = min(columns, len(shown))
    font = ImageFont.load_default(max(10, size // 20))
    captions = [_wrapped(f"{seed}: {describe(drawing)}", font, size) for seed, drawing in shown]
    below = max(_height(caption, font) for caption in captions)
    cell, row = size + _MARGIN, size + below + 2 * _MARGIN
    width, height = columns * cell + _MARGIN, -(-len(shown) // columns) * row + _MARGIN
    try:
        check_size(width, height)
    except ImageRefused:
        size_told = f"a sheet of {width}×{height} pixels is too large or too narrow"
        raise refuse(f"{size_told}; draw fewer, make them smaller, or choose other columns.", "draw") from None
    sheet = Image.new("RGB", (width, height), _PAPER)
    pen = ImageDraw.Draw(sheet)
    for at, (one, caption) in enumerate(zip(shown, captions, strict=True)):
        x, y = _MARGIN + at % columns * cell, _MARGIN + at // columns * row
        sheet.paste(render(one.drawing, size), (x, y))
        pen.multiline_text((x, y + size + _MARGIN / 2), caption, _INK, font)
    return sheet


def _wrapped(text: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont, width: int) -> str:
    """Return `text` in lines that are no wider than `width` pixels."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        lines = [*lines[:-1], longer] if font.getlength(longer) <= width else [*lines, word]
    return "\n".join(lines)


def _height(caption: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont) -> int:
    pen = ImageDraw.Draw(Image.new("L", (1, 1)))
    return int(pen.multiline_textbbox((0, 0), caption, font)[3]) + 1
