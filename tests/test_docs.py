"""The page on the scenario file tells of every key, in the words of the code."""

from pathlib import Path

import pytest

from scenes.scenario import Scenario

PAGE = (Path(__file__).parent.parent / "docs" / "scenario.md").read_text(encoding="utf-8")
SCHEMA = Scenario.model_json_schema()
MODELS = {"Scenario": SCHEMA, **SCHEMA["$defs"]}
KEYS = [(model, key) for model, schema in MODELS.items() for key in schema.get("properties", {})]


@pytest.mark.parametrize(("model", "key"), KEYS)
def test_a_key_of_the_scenario_file_is_explained_on_the_page(model: str, key: str) -> None:
    meaning = " ".join(MODELS[model]["properties"][key]["description"].split())
    assert f"| `{key}` |" in PAGE
    assert f"| {meaning} |" in PAGE
