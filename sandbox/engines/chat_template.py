"""A checkpoint's own chat template, rendered with slots where texts stand, so that no text takes part in the rendering.

What a template does to a text (it may trim it, split it at `</think>`, leave it out) it does to a slot; the texts are
put in afterwards. So nothing that anybody says can change the shape of a prompt.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from jinja2 import TemplateError

from scenes.chat import CallFailed, Message, Role, Segment, message_text, messages
from scenes.clean import one_line, without_surrogates

# Noncharacters: Unicode keeps them out of texts for uses like this one.
SEAM = "\ufdd0"
"""Stands inside a text where a control token would be read otherwise; see `literal_tokenizer`."""
_PICTURE = "\ufdd1"
_SLOT = re.compile("\ufdd2([0-9]+)\ufdd3")
_RESERVED = dict.fromkeys(range(0xFDD0, 0xFDD4), "\ufffd")


@dataclass(frozen=True, slots=True)
class Rendered:
    """A prompt as text: `pieces[0::2]` are the template's, `pieces[1::2]` the contents; and its pictures in order."""

    pieces: list[str]
    images: tuple[str, ...]


class ChatTemplate:
    """Renders segments with the template of a processor, or of a tokenizer if `placeholder` is None.

    `placeholder` is what the template puts where a picture stands.
    """

    def __init__(self, processor: Any, placeholder: str | None) -> None:
        self._processor = processor
        self._placeholder = placeholder
        self._folds_system = self._refuses("system", "user")
        self._alternates = self._folds_system or self._refuses("user", "user")

    def render(self, segments: Sequence[Segment]) -> Rendered:
        """Return the prompt of `segments`, ready for the reply. Raises `CallFailed` if the template refuses them."""
        chat = self._accepted(messages(map(_writable, segments)))
        images = tuple(part.image for message in chat for part in message.parts if part.image)
        texts: list[str] = []
        pieces = _SLOT.split(self._apply(chat, texts))
        if chat and chat[-1].role == "assistant":
            _leave_open(pieces, last=len(texts) - 1)
        pieces[1::2] = [texts[int(number)] for number in pieces[1::2]]
        self._check_pictures(pieces, images)
        return Rendered(pieces, images)

    def _apply(self, chat: list[Message], texts: list[str]) -> str:
        """Return the rendered chat with slots for its texts, which are added to `texts`."""
        conversation = [{"role": message.role, "content": self._content(message, texts)} for message in chat]
        try:
            return str(self._processor.apply_chat_template(conversation, tokenize=False, add_generation_prompt=True))
        except (TemplateError, TypeError) as error:
            raise CallFailed(f"the model's chat template refuses the request: {one_line(str(error))}") from error

    def _content(self, message: Message, texts: list[str]) -> str | list[dict[str, str]]:
        parts = [None if part is None else _slotted(part, texts) for part in _joined(message)]
        if self._placeholder is None:
            return "".join(filter(None, parts))
        return [{"type": "image"} if part is None else {"type": "text", "text": part} for part in parts]

    def _refuses(self, *roles: Role) -> bool:
        """Return whether the template cannot take messages of these roles one after another.

        Such a one raises, leaves a text out, or writes the list of a message's parts as Python would.
        """
        try:
            rendered = self._apply([Message(role, (Segment("history", role, "x"),)) for role in roles], [])
        except CallFailed:
            return True
        return len(_SLOT.findall(rendered)) != len(roles) or "'type':" in rendered

    def _accepted(self, chat: list[Message]) -> list[Message]:
        """Return `chat` as a strict template wants it: no system message, no two messages of one role in a row."""
        if not self._alternates:
            return chat
        accepted: list[Message] = []
        for message in chat:
            role: Role = "user" if self._folds_system and message.role == "system" else message.role
            if accepted and accepted[-1].role == role:
                first, *rest = message.parts
                accepted[-1] = Message(role, (*accepted[-1].parts, replace(first, glue="\n\n"), *rest))
            else:
                accepted.append(Message(role, message.parts))
        return accepted

    def _check_pictures(self, pieces: list[str], images: tuple[str, ...]) -> None:
        if images and self._placeholder is None:
            raise CallFailed("the model takes no pictures, and the request has some")
        placed = sum(piece.count(self._placeholder) for piece in pieces[0::2]) if self._placeholder else 0
        if placed != len(images):
            raise CallFailed(f"the model's chat template places {placed} of the request's {len(images)} pictures")


@lru_cache(maxsize=20_000)
def _writable(segment: Segment) -> Segment:
    """Return the segment without what no tokenizer takes and without the characters reserved here."""
    return replace(segment, text=without_surrogates(segment.text).translate(_RESERVED))


def _joined(message: Message) -> list[str | None]:
    """Return the message as texts and, as None, pictures: neighbouring texts in one, stripped at both its ends."""
    first, *others = message_text(message, lambda _: _PICTURE).strip().split(_PICTURE)
    parts: list[str | None] = [first]
    for text in others:
        parts += [None, text]
    return [part for part in parts if part != ""] or [""]


def _slotted(text: str, texts: list[str]) -> str:
    """Return a slot for `text` between the blanks around it: a template that trims shall see those."""
    start = len(text) - len(text.lstrip())
    texts.append(text.strip())
    return f"{text[:start]}\ufdd2{len(texts) - 1}\ufdd3{text[start + len(texts[-1]) :]}"


def _leave_open(pieces: list[str], last: int) -> None:
    """Cut what the template puts after the slot `last`: the reply goes on from there."""
    slots = pieces[1::2]
    if str(last) not in slots:
        raise CallFailed("the model's chat template leaves out the reply to be continued")
    after = slots[::-1].index(str(last))
    del pieces[len(pieces) - 1 - 2 * after :]
