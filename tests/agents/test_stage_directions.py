"""What stage directions do: words that are whispered, ways to other places, and who leaves the stage."""

from pathlib import Path
from typing import Any

import pytest
from staging import scene_of

from agents.reply import read_reply
from agents.stage_directions import directed, gone_to
from sandbox.screen import Screen
from sandbox.transcript import Transcript
from scenes.event import Draft
from scenes.scene import Scene

PLACES = {"quay": {"beside": ["cabin"]}, "cabin": {}, "upper_deck": {}}
CAST = [{"character": f"storybook/{name}", "place": "quay"} for name in ("brack", "pip", "moss")]
BRACK, PIP, MOSS = "Captain Brack", "Pip", "Doctor Moss"


def done(scene: Scene, actor: str, text: str) -> list[Draft]:
    """Return what `actor` does with a reply."""
    parts = read_reply(text, [actor], []).parts
    return directed(scene, actor, [Draft(kind=kind, text=words) for kind, words in parts])


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return scene_of(tmp_path, places=PLACES, cast=CAST)


@pytest.mark.parametrize(
    ("text", "to"),
    [
        ("(whispers to Pip) I moved it.", [(PIP,)]),
        ("(leans in and whispers to Pip and Moss) I moved it.", [(PIP, MOSS)]),
        ("*whispering to Doctor Moss* I moved it.", [(MOSS,)]),
        ("(mutters under his breath to Pip) I moved it.", [(PIP,)]),
        ("(对Pip耳语) 是我。", [(PIP,)]),
        ("(leans over and whispers in the ear of Pip) I moved it.", [(PIP,)]),
        ("(leans to Pip's ear and whispers) I moved it.", [(PIP,)]),
        ("(whispers in Moss's ear, at Pip's back) I moved it.", [(MOSS,)]),
        ("Evening. (whispers to Pip) I moved it.", [(), (PIP,)]),
        ("(whispers to Pip) I moved it. (winks) Not a word.", [(PIP,), (PIP,)]),
        ("(whispers to Pip) I moved it. (aloud) Evening, all.", [(PIP,), ()]),
        ("(whispers to Pip) One. (whispers to Moss) Two.", [(PIP,), (MOSS,)]),
        ("(whispers) I moved it.", [()]),
        ("(nods to Pip) I moved it.", [()]),
        ("Brack (whispers to Pip): I moved it.", [()]),
    ],
)
def test_a_whisper_is_for_those_it_names_until_it_is_said_aloud(scene: Scene, text: str, to: list[Any]) -> None:
    assert [draft.to for draft in done(scene, BRACK, text) if draft.kind == "speech"] == to


@pytest.mark.parametrize(
    "action",
    [
        "whispers to Ghost",
        "leans over and whispers to the Ghost, with an eye on Pip",
        "whispers urgently to Ghost about Pip",
        "leans close to Ghost and whispers",
        "turns to Pip, then leans over to Ghost and whispers",
        "whispers in Ghost's ear",
        "whispers in the ear of Ghost, behind Pip",
        "whispers, leaning to Ghost",
        "mutters under his breath to Ghost",
        "says to Ghost under his breath",
        "whispers to Captain Brack",
        "whispers to himself",
        "whispers to no one in particular",
        "whispers to his parrot",
        "whispers to Cabin Boy",
        "whispers to everyone but Pip",
        "whispers to her",
        "对幽灵耳语",
        "凑到幽灵耳边低声说",
        "低声自言自语，对自己说",
        "悄悄告诉幽灵",
    ],
)
def test_what_is_whispered_to_nobody_who_is_there_is_perceived_by_the_speaker_alone(scene: Scene, action: str) -> None:
    events = scene.add(BRACK, done(scene, BRACK, f"({action}) I moved it."))
    spoken = [event for event in events if event.kind == "speech"]
    assert [(event.text, event.visible_to) for event in spoken] == [("I moved it.", {BRACK: "did"})]
    assert str(Transcript([BRACK, PIP, MOSS], Screen()).line(spoken[0])).endswith("I moved it.  ‹nobody heard it›")


@pytest.mark.parametrize(
    "action",
    [
        "whispers",
        "drops his voice to a whisper",
        "whispers and goes to the cabin",
        "walks to the window and whispers",
        "goes to the Cabin and whispers",
        "whispers in a low voice",
        "whispers to everyone",
        "whispers to the others",
        "nods to Ghost",
        "小声向前走去",
        "低声对大家说",
        "低声说",
    ],
)
def test_a_whisper_that_is_for_nobody_in_particular_or_for_all_is_heard(scene: Scene, action: str) -> None:
    drafts = done(scene, BRACK, f"({action}) I moved it.")
    assert [draft.to for draft in drafts if draft.kind == "speech"] == [()]


