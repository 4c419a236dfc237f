"""`rolestage train storybook-rm`: the storybook reward model, fitted to answers that are worse in known ways."""

import shlex
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any

from sandbox.commands.agree import figure_text
from sandbox.commands.records import progress
from sandbox.engines.openai_address import is_address
from sandbox.errors import INTERRUPTED
from sandbox.launch import engine_config
from sandbox.models import TEACHER, model_of
from sandbox.score_text import Column, Row, number, print_table
from sandbox.screen import Screen, print_json, safe
from sandbox.side_by_side import Told
from sandbox.store import lock_run
from sandbox.storybook.reward.degrading import EMPTY, KEPT_BACK, NAMES, WAYS, scores_of
from sandbox.storybook.reward.figures import OVERALL, Figures, Line
from sandbox.storybook.reward.making import Made, Order, digest, make, write_card
from sandbox.storybook.reward.own import Own
from sandbox.whole_file import write_whole
from scenes.clean import one_line
from scenes.problem import refuse

MAE_GOAL, PEARSON_GOAL = 0.08, 0.85
"""Of the ratio, overall."""
TABLES = "card.md"
_HOW = (
    "The teacher's answers to requests for a line, made worse in known ways, each beside the teacher's own answer to "
    "the same request; an answer of the teacher from another seed is `clean`. A ratio is the score of the answer over "
    "that of the teacher's. Overall: the mean of the metrics' MAEs; all else over their verdicts pooled (MMRole, "
    "tables 4, 9, 10). `constant` is the MAE of whoever gives every answer the best constant ratio. Intervals are 95 "
    "%, clustered by scene."
)


def train_reward(model: str, out: Path, answers: int, seed: int, as_json: bool) -> int:
    """Make a reward model in `out`, or go on there. Raises `InputRefused`, `RunLocked` and `EngineDied`."""
    if model == TEACHER or is_address(model) or model_of(model).adapter is not None:
        raise refuse("name storybook, or a folder with a storybook model.", "--model")
    screen, order = Screen(), Order(model, engine_config(), answers, seed)
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise refuse(f"the folder cannot be made ({error.strerror}); name another place.", str(out)) from None
    with lock_run(out), ExitStack() as stack:
        made = make(order, out, lambda what: _telling(stack, screen, as_json, what))
    if made is None:
        print(f"Interrupted. Go on with: {shlex.join(['rolestage', *sys.argv[1:]])}", file=sys.stderr)
        return INTERRUPTED
    card = _card(order, made)
    write_card(out, card)
    write_whole(out / TABLES, _markdown(order, made).encode())
    _tell(order, made, out, screen, card if as_json else None)
    return 0


def _telling(stack: ExitStack, screen: Screen, as_json: bool, what: str) -> Told:
    """Return who is told how far it is with `what`, which ends what was before."""
    stack.close()
    return stack.enter_context(progress(screen, as_json, what))


# ---- told


def _tell(order: Order, made: Made, out: Path, screen: Screen, card: dict[str, Any] | None) -> None:
    if card is not None:
        print_json(card)
        return
    screen.print(safe(_title(order, made), "bold"), soft_wrap=True)
    for title, columns, rows in _tables(made):
        screen.print(safe(f"\n{title}", "bold"))
        print_table(screen, columns, rows)
    screen.print(safe(f"\nThe reward model: {out}"), soft_wrap=True)


def _title(order: Order, made: Made) -> str:
    failed = f", {made.failed} of all could not be asked about" if made.failed else ""
    return f"storybook+rm of {one_line(order.model)}: {made.learned} answers learned from{failed}, seed {order.seed}"


Table = tuple[str, list[Column], list[Row]]


def _tables(made: Made) -> Iterator[Table]:
    for name, figures in made.figures.items():
        for ways, lines in figures.lines.items():
            yield _agreement(f"{name}: {ways}", lines)
        yield _by_way(f"{name}: told from clean answers", figures)
    if made.own.auc:
        yield _own(made.own)


def _agreement(title: str, lines: Mapping[str, Line]) -> Table:
    heads = ("n", "MAE of a", "RMSE", "Pearson", "MAE of a/b", "RMSE", "Pearson", "constant", "goal")
    columns = [Column("metric", whole=True), *(Column(head, number=True) for head in heads)]
    return title, columns, [_row(name, line) for name, line in lines.items()]


def _row(name: str, line: Line) -> Row:
    parts = [
        figure_text(figure) if at == 0 and name == OVERALL else number(figure.value)
        for of in (line.scores, line.ratios)
        for at, figure in enumerate((of.mae, of.rmse, of.pearson))
    ]
    return [name, str(line.ratios.items), *parts, number(line.constant), _goal(line) if name == OVERALL else ""]


def _goal(line: Line) -> str:
    mae, pearson = line.ratios.mae.value, line.ratios.pearson.value
    met = mae is not None and pearson is not None and mae <= MAE_GOAL and pearson >= PEARSON_GOAL
    return "met" if met else "missed"


def _by_way(title: str, figures: Figures) -> Table:
    heads = ("n", "AUC", "below the teacher's")
    columns = [Column("way", whole=True), *(Column(head, number=True) for head in heads), Column("")]
    rows: list[Row] = [
        [way, str(told.n), number(told.auc), number(told.below), "kept back" if way in KEPT_BACK else ""]
        for way, told in figures.ways.items()
    ]
    return title, columns, rows


def _own(own: Own) -> Table:
    columns = [Column("metric", whole=True), Column("AUC", number=True)]
    title = f"The model's own replies (new combinations): {own.false} false of the picture told from {own.true} true"
    return title, columns, [[name, number(auc)] for name, auc in own.auc.items()]


def _truth() -> Table:
    columns = [Column("way"), *(Column(name, number=True) for name in NAMES), Column("")]
    notes = dict.fromkeys(KEPT_BACK, "kept back") | {EMPTY: "by rule"}
    return (
        "What each way deserves",
        columns,
        [[way, *map(str, scores_of(way)), notes.get(way, "")] for way in WAYS],
    )


# ---- as data and as text


def _card(order: Order, made: Made) -> dict[str, Any]:
    return {
        "model": order.model, "checkpoint": digest(order.model), "learned": made.learned, "failed": made.failed,
        "seed": order.seed, "goals": {"mae": MAE_GOAL, "pearson": PEARSON_GOAL},
        "truth": {way: dict(zip(NAMES, scores_of(way), strict=True)) for way in WAYS},
        "kept_back": sorted(KEPT_BACK), "figures": {name: asdict(figures) for name, figures in made.figures.items()},
        "own": asdict(made.own),
    }  # fmt: skip


def _markdown(order: Order, made: Made) -> str:
    tables = [f"## {title}\n\n{_lines(columns, rows)}" for title, columns, rows in (_truth(), *_tables(made))]
    return "\n\n".join([f"# {_title(order, made)}", _HOW, *tables]) + "\n"


def _lines(columns: list[Column], rows: list[Row]) -> str:
    heads = [column.head or " " for column in columns]
    edge = ["---:" if column.number else "---" for column in columns]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (heads, edge, *rows))
