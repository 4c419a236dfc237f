"""The scores of runs as columns, so that the statistics of a large run take no longer than its table is read."""

import json
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sandbox.record import Record
from sandbox.rows import EpisodeRow, ScorerRow
from sandbox.transcript import varied
from scenes.clean import one_line
from scenes.problem import refuse
from scenes.references import unknown
from scorers.base import SIMULATOR, Metric
from scorers.faults import MENDED
from scorers.statistics import Mean, Sums, mean_of

By = Literal["character", "model", "cause", "kind", "scenario"]
Mask = NDArray[np.bool_]
Ints = NDArray[np.int64]
LARGEST = 1e150
"""Beyond it the square of a sum is past all numbers; there is no mean of such scores, nor an interval."""


class Group(NamedTuple):
    """What scores have in common besides their episode."""

    scorer: str
    metric: str
    character: str | None
    model: str
    cause: str | None


class Scenario(NamedTuple):
    """A variant of a scenario."""

    title: str
    variant: str


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

    shared: Sequence[str] = ()
    """The paths of `vary` whose values make scenarios one cluster; without any, each scenario is one."""
    groups: Codes = field(default_factory=Codes)
    kinds: Codes = field(default_factory=Codes)
    scenarios: Codes = field(default_factory=Codes)
    episodes: Codes = field(default_factory=Codes)
    """By scenario and seed."""
    clusters: Codes = field(default_factory=Codes)
    values: dict[Scenario, str] = field(default_factory=dict)
    """What was varied in each scenario, as JSON."""

    @cached_property
    def told(self) -> dict[str, Scenario]:
        """The scenarios by what tells them apart: what was varied, and the title and the variant where they must."""
        known: list[Scenario] = [*self.scenarios.known]
        short = _shortened({path for values in self.values.values() for path in json.loads(values)})
        words = [_values(self.values[scenario], short) for scenario in known]
        several = len({scenario.title for scenario in known}) > 1
        labels = [
            " · ".join(part for part in (scenario.title if several or not said else "", said) if part)
            for scenario, said in zip(known, words, strict=True)
        ]
        alike = Counter(labels)
        return {
            label if label and alike[label] == 1 else f"{label} {scenario.variant}".strip(): scenario
            for label, scenario in zip(labels, known, strict=True)
        }

    def cluster(self, scenario: Scenario) -> int:
        """Return the code of the cluster that a scenario belongs to."""
        values = json.loads(self.values[scenario]) if self.shared else {}
        return self.clusters.of(json.dumps([values.get(path) for path in self.shared]) if self.shared else scenario)


def _shortened(paths: Collection[str]) -> dict[str, str]:
    """Return the end of each path that no other has; one that begins with a number says too little."""

    def ends(path: str) -> Iterator[str]:
        parts = path.split(".")
        yield from (".".join(parts[at:]) for at in range(len(parts) - 1, 0, -1) if not parts[at].isdigit())
        yield path

    return {
        path: next(end for end in ends(path) if sum(f".{other}".endswith(f".{end}") for other in paths) == 1)
        for path in paths
    }


def _values(values: str, short: Mapping[str, str]) -> str:
    """Return what was varied as `rolestage show` says it, with short paths."""
    shorter = json.dumps({short[path]: value for path, value in json.loads(values).items()})
    return varied(EpisodeRow(0, 0, "", shorter, 0, "done", None, 0, None)).removeprefix(": ")


@dataclass(frozen=True)
class Coverage:
    """A scorer of a run, and how much of the run it has judged."""

    row: ScorerRow
    judged: int
    failed: int
    """Episodes that it could say nothing about."""


