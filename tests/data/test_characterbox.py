"""CharacterBox's scenes as stories of three rounds: all that they begin with is told, and a round is not deep."""

import asyncio
import json
import re
import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from importlib.resources import files
from itertools import chain
from pathlib import Path
from statistics import mean
from typing import Any

import pytest
from asking import follows
from characterbox import ROUNDS, UNSAID, characterbox_files, characterbox_scenario, is_story, one_line
from playing import written
from staging import scene_of, texts

from agents.prompts.layouts import LAYOUTS
from benchmarks.story_calls import (
    ANSWERS,
    POLICIES,
    Turn,
    Words,
    actors,
    all_touched,
    by_lot,
    characterbox_acting,
    characterbox_calls,
    characterbox_round,
    cost,
    played,
    rounds,
    story,
    touched,
)
from sandbox.engines.config import VLLMConfig
from sandbox.engines.engine import Engine
from sandbox.engines.start import start
from sandbox.gallery import Gallery
from sandbox.play import play
from scenes.chat import Call, Completion, Prompt, Request, Segment
from scenes.event import Event
from scenes.loading import load
from scenes.scene import Scene, Setting

LAYOUT = LAYOUTS["images-first"]
STORIES = {
    "extracted_西游记": {2: 18, 3: 28},
    "generated_A_Song_of_Ice_and_Fire": {2: 33, 3: 17},
    "generated_The_Lord_of_the_Rings": {1: 10, 2: 24, 3: 13, 4: 4},
    "generated_西游记": {1: 4, 2: 39, 3: 8, 4: 1},
}
"""The published scenes by how many people they have."""
CONTEXT = 8_192
ODD = {"square brackets": 2, "an action in which nothing is said": 6}

Published = list[tuple[str, dict[str, Any], dict[str, Any]]]
"""File, the scene as it is published, and as a scenario."""


@pytest.fixture(scope="module")
def published() -> Published:
    """All scenes that are stories."""
    return [
        (file, dict(scene), characterbox_scenario(book, scene, Counter()))
        for file, book, scenes in characterbox_files()
        for scene in scenes
        if is_story(scene)
    ]


@pytest.fixture(scope="module")
def plays(published: Published, tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Scene, list[Turn]]]:
    """All of them played: in a third nobody is touched, in a third some by lot, in a third all every time."""
    folder = tmp_path_factory.mktemp("scenes")
    scenes = [scene_of(folder, seed, **scenario) for seed, (_, _, scenario) in enumerate(published)]
    return [(scene, played(scene, LAYOUT, ANSWERS[scene.seed % 3])) for scene in scenes]


def letters(text: str) -> str:
    """Return what is left of `text` without marks and blanks."""
    return re.sub(r"[\W_]", "", text)


def bare(text: str | None) -> str:
    """Return a position or state without the mark at its end."""
    assert text, "every published character has both"
    return text.rstrip(".。")


def asked(request: Request) -> str:
    """Return all that is written in a request."""
    return texts(request.prompt.segments())


def told_now(request: Request) -> str:
    """Return what a request tells of how things stand."""
    return texts(segment for segment in request.prompt.segments() if segment.stability == "now")


def keyed(turn: Turn, what: str) -> list[str]:
    """Return the keys of those calls of a turn that are for `what`, such as `speak`."""
    return [key for key in turn.asked if f"{key}/".split("/", 2)[2].startswith(f"{what}/")]


ODD_SCENE = {
    "id": 7,
    "event": "A call",
    "time": "Dusk",
    "location": "The quay",
    "description": " Fog. ",
    "characters": [
        {"id": 0, "name": "The  Guard", "description": "Tall.", "position": "by the gate", "states": " "},
        {"id": 1, "name": "The Guard", "description": "Short.", "position": "", "states": "tired"},
        {"id": 2, "name": "Ann O'Neil", "description": "", "position": "on the\nquay", "states": "awake"},
    ],
    "actions": [
        {"character": name, "character_id": id, "action": done, "dialogue": said}
        for name, id, done, said in [
            ("The Guard", 1, 'lifts (slowly) the "lamp"', 'Who: "goes" there? [softly] Halt!'),
            ("The Guard", 9, "waits", "None"),
            ("A Stranger", 2, "runs by", "Away!"),
            ("Ann O'Neil", 2, "", "无"),
            ("Ann O'Neil", 2, "", "It is I."),
        ]
    ],
}


