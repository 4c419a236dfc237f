"""`rolestage export`: runs as training data, and where a row of it comes from."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sandbox.commands.records import progress
from sandbox.export.explain import explained, origin_lines
from sandbox.export.export import export
from sandbox.export.formats import FORMATS
from sandbox.export.report import lines_of
from sandbox.export.row import Format
from sandbox.screen import Screen, print_json, safe
from scenes.problem import refuse

EXPORTS = "exports"


@dataclass(frozen=True)
class ExportOptions:
    """What the command line sets."""

    to: str
    out: Path | None = None
    scorers: tuple[str, ...] = ()
    explain: int | None = None
    keep: tuple[str, ...] = ()
    """Rules for which lines are learned."""


def export_runs(folders: Sequence[Path], options: ExportOptions, as_json: bool) -> int:
    """Write runs in a format and print the report, or explain a row. Raises what `sandbox.errors` lists."""
    made = FORMATS[options.to]
    target = _target(folders, made, options.out)
    screen = Screen()
    if options.explain is not None:
        return _explain(target, made, options.explain, screen, as_json)
    with progress(screen, as_json, "exporting episodes") as told:
        report = export(folders, made, target, options.scorers, told, options.keep)
    if as_json:
        print_json(report.model_dump())
    else:
        for line in lines_of(report):
            screen.print(safe(line), soft_wrap=True)
    return 0


def _target(folders: Sequence[Path], made: Format, out: Path | None) -> Path:
    if out is None and len({folder.resolve() for folder in folders}) > 1:
        raise refuse("several runs make one export; name its folder.", "--out")
    return out or folders[0] / EXPORTS / made.name


def _explain(target: Path, made: Format, number: int, screen: Screen, as_json: bool) -> int:
    row = explained(target, made, number)
    if as_json:
        print_json({"origin": row.origin, "row": row.body})
        return 0
    for line in origin_lines(row.origin):
        screen.print(safe(line), soft_wrap=True)
    screen.print()
    screen.print(safe(row.text), soft_wrap=True)
    return 0
