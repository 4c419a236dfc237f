"""A person plays a part at the terminal: sees what that part perceives and nothing else, leaves politely, goes on."""

import json
import os
import pty
import re
import select
import subprocess
import sys
import termios
from pathlib import Path
from typing import Any

import pytest
from commanding import TERMINAL, commanded, on_a_terminal, program, rows
from playing import written

from sandbox.display import LastWords, played_by
from sandbox.rows import Asked, Batch, EpisodeRow
from sandbox.screen import Screen
from scenes.chat import Completion, Prompt, Request
from scenes.event import Event
from scenes.loading import load

QUAY: dict[str, Any] = {
    "places": {"quay": {"shows": ["harbour"]}, "cabin": {"beside": ["quay"]}},
    "cast": [
        {"character": {"name": "Ada", "aliases": ["Addie"]}, "place": "quay", "secret": "The buoy is hers."},
        {"character": {"name": "Bo"}, "place": "quay"},
        {"character": {"name": "Cy"}, "place": "cabin", "secret": "He saw it all."},
    ],
    "opening": [{"Ada": "(whispers to Bo) At nine."}, {"Cy": "[They are up to something.] Hello?"}],
    "layout": "images-first",
    "turns": 6,
}
STORY = QUAY | {"kind": "story", "narrator": {}, "mind": "bdi"}
NO_MORE = "\x04" * 3
"""Typed by who is asked more than a test foresees, so that it ends."""
ASKING: dict[str, Any] = {"kind": "human-role", "player": {"name": "Eve", "questions": ["Why?"]}, "turns": 2}


def seen_by(name: str, folder: Path, typed: str, *words: object, **changes: Any) -> str:
    """Play a scenario as `name` on a terminal, and return all that stood there."""
    command = program("play", written(folder / "tale", **changes), "--as", name, "--dry-run", *words)
    return "\n".join(rows(on_a_terminal(command, folder, 200, typed=typed + NO_MORE)))


def episode(folder: Path) -> dict[str, Any]:
    """Return the one episode of the one run below `folder`."""
    shown: dict[str, Any] = json.loads(commanded("show", "latest", 0, "--runs", folder / "runs", "--json").out)
    return shown


def words_of(folder: Path, name: str) -> list[str]:
    return [event["text"] for event in episode(folder)["events"] if event["actor"] == name and event["turn"]]


def test_a_part_of_the_cast_is_played_by_the_one_at_the_terminal(tmp_path: Path) -> None:
    seen_by("Bo", tmp_path, "(nods) So be it.\nNever.\n", **QUAY, episodes=3)
    assert len(json.loads(commanded("show", "latest", "--runs", tmp_path / "runs", "--json").out)["episodes"]) == 1
    assert words_of(tmp_path, "Bo") == ["nods", "So be it.", "Never."]
    assert episode(tmp_path)["status"] == "done"
    assert all(text.startswith("Turn ") for text in words_of(tmp_path, "Ada"))


def test_the_person_sees_what_its_part_perceives_and_no_more(tmp_path: Path) -> None:
    as_cy = seen_by("Cy", tmp_path / "cy", "Who is there?\nI hear you.\n", **QUAY)
    as_bo = seen_by("Bo", tmp_path / "bo", "Yes.\nNo.\n", **QUAY)
    assert ("At nine." in as_bo, "At nine." in as_cy) == (True, False)
    assert ("He saw it all." in as_cy, "He saw it all." in as_bo) == (True, False)
    assert "The buoy is hers." not in as_cy + as_bo
    assert "They are up to something." not in as_bo
    assert "episode 0" not in as_cy + as_bo
    assert (as_bo.count("[a picture"), as_cy.count("[a picture")) == (1, 0), "the harbour is seen from the quay alone"


@pytest.mark.parametrize("layout", ["compact", "images-first"])
def test_however_little_a_prompt_remembers_the_person_is_shown_everything_once(tmp_path: Path, layout: str) -> None:
    memory = {"words": 60, "recalled": 0}
    changes = QUAY | {"layout": layout, "memory": memory, "turns": 24, "opening": []}
    seen = seen_by("Ada", tmp_path, "".join(f"I say {number}.\n" for number in range(8)), **changes)
    told = [event["text"] for event in episode(tmp_path)["events"] if event["actor"] in ("Bo", "Cy") and event["turn"]]
    assert len(told) == 16
    assert [seen.count(f"{text}\n") for text in told] == [1] * 16


