"""`rolestage verify`: whether published figures follow from the reviews that were published with them."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from sandbox.errors import SOME_FAILED
from sandbox.score_text import Column, Row, number, print_table
from sandbox.screen import Screen, print_json, safe
from sandbox.verify import Figure, Line, ModelRows, Verification, verified
from scenes.clean import one_line
from scorers.mmrole.metrics import METRICS
from scorers.mmrole.table import OVERALL

PARTS = {"in": "in", "out": "out", "all": "both"}
COLUMNS = [
    Column("test set", whole=True),
    *(Column(metric.key, number=True) for metric in METRICS),
    Column(OVERALL, number=True),
    Column("n/N", number=True),
]


def verify_mmrole(folder: Path, as_json: bool) -> int:
    """Print what differs between MMRole's reviews and what was published of them; 1 if something does, or is missing.

    Raises `InputRefused`.
    """
    done = verified(folder)
    if as_json:
        print_json(done.model_dump())
    else:
        _show(done, Screen())
    return 0 if done.equal else SOME_FAILED


def _show(done: Verification, screen: Screen) -> None:
    for model in done.models:
        screen.print(safe(one_line(model.model), "bold"))
        print_table(screen, COLUMNS, [*map(_row, model.lines)])
        for line in _left_out(model):
            screen.print(safe(line), soft_wrap=True)
        screen.print()
    for line in _differences(done):
        screen.print(safe(line), soft_wrap=True)
    screen.print(safe(_sum(done), "bold"), soft_wrap=True)


def _row(line: Line) -> Row:
    whole = line.means[OVERALL]
    cells = [_cell(figure, whole) for figure in line.means.values()]
    scenario = "" if line.scenario == "all" else f" {line.scenario}"
    return (PARTS[line.part] + scenario, *cells, f"{whole.n}/{whole.of}")


def _cell(figure: Figure, whole: Figure) -> str:
    """Return a mean, with its own coverage where that is not what the end of the line says."""
    own = "" if (figure.n, figure.of) == (whole.n, whole.of) else f" ({figure.n}/{figure.of})"
    return number(figure.value) + own


def _left_out(model: ModelRows) -> Iterator[str]:
    told = {
        "samples without an answer, in no mean": model.without_answer,
        "samples with an answer that nobody judged, in no mean": model.without_review,
        "scores outside 1 to 10, kept": model.off_scale,
    }
    return (f"{model.model}: {what}: {count}" for what, count in told.items() if count)


def _differences(done: Verification) -> Iterator[str]:
    yield from (f"missing: {path}" for path in done.missing)
    yield from (f"not in Table 5, so nothing to compare its rows with: {name}" for name in done.not_in_table)
    for cell in done.differences:
        yield f"differs: {cell.where}: {cell.metric}: published {cell.published}, from the reviews {cell.ours}"
    for review in done.rereads:
        stored = f"stored {review.stored}, read {review.read}"
        yield f"differs: {review.where}: record {review.record}: {review.metric}: {stored}"


def _sum(done: Verification) -> str:
    parts = (
        _compared(done.csv_values, "CSV values", [cell for cell in done.differences if not _of_table(cell.where)]),
        _compared(done.table_cells, "cells of Table 5", [cell for cell in done.differences if _of_table(cell.where)]),
        f"{done.reviews_read} of {done.reviews} reviews read, {len(done.rereads)} with another score than is stored",
    )
    return "; ".join(parts) + "." + (f" Missing: {len(done.missing)}." if done.missing else "")


def _of_table(where: str) -> bool:
    return where.startswith("Table 5, ")


def _compared(count: int, what: str, differing: Sequence[object]) -> str:
    return f"{count - len(differing)} of {count} {what} equal"
