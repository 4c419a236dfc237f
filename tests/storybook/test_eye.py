from random import Random

import numpy as np
import pytest
import torch

from sandbox.storybook.lessons.lesson import Seen
from sandbox.storybook.pretraining.eye import (
    GRID,
    NOTHING,
    SHUFFLE,
    SIDE,
    UNKNOWN,
    VISION,
    drawn,
    held_out,
    labels,
)
from sandbox.storybook.pretraining.heads import Heads, reads
from scenes.storybook.drawing import COLOURS, KINDS, PLACES, TIMES, WEATHERS, Drawing, Group, sample

TWO = Drawing(
    place="meadow",
    weather="rain",
    time="dusk",
    groups=(
        Group(kind="dog", colour="red", number=2, position="left"),
        Group(kind="tree", colour="blue", number=1, position="middle"),
    ),
    seed=7,
)
DOG, TREE = KINDS.index("dog") + 1, KINDS.index("tree") + 1
RED, BLUE = COLOURS.index("red"), COLOURS.index("blue")


def test_thirds_are_labelled_with_what_stands_in_them():
    told = labels([Seen(TWO, None)])
    assert told.kinds.tolist() == [[DOG, TREE, NOTHING]]
    assert told.colours.tolist() == [[RED, BLUE, UNKNOWN]]
    assert told.numbers.tolist() == [[1, 0, UNKNOWN]]
    assert told.scene.tolist() == [[PLACES.index("meadow"), TIMES.index("dusk"), WEATHERS.index("rain")]]


def test_patches_are_labelled_with_the_thing_whose_box_they_are_in():
    told = labels([Seen(TWO, None)])
    kinds = told.patch_kinds.reshape(GRID, GRID)
    assert set(kinds[:, :2].ravel()) == {NOTHING, DOG}
    assert set(kinds[:, 3:5].ravel()) == {NOTHING, TREE}
    assert set(kinds[:, 6:].ravel()) == {NOTHING}
    assert set(told.patch_colours[told.patch_kinds == DOG]) == {RED}
    assert set(told.patch_colours[told.patch_kinds == NOTHING]) == {UNKNOWN}


def test_every_thing_has_one_centre_and_it_is_on_that_thing():
    drawings = [sample(Random(seed)) for seed in range(60)]
    told = labels(Seen(drawing, None) for drawing in drawings)
    assert told.centres.sum(-1).tolist() == [sum(group.number for group in one.groups) for one in drawings]
    assert (told.patch_kinds[told.centres == 1] != NOTHING).all()


def test_a_half_is_labelled_as_it_is_shown_and_says_nothing_of_what_it_does_not_show():
    left, right = labels([Seen(TWO, "left")]), labels([Seen(TWO, "right")])
    assert left.kinds.tolist() == [[DOG, UNKNOWN, UNKNOWN]]
    assert right.kinds.tolist() == [[UNKNOWN, TREE, NOTHING]]
    assert right.colours.tolist() == [[UNKNOWN, BLUE, UNKNOWN]]
    assert right.numbers.tolist() == [[UNKNOWN, UNKNOWN, UNKNOWN]]
    assert set(left.patch_kinds[left.centres == 1]) == {DOG}
    assert set(right.patch_kinds.reshape(GRID, GRID)[:, 4:].ravel()) == {NOTHING}
    assert TREE in right.patch_kinds.reshape(GRID, GRID)[:, 0]


def test_pictures_are_kept_as_they_are_drawn():
    pixels, spots = drawn(TWO)
    assert pixels.shape == (3, SIDE, SIDE)
    assert pixels.dtype == np.uint8
    assert [spot.kind for spot in spots] == ["dog", "dog", "tree"]


def test_only_held_out_pairs_are_told_as_such():
    kinds = np.array([[KINDS.index("boat") + 1, KINDS.index("boat") + 1, NOTHING]])
    colours = np.array([[COLOURS.index("green"), COLOURS.index("red"), UNKNOWN]])
    assert held_out(kinds, colours).tolist() == [[True, False, False]]


def test_every_patch_has_a_place_of_its_own_in_bfloat16():
    from transformers.models.idefics3.modeling_idefics3 import Idefics3VisionConfig, Idefics3VisionEmbeddings

    eye = Idefics3VisionEmbeddings(Idefics3VisionConfig(**VISION)).bfloat16()
    eye.patch_embedding.weight.data.zero_()
    eye.patch_embedding.bias.data.zero_()
    shown = torch.zeros(1, 3, SIDE, SIDE, dtype=torch.bfloat16)
    places = eye(shown, torch.ones(1, GRID, GRID, dtype=torch.bool))[0]
    assert torch.equal(places, eye.position_embedding.weight)


def _tokens(told):
    """Return patches and tokens that differ from each other."""
    rng = torch.Generator().manual_seed(0)
    patches = torch.randn(len(told.kinds), GRID**2, 32, generator=rng)
    tokens = torch.randn(len(told.kinds), (GRID // SHUFFLE) ** 2, 64, generator=rng)
    return patches, tokens


def _as_tensors(told):
    return type(told)(*(torch.from_numpy(part) for part in told))


def test_heads_learn_to_read_their_labels():
    torch.manual_seed(0)
    told = labels([Seen(TWO, half) for half in (None, "left", "right")])
    patches, tokens = _tokens(told)
    heads = Heads(32, 64)
    steps = torch.optim.AdamW(heads.parameters(), lr=1e-2)
    first = heads(patches, tokens, _as_tensors(told))
    for _ in range(60):
        steps.zero_grad()
        loss = heads(patches, tokens, _as_tensors(told))
        loss.backward()
        steps.step()
    assert float(loss.detach()) < 0.2 * float(first.detach())


def test_what_cannot_be_told_of_any_picture_counts_for_nothing():
    told = labels([Seen(TWO, "left")])
    blank = told._replace(colours=np.full_like(told.colours, UNKNOWN))
    heads = Heads(32, 64)
    loss = heads(*_tokens(blank), _as_tensors(blank))
    loss.backward()
    assert torch.isfinite(loss)
    assert not heads.colour.weight.grad.any()
    assert heads.kind.weight.grad.any()


def test_reads_tell_the_share_that_is_right_of_each_sort():
    torch.manual_seed(0)
    heads = Heads(32, 64)
    with torch.no_grad():
        heads.kind.weight.zero_()
        heads.kind.bias.copy_(torch.nn.functional.one_hot(torch.tensor(DOG), len(KINDS) + 1))
    told = reads(lambda pixels: _tokens(labels([Seen(TWO, None)] * len(pixels))), heads, [Seen(TWO, None)] * 3)
    assert told["kind"] == pytest.approx(1 / 2)
    assert told["position"] == 0
    assert "pair kind" not in told


def test_reads_tell_held_out_pairs_apart():
    boat = Group(kind="boat", colour="green", number=1, position="left")
    drawing = TWO.model_copy(update={"groups": (boat,)})
    heads = Heads(32, 64)
    told = reads(lambda pixels: _tokens(labels([Seen(drawing, None)] * len(pixels))), heads, [Seen(drawing, None)])
    assert told["pair kind"] == told["kind"]
    assert told["pair colour"] == told["colour"]