def test_what_is_odd_in_a_scene_is_settled_by_rule_and_counted(tmp_path: Path) -> None:
    odd = Counter[str]()
    scenario = characterbox_scenario("A Book", ODD_SCENE, odd)
    assert scenario["cast"] == [
        {"character": {"name": "The Guard", "world": "A Book", "introduction": "Tall."}, "position": "by the gate"},
        {"character": {"name": "The Guard 2", "world": "A Book", "introduction": "Short."}, "state": "tired"},
        {
            "character": {"name": "Ann O'Neil", "world": "A Book", "introduction": None},
            "position": "on the quay",
            "state": "awake",
        },
    ]
    assert scenario["opening"] == [
        {"The Guard 2": '(lifts slowly the "lamp") Who: "goes" there? (softly) Halt!'},
        {"The Guard": "(waits)"},
        {"Narrator": "A Stranger: runs by Away!"},
        {"Ann O'Neil": "It is I."},
    ]
    assert (scenario["premise"], scenario["language"]) == ("A call\nThe quay\nFog.", "en")
    assert {what: count for what, count in odd.items() if count} == {
        "a name with blanks around or doubled": 1,
        "a name that another has": 1,
        "no position": 1,
        "no state": 1,
        "square brackets": 1,
        "an action in which nothing is said": 2,
        "an action in which nothing is done or said": 1,
        "an action by somebody not of the cast": 1,
        "an id that is not that of the name": 1,
    }
    assert scene_of(tmp_path, **scenario).names == ["The Guard", "The Guard 2", "Ann O'Neil"]


def test_characterbox_is_counted_as_its_code_has_it() -> None:
    assert characterbox_calls(people=3, acting=2, influenced=2) == 23 + 16
    assert characterbox_calls(people=4, acting=4, influenced=0) == 35
    assert characterbox_acting(["A", "B", "C"], [["B", "C"], ["A"], []]) == (2, 1)
    assert characterbox_acting(["A", "B", "C"], [["B"], [], ["A"]]) == (2, 2)


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("people", range(2, 7))
def test_a_turn_is_three_calls_deep_at_most_whoever_is_touched(people: int, policy: str) -> None:
    for answer in ANSWERS:
        found = rounds(played(story(people, policy), LAYOUT, answer), people)
        assert len(found) == ROUNDS
        assert [len(turns) for turns in found] == [1 if policy == "simultaneous" else people] * ROUNDS
        assert max(turn.depth for turns in found for turn in turns) <= 3


def test_a_round_of_four_is_twelve_deep_where_all_are_touched_and_three_where_they_act_at_once() -> None:
    worst = [played(story(4, policy), LAYOUT, all_touched) for policy in POLICIES]
    assert [[cost(one, Words()).depth for one in rounds(turns, 4)] for turns in worst] == [[12] * 3, [12] * 3, [3] * 3]


def test_a_judgement_that_cannot_be_read_costs_two_more_calls_in_sequence() -> None:
    turns = played(story(2, "round_robin"), LAYOUT, lambda key, request: "I would rather not say.")
    assert [turn.depth for turn in turns[1:]] == [
        4,
        7,
        4,
        7,
        4,
        4,
    ]  # with the update of the scene at the end of a round
    assert [len(keyed(turn, "judge")) for turn in turns[1:]] == [3] * 6


def test_words_are_new_to_a_cache_only_after_what_a_prompt_began_with_before() -> None:
    count = Words()
    shared = Prompt().then(Segment("global", "system", "Speak, Pip!"))
    longer = shared.then(Segment("history", "user", "悟空：好。"))
    assert [count(shared), count(longer), count(longer)] == [(4, 4), (9, 5), (9, 0)]