@dataclass(frozen=True)
class ScoreTable:
    """The scores of one run: a row for each episode and group of scores."""

    run: str
    title: str
    names: Names
    scorers: Mapping[str, Coverage]
    """Those that are to be shown, by identity; there are rows of the others too, since they know of faults."""
    failed: int
    """Episodes of the run that failed themselves."""
    episodes: NDArray[np.int64]
    """Of each episode its kind, its scenario, its cluster and what tells it from all others, as codes; n × 4."""
    owner: Ints
    """Of each row its episode, by its place in `episodes`."""
    group: Ints
    """Of each row its group, as a code."""
    counts: NDArray[np.float64]
    """Of each row how many scores there are, how many have a value, and the sum of those values; n × 3."""

    @cached_property
    def metrics(self) -> dict[tuple[str, str], Metric]:
        """The metrics that there are scores of, by scorer and name, in the order of their scorers."""
        told = {(id, metric.name): metric for id, scorer in self.scorers.items() for metric in _metrics(scorer.row)}
        here = dict.fromkeys(
            (self.groups[code].scorer, self.groups[code].metric)
            for code in np.unique(self.group)
            if self.groups[code].scorer in self.scorers
        )
        return {key: told.get(key) or Metric(key[1], "", "", (None, None), None) for key in here}

    @cached_property
    def groups(self) -> list[Group]:
        """The groups by their codes."""
        return list(self.names.groups.known)

    @cached_property
    def faulty(self) -> Mask:
        """Which rows are of an episode in which something of the simulator's own making went wrong."""
        blamed = np.array([one.cause in SIMULATOR and one.metric not in MENDED for one in self.groups], bool)
        wrong = np.zeros(len(self.episodes), bool)
        wrong[self.owner[blamed[self.group] & (self.counts[:, 2] > 0)]] = True
        return wrong[self.owner]

    def of_metric(self, scorer: str, metric: str) -> Ints:
        """Return which rows are about a metric."""
        wanted = np.array([group[:2] == (scorer, metric) for group in self.groups], bool)
        return np.flatnonzero(wanted[self.group])

    def sums(self, rows: Ints) -> Sums:
        """Return rows as the columns that statistics are made of."""
        _, _, cluster, episode = self.episodes[self.owner[rows]].T
        attempted, valid, total = self.counts[rows].T
        return Sums(cluster, episode, attempted.astype(np.int64), valid.astype(np.int64), total)

    def mean(self, rows: Ints, metric: Metric) -> Mean:
        """Return the mean of rows about a metric; none where their sums are past all numbers."""
        sums = self.sums(rows)
        if within_reach(sums):
            return mean_of(sums, metric.scale)
        return replace(mean_of(unvalued(sums), metric.scale), value=None, low=None, high=None)

    def parts(self, rows: Ints, by: Sequence[By]) -> Iterator[tuple[tuple[str, ...], Ints]]:
        """Yield the rows of each combination of what `by` names, and what these are; in an order of its own."""
        if not by:
            yield (), rows
            return
        if not len(rows):
            return
        columns = [self._coded(one) for one in by]
        sizes = tuple(len(names) for names, _ in columns)
        joint = np.ravel_multi_index([of[rows] for _, of in columns], sizes)
        order = np.argsort(joint, kind="stable")
        distinct, first = np.unique(joint[order], return_index=True)
        for code, part in zip(distinct, np.split(rows[order], first[1:]), strict=True):
            at = np.unravel_index(code, sizes)
            yield tuple(names[one] for (names, _), one in zip(columns, at, strict=True)), part

    def _coded(self, by: By) -> tuple[Sequence[str], Ints]:
        """Return the labels that `by` tells apart, and of each row which of them it has."""
        if by == "kind":
            return [*self.names.kinds.known], self.episodes[self.owner, 0]
        if by == "scenario":
            return [*self.names.told], self.episodes[self.owner, 1]
        labels = [getattr(group, by) or "" for group in self.groups]
        names = sorted({*labels})
        place = {name: at for at, name in enumerate(names)}
        return names, np.array([place[label] for label in labels], np.int64)[self.group]


def within_reach(sums: Sums) -> bool:
    """Return whether statistics can be made of `sums` without passing all numbers."""
    return bool((np.abs(sums.total) <= LARGEST).all())


def unvalued(sums: Sums) -> Sums:
    """Return `sums` with nothing but their counts."""
    return replace(sums, total=np.zeros_like(sums.total))


def read_scores(folder: Path, names: Names, wanted: Collection[str] = ()) -> ScoreTable:
    """Return the scores that the run at `folder` holds: those of the scorers called `wanted`, by default all.

    Raises `InputRefused` if there are none, or if `names` are clustered by a path that was not varied.
    """
    with closing(Record(folder)) as record:
        scorers = record.scorers()
        shown = _chosen(scorers, wanted, folder)
        title = str(record.meta().get("title", ""))
        begun = list(record.begun())
        verdicts = [(scorer.id, verdict) for scorer in scorers for verdict in record.sums(scorer.id)]
        failures = {scorer.id: record.failures(scorer.id) for scorer in shown}
    judged = Counter(scorer for scorer, _ in verdicts)
    covered = {scorer.id: Coverage(scorer, judged[scorer.id], failures[scorer.id]) for scorer in shown}
    episodes = np.zeros((len(begun), 4), np.int64)
    episodes[:, 1:] = _episodes(begun, title, names)
    place = {one[0]: at for at, one in enumerate(begun)}
    owner, group, counts, episodes[:, 0] = _columns(verdicts, place, names)
    failed = sum(status == "failed" for *_, status in begun)
    return ScoreTable(str(folder), title, names, covered, failed, episodes, owner, group, counts)


