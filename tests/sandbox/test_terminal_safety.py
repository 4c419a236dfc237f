"""Foreign text on its way to a terminal: whatever it is made of, it arrives as text."""

import json
import os
import re
import sys
from io import StringIO
from pathlib import Path

import pytest
from commanding import COLOURS, Outcome, commanded, on_a_terminal, program
from hypothesis import given
from hypothesis import strategies as st
from playing import carried_out, new_run, played, written
from rich.console import Console

from sandbox.display import Telling
from sandbox.screen import Screen, safe
from sandbox.transcript import Transcript
from scenes.chat import CallFailed, Request
from scenes.event import Event
from scenes.loading import load

ESCAPES = [
    "\x1b[2J", "\x1b[5m", "\x1b[38:2:1:2:3m", "\x1b[?1049h", "\x1b[6n", "\x1bc", "\x1b(0",
    "\x1b]0;owned\x07", "\x1b]0;owned\x1b\\", "\x1b]8;;http://evil\x1b\\here\x1b]8;;\x1b\\", "\x1b]52;c;b3duZWQ=\x07",
    "\x1bPq#0;2\x1b\\", "\x1b_Gf=24;AAAA\x1b\\", "\x1b^pm\x1b\\", "\x1bXsos\x1b\\",
    "\x9b2J", "\x9d0;owned\x9c", "\x90q\x9c", "\x9f\x85\x84", "\x1b", "\x1b[", "\x1b]0;never ends", "\x1b\x1b[2J[2J",
    "over\b\b\b\bwritten", "over\rwritten", "\x00\x07\x0b\x0c\x0e\x7f",
    "\u202eevil\u202c", "\u2066in\u2069", "\u200f", "\u2028", "\u2029", "\ufeff",
]  # fmt: skip
MARKUP = [
    "[/", "[/bold]", "[red]red[/red]", "[@click=app.quit]here[/]", "[link=http://evil]here[/link]", r"a\[b", ":bomb:",
    "[$error]", "[bold", "<script>", "{{7*7}}",
]  # fmt: skip
HOSTILE = " ".join(f"“{text}”" for text in ESCAPES + MARKUP)
UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]")
OURS = re.compile(r"\r\n|\r\x1b\[2K|\r\x1b\[1A\x1b\[2K")
"""How rich ends a line, and takes its progress line away."""


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def hostile(request: Request) -> str:
    return HOSTILE


def assert_harmless(raw: str) -> None:
    """Check that nothing but text and rich's own colours, none of which blinks, is in `raw`."""
    assert UNSAFE.search(OURS.sub("\n", COLOURS.sub("", raw))) is None
    assert re.search(r"\x1b\[(?:[\d;]*;)?5m", raw) is None


def assert_literal(raw: str) -> None:
    """Check that all markup is there as it was written, wherever lines were broken."""
    text = re.sub(r"\s+", "", COLOURS.sub("", raw))
    assert [markup for markup in MARKUP if markup not in text] == []


# A model's words


@pytest.mark.parametrize("words", [["show", "latest"], ["show", "latest", "0", "--calls"]])
@pytest.mark.parametrize("colours", ["", "1"], ids=["plain", "in colours"])
def test_what_a_model_says_is_shown_as_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], colours: str
) -> None:
    if colours:
        monkeypatch.setenv("FORCE_COLOR", colours)
    played(tmp_path, hostile)
    shown = commanded(*words)
    assert (shown.code, "\x1b" in shown.out) == (0, bool(colours))
    assert_harmless(shown.out)
    assert_literal(shown.out)


def test_the_last_words_in_an_overview_are_text(tmp_path: Path) -> None:
    played(tmp_path, hostile, episodes=2)
    shown = commanded("show")
    assert_harmless(shown.out)
    assert len(re.findall("^[01] .*Pip.*⟨U\\+202E⟩evil", shown.out, re.MULTILINE)) == 2


