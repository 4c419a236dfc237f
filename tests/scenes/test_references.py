"""What in a scenario refers to what: every broken reference is refused at its place, with a mend."""

from pathlib import Path

import pytest

from scenes.loading import load
from scenes.names import named
from scenes.problem import InputRefused
from scenes.profile import CharacterProfile
from scenes.references import unplayed

LINES = """\
schema_version: 1
title: Two on the quay
kind: inter-role
images: {harbour: {storybook: {seed: 7}}}
cast:
  - character: {name: Brack, aliases: [Captain]}
  - character: {name: Pip, aliases: [Captain, Kid]}
""".splitlines()
ADDED = len(LINES) + 1
"""The first line that a case adds."""


def file_with(folder: Path, edits: dict[int, str]) -> Path:
    """Write the scenario with some of its lines changed, or with lines added."""
    lines = dict(enumerate(LINES, start=1)) | edits
    file = folder / "scenario.yaml"
    file.write_text("\n".join(lines[number] for number in sorted(lines)), encoding="utf-8")
    return file


def refusals(folder: Path, edits: dict[int, str]) -> list[str]:
    """Return the problems of the changed scenario, each without the folder of the file."""
    try:
        load(file_with(folder, edits))
    except InputRefused as refused:
        return [str(problem).replace(f"{folder}/", "") for problem in refused.problems]
    return []


def test_the_scenario_that_the_cases_change_is_sound(tmp_path: Path) -> None:
    assert refusals(tmp_path, {}) == []


