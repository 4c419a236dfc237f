"""One turn of the loop: play, keep what is good, learn from it, and see on other scenes whether that helped.

A model plays scenes without any held-out combination. Of its lines those are learned that claim something and nothing
false, in a voice that is recognised, without a fault; the others are read. Beside it a control learns as many rows in
as many steps from the same scenes, and of these all lines. Then the model as it was, the one that learned what was
kept, and the control play the same other scenes. Everything lies in one folder, and is not done twice.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sandbox.export.export import export
from sandbox.export.formats import FORMATS
from sandbox.export.report import Report
from sandbox.storybook.loop.figures import ARMS, Arm, Compared, Lines, compared_on, lines_of
from sandbox.storybook.loop.scenes import Shown, played, to_learn, to_test
from sandbox.whole_file import write_whole
from scenes.problem import refuse

KEEP = ("grounding.true_share=1", "voice.voice_recognised=1", "faults=0")
RATE = 1e-3
"""A small model learns from larger steps."""
_PLAN, _FORMAT = "loop.json", FORMATS["trl-sft"]

Adapt = Callable[[Path, Path, Mapping[str, Any], Callable[[dict[str, Any]], None]], Any]
"""Trains an adapter on an export; gives None where it was interrupted."""


@dataclass(frozen=True)
class Plan:
    """What is asked for."""

    model: str
    """As it is played; its adapters are named after it."""
    learner: str
    """The folder or id of the same."""
    seeds: int = 3
    episodes: int = 128
    """Scenes to learn from, for each seed; as many others are played to test on."""
    steps: int = 200


@dataclass(frozen=True)
class Learned:
    """What one seed's models learned from."""

    seed: int
    lines: int
    """That were said and could be learned."""
    kept: int
    rows: int
    """That each of both learned from."""
    losses: dict[str, tuple[float | None, float | None]]
    """Of each of both on held-out rows of its own export, before and after."""


@dataclass(frozen=True)
class Turn:
    """What came of a turn of the loop."""

    plan: Plan
    learned: list[Learned]
    compared: list[Compared]


def turn(plan: Plan, out: Path, adapt: Adapt, shown: Shown) -> Turn:
    """Make a turn of the loop in the folder `out`, or go on there.

    Raises `Stopped`, `KeyboardInterrupt` where a training was interrupted, and what `sandbox.errors` lists.
    """
    _claim(plan, out)
    test = to_test(plan.episodes)
    base = lines_of(played(test, plan.model, out / "base", "as it was", shown))
    learned: list[Learned] = []
    lines: list[Mapping[Arm, Lines]] = []
    for seed in range(plan.seeds):
        folder = out / f"seed-{seed}"
        learned.append(_learn(plan, seed, folder, adapt, shown))
        tested: dict[Arm, Lines] = {"base": base}
        for arm in ARMS[1:]:
            model = f"{plan.model}+{(folder / arm).resolve()}"
            what = f"seed {seed}: {arm}"
            tested[arm] = lines_of(played(test, model, folder / f"{arm}-test", what, shown))
        lines.append(tested)
    return Turn(plan, learned, list(compared_on(lines)))


def _claim(plan: Plan, out: Path) -> None:
    """Note what is done in a folder. Raises `InputRefused` if that is something else already."""
    out.mkdir(parents=True, exist_ok=True)
    file, asked = out / _PLAN, asdict(plan)
    if not file.is_file():
        write_whole(file, (json.dumps(asked, indent=2) + "\n").encode())
    begun = json.loads(file.read_bytes())
    other = [name for name in asked if begun.get(name) != asked[name]]
    if other:
        raise refuse(f"a turn with another {other[0]} is in this folder; name another with --out.", str(out))


def _learn(plan: Plan, seed: int, folder: Path, adapt: Adapt, shown: Shown) -> Learned:
    """Play scenes, and train one model on what is kept of them and one on all."""
    run = played(to_learn(seed, plan.episodes), plan.model, folder / "play", f"seed {seed}: to learn from", shown)
    kept, whole = _exported(run, folder, KEEP, "filtered"), _exported(run, folder, (), "control")
    rows = min(report.splits["train"].rows for report in (kept, whole))
    losses: dict[str, tuple[float | None, float | None]] = {}
    for arm in ARMS[1:]:
        order = {"model": plan.learner, "steps": plan.steps, "rate": RATE, "seed": seed, "rows": rows}
        what = f"seed {seed}: training {arm}"
        done = adapt(folder / f"{arm}-rows", folder / arm, order, _steps(what, shown))
        if done is None:
            raise KeyboardInterrupt
        losses[arm] = (done.held_out_before, done.held_out_after)
    return Learned(seed, whole.learned, kept.learned, rows, losses)


def _exported(run: Path, folder: Path, keep: tuple[str, ...], arm: str) -> Report:
    return export([run], _FORMAT, folder / f"{arm}-rows", (), lambda done, total: None, keep)


def _steps(what: str, shown: Shown) -> Callable[[dict[str, Any]], None]:
    return lambda figures: shown(what, figures["step"], figures["steps"])


def as_json(made: Turn) -> dict[str, Any]:
    """Return all figures, for a script."""
    return asdict(made)


def markdown(made: Turn) -> Iterator[str]:
    """Yield the lines of a report in Markdown."""
    plan = made.plan
    yield f"# One turn of the loop: {plan.model}\n"
    yield (
        f"{plan.seeds} seeds; {plan.episodes} scenes to learn from for each, {plan.steps} steps, and the same other "
        f"scenes for all models. Learned: {', '.join(f'`{rule}`' for rule in KEEP)}. The control learned as many rows "
        "of the same scenes in as many steps, unfiltered. Intervals: 95 %, clustered by scene.\n"
    )
    yield "| seed | lines | kept | rows of each |"
    yield "|---|---|---|---|"
    yield from (f"| {one.seed} | {one.lines} | {one.kept} | {one.rows} |" for one in made.learned)
    yield ""
    yield f"| {' | '.join(HEADS)} |"
    yield "|" + "---|" * len(HEADS)
    yield from (f"| {' | '.join(row)} |" for row in rows(made))


HEADS = ("pictures", "replies", "seed", *ARMS, "filtered − base", "filtered − control", "n")


def rows(made: Turn) -> Iterator[tuple[str, ...]]:
    """Yield the comparisons as cells, by `HEADS`."""
    for one in made.compared:
        means = (_number(one.means[arm].value) for arm in ARMS)
        differences = (_difference(over) for over in (one.over_base, one.over_control))
        seed = "all" if one.seed is None else str(one.seed)
        yield (one.part, one.metric, seed, *means, *differences, str(one.means["filtered"].valid))


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _difference(over: Any) -> str:
    if over.difference is None:
        return "–"
    ends = "" if over.low is None else f" [{over.low:+.3f}, {over.high:+.3f}]"
    return f"{over.difference:+.3f}{ends}"
