"""Table I from the file to the run: what a picture carries besides pixels, and what it is once it is read.

The other rows are told at the command line, in `test_refusals.py`, and file by file, in `tests/scenes`.
"""

import zlib
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from commanding import commanded
from hostile.pictures import Part, drawing, encoded, notes, png, png_parts
from hostile.small_room import MEGABYTE, commanded_in
from PIL import Image, PngImagePlugin
from playing import played, written

MARK = b"HERE IS WHAT NOBODY SHOULD GET"


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def scene_with(**files: bytes) -> Path:
    """Write a scenario that shows these pictures, each from a file of its own, and return its folder."""
    images = {name: {"file": f"{name}.png"} for name in files}
    folder = written(Path("scenario"), images=images, layout="images-first").parent
    for name, data in files.items():
        (folder / f"{name}.png").write_bytes(data)
    return folder


def run_with(**files: bytes) -> Path:
    """Play that scenario and return the folder of the run."""
    scene_with(**files)
    return played(Path(), images={name: {"file": f"{name}.png"} for name in files}, layout="images-first")


def laden(kind: str) -> bytes:
    """Return a picture with a place, a profile and notes in it, and a script behind it."""
    exif, text = notes(), PngImagePlugin.PngInfo()
    exif[0x010E] = MARK.decode()
    text.add_text("chara", MARK.decode())
    own: dict[str, dict[str, Any]] = {"PNG": {"pnginfo": text}, "JPEG": {"comment": MARK}, "WEBP": {"lossless": True}}
    data = encoded(drawing(), kind, exif=exif, icc_profile=MARK * 4, xmp=b"<x>" + MARK + b"</x>", **own[kind])
    return data + b"<?php " + MARK + b" ?>" + MARK * 240


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_a_run_holds_the_pixels_of_a_picture_and_nothing_else_of_its_file(kind: str) -> None:
    """I9"""
    assert laden(kind).count(MARK) > 240
    run = run_with(view=laden(kind))
    (picture,) = (run / "images").iterdir()
    assert {name for name, _ in png_parts(picture.read_bytes())} == {b"IHDR", b"IDAT", b"IEND"}
    with Image.open(picture) as image:
        assert dict(image.getexif()) == {}
    assert [file.name for file in run.rglob("*") if file.is_file() and MARK in file.read_bytes()] == []
    assert commanded("preview", "scenario", "--images", "seen").code == 0
    assert [MARK in file.read_bytes() for file in Path("seen").iterdir()] == [False]


@cache
def flood() -> bytes:
    """Return what unpacks to three hundred megabytes."""
    packer = zlib.compressobj(9)
    return b"".join(packer.compress(bytes(1_000_000)) for _ in range(300)) + packer.flush()


def with_part(part: Part, at: int = 1) -> bytes:
    """Return a sound PNG with one more chunk."""
    parts = png_parts(encoded(drawing(), "PNG"))
    return png([*parts[:at], part, *parts[at:]])


REFUSED = "is damaged, cut short or stuffed; export the picture as PNG again."
READ = "fine. title Two on the quay"
BOMBS: dict[str, tuple[bytes, bytes, int, str]] = {
    "I10 a compressed note": (b"zTXt", b"chara\0\0", 1, REFUSED),
    "I10 an international note": (b"iTXt", b"chara\0\1\0\0\0", 1, REFUSED),
    "I10 a colour profile": (b"iCCP", b"icc\0\0", 1, REFUSED),
    "I10 a note behind the pixels": (b"zTXt", b"chara\0\0", -1, REFUSED),
    "I10 more pixels than the header says": (b"IDAT", b"", -1, READ),
}


@pytest.mark.parametrize(("kind", "head", "at", "told"), BOMBS.values(), ids=BOMBS)
def test_three_hundred_megabytes_packed_into_a_part_of_a_picture_are_never_unpacked(
    kind: bytes, head: bytes, at: int, told: str
) -> None:
    """In a process that could not hold them."""
    outcome = commanded_in(256 * MEGABYTE, "lint", scene_with(view=with_part((kind, head + flood()), at)))
    assert told in outcome.out + outcome.err
    assert outcome.code == (0 if told is READ else 2)


def test_one_picture_is_kept_once_in_a_run_however_it_was_encoded() -> None:
    """I13"""
    image = drawing()
    turned = encoded(image.transpose(Image.Transpose.ROTATE_90), "PNG", exif=notes())
    run = run_with(
        plain=encoded(image, "PNG"),
        unpacked=encoded(image, "PNG", compress_level=0),
        webp=encoded(image, "WEBP", lossless=True),
        opaque=encoded(image.convert("RGBA"), "PNG"),
        turned=turned,
    )
    assert len([*(run / "images").iterdir()]) == 1


def test_the_same_pixels_in_another_shape_are_another_picture_in_a_run() -> None:
    """I13"""
    pixels = bytes(value for at in range(48 * 64) for value in (at % 251, at % 7, at % 11))
    shapes = [Image.frombytes("RGB", size, pixels) for size in ((48, 64), (64, 48), (32, 96))]
    run = run_with(**{f"view{at}": encoded(image, "PNG") for at, image in enumerate(shapes)})
    files = [*(run / "images").iterdir()]
    assert len(files) == 3
    seen = set()
    for file in files:
        with Image.open(file) as image:
            seen.add(image.size)
            assert image.tobytes() == pixels
    assert seen == {(48, 64), (64, 48), (32, 96)}
