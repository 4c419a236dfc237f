"""The checker of claims: held against replies written by hand, and rule by rule."""

import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
import yaml

from scenes.storybook.drawing import PLACES, Drawing
from scorers.claims import ABOUT, claims_in, is_true

FILE = yaml.safe_load((Path(__file__).parent / "replies.yaml").read_text(encoding="utf-8"))
SETS = ("dev", "held_out", "untouched", "wordy", "later")
WEATHERS, TIMES = {"clear", "cloudy", "rain", "snow", "fog"}, {"day", "dusk", "night"}

Verdict = tuple[str, bool]


def drawing_of(**changes: Any) -> Drawing:
    """Return a drawing, its groups in words: `boat red 1 left`."""
    given = FILE["drawings"]["quay"] | changes
    groups = [
        dict(zip(("kind", "colour", "number", "position"), group.split(), strict=True)) for group in given["groups"]
    ]
    return Drawing.model_validate(given | {"groups": [group | {"number": int(group["number"])} for group in groups]})


DRAWINGS = {name: drawing_of(**given) for name, given in FILE["drawings"].items()}
QUAY = DRAWINGS["quay"]
BOTH = {(said, True) for said in ("boat", "boat 1", "lighthouse", "lighthouse 1")}
BOAT = {("boat", True), ("boat 1", True)}
RED = {*BOAT, ("boat red", True)}


def found(text: str, before: str = "", drawing: Drawing = QUAY) -> set[Verdict]:
    """Return what is found in a line, with the verdicts."""
    verdicts = ((claim.said, is_true(claim, [drawing])) for claim in claims_in(text, before))
    return {(said, true) for said, true in verdicts if true is not None}


def expected(reply: dict[str, str]) -> set[Verdict]:
    lists = {True: reply.get("holds", ""), False: reply.get("fails", "")}
    return {(said, true) for true, listed in lists.items() for said in listed.split(", ") if said}


def about(said: str) -> str:
    """Return what kind of claim it is, from the words that the file uses."""
    value = said.replace("not ", "").split()[-1]
    one_word = " " not in said.replace("not ", "")
    if one_word and value in {*WEATHERS, *TIMES, *PLACES}:
        return "weather" if value in WEATHERS else "time" if value in TIMES else "place"
    if one_word:
        return "object"
    return "number" if re.match(r">?\d", value) else "position" if value in ("left", "middle", "right") else "colour"


def measured(names: Iterable[str]) -> tuple[float, float]:
    """Return precision and recall of claims with their verdicts; print both for every kind of claim."""
    right, extra, missed = Counter[str](), Counter[str](), Counter[str]()
    for reply in (reply for name in names for reply in FILE[name]):
        told, wanted = found(reply["says"], reply.get("before", ""), DRAWINGS[reply["of"]]), expected(reply)
        for count, verdicts in ((right, told & wanted), (extra, told - wanted), (missed, wanted - told)):
            count.update(about(said) for said, _ in verdicts)
    for kind in ABOUT:
        print(f"{kind:9} right {right[kind]:4}  extra {extra[kind]:3}  missed {missed[kind]:3}")
    return right.total() / (right + extra).total(), right.total() / (right + missed).total()


def test_claims_of_the_first_two_sets_of_replies_are_found_and_judged() -> None:
    assert (len(FILE["dev"]), len(FILE["held_out"])) == (114, 100)
    precision, recall = measured(("dev", "held_out"))
    assert precision >= 0.95
    assert recall >= 0.95


@pytest.mark.parametrize("name", SETS)
def test_no_set_of_replies_is_read_badly(name: str) -> None:
    precision, recall = measured((name,))
    assert min(precision, recall) >= 0.95


def test_every_kind_of_claim_is_in_the_replies_both_true_and_false() -> None:
    seen = Counter((about(said), true) for name in SETS for reply in FILE[name] for said, true in expected(reply))
    assert min(seen[kind, true] for kind in ABOUT for true in (True, False)) >= 1


