"""The storybook world: pictures stay what the shipped model learned from, and impossible ones are refused."""

import json
import subprocess
import sys
from collections import Counter
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
import yaml
from PIL import Image
from pydantic import ValidationError

from scenes.problem import InputRefused
from scenes.profile import CharacterProfile
from scenes.storybook.cast import read_shipped, shipped_characters
from scenes.storybook.drawing import (
    COLOURS,
    HELD_OUT,
    HELD_OUT_PLACES,
    KINDS,
    PLACES,
    POSITIONS,
    TIMES,
    USUAL_KINDS,
    WEATHERS,
    Drawing,
    Group,
    describe,
    draw_lots,
    held_out_colours,
    held_out_places,
    relations,
    sample,
)
from scenes.storybook.objects import OBJECTS
from scenes.storybook.render import render, render_with_spots

# sha256 over the RGB bytes of the pictures of seeds 0, 1, 2 …, as the shipped model's training data were painted.
PICTURES = json.loads((Path(__file__).parent / "storybook_pictures.json").read_text(encoding="utf-8"))


def pixels(image: Image.Image) -> np.ndarray[Any, np.dtype[np.int64]]:
    return np.asarray(image).astype(np.int64)


def a_group(**changes: Any) -> dict[str, Any]:
    return {"kind": "cat", "colour": "red", "number": 1, "position": "left", **changes}


def a_drawing(*groups: dict[str, Any], **changes: Any) -> Drawing:
    fields = {"place": "street", "weather": "rain", "time": "night", "groups": list(groups), **changes}
    return Drawing.model_validate(fields)


@pytest.mark.parametrize("split", ["ordinary", "held_out"])
def test_pictures_equal_those_the_shipped_model_learned_from(split: str) -> None:
    painted = [render(draw_lots(seed, split == "held_out")) for seed in range(len(PICTURES[split]))]
    assert [sha256(picture.tobytes()).hexdigest() for picture in painted] == PICTURES[split]


def test_equal_drawings_are_equal_pictures() -> None:
    drawing = draw_lots(5)
    assert render(drawing).tobytes() == render(Drawing.model_validate_json(drawing.model_dump_json())).tobytes()


def test_held_out_drawings_have_a_held_out_combination_and_ordinary_ones_have_none() -> None:
    kinds_of_it = set()
    for seed in range(300):
        drawing = draw_lots(seed)
        assert (held_out_colours(drawing), held_out_places(drawing)) == ([], [])
        unseen = draw_lots(seed, held_out=True)
        kinds_of_it.add((bool(held_out_colours(unseen)), bool(held_out_places(unseen))))
    assert kinds_of_it == {(True, False), (False, True), (True, True)}


def test_what_is_held_out_is_told_by_the_group() -> None:
    cats = a_group(colour="purple", number=2)
    drawing = a_drawing(cats, a_group(kind="turtle", position="right"), place="street")
    assert held_out_colours(drawing) == [drawing.groups[0]]
    assert held_out_places(drawing) == [drawing.groups[1]]


def test_held_out_combinations_are_spread_over_kinds_colours_and_places() -> None:
    most_by = [Counter(one).most_common(1)[0][1] for one in zip(*HELD_OUT, strict=True)]
    assert (len(HELD_OUT), most_by) == (20, [1, 3])
    assert max(Counter(place for _, place in HELD_OUT_PLACES).values()) <= 2
    assert not {(kind, place) for place, kinds in USUAL_KINDS.items() for kind in kinds} & HELD_OUT_PLACES


def test_no_kind_and_no_place_is_more_usual_than_another() -> None:
    assert {len(kinds) for kinds in USUAL_KINDS.values()} == {14}
    assert set(Counter(kind for kinds in USUAL_KINDS.values() for kind in kinds).values()) == {4}


def test_the_lots_prefer_no_kind_colour_or_position_and_no_number_by_far() -> None:
    rng = Random(0)
    groups = [group for _ in range(4_000) for group in sample(rng).groups]
    for field, choices in (("kind", KINDS), ("colour", COLOURS), ("position", POSITIONS)):
        shares = [sum(getattr(group, field) == one for group in groups) / len(groups) for one in choices]
        assert 0.8 < min(shares) * len(choices) <= max(shares) * len(choices) < 1.2
    numbers = Counter(group.number for group in groups)
    assert max(numbers.values()) / len(groups) < 0.4


