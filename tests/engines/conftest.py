"""What the engines are tested on: the embedded checkpoint, tiny processors of several families, models built here."""

from collections.abc import Callable, Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from asking import CONFIGS
from PIL import Image

from sandbox.engines.engine import Engine
from sandbox.engines.start import start
from scenes.chat import Prompt, Request, Sampling, Segment

CORPUS = (
    "Aye, a green bird on the right of the harbour.",
    "You are Captain Brack, a gruff sea captain. You like: boat. You hate: fog.",
    "Look there, it goes again! Do you see the red balloon?",
    "system user assistant image start end tool call",
)
CHATML = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n"
    "{% for part in message['content'] %}"
    "{% if part['type'] == 'image' %}PICTURE{% else %}{{ part['text'] }}{% endif %}"
    "{% endfor %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
ALTERNATING = (
    "{{ bos_token }}{% for message in messages %}"
    "{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('Conversation roles must alternate user/assistant/user/assistant/...') }}{% endif %}"
    "{% if message['role'] == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}"
    "<|im_start|>{{ message['role'] }}\n"
    "{% for part in message['content'] %}"
    "{% if part['type'] == 'image' %}PICTURE{% else %}{{ part['text'] | trim }}{% endif %}"
    "{% endfor %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
CHAT_TOKENS = ["<|im_start|>", "<|im_end|>"]


@pytest.fixture(scope="session")
def storybook() -> str:
    return str(files("sandbox.storybook") / "checkpoint")


@pytest.fixture(scope="session")
def pictures() -> Callable[[str], Image.Image]:
    """Pictures whose id is their colour and size: `red-64x48`."""

    def picture(name: str) -> Image.Image:
        colour, _, size = name.partition("-")
        width, _, height = (size or "128x128").partition("x")
        return Image.new("RGB", (int(width), int(height)), colour)

    return picture


@pytest.fixture(scope="session")
def ask() -> Callable[..., Request]:
    """Make a request of segments; what else is named goes into its sampling."""

    def request(*segments: Segment, seed: int = 0, **sampling: Any) -> Request:
        return Request("model", Prompt().then(*segments), Sampling(**sampling), seed)

    return request


@pytest.fixture(scope="module", params=["transformers", pytest.param("vllm", marks=pytest.mark.vllm)])
def kind(request: pytest.FixtureRequest) -> str:
    """The engines that compute a model; a module that tests one of them overrides this."""
    return str(request.param)


@pytest.fixture(scope="module")
def engine(kind: str, storybook: str, pictures: Callable[[str], Image.Image]) -> Iterator[Engine]:
    """The embedded model with room for two pictures and 384 tokens."""
    engine = start(CONFIGS[kind], storybook, pictures, 2)
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def inclined(
    kind: str, tmp_path_factory: pytest.TempPathFactory, pictures: Callable[[str], Image.Image]
) -> Iterator[Callable[..., Engine]]:
    """Make an engine of a model that draws each token afresh, from the same scores: 0 but for those given by token."""
    engines: dict[str, Engine] = {}

    def inclined(**scores: float) -> Engine:
        if str(scores) not in engines:
            folder = tmp_path_factory.mktemp("inclined")
            memoryless(folder, scores)
            engines[str(scores)] = start(CONFIGS[kind], str(folder), pictures, 0)
        return engines[str(scores)]

    yield inclined
    for engine in engines.values():
        engine.close()


@pytest.fixture(scope="session")
def folders(tmp_path_factory: pytest.TempPathFactory, storybook: str) -> dict[str, str]:
    """Model folders by family. All but the embedded one hold a processor only, no weights."""
    built = {family.__name__: tmp_path_factory.mktemp(family.__name__) for family in FAMILIES}
    for family in FAMILIES:
        family(built[family.__name__])
    return {"storybook": storybook, **{name: str(folder) for name, folder in built.items()}}


@pytest.fixture(scope="session")
def language_model(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The folder of a model without pictures, with weights that mean nothing."""
    import torch

    folder = tmp_path_factory.mktemp("language_model")
    text_only(folder)
    torch.manual_seed(0)
    tiny_llama(256).save_pretrained(folder)
    return str(folder)


def tiny_llama(context_length: int) -> Any:
    """A model with more scores than `text_only` has tokens."""
    from transformers import LlamaConfig, LlamaForCausalLM

    sizes = {"vocab_size": 640, "hidden_size": 64, "intermediate_size": 64, "num_hidden_layers": 2}
    heads = {"num_attention_heads": 2, "head_dim": 32}
    return LlamaForCausalLM(LlamaConfig(**sizes, **heads, max_position_embeddings=context_length, eos_token_id=2))


def memoryless(folder: Path, scores: dict[str, float]) -> None:
    """A model whose layers add nothing to what is the same for every token, so that its scores never change.

    As with many a chat model its reply ends with one more token than its tokenizer says: here with `<|im_start|>`.
    """
    import torch

    tokens = text_only(folder).get_vocab()
    model = tiny_llama(384)
    model.generation_config.eos_token_id = [tokens[token] for token in CHAT_TOKENS]
    with torch.no_grad():
        for layer in model.model.layers:
            layer.self_attn.o_proj.weight.zero_()
            layer.mlp.down_proj.weight.zero_()
        model.model.embed_tokens.weight.fill_(1)
        model.lm_head.weight.zero_()
        for token, score in scores.items():
            model.lm_head.weight[tokens[token]] = score / model.config.hidden_size
    model.save_pretrained(folder)


def byte_level_bpe(special: list[str], **tokens: Any) -> Any:
    """A tokenizer as GPT-2's or Qwen's, with a token for tool calls that is added but not special."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=600, special_tokens=special, initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator(CORPUS * 4, trainer)
    tokenizer.add_tokens(["<tool_call>"])
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, **tokens)


def sentencepiece_unigram(special: list[str], **tokens: Any) -> Any:
    """A tokenizer as T5's or LLaVA's: pieces with `▁`, NFKC before anything, a token that swallows blanks after it."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first")
    tokenizer.decoder = decoders.Metaspace(prepend_scheme="first")
    trainer = trainers.UnigramTrainer(vocab_size=400, special_tokens=special, unk_token="<unk>", show_progress=False)
    tokenizer.train_from_iterator(CORPUS * 4, trainer)
    tokenizer.add_tokens(["<tool_call>", AddedToken("<|turn|>", rstrip=True)])
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token="<unk>", **tokens)


def llava(folder: Path) -> None:
    from transformers import CLIPImageProcessor, LlavaProcessor

    special = ["<unk>", "<s>", "</s>", "<image>", *CHAT_TOKENS]
    tokenizer = sentencepiece_unigram(special, bos_token="<s>", eos_token="</s>", pad_token="<unk>")
    LlavaProcessor(
        CLIPImageProcessor(size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32}),
        tokenizer,
        patch_size=16,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
        chat_template=CHATML.replace("PICTURE", "<image>"),
    ).save_pretrained(folder)


def gemma3(folder: Path) -> None:
    """Its pictures are blank lines around tokens of their own, its template knows no system and trims."""
    from transformers import Gemma3ImageProcessor, Gemma3Processor

    marks = {"boi_token": "<start_of_image>", "eoi_token": "<end_of_image>", "image_token": "<image_soft_token>"}
    special = ["<pad>", "<bos>", "<eos>", *marks.values(), *CHAT_TOKENS]
    tokenizer = byte_level_bpe(
        special, bos_token="<bos>", eos_token="<eos>", pad_token="<pad>", extra_special_tokens=marks
    )
    tokenizer.add_tokens(["\n\n", "\n\n\n"])
    tokenizer.image_token_id = tokenizer.convert_tokens_to_ids("<image_soft_token>")
    Gemma3Processor(
        Gemma3ImageProcessor(size={"height": 32, "width": 32}, image_seq_length=4),
        tokenizer,
        chat_template=ALTERNATING.replace("PICTURE", "<start_of_image>"),
        image_seq_length=4,
    ).save_pretrained(folder)


def idefics2(folder: Path) -> None:
    from transformers import Idefics2ImageProcessor, Idefics2Processor

    special = ["<pad>", "<s>", "</s>", *CHAT_TOKENS]
    tokenizer = byte_level_bpe(special, bos_token="<s>", eos_token="</s>", pad_token="<pad>")
    Idefics2Processor(
        Idefics2ImageProcessor(do_image_splitting=False),
        tokenizer,
        image_seq_len=4,
        chat_template=CHATML.replace("PICTURE", "<image>"),
    ).save_pretrained(folder)


def text_only(folder: Path) -> Any:
    """A language model without pictures, whose template takes a message's content as one string."""
    tokenizer = byte_level_bpe(["<pad>", *CHAT_TOKENS], eos_token="<|im_end|>", pad_token="<pad>")
    tokenizer.chat_template = (
        "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n"
        "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
    )
    tokenizer.save_pretrained(folder)
    return tokenizer


FAMILIES = (llava, gemma3, idefics2, text_only)
