"""`rolestage replay --check`."""

import asyncio
from dataclasses import asdict
from pathlib import Path

from sandbox.replay import replay_all
from sandbox.screen import Screen, print_json, safe

MOST_SHOWN = 20


def check_run(folder: Path, policy: str | None, as_json: bool) -> int:
    """Replay the run and say whether play and record agree; 1 if they do not."""
    replayed = asyncio.run(replay_all(folder, policy))
    different = [one for one in replayed if one.difference]
    if as_json:
        print_json({"run": str(folder), "episodes": [asdict(one) for one in replayed]})
        return 1 if different else 0
    screen = Screen()
    for one in different[:MOST_SHOWN]:
        screen.print(safe(f"episode {one.episode}: {one.difference}"))
    events, calls = sum(one.events for one in replayed), sum(one.calls for one in replayed)
    same = len(replayed) - len(different)
    screen.print(
        f"{same} of {len(replayed)} episodes are rebuilt exactly, with no model: {events} events, {calls} requests."
    )
    return 1 if different else 0
