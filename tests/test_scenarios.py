"""The shipped scenarios. Newcomers learn the format from them, so each lints, explains itself and plays to its end."""

from pathlib import Path

import pytest
from playing import carried_out, new_run

from agents.player import turns_of
from sandbox.launch import Options, checked_source
from sandbox.record import Record
from scenes.loading import Source
from scenes.sights import facts_of
from scenes.storybook.drawing import HELD_OUT, Drawing

SCENARIOS = Path(__file__).parents[1] / "scenarios"
NAMES = ["gallery-comment", "harbour", "interrogation", "matrix", "museum", "snapshot"]
BY_NAME = pytest.mark.parametrize("name", NAMES)
MOST_YAML, MOST_PICTURE = 4_000, 150_000
"""Bytes: a scenario is read in a minute, and a picture does not weigh on the repository."""


def source_of(name: str) -> Source:
    return checked_source(SCENARIOS / name, Options())


def drawings_of(source: Source) -> list[Drawing]:
    """Return what the drawn pictures of every variant show, in the order of the variants."""
    images = [image for index in range(len(source.matrix)) for image in source.variant(index).scenario.images.items()]
    return [drawing for name, spec in images if (drawing := facts_of(name, spec).drawing)]


def test_every_folder_of_the_scenarios_is_tested_here() -> None:
    assert sorted(folder.name for folder in SCENARIOS.iterdir() if folder.is_dir()) == NAMES


@BY_NAME
def test_a_shipped_scenario_lints_and_runs_on_the_embedded_model(name: str) -> None:
    assert source_of(name).scenario.model == "storybook"


@BY_NAME
def test_a_shipped_scenario_begins_by_telling_what_it_shows(name: str) -> None:
    lines = (SCENARIOS / name / "scenario.yaml").read_text(encoding="utf-8").splitlines()
    header = lines[: lines.index("schema_version: 1")]
    assert len(header) >= 2
    assert all(line.startswith("#") for line in header)


@BY_NAME
def test_a_shipped_scenario_plays_to_its_end(name: str, tmp_path: Path) -> None:
    source = source_of(name)
    folder = new_run(source, tmp_path)
    summary = carried_out(folder, episodes=2)
    assert (summary.done, summary.failed) == (2, 0)
    assert summary.turns == 2 * turns_of(source.variant(0).scenario)


@BY_NAME
def test_a_shipped_folder_holds_a_short_scenario_and_small_pictures(name: str) -> None:
    files = {file.name: file.stat().st_size for file in (SCENARIOS / name).iterdir()}
    assert files.pop("scenario.yaml") <= MOST_YAML
    assert all(Path(file).suffix in (".jpg", ".png") and size <= MOST_PICTURE for file, size in files.items())


def test_the_first_four_episodes_of_the_harbour_show_four_pictures() -> None:
    source = source_of("harbour")
    assert source.scenario.episodes == 1
    assert len(set(drawings_of(source)[:4])) == 4


def test_the_captain_of_the_harbour_is_wrong_in_every_picture() -> None:
    source = source_of("harbour")
    assert "black boat" in source.scenario.opening[0]["Brack"]
    boats = [group for drawing in drawings_of(source) for group in drawing.groups if group.kind == "boat"]
    assert len(boats) == 4
    assert all(boat.colour != "black" for boat in boats)


def test_the_matrix_is_five_hundred_episodes_half_of_them_with_a_combination_held_out_of_training() -> None:
    source = source_of("matrix")
    held_out = [
        any((group.kind, group.colour) in HELD_OUT for group in drawing.groups) for drawing in drawings_of(source)
    ]
    assert source.episodes == len(held_out) == 500
    assert sum(held_out) == 250


def test_in_the_museum_what_is_done_is_not_seen_next_door_and_what_is_said_is_heard(tmp_path: Path) -> None:
    folder = new_run(source_of("museum"), tmp_path)
    carried_out(folder, episodes=1)
    record = Record(folder)
    hidden, asked = record.events(0)[:2]
    record.close()
    assert set(hidden.visible_to) == {"Pip", "Doctor Moss"}
    assert set(asked.visible_to) == {"Pip", "Doctor Moss", "Inspector Vale"}


def test_the_snapshot_is_two_halves_that_make_one_picture() -> None:
    left, right = source_of("snapshot").scenario.cast
    assert left.sees
    assert right.sees
    assert (left.sees[0].crop, right.sees[0].crop) == ((0, 0, 400, 600), (400, 0, 400, 600))