@pytest.mark.parametrize("mind", ["none", "bdi"])
def test_in_a_story_nothing_that_goes_on_unseen_reaches_the_person(tmp_path: Path, mind: str) -> None:
    changes = STORY | {"mind": mind, "turn_policy": "narrator", "turns": 8}
    seen = seen_by("Cy", tmp_path, "Hm.\n" * 30, **changes)
    assert "1 of 1 episodes done" in seen
    for hidden in ("believes", "makes of it", "decides:", "sums up", "At nine.", "pick_speaker"):
        assert hidden not in seen
    told = [event for event in episode(tmp_path)["events"] if "Cy" in event["visible_to"] and event["actor"] != "Cy"]
    assert [event["text"] for event in told if event["text"] not in seen] == []


def test_where_a_picture_lies_is_said_and_it_is_drawn_where_there_are_colours(tmp_path: Path) -> None:
    scenario = written(tmp_path / "tale", **QUAY)
    command = program("play", scenario, "--as", "Ada", "--dry-run")
    coloured = on_a_terminal(command, tmp_path, 300, typed=NO_MORE)
    plain = on_a_terminal(command, tmp_path, 300, {"NO_COLOR": "1"}, typed=NO_MORE)
    for raw in (coloured, plain):
        (name,) = re.findall(r"\[a picture of 128 x 128 pixels: (runs/\S+\.png)\]", raw)
        assert (tmp_path / name).is_file()
    assert ("▀" in coloured, "▀" in plain) == (True, False)


def test_a_picture_that_is_not_what_it_was_is_not_shown(tmp_path: Path) -> None:
    seen_by("Ada", tmp_path, "/quit\n", **QUAY)
    (picture,) = (tmp_path / "runs").glob("*/images/*.png")
    picture.write_bytes(b"")
    again = "\n".join(rows(on_a_terminal(program("resume"), tmp_path, 300, typed=NO_MORE)))
    assert f"{picture.relative_to(tmp_path)} is not the picture it was; restore it from a copy." in again
    assert "Traceback" not in again
    assert "[a picture" not in again


def test_what_happens_after_the_person_was_last_asked_is_shown_at_the_end(tmp_path: Path) -> None:
    seen = seen_by("Ada", tmp_path, "One.\nTwo.\n", **QUAY | {"turns": 5})
    last = [event for event in episode(tmp_path)["events"] if event["turn"] == 5]
    assert [event["actor"] for event in last] == ["Bo"]
    assert f"  5  Bo: {last[0]['text']}" in seen
    assert "  4  Cy" not in seen, "this was told before the last question"


def test_the_narrator_can_be_played(tmp_path: Path) -> None:
    seen = seen_by("Narrator", tmp_path, "Fog.\nMore fog.\n" + "\x04" * 3, **STORY | {"mind": "none"})
    assert "Open the scene." in seen
    assert next(event["text"] for event in episode(tmp_path)["events"] if event["actor"] == "Narrator") == "Fog."


@pytest.mark.parametrize(("policy", "language"), [("round_robin", "en"), ("narrator", "en"), ("narrator", "zh")])
def test_who_plays_the_narrator_is_asked_in_plain_words_and_told_nobodys_secret_or_thought(
    tmp_path: Path, policy: str, language: str
) -> None:
    changes = STORY | {"turn_policy": policy, "turns": 2, "language": language}
    seen = seen_by("Narrator", tmp_path, "Fog.\nMore fog.\n" + "1\n" * 60, **changes)
    assert "1 of 1 episodes done, 0 failed" in seen
    assert ("What comes next?>" in seen) == (policy == "narrator")
    assert "Whom does it touch? (1 Bo; commas between several; just Enter for none)>" in seen
    assert "Ada: (whispers to Bo) At nine." in seen
    for hidden in ("JSON", '"touched"', "The buoy is hers.", "He saw it all.", "They are up to something."):
        assert hidden not in seen


@pytest.mark.parametrize("kind", ["human-role", "comment"])
def test_where_somebody_asks_the_person_does(tmp_path: Path, kind: str) -> None:
    seen_by("Eve", tmp_path, "Who are you?\nAnd why?\n", **ASKING | {"kind": kind})
    assert words_of(tmp_path, "Eve") == ["Who are you?", "And why?"]


def test_a_bare_comment_is_asked_for_under_the_name_that_it_gives(tmp_path: Path) -> None:
    seen_by("Human", tmp_path, "What is that?\n", kind="comment", turns=1)
    assert words_of(tmp_path, "Human") == ["What is that?"]


def test_a_part_goes_by_its_alias(tmp_path: Path) -> None:
    seen_by("addie", tmp_path, "Ho.\n", **QUAY | {"turns": 3, "opening": []})
    assert words_of(tmp_path, "Ada") == ["Ho."]


# Leaving


