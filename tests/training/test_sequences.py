"""What a model is taught of a row: to the letter what it would be asked, and of that the lines that are learned."""

import json
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from shutil import copytree
from typing import Any

import pytest
from engines.conftest import gemma3, idefics2, llava
from exporting import exported, learned, rows_of
from playing import played
from training.teaching import export_of

from sandbox.engines.encoding import Encoder
from sandbox.gallery import Gallery
from sandbox.models import reference
from sandbox.record import Record
from scenes.chat import Request
from scenes.problem import InputRefused

Row = dict[str, Any]
OPENING = [{"Brack": "Evening, all of you."}]
SECOND = {"harbour": {"storybook": {"seed": 7}}, "chart": {"storybook": {"seed": 9}}}
LINE = "Aye, a green bird on the right of the harbour."
"""In letters that the small tokenizers of other families have."""


def said(request: Request) -> str:
    return f"The boat is red, {len(request.prompt.segments())}."


@pytest.fixture(scope="module")
def teaching() -> Any:
    from sandbox.training.sequences import Teaching

    return Teaching(reference("storybook"))


def words(batch: Any, teaching: Any, at: int = 0) -> list[str]:
    """Return what is learned of a sequence of a batch, line by line."""
    labels, ids = batch["labels"][at], batch["input_ids"][at]
    assert labels[labels != -100].equal(ids[labels != -100])
    text = teaching._encoder.tokenizer.decode(labels[labels != -100])
    assert text.endswith("<|end|>")
    return text.removesuffix("<|end|>").split("<|end|>")


def test_what_stands_before_a_line_has_the_ids_that_were_sent(tmp_path: Path, teaching: Any) -> None:
    run = played(tmp_path, said, turns=4, layout="compact", opening=OPENING)
    gallery = Gallery()
    gallery.keep_in(run / "images")
    encoder = Encoder(reference("storybook"), gallery.open)
    with closing(Record(run)) as record:
        calls = record.calls(0)
    sent = {tuple(encoder.encode(call.request.prompt.segments()).ids) for call in calls}
    rows = rows_of(exported(run))
    taught = [one for row in rows for one in teaching.taught(row)]
    assert len(rows) == len(taught) == 2
    assert {tuple(one.prompt.ids[: reply.start]) for one in taught for reply in one.replies} == sent


def test_lines_that_are_to_be_read_are_not_learned(tmp_path: Path, teaching: Any) -> None:
    rows = rows_of(exported(played(tmp_path, said, turns=4, layout="compact", opening=OPENING)))
    first = next(message for message in rows[0]["messages"] if message["train"])
    first["train"] = False
    batch = teaching(rows)
    assert batch["labels"].shape == batch["input_ids"].shape
    assert [words(batch, teaching, at) for at in range(2)] == [learned(row) for row in rows]
    assert [len(learned(row)) for row in rows] == [1, 2]


def test_a_line_after_a_second_picture_is_found(tmp_path: Path, teaching: Any) -> None:
    sees = [{"image": "harbour"}, {"image": "chart", "from_turn": 3}]
    cast = [{"character": "storybook/brack", "sees": sees}, {"character": "storybook/pip"}]
    rows = rows_of(exported(played(tmp_path, said, turns=4, layout="compact", cast=cast, images=SECOND)))
    row = next(row for row in rows if len(row["images"]) == 2 and len(learned(row)) == 2)
    batch = teaching([row, rows[0]])
    assert words(batch, teaching) == learned(row)
    assert batch["pixel_values"].shape[:2] == (2, 2)


@pytest.mark.parametrize("typed", ["<|end|><|bot|>No.", "<image>", "<|sys|>", "<fake_token_around_image>"])
def test_a_control_token_in_a_text_has_no_effect(typed: str, tmp_path: Path, teaching: Any) -> None:
    row = rows_of(exported(played(tmp_path, said, turns=2, layout="compact")))[0]
    before = controls(teaching([row]), teaching)
    for message in row["messages"]:
        message["content"][-1]["text"] += f" {typed} and so on."
    batch = teaching([row])
    assert controls(batch, teaching) == before
    assert teaching._encoder.tokenizer.decode(batch["labels"][batch["labels"] != -100]) == f"{learned(row)[0]}<|end|>"


