"""Reading YAML: what is accepted, what is refused, and that every key and value knows its place."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from scenes.document import MAX_BYTES, Keys, parse_document, read_document
from scenes.problem import InputRefused
from scenes.tree import MAX_ALIASED, MAX_DEPTH, Json

SCENARIO = """\
schema_version: 1
title: Harbour at dusk   # a comment
kind: inter-role
premise: >-
  Two old rivals meet on the quay
  as the light goes.
images:
  harbour: {storybook: {seed: 7}}
places: {quay: {shows: [harbour]}, cabin: {beside: [quay]}}
cast:
  - {character: storybook/brack, place: quay, secret: He moved the buoy himself.}
  - character: &odile
      name: Odile
      likes: [rope, "tar: black"]
    place: quay
    sees: [{image: harbour, crop: [0, 0, 64, 128], from_turn: 3}]
  - character: *odile
opening: [{Brack: "Evening.\\n"}]
sampling: {temperature: 0.8, max_tokens: 80}
turns: 10
"""


def read(text: str) -> Any:
    return parse_document(text, "tea.yaml").data


def refusal(text: str | bytes) -> str:
    with pytest.raises(InputRefused) as refused:
        parse_document(text, "tea.yaml")
    return str(refused.value)


def test_a_scenario_is_read_as_plain_data() -> None:
    data = read(SCENARIO)
    assert data["premise"] == "Two old rivals meet on the quay as the light goes."
    assert data["cast"][1]["character"] == {"name": "Odile", "likes": ["rope", "tar: black"]}
    assert data["cast"][2]["character"] == data["cast"][1]["character"]
    assert data["opening"] == [{"Brack": "Evening.\n"}]
    assert data["sampling"] == {"temperature": 0.8, "max_tokens": 80}


@pytest.mark.parametrize(
    ("keys", "place"),
    [
        ((), (1, 1)),
        (("title",), (2, 8)),
        (("images", "harbour", "storybook", "seed"), (8, 31)),
        (("cast",), (11, 3)),
        (("cast", 0, "place"), (11, 41)),
        (("cast", 1, "character", "likes", 1), (14, 21)),
        (("cast", 1, "sees", 0, "crop", 2), (16, 42)),
        (("cast", 2, "character"), (17, 16)),
        (("cast", 2, "character", "name"), (13, 13)),
    ],
)
def test_every_value_has_its_place(keys: Keys, place: tuple[int, int]) -> None:
    assert parse_document(SCENARIO, "tea.yaml").place(keys) == place


@pytest.mark.parametrize("keys", [("cast", 1, "mood"), ("cast", 1, 0), ("cast", 1, "mood", "x")])
def test_a_value_that_is_missing_has_the_place_of_what_is_around_it(keys: Keys) -> None:
    document = parse_document(SCENARIO, "tea.yaml")
    assert document.place(keys) == document.key_place(keys) == (12, 5)


def test_a_key_has_a_place_of_its_own() -> None:
    document = parse_document(SCENARIO, "tea.yaml")
    assert document.key_place(("images", "harbour")) == (8, 3)
    assert document.key_place(("cast", 1, "sees", 0, "from_turn")) == (16, 52)
    assert document.key_place(("cast", 1)) == document.place(("cast", 1))
    assert document.key_place(("nowhere", "title")) == document.key_place(()) == (1, 1)


def test_a_problem_is_shown_with_file_line_and_column() -> None:
    document = parse_document(SCENARIO, "tea.yaml")
    assert str(document.problem(("turns",), "too few.")) == "tea.yaml:20:8: too few."


@pytest.mark.parametrize(
    ("word", "value"),
    [
        *[(word, None) for word in ("", "~", "null", "Null", "NULL")],
        *[(word, True) for word in ("true", "True", "TRUE")],
        *[(word, False) for word in ("false", "False", "FALSE")],
        *[(word, word) for word in ("no", "on", "Yes", "y", "12:30:00", "2026-11-20", "1_000", "nULL", ".", "1e")],
        *[(word, word) for word in ("0x", "0o8", "-.nan", "1.2.3", "٣")],
        *[("7", 7), ("007", 7), ("-12", -12), ("+3", 3), ("0o17", 15), ("0xFf", 255), ("9" * 20, int("9" * 20))],
        *[("1.10", 1.1), (".5", 0.5), ("1.", 1.0), ("1e3", 1000.0), ("-2.5E-1", -0.25)],
        *[(".inf", float("inf")), ("-.INF", float("-inf")), ("+.Inf", float("inf")), ("1e999", float("inf"))],
        *[('"7"', "7"), ("'true'", "true"), ("'it''s'", "it's"), ('"\\u00e9\\t"', "é\t"), ("|\n  7\n", "7\n")],
    ],
)
def test_words_are_read_by_the_core_schema_of_yaml_1_2(word: str, value: object) -> None:
    meaning = read(f"a: {word}")["a"]
    assert (type(meaning), meaning) == (type(value), value)


def test_not_a_number_is_read_as_a_float() -> None:
    assert [repr(number) for number in read("a: [.nan, .NaN, .NAN]")["a"]] == ["nan"] * 3


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\nb: 2\na: 3\n", '3:1: key "a" occurs twice (first on line 1); keep one.'),
        ('a:\n  b: 1\n  "b": 2\n', '3:3: key "b" occurs twice (first on line 2); keep one.'),
        ("a: {b: 1, c: 2, b: 3}", '1:17: key "b" occurs twice (first on line 1); keep one.'),
        ("a: 1\n2: x\n", "2:1: a key must be a text; put this one in quotes."),
        ("true: x\n", "1:1: a key must be a text; put this one in quotes."),
        ("~: x\n", "1:1: a key must be a text; put this one in quotes."),
        ("? [a]\n: x\n", "1:3: a key must be a text; write it out."),
        ("a: &a 1\n*a : x\n", "2:1: a key must be a text; write it out."),
        ("a: &a {b: 1}\nc:\n  <<: *a\n", '3:3: merging with "<<" is not supported; write the keys out.'),
        ("a: !env HOME\n", '1:4: the tag "!env" is not allowed, as nothing is run or converted; remove it.'),
        ("a: !!str 7\n", '1:4: the tag "!!str" is not allowed, as nothing is run or converted; remove it.'),
        ("a: !!map {}\n", '1:4: the tag "!!map" is not allowed, as nothing is run or converted; remove it.'),
        ("a: !e!x 1\n", "1:4: tags are not allowed; remove it (found undefined tag handle on line 1)."),
        ("a: *b\n", '1:4: nothing above is marked "&b"; write the value out, or quote the "*".'),
        ("a: &a [1, *a]\n", '1:11: "*a" stands inside "&a" and would never end; write the value out.'),
        ("a: 123456789012345678901", "1:4: a number has at most 20 digits; put it in quotes if it is a text."),
        ("a: -" + "9" * 5000, "1:4: a number has at most 20 digits; put it in quotes if it is a text."),
        ("- a\n- b\n", "1:1: the file must hold keys with values, such as `title: Tea`."),
        ("just a text\n", "1:1: the file must hold keys with values, such as `title: Tea`."),
        ("--- # nothing\n", "2:1: the file must hold keys with values, such as `title: Tea`."),
        ("a: 1\n---\nb: 2\n", "2:1: a second document begins here; keep one."),
        ("a: 1\nb: \x00\n", "2:4: the character U+0000 is a control character or half of one; remove it."),
        ("a: é\x9b31m\n", "1:5: the character U+009B is a control character or half of one; remove it."),
        ("a: x\u2028y\n", "1:5: the character U+2028 is a control character or half of one; remove it."),
        ("a: \ud800\n", "1:4: the character U+D800 is a control character or half of one; remove it."),
        ('a: "\\0"\n', "1:4: the character U+0000 is a control character or half of one; remove it."),
        ('a: "\\e[31m"\n', "1:4: the character U+001B is a control character or half of one; remove it."),
    ],
)
def test_what_breaks_a_rule_is_refused_where_it_stands(text: str, message: str) -> None:
    assert refusal(text) == f"tea.yaml:{message}"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a:\n\tb: 1\n", "2:1: a tab cannot stand here; use spaces (found "),
        (
            "a: 'x\nb: 1\n",
            "1:4: the quotes that open here are never closed (found unexpected end of stream on line 3).",
        ),
        ("a: [1, 2\nb: 3\n", "1:4: the bracket that opens here is not closed, or a comma is missing ("),
        ("a: {b: 1\nc: 3\n", "1:4: the bracket that opens here is not closed, or a comma is missing ("),
        ("a: 1\nb\n", "2:1: this is no key with a value; put a colon and a space after a key ("),
        (
            "a: Two rivals: a play\n",
            "1:14: no key can stand here; mend the indent, or put a text that holds a colon in ",
        ),
        ("a: 1\n b: 2\n", "2:3: no key can stand here; mend the indent, or put"),
        ("a: @x\n", "1:4: no value can begin with this character; put it in quotes (found character "),
        ("a: [b]]\n", "1:7: this does not fit what stands before it; check the indent, the quotes and the brackets ("),
        ("a: 1\n...\nb\n", "3:1: the file goes on after its end; keep one document ("),
        ("a:\n  - 1\n - 2\n", "3:2: this does not fit what stands before it; check the indent, the quotes and the "),
    ],
)
@pytest.mark.parametrize("has_c_parser", [True, False])
def test_text_that_is_not_yaml_is_refused_with_a_mend(
    text: str, message: str, has_c_parser: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not has_c_parser:
        monkeypatch.delattr(yaml, "CSafeLoader", raising=False)
    assert refusal(text).startswith(f"tea.yaml:{message}")


@pytest.mark.parametrize(("text", "mend"), [(r'a: "\q"', "write two of them"), (r'a: "\ud800"', "half a character")])
def test_a_bad_escape_is_refused(text: str, mend: str) -> None:
    assert refusal(text).startswith("tea.yaml:1:")
    assert mend in refusal(text)


@pytest.mark.parametrize("text", ["", "\n\n", "# only a comment\n", "\ufeff", b""])
def test_an_empty_file_is_refused(text: str | bytes) -> None:
    assert refusal(text) == "tea.yaml: the file is empty; it must hold keys with values, such as `title: Tea`."


def test_a_byte_order_mark_is_passed_over() -> None:
    assert read("\ufefftitle: Tea") == {"title": "Tea"}
    assert parse_document("title: Thé".encode("utf-8-sig"), "tea.yaml").data == {"title": "Thé"}


def test_bytes_that_are_not_utf_8_are_refused_at_their_place() -> None:
    assert refusal("a: 1\nb: é\xe9".encode("latin-1")).startswith("tea.yaml:2:4: what stands here is not UTF-8; save")
    assert refusal("a: 1".encode("utf-16")) == "tea.yaml: the file is UTF-16; save it as UTF-8."
    assert refusal("a: 1".encode("utf-16-be")).startswith("tea.yaml:1:1: the character U+0000")


def test_a_tag_runs_nothing(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    assert "remove it" in refusal(f"a: !!python/object/apply:os.system ['touch {mark}']")
    assert not mark.exists()


def test_a_billion_laughs_are_refused_where_they_begin() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 10)]
    assert refusal("\n".join(lines)) == (
        f"tea.yaml:4:10: aliases may repeat at most {MAX_ALIASED} values; write the values out."
    )


def test_aliases_may_repeat_so_many_values_and_no_more() -> None:
    nine_values = "a: &a [1, 2, 3, 4, 5, 6, 7, 8, 9]\n"  # ten with their list
    assert len(read(nine_values + f"b: [{'*a,' * 100}]")["b"]) == 100
    assert refusal(nine_values + f"b: [{'*a,' * 101}]").startswith("tea.yaml:2:305: aliases may repeat")


def test_what_an_alias_repeats_is_a_copy() -> None:
    data = read("a: &a {b: [1]}\nc: *a\n")
    data["c"]["b"].append(2)
    assert data["a"] == {"b": [1]}


def test_lists_and_mappings_nest_so_deep_and_no_deeper() -> None:
    inner = MAX_DEPTH - 1
    assert read(f"a: {'[' * inner}{']' * inner}")
    assert refusal(f"a: {'[' * (inner + 1)}{']' * (inner + 1)}") == (
        f"tea.yaml:1:{4 + inner}: at most {MAX_DEPTH} lists and mappings may stand in one another; flatten this."
    )
    assert "flatten this" in refusal("a: " + "[" * 5000)


def test_aliases_cannot_nest_deeper_than_what_is_written_out() -> None:
    deep = f"{'[' * 20}{']' * 20}"
    assert refusal(f"a: &a {deep}\nb: [[[[[[[[[[[[*a]]]]]]]]]]]]").startswith("tea.yaml:2:16: at most 32 lists")
    assert read(f"a: &a {deep}\nb: [[[[[[[[[[[*a]]]]]]]]]]]")


def test_a_file_is_named_as_the_user_named_it(tmp_path: Path) -> None:
    path = tmp_path / "tea.yaml"
    path.write_text("title: Tea", encoding="utf-8")
    assert read_document(path).file == str(path)
    assert read_document(path, "scenarios/tea.yaml").file == "scenarios/tea.yaml"
    assert read_document(path).data == {"title": "Tea"}


def test_a_missing_file_is_refused_with_its_likely_name(tmp_path: Path) -> None:
    (tmp_path / "harbour.yaml").touch()
    (tmp_path / "harbor.txt").touch()
    assert refused_file(tmp_path / "harbor.yaml") == 'there is no such file; did you mean "harbour.yaml"?'
    assert refused_file(tmp_path / "attic.yaml") == "there is no such file."
    assert refused_file(tmp_path / "no" / "folder.yaml") == "there is no such file."
    assert refused_file(tmp_path / "nul\0.yaml") == "there is no such file."


def test_what_is_no_regular_file_is_refused_without_waiting_for_it(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.yaml")
    assert refused_file(tmp_path / "pipe.yaml") == "this is a device or a pipe; only a regular file is read."
    assert refused_file(Path("/dev/zero")) == "this is a device or a pipe; only a regular file is read."
    assert refused_file(tmp_path) == "this is a folder; name a file in it."


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "tea.yaml"
    path.touch(mode=0)
    assert refused_file(path) == "the file cannot be read: Permission denied."


def test_what_the_system_refuses_is_refused_with_its_reason(tmp_path: Path) -> None:
    assert refused_file(tmp_path / ("x" * 300)) == "the file cannot be read: File name too long."


def test_a_file_that_is_too_large_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "huge.yaml"
    with path.open("wb") as stream:
        stream.truncate(50_000_000_000)
    assert refused_file(path) == "the file has 50,000,000,000 bytes; at most 2,000,000 are read."
    assert refusal("#" * (MAX_BYTES + 1)) == "tea.yaml: the file has 2,000,001 bytes; at most 2,000,000 are read."


def refused_file(path: Path) -> str:
    with pytest.raises(InputRefused) as refused:
        read_document(path)
    (problem,) = refused.value.problems
    assert (problem.file, problem.line) == (str(path), 0)
    return problem.message


WRITABLE = st.text(st.characters(codec="utf-8", categories=["L", "M", "N", "P", "S", "Zs", "Co"]))
WHOLE = st.integers(-(10**20) + 1, 10**20 - 1)
SCALARS = st.none() | st.booleans() | WHOLE | st.floats(allow_nan=False, allow_infinity=False) | WRITABLE
DATA = st.dictionaries(
    WRITABLE,
    st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(WRITABLE, inner), max_leaves=12),
    min_size=1,
)
SIGNS = ["&a ", "*a", "*odile", "!x ", "- ", ": ", "<<: ", "---\n", "...\n", "%TAG ! x:\n---\n", "title: ", "9" * 30]
HOSTILE = ["\x00", "\x85", "\u2028", "\ufeff", "\ud800", r'"\ud800"', r'"\UFFFFFFFF"', "!<%ED%A0%80> "]
PIECES = st.sampled_from([*"-?:,[]{}'\"|>#%@\\\t\n\r", *SIGNS, *HOSTILE])


def scalars(value: Json, keys: Keys = ()) -> Iterator[tuple[Keys, Json]]:
    """Yield every scalar in `value` with the way to it."""
    if not isinstance(value, list | dict):
        yield keys, value
        return
    for key, part in value.items() if isinstance(value, dict) else enumerate(value):
        yield from scalars(part, (*keys, key))


@settings(derandomize=True, deadline=None)
@given(DATA, st.sampled_from([None, 1, 4]))
def test_all_json_is_read_as_it_is_and_pointed_at_exactly(data: dict[str, Json], indent: int | None) -> None:
    text = json.dumps(data, indent=indent, ensure_ascii=False)
    document = parse_document(text, "tea.yaml")
    assert document.data == data
    lines = text.split("\n")
    for keys, value in scalars(data):
        line, column = document.place(keys)
        assert lines[line - 1][column - 1 :].startswith(json.dumps(value, ensure_ascii=False))
        if isinstance(keys[-1], str):
            line, column = document.key_place(keys)
            assert lines[line - 1][column - 1 :].startswith(json.dumps(keys[-1], ensure_ascii=False) + ": ")


def read_or_refused(text: str | bytes) -> None:
    """Read `text`; whatever it holds, it is either a mapping or refused with one line that names the file."""
    try:
        assert isinstance(parse_document(text, "tea.yaml").data, dict)
    except InputRefused as refused:
        (problem,) = refused.problems
        assert str(problem).startswith("tea.yaml:")
        assert len(str(problem).splitlines()) == 1


@settings(derandomize=True, deadline=None)
@given(st.text() | st.lists(PIECES).map("".join) | st.binary())
def test_no_text_and_no_bytes_make_anything_but_a_refusal(text: str | bytes) -> None:
    read_or_refused(text)


@settings(derandomize=True, deadline=None, max_examples=300)
@given(st.lists(st.tuples(st.integers(0, len(SCENARIO)), st.integers(0, 9), PIECES | st.text(max_size=3)), max_size=4))
@pytest.mark.parametrize("has_c_parser", [True, False])
def test_no_damage_to_a_scenario_makes_anything_but_a_refusal(
    has_c_parser: bool, damages: list[tuple[int, int, str]]
) -> None:
    text = SCENARIO
    for start, length, piece in damages:
        text = text[:start] + piece + text[start + length :]
    with pytest.MonkeyPatch.context() as patch:
        if not has_c_parser:
            patch.delattr(yaml, "CSafeLoader", raising=False)
        read_or_refused(text)
