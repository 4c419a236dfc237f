"""A character: its view becomes a request, and the answer what it does."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from staging import performed, said, scene_of

from agents.character import MOST_PARTS, Character, Voice
from agents.prompts.layouts import LAYOUTS
from agents.reply import read_reply
from scenes.chat import CallFailed, Completion, Request, Sampling
from scenes.event import Draft, Flags
from scenes.scene import Scene

SAMPLING = Sampling(temperature=0.5, max_tokens=9)


def character(scene: Scene, name: str = "Captain Brack") -> Character:
    return Character(scene.view(name), Voice("a/model", LAYOUTS["images-first"], SAMPLING), scene.seed)


def spoken(scene: Scene, text: str, **facts: Any) -> list[Draft]:
    """Return what Captain Brack does when its model answers with `text`."""

    async def call(key: str, request: Request) -> Completion:
        return Completion(text=text, **facts)

    return asyncio.run(character(scene).speak(call, "t01/brack/speak"))


def test_a_request_names_model_and_sampling(tmp_path: Path) -> None:
    request = character(scene_of(tmp_path)).request("t01/brack/speak")
    assert (request.model, request.sampling) == ("a/model", SAMPLING)


def test_a_seed_depends_on_the_episode_and_the_key_alone(tmp_path: Path) -> None:
    one, same, other = (scene_of(tmp_path / str(at), seed) for at, seed in enumerate((1, 1, 2)))
    same.add("Pip", said("Ahoy!"))
    keys = ("t01/brack/speak", "t02/brack/speak")
    assert [character(one).request(key).seed for key in keys] == [character(same).request(key).seed for key in keys]
    seeds = {character(scene).request(key).seed for scene in (one, other) for key in keys}
    assert len(seeds) == 4


def test_a_reply_becomes_what_is_done_with_its_call_on_each_part(tmp_path: Path) -> None:
    assert spoken(scene_of(tmp_path), "(nods) Aye. [Too late.]") == [
        Draft(kind="action", text="nods", call="t01/brack/speak"),
        Draft(kind="speech", text="Aye.", call="t01/brack/speak"),
        Draft(kind="thought", text="Too late.", call="t01/brack/speak"),
    ]


def test_what_was_odd_is_told_once(tmp_path: Path) -> None:
    drafts = spoken(scene_of(tmp_path), "(nods) Aye, the", finish_reason="length", dropped=2)
    assert [draft.flags for draft in drafts] == [Flags(truncated=True, dropped=2), None]


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        ("(a)[b]" * 16_000, "thought"),
        ("[b]. (a) said" * 8_000, "thought"),
        ("(whispers to Pip) one. (aloud) two. " * 3_000, "thought"),
        ("said [] " * 12_000, "speech"),
    ],
    ids=["deeds and thoughts", "all three", "whispers", "words"],
)
def test_a_reply_of_very_many_parts_is_so_many_and_the_rest_in_one_that_gives_nothing_away(
    tmp_path: Path, text: str, rest: str
) -> None:
    """What is whispered or only thought among the rest reaches nobody by being told with it."""
    drafts = spoken(scene_of(tmp_path), text)
    parts = read_reply(text, ["Captain Brack"], ["Pip"]).parts
    assert len(parts) > 5_000
    assert [(draft.kind, draft.text) for draft in drafts[:-1]] == [*parts[: MOST_PARTS - 1]]
    assert (len(drafts), drafts[-1].kind) == (MOST_PARTS, rest)
    assert drafts[-1].text == " ".join(words for _, words in parts[MOST_PARTS - 1 :])
    assert [draft.flags for draft in drafts] == [Flags(joined=len(parts) - MOST_PARTS + 1), *[None] * (MOST_PARTS - 1)]


def test_a_reply_of_as_many_parts_as_may_be_is_left_as_it_is(tmp_path: Path) -> None:
    drafts = spoken(scene_of(tmp_path), "(a)[b]" * (MOST_PARTS // 2))
    assert [draft.kind for draft in drafts] == ["action", "thought"] * (MOST_PARTS // 2)
    assert {draft.flags for draft in drafts} == {None}


def test_an_empty_reply_is_a_speech_without_words(tmp_path: Path) -> None:
    (draft,) = spoken(scene_of(tmp_path), " ")
    assert (draft.kind, draft.text, draft.flags) == ("speech", "", Flags(empty=True))


@pytest.mark.parametrize("label", ["Pip", "pip", "Kid", "Narrator", "Scene", "Human"])
def test_a_reply_is_cut_where_anybody_else_begins_to_speak(tmp_path: Path, label: str) -> None:
    cast = [{"character": "storybook/brack"}, {"character": {"name": "Pip", "aliases": ["Kid"]}}]
    player = {"questions": ["What is it?"]}
    scene = scene_of(tmp_path, kind="human-role", cast=cast, player=player)
    (draft,) = spoken(scene, f"Aye.\n{label}: Look there!")
    assert draft.text == "Aye."
    assert draft.flags is not None
    assert draft.flags.spoke_for is not None
    assert draft.flags.spoke_for.casefold() == label.casefold()


@pytest.mark.parametrize("label", ["Captain Brack", "Brack", "Captain", "brack"])
def test_names_of_its_own_are_labels_and_cut_nothing(tmp_path: Path, label: str) -> None:
    assert [draft.text for draft in spoken(scene_of(tmp_path), f"{label}: Aye.")] == ["Aye."]


def test_an_alias_that_is_also_anothers_is_ones_own_label(tmp_path: Path) -> None:
    cast = [{"character": "storybook/brack"}, {"character": {"name": "Odile", "aliases": ["Captain"]}}]
    assert [draft.text for draft in spoken(scene_of(tmp_path, cast=cast), "Captain: Aye.")] == ["Aye."]


def test_a_failed_call_is_nobodys_line(tmp_path: Path) -> None:
    async def call(key: str, request: Request) -> Completion:
        raise CallFailed("the engine is tired")

    scene = scene_of(tmp_path)
    with pytest.raises(CallFailed, match="tired"):
        asyncio.run(character(scene).speak(call, "t01/brack/speak"))
    assert scene.events == []


def test_the_same_scene_played_again_asks_the_same(tmp_path: Path) -> None:
    first, second = (performed(scene_of(tmp_path / name, seed=3)) for name in ("one", "two"))
    assert [(key, request.digest()) for key, request in first.items()] == [
        (key, request.digest()) for key, request in second.items()
    ]
