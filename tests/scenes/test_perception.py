"""Who perceives what, by place: the one rule that everything private rests on."""

from collections.abc import Mapping

import pytest

from scenes.event import EventKind, How
from scenes.perception import Perception, groups_in_earshot
from scenes.scenario import CastMember, PlaceSpec, Scenario

HOUSE = {"quay": ["cabin"], "cabin": [], "hill": []}
"""The cabin is beside the quay, as only the quay says; the hill is far from both."""
WHERE: dict[str, str | None] = {"Brack": "quay", "Odile": "quay", "Pip": "cabin", "Vale": "hill"}


def scenario(places: Mapping[str, list[str]], *cast: str) -> Scenario:
    members = tuple(CastMember(character="storybook/brack", place=place) for place in cast)
    specs = {name: PlaceSpec(beside=tuple(beside)) for name, beside in places.items()}
    return Scenario(schema_version=1, title="Places", kind="inter-role", places=specs, cast=members)


def perceived(kind: EventKind, actor: str, where: Mapping[str, str | None] = WHERE) -> dict[str, How]:
    return Perception(scenario(HOUSE, "quay"), where).of(kind, actor)


@pytest.mark.parametrize(
    ("kind", "actor", "by"),
    [
        ("speech", "Brack", {"Brack": "did", "Odile": "heard", "Pip": "heard"}),
        ("speech", "Pip", {"Pip": "did", "Brack": "heard", "Odile": "heard"}),
        ("speech", "Vale", {"Vale": "did"}),
        ("action", "Brack", {"Brack": "did", "Odile": "saw"}),
        ("action", "Pip", {"Pip": "did"}),
        ("thought", "Brack", {"Brack": "thought"}),
        ("narration", "Narrator", dict.fromkeys(WHERE, "was told")),
    ],
)
def test_words_carry_to_places_beside_and_sight_does_not(kind: EventKind, actor: str, by: dict[str, How]) -> None:
    assert perceived(kind, actor) == by


@pytest.mark.parametrize(("kind", "sense"), [("speech", "heard"), ("action", "saw")])
def test_a_player_outside_perceives_everybody_and_is_perceived_by_all(kind: EventKind, sense: How) -> None:
    where = WHERE | {"Human": None}
    assert perceived(kind, "Vale", where) == {"Vale": "did", "Human": sense}
    assert perceived(kind, "Human", where) == {name: sense for name in WHERE} | {"Human": "did"}


def test_a_player_outside_reads_no_thoughts() -> None:
    assert perceived("thought", "Brack", WHERE | {"Human": None}) == {"Brack": "thought"}


def test_without_places_everybody_perceives_everybody() -> None:
    nowhere: dict[str, str | None] = {"Brack": None, "Pip": None}
    assert Perception(scenario({}, "quay"), nowhere).of("action", "Pip") == {"Brack": "saw", "Pip": "did"}


@pytest.mark.parametrize(
    ("places", "cast", "groups"),
    [
        (HOUSE, ["quay", "cabin"], [{"quay", "cabin"}]),
        (HOUSE, ["quay", "hill"], [{"quay"}, {"hill"}]),
        ({"a": ["b"], "b": ["c"], "c": []}, ["a", "b", "c"], [{"a", "b", "c"}]),
        ({"a": ["b"], "b": ["c"], "c": []}, ["a", "c"], [{"a"}, {"c"}]),
    ],
    ids=["beside", "apart", "through somebody between", "nobody between"],
)
def test_places_are_within_earshot_if_somebody_is_in_each_between(
    places: dict[str, list[str]], cast: list[str], groups: list[set[str]]
) -> None:
    assert sorted(groups_in_earshot(scenario(places, *cast)), key=sorted) == sorted(groups, key=sorted)


@pytest.mark.parametrize(
    ("to", "by"),
    [
        (("Odile",), {"Brack": "did", "Odile": "heard"}),
        (("Odile", "Pip"), {"Brack": "did", "Odile": "heard"}),
        (("Pip",), {"Brack": "did"}),
        (("Vale",), {"Brack": "did"}),
    ],
)
def test_a_whisper_reaches_those_it_is_for_at_the_same_place(to: tuple[str, ...], by: dict[str, How]) -> None:
    """The cabin, where ordinary words carry to, is too far for it."""
    assert Perception(scenario(HOUSE, "quay"), WHERE).of("speech", "Brack", to) == by


def test_who_has_moved_perceives_where_it_is_now() -> None:
    perception = Perception(scenario(HOUSE, "quay"), WHERE)
    perception.put("Vale", "cabin")
    assert perception.of("action", "Pip") == {"Pip": "did", "Vale": "saw"}
    assert perception.of("speech", "Vale") == {"Vale": "did", "Brack": "heard", "Odile": "heard", "Pip": "heard"}
    assert perception.together_with("Pip") == ["Pip", "Vale"]


def test_who_is_off_the_stage_perceives_nothing_and_is_not_perceived() -> None:
    perception = Perception(scenario(HOUSE, "quay"), WHERE)
    perception.take_away("Odile")
    assert perception.of("speech", "Brack") == {"Brack": "did", "Pip": "heard"}
    assert perception.of("narration", "Narrator") == {"Brack": "was told", "Pip": "was told", "Vale": "was told"}
    assert perception.of("state", "Odile") == {}
    assert perception.together_with("Odile") == []


def test_what_the_narrator_decides_reaches_nobody() -> None:
    assert perceived("system", "Narrator") == {}
