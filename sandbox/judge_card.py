"""What is known of judges from their verdicts on record: order, repeats, what could not be read, who agrees with whom.

One judge may have judged under several identities: in one order or both, and again with other seeds. Those are one
card here. Other scorers of the same run, review files and people's scores are the others that it is compared with.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from os.path import isfile
from pathlib import Path

import numpy as np

from sandbox.agree import Found, agree, aligned, clustered
from sandbox.judge_repeat import BOTH_ORDERS, asked_again, in_both_orders, rebuilt, repeated
from sandbox.judge_sources import (
    DERIVED,
    REPEAT,
    Item,
    Judge,
    judges_in,
    options_of,
    repeat_of,
)
from sandbox.record import Record
from sandbox.rows import ScorerRow
from sandbox.score import ScoringSummary
from sandbox.store import DATABASE
from scenes.problem import InputRefused, refuse
from scorers.judge_card import SHARE, Panel, Repeats, Swap, Where, order_swaps, panel, repeats
from scorers.statistics import Floats, Mean, codes
from scorers.two_orders import SWAPPED, Order, orders


@dataclass(frozen=True)
class Answers:
    """What became of a judge's single answers."""

    given: int
    unread: Mean
    """Share that could not be read."""


@dataclass(frozen=True)
class ByMetric:
    """Figures of one metric, or of all."""

    metric: str | None
    unit: str
    swap: Swap | None
    repeats: Repeats | None


@dataclass(frozen=True)
class Card:
    """What is known of one judge."""

    judge: Judge
    model: str
    """Which model judged, as far as that is on record."""
    items: int
    """Things judged: replies, records, characters."""
    by: str
    """What intervals are clustered by."""
    clusters: int
    """How many of these there are."""
    lines: Sequence[ByMetric]
    """All metrics together first."""
    unread: Mean
    """Share of the verdicts that it was asked for without a value."""
    unasked: int
    """Verdicts without a value for which it was not asked: nothing to compare with, for instance."""
    answers: Answers | None
    others: Sequence[Found]
    """How it agrees with each of the others."""
    apart: Sequence[str]
    """Who judged nothing that it did, and why."""
    panel: Panel | None
    of_errors: bool
    """Whether the panel's numbers are errors against a person's scores, or the verdicts themselves."""


@dataclass(frozen=True)
class Family:
    """One judge under all the identities under which it judged one run."""

    first: Judge
    both: Judge | None
    """The one of them that judged in both orders."""
    repeats: Sequence[Judge]
    """Its verdicts in the order in which it was asked, the first one included; empty if it was asked once."""


def asked_for_more(
    folder: Path, named: Sequence[str], times: int, both_orders: bool, engine: str | None
) -> ScoringSummary:
    """Have the judges of a run judge it again, `times` times and in both orders. Raises what `sandbox.errors` lists."""
    rows = [family.first.row for family in _families(folder, named)]
    chosen = [rebuilt(row, named, folder) for row in rows if row]
    swapped = [one for one in map(in_both_orders, chosen) if one] if both_orders else []
    if both_orders and not swapped:
        raise refuse("none of these judges compares two answers, so there is no other order.", "--both-orders")
    again = [repeated(one, nth) for one in chosen for nth in range(1, times + 1)]
    return asked_again(folder, [*swapped, *again], engine)


def judges_of(folder: Path, named: Sequence[str]) -> list[Judge]:
    """Return the judges of a run that are called so; by default those that asked a model, if any did."""
    plain = [name.rpartition(":")[2] for name in named]
    judges = judges_in(folder, plain)
    return judges if named else [one for one in judges if any(item.calls for item in one.items)] or judges


def cards(places: Sequence[Path], named: Sequence[str]) -> list[Card]:
    """Return a card for each judge at `places`: of a run those called `named`. Raises what `sandbox.errors` lists.

    People have no card; what they say is what judges are compared with.
    """
    families = [family for place in places for family in _families(place, named)]
    judges = [family.first for family in families]
    return [
        _card(family, [one for one in judges if one is not family.first])
        for family in families
        if family.first.kind != "people"
    ]


