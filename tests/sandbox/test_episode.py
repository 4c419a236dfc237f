"""What becomes of an episode, whatever its variant is."""

import asyncio
from pathlib import Path

from playing import carried_out, new_run, written

from sandbox.record import Record
from sandbox.replay import replay_all
from scenes.loading import load

CAST = [{"character": "storybook/brack"}, {"character": "storybook/vale"}]
CLASHING = {
    "images.harbour.storybook.seed": {"range": [0, 3_000]},
    "cast.0.character": ["storybook/brack", "storybook/pip"],
    "cast.1.character": ["storybook/vale", "storybook/pip"],
}
"""A matrix too large to be tried whole before a run; in its fourth variant both characters are Pip."""


def test_a_variant_that_cannot_be_fails_its_own_episode_and_no_other(tmp_path: Path) -> None:
    folder = new_run(load(written(tmp_path / "scenario", cast=CAST, vary=CLASHING, turns=2)), tmp_path / "runs")
    summary = carried_out(folder, episodes=4)
    assert (summary.done, summary.failed) == (3, 1)
    states = Record(folder).states()
    assert [state.status for state in states] == ["done", "done", "done", "failed"]
    assert "Pip" in (states[3].error or "")
    assert len({state.variant_id for state in states}) == 4
    assert not any(one.difference for one in asyncio.run(replay_all(folder)))
