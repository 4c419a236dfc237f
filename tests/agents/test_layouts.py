"""The layouts: what stands where in a prompt, and that a prompt only grows at its end."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise, takewhile
from pathlib import Path
from typing import Any, get_args

import pytest
from staging import counted, performed, said, scene_of, setting_of, texts

from agents.character import Character, Voice
from agents.prompts.layout import PromptThread
from agents.prompts.layouts import LAYOUTS, privacy_breaks
from scenes.chat import Prompt, Request, Sampling, Segment, Stability, messages
from scenes.scenario import LayoutName, MemorySpec

ALL: tuple[LayoutName, ...] = ("mmrole", "images-first", "cast-first", "script", "compact")
SHARED: tuple[LayoutName, ...] = ("cast-first", "script")
OWN: tuple[LayoutName, ...] = ("mmrole", "images-first", "compact")
CLASSES: tuple[Stability, ...] = get_args(Stability)
CHANGING = ("history", "now", "instruction")
TRIO = [{"character": f"storybook/{name}"} for name in ("brack", "pip", "moss")]


def prompts_of(requests: dict[str, Request], speaker: str) -> list[Prompt]:
    """Return the prompts of everything that one of the cast was asked, by the short name in its calls' keys."""
    return [request.prompt for key, request in requests.items() if f"/{speaker}/" in key]


def up_to_history(segments: Sequence[Segment]) -> list[Segment]:
    """Return the segments up to the end of the history."""
    return list(takewhile(lambda segment: segment.stability not in ("now", "instruction"), segments))


def test_every_layout_that_a_scenario_may_name_is_there_under_its_name() -> None:
    assert {name: layout.name for name, layout in LAYOUTS.items()} == {name: name for name in get_args(LayoutName)}


@pytest.mark.parametrize("layout", ALL)
@pytest.mark.parametrize(
    "changes",
    [
        {"cast": TRIO, "turns": 9},
        {"cast": TRIO, "turns": 9, "turn_policy": "random", "opening": [{"Pip": "(waves) Ahoy!"}]},
        {"turns": 6, "turn_policy": ["Pip", "Pip", "Brack"]},
        {"kind": "human-role", "turns": 5, "player": {"model": "storybook"}},
        {"kind": "story", "turns": 6, "narrator": {}, "time": "dusk", "premise": "Fog rolls in."},
    ],
    ids=["three", "by lot", "twice in a row", "a player", "a story"],
)
def test_an_earlier_prompt_up_to_its_history_begins_every_later_one(
    tmp_path: Path, layout: LayoutName, changes: dict[str, Any]
) -> None:
    """That is what lets an engine keep what it has computed. `mmrole` quotes the last words behind the history."""
    scene = scene_of(tmp_path, **changes)
    requests = performed(scene, layout)
    compared = 0
    for speaker in [*scene.keys.values(), "player"]:
        for earlier, later in pairwise(prompts_of(requests, speaker)):
            prefix = up_to_history(earlier.segments())
            assert later.segments()[: len(prefix)] == prefix
            compared += 1
    assert compared >= 3


@pytest.mark.parametrize("layout", ALL)
def test_a_turn_costs_the_same_number_of_new_nodes_however_long_the_scene(tmp_path: Path, layout: LayoutName) -> None:
    scene = scene_of(tmp_path, turns=60, memory={"words": 100_000})
    known: set[bytes] = set()
    new = []
    for request in performed(scene, layout).values():
        ids = {node.id for node in request.prompt.nodes()}
        new.append(len(ids - known))
        known |= ids
    assert max(new[10:]) <= 4
    assert new[-10:] == new[-20:-10]


@pytest.mark.parametrize("layout", ALL)
def test_a_long_past_costs_no_more_than_a_short_one(tmp_path: Path, layout: LayoutName) -> None:
    """The older half leaves at once and seldom: a turn writes a few new nodes, on average, and no prompt grows."""
    scene = scene_of(tmp_path, turns=400, memory={"words": 60, "recalled": 0})
    known: set[bytes] = set()
    new, lengths = [], []
    for request in performed(scene, layout).values():
        ids = {node.id for node in request.prompt.nodes()}
        new.append(len(ids - known))
        lengths.append(sum(len(segment.text.split()) for segment in request.prompt.segments()))
        known |= ids
    assert sum(new[-100:]) <= 100 * 8
    assert sum(new[-100:]) <= 1.1 * sum(new[100:200])
    assert max(lengths[200:]) <= max(lengths[:200]) + 2


