"""Judges whose faults are known: they read MMRole's prompt as a judge does, and answer by rule instead of by liking.

A judge is a function of the text that it is shown and of the request's seed. `spoken` makes it an answer of the
scripted engine, and `served` one of a server on loopback, so that a real command can have it judge.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

from faultserver import answer, reply
from staging import texts

from scenes.chat import Request
from scenes.storybook.drawing import Drawing
from scorers.claims import claims_in, is_true

Judge = Callable[[str, int], str]
"""Returns what is written to a prompt's text with a seed."""
_ANSWER = re.compile(
    r"\[Model (?P<which>[AB])'s Response Start\]\*\*\n(?P<text>.*?)\n## \*\*\[Model (?P=which)'s Response End",
    re.DOTALL,
)
_METRIC = re.compile(r"\*\*([A-Z][A-Za-z -]+)\*\*: ")


def answers_in(text: str) -> tuple[str, str]:
    """Return the two answers that a prompt shows, the first one first."""
    shown = {found["which"]: re.sub("^> ?", "", found["text"], flags=re.MULTILINE) for found in _ANSWER.finditer(text)}
    return shown["A"], shown["B"]


def metric_in(text: str) -> str:
    """Return the metric that a prompt asks about."""
    return str(_METRIC.findall(text)[-1])


def scores(first: float, second: float) -> str:
    return f"One is as it is, and so is the other. [Scores]: ({first:.4f}, {second:.4f})"


@dataclass(frozen=True)
class Knowing:
    """Knows what is on the pictures: 1 to 10 by the share of an answer's claims that are true; 1 without a claim."""

    drawing: Drawing

    def __call__(self, text: str, seed: int) -> str:
        first, second = answers_in(text)
        return scores(self.score(first), self.score(second))

    def score(self, said: str) -> float:
        true = [bool(is_true(claim, [self.drawing])) for claim in claims_in(said)]
        return 1 + 9 * sum(true) / len(true) if true else 1.0


@dataclass(frozen=True)
class Noisy:
    """Gives the first answer `level` points and normal noise, drawn from the seed; the second one always 8."""

    deviation: float
    """Of the noise, in points."""
    level: float = 5

    def __call__(self, text: str, seed: int) -> str:
        return scores(self.level + Random(f"noise {seed}").gauss(0, self.deviation), 8)


@dataclass(frozen=True)
class Biased:
    """Likes answers by how long they are, and gives whichever is shown first some points more."""

    advantage: float
    """Points that the first place is worth."""
    deviation: float = 0.0
    """Of normal noise on the first one's score, drawn from the seed."""

    def __call__(self, text: str, seed: int) -> str:
        first, second = (2 + len(said) % 13 / 3 for said in answers_in(text))
        return scores(first + self.advantage + Random(f"bias {seed}").gauss(0, self.deviation), second)


@dataclass(frozen=True)
class FirstOften:
    """Prefers whichever answer is shown first, with a known probability, whatever they say."""

    share: float

    def __call__(self, text: str, seed: int) -> str:
        return scores(8, 6) if Random(f"first {seed}").random() < self.share else scores(6, 8)


@dataclass(frozen=True)
class Mumbling:
    """Writes what cannot be read with a known probability, and else says what another does."""

    share: float
    other: Judge

    def __call__(self, text: str, seed: int) -> str:
        mumbles = Random(f"mumble {seed} {len(text)}").random() < self.share
        return "Both have their charm, lad." if mumbles else self.other(text, seed)


def spoken(judge: Judge) -> Callable[[Request], str]:
    """Return the judge as an answer of the scripted engine."""
    return lambda request: judge(texts(request.prompt.segments()), request.seed)


def served(judge: Judge) -> Callable[[dict[str, Any]], bytes]:
    """Return the judge as what `faultserver.FaultServer` does with the body of a request."""

    def behave(body: dict[str, Any]) -> bytes:
        return answer(200, reply(judge("\n".join(map(_written, body["messages"])), int(body.get("seed", 0)))))

    return behave


def _written(message: dict[str, Any]) -> str:
    content = message["content"]
    return content if isinstance(content, str) else "\n".join(part.get("text", "") for part in content)
