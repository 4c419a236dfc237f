"""Voice: whose line is this? A classifier that has heard everybody in other episodes says who of the cast speaks.

Characters who all talk alike cannot be told apart, however well each line fits. So that it is the voice which is told,
and not a label on it, names, words of address and catchphrases are taken out of every line first. Where that leaves no
word, and where an answer was chosen among some, nobody's voice is in it: it is neither learned nor judged.

Lines are compared by their words and by one to four letters side by side in these, weighted by TF-IDF, in a
multinomial logistic regression. It learns from four fifths of the episodes and judges the last fifth, five times.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from itertools import chain, groupby
from typing import TYPE_CHECKING, Any, ClassVar, Self

from pydantic import PrivateAttr

from scenes.chance import seed_for
from scenes.chat import Call
from scenes.event import Event
from scenes.names import folded, name_words
from scenes.profile import CharacterProfile
from scorers.base import Case, Metric, Score, Scorer, Scores
from scorers.choices import is_chosen

if TYPE_CHECKING:
    from numpy.typing import NDArray

FOLDS = 5
LEAST_LINES = 10
"""Of one character, in the episodes that a fold learns from: fewer are no acquaintance."""
MOST_LEARNED = 5_000
"""Lines that a fold learns from, as many of each character as can be; more take long and tell little."""
AT_ONCE = 5_000
"""Lines judged together, so that memory does not grow with the run."""
MOST_FEATURES = 20_000
"""Words and pieces of them, the most frequent first."""
MOST_WEIGHTS = 200_000
"""Features times characters: of many characters fewer features count, or learning would take minutes."""

_HOW = (
    "Judged by a classifier that learned from other episodes of the run (words and letters, TF-IDF, logistic "
    "regression), with names, words of address and catchphrases taken out; this project's own. Only those of the "
    "episode's own cast compete, as far as it has heard them often enough: with k of them, chance is 1 / k."
)
RECOGNISED = Metric("voice_recognised", f"1 if a reply's speaker is recognised by voice, else 0. {_HOW}", "share")
PROBABILITY = Metric("voice_probability", f"The probability given to a reply's speaker. {_HOW}", "probability")
TAKEN_FOR = "taken for "

Confusion = dict[str, Counter[str]]
"""How often the lines of each character were taken for whose."""


@dataclass(frozen=True, slots=True)
class _Line:
    """What one of the cast says in one reply."""

    episode: int
    story: int
    """The same in episodes that begin with the same line: of the branches of one, all are learned from or none.

    It is a number at random, so that folds do not follow the order in which `vary` plays its values.
    """
    events: tuple[int, ...]
    speaker: str
    cast: tuple[str, ...]
    text: str
    chosen: bool
    """Whether it is an answer that was chosen among some."""


@dataclass(frozen=True, slots=True)
class _Guess:
    """Whom a line was taken for, and how probable its true speaker is; or why that cannot be said."""

    taken_for: str = ""
    probability: float = 0
    silence: str | None = None


class Voice(Scorer):
    """Whether characters are recognised by what they say, without names, words of address and catchphrases."""

    name: ClassVar[str] = "voice"
    version: ClassVar[str] = "2"
    metrics: ClassVar[tuple[Metric, ...]] = (RECOGNISED, PROBABILITY)

    _guesses: Mapping[int, Sequence[_Guess]] = PrivateAttr(default_factory=dict)
    """Of the lines of each episode, in order."""
    _basis: str = PrivateAttr(default="")

    def prepared(self, cases: Iterable[Case]) -> Self:
        """Return the scorer that has learned all voices of `cases`, and has judged every line by the other episodes."""
        labels: set[str] = set()
        lines: list[_Line] = []
        for case in cases:
            lines += _lines(case)
            labels.update(_labels(case))
        heard = type(self)()
        heard._basis = _digest(chain(lines, sorted(labels)))
        heard._guesses = _by_episode(lines, _guessed(lines, _without(labels)))
        return heard

    @property
    def basis(self) -> str:
        """A digest of the lines that it learned from."""
        return self._basis

    def score(self, case: Case, call: Call) -> Scores:
        """Return two scores of every reply of the cast in which something is said."""
        lines = list(_lines(case))
        guesses = self._guesses.get(case.trajectory.episode) or [_Guess(silence=_UNHEARD)] * len(lines)
        for line, guess in zip(lines, guesses, strict=True):
            recognised = None if guess.silence else float(guess.taken_for == line.speaker)
            yield _score(RECOGNISED, line, recognised, guess.silence or f"{TAKEN_FOR}{guess.taken_for}")
            yield _score(PROBABILITY, line, None if guess.silence else guess.probability, guess.silence)


_UNHEARD = "the episode is none of those that were heard"
_ALONE = "no other episode begins otherwise, and a voice is learned in others"
_NO_WORDS = "no words are left where names are taken out"
_CHOSEN = "it was chosen among answers that were offered"


def confusion(scores: Iterable[Score]) -> Confusion:
    """Return how often the lines of each character were taken for whose, from what `Voice` said of them."""
    table: Confusion = defaultdict(Counter)
    for score in scores:
        if score.metric == RECOGNISED.name and score.value is not None and score.character and score.reason:
            table[score.character][score.reason.removeprefix(TAKEN_FOR)] += 1
    return dict(table)


def _score(metric: Metric, line: _Line, value: float | None, reason: str | None) -> Score:
    return Score(metric=metric.name, value=value, reason=reason, character=line.speaker, events=line.events)


# ---- lines


def _lines(case: Case) -> Iterator[_Line]:
    """Yield what the cast says, a line for each reply; lines that the scenario gives are nobody's."""
    replies = list(_replies(case))
    story = seed_for(0, f"{case.legs[0][1].id} {_said(replies[0])}") if replies else 0
    for events in replies:
        cast = tuple(profile.name for profile in case.variant_at(events[0].turn).profiles)
        if events[0].actor in cast:
            indexes = tuple(event.index for event in events)
            chosen = is_chosen(events[0], case)
            yield _Line(case.trajectory.episode, story, indexes, events[0].actor, cast, _said(events), chosen)