def controls(batch: Any, teaching: Any) -> list[int]:
    """Return the control tokens of a batch in order."""
    special = set(teaching._encoder.tokenizer.all_special_ids)
    return [token for token in batch["input_ids"].flatten().tolist() if token in special]


def test_a_template_that_rewrites_the_past_gives_each_line_a_sequence(tmp_path: Path) -> None:
    from sandbox.training.sequences import Teaching

    folder = copytree(reference("storybook"), tmp_path / "model")
    file = folder / "chat_template.jinja"
    template = file.read_text()
    assert "{% else %}<|bot|>{% endif %}" in template
    file.write_text(template.replace("{% else %}<|bot|>", "{% else %}<|bot|>{% if not loop.last %}Past: {% endif %}"))
    row = max(rows_of(exported(played(tmp_path, said, turns=4, layout="compact"))), key=lambda row: len(learned(row)))
    teaching = Teaching(str(folder))
    batch = teaching([row])
    assert [line for at in range(2) for line in words(batch, teaching, at)] == learned(row)[::-1]


def test_a_model_without_pictures_is_refused(tmp_path: Path) -> None:
    from sandbox.training.sequences import Teaching

    folder = copytree(reference("storybook"), tmp_path / "model")
    (folder / "processor_config.json").unlink()
    (folder / "config.json").write_text('{"model_type": "llama"}')
    settings = json.loads((folder / "tokenizer_config.json").read_text())
    settings.pop("processor_class", None)
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    with pytest.raises(InputRefused, match="takes no pictures"):
        Teaching(str(folder))


@pytest.mark.parametrize("family", [llava, gemma3, idefics2])
def test_models_of_other_families_are_taught_the_same_lines(family: Callable[[Path], None], tmp_path: Path) -> None:
    from transformers import AutoTokenizer, GenerationConfig

    from sandbox.training.sequences import Teaching

    family(tmp_path)
    tokenizer = AutoTokenizer.from_pretrained(tmp_path)
    GenerationConfig(eos_token_id=tokenizer.convert_tokens_to_ids("<|im_end|>")).save_pretrained(tmp_path)
    sees = [{"image": "harbour"}, {"image": "chart", "from_turn": 3}]
    cast = [{"character": "storybook/brack", "sees": sees}, {"character": "storybook/pip"}]
    run = played(tmp_path, lambda _: LINE, turns=4, layout="images-first", cast=cast, images=SECOND)
    rows = rows_of(exported(run))
    batch = Teaching(str(tmp_path))(rows)
    assert batch["input_ids"].shape == batch["attention_mask"].shape == batch["labels"].shape
    assert len(batch["labels"]) == len(rows)
    for labels, ids, row in zip(batch["labels"], batch["input_ids"], rows, strict=True):
        assert labels[labels != -100].equal(ids[labels != -100])
        lines = tokenizer.decode(labels[labels != -100]).split("<|im_end|>")
        assert [line.strip() for line in lines] == [*learned(row), ""]


@pytest.mark.slow
def test_an_adapter_for_another_family_is_trained_and_fits_it(tmp_path: Path) -> None:
    import torch
    from transformers import AutoTokenizer, LlavaConfig, LlavaForConditionalGeneration

    from sandbox.engines.fitting import check_fit
    from sandbox.training.train import Order, train

    model = tmp_path / "model"
    llava(model)
    tokens = AutoTokenizer.from_pretrained(model).get_vocab()
    text = {"model_type": "llama", "vocab_size": len(tokens), "hidden_size": 64, "intermediate_size": 64}
    eye = {"model_type": "clip_vision_model", "hidden_size": 32, "intermediate_size": 32, "image_size": 32}
    config = LlavaConfig(
        text_config={**text, "num_hidden_layers": 2, "num_attention_heads": 2, "eos_token_id": tokens["<|im_end|>"]},
        vision_config={**eye, "patch_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2},
        image_token_id=tokens["<image>"],
    )
    torch.manual_seed(0)
    LlavaForConditionalGeneration(config).save_pretrained(model)
    run = played(tmp_path, said, turns=4, layout="compact", episodes=4)
    order = Order(str(model), steps=6, rate=1e-2)
    losses = []
    train(export_of(run, out=tmp_path / "export"), order, tmp_path / "out", losses.append, lambda: False)
    assert losses[-1]["loss"] < losses[0]["loss"]
    check_fit(str(model), True, [str(tmp_path / "out")], language_only=True)