def _families(place: Path, named: Sequence[str]) -> Iterator[Family]:
    if not isfile(place / DATABASE):
        yield from (Family(judge, judge if judge.answers else None, ()) for judge in judges_in(place))
        return
    with closing(Record(place)) as record:
        rows = record.scorers()
    kin: dict[str, list[ScorerRow]] = defaultdict(list)
    for row in rows:
        kin[_kinship(row)].append(row)
    wanted = {_kinship(judge.row): judge for judge in judges_of(place, named) if judge.row}
    for kinship, judge in wanted.items():
        yield _family(place, judge, kin[kinship])


def _kinship(row: ScorerRow) -> str:
    """Return what a judge has in common under all its identities: all but the order, and how often it was asked."""
    facts = json.loads(row.facts)
    options = {name: value for name, value in options_of(row).items() if name not in (BOTH_ORDERS, REPEAT)}
    return json.dumps([row.name, facts.get("version"), facts.get("basis"), facts.get("code"), options], sort_keys=True)


def _family(place: Path, judge: Judge, kin: Sequence[ScorerRow]) -> Family:
    """Return a judge with what its kin add; where both judged once, the one that judged in one order is the first."""
    once = {bool(options_of(row).get(BOTH_ORDERS)): row for row in kin if not repeat_of(row)}
    again = {
        both: [row for row in kin if repeat_of(row) and bool(options_of(row).get(BOTH_ORDERS)) == both] for both in once
    }
    known = {judge.name: judge}

    def read(row: ScorerRow) -> Judge:
        if row.id not in known:
            known[row.id] = judges_in(place, [row.id])[0]
        return known[row.id]

    most = max(again, key=lambda both: len(again[both]))
    repeats_of = [read(row) for row in (once[most], *sorted(again[most], key=repeat_of))] if again[most] else []
    return Family(read(once[min(once)]), read(once[True]) if True in once else None, repeats_of)


# ---- the figures


def _card(family: Family, others: Sequence[Judge]) -> Card:
    judge = family.first
    metrics = [name for name in dict.fromkeys(item.metric for item in judge.items) if name not in DERIVED]
    metrics = metrics or list(dict.fromkeys(item.metric for item in judge.items))
    items = [item for item in judge.items if item.metric in metrics]
    read = _orders_of(judge)
    found, apart = _compared(judge, others)
    people = [of.judges[1] for of in found if of.judges[1].kind == "people"]
    machines = [of.judges[1] for of in found if of.judges[1].kind != "people"]
    unread, unasked = _unread(items)
    clusters, by = clustered([(item, item) for item in items])
    return Card(
        judge,
        _model(judge),
        len({item.about for item in items}),
        by,
        len(set(clusters)),
        list(_lines(family, metrics)),
        unread,
        unasked,
        _answers(items, [read[id(item)] for item in items if id(item) in read]) if read else None,
        found,
        apart,
        _panel(judge, machines, people, metrics) if machines else None,
        bool(people),
    )


def _where(items: Sequence[Item]) -> Where:
    return Where(codes([item.clusters[0] for item in items])[0], codes([item.clusters[-1] for item in items])[0])


def _model(judge: Judge) -> str:
    named = options_of(judge.row).get("judge") if judge.row else judge.model
    if named:
        return str(named)
    return "the run's own model" if any(item.calls for item in judge.items) else ""


def _unread(items: Sequence[Item]) -> tuple[Mean, int]:
    """Return the share of what a judge was asked for that has no value, and how many verdicts it was not asked for."""
    asks = any(item.asked for item in items)
    asked = [item for item in items if item.asked or not asks]
    missing = np.array([item.value is None for item in asked], np.float64)
    return _where(asked).mean_of(missing, SHARE), len(items) - len(asked)


