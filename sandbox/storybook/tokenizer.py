"""The storybook model's tokenizer: byte-level BPE over what lessons say, and the template of a conversation.

It is made anew by the recipe, in seconds, from the lessons' own texts and from the fixed words of all prompts. Digits,
line breaks and the marks of JSON are tokens of their own, so that any number and any decision can be written.
"""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from agents.prompts import wording as agents_wording
from narrator.prompts import wording as narrator_wording

if TYPE_CHECKING:
    from tokenizers import Tokenizer

    from sandbox.storybook.lessons.lesson import Lesson

VOCABULARY = 2048
CONTROLS = (
    "<|pad|>", "<|bos|>", "<|end|>", "<|sys|>", "<|user|>", "<|bot|>", "<image>", "<fake_token_around_image>",
    "<global-img>", "<|unk|>", "<end_of_utterance>",
)  # fmt: skip
"""Tokens that stand for no text, by their ids. The last is never used: the processor adds it where it is missing."""
PAD, BEGIN, END, SYSTEM, USER, ASSISTANT, IMAGE, AROUND, WHOLE, UNKNOWN, _ = range(len(CONTROLS))
FIRST_TEXT = len(CONTROLS)
"""The first token that is text."""
ROLES = {"system": SYSTEM, "user": USER, "assistant": ASSISTANT}
IMAGE_TOKENS = 16
PICTURE = (AROUND, WHOLE, *[IMAGE] * IMAGE_TOKENS, AROUND)
"""What a picture is in a sequence."""
TEMPLATE = (
    "{%- macro content(m) %}{% if m['content'] is string %}{{ m['content'] }}{% else %}{% for c in m['content'] %}"
    "{% if c['type']=='image' %}<image>{% elif c['type']=='text' %}{{ c['text'] }}{% endif %}{% endfor %}{% endif %}"
    "<|end|>{% endmacro -%}"
    "{% for m in messages %}{% if m['role']=='system' %}<|sys|>{% elif m['role']=='user' %}<|user|>{% else %}<|bot|>"
    "{% endif %}{% if m['role']=='assistant' and m['train'] is not false %}"
    "{% generation %}{{ content(m) }}{% endgeneration %}{% else %}{{ content(m) }}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}<|bot|>{% endif -%}"
)
"""It also says, to those who train, which messages are learned: the assistant's, but for those with `train: false`."""
_APART = r"\n| ?[\[\]{}\":,]"
"""A line break, so that lines can be encoded one by one, and the marks of JSON."""


def trained(lessons: "Iterable[Lesson]") -> "Tokenizer":
    """Return a tokenizer for the texts of `lessons` and of all prompts; equal lessons make equal tokenizers."""
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Digits(individual_digits=True),
            pre_tokenizers.Split(Regex(_APART), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=list(CONTROLS),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(_texts(lessons), trainer)
    return tokenizer


def _texts(lessons: "Iterable[Lesson]") -> Iterator[str]:
    for words in (*agents_wording.CHINESE, *narrator_wording.CHINESE):
        yield words.replace("{{", "{").replace("}}", "}")
    for lesson in lessons:
        for turn in lesson.turns:
            yield from (part for part in turn.parts if part is not None)


def for_transformers(tokenizer: "Tokenizer", longest: int) -> Any:
    """Return `tokenizer` as transformers has it, for sequences of up to `longest` tokens."""
    from transformers import PreTrainedTokenizerFast

    wrapped = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token=CONTROLS[BEGIN],
        eos_token=CONTROLS[END],
        pad_token=CONTROLS[PAD],
        unk_token=CONTROLS[UNKNOWN],
        additional_special_tokens=[CONTROLS[token] for token in (SYSTEM, USER, ASSISTANT, IMAGE, AROUND, WHOLE)],
        model_max_length=longest,
        clean_up_tokenization_spaces=False,
        padding_side="left",
    )
    wrapped.chat_template = TEMPLATE
    return wrapped
