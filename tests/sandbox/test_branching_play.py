"""A branch in which nothing is otherwise plays on exactly as what it branches from."""

from pathlib import Path

import pytest
from playing import STORY
from staging import performed, scene_of

from agents import mind
from agents.prompts.layouts import LAYOUTS
from sandbox.engines.scripted import dry_answer
from sandbox.play import Fork
from scenes.chat import Request
from scenes.scenario import LayoutName


def answer(key: str, request: Request) -> str:
    """Answer so that people move, and so that no two lines are alike."""
    deed = "looks" if len(key) % 2 else "goes to the cabin"
    return dry_answer(request) if request.form else f"({deed}) Line {key}, Pip. [Hm.]"


@pytest.mark.parametrize("policy", ["round_robin", "narrator", "random", "simultaneous"])
@pytest.mark.parametrize("layout", ["images-first", "mmrole", "compact"])
def test_a_branch_with_nothing_varied_asks_and_plays_what_its_parent_does(
    layout: LayoutName, policy: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mind, "ENOUGH", 1.5)
    changes = {**STORY, "turns": 8, "memory": {"words": 120, "recalled": 2}, "turn_policy": policy, "layout": layout}
    whole = scene_of(tmp_path, 3, **changes)
    asked = performed(whole, layout, answer)
    for after in range(8):
        scene = scene_of(tmp_path, 3, **changes)
        again = performed(scene, layout, answer, forks=[Fork(after, scene.setting, 3, LAYOUTS[layout])])
        assert scene.events == whole.events
        assert {key: one.digest() for key, one in again.items()} == {key: one.digest() for key, one in asked.items()}
