"""The storybook model: an Idefics3 of about five million parameters, and its checkpoint as any library reads it."""

from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sandbox.storybook.pretraining.eye import SHUFFLE, VISION
from sandbox.storybook.tokenizer import BEGIN, END, IMAGE, IMAGE_TOKENS, PAD, VOCABULARY, for_transformers

if TYPE_CHECKING:
    from tokenizers import Tokenizer

CONTEXT = 2048
"""Tokens of a prompt with its reply."""
TEXT = {
    "hidden_size": 256,
    "intermediate_size": 640,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "num_key_value_heads": 4,
    "head_dim": 64,
}
"""Attention heads are 64 wide since vLLM's CPU kernels take none under 32."""
_ENDS = {"pad_token_id": PAD, "bos_token_id": BEGIN, "eos_token_id": END}
_CUBIC = 3


def new_model() -> Any:
    """Return the model with weights drawn from torch's generator, in float32."""
    from transformers import Idefics3Config, Idefics3ForConditionalGeneration

    text = {
        "model_type": "llama",
        "vocab_size": VOCABULARY,
        "max_position_embeddings": CONTEXT,
        "rope_parameters": {"rope_type": "default", "rope_theta": 10_000.0},
        "tie_word_embeddings": True,
        **TEXT,
        **_ENDS,
    }
    config = Idefics3Config(
        vision_config=dict(VISION),
        text_config=text,
        scale_factor=SHUFFLE,
        image_token_id=IMAGE,
        tie_word_embeddings=True,
        pad_token_id=PAD,
    )
    config.bos_token_id, config.eos_token_id = BEGIN, END
    model = Idefics3ForConditionalGeneration(config)
    model.generation_config.update(**_ENDS)
    return model


def save_checkpoint(model: Any, tokenizer: "Tokenizer", folder: Path) -> None:
    """Write `model` in bfloat16 with its tokenizer, processor and template into `folder`. Raises `OSError`."""
    from copy import deepcopy

    import torch
    import transformers

    folder.mkdir(parents=True, exist_ok=True)
    transformers.utils.logging.disable_progress_bar()
    deepcopy(model).to("cpu", torch.bfloat16).save_pretrained(folder)
    processor(tokenizer).save_pretrained(folder)
    weights = folder / "model.safetensors"
    weights.chmod(0o644)  # it is written for its owner alone
    digest = sha256(weights.read_bytes()).hexdigest()
    (folder / "SHA256").write_text(f"{digest}  {weights.name}\n", encoding="utf-8")


def processor(tokenizer: "Tokenizer") -> Any:
    """Return what makes a prompt with pictures into the model's input.

    Of the ways to shrink a picture, a cubic one makes of a drawing of 512 pixels nearly what it is in 128; averaging
    comes a little nearer, but torchvision, which transformers shrinks with where it is installed, has no such way.
    """
    from transformers import Idefics3Processor
    from transformers.models.idefics3.image_processing_pil_idefics3 import Idefics3ImageProcessorPil

    side = {"longest_edge": VISION["image_size"]}
    images = Idefics3ImageProcessorPil(
        size=side,
        max_image_size=side,
        do_image_splitting=False,
        image_mean=[0.5] * 3,
        image_std=[0.5] * 3,
        resample=_CUBIC,
    )
    wrapped = for_transformers(tokenizer, CONTEXT)
    return Idefics3Processor(images, wrapped, image_seq_len=IMAGE_TOKENS, chat_template=wrapped.chat_template)