@pytest.mark.parametrize(
    ("text", "claims"),
    [
        ("Two red boats on the right.", {("boat", True), ("boat 2", False), ("boat red", True), ("boat right", False)}),
        ("The boats are red.", {("boat", True), ("boat >1", False), ("boat red", True)}),
        ("No boat here.", {("not boat", False)}),
        ("I see no green boat.", {("boat not green", True)}),
        ("It is not raining.", {("not rain", True)}),
        ("I like boats and red lighthouses.", set()),
        ("I like the boat.", {("boat", True), ("boat 1", True)}),
        ("A ship I once sailed was black.", set()),
        ("Is that a kite?", set()),
        ("What say you of the kite?", {("kite", False), ("kite 1", False)}),
        ("My boat is black.", set()),
        ("A boat. It is red.", RED),
        ("The boat and the lighthouse. It is red.", BOTH),
        ("A boat! No, wait, three of them!", {("boat", True), ("boat 3", False)}),
        ("To the left of the lighthouse all is quiet.", {("lighthouse", True), ("lighthouse 1", True)}),
        ("Good evening. You are right, there is nothing left.", set()),
        ("The boat is not black but red.", RED | {("boat not black", True)}),
        ("Neither the boat nor the lighthouse is red.", BOTH | {("boat not red", False), ("lighthouse not red", True)}),
        ("None of the boats are red.", {("boat", True), ("boat >1", False), ("boat not red", False)}),
        ("No boat is blue.", {("boat not blue", True)}),
        ("Not one boat is red or blue.", {("boat not red", False), ("boat not blue", True)}),
        ("If the boat were blue, I should know.", BOAT),
        ("Perhaps the boat is blue, perhaps not.", BOAT),
        ("If you ask me, the boat is red.", RED),
        ("Not the boat is yellow.", BOAT),
        ("Is no boat blue?", set()),
    ],
)  # fmt: skip
def test_a_line_claims_what_it_says_and_no_more(text: str, claims: set[Verdict]) -> None:
    assert found(text) == claims


@pytest.mark.parametrize(
    ("before", "text", "claims"),
    [
        ("Do you see a kite?", "Yes, lad.", {("kite", False)}),
        ("Do you see a kite?", "No, lad.", {("not kite", True)}),
        ("Do you see a kite?", "By the tide, lad.", set()),
        ("Is the boat red?", "No.", {("boat not red", False)}),
        ("Is there a green boat on the left?", "No.", set()),
        ("Do you like the boat?", "Yes!", set()),
        ("What colour is the boat?", "Black, plain as a keel.", {("boat black", False)}),
        ("How many boats are there?", "I count one.", {("boat 1", True)}),
        ("Where is the boat?", "On the left, lad.", {("boat left", True)}),
        ("The boat and the kite?", "Red.", set()),
    ],
)
def test_an_answer_claims_what_was_asked(before: str, text: str, claims: set[Verdict]) -> None:
    assert found(text, before) == claims


def test_a_claim_is_said_once_however_often_it_is_made() -> None:
    said = [claim.said for claim in claims_in("A red boat! I see a red boat! The boat is red!")]
    assert said == ["boat", "boat 1", "boat red"]


def test_a_claim_quotes_its_own_words() -> None:
    quotes = {claim.said: claim.words for claim in claims_in("Look there, lad: two black boats on the right.")}
    assert quotes["boat 2"] == "two black boats"
    assert quotes["boat right"] == "two black boats on the right"


def test_of_several_drawings_a_claim_needs_one() -> None:
    (claim,) = claims_in("It is snowing.")
    assert [is_true(claim, [QUAY]), is_true(claim, [QUAY, DRAWINGS["cape"]])] == [False, True]


@pytest.mark.parametrize(("place", "kind"), [("street", "house"), ("forest", "tree")])
def test_what_a_place_is_painted_with_is_not_judged(place: str, kind: str) -> None:
    drawing = drawing_of(place=place)
    assert found(f"A {kind} on the left. No {kind}s.", drawing=drawing) == set()
    assert found(f"A red {kind}.", drawing=drawing) == {(f"{kind} red", False)}
    assert (kind, False) in found(f"A {kind} on the left.")


@pytest.mark.parametrize(
    ("text", "claims"),
    [
        ("Two cacti.", {("cactus", True), ("cactus 2", True)}),
        ("Green butterflies!", {("butterfly", False), ("butterfly >1", False), ("butterfly green", False)}),
        ("A tortoise on the right.", {("turtle", True), ("turtle 1", True), ("turtle right", True)}),
        ("We are in the mountains.", {("mountains", False)}),
        ("This is a desert, not a forest.", {("desert", True), ("not forest", True)}),
        ("Have a ball, and build a castle in the air.", set()),
    ],
)
def test_the_newer_kinds_and_places_are_read(text: str, claims: set[Verdict]) -> None:
    drawing = drawing_of(place="desert", groups=["cactus green 2 left", "turtle red 1 right"])
    assert found(text, drawing=drawing) == claims


@pytest.mark.parametrize(("weather", "true"), [("cloudy", True), ("rain", True), ("snow", True), ("fog", False)])
def test_clouds_are_there_wherever_they_are_painted(weather: str, true: bool) -> None:
    assert found("Heavy clouds above us.", drawing=drawing_of(weather=weather)) == {("cloudy", true)}


@pytest.mark.parametrize("text", ["", "…", "?!", "\x1b[31m", "💥 ⟨⟩", "no " * 5000, "the red " * 5000, "it's " * 5000])
def test_odd_text_is_read_as_no_claim(text: str) -> None:
    assert claims_in(text, text) == []
