"""Hostile input by the thousand, every case made from its number alone: scenarios, pictures, replies of models.

    PYTHONPATH=tests python -m hostile.fuzz {scenarios,pictures,replies,narrations} COUNT [FIRST]

The process may not take more than a gigabyte. It leaves what came of it in `result.json`, and ends with a traceback and
the number of the case if anything but an error of ours comes out. `replies` and `narrations` are shown, and so are to
be started on a terminal.
"""

import json
import os
import resource
import sys
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from random import Random
from shutil import rmtree
from typing import Any

from commanding import commanded
from hostile.mutations import SCENARIOS, SPLICED, damaged, mutated_scenario
from hostile.performing import NARRATIONS, REPLIES, Everybody, Sayings, carried_out, scene_of
from hostile.pictures import PNG_START, chunk, drawing, encoded, mutated_picture, png_parts
from hostile.small_room import GIGABYTE
from hostile.texts import UNSAFE

from sandbox.cli import main as rolestage
from sandbox.display import Quiet, display_of
from sandbox.launch import Options, checked_source
from sandbox.record import Record
from sandbox.run_folder import new_run_folder
from scenes.image import ImageRefused, check_size, open_picture
from scenes.image_file import read_picture
from scenes.loading import Source
from scenes.problem import InputRefused

Outcomes = Counter[str]


def main(kind: str, count: int, first: int = 0) -> None:
    """Try `count` cases of a kind from the number `first` on, in the folder where this was started."""
    resource.setrlimit(resource.RLIMIT_AS, (GIGABYTE, GIGABYTE))
    warnings.simplefilter("error")
    started, slowest = time.monotonic(), Slowest()
    outcomes = FUZZES[kind](range(first, first + count), slowest)
    result = {
        "outcomes": outcomes,
        "seconds": round(time.monotonic() - started, 1),
        "slowest": [round(slowest.seconds, 2), slowest.case],
        "peak_mb": _peak_mb(),
    }
    Path("result.json").write_text(json.dumps(result))


class Slowest:
    """Remembers which case took most computing, and says which one failed."""

    seconds, case = 0.0, -1

    @contextmanager
    def case_of(self, number: int) -> Iterator[None]:
        begun = time.process_time()
        try:
            yield
        except BaseException:
            print(f"case {number} failed", file=sys.stderr)
            raise
        self.seconds, self.case = max((self.seconds, self.case), (time.process_time() - begun, number))


# Scenarios


PROFILE = b"name: Ada\naliases: [Countess, A.]\nworld: London\nlikes: [engines, numbers]\nprivate: She owes money.\n"


