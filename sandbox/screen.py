"""Standard output: a console that takes every text literally, JSON for scripts, and a reader that leaves early."""

import json
import os
import sys
from typing import Any, NoReturn

from rich.console import Console
from rich.text import Text

from scenes.clean import clean

READER_GONE = 141
"""Exit code when nobody reads on, as a shell has it of a program that died of SIGPIPE."""


class Screen(Console):
    """A console on standard output without markup, emoji or highlighting; only a terminal's lines are broken."""

    def __init__(self) -> None:
        super().__init__(markup=False, emoji=False, highlight=False, width=None if sys.stdout.isatty() else 10_000)

    def on_broken_pipe(self) -> None:
        """End the program quietly."""
        leave()

    @property
    def shows_pictures(self) -> bool:
        """Whether there are colours to draw with."""
        return self.is_terminal and self.color_system is not None and not self.no_color


def safe(text: str, style: str = "") -> Text:
    """Return the whole of `text`, foreign or not, as a terminal may show it."""
    return Text(clean(text, sys.maxsize), style=style)


def print_json(value: Any, indent: int | None = 2) -> None:
    """Print `value` as JSON in plain ASCII: the same for every terminal and pipe, and harmless in each."""
    try:
        sys.stdout.write(json.dumps(value, indent=indent) + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        leave()


def leave() -> NoReturn:
    """End the program because its reader has gone, as in `rolestage show latest | head -1`; a run can be resumed."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what is still buffered goes nowhere
    raise SystemExit(READER_GONE)
