"""Pictures from hostile files: every row is a file or a name that went wrong somewhere, made here byte by byte."""

import random
import struct
import zlib
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image, ImageStat, PngImagePlugin

from scenes.image import ImageRefused, Picture, open_picture, picture_of
from scenes.image_file import MAX_BYTES, read_picture

ORIENTATION = 0x0112
PNG_START = b"\x89PNG\r\n\x1a\n"


def drawing(width: int = 40, height: int = 32) -> Image.Image:
    """An image without any symmetry: every pixel says where it is."""
    pixels = bytes(value % 256 for y in range(height) for x in range(width) for value in (6 * x, 8 * y, x * y // 5))
    return Image.frombytes("RGB", (width, height), pixels)


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    file = BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(width: int, height: int, pixels: bytes = b"", depth: int = 8, colour: int = 2, extra: bytes = b"") -> bytes:
    """A PNG whose parts need not agree; `pixels` are its rows, each after its filter byte."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))
    return PNG_START + header + extra + chunk(b"IDAT", zlib.compress(pixels)) + chunk(b"IEND", b"")


def big_webp(width: int, height: int) -> bytes:
    """A WebP whose header claims a canvas that its one small image does not fill."""
    sizes = struct.pack("<I", width - 1)[:3] + struct.pack("<I", height - 1)[:3]
    body = b"WEBPVP8X" + struct.pack("<I", 10) + bytes(4) + sizes + encoded(drawing(), "WEBP")[12:]
    return b"RIFF" + struct.pack("<I", len(body)) + body


def exif(orientation: int) -> Image.Exif:
    notes = Image.Exif()
    notes[ORIENTATION] = orientation
    return notes


def read(folder: Path, data: bytes, name: str = "picture.png") -> Picture:
    (folder / name).write_bytes(data)
    return read_picture(name, folder, folder)


def refusal(folder: Path, data: bytes) -> str:
    with pytest.raises(ImageRefused) as caught:
        read(folder, data)
    message = str(caught.value)
    assert message.startswith('"picture.png": ')
    assert "\n" not in message
    assert len(message) < 200
    return message


def with_chunk(kind: bytes, body: bytes) -> bytes:
    """A good PNG with one more chunk."""
    return png(40, 32, bytes(121 * 32), extra=chunk(kind, body))


# files that are broken


JPEG = encoded(drawing(200, 160), "JPEG")
PNG = encoded(drawing(), "PNG")
WEBP = encoded(drawing(), "WEBP")
WRONG_CHECKSUM = PNG[:-13] + bytes([PNG[-13] ^ 1]) + PNG[-12:]


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        pytest.param(JPEG[: len(JPEG) // 2], "JPEG", id="half a JPEG"),
        pytest.param(JPEG[:20], "JPEG", id="the header of a JPEG"),
        pytest.param(PNG[: len(PNG) // 2], "PNG", id="half a PNG"),
        pytest.param(PNG[:-12], "PNG", id="PNG without its end"),
        pytest.param(WRONG_CHECKSUM, "PNG", id="PNG whose pixels have a wrong checksum"),
        pytest.param(PNG.replace(b"IHDR", b"IHDS"), "PNG", id="PNG without a header"),
        pytest.param(PNG_START + PNG[8:33] + PNG[-12:], "PNG", id="PNG without pixels"),
        pytest.param(WEBP[: len(WEBP) // 2], "WEBP", id="half a WebP"),
        pytest.param(png(40, 32, b"\0"), "PNG", id="PNG with too few pixels"),
        pytest.param(with_chunk(b"eXIf", b"MM\0*\0\0"), "PNG", id="PNG with half its EXIF"),
        pytest.param(with_chunk(b"tEXt", b"exif\0x"), "PNG", id="PNG with a note posing as EXIF"),
        pytest.param(with_chunk(b"tEXt", b"transparency\0x"), "PNG", id="PNG with a note posing as alpha"),
    ],
)
def test_a_broken_file_is_refused_naming_its_kind_and_its_size(tmp_path: Path, data: bytes, kind: str) -> None:
    assert f"the {kind} file of {len(data)} bytes is damaged, cut short" in refusal(tmp_path, data)


def test_a_jpeg_or_webp_cut_anywhere_is_refused(tmp_path: Path) -> None:
    for data in (encoded(drawing(), "JPEG"), encoded(drawing(), "JPEG", progressive=True), WEBP):
        for end in range(len(data)):
            refusal(tmp_path, data[:end])


def test_a_png_of_no_pixels_is_refused(tmp_path: Path) -> None:
    refusal(tmp_path, png(0, 0))


def test_no_mutation_of_a_file_gets_out_as_anything_but_a_refusal(tmp_path: Path) -> None:
    chance = random.Random(5)
    notes = exif(6)
    originals = [
        encoded(drawing(), "PNG", exif=notes),
        encoded(drawing().convert("P"), "PNG", transparency=b"\0\x80"),
        encoded(drawing(), "JPEG", exif=notes),
        encoded(drawing(), "WEBP", exif=notes),
        encoded(drawing(), "PNG", save_all=True, append_images=[drawing().rotate(90)]),
    ]
    refused = 0
    for _ in range(1_000):
        data = bytearray(chance.choice(originals))
        for _ in range(chance.choice([1, 2, 8])):
            data[chance.randrange(chance.choice([40, len(data)]))] = chance.randrange(256)
        try:
            read(tmp_path, bytes(data))
        except ImageRefused:
            refused += 1
    assert 500 < refused < 1_000


# files that would exhaust the decoder


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        pytest.param(png(60_000, 60_000), "far more than 16 megapixels", id="3600 megapixels"),
        pytest.param(
            png(12_000, 12_000), "12000×12000 pixels is too large; at most 16 megapixels", id="144 megapixels"
        ),
        pytest.param(png(13_400, 13_300), "13400×13300 pixels is too large", id="just below Pillow's own limit"),
        pytest.param(png(4_001, 4_000), "4001×4000 pixels is too large", id="just above ours"),
        pytest.param(big_webp(16_383, 16_383), "far more than 16 megapixels", id="WebP"),
    ],
)
def test_a_picture_of_too_many_pixels_is_refused_from_its_header(
    tmp_path: Path, recwarn: pytest.WarningsRecorder, data: bytes, fault: str
) -> None:
    assert len(data) < 2_000  # there is nothing to decode, so what is refused is the header
    assert fault in refusal(tmp_path, data)
    assert not recwarn.list


def test_a_note_that_unpacks_to_a_flood_is_refused(tmp_path: Path) -> None:
    bomb = with_chunk(b"zTXt", b"chara\0\0" + zlib.compress(bytes(20_000_000), 9))
    assert "stuffed" in refusal(tmp_path, bomb)


def test_a_jpeg_that_draws_itself_over_and_over_is_refused(tmp_path: Path) -> None:
    data = encoded(drawing(), "JPEG", progressive=True)
    tables, end = data.rindex(b"\xff\xc4"), data.rindex(b"\xff\xd9")
    with_scans = {times: data[:end] + data[tables:end] * times + data[end:] for times in (5, 500)}
    assert read(tmp_path, with_scans[5]).width == 40
    assert "more than 500 scans" in refusal(tmp_path, with_scans[500])


def test_a_file_over_the_limit_is_refused_and_one_at_it_is_read(tmp_path: Path) -> None:
    assert "larger than 20 MB" in refusal(tmp_path, PNG + bytes(MAX_BYTES + 1 - len(PNG)))
    assert read(tmp_path, PNG + bytes(MAX_BYTES - len(PNG))).width == 40


# the content tells the kind, not the name


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        pytest.param(b'<svg xmlns="http://www.w3.org/2000/svg"/>', "SVG", id="SVG"),
        pytest.param(b'<?xml version="1.0"?>\n<!-- drawn -->\n<svg width="9"/>', "SVG", id="SVG after a prologue"),
        pytest.param(b"\n<!DOCTYPE html><html><svg/></html>", "a web page", id="HTML"),
        pytest.param(encoded(drawing(), "GIF"), "GIF", id="GIF"),
        pytest.param(encoded(drawing(), "TIFF"), "TIFF", id="TIFF"),
        pytest.param(encoded(drawing(), "TIFF", big_tiff=True), "TIFF", id="big TIFF"),
        pytest.param(encoded(drawing(), "BMP"), "BMP", id="BMP"),
        pytest.param(encoded(drawing(), "PDF"), "PDF", id="PDF"),
        pytest.param(encoded(drawing(), "EPS"), "EPS", id="EPS"),
        pytest.param(encoded(drawing(), "AVIF"), "AVIF", id="AVIF"),
        pytest.param(b"\0\0\0\x18ftypheic" + bytes(12), "HEIC", id="HEIC"),
        pytest.param(b"SIMPLE  =                    T", "FITS", id="FITS"),
        pytest.param(b"8BPS\0\1" + bytes(20), "PSD", id="PSD"),
        pytest.param(b"hello, not a picture", "of an unknown kind (20 bytes)", id="text"),
        pytest.param(encoded(drawing(), "PPM"), "of an unknown kind", id="PPM"),
        pytest.param(b"", "empty", id="empty"),
    ],
)
def test_other_formats_are_refused_saying_what_they_are_and_the_mend(tmp_path: Path, data: bytes, kind: str) -> None:
    message = refusal(tmp_path, data)
    assert f"the file is {kind}" in message
    assert message.endswith("not PNG, JPEG or WebP; export the picture as PNG.")


@pytest.mark.parametrize(("name", "kind"), [("a.jpg", "PNG"), ("a.png", "JPEG"), ("a", "WEBP"), ("a.svg", "PNG")])
def test_a_good_picture_under_a_wrong_suffix_is_read(tmp_path: Path, name: str, kind: str) -> None:
    assert read(tmp_path, encoded(drawing(), kind), name).width == 40


# one file, one picture


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_an_animation_is_refused(tmp_path: Path, kind: str) -> None:
    moving = encoded(drawing(), kind, save_all=True, append_images=[drawing().rotate(180)])
    assert "the picture is animated; export one frame of it as PNG" in refusal(tmp_path, moving)


def test_a_still_hidden_behind_one_animated_frame_is_refused(tmp_path: Path) -> None:
    frames = [drawing().rotate(180)]
    moving = encoded(drawing(), "PNG", save_all=True, default_image=True, append_images=frames)
    assert "animated" in refusal(tmp_path, moving)


def test_a_phone_photograph_with_a_preview_is_read_as_its_main_image(tmp_path: Path) -> None:
    photograph = encoded(drawing(), "MPO", save_all=True, append_images=[drawing(30, 30)])
    assert read(tmp_path, photograph) == read(tmp_path, encoded(drawing(), "JPEG"))


# the eight orientations

STORED: dict[int, Callable[[int, int, int, int], tuple[int, int]]] = {
    1: lambda x, y, right, bottom: (x, y),
    2: lambda x, y, right, bottom: (right - x, y),
    3: lambda x, y, right, bottom: (right - x, bottom - y),
    4: lambda x, y, right, bottom: (x, bottom - y),
    5: lambda x, y, right, bottom: (y, x),
    6: lambda x, y, right, bottom: (y, right - x),
    7: lambda x, y, right, bottom: (bottom - y, right - x),
    8: lambda x, y, right, bottom: (bottom - y, x),
}
"""Where the EXIF standard stores the pixel that is to be seen at x, y."""


def stored(upright: Image.Image, orientation: int) -> Image.Image:
    right, bottom = upright.width - 1, upright.height - 1
    size = upright.size if orientation < 5 else upright.size[::-1]
    image = Image.new("RGB", size)
    for x in range(upright.width):
        for y in range(upright.height):
            pixel = upright.getpixel((x, y))
            assert isinstance(pixel, tuple)
            image.putpixel(STORED[orientation](x, y, right, bottom), pixel)
    return image


@pytest.mark.parametrize("orientation", STORED)
@pytest.mark.parametrize(("kind", "options"), [("PNG", {}), ("WEBP", {"lossless": True})])
def test_all_orientations_of_one_picture_have_one_id(
    tmp_path: Path, orientation: int, kind: str, options: dict[str, bool]
) -> None:
    data = encoded(stored(drawing(), orientation), kind, exif=exif(orientation), **options)
    assert read(tmp_path, data) == picture_of(drawing())


def test_a_jpeg_is_turned_upright_too(tmp_path: Path) -> None:
    picture = read(tmp_path, encoded(stored(drawing(), 6), "JPEG", exif=exif(6), quality=95))
    assert (picture.width, picture.height) == drawing().size
    assert difference(picture, drawing()) < 4


def difference(picture: Picture, truth: Image.Image) -> float:
    """The mean distance of a colour value from the truth."""
    seen, meant = open_picture(picture).tobytes(), truth.convert("RGB").tobytes()
    return sum(abs(a - b) for a, b in zip(seen, meant, strict=True)) / len(meant)


# pixels of every kind


def mean(picture: Picture) -> float:
    return ImageStat.Stat(open_picture(picture)).mean[0] / 255


@pytest.mark.parametrize("brightest", [200, 5_000, 65_535])
def test_sixteen_bit_grey_keeps_its_brightness(tmp_path: Path, brightest: int) -> None:
    values = [brightest * step // 1_599 for step in range(1_600)]
    rows = b"".join(b"\0" + struct.pack(">40H", *values[at : at + 40]) for at in range(0, 1_600, 40))
    truth = sum(values) / len(values) / 65_535
    assert abs(mean(read(tmp_path, png(40, 40, rows, depth=16, colour=0))) - truth) < 1 / 255


def test_sixteen_bit_colours_with_alpha_are_laid_on_white(tmp_path: Path) -> None:
    rows = (b"\0" + struct.pack(">4H", 0, 0x8000, 0xFFFF, 0x3333) * 40) * 40
    assert open_picture(read(tmp_path, png(40, 40, rows, depth=16, colour=6))).getpixel((0, 0)) == (204, 230, 255)


def alpha_dog(mode: str) -> Image.Image:
    """White paper to a reader that minds alpha; black on white to one that drops it."""
    image = Image.new(mode, (40, 40), "white")
    image.paste(Image.new(mode, (20, 20), (0,) * len(mode)), (10, 10))
    return image


WHITE = picture_of(Image.new("RGB", (40, 40), "white"))


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(encoded(alpha_dog("RGBA"), "PNG"), id="RGBA"),
        pytest.param(encoded(alpha_dog("RGBA"), "WEBP", lossless=True, exact=True), id="WebP"),
        pytest.param(encoded(alpha_dog("LA"), "PNG"), id="LA"),
        pytest.param(encoded(alpha_dog("RGB"), "PNG", transparency=(0, 0, 0)), id="RGB, black transparent"),
        pytest.param(encoded(alpha_dog("L"), "PNG", transparency=0), id="L, black transparent"),
        pytest.param(encoded(alpha_dog("RGB").convert("P"), "PNG", transparency=0), id="P, black transparent"),
        pytest.param(encoded(alpha_dog("L").convert("1"), "PNG", transparency=0), id="1-bit, black transparent"),
    ],
)
def test_what_is_transparent_is_never_seen(tmp_path: Path, data: bytes) -> None:
    assert read(tmp_path, data) == WHITE


@pytest.mark.parametrize(
    ("depth", "colour", "row", "key"),
    [
        pytest.param(2, 0, b"\xff" * 10, [3], id="2-bit grey"),
        pytest.param(4, 0, b"\x33" * 20, [3], id="4-bit grey"),
        pytest.param(16, 0, b"\x9c\x40" * 40, [0x9C40], id="16-bit grey"),
        pytest.param(16, 2, b"\x9c\x40" * 120, [0x9C40] * 3, id="16-bit RGB"),
    ],
)
def test_a_transparent_colour_that_the_decoder_would_show_is_refused(
    tmp_path: Path, depth: int, colour: int, row: bytes, key: list[int]
) -> None:
    extra = chunk(b"tRNS", struct.pack(f">{len(key)}H", *key))
    data = png(40, 40, (b"\0" + row) * 40, depth, colour, extra)
    assert "a transparent colour that is not of 8 bits; export it as 8-bit RGBA" in refusal(tmp_path, data)


def test_cmyk_is_seen_in_its_colours(tmp_path: Path) -> None:
    cyan = encoded(Image.new("CMYK", (40, 40), (255, 0, 0, 0)), "JPEG", quality=100)
    assert difference(read(tmp_path, cyan), Image.new("RGB", (40, 40), (0, 255, 255))) < 2


# sizes that kill engines


@pytest.mark.parametrize(
    ("size", "rule"), [((1, 1), "too small"), ((1, 4_000), "too small"), ((8_000, 30), "too narrow")]
)
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_a_size_that_kills_engines_is_refused(tmp_path: Path, size: tuple[int, int], rule: str, kind: str) -> None:
    assert rule in refusal(tmp_path, encoded(Image.new("RGB", size), kind))


# what else a file may carry


def chunks(data: bytes) -> set[bytes]:
    kinds, at = set(), 8
    while at < len(data):
        (length,) = struct.unpack(">I", data[at : at + 4])
        kinds.add(data[at + 4 : at + 8])
        at += 12 + length
    return kinds


def with_everything(kind: str, **options: object) -> bytes:
    notes = exif(1)
    notes[0x8825] = {1: "N", 2: (48.0, 51.0, 29.0)}
    text = PngImagePlugin.PngInfo()
    text.add_text("chara", "MARK")
    return encoded(drawing(), kind, exif=notes, icc_profile=b"MARK" * 40, xmp=b"<MARK/>", pnginfo=text, **options)


@pytest.mark.parametrize(
    ("kind", "options"), [("PNG", {}), ("WEBP", {"lossless": True}), ("JPEG", {"quality": 95, "comment": b"MARK"})]
)
def test_only_the_pixels_of_a_file_are_kept(tmp_path: Path, kind: str, options: dict[str, object]) -> None:
    laden = with_everything(kind, **options) + b"<?php MARK ?>" * 500
    picture = read(tmp_path, laden)
    assert laden.count(b"MARK") > 500
    assert chunks(picture.png) == {b"IHDR", b"IDAT", b"IEND"}
    assert b"MARK" not in picture.png
    assert difference(picture, drawing()) < 4


# identity


def test_one_picture_has_one_id_however_it_was_encoded(tmp_path: Path) -> None:
    image = drawing()
    files = [
        encoded(image, "PNG"),
        encoded(image, "PNG", compress_level=0),
        encoded(image, "PNG", dpi=(300, 300)),
        encoded(image.convert("RGBA"), "PNG"),
        encoded(image, "WEBP", lossless=True),
    ]
    assert len({read(tmp_path, data).id for data in files}) == 1
    assert len(set(files)) == len(files)


def test_the_normal_form_read_again_is_the_same_picture(tmp_path: Path) -> None:
    once = read(tmp_path, JPEG)
    assert read(tmp_path, once.png) == once


def test_the_same_pixels_in_another_shape_are_another_picture(tmp_path: Path) -> None:
    rows = {size: png(*size, (b"\0" + bytes(3 * size[0])) * size[1]) for size in ((30, 100), (100, 30))}
    assert len({read(tmp_path, data).id for data in rows.values()}) == 2