@pytest.mark.data
def test_every_published_scene_of_two_or_more_is_a_story(published: Published, tmp_path: Path) -> None:
    sizes, odd = {}, Counter[str]()
    for file, book, scenes in characterbox_files():
        sizes[file] = dict(sorted(Counter(len(scene["characters"]) for scene in scenes).items()))
        for scene in filter(is_story, scenes):
            characterbox_scenario(book, scene, odd)
    assert sizes == STORIES
    assert +odd == ODD
    for _, scene, scenario in published:
        loaded = scene_of(tmp_path, **scenario)
        assert loaded.present == [one_line(character["name"]) for character in scene["characters"]]
        assert [one.state for one in loaded.standings.values()] == [one["states"] for one in scene["characters"]]
        assert [one.position for one in loaded.standings.values()] == [one["position"] for one in scene["characters"]]


@pytest.mark.data
def test_every_first_action_happens_in_order_and_no_letter_of_it_is_lost(
    published: Published, plays: list[tuple[Scene, list[Turn]]]
) -> None:
    for (_, scene, _), (_, turns) in zip(published, plays, strict=True):
        events = [event for event in turns[0].events if event.kind in ("speech", "action", "thought")]
        happened = [event for event in events if not (event.call or event.change)]
        assert letters("".join(event.text for event in happened)) == letters("".join(first_deeds(scene)))
        done = {event.text for event in happened if event.kind == "action"}
        assert [action["action"] for action in scene["actions"] if one_line(action["action"]) not in done] == []


def first_deeds(scene: dict[str, Any]) -> Iterator[str]:
    """Yield what is done and said; one's own name in front of a later line is no word."""
    for action in scene["actions"]:
        said = "" if action["dialogue"].casefold() in UNSAID else action["dialogue"]
        yield action["action"]
        yield said.replace(f"\n{action['character']}: ", "\n")


@pytest.mark.data
def test_all_are_told_the_first_actions_that_they_perceive_and_how_they_stand(
    plays: list[tuple[Scene, list[Turn]]],
) -> None:
    for scene, (before, *_) in plays:
        deeds = [event for event in before.events if not event.call]
        for name, member in zip(scene.names, scene.setting.scenario.cast, strict=True):
            told = asked(before.asked[f"t00/{scene.keys[name]}/belief"])
            assert [event.text for event in deeds if (event.text in told) != (name in event.visible_to)] == []
            now = told_now(before.asked[f"t00/{scene.keys[name]}/belief"])
            assert [text for text in (bare(member.position), bare(member.state)) if text not in now] == []
            assert told.count(str(scene.setting.scenario.premise)) == 1


@pytest.mark.data
def test_the_narrator_is_told_how_all_stand_and_what_was_done_before_the_eyes_of_all(
    plays: list[tuple[Scene, list[Turn]]],
) -> None:
    for scene, (before, first, *_) in plays:
        opening, judging = told_now(before.asked["t00/narrator/open"]), asked(first.asked["t01/narrator/judge"])
        for name, member in zip(scene.names, scene.setting.scenario.cast, strict=True):
            assert f"\n{name}: {bare(member.position)}" in opening
            assert bare(member.state) in opening
        seen = [event for event in before.events if not event.call and set(event.visible_to) == {*scene.names}]
        assert [event.text for event in seen if event.text not in judging] == []
        assert len(seen) >= len(scene.setting.scenario.opening)


@pytest.mark.data
def test_everybody_acts_once_a_round_and_whoever_is_touched_reacts_besides(
    plays: list[tuple[Scene, list[Turn]]],
) -> None:
    reactions = 0
    for scene, turns in plays:
        found = rounds(turns, len(scene.names))
        assert [sorted(chain(*map(actors, one))) for one in found] == [sorted(scene.names)] * ROUNDS
        for turn in chain(*found):
            answering = [key.split("/")[1] for key in keyed(turn, "react")]
            assert answering == [scene.keys[name] for name in touched(turn)]
            reactions += len(answering)
    assert reactions > 500