def test_relations_tell_who_stands_left_of_whom() -> None:
    drawing = a_drawing(a_group(position="right"), a_group(kind="dog"), a_group(kind="car", position="middle"))
    cat, dog, car = drawing.groups
    assert relations(drawing) == ((dog, "left of", car), (dog, "left of", cat), (car, "left of", cat))
    assert relations(a_drawing(a_group())) == ()


def test_the_lots_reach_every_kind_colour_place_hour_weather_and_number() -> None:
    rng = Random(0)
    drawings = [sample(rng) for _ in range(1_000)]
    groups = [group for drawing in drawings for group in drawing.groups]
    assert {drawing.place for drawing in drawings} == set(PLACES)
    assert {drawing.time for drawing in drawings} == set(TIMES)
    assert {drawing.weather for drawing in drawings} == set(WEATHERS)
    assert {group.kind for group in groups} == set(KINDS)
    assert {group.colour for group in groups} == set(COLOURS)
    assert {group.position for group in groups} == set(POSITIONS)
    assert {group.number for group in groups} == {1, 2, 3, 4}


def test_the_lots_put_things_where_they_belong() -> None:
    for seed in range(300):
        drawing = draw_lots(seed)
        assert {group.kind for group in drawing.groups} <= set(USUAL_KINDS[drawing.place])


