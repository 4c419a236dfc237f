"""The teacher by name: it plays every scenario that the embedded model can, and nothing that it says is false."""

from contextlib import closing
from pathlib import Path

import pytest
from commanding import commanded
from test_scenarios import EMBEDDED, SCENARIOS

from sandbox.display import Quiet
from sandbox.launch import Options, play_new
from sandbox.models import TEACHER
from sandbox.record import Record
from scenes.event import NARRATOR


@pytest.mark.parametrize("name", EMBEDDED)
def test_it_plays_a_shipped_scenario_to_its_end_without_a_false_word(name: str, tmp_path: Path) -> None:
    options = Options(model=TEACHER, episodes=1, out=tmp_path, scorers=("grounding",))
    summary = play_new(SCENARIOS / name, options, Quiet())
    with closing(Record(Path(summary.run))) as record:
        (state,) = record.states()
        assert state.status == "done"
        (scorer,) = [one.id for one in record.scorers() if one.name == "grounding"]
        shares = [score.value for score in record.scores(scorer, 0) if score.metric == "true_share"]
        events = record.trajectory(state).events
    assert (len([value for value in shares if value is not None]) > 0) == (name != "snapshot")  # a photograph
    assert {value for value in shares if value is not None} <= {1.0}, [(one.actor, one.text) for one in events]
    assert any(event.call and event.actor != NARRATOR for event in events)


def test_a_run_that_it_played_is_whole(tmp_path: Path) -> None:
    summary = play_new(SCENARIOS / "harbour", Options(model=TEACHER, episodes=2, out=tmp_path), Quiet())
    assert commanded("replay", summary.run, "--check").code == 0
