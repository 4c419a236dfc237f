"""`rolestage judge-card`: what is known of a judge, as a page of Markdown; each number with its interval and its n."""

import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sandbox.agree import Found
from sandbox.commands.agree import FIGURES, HEADS
from sandbox.errors import INTERRUPTED, SOME_FAILED
from sandbox.judge_card import ByMetric, Card, asked_for_more, cards
from sandbox.judge_sources import options_of, place_of
from sandbox.run_folder import find_run
from sandbox.score import ScoringSummary
from sandbox.screen import Screen, print_json, safe
from sandbox.whole_file import write_whole
from scenes.clean import one_line
from scenes.problem import refuse
from scorers.judge_agreement import Figure
from scorers.judge_card import Panel, Repeats, Swap
from scorers.statistics import Mean

ALL = "all together"
SWAP_HEADS = {
    "consistent": "same winner in both orders",
    "toward_first": "the first one both times",
    "toward_second": "the second one both times",
    "prefers_first": "verdicts for the first, of all with a winner",
    "advantage": "points that the first place is worth",
}
READ = (
    "Intervals are 95 %, in square brackets; n, in round ones, is what a number rests on. "
    "What each means, and when to distrust it: docs/judge-card.md."
)
Cell = tuple[str, str, str]
"""Value, interval and n of a number."""


@dataclass(frozen=True)
class CardOptions:
    """What the command line sets."""

    scorers: Sequence[str] = ()
    repeats: int = 0
    both_orders: bool = False
    engine: str | None = None
    out: Path | None = None


def judge_card(names: Sequence[str], runs: Path, options: CardOptions, as_json: bool) -> int:
    """Print a card for each judge at the places that are named. Raises what `sandbox.errors` lists."""
    places = [place_of(name, runs) for name in names]
    asked = _asked(find_run(names[0], runs), options) if options.repeats or options.both_orders else None
    if asked and asked.interrupted:
        print("Interrupted. The same command asks what is left.", file=sys.stderr)
        return INTERRUPTED
    found = cards(places, options.scorers)
    if not found:
        raise refuse("there are only people's scores here; name a run or review files too.", str(places[0]))
    page = "\n\n".join("\n".join(_page(card)) for card in found) + "\n"
    if options.out:
        _write(options.out, page)
    if as_json:
        print_json([_json(card) for card in found])
    elif not options.out:
        Screen().print(safe(page), soft_wrap=True, end="")
    return SOME_FAILED if asked and asked.failed else 0


def _asked(run: Path, options: CardOptions) -> ScoringSummary:
    """Have the judges of a run judge it again, and say on the error stream what came of it."""
    asked = asked_for_more(run, options.scorers, options.repeats, options.both_orders, options.engine)
    for one in asked.scorers:
        print(f"asked again as {one.scorer}: {one.judged} now, {one.earlier} earlier", file=sys.stderr)
        for reason, count in one.errors.items():
            print(one_line(f"{one.scorer}: {count} failed: {reason}", 400), file=sys.stderr)
    return asked


def _write(file: Path, page: str) -> None:
    try:
        write_whole(file, page.encode("utf-8", "replace"))
    except OSError as error:
        raise refuse(f"the file cannot be written ({error.strerror}); name another.", str(file)) from None


# ---- the page


def _page(card: Card) -> Iterator[str]:
    judge = card.judge
    yield f"# Judge card: {_plain(judge.name or judge.place)}"
    yield ""
    yield from (f"- {text}" for text in _facts(card))
    yield ""
    yield "## Can it be read?"
    yield ""
    rows = [("verdicts without a value", _cell(card.unread))]
    if card.answers:
        rows.append(("single answers that could not be read", _cell(card.answers.unread)))
    yield from _table(rows)
    if card.unasked:
        yield f"\nNot asked about {card.unasked} more verdicts: an answer or a reference was missing."
    yield from _section("Does the order of two answers sway it?", _swap_lines(card))
    yield from _section("Does it say the same when it is asked again?", _repeat_lines(card))
    yield from _section("Who agrees with it?", _other_lines(card))
    yield from _section("How many judges are these judges worth?", _panel_lines(card))
    yield ""
    yield READ


