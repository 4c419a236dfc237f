"""Playing a stored run again with no model: proof that its record holds everything and that play is still the same."""

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import zip_longest
from pathlib import Path

from sandbox.episode import reason, variant_of
from sandbox.models import layout_of
from sandbox.play import play
from sandbox.record import Record
from sandbox.rows import EpisodeRow
from sandbox.run_folder import SCENARIO
from sandbox.tape import Diverged, Tape
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


class _OffRecord(Exception):
    """Play asked something that is not on record."""


async def _refuse(key: str, request: Request) -> Completion:
    raise _OffRecord(key)


async def replay_all(folder: Path) -> list[Replayed]:
    """Play every episode of the run at `folder` from its record alone. Raises `InputRefused` and `StoreDamaged`."""
    record = Record(folder)
    try:
        source = load(folder / SCENARIO)
        return [await _replay(state, source, record) for state in record.states()]
    finally:
        record.close()


async def _replay(state: EpisodeRow, source: Source, record: Record) -> Replayed:
    stored = record.events(state.id)
    answers = record.answers(state.id, failures=True)
    played: list[Event] = []
    difference = await _played(state, source, record, Tape(answers, _refuse), played)
    if state.status != "done":  # it got no further than this; what needs no model goes on
        del played[len(stored) :]
    return Replayed(state.id, len(played), len(answers), difference or _first_difference(stored, played))


async def _played(state: EpisodeRow, source: Source, record: Record, tape: Tape, played: list[Event]) -> str | None:
    """Play into `played`; return why play left the record, if it did."""
    try:
        variant, seed = variant_of(source, state.id)
        scene = Scene(source.setting(variant, lambda picture, facts: None), seed)
        await play(scene, layout_of(variant.scenario), tape.call, played.extend)
    except Diverged as diverged:
        return explained(diverged, record)
    except _OffRecord as missing:
        return None if state.status != "done" else f"the call {missing} is not on record"
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