def together(tables: Sequence[ScoreTable]) -> ScoreTable:
    """Return the scores of several runs as those of one, such as of the parts that machines played between them.

    Raises `InputRefused` if an episode is in two of them.
    """
    episodes = np.concatenate([table.episodes for table in tables])
    twice = len(episodes) - len(np.unique(episodes[:, 3]))
    if twice:
        raise refuse(f"{twice} episodes are in more than one of the runs; name each part once.", "--together")
    before = np.cumsum([0, *(len(table.episodes) for table in tables[:-1])])
    owner = np.concatenate([table.owner + first for table, first in zip(tables, before, strict=True)])
    covered: dict[str, Coverage] = {}
    for id, more in ((id, more) for table in tables for id, more in table.scorers.items()):
        known = covered.get(id, Coverage(more.row, 0, 0))
        covered[id] = Coverage(more.row, known.judged + more.judged, known.failed + more.failed)
    return replace(
        tables[0],
        run=f"{len(tables)} runs together",
        scorers=covered,
        failed=sum(table.failed for table in tables),
        episodes=episodes,
        owner=owner,
        group=np.concatenate([table.group for table in tables]),
        counts=np.concatenate([table.counts for table in tables]),
    )


def _episodes(begun: Sequence[tuple[int, str, str, int, str]], title: str, names: Names) -> Ints:
    """Return of each episode its scenario, its cluster and what tells it from all others, as codes."""
    place: dict[str, tuple[int, int]] = {}
    for _, variant, values, _, _ in begun:
        if variant not in place:
            scenario = Scenario(title, variant)
            names.values.setdefault(scenario, values)
            place[variant] = names.scenarios.of(scenario), names.cluster(scenario)
    _check_shared(names)
    known = names.episodes.known  # filled here, since a call for each of very many takes its time
    apart = [known.setdefault((place[variant][0], seed), len(known)) for _, variant, _, seed, _ in begun]
    of_variant = np.array([place[variant] for _, variant, *_ in begun], np.int64).reshape(-1, 2)
    return np.column_stack([of_variant, np.array(apart, np.int64)])


def _check_shared(names: Names) -> None:
    known = dict.fromkeys(path for values in names.values.values() for path in json.loads(values))
    for path in names.shared:
        if path not in known:
            raise refuse(unknown("varied path", path, [*known]), "--cluster")


def _columns(
    verdicts: Sequence[tuple[str, tuple[int, str, str, bytes]]], place: Mapping[int, int], names: Names
) -> tuple[Ints, Ints, NDArray[np.float64], Ints]:
    """Return of each row its episode, its group and its counts, and of each episode its kind."""
    known: dict[tuple[str, str, str], int] = {}
    of_each = [known.setdefault((scorer, kind, groups), len(known)) for scorer, (_, kind, groups, _) in verdicts]
    which = np.array(of_each, np.int64)
    where = np.array([place[verdict[0]] for _, verdict in verdicts], np.int64)
    coded = [[names.groups.of(Group(scorer, *one)) for one in json.loads(groups)] for scorer, _, groups in known]
    kinds = np.zeros(len(place), np.int64)
    kinds[where] = np.array([names.kinds.of(kind) for _, kind, _ in known], np.int64)[which]
    owner = np.repeat(where, np.array([*map(len, coded)], np.int64)[which])
    group = np.array([code for one in of_each for code in coded[one]], np.int64)
    counts = np.frombuffer(b"".join(verdict[3] for _, verdict in verdicts), "<f8").reshape(-1, 3)
    return owner, group, counts, kinds


def _chosen(scorers: Sequence[ScorerRow], wanted: Collection[str], folder: Path) -> list[ScorerRow]:
    """Return the scorers that are called so, by name or identity. Raises `InputRefused`."""
    if not scorers:
        raise refuse(f"this run has no scores yet; make some: rolestage score {folder} --scorer NAME", str(folder))
    for name in wanted:
        if not any(name in (scorer.id, scorer.name) for scorer in scorers):
            raise refuse(unknown("scorer of this run", one_line(name), [scorer.id for scorer in scorers]), str(folder))
    return [scorer for scorer in scorers if not wanted or {scorer.id, scorer.name} & {*wanted}]


def _metrics(scorer: ScorerRow) -> Iterator[Metric]:
    for facts in json.loads(scorer.facts).get("metrics", ()):
        yield Metric(**facts | {"scale": tuple(facts["scale"])})
