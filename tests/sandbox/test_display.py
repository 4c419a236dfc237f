"""What a run shows while it goes on, on a terminal and elsewhere."""

import json
import re
import sys
from pathlib import Path

import pytest
from commanding import commanded, on_a_terminal, program, rows
from PIL import Image
from playing import carried_out, new_run, played, written
from rich.style import Style

from sandbox.display import Conversation, Quiet, Telling, came, filled, next_steps, progress
from sandbox.engines.counters import EngineCounters
from sandbox.half_blocks import half_blocks
from sandbox.meter import Occupancy
from sandbox.rows import Batch, EpisodeRow
from sandbox.screen import Screen
from sandbox.tally import Summary, Tally
from sandbox.transcript import Transcript, varied
from scenes.chat import CallFailed, Request
from scenes.event import Event, Flags
from scenes.image import picture_of
from scenes.loading import load


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "60")


def state(episode: int, status: str = "playing", error: str | None = None, values: str = "{}") -> EpisodeRow:
    ended = None if status == "playing" else 1.0
    return EpisodeRow(episode, 0, "base", values, 7, status, error, 0.0, ended)


def line(episode: int, turn: int, text: str) -> Batch:
    event = Event(index=turn, turn=turn, kind="speech", actor="Ada", text=text, visible_to={"Ada": "did"})
    return Batch(episode, events=[event])


def followed(batches: list[Batch], capsys: pytest.CaptureFixture[str]) -> list[str]:
    Conversation(Screen(), lambda variant: ["Ada"]).add(batches)
    return capsys.readouterr().out.splitlines()


# A conversation


def test_one_episode_is_followed_from_its_beginning_to_its_end_and_then_another(
    capsys: pytest.CaptureFixture[str],
) -> None:
    batches = [
        Batch(0, state=state(0)), Batch(1, state=state(1)), line(1, 1, "b1"), line(0, 1, "a1"), line(1, 2, "b2"),
        line(0, 2, "a2"), Batch(0, state=state(0, "done")), line(1, 3, "b3"), Batch(1, state=state(1, "done")),
    ]  # fmt: skip
    assert followed(batches, capsys) == [
        "", "— episode 0", "  1  Ada: a1", "  2  Ada: a2",
        "", "— episode 1", "  1  Ada: b1", "  2  Ada: b2", "  3  Ada: b3",
    ]  # fmt: skip


def test_an_episode_that_ended_unseen_is_not_gone_back_to(capsys: pytest.CaptureFixture[str]) -> None:
    batches = [
        Batch(0, state=state(0)), Batch(1, state=state(1)), line(1, 1, "unseen"), Batch(1, state=state(1, "done")),
        Batch(2, state=state(2)), line(2, 1, "next"), Batch(0, state=state(0, "done")),
    ]  # fmt: skip
    assert followed(batches, capsys) == ["", "— episode 0", "", "— episode 2", "  1  Ada: next"]


def test_a_failed_episode_says_why(capsys: pytest.CaptureFixture[str]) -> None:
    batches = [Batch(0, state=state(0)), Batch(0, state=state(0, "failed", "the engine is tired"))]
    assert followed(batches, capsys)[-1] == "     failed: the engine is tired"


def test_a_variant_is_told_by_what_it_sets() -> None:
    values = {"turns": 3, "cast.0.character": {"name": "Ada", "likes": []}, "images.h.storybook": {"seed": 1}}
    assert varied(state(0, values=json.dumps(values))) == (
        ': turns = 3, cast.0.character = Ada, images.h.storybook = {"seed": 1}'
    )
    assert varied(state(0)) == ""


# Lines of a transcript


def written_as(event: Event, monkeypatch: pytest.MonkeyPatch, names: tuple[str, ...] = ("Ada", "Bo")) -> list[str]:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    return str(Transcript(names, Screen()).line(event)).splitlines()


def event(kind: str, text: str, visible_to: dict[str, str], **more: object) -> Event:
    return Event.model_validate(
        {"index": 0, "turn": 12, "kind": kind, "actor": "Ada", "text": text, "visible_to": visible_to, **more}
    )


BOTH = {"Ada": "did", "Bo": "heard"}


