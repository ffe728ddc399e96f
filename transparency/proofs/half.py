"""Builds one half of a day's tree in a process of its own: `python -m transparency.proofs.half FOLDER EPOCH PART`.

The accounts are in the folder; the day's key comes through standard input, which nobody else can read.
"""

import sys
from pathlib import Path

import numpy as np

from transparency.proofs.tree import Liabilities, Tree, build_half

ROW = np.dtype([("number", ">u4"), ("owed", ">u8")])


def build(folder: Path, epoch: int, part: int, key: bytes) -> None:
    """Build a half from `accounts` (12 bytes each) and `whos` (32 bytes each) in the folder."""
    rows = np.fromfile(folder / "accounts", dtype=ROW)
    owed = Liabilities(rows["owed"].astype(np.uint64), (folder / "whos").read_bytes())
    build_half(Tree(folder, epoch, owed.depth), part, owed=owed, key=key)


if __name__ == "__main__":
    build(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.stdin.buffer.read())