@pytest.mark.parametrize("action", ["whispers to her", "whispers in her ear", "低声对她说", "凑到他耳边低语，低声说"])
def test_where_only_one_other_is_there_a_whisper_needs_no_name(tmp_path: Path, action: str) -> None:
    elsewhere = [CAST[0], CAST[1], CAST[2] | {"place": "cabin"}]
    scene = scene_of(tmp_path, places=PLACES, cast=elsewhere)
    drafts = done(scene, BRACK, f"({action}) I moved it.")
    assert [draft.to for draft in drafts if draft.kind == "speech"] == [(PIP,)]


def test_a_label_that_says_whispering_is_a_direction_too(scene: Scene) -> None:
    parts = read_reply("Captain Brack (whispers to Pip): I moved it.", [BRACK], []).parts
    drafts = directed(scene, BRACK, [Draft(kind=kind, text=words) for kind, words in parts])
    assert [(draft.kind, draft.to) for draft in drafts] == [("action", ()), ("speech", (PIP,))]


@pytest.mark.parametrize(
    ("action", "place"),
    [
        ("goes to the cabin", "cabin"),
        ("Goes into the cabin, slowly", "cabin"),
        ("quickly walks back to the cabin", "cabin"),
        ("shrugs and goes to the cabin", "cabin"),
        ("he hurries to the cabin", "cabin"),
        ("Pip climbs up to the upper deck", "upper_deck"),
        ("enters the cabin", "cabin"),
        ("go to cabin", "cabin"),
        ("returns to his CABIN", "cabin"),
        ("looks to the cabin", None),
        ("walks toward the cabin", None),
        ("does not go to the cabin", None),
        ("goes to the cabinet", None),
        ("goes to the mill", None),
        ("thinks of going to the cabin", None),
        ("points at who goes to the cabin", None),
    ],
)
def test_a_way_leads_to_a_place_of_the_scene_or_nowhere(action: str, place: str | None) -> None:
    assert gone_to(action, PIP, tuple(PLACES)) == place


@pytest.mark.parametrize("action", ["走到船舱", "快步跑进船舱", "转身回到船舱里"])
def test_a_way_is_found_in_a_script_without_spaces(action: str) -> None:
    assert gone_to(action, "皮普", ("码头", "船舱")) == "船舱"


def test_who_goes_elsewhere_is_there_for_the_rest_of_its_reply(scene: Scene) -> None:
    events = scene.add(PIP, done(scene, PIP, "Wait! (goes to the cabin) Moss?"))
    assert [(event.kind, event.text, set(event.visible_to)) for event in events] == [
        ("speech", "Wait!", {BRACK, PIP, MOSS}),
        ("action", "goes to the cabin", {BRACK, PIP, MOSS}),
        ("state", "comes to cabin", {BRACK, PIP, MOSS}),
        ("speech", "Moss?", {BRACK, PIP, MOSS}),
    ]
    assert scene.standings[PIP].place == "cabin"
    assert [set(event.visible_to) for event in scene.add(PIP, [Draft(kind="action", text="nods")])] == [{PIP}]


def test_a_way_to_where_one_is_already_changes_nothing(scene: Scene) -> None:
    assert [draft.kind for draft in done(scene, PIP, "(goes to the quay)")] == ["action"]


@pytest.mark.parametrize("text", ["(leaves)", "(quietly leaves the scene.)", "*exits*", "（退场）"])
def test_who_leaves_is_off_the_stage_and_perceives_nothing_more(scene: Scene, text: str) -> None:
    scene.add(PIP, done(scene, PIP, text))
    assert scene.present == [BRACK, MOSS]
    assert [set(event.visible_to) for event in scene.add(BRACK, done(scene, BRACK, "Gone."))] == [{BRACK, MOSS}]


@pytest.mark.parametrize("text", ["(leaves a letter on the table)", "(exits the conversation politely)", "(goes off)"])
def test_only_leaving_itself_leads_off_the_stage(scene: Scene, text: str) -> None:
    scene.add(PIP, done(scene, PIP, text))
    assert (PIP in scene.present) == (text != "(goes off)")