def _section(title: str, lines: Iterator[str]) -> Iterator[str]:
    yield ""
    yield f"## {title}"
    yield ""
    yield from lines


def _facts(card: Card) -> Iterator[str]:
    judge = card.judge
    yield f"judged: {_plain(judge.place)}"
    if card.model:
        yield f"model: {_plain(card.model)}"
    if judge.row:
        yield f"options: {_plain(json.dumps(options_of(judge.row), ensure_ascii=False), 600)}"
    yield f"things judged: {card.items}; metrics: {_plain(', '.join(_metrics(card)), 600)}"
    if judge.failed:
        yield f"episodes about which it could say nothing: {judge.failed}"
    yield f"intervals are clustered by {card.by} ({card.clusters})"


def _metrics(card: Card) -> list[str]:
    return [line.metric for line in card.lines if line.metric]


def _swap_lines(card: Card) -> Iterator[str]:
    known = [(line, line.swap) for line in card.lines if line.swap]
    if not known:
        yield f"Not known: {_one_order(card)}."
        return
    rows = [(_named(line), [_with_count(getattr(swap, name)) for name in SWAP_HEADS]) for line, swap in known]
    yield from _wide([*SWAP_HEADS.values()], rows)


def _one_order(card: Card) -> str:
    if card.judge.answers:
        return "it was asked in one order; score the records with --set mmrole.both_orders=true"
    if card.judge.kind == "reviews":
        return "review files hold one order"
    if card.answers is None:
        return "what it judges is no pair of answers"
    return "it has not judged the two answers in both orders; `--both-orders` asks in both"


def _repeat_lines(card: Card) -> Iterator[str]:
    known = [(line, line.repeats) for line in card.lines if line.repeats]
    if not known:
        why = "review files hold one" if card.judge.kind == "reviews" else "`--repeats 3` asks three times more"
        yield f"Not known: it was asked once; {why}."
        return
    yield f"Asked {known[0][1].times} times, each time with seeds of its own."
    yield ""
    rows = [(_named(line), _spread(again)) for line, again in known]
    yield from _wide(["variance", "standard deviation", "same number every time"], rows)


def _spread(again: Repeats) -> list[str]:
    ends = (again.variance.value, again.variance.low, again.variance.high)
    value, low, high = (None if end is None else end**0.5 for end in ends)
    deviation = exact(value) + ("" if low is None else f" {_interval(low, high)}")
    return [_with_count(again.variance), f"{deviation} ({_count(again.variance)})", _with_count(again.identical)]


def _with_count(mean: Mean) -> str:
    value, interval, count = _cell(mean)
    return f"{value} {interval} ({count})"


def _wide(heads: Sequence[str], rows: Sequence[tuple[str, Sequence[str]]]) -> Iterator[str]:
    """Yield a table of figures, each with its interval and in brackets its n."""
    yield _row("", *heads)
    yield _row(*["---"] * (len(heads) + 1))
    for name, cells in rows:
        yield _row(name, *cells)


def _other_lines(card: Card) -> Iterator[str]:
    if not card.others and not card.apart:
        yield "Nobody else has judged this: name further runs, review files or a CSV of people's scores beside it."
    for found in card.others:
        yield f"**{_plain(found.judges[1].title, 300)}**{' (people)' * (found.judges[1].kind == 'people')}"
        yield ""
        yield from _agreements(found)
        yield ""
    for text in card.apart:
        yield f"- not compared: {_plain(text, 600)}"


def _agreements(found: Found) -> Iterator[str]:
    yield _row("metric", "n", *(HEADS[name] for name in FIGURES), "no value: this", "that")
    yield _row(*["---"] * (len(FIGURES) + 4))
    for line in (*([found.overall] if found.overall else []), *found.lines):
        figures = [_figure(getattr(line.agreement, name)) for name in FIGURES]
        yield _row(line.metric or ALL, str(line.agreement.items), *figures, *map(str, line.unread))


