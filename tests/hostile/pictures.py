"""Image files made wrong: their bytes, and the parts that a decoder goes by, with the checksums that hide it."""

import struct
import zlib
from collections.abc import Callable
from functools import cache
from io import BytesIO
from random import Random
from typing import Any

from hostile.mutations import damaged
from PIL import Image, PngImagePlugin

PNG_START = b"\x89PNG\r\n\x1a\n"
Part = tuple[bytes, bytes]
"""A kind of part and its body: a chunk of a PNG or WebP, a segment of a JPEG."""
SIZES = (0, 1, 27, 28, 64, 255, 4_000, 4_001, 16_383, 60_000, 65_535, 2**24 - 1, 2**31 - 1, 2**32 - 1)
MARKS = (b"<svg", b"GIF89a", b"%PDF", b"\xff\xd8\xff", b"\xff\xda", b"IDAT", b"IEND", b"acTL", b"Exif\0\0", b"\0" * 99)


def drawing(width: int = 64, height: int = 48) -> Image.Image:
    """An image without any symmetry: every pixel says where it is."""
    pixels = bytes(value % 256 for y in range(height) for x in range(width) for value in (4 * x, 5 * y, x * y // 5))
    return Image.frombytes("RGB", (width, height), pixels)


def encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    """Return the file of `image`."""
    file = BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def notes() -> Image.Exif:
    """Return EXIF data that turn a picture and tell where it was taken."""
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x8825] = {1: "N", 2: (48.0, 51.0, 29.0)}
    return exif


def chunk(kind: bytes, body: bytes) -> bytes:
    """Return a chunk of a PNG with the checksum that fits it."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(parts: list[Part]) -> bytes:
    """Return the PNG of these chunks."""
    return PNG_START + b"".join(chunk(*part) for part in parts)


def png_parts(data: bytes) -> list[Part]:
    """Return the chunks of a sound PNG."""
    parts, at = [], len(PNG_START)
    while at < len(data):
        (length,) = struct.unpack(">I", data[at : at + 4])
        parts.append((data[at + 4 : at + 8], data[at + 8 : at + 8 + length]))
        at += 12 + length
    return parts


def _webp(parts: list[Part]) -> bytes:
    body = b"WEBP" + b"".join(
        kind + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2) for kind, body in parts
    )
    return b"RIFF" + struct.pack("<I", len(body)) + body


def _webp_parts(data: bytes) -> list[Part]:
    parts, at = [], 12
    while at < len(data):
        (length,) = struct.unpack("<I", data[at + 4 : at + 8])
        parts.append((data[at : at + 4], data[at + 8 : at + 8 + length]))
        at += 8 + length + length % 2
    return parts


def _jpeg(parts: list[Part]) -> bytes:
    return b"\xff\xd8" + b"".join(kind + body for kind, body in parts) + b"\xff\xd9"


def _jpeg_parts(data: bytes) -> list[Part]:
    """Return the segments of a sound JPEG; what follows the mark of a scan belongs to it."""
    parts, at = [], 2
    while at < len(data) - 2:
        (length,) = struct.unpack(">H", data[at + 2 : at + 4])
        end = at + 2 + length
        if data[at + 1] == 0xDA:
            while data[end] != 0xFF or data[end + 1] in (0, *range(0xD0, 0xD8)):
                end += 1
        parts.append((data[at : at + 2], data[at + 2 : end]))
        at = end
    return parts


@cache
def originals() -> tuple[bytes, ...]:
    """Return sound pictures of every kind, and animations and files of other formats, which are refused."""
    image, text = drawing(), PngImagePlugin.PngInfo()
    text.add_text("chara", "e30=", zip=True)
    text.add_itxt("note", "für alle", "de", "Notiz")
    laden = {"exif": notes(), "icc_profile": b"profile" * 40, "pnginfo": text, "dpi": (300, 300)}
    moving = {"save_all": True, "append_images": [image.rotate(180)]}
    return (
        encoded(image, "PNG", **laden),
        encoded(image.convert("P"), "PNG", transparency=b"\0\x80"),
        encoded(image.convert("RGBA"), "PNG"),
        encoded(image.convert("LA"), "PNG"),
        encoded(image.convert("1"), "PNG", bits=1),
        encoded(image.convert("I;16"), "PNG"),
        encoded(image, "PNG", **moving),
        encoded(image, "JPEG", exif=notes(), comment=b"hello", quality=90),
        encoded(image, "JPEG", progressive=True, icc_profile=b"profile" * 40),
        encoded(image.convert("CMYK"), "JPEG"),
        encoded(image.convert("L"), "JPEG", restart_marker_blocks=2),
        encoded(image, "MPO", save_all=True, append_images=[image]),
        encoded(image, "WEBP", exif=notes(), xmp=b"<x/>"),
        encoded(image.convert("RGBA"), "WEBP", lossless=True, exact=True),
        encoded(image, "WEBP", **moving),
        *(encoded(image, kind) for kind in ("GIF", "TIFF", "BMP", "PPM", "PDF")),
    )


def mutated_picture(chance: Random) -> bytes:
    """Return a picture file with something wrong in its parts, in its bytes, or in both."""
    data = chance.choice(originals())
    if chance.random() < 0.6:
        data = _with_other_parts(data, chance)
    if chance.random() < 0.6:
        for _ in range(chance.choice((1, 1, 3))):
            data = damaged(data, chance, list(MARKS)) if chance.random() < 0.5 else _with_odd_bytes(data, chance)
    return data + chance.randbytes(2_000) if chance.random() < 0.05 else data


def _with_odd_bytes(data: bytes, chance: Random) -> bytes:
    """Change a few bytes, more often near the beginning, where a decoder learns what comes."""
    changed = bytearray(data)
    for _ in range(chance.choice((1, 2, 8))):
        if changed:
            changed[chance.randrange(min(len(changed), chance.choice((40, 200, 10**6))))] = chance.randrange(256)
    return bytes(changed)


def _with_other_parts(data: bytes, chance: Random) -> bytes:
    for start, apart, together, odd in _KINDS:
        if data.startswith(start):
            parts = apart(data)
            for _ in range(chance.choice((1, 1, 2))):
                _change(parts, odd(chance), chance)
            return together(parts)
    return data


def _change(parts: list[Part], odd: Part, chance: Random) -> None:
    """Add, change, repeat, lose or swap a part."""
    at, other = chance.randrange(len(parts)), chance.randrange(len(parts))
    kind, body = parts[at]
    match chance.randrange(6):
        case 0:
            parts.insert(other, odd)
        case 1:
            parts[at] = kind, bytes(_with_odd_bytes(body, chance))
        case 2:
            parts[at] = kind, body[: chance.randrange(len(body) + 1)]
        case 3:
            parts.insert(other, (kind, body))
        case 4:
            parts[at], parts[other] = parts[other], parts[at]
        case 5:
            parts[at] = kind, _with_another_size(kind, body, chance)


def _with_another_size(kind: bytes, body: bytes, chance: Random) -> bytes:
    """Let a part that tells a size tell another, if it is one."""
    width, height = chance.choice(SIZES), chance.choice(SIZES)
    if kind == b"IHDR":
        form = (
            bytes(chance.choice((0, 1, 2, 3, 4, 6, 8, 16)) for _ in range(2)) if chance.random() < 0.5 else body[8:10]
        )
        return struct.pack(">II", width, height) + form + body[10:]
    if kind == b"VP8X":
        return body[:4] + struct.pack("<I", width)[:3] + struct.pack("<I", height)[:3]
    if kind[:1] == b"\xff" and 0xC0 <= kind[1] <= 0xC2:
        return body[:3] + struct.pack(">HH", height % 65_536, width % 65_536) + body[7:]
    return body[::-1]


def _odd_chunk(chance: Random) -> Part:
    flood = zlib.compress(bytes(3_000_000), 9)
    return chance.choice((
        (b"zTXt", b"chara\0\0" + flood), (b"iTXt", b"chara\0\1\0\0\0" + flood), (b"iCCP", b"icc\0\0" + flood),
        (b"tEXt", b"transparency\0x"), (b"tEXt", b"exif\0x"), (b"tEXt", b"\0"), (b"zTXt", b"a"), (b"iCCP", b"a"),
        (b"eXIf", b"MM\0*\0\0\0\x08" + chance.randbytes(90)), (b"eXIf", chance.randbytes(30)),
        (b"tRNS", chance.randbytes(7)),
        (b"PLTE", chance.randbytes(chance.choice((3, 4, 767, 900)))), (b"acTL", struct.pack(">II", 300, 0)),
        (b"gAMA", b"\0"),
        (b"fcTL", chance.randbytes(26)), (b"pHYs", b"\0"), (b"sRGB", b""), (b"cHRM", chance.randbytes(31)),
        (b"IHDR", struct.pack(">IIBBBBB", 64, 48, 8, 2, 0, 0, 0)), (b"IEND", b""), (b"IDAT", flood), (b"\0\0\0\0", b""),
    ))  # fmt: skip


def _odd_segment(chance: Random) -> Part:
    """A segment of a JPEG whose length may not be its own."""
    body = chance.choice(
        (chance.randbytes(60), b"Exif\0\0MM\0*\0\0\0\x08" + chance.randbytes(80), b"ICC_PROFILE\0\1\xff", b"")
    )
    length = chance.choice((len(body) + 2, 2, 0, 1, 65_535))
    kind = chance.choice((0xC0, 0xC2, 0xC4, 0xDB, 0xDA, 0xDD, 0xE0, 0xE1, 0xE2, 0xED, 0xEE, 0xFE, 0xD9, 0xD8))
    return bytes((0xFF, kind)), struct.pack(">H", length) + body


def _odd_webp_chunk(chance: Random) -> Part:
    kind = chance.choice((b"VP8X", b"VP8 ", b"VP8L", b"ALPH", b"ANIM", b"ANMF", b"EXIF", b"XMP ", b"ICCP", b"\0\0\0\0"))
    return kind, chance.randbytes(chance.choice((0, 1, 6, 10, 16, 300)))


_Apart = Callable[[bytes], list[Part]]
_Together = Callable[[list[Part]], bytes]
_KINDS: tuple[tuple[bytes, _Apart, _Together, Callable[[Random], Part]], ...] = (
    (PNG_START, png_parts, png, _odd_chunk),
    (b"\xff\xd8", _jpeg_parts, _jpeg, _odd_segment),
    (b"RIFF", _webp_parts, _webp, _odd_webp_chunk),
)
