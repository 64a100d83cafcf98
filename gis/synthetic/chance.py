"""Choices that look random and are the same every time: hashes of ids, no generator."""

import hashlib

import numpy as np
from numpy.typing import NDArray

Keys = NDArray[np.uint64]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def salt_of(text: str) -> int:
    """Turn a purpose's name into 64 bits that set its choices apart from those of other purposes."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")


def mixed(keys: Keys, salt: str) -> Keys:
    """Hash ids for one purpose (splitmix64's finaliser, Steele, Lea and Flood 2014)."""
    with np.errstate(over="ignore"):
        z = keys.astype(np.uint64) + np.uint64(salt_of(salt)) + np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def joined(*keys: Keys) -> Keys:
    """Make one id of several."""
    result = np.zeros(len(keys[0]), dtype=np.uint64)
    for key in keys:
        with np.errstate(over="ignore"):
            result = mixed(result * np.uint64(3) + key.astype(np.uint64), "joined")
    return result


def share(keys: Keys, salt: str) -> Floats:
    """Draw a number in [0, 1) for each id."""
    return (mixed(keys, salt) >> np.uint64(11)).astype(np.float64) * 2.0**-53


def choice(keys: Keys, salt: str, count: int) -> Ints:
    """Draw one of `count` things for each id."""
    return (share(keys, salt) * count).astype(np.int64)
