"""Parts of a job that several machines play between them, each into a run of its own."""

import json
import sqlite3
from contextlib import closing
from itertools import chain
from pathlib import Path

import pytest
from commanding import commanded
from playing import written

from sandbox.record import Record
from sandbox.run_folder import SCENARIO, find_run, run_folders
from sandbox.shard import shard_named
from sandbox.store import DATABASE
from scenes.problem import InputRefused


@pytest.mark.parametrize(("planned", "parts", "alike"), [(100, 7, 1), (1_000, 64, 50), (999, 3, 10_000), (8, 8, 2)])
def test_parts_are_all_episodes_each_once_and_differ_by_a_piece_at_most(planned: int, parts: int, alike: int) -> None:
    dealt = [shard_named(f"{part}/{parts}", planned, alike) for part in range(parts)]
    sizes = [len(one.episodes(planned)) for one in dealt]
    assert sorted(chain(*(one.episodes(planned) for one in dealt))) == [*range(planned)]
    assert max(sizes) - min(sizes) <= dealt[0].piece


def test_episodes_with_the_same_pictures_are_one_machines_unless_that_gives_some_more_than_others() -> None:
    shard = shard_named("5/64", 1_000_000, 1_000)
    episodes = shard.episodes(1_000_000)
    assert len(episodes) == 977 * 16
    assert len({episode // 1_000 for episode in episodes}) <= 2 * 16


@pytest.mark.parametrize("text", ["7/7", "-1/7", "1", "1/", "a/b", "1/0", "0/0", "1/2/3", "², ³"])
def test_what_names_no_part_is_refused(text: str) -> None:
    with pytest.raises(InputRefused, match="no part"):
        shard_named(text, 100, 1)


def parts_played(tmp_path: Path, count: int = 3, *words: object) -> list[Path]:
    """Play a scenario of eight episodes in so many parts; return their folders in order."""
    vary = {"images.harbour.storybook.seed": {"range": [0, 4]}}
    scenario = written(tmp_path, vary=vary, episodes=2, turns=2, scorers=["faults"])
    for index in range(count):
        part = ("--shard", f"{index}/{count}", "--out", tmp_path / "runs", *words)
        assert commanded("run", scenario, "--dry-run", "--display", "none", *part).code == 0
    assert commanded("run", scenario, "--dry-run", "--display", "none", "--out", tmp_path / "whole").code == 0
    return [next((tmp_path / "runs").glob(f"*_{index}of{count}_*")) for index in range(count)]


def said(folder: Path) -> dict[int, list[str]]:
    record = Record(folder)
    told = {state.id: [event.text for event in record.events(state.id)] for state in record.states()}
    record.close()
    return told


def test_parts_hold_what_one_run_of_all_holds(tmp_path: Path) -> None:
    parts = parts_played(tmp_path)
    whole = said(run_folders(tmp_path / "whole")[0])
    held = [said(part) for part in parts]
    assert [*map(len, held)] == [3, 3, 2]
    assert {number: text for part in held for number, text in part.items()} == whole


def test_a_part_that_is_finished_has_nothing_left_and_counts_its_own_episodes(tmp_path: Path) -> None:
    part = parts_played(tmp_path)[1]
    (part / SCENARIO).unlink()  # nobody needs it where nothing is left
    again = commanded("resume", part)
    assert again.code == 0
    assert "all 3 episodes" in again.out + again.err
    listed = json.loads(commanded("list", "--runs", tmp_path / "runs", "--json").out)
    assert sorted((run["done"], run["planned"]) for run in listed) == [(2, 2), (3, 3), (3, 3)]


def test_a_part_that_lost_an_episode_plays_that_one_again_and_none_of_the_others(tmp_path: Path) -> None:
    part = parts_played(tmp_path)[1]
    before = said(part)
    with closing(sqlite3.connect(part / DATABASE)) as database, database:
        for table, column in (("episodes", "id"), ("events", "episode"), ("calls", "episode")):
            database.execute(f"DELETE FROM {table} WHERE {column} = 4")
    assert commanded("resume", part, "--display", "none").code == 0
    assert said(part) == before


def test_scores_of_all_parts_together_are_those_of_one_run_of_all(tmp_path: Path) -> None:
    parts = parts_played(tmp_path)
    told = json.loads(commanded("scores", "--together", "--json", *parts).out)
    whole = json.loads(commanded("scores", "--json", run_folders(tmp_path / "whole")[0]).out)
    assert [{**line, "run": ""} for line in told] == [{**line, "run": ""} for line in whole]


def test_a_part_that_is_named_twice_is_refused(tmp_path: Path) -> None:
    first, *_ = parts_played(tmp_path)
    refused = commanded("scores", "--together", first, first)
    assert refused.code == 2
    assert "in more than one of the runs" in refused.err


def test_more_parts_than_episodes_are_refused_before_anything_is_made(tmp_path: Path) -> None:
    refused = commanded("run", written(tmp_path), "--dry-run", "--shard", "98/99", "--out", tmp_path / "runs")
    assert refused.code == 2
    assert "too few for 99 parts" in refused.err
    assert not (tmp_path / "runs").exists()


def test_a_branch_of_a_part_has_a_number_beyond_all_parts(tmp_path: Path) -> None:
    part = parts_played(tmp_path)[0]
    assert commanded("fork", part, "--at", "0:1", "-n", 1, "--display", "none").code == 0
    assert max(said(find_run(str(part), tmp_path))) == 8
