"""`rolestage draw`."""

from pathlib import Path

from rich.text import Text

from sandbox.commands.out import console, print_json
from sandbox.half_blocks import half_blocks
from scenes.problem import refuse
from scenes.sights import drawn
from scenes.storybook.drawing import describe, draw_lots


def draw_picture(seed: int, held_out: bool, size: int, out: Path | None, as_json: bool) -> int:
    """Draw the picture of `seed`, write it to `out` if that is given, and tell what it shows."""
    drawing = draw_lots(seed, held_out)
    picture = drawn(drawing, size)
    if out:
        _write(picture.png, out)
    if as_json:
        print_json({"id": picture.id, "drawing": drawing.model_dump(mode="json"), "file": str(out) if out else None})
        return 0
    screen = console()
    if screen.is_terminal:
        screen.print(half_blocks(picture))
    screen.print(Text(describe(drawing) + (f"  → {out}" if out else "")))
    return 0


def _write(png: bytes, out: Path) -> None:
    try:
        out.write_bytes(png)
    except OSError as error:
        raise refuse(f"the picture cannot be written ({error.strerror}); name another file.", str(out)) from None
