"""Putting the verdicts of two judges side by side: what both judged, what one judged alone, and how they agree."""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sandbox.judge_sources import DERIVED, Item, Judge, metric_called
from scenes.clean import one_line
from scenes.problem import InputRefused, Problem, refuse
from scenes.references import unknown
from scorers.judge_agreement import Agreement, agreement
from scorers.statistics import codes

Pair = tuple[Item, Item]


@dataclass(frozen=True)
class Matched:
    """The verdicts of two judges on the same things."""

    pairs: Sequence[Pair]
    alone: tuple[int, int]
    """Verdicts of each judge on what the other did not judge."""
    reworded: int
    """Verdicts of the first on something of which the other judged other words: those of another run or model."""


@dataclass(frozen=True)
class Line:
    """How two judges agree by a metric, or by all of them together."""

    metric: str | None
    """None for all together."""
    unit: str
    pairs: int
    """Things that both judged."""
    unread: tuple[int, int]
    """How many of them have no value of each judge."""
    agreement: Agreement


@dataclass(frozen=True)
class Found:
    """How two judges agree."""

    judges: tuple[Judge, Judge]
    matched: Matched
    lines: Sequence[Line]
    overall: Line | None
    """None where there is one metric alone, or metrics in several units."""
    clusters: str
    """What intervals are clustered by."""


def agree(first: Judge, second: Judge, metrics: Sequence[str] = ()) -> Found:
    """Compare two judges by the `metrics` that are named, or all that they share. Raises `InputRefused`."""
    references = {judge.reference for judge in (first, second)} - {None}
    if len(references) > 1:
        told = " and ".join(sorted(one_line(str(one), 150) for one in references))
        raise refuse(f"their scores are ratios to different references, {told}; name two judges of one.", "agree")
    wanted = _wanted(first, second, metrics)
    matched = match(first, second, wanted)
    if not matched.pairs:
        raise refuse(_nothing(first, second, matched), f"{first.title} and {second.title}")
    clusters, by = clustered(matched.pairs)
    units = {metric: first.units.get(metric) or second.units.get(metric) or "" for metric in wanted}
    rows = {metric: [at for at, pair in enumerate(matched.pairs) if pair[0].metric == metric] for metric in wanted}
    lines = [_line(metric, units[metric], matched.pairs, at, clusters) for metric, at in rows.items() if at]
    together = len(lines) > 1 and len({line.unit for line in lines}) == 1
    everything = range(len(matched.pairs))
    overall = _line(None, lines[0].unit, matched.pairs, everything, clusters) if together else None
    return Found((first, second), matched, lines, overall, by)


def _wanted(first: Judge, second: Judge, metrics: Sequence[str]) -> list[str]:
    theirs = [list(dict.fromkeys(item.metric for item in judge.items)) for judge in (first, second)]
    shared = [metric for metric in theirs[0] if metric in theirs[1]]
    if not shared:
        told = " and ".join(
            one_line(f"{judge.title} by {_few(of)}", 400) for judge, of in zip((first, second), theirs, strict=True)
        )
        raise refuse(f"they judged by different metrics: {told}; name two that share one.", "agree")
    for name in metrics:
        if metric_called(name) not in shared:
            raise refuse(unknown("metric of both", one_line(name), shared), "--metric")
    if metrics:
        return [metric for metric in shared if metric in map(metric_called, metrics)]
    return [metric for metric in shared if metric not in DERIVED] or shared


def _few(names: Sequence[str]) -> str:
    return ", ".join(names[:8]) + (", …" if len(names) > 8 else "")


def _nothing(first: Judge, second: Judge, matched: Matched) -> str:
    if matched.reworded:
        return (
            "both judged the same episodes or records, but other words in them: these are verdicts on two runs or two "
            "models; name two judges of one."
        )
    return (
        f"nothing was judged by both ({matched.alone[0]} verdicts of the one and {matched.alone[1]} of the other): "
        "verdicts meet by record, or by run, episode, event and character."
    )


def match(first: Judge, second: Judge, metrics: Iterable[str]) -> Matched:
    """Return the verdicts of both on the same things. Raises `InputRefused` where a person's row fits several."""
    wanted = set(metrics)
    mine = [item for item in first.items if item.metric in wanted]
    theirs = [item for item in second.items if item.metric in wanted]
    if first.kind == "people" and second.kind != "people":
        turned = _match(second, first, theirs, mine)
        pairs = [(one, other) for other, one in turned.pairs]
        order = {id(item): at for at, item in enumerate(mine)}
        return Matched(sorted(pairs, key=lambda pair: order[id(pair[0])]), turned.alone[::-1], turned.reworded)
    return _match(first, second, mine, theirs)


