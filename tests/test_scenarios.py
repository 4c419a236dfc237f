"""The shipped scenarios. Newcomers learn the format from them, so each lints, explains itself and plays to its end."""

import asyncio
import json
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import pytest
from asking import CONFIGS
from commanding import commanded
from playing import Answer, carried_out, last_words, new_run

from agents.player import turns_of
from sandbox.display import Quiet
from sandbox.engines.engine import Engine
from sandbox.engines.start import start
from sandbox.gallery import Gallery
from sandbox.launch import Options, checked_source
from sandbox.models import CHECKPOINT, STORYBOOK
from sandbox.prompt_text import prompt_text
from sandbox.purpose import is_of_interview, purpose_of
from sandbox.record import Record
from sandbox.run import Plan, carry_out
from sandbox.run_folder import SCENARIO
from scenes.chat import Request
from scenes.event import INTERVIEWER, NARRATOR, Event
from scenes.loading import Source, load
from scenes.sights import facts_of
from scenes.storybook.drawing import Drawing, held_out_colours, held_out_places

SCENARIOS = Path(__file__).parents[1] / "scenarios"
FOR_LARGER_MODELS = ["ferry", "inventory"]
EMBEDDED = [
    "all-at-once", "campsite", "gallery-comment", "harbour", "interrogation", "matrix",
    "museum", "odd-one-out", "secret", "snapshot", "whisper", "window",
]  # fmt: skip
NAMES = sorted([*EMBEDDED, *FOR_LARGER_MODELS])
BY_NAME = pytest.mark.parametrize("name", NAMES)
MOST_YAML, MOST_PICTURE = 4_000, 150_000
"""Bytes: a scenario, or a profile, is read in a minute, and a picture does not weigh on the repository."""


def source_of(name: str) -> Source:
    return checked_source(SCENARIOS / name, Options())


def drawings_of(source: Source) -> list[Drawing]:
    """Return what the drawn pictures of every variant show, in the order of the variants."""
    images = [image for index in range(len(source.matrix)) for image in source.variant(index).scenario.images.items()]
    return [drawing for name, spec in images if (drawing := facts_of(name, spec).drawing)]


def played(name: str, out: Path, answer: Answer = last_words, episodes: int = 1) -> Path:
    """Play the first episodes of a shipped scenario with scripted answers and return the run's folder."""
    folder = new_run(source_of(name), out)
    carried_out(folder, answer, episodes)
    return folder


def dry_run(name: str, out: Path) -> Path:
    """Play the first two episodes as `--dry-run` does and return the run's folder."""
    outcome = commanded("run", SCENARIOS / name, "--dry-run", "-n", 2, "--out", out, "--display", "none")
    assert (outcome.code, outcome.err) == (0, "")
    (folder,) = out.iterdir()
    return folder


def episodes_of(folder: Path) -> list[Sequence[Event]]:
    """Return the events of every episode. All of them are done."""
    with closing(Record(folder)) as record:
        states = record.states()
        assert states
        assert {state.status for state in states} == {"done"}
        return [record.events(state.id) for state in states]


def knowing(folder: Path, text: str) -> dict[str, tuple[str | None, int | None, str | None]]:
    """Return what `rolestage who-knows` says of the first episode: how, in which turn, and from whom."""
    known = json.loads(commanded("who-knows", folder, text, "--episode", 0, "--json").out)[0]["knowledge"]
    return {one["name"]: (one["how"], one["turn"], one["actor"]) for one in known}


def assert_ends_properly(events: Sequence[Event], source: Source) -> None:
    """The turns are played, or the narrator has ended it, and after them everybody has answered in private."""
    scenario = source.variant(0).scenario
    ended = [event for event in events if purpose_of(event.call) == "steer" and event.text.startswith("end")]
    assert events[-1].turn == turns_of(scenario) or ended
    answers = [event for event in events if is_of_interview(event) and event.actor != INTERVIEWER]
    there = {name for event in events for name in event.visible_to if not is_of_interview(event)}
    asked = [len(there) if question.to == "all" else 1 for question in scenario.interview]
    assert len(answers) == sum(asked)
    assert answers == list(events)[len(events) - 2 * len(answers) :][1::2]


