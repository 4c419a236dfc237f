"""The preview shows what play would ask first."""

from pathlib import Path
from typing import Any

import pytest
from playing import STORY, written

from sandbox.preview import UNSPOKEN, first_prompts, longest_requests
from sandbox.prompt_text import prompt_text
from scenes.chat import Prompt
from scenes.loading import load
from scenes.scene import Scene


def scene_of(tmp_path: Path, **changes: Any) -> Scene:
    source = load(written(tmp_path, **changes))
    variant = source.variant(0)
    return Scene(source.setting(variant, lambda picture, facts: None), variant.seed(0))


def previewed(tmp_path: Path, **changes: Any) -> dict[str, Prompt | None]:
    return first_prompts(scene_of(tmp_path, **changes))


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


CAST = ["Captain Brack", "Pip", "Doctor Moss"]
HEARD = ["belief", "surroundings", "interview 1"]


@pytest.mark.parametrize("policy", ["narrator", "round_robin", "random", "mention", "simultaneous"])
def test_in_a_story_everybody_s_first_prompt_is_shown_and_the_narrator_s_for_everything(
    policy: str, tmp_path: Path
) -> None:
    prompts = previewed(tmp_path, **STORY | {"turn_policy": policy})
    shown = [name for name, prompt in prompts.items() if prompt is not None]
    assert shown[:4] == ["Narrator", *CAST]
    judged = ["judge", "update", "summary", *(["steer"] if policy == "narrator" else [])]
    minds = [f"{name}: {what}" for name in CAST for what in HEARD]
    assert {*shown[4:]} == {*minds, *(f"Narrator: {what}" for what in judged)}


def test_one_who_is_kept_in_reserve_has_no_prompt_as_yet(tmp_path: Path) -> None:
    assert previewed(tmp_path, **STORY)["Odile Fenn"] is None


def test_those_who_act_at_once_read_nothing_of_each_other(tmp_path: Path) -> None:
    prompts = previewed(tmp_path, turn_policy="simultaneous")
    assert UNSPOKEN not in text_of(prompts, "Captain Brack") + text_of(prompts, "Pip")


def test_beliefs_are_asked_for_in_the_words_of_the_scene(tmp_path: Path) -> None:
    prompts = previewed(tmp_path, **STORY)
    assert "what you now believe about yourself" in text_of(prompts, "Pip: belief").replace("\n", " ")
    assert "Whom" not in text_of(prompts, "Pip: belief")
    assert "pick_speaker" in text_of(prompts, "Narrator: steer")


@pytest.mark.parametrize("changes", [{"turn_policy": ["Pip"]}, {"opening": [{"Pip": "(leaves)"}]}])
def test_a_long_story_is_previewed_in_few_turns_whoever_never_acts(changes: Any, tmp_path: Path) -> None:
    scene = scene_of(tmp_path, **STORY | {"turns": 1_000} | changes)
    prompts = first_prompts(scene)
    assert None in prompts.values()
    assert scene.turn <= 40


def test_a_rehearsal_ends_one_turn_after_everybody_had_one(tmp_path: Path) -> None:
    scene = scene_of(tmp_path, turns=10_000)
    first_prompts(scene)
    assert scene.turn == 3


def test_the_longest_requests_are_those_of_everybody_with_all_that_they_may_believe(tmp_path: Path) -> None:
    longest = longest_requests(scene_of(tmp_path, **STORY | {"sampling": {"max_tokens": 70}}))
    assert {*longest} == {"Narrator", *CAST, "Odile Fenn"}
    last = [text for request in longest["Pip"] for text in [prompt_text(request.prompt)]]
    assert any(text.count("a " * 69) >= 3 for text in last), "two beliefs, and what was said"


def test_every_question_of_the_interview_is_shown(tmp_path: Path) -> None:
    prompts = previewed(tmp_path, interview=[{"ask": "Who was it?"}, {"to": "Pip", "ask": "And why?"}])
    assert "Who was it?" in text_of(prompts, "Pip: interview 1")
    assert "And why?" in text_of(prompts, "Pip: interview 2")
    assert "Captain Brack: interview 2" not in prompts
