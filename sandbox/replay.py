"""Playing a stored run again with no model: proof that its record holds everything and that play is still the same."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import zip_longest
from math import inf
from pathlib import Path

from agents.prompts.layout import Layout
from narrator.turn_policy import Policy
from sandbox.episode import Leg, legs_of, reason, staged
from sandbox.performance import Performance
from sandbox.play import Fork, Keep, play, played_until
from sandbox.policy_file import policy_of_run
from sandbox.record import Record
from sandbox.rows import EpisodeRow
from sandbox.run_folder import SCENARIO
from sandbox.tape import Diverged, OffRecord, Tape
from scenes.chat import Completion, Request, Segment
from scenes.clean import one_line
from scenes.event import Event
from scenes.loading import Source, load
from scenes.scene import Scene


@dataclass(frozen=True)
class Replayed:
    """What came of replaying one episode: the first difference, if there is one."""

    episode: int
    events: int
    calls: int
    difference: str | None


@dataclass(frozen=True)
class Past:
    """A stored run that can be played again, over its record and with no model."""

    record: Record
    source: Source
    branches: Mapping[int, EpisodeRow]
    policy: Policy | None = None
    """A turn policy of the user's own, with which it was played."""

    def tape(self, episode: int) -> Tape:
        """Return the record of an episode, recorded failures among it, which asks nothing. Raises `StoreDamaged`."""
        return Tape(self.record.answers(episode, failures=True), _nobody, settled=inf)

    def legs(self, episode: int) -> list[Leg]:
        """Return the legs of an episode in order. Raises `InputRefused` if a variant cannot be."""
        return legs_of(self.source, episode, self.branches)

    async def at(self, episode: int, turn: int) -> tuple[Scene, Performance]:
        """Return the scene of an episode as it was after `turn`, and who played in it.

        Raises `InputRefused`, and `Diverged` or `OffRecord` where play has left the record.
        """
        scene, layout, forks = self._staged(episode)
        tape = self.tape(episode)
        return scene, await played_until(scene, layout, tape.call, _forget, self.policy, forks, turn)

    async def play(self, episode: int, keep: Keep) -> None:
        """Play an episode from its beginning to its end. Raises as `sandbox.play.play` does, and as `at`."""
        scene, layout, forks = self._staged(episode)
        await play(scene, layout, self.tape(episode).call, keep, self.policy, forks)

    def _staged(self, episode: int) -> tuple[Scene, Layout, list[Fork]]:
        return staged(self.source, self.legs(episode), lambda picture, facts: None)


async def _nobody(key: str, request: Request) -> Completion:
    raise OffRecord(key)


def _forget(events: Sequence[Event]) -> None:
    """Take events that are stored already."""


@contextmanager
def past_of(folder: Path, policy: str | None = None) -> Iterator[Past]:
    """Give the run at `folder` to be played again. Raises `InputRefused` and `StoreDamaged`."""
    with closing(Record(folder)) as record:
        own = policy_of_run(record.meta(), policy, folder)
        yield Past(record, load(folder / SCENARIO), record.branches(), own.value if own else None)


async def replay_all(folder: Path, policy: str | None = None) -> list[Replayed]:
    """Play every episode of the run at `folder` from its record alone. Raises `InputRefused` and `StoreDamaged`."""
    with past_of(folder, policy) as past:
        return [await _replay(state, past) for state in past.record.states()]


async def _replay(state: EpisodeRow, past: Past) -> Replayed:
    stored = past.record.events(state.id)
    calls = len(past.record.answers(state.id, failures=True))
    played: list[Event] = []
    difference = await _played(state, past, played)
    if state.status != "done":  # it got no further than this; what needs no model goes on
        del played[len(stored) :]
    return Replayed(state.id, len(played), calls, difference or _first_difference(stored, played))


async def _played(state: EpisodeRow, past: Past, played: list[Event]) -> str | None:
    """Play into `played`; return why play left the record, if it did."""
    try:
        await past.play(state.id, played.extend)
    except Diverged as diverged:
        return explained(diverged, past.record)
    except OffRecord as missing:
        return None if state.status != "done" else f"the call {missing.key} is not on record"
    except Exception as error:  # a defect that ended the episode is part of the record, and ends it again
        return None if state.error == reason(error) else f"the episode fails: {reason(error)}; {_ended(state)}"
    return None if state.status != "failed" else f"the episode is played to its end; {_ended(state)}"


def _ended(state: EpisodeRow) -> str:
    return f"on record it is {state.status}" + (f": {state.error}" if state.error else "")


def _first_difference(stored: Sequence[Event], played: Sequence[Event]) -> str | None:
    for old, new in zip_longest(stored, played):
        if old != new:
            return f"event {(old or new).index}: recorded {_shown(old)}, played {_shown(new)}"
    return None


def _shown(event: Event | None) -> str:
    return one_line(event.model_dump_json(exclude_defaults=True), 300) if event else "nothing"


def explained(diverged: Diverged, record: Record) -> str:
    """Return the first difference between the request that was made and the one on record."""
    stored = record.segments(diverged.answer.node)
    asked = diverged.request.prompt.segments()
    for at, (old, new) in enumerate(zip_longest(stored, asked)):
        if old != new:
            return f"{diverged.key}: segment {at} of the prompt {_changed(old, new)}"
    return f"{diverged.key}: the prompt is the same, but not its model, sampling or seed"


def _changed(old: Segment | None, new: Segment | None) -> str:
    if old is None or new is None:
        return f'is {"new" if old is None else "gone"}: "{one_line((new or old or Segment("now", "user")).text)}"'
    if old.text == new.text:
        return f"has other surroundings: recorded {one_line(repr(old))}, now {one_line(repr(new))}"
    return f"({new.stability}) changed: {_words_apart(old.text, new.text)}"


def _words_apart(old: str, new: str) -> str:
    """Return the first words that differ, with a few before them."""
    before, after = old.split(), new.split()
    for tag, i, j, k, m in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if tag != "equal":
            lead, old_words, new_words = before[max(0, i - 4) : i], before[i:j], after[k:m]
            return f"after {_quoted(lead)} recorded {_quoted(old_words)}, now {_quoted(new_words)}"
    return "only in white space"


def _quoted(words: Sequence[str]) -> str:
    return f'"{one_line(" ".join(words))}"'
