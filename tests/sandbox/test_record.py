"""Reading a run: all that was asked can be rebuilt, damage is told in a sentence, and nothing needs to be written."""

import random
import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from shutil import copy, copytree

import pytest
from killing import begun, contents, killed, read_only
from playing import carried_out, last_words, played

from sandbox.cli import main
from sandbox.errors import EXIT_CODES, StoreDamaged
from sandbox.record import Record, StoredCall
from sandbox.store import DATABASE
from sandbox.tally import Summary
from scenes.chat import Request
from scenes.event import Event
from scenes.problem import InputRefused

STORY = {
    "vary": {"images.harbour.storybook.seed": {"range": [0, 4]}},
    "turns": 12,
    "narrator": {"model": "storybook"},
}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of two episodes."""
    return played(tmp_path_factory.mktemp("run"), **STORY)


def read_all(folder: Path) -> list[tuple[tuple[Event, ...], list[StoredCall]]]:
    """Read everything that a run holds and return the events and the calls of every episode."""
    with closing(Record(folder)) as record:
        record.meta()
        read = []
        for state in record.states():
            record.pictures(state.id)
            read.append((record.trajectory(state).events, record.calls(state.id)))
        return read


def test_every_request_can_be_rebuilt_exactly_as_it_was_asked(tmp_path: Path) -> None:
    asked: list[Request] = []

    def answer(request: Request) -> str:
        asked.append(request)
        return last_words(request)

    folder = played(tmp_path, answer, **STORY)
    with closing(Record(folder)) as record:
        calls = [call for state in record.states() for call in record.calls(state.id)]
    rebuilt = {call.request.digest(): call.request for call in calls}
    assert len(rebuilt) == len(asked) == 52
    for request in asked:
        twin = rebuilt[request.digest()]
        assert twin.prompt.segments() == request.prompt.segments()
        assert (twin.model, twin.sampling, twin.seed) == (request.model, request.sampling, request.seed)


def test_episodes_that_begin_alike_share_the_beginning_of_their_prompts_in_the_store(tmp_path: Path) -> None:
    def nodes(folder: Path) -> tuple[int, int]:
        """Return how many segments the store holds, and how many all its prompts have."""
        with closing(sqlite3.connect(folder / DATABASE)) as database:
            stored = database.execute("SELECT count(*) FROM prompts").fetchone()[0]
        with closing(Record(folder)) as record:
            prompts = [call.request.prompt for state in record.states() for call in record.calls(state.id)]
        return stored, len({node.id for prompt in prompts for node in prompt.nodes()})

    one, many = played(tmp_path / "1", turns=4), played(tmp_path / "9", turns=4, episodes=9)
    assert nodes(one)[0] == nodes(one)[1]
    assert nodes(many)[0] == nodes(many)[1] < 9 * nodes(one)[0]


def cut_in_half(store: Path) -> None:
    store.write_bytes(store.read_bytes()[: store.stat().st_size // 2])


def not_a_store(store: Path) -> None:
    store.write_bytes(b"Dear diary, \x1b[31mtoday\x1b[0m nothing was played." * 200)


def emptied(store: Path) -> None:
    store.write_bytes(b"")


def newer(store: Path) -> None:
    with closing(sqlite3.connect(store)) as database:
        database.execute("PRAGMA user_version=7")


def older(store: Path) -> None:
    with closing(sqlite3.connect(store)) as database:
        database.execute("PRAGMA user_version=1")


def without_a_table(store: Path) -> None:
    with closing(sqlite3.connect(store)) as database:
        database.execute("DROP TABLE calls")


def without_an_event(store: Path) -> None:
    with closing(sqlite3.connect(store, isolation_level=None)) as database:
        database.execute('DELETE FROM events WHERE episode=0 AND "index"=2')


def without_the_last_events(store: Path) -> None:
    with closing(sqlite3.connect(store, isolation_level=None)) as database:
        database.execute('DELETE FROM events WHERE episode=0 AND "index">8')


def without_a_call(store: Path) -> None:
    with closing(sqlite3.connect(store, isolation_level=None)) as database:
        database.execute("DELETE FROM calls WHERE episode=1 AND key='t03/captainbrack/speak'")


def without_a_segment(store: Path) -> None:
    with closing(sqlite3.connect(store, isolation_level=None)) as database:
        database.execute("DELETE FROM prompts WHERE node IN (SELECT parent FROM prompts LIMIT 1 OFFSET 3)")


def with_a_changed_word(store: Path) -> None:
    with closing(sqlite3.connect(store, isolation_level=None)) as database:
        database.execute("UPDATE events SET body=replace(body, 'Line', 'Lime')")


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (cut_in_half, "cannot be read (database disk image is malformed); copy the run with its -wal file, or restore"),
        (not_a_store, "cannot be read (file is not a database)"),
        (emptied, "holds no run: it was copied without its -wal file, or ended before its first turn; copy the whole"),
        (newer, "has schema 7 and this program reads 3; use the one that wrote it"),
        (older, "has schema 1, of an earlier version, and this program reads 3; read it with the version that wrote"),
        (without_a_table, "cannot be read (no such table: calls)"),
        (without_an_event, "lacks an event of episode 0; restore the run from a copy"),
        (without_the_last_events, "lacks an event of episode 0; restore the run from a copy"),
        (without_a_call, "lacks the call t03/captainbrack/speak of episode 1; restore the run from a copy"),
        (without_a_segment, "lacks a part of a prompt; restore the run from a copy"),
        (with_a_changed_word, "a row does not match its hash ((0, 0)); restore the run from a copy"),
    ],
)
def test_a_damaged_store_is_told_in_one_sentence(
    damage: Callable[[Path], None], told: str, run: Path, tmp_path: Path
) -> None:
    folder = copytree(run, tmp_path / "damaged")
    damage(folder / DATABASE)
    before = (folder / DATABASE).read_bytes()
    with pytest.raises(StoreDamaged) as damaged:
        read_all(folder)
    assert str(damaged.value).startswith(f"{folder / DATABASE}")
    assert told in str(damaged.value)
    assert "\n" not in str(damaged.value)
    assert (folder / DATABASE).read_bytes() == before
    assert EXIT_CODES[StoreDamaged] == 4


@pytest.mark.parametrize("arguments", [["show"], ["show", "--json"], ["replay", "--check"], ["resume"]])
@pytest.mark.parametrize("damage", [cut_in_half, not_a_store, emptied, newer, older])
def test_every_command_ends_with_exit_code_4_on_a_damaged_store(
    damage: Callable[[Path], None],
    arguments: list[str],
    run: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder = copytree(run, tmp_path / "damaged")
    damage(folder / DATABASE)
    verb, *options = arguments
    monkeypatch.setattr(sys, "argv", ["rolestage", verb, str(folder), *options])
    with pytest.raises(SystemExit) as ended:
        main()
    err = capsys.readouterr().err
    assert ended.value.code == 4
    assert err.count("\n") == 1
    assert "\x1b" not in err


def test_a_folder_without_a_store_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputRefused, match="this is no run"):
        Record(tmp_path)


def half_played(tmp_path: Path) -> Path:
    """Return a run whose process was killed, so that its journal still holds what it played."""
    folder = begun(tmp_path, **STORY)
    (dead,) = killed([folder], [[10]])
    assert (folder / f"{DATABASE}-wal").stat().st_size > 10_000
    return dead


def test_a_store_copied_without_its_journal_is_named_as_such(tmp_path: Path) -> None:
    folder = half_played(tmp_path)
    alone = tmp_path / "alone"
    alone.mkdir()
    copy(folder / DATABASE, alone)
    with pytest.raises(StoreDamaged, match="it was copied without its -wal file"):
        Record(alone)


def test_a_finished_run_is_whole_in_its_store_alone(run: Path, tmp_path: Path) -> None:
    copy(run / DATABASE, tmp_path)
    assert contents(tmp_path) == contents(run)


def test_a_run_is_read_where_nothing_may_be_written(run: Path, tmp_path: Path) -> None:
    copy(run / DATABASE, tmp_path)
    expected = contents(run)
    with read_only(tmp_path) as folder:
        assert contents(folder) == expected


def test_a_killed_run_is_read_whole_where_nothing_may_be_written_or_not_at_all(tmp_path: Path) -> None:
    folder = half_played(tmp_path)
    bare = copytree(folder, tmp_path / "bare")
    (bare / f"{DATABASE}-shm").unlink()
    with read_only(bare) as copied, pytest.raises(StoreDamaged, match="cannot be read"):
        Record(copied)
    with read_only(folder) as copied:
        seen = contents(copied)
    assert seen == contents(folder)
    assert len(seen) == 4


def test_a_run_is_read_while_it_is_played(tmp_path: Path) -> None:
    """The writer's thread commits between any two reads."""
    folder = begun(tmp_path, **STORY)
    seen = []

    def answer(request: Request) -> str:
        seen.append(sum(len(events) for events, _ in read_all(folder)))
        return last_words(request)

    carried_out(folder, answer)
    assert seen == sorted(seen)
    assert seen[-1] > 30


