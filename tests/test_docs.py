"""The pages on scenario files and on scoring tell of everything, and their examples are right."""

import re
from contextlib import closing
from pathlib import Path
from random import Random
from typing import Any

import pytest
import yaml
from commanding import commanded
from playing import played
from staging import scene_of

from narrator.turn_policy import next_actors
from sandbox.record import Record
from sandbox.scorer_names import SHIPPED, _shipped
from scenes.loading import load
from scenes.references import unplayed
from scenes.scenario import Scenario

PAGE = (Path(__file__).parent.parent / "docs" / "scenario.md").read_text(encoding="utf-8")
SCHEMA = Scenario.model_json_schema()
MODELS = {"Scenario": SCHEMA, **SCHEMA["$defs"]}
KEYS = [(model, key) for model, schema in MODELS.items() for key in schema.get("properties", {})]
REST: dict[str, Any] = {
    "schema_version": 1,
    "title": "An example",
    "kind": "story",
    "narrator": {},
    "turn_policy": "narrator",
    "cast": [{"character": f"storybook/{name}"} for name in ("brack", "pip", "moss")],
}
"""What an example leaves out that tells of a part alone."""


def examples(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize(("model", "key"), KEYS)
def test_a_key_of_the_scenario_file_is_explained_on_the_page(model: str, key: str) -> None:
    meaning = " ".join(MODELS[model]["properties"][key]["description"].split())
    assert f"| `{key}` |" in PAGE
    assert f"| {meaning} |" in PAGE


@pytest.mark.parametrize("model", MODELS)
def test_a_part_of_the_scenario_file_is_introduced_on_the_page(model: str) -> None:
    assert f"\n{' '.join(MODELS[model]['description'].split())}\n" in PAGE


@pytest.mark.parametrize("example", examples("yaml"))
def test_an_example_of_a_scenario_is_one_of_which_nothing_is_left_out(example: str, tmp_path: Path) -> None:
    file = tmp_path / "scenario.yaml"
    rest = {key: value for key, value in REST.items() if not re.search(f"^{key}:", example, re.MULTILINE)}
    file.write_text(example + yaml.safe_dump(rest), encoding="utf-8")
    assert list(unplayed(load(file).variant(0).scenario)) == []


@pytest.mark.parametrize("example", examples("python"))
def test_the_example_of_a_policy_lets_all_act_equally_often(example: str, tmp_path: Path) -> None:
    found: dict[str, Any] = {}
    exec(example, found)
    scene = scene_of(tmp_path, **REST)
    for turn in range(9):
        (name,) = next_actors(found["quietest"], scene, Random(turn))
        scene.acted.append(name)
    assert {name: scene.acted.count(name) for name in scene.names} == dict.fromkeys(scene.names, 3)


SCORING = (Path(__file__).parent.parent / "docs" / "scoring.md").read_text(encoding="utf-8")


def test_the_scorer_on_the_page_judges_a_run(tmp_path: Path) -> None:
    (example,) = re.findall(r"```python\n(.*?)```", SCORING, re.DOTALL)
    (tmp_path / "polite.py").write_text(example, encoding="utf-8")
    lines = iter(["Would you, please?", "Who moved it?", "Please yourself.", "Hm."])
    run = played(tmp_path, lambda request: next(lines), turns=4)
    assert commanded("score", run, "--scorer", f"{tmp_path}/polite.py:polite").code == 0
    with closing(Record(run)) as record:
        (scorer,) = record.scorers()
        scores = record.scores(scorer.id, 0)
    assert [score.value for score in scores] == [1, 0, None, None]
    assert [score.reason for score in scores] == [None, None, "asks for nothing", "asks for nothing"]


def test_the_page_on_scoring_tells_of_every_scorer_that_comes_with_rolestage() -> None:
    assert [name for name in SHIPPED if f"**{name}**" not in SCORING] == []


@pytest.mark.parametrize("name", SHIPPED)
def test_every_metric_says_what_it_means_in_which_unit_and_on_which_scale(name: str) -> None:
    metrics = _shipped(name).metrics
    assert metrics
    for metric in metrics:
        assert len(metric.meaning) > 20
        assert metric.unit
        low, high = metric.scale
        assert low is None or high is None or low < high
