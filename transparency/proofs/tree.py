"""Builds the two halves of a day's tree as files, one per level, and reads them again.

No object per node: records of 40 bytes lie end to end, so that what is hashed is a slice, and sums are added by numpy.
Each half is built by itself, in a process of its own where there are two cores.
"""

import hashlib
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from transparency.proofs import streams
from transparency.proofs.records import LIMIT, NOBODY, RECORD, depth_for, leaf_prefix, node_prefix, root_of, sum_of
from transparency.proofs.streams import CHUNK, Words

LEAF, NODE = 86, 94
PIECE = 16_384


class TooMuch(Exception):
    """The liabilities come to 2^63 cents or more, or an account is below zero."""


@dataclass(frozen=True)
class Liabilities:
    """Who is owed what, in ascending order of something internal: the number of an account is its place here."""

    balances: Words
    whos: bytes  # 32 bytes each

    def __post_init__(self) -> None:
        if len(self.whos) != 32 * len(self.balances):
            raise ValueError("each balance has one who")
        if self.total >= LIMIT:
            raise TooMuch(f"liabilities of {self.total} cents")

    @property
    def total(self) -> int:
        """As a Python number, which cannot wrap."""
        high, low = self.balances >> np.uint64(32), self.balances & np.uint64(0xFFFFFFFF)
        return (int(high.sum()) << 32) + int(low.sum())

    @property
    def depth(self) -> int:
        return depth_for(len(self.balances))


@dataclass(frozen=True)
class Tree:
    """A day's tree on disk."""

    folder: Path
    epoch: int
    depth: int

    def level(self, part: int, level: int) -> Path:
        return self.folder / f"part{part}.level{level:02d}"

    def places(self, part: int) -> Path:
        """Where each number stands, as u32."""
        return self.folder / f"part{part}.places"

    def top(self, part: int) -> bytes:
        return self.level(part, self.depth).read_bytes()

    @property
    def root(self) -> bytes:
        return root_of(self.depth, self.epoch, self.top(0), self.top(1))

    @property
    def total(self) -> int:
        return sum_of(self.top(0)) + sum_of(self.top(1))


def build_half(tree: Tree, part: int, *, owed: Liabilities, key: bytes) -> None:
    """Write all levels of one half."""
    size = 1 << tree.depth
    amounts = np.zeros(size, dtype=np.uint64)
    first = streams.split(key, owed.balances)
    amounts[: len(first)] = first if part == 0 else owed.balances - first
    order = streams.places(key, part, size)
    stands = np.empty(size, dtype=">u4")
    stands[order] = np.arange(size, dtype=np.uint32)
    tree.places(part).write_bytes(stands.tobytes())

    whos = np.frombuffer(owed.whos + NOBODY * (size - len(first)), dtype="V32")
    salts = np.frombuffer(
        b"".join(streams.stream(key, "salt", chunk, 32, part=part) for chunk in range(-(-size // CHUNK))), dtype="V32"
    )
    prefix = leaf_prefix(part, tree.epoch)
    records = b"".join(_leaves(prefix, amounts[some], whos[some], salts[some]) for some in _pieces(order))
    tree.level(part, 0).write_bytes(records)
    for level in range(1, tree.depth + 1):
        prefix = node_prefix(level, tree.epoch)
        pairs = np.frombuffer(records, dtype=np.uint8).reshape(-1, 2 * RECORD)
        records = b"".join(_parents(prefix, some) for some in _pieces(pairs))
        tree.level(part, level).write_bytes(records)


def _pieces(rows: NDArray) -> Iterator[NDArray]:
    """As many rows at a time as stay in the processor's cache while they are packed and hashed."""
    for start in range(0, len(rows), PIECE):
        yield rows[start : start + PIECE]


def _leaves(prefix: bytes, amounts: Words, whos: NDArray, salts: NDArray) -> bytes:
    table = np.empty(len(amounts), dtype=[("prefix", "V14"), ("amount", ">u8"), ("who", "V32"), ("salt", "V32")])
    table["prefix"], table["amount"], table["who"], table["salt"] = np.void(prefix), amounts, whos, salts
    return _records(amounts, table.tobytes(), LEAF)


def _parents(prefix: bytes, pairs: NDArray[np.uint8]) -> bytes:
    table = np.empty((len(pairs), NODE), dtype=np.uint8)
    table[:, : len(prefix)] = np.frombuffer(prefix, dtype=np.uint8)
    table[:, len(prefix) :] = pairs
    both = pairs.view(">u8")
    return _records(both[:, 0].astype(np.uint64) + both[:, 5].astype(np.uint64), table.tobytes(), NODE)


def _records(sums: Words, inputs: bytes, width: int) -> bytes:
    """Sums and the hashes of `inputs`, cut into pieces of `width` bytes, as records."""
    sha256 = hashlib.sha256
    digests = b"".join([sha256(piece).digest() for (piece,) in struct.iter_unpack(f"{width}s", inputs)])
    table = np.empty(len(sums), dtype=[("sum", ">u8"), ("hash", "V32")])
    table["sum"], table["hash"] = sums, np.frombuffer(digests, dtype="V32")
    return table.tobytes()
