"""Printing: JSON for scripts, plain cleaned text for people."""

import json
import sys
from typing import Any

from rich.console import Console


def console() -> Console:
    """Return a console on standard output that takes all text literally."""
    width = None if sys.stdout.isatty() else 10_000
    return Console(highlight=False, markup=False, emoji=False, width=width)


def print_json(value: Any) -> None:
    """Print `value` as indented JSON."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2) + "\n")