def test_who_leaves_with_ctrl_d_can_go_on_later(tmp_path: Path) -> None:
    seen = seen_by("Bo", tmp_path, "(nods) So be it.\n\x04", **QUAY)
    assert re.search(r"interrupted; everything shown is safe\. Go on with: +rolestage resume runs/\S+", seen)
    assert "failed 1" not in seen
    assert words_of(tmp_path, "Bo") == ["nods", "So be it."]
    again = "\n".join(rows(on_a_terminal(program("resume"), tmp_path, 200, typed="Never.\n" + NO_MORE)))
    assert "1 of 1 episodes done" in again
    assert words_of(tmp_path, "Bo") == ["nods", "So be it.", "Never."]
    assert commanded("replay", "latest", "--check", "--runs", tmp_path / "runs").code == 0


def test_who_goes_on_is_shown_again_what_its_part_perceived_and_said_and_no_more(tmp_path: Path) -> None:
    seen_by("Cy", tmp_path, "Who is there?\n/quit\n", **QUAY)
    again = "\n".join(rows(on_a_terminal(program("resume"), tmp_path, 200, typed="I hear you.\n" + NO_MORE)))
    assert again.index("You: [They are up to something.] Hello?") < again.index("You: Who is there?")
    assert again.count("You: ") == 2
    for hidden in ("At nine.", "The buoy is hers."):
        assert hidden not in again


@pytest.mark.parametrize("leaving", ["/quit\n", "\x04", "\x03"], ids=["/quit", "Ctrl-D", "Ctrl-C"])
def test_however_one_leaves_the_terminal_is_as_it_was_and_the_way_on_is_said(tmp_path: Path, leaving: str) -> None:
    raw, is_as_before = typed_when_asked(tmp_path, ["So be it.\n", leaving])
    assert "Go on with:  " in raw
    assert "Traceback" not in raw
    assert is_as_before
    assert words_of(tmp_path, "Bo") == ["So be it."]
    assert commanded("resume", "latest", "--runs", tmp_path / "runs").code == 2, "there is no terminal here"
    again = "\n".join(rows(on_a_terminal(program("resume"), tmp_path, 200, typed="Never.\n" + NO_MORE)))
    assert "1 of 1 episodes done" in again
    assert words_of(tmp_path, "Bo") == ["So be it.", "Never."]


CONTROLLED = """
import fcntl, termios
from sandbox.cli import main
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
main()
"""
"""The program on a terminal that it controls, where Ctrl-C is a signal."""


def typed_when_asked(folder: Path, lines: list[str]) -> tuple[str, bool]:
    """Play as Bo, typing each line where one is asked for; return what stood there, and whether it left no trace."""
    leader, follower = pty.openpty()
    before = termios.tcgetattr(follower)
    words = ["play", str(written(folder / "tale", **QUAY)), "--as", "Bo", "--dry-run"]
    streams = {"stdin": follower, "stdout": follower, "stderr": follower}
    command = [sys.executable, "-c", CONTROLLED, *words]
    raw = b""
    with subprocess.Popen(command, cwd=folder, env=os.environ | TERMINAL, start_new_session=True, **streams) as playing:
        for line in lines:
            while not raw.endswith(b"> "):
                raw += os.read(leader, 65_536)
            os.write(leader, line.encode())
            raw += b"\n"
        while playing.poll() is None and not raw.endswith(b"> "):
            raw += os.read(leader, 65_536) if select.select([leader], [], [], 0.1)[0] else b""
        playing.kill()  # where it asks on, which the test then tells
        while select.select([leader], [], [], 0)[0]:
            raw += os.read(leader, 65_536)
    is_as_before = termios.tcgetattr(follower) == before
    os.close(leader)
    os.close(follower)
    return raw.decode(), is_as_before


# What is refused


@pytest.mark.parametrize(
    ("name", "changes", "told"),
    [
        ("Adda", QUAY, 'no part that a person can hold is named "Adda"; did you mean "Ada"?'),
        ("Narrator", QUAY, 'no part that a person can hold is named "Narrator"; there are: Ada, Bo, Cy.'),
        ("Zoe", STORY, 'no part that a person can hold is named "Zoe"; there are: Ada, Bo, Cy, Narrator.'),
        ("Pip", ASKING, 'no part that a person can hold is named "Pip"; there are: Eve.'),
    ],
)
def test_a_part_that_there_is_not_is_refused(tmp_path: Path, name: str, changes: dict[str, Any], told: str) -> None:
    scenario = written(tmp_path / "tale", **changes)
    refused = commanded("play", scenario, "--as", name, "--dry-run", "--out", tmp_path / "runs")
    assert (refused.code, refused.out, refused.err) == (2, "", f"{scenario}: {told}\n")
    assert not (tmp_path / "runs").exists()


