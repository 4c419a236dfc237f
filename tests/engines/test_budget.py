"""Dividing memory among models: all fit, every one has room for as many tokens, and what cannot fit is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.engines.budget import GIB, Needs, divided, fractions
from scenes.problem import InputRefused

NEEDS = st.builds(
    Needs, weights=st.integers(0, 20 * GIB), per_token=st.integers(1, 1 << 20), context=st.integers(1, 131_072)
)
MODELS = st.dictionaries(st.sampled_from(["characters", "narrator", "judge"]), NEEDS, min_size=1)


@given(needs=MODELS, memory=st.integers(1, 200 * GIB))
def test_either_all_fit_with_as_many_tokens_each_or_they_are_refused(needs: dict[str, Needs], memory: int) -> None:
    weights = sum(one.weights for one in needs.values())
    least = weights + max(one.context for one in needs.values()) * sum(one.per_token for one in needs.values())
    if memory < least:
        with pytest.raises(InputRefused, match="do not fit"):
            divided(memory, needs)
        return
    rooms = divided(memory, needs)
    (tokens,) = {rooms[name] / one.per_token for name, one in needs.items()}
    assert tokens == int(tokens) >= max(one.context for one in needs.values())
    left = memory - weights - sum(rooms.values())
    assert 0 <= left < sum(one.per_token for one in needs.values())


def test_the_arithmetic_of_two_models_by_hand() -> None:
    needs = {"big": Needs(14 * GIB, 56 << 10, 8_192), "small": Needs(2 * GIB, 8 << 10, 4_096)}
    rooms = divided(24 * GIB, needs)
    assert rooms == {"big": 7 * GIB, "small": 1 * GIB}  # 8 GiB left for 131,072 tokens of 64 KiB in both


def test_the_shares_of_a_gpu_come_to_the_share_of_the_run() -> None:
    needs = {"big": Needs(14 * GIB, 56 << 10, 8_192), "small": Needs(2 * GIB, 8 << 10, 4_096)}
    shares = fractions(0.75, 32 * GIB, needs)
    assert shares == {"big": 21 / 32, "small": 3 / 32}


def test_a_refusal_says_what_would_be_enough() -> None:
    needs = {"big": Needs(14 * GIB, 56 << 10, 8_192), "small": Needs(2 * GIB, 8 << 10, 4_096)}
    with pytest.raises(
        InputRefused, match=r"big, small do not fit into 16GiB together: .*16GiB.*give 16\.5GiB or more"
    ):
        divided(16 * GIB, needs)
    assert divided(int(16.5 * GIB), needs)
