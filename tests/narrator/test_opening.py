"""How a scene opens: the narrator's line, and what it is told to make it of."""

from pathlib import Path
from typing import Any

import pytest
from staging import performed, scene_of, texts

from agents.prompts.layouts import LAYOUTS
from scenes.chat import Request, messages
from scenes.event import Event, Flags
from scenes.scenario import LayoutName

KEY = "t00/narrator/open"
BRACK = {"character": "storybook/brack", "place": "quay", "position": "on the bollard", "state": "tired"}
STORY: dict[str, Any] = {
    "kind": "story",
    "narrator": {},
    "premise": "Two old rivals meet.",
    "time": "dusk",
    "images": {"harbour": {"storybook": {"seed": 7}, "notes": {"place": "A quay."}}},
    "places": {"quay": {"shows": ["harbour"]}},
    "cast": [{**BRACK, "secret": "Shh."}, {"character": "storybook/pip", "place": "quay"}],
    "turns": 1,
}
FULL: list[LayoutName] = [name for name in LAYOUTS if name != "compact"]


def opened(folder: Path, text: str = "Fog rolls in.", layout: LayoutName = "images-first") -> tuple[Event, Request]:
    """Return the opening event and the request for it, when the narrator's model says `text`."""
    scene = scene_of(folder, **STORY)
    requests = performed(scene, layout, lambda key, request: text if key == KEY else "Aye.")
    return scene.events[0], requests[KEY]


def test_the_opening_line_is_told_to_everybody_before_the_first_turn(tmp_path: Path) -> None:
    event, _ = opened(tmp_path)
    assert event == Event(
        index=0,
        turn=0,
        kind="narration",
        actor="Narrator",
        text="Fog rolls in.",
        visible_to={"Captain Brack": "was told", "Pip": "was told"},
        call=KEY,
    )


@pytest.mark.parametrize("layout", FULL)
def test_the_narrator_is_told_all_that_anybody_may_know(tmp_path: Path, layout: LayoutName) -> None:
    _, request = opened(tmp_path, layout=layout)
    told = texts(request.prompt.segments())
    public = ["Two old rivals meet.", "Time: dusk.", "A quay.", "a gruff sea captain", "on the bollard, tired", "Pip"]
    assert [text for text in public if text not in told] == []
    assert "Shh." not in told
    assert "asleep at the wheel" not in told


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_narrator_sees_the_pictures_and_is_asked_to_open(tmp_path: Path, layout: LayoutName) -> None:
    _, request = opened(tmp_path, layout=layout)
    segments = request.prompt.segments()
    scene = scene_of(tmp_path / "again", **STORY)
    assert [part.image for part in segments if part.image] == [scene.setting.gallery["harbour"].image]
    assert [message.role for message in messages(segments)] == ["system", "user"]
    assert "Open the scene." in segments[-1].text


def test_the_narrators_line_may_have_lines_where_a_script_has_none(tmp_path: Path) -> None:
    _, request = opened(tmp_path, layout="script")
    assert request.sampling.stop == ()


@pytest.mark.parametrize(
    ("text", "told", "flags"),
    [
        ("Narrator: Fog rolls in.", "Fog rolls in.", None),
        ("(Fog rolls in.) Nobody speaks.", "Fog rolls in. Nobody speaks.", None),
        ("Fog.\nBrack: Evening.", "Fog.", Flags(spoke_for="Brack")),
        ("Fog.\nCaptain Brack: Evening.", "Fog.", Flags(spoke_for="Captain Brack")),
        ("", "", Flags(empty=True)),
    ],
)
def test_the_narrator_speaks_for_nobody(tmp_path: Path, text: str, told: str, flags: Flags | None) -> None:
    event, _ = opened(tmp_path, text)
    assert (event.text, event.flags) == (told, flags)


def test_a_narrator_may_have_a_model_of_its_own(tmp_path: Path) -> None:
    scene = scene_of(tmp_path, **{**STORY, "narrator": {"model": "another/model"}})
    models = {key: request.model for key, request in performed(scene).items()}
    assert {key for key, model in models.items() if model == "storybook"} == {"t01/captainbrack/speak"}
    assert models[KEY] == models["t01/narrator/judge"] == "another/model"


def test_lines_of_the_scenario_follow_the_narrators(tmp_path: Path) -> None:
    opening = [{"Narrator": "A bell rings."}, {"Brack": "(nods) Evening."}]
    scene = scene_of(tmp_path, **STORY, opening=opening)
    performed(scene, answer=lambda key, request: "Fog." if key == KEY else "Aye.")
    assert [(event.turn, event.kind, event.actor, event.text) for event in scene.events[:5]] == [
        (0, "narration", "Narrator", "Fog."),
        (0, "narration", "Narrator", "A bell rings."),
        (0, "action", "Captain Brack", "nods"),
        (0, "speech", "Captain Brack", "Evening."),
        (1, "speech", "Pip", "Aye."),
    ]


def test_without_a_narrator_nobody_is_asked_to_open(tmp_path: Path) -> None:
    assert KEY not in performed(scene_of(tmp_path))
