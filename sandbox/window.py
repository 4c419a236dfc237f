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
SPARE = 8
"""One episode in so many more than an engine computes at once, for those whose next prompt is being made."""
SHARE_OF_REPLY = 0.25
"""How much of the most that a reply may have it usually has (0.26 in 1,500 replies of the storybook model)."""


def window(scenario: Scenario, engines: Mapping[str, Engine], prompt_tokens: int) -> int:
    """Return how many episodes of `scenario` should be under way, whose prompts begin with so many tokens.

    W = KV tokens / tokens of an episode, over all who speak in it (docs/performance.md).
    """
    limits = [_limit(scenario, engine, prompt_tokens) for engine in engines.values()]
    return min((limit for limit in limits if limit is not None), default=USUAL)


def _limit(scenario: Scenario, engine: Engine, prompt_tokens: int) -> int | None:
    facts = engine.facts
    if facts.slots is None:
        return None
    most = facts.slots + max(1, facts.slots // SPARE)
    if facts.kv_tokens is None:
        return most
    return max(1, min(most, facts.kv_tokens // _tokens(scenario, facts.context_length, prompt_tokens)))


def _tokens(scenario: Scenario, context: int | None, prompt_tokens: int) -> int:
    """Return for how many tokens an engine keeps the states of an episode in its last turn."""
    chains = len(scenario.cast) + (scenario.narrator is not None)
    said = int(scenario.turns * scenario.sampling.max_tokens * SHARE_OF_REPLY)
    chain = prompt_tokens + said
    return max(1, chains * min(chain, context or chain))