def test_json_holds_what_was_said_as_it_was_said_and_is_harmless_all_the_same(tmp_path: Path) -> None:
    played(tmp_path, lambda request: f"“{HOSTILE}")
    shown = commanded("show", "latest", "0", "--json", "--calls")
    assert shown.out.isascii()
    assert UNSAFE.search(shown.out) is None
    assert json.loads(shown.out)["calls"][0]["completion"]["text"] == f"“{HOSTILE}"


@pytest.mark.parametrize("columns", [40, 100])
def test_what_a_model_says_is_text_on_a_terminal_afterwards(tmp_path: Path, columns: int) -> None:
    played(tmp_path, hostile)
    for words in (["show"], ["show", "--calls"]):
        raw = on_a_terminal(program(*words), tmp_path, columns)
        assert_harmless(raw)
        assert_literal(raw)


LIVE = """
from pathlib import Path
from playing import carried_out, new_run, written
from sandbox.display import display_of
from scenes.loading import load

folder = new_run(load(written(Path("tea"), title="[red]Tea[/red] \u202e:bomb:")), Path("runs"))
hostile = Path("hostile").read_bytes().decode()
with display_of(None) as display:
    carried_out(folder, lambda request: hostile, display=display)
"""


def test_what_a_model_says_is_text_on_a_terminal_while_it_happens(tmp_path: Path) -> None:
    Path("hostile").write_bytes(HOSTILE.encode())
    raw = on_a_terminal([sys.executable, "-c", LIVE], tmp_path, changes={"PYTHONPATH": str(Path(__file__).parents[1])})
    assert "[red]Tea[/red] ⟨U+202E⟩:bomb:" in COLOURS.sub("", raw)
    assert "1 of 1 episodes done" in raw
    assert_harmless(raw)
    assert_literal(raw)


