"""Exports of made-up runs: what is in their files, read with nothing but the libraries that readers use."""

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from sandbox.export.export import export
from sandbox.export.formats import FORMATS
from sandbox.export.report import Report

Message = dict[str, Any]


def exported(
    *runs: Path, to: str = "trl-sft", out: Path | None = None, scorers: tuple[str, ...] = (), keep: tuple[str, ...] = ()
) -> Report:
    """Export runs, by default into the first of them."""
    return export(runs, FORMATS[to], out or runs[0] / "exports" / to, scorers, lambda done, total: None, keep)


def rows_of(report: Report) -> list[dict[str, Any]]:
    """Return the rows of an export as they stand in its files, those to train on first."""
    files = [Path(report.out) / file for file in report.files]
    return [row for file in files for row in (_parquet(file) if file.suffix == ".parquet" else _json(file))]


def _parquet(file: Path) -> list[dict[str, Any]]:
    with pq.ParquetFile(file) as data:
        rows: list[dict[str, Any]] = data.read().to_pylist()
    return rows


def _json(file: Path) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads(file.read_text(encoding="utf-8"))
    return rows


def origins_of(report: Report) -> list[dict[str, Any]]:
    """Return where the rows come from, those to train on first."""
    lines = (Path(report.out) / "provenance.jsonl").read_text(encoding="utf-8").splitlines()
    return sorted(map(json.loads, lines), key=lambda row: (row["split"] != "train", row["at"]))


def texts_of(row: dict[str, Any]) -> str:
    """Return all that is written in a conversation."""
    return "\n".join(part["text"] or "" for message in row["messages"] for part in message["content"])


def text_of(message: Message) -> str:
    """Return what a message says, with a mark at each picture."""
    return "".join(part["text"] or "⟦⟧" for part in message["content"])


def learned(row: dict[str, Any]) -> list[str]:
    """Return the lines of a conversation that are learned."""
    return [text_of(message) for message in row["messages"] if message["train"]]
