"""Who speaks next, by each policy."""

import re
import sys
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from staging import performed, said, scene_of, texts

from narrator.turn_policy import (
    TURN_POLICIES,
    Policy,
    PolicyFailed,
    in_order,
    mention,
    narrator,
    next_actors,
    policy_of,
    random,
    round_robin,
)
from scenes.chance import chance
from scenes.event import Change, Draft, EventKind
from scenes.scenario import PolicyName
from scenes.scene import Scene

TRIO = [{"character": f"storybook/{name}"} for name in ("brack", "pip", "moss")]
BRACK, PIP, MOSS = "Captain Brack", "Pip", "Doctor Moss"
ANY = Random(0)


@pytest.fixture
def trio(tmp_path: Path) -> Scene:
    return scene_of(tmp_path, cast=TRIO)


def speakers(folder: Path, **changes: Any) -> list[str]:
    """Return who speaks in each turn of a scene of three."""
    scene = scene_of(folder, **{"cast": TRIO, "turns": 7, **changes})
    performed(scene)
    return [event.actor for event in scene.events if event.turn > 0]


def drafts(*parts: tuple[EventKind, str]) -> list[Draft]:
    return [Draft(kind=kind, text=text) for kind, text in parts]


def takes_a_turn(scene: Scene, actor: str, *parts: tuple[EventKind, str]) -> None:
    scene.acted.append(actor)
    scene.add(actor, drafts(*parts))


def test_round_robin_goes_through_the_cast_in_order(tmp_path: Path) -> None:
    assert speakers(tmp_path) == [BRACK, PIP, MOSS, BRACK, PIP, MOSS, BRACK]


@pytest.mark.parametrize(
    ("opening", "first"),
    [
        ([{"Brack": "Evening."}], PIP),
        ([{"Brack": "Evening."}, {"Pip": "(waves)"}], MOSS),
        ([{"Moss": "Well."}], BRACK),
        ([{"Moss": "[Hm.]"}], BRACK),
        ([{"Narrator": "Fog."}], BRACK),
    ],
)
def test_round_robin_goes_on_after_the_opening_lines(tmp_path: Path, opening: list[Any], first: str) -> None:
    assert speakers(tmp_path, opening=opening, turns=1) == [first]


def test_round_robin_passes_on_whatever_a_reply_was(trio: Scene) -> None:
    """A reply of nothing but a thought is a turn too, or the same one would be asked for ever."""
    for kind in ("speech", "action", "thought"):
        takes_a_turn(trio, BRACK, (kind, "hm"))
        assert round_robin(trio, ANY) == PIP
    takes_a_turn(trio, BRACK, ("speech", ""))
    assert round_robin(trio, ANY) == PIP


def test_a_picture_that_comes_into_sight_is_no_turn(trio: Scene) -> None:
    takes_a_turn(trio, BRACK, ("speech", "Evening."))
    trio.show(MOSS, trio.setting.gallery["harbour"])
    assert round_robin(trio, ANY) == PIP


def test_chance_never_gives_two_turns_in_a_row(tmp_path: Path) -> None:
    names = speakers(tmp_path, turn_policy="random", turns=200)
    assert set(names) == {BRACK, PIP, MOSS}
    assert all(one != other for one, other in pairwise(names))


def test_chance_is_the_same_for_the_same_seed_and_another_for_another(tmp_path: Path) -> None:
    def by_lot(seed: int) -> list[str]:
        scene = scene_of(tmp_path, seed, cast=TRIO, turn_policy="random", turns=30)
        performed(scene)
        return [event.actor for event in scene.events]

    assert by_lot(1) == by_lot(1)
    assert by_lot(1) != by_lot(2)


def test_chance_lets_one_alone_speak_again(tmp_path: Path) -> None:
    player = {"questions": ["What is it?"] * 3}
    names = speakers(tmp_path, kind="human-role", cast=TRIO[:1], player=player, turn_policy="random")
    assert names == ["Human", BRACK] * 3


