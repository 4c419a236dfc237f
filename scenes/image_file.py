"""Pictures from files that somebody else wrote: found inside the scenario's root, read safely, put in normal form.

Apart from `image.py` because this is the side that faces hostile input: names that point elsewhere, things that are
not files, files that are not pictures, and pictures made to exhaust a decoder.
"""

import os
import re
import stat
import struct
import warnings
from difflib import get_close_matches
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from scenes.clean import one_line
from scenes.image import MAX_PIXELS, ImageRefused, Picture, check_size, picture_of
from scenes.inside import Outside, inside

if TYPE_CHECKING:
    import PIL.Image

MAX_BYTES = 20_000_000

_READABLE = ("PNG", "JPEG", "WEBP")
_BEGINNINGS = {
    "PNG": rb"\x89PNG\r\n\x1a\n",
    "JPEG": rb"\xff\xd8\xff",
    "WEBP": rb"RIFF.{4}WEBP",
    "GIF": rb"GIF8",
    "TIFF": rb"II[*+]\0|MM\0[*+]",
    "BMP": rb"BM.{4}\0{4}",
    "PDF": rb"%PDF",
    "EPS": rb"%!PS|\xc5\xd0\xd3\xc6",
    "PSD": rb"8BPS",
    "FITS": rb"SIMPLE  =",
    "AVIF": rb".{4}ftypavi[fs]",
    "HEIC": rb".{4}ftyp(he[iv][cmsx]|mif1|msf1)",
    "a web page": rb"\s*<(!doctype html|html)",
    "SVG": rb"[^\0]{0,1000}?<svg\b",
    "empty": rb"\Z",
}
"""How files of each kind begin: the kind is told by content, never by the name, and picks the one decoder to run."""
_SCAN = b"\xff\xda"
_MAX_SCANS = 500
"""Each scan of a JPEG costs a pass over all pixels, however few its bytes. A photograph has about ten; chance puts some
three hundred marks of scans into 20 MB of other data, such as the film that a phone appends."""
_MISREAD_COLOUR_KEYS = ("L;2", "L;4", "I;16B", "RGB;16B")
"""Raw modes of PNG whose transparent colour Pillow compares with pixels of another depth, so that it stays visible."""
_DAMAGE = (OSError, SyntaxError, ValueError, IndexError, TypeError, struct.error)
"""What Pillow raises on broken files, and on text chunks named like fields of its own (`exif`, `transparency`)."""


def read_picture(name: str, folder: Path, root: Path) -> Picture:
    """Return the picture that a scenario in `folder` calls `name`; it must lie inside `root`, links followed.

    Raises `ImageRefused` for everything else, whatever is there; nothing is ever fetched.
    """
    try:
        return _picture_from(_contents(inside(name, folder, root), name))
    except (ImageRefused, Outside) as refusal:
        raise ImageRefused(f'"{one_line(name)}": {refusal}') from None


def _contents(path: Path, name: str) -> bytes:
    """Return the bytes of the regular file at `path`; what is checked and what is read is one open file."""
    try:
        with open(path, "rb", opener=_open_at_once) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise ImageRefused("this is a pipe or a device; name a regular file.")
            data = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise ImageRefused(f"there is no such file; {_suggestion(path, name)}") from None
    except OSError as error:
        fault = f"the file cannot be read ({error.strerror})"
        raise ImageRefused(f"{fault}; name a picture file that you may read.") from None
    if len(data) > MAX_BYTES:
        raise ImageRefused(f"the file is larger than {MAX_BYTES // 1_000_000} MB; save it smaller.")
    return data


def _open_at_once(path: str, flags: int) -> int:
    """Open without waiting for the other end of a pipe, and without following a link put there since the check."""
    return os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK)


def _suggestion(path: Path, name: str) -> str:
    present = {entry.name.casefold(): entry.name for entry in path.parent.glob("*")}
    close = get_close_matches(path.name.casefold(), present, n=1)
    if not close:
        return "check the name and its case."
    meant = os.path.join(os.path.dirname(name), present[close[0]])
    return f'did you mean "{one_line(meant)}"?'


def _picture_from(data: bytes) -> Picture:
    from PIL.Image import DecompressionBombError

    kind = _kind(data)
    if kind not in _READABLE:
        raise ImageRefused(f"the file is {kind}, not PNG, JPEG or WebP; export the picture as PNG.")
    try:
        with warnings.catch_warnings(action="ignore"):  # Pillow warns of things that are refused here or do no harm
            return picture_of(_still_image(data, kind))
    except ImageRefused:
        raise
    except DecompressionBombError:
        raise ImageRefused(
            f"the picture has far more than {MAX_PIXELS // 1_000_000} megapixels; scale it down."
        ) from None
    except _DAMAGE:
        raise ImageRefused(
            f"the {kind} file of {len(data)} bytes is damaged, cut short or stuffed; export the picture as PNG again."
        ) from None


def _kind(data: bytes) -> str:
    matching = (kind for kind, start in _BEGINNINGS.items() if re.match(start, data, re.DOTALL | re.IGNORECASE))
    return next(matching, f"of an unknown kind ({len(data)} bytes)")


def _still_image(data: bytes, kind: str) -> "PIL.Image.Image":
    """Return the image, decoded only after its header has passed every check."""
    from PIL import Image

    image = Image.open(BytesIO(data), formats=[kind])
    check_size(*image.size)
    # The further images of an MPO (a JPEG of many phones) are previews and depth maps, not an animation.
    if getattr(image, "is_animated", False) and image.format != "MPO":
        raise ImageRefused("the picture is animated; export one frame of it as PNG.")
    if "transparency" in image.info and image.tile[0].args in _MISREAD_COLOUR_KEYS:
        raise ImageRefused("the PNG has a transparent colour that is not of 8 bits; export it as 8-bit RGBA.")
    if kind == "JPEG" and data.count(_SCAN) > _MAX_SCANS:
        raise ImageRefused(f"the JPEG has more than {_MAX_SCANS} scans; export the picture as PNG.")
    image.verify()  # checksums, which decoding ignores; an image that was verified cannot be decoded any more
    image = Image.open(BytesIO(data), formats=[kind])
    image.load()
    return image