def raw(store: Path) -> object:
    """Return everything in the tables, as SQLite alone reads it, or the error that it makes of that."""
    tables = ("meta", "episodes", "events", "calls", "prompts", "images")
    try:
        with closing(sqlite3.connect(f"file:{store}?mode=ro", uri=True)) as database:
            return [database.execute(f"SELECT * FROM {table}").fetchall() for table in tables]
    except (sqlite3.Error, UnicodeError) as error:
        return str(error)


@pytest.mark.parametrize("trials", [300, pytest.param(3000, marks=pytest.mark.slow)])
def test_random_bytes_in_a_store_are_noticed_wherever_they_change_what_it_holds(
    trials: int, run: Path, tmp_path: Path
) -> None:
    """SQLite's own check notices about one in thirty of these."""
    folder = tmp_path / "hit"
    folder.mkdir()
    store, whole, chance = folder / DATABASE, (run / DATABASE).read_bytes(), random.Random(trials)
    expected = raw(run / DATABASE)
    hits = noticed = 0
    for _ in range(trials):
        at = chance.randrange(len(whole) - 16)
        store.write_bytes(whole[:at] + chance.randbytes(16) + whole[at + 16 :])
        if raw(store) != expected:
            hits += 1
            noticed += _is_noticed(folder)
    assert hits > trials / 4
    assert noticed / hits >= 0.99


def _is_noticed(folder: Path) -> bool:
    try:
        read_all(folder)
    except StoreDamaged:
        return True
    return False


def test_the_record_keeps_what_every_command_that_played_came_to(tmp_path: Path) -> None:
    folder = begun(tmp_path, episodes=3)
    summaries = [carried_out(folder, episodes=1), carried_out(folder), carried_out(folder)]
    with closing(Record(folder)) as record:
        kept = [Summary(run=str(folder), **session) for session in record.sessions()]
    assert kept == summaries[:2]  # in the last nothing was left to be played
    assert [session.turns for session in kept] == [4, 8]
    assert kept[1].occupancy is not None