def _replies(case: Case) -> Iterator[list[Event]]:
    """Yield the speech of each reply in which something is said."""
    spoken = [event for event in case.trajectory.events if event.call and event.kind == "speech" and event.text.strip()]
    return (list(events) for _, events in groupby(spoken, lambda event: event.call))


def _said(events: Iterable[Event]) -> str:
    return " ".join(event.text for event in events)


def _labels(case: Case) -> Iterator[str]:
    """Yield, folded, what gives away a character or whom it talks to."""
    for _, variant in case.legs:
        player = variant.scenario.player
        for label in (*chain.from_iterable(map(_own_labels, variant.profiles)), player.name if player else None):
            if label:
                yield folded(label)


def _own_labels(profile: CharacterProfile) -> tuple[str | None, ...]:
    return profile.name, *profile.aliases, *name_words(profile), profile.address, *profile.catchphrases


def _without(labels: Iterable[str]) -> re.Pattern[str]:
    """Return what finds `labels` in folded text, with the commas around them; in any script, with any marks inside."""
    words = [re.findall(r"\w+", label) for label in sorted(labels, key=lambda label: (-len(label), label))]
    choices = "|".join(r"[\W_]+".join(map(re.escape, parts)) for parts in words if parts)
    return re.compile(rf"(?:,\s*)?{_EDGE}(?:{choices or '(?!)'})(?:['’]?s)?{_EDGE}(?:\s*,)?")


_HAN = r"\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff"
_EDGE = rf"(?:(?<![^\W{_HAN}])|(?![^\W{_HAN}]))"
"""Not between two letters of a script that parts its words."""
_TOKEN = re.compile(r"[^\W_]+(?:['’][^\W_]+)*|[^\w\s]+")
_WORD = re.compile(r"[^\W_]")


def _digest(parts: Iterable[object]) -> str:
    """Return eight letters that depend on every line, and on what is taken out of them."""
    digest = blake2b(digest_size=4)
    for part in parts:
        digest.update(ascii(part).encode())
    return digest.hexdigest()


def _by_episode(lines: Iterable[_Line], guesses: Iterable[_Guess]) -> dict[int, list[_Guess]]:
    found: dict[int, list[_Guess]] = defaultdict(list)
    for line, guess in zip(lines, guesses, strict=True):
        found[line.episode].append(guess)
    return found


# ---- guesses


def _guessed(lines: Sequence[_Line], labels: re.Pattern[str]) -> list[_Guess]:
    """Return whom each line is taken for, or why that cannot be said."""
    texts = [labels.sub(" ", folded(line.text)) for line in lines]
    silent = [_silence(line, text) for line, text in zip(lines, texts, strict=True)]
    heard = [at for at, why in enumerate(silent) if why is None]
    guesses = iter(_by_others([lines[at] for at in heard], [texts[at] for at in heard]))
    return [next(guesses) if why is None else _Guess(silence=why) for why in silent]


