"""`rolestage probe`: ask a run's models again, with something changed, and tell what difference it made."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from rich.table import Table

from sandbox.commands.score import ScoreOptions, judged
from sandbox.score import ScorerSummary, ScoringSummary
from sandbox.score_table import Names, read_scores
from sandbox.screen import Screen, print_json, safe
from scorers.statistics import Mean, mean_of
from scorers.vision import GAP, GROUNDED, Vision

Means = Mapping[str, Mean]
"""By metric."""
ALL = ""
"""The line of the whole cast."""


def probe_vision(folder: Path, engine: str | None, limit: int | None, as_json: bool) -> ScoringSummary:
    """Judge the run at `folder` with `Vision` and print the grounding gap. Raises what `sandbox.errors` lists."""
    summary = judged(folder, ScoreOptions([Vision.name], engine=engine, limit=limit), as_json)
    vision = summary.scorers[0]
    found = {} if vision.errors and not vision.earlier + vision.judged else _means(folder, vision.scorer)
    if as_json:
        characters = {name: {metric: asdict(mean) for metric, mean in means.items()} for name, means in found.items()}
        whole = characters.pop(ALL, {})
        print_json({**summary.model_dump(mode="json"), "all": whole, "characters": characters})
        return summary
    _show(found, vision)
    return summary


def _means(folder: Path, scorer: str) -> dict[str, Means]:
    """Return the means of every character, those of the whole cast last."""
    table = read_scores(folder, Names(), [scorer])
    found: dict[str, dict[str, Mean]] = {}
    for by in (("character",), ()):
        for metric in Vision.metrics:
            for labels, rows in table.parts(table.of_metric(scorer, metric.name), by):
                found.setdefault(labels[0] if labels else ALL, {})[metric.name] = mean_of(
                    table.sums(rows), metric.scale
                )
    return {name: means for name, means in found.items() if means[GAP.name].attempted}


def _show(found: Mapping[str, Means], vision: ScorerSummary) -> None:
    screen = Screen()
    table = Table("", *GROUNDED, "gap", "95 % interval", "replies", box=None, pad_edge=False)
    for column in table.columns[1:]:
        column.justify = "right"
    for name, means in found.items():
        gap = means[GAP.name]
        shares = [_with_count(means[metric.name]) for metric in GROUNDED.values()]
        cells = [name or "all", *shares, _number(gap.value), _interval(gap), f"{gap.valid}/{gap.attempted}"]
        table.add_row(*map(safe, cells))
    screen.print(table)
    screen.print(safe(_READ, "dim"))
    for reason, count in (*vision.errors.items(), *vision.reasons.items()):
        screen.print(safe(f"{count} without a value: {reason}"), soft_wrap=True)


_READ = (
    "Shares of claims that are true of the picture, each with the replies that claim anything: asked again with the\n"
    "right picture, another one, a gray one, and its truth in words. Gap: right − gray, where both claim something,\n"
    "over all such replies; its interval is clustered by scenario."
)


def _with_count(mean: Mean) -> str:
    return f"{_number(mean.value)} ({mean.valid})"


def _number(value: float | None) -> str:
    return "—" if value is None else f"{value:.2f}"


def _interval(mean: Mean) -> str:
    return "—" if mean.low is None else f"[{_number(mean.low)}, {_number(mean.high)}]"