def _orders_of(judge: Judge) -> dict[int, tuple[Order, Order]]:
    """Return what a judge of two answers said in each order, by the identity of the verdict."""
    if judge.kind != "run":
        read = ((item, orders(item.metric, item.calls, judge.answers)) for item in judge.items if item.calls)
        return {id(item): both for item, both in read if both}
    by_episode: dict[int, list[Item]] = defaultdict(list)
    for item in judge.items:
        if item.calls and item.about.episode is not None:
            by_episode[item.about.episode].append(item)
    found: dict[int, tuple[Order, Order]] = {}
    with closing(Record(Path(judge.place))) as record:
        for episode, items in by_episode.items():
            answers = {key: answer.completion for key, answer in record.judgements(episode).items()}
            read = ((item, orders(item.metric, item.calls, answers)) for item in items)
            found |= {id(item): both for item, both in read if both}
    return found


def _answers(items: Sequence[Item], read: Sequence[tuple[Order, Order]]) -> Answers:
    asked = [item for item in items if item.calls]
    given = np.array([sum(order.answers for order in both) for both in read], np.float64)
    unread = np.array([sum(order.unread for order in both) for both in read], np.float64)
    return Answers(int(given.sum()), _where(asked).mean(unread, given, SHARE))


def _lines(family: Family, metrics: Sequence[str]) -> Iterator[ByMetric]:
    """Yield the figures of all metrics together, if they are in one unit, and of each."""
    judge = family.first
    units = {judge.units.get(metric, "") for metric in metrics}
    swaps, spread = _swaps_of(family.both), _spread_of(family.repeats, metrics)
    together = [metrics] if len(metrics) > 1 and len(units) == 1 else []
    for names in (*together, *([metric] for metric in metrics)):
        name = names[0] if len(names) == 1 else None
        yield ByMetric(name, judge.units.get(names[0], ""), swaps(names), spread(names))


def _swaps_of(both: Judge | None) -> Callable[[Sequence[str]], Swap | None]:
    read = _orders_of(both) if both else {}

    def of(metrics: Sequence[str]) -> Swap | None:
        items = [item for item in both.items if item.metric in metrics and id(item) in read] if both else []
        if not any(SWAPPED in key for item in items for key in item.calls):
            return None
        first = [_margin(read[id(item)][0]) for item in items]
        second = [-_margin(read[id(item)][1]) for item in items]
        return order_swaps(np.array(first), np.array(second), _where(items))

    return of


def _margin(order: Order) -> float:
    """Return how far the answer shown first is ahead; NaN where that was not read."""
    return float("nan") if order.verdict is None else order.verdict.a - order.verdict.b


def _spread_of(judges: Sequence[Judge], metrics: Sequence[str]) -> Callable[[Sequence[str]], Repeats | None]:
    if len(judges) < 2:
        return lambda names: None
    items, rows = aligned(judges[0], judges[1:], metrics)
    values = np.stack([_values(items), *map(_values, rows)])

    def of(names: Sequence[str]) -> Repeats:
        at = [place for place, item in enumerate(items) if item.metric in names]
        return repeats(values[:, at], _where([items[place] for place in at]))

    return of


def _values(items: Sequence[Item | None]) -> Floats:
    return np.array([np.nan if item is None or item.value is None else item.value for item in items], np.float64)


def _compared(judge: Judge, others: Sequence[Judge]) -> tuple[list[Found], list[str]]:
    found, apart = [], []
    for other in others:
        try:
            found.append(agree(judge, other))
        except InputRefused as refusal:
            if other.kind == "people" and any(problem.line for problem in refusal.problems):
                raise
            apart.append(f"{other.title}: {refusal.problems[0].message}")
    return found, apart


def _panel(judge: Judge, machines: Sequence[Judge], people: Sequence[Judge], metrics: Sequence[str]) -> Panel | None:
    """Return what judges are worth together, by metrics in one unit; of their errors where people have judged."""
    if len({judge.units.get(metric, "") for metric in metrics}) > 1:
        return None
    items, rows = aligned(judge, [*machines, *people[:1]], metrics)
    values = [_values(items), *map(_values, rows)]
    ratings = np.stack(values[: 1 + len(machines)])
    cluster = codes(clustered([(item, item) for item in items])[0])[0]
    return panel(ratings - values[-1] if people else ratings, cluster)