def _match(first: Judge, second: Judge, mine: Sequence[Item], theirs: Sequence[Item]) -> Matched:
    """Return what of `mine` each of `theirs` is about, which may be a person's and then says less."""
    place: dict[Hashable, list[Item]] = defaultdict(list)
    for item in mine:
        place[item.metric, item.about.record, item.about.episode].append(item)
    pairs: list[Pair] = []
    reworded, partial = 0, second.kind == "people"
    for item in theirs:
        near = [one for one in place[item.metric, item.about.record, item.about.episode] if _same(one, item, partial)]
        same = [one for one in near if not (one.said and item.said) or one.said == item.said]
        reworded += bool(near) and not same
        if len(same) > 1 and partial:
            raise _several(item, len(same), second)
        pairs += [(one, item) for one in same[:1]]
    _check_once(pairs, second)
    order = {id(item): at for at, item in enumerate(mine)}
    pairs.sort(key=lambda pair: order[id(pair[0])])
    return Matched(pairs, (len(mine) - len(pairs), len(theirs) - len(pairs)), reworded)


def _same(one: Item, other: Item, partial: bool) -> bool:
    """Return whether two verdicts of one episode or record are about the same part; a person may say less of it."""
    mine, theirs = one.about, other.about
    if not partial:
        return mine[:4] == theirs[:4]
    if theirs.run and mine.run and Path(theirs.run).name != mine.run:
        return False
    fits = theirs.character in (None, mine.character) and set(theirs.events) <= set(mine.events)
    return fits or mine[:4] == theirs[:4]


def _several(item: Item, count: int, judge: Judge) -> InputRefused:
    more = "name one model's reviews" if item.about.record else "say which in the columns event and character"
    message = f"{count} verdicts by {one_line(item.metric)} fit this row; {more}."
    return InputRefused([Problem(judge.place, item.line, 1, message)])


def _check_once(pairs: Sequence[Pair], judge: Judge) -> None:
    """Raise `InputRefused` where two rows of a person fit one verdict."""
    known: dict[int, Item] = {}
    for one, other in pairs:
        before = known.setdefault(id(one), other)
        if before is not other:
            message = f"it fits the same verdict as line {before.line}; keep one of the two."
            raise InputRefused([Problem(judge.place, other.line, 1, message)])


def clustered(pairs: Sequence[Pair]) -> tuple[list[Hashable], str]:
    """Return the cluster of each pair, and what these are: the finest where all are of one coarse one."""
    told = [max(pair, key=lambda item: len(item.clusters)).clusters for pair in pairs]
    coarse, fine = ("characters", "records") if pairs[0][0].about.record else ("scenarios", "episodes")
    if min(map(len, told)) > 1 and len({of[0] for of in told}) > 1:
        return [of[0] for of in told], coarse
    return [of[-1] for of in told], fine


def _line(
    metric: str | None, unit: str, pairs: Sequence[Pair], rows: Iterable[int], clusters: Sequence[Hashable]
) -> Line:
    at = [*rows]
    unread = tuple(sum(pairs[row][side].value is None for row in at) for side in (0, 1))
    both = [
        (*_values(pairs[row]), pairs[row][0].metric, clusters[row]) for row in at if None not in _values(pairs[row])
    ]
    first, second = (np.array([values[side] for values in both], np.float64) for side in (0, 1))
    kinds, of_cluster = codes([values[2] for values in both])[0], codes([values[3] for values in both])[0]
    return Line(metric, unit, len(at), (unread[0], unread[1]), agreement(first, second, kinds, of_cluster))


def _values(pair: Pair) -> tuple[float | None, float | None]:
    return pair[0].value, pair[1].value


def aligned(
    judge: Judge, others: Sequence[Judge], metrics: Sequence[str]
) -> tuple[list[Item], list[list[Item | None]]]:
    """Return what a judge said by `metrics`, and what each of the others said of the same."""
    items = [item for item in judge.items if item.metric in set(metrics)]
    rows: list[list[Item | None]] = []
    for other in others:
        known: Mapping[int, Item] = {id(one): two for one, two in match(judge, other, metrics).pairs}
        rows.append([known.get(id(item)) for item in items])
    return items, rows