CASES: dict[str, tuple[dict[int, str], str]] = {
    "a name twice": (
        {7: "  - character: {name: Brack}"},
        '7:16: the name "Brack" is taken by "Brack"; give this one another.',
    ),
    "a name in other letters": (
        {7: "  - character: {name: ｂＲack}"},
        '7:16: the name "ｂＲack" is taken by "Brack"; give this one another.',
    ),
    "a reserved name": (
        {7: "  - character: {name: narrator}"},
        '7:16: the name "narrator" is taken by the stage itself; give this one another.',
    ),
    "the player's name": (
        {3: "kind: human-role", ADDED: "player: {name: pip, questions: [Who is it?]}"},
        '7:16: the name "Pip" is taken by "pip"; give this one another.',
    ),
    "the name of the player that a comment gets": (
        {3: "kind: comment", 7: "  - character: {name: Human}"},
        '7:16: the name "Human" is taken by "Human"; give this one another.',
    ),
    "a reserved name for the player": (
        {3: "kind: human-role", ADDED: "player: {name: All, questions: [Who is it?]}"},
        '8:9: the name "All" is taken by the stage itself; give this one another.',
    ),
    "an unknown picture": (
        {7: "  - character: {name: Pip}\n    sees: [{image: harbor}]"},
        '8:20: no image is named "harbor"; did you mean "harbour"?',
    ),
    "a picture in reserve that somebody sees": (
        {
            4: "images: {harbour: {storybook: {seed: 7}, reserve: true}}",
            7: "  - character: {name: Pip}\n    sees: [{image: harbour, from_turn: 3}]",
        },
        '8:20: "harbour" is kept in reserve until the narrator shows it to all; leave it out of "sees", or take its '
        '"reserve" away.',
    ),
    "a picture in reserve that a place shows": (
        {
            4: "images: {harbour: {storybook: {seed: 7}, reserve: true}}",
            6: "  - {character: {name: Brack}, place: quay}",
            7: "  - {character: {name: Pip}, place: quay}",
            ADDED: "places: {quay: {shows: [harbour]}}",
        },
        '8:25: "harbour" is kept in reserve until the narrator shows it to all; leave it out of "shows", or take its '
        '"reserve" away.',
    ),
    "an unknown picture of a place": (
        {
            6: "  - {character: {name: Brack}, place: quay}",
            7: "  - {character: {name: Pip}, place: quay}",
            ADDED: "places: {quay: {shows: [chart]}}",
        },
        '8:25: no image is named "chart"; there are: harbour.',
    ),
    "an unknown place": (
        {
            6: "  - {character: {name: Brack}, place: quay}",
            7: "  - {character: {name: Pip}, place: qay}",
            ADDED: "places: {quay: {}}",
        },
        '7:37: no place is named "qay"; did you mean "quay"?',
    ),
    "a place where there are none": (
        {7: "  - {character: {name: Pip}, place: quay}"},
        '7:37: no place is named "quay"; there are: none.',
    ),
    "an unknown place beside": (
        {
            6: "  - {character: {name: Brack}, place: quay}",
            7: "  - {character: {name: Pip}, place: quay}",
            ADDED: "places: {quay: {beside: [cabbin]}, cabin: {}}",
        },
        '8:26: no place is named "cabbin"; did you mean "cabin"?',
    ),
    "nowhere": (
        {6: "  - {character: {name: Brack}, place: quay}", ADDED: "places: {quay: {}, cabin: {}}"},
        '7:5: this character needs a "place", since the scenario has places: quay, cabin.',
    ),
    "an unknown speaker": (
        {ADDED: "turn_policy: [Brack, Pipp]"},
        '8:22: no character is named "Pipp"; did you mean "Pip"?',
    ),
    "an alias of two": (
        {ADDED: "turn_policy: [Brack, captain]"},
        '8:22: "captain" may be Brack or Pip; write the whole name.',
    ),
    "no speakers": ({ADDED: "turn_policy: []"}, "8:14: a list of speakers needs at least one name."),
    "an unknown first speaker": (
        {ADDED: "opening: [{Moss: Well.}]"},
        '8:18: no character is named "Moss"; there are: Narrator, Brack, Pip.',
    ),
    "two speakers of one line": (
        {ADDED: "opening: [{Brack: Evening., Pip: Aye.}]"},
        '8:11: one line of "opening" has one speaker, such as `- {Brack: "Evening."}`.',
    ),
    "nobody to interview": (
        {ADDED: "interview: [{to: Moss, ask: Who was it?}]"},
        '8:18: no character is named "Moss"; there are: all, Brack, Pip.',
    ),
    "one of many to interview": (
        {ADDED: "interview: [{to: [Brack, Moss], ask: Who was it?}]"},
        '8:18: no character is named "Moss"; there are: all, Brack, Pip.',
    ),
    "a truth to be chosen from nothing": (
        {ADDED: "interview: [{ask: Who was it?, truth: Brack}]"},
        '8:39: a "truth" needs "choices" to be chosen from; add them.',
    ),
    "only one choice": (
        {ADDED: "interview: [{ask: Who was it?, choices: [a cat]}]"},
        '8:41: "choices" must have a length of at least 2, found a list of 1.',
    ),
    "the same choice twice": (
        {ADDED: "interview: [{ask: Who was it?, choices: [a cat, a dog, 'A Cat ']}]"},
        "8:41: the choices must differ by more than capitals and spaces, and none may be blank; change one of them.",
    ),
    "a blank choice": (
        {ADDED: "interview: [{ask: Who was it?, choices: [a cat, '  ']}]"},
        "8:41: the choices must differ by more than capitals and spaces, and none may be blank; change one of them.",
    ),
    "nothing asked": (
        {ADDED: "interview: [{ask: '  '}]"},
        "8:19: a question needs words; write what is asked.",
    ),
    "a truth that is no choice": (
        {ADDED: "interview: [{ask: Who was it?, choices: [a cat, a dog], truth: a rat}]"},
        '8:64: "a rat" is not one of the choices; use one of them.',
    ),
    "a truth that is nobody of the cast": (
        {ADDED: "interview: [{ask: Who was it?, choices: cast, truth: Moss}]"},
        '8:54: no character is named "Moss"; there are: Brack, Pip.',
    ),
    "nobody who asks": (
        {3: "kind: human-role"},
        '3:7: a human-role scenario needs a "player" who asks; add one, with "questions" for instance.',
    ),
    "alone": (
        {7: ""},
        '6:3: a scenario of kind "inter-role" needs at least two characters; add one.',
    ),
    "a story without a narrator": ({3: "kind: story"}, '3:7: a story needs a "narrator"; add `narrator: {}`.'),
    "nobody to lead": (
        {ADDED: "turn_policy: narrator"},
        '8:14: the policy "narrator" needs a narrator; add `narrator: {}`.',
    ),
    "a part that nobody has": (
        {ADDED: "player: {plays: Moss, person: true}"},
        '8:17: no character is named "Moss"; there are: Brack, Pip.',
    ),
    "a part of a narrator who is not there": (
        {ADDED: "player: {plays: Narrator, person: true}"},
        '8:17: no character is named "Narrator"; there are: Brack, Pip.',
    ),
    "a part in a scene where the player asks": (
        {3: "kind: human-role", ADDED: "player: {plays: Pip, person: true}"},
        '8:17: in a scenario of kind "human-role" the player asks; leave out "plays".',
    ),
    "nobody on the stage": (
        {7: "  - {character: {name: Moss}, reserve: true}"},
        "6:3: at least 2 of the cast must be on the stage as it begins; take one out of the reserve.",
    ),
    "a comment on nothing": (
        {3: "kind: comment", 4: ""},
        '3:7: a scenario of kind "comment" is about a picture; add one to "images".',
    ),
}


