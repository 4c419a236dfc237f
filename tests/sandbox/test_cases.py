"""The episodes of a run as scorers are given them: what was played, what was true, and what was asked."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from shutil import copytree
from typing import Any

import PIL.Image
import pytest
from playing import STORY, carried_out, last_words, played

from sandbox.cases import Cases
from sandbox.fork import begin, branching_at
from sandbox.gallery import Gallery
from sandbox.record import Record
from sandbox.run_folder import SCENARIO
from scenes.chat import CallFailed, Request
from scenes.event import NARRATOR
from scenes.image import picture_of
from scenes.loading import load
from scenes.storybook.drawing import draw_lots
from scorers.base import Case

SEEDS: dict[str, Any] = {"vary": {"images.harbour.storybook.seed": {"range": [0, 3]}}, "episodes": 2}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of three pictures, two episodes of each."""
    return played(tmp_path_factory.mktemp("seeds"), **SEEDS)


@contextmanager
def cases_of(folder: Path, gallery: Gallery | None = None) -> Iterator[Cases]:
    with closing(Record(folder)) as record:
        yield Cases(record, load(folder / SCENARIO), gallery or Gallery())


def case_of(folder: Path, episode: int = 0) -> Case:
    """Return a case of which only what was read is used."""
    with cases_of(folder) as cases:
        return cases.case(episode)


def test_a_case_holds_the_episode_as_it_is_on_record(run: Path) -> None:
    with closing(Record(run)) as record:
        for state in record.states():
            case = case_of(run, state.id)
            assert case.trajectory == record.trajectory(state)
            assert case.trajectory.variant == case.variant.id
            assert case.trajectory.values == case.variant.values
            assert case.legs == ((0, case.variant),)


def test_the_variant_is_that_of_the_episode(run: Path) -> None:
    seeds = [case_of(run, episode).variant.scenario.images["harbour"].storybook.seed for episode in range(6)]  # type: ignore[union-attr]
    assert seeds == [0, 0, 1, 1, 2, 2]


def test_episodes_of_one_variant_share_it(run: Path) -> None:
    with cases_of(run) as cases:
        assert cases.case(2).variant is cases.case(3).variant
        assert cases.case(2).variant is not cases.case(4).variant


def test_the_truth_and_the_size_of_every_picture_that_was_shown_are_there(run: Path) -> None:
    for episode in range(6):
        case = case_of(run, episode)
        (image,) = case.pictures
        assert case.pictures[image].drawing == draw_lots(episode // 2)
        with closing(Record(run)) as record:
            (picture,) = record.pictures(episode)
        assert case.sizes == {image: (picture.width, picture.height)}


def test_nothing_of_a_case_is_a_scorer_s_to_change(run: Path) -> None:
    case = case_of(run)
    with pytest.raises(TypeError):
        case.pictures["x"] = next(iter(case.pictures.values()))  # type: ignore[index]
    with pytest.raises(AttributeError):
        case.legs = ()  # type: ignore[misc]


def test_what_was_asked_and_answered_is_told_by_the_key_of_an_event(tmp_path: Path) -> None:
    said: dict[str, Request] = {}

    def answer(request: Request) -> str:
        text = f"{last_words(request)} Number {len(said)}."
        said[text] = request
        return text

    folder = played(tmp_path, answer)
    with cases_of(folder) as cases:
        case = cases.case(0)
        assert len(case.trajectory.events) == 4
        for event in case.trajectory.events:
            assert event.call
            assert case.answered(event.call).text == event.text
            assert case.asked(event.call).digest() == said[event.text].digest()
        for ask in (case.asked, case.answered):
            with pytest.raises(KeyError):
                ask("t99/nobody/speak")


def test_a_call_that_failed_was_asked_and_not_answered(tmp_path: Path) -> None:
    def answer(request: Request) -> str:
        raise CallFailed("no answer")

    folder = played(tmp_path, answer)
    with cases_of(folder) as cases:
        case = cases.case(0)
        assert (case.trajectory.status, case.trajectory.error) == ("failed", "no answer")
        key = "t01/captainbrack/speak"
        assert case.asked(key).model == "storybook"
        with pytest.raises(KeyError):
            case.answered(key)


def branched(folder: Path, at: str, *vary: str) -> None:
    with closing(Record(folder)) as record:
        branching = branching_at(record, load(folder / SCENARIO), at, 1, vary)
    begin(folder, branching, {})
    carried_out(folder)


def test_a_branch_is_judged_from_the_beginning_each_turn_by_what_was_played_in_it(tmp_path: Path) -> None:
    folder = played(tmp_path, turns=6)
    branched(folder, "0:2", "character=Pip:storybook/moss")
    branched(folder, "1:4", "character=Captain Brack:storybook/odile")
    with cases_of(folder) as cases:
        case = cases.case(2)
        assert [after for after, _ in case.legs] == [0, 2, 4]
        names = {turn: [one.name for one in case.variant_at(turn).profiles] for turn in range(7)}
        assert case.variant == case.legs[-1][1]
        assert [event.turn for event in case.trajectory.events] == [1, 2, 3, 4, 5, 6]
        for event in case.trajectory.events:
            assert event.actor in names[event.turn]
            assert event.call
            assert case.answered(event.call).text == event.text
    assert names[0] == names[2] == ["Captain Brack", "Pip"]
    assert names[3] == names[4] == ["Captain Brack", "Doctor Moss"]
    assert names[5][1:] == ["Doctor Moss"]
    assert names[5][0] != "Captain Brack"


def test_who_speaks_by_which_model_is_told(tmp_path: Path) -> None:
    folder = played(tmp_path, **STORY | {"turns": 2})
    case = case_of(folder)
    assert (case.model_of("Pip"), case.model_of(NARRATOR)) == ("storybook", "storybook")


def test_a_picture_that_a_judge_is_to_see_is_kept_with_the_run(run: Path, tmp_path: Path) -> None:
    folder, gallery = copytree(run, tmp_path / "run"), Gallery()
    gallery.keep_in(folder / "images")
    picture = picture_of(PIL.Image.new("RGB", (28, 28)))
    with cases_of(folder, gallery) as cases:
        cases.case(0).keep(picture)
    assert (folder / "images" / f"{picture.id}.png").is_file()
