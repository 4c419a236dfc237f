"""The narrator of a story: what it judges, tells and decides, who is told of it, and what it changes."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from staging import performed, scene_of, texts

from agents.prompts.layouts import LAYOUTS
from sandbox.play import Fork
from scenes.chat import Request
from scenes.event import Event, Flags
from scenes.scene import Scene

BRACK, PIP, MOSS, VALE = "Captain Brack", "Pip", "Doctor Moss", "Inspector Vale"
CAST = [{"character": f"storybook/{name}"} for name in ("brack", "pip", "moss")]
STORY: dict[str, Any] = {"kind": "story", "narrator": {}, "cast": CAST, "turns": 3, "layout": "images-first"}
NOTHING = {"touched": [], "after": []}
Answers = dict[str, Any]
"""What is answered under a key; anything but text becomes JSON."""


def played(folder: Path, answers: Answers, **changes: Any) -> tuple[Scene, dict[str, Request]]:
    """Play a story of three in which nothing happens but what `answers` say."""
    scene = scene_of(folder, **{**STORY, **changes})
    return scene, performed(scene, scene.setting.scenario.layout, answering(answers))  # type: ignore[arg-type]


def answering(answers: Answers) -> Callable[[str, Request], str]:
    def answer(key: str, request: Request) -> str:
        if key in answers:
            return answers[key] if isinstance(answers[key], str) else json.dumps(answers[key])
        return json.dumps(quiet(key)) if request.form else f"Line {key}."

    return answer


def quiet(key: str) -> dict[str, Any]:
    """Return a decision by which nothing happens."""
    if "judge" in key:
        return NOTHING
    if "update" in key:
        return {"time": None, "scene": None}
    return {"reason": "", "decision": f"pick_speaker {PIP}"}


def told_by(scene: Scene, actor: str = "Narrator", turn: int = 1) -> list[tuple[str, str]]:
    return [(event.kind, event.text) for event in scene.events if event.actor == actor and event.turn == turn]


def found(scene: Scene, **wanted: Any) -> list[Event]:
    return [event for event in scene.events if all(getattr(event, name) == one for name, one in wanted.items())]


TOUCH = {"touched": [{"who": PIP, "how": "The rope catches her arm."}], "after": [{"who": PIP, "state": "hurt"}]}


def test_one_whom_a_deed_touches_is_told_how_reacts_and_keeps_its_own_turn(tmp_path: Path) -> None:
    scene, requests = played(tmp_path, {"t01/narrator/judge": TOUCH})
    assert told_by(scene) == [
        ("narration", "The rope catches her arm."),
        ("state", "Pip is now hurt."),
        ("narration", "Line t01/narrator/narrate."),
    ]
    assert [(event.turn, event.call) for event in found(scene, actor=PIP, kind="speech")] == [
        (1, "t01/pip/react"),
        (2, "t02/pip/speak"),
    ]
    assert scene.acted == [BRACK, PIP, MOSS]
    assert "The rope catches her arm." in texts(requests["t01/pip/react"].prompt.segments())
    assert "You are now: hurt." in texts(requests["t02/pip/speak"].prompt.segments())


def test_a_deed_that_touches_nobody_costs_the_judgement_alone(tmp_path: Path) -> None:
    scene, requests = played(tmp_path, {})
    assert told_by(scene) == []
    assert [key for key in requests if key.startswith("t01")] == ["t01/captainbrack/speak", "t01/narrator/judge"]


def test_what_comes_of_a_deed_is_told_after_the_judgement_beside_the_reactions(tmp_path: Path) -> None:
    _, requests = played(tmp_path, {"t01/narrator/judge": TOUCH})
    narrated = texts(requests["t01/narrator/narrate"].prompt.segments())
    assert "The rope catches her arm." in narrated
    assert "Line t01/pip/react." not in narrated


def test_who_comes_to_a_place_is_seen_there_and_how_it_is_known_to_those_who_saw_the_deed(tmp_path: Path) -> None:
    places = {"quay": {"beside": ["cabin"]}, "cabin": {}}
    cast = [{**one, "place": place} for one, place in zip(CAST, ("quay", "quay", "cabin"), strict=True)]
    after = {"who": PIP, "place": "cabin", "position": "behind the door", "state": "frightened"}
    judged = {"t01/narrator/judge-captainbrack": {"touched": [], "after": [after]}}
    scene, _ = played(tmp_path, judged, cast=cast, places=places)
    assert [(event.text, event.visible_to) for event in found(scene, kind="state")] == [
        ("Pip is now at the place called cabin.", {BRACK: "saw", PIP: "did", MOSS: "saw"}),
        ("Pip is now behind the door, frightened.", {BRACK: "was told", PIP: "did"}),
    ]
    assert set(found(scene, kind="narration")[-1].visible_to) == {BRACK, PIP}


def test_a_judgement_about_somebody_who_is_not_there_is_none(tmp_path: Path) -> None:
    places = {"quay": {"beside": ["cabin"]}, "cabin": {}}
    cast = [{**one, "place": place} for one, place in zip(CAST, ("quay", "quay", "cabin"), strict=True)]
    wrong = {"touched": [{"who": MOSS, "how": "hm"}], "after": []}
    key = "t01/narrator/judge-captainbrack"
    scene, requests = played(tmp_path, {key: wrong}, cast=cast, places=places)
    assert f"{key}/again1" in requests
    assert found(scene, actor=MOSS, turn=1) == []
    assert MOSS not in (requests[key].form or "")


def test_one_alone_at_its_place_is_not_judged(tmp_path: Path) -> None:
    places = {"quay": {"beside": ["cabin"]}, "cabin": {}}
    cast = [{**one, "place": place} for one, place in zip(CAST, ("quay", "cabin", "cabin"), strict=True)]
    _, requests = played(tmp_path, {}, cast=cast, places=places, turns=1)
    assert not any("judge" in key for key in requests)


@pytest.mark.parametrize("text", ["nobody", "[]", '{"touched": 7}', json.dumps(TOUCH) * 2, "{}"])
def test_a_judgement_that_cannot_be_read_touches_nobody_and_says_so(tmp_path: Path, text: str) -> None:
    key = "t01/narrator/judge"
    scene, requests = played(tmp_path, {key: text, f"{key}/again1": text, f"{key}/again2": text}, turns=1)
    assert [asked for asked in requests if "judge" in asked] == [key, f"{key}/again1", f"{key}/again2"]
    (event,) = found(scene, kind="system")
    assert (event.flags, event.visible_to) == (Flags(repaired=2, defaulted=True), {})


def test_those_who_act_at_once_are_judged_together_where_they_see_each_other(tmp_path: Path) -> None:
    places = {"quay": {"beside": ["cabin"]}, "cabin": {}}
    cast = [{**one, "place": place} for one, place in zip(CAST, ("quay", "quay", "cabin"), strict=True)]
    _, requests = played(tmp_path, {}, cast=cast, places=places, turns=1, turn_policy="simultaneous")
    assert [key for key in requests if "judge" in key] == ["t01/narrator/judge-captainbrack"]
    both = texts(requests["t01/narrator/judge-captainbrack"].prompt.segments())
    assert "Judge what Captain Brack and Pip did just now." in both
    assert "Line t01/doctormoss/speak." in both, "what is said next door is heard"


def test_a_small_model_chooses_whom_a_deed_touches_and_nothing_else(tmp_path: Path) -> None:
    judged = {"t01/narrator/judge": {"touched": PIP}}
    scene = scene_of(tmp_path, **{**STORY, "layout": "compact"})
    requests = performed(scene, "compact", answering({**judged, "t02/narrator/judge": {"touched": "nobody"}}))
    assert json.loads(requests["t01/narrator/judge"].form or "")["properties"]["touched"]["enum"] == [
        PIP,
        MOSS,
        "nobody",
    ]
    assert told_by(scene)[:2] == [("system", "reaches Pip"), ("narration", "Line t01/narrator/narrate.")]
    assert "t01/pip/react" in requests
    assert not any("update" in key or "summary" in key for key in requests)


def test_the_scene_itself_is_kept_up_to_date_at_the_end_of_a_round(tmp_path: Path) -> None:
    update = {"time": "night", "scene": "The lamps are lit."}
    scene, requests = played(tmp_path, {"t03/narrator/update": update}, turns=4, time="dusk")
    assert told_by(scene, turn=3)[:2] == [("state", "It is now: night."), ("narration", "The lamps are lit.")]
    assert scene.time == "night"
    assert "It is now: night. The lamps are lit." in texts(requests["t04/captainbrack/speak"].prompt.segments())
    assert not any(key.startswith("t04/narrator/update") for key in requests)


def test_the_narrator_sums_up_for_itself_and_nobody_else_reads_it(tmp_path: Path) -> None:
    scene, requests = played(tmp_path, {}, turns=7, turn_policy="narrator")
    (event,) = found(scene, kind="system", text="Line t03/narrator/summary.")
    assert event.visible_to == {}
    holding = {key for key, one in requests.items() if "Line t03/narrator/summary." in texts(one.prompt.segments())}
    assert holding == {"t04/narrator/steer", "t05/narrator/steer", "t06/narrator/steer", "t06/narrator/summary"}


def test_prompts_of_the_narrator_do_not_grow_with_the_story(tmp_path: Path) -> None:
    _, requests = played(tmp_path, {}, turns=90)
    lengths = [len(texts(one.prompt.segments())) for key, one in requests.items() if key.endswith("narrator/judge")]
    assert max(lengths[60:]) <= max(lengths[6:30]) + 20


def steered(folder: Path, decision: str, **changes: Any) -> tuple[Scene, dict[str, Request]]:
    """Play a scene that the narrator leads, with `decision` after the third turn."""
    order = enumerate((BRACK, PIP, MOSS))
    first = {f"t{turn:02d}/narrator/steer": {"reason": "", "decision": f"pick_speaker {name}"} for turn, name in order}
    steering = {"t03/narrator/steer": {"reason": "It is time.", "decision": decision}}
    return played(folder, first | steering, **{"turns": 5, "turn_policy": "narrator", **changes})


def test_the_narrator_picks_who_acts_next_for_a_reason_of_its_own(tmp_path: Path) -> None:
    scene, requests = steered(tmp_path, f"pick_speaker {MOSS}")
    assert scene.acted == [BRACK, PIP, MOSS, MOSS, PIP]
    (event,) = found(scene, kind="system", call="t03/narrator/steer")
    assert (event.text, event.visible_to) == (f"pick_speaker {MOSS}: It is time.", {})
    assert not any("It is time." in texts(request.prompt.segments()) for request in requests.values())


def test_the_first_speaker_is_picked_before_the_first_turn_and_none_after_the_last(tmp_path: Path) -> None:
    _, requests = played(tmp_path, {}, turn_policy="narrator", turns=2)
    assert [key for key in requests if "steer" in key] == ["t00/narrator/steer", "t01/narrator/steer"]


def test_one_held_in_reserve_comes_in_and_knows_nothing_of_before(tmp_path: Path) -> None:
    cast = [*CAST, {"character": "storybook/vale", "reserve": True, "secret": "He has no ticket."}]
    pick = {"t04/narrator/steer": {"reason": "", "decision": f"pick_speaker {VALE}"}}
    scene = scene_of(tmp_path, **{**STORY, "cast": cast, "turns": 5, "turn_policy": "narrator"})
    added = {"t03/narrator/steer": {"reason": "", "decision": f"add_role {VALE}"}}
    requests = performed(scene, "images-first", answering(added | pick))
    (event,) = found(scene, kind="state")
    assert event.text.startswith(f"{VALE}, ")
    assert set(event.visible_to) == {BRACK, PIP, MOSS, VALE}
    assert scene.present == [BRACK, PIP, MOSS, VALE]
    own = texts(requests["t05/inspectorvale/speak"].prompt.segments())
    assert "He has no ticket." in own
    assert "Line t01" not in own
    assert VALE not in texts(requests["t01/pip/speak"].prompt.segments()).split("### ")[0]


def test_a_picture_held_back_is_shown_to_everybody_on_the_stage(tmp_path: Path) -> None:
    images = {"harbour": {"storybook": {"seed": 7}}, "chart": {"storybook": {"seed": 9}, "reserve": True}}
    scene, requests = steered(tmp_path, "show_image chart", images=images)
    chart = scene.setting.gallery["chart"].image
    (event,) = found(scene, kind="image")
    assert (event.actor, event.image, set(event.visible_to)) == ("Narrator", chart, {BRACK, PIP, MOSS})
    having = [key for key, one in requests.items() if any(part.image == chart for part in one.prompt.segments())]
    assert not [key for key in having if key < "t04" and not key.endswith(("steer", "summary"))]
    assert any(key.startswith("t04") and key.endswith("speak") for key in having)
    assert "show_image" not in (requests["t04/narrator/steer"].form or "")


def test_the_scene_goes_on_at_another_place_with_all_of_them(tmp_path: Path) -> None:
    places = {"quay": {"beside": ["cabin"]}, "cabin": {"shows": ["chart"]}}
    images = {"chart": {"storybook": {"seed": 9}}}
    cast = [{**one, "place": "quay"} for one in CAST]
    scene, requests = steered(tmp_path, "switch_scene cabin", places=places, images=images, cast=cast)
    assert {scene.standings[name].place for name in scene.present} == {"cabin"}
    assert "Line t03/narrator/switch." in texts(requests["t04/captainbrack/speak"].prompt.segments())
    chart = scene.setting.gallery["chart"].image
    assert [set(event.visible_to) for event in found(scene, image=chart)] == [{BRACK}, {PIP}, {MOSS}]
    assert "switch_scene cabin" not in (requests["t04/narrator/steer"].form or "")


def test_the_narrator_ends_the_scene(tmp_path: Path) -> None:
    interview = [{"ask": "How was it?"}]
    scene, requests = steered(tmp_path, "end", interview=interview)
    assert max(event.turn for event in scene.events) == 3
    assert "interview/1/pip" in requests
    assert "end" not in json.loads(requests["t00/narrator/steer"].form or "")["properties"]["decision"]["enum"]


def test_a_lead_that_cannot_be_read_leaves_the_turn_to_the_order_of_the_cast(tmp_path: Path) -> None:
    keys = [f"t{turn:02d}/narrator/steer{again}" for turn in (0, 1) for again in ("", "/again1", "/again2")]
    scene, _ = played(tmp_path, dict.fromkeys(keys, "Let Pip speak."), turn_policy="narrator", turns=2)
    assert scene.acted == [BRACK, PIP]
    assert [event.flags for event in found(scene, kind="system")] == [Flags(repaired=2, defaulted=True)] * 2


@pytest.mark.parametrize("knows", [True, False])
def test_the_narrator_leads_with_secrets_only_where_the_scenario_says_so(tmp_path: Path, knows: bool) -> None:
    cast = [{**CAST[0], "secret": "He moved the buoy."}, *CAST[1:]]
    narrator = {"knows_secrets": knows}
    _, requests = played(tmp_path, {}, cast=cast, narrator=narrator, turn_policy="narrator")
    holding = {
        key.rsplit("/", 1)[1]
        for key, one in requests.items()
        if "/narrator/" in key and "moved the buoy" in texts(one.prompt.segments())
    }
    assert holding == ({"steer"} if knows else set())


def test_a_narrator_without_a_story_opens_and_leads_and_does_not_judge(tmp_path: Path) -> None:
    _, requests = played(tmp_path, {}, kind="inter-role", turn_policy="narrator", turns=4)
    assert {key.split("/")[2] for key in requests if "narrator" in key} == {"open", "steer"}


def test_a_player_may_be_the_narrator(tmp_path: Path) -> None:
    _, requests = played(tmp_path, {}, player={"plays": "Narrator", "model": "another/model"})
    assert {request.model for key, request in requests.items() if "/narrator/" in key} == {"another/model"}
    assert requests["t01/captainbrack/speak"].model == "storybook"


def test_what_the_narrator_says_by_rule_is_in_the_language_of_the_scene(tmp_path: Path) -> None:
    scene, _ = played(tmp_path, {"t01/narrator/judge": TOUCH}, language="zh", turns=1)
    (event,) = found(scene, kind="state")
    assert event.text == "Pip现在hurt。"


def quayside(*at: str) -> list[dict[str, Any]]:
    """Return the cast, each at its place."""
    return [{**one, "place": place} for one, place in zip(CAST, at, strict=True)]


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("places", [None, {"quay": {"beside": ["cabin"]}, "cabin": {}}])
def test_a_judgement_is_asked_for_place_by_place_only_where_there_are_places(
    tmp_path: Path, places: Any, language: str
) -> None:
    cast = quayside("quay", "quay", "cabin") if places else CAST
    _, requests = played(tmp_path, {}, cast=cast, places=places or {}, language=language, turns=1)
    (request,) = (one for key, one in requests.items() if "judge" in key)
    asked = texts(part for part in request.prompt.segments() if part.stability == "instruction")
    form = json.loads(request.form or "")["properties"]["after"]["items"]["properties"]
    where = ["place"] if places else []
    assert [*form] == ["who", *where, "position", "state"]
    example = ", ".join(f'"{field}": "..."' for field in form)
    assert f'"after": [{{{example}}}]' in asked
    assert ("quay; cabin" in asked) == bool(places)


def test_what_is_judged_of_somebody_a_second_time_is_passed_over(tmp_path: Path) -> None:
    touched = [{"who": PIP, "how": "First."}, {"who": PIP, "how": "Second."}, {"who": MOSS, "how": "Third."}]
    after = [{"who": PIP, "state": "wet"}, {"who": PIP, "state": "dry"}]
    scene, requests = played(tmp_path, {"t01/narrator/judge": {"touched": touched, "after": after}}, turns=1)
    judged = [event.text for event in found(scene, call="t01/narrator/judge")]
    assert judged == ["First.", "Third.", "Pip is now wet."]
    assert [key for key in requests if key.endswith("react")] == ["t01/pip/react", "t01/doctormoss/react"]


def test_to_be_where_one_is_already_is_no_change(tmp_path: Path) -> None:
    after = [{"who": PIP, "place": "quay"}, {"who": BRACK, "place": "quay", "state": "wet"}]
    judged = {"t01/narrator/judge-captainbrack": {"touched": [], "after": after}}
    cast, places = quayside("quay", "quay", "cabin"), {"quay": {"beside": ["cabin"]}, "cabin": {}}
    scene, _ = played(tmp_path, judged, cast=cast, places=places, turns=1)
    assert [event.text for event in found(scene, kind="state")] == ["Captain Brack is now wet."]


KEPT = {
    "images": {"harbour": {"storybook": {"seed": 7}}, "chart": {"storybook": {"seed": 9}, "reserve": True}},
    "cast": [*CAST, {"character": "storybook/vale", "reserve": True}],
}


def test_the_narrator_is_told_for_itself_who_and_what_is_still_kept_back(tmp_path: Path) -> None:
    scene = scene_of(tmp_path, **{**STORY, **KEPT, "turns": 8, "turn_policy": "narrator"})
    led = {"t03/narrator/steer": f"add_role {VALE}", "t05/narrator/steer": "show_image chart"}
    requests = performed(
        scene, "images-first", answering({key: {"reason": "", "decision": one} for key, one in led.items()})
    )
    away, unseen = f"Not on the stage now: {VALE}.", "Pictures that are not shown yet: chart."
    told = {key: texts(one.prompt.segments()) for key, one in requests.items() if "/narrator/" in key}
    own = {key: (away in text, unseen in text) for key, text in told.items() if key.endswith(("steer", "summary"))}
    assert {own[key] for key in own if key < "t04"} == {(True, True)}
    assert own["t04/narrator/steer"] == own["t05/narrator/steer"] == (False, True)
    assert own["t06/narrator/steer"] == (False, False)
    assert not any(away in text or unseen in text for key, text in told.items() if key not in own)


def test_a_small_narrator_sees_no_picture_that_is_not_shown_yet(tmp_path: Path) -> None:
    scene = scene_of(tmp_path, **{**STORY, **KEPT, "layout": "compact", "turns": 2, "turn_policy": "narrator"})
    requests = performed(scene, "compact", answering({}))
    chart, harbour = (scene.setting.gallery[name].image for name in ("chart", "harbour"))
    seen = {part.image for key, one in requests.items() if "narrator" in key for part in one.prompt.segments()}
    assert harbour in seen
    assert chart not in seen


def test_a_small_model_leads_by_names_and_is_offered_only_what_can_be_carried_out(tmp_path: Path) -> None:
    scene = scene_of(tmp_path, **{**STORY, **KEPT, "layout": "compact", "turns": 2, "turn_policy": "narrator"})
    led = {"t00/narrator/steer": {"reason": "She is late.", "decision": f"{VALE}: add_role"}}
    then = {"t01/narrator/steer": {"reason": "", "decision": f"{VALE}: pick_speaker"}}
    requests = performed(scene, "compact", answering(led | then))
    properties = json.loads(requests["t00/narrator/steer"].form or "")["properties"]
    picked = [f"{name}: pick_speaker" for name in (BRACK, PIP, MOSS)]
    assert properties["decision"]["enum"] == [*picked, f"{VALE}: add_role", "chart: show_image"]
    assert found(scene, kind="system")[0].text == f"add_role {VALE}: She is late."
    assert (scene.present, scene.acted[-1]) == ([BRACK, PIP, MOSS, VALE], VALE)


def test_a_small_model_ends_the_scene(tmp_path: Path) -> None:
    keys = ("t03/narrator/steer", "t04/narrator/steer")
    scene = scene_of(tmp_path, **{**STORY, "layout": "compact", "turns": 9, "turn_policy": "narrator"})
    performed(scene, "compact", answering({key: {"reason": "", "decision": "end"} for key in keys}))
    assert scene.turn == 3


@pytest.mark.parametrize("person", [True, False])
def test_a_person_who_is_the_narrator_is_not_asked_to_sum_up(tmp_path: Path, person: bool) -> None:
    player = {"plays": "Narrator"} | ({"person": True} if person else {"model": "another/model"})
    _, requests = played(tmp_path, {}, player=player, turns=4)
    assert ("t03/narrator/summary" in requests) != person
    assert "t03/narrator/update" in requests


def test_what_is_otherwise_about_the_place_is_told_in_a_branch_as_before(tmp_path: Path) -> None:
    update = {"t03/narrator/update": {"time": None, "scene": "The lamps are lit."}}
    scene = scene_of(tmp_path, **{**STORY, "turns": 16})
    forks = [Fork(14, scene.setting, 1, LAYOUTS["images-first"])]
    requests = performed(scene, "images-first", answering(update), forks=forks)
    assert all(
        "The lamps are lit." in texts(requests[f"t{turn}/narrator/judge"].prompt.segments()) for turn in (14, 15)
    )
