"""The pictures of a run: each kept once, in a file named by its id, and decoded for the engines."""

from collections import OrderedDict
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from sandbox.errors import StoreDamaged
from sandbox.store import unwritable
from sandbox.whole_file import write_whole
from scenes.image import ImageRefused, Picture, open_picture
from scenes.image_file import read_picture
from scenes.sights import PictureFacts

if TYPE_CHECKING:
    import PIL.Image

DECODED = 256
"""Pictures kept decoded; about 12 MB of storybook drawings."""


class Gallery:
    """Holds pictures in memory until it is given a folder, and in the folder from then on."""

    def __init__(self) -> None:
        self._folder: Path | None = None
        self._waiting: dict[str, Picture] = {}
        self._facts: dict[str, PictureFacts] = {}
        self._decoded: OrderedDict[str, PIL.Image.Image] = OrderedDict()

    def keep_in(self, folder: Path) -> None:
        """Write what is held to `folder`, and all that is still to come. Raises `StoreFailed`."""
        self._folder = folder
        for picture in self._waiting.values():
            _write(picture, folder)
        self._waiting.clear()

    def add(self, picture: Picture, facts: PictureFacts | None = None) -> None:
        """Keep a picture, with what is true of it. Raises `StoreFailed`."""
        if facts:
            self._facts[picture.id] = facts
        if self._folder is None:
            self._waiting[picture.id] = picture
        else:
            _write(picture, self._folder)

    def know(self, image: str, facts: PictureFacts) -> None:
        """Keep what is true of a picture that is in the folder already."""
        self._facts[image] = facts

    def facts(self, image: str) -> PictureFacts | None:
        """Return what is true of the picture with the id `image`; None where nobody said."""
        return self._facts.get(image)

    def open(self, image: str) -> "PIL.Image.Image":
        """Return the picture with the id `image`, RGB. Raises `StoreDamaged` if its file holds another."""
        if image not in self._decoded:
            self._decoded[image] = self._read(image)
            if len(self._decoded) > DECODED:
                self._decoded.popitem(last=False)
        self._decoded.move_to_end(image)
        return self._decoded[image]

    def file(self, image: str) -> Path:
        """Return where the picture with the id `image` lies. Raises `StoreDamaged` if another lies there."""
        self.open(image)
        assert self._folder is not None, "pictures are in files once a run is begun"
        return _file(image, self._folder)

    def _read(self, image: str) -> "PIL.Image.Image":
        if image in self._waiting:
            return open_picture(self._waiting[image])
        assert self._folder is not None, "a picture is added before it is opened"
        with suppress(ImageRefused):
            picture = read_picture(f"{image}.png", self._folder, self._folder)
            if picture.id == image:
                return open_picture(picture)
        raise StoreDamaged(f"{_file(image, self._folder)} is not the picture it was; restore it from a copy.")


def _file(image: str, folder: Path) -> Path:
    return folder / f"{image}.png"


def _write(picture: Picture, folder: Path) -> None:
    """Write the file whole or not at all; under its own name it is never changed again."""
    target = _file(picture.id, folder)
    try:
        if not target.exists():
            folder.mkdir(exist_ok=True)
            write_whole(target, picture.png)
    except OSError as error:
        raise unwritable(target, error) from None