@pytest.mark.data
def test_all_make_up_their_minds_anew_before_each_round_and_act_from_that(
    plays: list[tuple[Scene, list[Turn]]],
) -> None:
    for scene, turns in plays:
        before, *found = [turns[:1], *rounds(turns, len(scene.names))]
        assert keyed(found[-1][-1], "belief") == []
        for earlier, later in zip([before, *found], found, strict=False):
            (turn, *_), wanted = earlier[-1:], [scene.keys[name] for name in scene.names]
            assert [[key.split("/")[1] for key in keyed(turn, what)] for what in ("belief", "surroundings")] == [
                wanted
            ] * 2
            beliefs = {event.change.who: event.text for event in turn.events if event.change and event.change.belief}
            for name, request in speaking(scene, later):
                assert beliefs[name] in told_now(request)


def speaking(scene: Scene, turns: Sequence[Turn]) -> Iterator[tuple[str, Request]]:
    """Yield who acts in `turns`, and what it is asked."""
    names = {key: name for name, key in scene.keys.items()}
    for turn in turns:
        yield from ((names[key.split("/")[1]], turn.asked[key]) for key in keyed(turn, "speak"))


@pytest.mark.data
def test_a_round_asks_nothing_but_what_it_is_made_of(plays: list[tuple[Scene, list[Turn]]]) -> None:
    for scene, turns in plays:
        people = len(scene.names)
        for at, one in enumerate(rounds(turns, people)):
            closing = 2 + 2 * people if at < ROUNDS - 1 else 0
            came = sum(any(judged(event) for event in turn.events) for turn in one)
            reflections = sum(len(keyed(turn, "reflect")) for turn in one)
            reactions = sum(map(len, map(touched, one)))
            assert cost(one, Words()).calls == 2 * people + came + reactions + closing + reflections
            assert reflections <= people


def judged(event: Event) -> bool:
    """Return whether an event is what the narrator found to come of a deed."""
    return event.call is not None and event.call.endswith("/judge") and event.kind != "system"


@pytest.mark.data
def test_a_round_of_a_published_scene_is_no_deeper_than_designed(
    published: Published, plays: list[tuple[Scene, list[Turn]]], tmp_path: Path
) -> None:
    for scene, turns in plays:
        assert max(cost(one, Words()).depth for one in rounds(turns, len(scene.names))) <= 3 * len(scene.names)
    largest = [scenario for _, scene, scenario in published if len(scene["characters"]) == 4]
    assert len(largest) == 5
    for scenario in largest:
        depths = {policy: deepest(scene_of(tmp_path, **scenario, turn_policy=policy)) for policy in POLICIES}
        assert depths == {"round_robin": 12, "narrator": 12, "simultaneous": 3}


def deepest(scene: Scene) -> int:
    """Return the calls in sequence of the deepest round where all are touched every time."""
    people = len(scene.names)
    return max(cost(one, Words()).depth for one in rounds(played(scene, LAYOUT, all_touched), people))


@pytest.mark.data
@pytest.mark.parametrize("policy", POLICIES)
def test_three_rounds_ask_less_than_characterbox_does_and_wait_far_less(
    policy: str, published: Published, tmp_path: Path
) -> None:
    """Every fifth scene, in which some are touched by lot; `pytest -s` shows the figures."""
    found: dict[tuple[str, int], list[Figures]] = {}
    for seed, (_, _, scenario) in enumerate(published[::5]):
        figures = figures_of(scenario, policy, seed, tmp_path)
        found.setdefault((scenario["language"], len(scenario["cast"])), []).append(figures)
    for (language, people), several in sorted(found.items()):
        calls, depth, words, new, theirs = (mean(column) for column in zip(*several, strict=True))
        print(
            f"\n{language}, {people} people, {policy}, {len(several)} scenes of {ROUNDS} rounds: {calls:.1f} calls, "
            f"{depth:.1f} one after another, {words:.0f} words of prompts, {new:.0f} of them new to a cache; "
            f"CharacterBox {theirs:.1f} calls one after another",
            end="",
        )
        assert calls < theirs
        assert depth < theirs / 3


