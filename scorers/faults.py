"""Faults: what went wrong in an episode by the look of its texts and flags, and who is to blame.

A reply is all that came of one call, and is judged as one. Each fault is a share of the replies, narrations, decisions
or episodes in which it could have been, so every one of these has a verdict, 0 or 1.

Blame follows from who did it and how, and not from the outcome, so that a group holds its zeros as well:

- What a model wrote as one of the cast is that character's: speaking for others, name drift, echo, repetition, an empty
  reply, a refusal. As the narrator it is the narrator's. As the player who asks from outside it is the `engine`'s: that
  player is part of the simulator. What a person typed, or the scenario gives, is not judged.
- A reply cut by its token limit is the `engine`'s: the limit is the simulator's, and not the character's.
- Decisions that were repaired or defaulted: those on what comes next (`steer`) are the `policy`'s, the narrator's other
  ones the `narrator`'s, an answer that a character was to choose the `character`'s. Only decisions that left an event
  are counted; one that touched nobody and was read at once leaves none.
- An episode that ended too early is the `engine`'s, and the `policy`'s where that failed.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import ClassVar

from pydantic import Field

from agents.player import PERSON, turns_of
from scenes.chat import Call
from scenes.clean import one_line
from scenes.event import NARRATOR, Event, Flags
from scenes.profile import CharacterProfile
from scorers.base import Case, Cause, Metric, Score, Scorer, Scores
from scorers.choices import is_chosen
from scorers.ledger import Ledger
from scorers.symptoms import Copies, copied, drifts, loops, misnamed, refuses, sheet_of, speaks_for

_SPOKEN = ("speak", "react", "ask")
_TOLD = ("open", "narrate", "switch")
_DECIDED = ("steer", "judge", "update")
MENDED = ("repaired",)
"""Faults that were put right before they could do harm: they spoil no episode."""


def _fault(name: str, meaning: str) -> Metric:
    return Metric(name, f"{meaning} (this project's own)", "share", better="lower")


METRICS = (
    _fault("speaking_for_others", "whether a reply or narration begins to speak for somebody else"),
    _fault(
        "name_drift", "whether a reply takes its speaker for another, or calls one of the cast by a name nearly its own"
    ),
    _fault(
        "echo",
        "whether a reply repeats what its speaker heard or was told, by its runs of four words; another number, colour "
        "or side is news",
    ),
    _fault(
        "repetition",
        "whether a reply or narration repeats an earlier one of the same speaker, or itself; another number, colour or "
        "side is news, and in a narration any other word that tells something",
    ),
    _fault("empty", "whether a reply or narration says nothing"),
    _fault("truncated", "whether a reply or narration was cut by its token limit"),
    _fault("refusal", "whether a reply or narration is a model's refusal, or speaks as a model"),
    _fault("defaulted", "whether a decision could not be read, and a rule took its place"),
    _fault("repaired", "whether a decision had to be asked for again"),
    _fault("narrator_against_state", "whether a narration contradicts who is there, where, and alive"),
    _fault("ended_too_early", "whether an episode failed or stopped before its last turn, and nobody ended it"),
)


class Faults(Scorer):
    """What went wrong, and by whose fault."""

    name: ClassVar[str] = "faults"
    version: ClassVar[str] = "2"
    metrics: ClassVar[tuple[Metric, ...]] = METRICS

    copied: float = Field(default=0.7, gt=0, le=1)
    """Share of a reply's runs of four words from which on it is an echo or a repetition."""

    def score(self, case: Case, call: Call) -> Scores:
        """Return the verdicts on all replies, narrations and decisions, and on how the episode ended."""
        reading = _Reading(case, self.copied)
        for key, events in groupby(case.trajectory.events, lambda event: event.call):
            yield from reading.judge(key, list(events))
        yield _ending(case)


