"""The command line in a process that may take only so much memory and so much computing."""

import subprocess
import sys

from commanding import Outcome

MEGABYTE = 1 << 20
GIGABYTE = 1 << 30
MOST_SECONDS = 30
"""Of computing: a guard against what never ends, ten times what the slowest row here takes."""
IN_SMALL_ROOM = f"""
import resource, sys
from sandbox.cli import main
room = int(sys.argv.pop(1))
resource.setrlimit(resource.RLIMIT_AS, (room, room))
resource.setrlimit(resource.RLIMIT_CPU, ({MOST_SECONDS}, {MOST_SECONDS}))
main()
"""


def commanded_in(room: int, *words: object) -> Outcome:
    """Run `rolestage` with `words` in a process that can hold no more than `room` bytes."""
    command = [sys.executable, "-c", IN_SMALL_ROOM, str(room), *map(str, words)]
    ended = subprocess.run(command, capture_output=True, text=True)
    return Outcome(ended.returncode, ended.stdout, ended.stderr)
