"""A run's folder: its name, the resolved scenario in it, and how a command finds one again."""

import re
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime
from os.path import isdir, isfile  # which, unlike those of Path, raise nothing for a name that is too long
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sandbox.gallery import Gallery
from sandbox.models import layout_of
from sandbox.shard import WHOLE, Shard
from sandbox.store import DATABASE, unwritable
from sandbox.whole_file import write_whole
from scenes.image_file import read_picture
from scenes.loading import Source
from scenes.matrix import with_values
from scenes.problem import InputRefused, refuse
from scenes.references import Keys, unknown

SCENARIO = "run.yaml"
IMAGES = "images"
LATEST = "latest"
MOST_LISTED = 6
"""Runs that a refusal names."""
HEADER = "# The scenario of this run with everything resolved; play it again with `rolestage run` and this file.\n"


def new_run_folder(parent: Path, source: Source, shard: Shard = WHOLE) -> Path:
    """Make and return the folder of a new run, with all in it that playing the scenario needs.

    Its name is the time, the scenario, which part of it, and a few letters of its own. Raises `InputRefused` and
    `StoreFailed`.
    """
    words = re.findall(r"[a-z0-9]+", _slug_of(source).lower())
    part = f"_{shard.part}of{shard.parts}" if shard != WHOLE else ""
    name = f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}_{'-'.join(words)[:40] or 'scene'}{part}_{secrets.token_hex(2)}"
    folder = parent / name
    try:
        folder.mkdir(parents=True)
    except OSError as error:
        raise _no_place(parent, error) from None
    try:
        _write_scenario(source, folder)
    except OSError as error:
        raise unwritable(folder / SCENARIO, error) from None
    return folder


def check_place(parent: Path) -> None:
    """Make `parent`, and a folder in it for a moment, as a run will be made there. Raises `InputRefused`."""
    try:
        parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=parent):
            return
    except OSError as error:
        raise _no_place(parent, error) from None


def _no_place(parent: Path, error: OSError) -> InputRefused:
    return refuse(f"no run can be written there ({error.strerror}); name another folder with --out.", str(parent))


def _slug_of(source: Source) -> str:
    """Return what the scenario is called in a run's name: its file, or its folder where the file is called as usual.

    The scenario of a run is called as that run was.
    """
    file, folder = Path(source.document.file), source.folder.resolve().name
    again = re.fullmatch(r"\d{8}T\d{6}Z_(.+?)(?:_\d+of\d+)?_[0-9a-f]{4}", folder)
    if again and file.name == SCENARIO:
        return again[1]
    return (folder if file.name == "scenario.yaml" else file.stem) or source.scenario.title


def _write_scenario(source: Source, folder: Path) -> None:
    """Write the scenario with its profiles in place, its pictures in the run's folder, its layout settled."""
    import yaml

    gallery = Gallery()
    gallery.keep_in(folder / IMAGES)
    data = _settled((), with_values(source.data, {"layout": _layout(source)}), source, gallery)
    text = yaml.safe_dump(data, sort_keys=False, allow_unicode=True, width=100)
    write_whole(folder / SCENARIO, (HEADER + text).encode())


def _layout(source: Source) -> str:
    """Return the layout that all episodes have, if they have one; where it is varied, each settles its own."""
    varied = {"model", "layout"} & source.scenario.vary.keys()
    return "auto" if varied else layout_of(source.scenario).name


def _settled(keys: Keys, value: Any, source: Source, gallery: Gallery) -> Any:
    """Return `value`, which stands at `keys` of a scenario, with what it names in other files put in its place."""
    match keys, value:
        case ("cast", _, "character"), str():
            return source.profile(value).model_dump(mode="json", exclude_defaults=True)
        case ("images", _, "file"), str():
            return _stored(value, source, gallery)
        case ("vary",), dict():
            return {path: _settled_axis(tuple(path.split(".")), axis, source, gallery) for path, axis in value.items()}
        case _, dict():
            return {key: _settled((*keys, key), part, source, gallery) for key, part in value.items()}
        case _, list():
            return [_settled((*keys, at), part, source, gallery) for at, part in enumerate(value)]
    return value


def _settled_axis(keys: Keys, axis: Any, source: Source, gallery: Gallery) -> Any:
    return [_settled(keys, value, source, gallery) for value in axis] if isinstance(axis, list) else axis


def _stored(name: str, source: Source, gallery: Gallery) -> str:
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
    named = (Path(name), parent / name)
    for folder in named:
        if isfile(folder / DATABASE):
            return folder
    matching = [run for run in runs if name in run.name]
    if len(matching) == 1:
        return matching[0]
    several = f"several runs match: {_listed(matching)}; name one" if matching else ""
    for folder in named:
        if isdir(folder):
            mend = f"and {several}" if several else "copy the whole run"
            raise refuse(f"this folder has no {DATABASE}, in which a run is kept; {mend}.", str(folder))
    if several:
        raise refuse(f"{several}.", str(parent))
    raise refuse(unknown("run", name, [run.name for run in runs[::-1]]), str(parent))


def _listed(runs: Sequence[Path]) -> str:
    """Return the newest of `runs` by name, and how many more there are."""
    names = [run.name for run in runs[::-1]]
    more = len(names) - MOST_LISTED
    return ", ".join(names[:MOST_LISTED]) + (f" and {more} more" if more > 0 else "")


def run_folders(parent: Path) -> list[Path]:
    """Return the runs below `parent`, oldest first."""
    return sorted(file.parent for file in parent.glob(f"*/{DATABASE}"))