@pytest.mark.parametrize(("edits", "message"), CASES.values(), ids=CASES)
def test_a_broken_reference_is_refused_at_its_place(tmp_path: Path, edits: dict[int, str], message: str) -> None:
    assert refusals(tmp_path, edits) == [f"scenario.yaml:{message}"]


@pytest.mark.parametrize(
    "edits",
    [
        {ADDED: "turn_policy: [brack, KID, Ｐip]"},
        {ADDED: "opening: [{Narrator: Fog.}, {Kid: '(waves)'}]"},
        {ADDED: "interview: [{ask: Who was it?, choices: cast, truth: kid}, {to: all, ask: Why?}]"},
        {3: "kind: comment", 7: ""},
        {3: "kind: story", ADDED: "narrator: {}"},
        {ADDED: "player: {name: Pip, questions: [Who is it?]}"},
    ],
    ids=["names in any letters", "the narrator and an alias", "an interview", "a bare comment", "a story", "no part"],
)
def test_what_refers_to_something_is_accepted(tmp_path: Path, edits: dict[int, str]) -> None:
    assert refusals(tmp_path, edits) == []


def test_every_broken_reference_is_told_at_once_in_the_order_of_the_file(tmp_path: Path) -> None:
    edits = {7: "  - {character: {name: Brack}, sees: [{image: chart}]}", ADDED: "turn_policy: [Moss]"}
    assert [message.split(":")[1:3] for message in refusals(tmp_path, edits)] == [["7", "17"], ["7", "47"], ["8", "15"]]


def test_a_name_goes_before_an_alias() -> None:
    cast = [CharacterProfile(name="Moss", aliases=("Pip", "Doctor")), CharacterProfile(name="Pip", aliases=("Doctor",))]
    assert [named(name, cast) for name in ("pip", "moss", "doctor", "Vale")] == [1, 0, None, None]


def test_a_player_who_has_no_part_is_told_and_does_not_refuse(tmp_path: Path) -> None:
    scenario = load(file_with(tmp_path, {ADDED: "player: {questions: [Who is it?]}"})).scenario
    assert [keys for keys, _ in unplayed(scenario)] == [("player",)]


APART = {
    6: "  - {character: {name: Brack}, place: quay}",
    7: "  - {character: {name: Pip}, place: hill}",
}


@pytest.mark.parametrize("kind", [{}, {3: "kind: story", ADDED + 1: "narrator: {}"}, {3: "kind: comment"}])
def test_two_rooms_between_which_one_can_go_are_noted_and_not_refused(tmp_path: Path, kind: dict[int, str]) -> None:
    edits = APART | kind | {ADDED: "places: {quay: {beside: [road]}, road: {beside: [hill]}, hill: {}}"}
    assert list(unplayed(load(file_with(tmp_path, edits)).scenario)) == [
        (
            ("cast", 1, "place"),
            'who is in "hill" and who is in "quay" cannot hear each other until somebody goes to the other place; '
            'put places "beside" each other if words are to carry.',
        )
    ]


def test_a_place_beside_itself_is_noted(tmp_path: Path) -> None:
    edits = APART | {ADDED: "places: {quay: {beside: [hill, quay]}, hill: {}}"}
    assert list(unplayed(load(file_with(tmp_path, edits)).scenario)) == [
        (
            ("places", "quay", "beside", 1),
            "what is said in a place is heard there anyway; leave it out of its own list.",
        )
    ]


@pytest.mark.parametrize(
    ("changes", "last"),
    [({ADDED: "turns: 4"}, 4), ({3: "kind: human-role", ADDED: "player: {questions: [Who?, Why?]}"}, 2)],
)
def test_a_picture_that_comes_after_the_last_turn_is_noted(tmp_path: Path, changes: dict[int, str], last: int) -> None:
    def noted(turn: int) -> list[object]:
        sees = f"  - character: {{name: Pip}}\n    sees: [{{image: harbour, from_turn: {turn}}}]"
        return list(unplayed(load(file_with(tmp_path, changes | {7: sees})).scenario))

    rule = f"turn {last} is the last, so this picture never comes into sight; take an earlier turn."
    assert noted(last + 1) == [(("cast", 1, "sees", 0, "from_turn"), rule)]
    assert noted(last) == []
