"""A run's folder: its name, the resolved scenario in it, and how a command finds one again."""

import re
import secrets
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sandbox.gallery import Gallery
from sandbox.store import DATABASE
from scenes.image_file import read_picture
from scenes.loading import Source
from scenes.matrix import with_values
from scenes.problem import refuse
from scenes.references import unknown

SCENARIO = "run.yaml"
IMAGES = "images"
LATEST = "latest"
HEADER = "# The scenario of this run with everything resolved; play it again with `rolestage run` and this file.\n"


def new_run_folder(parent: Path, source: Source) -> Path:
    """Make and return the folder of a new run: time, scenario and a few letters of its own. Raises `InputRefused`."""
    words = re.findall(r"[a-z0-9]+", (source.folder.resolve().name or source.scenario.title).lower())
    name = f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}_{'-'.join(words)[:40] or 'scene'}_{secrets.token_hex(2)}"
    folder = parent / name
    try:
        folder.mkdir(parents=True)
    except OSError as error:
        raise refuse(
            f"no run can be written there ({error.strerror}); name another folder with --out.", str(parent)
        ) from None
    return folder


def write_scenario(source: Source, folder: Path, layout: str) -> None:
    """Write the scenario with its profiles in place, its pictures in the run's folder, its layout settled."""
    import yaml

    gallery = Gallery()
    gallery.keep_in(folder / IMAGES)
    data = with_values(source.data, dict(_resolved(source, layout, gallery)))
    text = yaml.safe_dump(data, sort_keys=False, allow_unicode=True, width=100)
    (folder / SCENARIO).write_text(HEADER + text, encoding="utf-8")


def _resolved(source: Source, layout: str, gallery: Gallery) -> Iterator[tuple[str, Any]]:
    yield "layout", layout
    for index, member in enumerate(source.scenario.cast):
        yield f"cast.{index}.character", _profile(source, member.character)
    for name, spec in source.scenario.images.items():
        if spec.file:
            yield f"images.{name}.file", _stored(source, spec.file, gallery)
    if source.scenario.vary:
        yield "vary", {path: _axis(source, path, axis, gallery) for path, axis in _varied(source).items()}


def _varied(source: Source) -> dict[str, Any]:
    data: Any = source.data
    return dict(data["vary"])


def _axis(source: Source, path: str, axis: Any, gallery: Gallery) -> Any:
    if isinstance(axis, list) and re.fullmatch(r"cast\.\d+\.character", path):
        return [_profile(source, value) for value in axis]
    if isinstance(axis, list) and re.fullmatch(r"images\.[^.]+\.file", path):
        return [_stored(source, value, gallery) for value in axis]
    return axis


def _profile(source: Source, character: Any) -> Any:
    if isinstance(character, dict):
        return character
    return source.profile(character).model_dump(mode="json", exclude_defaults=True)


def _stored(source: Source, name: str, gallery: Gallery) -> str:
    """Return where in the run's folder the picture of a file is kept."""
    picture = read_picture(name, source.folder, source.root)
    gallery.add(picture)
    return f"{IMAGES}/{picture.id}.png"


def find_run(name: str, parent: Path) -> Path:
    """Return the run called `name`: a folder, a run below `parent`, or the newest one. Raises `InputRefused`."""
    runs = run_folders(parent)
    if name == LATEST:
        if not runs:
            raise refuse("there is no run yet; play one with `rolestage run scenarios/harbour`.", str(parent))
        return runs[-1]
    for folder in (Path(name), parent / name):
        if (folder / DATABASE).is_file():
            return folder
    matching = [run for run in runs if name in run.name]
    if len(matching) == 1:
        return matching[0]
    raise refuse(unknown("run", name, [run.name for run in runs[::-1]]), str(parent))


def run_folders(parent: Path) -> list[Path]:
    """Return the runs below `parent`, oldest first."""
    return sorted(file.parent for file in parent.glob(f"*/{DATABASE}"))
