"""The storybook model as a checkpoint: what any library makes of it."""

import json
from hashlib import sha256
from pathlib import Path

import pytest
import torch
from tokenizers import Tokenizer
from transformers import AutoModelForImageTextToText, AutoProcessor

from sandbox.storybook.model import new_model, save_checkpoint
from sandbox.storybook.pretraining.attention import NAME
from sandbox.storybook.pretraining.eye import SIDE, VISION
from sandbox.storybook.pretraining.learner import Learner
from sandbox.storybook.tokenizer import CONTROLS, IMAGE, IMAGE_TOKENS, PICTURE
from scenes.storybook.drawing import draw_lots
from scenes.storybook.render import render


@pytest.fixture(scope="module")
def learner() -> Learner:
    return Learner(seed=1, device="cpu", rate=1e-3)


@pytest.fixture(scope="module")
def checkpoint(learner: Learner, tokenizer: Tokenizer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model") / "checkpoint"
    save_checkpoint(learner.model, tokenizer, folder)
    return folder


def test_it_is_small_enough_to_ship(checkpoint: Path) -> None:
    assert sum(weight.numel() for weight in new_model().parameters()) <= 6_000_000
    assert (checkpoint / "model.safetensors").stat().st_size <= 12_000_000
    assert json.loads((checkpoint / "config.json").read_bytes())["text_config"]["max_position_embeddings"] >= 2048


def test_its_files_are_those_of_a_standard_checkpoint(checkpoint: Path) -> None:
    assert {file.name for file in checkpoint.iterdir()} == {
        "SHA256", "chat_template.jinja", "config.json", "generation_config.json", "model.safetensors",
        "processor_config.json", "tokenizer.json", "tokenizer_config.json",
    }  # fmt: skip
    digest, name = (checkpoint / "SHA256").read_text().split()
    assert digest == sha256((checkpoint / name).read_bytes()).hexdigest()


def test_transformers_computes_from_it_what_was_trained(checkpoint: Path, learner: Learner) -> None:
    loaded = AutoModelForImageTextToText.from_pretrained(checkpoint, dtype=torch.bfloat16).eval()
    loaded.set_attn_implementation({"vision_config": "eager", "text_config": NAME})  # as in training, to the last bit
    processor = AutoProcessor.from_pretrained(checkpoint)
    asked = [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "Scene: Read the picture."}]}]
    prompt = processor.apply_chat_template(asked, add_generation_prompt=True)
    inputs = processor(text=[prompt], images=[[render(draw_lots(1), 128)]], return_tensors="pt")
    with torch.no_grad():
        theirs = loaded(**inputs).logits
        ours = learner.model.eval()(**inputs).logits
    assert torch.equal(theirs, ours)
    assert prompt.startswith("<|user|><image>Scene:")
    assert inputs["input_ids"][0, 1 : 1 + len(PICTURE)].tolist() == list(PICTURE)


def test_its_control_tokens_are_within_its_vocabulary(checkpoint: Path) -> None:
    tokenizer = AutoProcessor.from_pretrained(checkpoint).tokenizer
    assert tokenizer.convert_tokens_to_ids(list(CONTROLS)) == list(range(len(CONTROLS)))
    assert len(tokenizer) == new_model().config.text_config.vocab_size


def test_the_eye_gives_as_many_tokens_as_a_picture_has_places() -> None:
    config = new_model().config
    assert config.image_token_id == IMAGE
    assert VISION["image_size"] == SIDE
    patches = (config.vision_config.image_size // config.vision_config.patch_size) ** 2
    assert patches // config.scale_factor**2 == IMAGE_TOKENS
