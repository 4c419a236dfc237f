"""A turn policy of the user's own, from a file or a module that the command line names.

Code is loaded only because the command line says so: a scenario cannot name any, and a stored run holds no more than
the name and a hash, so whatever plays that run again needs `--policy` again. Where the code is no longer that of the
run, this is said and the run is played over its record all the same: what a mended policy decides in turns to come is
its own affair, and one that would have decided turns of the record otherwise is found out there, since such a turn
asks for something that is not on record.
"""

import shlex
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sandbox.own_code import OwnCode, load_code
from scenes.clean import one_line
from scenes.problem import Problem, refuse

OPTION = "--policy"


def load_policy(named: str) -> OwnCode:
    """Return the policy called `named`, having run the code of its file. Raises `InputRefused`."""
    return load_code(named, OPTION)


def policy_of_run(meta: Mapping[str, Any], named: str | None, folder: Path) -> OwnCode | None:
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
