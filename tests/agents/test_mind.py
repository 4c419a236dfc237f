"""What goes on in heads: beliefs of all at once, told to nobody else, and reflection when enough has gathered."""

from pathlib import Path

import pytest
from staging import performed, scene_of, texts

from agents import mind
from agents.prompts.layouts import LAYOUTS
from sandbox.play import Fork
from scenes.chat import Request
from scenes.scenario import LayoutName

TRIO = [{"character": f"storybook/{name}"} for name in ("brack", "pip", "moss")]


def answer(key: str, request: Request) -> str:
    """Answer so that what is said, believed and made of things can be told apart."""
    turn, who, what = key.split("/")
    return f"{what}-{who}-{turn}"


@pytest.mark.parametrize("layout", ["mmrole", "images-first", "compact"])
def test_beliefs_stand_in_the_prompt_of_their_owner_alone_and_follow_the_rounds(
    tmp_path: Path, layout: LayoutName
) -> None:
    requests = performed(scene_of(tmp_path, cast=TRIO, mind="bdi", turns=6), layout, answer)
    first, second = (texts(requests[key].prompt.segments()) for key in ("t02/pip/speak", "t05/pip/speak"))
    assert "belief-pip-t00" in first
    assert "surroundings-pip-t00" in first
    assert "belief-pip-t03" in second
    assert "belief-pip-t00" not in second
    for key, request in requests.items():
        told = texts(request.prompt.segments())
        others = {"captainbrack", "pip", "doctormoss"} - {key.split("/")[1]}
        assert not any(f"{what}-{who}-" in told for what in ("belief", "surroundings") for who in others)


def test_beliefs_are_formed_before_the_first_turn_and_after_every_round_but_the_last(tmp_path: Path) -> None:
    requests = performed(scene_of(tmp_path, cast=TRIO, mind="bdi", turns=9), answer=answer)
    assert sorted({key.split("/")[0] for key in requests if key.endswith("/belief")}) == ["t00", "t03", "t06"]
    assert sum(key.endswith(("/belief", "/surroundings")) for key in requests) == 3 * 3 * 2


def test_a_belief_is_an_event_that_its_owner_alone_perceives_and_no_line_of_the_story(tmp_path: Path) -> None:
    scene = scene_of(tmp_path, cast=TRIO, mind="bdi", turns=4)
    requests = performed(scene, answer=answer)
    beliefs = [event for event in scene.events if event.change and event.change.is_private()]
    assert all(event.visible_to == {event.actor: "thought"} for event in beliefs)
    assert scene.standings["Pip"].belief == "belief-pip-t03"
    history = [one for one in requests["t04/captainbrack/speak"].prompt.segments() if one.stability == "history"]
    assert "belief" not in texts(history)


def test_without_minds_nobody_is_asked_what_it_believes(tmp_path: Path) -> None:
    assert all(key.endswith("/speak") for key in performed(scene_of(tmp_path, turns=6)))


def test_a_person_is_not_asked_what_it_believes(tmp_path: Path) -> None:
    scene = scene_of(tmp_path, mind="bdi", turns=4, player={"plays": "Pip", "person": True})
    asked = {key.split("/")[1] for key in performed(scene, answer=answer) if key.endswith("/belief")}
    assert asked == {"captainbrack"}


def test_one_reflects_when_enough_has_gathered_and_then_not_for_a_while(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mind, "importance", lambda turn, me: 1.0)
    scene = scene_of(tmp_path, mind="bdi", turns=24)
    requests = performed(scene, answer=answer)
    turns = [key[:3] for key in requests if key.endswith("pip/reflect")]
    assert turns == ["t06", "t12", "t18"]
    (first, *_) = (event for event in scene.events if event.call == "t06/pip/reflect")
    assert (first.kind, first.visible_to) == ("thought", {"Pip": "thought"})
    assert "[reflect-pip-t06]" in texts(requests["t08/pip/speak"].prompt.segments())


def test_the_language_of_the_scene_is_asked_for(tmp_path: Path) -> None:
    requests = performed(scene_of(tmp_path, mind="bdi", language="zh", turns=1), answer=answer)
    assert "请用中文写" in requests["t00/pip/belief"].prompt.segments()[-1].text
    requests = performed(scene_of(tmp_path, mind="bdi", language="de", turns=1), answer=answer)
    assert "Write German." in requests["t00/pip/belief"].prompt.segments()[-1].text


def test_what_has_gathered_is_not_forgotten_where_a_branch_begins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mind, "importance", lambda turn, me: 1.0)
    for after in range(12):
        scene = scene_of(tmp_path, mind="bdi", turns=24)
        forks = [Fork(after, scene.setting, 1, LAYOUTS["images-first"])]
        requests = performed(scene, answer=answer, forks=forks)
        assert [key[:3] for key in requests if key.endswith("pip/reflect")] == ["t06", "t12", "t18"], after
