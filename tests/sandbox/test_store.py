"""The writer and the pictures beside it: in order, all or none, each thing once, and never without bound."""

import asyncio
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from killing import begun
from playing import carried_out

import sandbox.store
from sandbox.errors import StoreDamaged, StoreFailed
from sandbox.gallery import Gallery
from sandbox.record import Record
from sandbox.rows import Batch, EpisodeRow
from sandbox.schema import PUT_NODE
from sandbox.store import DATABASE, Rows, Store
from scenes.chat import Request
from scenes.event import Event
from scenes.image import open_picture
from scenes.sights import drawn
from scenes.storybook.drawing import draw_lots


def test_a_store_that_is_none_is_refused_and_the_run_is_let_go(tmp_path: Path) -> None:
    folder = begun(tmp_path)
    (folder / DATABASE).write_bytes(b"This is a letter and no database." * 100)
    for _ in range(2):
        with pytest.raises(StoreDamaged, match=r"run\.db is no store that can be written \(file is not a database\)"):
            carried_out(folder)


def test_a_row_that_cannot_be_written_ends_the_run_instead_of_holding_it_up_for_ever(tmp_path: Path) -> None:
    async def put_two() -> None:
        store = Store(tmp_path)
        try:
            store.put(Batch(0, state=EpisodeRow(0, 0, "base", object(), 0, "playing", None, 0.0, None)))
            await store.finish()
        finally:
            store.close()

    with pytest.raises(StoreFailed, match="type 'object' is not supported"):
        asyncio.run(put_two())


def event(index: int) -> Event:
    return Event(index=index, turn=index, kind="speech", actor="Pip", text=f"Line {index}.", visible_to={"Pip": "did"})


def test_what_is_put_is_given_back_in_order_once_it_is_safe_and_nothing_is_put_after_a_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def put_many() -> list[int]:
        store = Store(tmp_path)
        try:
            for index in range(1000):
                store.put(Batch(0, events=(event(index),)))
            await store.finish()
            given = [batch.events[0].index async for batches in store.committed() for batch in batches]
            monkeypatch.setattr(store, "_failure", StoreFailed("the disk is gone"))
            with pytest.raises(StoreFailed, match="the disk is gone"):
                store.put(Batch(0, events=(event(1000),)))
        finally:
            store.close()
        return given

    assert asyncio.run(put_many()) == [*range(1000)]
    with closing(Record(tmp_path)) as record:
        assert [one.index for one in record.events(0)] == [*range(1000)]


def test_a_store_keeps_its_journal_in_step_with_the_disk_and_leaves_one_file_behind(tmp_path: Path) -> None:
    async def settings() -> list[Any]:
        store = Store(tmp_path, {"title": "Tea"})
        try:
            return [store._database.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous")]
        finally:
            store.close()

    assert asyncio.run(settings()) == ["wal", 2]
    assert {file.name for file in tmp_path.iterdir()} == {"run.db", "run.lock"}


def test_play_that_outruns_the_disk_begins_no_further_episode_until_it_has_caught_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    behind = []
    commit = Store._commit

    def slow(store: Store, written: Sequence[Rows]) -> None:
        behind.append(store._waiting.qsize())
        time.sleep(0.002)
        commit(store, written)

    monkeypatch.setattr(Store, "_commit", slow)
    monkeypatch.setattr(sandbox.store, "MOST_AT_ONCE", 4)
    monkeypatch.setattr(sandbox.store, "FAR_BEHIND", 20)
    carried_out(begun(tmp_path, episodes=100, turns=5), concurrency=2)
    assert 20 < max(behind) <= 20 + 2 * 9


def test_no_segment_of_a_prompt_is_sent_to_the_store_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[object] = []
    commit = Store._commit

    def counted(store: Store, written: Sequence[Rows]) -> None:
        sent.extend(row[0] for rows in written for row in rows[PUT_NODE])
        commit(store, written)

    monkeypatch.setattr(Store, "_commit", counted)
    carried_out(begun(tmp_path, turns=30))
    assert len(sent) > 60
    assert len(sent) == len({*sent})


def test_a_store_grows_linearly_with_its_turns(tmp_path: Path) -> None:
    def size(turns: int) -> int:
        folder = begun(tmp_path / str(turns), turns=turns)
        carried_out(folder)
        return (folder / DATABASE).stat().st_size

    small, middle, large = size(50), size(500), size(950)
    assert (large - middle) / (middle - small) == pytest.approx(1, abs=0.1)
    assert (large - middle) / 450 < 1_200


def test_a_picture_is_kept_once_and_opened_only_if_it_is_still_itself(tmp_path: Path) -> None:
    gallery, picture = Gallery(), drawn(draw_lots(7), 128)
    gallery.add(picture)
    assert gallery.open(picture.id).tobytes() == open_picture(picture).tobytes()
    gallery.keep_in(tmp_path / "images")
    gallery.add(picture)
    (file,) = (tmp_path / "images").iterdir()
    assert (file.name, file.read_bytes()) == (f"{picture.id}.png", picture.png)
    later = Gallery()
    later.keep_in(tmp_path / "images")
    assert later.open(picture.id).tobytes() == open_picture(picture).tobytes()


@pytest.mark.parametrize("content", [b"", b"no picture", drawn(draw_lots(8), 128).png, None])
def test_a_picture_that_is_no_longer_itself_is_never_shown_to_a_model(content: bytes | None, tmp_path: Path) -> None:
    gallery, picture = Gallery(), drawn(draw_lots(7), 128)
    gallery.keep_in(tmp_path)
    gallery.add(picture)
    (file,) = tmp_path.iterdir()
    if content is None:
        file.unlink()
    else:
        file.write_bytes(content)
    with pytest.raises(StoreDamaged, match=f"{picture.id}.png is not the picture it was; restore it from a copy"):
        gallery.open(picture.id)


def test_a_picture_that_cannot_be_written_ends_the_run_like_a_turn_that_cannot(tmp_path: Path) -> None:
    gallery = Gallery()
    gallery.keep_in(tmp_path / "gone" / "images")
    with pytest.raises(StoreFailed, match=r"\.png cannot be written \(No such file or directory"):
        gallery.add(drawn(draw_lots(7), 128))


def test_damage_that_is_found_while_playing_ends_the_run_instead_of_failing_its_episodes(tmp_path: Path) -> None:
    def answer(request: Request) -> str:
        raise StoreDamaged("a picture is not what it was")

    folder = begun(tmp_path, episodes=5)
    with pytest.raises(StoreDamaged, match="a picture is not what it was"):
        carried_out(folder, answer)
    with closing(Record(folder)) as record:
        assert {state.status for state in record.states()} == {"playing"}