def _panel_lines(card: Card) -> Iterator[str]:
    panel = card.panel
    if panel is None:
        yield "Not known: it takes another judge of the same things, by metrics in one unit."
        return
    what = "errors against people's scores" if card.of_errors else "verdicts"
    yield f"{panel.judges} judges; correlations are of their {what}."
    yield ""
    yield from _table(
        [
            ("Krippendorff's α of all", _figure_cell(panel.alpha, panel.rated)),
            ("mean correlation of two", _figure_cell(panel.correlation, panel.items)),
            ("effective number of judges", _figure_cell(panel.effective, panel.items)),
        ]
    )


def _table(rows: Sequence[tuple[str, Cell]]) -> Iterator[str]:
    yield _row("", "value", "95 % interval", "n")
    yield _row("---", "---:", "---", "---:")
    for name, cells in rows:
        yield _row(name, *cells)


def _row(*cells: str) -> str:
    return f"| {' | '.join(_plain(cell, 300) for cell in cells)} |"


def _plain(text: str, limit: int = 200) -> str:
    """Return foreign text on one line, with nothing in it that breaks a table."""
    return one_line(text, limit).replace("|", "\\|").replace("<", "&lt;")


def _named(line: ByMetric) -> str:
    unit = f" ({line.unit})" if line.unit else ""
    return (line.metric or ALL) + unit


def _cell(mean: Mean) -> Cell:
    return exact(mean.value), _interval(mean.low, mean.high), _count(mean)


def _count(mean: Mean) -> str:
    return str(mean.valid) if mean.valid == mean.attempted else f"{mean.valid} of {mean.attempted}"


def _figure_cell(figure: Figure, count: int) -> Cell:
    return figure.why or exact(figure.value), _interval(figure.low, figure.high), str(count)


def _figure(figure: Figure) -> str:
    if figure.value is None:
        return f"— ({figure.why})" if figure.why else "—"
    return exact(figure.value) + (f" {_interval(figure.low, figure.high)}" if figure.low is not None else "")


def _interval(low: float | None, high: float | None) -> str:
    return "—" if low is None else f"[{exact(low)}, {exact(high)}]"


def exact(value: float | None) -> str:
    """Return a number to three decimals, or to three digits where it is small: variances of ratios are."""
    if value is None:
        return "—"
    return f"{value:.3f}" if not value or abs(value) >= 0.1 else f"{value:.3g}"


# ---- for scripts


def _json(card: Card) -> dict[str, Any]:
    judge = card.judge
    return {
        "judge": judge.name or None,
        "place": judge.place,
        "model": card.model or None,
        "options": options_of(judge.row) if judge.row else {},
        "items": card.items,
        "clustered_by": card.by,
        "clusters": card.clusters,
        "failed_episodes": judge.failed,
        "without_value": asdict(card.unread),
        "not_asked": card.unasked,
        "unreadable_answers": asdict(card.answers.unread) if card.answers else None,
        "order": {_key(line): _parts(line.swap) for line in card.lines if line.swap},
        "repeats": {_key(line): _parts(line.repeats) for line in card.lines if line.repeats},
        "agreement": [_found_json(found) for found in card.others],
        "not_compared": list(card.apart),
        "panel": _panel_json(card.panel, card.of_errors) if card.panel else None,
    }


def _key(line: ByMetric) -> str:
    return line.metric or "all"


def _parts(figures: Swap | Repeats) -> dict[str, Any]:
    return asdict(figures)


def _found_json(found: Found) -> dict[str, Any]:
    other = found.judges[1]
    lines = {line.metric: asdict(line.agreement) | {"without_value": line.unread} for line in found.lines}
    overall = asdict(found.overall.agreement) | {"without_value": found.overall.unread} if found.overall else None
    about = {"judge": other.name or None, "place": other.place, "kind": other.kind}
    return about | {"metrics": lines, "overall": overall}


def _panel_json(panel: Panel, of_errors: bool) -> dict[str, Any]:
    return asdict(panel) | {"of": "errors" if of_errors else "verdicts"}
