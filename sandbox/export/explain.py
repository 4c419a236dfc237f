"""Where a row of an export comes from, and its exact text."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from sandbox.export.files import PROVENANCE, data_file
from sandbox.export.row import Format
from scenes.problem import refuse


@dataclass(frozen=True)
class Explained:
    """A row as it was exported."""

    origin: Mapping[str, Any]
    body: Mapping[str, Any]
    text: str


def explained(target: Path, made: Format, number: int) -> Explained:
    """Return the row with a `number`, from 0, of the export at `target`. Raises `InputRefused`."""
    try:
        with open(target / PROVENANCE, encoding="utf-8") as lines:
            line = next(islice(lines, number, None), None)
    except OSError:
        mend = f"export first: rolestage export RUN --to {made.name}"
        raise refuse(f"there is no export as {made.name}; {mend}", str(target)) from None
    if line is None:
        raise refuse(f"there is no row {number}; rows are numbered from 0, and report.json has how many.", str(target))
    try:
        origin = json.loads(line)
        body = _body(target / data_file(made.kind, origin["split"]), origin["at"])
    except (OSError, ValueError, LookupError):
        raise refuse("the export is damaged; make it again.", str(target)) from None
    return Explained(origin, body, made.told(body))


def _body(file: Path, at: int) -> Mapping[str, Any]:
    """Return the row at a place of a file. Raises `OSError`, `ValueError` and `LookupError`."""
    if file.suffix == ".json":
        with open(file, encoding="utf-8") as lines:
            found: dict[str, Any] = json.loads(next(islice(lines, at + 1, None)).rstrip(",\n"))
        return found
    return _row_of_parquet(file, at)


def _row_of_parquet(file: Path, at: int) -> Mapping[str, Any]:
    from pyarrow.parquet import ParquetFile

    with ParquetFile(file) as data:
        for group in range(data.num_row_groups):
            rows = data.metadata.row_group(group).num_rows
            if at < rows:
                table = data.read_row_group(group, columns=["id", "messages"])
                row: dict[str, Any] = table.slice(at, 1).to_pylist()[0]
                return row
            at -= rows
    raise LookupError(at)


def origin_lines(origin: Mapping[str, Any]) -> Iterator[str]:
    """Yield where a row comes from, as a person reads it."""
    yield f"row {origin['row']}: {origin['split']}, number {origin['at']} of it"
    yield f"run: {origin['run']}"
    yield f"episode: {origin['episode']}, scenario {origin['scenario']}"
    yield f"of: {origin['character']}" + (f", by the model {origin['model']}" if origin["model"] else "")
    yield f"turns: {', '.join(map(str, origin['turns']))}"
    for call in origin["calls"]:
        exact = "" if call.get("exact", True) else "; what stands before it was not sent to the letter"
        flags = "".join(f"; {flag}" for flag in call["flags"])
        yield f"call: {call['key']}, prompt {call['prompt']}{exact}{flags}"
    yield from (f"picture: {picture}" for picture in origin["pictures"])