@pytest.mark.parametrize("layout", ["mmrole", "images-first", "cast-first", "compact"])
def test_what_was_forgotten_comes_back_when_it_matters(tmp_path: Path, layout: LayoutName) -> None:
    scene = scene_of(tmp_path, turns=40, memory={"words": 60, "recalled": 2})
    lines = {1: "The lantern hangs in the boathouse.", 38: "Where is the lantern, and who has the boathouse key?"}
    requests = performed(scene, layout, lambda key, request: lines.get(int(key[1:3]), f"Hm {key}."))
    late, later = (texts(requests[key].prompt.segments()) for key in ("t38/pip/speak", "t39/captainbrack/speak"))
    assert "hangs in the boathouse" not in late
    assert "hangs in the boathouse" in later


@pytest.mark.parametrize("layout", ALL)
def test_nothing_that_changes_stands_before_what_does_not(tmp_path: Path, layout: LayoutName) -> None:
    """Of what is constant, `mmrole` and `compact` put some that one alone reads before some that all share."""
    scene = scene_of(tmp_path, cast=[{**member, "position": "by the rail"} for member in TRIO], turns=7, time="dusk")
    for request in performed(scene, layout).values():
        order = [CLASSES.index(segment.stability) for segment in request.prompt.segments()]
        kinds = [CLASSES[at] in CHANGING for at in order]
        assert kinds == sorted(kinds)
        if layout not in ("mmrole", "compact"):
            assert order == sorted(order)


def test_images_first_gives_the_whole_cast_one_beginning(tmp_path: Path) -> None:
    images = {"harbour": {"storybook": {"seed": 7}, "notes": {"place": "A quay."}}, "chart": {"storybook": {"seed": 8}}}
    scene = scene_of(tmp_path, cast=TRIO, images=images, premise="Fog rolls in.", time="dusk", turns=6)
    shared = [
        [segment for segment in request.prompt.segments() if segment.stability in ("global", "images", "scene")]
        for request in performed(scene).values()
    ]
    assert [segment.stability for segment in shared[0]] == ["global", "images", "images", "images", "scene", "scene"]
    assert shared == [shared[0]] * 6


@pytest.mark.parametrize("layout", SHARED)
def test_a_shared_layout_gives_the_whole_cast_one_text(tmp_path: Path, layout: LayoutName) -> None:
    """Even thoughts stay out of it, since one of the cast alone would read them."""
    scene = scene_of(tmp_path, cast=TRIO, turns=9, premise="Fog rolls in.")
    answers = iter(["Aye.", "[Hm.]", "", "(nods) [Well.] Come.", "Aye.", "Look!", "[Hm.]", "*waves*", "Aye."])
    requests = performed(scene, layout, lambda key, request: next(answers))
    prefixes = [up_to_history(request.prompt.segments()) for request in requests.values()]
    for shorter, longer in pairwise(prefixes):
        assert longer[: len(shorter)] == shorter
    assert "Hm." not in texts(prefixes[-1])
    assert "(nods) Come." in texts(prefixes[-1])


@pytest.mark.parametrize("layout", SHARED)
@pytest.mark.parametrize(
    ("member", "what"),
    [
        ({"character": "storybook/pip", "secret": "She took the map."}, '"secret"'),
        ({"character": "storybook/pip"}, '"private"'),
        ({"character": {"name": "Pip"}, "sees": [{"image": "harbour"}]}, '"sees"'),
        ({"character": {"name": "Pip"}, "place": "cabin"}, "place"),
    ],
    ids=["secret", "private", "sees", "place"],
)
def test_a_shared_layout_refuses_what_one_has_alone(
    tmp_path: Path, layout: LayoutName, member: dict[str, Any], what: str
) -> None:
    cast = [{"character": {"name": "Brack"}, "place": "quay"}, {"place": "quay", **member}]
    setting = setting_of(tmp_path, cast=cast, places={"quay": {"beside": ["cabin"]}, "cabin": {}})
    found = privacy_breaks(LAYOUTS[layout], setting)
    assert found
    assert {keys[:2] for keys, _ in found} == {("cast", 1)}
    assert any(what in message and layout in message and "images-first" in message for _, message in found)


