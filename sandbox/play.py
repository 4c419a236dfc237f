"""One episode, as an ordinary coroutine: a pure function of the scenario, the seed and what its calls bring back."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from agents.player import turns_of
from agents.prompts.layout import Layout
from narrator.turn_policy import Policy
from sandbox.performance import Performance
from scenes.chat import Call
from scenes.event import Event
from scenes.scene import Scene, Setting

Keep = Callable[[Sequence[Event]], None]
"""Takes the events of a turn that is over, to be stored together with the calls behind them."""


@dataclass(frozen=True)
class Fork:
    """Where an episode goes another way than the one it branched from, and how."""

    after: int
    """The last turn that both have in common; 0 is before the first."""
    setting: Setting
    seed: int
    layout: Layout


async def play(
    scene: Scene, layout: Layout, call: Call, keep: Keep, policy: Policy | None = None, forks: Sequence[Fork] = ()
) -> None:
    """Play `scene` to its end. `policy` stands in for the scenario's own.

    Raises `CallFailed` when a call has no answer, and `PolicyFailed`; the turns before it are kept.
    """
    performance = await played_until(scene, layout, call, keep, policy, forks)
    if scene.setting.scenario.interview:
        keep(await performance.interview())


async def played_until(
    scene: Scene,
    layout: Layout,
    call: Call,
    keep: Keep,
    policy: Policy | None = None,
    forks: Sequence[Fork] = (),
    until: int | None = None,
) -> Performance:
    """Play `scene` up to the turn `until`, or to its last, and return who plays in it then. Raises as `play` does."""
    performance = Performance(scene, layout, call, policy)
    keep(await performance.open())
    for fork in forks:
        if until is not None and until < fork.after:
            break
        await _play_on(scene, performance, keep, fork.after)
        if fork.setting == scene.setting and fork.layout == layout:
            performance.reseed(fork.seed)
            continue
        layout = fork.layout
        scene.recast(fork.setting, fork.seed)
        is_over, performance = performance.is_over, Performance(scene, layout, call, policy)
        performance.is_over = is_over
    await _play_on(scene, performance, keep, until)
    return performance


async def _play_on(scene: Scene, performance: Performance, keep: Keep, until: int | None) -> None:
    """Play the turns up to `until`, or to the end of the scene."""
    last = turns_of(scene.setting.scenario)
    while scene.present and not performance.is_over and scene.turn < (last if until is None else min(until, last)):
        scene.turn += 1
        keep(await performance.turn())