class _Reading:
    """Goes through the events of one episode, call by call."""

    def __init__(self, case: Case, threshold: float) -> None:
        self._case, self._threshold = case, threshold
        self._ledger = Ledger()
        self._leg = -1
        self._copies = Copies()
        self._sheets: dict[str, frozenset[tuple[str, ...]]] = {}
        self._profiles: dict[str, CharacterProfile] = {}

    def judge(self, key: str | None, events: Sequence[Event]) -> Iterator[Score]:
        """Yield the verdicts on what came of one call, and take it in."""
        self._begin(events[0].turn)
        what = _what(key)
        if what in _SPOKEN or (what in _TOLD and events[0].kind == "narration"):
            yield from self._spoken(what, [event for event in events if event.call and event.kind != "state"])
        elif what in _DECIDED or what == "interview":
            yield from self._decided(what, events)
        for event in events:
            if event.kind == "narration" and event.call:
                yield self._against_state(event)
            self._ledger.take(event)
            self._hear(event)

    def _begin(self, turn: int) -> None:
        """Let every leg begin that does before `turn`."""
        later = self._case.legs[self._leg + 1 :]
        for after, variant in later:
            if after and after >= turn:
                break
            self._leg += 1
            self._ledger.begin(variant)
            self._profiles = {profile.name: profile for profile in variant.profiles}
            for member, profile in zip(variant.scenario.cast, variant.profiles, strict=True):
                told = (variant.scenario.premise, member.secret, *_sheet(profile))
                self._sheets[profile.name] = sheet_of(tuple(text for text in told if text))

    def _spoken(self, what: str, events: Sequence[Event]) -> Iterator[Score]:
        """Yield the verdicts on a reply or narration."""
        if not events or self._case.model_of(events[0].actor) == PERSON:
            return
        name, cause = events[0].actor, self._cause(what, events[0].actor)
        me = self._profiles.get(name)
        found = self._in_flags_and_words(name, events) | (self._in_person(me, events) if me else {})
        shares = [self._copies.shares(event.text, name, event.kind == "narration") for event in events]
        text = _text(events)
        repeats = max(own for own, _ in shares) >= self._threshold or loops(text)
        found["repetition"] = text if repeats else None
        if me:
            sheet = self._sheets[name]
            echoes = max(max(other, copied(one.text, sheet)) for one, (_, other) in zip(events, shares, strict=True))
            found["echo"] = text if echoes >= self._threshold else None
        for metric, words in found.items():
            yield _score(metric, events, "engine" if metric == "truncated" else cause, words, self._profiles)

    def _in_flags_and_words(self, name: str, events: Sequence[Event]) -> dict[str, str | None]:
        """Return what is wrong with a reply by its flags and forms."""
        text, flags, me = _text(events), events[0].flags or Flags(), self._profiles.get(name)
        others = tuple(other for one in self._profiles.values() if one.name != name for other in _names(one))
        role = f"{me.role} {me.introduction}" if me else ""
        return {
            "empty": "nothing" if flags.empty else None,
            "truncated": f"… {text[-60:]}" if flags.truncated else None,
            "speaking_for_others": flags.spoke_for or speaks_for(text, others),
            "refusal": text if refuses(text, role) else None,
        }

    def _in_person(self, me: CharacterProfile, events: Sequence[Event]) -> dict[str, str | None]:
        """Return whether one of the cast takes itself for another, or calls another by a wrong name."""
        speech = " ".join(event.text for event in events if event.kind == "speech")
        others = tuple(other for one in self._profiles.values() if one.name != me.name for other in _names(one))
        drift = drifts(speech, _names(me), others, me.catchphrases) or misnamed(speech, (*others, *_names(me)))
        return {"name_drift": drift}

    def _cause(self, what: str, name: str) -> Cause:
        if what in _TOLD:
            return "narrator"
        return "character" if name in self._profiles else "engine"

    def _decided(self, what: str, events: Sequence[Event]) -> Iterator[Score]:
        """Yield the verdicts on a decision; a free answer in an interview is none."""
        first = events[0]
        if what == "interview" and not is_chosen(first, self._case):
            return
        flags = first.flags or Flags()
        cause: Cause = "policy" if what == "steer" else "character" if what == "interview" else "narrator"
        defaulted = "no answer could be read" if flags.defaulted else None
        yield _score("defaulted", events, cause, defaulted, self._profiles)
        again = f"asked again {flags.repaired} times" if flags.repaired else None
        yield _score("repaired", events, cause, again, self._profiles)

    def _against_state(self, event: Event) -> Score:
        against = self._ledger.against(event)
        return Score(
            metric="narrator_against_state",
            value=float(against is not None),
            reason=against and one_line(against, 200),
            character=NARRATOR,
            events=(event.index,),
            cause="narrator",
        )

    def _hear(self, event: Event) -> None:
        if event.kind in ("speech", "action", "narration") and event.text:
            self._copies.keep(event.text, event.actor, event.visible_to)


def _what(key: str | None) -> str:
    """Return what a call was for: `speak`, `narrate`, `interview`, …; nothing where there was none."""
    parts = (key or "").split("/")
    if parts[0] == "interview":
        return "interview"
    return parts[2].split("-")[0] if len(parts) > 2 else ""


def _names(profile: CharacterProfile) -> tuple[str, ...]:
    return (profile.name, *profile.aliases)


def _sheet(profile: CharacterProfile) -> Iterator[str]:
    """Yield the prose of a profile; what a character is known for saying may be said."""
    sections = (profile.introduction, profile.personality, profile.life_story, profile.relationships, profile.private)
    yield from (text for text in sections if text)


def _text(events: Iterable[Event]) -> str:
    return "\n".join(event.text for event in events)


def _score(metric: str, events: Sequence[Event], cause: Cause, found: str | None, cast: Iterable[str]) -> Score:
    """Return the verdict that a fault was `found`, in the words that show it, or was not."""
    name = events[0].actor
    return Score(
        metric=metric,
        value=float(found is not None),
        reason=found and one_line(found, 160),
        character=name if name in cast or name == NARRATOR else None,
        events=tuple(event.index for event in events),
        cause=cause,
    )


def _ending(case: Case) -> Score:
    """Return the verdict on how an episode ended."""
    trajectory = case.trajectory
    if trajectory.status == "playing":
        return Score(metric="ended_too_early", reason="it is still being played")
    last = max((event.turn for event in trajectory.events), default=0)
    planned = turns_of(case.variant.scenario)
    if trajectory.status == "failed":
        why = f"failed after turn {last} of {planned}: {one_line(trajectory.error or '', 160)}"
        cause: Cause = "policy" if (trajectory.error or "").startswith("the turn policy") else "engine"
        return Score(metric="ended_too_early", value=1, reason=why, cause=cause)
    ended = last >= planned or _was_ended(case)
    why = f"ended after turn {last} of {planned}"
    return Score(metric="ended_too_early", value=float(not ended), reason=None if ended else why, cause="engine")


def _was_ended(case: Case) -> bool:
    """Return whether the narrator ended an episode, or all of the cast have left."""
    ledger = Ledger()
    ended = False
    for _, variant in case.legs:
        ledger.begin(variant)
    for event in case.trajectory.events:
        ledger.take(event)
        ended = ended or (event.kind == "system" and _what(event.call) == "steer" and event.text.startswith("end:"))
    return ended or not ledger.anybody()
