"""Lessons as token ids and pixels: the very same that an engine makes of the same messages."""

from collections.abc import Callable, Sequence
from itertools import count, islice
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from tokenizers import Tokenizer

from sandbox.engines.encoding import Encoder
from sandbox.storybook.lessons.drills import reading
from sandbox.storybook.lessons.lesson import Lesson, Seen, Turn, lessons
from sandbox.storybook.model import new_model, save_checkpoint
from sandbox.storybook.pretraining.batches import (
    DRILLS_AMONG_LESSONS,
    LONGEST,
    batches,
    pool,
    written,
)
from sandbox.storybook.pretraining.recipe import Scale
from sandbox.storybook.tokenizer import END, IMAGE, IMAGE_TOKENS, PAD
from scenes.chat import Segment
from scenes.storybook.drawing import draw_lots
from scenes.storybook.render import render


@pytest.fixture(scope="module")
def checkpoint(tokenizer: Tokenizer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model") / "checkpoint"
    save_checkpoint(new_model(), tokenizer, folder)
    return folder


def _picture(seen: Seen, size: int) -> Image.Image:
    whole = render(seen.drawing, size)
    left = size // 2 if seen.half == "right" else 0
    return whole if seen.half is None else whole.crop((left, 0, left + size // 2, size))


def _segments(turns: Sequence[Turn]) -> list[Segment]:
    """Return messages as an engine is given them; pictures go by their places."""
    pictures, segments = count(), []
    for turn in turns:
        for at, part in enumerate(turn.parts):
            content = {"image": str(next(pictures))} if part is None else {"text": part}
            segments.append(Segment("history", turn.role, glue="", starts_message=at == 0, **content))
    return segments


def _two_pictures() -> Lesson:
    turns = (
        Turn("system", ("You are Pip.",), False),
        Turn("user", ("Look:\n", None, "\nand", None, "Vale: Well? ", "Is it 7?"), False),
        Turn("assistant", ("Two boats, {lad}!",), True),
        Turn("user", ("Vale: Sure?",), False),
        Turn("assistant", ("Sure.",), True),
    )
    return Lesson(turns, (Seen(draw_lots(1), None), Seen(draw_lots(2), "right")), "line")


@pytest.mark.parametrize("told", [_two_pictures, lambda: next(lessons(5)), lambda: reading(Seen(draw_lots(4), None))])
def test_ids_and_pixels_are_those_of_an_engine(
    told: Callable[[], Lesson], checkpoint: Path, tokenizer: Tokenizer
) -> None:
    lesson = told()
    *asked, reply = lesson.turns
    encoder = Encoder(str(checkpoint), lambda image: _picture(lesson.pictures[int(image)], 128))
    inputs = encoder.tensors(encoder.encode(_segments(asked)))
    mine = next(batches([written(lesson, tokenizer)], 1))
    said = [*tokenizer.encode("".join(part or "" for part in reply.parts)).ids, END]
    assert [*inputs["input_ids"][0].tolist(), *said] == [token for token in mine.ids[0].tolist() if token != PAD]
    shown = torch.from_numpy(mine.pixels).float().div(127.5).sub(1)
    torch.testing.assert_close(shown, inputs["pixel_values"][0], atol=1e-5, rtol=0)
    assert bool(inputs["pixel_attention_mask"].all())


def test_a_large_picture_is_nearly_the_small_one_to_the_model(checkpoint: Path) -> None:
    seen = Seen(draw_lots(8), None)
    small, large = (
        Encoder(str(checkpoint), lambda image, size=size: _picture(seen, size)).tensors  # type: ignore[misc]
        for size in (128, 512)
    )
    prompts = [Segment("images", "user", image="0")]
    encoded = Encoder(str(checkpoint), lambda image: _picture(seen, 128)).encode(prompts)
    difference = (small(encoded)["pixel_values"] - large(encoded)["pixel_values"]).abs()
    assert 0 < float(difference.mean()) < 0.02


def test_what_is_learned_is_the_words_of_learned_turns_and_their_end(tokenizer: Tokenizer) -> None:
    one = written(_two_pictures(), tokenizer)
    said = [token for token, learned in zip(one.ids, one.learned, strict=True) if learned]
    words = [tokenizer.encode(text).ids for text in ("Two boats, {lad}!", "Sure.")]
    assert said == [*words[0], END, *words[1], END]


def test_a_long_lesson_loses_whole_turns(tokenizer: Tokenizer) -> None:
    spoken = (Turn("user", (None, "Vale: " + "boat " * 300), False), Turn("assistant", ("Aye.",), True)) * 5
    one = written(Lesson(spoken, (Seen(draw_lots(1), None),) * 5, "line"), tokenizer)
    assert len(one.ids) <= LONGEST
    assert one.ids[-1] == END
    assert one.ids.count(IMAGE) == IMAGE_TOKENS * len(one.pictures) > 0


def test_a_batch_is_hardly_padding_and_no_more_work_than_allowed(tokenizer: Tokenizer) -> None:
    sequences = [written(lesson, tokenizer) for lesson in islice(lessons(1), 300)]
    made = list(batches(sequences, 4096))
    assert sum(len(batch.ids) for batch in made) == len(sequences)
    tokens = sum(batch.ids.size for batch in made)
    assert sum(int((batch.ids == PAD).sum()) for batch in made) < 0.12 * tokens
    assert max(batch.ids.size + 64 * len(batch.ids) for batch in made) <= 4096
    shapes = {batch.ids.shape for batch in made[:-1]}
    assert len(shapes) == len({tokens for _, tokens in shapes})
    assert all((batch.ids == IMAGE).sum() == IMAGE_TOKENS * len(batch.pixels) for batch in made)


def test_pictures_stand_in_the_order_of_their_places(tokenizer: Tokenizer) -> None:
    one, other = (written(reading(Seen(draw_lots(seed), None)), tokenizer) for seed in (1, 2))
    longer = one._replace(ids=[*one.ids, END], learned=[*one.learned, True])
    made = next(batches([longer, other], 10_000))
    for row, seed in ((0, 1), (1, 2)) if len(other.ids) <= len(longer.ids) else ((0, 2), (1, 1)):
        np.testing.assert_array_equal(made.pixels[row].transpose(1, 2, 0), np.asarray(render(draw_lots(seed), 128)))


def test_a_pool_is_the_same_whenever_it_is_made(tokenizer: Tokenizer, small: Scale) -> None:
    one, again, other, next_one = (
        pool("lessons", seed, number, tokenizer, small) for seed, number in ((1, 0), (1, 0), (2, 0), (1, 1))
    )
    assert [batch.ids.tolist() for batch in one] == [batch.ids.tolist() for batch in again]
    assert all((a.pixels == b.pixels).all() for a, b in zip(one, again, strict=True))
    for unlike in (other, next_one):
        assert [batch.ids.tolist() for batch in one] != [batch.ids.tolist() for batch in unlike]


def test_a_pool_of_pictures_has_no_words(tokenizer: Tokenizer, small: Scale) -> None:
    made = pool("pictures", 0, 0, tokenizer, small)
    assert [len(batch.pixels) for batch in made] == [4, 4, 4]
    assert all(batch.ids.size == 0 and batch.labels is not None for batch in made)


def test_a_lesson_in_which_nothing_is_learned_is_left_out(
    tokenizer: Tokenizer, small: Scale, monkeypatch: pytest.MonkeyPatch
) -> None:
    spoken = Lesson((Turn("user", ("Vale: Well?",), False),), (), "line")
    monkeypatch.setattr("sandbox.storybook.pretraining.batches.lessons", lambda seed: iter([spoken] * 100))
    assert sum(len(batch.ids) for batch in pool("lessons", 0, 0, tokenizer, small)) == round(
        small.pool * DRILLS_AMONG_LESSONS
    )
