"""A turn of the loop: its scenes, its figures, and a whole turn in small."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from commanding import commanded

from sandbox.storybook.loop.figures import ARMS, METRICS, PARTS, Lines, compared_on
from sandbox.storybook.loop.scenes import to_learn, to_test
from scenes.loading import Source, load
from scenes.sights import facts_of
from scenes.storybook.drawing import Drawing, held_out_colours, held_out_places


def source(folder: Path, scenario: dict[str, Any]) -> Source:
    file = folder / "scenario.yaml"
    file.write_text(yaml.safe_dump(scenario, sort_keys=False))
    return load(file)


def drawings(made: Source) -> list[Drawing]:
    """Return the pictures of all variants."""
    specs = [made.variant(at).scenario.images["picture"] for at in range(made.episodes)]
    found = [facts_of("picture", spec).drawing for spec in specs]
    return [drawing for drawing in found if drawing is not None]


def test_nothing_held_out_is_learned_and_half_of_the_test_is(tmp_path: Path) -> None:
    learned = [drawing for seed in range(3) for drawing in drawings(source(tmp_path, to_learn(seed, 40)))]
    tested = drawings(source(tmp_path, to_test(40)))
    held_out = [bool(held_out_colours(drawing) or held_out_places(drawing)) for drawing in tested]
    assert len(learned) == 120
    assert not any(held_out_colours(drawing) or held_out_places(drawing) for drawing in learned)
    assert (len(tested), sum(held_out)) == (40, 20)
    assert len({*learned}) == 30
    assert {*learned}.isdisjoint(tested)


def lines(shares: dict[str, list[float | None]]) -> Lines:
    return {
        (part, scene): [{"grounded": value, "with a claim": 1.0, "voice": 1.0, "without fault": 1.0} for value in of]
        for part in PARTS
        for scene, of in shares.items()
    }


def test_models_are_compared_scene_by_scene() -> None:
    base = lines({"a": [0.0, 1.0], "b": [0.0, None], "c": [1.0]})
    better = lines({"a": [1.0, 1.0], "b": [0.0, 1.0], "c": [1.0]})
    found = list(compared_on([{"base": base, "control": base, "filtered": better}] * 2))
    assert [(one.part, one.metric, one.seed) for one in found] == [
        (part, metric, seed) for part in PARTS for metric in METRICS for seed in (0, 1, None)
    ]
    grounded = [one for one in found if one.metric == "grounded" and one.part == PARTS[0]]
    for one in grounded:
        assert [one.means[arm].value for arm in ARMS] == [0.5, 0.5, 0.8]
        assert one.over_base.difference == pytest.approx((0.5 + 0.5 + 0) / 3)
        assert one.over_base.clusters == 3
    assert [one.over_base.pairs for one in grounded] == [3, 3, 6]
    assert [one.means["base"].valid for one in grounded] == [4, 4, 8]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--model", "storybook-teacher"), "--model: this has no weights to train"),
        (("--model", "storybook+nowhere"), 'there is no folder "nowhere"'),
        (("--episodes", "7"), "--episodes"),
    ],
)
def test_what_cannot_take_a_turn_is_refused(words: tuple[str, ...], said: str, tmp_path: Path) -> None:
    ended = commanded("loop", "storybook", "--out", tmp_path, *words)
    assert ended.code == 2
    assert said in ended.err


@pytest.mark.slow
def test_a_turn_is_reported_and_not_made_twice(tmp_path: Path) -> None:
    words = ("loop", "storybook", "--out", tmp_path / "loop", "--seeds", 1, "--episodes", 64, "--steps", 1, "--json")
    ended = commanded(*words)
    assert ended.code == 0
    made = json.loads(ended.out)
    (learned,) = made["learned"]
    assert 0 < learned["kept"] < learned["lines"] <= 64 * 6
    for one in made["compared"]:
        assert one["over_base"]["clusters"] == one["over_control"]["clusters"] <= 32
    assert {one["part"] for one in made["compared"]} == {*PARTS}
    kept, whole = (
        json.loads((tmp_path / "loop" / "seed-0" / name / "result.json").read_text())
        for name in ("filtered", "control")
    )
    assert (kept["rows"], kept["steps"]) == (whole["rows"], whole["steps"]) == (learned["rows"], 1)
    report = (tmp_path / "loop" / "report.md").read_bytes()
    runs = sorted((tmp_path / "loop").glob("**/run.db"))
    again = commanded(*words)
    assert (again.code, again.out, sorted((tmp_path / "loop").glob("**/run.db"))) == (0, ended.out, runs)
    assert (tmp_path / "loop" / "report.md").read_bytes() == report
