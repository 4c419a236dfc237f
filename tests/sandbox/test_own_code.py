"""Code of the user's own: from the file or module that was named, run once, hashed as it was run."""

import sys
from hashlib import sha256
from pathlib import Path

import pytest

from sandbox.own_code import load_code
from scenes.problem import InputRefused

WHOLE = """
from __future__ import annotations
from dataclasses import dataclass

@dataclass
class Turn:
    number: int

def first(case):
    return Turn(1)

ran = 0
"""


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mine.py").write_text(WHOLE, "utf-8")


def refusal(named: str) -> str:
    with pytest.raises(InputRefused) as refused:
        load_code(named, "--scorer")
    assert "\n" not in str(refused.value)
    assert "\x1b" not in str(refused.value)
    return str(refused.value)


def test_code_of_a_file_is_found_by_name_and_hashed_as_it_was_run() -> None:
    code = load_code("mine.py:first", "--scorer")
    assert code.value(None).number == 1
    assert code.facts() == {"path": "mine.py:first", "sha256": sha256(WHOLE.encode()).hexdigest()}
    assert code.file == "mine.py"


def test_a_class_is_code_too() -> None:
    assert load_code("mine.py:Turn", "--scorer").value(3).number == 3


def test_a_changed_file_is_other_code_and_the_first_stays_what_it_was() -> None:
    before = load_code("mine.py:first", "--scorer")
    Path("mine.py").write_text(WHOLE.replace("Turn(1)", "Turn(2)"), "utf-8")
    after = load_code("mine.py:first", "--scorer")
    assert (before.value(None).number, after.value(None).number) == (1, 2)
    assert before.sha256 != after.sha256


def test_two_files_of_one_name_do_not_meet() -> None:
    Path("other").mkdir()
    Path("other/mine.py").write_text(WHOLE.replace("Turn(1)", "Turn(7)"), "utf-8")
    codes = [load_code(f"{place}mine.py:first", "--scorer") for place in ("", "other/")]
    assert [code.value(None).number for code in codes] == [1, 7]
    assert [code.file for code in codes] == ["mine.py", "other/mine.py"]


def test_nothing_is_written_beside_the_file_and_no_module_of_its_name_is_made() -> None:
    load_code("mine.py:first", "--scorer")
    assert [file.name for file in Path().iterdir()] == ["mine.py"]
    assert "mine" not in sys.modules


def test_the_content_of_a_module_is_hashed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "judges_of_ours.py").write_text(WHOLE, "utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    code = load_code("judges_of_ours:first", "--scorer")
    assert code.facts() == {"path": "judges_of_ours:first", "sha256": sha256(WHOLE.encode()).hexdigest()}
    assert code.file == str(tmp_path / "judges_of_ours.py")


@pytest.mark.parametrize(
    ("named", "code", "told"),
    [
        ("mine.py:", WHOLE, '--scorer: "mine.py:" names no function; write FILE.py:FUNCTION or module:function.'),
        (":first", WHOLE, '--scorer: ":first" names no function; write FILE.py:FUNCTION or module:function.'),
        ("mine.py:ran", WHOLE, 'mine.py: no function is named "ran"; there are: Turn, first.'),
        ("mine.py:frist", WHOLE, 'mine.py: no function is named "frist"; did you mean "first"?'),
        ("mine.py:\x1b[31mfirst", WHOLE, '--scorer: "mine.py:␛first" names no function; '),
        ("none.py:first", WHOLE, "none.py: the file cannot be read (No such file or directory); name one as"),
        (".py:first", WHOLE, ".py: the file cannot be read (No such file or directory); name one as"),
        ("mine.py:first", "def first(case:\n    pass\n", "mine.py:1:10: the code cannot be loaded: SyntaxError: "),
        ("mine.py:first", "\n\nraise OSError('\\x1b[31mno')", "mine.py:3:1: the code cannot be loaded: OSError: ␛no; "),
        ("mine.py:first", "import nothing_of_this_name\n", "mine.py:1:1: the code cannot be loaded: ModuleNotFound"),
        ("mine.py:first", "import sys\nsys.exit(0)\n", "mine.py:2:1: the code cannot be loaded: SystemExit: 0; mend"),
        ("mine.py:first", "\udcff", "mine.py"),
        ("builtins:len", WHOLE, "builtins: the module has no file of its own; "),
        ("no.such.module:first", WHOLE, "no.such.module: the code cannot be loaded: ModuleNotFoundError: "),
    ],
)
def test_code_that_cannot_be_had_is_refused_in_a_sentence(named: str, code: str, told: str) -> None:
    Path("mine.py").write_bytes(code.encode("utf-8", "surrogateescape"))
    assert refusal(named).startswith(told)


def test_a_name_that_ends_in_py_and_is_a_folder_is_refused() -> None:
    Path("folder.py").mkdir()
    assert refusal("folder.py:first").startswith("folder.py: the file cannot be read (Is a directory); ")