def test_every_folder_of_the_scenarios_is_tested_here() -> None:
    assert sorted(folder.name for folder in SCENARIOS.iterdir() if folder.is_dir()) == NAMES


@BY_NAME
def test_a_shipped_scenario_lints_without_a_note(name: str) -> None:
    outcome = commanded("lint", SCENARIOS / name)
    assert (outcome.code, outcome.err) == (0, "")
    assert "note:" not in outcome.out
    assert source_of(name).scenario.model == STORYBOOK


@BY_NAME
def test_a_shipped_scenario_begins_by_telling_what_it_shows(name: str) -> None:
    lines = (SCENARIOS / name / "scenario.yaml").read_text(encoding="utf-8").splitlines()
    header = lines[: lines.index("schema_version: 1")]
    assert len(header) >= 2
    assert all(line.startswith("#") for line in header)
    assert all(len(line) <= 120 for line in lines)


@BY_NAME
def test_a_shipped_scenario_plays_to_its_end_without_a_model_and_replays(name: str, tmp_path: Path) -> None:
    folder, source = dry_run(name, tmp_path), source_of(name)
    for events in episodes_of(folder):
        assert_ends_properly(events, source)
    assert commanded("replay", folder, "--check").code == 0


@BY_NAME
def test_a_shipped_folder_holds_short_files_and_small_pictures(name: str) -> None:
    files = [file for file in (SCENARIOS / name).rglob("*") if file.is_file()]
    texts = [file for file in files if file.suffix == ".yaml"]
    assert {file.parent.name for file in texts} <= {name, "characters"}
    assert all(file.stat().st_size <= MOST_YAML for file in texts)
    pictures = [file for file in files if file not in texts]
    assert all(file.suffix in (".jpg", ".png") and file.stat().st_size <= MOST_PICTURE for file in pictures)


@pytest.mark.parametrize("name", FOR_LARGER_MODELS)
def test_a_scenario_for_a_larger_model_says_so_in_its_title_and_at_its_head(name: str) -> None:
    assert "--model" in source_of(name).scenario.title
    assert (
        f"rolestage run scenarios/{name} --model"
        in (SCENARIOS / name / "scenario.yaml").read_text("utf-8").split("\n\n")[0]
    )


def test_the_first_four_episodes_of_the_harbour_show_four_pictures() -> None:
    source = source_of("harbour")
    assert source.scenario.episodes == 1
    assert len(set(drawings_of(source)[:4])) == 4


def test_the_captain_of_the_harbour_is_wrong_in_every_picture() -> None:
    source = source_of("harbour")
    assert "black boat" in source.scenario.opening[0]["Brack"]
    boats = [group for drawing in drawings_of(source) for group in drawing.groups if group.kind == "boat"]
    assert len(boats) == 4
    assert all(boat.colour != "black" for boat in boats)


def test_the_matrix_is_five_hundred_episodes_half_of_them_with_a_combination_held_out_of_training() -> None:
    source = source_of("matrix")
    held_out = [bool(held_out_colours(drawing) or held_out_places(drawing)) for drawing in drawings_of(source)]
    assert source.episodes == len(held_out) == 500
    assert sum(held_out) == 250


def test_in_the_museum_what_is_done_is_not_seen_next_door_and_what_is_said_is_heard(tmp_path: Path) -> None:
    hidden, asked = episodes_of(played("museum", tmp_path))[0][:2]
    assert set(hidden.visible_to) == {"Pip", "Doctor Moss"}
    assert set(asked.visible_to) == {"Pip", "Doctor Moss", "Inspector Vale"}