@pytest.mark.parametrize("layout", SHARED)
def test_a_shared_layout_plays_a_cast_without_anything_private(tmp_path: Path, layout: LayoutName) -> None:
    setting = setting_of(tmp_path, cast=[{"character": {"name": name}} for name in ("Brack", "Pip")])
    assert privacy_breaks(LAYOUTS[layout], setting) == []


@pytest.mark.parametrize("layout", OWN)
def test_the_other_layouts_keep_whatever_is_private(tmp_path: Path, layout: LayoutName) -> None:
    cast = [{"character": "storybook/pip", "secret": "Shh.", "sees": []}, {"character": "storybook/brack"}]
    assert privacy_breaks(LAYOUTS[layout], setting_of(tmp_path, cast=cast)) == []


def test_script_leaves_a_message_open_after_the_speakers_name_and_stops_at_the_line(tmp_path: Path) -> None:
    for key, request in performed(scene_of(tmp_path), "script").items():
        last = messages(request.prompt.segments())[-1]
        assert last.role == "assistant"
        assert last.parts[-1].text == ("Pip:" if "/pip/" in key else "Captain Brack:")
        assert request.sampling.stop == ("\n",)


@pytest.mark.parametrize(("layout", "stop"), [("script", ("###", "\n")), ("images-first", ("###",))])
def test_a_stop_of_the_scenario_stays_beside_that_of_the_script(layout: LayoutName, stop: tuple[str, ...]) -> None:
    assert Voice("model", LAYOUTS[layout], Sampling(stop=("###",))).drawn().stop == stop


def test_script_puts_every_turn_on_one_line(tmp_path: Path) -> None:
    scene = scene_of(tmp_path)
    requests = performed(scene, "script", lambda key, request: "Aye.\nCome.")
    history = [part.text for part in list(requests.values())[-1].prompt.segments() if part.stability == "history"]
    assert history == ["Captain Brack: Aye. Come.", "Pip: Aye. Come.", "Captain Brack: Aye. Come."]


@pytest.mark.parametrize("layout", ALL)
def test_an_empty_reply_leaves_no_empty_message(tmp_path: Path, layout: LayoutName) -> None:
    answers = iter(["", "Aye.", "", "", "Look!", ""])
    for request in performed(scene_of(tmp_path, turns=6), layout, lambda key, request: next(answers)).values():
        segments = request.prompt.segments()
        assert all(segment.text or segment.image for segment in segments)
        assert not any(segment.text.endswith(":") for segment in segments if segment.stability == "history")


@pytest.mark.parametrize("layout", ["mmrole", "images-first", "cast-first", "compact"])
def test_every_prompt_ends_with_a_message_to_answer(tmp_path: Path, layout: LayoutName) -> None:
    """Whatever was said, or not said, before: a reply must never go on in a line of one's own."""
    answers = iter(["Aye.", "", "", "(nods)", "", "[Hm.]", "", "", "Look!", ""])
    scene = scene_of(tmp_path, turns=10, turn_policy=["Brack", "Pip", "Pip", "Brack", "Brack"])
    for request in performed(scene, layout, lambda key, request: next(answers)).values():
        assert messages(request.prompt.segments())[-1].role == "user"