@pytest.mark.parametrize(
    ("happened", "line"),
    [
        (event("speech", "Evening.", BOTH), " 12  Ada: Evening."),
        (event("action", "waves", BOTH), " 12  Ada waves"),
        (event("narration", "Dusk falls.", BOTH, actor="Narrator"), " 12  Narrator  Dusk falls."),
        (event("thought", "Odd.", {"Ada": "thought"}), " 12  Ada thinks: Odd.  ‹nobody else knows›"),
        (event("speech", "Hm.", {"Ada": "did"}), " 12  Ada: Hm.  ‹nobody perceived it›"),
        (event("image", "", {"Ada": "saw"}, image="0123456789"), " 12  Ada now sees picture 01234567"),
        (event("speech", "", BOTH, flags=Flags(empty=True)), " 12  Ada:   ‹said nothing›"),
        (event("speech", "A", BOTH, flags=Flags(spoke_for="Bo")), " 12  Ada: A  ‹cut: it went on as Bo›"),
        (event("speech", "A", BOTH, flags=Flags(truncated=True)), " 12  Ada: A  ‹cut: token limit›"),
        (event("speech", "A", BOTH, flags=Flags(dropped=2)), " 12  Ada: A  ‹2 oldest lines did not fit its prompt›"),
        (event("speech", "A", BOTH, flags=Flags(dropped=1)), " 12  Ada: A  ‹1 oldest line did not fit its prompt›"),
        (event("speech", "A", {"Ada": "did", "Bo": "saw"}), " 12  Ada: A  ‹seen by Bo›"),
    ],
)
def test_every_kind_of_event_has_its_line(happened: Event, line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    names = ("Ada", "Bo", "Cy") if line.endswith("‹seen by Bo›") else ("Ada", "Bo")
    assert written_as(happened, monkeypatch, names) == [line]


def test_what_does_not_fit_a_line_goes_on_beside_the_margin(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = written_as(event("speech", "word " * 30, BOTH), monkeypatch)
    assert len(rows) > 2
    assert max(map(len, rows)) <= 60
    assert {row[:5] for row in rows[1:]} == {"     "}


def test_wide_letters_are_broken_to_the_width_that_they_take(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = written_as(event("speech", "画" * 100, BOTH), monkeypatch)
    assert max(len(row) + row.count("画") for row in rows) <= 60


def test_no_text_can_pass_for_a_line_of_somebody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = written_as(event("speech", "Yes.\n 13  Bo: I moved the buoy.\r\n\n 14  Bo: Twice.", BOTH), monkeypatch)
    assert rows[0] == " 12  Ada: Yes."
    assert {row[:5].strip() for row in rows[1:]} == {""}


# Pictures


@pytest.mark.parametrize(
    ("size", "fits"),
    [
        ((100, 100), (40, 20)),
        ((400, 100), (48, 6)),
        ((100, 400), (10, 20)),
        ((28, 5_000), (1, 20)),
        ((5_600, 28), (48, 1)),
    ],
)
def test_a_picture_keeps_its_proportions_within_its_columns_and_rows(
    size: tuple[int, int], fits: tuple[int, int]
) -> None:
    drawn = half_blocks(picture_of(Image.new("RGB", size)), 48, 20).plain.splitlines()
    assert (max(map(len, drawn)), len(drawn)) == fits


def test_each_half_of_a_block_has_its_own_colour() -> None:
    image = Image.new("RGB", (40, 40), "red")
    image.paste((0, 0, 255), (0, 20, 40, 40))
    (style,) = (span.style for span in half_blocks(picture_of(image), 1, 1).spans)
    assert isinstance(style, Style)
    upper, lower = (colour and colour.triplet for colour in (style.color, style.bgcolor))
    assert upper is not None
    assert lower is not None
    assert upper.red > 200 > 50 > upper.blue
    assert lower.blue > 200 > 50 > lower.red


# Progress and summary


def test_progress_tells_first_what_matters_most() -> None:
    tally = Tally(8, earlier=2)
    tally.counts.update(done=2, failed=1, turns=30, output_tokens=600)
    tally.start -= 10
    assert re.fullmatch(
        r" 5/8 episodes, 1 failed · 10 s left · 30 turns · [23]\.\d turns/s · [56]\d tokens/s ", progress(tally)
    )


def summary(**changes: object) -> Summary:
    counts = dict.fromkeys(Summary.model_fields, 0)
    rest = {"run": "runs/tea", "planned": 4, "seconds": 2.0, "interrupted": False, "errors": {}, "occupancy": None}
    rest |= {"engines": {}}
    return Summary.model_validate(counts | rest | changes)


def test_a_good_end_names_what_to_do_next() -> None:
    done = summary(done=4, turns=32)
    assert next(came(done)).startswith("4 of 4 episodes done, 0 failed; 32 turns in 2.0 s (16.0 turns/s")
    assert [line.partition("rolestage ")[2] for line in next_steps(done)] == [
        "show runs/tea", "show runs/tea 0 --calls", "replay runs/tea --check",
    ]  # fmt: skip


def test_a_bad_end_says_why_and_how_to_try_again() -> None:
    failed = summary(done=3, failed=1, errors={"the engine is tired\nvery": 1})
    assert list(came(failed))[-1] == "failed 1 x: the engine is tired very"
    assert next_steps(failed) == ["try the failed ones again:  rolestage resume runs/tea"]


def test_an_interruption_says_how_to_go_on() -> None:
    (step,) = next_steps(summary(done=1, interrupted=True))
    assert step == "interrupted; everything shown is safe. Go on with:  rolestage resume runs/tea"


def test_odd_replies_are_counted_where_there_are_any() -> None:
    odd = list(came(summary(done=4, spoke_for_others=2, empty=1)))
    assert odd[-1] == "replies cut for speaking for others: 2, empty: 1"
    assert len(list(came(summary(done=4)))) == len(odd) - 1


# On a terminal


def test_a_run_shows_its_pictures_its_conversation_and_what_to_do_next(tmp_path: Path) -> None:
    raw = on_a_terminal(program("run", written(tmp_path / "tea"), "--dry-run"), tmp_path)
    seen = rows(raw)
    assert "getting ready …" in raw
    assert any(re.match(r"Two on the quay → runs/\S+$", row) for row in seen)
    assert sum(row == "     " + "▀" * 40 for row in seen) == 20
    assert [row[:5] for row in seen if " Turn " in row] == ["  1  ", "  2  ", "  3  ", "  4  "]
    assert any(row.startswith("read it:            rolestage show runs/") for row in seen)
    assert "\x1b[?25" not in raw


@pytest.mark.parametrize("columns", [40, 80])
def test_nothing_is_wider_than_the_terminal_but_commands_to_copy(tmp_path: Path, columns: int) -> None:
    raw = on_a_terminal(program("run", written(tmp_path / "tea"), "--dry-run"), tmp_path, columns)
    seen = rows(raw)
    assert max(map(len, seen[1 : seen.index("read it:            rolestage show " + seen[0].split()[-1])])) <= columns
    progress = re.findall(r" \d/\d episodes[^\x1b\r\n]*", raw)
    assert progress
    assert max(map(len, progress)) <= columns


def test_a_picture_is_drawn_once_and_named_every_time(tmp_path: Path) -> None:
    scenario = written(tmp_path / "tea", episodes=3, turns=1)
    seen = rows(on_a_terminal(program("run", scenario, "--dry-run", "--concurrency", 1), tmp_path))
    assert sum("▀" in row for row in seen) == 20
    assert sum("picture harbour: " in row for row in seen) == 3


def test_without_colours_there_are_neither_colours_nor_pictures(tmp_path: Path) -> None:
    raw = on_a_terminal(program("run", written(tmp_path / "tea"), "--dry-run"), tmp_path, changes={"NO_COLOR": "1"})
    colours = {int(number) for codes in re.findall(r"\x1b\[([\d;]*)m", raw) for number in codes.split(";") if number}
    assert colours <= {0, 1, 2, 3, 7}
    assert "▀" not in raw


def test_a_dumb_terminal_gets_plain_lines(tmp_path: Path) -> None:
    raw = on_a_terminal(program("run", written(tmp_path / "tea"), "--dry-run"), tmp_path, changes={"TERM": "dumb"})
    assert "\x1b" not in raw
    assert "Captain Brack: Turn 1" in raw


def test_a_refusal_leaves_the_terminal_as_it_was(tmp_path: Path) -> None:
    scenario = written(tmp_path / "tea", player={"person": True}, kind="human-role", turns=0)
    raw = on_a_terminal(program("run", scenario, "--dry-run"), tmp_path)
    assert raw.count("\x1b[?25l") == raw.count("\x1b[?25h")
    (row,) = filter(None, rows(raw))
    assert row.endswith('"turns" must be at least 1, found 0.')


def test_show_and_draw_fit_a_narrow_terminal(tmp_path: Path) -> None:
    run = played(tmp_path, lambda request: "a reply of more than forty columns, all told")
    for words in (["show", run, 0], ["draw"]):
        assert max(map(len, rows(on_a_terminal(program(*words), tmp_path, columns=40)))) <= 40


def test_a_person_who_plays_along_sees_what_they_perceive_and_nothing_else(tmp_path: Path) -> None:
    scenario = written(
        tmp_path / "tea", kind="human-role", player={"person": True, "name": "Ada"}, turns=2,
        cast=[{"character": {"name": "Bo", "private": "I did it."}}],
    )  # fmt: skip
    raw = on_a_terminal(program("run", scenario, "--dry-run"), tmp_path, typed="Who?\nWhy?\n")
    seen = "\n".join(rows(raw))
    assert re.search("Bo: Turn 2.*\n+.*Bo: Turn 4", seen, re.DOTALL), "the last reply is shown, though nothing is asked"
    assert "1 of 1 episodes done" in seen
    assert "episode 0" not in seen
    assert "turns/s ·" not in raw


# The other displays


def test_each_display_can_be_chosen(tmp_path: Path) -> None:
    scenario = written(tmp_path / "tea")
    plain, none, lines = (
        commanded("run", scenario, "--dry-run", "--display", kind).out for kind in ("plain", "none", "json")
    )
    assert "  1  Captain Brack: Turn 1" in plain
    assert none == ""
    assert [json.loads(line)["type"] for line in lines.splitlines()][::-1][:2] == ["summary", "episode"]


def test_without_a_display_one_line_says_how_many_failed_and_why(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(request: Request) -> str:
        raise CallFailed("the engine\nis tired")

    folder = new_run(load(written(tmp_path / "tea", episodes=3)), tmp_path / "runs")
    carried_out(folder, refuse, display=Quiet())
    assert capsys.readouterr() == ("", "3 of 3 episodes failed: the engine is tired\n")


def test_without_a_display_the_first_three_reasons_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    Quiet().end(summary(failed=4, errors={"a": 1, "b": 1, "c": 1, "d": 1}))
    assert capsys.readouterr().err == "4 of 4 episodes failed: a; b; c; and 1 more\n"


def test_without_a_display_a_scorer_that_could_say_nothing_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    Quiet().end(summary(done=4, judged=3, unjudged=1, errors={"vision: no picture": 1}))
    assert capsys.readouterr() == ("", "verdicts of scorers that are missing: 1: vision: no picture\n")


def test_without_a_display_a_run_in_which_nothing_failed_is_silent(capsys: pytest.CaptureFixture[str]) -> None:
    Quiet().end(summary(done=4, turns=32, judged=4))
    assert capsys.readouterr() == ("", "")


def test_episodes_that_were_not_shown_are_counted_with_how_to_read_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    telling = Telling(Screen())
    telling.begin(tmp_path, load(written(tmp_path / "tea")), Tally(3))
    telling.committed([Batch(at, state=state(at)) for at in range(3)])
    telling.committed([Batch(at, state=state(at, "done")) for at in (2, 1, 0)])
    telling.end(summary(done=3))
    out = capsys.readouterr().out.splitlines()
    assert [line for line in out if line.startswith("—")] == ["— episode 0"]
    assert out[-1] == "1 of 3 episodes was shown; read another:  rolestage show runs/tea 1"


def test_where_all_episodes_were_shown_none_is_missed(tmp_path: Path) -> None:
    scenario = written(tmp_path / "tea", episodes=3, turns=1)
    out = commanded("run", scenario, "--dry-run", "--display", "plain", "--concurrency", 1).out
    assert out.count("— episode") == 3
    assert "shown; read another" not in out


def test_a_failed_call_is_shown_and_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def refuse(request: Request) -> str:
        raise CallFailed("the engine is tired")

    folder = new_run(load(written(tmp_path / "tea")), tmp_path / "runs")
    carried_out(folder, refuse, display=Telling(Screen()))
    out = capsys.readouterr().out
    assert "     failed: the engine is tired\n" in out
    assert "0 of 1 episodes done, 1 failed" in out


def test_a_summary_says_how_full_the_engine_was_and_what_the_rest_was_lost_to() -> None:
    half = Occupancy(busy=0.5, client=0.1, admission=0.004, tail=0.396, slots=64, requests=40)
    assert filled(half) == "the engine's 64 slots were 50% full; lost: 10% to the client, 40% to the tail"
    assert filled(Occupancy(busy=1, slots=2, requests=2)) == "the engine's 2 slots were 100% full"


def test_a_summary_says_how_often_pictures_were_encoded_and_what_servers_cost() -> None:
    counted = {
        "storybook": EngineCounters(pictures=4, encoded=6, preempted=2),
        "http://a/v1#b": EngineCounters(price=0.5),
    }
    told = list(came(summary(done=4, calls=4, engines=counted)))
    assert "storybook: pictures: 4, encodings: 6, requests put back for want of memory: 2" in told
    assert "http://a/v1#b: price 0.5" in told


def test_progress_says_how_full_an_engines_memory_is() -> None:
    class Engine:
        def counters(self) -> EngineCounters:
            return EngineCounters(kv_used=0.31, prefix_queries=100, prefix_hits=78)

    one = Engine()
    assert progress(Tally(8, engines={"a": one, "b": one})).count("KV 31% · prefix 78%") == 1
