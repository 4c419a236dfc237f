"""A picture in its normal form: upright opaque RGB, one id, one clean PNG. What is shown is exactly what is judged.

Everything that an image may carry besides pixels (rotation flags, transparency, colour profiles, places, notes) is
settled or dropped here, once, so that no two readers of a picture can see different things.
"""

from dataclasses import dataclass, field
from hashlib import sha256
from io import BytesIO
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import PIL.Image

MIN_SIDE = 28
"""One patch of the common vision encoders; some engines die of a picture smaller than that."""
MAX_ASPECT = 200
MAX_PIXELS = 16_000_000

_EIGHT_BIT_MODES = frozenset({"1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK"})
_SIXTEEN_BIT_MODES = frozenset({"I", "I;16", "I;16B", "I;16L", "I;16N"})
_TURNS = {
    2: "FLIP_LEFT_RIGHT",
    3: "ROTATE_180",
    4: "FLIP_TOP_BOTTOM",
    5: "TRANSPOSE",
    6: "ROTATE_270",
    7: "TRANSVERSE",
    8: "ROTATE_90",
}
"""What brings a picture upright, by its EXIF orientation."""


class ImageRefused(ValueError):
    """A picture that cannot be used. The message says what is wrong, the rule and the mend; the caller adds where."""


@dataclass(frozen=True, slots=True)
class Picture:
    """An image in its normal form. Two pictures are equal if their ids are."""

    id: str
    """sha256 (hex) over mode, size and pixels."""
    width: int = field(compare=False)
    height: int = field(compare=False)
    png: bytes = field(compare=False, repr=False)
    """An RGB PNG that holds pixels and nothing else: the chunks IHDR, IDAT and IEND."""


def check_size(width: int, height: int) -> None:
    """Raise `ImageRefused` if no engine should be given a picture of this size."""
    short, long = sorted((width, height))
    if short < MIN_SIDE:
        fault = f"too small; each side must have at least {MIN_SIDE}, so use a larger picture or crop."
    elif width * height > MAX_PIXELS:
        fault = f"too large; at most {MAX_PIXELS // 1_000_000} megapixels are read, so scale it down."
    elif long > MAX_ASPECT * short:
        fault = f"too narrow; one side may be at most {MAX_ASPECT} times the other, so cut a part out."
    else:
        return
    raise ImageRefused(f"a picture of {width}×{height} pixels is {fault}")


def picture_of(image: "PIL.Image.Image") -> Picture:
    """Return the normal form of `image`: turned upright, laid on white, 8 bits a channel, colours taken as sRGB."""
    from PIL import Image

    check_size(*image.size)
    layer = _eight_bit(_upright(image)).convert("RGBA")
    flat = Image.new("RGB", layer.size, "white")  # a new image, so that nothing but pixels comes along
    flat.paste(layer, mask=layer)
    file = BytesIO()
    flat.save(file, "PNG", compress_level=1)  # a fifth larger than by default for a photograph, but five times sooner
    return Picture(_identity(flat), flat.width, flat.height, file.getvalue())


def open_picture(picture: Picture) -> "PIL.Image.Image":
    """Return the picture as an RGB image again."""
    from PIL import Image

    image = Image.open(BytesIO(picture.png), formats=["PNG"])
    image.load()
    return image


def derived(picture: Picture, crop: tuple[int, int, int, int] | None = None, blur: float = 0) -> Picture:
    """Return a part of `picture`, seen sharply or not.

    `crop` is x, y, width, height in pixels; `blur` is the radius (not negative) of a Gaussian, in pixels. The crop
    comes first, so that nothing from outside it is blurred in. Raises `ImageRefused` if the crop cannot be used.
    """
    from PIL import ImageFilter

    image = open_picture(picture)
    if crop:
        image = image.crop(_box(crop, picture))
    if blur:
        image = image.filter(ImageFilter.GaussianBlur(blur))
    return picture_of(image)


def _upright(image: "PIL.Image.Image") -> "PIL.Image.Image":
    """Turn by the EXIF flag. Pillow's own function also rewrites the EXIF data, and fails where they are odd."""
    from PIL import ExifTags, Image

    turn = _TURNS.get(image.getexif().get(ExifTags.Base.Orientation, 1))
    return image.transpose(Image.Transpose[turn]) if turn else image


def _eight_bit(image: "PIL.Image.Image") -> "PIL.Image.Image":
    if image.mode in _SIXTEEN_BIT_MODES:
        return image.convert("I").point(lambda value: value / 256).convert("L")
    if image.mode not in _EIGHT_BIT_MODES:
        raise ImageRefused(f"pixels of kind {image.mode} have no agreed white; save them with 8 bits a channel.")
    return image


def _identity(image: "PIL.Image.Image") -> str:
    digest = sha256(f"{image.mode} {image.width} {image.height} ".encode())
    digest.update(image.tobytes())
    return digest.hexdigest()


def _box(crop: tuple[int, int, int, int], picture: Picture) -> tuple[int, int, int, int]:
    """Return `crop` as left, upper, right, lower."""
    x, y, width, height = crop
    if x < 0 or y < 0 or x + width > picture.width or y + height > picture.height:
        size = f"{picture.width}×{picture.height}"
        raise ImageRefused(
            f"the crop {list(crop)} leaves the picture of {size} pixels; give x, y, width, height in it."
        )
    check_size(width, height)
    return x, y, x + width, y + height
