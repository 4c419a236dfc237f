"""Where a name in a scenario leads: a place inside the scenario's root, or nowhere."""

import os
import re
from pathlib import Path, PureWindowsPath

_URL = re.compile(r"\s*[a-z][\w+.-]+:", re.IGNORECASE)


class Outside(ValueError):
    """A name that leads out of the root or to no file; the message says the rule and the mend."""


def inside(name: str, folder: Path, root: Path) -> Path:
    """Return the path that `name` has from `folder`, links followed; it must lie in `root`. Raises `Outside`."""
    if _URL.match(name):
        raise Outside("URLs are not fetched; save the file beside the scenario.")
    if PureWindowsPath(name).anchor:
        raise Outside("absolute paths are not read; give the path from the scenario's folder.")
    try:
        path = Path(os.path.realpath(folder / name))
    except ValueError:
        raise Outside("no file can have this name; use plain letters.") from None
    if not path.is_relative_to(os.path.realpath(root)):
        raise Outside("the path leads out of the scenario root; move the file into it or name a wider --root.")
    return path
