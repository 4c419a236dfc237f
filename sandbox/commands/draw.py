"""`rolestage draw`."""

from pathlib import Path

from sandbox.half_blocks import half_blocks
from sandbox.screen import Screen, print_json, safe
from sandbox.whole_file import write_whole
from scenes.image import Picture
from scenes.problem import refuse
from scenes.sights import drawn
from scenes.storybook.drawing import describe, draw_lots


def draw_picture(seed: int, held_out: bool, size: int, out: Path | None, as_json: bool) -> int:
    """Draw the picture of `seed`, write it to `out` if that is given, and tell what it shows."""
    drawing = draw_lots(seed, held_out)
    picture = drawn(drawing, size)
    if out:
        write_picture(picture, out)
    if as_json:
        print_json({"id": picture.id, "drawing": drawing.model_dump(mode="json"), "file": str(out) if out else None})
        return 0
    screen = Screen()
    if screen.shows_pictures:
        screen.print(half_blocks(picture, columns=min(48, screen.width)))
    screen.print(safe(describe(drawing) + (f"  → {out}" if out else "")))
    return 0


def write_picture(picture: Picture, file: Path) -> None:
    """Write `picture` as PNG, making the folder for it. Raises `InputRefused`."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        write_whole(file, picture.png)
    except OSError as error:
        raise refuse(f"the picture cannot be written ({error.strerror}); name another place.", str(file)) from None
