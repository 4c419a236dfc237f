"""Mistakes in a file said as sentences, each at the line and column of what is wrong."""

from enum import StrEnum
from typing import Annotated, Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import (
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    RootModel,
    Tag,
    ValidationError,
    field_validator,
    model_validator,
)

from scenes.checked import MOST_SHOWN, problems_in, validated
from scenes.document import parse_document
from scenes.problem import InputRefused
from scenes.profile import CharacterProfile


class Strict(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)


class Seeded(Strict):
    seed: int = Field(ge=0, le=99)


class Drawn(Strict):
    storybook: Seeded
    size: tuple[int, int] = Field(default=(64, 64), strict=False)


class Photo(Strict):
    file: str
    notes: dict[Annotated[str, Field(max_length=9)], str] = {}

    @model_validator(mode="after")
    def stays_inside(self) -> "Photo":
        if ".." in self.file:
            raise ValueError('"file" must stay inside the folder of the scenario.')
        return self


class Local(Strict):
    kind: Literal["vllm", "transformers"]
    memory: float = Field(default=0.9, gt=0, lt=1)


class Remote(Strict):
    kind: Literal["openai"]
    url: str = Field(pattern="^https?://")


class Member(Strict):
    character: CharacterProfile | Annotated[str, Field(min_length=1, max_length=200)]
    place: str | None = None
    from_turn: int = Field(default=1, alias="from")


def form(value: Any) -> str:
    return "one" if isinstance(value, str) else "many"


class Mood(StrEnum):
    CALM = "calm"
    ANGRY = "angry"


class Beat(Strict):
    """A tree of itself."""

    then: "list[Beat | str]" = []


class Play(Strict):
    version: Literal[1] = 1
    title: Annotated[str, Field(min_length=1, max_length=20)]
    kind: Literal["comment", "human-role", "inter-role", "story"] = "story"
    turns: int = Field(default=10, ge=1, le=200, multiple_of=2)
    temperature: float = 0.8
    loud: bool = False
    images: dict[str, Drawn | Photo] = {}
    cast: list[Member] = Field(default=[], max_length=3)
    turn_policy: Literal["mention", "random"] | list[str] = "mention"
    limit: int | Literal["none"] | None = None
    engine: Annotated[Local | Remote, Field(discriminator="kind")] | None = None
    mood: Mood | None = Field(default=None, strict=False)
    scorers: Annotated[Annotated[str, Tag("one")] | Annotated[list[Seeded], Tag("many")], Discriminator(form)] = "all"
    beat: Beat | None = None
    tags: RootModel[list[str]] | None = None
    crops: tuple[Seeded, ...] = Field(default=(), strict=False)

    @field_validator("cast")
    @classmethod
    def has_no_twins(cls, cast: list[Member]) -> list[Member]:
        if len(cast) != len({str(member.character) for member in cast}):
            raise ValueError("two of the cast are the same; keep one.")
        return cast


def refusals(text: str, model: type[BaseModel] = Play) -> list[str]:
    with pytest.raises(InputRefused) as refused:
        validated(model, parse_document(text, "play.yaml"))
    return [str(problem).removeprefix("play.yaml:") for problem in refused.value.problems]


