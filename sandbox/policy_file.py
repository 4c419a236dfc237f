"""A turn policy of the user's own, from a file or a module that the command line names.

Code is loaded only because the command line says so: a scenario cannot name any, and a stored run holds no more than
the name and a hash, so whatever plays that run again needs `--policy` again. Where the code is no longer that of the
run, this is said and the run is played over its record all the same: what a mended policy decides in turns to come is
its own affair, and one that would have decided turns of the record otherwise is found out there, since such a turn
asks for something that is not on record.
"""

import importlib
import shlex
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from inspect import isfunction
from pathlib import Path
from traceback import extract_tb
from types import ModuleType
from typing import Any

from narrator.turn_policy import Policy
from scenes.clean import one_line
from scenes.problem import InputRefused, Problem, refuse
from scenes.references import unknown

OPTION = "--policy"


@dataclass(frozen=True)
class PolicyFile:
    """A turn policy and where it comes from."""

    named: str
    """As on the command line: `FILE.py:FUNCTION` or `module:function`."""
    sha256: str
    """Of the file, hexadecimal."""
    policy: Policy

    def facts(self) -> dict[str, str]:
        """Return what a run keeps of it."""
        return {"path": self.named, "sha256": self.sha256}


def load_policy(named: str) -> PolicyFile:
    """Return the policy called `named`, having run the code of its file. Raises `InputRefused`."""
    place, colon, function = named.rpartition(":")
    if not (place and colon and function.isidentifier()):
        raise refuse(f'"{one_line(named)}" names no function; write FILE.py:FUNCTION or module:function.', OPTION)
    module, content = _file(Path(place)) if place.endswith(".py") else _module(place)
    found = getattr(module, function, None)
    if not callable(found):
        functions = [name for name, value in vars(module).items() if isfunction(value) and not name.startswith("_")]
        raise refuse(unknown("function", function, functions), place)
    return PolicyFile(named, sha256(content).hexdigest(), found)


def policy_of_run(meta: Mapping[str, Any], named: str | None, folder: Path) -> PolicyFile | None:
    """Return the policy with which the run in `folder` was played, `named` again; None if it has its scenario's own.

    Raises `InputRefused` if it is not named, or is and was not before. Says on the error stream if its file is changed.
    """
    recorded = meta.get("policy")
    if recorded is None and named is None:
        return None
    if recorded is None:
        raise refuse(f"this run was played with the turn policy of its scenario; leave out {OPTION}.", str(folder))
    if named is None:
        option = f"{OPTION} {shlex.quote(str(recorded['path']))}"
        raise refuse(
            f"this run was played with a turn policy of your own, and code is loaded only where you name it; add "
            f"{one_line(option, 400)}",
            str(folder),
        )
    loaded = load_policy(named)
    if loaded.sha256 != recorded["sha256"]:
        print(f"note: {Problem(named, 0, 0, _CHANGED)}", file=sys.stderr)
    return loaded


_CHANGED = (
    "this is not the code that the run was begun with; what is on record stays as it is, and an episode in which it "
    "would have been otherwise is not played on."
)


def _file(path: Path) -> tuple[ModuleType, bytes]:
    """Return the file as a module of its own, and its content. What is run is what was read, and nothing is cached."""
    try:
        content = path.read_bytes()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise refuse(f"the file cannot be read ({reason}); name one as FILE.py:FUNCTION.", str(path)) from None
    module = ModuleType(f"rolestage_policy_{sha256(content).hexdigest()[:16]}")
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