def test_every_kind_has_its_shapes() -> None:
    assert set(OBJECTS) == set(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_the_colour_of_every_kind_shows(kind: str) -> None:
    first, *others = [
        pixels(render(a_drawing(a_group(kind=kind, colour=colour, position="middle")))) for colour in COLOURS
    ]
    assert all((np.abs(first - other).max(axis=2) > 40).sum() > 200 for other in others)


@pytest.mark.parametrize("size", [64, 96, 256, 512, 1024])
def test_another_size_is_the_same_picture(size: int) -> None:
    for seed in range(6):
        small = render(draw_lots(seed))
        other = render(draw_lots(seed), size)
        assert other.size == (size, size)
        difference = np.abs(pixels(other.resize(small.size, Image.Resampling.BOX)) - pixels(small)).mean()
        assert difference < 8, f"seed {seed} differs by {difference:.1f} of 255"


@pytest.mark.parametrize("size", [0, 32, 100, 1056, -128])
def test_an_impossible_size_is_refused(size: int) -> None:
    with pytest.raises(ValueError, match="multiple of 32 from 64 to 1024"):
        render(draw_lots(0), size)


def test_each_object_has_its_spot_on_its_side_of_the_picture() -> None:
    drawing = a_drawing(a_group(number=3), a_group(kind="kite", position="right"))
    _, spots = render_with_spots(drawing)
    assert [spot.kind for spot in spots] == ["cat"] * 3 + ["kite"]
    assert all(spot.right < 0.5 for spot in spots[:3])
    assert spots[3].left > 0.5
    assert spots[3].bottom < max(spot.bottom for spot in spots[:3])


def test_no_two_groups_overlap_and_none_leaves_the_picture() -> None:
    rng = Random(1)
    for drawing in [sample(rng) for _ in range(300)]:
        _, spots = render_with_spots(drawing, 64)
        of_groups = [[spot for spot in spots if spot.kind == group.kind] for group in drawing.groups]
        spans = sorted((min(s.left for s in group), max(s.right for s in group)) for group in of_groups)
        edges = [edge for span in spans for edge in span]
        assert edges == sorted(edges)
        assert edges[0] >= 0
        assert edges[-1] <= 1
        assert all(0 < spot.top < spot.bottom < 1 for spot in spots)


def test_things_may_stand_where_they_do_not_belong() -> None:
    drawing = a_drawing(a_group(kind="lighthouse"), a_group(kind="bird", position="right"), place="room")
    assert render(drawing).size == (128, 128)


def test_seed_and_number_may_be_left_out() -> None:
    drawing = a_drawing({"kind": "cat", "colour": "red", "position": "left"})
    assert (drawing.seed, drawing.groups[0].number) == (0, 1)


@pytest.mark.parametrize(
    ("groups", "rule"),
    [
        ([], "at least 1 item"),
        ([a_group(kind=kind) for kind in KINDS[:4]], "at most 3 items"),
        ([a_group(), a_group(kind="dog")], "two groups stand on the same spot .left."),
        ([a_group(), a_group(colour="blue", position="right")], "two groups are of one kind .cat."),
        ([a_group(number=5)], "less than or equal to 4"),
        ([a_group(number=0)], "greater than or equal to 1"),
        ([a_group(number=True)], "valid integer"),
        ([a_group(number=4), a_group(kind="dog", position="right")], "4 cats do not fit .* 3 at most"),
        ([a_group(kind="lighthouse", number=2)], "2 lighthouses do not fit .* 1 at most"),
        ([a_group(kind="cactus", number=4), a_group(kind="dog", position="right")], "4 cactuses do not fit"),
        ([a_group(kind="unicorn")], "'boat', 'lighthouse'"),
        ([a_group(size="big")], "Extra inputs are not permitted"),
    ],
)
def test_an_impossible_drawing_is_refused_with_the_rule(groups: list[dict[str, Any]], rule: str) -> None:
    with pytest.raises(ValidationError, match=rule):
        a_drawing(*groups)


@pytest.mark.parametrize("seed", [-1, 2**30, 1.5])
def test_a_seed_out_of_range_is_refused(seed: float) -> None:
    with pytest.raises(ValidationError, match="seed"):
        a_drawing(a_group(), seed=seed)


def test_a_drawing_is_described_in_one_line() -> None:
    cats, bicycle = a_group(number=2, position="right"), a_group(kind="bicycle", colour="black")
    flower = Group(kind="flower", colour="orange", position="middle")
    assert describe(a_drawing(cats, bicycle)) == (
        "two red cats on the right and a black bicycle on the left; in a street, at night, rain"
    )
    assert describe(a_drawing(cats, bicycle, flower.model_dump(), place="beach", time="day", weather="clear")) == (
        "two red cats on the right, a black bicycle on the left and an orange flower in the middle; "
        "on a beach, by day, clear sky"
    )
    assert describe(a_drawing(a_group(kind="butterfly", number=3), place="mountains")) == (
        "three red butterflies on the left; in the mountains, at night, rain"
    )


def test_the_truth_of_a_picture_does_not_load_pillow() -> None:
    script = "import sys, scenes.storybook.drawing; sys.exit('PIL' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


EIGHT = ["berta", "brack", "moss", "odile", "ottavio", "pip", "silas", "vale"]
NEWCOMERS = {"berta", "ottavio", "silas"}
"""Who came later know everybody; the five before them know each other."""


def test_the_cast_is_eight_characters_in_the_order_of_their_names() -> None:
    assert list(shipped_characters()) == EIGHT


@pytest.mark.parametrize("name", shipped_characters())
def test_a_shipped_character_is_a_whole_profile(name: str) -> None:
    profile = CharacterProfile.model_validate(yaml.safe_load(read_shipped(name)))
    assert name in profile.name.casefold()
    sections = set(CharacterProfile.model_fields) - {"aliases"}
    assert [section for section in sections if not getattr(profile, section)] == []
    assert set(profile.likes) | set(profile.hates) <= {*KINDS, *WEATHERS}


@pytest.mark.parametrize("name", EIGHT)
def test_every_character_of_the_cast_knows_the_others(name: str) -> None:
    profiles = {name: CharacterProfile.model_validate(yaml.safe_load(read_shipped(name))) for name in EIGHT}
    known = {*EIGHT} - {name} if name in NEWCOMERS else {*EIGHT} - {name} - NEWCOMERS
    assert [one for one in known if profiles[one].name not in str(profiles[name].relationships)] == []


@pytest.mark.parametrize("name", ["", "nobody", "../cast/brack", "Brack"])
def test_a_name_that_nobody_of_the_cast_has_is_refused_with_the_choice(name: str) -> None:
    with pytest.raises(InputRefused, match="choose among berta, brack, moss, odile, ottavio, pip, silas, vale"):
        read_shipped(name)
