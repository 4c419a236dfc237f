"""The preview shows what play would ask first."""

from pathlib import Path
from typing import Any

from playing import written

from sandbox.preview import UNSPOKEN, first_prompts
from sandbox.prompt_text import prompt_text
from scenes.chat import Prompt
from scenes.loading import load
from scenes.scene import Scene


def previewed(tmp_path: Path, **changes: Any) -> dict[str, Prompt | None]:
    source = load(written(tmp_path, **changes))
    variant = source.variant(0)
    return first_prompts(Scene(source.setting(variant, lambda picture, facts: None), variant.seed(0)))


def text_of(prompts: dict[str, Prompt | None], name: str) -> str:
    prompt = prompts[name]
    assert prompt is not None
    return prompt_text(prompt)


def test_who_begins_is_shown_exactly_what_play_asks(tmp_path: Path) -> None:
    assert "Scene: Begin." in text_of(previewed(tmp_path), "Captain Brack")


def test_who_comes_later_reads_marks_where_others_have_replied(tmp_path: Path) -> None:
    assert f"Captain Brack: {UNSPOKEN}" in text_of(previewed(tmp_path), "Pip")


def test_opening_lines_and_the_first_question_are_in_it(tmp_path: Path) -> None:
    player = {"name": "Rosa", "questions": ["How many boats?"]}
    prompts = previewed(tmp_path, kind="human-role", player=player, opening=[{"Pip": "Look!"}], turn_policy=["Pip"])
    assert "Look!" in text_of(prompts, "Pip")
    assert "Rosa: How many boats?" in text_of(prompts, "Pip")


def test_one_who_never_gets_a_turn_has_no_prompt(tmp_path: Path) -> None:
    assert previewed(tmp_path, turn_policy=["Pip"])["Captain Brack"] is None


def test_the_narrator_is_shown_too(tmp_path: Path) -> None:
    prompts = previewed(tmp_path, narrator={}, turns=2)
    assert "Open the scene." in text_of(prompts, "Narrator")
