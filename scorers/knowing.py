"""Who knows which secret fact by now: told at the start, or by what they have perceived since.

`sandbox.knowledge` answers the same of any text by its letters, from a run; this counts facts, also in other words.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from scenes.event import NARRATOR, Event
from scenes.loading import Variant
from scenes.profile import CharacterProfile
from scenes.scenario import CastMember, Notes, Scenario
from scorers.secret import Fact, Sentence, Synonyms, Vocabulary

Who = int | str
"""One of the cast by its place in it, which stays where a branch gives the part to another; others by their name."""
Texts = tuple[str, ...]
_TELLING = ("speech", "action", "narration", "image", "state")


@dataclass(frozen=True)
class Briefing:
    """What everybody is told before the first turn, and what of it is secret."""

    vocabulary: Vocabulary
    facts: tuple[Fact, ...]
    known: frozenset[tuple[int, Who]]
    """Which facts, by their place, are known to whom from the start."""


@dataclass(frozen=True)
class Told:
    """How much of a fact an event tells at a stroke, and all that it tells of it."""

    fact: int
    share: float
    words: frozenset[str]


class Knowing:
    """Who knows what in one episode; goes through its events in order."""

    def __init__(self, threshold: float, synonyms: Synonyms) -> None:
        self._threshold, self._synonyms = threshold, synonyms
        self.facts: list[Fact] = []
        self.known: set[tuple[int, Who]] = set()
        self.names: list[str] = []
        self._heard: dict[tuple[int, Who], set[str]] = {}
        self._vocabulary = Vocabulary((), ())

    def begin(self, variant: Variant) -> None:
        """Let a leg of the episode begin, in which the parts may be played by others and have other secrets."""
        briefing = briefed(*_as_told(variant), self._synonyms, self._threshold)
        self._vocabulary = briefing.vocabulary
        self.names = [profile.name for profile in variant.profiles]
        places = [self._place(fact) for fact in briefing.facts]
        self.known |= {(places[fact], who) for fact, who in briefing.known}

    def _place(self, fact: Fact) -> int:
        """Return the place of `fact` among all of the episode."""
        if fact not in self.facts:
            self.facts.append(fact)
        return self.facts.index(fact)

    def who(self, name: str) -> Who:
        """Return how one is known here."""
        return self.names.index(name) if name in self.names else name

    def knows(self, fact: int, event: Event) -> bool:
        """Return whether whoever did `event` could know a fact; the narrator knows what all know whom it tells."""
        names = [event.actor] if event.actor != NARRATOR else list(event.visible_to)
        return all((fact, self.who(name)) in self.known for name in names)

    def told(self, event: Event) -> list[Told]:
        """Return the facts that `event` tells, however little of them."""
        who = self.who(event.actor)
        said = self._vocabulary.read(event.text)
        return list(self._told(said, who if isinstance(who, int) else None))

    def _told(self, said: Sequence[Sentence], speaker: int | None) -> Iterator[Told]:
        tokens = frozenset[str]().union(*(sentence.tokens for sentence in said))
        for at, fact in enumerate(self.facts):
            found = [] if tokens.isdisjoint(fact.weights) else list(fact.told(said, speaker))
            if found:
                yield Told(at, max(map(fact.share, found)), frozenset[str]().union(*found))

    def is_told(self, fact: int, texts: Iterable[str]) -> bool:
        """Return whether any of `texts` tells a fact."""
        return any(_is_told(self.facts[fact], self._vocabulary.read(text), self._threshold) for text in texts)

    def learn(self, event: Event, told: Iterable[Told]) -> dict[int, list[str]]:
        """Let all who perceived `event` know what it `told` them; return who came to know which fact by it."""
        learned: dict[int, list[str]] = {}
        if event.kind not in _TELLING or (event.change and event.change.is_private()):
            return learned
        for one in told:
            by_one_who_knows = self.knows(one.fact, event)
            for name in event.visible_to:
                if self._learns(one, self.who(name), by_one_who_knows):
                    learned.setdefault(one.fact, []).append(name)
        return learned

    def _learns(self, told: Told, who: Who, by_one_who_knows: bool) -> bool:
        if (told.fact, who) in self.known:
            return False
        share = told.share
        if by_one_who_knows:
            heard = self._heard.setdefault((told.fact, who), set())
            heard |= told.words
            share = max(share, self.facts[told.fact].share(heard))
        if share >= self._threshold:
            self.known.add((told.fact, who))
        return share >= self._threshold


def _is_told(fact: Fact, said: Sequence[Sentence], threshold: float) -> bool:
    return any(fact.share(told) >= threshold for told in fact.told(said, None))


def _is_held(fact: Fact, said: Sequence[Sentence], threshold: float) -> bool:
    return any(fact.share(held) >= threshold for held in fact.held(said, None))


@lru_cache(maxsize=256)
def briefed(
    profiles: tuple[CharacterProfile, ...],
    common: Texts,
    own: tuple[Texts, ...],
    noted: tuple[Texts, ...],
    synonyms: Synonyms,
    threshold: float,
) -> Briefing:
    """Return what the cast is told at the start: `common` to all, `own` secrets and `noted` of pictures to each."""
    vocabulary = Vocabulary(profiles, synonyms)
    public = (*common, *(text for profile in profiles for text in _public(profile)))
    words = vocabulary.public(public)
    facts = tuple(fact for at, texts in enumerate(own) for text in texts for fact in vocabulary.facts(at, text, words))
    known = {(at, fact.owner) for at, fact in enumerate(facts)}
    for who, texts in enumerate(zip(own, noted, strict=True)):
        read = [vocabulary.read(text) for text in (*public, *texts[0], *texts[1])]
        known |= {(at, who) for at, fact in enumerate(facts) if any(_is_held(fact, said, threshold) for said in read)}
    return Briefing(vocabulary, facts, frozenset(known))


def _as_told(
    variant: Variant,
) -> tuple[tuple[CharacterProfile, ...], Texts, tuple[Texts, ...], tuple[Texts, ...]]:
    scenario = variant.scenario
    cast = [*zip(scenario.cast, variant.profiles, strict=True)]
    common = tuple(text for text in (scenario.premise, scenario.time) if text)
    own = tuple(tuple(text for text in (one.secret, profile.private) if text) for one, profile in cast)
    return variant.profiles, common, own, tuple(tuple(_noted(scenario, one)) for one, _ in cast)


def _public(profile: CharacterProfile) -> Iterator[str]:
    for name, value in profile.public():
        if name not in ("name", "aliases") and value:
            yield from (value if isinstance(value, tuple) else (value,))


def _noted(scenario: Scenario, member: CastMember) -> Iterator[str]:
    """Yield how one stands at the start and the notes on the pictures that it then sees the whole of."""
    yield from (text for text in (member.position, member.state) if text)
    for name in _seen(scenario, member):
        yield from (scenario.images[name].notes or Notes()).told().splitlines()


def _seen(scenario: Scenario, member: CastMember) -> Iterator[str]:
    if member.sees is not None:
        yield from (one.image for one in member.sees if one.from_turn <= 1 and not one.crop and not one.blur)
    elif member.place in scenario.places:
        yield from scenario.places[member.place].shows
    else:
        yield from (name for name, image in scenario.images.items() if not image.reserve)