def _silence(line: _Line, text: str) -> str | None:
    """Return why nobody's voice is in a line, of which `text` is left; None if one is."""
    if line.chosen:
        return _CHOSEN
    return None if _WORD.search(text) else _NO_WORDS


def _by_others(lines: Sequence[_Line], texts: Sequence[str]) -> list[_Guess]:
    """Return whom each line is taken for, by what was learned from other stories than its own."""
    from sklearn.model_selection import GroupKFold

    folds = min(FOLDS, len({line.story for line in lines}))
    if folds < 2:
        return [_Guess(silence=_ALONE)] * len(lines)
    counts, pieces = _counted(texts, len({line.speaker for line in lines}))
    guesses: dict[int, _Guess] = {}
    for others, judged in GroupKFold(folds).split(texts, groups=[line.story for line in lines]):
        guesses |= _fold(lines, counts, pieces, others, judged)
    return [guesses[at] for at in range(len(lines))]


def _counted(texts: Sequence[str], speakers: int) -> tuple[Any, Any]:
    """Return how often each text has each word, and each word each feature: their product is each text's features.

    So a word is taken apart once and not each time it is said.
    """
    import numpy as np
    from sklearn.feature_extraction.text import CountVectorizer

    most = min(MOST_FEATURES, MOST_WEIGHTS // speakers)
    words = CountVectorizer(analyzer=_TOKEN.findall, dtype=np.float32)
    pieces = CountVectorizer(analyzer=_pieces, max_features=most, dtype=np.float32)
    counts = words.fit_transform(texts)
    return counts, pieces.fit_transform(words.get_feature_names_out())


def _pieces(word: str) -> list[str]:
    """Return a word itself, and one to four letters of it that stand side by side, its ends among them."""
    ended = f" {word} "
    return [f"={word}", *(ended[at : at + size] for size in range(1, 5) for at in range(len(ended) - size + 1))]


def _fold(
    lines: Sequence[_Line], counts: Any, pieces: Any, others: "NDArray[Any]", judged: "NDArray[Any]"
) -> dict[int, _Guess]:
    """Return the guesses on the `judged` lines, by what is learned from some `others`."""
    from sklearn.feature_extraction.text import TfidfTransformer

    learned = _sample(lines, others)
    names = [lines[at].speaker for at in learned]
    if len(set(names)) < 2:
        return {int(at): _guess(lines[at], dict.fromkeys(names, 1.0)) for at in judged}
    weighted = TfidfTransformer(sublinear_tf=True)
    model = _trained(weighted.fit_transform(counts[learned] @ pieces), names)
    guesses: dict[int, _Guess] = {}
    for start in range(0, len(judged), AT_ONCE):
        part = judged[start : start + AT_ONCE]
        rows = model.predict_proba(weighted.transform(counts[part] @ pieces))
        for at, row in zip(part, rows, strict=True):
            guesses[int(at)] = _guess(lines[at], dict(zip(model.classes_, row, strict=True)))
    return guesses


def _trained(features: Any, names: Sequence[str]) -> Any:
    """Return the classifier; each character weighs the same, and of many each has a small part in the gradient."""
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=10, tol=1e-3 / len(set(names)), max_iter=1_000, class_weight="balanced")
    return model.fit(features, names)


def _sample(lines: Sequence[_Line], others: "NDArray[Any]") -> list[int]:
    """Return the lines to learn from, in order: at random (seeded), and as many of each character as can be.

    Whoever has fewer than `LEAST_LINES` is left out.
    """
    import numpy as np

    by_speaker: dict[str, list[int]] = defaultdict(list)
    for at in np.random.default_rng(0).permutation(others):
        by_speaker[lines[at].speaker].append(int(at))
    known = [found for found in by_speaker.values() if len(found) >= LEAST_LINES]
    ranked = sorted((rank, at) for found in known for rank, at in enumerate(found))
    return sorted(at for _, at in ranked[:MOST_LEARNED])


def _guess(line: _Line, probabilities: Mapping[str, float]) -> _Guess:
    """Return whom of its cast a line is taken for."""
    rivals = {name: float(probabilities[name]) for name in line.cast if name in probabilities}
    if line.speaker not in rivals:
        return _Guess(silence=f"fewer than {LEAST_LINES} lines of this character in other episodes")
    if len(rivals) < 2:
        return _Guess(silence=f"nobody else of the cast has {LEAST_LINES} lines in other episodes")
    taken_for = max(rivals, key=lambda name: rivals[name])
    return _Guess(taken_for, round(rivals[line.speaker] / sum(rivals.values()), 6))
