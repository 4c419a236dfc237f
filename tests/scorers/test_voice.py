"""The scorer of voice: what it hears, what it is not told, and what it says where nothing can be learned."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from judging import case_of, nobody, verdicts, with_events

from scenes.event import Event
from scorers.base import Case, Score
from scorers.voice import LEAST_LINES, Voice, confusion

BRACK, MOSS, PIP = "Captain Brack", "Doctor Moss", "Pip"
CAST = {"cast": [{"character": f"storybook/{name}"} for name in ("brack", "moss", "pip")]}
VOICES = {BRACK: "Harr, the salt and {}!", MOSS: "One observes the {} precisely.", PIP: "Zoom, zoom, a {}, whee!"}
THINGS = ["kite", "boat", "tree", "lamp", "door", "rope", "fern", "bell"]


def episodes(case: Case, lines: Sequence[Sequence[tuple[str, str]]], first: int = 0) -> list[Case]:
    """Return `case` once for each of `lines`, with these in it: who speaks, and what; numbered from `first`."""
    return [_episode(case, number, spoken) for number, spoken in enumerate(lines, first)]


def _episode(case: Case, number: int, spoken: Sequence[tuple[str, str]]) -> Case:
    made = with_events(case, [event(at, *line) for at, line in enumerate(spoken)])
    return replace(made, trajectory=made.trajectory.model_copy(update={"episode": number}))


def event(index: int, actor: str, text: str, **changes: Any) -> Event:
    given = {"kind": "speech", "visible_to": {actor: "did"}, "call": f"t{index}"} | changes
    return Event.model_validate({"index": index, "turn": index + 1, "actor": actor, "text": text} | given)


def talk(number: int, said: dict[str, str]) -> list[tuple[str, str]]:
    """Return two lines of each speaker, another text in each of eight episodes."""
    things = [THINGS[(number + step) % len(THINGS)] for step in range(2)]
    return [(name, text.format(thing)) for thing in things for name, text in said.items()]


def judged(cases: Sequence[Case]) -> list[Score]:
    scorer = Voice().prepared(cases)
    return [score for case in cases for score in verdicts(scorer, case)]


def values(scores: Sequence[Score], metric: str = "voice_recognised") -> list[float | None]:
    return [score.value for score in scores if score.metric == metric]


@pytest.fixture
def case(tmp_path: Path) -> Case:
    """Three of the shipped cast, who have said nothing yet."""
    return case_of(tmp_path, **CAST)


def test_distinct_voices_are_all_recognised_with_high_probability(case: Case) -> None:
    scores = judged(episodes(case, [talk(number, VOICES) for number in range(8)]))
    probabilities = [value for value in values(scores, "voice_probability") if value is not None]
    assert values(scores) == [1] * 48
    assert min(probabilities) > 0.6
    assert confusion(scores) == {name: {name: 16} for name in VOICES}


def test_where_all_say_the_same_recognition_is_chance(case: Case) -> None:
    same = dict.fromkeys(VOICES, VOICES[MOSS])
    scores = judged(episodes(case, [talk(number, same) for number in range(8)]))
    assert sum(value or 0 for value in values(scores)) == 16
    assert values(scores, "voice_probability") == pytest.approx([1 / 3] * 48, abs=0.01)


def test_who_is_told_only_by_names_address_words_and_catchphrases_is_not_recognised(case: Case) -> None:
    labels = {
        BRACK: "Aye, a {}, lads. By the  tide! CAPTAIN BRACK'S!",
        MOSS: "Aye, a {}, colleague. Nature is precise! Doctor!",
        PIP: "Aye, a {}, pal. Gears and sprockets! Pip's!",
    }
    scores = judged(episodes(case, [talk(number, labels) for number in range(8)]))
    assert values(scores, "voice_probability") == pytest.approx([1 / 3] * 48, abs=0.02)


def test_a_word_that_only_begins_like_a_label_is_kept(case: Case) -> None:
    kept = {BRACK: "A {} by the ladder.", MOSS: "A {} by the pipe.", PIP: "A {} by the valet."}
    assert values(judged(episodes(case, [talk(number, kept) for number in range(8)]))) == [1] * 48


def test_a_reason_says_whom_a_line_was_taken_for_and_the_table_is_made_from_it(case: Case) -> None:
    lines = [talk(number, VOICES) for number in range(8)]
    lines[3][0] = (BRACK, VOICES[PIP].format("kite"))
    scores = judged(episodes(case, lines))
    wrong = [score for score in scores if score.value == 0]
    assert [(score.character, score.events, score.reason) for score in wrong] == [(BRACK, (0,), "taken for Pip")]
    assert confusion(scores)[BRACK] == {BRACK: 15, PIP: 1}


def test_parts_of_one_reply_are_one_line_and_given_lines_deeds_and_thoughts_are_none(case: Case) -> None:
    parts = [
        event(0, BRACK, "Given.", call=None),
        event(1, BRACK, "Harr,"),
        event(2, BRACK, "nods", kind="action", call="t1"),
        event(3, BRACK, "the salt!", call="t1"),
        event(4, PIP, "zooms", kind="thought"),
        event(5, "A stranger", "Hm."),
    ]
    scores = verdicts(Voice(), with_events(case, parts))
    assert [(score.metric, score.events) for score in scores] == [
        ("voice_recognised", (1, 3)),
        ("voice_probability", (1, 3)),
    ]


def test_only_the_cast_of_the_same_episode_competes(tmp_path: Path, case: Case) -> None:
    pair = case_of(tmp_path / "pair", cast=CAST["cast"][::2])
    both = {name: VOICES[name] for name in (BRACK, PIP)}
    lines = [talk(number, both) for number in range(8)]
    lines[0][0] = (BRACK, VOICES[MOSS].format("kite"))
    trios = episodes(case, [talk(number, VOICES) for number in range(8)])
    scores = judged([*trios, *episodes(pair, lines, first=8)])
    assert confusion(scores)[BRACK].keys() <= {BRACK, PIP}
    chances = [score.value for score in scores if score.metric == "voice_probability" and score.value is not None]
    assert min(chances) > 0.1


def test_whoever_speaks_seldom_has_no_verdict_and_is_nobody_elses_rival(case: Case) -> None:
    lines = [talk(number, {name: VOICES[name] for name in (BRACK, PIP)}) for number in range(8)]
    for line in lines:
        line.append((MOSS, VOICES[MOSS].format("kite")))
    scores = judged(episodes(case, lines))
    reason = f"fewer than {LEAST_LINES} lines of this character in other episodes"
    assert [(score.value, score.reason) for score in scores if score.character == MOSS] == [(None, reason)] * 16
    assert {name for taken_for in confusion(scores).values() for name in taken_for} == {BRACK, PIP}


def test_whoever_speaks_alone_has_no_verdict(case: Case) -> None:
    scores = judged(episodes(case, [talk(number, {PIP: VOICES[PIP]}) for number in range(8)]))
    assert {score.value for score in scores} == {None}
    assert {score.reason for score in scores} == {f"nobody else of the cast has {LEAST_LINES} lines in other episodes"}


def test_one_episode_and_its_branches_teach_nothing_about_each_other(case: Case) -> None:
    lines = talk(0, VOICES) * 4
    branches = episodes(case, [[*lines, (PIP, f"Zoom {number}!")] for number in range(4)])
    reasons = {score.reason for score in judged(branches)}
    assert reasons == {"no other episode begins otherwise, and a voice is learned in others"}


def test_lines_of_names_alone_are_no_voice(case: Case) -> None:
    lines = [[(BRACK, "Pip"), (PIP, "Brack")][:: 1 - 2 * (number % 2)] for number in range(8)]
    scores = judged(episodes(case, lines))
    assert {score.reason for score in scores} == {"no words are left where names are taken out"}


def test_a_line_of_names_alone_has_no_verdict_and_nobody_learns_from_it(case: Case) -> None:
    lines = [talk(number, VOICES) for number in range(8)]
    named = [*lines[:7], [*lines[7], (BRACK, "Pip!"), (MOSS, "Captain Brack.")]]
    scores = judged(episodes(case, named))
    assert [score for score in scores if score.value is not None] == [
        score for score in judged(episodes(case, lines)) if score.value is not None
    ]
    silent = {(score.character, score.reason) for score in scores if score.value is None}
    assert silent == {(name, "no words are left where names are taken out") for name in (BRACK, MOSS)}


def test_who_says_hardly_more_than_names_is_not_known_by_voice(case: Case) -> None:
    lines = [
        [*talk(number, {name: VOICES[name] for name in (BRACK, PIP)}), (MOSS, "Pip?"), (MOSS, "Brack!")]
        for number in range(8)
    ]
    lines[0].append((MOSS, VOICES[MOSS].format("kite")))
    scores = judged(episodes(case, lines))
    assert {score.value for score in scores if score.character == MOSS} == {None}
    assert MOSS not in {name for taken_for in confusion(scores).values() for name in taken_for}


def test_an_answer_chosen_among_some_has_no_verdict(tmp_path: Path) -> None:
    asked = [{"ask": "Who?", "choices": "cast"}, {"ask": "Is it so?", "choices": ["Aye", "No"]}, {"ask": "Why?"}]
    case = case_of(tmp_path, interview=asked, **CAST)
    answers = [event(at, PIP, "Aye", call=f"interview/{at + 1}/pip") for at in range(3)]
    scores = verdicts(Voice().prepared([with_events(case, answers)]), with_events(case, answers))
    assert {(score.events, score.reason) for score in scores} == {
        ((0,), "it was chosen among answers that were offered"),
        ((1,), "it was chosen among answers that were offered"),
        ((2,), "no other episode begins otherwise, and a voice is learned in others"),
    }


def test_an_episode_that_was_not_heard_has_no_verdict(case: Case) -> None:
    heard, [*_, new] = (episodes(case, [talk(at, VOICES) for at in range(size)]) for size in (8, 9))
    scores = list(Voice().prepared(heard).score(new, nobody))
    assert {(score.value, score.reason) for score in scores} == {(None, "the episode is none of those that were heard")}


def test_the_basis_changes_with_the_lines_and_nothing_else(case: Case) -> None:
    eight, nine = (episodes(case, [talk(number, VOICES) for number in range(size)]) for size in (8, 9))
    assert Voice().basis == ""
    assert Voice().prepared(eight).basis == Voice().prepared(eight).basis != Voice().prepared(nine).basis


def test_names_in_a_script_without_spaces_are_taken_out(tmp_path: Path) -> None:
    profiles = [{"name": "海岸"}, {"name": "画眉", "address": "朋友", "catchphrases": ["鸟语花香"]}]
    case = case_of(tmp_path, cast=[{"character": profile} for profile in profiles])
    said = {"海岸": "海岸看见一个{}", "画眉": "画眉看见一个{}，朋友，鸟语花香"}
    scores = judged(episodes(case, [talk(number, said) for number in range(8)]))
    assert values(scores, "voice_probability") == pytest.approx([1 / 2] * 32, abs=0.02)
