"""A day's secrets, all from one key: salts, where a balance is split, and who stands where.

The verifier needs none of this. Whoever has the day's key can find anybody's leaf; whoever has not, learns from a leaf
nothing at all.
"""

import hashlib
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

CHUNK = 65_536  # accounts; the length of one call to SHAKE
Words = NDArray[np.uint64]


def stream(key: bytes, purpose: str, chunk: int, width: int, *, part: int | None = None) -> bytes:
    """`width` bytes for each of the 65,536 numbers of a chunk."""
    if len(key) != 32:
        raise ValueError("the day's key has 32 bytes")
    tag = purpose.encode() + (b"" if part is None else bytes([part]))
    return hashlib.shake_256(key + tag + chunk.to_bytes(8, "big")).digest(width * CHUNK)


@lru_cache(maxsize=8)
def _salts(key: bytes, part: int, chunk: int) -> bytes:
    return stream(key, "salt", chunk, 32, part=part)


def salt(key: bytes, part: int, number: int) -> bytes:
    """The salt of one leaf."""
    at = number % CHUNK * 32
    return _salts(key, part, number // CHUNK)[at : at + 32]


def split(key: bytes, balances: Words) -> Words:
    """How much of each balance is in the first half: uniform in 0..balance."""
    parts = []
    for chunk, start in enumerate(range(0, len(balances), CHUNK)):
        some = balances[start : start + CHUNK]
        dice = np.frombuffer(stream(key, "split", chunk, 16), dtype=">u8").reshape(-1, 2)[: len(some)].astype(np.uint64)
        parts.append(_share(dice[:, 0], dice[:, 1], some + np.uint64(1)))
    return np.concatenate(parts) if parts else np.empty(0, dtype=np.uint64)


def places(key: bytes, part: int, size: int) -> NDArray[np.intp]:
    """Which number stands at which place of a half: sorted by random words, ties by number."""
    words = [np.frombuffer(stream(key, "pos", chunk, 8, part=part), dtype=">u8") for chunk in range(-(-size // CHUNK))]
    return np.argsort(np.concatenate(words)[:size].astype(np.uint64), kind="stable")


def _share(high: Words, low: Words, bound: Words) -> Words:
    """floor(r * bound / 2^128) where r is the 128-bit number of the two words."""
    carried = _high_of_product(low, bound)
    top, bottom = _high_of_product(high, bound), high * bound
    return top + ((bottom + carried) < bottom).astype(np.uint64)


def _high_of_product(a: Words, b: Words) -> Words:
    """The upper 64 of the 128 bits of a * b, by halves, because numpy has no wider number."""
    half, mask = np.uint64(32), np.uint64(0xFFFFFFFF)
    a1, a0, b1, b0 = a >> half, a & mask, b >> half, b & mask
    middle = a1 * b0 + (a0 * b0 >> half)
    other = a0 * b1 + (middle & mask)
    return a1 * b1 + (middle >> half) + (other >> half)