@pytest.mark.parametrize("layout", OWN)
def test_a_picture_that_comes_later_enters_the_history_of_one_alone(tmp_path: Path, layout: LayoutName) -> None:
    sights = [[{"image": "harbour", "from_turn": 3}], [{"image": "chart"}]]
    cast = [{**member, "sees": sees} for member, sees in zip(TRIO, sights, strict=False)]
    images = {"harbour": {"storybook": {"seed": 7}}, "chart": {"storybook": {"seed": 8}}}
    scene = scene_of(tmp_path, cast=cast, images=images, turns=6)
    harbour = scene.setting.gallery["harbour"].image
    found = {
        key: [segment.stability for segment in request.prompt.segments() if segment.image == harbour]
        for key, request in performed(scene, layout).items()
    }
    assert found == {
        "t01/captainbrack/speak": [],
        "t02/pip/speak": [],
        "t03/captainbrack/speak": ["history"],
        "t04/pip/speak": [],
        "t05/captainbrack/speak": ["history"],
        "t06/pip/speak": [],
    }


@pytest.mark.parametrize("layout", OWN)
def test_a_history_that_a_picture_begins_is_told_like_any_other(tmp_path: Path, layout: LayoutName) -> None:
    """A heading, a cue or a gap before the first words comes before them and not before the picture."""
    sees = [{"image": "harbour", "from_turn": 2}]
    scene = scene_of(tmp_path, cast=[{**TRIO[0], "sees": sees}, {**TRIO[1], "sees": []}], turns=5)
    answers = iter(["", "Look!", "Aye.", "There!", "Well."])
    last = list(performed(scene, layout, lambda key, request: next(answers)).values())[-1]
    history = [segment for segment in last.prompt.segments() if segment.stability in ("history", "scene")]
    first = next(at for at, segment in enumerate(history) if "Look!" in segment.text)
    heading = "The conversation so far:" if layout == "mmrole" else "A new picture"
    assert any(heading in segment.text for segment in history[:first])


@pytest.mark.parametrize("layout", OWN)
def test_the_notes_on_a_picture_come_with_it_when_it_comes_later(tmp_path: Path, layout: LayoutName) -> None:
    """`compact`, which tells no notes at the start either, leaves them out."""
    images = {"harbour": {"storybook": {"seed": 7}, "notes": {"place": "the old mole"}}}
    cast = [{**TRIO[0], "sees": [{"image": "harbour", "from_turn": 2}]}, {**TRIO[1], "sees": []}]
    scene = scene_of(tmp_path, images=images, cast=cast, turns=3)
    *_, last = performed(scene, layout, lambda key, request: "Aye.").values()
    assert any("the old mole" in segment.text for segment in last.prompt.segments()) == (layout != "compact")


@pytest.mark.parametrize("layout", ALL)
def test_a_prompt_that_is_asked_for_twice_is_the_same(tmp_path: Path, layout: LayoutName) -> None:
    scene = scene_of(tmp_path)
    scene.add("Pip", said("Ahoy!"))
    voice = Voice("model", LAYOUTS[layout], Sampling())
    character = Character(scene.view("Captain Brack"), voice, 0)
    assert character.request("t01").digest() == character.request("t01").digest()


@pytest.mark.parametrize("layout", ALL)
def test_a_thread_that_reads_late_tells_the_same_as_one_that_read_along(tmp_path: Path, layout: LayoutName) -> None:
    """So a character that was resumed from its record has the prompt it had before, also once it has forgotten some."""
    scene = scene_of(tmp_path, turns=41, memory={"words": 60})
    requests = performed(scene, layout)
    view = scene.view("Captain Brack")
    late = PromptThread(LAYOUTS[layout], replace(view, past=view.past[:-1]), MemorySpec(words=60))
    assert late.prompt().id == prompts_of(requests, "captainbrack")[-1].id


@pytest.mark.parametrize(("tag", "name"), [("en", "English"), ("zh", "Chinese"), ("zh-TW", "Chinese"), ("tlh", "tlh")])
@pytest.mark.parametrize("layout", ["mmrole", "images-first", "cast-first", "script"])
def test_the_language_to_speak_is_told(tmp_path: Path, layout: LayoutName, tag: str, name: str) -> None:
    request = performed(scene_of(tmp_path, language=tag, turns=1), layout, counted)["t01/captainbrack/speak"]
    told = texts(request.prompt.segments())
    assert ("请说中文" if (layout, name) == ("images-first", "Chinese") else name) in told
