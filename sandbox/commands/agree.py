"""`rolestage agree`: how well two judges agree, or a judge and people."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from sandbox.agree import Found, Line, agree
from sandbox.judge_sources import Judge, judge_of
from sandbox.score_text import Column, Row, counted, number, print_table
from sandbox.screen import Screen, print_json, safe
from scenes.clean import one_line
from scorers.judge_agreement import Agreement, Figure

FIGURES = ("mae", "rmse", "pearson", "spearman", "alpha")
HEADS = {"mae": "MAE", "rmse": "RMSE", "pearson": "Pearson", "spearman": "Spearman", "alpha": "α"}
LETTERS = "AB"


def compare_judges(first: str, second: str, runs: Path, metrics: Sequence[str], as_json: bool) -> int:
    """Print how two judges agree. Raises `InputRefused` and `StoreDamaged`."""
    found = agree(judge_of(first, runs), judge_of(second, runs), metrics)
    if as_json:
        print_json(_json(found))
    else:
        _show(found, Screen())
    return 0


def _lines(found: Found) -> list[Line]:
    return [*found.lines, *([found.overall] if found.overall else [])]


def _show(found: Found, screen: Screen) -> None:
    for letter, judge in zip(LETTERS, found.judges, strict=True):
        screen.print(safe(f"{letter}: {judge.title}", "dim"), soft_wrap=True)
    columns = [
        Column("metric"),
        Column("n", number=True),
        *(Column(HEADS[name], whole=True) for name in FIGURES),
        Column("no value: A", number=True),
        Column("B", number=True),
    ]
    print_table(screen, columns, [_row(line) for line in _lines(found)])
    for text in (*_undefined(found), *_left_out(found)):
        screen.print(safe(text), soft_wrap=True)
    screen.print(safe(_footnote(found), "dim"))


def _row(line: Line) -> Row:
    figures = [figure_text(getattr(line.agreement, name)) for name in FIGURES]
    name = "overall" if line.metric is None else one_line(line.metric)
    return [name, str(line.agreement.items), *figures, *map(str, line.unread)]


def figure_text(figure: Figure) -> str:
    """Return a figure with its interval; a dash where there is none."""
    if figure.value is None or figure.low is None:
        return number(figure.value)
    return f"{number(figure.value)} [{number(figure.low)}, {number(figure.high)}]"


def _undefined(found: Found) -> Iterator[str]:
    """Yield which figures there are none of, and why."""
    for line in _lines(found):
        reasons: dict[str, list[str]] = {}
        for name in FIGURES:
            figure: Figure = getattr(line.agreement, name)
            if figure.why:
                reasons.setdefault(figure.why, []).append(HEADS[name])
        for why, names in reasons.items():
            yield f"{line.metric or 'overall'}: no {', '.join(names)}: {why}."


def _left_out(found: Found) -> Iterator[str]:
    alone, reworded = found.matched.alone, found.matched.reworded
    for letter, judge, count in zip(LETTERS, found.judges, alone, strict=True):
        if count:
            yield f"{letter} alone judged {counted(count, 'thing')} more; they are in no figure."
        if judge.failed:
            yield f"{letter} could say nothing about {counted(judge.failed, 'episode')}."
    if reworded:
        yield f"{counted(reworded, 'verdict')} of these are on other words in both: another run's, or another model's."
    if found.overall is None and len(found.lines) > 1:
        yield "There is no overall line: these metrics are in different units."


def _footnote(found: Found) -> str:
    most = max(line.agreement.clusters for line in _lines(found))
    text = f"n: things that both gave a number. 95 % intervals are clustered by {found.clusters} ({most})"
    text += "; without one, nothing tells the spread. α: Krippendorff's, interval level."
    if found.overall:
        text += (
            "\nOverall: the mean of the metrics' MAEs; all else over their verdicts pooled (MMRole, tables 4, 9, 10)."
        )
    return text


def _json(found: Found) -> dict[str, Any]:
    return {
        "judges": [_judge_json(judge) for judge in found.judges],
        "metrics": [_line_json(line) for line in found.lines],
        "overall": _line_json(found.overall) if found.overall else None,
        "alone": found.matched.alone,
        "other_words": found.matched.reworded,
        "clustered_by": found.clusters,
    }


def _judge_json(judge: Judge) -> dict[str, Any]:
    return {"judge": judge.name or None, "place": judge.place, "kind": judge.kind, "failed_episodes": judge.failed}


def _line_json(line: Line) -> dict[str, Any]:
    figures: Agreement = line.agreement
    counts = {"n": figures.items, "pairs": line.pairs, "without_value": line.unread, "clusters": figures.clusters}
    return (
        {"metric": line.metric, "unit": line.unit} | counts | {name: asdict(getattr(figures, name)) for name in FIGURES}
    )
