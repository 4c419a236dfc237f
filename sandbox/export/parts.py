"""Which rows are for training and which for testing: whole scenarios, by a digest of what is played.

Rows of one scenario share pictures, people and secrets, so a scenario that were in both would test what was learned by
heart. Model, seed, sampling and layout are no part of the digest: played otherwise, it is still the same scenario; and
a branch is of the scenario that it branches from.
"""

import json
from collections.abc import Collection, Mapping
from hashlib import blake2b

from sandbox.rows import EpisodeRow
from scenes.loading import Variant

TEST_SHARE = 0.1
"""Of all scenarios that there could be; of few there may be none."""
_TOLD = {"kind", "language", "premise", "time", "images", "places", "cast", "opening"}


def scenario_digest(variant: Variant) -> str:
    """Return 16 hexadecimal digits that are the same for all that is played from the same scenario."""
    scenario = variant.scenario
    told = scenario.model_dump(mode="json", include=_TOLD)
    told["profiles"] = [profile.model_dump(mode="json") for profile in variant.profiles]
    if scenario.player:
        told["player"] = scenario.player.model_dump(mode="json", exclude={"model", "person"})
    return blake2b(json.dumps(told, sort_keys=True).encode(), digest_size=8).hexdigest()


def for_testing(scenarios: Collection[str]) -> set[str]:
    """Return those of `scenarios` whose rows are for testing: none, if nothing were left to train on."""
    chosen = {one for one in scenarios if int(one, 16) / 16 ** len(one) < TEST_SHARE}
    return chosen if len(chosen) < len(set(scenarios)) else set()


def root_of(state: EpisodeRow, states: Mapping[int, EpisodeRow]) -> EpisodeRow:
    """Return the episode from which a branch, or a branch of a branch, goes off in the end."""
    while state.parent is not None:
        state = states[state.parent]
    return state