def test_a_document_without_mistakes_becomes_a_model() -> None:
    text = "title: Tea\nimages: {a: {storybook: {seed: 1}, size: [1, 2]}}\ncast: [{character: {name: Ann}, from: 2}]"
    play = validated(Play, parse_document(text, "play.yaml"))
    assert play.images == {"a": Drawn(storybook=Seeded(seed=1), size=(1, 2))}
    assert play.cast[0].character == CharacterProfile(name="Ann")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("turns: ten", '2:8: "turns" must be a whole number, found the text "ten".'),
        ("turns: 10.5", '2:8: "turns" must be a whole number, found 10.5.'),
        ("turns: true", '2:8: "turns" must be a whole number, found true.'),
        ("turns:", '2:7: "turns" must be a whole number, found nothing; write a value.'),
        ("turns: [10]", '2:8: "turns" must be a whole number, found a list of 1.'),
        ("turns: -2", '2:8: "turns" must be at least 1, found -2.'),
        ("turns: 202", '2:8: "turns" must be at most 200, found 202.'),
        ("turns: 7", '2:8: "turns" must be a multiple of 2, found 7.'),
        ("temperature: hot", '2:14: "temperature" must be a number, found the text "hot".'),
        ("temperature: .nan", '2:14: "temperature" must be a finite number, found NaN.'),
        ("temperature: -.inf", '2:14: "temperature" must be a finite number, found -Infinity.'),
        ("loud: yes", '2:7: "loud" must be true or false, found the text "yes".'),
        ("version: 2", '2:10: "version" must be 1, found 2.'),
        ("images: 3", '2:9: "images" must be a mapping, found 3.'),
        ("cast: {a: 1}", '2:7: "cast" must be a list, found a mapping.'),
        ("cast: [Ann]", '2:8: item 1 of "cast" must be a mapping, found the text "Ann".'),
        ("cast: [1, 2, 3, 4]", '2:7: "cast" must have a length of at most 3, found a list of 4.'),
        ("cast: [{}]", '2:8: key "character" is missing; add it.'),
        ("cast: [{character: a}, {character: a}]", "2:7: two of the cast are the same; keep one."),
        (
            "kind: inter-rol",
            '2:7: "kind" must be "comment", "human-role", "inter-role" or "story", '
            'found the text "inter-rol"; did you mean "inter-role"?',
        ),
        ("volume: 3", '2:1: unknown key "volume"; known here: "version", "title", "kind", "turns", '),
        ("kinds: 1", '2:1: unknown key "kinds"; did you mean "kind"?'),
        ("cast: [{character: a, frm: 1}]", '2:23: unknown key "frm"; did you mean "from"?'),
        ("cast: [{character: a, from: 1.5}]", '2:29: "from" must be a whole number, found 1.5.'),
        ("images: {a: {file: a.png, notes: {abcdefghij: b}}}", '2:35: "abcdefghij" must have a length of at most 9, '),
        ("images: {a: {file: ../a.png}}", '2:13: "file" must stay inside the folder of the scenario.'),
        ("mood: clam", "2:7: \"mood\" must be 'calm' or 'angry', found the text \"clam\"."),
        ("tags: [1]", '2:8: item 1 of "tags" must be a text, found 1; put it in quotes.'),
        ("crops: [{seed: 1}, {seed: a}]", '2:27: "seed" must be a whole number, found the text "a".'),
        ("images: {a: {storybook: {seed: 1}, size: [1, x]}}", '2:46: item 2 of "size" must be a whole number, found '),
    ],
)
def test_a_mistake_is_said_in_one_sentence_at_its_place(line: str, message: str) -> None:
    (found,) = refusals(f"title: Tea\n{line}\n")
    assert found.startswith(message)


@pytest.mark.parametrize(
    ("title", "message"),
    [
        ("7", '1:8: "title" must be a text, found 7; put it in quotes.'),
        ("true", '1:8: "title" must be a text, found true; put it in quotes.'),
        ("''", '1:8: "title" must have a length of at least 1, found the text "".'),
        ("x" * 21, f'1:8: "title" must have a length of at most 20, found the text "{"x" * 21}".'),
        ("x" * 100_000, '1:8: "title" must have a length of at most 20, found a text of 100000 characters.'),
        (
            '"a\\n\\n  \\u202e and some more words"',
            '1:8: "title" must have a length of at most 20, found the text "a ⟨U+2',
        ),
    ],
)
def test_what_was_found_is_quoted_cleaned_and_short(title: str, message: str) -> None:
    (found,) = refusals(f"title: {title}")
    assert found.startswith(message)
    assert len(found) < 200


