"""Standard output: a console that takes every text literally, and JSON for scripts."""

import json
import sys
from errno import EPIPE
from typing import Any

from rich.console import Console
from rich.text import Text

from scenes.clean import clean


class Screen(Console):
    """A console on standard output without markup, emoji or highlighting; only a terminal's lines are broken."""

    def __init__(self) -> None:
        super().__init__(markup=False, emoji=False, highlight=False, width=None if sys.stdout.isatty() else 10_000)

    def on_broken_pipe(self) -> None:
        """Let the error out, where rich would leave from within: a run first brings what it has to safety."""
        raise BrokenPipeError(EPIPE, "nobody reads on")

    def show_cursor(self, show: bool = True) -> bool:
        """Leave the cursor as it is: who ends a run at once, by a second Ctrl-C for instance, has it still."""
        return False

    @property
    def shows_pictures(self) -> bool:
        """Whether there are colours to draw with."""
        return self.is_terminal and self.color_system is not None and not self.no_color


def safe(text: str, style: str = "") -> Text:
    """Return the whole of `text`, foreign or not, as a terminal may show it."""
    return Text(clean(text, sys.maxsize), style=style)


def print_json(value: Any, indent: int | None = 2) -> None:
    """Print `value` as JSON in plain ASCII: the same for every terminal and pipe, and harmless in each."""
    sys.stdout.write(json.dumps(value, indent=indent) + "\n")
    sys.stdout.flush()
