"""`rolestage doctor`."""

from dataclasses import asdict
from pathlib import Path

from rich.text import Text

from sandbox.commands.out import console, print_json
from sandbox.doctor import findings
from scenes.clean import clean

MARKS = {"ok": ("✓", "green"), "warn": ("!", "yellow"), "fail": ("✗", "bold red")}


def examine(runs: Path, as_json: bool) -> int:
    """Print what this machine has; 1 if something that is needed is missing."""
    found = findings(runs)
    if as_json:
        print_json([asdict(finding) for finding in found])
    else:
        out = console()
        for finding in found:
            mark, style = MARKS[finding.state]
            out.print(Text(f"{mark} {finding.name}: {clean(finding.value)}", style=style))
            if finding.mend:
                out.print(Text(f"    {clean(finding.mend)}"))
    return 1 if any(finding.state == "fail" for finding in found) else 0
