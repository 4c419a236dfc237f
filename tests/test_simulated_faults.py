"""Thousands of disturbed runs in virtual time: calls fail and hang, engines die, clocks jump, processes are killed.

`ROLESTAGE_SEEDS=10000` plays so many of them. Each is resumed until it is done; no turn is lost, none doubled, and what
comes out is what would have come out undisturbed. That the checks can fail is seen with bugs planted on purpose.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import count
from pathlib import Path
from random import Random
from typing import Any, get_args

import pytest
from PIL import Image
from playing import STORY, written
from several_lives import ENGINE, End, MemoryStore, Run, survive, undisturbed

from sandbox.engines.simulated import Simulated
from sandbox.record import Record
from sandbox.rows import Batch
from sandbox.tape import Answer
from scenes.chat import Request
from scenes.loading import Source, load

SEEDS = int(os.environ.get("ROLESTAGE_SEEDS", "200"))
PARTS = 10
MOST_EPISODES = 3
PICTURES = {"harbour": {"file": "harbour.png"}, "chart": {"file": "chart.png", "reserve": True}}
"""From files, which are read once; to draw some for every life would take longer than to play it."""
SHOWN: dict[str, Any] = {"images": {"harbour": PICTURES["harbour"]}}
SCENARIOS: tuple[dict[str, Any], ...] = (
    SHOWN | {"turns": 3},
    SHOWN | {"turns": 5, "layout": "images-first", "memory": {"words": 40}},
    SHOWN | {"turns": 2, "turn_policy": "simultaneous", "mind": "bdi", "layout": "images-first"},
    SHOWN | {"turns": 2, "interview": [{"ask": "Who moved the buoy?", "choices": "cast"}]},
    STORY | {"turns": 2, "images": PICTURES},
)


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> list[Source]:
    folder = tmp_path_factory.mktemp("sources")
    return [source_in(folder / str(at), changes) for at, changes in enumerate(SCENARIOS)]


def source_in(folder: Path, changes: dict[str, Any]) -> Source:
    file = written(folder, episodes=MOST_EPISODES, **changes)
    for colour, name in (("navy", "harbour"), ("beige", "chart")):
        Image.new("RGB", (32, 32), colour).save(folder / f"{name}.png")
    return load(file)


@pytest.fixture(scope="module")
def expected(sources: Sequence[Source]) -> list[list[Any]]:
    return [undisturbed(source, MOST_EPISODES) for source in sources]


@pytest.mark.parametrize("part", range(PARTS))
def test_no_turn_is_lost_or_doubled_whatever_happens(
    part: int, sources: Sequence[Source], expected: Sequence[Any]
) -> None:
    for seed in range(part, SEEDS, PARTS):
        survive(seed, sources, expected)


class WithoutCalls(MemoryStore):
    """Commits events without the calls behind them."""

    def put(self, batch: Batch) -> None:
        super().put(replace(batch, calls=()) if batch.events else batch)


class InTwo(MemoryStore):
    """Commits a turn's calls apart from its events."""

    def put(self, batch: Batch) -> None:
        super().put(replace(batch, events=()))
        super().put(replace(batch, calls=(), state=None))


class EndFirst(MemoryStore):
    """Commits the end of an episode before the events that come before it."""

    _held: Batch | None = None

    def put(self, batch: Batch) -> None:
        if batch.events and self._held is None:
            self._held = batch
            return
        super().put(batch)
        if self._held is not None and (batch.state is None or batch.state.status != "playing"):
            super().put(self._held)
            self._held = None


class ShownTooSoon(MemoryStore):
    """Shows what is put before it is committed."""

    def put(self, batch: Batch) -> None:
        super().put(batch)
        self.shown += [(batch.episode, event) for event in batch.events]


class OutOfPlace(MemoryStore):
    """Writes the turns of a resumed run after those that are there, instead of in their place."""

    def put(self, batch: Batch) -> None:
        known = len(self.record._rows("SELECT * FROM events WHERE episode=?", batch.episode)) if batch.events else 0
        moved = [event.model_copy(update={"index": event.index + known}) for event in batch.events]
        super().put(replace(batch, events=moved) if self.shown else batch)


def forgetful(record: Record, episode: int) -> tuple[Mapping[str, Answer], int]:
    """Know nothing of what was played."""
    return {}, -1


class Moody(Simulated):
    """Answers otherwise in every life."""

    _lives = count()

    def __init__(self) -> None:
        super().__init__(ENGINE, "moody")
        self._mood = next(self._lives)

    async def complete(self, request: Request, *rest: Any) -> Any:
        return await super().complete(replace(request, seed=request.seed + self._mood), *rest)


def planted(kind: type[MemoryStore]) -> Any:
    """Return what puts a store of this kind into a run."""

    def into(run: Run) -> MemoryStore:
        run.store.close()
        return kind(Random(0))

    return into


BUGS = {
    "events without their calls": {"store": planted(WithoutCalls)},
    "a turn in two commits": {"store": planted(InTwo)},
    "the end before the last turn": {"store": planted(EndFirst)},
    "shown before it is safe": {"store": planted(ShownTooSoon)},
    "turns out of their place": {"store": planted(OutOfPlace)},
    "answers forgotten": {"remembers": forgetful},
    "answers that depend on more than the request": {"engine": Moody},
}


@pytest.mark.parametrize("bug", BUGS)
def test_a_planted_bug_is_found(bug: str, sources: Sequence[Source], expected: Sequence[Any]) -> None:
    found: list[str] = []
    for seed in range(60):
        try:
            survive(seed, sources, expected, **BUGS[bug])
        except Exception as error:  # a check, or the record that finds itself damaged
            found.append(str(error))
    assert found


def test_lives_end_in_every_way_and_calls_fail_for_every_reason(
    sources: Sequence[Source], expected: Sequence[Any]
) -> None:
    runs = [survive(seed, sources, expected) for seed in range(60)]
    assert {end for run in runs for end in run.ends} == set(get_args(End))
    assert {reason for run in runs for reason in run.reasons} == {
        "the engine refuses this one",
        "there was no answer within 60 s",
        "the engine hangs: simulated has answered nothing for 60 s",
        "the engine was killed",
    }
    assert max(len(run.ends) for run in runs) == 4