def test_why_a_call_failed_is_text(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def refuse(request: Request) -> str:
        raise CallFailed(HOSTILE)

    folder = new_run(load(written(tmp_path / "tea")), tmp_path / "runs")
    carried_out(folder, refuse, display=Telling(Screen()))
    for shown in (capsys.readouterr().out, commanded("show").out, commanded("show", "--calls").out):
        assert "failed" in shown
        assert_harmless(shown)


@given(st.text(max_size=300))
def test_no_text_at_all_reaches_a_terminal_as_anything_but_text(text: str) -> None:
    screen = StringIO()
    console = Console(file=screen, force_terminal=True, color_system="truecolor", width=40, markup=False, emoji=False)
    said = Event(index=0, turn=1, kind="speech", actor=text, text=text, visible_to={text: "heard"})
    console.print(Transcript(["Ada"], console).line(said), soft_wrap=True)
    console.print(safe(text, "bold"))
    assert UNSAFE.search(COLOURS.sub("", screen.getvalue())) is None


def test_a_screen_takes_our_own_words_literally_too(capsys: pytest.CaptureFixture[str]) -> None:
    Screen().print(" ".join(MARKUP))
    assert capsys.readouterr().out == " ".join(MARKUP) + "\n"


# What a scenario says


ODD = "[red]Ada[/red] :bomb: [/"


def odd_scenario(folder: Path) -> Path:
    cast = [{"character": {"name": f"{ODD} {at}", "role": "\u202e[bold]"}} for at in range(2)]
    images = {"[link=evil]\u202eview": {"storybook": {"seed": 7}, "notes": {"scene": "\u2066[/bold]"}}}
    return written(folder, title=f"{ODD} \u202e", cast=cast, images=images, premise="\u202e:bomb: [@click=app.quit]")


def test_what_a_scenario_says_is_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scenario = odd_scenario(tmp_path / "tea")
    monkeypatch.setenv("FORCE_COLOR", "1")
    for words in (["lint", scenario], ["preview", scenario], ["run", scenario, "--dry-run"], ["list"], ["show"]):
        shown = commanded(*words)
        assert shown.code == 0
        assert ODD in COLOURS.sub("", shown.out)
        assert_harmless(shown.out)


@pytest.mark.parametrize(
    "mistake",
    [
        {"turns": "\u202e[red]"},
        {"\u202e[red]": 1},
        {"places": {"quay": {"shows": ["\u202e[red]"]}}},
        {"images": {"a": {"file": "\u202e[red].png"}}},
        {"cast": [{"character": "\u202e[red].yaml"}, {"character": "storybook/\u202e[red]"}]},
        {"vary": {"\u202e[red]": [1]}},
        {"vary": {"turns": ["\u202e[red]"]}},
    ],
)
def test_a_mistake_is_quoted_as_text(tmp_path: Path, mistake: dict[str, object]) -> None:
    refused = commanded("lint", written(tmp_path, **mistake))
    assert refused.code == 2
    assert "⟨U+202E⟩[red]" in refused.err
    assert_harmless(refused.err)


# Names of files, and what is typed (which a pattern of the shell may have put there)


NAME = "\x1b]0;owned\x07\x1b[5m\u202e[red]tea"


def harmless(outcome: Outcome) -> Outcome:
    assert_harmless(outcome.out)
    assert_harmless(outcome.err)
    return outcome


def test_the_name_of_a_file_is_text(tmp_path: Path) -> None:
    scenario = odd_scenario(tmp_path / NAME)
    (scenario.parent / "bad.yaml").write_text("turns: 0\n")
    assert harmless(commanded("lint", scenario)).code == 0
    assert harmless(commanded("preview", scenario, "--images", f"{NAME}.out")).code == 0
    assert harmless(commanded("draw", "--out", f"{NAME}.png")).code == 0
    assert harmless(commanded("run", scenario, "--dry-run", "--out", f"{NAME}.runs")).code == 0
    assert harmless(commanded("lint", scenario.parent / "bad.yaml")).code == 2
    assert harmless(commanded("lint", scenario.parent)).code == 0
    assert harmless(commanded("lint", tmp_path / f"{NAME}.")).code == 2


def test_the_folder_of_a_run_is_text(tmp_path: Path) -> None:
    run = played(tmp_path, episodes=2)
    odd = run.rename(run.parent / NAME)
    damaged = run.parent / f"{NAME}.damaged"
    damaged.mkdir()
    (damaged / "run.db").write_bytes(b"not a store")
    for words in (["list"], ["show", odd], ["show", odd, 0], ["replay", odd, "--check"], ["resume", odd]):
        assert harmless(commanded(*words)).code == 0
    assert harmless(commanded("show", damaged)).code == 4
    assert harmless(commanded("show", odd, 7)).code == 2
    assert harmless(commanded("show", "nowhere")).code == 2


def test_a_picture_that_is_suggested_is_named_as_text(tmp_path: Path) -> None:
    scenario = written(tmp_path / "tea", images={"view": {"file": "view.png"}})
    (scenario.parent / "\x1b[5mview.png").write_bytes(b"")
    refused = harmless(commanded("lint", scenario))
    assert 'did you mean "␛view.png"?' in refused.err


@pytest.mark.parametrize(
    "words",
    [
        [NAME], ["lint", "tea.yaml", NAME], ["lint", f"--{NAME}"], ["lint", NAME],
        ["run", "tea.yaml", "--layout", NAME], ["run", "tea.yaml", "--seed", NAME],
        ["lint", "tea.yaml", "--root", NAME], ["show", NAME], ["show", "x", NAME],
        ["schema", NAME], ["resume", NAME],
    ],
)  # fmt: skip
def test_what_is_typed_is_answered_as_text(words: list[str]) -> None:
    assert harmless(commanded(*words)).code == 2


def test_what_is_typed_and_is_not_even_text_is_refused() -> None:
    assert harmless(commanded("lint", os.fsdecode(b"\xff\xfe.yaml"))).code == 2
