"""The form of a reply: filled in by lot, so that every draw follows it and the seed alone decides."""

import json
from random import Random
from typing import Any

import pytest
from asking import FORM, follows
from hypothesis import given
from hypothesis import strategies as st

from sandbox.engines.form import instance, members, read_form, without_controls
from scenes.chat import CallFailed

VALUES = st.text(max_size=5) | st.integers() | st.booleans() | st.none()
LEAVES = st.one_of(
    st.builds(dict, const=VALUES),
    st.builds(dict, enum=st.lists(VALUES, min_size=1, max_size=4)),
    st.builds(dict, type=st.just("string"), maxLength=st.integers(0, 40)),
    st.sampled_from([{"type": "string"}, {"type": "integer"}, {"type": "boolean"}, {"type": "null"}]),
)


def arrays(items: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    bounds = st.tuples(st.integers(0, 3), st.integers(0, 3)).map(sorted)
    return st.builds(
        lambda items, bounds: {"type": "array", "items": items, "minItems": bounds[0], "maxItems": bounds[1]},
        items,
        bounds,
    )


def objects(parts: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    return st.builds(
        lambda parts, needed: {
            "type": "object",
            "properties": parts,
            "required": list(parts)[:needed],
            "additionalProperties": False,
        },
        st.dictionaries(st.text(max_size=5), parts, max_size=4),
        st.integers(0, 4),
    )


FORMS = st.recursive(
    LEAVES,
    lambda parts: arrays(parts) | objects(parts) | st.builds(dict, anyOf=st.lists(parts, min_size=1, max_size=3)),
    max_leaves=10,
)


@given(form=FORMS, seed=st.integers())
def test_what_is_drawn_follows_the_form(form: dict[str, Any], seed: int) -> None:
    follows(json.dumps(instance(form, Random(seed))), form)


@given(form=FORMS, seed=st.integers())
def test_a_seed_draws_the_same_again(form: dict[str, Any], seed: int) -> None:
    assert instance(form, Random(seed)) == instance(form, Random(seed))


def test_everything_that_a_form_leaves_open_is_drawn() -> None:
    drawn = [instance(FORM, Random(seed)) for seed in range(60)]
    assert {reply["action"] for reply in drawn} == {"pick_speaker", "end"}
    assert {len(reply["touched"]) for reply in drawn} == {1, 2}
    assert {len(reply.get("steps", "none")) for reply in drawn} == {0, 1, 2, 4}
    assert {reply["speaker"] for reply in drawn} == {*FORM["properties"]["speaker"]["anyOf"][0]["enum"], None}


@pytest.mark.parametrize(
    ("schema", "values"),
    [
        ({"const": 3}, [3]),
        ({"type": "string", "enum": ["a", "b"]}, ["a", "b"]),
        ({"anyOf": [{"enum": ["a"]}, {"type": "null"}, {"type": "boolean"}]}, ["a", None, True, False]),
        ({"anyOf": [{"const": "a"}, {"type": "string"}]}, None),
        ({"type": "integer"}, None),
    ],
)
def test_a_form_that_lists_its_values_is_told_from_one_that_does_not(schema: dict[str, Any], values: Any) -> None:
    assert members(schema) == values


@pytest.mark.parametrize("form", ["", "{", "[" * 100_000, "5", "null", "NaN", '"text"', "[1]"])
def test_a_form_that_is_no_schema_is_refused(form: str) -> None:
    with pytest.raises(CallFailed, match="the form of the reply"):
        read_form(form)


@pytest.mark.parametrize("schema", [{}, {"type": "wish"}, {"type": "array"}, {"enum": []}, {"$ref": "#/x"}])
def test_a_part_that_is_not_known_is_refused_and_shown(schema: dict[str, Any]) -> None:
    with pytest.raises(CallFailed, match="not known"):
        instance({"type": "array", "items": schema, "minItems": 1}, Random(0))


def test_control_characters_become_blanks_and_nothing_else_changes() -> None:
    assert without_controls('{"why":"A\tbird\x00.\x1f 海 \x7f"}') == '{"why":"A bird .  海 \x7f"}'
