"""Finding free ports, and saying which one is taken."""

from __future__ import annotations

import secrets
import socket
from collections.abc import Iterable


def is_free(port: int) -> bool:
    """Whether a server could listen on this port of the loopback address now."""
    with socket.socket() as probe:
        # As servers do: connections of an earlier run that are still closing are no obstacle.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def first_taken(ports: Iterable[int]) -> int | None:
    """The first of these ports that somebody else listens on."""
    return next((port for port in ports if not is_free(port)), None)


def free_port() -> int:
    """A port that is free at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def free_block(size: int) -> int:
    """The first of `size` neighbouring ports that are free at this moment.

    They lie below those that the kernel gives to outgoing connections: a stack needs the last of them a minute later.
    """
    while True:
        first = 10_000 + secrets.randbelow(20_000)
        if first_taken(range(first, first + size)) is None:
            return first
