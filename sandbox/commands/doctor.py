"""`rolestage doctor`."""

from dataclasses import asdict
from pathlib import Path

from sandbox.doctor import findings
from sandbox.screen import Screen, print_json, safe

MARKS = {"ok": ("✓", "green"), "warn": ("!", "yellow"), "fail": ("✗", "bold red")}


def examine(runs: Path, as_json: bool) -> int:
    """Print what this machine has; 1 if something that is needed is missing."""
    found = findings(runs)
    if as_json:
        print_json([asdict(finding) for finding in found])
    else:
        screen = Screen()
        for finding in found:
            mark, style = MARKS[finding.state]
            screen.print(safe(f"{mark} {finding.name}: {finding.value}", style))
            if finding.mend:
                screen.print(safe(f"    {finding.mend}"))
    return 1 if any(finding.state == "fail" for finding in found) else 0
