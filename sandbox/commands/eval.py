"""`rolestage eval`: what a model makes of the storybook world, measured against exact truth."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

from sandbox.commands.records import check_model, progress
from sandbox.errors import INTERRUPTED, SOME_FAILED
from sandbox.launch import engine_config
from sandbox.models import reference
from sandbox.score_text import Column, Row, interval, number, print_table
from sandbox.screen import Screen, print_json, safe
from sandbox.side_by_side import Told
from sandbox.storybook.exam.exam import AS_IS, BLANK, DISTINCT, Order, Result, evaluate
from sandbox.storybook.exam.marks import FACT, MEASURES, UNTOLD, Measure
from sandbox.storybook.exam.paper import FACTS
from sandbox.whole_file import write_whole
from scenes.clean import one_line
from scenes.problem import refuse
from scorers.statistics import Mean

ABOVE_CONSTANT = 0.03
"""By how much replies to a blank picture may beat the best constant answer."""
_CHANGED = ("blank picture", "wrong picture", "no profile")
_DISTINCT = Measure(
    DISTINCT,
    "Different replies by all replies, sampled at temperature 0.8; the interval takes scenes for alike.",
    0.80,
    "sampled",
)
_HOW = (
    "Requests for a line as the sandbox makes them, in the layout `compact`, with the teacher's lines as history, of "
    "scenes and pictures that no training had; and, for the measures of questions, as many with a question in the "
    "place of a person's last line, of each type in turn. Replies are greedy but for the distinct ones. The picture is "
    "the own one, a blank one (gray) or a wrong one (another exam's), and the truth is always that of the own one; "
    "without a profile the sheet is left out. Intervals are 95 %, clustered by scene."
)
_OF_TYPES = (
    "The needed fact, by what the last line asks or is, where no words of the request tell it. `constant` is the "
    "answer that is right most often, given what is asked; a blank picture should do no better "
    f"(goal: at most {ABOVE_CONSTANT:.2f} more). `all` is with those that words tell."
)


class EvalOptions(NamedTuple):
    """What the command line sets."""

    model: str
    number: int
    seed: int
    engine: str | None = None
    out: Path | None = None


def evaluate_model(options: EvalOptions, as_json: bool) -> int:
    """Put the exams to a model, and print what it gets. Raises what `sandbox.errors` lists."""
    check_model(options.model, "MODEL")
    reference(options.model)
    _check_out(options.out)
    screen, order = Screen(), Order(options.model, engine_config(options.engine), options.number, options.seed)
    with ExitStack() as stack:
        result = evaluate(order, lambda what: _telling(stack, screen, as_json, what))
    if options.out:
        _write(options.out, _markdown(order, result))
    _tell(order, result, screen, as_json)
    return INTERRUPTED if result.left else SOME_FAILED if any(result.failed.values()) else 0


def _telling(stack: ExitStack, screen: Screen, as_json: bool, what: str) -> Told:
    """Return who is told how far it is with `what`, which ends what was before."""
    stack.close()
    return stack.enter_context(progress(screen, as_json, what))


def _check_out(out: Path | None) -> None:
    if out is not None and not out.absolute().parent.is_dir():
        raise refuse("there is no such folder to write in; name another place.", str(out))


def _write(out: Path, text: str) -> None:
    try:
        write_whole(out, text.encode())
    except OSError as error:
        raise refuse(f"the table cannot be written ({error.strerror}); name another place.", str(out)) from None


# ---- told


def _tell(order: Order, result: Result, screen: Screen, as_json: bool) -> None:
    if as_json:
        print_json(_data(order, result))
        return
    screen.print(safe(_title(order, result), "bold"), soft_wrap=True)
    for columns, rows in (_overall(result), _by_type(result)):
        screen.print()
        print_table(screen, columns, rows)
    for note in _notes(result):
        screen.print(safe(note), soft_wrap=True)


def _title(order: Order, result: Result) -> str:
    return f"{one_line(order.model)}: {order.number} lines and as many questions, seed {order.seed}, {result.engine}"


def _notes(result: Result) -> Iterator[str]:
    yield from (f"{name}: {failed} requests got no answer" for name, failed in result.failed.items() if failed)
    if result.left:
        yield f"Interrupted: {result.left} of {result.asked} were not asked, and the figures are of the others."


Table = tuple[list[Column], list[Row]]


def _overall(result: Result) -> Table:
    """Return what is measured of all replies, with the goals."""
    heads = ("as is", "95 %", "n", "goal", "", "blank", "wrong", "no profile")
    columns = [Column("measure", whole=True), *(Column(head, number=True) for head in heads)]
    rows: list[Row] = []
    for measure in (*MEASURES, _DISTINCT):
        main = _figure(result, measure.condition, measure.name)
        if main is not None and not measure.name.startswith((FACT, UNTOLD)):
            changed = [_value(result, condition, measure.name) for condition in _CHANGED]
            rows.append(
                [measure.name, number(main.value), interval(main), str(main.valid), *_goal(measure, main), *changed]
            )
    return columns, [*rows, *_new_combinations(result)]


def _new_combinations(result: Result) -> Iterator[Row]:
    for measure in MEASURES[:2]:
        if found := _figure(result, "new combinations", measure.name):
            goal = _goal(measure._replace(goal=0.90), found)
            blanks = [""] * len(_CHANGED)
            yield [
                f"{measure.name}, new combinations",
                number(found.value),
                interval(found),
                str(found.valid),
                *goal,
                *blanks,
            ]


def _goal(measure: Measure, of: Mean) -> tuple[str, str]:
    if measure.goal is None or of.value is None:
        return "", ""
    return f"≥ {measure.goal:.2f}", "met" if of.value >= measure.goal else "missed"


def _by_type(result: Result) -> Table:
    """Return what is measured of each type of question and remark."""
    heads = ("all", "n", "untold", "95 %", "n", "constant", "blank", "goal", "wrong", "no profile")
    columns = [Column("needed fact", whole=True), *(Column(head, number=True) for head in heads)]
    return columns, [
        _type_row(kind, result) for kind in (*FACTS, "opinion") if _figure(result, AS_IS.name, FACT + kind)
    ]


def _type_row(kind: str, result: Result) -> Row:
    every, own = _figure(result, AS_IS.name, FACT + kind), UNTOLD + kind
    if _figure(result, AS_IS.name, own) is None:  # words do not tell it
        own = FACT + kind
    main, constant = _figure(result, AS_IS.name, own), result.constants.get(own)
    blank = _figure(result, BLANK.name, own)
    cells = [number(every.value), str(every.valid)] if every else ["—", "0"]
    cells += [number(main.value), interval(main), str(main.valid)] if main else ["—", "—", "0"]
    cells += [number(constant), number(blank.value if blank else None), _blank_goal(blank, constant)]
    return [kind, *cells, _value(result, "wrong picture", own), _value(result, "no profile", own)]


def _blank_goal(blank: Mean | None, constant: float | None) -> str:
    if blank is None or blank.value is None or constant is None:
        return ""
    return "met" if blank.value <= constant + ABOVE_CONSTANT else "missed"


def _value(result: Result, condition: str, measure: str) -> str:
    found = _figure(result, condition, measure)
    return number(found.value if found else None)


def _figure(result: Result, condition: str, measure: str) -> Mean | None:
    return result.figures.get(condition, {}).get(measure)


# ---- as data and as text


def _data(order: Order, result: Result) -> dict[str, Any]:
    goals = {measure.name: measure.goal for measure in (*MEASURES, _DISTINCT) if measure.goal is not None}
    return {
        "model": order.model, "requests": order.number, "seed": order.seed, "engine": result.engine,
        "figures": {name: _figures(found) for name, found in result.figures.items()},
        "constants": dict(result.constants), "goals": goals,
        "definitions": {measure.name: measure.definition for measure in (*MEASURES, _DISTINCT)},
        "failed": dict(result.failed), "left": result.left,
    }  # fmt: skip


def _figures(found: Mapping[str, Mean]) -> dict[str, Any]:
    return {
        name: {"value": one.value, "low": one.low, "high": one.high, "n": one.valid, "scenes": one.clusters}
        for name, one in sorted(found.items())
    }


def _markdown(order: Order, result: Result) -> str:
    told = {
        measure.name: measure.definition
        for measure in (*MEASURES, _DISTINCT)
        if _figure(result, measure.condition, measure.name)
    }
    whats = [f"- {name}: {definition}" for name, definition in told.items() if not name.startswith((FACT, UNTOLD))]
    figures = [_table(*_overall(result)), _OF_TYPES, _table(*_by_type(result)), "\n".join(_notes(result))]
    meant = ["## Measures", "\n".join(whats), "## Some that got nothing", "\n".join(_misses(result))]
    parts = [f"# {_title(order, result)}", _HOW, *figures, *meant]
    return "\n\n".join(part for part in parts if part) + "\n"


def _misses(result: Result) -> Iterator[str]:
    for measure, misses in result.wrong.items():
        if not measure.startswith(UNTOLD):
            yield f"- {measure}"
            yield from (f"  - {one_line(f'{last} → {reply}', 600)} ({shown})" for shown, last, reply in misses)


def _table(columns: list[Column], rows: list[Row]) -> str:
    heads = [column.head or "met" for column in columns]
    edge = ["---:" if column.number else "---" for column in columns]
    return "\n".join(f"| {' | '.join(cell.replace('|', ' ') for cell in row)} |" for row in (heads, edge, *rows))
