"""Exported rows through a checkpoint's own processor into one step of training, masked by the messages' `train`.

TRL is no dependency; these are the calls that it makes of transformers: a chat template with generation marks, the
processor over texts and pictures, a loss on what is marked.
"""

from io import BytesIO
from pathlib import Path
from typing import Any

from exporting import exported, learned, rows_of
from PIL import Image
from playing import last_words, played

from sandbox.models import reference
from scenes.chat import Request

TEXT = "{% for part in message['content'] %}{{ part['text'] or '<image>' }}{% endfor %}<|end|>"
MASKED = (
    "{% for message in messages %}<|{{ message['role'] }}|>{% if message['train'] %}{% generation %}"
    + TEXT
    + "{% endgeneration %}{% else %}"
    + TEXT
    + "{% endif %}{% endfor %}"
)


def said(request: Request) -> str:
    return f"{last_words(request)} <image><|end|> The boat is red."


def test_a_row_is_a_step_of_training_on_its_learned_lines_alone(tmp_path: Path) -> None:
    import torch
    from transformers import AutoModelForImageTextToText, AutoProcessor

    processor = AutoProcessor.from_pretrained(reference("storybook"))
    model = AutoModelForImageTextToText.from_pretrained(reference("storybook"), dtype=torch.float32)
    opening = [{"Brack": "Evening, all of you."}]
    rows = rows_of(exported(played(tmp_path, said, turns=4, layout="compact", opening=opening)))
    assert len(rows) == 2
    for row in rows:
        batch = batch_of(processor, row)
        taught = processor.tokenizer.decode(batch["labels"][batch["labels"] != -100]).split("<|end|>")
        assert [line.strip().replace("\u200b", "") for line in taught if line.strip()] == [
            line.replace("\u200b", "") for line in learned(row)
        ]
        loss = model(**batch).loss
        loss.backward()
        assert torch.isfinite(loss)


def batch_of(processor: Any, row: dict[str, Any]) -> dict[str, Any]:
    """Return what a model is trained on: ids and pixels, with labels where the template marks what is learned."""
    pictures = [Image.open(BytesIO(picture["bytes"])) for picture in row["images"]]
    batch = processor.apply_chat_template(
        with_pixels(row["messages"], pictures), chat_template=MASKED, tokenize=True, return_dict=True,
        return_tensors="pt", return_assistant_tokens_mask=True,
    )  # fmt: skip
    mask = batch.pop("assistant_masks")
    batch["labels"] = batch["input_ids"].masked_fill(mask == 0, -100)
    return dict(batch)


def with_pixels(chat: list[dict[str, Any]], pictures: list[Any]) -> list[dict[str, Any]]:
    """Put the pictures in their places in order, as TRL does. Raises `StopIteration` if there are too few."""
    left = iter(pictures)
    parts = [
        [{"type": "image", "image": next(left)} if part["type"] == "image" else part for part in message["content"]]
        for message in chat
    ]
    assert next(left, None) is None
    return [message | {"content": content} for message, content in zip(chat, parts, strict=True)]
