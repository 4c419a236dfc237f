"""`rolestage probe vision`: what it makes of a run whose cast sees, and of one that is blind."""

import asyncio
import json
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import click
import pytest
from commanding import commanded
from playing import played

from sandbox.cli import cli
from sandbox.engines.scripted import Scripted
from sandbox.gallery import Gallery
from sandbox.record import Record
from sandbox.run_folder import IMAGES, SCENARIO
from sandbox.score import ScoringPlan, ScoringTally, score_run
from sandbox.scorer_names import scorers_named
from sandbox.store import lock_run
from scenes.chat import Request
from scenes.loading import load
from scenes.storybook.drawing import Drawing, describe

BRACK, PIP = "Captain Brack", "Pip"
PICTURES: dict[str, Any] = {"turns": 2, "vary": {"images.harbour.storybook.seed": [3, 4, 5]}}
GRAY = "I see ten purple tents in a library."


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run of three episodes, each with a picture of its own."""
    return played(tmp_path, **PICTURES)


def truth_of(run: Path) -> Mapping[str, Drawing]:
    with closing(Record(run)) as record:
        pictures = [picture for state in record.states() for picture in record.pictures(state.id)]
    return {picture.id: picture.facts.drawing for picture in pictures if picture.facts.drawing}


def sees(run: Path) -> Callable[[Request], str]:
    """Return who says what is in a picture, and of a gray one or none what is not so."""
    truth = truth_of(run)

    def answer(request: Request) -> str:
        images = [segment.image for segment in request.prompt.segments() if segment.image]
        return describe(truth[images[0]]) if images and images[0] in truth else GRAY

    return answer


class Silence:
    """Shows no progress."""

    def shown(self, tally: ScoringTally) -> None: ...


def judged(run: Path, answer: Callable[[Request], str]) -> None:
    """Judge the whole run, whose model answers so."""
    source = load(run / SCENARIO)
    engines = {source.scenario.model: Scripted(answer)}
    asyncio.run(score_run(ScoringPlan(run, source, scorers_named(["vision"], []), engines, Gallery()), Silence()))


def probed(*words: object) -> Any:
    outcome = commanded("probe", "vision", *words, "--json")
    assert (outcome.code, outcome.err) == (0, "")
    return json.loads(outcome.out)


def test_a_cast_that_sees_has_a_gap_of_one_and_a_blind_one_of_none(tmp_path: Path) -> None:
    gaps = {}
    for name, answer in {
        "sees": sees,
        "blind": lambda run: lambda request: "A red boat, at dusk, in a street.",
    }.items():
        run = played(tmp_path / name, **PICTURES)
        judged(run, answer(run))
        gaps[name] = probed(run)["characters"]
    for name, gap in {"sees": 1, "blind": 0}.items():
        found = {who: means["grounding_gap"]["value"] for who, means in gaps[name].items()}
        assert found == {BRACK: gap, PIP: gap}
    assert gaps["sees"][PIP]["grounded_right"]["value"] == 1
    assert gaps["sees"][PIP]["grounded_other"]["value"] < 1


def test_every_mean_comes_with_its_counts_and_the_gap_with_its_interval(run: Path) -> None:
    judged(run, sees(run))
    shown = probed(run)
    gap = shown["all"]["grounding_gap"]
    assert (gap["valid"], gap["attempted"], gap["clusters"], gap["by"]) == (6, 6, 3, "scenarios")
    assert gap["low"] < 1 == gap["high"]
    assert shown["scorers"][0]["earlier"] == 3


def test_the_table_has_a_line_for_each_character_and_one_for_all(run: Path) -> None:
    judged(run, sees(run))
    lines = commanded("probe", "vision", run).out.splitlines()
    assert lines[0].split() == ["right", "other", "blank", "notes", "gap", "95", "%", "interval", "replies"]
    assert [line.split("  ")[0] for line in lines[1:4]] == [BRACK, PIP, "all"]
    assert "1.00 (3)" in lines[2]
    assert lines[2].rstrip().endswith("3/3")


def test_replies_that_claim_nothing_are_told_and_not_counted_as_zero(run: Path) -> None:
    shown = commanded("probe", "vision", run)
    assert shown.code == 0
    assert "0/6" in shown.out
    assert "— (0)" in shown.out
    assert "24 without a value: no claim" in shown.out


def test_with_a_limit_the_next_probe_goes_on_with_the_rest(run: Path) -> None:
    counts = [probed(run, "--limit", 2)["scorers"][0] for _ in range(3)]
    assert [(count["judged"], count["earlier"], count["left"]) for count in counts] == [(2, 0, 1), (1, 2, 0), (0, 3, 0)]


def test_the_gray_picture_is_kept_with_those_of_the_run(run: Path) -> None:
    before = set((run / IMAGES).iterdir())
    probed(run)
    assert len(set((run / IMAGES).iterdir()) - before) == 1


def test_a_run_that_is_being_written_is_refused(run: Path) -> None:
    with lock_run(run):
        refused = commanded("probe", "vision", run)
    assert (refused.code, refused.out) == (3, "")


def test_help_fits_a_terminal() -> None:
    group = cli.commands["probe"]
    assert isinstance(group, click.Group)
    for words in [["probe", "--help"], *(["probe", name, "--help"] for name in group.commands)]:
        shown = commanded(*words)
        assert (shown.code, max(map(len, shown.out.splitlines())) <= 80) == (0, True)
    options = [one for command in group.commands.values() for one in command.params if isinstance(one, click.Option)]
    assert [option.name for option in options if not option.help] == []