def _peak_mb() -> int:
    """Return the most memory that this program itself has held; `getrusage` counts what it was forked from as well."""
    status = Path("/proc/self/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) // 1024


def scenarios(cases: range, slowest: Slowest) -> Outcomes:
    """Lint mutated scenarios, and play a little of those that are taken."""
    folder = Path("tea")
    make_surroundings(folder)
    outcomes: Outcomes = Counter()
    for case in cases:
        with slowest.case_of(case):
            outcomes[_tried_scenario(Random(f"scenario {case}"), folder)] += 1
    return outcomes


def make_surroundings(folder: Path) -> None:
    """Put what a scenario might name into `folder`: pictures, what is no picture, and ways out."""
    folder.mkdir()
    still = SCENARIOS / "snapshot" / "still-life.jpg"
    bomb = PNG_START + chunk(b"IHDR", bytes.fromhex("0000ea600000ea600802000000")) + chunk(b"IEND", b"")
    files = {
        "still-life.jpg": still.read_bytes(),
        "view.png": encoded(drawing(), "PNG"),
        "half.png": encoded(drawing(), "PNG")[:900],
        "bomb.png": bomb,
        "drawn.svg": b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        "broken.yaml": b"name: [",
        "laughs.yaml": b"name: &a [x,x,x]\nlikes: &b [*a,*a,*a]\nhates: [*b,*b]\n",
    }
    for name, content in files.items():
        (folder / name).write_bytes(content)
    (folder / "out.png").symlink_to("../out.png")
    (folder / "loop.png").symlink_to("loop.png")
    (folder / "folder.png").mkdir()
    os.mkfifo(folder / "pipe.png")


def _tried_scenario(chance: Random, folder: Path) -> str:
    file = folder / "scenario.yaml"
    file.write_bytes(mutated_scenario(chance))
    odd = damaged(PROFILE, chance, [piece.encode("utf-8", "surrogatepass") for piece in SPLICED])
    (folder / "ada.yaml").write_bytes(odd if chance.random() < 0.1 else PROFILE)
    try:
        source = checked_source(file, Options())
    except InputRefused as refusal:
        _assert_well_told(refusal)
        return "refused"
    _play_a_little(source, chance)
    return "played"


def _assert_well_told(refusal: InputRefused) -> None:
    """Check that each problem is a sentence on one line, with the file, and harmless to a terminal."""
    told = [str(problem) for problem in refusal.problems]
    assert 1 <= len(told) <= 21, told
    for line in told:
        assert line.startswith("tea/"), line
        assert line.endswith((".", "?")), line
        assert "\n" not in line, line
        assert UNSAFE.search(line) is None, line


def _play_a_little(source: Source, chance: Random) -> None:
    """Play up to two episodes of a few turns from the run's own folder, which must hold all that this needs."""
    folder = new_run_folder(Path("runs"), source)
    summary = carried_out(folder, Everybody(Sayings(chance)), 2, Quiet(), turns=3)
    strange = [error for error in summary.errors if not error.startswith(f"{folder}/run.yaml:")]
    assert not strange, strange
    rmtree(folder)


# Pictures


def pictures(cases: range, slowest: Slowest) -> Outcomes:
    """Read mutated pictures."""
    outcomes: Outcomes = Counter()
    for case in cases:
        with slowest.case_of(case):
            outcomes[_tried_picture(Random(f"picture {case}"))] += 1
    return outcomes


def _tried_picture(chance: Random) -> str:
    Path("view.png").write_bytes(mutated_picture(chance))
    try:
        picture = read_picture("view.png", Path(), Path())
    except ImageRefused as refusal:
        told = str(refusal)
        assert told.startswith('"view.png": '), told
        assert told.endswith("."), told
        assert told.isprintable(), told
        return "refused"
    check_size(picture.width, picture.height)
    assert {kind for kind, _ in png_parts(picture.png)} == {b"IHDR", b"IDAT", b"IEND"}
    image = open_picture(picture)
    assert (image.mode, image.size) == ("RGB", (picture.width, picture.height))
    return "read"


# Replies


def replies(cases: range, slowest: Slowest) -> Outcomes:
    """Let hostile replies be played by characters, shown while it happens, and read in every way afterwards."""
    return _performed(cases, slowest, REPLIES)


def narrations(cases: range, slowest: Slowest) -> Outcomes:
    """The same in stories, where the narrator's words and decisions are hostile too."""
    return _performed(cases, slowest, NARRATIONS)


def _performed(cases: range, slowest: Slowest, scenes: Any) -> Outcomes:
    """Play run after run until as many replies were given as there are cases; the first of them numbers a run."""
    outcomes: Outcomes = Counter()
    while outcomes["replies"] < len(cases):
        number = cases.start + outcomes["replies"]
        with slowest.case_of(number):
            outcomes += _one_run(Random(f"run {number}"), scenes)
    return outcomes


def _one_run(chance: Random, scenes: Any) -> Outcomes:
    source = scene_of(chance, scenes, Path("scene"))
    folder = new_run_folder(Path("runs"), source)
    names = [name for profile in source.variant(0).profiles for name in (profile.name, *profile.aliases)]
    sayings = Sayings(chance, names)
    with display_of("rich") as display:
        summary = carried_out(folder, Everybody(sayings), source.episodes, display)
    assert (summary.done, summary.failed, summary.errors) == (source.episodes, 0, {}), summary
    kinds = _read_again(folder, source, sayings)
    rmtree(folder)
    return Counter(replies=len(sayings.said), episodes=summary.done, characters=sum(map(len, sayings.said))) + kinds


def _read_again(folder: Path, source: Source, sayings: Sayings) -> Outcomes:
    """Show the run in every way, on this terminal; check that it is all there, and return what kinds of events."""
    with closing(Record(folder)) as record:
        events = [event for state in record.states() for event in record.events(state.id)]
    names = {name for event in events for name in event.visible_to}
    for words in ([], ["0", "--calls"], *([str(episode)] for episode in range(source.episodes))):
        _shown("show", str(folder), *words)
    _shown("show", str(folder), "0", "--as", min(names))
    _shown("who-knows", str(folder), max(sayings.said)[:200] or "-")
    _shown("list")
    _shown("replay", str(folder), "--check")
    as_json = commanded("show", folder, "--json", "--calls")
    assert as_json.code == 0
    assert as_json.out.isascii()
    stored = [call["completion"]["text"] for one in json.loads(as_json.out)["episodes"] for call in one["calls"]]
    assert sorted(stored) == sorted(sayings.said)
    return Counter(event.kind for event in events)


def _shown(*words: str) -> None:
    """Run a command on this terminal."""
    sys.argv = ["rolestage", *words]
    code: object = None
    try:
        rolestage()
    except SystemExit as ended:
        code = ended.code
    assert code == 0, (words, code)


FUZZES: dict[str, Callable[[range, Slowest], Outcomes]] = {
    "scenarios": scenarios,
    "pictures": pictures,
    "replies": replies,
    "narrations": narrations,
}

if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))