@pytest.mark.parametrize(
    ("line", "messages"),
    [
        # The branch whose keys these are:
        ("images: {a: {storybook: {seed: 100}}}", ['2:32: "seed" must be at most 99, found 100.']),
        ("images: {a: {storybook: {seed: 1}, sise: 2}}", ['2:36: unknown key "sise"; did you mean "size"?']),
        ("images: {a: {file: 3}}", ['2:20: "file" must be a text, found 3; put it in quotes.']),
        ("images: {a: {fiel: x.png}}", ['2:14: unknown key "fiel"; did you mean "file"?']),
        ("cast: [{character: {name: Ann, likez: [tea]}}]", ['2:32: unknown key "likez"; did you mean "likes"?']),
        (
            "cast: [{character: {likes: [tea, 3]}}]",
            [
                '2:20: key "name" is missing; add it.',
                '2:34: item 2 of "likes" must be a text, found 3; put it in quotes.',
            ],
        ),
        ("cast: [{character: ''}]", ['2:20: "character" must have a length of at least 1, found the text "".']),
        ("turn_policy: [a, 3]", ['2:18: item 2 of "turn_policy" must be a text, found 3; put it in quotes.']),
        ("beat: {then: [a, {then: [{than: []}]}]}", ['2:27: unknown key "than"; did you mean "then"?']),
        # No branch at all:
        ("images: {a: 3}", ['2:13: "a" must be a mapping, found 3.']),
        ("cast: [{character: 3}]", ['2:20: "character" must be a mapping or a text, found 3; put it in quotes.']),
        (
            "turn_policy: menton",
            [
                '2:14: "turn_policy" must be "mention", "random" or a list, found the text "menton"; '
                'did you mean "mention"?'
            ],
        ),
        ("limit: 1.5", ['2:8: "limit" must be a whole number or "none", found 1.5.']),
        ("beat: {then: [3]}", ['2:15: item 1 of "then" must be a mapping or a text, found 3; put it in quotes.']),
        # Branches told apart by a tag:
        ("engine: {kind: vllm, memory: 2}", ['2:30: "memory" must be less than 1.0, found 2.']),
        ("engine: {kind: openai, url: x}", ['2:29: "url" must match the pattern ^https?://, found the text "x".']),
        ("engine: {kind: openai, memory: 1}", ['2:9: key "url" is missing; add it.', '2:24: unknown key "memory"; ']),
        (
            "engine: {kind: opena}",
            ['2:16: "kind" must be "vllm", "transformers" or "openai", found the text "opena"; did you mean "openai"?'],
        ),
        ("engine: {memory: 1}", ['2:9: key "kind" is missing; it must be "vllm", "transformers" or "openai".']),
        ("engine: vllm", ['2:9: "engine" must be a mapping, found the text "vllm".']),
        ("scorers: [{seed: 1}, {seed: x}]", ['2:29: "seed" must be a whole number, found the text "x".']),
        ("scorers: {seed: 1}", ['2:10: "scorers" must be a list, found a mapping.']),
    ],
)
def test_of_a_union_the_branch_that_was_meant_is_spoken_of(line: str, messages: list[str]) -> None:
    found = refusals(f"title: Tea\n{line}\n")
    assert len(found) == len(messages)
    assert all(said.startswith(message) for said, message in zip(found, messages, strict=True))


def test_all_mistakes_are_told_at_once_in_the_order_of_the_file() -> None:
    text = "turns: 0\ncast:\n  - {character: {name: ''}}\nimages: {a: {storybook: {}}}\ntitel: Tea\n"
    assert refusals(text) == [
        '1:8: "turns" must be at least 1, found 0.',
        '3:24: "name" must have a length of at least 1, found the text "".',
        '4:25: key "seed" is missing; add it.',
        '5:1: unknown key "titel"; did you mean "title"?',
    ]


def test_a_list_of_wrong_items_is_not_called_too_short_as_well() -> None:
    class Crew(BaseModel):
        cast: tuple[Member, ...] = Field(strict=False, min_length=1)
        crop: tuple[int, int, int] = Field(default=(0, 0, 0), strict=False)

    assert refusals("cast: [Ann]", Crew) == ['1:8: item 1 of "cast" must be a mapping, found the text "Ann".']
    assert refusals("cast: []", Crew) == ['1:7: "cast" must have a length of at least 1, found a list of 0.']
    assert refusals("cast: [{character: a}]\ncrop: [1, 2]", Crew) == ['2:7: item 3 of "crop" is missing; add it.']


