"""What is settled before a run's first turn, and what is counted of it afterwards."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playing import STORY, carried_out, new_run, written
from staging import performed, scene_of

from agents.player import PERSON
from sandbox.display import Quiet
from sandbox.engines.engine import Engine
from sandbox.engines.scripted import Scripted, dry_answer
from sandbox.engines.terminal import Person, read_line
from sandbox.errors import RunLocked
from sandbox.gallery import Gallery
from sandbox.launch import Options, alternatives, check_room, checked_source, play_on
from sandbox.models import models_of, most_pictures
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


# Pictures of a request

TRAVELS: dict[str, Any] = STORY | {
    "images": {
        "harbour": {"storybook": {"seed": 7}},
        "hold": {"storybook": {"seed": 8}},
        "chart": {"storybook": {"seed": 9}, "reserve": True},
        "letter": {"storybook": {"seed": 10}, "reserve": True},
    },
    "places": {"quay": {"shows": ["harbour"], "beside": ["cabin"]}, "cabin": {"shows": ["hold"]}},
    "cast": [
        {"character": "storybook/brack", "place": "quay"},
        {"character": "storybook/pip", "place": "quay"},
        {"character": "storybook/odile", "place": "cabin", "reserve": True},
    ],
    "mind": "none",
    "turns": 16,
}


@pytest.mark.parametrize("policy", ["narrator", "simultaneous"])
@pytest.mark.parametrize("sees", [None, [*HALVES, {"image": "harbour", "from_turn": 3}]])
def test_no_request_of_a_story_has_more_pictures_than_are_counted(policy: str, sees: Any, tmp_path: Path) -> None:
    moss = {"character": "storybook/moss", "place": "cabin", "sees": sees}
    cast = [*TRAVELS["cast"], {key: value for key, value in moss.items() if value is not None}]
    most = 0
    for seed in range(12):
        scene = scene_of(tmp_path, seed, **TRAVELS | {"turn_policy": policy, "cast": cast})
        asked = performed(scene, answer=lambda key, request: restless(request))
        pictures = [sum(bool(part.image) for part in request.prompt.segments()) for request in asked.values()]
        most = max(most, *pictures)
    counted = most_pictures(scene.setting.scenario)
    assert most == counted if policy == "narrator" else most <= counted


def restless(request: Request) -> str:
    """Answer decisions by lot, and otherwise go to another place."""
    if request.form is not None:
        return dry_answer(request)
    return f"(goes to the {'quay' if request.seed % 2 else 'cabin'})"


def test_a_plain_talk_needs_no_room_for_pictures_that_nobody_brings(tmp_path: Path) -> None:
    changes = {"images": TRAVELS["images"], "narrator": {}}
    assert most_pictures(load(written(tmp_path, **changes)).scenario) == 4


# Models, and their room


def test_whoever_holds_a_part_is_among_the_models(tmp_path: Path) -> None:
    def models(player: dict[str, Any]) -> list[str]:
        return models_of(load(written(tmp_path, player=player, narrator={"model": "third"})).variant(0).scenario)

    assert models({"plays": "Pip", "person": True}) == ["storybook", "third", PERSON]
    assert models({"plays": "Pip", "model": "other"}) == ["storybook", "third", "other"]


def crowded(file: Path, **limits: int | None) -> list[str]:
    """Return what is said where each model has so many words of context, and a person no limit."""
    source = checked_source(file, Options())
    engines: dict[str, Engine] = {name: Scripted(dry_answer, limit) for name, limit in limits.items()}
    engines[PERSON] = Person(read_line, print)
    try:
        check_room(source, alternatives(source), engines, Gallery())
    except InputRefused as refusal:
        return [problem.message for problem in refusal.problems]
    return []


def test_a_part_is_checked_against_the_model_that_plays_it(tmp_path: Path) -> None:
    by_model = written(tmp_path, player={"plays": "Pip", "model": "other"})
    assert crowded(by_model, storybook=None, other=None) == []
    (told,) = crowded(by_model, storybook=None, other=20)
    assert "Pip's persona, pictures and reply need" in told
    assert "tokens more than the 20 of the model" in told
    (told,) = crowded(by_model, storybook=20, other=None)
    assert told.startswith("Captain Brack's")
    by_person = written(tmp_path, player={"plays": "Pip", "person": True})
    assert [message[:15] for message in crowded(by_person, storybook=20)] == ["Captain Brack's"]


def test_the_narrator_and_who_asks_are_checked_too(tmp_path: Path) -> None:
    tale = written(tmp_path, **STORY | {"narrator": {"model": "third"}})
    assert [message[:10] for message in crowded(tale, storybook=None, third=600)] == ["Narrator's"]
    assert crowded(tale, storybook=None, third=900) == []
    asking = written(tmp_path, kind="human-role", player={"model": "other"})
    assert [message[:8] for message in crowded(asking, storybook=None, other=20)] == ["Player's"]


def test_what_a_character_may_come_to_believe_needs_room_as_well(tmp_path: Path) -> None:
    plain = written(tmp_path / "plain", **STORY | {"mind": "none", "sampling": {"max_tokens": 200}})
    minded = written(tmp_path / "minded", **STORY | {"sampling": {"max_tokens": 200}})
    assert crowded(plain, storybook=1_000) == []
    assert {message.split("'")[0] for message in crowded(minded, storybook=1_000)} >= {"Captain Brack", "Pip"}


def test_one_in_reserve_is_checked_before_coming_in(tmp_path: Path) -> None:
    cast = [*STORY["cast"][:3], {"character": {"name": "Ode", "personality": "Dreamy. " * 1_000}, "place": "cabin",
                                 "reserve": True}]  # fmt: skip
    changes = STORY | {"cast": cast, "turn_policy": "round_robin"}
    (told,) = crowded(written(tmp_path, **changes), storybook=900)
    assert told.startswith("Ode's persona")


# What a shared text cannot keep

SHARED: dict[str, Any] = {
    "cast": [{"character": {"name": name}} for name in ("Ada", "Bo", "Cy")],
    "interview": [{"ask": "Who?"}],
    "opening": [{"Ada": "(waves) Hello! [Fools.]"}, {"Narrator": "(Somebody whispers to Bo.) Fog."}],
    "kind": "story",
    "narrator": {},
}


@pytest.mark.parametrize("layout", ["cast-first", "script"])
def test_a_shared_text_keeps_no_beliefs_and_no_whispers_but_interviews_go_well_with_it(
    layout: str, tmp_path: Path
) -> None:
    def refusals(**changes: Any) -> list[str]:
        try:
            checked_source(written(tmp_path, **SHARED | changes), Options(layout=layout))
        except InputRefused as refusal:
            return [problem.message for problem in refusal.problems]
        return []

    mend = "take images-first or compact."
    assert refusals() == []
    assert refusals(mind="bdi") == [
        f'the layout "{layout}" is one text for all and cannot keep what each believes to itself; {mend}'
    ]
    assert refusals(opening=[{"Ada": "Hm."}, {"Bo": "(whispers to Cy) Now."}]) == [
        f'the layout "{layout}" is one text for all, in which nobody can whisper; {mend}'
    ]
