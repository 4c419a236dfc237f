"""Whose voice a line is in, by a classifier that learned every sentence that the voices have.

Names, words of address, catchphrases and all words for what a picture shows are taken out first, so that it is the
manner that is told and nothing that stands in a profile or a picture. The classifier is naive Bayes over the words and
pairs of words that a line has: what it has to know is a closed list.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from sandbox.storybook.lessons.person import NAMES
from sandbox.storybook.voices.bank import frames
from sandbox.storybook.voices.intents import OTHER, QUARREL, SELF, TALK
from sandbox.storybook.voices.made_up import ADDRESSES, CAST, CATCHPHRASES, MANNERS
from sandbox.storybook.voices.words import NUMBERS, PLACES, POSITIONS, TIMES, WEATHERS, of_absent, of_drawing, of_group
from scenes.names import name_words
from scenes.storybook.cast import shipped_profiles
from scenes.storybook.drawing import COLOURS, KINDS, Drawing, Group, plural

_TOKEN = r"[a-z']+|[^\w\s]"
_SHOWN = (
    *KINDS, *map(plural, KINDS), *COLOURS, *NUMBERS, *POSITIONS.values(), *WEATHERS.values(),
    *(words for forms in (*TIMES.values(), *PLACES.values()) for words in forms),
)  # fmt: skip


class Voices:
    """Tells the cast apart, and the manners of made-up characters."""

    def __init__(self, people: Iterable[str]) -> None:
        """`people` are the names that lines may hold, besides those of the cast."""
        self._label = _pattern([*_labels(people), *_SHOWN])
        groups: tuple[tuple[str, ...], ...] = (CAST, tuple(MANNERS))
        self._models = {voice: model for group in groups for model in [self._trained(group)] for voice in group}

    def masked(self, line: str) -> str:
        """Return a line without what would give its speaker or its picture away."""
        return self._label.sub(" ", line.lower())

    def heard(self, lines: Sequence[str], voice: str) -> list[str]:
        """Return whose voice each line is in: one of the cast's if `voice` is, else a manner."""
        model = self._models[voice]
        return [str(name) for name in model.predict([self.masked(line) for line in lines])] if lines else []

    def _trained(self, group: Sequence[str]) -> Any:
        from sklearn.feature_extraction.text import CountVectorizer
        from sklearn.naive_bayes import MultinomialNB
        from sklearn.pipeline import make_pipeline

        learned = [(voice, self.masked(line)) for voice in group for line in _lines(voice)]
        words = CountVectorizer(token_pattern=_TOKEN, ngram_range=(1, 2), binary=True)
        model = make_pipeline(words, MultinomialNB(alpha=0.1, fit_prior=False))
        return model.fit([line for _, line in learned], [voice for voice, _ in learned])


def _lines(voice: str) -> Iterator[str]:
    """Yield every sentence of a voice, of one thing and of two."""
    for intent in (*TALK, QUARREL):
        yield from (frame.filled(**slots) for slots in _FILLED for frame in frames(voice, intent))


def _slots(group: Group) -> dict[str, str]:
    drawing = Drawing(place="sea", weather="fog", time="dusk", groups=(group,))
    return dict.fromkeys(SELF | OTHER, "") | of_drawing(drawing) | of_group(group) | of_absent("kite")


def _labels(people: Iterable[str]) -> Iterator[str]:
    yield from (*ADDRESSES, *CATCHPHRASES, *NAMES)
    yield from (word for name in people for word in (name, name.split()[0]))
    for profile in shipped_profiles():
        yield from (profile.name, *profile.aliases, *name_words(profile), *profile.catchphrases)
        if profile.address:
            yield profile.address


def _pattern(labels: Iterable[str]) -> re.Pattern[str]:
    words = sorted({label.lower() for label in labels}, key=lambda label: (-len(label), label))
    return re.compile(rf"\b(?:{'|'.join(map(re.escape, words))})\b")


_FILLED = tuple(_slots(Group(kind="boat", colour="red", number=number, position="left")) for number in (1, 2))
