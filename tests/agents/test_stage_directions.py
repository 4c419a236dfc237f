"""What stage directions do: words that are whispered, ways to other places, and who leaves the stage."""

from pathlib import Path
from typing import Any

import pytest
from staging import scene_of

from agents.reply import read_reply
from agents.stage_directions import directed, gone_to
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
        ("Evening. (whispers to Pip) I moved it.", [(), (PIP,)]),
        ("(whispers to Pip) I moved it. (winks) Not a word.", [(PIP,), (PIP,)]),
        ("(whispers to Pip) I moved it. (aloud) Evening, all.", [(PIP,), ()]),
        ("(whispers to Pip) One. (whispers to Moss) Two.", [(PIP,), (MOSS,)]),
        ("(whispers) I moved it.", [()]),
        ("(nods to Pip) I moved it.", [()]),
        ("(whispers to Captain Brack) I moved it.", [()]),
        ("Brack (whispers to Pip): I moved it.", [()]),
    ],
)
def test_a_whisper_is_for_those_it_names_until_it_is_said_aloud(scene: Scene, text: str, to: list[Any]) -> None:
    assert [draft.to for draft in done(scene, BRACK, text) if draft.kind == "speech"] == to


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
