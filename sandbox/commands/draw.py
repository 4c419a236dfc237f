"""`rolestage draw`."""

from pathlib import Path
from typing import NamedTuple

from sandbox.draw import Drawn, as_data, contact_sheet, draw_many, told
from sandbox.half_blocks import half_blocks
from sandbox.screen import Screen, print_json, safe
from sandbox.whole_file import write_whole
from scenes.image import Picture, picture_of
from scenes.problem import refuse
from scenes.sights import drawn

_COLUMNS = 4


class DrawOptions(NamedTuple):
    """What is drawn, and how large."""

    seed: int = 0
    number: int = 1
    held_out: bool = False
    size: int | None = None
    """Of each picture in pixels; by default 512, and 256 on a sheet."""
    columns: int | None = None
    """Of a sheet; by default four, and no sheet for a single picture."""


def draw_pictures(options: DrawOptions, out: Path | None, as_json: bool) -> int:
    """Draw pictures by lot, write them to `out` if that is given, and tell what they show. Raises `InputRefused`."""
    if options.columns and not out:
        raise refuse("--sheet writes a picture; name it with --out.")
    shown = draw_many(options.seed, options.number, options.held_out)
    if options.number > 1 or options.columns:
        return _draw_sheet(shown, options, out, as_json)
    return _draw_one(shown[0], options.size or 512, out, as_json)


def _draw_one(one: Drawn, size: int, out: Path | None, as_json: bool) -> int:
    picture = drawn(one.drawing, size)
    if out:
        write_picture(picture, out)
    if as_json:
        print_json({"id": picture.id, **as_data(one.drawing), "file": str(out) if out else None})
        return 0
    screen = Screen()
    if screen.shows_pictures:
        screen.print(half_blocks(picture, columns=min(48, screen.width)))
    first, *others = told(one.drawing)
    for line in (first + (f"  → {out}" if out else ""), *others):
        screen.print(safe(line))
    return 0


def _draw_sheet(shown: list[Drawn], options: DrawOptions, out: Path | None, as_json: bool) -> int:
    if out:
        write_picture(picture_of(contact_sheet(shown, options.columns or _COLUMNS, options.size or 256)), out)
    if as_json:
        drawings = [{"seed": one.seed, **as_data(one.drawing)} for one in shown]
        print_json({"drawings": drawings, "file": str(out) if out else None})
        return 0
    screen = Screen()
    for one in shown:
        screen.print(safe(f"{one.seed}: {'; '.join(told(one.drawing))}"))
    if out:
        screen.print(safe(f"→ {out}"))
    return 0


def write_picture(picture: Picture, file: Path) -> None:
    """Write `picture` as PNG, making the folder for it. Raises `InputRefused`."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        write_whole(file, picture.png)
    except OSError as error:
        raise refuse(f"the picture cannot be written ({error.strerror}); name another place.", str(file)) from None
