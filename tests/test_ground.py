"""What the whole house rests on: its folders, its names, its lock, and what importing it costs."""

import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, packages_distributions, requires, version
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from sandbox.doctor import PACKAGES, foreign_owners

ROOT = Path(__file__).parents[1]
DATA = {"scenarios", "runs"}
FOLDERS = {*PACKAGES, *DATA, "tests", "benchmarks", "docs", "locks"}
BUILT = {"build", "dist", "__pycache__"}
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
LEFT_OUT = {"torchvision", "torchaudio", "torchcodec", "triton"}
"""Distributions that the lock does without, though others ask for them; the lock's header says why."""
HEAVY = {"PIL", "networkx", "numpy", "rich", "textual", "torch", "transformers", "vllm"}
MACHINE_PATH = re.compile(r"(?<![\w.~)}\]/-])/(?:work|tmp|root|opt|home)/\w")


def lock_lines() -> list[str]:
    lines = (ROOT / "locks" / "cpu.txt").read_text().splitlines()
    return [line for line in lines if not line.startswith("#")]


def pins() -> dict[str, str]:
    """Return the version that the lock gives each distribution, by its normal name."""
    return {canonicalize_name(name): pinned for name, pinned in (line.split("==") for line in lock_lines())}


def texts_of_the_project() -> Iterator[tuple[Path, str]]:
    """Yield every file but the tests and what runs leave, with its text."""
    inside = [path for folder in FOLDERS - {"tests", "runs"} for path in (ROOT / folder).rglob("*")]
    for path in [*ROOT.glob("*"), *ROOT.glob(".ci/*"), *inside]:
        if path.is_file() and "__pycache__" not in path.parts:
            yield path.relative_to(ROOT), path.read_text(errors="replace")


def test_the_folders_are_those_of_the_design() -> None:
    found = {path.name for path in ROOT.iterdir() if path.is_dir() and not path.name.startswith(".")}
    assert found - BUILT == FOLDERS


def test_folders_of_data_are_no_packages() -> None:
    assert [path for name in DATA for path in (ROOT / name).rglob("__init__.py")] == []


def test_every_list_of_our_packages_is_the_same() -> None:
    tools = PYPROJECT["tool"]
    lists = [
        tools["hatch"]["build"]["targets"]["wheel"]["packages"],
        tools["importlinter"]["root_packages"],
        tools["mypy"]["packages"],
        tools["ruff"]["lint"]["isort"]["known-first-party"],
    ]
    assert [sorted(names) for names in lists] == [sorted(PACKAGES)] * 4


def test_nobody_else_owns_a_package_of_our_names() -> None:
    foreign = foreign_owners(packages_distributions())
    assert not foreign, f"other distributions bring packages of our names: {foreign}; use an environment of its own"


def test_importing_the_command_line_imports_nothing_heavy() -> None:
    look = "import sys, sandbox.cli; print(*sys.modules, sep='\\n')"
    loaded = subprocess.check_output([sys.executable, "-c", look], text=True).split()
    assert "sandbox.cli" in loaded
    assert HEAVY & {*loaded} == set()


def test_no_file_holds_a_path_of_the_machine_it_was_written_on() -> None:
    held = {str(path): found[0] for path, text in texts_of_the_project() if (found := MACHINE_PATH.search(text))}
    assert held == {}


@pytest.mark.parametrize(
    ("text", "held"),
    [
        ("see /work/main", True),
        ('open("/tmp/x")', True),
        ("file:///root/x", False),
        ("https://host/work/x", False),
        ("sandbox/tmp/x", False),
    ],
)
def test_a_path_of_a_machine_is_told_from_other_text(text: str, held: bool) -> None:
    assert bool(MACHINE_PATH.search(text)) == held


def test_every_line_of_the_lock_is_an_exact_pin() -> None:
    pin = re.compile(r"[A-Za-z0-9][\w.-]*==[\w.]+")
    assert [line for line in lock_lines() if not pin.fullmatch(line)] == []


def test_the_lock_is_sorted_and_names_nothing_twice() -> None:
    names = [canonicalize_name(line.split("==")[0]) for line in lock_lines()]
    assert names == sorted(set(names))


def test_the_lock_gives_all_that_the_project_asks_for() -> None:
    project, given = PYPROJECT["project"], pins()
    asked = [*project["dependencies"], *PYPROJECT["build-system"]["requires"]]
    asked += [line for extra in ("cpu", "train", "dev") for line in project["optional-dependencies"][extra]]
    wanted = {canonicalize_name(want.name): want.specifier for want in map(Requirement, asked)}
    assert wanted.keys() <= given.keys()
    assert {name: given[name] for name, allowed in wanted.items() if not allowed.contains(given[name])} == {}


def test_the_lock_leaves_out_what_a_cpu_cannot_load() -> None:
    assert LEFT_OUT & pins().keys() == set()


def asked_by(name: str, pinned: str) -> set[str]:
    """Return what a distribution asks for here, if it is installed in the version that the lock gives it."""
    try:
        installed = version(name).removesuffix("+cpu") == pinned
    except PackageNotFoundError:
        installed = False
    wanted = [Requirement(line) for line in requires(name) or ()] if installed else []
    return {canonicalize_name(want.name) for want in wanted if not want.marker or want.marker.evaluate({"extra": ""})}


def test_the_lock_is_complete() -> None:
    """It is installed without the resolver, so whatever a pinned distribution asks for must be pinned too."""
    asked = {want for name, pinned in pins().items() for want in asked_by(name, pinned)}
    assert asked - pins().keys() <= LEFT_OUT


def test_only_engines_and_what_trains_models_name_a_model_library() -> None:
    allowed = ("sandbox/engines/", "sandbox/training/", "sandbox/storybook/")
    pattern = re.compile(r"^\s*(?:import|from)\s+(?:torch|transformers|vllm|trl|peft)\b", re.MULTILINE)
    found = [
        str(file.relative_to(ROOT))
        for package in PACKAGES
        for file in (ROOT / package).rglob("*.py")
        if pattern.search(file.read_text(encoding="utf-8"))
    ]
    assert [name for name in found if not name.startswith(allowed)] == []