def test_only_the_first_mistakes_are_told_and_the_rest_counted() -> None:
    found = refusals("title: Tea\n" + "".join(f"key{line}: 1\n" for line in range(2, 52)))
    assert [int(said.split(":")[0]) for said in found] == [*range(2, 2 + MOST_SHOWN), 2 + MOST_SHOWN]
    assert found[-1] == f"{2 + MOST_SHOWN}:1: … and {50 - MOST_SHOWN} more from here on."


def test_a_mistake_in_what_an_alias_repeats_is_shown_where_it_is_written() -> None:
    assert refusals("title: Tea\nbeat: &beat {then: [{thn: []}]}\nscorers: *beat\n")[0].startswith("2:22: unknown key")


def test_a_model_of_a_part_of_the_file_is_told_of_at_its_place() -> None:
    document = parse_document("people:\n  - name: Ann\n    likes: tea\n", "play.yaml")
    with pytest.raises(ValidationError) as error:
        CharacterProfile.model_validate({"name": "Ann", "likes": "tea"})
    (problem,) = problems_in(error.value, document, CharacterProfile, ("people", 0))
    assert str(problem) == 'play.yaml:3:12: "likes" must be a list, found the text "tea".'
    with pytest.raises(ValidationError) as error:
        CharacterProfile.model_validate("Ann")
    (problem,) = problems_in(error.value, document, CharacterProfile, ("people", 0))
    assert str(problem) == 'play.yaml:2:5: item 1 of "people" must be a mapping, found the text "Ann".'


def test_the_branch_that_knows_more_of_the_keys_is_meant_though_it_lacks_more() -> None:
    class Exact(Strict):
        place: Literal["sea", "wood"]
        weather: str
        seed: int

    class Picture(Strict):
        drawing: Seeded | Exact

    assert refusals("drawing: {place: sea, seed: 1}", Picture) == ['1:10: key "weather" is missing; add it.']
    assert refusals("drawing: {sed: 1}", Picture) == ['1:11: unknown key "sed"; did you mean "seed"?']


def test_branches_with_one_label_are_all_spoken_of_at_the_place() -> None:
    class Twins(Strict):
        twins: list[Annotated[str, Field(max_length=1)] | Annotated[str, Field(pattern="^a")]]

    assert refusals("twins: [bcd]", Twins) == [
        '1:9: item 1 of "twins" must have a length of at most 1, found the text "bcd".',
        '1:9: item 1 of "twins" must match the pattern ^a, found the text "bcd".',
    ]


def test_what_a_validator_says_is_said_as_it_is() -> None:
    class Even(Strict):
        number: int

        @field_validator("number")
        @classmethod
        def is_even(cls, number: int) -> int:
            if number % 2:
                raise AssertionError("take an even number")
            return number

    assert refusals("number: 3", Even) == ["1:9: take an even number."]


KEYS = sorted(
    {name for model in (Play, Drawn, Member, Local, CharacterProfile) for name in model.model_fields} | {"from"}
)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.sampled_from(KEYS)
DATA = st.dictionaries(
    st.sampled_from(KEYS),
    st.recursive(
        SCALARS | st.sampled_from(["vllm", "openai", "mention", "inter-role"]),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=5),
        max_leaves=15,
    ),
)


@settings(derandomize=True, deadline=None, max_examples=400)
@given(DATA)
def test_whatever_the_data_every_mistake_is_a_sentence_with_a_place(data: dict[str, Any]) -> None:
    document = parse_document("title: Tea", "play.yaml")
    try:
        Play.model_validate(data)
    except ValidationError as error:
        problems = problems_in(error, document, Play)
        assert 1 <= len(problems) <= MOST_SHOWN + 1
        for problem in problems:
            assert (problem.file, problem.line) == ("play.yaml", 1)
            assert problem.message.endswith((".", "?"))
            assert "pydantic" not in problem.message
            assert len(str(problem).splitlines()) == 1
