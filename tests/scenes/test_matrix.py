"""The matrix of variants: numbered like the digits of a number, made when asked for, named by what they set."""

import tracemalloc
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenes.matrix import Matrix, matrix_of, variant_id, with_values
from scenes.scenario import Axis, Range

AXES: dict[str, Axis] = {"turns": (2, 3), "language": ("en", "zh"), "seed": Range(range=(5, 8))}


def all_values(matrix: Matrix) -> list[dict[str, Any]]:
    return [matrix.values(index) for index in range(len(matrix))]


def test_the_last_axis_turns_fastest() -> None:
    expected = [
        dict(zip(("turns", "language", "seed"), values, strict=True))
        for values in product((2, 3), ("en", "zh"), (5, 6, 7))
    ]
    assert all_values(matrix_of(AXES)) == expected


def test_the_values_stand_in_the_order_of_the_file() -> None:
    assert list(matrix_of(AXES).values(0)) == ["turns", "language", "seed"]


def test_a_range_leaves_out_its_end() -> None:
    assert [values["seed"] for values in all_values(matrix_of({"seed": Range(range=(-1, 2))}))] == [-1, 0, 1]


def test_nothing_varied_is_one_variant_called_base() -> None:
    assert all_values(matrix_of({})) == [{}]
    assert variant_id({}) == "base"


def test_a_million_variants_cost_nothing_until_they_are_asked_for() -> None:
    tracemalloc.start()
    matrix = matrix_of({"seed": Range(range=(0, 1_000)), "turns": Range(range=(1, 1_001))})
    assert len(matrix) == 1_000_000
    assert matrix.values(999_999) == {"seed": 999, "turns": 1_000}
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 100_000


def test_a_variant_is_named_by_its_values_in_whatever_order() -> None:
    assert variant_id({"seed": 1, "turns": 2}) == variant_id({"turns": 2, "seed": 1})
    assert variant_id({"seed": 1, "turns": 2}) != variant_id({"seed": 2, "turns": 1})


def test_a_variant_keeps_its_name_when_its_axes_get_other_values() -> None:
    before = {variant_id(values) for values in all_values(matrix_of(AXES))}
    after = {variant_id(values) for values in all_values(matrix_of({**AXES, "language": ("de", "zh", "fr", "en")}))}
    assert before < after


def test_two_hundred_thousand_variants_have_two_hundred_thousand_names() -> None:
    assert len({variant_id({"seed": seed}) for seed in range(200_000)}) == 200_000


@pytest.mark.parametrize(
    ("path", "value", "changed"),
    [
        ("turns", 9, {"turns": 9}),
        ("layout", "mmrole", {"layout": "mmrole"}),
        ("cast.1.place", "cabin", {"cast": [{"name": "A"}, {"name": "B", "place": "cabin"}]}),
        ("cast.0", {"name": "C"}, {"cast": [{"name": "C"}, {"name": "B"}]}),
        ("images.1.seed", 4, {"images": {"1": {"seed": 4}}}),
    ],
)
def test_a_path_sets_one_value_and_leaves_the_rest(path: str, value: Any, changed: dict[str, Any]) -> None:
    data = {"turns": 2, "cast": [{"name": "A"}, {"name": "B"}], "images": {"1": {"seed": 3}}}
    original = repr(data)
    assert with_values(data, {path: value}) == {**data, **changed}
    assert repr(data) == original


@pytest.mark.parametrize(
    "path", ["images.harbour.seed", "cast.2.place", "cast.-1.place", "cast.a", "turns.x", "a.b.c", "cast."]
)
def test_a_path_that_leads_nowhere_is_an_error(path: str) -> None:
    with pytest.raises(LookupError):
        with_values({"turns": 2, "cast": [{"name": "A"}, {"name": "B"}], "images": {}}, {path: 1})


def test_a_path_begins_a_section_that_the_file_leaves_out() -> None:
    assert with_values({"turns": 2}, {"sampling.temperature": 0.5}) == {"turns": 2, "sampling": {"temperature": 0.5}}


@given(st.lists(st.integers(1, 5), max_size=5), st.data())
def test_every_index_has_its_own_combination(lengths: list[int], data: st.DataObject) -> None:
    matrix = Matrix(tuple((f"axis{at}", range(length)) for at, length in enumerate(lengths)))
    one, other = (data.draw(st.integers(0, len(matrix) - 1)) for _ in range(2))
    assert (matrix.values(one) == matrix.values(other)) == (one == other)
