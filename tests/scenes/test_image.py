"""The normal form of pictures in memory: what is seen, its identity, its clean PNG, and parts of it."""

import struct
import subprocess
import sys

import pytest
from PIL import Image, PngImagePlugin

from scenes.image import ImageRefused, derived, open_picture, picture_of


def gradient(width: int = 40, height: int = 32) -> Image.Image:
    """An image without any symmetry: every pixel says where it is."""
    pixels = bytes(value for y in range(height) for x in range(width) for value in (x, y, (x * y) % 256))
    return Image.frombytes("RGB", (width, height), pixels)


def colour_of(image: Image.Image) -> tuple[int, ...]:
    """The colour of a plain image after normalisation."""
    (colour,) = (colour for _, colour in open_picture(picture_of(image)).getcolors(1) or [])
    assert isinstance(colour, tuple)
    return colour


def plain(mode: str, colour: float | tuple[int, ...], **info: object) -> Image.Image:
    image = Image.new(mode, (30, 30), colour)
    image.info.update(info)
    return image


def palette_image(**info: object) -> Image.Image:
    image = plain("P", 1, **info)
    image.putpalette([9, 9, 9, 10, 20, 30])
    return image


def chunks(png: bytes) -> list[bytes]:
    kinds, at = [], 8
    while at < len(png):
        (length,) = struct.unpack(">I", png[at : at + 4])
        kinds.append(png[at + 4 : at + 8])
        at += 12 + length
    return kinds


def test_a_picture_opens_again_with_the_pixels_it_was_made_of() -> None:
    image = open_picture(picture_of(gradient()))
    assert (image.mode, image.size, image.tobytes()) == ("RGB", (40, 32), gradient().tobytes())


def test_the_id_depends_on_the_shape_and_not_on_the_pixels_alone() -> None:
    upright, lying = (picture_of(Image.new("RGB", size, "teal")) for size in ((30, 100), (100, 30)))
    assert upright.id != lying.id
    assert len(upright.id) == 64


def test_one_changed_pixel_gives_another_id() -> None:
    changed = gradient()
    changed.putpixel((39, 31), (1, 2, 3))
    assert picture_of(changed).id != picture_of(gradient()).id


@pytest.mark.parametrize(
    ("image", "seen"),
    [
        pytest.param(plain("1", 1), (255, 255, 255), id="1-bit"),
        pytest.param(plain("1", 0), (0, 0, 0), id="1-bit black"),
        pytest.param(plain("1", 0, transparency=0), (255, 255, 255), id="1-bit with a transparent colour"),
        pytest.param(plain("L", 77), (77, 77, 77), id="grey"),
        pytest.param(plain("L", 77, transparency=77), (255, 255, 255), id="grey with a transparent colour"),
        pytest.param(plain("LA", (200, 0)), (255, 255, 255), id="hidden grey"),
        pytest.param(plain("LA", (0, 51)), (204, 204, 204), id="translucent grey"),
        pytest.param(plain("RGB", (1, 2, 3)), (1, 2, 3), id="RGB"),
        pytest.param(plain("RGB", (1, 2, 3), transparency=(1, 2, 3)), (255, 255, 255), id="RGB, transparent colour"),
        pytest.param(plain("RGBA", (255, 0, 0, 0)), (255, 255, 255), id="hidden red"),
        pytest.param(plain("RGBA", (255, 0, 0, 51)), (255, 204, 204), id="translucent red"),
        pytest.param(plain("RGBA", (9, 8, 7, 255)), (9, 8, 7), id="opaque RGBA"),
        pytest.param(palette_image(), (10, 20, 30), id="palette"),
        pytest.param(palette_image(transparency=1), (255, 255, 255), id="palette with a transparent entry"),
        pytest.param(palette_image(transparency=b"\xff\x00"), (255, 255, 255), id="palette with alpha values"),
        pytest.param(plain("CMYK", (255, 0, 0, 0)), (0, 255, 255), id="CMYK"),
        pytest.param(plain("I;16", 40_000), (156, 156, 156), id="16-bit grey"),
        pytest.param(plain("I;16B", 40_000), (156, 156, 156), id="16-bit grey, big end first"),
        pytest.param(plain("I", 40_000), (156, 156, 156), id="16-bit grey in 32"),
        pytest.param(plain("I;16", 255), (0, 0, 0), id="16-bit grey near black"),
        pytest.param(plain("I;16", 65_535), (255, 255, 255), id="16-bit white"),
    ],
)
def test_every_kind_of_pixel_is_seen_as_on_white_paper(image: Image.Image, seen: tuple[int, int, int]) -> None:
    assert colour_of(image) == seen


