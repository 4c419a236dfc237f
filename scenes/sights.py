"""The pictures of a scenario, and what each of its characters sees of them."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from scenes.image import ImageRefused, Picture, derived, picture_of
from scenes.image_file import read_picture
from scenes.references import Finding
from scenes.scenario import CastMember, ImageSpec, Lots, Scenario, Sight
from scenes.scene import Shown
from scenes.storybook.drawing import Drawing, draw_lots


class PictureFacts(BaseModel):
    """Where a picture comes from, and its truth if it is a drawing; scorers read it from the store."""

    model_config = ConfigDict(frozen=True)

    name: str
    """Its name in the scenario."""
    file: str | None = None
    drawing: Drawing | None = None
    size: int = 128
    """Side of the drawing, pixels; that of the whole one, where only a part of it is shown."""
    crop: tuple[int, int, int, int] | None = None
    blur: float = 0


KeepPicture = Callable[[Picture, PictureFacts], None]


@dataclass(frozen=True)
class PictureSource:
    """Where pictures are read from, those read already, and who is given each of them."""

    folder: Path
    root: Path
    read: dict[str, Picture]
    """Pictures from files by name; a file is read once."""
    keep: KeepPicture

    def picture(self, name: str, spec: ImageSpec) -> Picture:
        """Return the picture of `spec` whole. Raises `ImageRefused`."""
        facts = facts_of(name, spec)
        picture = drawn(facts.drawing, spec.size) if facts.drawing else self._file(spec.file or "")
        self.keep(picture, facts)
        return picture

    def _file(self, name: str) -> Picture:
        if name not in self.read:
            self.read[name] = read_picture(name, self.folder, self.root)
        return self.read[name]

    def part(self, picture: Picture, spec: ImageSpec, sight: Sight) -> Picture:
        """Return what `sight` leaves of the picture. Raises `ImageRefused`."""
        if sight.crop is None and not sight.blur:
            return picture
        part = derived(picture, sight.crop, sight.blur)
        changed = {"crop": sight.crop, "blur": sight.blur}
        self.keep(part, facts_of(sight.image, spec).model_copy(update=changed))
        return part


def facts_of(name: str, spec: ImageSpec) -> PictureFacts:
    """Return what is known of the picture that the scenario calls `name`."""
    lots = spec.storybook
    drawing = draw_lots(lots.seed, lots.held_out) if isinstance(lots, Lots) else lots
    return PictureFacts(name=name, file=spec.file, drawing=drawing, size=spec.size)


@lru_cache(maxsize=256)
def drawn(drawing: Drawing, size: int) -> Picture:
    """Return the picture of `drawing`, `size` pixels square; many episodes have the same."""
    from scenes.storybook.render import render

    return picture_of(render(drawing, size))


Sights = tuple[tuple[Shown, ...], ...]


def shown_pictures(scenario: Scenario, source: PictureSource) -> tuple[dict[str, Shown], Sights, list[Finding]]:
    """Return every picture by name, what each of the cast sees, and which pictures cannot be used and why."""
    refused: list[Finding] = []
    pictures: dict[str, Picture] = {}
    for name, spec in scenario.images.items():
        try:
            pictures[name] = source.picture(name, spec)
        except ImageRefused as error:
            refused.append((("images", name, "file"), str(error)))
    gallery = {name: Shown(picture.id, scenario.images[name].notes) for name, picture in pictures.items()}
    sights = []
    for index, member in enumerate(scenario.cast):
        seen = [(at, sight) for at, sight in enumerate(_sights(member, scenario)) if sight.image in pictures]
        sights.append(tuple(_shown(seen, index, scenario, pictures, source, refused)))
    return gallery, tuple(sights), refused


def _sights(member: CastMember, scenario: Scenario) -> Iterable[Sight]:
    if member.sees is not None:
        return member.sees
    names = scenario.places[member.place].shows if member.place in scenario.places else _unreserved(scenario)
    return [Sight(image=name) for name in names]


def _unreserved(scenario: Scenario) -> tuple[str, ...]:
    return tuple(name for name, spec in scenario.images.items() if not spec.reserve)


def _shown(
    seen: Iterable[tuple[int, Sight]],
    index: int,
    scenario: Scenario,
    pictures: dict[str, Picture],
    source: PictureSource,
    refused: list[Finding],
) -> Iterable[Shown]:
    for at, sight in seen:
        spec = scenario.images[sight.image]
        try:
            part = source.part(pictures[sight.image], spec, sight)
        except ImageRefused as error:
            refused.append((("cast", index, "sees", at), str(error)))
        else:
            # Notes tell of the whole picture, so they would give away what is cut off or blurred.
            yield Shown(part.id, spec.notes if part == pictures[sight.image] else None, sight.from_turn)
