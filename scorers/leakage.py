"""Leakage: a secret, or what a profile keeps private, said by one who could not know it, also in other words.

Could know it: the owner; whoever was told it before the first turn (its own secret and profile, the profiles of the
others, the premise, notes on pictures); and whoever has perceived it since, from that event on. Those who know may also
tell it bit by bit: what each of their words tells adds up. Words that tell a secret tell it whoever says them, so it is
leaked once; after that, all who heard know. A thought or a belief tells nobody anything, its thinker neither.

What tells a secret is settled in `scorers.secret`. Lines that the scenario gives are nobody's fault; they only tell,
and so does an answer that was chosen among some.

Blame: whoever said it, `character` or `narrator`. Where the request behind the words had told the secret already, it
reached one that it must not reach, which is the simulator's doing: `engine`. The narrator, who is no part of the cast,
could know what all those know whom it tells.
"""

from collections.abc import Iterator, Sequence
from typing import ClassVar

from pydantic import Field

from scenes.chat import Call
from scenes.clean import one_line
from scenes.event import NARRATOR, Event
from scorers.base import Case, Cause, Metric, Score, Scorer, Scores
from scorers.choices import is_chosen
from scorers.knowing import Knowing, Told

SAID = ("speech", "action", "narration")
LEAKS = Metric(
    "leaks",
    "whether a speech, an action or a narration tells a secret that its speaker could not know (this project's own)",
    "share",
    better="lower",
)
TOLD = Metric(
    "told",
    "whether the owner of a secret told it to anybody, for each secret of an episode (this project's own)",
    "share",
    better=None,
)
LEAK_FREE = Metric(
    "leak_free", "whether nothing in an episode leaks a secret (this project's own)", "share", better="higher"
)


class Leakage(Scorer):
    """Who says what it could not know."""

    name: ClassVar[str] = "leakage"
    version: ClassVar[str] = "2"
    metrics: ClassVar[tuple[Metric, ...]] = (LEAKS, TOLD, LEAK_FREE)

    threshold: float = Field(default=0.5, gt=0, le=1)
    """Share of a fact, by weight, from which on some words tell it. At 0.5, of 72 rewordings by hand 66 are found (55
    without synonyms), and of 96 replies on the same topic one is taken for a leak (`tests/scorers/test_leakage.py`)."""
    synonyms: dict[str, tuple[str, ...]] = Field(default={})
    """Words and phrases that count as one of the secret's: `{buoy: [marker, float]}`."""

    def score(self, case: Case, call: Call) -> Scores:
        """Return `leaks` of all that was said by one who could not know every secret, `told` and `leak_free`."""
        knowing = Knowing(self.threshold, tuple(self.synonyms.items()))
        scores: list[Score] = []
        given_away: dict[str, Score] = {}
        for (after, variant), until in zip(case.legs, _ends(case), strict=True):
            knowing.begin(variant)
            for event in case.trajectory.events:
                if event.text and event.turn <= until and (event.turn > after or not after):
                    told = knowing.told(event)
                    scores += _leaks(event, told, knowing, case, self.threshold)
                    _note(event, knowing.learn(event, told), knowing, given_away)
        yield from scores
        yield from _told(knowing, given_away)
        yield _leak_free(scores, bool(knowing.facts))


def _leaks(event: Event, told: Sequence[Told], knowing: Knowing, case: Case, threshold: float) -> Iterator[Score]:
    """Yield whether an event leaks anything; nothing if it is none that could, or its speaker knows all there is."""
    if event.kind not in SAID or event.call is None or is_chosen(event, case):
        return
    if all(knowing.knows(fact, event) for fact in range(len(knowing.facts))):
        return
    leaked = [one for one in told if one.share >= threshold and not knowing.knows(one.fact, event)]
    worst = max(leaked, key=lambda one: one.share, default=None)
    yield Score(
        metric=LEAKS.name,
        value=float(bool(leaked)),
        reason=_reason(event, worst, knowing) if worst else None,
        character=event.actor if event.actor in (*knowing.names, NARRATOR) else None,
        events=(event.index,),
        cause=_cause(event, worst, knowing, case),
    )


def _reason(event: Event, told: Told, knowing: Knowing) -> str:
    fact = knowing.facts[told.fact]
    owner, secret, words = knowing.names[fact.owner], one_line(fact.source, 120), one_line(event.text, 160)
    return f'tells what {owner} alone knows ("{secret}"), {told.share:.0%} of it: "{words}"'


def _cause(event: Event, told: Told | None, knowing: Knowing, case: Case) -> Cause:
    if told and event.call and knowing.is_told(told.fact, _request(case, event.call)):
        return "engine"
    return "narrator" if event.actor == NARRATOR else "character"


def _request(case: Case, key: str) -> list[str]:
    """Return the texts of a request; none if it is not on record."""
    try:
        return [segment.text for segment in case.asked(key).prompt.segments() if segment.text]
    except KeyError:
        return []


def _note(event: Event, learned: dict[int, list[str]], knowing: Knowing, given_away: dict[str, Score]) -> None:
    """Note who told a secret of its own to whom, the first time that it does."""
    for at, names in learned.items():
        fact = knowing.facts[at]
        if knowing.who(event.actor) == fact.owner and fact.source not in given_away:
            to = ", ".join(names)
            given_away[fact.source] = Score(
                metric=TOLD.name,
                value=1,
                reason=f'{event.actor} tells it to {to} in turn {event.turn}: "{one_line(event.text, 160)}"',
                character=event.actor,
                events=(event.index,),
            )


def _told(knowing: Knowing, given_away: dict[str, Score]) -> Iterator[Score]:
    sources = {fact.source: fact.owner for fact in knowing.facts}
    for source, owner in sources.items():
        quoted = f'kept: "{one_line(source, 120)}"'
        kept = Score(metric=TOLD.name, value=0, reason=quoted, character=knowing.names[owner])
        yield given_away.get(source, kept)


def _ends(case: Case) -> list[float]:
    """Return the last turn of each leg."""
    return [*(float(after) for after, _ in case.legs[1:]), float("inf")]


def _leak_free(leaks: Sequence[Score], has_secrets: bool) -> Score:
    if not leaks:
        why = "nobody spoke who could not know it" if has_secrets else "nobody has a secret"
        return Score(metric=LEAK_FREE.name, reason=why)
    leaked = [score for score in leaks if score.value]
    return Score(
        metric=LEAK_FREE.name,
        value=float(not leaked),
        reason=leaked[0].reason if leaked else None,
        events=tuple(index for score in leaked for index in score.events),
        cause=leaked[0].cause if leaked else None,
    )
