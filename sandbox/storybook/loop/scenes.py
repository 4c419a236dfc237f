"""The scenes of a turn of the loop: pairs of the cast before pictures by lot, played and judged as any run is.

Each run is played by a process of its own, since no inference library lets go of all that it took; a run that was left
unfinished is gone on with.
"""

import asyncio
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from sandbox.errors import SOME_FAILED
from sandbox.score import ScoringTally, ready_to_judge, score_run
from sandbox.scorer_names import scorers_named
from sandbox.store import DATABASE
from sandbox.whole_file import write_whole

Shown = Callable[[str, int, int], None]
"""Is told what is done, how much of it, and of how much."""

SCORERS = ("grounding", "voice", "faults")
HELD_OUT = "images.picture.storybook.held_out"
_SEED = "images.picture.storybook.seed"
_CASTS = (("berta", "brack"), ("moss", "odile"), ("ottavio", "pip"), ("silas", "vale"))
"""Each of the cast once, so that all voices are heard."""
_TURNS = 6
_TESTED = 2**30
"""The first picture to test on; those to learn on are before it, each turn's with its own thousands."""
_LEARNED = 100_000


class Stopped(Exception):
    """A run was not played to its end; it has told why, and `code` is how it ended, negative where it was killed."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


def to_learn(seed: int, episodes: int) -> dict[str, Any]:
    """Return the scenario of about `episodes` scenes to learn from, without any combination that is held out."""
    return _scenario(_LEARNED * seed, -(-episodes // len(_CASTS)), seed) | {"title": "Scenes to learn from"}


def to_test(episodes: int) -> dict[str, Any]:
    """Return the scenario of about `episodes` scenes to test on, half of them with a held-out combination."""
    scenario = _scenario(_TESTED, -(-episodes // (2 * len(_CASTS))), 0) | {"title": "Scenes to test on"}
    scenario["vary"][HELD_OUT] = [False, True]
    return scenario


def _scenario(first: int, pictures: int, seed: int) -> dict[str, Any]:
    casts = [[{"character": f"storybook/{name}"} for name in cast] for cast in _CASTS]
    return {
        "schema_version": 1,
        "kind": "inter-role",
        "images": {"picture": {"storybook": {"seed": first, "held_out": False}}},
        "cast": casts[0],
        "turns": _TURNS,
        "layout": "compact",
        "seed": seed,
        "sampling": {"temperature": 0.8},
        "vary": {_SEED: {"range": [first, first + pictures]}, "cast": casts},
    }


def played(scenario: dict[str, Any], model: str, folder: Path, what: str, shown: Shown) -> Path:
    """Play a scenario in `folder` and judge it, or go on with that; return the run's folder.

    Raises `Stopped`, and what `sandbox.errors` lists.
    """
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "scenario.yaml"
    write_whole(file, yaml.safe_dump(scenario, sort_keys=False).encode())
    begun = next((at.parent for at in sorted(folder.glob(f"runs/*/{DATABASE}"))), None)
    words = ["resume", str(begun)] if begun else ["run", str(file), "--model", model, "--out", str(folder / "runs")]
    _carried_out([*words, "--json"], f"{what}: scenes", shown)
    run = next(at.parent for at in sorted(folder.glob(f"runs/*/{DATABASE}")))
    _judge(run, f"{what}: verdicts", shown)
    return run


def _carried_out(words: list[str], what: str, shown: Shown) -> None:
    command = [sys.executable, "-m", "sandbox", *words]
    done, planned = 0, 0
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, encoding="utf-8") as process:
        for told in map(json.loads, process.stdout or ()):
            planned = told.get("planned", planned)
            done = max(done + (told["type"] == "episode"), told.get("earlier", 0))
            shown(what, done, planned)
    if process.returncode not in (0, SOME_FAILED):
        raise Stopped(process.returncode)


class _Verdicts:
    """Tells how far judging is."""

    def __init__(self, what: str, shown: Shown) -> None:
        self._what, self._shown = what, shown

    def shown(self, tally: ScoringTally) -> None:
        self._shown(self._what, tally.done, tally.planned)


def _judge(run: Path, what: str, shown: Shown) -> None:
    with ready_to_judge(run, scorers_named(SCORERS, ()), None) as plan:
        summary = asyncio.run(score_run(plan, _Verdicts(what, shown)))
    if summary.interrupted:
        raise KeyboardInterrupt
