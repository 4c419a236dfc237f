"""A story in which much depends on much, minds, a narrator and an interview, survives every kill as plain talk does."""

from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

import pytest
from killing import Unbroken, assert_nothing_is_lost, begun, copies, killed, unbroken_run
from playing import STORY, carried_out, last_words, new_run, written

from sandbox.record import Record
from scenes.chat import CallFailed, Request
from scenes.event import Event
from scenes.loading import load

TALE = STORY | {"turns": 9, "vary": {"turn_policy": ["narrator", "round_robin", "simultaneous"]}}


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of three stories of which nothing was played."""
    return begun(tmp_path_factory.mktemp("tales"), **TALE)


@pytest.fixture(scope="module")
def unbroken(template: Path) -> Unbroken:
    return unbroken_run(template)


def test_the_stories_hold_what_could_be_torn(template: Path, unbroken: Unbroken) -> None:
    with closing(Record(template.parent / "unbroken")) as record:
        events = [event for state in record.states() for event in record.events(state.id)]
        asked = {key.split("/")[-1].split("-")[0] for state in record.states() for key in record.answers(state.id)}
    assert {event.kind for event in events} >= {"speech", "narration", "state", "system"}
    assert {"steer", "judge", "narrate", "react", "update", "summary", "belief", "surroundings"} <= asked


@pytest.mark.parametrize(
    ("concurrency", "kills"),
    [
        (8, [1, 2, 4, 5, 8, 11, 16, 20, 25, 27, 29, 31]),
        (1, [1, 2, 3, 7, 13, 14, 19, 26, 30]),
        pytest.param(8, range(1, 38), marks=pytest.mark.slow),
        pytest.param(1, range(1, 38), marks=pytest.mark.slow),
    ],
)
def test_a_story_killed_at_any_commit_has_lost_nothing_shown_and_ends_as_an_unbroken_one(
    concurrency: int, kills: Iterable[int], template: Path, unbroken: Unbroken, tmp_path: Path
) -> None:
    lives = [[kill] for kill in kills]
    folders = killed(copies(template, len(lives), tmp_path), lives, concurrency)
    seen = [assert_nothing_is_lost(folder, unbroken) for folder in folders]
    assert len(seen) == len(lives)
    assert max(seen) > 100


def test_a_story_whose_resumes_are_killed_too_ends_as_an_unbroken_one(
    template: Path, unbroken: Unbroken, tmp_path: Path
) -> None:
    lives = [[5, 6, 7], [12, 1, 9, 2], [3] * 9]
    for folder in killed(copies(template, len(lives), tmp_path), lives, 8):
        assert_nothing_is_lost(folder, unbroken)


def test_a_decision_made_by_default_because_its_repair_failed_stays_made(tmp_path: Path) -> None:
    folder = new_run(load(written(tmp_path / "scenario", **STORY | {"turns": 3})), tmp_path / "runs")
    unreadable: set[bytes] = set()
    broken = True

    def answer(request: Request) -> str:
        """Fill in no form, fail whenever one is asked for again, and in the third turn for good."""
        if request.form is None:
            return last_words(request)
        if any(node.id in unreadable for node in request.prompt.nodes()):
            raise CallFailed("no room")
        unreadable.add(request.prompt.id)
        if broken and len(unreadable) > 3:
            raise CallFailed("broken off")
        return "nothing to be read"

    assert carried_out(folder, answer).failed == 1
    kept = events_of(folder)
    assert any(event.flags and event.flags.defaulted for event in kept)
    broken = False
    unreadable.clear()
    assert carried_out(folder, answer).done == 1
    assert events_of(folder)[: len(kept)] == kept


def events_of(folder: Path) -> list[Event]:
    with closing(Record(folder)) as record:
        return list(record.events(0))