@pytest.mark.parametrize(
    ("words", "next_speaker"),
    [
        ("Look there, Pip!", PIP),
        ("look there, PIP!", PIP),
        ("Well, Doctor Moss?", MOSS),
        ("Well, Moss?", MOSS),
        ("Pip, ask Moss.", MOSS),
        ("Moss, ask Pip.", PIP),
        ("The pipe is out.", PIP),
        ("Mosses grow there.", PIP),
        ("Brack is my name.", PIP),
        ("Moss, I am Brack.", MOSS),
        ("Good evening.", PIP),
    ],
)
def test_mention_gives_the_turn_to_whom_the_last_words_named_last(trio: Scene, words: str, next_speaker: str) -> None:
    takes_a_turn(trio, BRACK, ("speech", words))
    assert mention(trio, ANY) == next_speaker


def test_mention_reads_the_whole_of_the_last_reply_and_nothing_before(trio: Scene) -> None:
    trio.add(BRACK, drafts(("speech", "Moss, look."), ("action", "points at Pip"), ("speech", "Over there.")))
    assert mention(trio, ANY) == MOSS
    trio.add(MOSS, drafts(("action", "nods at Pip"), ("thought", "Pip again.")))
    assert mention(trio, ANY) == BRACK


def test_mention_hears_a_player_and_begins_with_the_first(tmp_path: Path) -> None:
    questions = ["What is it?", "And you, Moss?", "And you?", "Brack?"]
    names = speakers(tmp_path, kind="human-role", player={"questions": questions}, turn_policy="mention")
    assert [name for name in names if name != "Human"] == [BRACK, MOSS, BRACK, BRACK]


def test_mention_knows_names_in_a_script_without_spaces(tmp_path: Path) -> None:
    cast = [{"character": {"name": name}} for name in ("唐僧", "孙悟空", "唐")]
    scene = scene_of(tmp_path, cast=cast, language="zh")
    scene.add("唐僧", said("你看孙悟空在那里。"))
    assert mention(scene, ANY) == "孙悟空"
    scene.add("孙悟空", said("我听唐僧的。"))
    assert mention(scene, ANY) == "唐僧"


def test_of_two_names_that_overlap_the_longer_is_meant(tmp_path: Path) -> None:
    cast = [{"character": {"name": name}} for name in ("Mara", "Ann", "Ann Lee")]
    scene = scene_of(tmp_path, cast=cast)
    scene.add("Mara", said("Come, Ann Lee."))
    assert mention(scene, ANY) == "Ann Lee"
    scene.add("Mara", said("Come, Ann."))
    assert mention(scene, ANY) == "Ann"


def test_a_list_is_gone_through_again_and_again_by_names_and_aliases(tmp_path: Path) -> None:
    names = speakers(tmp_path, turn_policy=["moss", "Pip", "Captain", "Pip"], turns=6)
    assert names == [MOSS, PIP, BRACK, PIP, MOSS, PIP]


def test_a_list_keeps_its_order_after_opening_lines(tmp_path: Path) -> None:
    assert speakers(tmp_path, turn_policy=["Moss", "Pip"], opening=[{"Moss": "Well."}], turns=2) == [MOSS, PIP]


def test_a_reaction_is_no_turn(trio: Scene) -> None:
    takes_a_turn(trio, BRACK, ("action", "throws a rope"))
    trio.add(PIP, said("Ouch!"))
    assert round_robin(trio, ANY) == PIP


def test_whoever_is_not_on_the_stage_is_passed_over(trio: Scene) -> None:
    trio.add(PIP, [Draft(kind="state", text="is gone", change=Change(who=PIP, present=False))])
    takes_a_turn(trio, BRACK, ("speech", "Pip!"))
    lots = {random(trio, chance(seed, "policy")) for seed in range(20)}
    assert (round_robin(trio, ANY), mention(trio, ANY), lots) == (MOSS, MOSS, {MOSS})
    trio.turn = 1
    assert in_order(("Pip", "Brack"))(trio, ANY) == BRACK
    assert in_order(("Pip",))(trio, ANY) == MOSS


