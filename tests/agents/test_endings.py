"""How a prompt ends: what each layout asks for after what was said, or not said, before."""

from pathlib import Path

import pytest
from staging import said, scene_of

from agents.prompts.layout import PromptThread
from agents.prompts.layouts import LAYOUTS
from scenes.event import Draft
from scenes.scenario import LayoutName, MemorySpec
from scenes.scene import Scene

TRIO = [{"character": f"storybook/{name}"} for name in ("brack", "pip", "moss")]


def told_to(scene: Scene, layout: LayoutName, name: str) -> list[str]:
    """Return the texts of the next prompt of one of the cast."""
    return [
        segment.text for segment in PromptThread(LAYOUTS[layout], scene.view(name), MemorySpec()).prompt().segments()
    ]


def test_mmrole_quotes_the_last_words_and_keeps_them_out_of_the_history(tmp_path: Path) -> None:
    scene = scene_of(tmp_path)
    scene.add("Captain Brack", said("Evening."))
    scene.add("Pip", said("Ahoy!"))
    told = told_to(scene, "mmrole", "Captain Brack")
    assert told[-1].endswith(":\nAhoy!")
    assert told[-2] == "[Captain Brack]: Evening."


def test_mmrole_still_quotes_the_last_words_after_a_new_picture_or_an_empty_reply(tmp_path: Path) -> None:
    scene = scene_of(tmp_path)
    scene.add("Captain Brack", said("Evening."))
    scene.add("Pip", said("Ahoy!"))
    scene.add("Captain Brack", said(""))
    scene.show("Captain Brack", scene.setting.gallery["harbour"])
    thread = PromptThread(LAYOUTS["mmrole"], scene.view("Captain Brack"), MemorySpec())
    segments = thread.prompt().segments()
    assert segments[-1].text.endswith(":\nAhoy!")
    assert segments[-2].image == scene.setting.gallery["harbour"].image
    scene.add("Captain Brack", said("Aye."))
    scene.add("Pip", said("See?"))
    history = [segment.text for segment in thread.prompt().segments() if segment.stability == "history"]
    assert history == [
        "[Captain Brack]: Evening.",
        "[Pip]: Ahoy!",
        "A new picture comes into sight:",
        "",
        "[Captain Brack]: Aye.",
    ]


def test_mmrole_begins_after_the_narrator_and_goes_on_after_oneself(tmp_path: Path) -> None:
    scene = scene_of(tmp_path)
    scene.add("Narrator", [Draft(kind="narration", text="Fog.")])
    told = told_to(scene, "mmrole", "Captain Brack")
    assert told[-2] == "[Narrator]: Fog."
    assert told[-1].startswith("Begin the conversation with Pip from the Storybook Coast")
    scene.add("Captain Brack", said("Evening."))
    assert told_to(scene, "mmrole", "Captain Brack")[-1].startswith("Go on with the conversation")


def test_mmrole_tells_a_player_of_the_cast_and_the_cast_of_a_curious_human(tmp_path: Path) -> None:
    player = {"name": "Mara", "model": "storybook", "about": "A traveller."}
    scene = scene_of(tmp_path, kind="human-role", player=player, cast=TRIO[:1])
    asked, answering = (told_to(scene, "mmrole", name) for name in ("Mara", "Captain Brack"))
    assert "in conversation with Captain Brack from the Storybook Coast" in asked[2]
    assert any("A traveller." in text for text in asked)
    assert "in conversation with a curious human" in answering[2]
    assert not any("Mara" in text for text in answering)


def test_mmrole_tells_the_premise_and_the_time(tmp_path: Path) -> None:
    told = told_to(scene_of(tmp_path, premise="Fog rolls in.", time="dusk"), "mmrole", "Pip")
    assert told[2].endswith("Fog rolls in. Time: dusk.")


def test_images_first_asks_for_a_beginning_until_somebody_has_spoken(tmp_path: Path) -> None:
    scene = scene_of(tmp_path)
    scene.add("Narrator", [Draft(kind="narration", text="Fog.")])
    assert told_to(scene, "images-first", "Pip")[-1] == "Begin the conversation as Pip."
    scene.add("Captain Brack", said("Evening."))
    assert told_to(scene, "images-first", "Pip")[-1] == "Reply as Pip."


@pytest.mark.parametrize(
    ("spoken", "cue"),
    [
        ([], ["Scene: Begin."]),
        ([("Pip", "")], ["Scene: Begin."]),
        ([("Pip", "Ahoy!")], ["Pip: Ahoy!"]),
        ([("Captain Brack", "Evening.")], ["Scene: Begin.", "Evening.", "Scene: Go on."]),
        ([("Captain Brack", "Evening."), ("Pip", "")], ["Scene: Begin.", "Evening.", "Scene: Go on."]),
        ([("Captain Brack", "Evening."), ("Pip", "Ahoy!")], ["Scene: Begin.", "Evening.", "Pip: Ahoy!"]),
    ],
)
def test_compact_cues_a_reply_where_nobody_else_spoke_last(
    tmp_path: Path, spoken: list[tuple[str, str]], cue: list[str]
) -> None:
    scene = scene_of(tmp_path)
    for name, words in spoken:
        scene.add(name, said(words))
    assert told_to(scene, "compact", "Captain Brack")[2:] == cue


def test_compact_calls_whoever_asks_for_a_remark_the_scene(tmp_path: Path) -> None:
    scene = scene_of(tmp_path, kind="comment", cast=TRIO[:1])
    scene.add("Human", said("Comment on the picture."))
    assert told_to(scene, "compact", "Captain Brack")[-1] == "Scene: Comment on the picture."
