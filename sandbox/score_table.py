"""The scores of runs as columns, so that the statistics of a large run take no longer than its table is read."""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sandbox.record import Record
from sandbox.rows import ScorerRow
from scenes.clean import one_line
from scenes.problem import refuse
from scenes.references import unknown
from scorers.base import SIMULATOR, Metric
from scorers.faults import MENDED
from scorers.statistics import Sums

By = Literal["character", "model", "cause", "kind", "scenario"]
Mask = NDArray[np.bool_]
Labels = NDArray[np.str_]


class Group(NamedTuple):
    """What scores have in common besides their episode."""

    scorer: str
    metric: str
    character: str | None
    model: str
    cause: str | None


@dataclass
class Codes:
    """Values as integers in the order in which they came."""

    known: dict[Any, int] = field(default_factory=dict)

    def of(self, value: Any) -> int:
        """Return the code of `value`."""
        return self.known.setdefault(value, len(self.known))


@dataclass(frozen=True)
class Names:
    """What codes stand for, the same in every table that is to be compared."""

    groups: Codes = field(default_factory=Codes)
    kinds: Codes = field(default_factory=Codes)
    scenarios: Codes = field(default_factory=Codes)
    seeds: Codes = field(default_factory=Codes)


@dataclass(frozen=True)
class ScoreTable:
    """The scores of one run: a row for each episode and group of scores."""

    run: str
    names: Names
    metrics: Mapping[tuple[str, str], Metric]
    """What scorers say of their metrics, by scorer and metric."""
    episodes: NDArray[np.int64]
    """Of each episode its kind, its scenario and its seed, as codes; n × 3."""
    owner: NDArray[np.int64]
    """Of each row its episode, by its place in `episodes`."""
    group: NDArray[np.int64]
    """Of each row its group, as a code."""
    counts: NDArray[np.float64]
    """Of each row how many scores there are, how many have a value, and the sum of those values; n × 3."""

    @cached_property
    def groups(self) -> list[Group]:
        """The groups by their codes."""
        return list(self.names.groups.known)

    @cached_property
    def groups_here(self) -> list[Group]:
        """The groups that this run has scores of."""
        return [self.groups[code] for code in np.unique(self.group)]

    @cached_property
    def faulty(self) -> Mask:
        """Which rows are of an episode in which something of the simulator's own making went wrong."""
        blamed = np.array([one.cause in SIMULATOR and one.metric not in MENDED for one in self.groups], bool)
        wrong = np.zeros(len(self.episodes), bool)
        wrong[self.owner[blamed[self.group] & (self.counts[:, 2] > 0)]] = True
        return wrong[self.owner]

    def of_metric(self, scorer: str, metric: str) -> Mask:
        """Return which rows are about a metric."""
        wanted = np.array([group[:2] == (scorer, metric) for group in self.groups], bool)
        return wanted[self.group]

    def sums(self, rows: Mask) -> Sums:
        """Return rows as the columns that statistics are made of."""
        _, scenario, seed = self.episodes[self.owner[rows]].T
        attempted, valid, total = self.counts[rows].T
        return Sums(scenario, seed, attempted.astype(np.int64), valid.astype(np.int64), total)

    def parts(self, rows: Mask, by: Sequence[By]) -> Iterator[tuple[tuple[str, ...], Mask]]:
        """Yield the rows of each combination of what `by` names, and what these are."""
        if not by:
            yield (), rows
            return
        labels = np.stack([self._labels(one)[rows] for one in by], axis=1)
        distinct, of = np.unique(labels, axis=0, return_inverse=True)
        at = np.flatnonzero(rows)
        for code, label in enumerate(distinct):
            part = np.zeros_like(rows)
            part[at[of.ravel() == code]] = True
            yield tuple(map(str, label)), part

    def _labels(self, by: By) -> Labels:
        if by in ("kind", "scenario"):
            names, column = (self.names.kinds, 0) if by == "kind" else (self.names.scenarios, 1)
            known: Labels = np.array([*names.known], np.str_)
            labels: Labels = known[self.episodes[self.owner, column]]
            return labels
        of_groups: Labels = np.array([getattr(group, by) or "" for group in self.groups], np.str_)
        labels = of_groups[self.group]
        return labels


def read_scores(folder: Path, names: Names, wanted: Collection[str] = ()) -> ScoreTable:
    """Return the scores that the run at `folder` holds: those of the scorers called `wanted`, by default all.

    Raises `InputRefused` if there are none.
    """
    with closing(Record(folder)) as record:
        scorers = _chosen(record.scorers(), wanted, folder)
        title = str(record.meta().get("title", ""))
        begun = list(record.seeds())
        verdicts = [(scorer.id, verdict) for scorer in scorers for verdict in record.sums(scorer.id)]
    place = {episode: at for at, (episode, _, _) in enumerate(begun)}
    kinds = [0] * len(begun)
    codes: dict[tuple[str, str], list[int]] = {}
    owner: list[int] = []
    group: list[int] = []
    for scorer, (episode, kind, groups, _) in verdicts:
        if (scorer, groups) not in codes:
            codes[scorer, groups] = [names.groups.of(Group(scorer, *one)) for one in json.loads(groups)]
        mine = codes[scorer, groups]
        kinds[place[episode]] = names.kinds.of(kind)
        owner += [place[episode]] * len(mine)
        group += mine
    counts = np.frombuffer(b"".join(verdict[3] for _, verdict in verdicts), "<f8").reshape(-1, 3)
    scenarios = [names.scenarios.of(f"{title} {variant}".strip()) for _, variant, _ in begun]
    episodes = np.array([kinds, scenarios, [names.seeds.of(seed) for *_, seed in begun]], np.int64).T
    metrics = {(scorer.id, metric.name): metric for scorer in scorers for metric in _metrics(scorer)}
    columns = np.array(owner, np.int64), np.array(group, np.int64), counts
    return ScoreTable(str(folder), names, metrics, episodes, *columns)


def _chosen(scorers: Sequence[ScorerRow], wanted: Collection[str], folder: Path) -> list[ScorerRow]:
    """Return the scorers that are called so, by name or identity. Raises `InputRefused`."""
    if not scorers:
        raise refuse(f"this run has no scores yet; make some: rolestage score {folder} --scorer NAME", str(folder))
    for name in wanted:
        if not any(name in (scorer.id, scorer.name) for scorer in scorers):
            raise refuse(unknown("scorer of this run", one_line(name), [scorer.id for scorer in scorers]), str(folder))
    return [scorer for scorer in scorers if not wanted or {scorer.id, scorer.name} & {*wanted}]


def _metrics(scorer: ScorerRow) -> Iterator[Metric]:
    for facts in json.loads(scorer.facts)["metrics"]:
        yield Metric(**facts | {"scale": tuple(facts["scale"])})