def test_all_on_the_stage_act_at_once_where_the_policy_says_so(tmp_path: Path) -> None:
    scene = scene_of(tmp_path, cast=TRIO, turn_policy="simultaneous", turns=2)
    requests = performed(scene)
    assert [(event.turn, event.actor) for event in scene.events] == [
        (turn, name) for turn in (1, 2) for name in (BRACK, PIP, MOSS)
    ]
    assert "Line t01/captainbrack" not in texts(requests["t01/doctormoss/speak"].prompt.segments())
    assert "Line t01/captainbrack" in texts(requests["t02/doctormoss/speak"].prompt.segments())


def test_whom_the_narrator_picked_is_next_while_on_the_stage(trio: Scene) -> None:
    trio.picked = MOSS
    assert narrator(trio, ANY) == MOSS
    trio.add(MOSS, [Draft(kind="state", text="is gone", change=Change(who=MOSS, present=False))])
    assert narrator(trio, ANY) == BRACK


@pytest.mark.parametrize("name", TURN_POLICIES)
def test_a_policy_goes_by_its_name(tmp_path: Path, name: PolicyName) -> None:
    scenario = scene_of(tmp_path, turn_policy=name, narrator={}).setting.scenario
    assert policy_of(scenario) is TURN_POLICIES[name]


async def unawaited(scene: Scene, rng: Random) -> str:
    return BRACK


@pytest.mark.parametrize(
    ("policy", "told"),
    [
        (lambda scene, rng: "Mara", "named ['Mara']; on the stage are: Captain Brack, Pip, Doctor Moss"),
        (lambda scene, rng: (), "named nobody; on the stage"),
        (lambda scene, rng: 7, "the turn policy returned int; let it return a name from scene.present, or a list"),
        (lambda scene, rng: None, "the turn policy returned NoneType; let it"),
        (unawaited, "the turn policy returned coroutine; let it"),
        (lambda scene, rng: sys.exit(3), "the turn policy failed at test_turn_policy.py:"),
        (lambda scene, rng: [scene.names[9]], "the turn policy failed at test_turn_policy.py:"),
        (lambda scene, rng: [BRACK, ["Pip"]], "the turn policy returned list; let it"),
    ],
)
def test_a_policy_of_ones_own_that_breaks_is_told_as_such(trio: Scene, policy: Policy, told: str) -> None:
    with pytest.raises(PolicyFailed, match=re.escape(told)):
        next_actors(policy, trio, ANY)


def test_a_policy_may_call_people_as_the_scene_does(trio: Scene) -> None:
    assert next_actors(lambda scene, rng: ["moss", "Brack"], trio, ANY) == (BRACK, MOSS)


def test_several_named_by_a_policy_act_in_the_order_of_the_cast_each_once(trio: Scene) -> None:
    assert next_actors(lambda scene, rng: [MOSS, BRACK, MOSS], trio, ANY) == (BRACK, MOSS)


replies = st.lists(
    st.tuples(
        st.sampled_from(["speech", "action", "thought"]),
        st.sampled_from(["Pip!", "Moss?", "Brack.", "captain", "", "Human", "Look, Doctor Moss and Pip"]),
    ),
    min_size=1,
    max_size=3,
)


@given(
    st.lists(st.tuples(st.sampled_from([BRACK, PIP, MOSS]), replies), max_size=6),
    st.sampled_from(["round_robin", "random", "mention", "narrator"]),
)
def test_nobody_ever_speaks_twice_in_a_row(
    tmp_path_factory: pytest.TempPathFactory, turns: Sequence[Any], name: Any
) -> None:
    scene = scene_of(tmp_path_factory.mktemp("trio"), cast=TRIO)
    for turn, (actor, parts) in enumerate(turns, start=1):
        scene.turn = turn
        takes_a_turn(scene, actor, *parts)
    chosen = TURN_POLICIES[name](scene, chance(0, "policy"))
    assert chosen in scene.names
    assert not turns or chosen != turns[-1][0]
