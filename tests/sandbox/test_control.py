"""A run that is being played takes orders from another process through files in its folder."""

import asyncio
import json
from contextlib import closing
from pathlib import Path

import pytest
from commanding import commanded
from playing import carried_out, last_words, new_run, played, written

from sandbox.control import CONTROL, Order, Standing, give
from sandbox.display import Quiet
from sandbox.engines.scripted import Scripted
from sandbox.gallery import Gallery
from sandbox.record import Record
from sandbox.run import Plan, carry_out
from sandbox.run_folder import SCENARIO
from sandbox.scheduler import CANCELLED
from sandbox.tally import Summary
from scenes.chat import Request
from scenes.loading import load
from scenes.problem import InputRefused

FIRST = Order(do="cancel")
"""Cancels the first of those under way."""


async def slow(request: Request) -> str:
    await asyncio.sleep(0.01)
    return last_words(request)


def begun(tmp_path: Path) -> Path:
    return new_run(load(written(tmp_path / "scenario", episodes=6, turns=12)), tmp_path / "runs")


async def _ordered(folder: Path, orders: list[Order]) -> tuple[list[Standing], Summary]:
    source = load(folder / SCENARIO)
    facts = {"planned": 6, "title": "x", "concurrency": 2, "engine": {"kind": "scripted"}}
    plan = Plan(folder, source, 6, {source.scenario.model: Scripted(slow)}, Gallery(), 2, facts)
    playing = asyncio.create_task(carry_out(plan, Quiet()))
    while not (folder / "run.lock").exists():
        await asyncio.sleep(0.01)
    standings: list[Standing] = []
    for order in orders:
        if order == FIRST:
            order = Order(do="cancel", episode=standings[-1].under_way[0])
        standings.append(await asyncio.to_thread(give, folder, order))
    return standings, await playing


def test_a_run_is_paused_looked_at_and_goes_on(tmp_path: Path) -> None:
    orders = [Order(do="pause"), Order(do="status"), Order(do="resume")]
    standings, summary = asyncio.run(_ordered(begun(tmp_path), orders))
    assert [standing.paused for standing in standings] == [True, True, False]
    # which two may change: one whose last call was out when the pause came is over, and the next waits in its place
    assert [len(standing.under_way) for standing in standings[:2]] == [2, 2]
    assert (summary.done, summary.failed) == (6, 0)


def test_a_cancelled_episode_fails_alone_and_is_played_by_a_resume(tmp_path: Path) -> None:
    folder = begun(tmp_path)
    orders = [Order(do="pause"), FIRST, Order(do="resume")]
    _, summary = asyncio.run(_ordered(folder, orders))
    assert (summary.done, summary.failed) == (5, 1)
    assert summary.errors == {CANCELLED: 1}
    assert carried_out(folder).done == 1
    with closing(Record(folder)) as record:
        assert {state.status for state in record.states()} == {"done"}


def test_what_is_not_being_played_cannot_be_cancelled(tmp_path: Path) -> None:
    with pytest.raises(InputRefused, match="episode 5 is not being played"):
        asyncio.run(_ordered(begun(tmp_path), [Order(do="cancel", episode=5)]))


def test_nonsense_in_the_folder_is_answered_and_harms_nothing(tmp_path: Path) -> None:
    folder = begun(tmp_path)
    (folder / CONTROL).mkdir()
    source = load(folder / SCENARIO)

    async def run() -> Summary:
        facts = {"planned": 6, "title": "x", "concurrency": 2, "engine": {"kind": "scripted"}}
        plan = Plan(folder, source, 6, {source.scenario.model: Scripted(slow)}, Gallery(), 2, facts)
        playing = asyncio.create_task(carry_out(plan, Quiet()))
        await asyncio.sleep(0.05)
        (folder / CONTROL / "1.order").write_bytes(b"\xff\x00{")
        return await playing

    assert asyncio.run(run()).done == 6
    told = json.loads((folder / CONTROL / "1.answer").read_text("utf-8"))
    assert told["refused"].startswith("this is no order")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["pause"], "nobody plays this run now"),
        (["cancel"], "name an episode"),
        (["pause", "3"], "name none otherwise"),
        (["stop"], "is not one of"),
    ],
)
def test_an_order_that_cannot_be_given_is_refused_in_a_sentence(words: list[str], told: str, tmp_path: Path) -> None:
    refused = commanded("ctl", played(tmp_path), *words)
    assert refused.code == 2
    assert told in refused.err
