"""What is settled before a run's first turn, and what is counted of it afterwards."""

import asyncio
from bisect import bisect_left
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from killing import contents
from playing import STORY, carried_out, new_run, written
from staging import performed, scene_of

from agents.player import PERSON
from sandbox.display import Quiet
from sandbox.engines.config import TransformersConfig
from sandbox.engines.engine import Engine
from sandbox.engines.scripted import Scripted, dry_answer
from sandbox.engines.terminal import Person, read_line
from sandbox.errors import RunLocked
from sandbox.gallery import Gallery
from sandbox.launch import Options, alternatives, check_room, checked_source, play_on, started_for
from sandbox.models import models_of, most_pictures
from sandbox.record import Record
from sandbox.replay import replay_all
from sandbox.run import Plan, carry_out
from sandbox.run_folder import SCENARIO
from sandbox.store import lock_run
from scenes.chat import CallFailed, Request
from scenes.event import Event, Flags
from scenes.loading import load
from scenes.problem import InputRefused

HALVES = [{"image": "harbour", "crop": [0, 0, 64, 128]}, {"image": "harbour", "from_turn": 2}]


def test_parts_of_a_picture_count_as_pictures_of_their_own(tmp_path: Path) -> None:
    cast = [{"character": "storybook/brack", "sees": HALVES}, {"character": "storybook/pip"}]
    assert most_pictures(load(written(tmp_path, cast=cast)).scenario) == 2


@pytest.mark.parametrize("model", ["http://localhost/v1", "http://me:key@host/v1#tiny", "storybook+mine", "./nowhere"])
def test_a_model_that_stands_for_nothing_is_refused_at_its_place_without_an_engine(tmp_path: Path, model: str) -> None:
    with pytest.raises(InputRefused, match=r"scenario\.yaml:\d+:\d+: .*(no name|no key|adapter|no folder)"):
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
    assert crowded(tale, storybook=None, third=1_000) == []
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
    (told,) = crowded(written(tmp_path, **changes), storybook=1_050)
    assert told.startswith("Ode's persona")


# Refused is what cannot be played, and nothing else

MOST = 24
"""Words of a reply."""
SKETCH = "who keeps the light on the point and has never once in forty years been seen to laugh at anything or anybody"
KEEPERS = [{"character": {"name": name, "role": f"a keeper {SKETCH}", "likes": ["tar", "fog horns"]}}
           for name in ("Ada Holm", "Bo", "Cy")]  # fmt: skip
TALK: dict[str, Any] = {"cast": KEEPERS, "turns": 14, "sampling": {"max_tokens": MOST}}
PLAYS: dict[str, dict[str, Any]] = {
    "a talk": TALK,
    "an opening": TALK | {"opening": [{"Bo": "Well, well. " * 60}, {"Ada Holm": "Aye."}]},
    "a long question": TALK | {"kind": "human-role", "player": {"questions": ["Why so? " * 40, "And?", "So?", "Hm?"]}},
    "a player": TALK | {"kind": "human-role", "player": {"name": "Rosa", "questions": ["How many boats?"] * 9}},
    "an interview": TALK | {"interview": [{"ask": "Who was it?", "choices": "cast"}, {"ask": "Why?"}]},
    "a story": TALK | {"kind": "story", "narrator": {}, "turn_policy": "narrator"},
    "minds": TALK | {"mind": "bdi"},
    "a story with minds": TALK | {"kind": "story", "narrator": {}, "mind": "bdi", "turn_policy": "simultaneous"},
}
LAYOUTS = ("mmrole", "images-first", "cast-first", "script", "compact")
SHARED_LAYOUTS = ("cast-first", "script")


def at_length(request: Request) -> str:
    """Reply with as many words as may be; as a decision it cannot be read."""
    return "a " * request.sampling.max_tokens


def played_within(limit: int, folder: Path, answer: Callable[[Request], str] = at_length) -> list[str]:
    """Play, or play on, with so many words of context, and return why calls failed."""
    engines: dict[str, Engine] = {"storybook": Scripted(answer, limit)}
    source = load(folder / SCENARIO)
    facts = {"planned": 1, "title": "T", "concurrency": 1, "engine": {"kind": "scripted"}}
    asyncio.run(carry_out(Plan(folder, source, 1, engines, Gallery(), 1, facts), Quiet()))
    with closing(Record(folder)) as record:
        return [call.error for call in record.calls(0) if call.error]


def fewest_words(file: Path) -> int:
    """Return the shortest context that is not refused."""
    return bisect_left(range(5_000), True, key=lambda limit: not crowded(file, storybook=limit))


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("play", PLAYS)
def test_what_is_let_through_plays_however_long_replies_are_and_what_is_refused_does_not_fit(
    play: str, layout: str, tmp_path: Path
) -> None:
    if PLAYS[play].get("mind") and layout in SHARED_LAYOUTS:
        pytest.skip("a text for all keeps no beliefs")
    file = written(tmp_path / "scenario", **PLAYS[play] | {"layout": layout})
    fewest = fewest_words(file)
    assert crowded(file, storybook=fewest - 1) != []
    assert played_within(fewest, new_run(load(file), tmp_path / "let through")) == []
    errors = played_within(fewest - 1, new_run(load(file), tmp_path / "refused"))
    assert errors
    assert all("does not fit the model" in error for error in errors)


