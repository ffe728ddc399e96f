"""What is hashed in the tree, byte for byte. Everything is big-endian and of fixed length; amounts are cents below 2^63."""

import hashlib
import struct

DOMAIN = b"PaYaPoL1"
MAGIC = b"PAYAPRF1"
LIMIT = 1 << 63
RECORD = 40  # u64 sum, 32 bytes of hash
MIN_DEPTH = 10  # so that a small network does not tell its size
PARTS = (0, 1)
NOBODY = bytes(32)  # the `who` of a leaf that only fills a place
NO_NONCE = bytes(32)


def who_of(account: str, nonce: bytes = NO_NONCE) -> bytes:
    """What a leaf says about whose it is. `account` is the name others pay this person by, `nonce` their own secret."""
    if len(nonce) != 32:
        raise ValueError("a nonce has 32 bytes")
    name = account.encode("ascii")
    return hashlib.sha256(DOMAIN + b"\x10" + struct.pack(">H", len(name)) + name + nonce).digest()


def leaf_prefix(part: int, epoch: int) -> bytes:
    """Before amount, who and salt: 86 bytes in all."""
    return DOMAIN + b"\x00" + struct.pack(">BI", part, epoch)


def node_prefix(level: int, epoch: int) -> bytes:
    """Before the two records below: 94 bytes in all, with both sums among them."""
    return DOMAIN + b"\x01" + struct.pack(">BI", level, epoch)


def root_of(depth: int, epoch: int, top_a: bytes, top_b: bytes) -> bytes:
    return hashlib.sha256(DOMAIN + b"\x02" + struct.pack(">BI", depth, epoch) + top_a + top_b).digest()


def sum_of(record: bytes) -> int:
    return int.from_bytes(record[:8], "big")


def depth_for(accounts: int) -> int:
    """Of the smallest tree that has a place for each account, and for a thousand."""
    return max(MIN_DEPTH, (accounts - 1).bit_length())
