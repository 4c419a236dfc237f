"""Table Y: YAML made to cost more than it says. Its other rows are told at the command line, in `test_refusals.py`.

Y13, the fuzz of whole scenarios, is in `test_fuzz.py`.
"""

from pathlib import Path

import pytest
from hostile.small_room import GIGABYTE, MEGABYTE, commanded_in

from scenes.checked import MOST_SHOWN
from scenes.document import parse_document
from scenes.loading import load
from scenes.problem import InputRefused
from scenes.tree import MAX_ALIASED_LETTERS, MAX_VALUES


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


TEA = (
    "schema_version: 1\ntitle: Tea\nkind: inter-role\n"
    "cast: [{character: storybook/brack}, {character: storybook/pip}]\n"
)
LONG = "x" * 100_000
COSTLY: dict[str, tuple[str, str]] = {
    "Y1 nine levels of laughter": (
        "a0: &a0 [x, x, x, x, x, x, x, x, x]\n"
        + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 10)),
        "8:10: aliases may repeat at most 1000 values; write the values out.",
    ),
    "Y1 a long text again and again": (
        f"a: &a {LONG}\nb: [{', '.join(['*a'] * 900)}]\n",
        "6:45: aliases may repeat at most 1,000,000 characters; shorten them.",
    ),
    "Y1 a mapping with a long key again and again": (
        f"a: &a {{? '{LONG}' : 1}}\nb: [{', '.join(['*a'] * 900)}]\n",
        "6:45: aliases may repeat at most 1,000,000 characters; shorten them.",
    ),
    "Y6 mappings without end": (
        "a: " + "{a: " * 300_000,
        "5:128: at most 32 lists and mappings may stand in one another; ",
    ),
    "Y7 a million values": (f"a: [{'1,' * 900_000}]\n", "5:299987: a file holds at most 150,000 values; shorten it."),
    "Y7 a million keys": (
        "a:\n" + "".join(f" {at}a:\n" for at in range(200_000)),
        "149997:2: a file holds at most 150,000 values; shorten it.",
    ),
    "Y9 a fraction of a million digits": (
        f"seed: 0.{'1' * 1_900_000}\n",
        '5:7: "seed" must be a whole number, found 0.1',
    ),
    "Y10 a million line ends": ("title: 1" + "\n" * 1_900_000 + "\x00", "1900005:1: the character U+0000 is a control"),
}


@pytest.mark.parametrize(("text", "message"), COSTLY.values(), ids=COSTLY)
def test_a_file_made_to_cost_much_is_refused_before_it_does(text: str, message: str) -> None:
    Path("tea.yaml").write_text(TEA + text, encoding="utf-8")
    outcome = commanded_in(256 * MEGABYTE, "lint", "tea.yaml")
    assert outcome.err.startswith(f"tea.yaml:{message}")
    assert (outcome.code, outcome.err.count("\n")) == (2, 1)


def test_the_most_mistakes_that_a_file_can_hold_are_counted_in_less_than_a_gigabyte() -> None:
    """Y7, Y9"""
    Path("tea.yaml").write_text(f"{TEA}scorers: [{'1,' * (MAX_VALUES - 10)}]\n")
    outcome = commanded_in(GIGABYTE, "lint", "tea.yaml")
    assert (outcome.code, outcome.err.count("\n")) == (2, MOST_SHOWN + 1)
    assert f"and {MAX_VALUES - 10 - MOST_SHOWN} more from here on." in outcome.err


def length(text: str, key: str) -> int:
    """Return how many items a list in a document has."""
    data = parse_document(text, "tea.yaml").data
    assert isinstance(data, dict)
    items = data[key]
    assert isinstance(items, list)
    return len(items)


def test_aliases_may_repeat_so_many_characters_and_no_more() -> None:
    """Y1: texts and keys, however deep they stand in what is repeated."""
    whole = MAX_ALIASED_LETTERS // 10
    text = f"a: &a [{{b: {'x' * (whole - 1)}}}]\nc: [{'*a, ' * 9}*a]\n"
    assert length(text, "c") == 10
    with pytest.raises(InputRefused, match="characters; shorten them"):
        parse_document(text.replace("b:", "bb:"), "tea.yaml")


def test_a_file_may_hold_so_many_values_and_no_more() -> None:
    """Y7: items of lists and keys of mappings; the list itself is a value too."""
    text = f"a: [{'1,' * (MAX_VALUES - 1)}]"
    assert length(text, "a") == MAX_VALUES - 1
    with pytest.raises(InputRefused, match="at most 150,000 values"):
        parse_document(f"{text}\nb: 1", "tea.yaml")


@pytest.mark.parametrize(
    ("profile", "message"),
    [
        pytest.param("name: &a [*a]\n", ':1:11: "*a" stands inside "&a" and would never end; ', id="Y3"),
        pytest.param("name: Ada\nlikes: !!python/name:os.system x\n", ':2:8: the tag "!!python/name:os.sys', id="Y5"),
        pytest.param("name: " + "[" * 99, ":1:38: at most 32 lists and mappings may stand in one another", id="Y6"),
        pytest.param("name: Ada\nlife_story: " + "x" * 20_001, ':2:13: "life_story" must have a length of', id="Y7"),
        pytest.param("#" * 2_000_001, ": the file has 2,000,001 bytes; at most 2,000,000 are read.", id="Y7 whole"),
        pytest.param("name: Ada\n---\nname: Bo\n", ":2:1: a second document begins here; keep one.", id="Y10"),
        pytest.param("name: ../x\nrole: ${HOME}\nlikes: [!env A]\n", ':3:9: the tag "!env" is not allowed', id="Y14"),
    ],
)
def test_a_character_in_a_file_of_its_own_is_read_as_carefully(profile: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "ada.yaml").write_text(profile, encoding="utf-8")
    file = tmp_path / "tea.yaml"
    file.write_text(TEA.replace("storybook/brack", "ada.yaml"), encoding="utf-8")
    with pytest.raises(InputRefused) as refused:
        load(file)
    assert message in str(refused.value)


def test_what_a_wrong_path_was_meant_to_be_is_not_looked_for_for_ever() -> None:
    """Y8: among twenty thousand paths that resemble it, and for each of sixteen."""
    paths = ", ".join(f"{'k' * 60}{at}: 1" for at in range(20_000))
    axes = ", ".join(f"scorers.0.{'k' * 60}x{at}.y: [1]" for at in range(16))
    Path("tea.yaml").write_text(f"{TEA}scorers: [{{{paths}}}]\nvary: {{{axes}}}\n")
    outcome = commanded_in(256 * MEGABYTE, "lint", "tea.yaml")
    assert (outcome.code, outcome.err.count("no value of this file is named")) == (2, 16)