def test_the_snapshot_is_two_halves_that_make_one_picture() -> None:
    left, right = source_of("snapshot").scenario.cast
    assert left.sees
    assert right.sees
    assert (left.sees[0].crop, right.sees[0].crop) == ((0, 0, 400, 600), (400, 0, 400, 600))


def test_in_every_game_the_odd_one_alone_sees_the_bird_in_another_colour_and_is_the_right_answer() -> None:
    source = source_of("odd-one-out")
    assert len(source.matrix) == 6
    for index in range(len(source.matrix)):
        variant = source.variant(index)
        ours, theirs = (facts_of(name, spec).drawing for name, spec in variant.scenario.images.items())
        assert ours
        assert theirs
        assert ours.groups[0].colour != theirs.groups[0].colour
        assert ours == theirs.model_copy(update={"groups": ours.groups})
        odd = [at for at, member in enumerate(variant.scenario.cast) if member.sees and member.sees[0].image == "early"]
        assert [variant.profiles[at].name for at in odd] == [variant.scenario.interview[1].truth]


def test_a_vote_for_the_odd_one_counts_as_right_and_no_other(tmp_path: Path) -> None:
    vote = '{"answer": "Inspector Vale"}'
    folder = played("odd-one-out", tmp_path, lambda request: vote if request.form else last_words(request), episodes=2)
    first, second = ([event.score for event in events if event.score is not None] for events in episodes_of(folder))
    assert first == [1.0] * 4  # it was the Inspector
    assert second == []  # it was Odile, and whoever is not in the game cannot be voted for


def test_in_the_whisper_the_map_is_known_along_the_chain_and_not_beside_it(tmp_path: Path) -> None:
    assert knowing(played("whisper", tmp_path), "the map") == {
        "Captain Brack": ("did", 0, "Captain Brack"),
        "Odile Fenn": ("heard", 0, "Captain Brack"),
        "Doctor Moss": ("heard", 0, "Odile Fenn"),
        "Inspector Vale": (None, None, None),
    }


def test_in_the_whisper_what_is_said_aloud_in_the_inn_reaches_the_pier(tmp_path: Path) -> None:
    folder = played("whisper", tmp_path, lambda request: "A black bottle.")
    assert knowing(folder, "what do you see")["Inspector Vale"] == ("heard", 0, "Odile Fenn")
    known = knowing(folder, "black bottle")
    assert known["Odile Fenn"] == ("heard", 0, "Captain Brack")
    assert known["Inspector Vale"] == ("heard", 1, "Doctor Moss")


def test_in_the_whisper_nobody_on_the_pier_sees_what_is_done_in_the_inn(tmp_path: Path) -> None:
    (events,) = episodes_of(played("whisper", tmp_path))
    passed_on = next(event for event in events if event.text == "whispers to Moss")
    assert set(passed_on.visible_to) == {"Odile Fenn", "Doctor Moss"}


def test_the_secret_is_known_to_pip_alone_and_half_of_it_to_the_captain(tmp_path: Path) -> None:
    folder = played("secret", tmp_path)
    assert {name: how for name, (how, _, _) in knowing(folder, "green balloon").items()} == {
        "Inspector Vale": None,
        "Pip": "from the start",
        "Captain Brack": None,
    }
    assert knowing(folder, "green")["Captain Brack"][0] == "from the start"
    assert knowing(folder, "green")["Inspector Vale"][0] is None


def test_a_secret_that_slips_is_known_from_the_turn_in_which_it_was_said(tmp_path: Path) -> None:
    def blurting(request: Request) -> str:
        return "A green balloon!" if "You are Pip" in prompt_text(request.prompt) else "A boat."

    known = knowing(played("secret", tmp_path, blurting), "green balloon")
    assert known["Inspector Vale"] == known["Captain Brack"] == ("heard", 1, "Pip")