Figures = tuple[int, int, int, int, int]
"""Calls, calls in sequence, words, new words; CharacterBox's calls where the same are touched by single turns."""


def figures_of(scenario: dict[str, Any], policy: str, seed: int, folder: Path) -> Figures:
    """Return what a story costs from its opening to its end."""
    people = len(scenario["cast"])
    singly = played(scene_of(folder, seed, **scenario), LAYOUT, by_lot)
    theirs = sum(characterbox_round(one, people) for one in rounds(singly, people))
    turns = {"turns": ROUNDS} if policy == "simultaneous" else {}
    ours = cost(played(scene_of(folder, seed, **scenario | turns, turn_policy=policy), LAYOUT, by_lot), Words())
    return ours.calls, ours.depth, ours.words, ours.new, theirs


@pytest.fixture(scope="module")
def gallery() -> Gallery:
    return Gallery()


@pytest.fixture(scope="module")
def tiny_model(gallery: Gallery, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """A chat model for pictures and any script, with weights that mean nothing, on vLLM."""
    import torch
    from transformers import Idefics3Config, Idefics3ForConditionalGeneration

    embedded = Path(str(files("sandbox.storybook") / "checkpoint"))
    folder = tmp_path_factory.mktemp("tiny") / "model"
    shutil.copytree(embedded, folder, ignore=shutil.ignore_patterns("*.safetensors", "config.json"))
    config = Idefics3Config.from_pretrained(embedded)
    config.text_config.max_position_embeddings = CONTEXT
    config.text_config.num_hidden_layers = config.vision_config.num_hidden_layers = 2
    torch.manual_seed(0)
    Idefics3ForConditionalGeneration(config).save_pretrained(folder)
    engine = start(VLLMConfig(max_model_len=CONTEXT), str(folder), gallery.open, 1)
    yield engine
    engine.close()


@pytest.mark.vllm
@pytest.mark.slow
@pytest.mark.data
@pytest.mark.filterwarnings("ignore:max_rollback_tokens is deprecated:DeprecationWarning")
@pytest.mark.parametrize("file", STORIES)
def test_the_largest_scene_of_each_book_plays_to_its_end_on_vllm_and_again_from_its_answers(
    file: str, published: Published, tiny_model: Engine, gallery: Gallery, tmp_path: Path
) -> None:
    scenario = max((one for book, _, one in published if book == file), key=lambda one: len(one["cast"]))
    drawn = scenario | {"images": {"picture": {"storybook": {"seed": 7}}}, "sampling": {"max_tokens": 24}}
    source = load(written(tmp_path, **drawn))
    setting = source.setting(source.variant(0), lambda picture, facts: gallery.add(picture))
    answered: dict[str, tuple[Request, Completion]] = {}

    async def ask(key: str, request: Request) -> Completion:
        assert key not in answered
        answered[key] = request, await tiny_model.complete(request)
        return answered[key][1]

    async def recall(key: str, request: Request) -> Completion:
        asked, completion = answered[key]
        assert asked.digest() == request.digest()
        return completion

    events = happening(setting, ask)
    assert max(event.turn for event in events) == ROUNDS * len(drawn["cast"])
    assert events == happening(setting, recall)
    pictures = {segment.image for request, _ in answered.values() for segment in request.prompt.segments()}
    assert pictures == {None, setting.gallery["picture"].image}
    decisions = [(request, answer) for request, answer in answered.values() if request.form]
    assert len(decisions) >= ROUNDS * len(drawn["cast"])
    for request, answer in decisions:
        if answer.finish_reason == "stop":
            follows(answer.text, json.loads(str(request.form)))
    assert any(answer.finish_reason == "stop" for _, answer in decisions)


def happening(setting: Setting, call: Call) -> list[Event]:
    """Return all that happens in a scene."""
    events: list[Event] = []
    asyncio.run(play(Scene(setting, 0), LAYOUT, call, events.extend))
    return events
