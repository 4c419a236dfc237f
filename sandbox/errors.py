"""What can end a command, and with which exit code.

    0 done            1 some episodes failed       2 input refused (InputRefused)    3 run locked (RunLocked)
    4 store damaged (StoreDamaged)                 5 engine gave up (EngineDied)     6 disk (StoreFailed)
    130 interrupted

Everything else that goes wrong is data: a call without an answer, an episode that failed.
"""

from sandbox.engines.engine import EngineDied
from scenes.problem import InputRefused


class RunLocked(Exception):
    """Another process writes this run; the message names it."""


class StoreDamaged(Exception):
    """A run's store cannot be trusted: not a store, cut short, or a row that does not match its hash."""


class StoreFailed(Exception):
    """A run's store can no longer be written: the disk is full, or gone."""


EXIT_CODES: dict[type[Exception], int] = {
    InputRefused: 2,
    RunLocked: 3,
    StoreDamaged: 4,
    EngineDied: 5,
    StoreFailed: 6,
}
SOME_FAILED = 1
INTERRUPTED = 130
