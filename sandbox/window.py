"""How many episodes are under way at once: as many as keep an engine full, and no more than it can remember.

An engine that keeps attention states for k episodes and has k + 1 of them under way in turn remembers none: that is
the worst case of leaving out what was used least lately (measured: 5 % of the prompts found again instead of 87 %). So
the window is what fits; within it every episode finds its prefix again, and is finished before another begins.
"""

from collections.abc import Mapping

from sandbox.engines.engine import Engine
from scenes.scenario import Scenario

USUAL = 64
"""Where an engine sets no limit."""
DEEP = 16
"""Episodes under way for each request that an engine computes at once, where memory sets no limit: with many, those
with most turns left can go first, and the end of a run has no long tail."""
AMPLE = 1.5
"""Episodes for each slot that are enough where memory holds so many only since they begin alike: 697 for 256 slots,
all that fit, had found less of their prompts again and took 6 % longer than 268 or 400 (simulated, docs/scale.md)."""
SHARE_OF_REPLY = 0.25
"""How much of the most that a reply may have it usually has (0.26 in 1,500 replies of the storybook model)."""


def window(scenario: Scenario, engines: Mapping[str, Engine], prompt: int, shared: int) -> int:
    """Return how many episodes of `scenario` should be under way, whose prompts begin with `prompt` tokens.

    So many of these as `shared` are the same for all who speak, and kept once. W = KV tokens / tokens of an episode
    in its last turn (docs/performance.md).
    """
    limits = [_limit(scenario, engine, prompt, shared) for engine in engines.values()]
    return min((limit for limit in limits if limit is not None), default=USUAL)


def _limit(scenario: Scenario, engine: Engine, prompt: int, shared: int) -> int | None:
    facts = engine.facts
    if facts.slots is None:
        return None
    if facts.kv_tokens is None:
        return DEEP * facts.slots
    return max(
        1,
        min(DEEP * facts.slots, _fitting(scenario, facts.slots, facts.kv_tokens, facts.context_length, prompt, shared)),
    )


def _fitting(scenario: Scenario, slots: int, kv_tokens: int, context: int | None, prompt: int, shared: int) -> int:
    """Return how many episodes fit in their last turn; those of a variant stand together, and begin alike."""
    chains = len(scenario.cast) + (scenario.narrator is not None)
    chain = prompt + int(scenario.turns * scenario.sampling.max_tokens * SHARE_OF_REPLY)
    begun = shared + chains * (prompt - shared)
    added = chains * (min(chain, context or chain) - prompt)
    apart = kv_tokens // max(1, begun + added)
    alike = int((kv_tokens - begun) / max(1, begun / scenario.episodes + added))
    return min(max(apart, alike), max(apart, int(AMPLE * slots)))
