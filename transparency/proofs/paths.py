"""Reads one account's proof out of a day's tree: its two leaves and what stands beside the way up from each."""

import struct

from transparency.proofs.records import MAGIC, PARTS, RECORD
from transparency.proofs.streams import salt
from transparency.proofs.tree import Tree


def proof_of(tree: Tree, number: int, *, key: bytes) -> bytes:
    """The proof file of the account with this number: 16 + 2 * (44 + 40 * depth) bytes. Holds no root, total or name."""
    pieces = [MAGIC, struct.pack(">IBBH", tree.epoch, tree.depth, len(PARTS), 0)]
    for part in PARTS:
        (place,) = struct.unpack(">I", _piece(tree.places(part), number, 4))
        amount = _piece(tree.level(part, 0), place, RECORD)[:8]
        pieces += [struct.pack(">I", place), amount, salt(key, part, number)]
        pieces += [_piece(tree.level(part, level), place >> level ^ 1, RECORD) for level in range(tree.depth)]
    return b"".join(pieces)


def _piece(path: object, index: int, width: int) -> bytes:
    with open(str(path), "rb") as file:
        file.seek(index * width)
        found = file.read(width)
    if len(found) != width:
        raise EOFError(f"{path} has no piece {index}")
    return found