def test_beliefs_cost_no_room_in_compact_where_they_give_way(tmp_path: Path) -> None:
    def fewest(layout: str, mind: str) -> int:
        return fewest_words(written(tmp_path / f"{layout}-{mind}", **TALK | {"layout": layout, "mind": mind}))

    assert fewest("compact", "bdi") == fewest("compact", "none")
    assert fewest("images-first", "bdi") > fewest("images-first", "none") + 2 * MOST


def test_the_repairs_of_a_decision_are_counted(tmp_path: Path) -> None:
    names = [f"The honourable member for harbour number {number}" for number in range(12)]
    interview = [{"ask": "Who?", "choices": names}]
    plain, asked = (
        fewest_words(written(tmp_path / str(at), **TALK | {"interview": questions, "layout": "compact"}))
        for at, questions in enumerate(([], interview))
    )
    assert asked > plain + 2 * sum(len(name.split()) for name in names), "in the question, and in the second repair"


VOTE = TALK | {
    "interview": [{"ask": "Who?", "choices": ["Ada Holm", "Bo", "Cy", *(f"Somebody {at}" for at in range(20))]}],
    "layout": "compact",
}


def test_a_decision_whose_repair_does_not_fit_takes_its_default_and_resume_and_replay_give_the_same(
    tmp_path: Path,
) -> None:
    file = written(tmp_path / "scenario", **VOTE)
    within = fewest_words(file) - 10  # a repair has more words than that
    whole = new_run(load(file), tmp_path / "whole")
    assert len(played_within(within, whole)) == 3
    answers = [event for event in stored(whole) if (event.call or "").startswith("interview")]
    flags = [event.flags or Flags() for event in answers]
    assert [(event.text, of.repaired, of.defaulted) for event, of in zip(answers, flags, strict=True)] == [
        ("", 1, True)
    ] * 3
    broken = new_run(load(file), tmp_path / "broken")
    played_within(within, broken, failing_after_first_vote())
    with closing(Record(broken)) as record:
        assert [state.status for state in record.states()] == ["failed"]
    played_within(within, broken)
    assert contents(broken) == contents(whole)
    assert [one.difference for run in (whole, broken) for one in asyncio.run(replay_all(run))] == [None, None]


def test_a_turn_that_went_on_after_a_repair_failed_is_resumed_as_it_was(tmp_path: Path) -> None:
    """The narrator decides nothing in it; later the episode fails, and is played on."""
    led = TALK | {"kind": "story", "narrator": {}, "turn_policy": "narrator", "layout": "compact"}
    file = written(tmp_path / "scenario", **led)

    def failing(after: int) -> Callable[[Request], str]:
        asked = iter(range(after))

        def answer(request: Request) -> str:
            if request.form is not None and "in this form" in request.prompt.segments()[-1].text:
                raise CallFailed("does not fit")
            if next(asked, None) is None:
                raise CallFailed("no more")
            return at_length(request)

        return answer

    whole, broken = (new_run(load(file), tmp_path / name) for name in ("whole", "broken"))
    played_within(5_000, whole, failing(10_000))
    played_within(5_000, broken, failing(40))
    with closing(Record(broken)) as record:
        assert [state.status for state in record.states()] == ["failed"]
        assert record.settled(0) > 2
    played_within(5_000, broken, failing(10_000))
    assert stored(broken) == stored(whole)
    assert contents(broken) == contents(whole)


def stored(folder: Path) -> tuple[Event, ...]:
    """Return the events of the one episode, which is done."""
    with closing(Record(folder)) as record:
        assert [state.status for state in record.states()] == ["done"]
        return record.events(0)


def failing_after_first_vote() -> Callable[[Request], str]:
    """Return an answer that fails where the second of the cast is asked in private."""
    asked: list[Request] = []

    def answer(request: Request) -> str:
        if request.form is not None:
            asked.append(request)
            if len(asked) == 2:
                raise CallFailed("no more")
        return at_length(request)

    return answer


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


@pytest.mark.parametrize(
    ("model", "typed", "refused"),
    [
        ("http://elsewhere.example/v1#big", None, True),
        ("http://elsewhere.example/v1#big", "http://elsewhere.example/v1#big", False),
        ("http://127.0.0.1.elsewhere.example/v1#big", None, True),
        ("http://localhost:8000/v1,http://elsewhere.example/v1#big", None, True),
        ("http://127.0.0.1:8000/v1#big", None, False),
        ("http://localhost:8000/v1#big", None, False),
    ],
)
def test_a_server_elsewhere_is_asked_only_where_the_user_names_it(
    model: str, typed: str | None, refused: bool, tmp_path: Path
) -> None:
    file = written(tmp_path, model=model)
    if not refused:
        assert checked_source(file, Options(model=typed)).scenario.model == model
        return
    with pytest.raises(InputRefused, match="only where you type it"):
        checked_source(file, Options(model=typed))


def test_a_narrator_on_a_server_elsewhere_is_refused_too(tmp_path: Path) -> None:
    file = written(tmp_path, **STORY | {"narrator": {"model": "http://elsewhere.example/v1#big"}})
    with pytest.raises(InputRefused, match="only where you type it"):
        checked_source(file, Options())


@pytest.mark.parametrize("name", ["storybook", "storybook+rm"])
def test_an_embedded_model_without_its_weights_says_how_to_get_some(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    for module in ("models", "launch"):
        monkeypatch.setattr(f"sandbox.{module}.CHECKPOINT", tmp_path)
    with (
        pytest.raises(InputRefused, match=r"rolestage train storybook, .*--model trained/storybook/checkpoint"),
        started_for([name], TransformersConfig(), Gallery(), 1),
    ):
        pass
