"""Frames: sentences with slots, by voice and intent, read from the files in `banks/` and checked against `intents`.

A file has a block of lines per intent, a frame a line. A voice is one of the cast (`brack`), a manner of made-up
characters (`gloomy`), or the narrator.
"""

import re
from functools import cache
from importlib.resources import files
from string import Formatter
from typing import Annotated, Self

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, model_validator

from sandbox.storybook.voices.intents import INTENTS, NOT_SENTENCES, QUARREL, TALK, TOLD

_START = re.compile(r"(?:^|(?<=[.!?] ))[a-z]")
_BANKS = files("sandbox.storybook.voices") / "banks"
NARRATOR = "narrator"


class Frame(BaseModel):
    """A sentence or two in one voice, with slots."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, use_attribute_docstrings=True)

    intent: str
    """What it is said for."""
    text: str
    """`Aye, {thing} {where}.`"""
    to: str | None = None
    """The only one it can be said to, by the name of the voice."""

    @property
    def slots(self) -> frozenset[str]:
        """Return the names of its slots."""
        return frozenset(slot for _, slot, _, _ in Formatter().parse(self.text) if slot is not None)

    def filled(self, **slots: str) -> str:
        """Return the frame with its slots filled; each sentence begins with a capital. Raises `KeyError`."""
        words = self.text.format_map(slots)
        return words if self.intent in NOT_SENTENCES else _START.sub(lambda found: found[0].upper(), words)

    @model_validator(mode="after")
    def _has_what_it_needs(self) -> Self:
        if self.intent == QUARREL:
            return self._stands_alone()
        intent = INTENTS[self.intent]
        for needed in intent.needed:
            if not needed & self.slots:
                raise ValueError(f'"{self.text}" ({self.intent}) has no slot of {", ".join(sorted(needed))}; add one')
        if strange := self.slots - intent.slots:
            raise ValueError(f'"{self.text}" ({self.intent}) has {", ".join(sorted(strange))}; that is not filled here')
        return self

    def _stands_alone(self) -> Self:
        if self.slots or not self.to:
            raise ValueError(f'"{self.text}" is for one other and has no slots; say whom it is for, and put words in')
        return self


def _lines(block: object) -> object:
    return tuple(block.split("\n")[:-1]) if isinstance(block, str) else block


Lines = Annotated[tuple[str, ...], BeforeValidator(_lines)]


class Bank(BaseModel):
    """All frames of one voice."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    frames: dict[str, Lines]
    quarrel: dict[str, Lines] = {}

    @model_validator(mode="after")
    def _fills_a_list(self) -> Self:
        wanted = TOLD if self.frames.keys() & TOLD.keys() else TALK
        if wrong := sorted(wanted.keys() ^ self.frames.keys()):
            raise ValueError(f"these intents are missing or unknown: {', '.join(wrong)}")
        return self


def voices() -> tuple[str, ...]:
    """Return the names of all voices: the cast, the manners and the narrator."""
    return tuple(sorted(file.name.removesuffix(".yaml") for file in _BANKS.iterdir() if file.name.endswith(".yaml")))


def frames(voice: str, intent: str) -> tuple[Frame, ...]:
    """Return the frames that a voice has for an intent, in the order of its file. Raises `KeyError` if it has none."""
    bank = _read(voice)
    if intent not in bank:
        raise KeyError(f'"{voice}" has no intent "{intent}"; choose among {", ".join(bank)}')
    return bank[intent]


@cache
def _read(voice: str) -> dict[str, tuple[Frame, ...]]:
    if voice not in voices():
        raise KeyError(f'there is no voice "{voice}"; choose among {", ".join(voices())}')
    bank = Bank.model_validate(yaml.safe_load((_BANKS / f"{voice}.yaml").read_text(encoding="utf-8")))
    read = {intent: tuple(Frame(intent=intent, text=text) for text in texts) for intent, texts in bank.frames.items()}
    quarrels = (Frame(intent=QUARREL, text=text, to=to) for to, texts in bank.quarrel.items() for text in texts)
    return read | {QUARREL: tuple(quarrels)}
