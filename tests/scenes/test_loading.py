"""From a file to what is played: variants, seeds, profiles and pictures, and mistakes found before any model loads."""

import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playing import written

from scenes.loading import Source, load, scenario_file
from scenes.problem import InputRefused

BRACK, PIP = {"character": "storybook/brack"}, {"character": "storybook/pip"}


def refusals(folder: Path, **changes: Any) -> list[str]:
    """Return the messages of what is wrong with a scenario, in order."""
    with pytest.raises(InputRefused) as refused:
        load(written(folder, **changes))
    return [problem.message for problem in refused.value.problems]


def seeds(source: Source, episodes: int) -> list[int]:
    """Return the seeds of the first so many episodes, variant by variant."""
    per_variant = source.scenario.episodes
    return [source.variant(at // per_variant).seed(at % per_variant) for at in range(episodes)]


def painted(file: Path, colour: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (64, 48), colour).save(file)


def test_a_folder_stands_for_the_scenario_in_it(tmp_path: Path) -> None:
    assert scenario_file(tmp_path) == tmp_path / "scenario.yaml"
    assert load(written(tmp_path).parent).scenario.title == "Two on the quay"


def test_what_the_command_line_sets_stands_over_the_file(tmp_path: Path) -> None:
    source = load(written(tmp_path, seed=3), settings={"seed": 5, "layout": "mmrole"})
    assert (source.scenario.seed, source.scenario.layout) == (5, "mmrole")


def test_a_comment_without_a_player_is_asked_for_a_remark(tmp_path: Path) -> None:
    player = load(written(tmp_path, kind="comment", cast=[BRACK])).variant(0).scenario.player
    assert player is not None
    assert (player.name, player.questions) == ("Human", ("Comment on the picture.",))


def test_the_player_of_a_comment_is_kept(tmp_path: Path) -> None:
    asked = {"name": "Mara", "questions": ["What is that?"]}
    player = load(written(tmp_path, kind="comment", cast=[BRACK], player=asked)).variant(0).scenario.player
    assert player is not None
    assert player.name == "Mara"


def test_a_profile_is_read_from_a_file_beside_the_scenario(tmp_path: Path) -> None:
    (tmp_path / "people").mkdir()
    (tmp_path / "people" / "mara.yaml").write_text("name: Mara\nlikes: [ink]\n")
    (_, mara) = load(written(tmp_path, cast=[BRACK, {"character": "people/mara.yaml"}])).variant(0).profiles
    assert (mara.name, mara.likes) == ("Mara", ("ink",))


def test_a_mistake_in_a_profile_is_told_at_its_place_in_that_file(tmp_path: Path) -> None:
    profile = tmp_path / "mara.yaml"
    profile.write_text("name: Mara\nliks: [ink]\n")
    with pytest.raises(InputRefused) as refused:
        load(written(tmp_path, cast=[BRACK, {"character": "mara.yaml"}]))
    assert str(refused.value) == f'{profile}:2:1: unknown key "liks"; did you mean "likes"?'


@pytest.mark.parametrize(
    ("character", "message"),
    [
        ("mara.yml", '"mara.yml": there is no such file; did you mean "mara.yaml"?'),
        ("storybook/brac", 'no shipped character is named "storybook/brac"; did you mean "storybook/brack"?'),
        (
            "../mara.yaml",
            '"../mara.yaml": the path leads out of the scenario root; move the file into it or name a wider --root.',
        ),
    ],
)
def test_a_profile_that_is_not_there_is_told_where_it_is_named(tmp_path: Path, character: str, message: str) -> None:
    (tmp_path / "mara.yaml").write_text("name: Mara\n")
    file = written(tmp_path, cast=[BRACK, {"character": character}])
    with pytest.raises(InputRefused) as refused:
        load(file)
    line = next(at for at, line in enumerate(file.read_text().splitlines(), start=1) if line.endswith(character))
    assert str(refused.value) == f"{file}:{line}:14: {message}"


def test_every_profile_and_picture_that_is_missing_is_told_at_once(tmp_path: Path) -> None:
    cast = [{"character": "storybook/nobody"}, {"character": "nobody.yaml"}]
    assert len(refusals(tmp_path, cast=cast, images={"chart": {"file": "chart.png"}})) == 3


def test_a_crop_outside_its_picture_is_refused(tmp_path: Path) -> None:
    (message,) = refusals(tmp_path, cast=[{**BRACK, "sees": [{"image": "harbour", "crop": [100, 0, 64, 64]}]}, PIP])
    assert message.startswith("the crop [100, 0, 64, 64] leaves the picture of 128×128 pixels")


def test_a_picture_from_a_file_is_read_once(tmp_path: Path) -> None:
    painted(tmp_path / "chart.png", "navy")
    source = load(written(tmp_path, images={"chart": {"file": "chart.png"}}))
    (tmp_path / "chart.png").unlink()
    assert source.setting(source.variant(0), lambda picture, facts: None).gallery["chart"].image


def test_a_picture_that_is_gone_when_it_is_played_is_refused(tmp_path: Path) -> None:
    for name in ("chart.png", "map.png"):
        painted(tmp_path / name, "navy")
    vary = {"images.chart.file": ["chart.png", "map.png"]}
    source = load(written(tmp_path, images={"chart": {"file": "chart.png"}}, vary=vary))
    (tmp_path / "map.png").unlink()
    with pytest.raises(InputRefused, match="there is no such file"):
        source.setting(source.variant(1), lambda picture, facts: None)


def test_every_picture_comes_with_what_is_known_of_it(tmp_path: Path) -> None:
    painted(tmp_path / "chart.png", "navy")
    images = {"harbour": {"storybook": {"seed": 7}}, "chart": {"file": "chart.png"}}
    cast = [{**BRACK, "sees": [{"image": "harbour", "crop": [0, 0, 64, 64], "blur": 2}]}, PIP]
    source = load(written(tmp_path, images=images, cast=cast))
    kept: dict[str, Any] = {}
    source.setting(source.variant(0), lambda picture, facts: kept.update({picture.id: facts}))
    facts = {(known.name, known.file, known.drawing is not None, known.crop, known.blur) for known in kept.values()}
    assert facts == {
        ("harbour", None, True, None, 0),
        ("harbour", None, True, (0, 0, 64, 64), 2),
        ("chart", "chart.png", False, None, 0),
    }


def test_a_variant_has_its_values_in_it(tmp_path: Path) -> None:
    vary = {"turns": [2, 3], "cast.1.character": ["storybook/pip", "storybook/moss"]}
    source = load(written(tmp_path, vary=vary, episodes=5))
    found = [(variant.scenario.turns, variant.profiles[1].name) for variant in map(source.variant, range(4))]
    assert found == [(2, "Pip"), (2, "Doctor Moss"), (3, "Pip"), (3, "Doctor Moss")]
    assert source.episodes == 20


def test_what_the_file_does_not_say_can_be_varied(tmp_path: Path) -> None:
    source = load(written(tmp_path, vary={"cast.0.secret": ["He moved the buoy.", None]}))
    assert [source.variant(at).scenario.cast[0].secret for at in (0, 1)] == ["He moved the buoy.", None]


def test_a_name_follows_the_character_that_takes_its_part(tmp_path: Path) -> None:
    vary = {"cast.1.character": ["storybook/pip", "storybook/moss"]}
    source = load(written(tmp_path, vary=vary, turn_policy=["pip", "Brack"], opening=[{"Pip": "Aye."}]))
    moss = source.variant(1).scenario
    assert (moss.turn_policy, moss.opening) == (("Doctor Moss", "Captain Brack"), ({"Doctor Moss": "Aye."},))


def test_a_variant_keeps_its_seeds_however_the_matrix_grows(tmp_path: Path) -> None:
    few = load(written(tmp_path / "few", vary={"turns": [2, 4]}, episodes=3))
    many = load(written(tmp_path / "many", vary={"turns": [9, 4, 2, 3]}, episodes=500))
    two, four = (few.variant(at) for at in (0, 1))
    assert [many.variant(at).id for at in (2, 1)] == [two.id, four.id]
    assert [many.variant(at).seed(2) for at in (2, 1)] == [two.seed(2), four.seed(2)]


def test_no_two_episodes_have_the_same_seed(tmp_path: Path) -> None:
    source = load(written(tmp_path, vary={"turns": {"range": [1, 21]}}, episodes=50))
    assert len(set(seeds(source, 1_000))) == 1_000


def test_another_seed_of_the_scenario_makes_other_episodes(tmp_path: Path) -> None:
    one, other = (load(written(tmp_path / str(seed), seed=seed, episodes=20)) for seed in (0, 1))
    assert not set(seeds(one, 20)) & set(seeds(other, 20))


def test_a_matrix_of_a_million_is_not_written_out(tmp_path: Path) -> None:
    vary = {"seed": {"range": [0, 1_000]}, "turns": {"range": [1, 1_001]}}
    file = written(tmp_path, vary=vary, episodes=1_000)
    tracemalloc.start()
    source = load(file)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20_000_000
    assert source.variant(999_999).scenario.turns == 1_000
    assert source.episodes == 1_000_000_000


@pytest.mark.parametrize(
    ("vary", "messages"),
    [
        (
            {"cast.0.place.x": ["a"]},
            [
                'no value of this file is named "cast.0.place.x"; there are: kind, images, images.harbour, '
                "images.harbour.storybook, images.harbour.storybook.seed, cast, cast.0, cast.0.character, cast.1, "
                "cast.1.character, turns."
            ],
        ),
        (
            {"images.harbor.storybook.seed": {"range": [0, 9]}},
            [
                'no value of this file is named "images.harbor.storybook.seed"; '
                'did you mean "images.harbour.storybook.seed"?'
            ],
        ),
        (
            {"cast.7.character": ["storybook/moss"]},
            ['no value of this file is named "cast.7.character"; did you mean "cast.1.character"?'],
        ),
        ({"cast.0.stat": ["tired"]}, ['as "cast.0.stat": unknown key "stat"; did you mean "state"?']),
        ({"turns": [2, 0]}, ['as "turns": "turns" must be at least 1, found 0.']),
        ({"turns": {"range": [0, 4]}}, ['as "turns": "turns" must be at least 1, found 0.']),
        ({"cast.0.character": ["x.yaml"]}, ['as "cast.0.character": "x.yaml": there is no such file.']),
        (
            {"cast.0.character": ["storybook/pip"]},
            ['as "cast.0.character": the name "Pip" is taken by "Pip"; give this one another.'],
        ),
        ({"title": ["One", "Two"]}, ['"title" cannot be varied; vary what is played.']),
        ({"vary.turns": [1]}, ['"vary.turns" cannot be varied; vary what is played.']),
        (
            {"images.harbour": [{"file": "chart.png"}]},
            ['as "images.harbour": "chart.png": there is no such file; check the name and its case.'],
        ),
        (
            {"seed": {"range": [0, 10**9]}, "turns": [1, 2]},
            ["the matrix has more than 1,000,000,000 variants; shorten its ranges."],
        ),
        (
            {
                "cast.0.character": ["storybook/brack", "storybook/vale"],
                "cast.1.character": ["storybook/pip", "storybook/vale"],
            },
            [
                "cast.0.character: storybook/vale, cast.1.character: storybook/vale: "
                'the name "Inspector Vale" is taken by "Inspector Vale"; give this one another.'
            ],
        ),
    ],
    ids=lambda case: next(iter(case)) if isinstance(case, dict) else "",
)
def test_a_matrix_is_tried_when_it_is_read(tmp_path: Path, vary: dict[str, Any], messages: list[str]) -> None:
    assert refusals(tmp_path, vary=vary) == messages


def test_values_that_take_away_what_others_set_are_refused(tmp_path: Path) -> None:
    cast = [BRACK, PIP, {"character": "storybook/moss"}]
    (message,) = refusals(tmp_path, cast=cast, vary={"cast": [cast, [BRACK, PIP]], "cast.2.state": ["tired"]})
    assert message == 'cast and cast.2.state do not go together: one takes away the "2" of another.'


def test_a_wrong_value_is_told_where_it_stands_and_a_wrong_path_at_its_key(tmp_path: Path) -> None:
    file = tmp_path / "scenario.yaml"
    text = written(tmp_path).read_text() + "vary:\n  turns: [2, 0]\n  turn: [3, 4]\n"
    file.write_text(text)
    with pytest.raises(InputRefused) as refused:
        load(file)
    line = len(text.splitlines()) - 1
    assert [(problem.line, problem.column) for problem in refused.value.problems] == [
        (line, 14),
        (line + 1, 10),
        (line + 1, 13),
    ]


def test_a_mistake_in_a_varied_profile_is_told_at_its_place_in_that_file(tmp_path: Path) -> None:
    profile = tmp_path / "mara.yaml"
    profile.write_text("name: Mara\nliks: [ink]\n")
    with pytest.raises(InputRefused) as refused:
        load(written(tmp_path, vary={"cast.0.character": ["storybook/brack", "mara.yaml"]}))
    assert str(refused.value) == f'{profile}:2:1: unknown key "liks"; did you mean "likes"?'


def test_a_variant_whose_values_do_not_go_together_is_refused_when_it_is_made(tmp_path: Path) -> None:
    """Of a large matrix not every combination is tried when it is read."""
    parts = {
        "cast.0.character": ["storybook/brack", "storybook/vale"],
        "cast.1.character": ["storybook/pip", "storybook/vale"],
    }
    source = load(written(tmp_path, vary={"seed": {"range": [0, 1_000]}, **parts}))
    assert source.variant(0).profiles[1].name == "Pip"
    with pytest.raises(InputRefused, match="Inspector Vale"):
        source.variant(3)
