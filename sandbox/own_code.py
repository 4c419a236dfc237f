"""Code of the user's own, from a file or a module that the command line names, and from nowhere else."""

import importlib
import sys
from dataclasses import dataclass
from hashlib import sha256
from inspect import isclass, isfunction
from pathlib import Path
from traceback import extract_tb
from types import ModuleType
from typing import Any

from scenes.clean import one_line
from scenes.problem import InputRefused, Problem, refuse
from scenes.references import unknown


@dataclass(frozen=True)
class OwnCode:
    """A function or class, and where it comes from."""

    named: str
    """As on the command line: `FILE.py:NAME` or `module:name`."""
    sha256: str
    """Of the file, hexadecimal."""
    value: Any

    @property
    def file(self) -> str | None:
        """The file of the code as it is named in a traceback."""
        return getattr(sys.modules.get(self.value.__module__), "__file__", None)

    def facts(self) -> dict[str, str]:
        """Return what a run keeps of it."""
        return {"path": self.named, "sha256": self.sha256}


def load_code(named: str, option: str) -> OwnCode:
    """Return what `option` of the command line calls `named`, having run its code. Raises `InputRefused`."""
    place, colon, name = named.rpartition(":")
    if not (place and colon and name.isidentifier()):
        raise refuse(f'"{one_line(named)}" names no function; write FILE.py:FUNCTION or module:function.', option)
    module, content = _file(Path(place)) if place.endswith(".py") else _module(place)
    found = getattr(module, name, None)
    if not callable(found):
        own = [key for key, value in vars(module).items() if _is_own(value, module) and not key.startswith("_")]
        raise refuse(unknown("function", name, own), place)
    return OwnCode(named, sha256(content).hexdigest(), found)


def _is_own(value: object, module: ModuleType) -> bool:
    return (isfunction(value) or isclass(value)) and value.__module__ == module.__name__


def _file(path: Path) -> tuple[ModuleType, bytes]:
    """Return the file as a module of its own, and its content. What is run is what was read, and nothing is cached."""
    try:
        content = path.read_bytes()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise refuse(f"the file cannot be read ({reason}); name one as FILE.py:FUNCTION.", str(path)) from None
    module = ModuleType(f"rolestage_own_{sha256(content).hexdigest()[:16]}")
    module.__file__ = str(path)
    sys.modules[module.__name__] = module  # dataclasses, for one, look there for the names of their file
    try:
        exec(compile(content, str(path), "exec"), vars(module))
    except (Exception, SystemExit) as error:
        raise _broken(str(path), error) from None
    return module, content


def _module(name: str) -> tuple[ModuleType, bytes]:
    """Return the module called `name` and the content of its file."""
    try:
        module = importlib.import_module(name)
    except (Exception, SystemExit) as error:
        raise _broken(name, error) from None
    file = Path(getattr(module, "__file__", None) or "")
    if not file.is_file():
        raise refuse("the module has no file of its own; name one that has, or write FILE.py:FUNCTION.", name)
    return module, file.read_bytes()


def _broken(place: str, error: BaseException) -> InputRefused:
    """Return the refusal of code that cannot be run, at the line where it breaks."""
    frames = [frame for frame in extract_tb(error.__traceback__) if frame.filename == place]
    line = error.lineno if isinstance(error, SyntaxError) else frames[-1].lineno if frames else None
    column = (error.offset or 1) if isinstance(error, SyntaxError) else 1
    words = error.msg if isinstance(error, SyntaxError) else str(error)
    message = f"the code cannot be loaded: {type(error).__name__}: {one_line(words, 300)}; mend it."
    return InputRefused([Problem(place, line or 0, column, message)])
