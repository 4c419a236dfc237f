"""Where all chance in play comes from: generators derived from the seed of an episode and the key of what needs one."""

from hashlib import blake2b
from random import Random


def seed_for(seed: int, key: str) -> int:
    """Return 31 bits that depend on nothing but `seed` and `key`."""
    return int.from_bytes(blake2b(f"{seed}/{key}".encode(), digest_size=4).digest()) >> 1


def chance(seed: int, key: str) -> Random:
    """Return the generator for `key` in the episode with this seed."""
    return Random(seed_for(seed, key))
