"""Texts as training data may hold them: nothing that somebody said or wrote takes effect as a control token.

Who trains tokenizes with a chat template of the model's own, in which a typed `<|im_end|>` would end a turn and a typed
`<image>` take a picture's place. What looks like such is broken in two, exactly as it is when a server is asked, so a
model learns what it will be sent.
"""

import re
from collections.abc import Iterator

from sandbox.engines.openai_body import harmless
from scenes.chat import Message
from scenes.clean import without_surrogates

_KNOWN = re.compile(
    r"<\|[^\s<>|]{1,64}\|>|<[｜|][^\s<>]{1,64}[｜|]>"  # ChatML, Llama 3, Phi, GLM, DeepSeek
    r"|</?(?:s|bos|eos|pad|unk|mask|image|img|video|audio|start_of_turn|end_of_turn|start_of_image|fake_token_around_image"
    r"|global-img|end_of_utterance|image_soft_token|image_pad)>"  # Llama 2, Gemma, LLaVA, Qwen-VL, Idefics
    r"|<</?SYS>>|\[/?(?:INST|IMG|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_CALLS|gMASK|sMASK)\]|\[IMG_(?:BREAK|END)\]",
    re.IGNORECASE,
)
"""Control tokens and placeholders of the families that are trained most. Apart from what breaks them, to check it."""


def plain(text: str) -> str:
    """Return `text` as UTF-8 can hold it, with what could be a control token broken in two by a zero-width space."""
    return harmless(without_surrogates(text))


def control_token(text: str) -> str | None:
    """Return the first control token of a known family in `text`; None if there is none."""
    found = _KNOWN.search(text)
    return found[0] if found else None


def parts(message: Message) -> Iterator[str | None]:
    """Yield the texts of a message, fit for training, and None where a picture stands; none that is empty.

    As an engine renders it, the message has no blanks around it.
    """
    texts, pictures = [""], 0
    for at, part in enumerate(message.parts):
        texts[-1] += (part.glue if at else "") + ("" if part.image else part.text)
        if part.image:
            texts.append("")
            pictures += 1
    texts[0], texts[-1] = texts[0].lstrip(), texts[-1].rstrip()
    if not pictures:
        texts[0] = texts[0].strip()
    for at, text in enumerate(texts):
        yield from [plain(text)] if text else []
        yield from [None] if at < pictures else []


def words(text: str) -> int:
    """Return how many words `text` has; in a script that does not part them, two letters are about one."""
    foreign = 0 if text.isascii() else sum(char > "\u2e7f" for char in text)
    return max(len(text.split()), foreign // 2)
