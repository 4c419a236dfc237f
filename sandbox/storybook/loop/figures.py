"""What a turn of the loop came to: each model's lines on the scenes to test on, and the models compared scene by scene.

A scene counts as a cluster: its lines resemble each other. Over all seeds, each scene was played by as many models, and
is still one cluster.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from sandbox.record import Record
from sandbox.storybook.loop.scenes import HELD_OUT, SCORERS
from scorers.base import Score
from scorers.statistics import Comparison, Mean, Sums, compared, mean_of

Arm = Literal["base", "control", "filtered"]
ARMS: tuple[Arm, ...] = ("base", "control", "filtered")
Part = Literal["seen combinations", "held-out combinations"]
PARTS: tuple[Part, ...] = ("seen combinations", "held-out combinations")
Metric = Literal["grounded", "with a claim", "voice", "without fault"]
METRICS: dict[Metric, str] = {
    "grounded": "replies all of whose claims about the picture are true, of those that claim something",
    "with a claim": "replies that claim something about the picture",
    "voice": "replies whose speaker is recognised by them",
    "without fault": "replies in which no fault is found",
}
_SHARE = (0.0, 1.0)

Verdict = float | None
Lines = Mapping[tuple[Part, str], Sequence[Mapping[Metric, Verdict]]]
"""The lines of each scene, by what is in the picture and the scene's name."""


@dataclass(frozen=True)
class Compared:
    """The models by one metric, on one part of the scenes."""

    part: Part
    metric: Metric
    seed: int | None
    """None over all seeds."""
    means: dict[Arm, Mean]
    over_base: Comparison
    """What the filtered one has over the base."""
    over_control: Comparison


def lines_of(run: Path) -> Lines:
    """Return the verdicts on the lines of a run to test on."""
    found: dict[tuple[Part, str], list[Mapping[Metric, Verdict]]] = defaultdict(list)
    with closing(Record(run)) as record:
        ids = {row.name: row.id for row in record.scorers() if row.name in SCORERS}
        for episode, variant, values, _, status in record.begun():
            if status == "done":
                part = PARTS[bool(json.loads(values)[HELD_OUT])]
                scores = {name: record.scores(of, episode) for name, of in ids.items()}
                found[part, variant] += _of_lines(scores)
    return found


def _of_lines(scores: Mapping[str, Iterable[Score]]) -> Iterator[Mapping[Metric, Verdict]]:
    """Yield the verdicts on each line of an episode that grounding judged."""
    by_line: dict[int, dict[str, list[Score]]] = defaultdict(lambda: defaultdict(list))
    for scorer, given in scores.items():
        for score in given:
            for event in score.events:
                by_line[event][scorer].append(score)
    for line in by_line.values():
        if line["grounding"]:
            yield _verdicts(line)


def _verdicts(line: Mapping[str, Sequence[Score]]) -> Mapping[Metric, Verdict]:
    values = {score.metric: score.value for given in line.values() for score in given}
    share, faults = values.get("true_share"), [score.value for score in line["faults"]]
    return {
        "grounded": None if share is None else float(share == 1),
        "with a claim": float(bool(values.get("claims"))),
        "voice": values.get("voice_recognised"),
        "without fault": float(not any(faults)),
    }


def compared_on(runs: Sequence[Mapping[Arm, Lines]]) -> Iterator[Compared]:
    """Yield the comparisons of every seed's models, and of all seeds' together."""
    alone = [(seed, [lines]) for seed, lines in enumerate(runs)] if len(runs) > 1 else []
    for part in PARTS:
        for metric in METRICS:
            for seed, of in [*alone, (None, [*runs])]:
                sums = {arm: _sums([lines[arm] for lines in of], part, metric) for arm in ARMS}
                means = {arm: mean_of(sums[arm], _SHARE) for arm in ARMS}
                over = [compared(sums[arm], sums["filtered"], _SHARE) for arm in ("base", "control")]
                yield Compared(part, metric, seed, means, over[0], over[1])


def _sums(of: Sequence[Lines], part: Part, metric: Metric) -> Sums:
    """Return a row for each scene and seed; the same scene has the same code in all."""
    scenes = sorted({scene for lines in of for at, scene in lines if at == part})
    rows = [
        (code, code * len(of) + seed, [line[metric] for line in lines[part, scene]])
        for seed, lines in enumerate(of)
        for code, scene in enumerate(scenes)
        if (part, scene) in lines
    ]
    values = [[value for value in given if value is not None] for _, _, given in rows]
    return Sums(
        np.array([code for code, _, _ in rows], np.int64),
        np.array([episode for _, episode, _ in rows], np.int64),
        np.array([len(given) for _, _, given in rows], np.int64),
        np.array([len(given) for given in values], np.int64),
        np.array([sum(given) for given in values], np.float64),
    )
