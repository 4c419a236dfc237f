"""A picture's tokens are told by its size: as many as the processor makes of what is really on it."""

import random

import pytest
from PIL import Image

from sandbox.engines.encoding import Encoder
from scenes.chat import Segment

SIZES = ["128x128", "40x90", "640x48", "1x1", "33x31"]


def drawn(name: str) -> Image.Image:
    """A picture of many colours; its id is its size and a number."""
    size = name.partition("#")[0].split("x")
    width, height = map(int, size)
    return Image.frombytes("RGB", (width, height), random.Random(name).randbytes(3 * width * height))


@pytest.mark.parametrize("family", ["storybook", "llava", "gemma3", "idefics2"])
@pytest.mark.parametrize("size", SIZES)
def test_a_prompt_is_as_long_as_the_processor_makes_it(family: str, size: str, folders: dict[str, str]) -> None:
    encoder = Encoder(folders[family], drawn)
    prompt = encoder.encode([Segment("images", "user", image=size), Segment("history", "user", "Aye?")])
    assert prompt.length >= encoder.tensors(prompt)["input_ids"].shape[1] > prompt.length - 3


def test_pictures_of_one_size_are_measured_once_and_each_is_asked_for_once(folders: dict[str, str]) -> None:
    encoder = Encoder(folders["storybook"], drawn)
    asked: list[str] = []
    encoder._pictures = lambda name: asked.append(name) or drawn(name)  # type: ignore[func-returns-value]
    for name in ["64x48#1", "64x48#2", "128x128#3"] * 3:
        encoder.encode([Segment("images", "user", image=name)])
    assert asked == ["64x48#1", "64x48#2", "128x128#3"]
    assert (encoder.pictures, encoder.sizes, encoder.opened) == (3, 2, 3)
    prompt = encoder.encode([Segment("images", "user", image="64x48#1")])
    assert encoder.images(prompt, known={"64x48#1"}) == [None]
