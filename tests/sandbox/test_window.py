"""As many episodes are under way as an engine has memory for, and none that would push another out."""

from pathlib import Path

import pytest
from playing import written

from sandbox.engines.engine import EngineFacts
from sandbox.engines.scripted import Scripted
from sandbox.window import AMPLE, DEEP, USUAL, window
from scenes.loading import load
from scenes.scenario import Scenario


def engine(slots: int | None, kv_tokens: int | None = None, context: int | None = None) -> Scripted:
    scripted = Scripted(lambda request: "Aye.")
    scripted.facts = EngineFacts(kind="made up", model="m", slots=slots, kv_tokens=kv_tokens, context_length=context)
    return scripted


@pytest.fixture
def scenario(tmp_path: Path) -> Scenario:
    """Two characters who have ten turns of at most 80 tokens: 200 tokens of talk, at a quarter of that each."""
    return load(written(tmp_path, turns=10)).scenario


def test_an_engine_that_sets_no_limit_gets_the_usual_number(scenario: Scenario) -> None:
    assert window(scenario, {"m": engine(None)}, 100, 0) == USUAL


def test_without_a_limit_of_memory_the_window_is_deep(scenario: Scenario) -> None:
    assert window(scenario, {"m": engine(8)}, 100, 0) == DEEP * 8


def test_with_one_as_many_as_fit_are_let_in(scenario: Scenario) -> None:
    assert window(scenario, {"m": engine(8, kv_tokens=6_000)}, 100, 0) == 6_000 // (2 * 300)


def test_what_all_who_speak_have_in_common_is_kept_once(scenario: Scenario) -> None:
    assert window(scenario, {"m": engine(8, kv_tokens=6_000)}, 100, 80) == 6_000 // (80 + 2 * 220)


def test_no_prompt_is_longer_than_the_context(scenario: Scenario) -> None:
    assert window(scenario, {"m": engine(8, kv_tokens=6_000, context=150)}, 100, 0) == 6_000 // (2 * 150)


def test_one_episode_is_always_let_in(scenario: Scenario) -> None:
    assert window(scenario, {"m": engine(8, kv_tokens=10)}, 100, 0) == 1


def test_the_narrowest_engine_sets_the_window(scenario: Scenario) -> None:
    assert window(scenario, {"m": engine(8), "n": engine(2), "o": engine(None)}, 100, 0) == DEEP * 2


def test_what_the_episodes_of_a_variant_have_in_common_is_kept_once(tmp_path: Path) -> None:
    scenario = load(written(tmp_path, turns=10, episodes=20)).scenario
    # 200 tokens of prompts that all begin with, of which each of 20 has its share, and 400 of its own
    assert window(scenario, {"m": engine(8, kv_tokens=3_000)}, 100, 0) == (3_000 - 200) // (200 // 20 + 400)


def test_no_more_are_let_in_for_what_they_share_than_keep_the_engine_busy(tmp_path: Path) -> None:
    scenario = load(written(tmp_path, turns=10, episodes=1_000)).scenario
    prompt = 10_000
    few = window(scenario, {"m": engine(8, kv_tokens=100_000)}, prompt, 0)
    assert 100_000 // (2 * (prompt + 200)) < few == AMPLE * 8
