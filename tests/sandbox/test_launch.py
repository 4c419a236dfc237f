"""What is settled before a run's first turn, and what is counted of it afterwards."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playing import carried_out, new_run, written

from sandbox.display import Quiet
from sandbox.errors import RunLocked
from sandbox.launch import Options, checked_source, play_on
from sandbox.models import most_pictures
from sandbox.store import lock_run
from scenes.chat import CallFailed, Request
from scenes.loading import load
from scenes.problem import InputRefused

HALVES = [{"image": "harbour", "crop": [0, 0, 64, 128]}, {"image": "harbour", "from_turn": 2}]


def test_parts_of_a_picture_count_as_pictures_of_their_own(tmp_path: Path) -> None:
    cast = [{"character": "storybook/brack", "sees": HALVES}, {"character": "storybook/pip"}]
    assert most_pictures(load(written(tmp_path, cast=cast)).scenario) == 2


@pytest.mark.parametrize("model", ["http://localhost/v1#tiny", "storybook+mine", "./nowhere"])
def test_a_model_that_stands_for_nothing_is_refused_at_its_place_without_an_engine(tmp_path: Path, model: str) -> None:
    with pytest.raises(InputRefused, match=r"scenario\.yaml:\d+:\d+: .*(endpoint|adapter|no folder)"):
        checked_source(written(tmp_path, model=model), Options())


def failing_after(calls: int) -> Callable[[Request], str]:
    asked = iter(range(calls))

    def answer(request: Request) -> str:
        if next(asked, None) is None:
            raise CallFailed("no more")
        return "Aye."

    return answer


def test_going_on_counts_what_was_played_now_and_not_what_was_on_record(tmp_path: Path) -> None:
    folder = new_run(load(written(tmp_path / "scenario", turns=10)), tmp_path / "runs")
    assert carried_out(folder, failing_after(7)).turns == 7
    assert carried_out(folder).turns == 3


def test_a_run_that_is_being_written_is_not_gone_on_with(tmp_path: Path) -> None:
    folder = new_run(load(written(tmp_path / "scenario", turns=2)), tmp_path / "runs")
    carried_out(folder, failing_after(1))
    with lock_run(folder), pytest.raises(RunLocked):
        play_on(folder, Quiet())
