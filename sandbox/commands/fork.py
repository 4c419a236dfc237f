"""`rolestage fork`."""

from collections.abc import Sequence
from pathlib import Path

from sandbox.fork import begin, branching_at
from sandbox.gallery import Gallery
from sandbox.launch import check_room, engine_config, facts_of_run, made_with, played, started
from sandbox.replay import past_of
from sandbox.run import Display, Plan
from sandbox.store import lock_run
from sandbox.tally import Summary


def fork_run(
    folder: Path, at: str, number: int, vary: Sequence[str], display: Display, policy: str | None = None
) -> Summary:
    """Play `number` branches of a turn of the run at `folder`, all at once. Raises what `sandbox.errors` lists."""
    with past_of(folder, policy) as past:
        meta, source = facts_of_run(past.record), past.source
        branching = branching_at(past.record, source, at, number, vary)
    lock_run(folder).close()  # a run that another process writes is refused before a model is loaded
    gallery = Gallery()
    with started(branching.variants, engine_config(**meta["engine"]), gallery, branching.legs) as engines:
        check_room(source, branching.variants, engines, gallery)
        branches = begin(folder, branching, made_with(engines))
        plan = Plan(folder, source, meta["planned"], engines, gallery, meta["concurrency"], {}, past.policy, branches)
        return played(plan, display)