@pytest.mark.parametrize("mode", ["F", "LAB", "La"])
def test_pixels_without_an_agreed_white_are_refused(mode: str) -> None:
    with pytest.raises(ImageRefused, match=f"pixels of kind {mode} have no agreed white; save them with 8 bits"):
        picture_of(Image.new(mode, (30, 30)))


def test_the_png_holds_pixels_and_nothing_else() -> None:
    image = gradient()
    image.info |= {"icc_profile": b"profile", "exif": Image.Exif().tobytes(), "dpi": (300, 300)}
    note = PngImagePlugin.PngInfo()
    note.add_text("chara", "secret")
    image.info["pnginfo"] = note
    assert set(chunks(picture_of(image).png)) == {b"IHDR", b"IDAT", b"IEND"}
    assert picture_of(image) == picture_of(gradient())


@pytest.mark.parametrize(
    ("size", "rule"),
    [
        ((0, 0), "too small; each side must have at least 28"),
        ((1, 1), "too small; each side must have at least 28"),
        ((1, 4000), "too small"),
        ((27, 100), "too small"),
        ((100, 27), "too small"),
        ((8000, 30), "too narrow; one side may be at most 200 times the other"),
        ((28, 5601), "too narrow"),
        ((4001, 4000), "too large; at most 16 megapixels"),
    ],
)
def test_a_size_that_no_engine_should_get_is_refused(size: tuple[int, int], rule: str) -> None:
    with pytest.raises(ImageRefused, match=rule) as refusal:
        picture_of(Image.new("1", size))
    assert f"{size[0]}×{size[1]} pixels" in str(refusal.value)


@pytest.mark.parametrize("size", [(28, 28), (28, 5600), (5600, 28)])
def test_a_size_at_the_edge_of_the_rules_is_taken(size: tuple[int, int]) -> None:
    picture = picture_of(Image.new("1", size))
    assert (picture.width, picture.height) == size


def test_a_crop_is_the_part_from_x_y_with_its_width_and_height() -> None:
    part = open_picture(derived(picture_of(gradient(80, 60)), crop=(10, 20, 40, 30)))
    assert part.size == (40, 30)
    assert part.tobytes() == gradient(80, 60).crop((10, 20, 50, 50)).tobytes()


def test_a_crop_of_everything_is_the_same_picture() -> None:
    whole = picture_of(gradient())
    assert derived(whole, crop=(0, 0, 40, 32)) == derived(whole) == whole


@pytest.mark.parametrize(
    "crop", [(-1, 0, 30, 30), (0, -1, 30, 30), (11, 0, 30, 30), (0, 3, 30, 30), (99, 99, 30, 30), (0, 0, 9_000, 9_000)]
)
def test_a_crop_outside_the_picture_is_refused(crop: tuple[int, int, int, int]) -> None:
    with pytest.raises(ImageRefused, match=r"the crop \[.*\] leaves the picture of 40×32 pixels"):
        derived(picture_of(gradient()), crop=crop)


@pytest.mark.parametrize("crop", [(0, 0, 27, 30), (0, 0, 0, 0), (5, 5, -30, -30)])
def test_a_crop_that_leaves_too_little_is_refused(crop: tuple[int, int, int, int]) -> None:
    with pytest.raises(ImageRefused, match="too small"):
        derived(picture_of(gradient()), crop=crop)


def test_a_blur_hides_detail_and_keeps_the_size() -> None:
    image = Image.new("L", (64, 64))
    image.paste(255, (32, 0, 64, 64))
    blurred = open_picture(derived(picture_of(image), blur=6)).convert("L")
    assert blurred.size == (64, 64)
    far_left, left, right, far_right = (blurred.tobytes()[x] for x in (0, 31, 32, 63))
    assert (far_left, far_right) == (0, 255)
    assert 64 < left < right < 192


def test_nothing_outside_a_crop_is_blurred_into_it() -> None:
    image = Image.new("RGB", (80, 40), "red")
    image.paste("blue", (0, 0, 40, 40))
    part = derived(picture_of(image), crop=(0, 0, 40, 40), blur=8)
    assert part == picture_of(Image.new("RGB", (40, 40), "blue"))


def test_a_picture_is_shown_without_its_bytes() -> None:
    assert "png" not in repr(picture_of(gradient()))


@pytest.mark.parametrize("module", ["scenes.image", "scenes.image_file"])
def test_importing_the_module_does_not_import_pillow(module: str) -> None:
    code = f"import sys, {module}; sys.exit('PIL' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