def test_without_a_terminal_nobody_can_play_along(tmp_path: Path) -> None:
    scenario = written(tmp_path / "tale", **QUAY)
    refused = commanded("play", scenario, "--as", "Ada", "--dry-run", "--out", tmp_path / "runs")
    assert refused.code == 2
    assert "the input is no terminal" in refused.err


# A scenario that gives the part itself


def test_a_scenario_gives_a_part_to_a_person_or_to_another_model(tmp_path: Path) -> None:
    by_person = written(tmp_path / "person", **STORY | {"player": {"plays": "Bo", "person": True}, "turns": 2})
    seen = rows(on_a_terminal(program("run", by_person, "--dry-run"), tmp_path, 200, typed="Well.\n" * 3 + NO_MORE))
    assert "1 of 1 episodes done, 0 failed" in "\n".join(seen)
    assert "Well." in words_of(tmp_path, "Bo")
    by_model = written(tmp_path / "model", **QUAY | {"player": {"plays": "Bo", "model": "other"}})
    assert commanded("run", by_model, "--dry-run", "--out", tmp_path / "other").code == 0
    calls = json.loads(commanded("show", "latest", 0, "--calls", "--runs", tmp_path / "other", "--json").out)["calls"]
    assert {(call["key"].split("/")[1], call["model"]) for call in calls} == {
        ("ada", "storybook"), ("bo", "other"), ("cy", "storybook"),
    }  # fmt: skip


def test_whom_a_person_plays_is_read_from_the_variant(tmp_path: Path) -> None:
    def player(**changes: Any) -> str | None:
        return played_by(load(written(tmp_path, **changes)).variant(0))

    assert player(**QUAY) is None
    assert player(**QUAY, player={"plays": "Addie", "person": True}) == "Ada"
    assert player(**QUAY, player={"plays": "Ada", "model": "other"}) is None
    assert player(**QUAY, player={"name": "Eve", "person": True}) is None, "it has no part in this kind"
    assert player(**ASKING | {"player": {"name": "Eve", "person": True}}) == "Eve"


# The end of a turn in which the person was asked


def happened(call: str | None, actor: str, text: str, *others: str) -> Event:
    visible_to: Any = {actor: "did"} | dict.fromkeys(others, "heard")
    return Event(index=0, turn=3, kind="speech", actor=actor, text=text, visible_to=visible_to, call=call)


def asked(key: str) -> Asked:
    return Asked(key, Request("person", Prompt()), Completion(text="x"), None, 0.0, 0.0)


BEGUN = Batch(0, state=EpisodeRow(0, 0, "base", "{}", 7, "playing", None, 0.0, None))
OVER = Batch(0, state=EpisodeRow(0, 0, "base", "{}", 7, "done", None, 0.0, 1.0))
DEED, TOLD = happened("t03/bo/speak", "Bo", "deed", "Ada"), happened("t03/narrator/narrate", "Narrator", "told", "Ada")
MINE = happened("t03/ada/react", "Ada", "mine", "Bo")
THEIRS, LATER = happened("t03/cy/react", "Cy", "theirs", "Ada"), happened("t04/bo/speak", "Bo", "later", "Ada")
ASKED, ANSWERED = happened(None, "Interviewer", "asked", "Ada"), happened("interview/1/ada", "Ada", "mine")
ELSEWHERE = happened("t04/cy/speak", "Cy", "elsewhere", "Bo")


@pytest.mark.parametrize(
    ("key", "turns", "words"),
    [
        ("t03/ada/react", [(DEED, TOLD, MINE, THEIRS)], ["told", "theirs"]),
        ("t03/ada/speak", [(happened("t03/ada/speak", "Ada", "mine", "Bo"), TOLD)], ["told"]),
        ("t03/ada/speak", [(DEED, happened("t03/ada/speak", "Ada", "mine", "Bo"))], ["deed"]),
        ("t03/ada/react", [(DEED, MINE), (LATER, ELSEWHERE)], ["later"]),
        ("interview/2/ada", [(ASKED, ANSWERED, ASKED, happened("interview/2/ada", "Ada", "mine"))], []),
    ],
)
def test_what_was_told_with_the_last_question_is_not_told_again(
    key: str, turns: list[tuple[Event, ...]], words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    first, *rest = turns
    shown = LastWords(Screen(), lambda index: "Ada")
    shown.add([BEGUN, Batch(0, calls=[asked(key)], events=first), *(Batch(0, events=events) for events in rest), OVER])
    assert [line.split()[-1] for line in capsys.readouterr().out.splitlines()] == words
