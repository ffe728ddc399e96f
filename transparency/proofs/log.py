"""The attestations as a log of RFC 6962 with a C2SP checkpoint, so that witnesses can follow it."""

import base64
import hashlib
from collections.abc import Sequence


def leaf_hash(text: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + text).digest()


def log_root(leaves: Sequence[bytes]) -> bytes:
    """The root over leaf hashes (RFC 6962, 2.1)."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    split = 1 << (len(leaves) - 1).bit_length() - 1
    return hashlib.sha256(b"\x01" + log_root(leaves[:split]) + log_root(leaves[split:])).digest()


def checkpoint(origin: str, leaves: Sequence[bytes]) -> bytes:
    """The text that is signed (C2SP tlog-checkpoint): origin, size, root."""
    return f"{origin}/log\n{len(leaves)}\n{base64.b64encode(log_root(leaves)).decode()}\n".encode("ascii")


def consistency(old: int, leaves: Sequence[bytes]) -> list[bytes]:
    """The proof that the log of `old` leaves is the beginning of this one (RFC 6962, 2.1.2). Raises ValueError."""
    if not 0 < old <= len(leaves):
        raise ValueError(f"a log of {len(leaves)} has no beginning of {old}")
    return _subproof(old, leaves, True)


def _subproof(old: int, leaves: Sequence[bytes], whole: bool) -> list[bytes]:
    if old == len(leaves):
        return [] if whole else [log_root(leaves)]
    split = 1 << (len(leaves) - 1).bit_length() - 1
    if old <= split:
        return [*_subproof(old, leaves[:split], whole), log_root(leaves[split:])]
    return [*_subproof(old - split, leaves[split:], False), log_root(leaves[:split])]