@pytest.mark.parametrize(("name", "both"), [("secret", 1), ("window", 0)])
def test_only_one_sees_both_halves(name: str, both: int) -> None:
    source = source_of(name)
    for index in range(len(source.matrix)):
        variant = source.variant(index)
        sights = source.setting(variant, lambda picture, facts: None).sights
        whole = {shown.image for shown in sights[both]}
        assert all(whole.isdisjoint(shown.image for shown in seen) for at, seen in enumerate(sights) if at != both)


def test_all_at_once_is_one_line_of_everybody_in_a_turn_and_notes_that_nobody_else_reads(tmp_path: Path) -> None:
    (events,) = episodes_of(played("all-at-once", tmp_path))
    lines = [event.actor for event in events if event.turn == 1 and event.kind == "speech"]
    assert lines == ["Odile Fenn", "Doctor Moss", "Pip"]
    notes = [event for event in events if event.change and event.change.is_private()]
    assert notes
    assert all(set(note.visible_to) == {note.actor} for note in notes)


def test_the_narrator_of_the_campsite_opens_it_and_those_touched_react(tmp_path: Path) -> None:
    def touching(request: Request) -> str:
        return '{"touched": "Odile Fenn"}' if request.form else last_words(request)

    (events,) = episodes_of(played("campsite", tmp_path, touching))
    assert (events[0].actor, events[0].kind) == (NARRATOR, "narration")
    assert {event.actor for event in events if purpose_of(event.call) == "react"} == {"Odile Fenn"}


def test_the_ferry_is_told_in_chinese_its_stage_directions_included(tmp_path: Path) -> None:
    (events,) = episodes_of(dry_run("ferry", tmp_path))
    whispered = next(event for event in events if event.to)
    assert (whispered.actor, whispered.to) == ("沈七", ("阿藕",))
    came = next(event for event in events if event.change and event.change.place)
    assert (came.actor, came.text) == ("阿藕", "来到茶棚")


def test_the_last_guest_and_the_postcard_of_the_inventory_wait_for_the_narrator(tmp_path: Path) -> None:
    def leading(request: Request) -> str:
        decision = (
            "show_image postcard" if "add_role Aurel Quist" not in (request.form or "") else "add_role Aurel Quist"
        )
        return json.dumps({"reason": "It is time.", "decision": decision})

    (events,) = episodes_of(played("inventory", tmp_path, leading))
    entrance = next(event for event in events if event.change and event.change.present)
    assert entrance.change
    assert entrance.change.who == "Aurel Quist"
    assert not any("Aurel Quist" in event.visible_to for event in events[: entrance.index])
    shown = next(event for event in events if event.actor == NARRATOR and event.image)
    assert "Keep the third one" in shown.text


@pytest.fixture(scope="module")
def galleries() -> list[Gallery]:
    """The pictures of the runs played so far, the latest last."""
    return []


@pytest.fixture(scope="module")
def storybook(galleries: list[Gallery]) -> Iterator[Engine]:
    """The embedded model on vLLM, which looks at the pictures of the latest run."""
    engine = start(CONFIGS["vllm"], str(CHECKPOINT), lambda image: galleries[-1].open(image), 2)
    yield engine
    engine.close()


@pytest.mark.vllm
@pytest.mark.parametrize("name", EMBEDDED)
def test_a_shipped_scenario_ends_properly_on_the_embedded_model_and_replays(
    name: str, tmp_path: Path, storybook: Engine, galleries: list[Gallery]
) -> None:
    folder, source = new_run(source_of(name), tmp_path), source_of(name)
    galleries.append(Gallery())
    plan = Plan(folder, load(folder / SCENARIO), 2, {STORYBOOK: storybook}, galleries[-1], 8, {"planned": 2})
    summary = asyncio.run(carry_out(plan, Quiet()))
    assert (summary.done, summary.failed, summary.empty) == (2, 0, 0)
    for events in episodes_of(folder):
        assert_ends_properly(events, source)
    assert commanded("replay", folder, "--check").code == 0
