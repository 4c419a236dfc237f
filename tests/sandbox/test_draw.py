"""`rolestage draw`: one picture, many on a sheet, their truth in words and as data; impossible sheets are refused."""

import json
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sandbox.draw import Drawn, contact_sheet, told
from scenes.storybook.drawing import Drawing, Group, describe, draw_lots
from scenes.storybook.render import render
from tests.commanding import commanded


def test_the_truth_tells_relations_and_what_is_held_out() -> None:
    cat = Group(kind="cat", colour="purple", position="right")
    snails = Group(kind="snail", colour="blue", number=2, position="left")
    drawing = Drawing(place="room", weather="fog", time="day", groups=(cat, snails))
    assert told(drawing) == [
        describe(drawing),
        "two blue snails left of a purple cat",
        "held out: a purple cat",
        "held out: snail and room",
    ]


def test_a_sheet_shows_each_picture_as_it_is_with_a_caption_under_it() -> None:
    shown = [Drawn(seed, draw_lots(seed)) for seed in range(3)]
    sheet = contact_sheet(shown, columns=2, size=128)
    assert sheet.width == 2 * 128 + 3 * 8
    for x, y, one in ((8, 8, shown[0]), (144, 8, shown[1]), (8, 8 + (sheet.height - 8) // 2, shown[2])):
        assert sheet.crop((x, y, x + 128, y + 128)).tobytes() == render(one.drawing).tobytes()
        below = np.asarray(sheet.crop((x, y + 128, x + 128, y + 144)).convert("L"))
        assert below.min() < 100 < below.max()


def test_a_sheet_is_no_wider_than_the_pictures_there_are() -> None:
    assert contact_sheet([Drawn(0, draw_lots(0))], columns=10, size=128).width == 128 + 2 * 8


def test_several_pictures_are_told_by_their_seeds_and_written_onto_one_sheet() -> None:
    outcome = commanded("draw", "--seed", 5, "-n", 3, "--size", 128, "--sheet", 3, "--out", "sheet.png")
    lines = outcome.out.splitlines()
    assert [line.split(":")[0] for line in lines[:3]] == ["5", "6", "7"]
    assert lines[3] == "→ sheet.png"
    assert Image.open(BytesIO(Path("sheet.png").read_bytes())).width == 3 * 128 + 4 * 8


def test_several_pictures_are_data_with_their_seeds_relations_and_held_out_combinations() -> None:
    shown = json.loads(commanded("draw", "--seed", 5, "-n", 20, "--held-out", "--json").out)
    assert [one["seed"] for one in shown["drawings"]] == [*range(5, 25)]
    assert all(one["held_out"] for one in shown["drawings"])
    assert shown["drawings"][0]["drawing"] == draw_lots(5, held_out=True).model_dump(mode="json")
    assert any(relation[1:2] == ["left of"] for one in shown["drawings"] for relation in one["relations"])


@pytest.mark.parametrize(
    ("words", "rule"),
    [
        (["--sheet", 3], "--sheet writes a picture; name it with --out."),
        (["-n", 1_000, "--size", 512, "--out", "x.png"], "too large or too narrow; draw fewer"),
        (["--seed", 2**30 - 1, "-n", 2], "the last seed is 1073741823; begin lower, or draw fewer."),
        (["-n", 0], "0 is not in the range 1<=x<=1000"),
        (["--size", 100], "'100' is not one of '128', '256', '512'"),
    ],
)
def test_what_cannot_be_drawn_is_refused_with_the_rule(words: list[object], rule: str) -> None:
    refused = commanded("draw", *words)
    assert refused.code == 2
    assert rule in refused.err
    assert not Path("x.png").exists()
