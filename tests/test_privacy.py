"""Nobody is told what is another's: unique strings and pictures are planted, and looked for in every request.

`PRIVACY_PLAYS` in the environment is how many plays are tried in each layout, for a longer search than that of CI.
"""

import os
from collections import Counter
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, Phase, assume, given, settings
from privacy.answers import Answers
from privacy.leaks import GAPS, LEAKS, Fault
from privacy.plays import Play, member, painted, plays, staged
from privacy.witness import Gap, Leak, Witness
from staging import performed, setting_of, texts

from agents.prompts.layouts import LAYOUTS, privacy_breaks
from scenes.chat import Request
from scenes.scenario import LayoutName
from scenes.scene import Scene

LAYOUT_NAMES: tuple[LayoutName, ...] = tuple(LAYOUTS)
PLAYS = int(os.environ.get("PRIVACY_PLAYS", "150"))
CHECKED = settings(deadline=None, derandomize=True, database=None, suppress_health_check=[HealthCheck.too_slow])
MOST_TRIED = 300
"""Plays in which a planted fault has to be found."""
HARBOUR = {"harbour": {"storybook": {"seed": 7}, "notes": {"scene": "note-on-harbour"}}}
EVERYWHERE = {
    *("thought", "speech out of reach", "narration to one who perceives it", "repaired", "remembered"),
    *("ask", "interview", "open", "judge", "narrate", "react", "steer", "switch", "shown to all", "present True"),
    *("fork", "recast"),
}
"""What has to happen in some of the plays, so that it says something that nothing was found."""
APART = {
    *("speech to one who perceives it", "speech to one who misses it", "action out of reach", "came into sight"),
    *("belief", "surroundings", "present False", "place", "open apart", "judge apart", "narrate apart", "defaulted"),
}
"""What has to besides, where somebody has something of its own."""
AT_LENGTH = {"position", "time", "update", "summary"}
"""What has to besides, where the narrator is asked at length."""


def watched(folder: Path, play: Play, name: LayoutName) -> Witness:
    """Return the witness of a play that was played to its end. Raises `Leak` and `Gap`."""
    setting, forks = staged(folder, play)
    assume(not any(privacy_breaks(LAYOUTS[name], one) for one in (setting, *(fork.setting for fork in forks))))
    scene = Scene(setting, play.seed)
    answers = Answers(scene, Random(play.seed))
    witness = Witness(scene, LAYOUTS[name], answers, forks)

    def answer(key: str, request: Request) -> str:
        witness.ask(key, request)
        return answers(key, request)

    performed(scene, name, answer, lambda events: witness.look(), forks)
    return witness


def searched(folder: Path, layout: LayoutName, count: int, phases: tuple[Phase, ...] = tuple(Phase)) -> Counter[str]:
    """Watch `count` plays and return what kinds of things happened in them. Raises `Leak` and `Gap`."""
    happened: Counter[str] = Counter()
    painted(folder)

    @given(plays(LAYOUTS[layout].shared))
    @settings(CHECKED, max_examples=count, phases=phases, report_multiple_bugs=False)
    def watch(play: Play) -> None:
        happened.update(watched(folder, play, layout).happened.keys())

    watch()
    return happened


@pytest.mark.parametrize("layout", LAYOUT_NAMES)
def test_everybody_is_told_what_it_perceived_and_nothing_else(tmp_path: Path, layout: LayoutName) -> None:
    happened = searched(tmp_path, layout, PLAYS)
    expected = EVERYWHERE | (set() if LAYOUTS[layout].shared else APART) | (set() if layout == "compact" else AT_LENGTH)
    assert expected - happened.keys() == set()


@pytest.mark.parametrize("leak", LEAKS, ids=lambda leak: leak.__name__)
def test_a_leak_that_is_planted_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, leak: Fault) -> None:
    leak(monkeypatch)
    with pytest.raises(Leak):
        searched(tmp_path, "images-first", MOST_TRIED, (Phase.generate,))


@pytest.mark.parametrize("gap", GAPS, ids=lambda gap: gap.__name__)
def test_a_gap_that_is_planted_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, gap: Fault) -> None:
    gap(monkeypatch)
    with pytest.raises(Gap):
        searched(tmp_path, "images-first", MOST_TRIED, (Phase.generate,))


@pytest.mark.parametrize("layout", LAYOUT_NAMES)
def test_a_narrator_opens_without_any_secret(tmp_path: Path, layout: LayoutName) -> None:
    setting = setting_of(tmp_path, kind="story", narrator={}, images=HARBOUR, cast=[member("Pip"), member("Moss")])
    request = performed(Scene(setting, 0), layout)["t00/narrator/open"]
    told = texts(request.prompt.segments())
    assert "secret-of" not in told
    assert "private-of" not in told
    assert ("spot-of-Pip" in told) == (layout != "compact")


@pytest.mark.parametrize("layout", ["mmrole", "images-first", "compact"])
def test_whoever_sees_a_part_of_a_picture_is_not_told_what_is_known_of_the_whole(
    tmp_path: Path, layout: LayoutName
) -> None:
    cast = [member("Brack", sees=[{"image": "harbour", "blur": 9}]), member("Pip")]
    setting = setting_of(tmp_path, images=HARBOUR, cast=cast)
    asked = performed(Scene(setting, 0), layout)
    told = {key: "note-on-harbour" in texts(request.prompt.segments()) for key, request in asked.items()}
    assert not told["t01/brack/speak"]
    assert told["t02/pip/speak"] == (layout != "compact")
