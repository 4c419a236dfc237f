"""A run's folder can be played with nothing else at hand."""

import shutil
from pathlib import Path

import pytest
import yaml
from PIL import Image
from playing import carried_out, new_run, written

from sandbox.run_folder import SCENARIO, find_run
from scenes.loading import load
from scenes.problem import InputRefused


@pytest.fixture
def scenario(tmp_path: Path) -> Path:
    """A scenario that names files in every place where one can be named, also in its matrix."""
    home = tmp_path / "scenario"
    home.mkdir()
    for name, colour in {"red": (200, 0, 0), "blue": (0, 0, 200)}.items():
        Image.new("RGB", (40, 40), colour).save(home / f"{name}.png")
    (home / "ada.yaml").write_text("{name: Ada, role: a painter}")
    vary = {
        "images.harbour": [{"file": "red.png"}, {"file": "blue.png", "notes": {"scene": "blue"}}],
        "cast.1": [{"character": "ada.yaml"}, {"character": "storybook/pip", "secret": "None at all."}],
    }
    return written(home, images={"harbour": {"file": "red.png"}}, vary=vary, turns=2)


def test_a_run_plays_after_its_scenario_is_gone(scenario: Path, tmp_path: Path) -> None:
    folder = new_run(load(scenario), tmp_path / "runs")
    shutil.rmtree(scenario.parent)
    assert carried_out(folder).done == 4


def test_nothing_in_it_names_a_file_outside_it(scenario: Path, tmp_path: Path) -> None:
    folder = new_run(load(scenario), tmp_path / "runs")
    text = (folder / SCENARIO).read_text()
    assert "ada.yaml" not in text
    assert "red.png" not in text
    named = [image["file"] for image in yaml.safe_load(text)["vary"]["images.harbour"]]
    assert all((folder / name).is_file() for name in named)


@pytest.mark.parametrize(
    ("file", "slug"),
    [("w/whisper_self.yaml", "whisper-self"), ("w/scenario.yaml", "w"), ("w/run.yaml", "run"), ("w/鲸.yaml", "scene")],
)
def test_a_run_is_named_after_its_scenario(tmp_path: Path, file: str, slug: str) -> None:
    scenario = written(tmp_path / "w").rename(tmp_path / file)
    assert new_run(load(scenario), tmp_path / "runs").name.split("_")[1] == slug


def test_a_run_of_a_run_keeps_the_name_of_the_scenario(tmp_path: Path) -> None:
    first = new_run(load(written(tmp_path / "tea")), tmp_path / "runs")
    again = new_run(load(first / SCENARIO), tmp_path / "runs")
    assert [folder.name.split("_")[1] for folder in (first, again)] == ["tea", "tea"]


@pytest.mark.parametrize("by", ["path", "name"])
def test_a_folder_without_a_store_is_refused_saying_what_it_lacks(tmp_path: Path, by: str) -> None:
    folder = new_run(load(written(tmp_path / "scenario")), tmp_path / "runs")
    with pytest.raises(InputRefused) as refused:
        find_run(str(folder) if by == "path" else folder.name, tmp_path / "runs")
    assert str(refused.value) == f"{folder}: this folder has no run.db, in which a run is kept; copy the whole run."


def test_a_run_is_found_by_a_part_of_its_name_and_the_newest_as_latest(tmp_path: Path) -> None:
    source = load(written(tmp_path / "scenario", turns=1))
    first, second = (new_run(source, tmp_path / "runs" / name) for name in ("", ""))
    for folder in (first, second):
        carried_out(folder)
    assert find_run(first.name[:-1], tmp_path / "runs") == first
    assert find_run("latest", tmp_path / "runs") == max(first, second)
    for name in ("nowhere", "n" * 300):
        with pytest.raises(InputRefused, match="no run is named"):
            find_run(name, tmp_path / "runs")


def test_a_part_of_a_name_that_several_runs_have_is_refused_naming_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = load(written(tmp_path / "leak", turns=1))
    runs = [new_run(source, tmp_path / "runs") for _ in range(2)]
    for folder in runs:
        carried_out(folder)
    with pytest.raises(InputRefused, match="several runs match") as refused:
        find_run("leak", tmp_path / "runs")
    assert all(folder.name in str(refused.value) for folder in runs)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputRefused, match=r"has no run\.db, .*; and several runs match"):
        find_run("leak", Path("runs"))
