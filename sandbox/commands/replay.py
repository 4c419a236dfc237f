"""`rolestage replay --check`."""

import asyncio
from dataclasses import asdict
from pathlib import Path

from sandbox.commands.out import console, print_json
from sandbox.replay import replay_all
from scenes.clean import clean


def check_run(folder: Path, as_json: bool) -> int:
    """Replay the run and say whether play and record agree; 1 if they do not."""
    replayed = asyncio.run(replay_all(folder))
    different = [one for one in replayed if one.difference]
    if as_json:
        print_json({"run": str(folder), "episodes": [asdict(one) for one in replayed]})
        return 1 if different else 0
    out = console()
    for one in different[:20]:
        out.print(f"episode {one.episode}: {clean(one.difference or '')}")
    events, calls = sum(one.events for one in replayed), sum(one.calls for one in replayed)
    same = len(replayed) - len(different)
    out.print(
        f"{same} of {len(replayed)} episodes are rebuilt exactly, with no model: {events} events, {calls} requests."
    )
    return 1 if different else 0
