"""A load generator: one process, `connections` sockets, as many requests as the server answers.

Raw sockets and epoll: about 20 microseconds of work per request, so that on a shared machine the server is what is
measured. A connection is kept as long as the server keeps it; where it closes, connecting again counts as latency.
"""

from __future__ import annotations

import multiprocessing
import random
import select
import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection as Pipe

from . import own_signals

Build = Callable[[random.Random], bytes]


@dataclass
class Round:
    """What some seconds of load came to."""

    rate: float
    latencies: list[float]
    statuses: dict[int, int]

    def percentile(self, share: float) -> float:
        """Milliseconds within which this share of the answers came."""
        return sorted(self.latencies)[int(share * (len(self.latencies) - 1))] * 1000


@dataclass
class _Client:
    sock: socket.socket | None = None
    started: float = 0.0
    pending: bytes = b""
    received: bytearray = field(default_factory=bytearray)


class Generator:
    """Runs in a process of its own; requests are built there, by name."""

    def __init__(self, port: int, requests: dict[str, Build], connections: int = 16) -> None:
        context = multiprocessing.get_context("fork")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, port, requests, connections), daemon=True)
        self._process.start()

    def run(self, name: str, seconds: float) -> Round:
        self._pipe.send((name, seconds))
        answer: Round = self._pipe.recv()
        return answer

    def close(self) -> None:
        self._pipe.send(None)
        self._process.join(5)


def _serve(pipe: Pipe, port: int, requests: dict[str, Build], connections: int) -> None:
    own_signals()
    rng = random.Random(7)
    while (order := pipe.recv()) is not None:
        name, seconds = order
        pipe.send(_load(port, requests[name], rng, connections, seconds))


def _load(port: int, build: Build, rng: random.Random, connections: int, seconds: float) -> Round:
    epoll, clients = select.epoll(), {}
    latencies: list[float] = []
    statuses: dict[int, int] = {}
    begun = time.perf_counter()
    deadline, last = begun + seconds, begun

    def begin(client: _Client) -> None:
        client.started, client.pending = time.perf_counter(), build(rng)
        client.received.clear()
        if client.sock is None:
            client.sock = socket.socket()
            client.sock.setblocking(False)
            client.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            client.sock.connect_ex(("127.0.0.1", port))
            clients[client.sock.fileno()] = client
            epoll.register(client.sock, select.EPOLLOUT)
        else:
            client.sock.send(client.pending)

    def drop(client: _Client) -> None:
        assert client.sock is not None
        del clients[client.sock.fileno()]
        epoll.unregister(client.sock)
        client.sock.close()
        client.sock = None

    for _ in range(connections):
        begin(_Client())
    while clients:
        for number, event in epoll.poll(10):
            client = clients[number]
            assert client.sock is not None
            if event & select.EPOLLOUT:
                client.sock.send(client.pending)
                epoll.modify(client.sock, select.EPOLLIN)
                continue
            data = client.sock.recv(65536)
            client.received += data
            if data and not _complete(client.received):
                continue
            last = time.perf_counter()
            latencies.append(last - client.started)
            status = int(client.received[9:12] or 0)
            statuses[status] = statuses.get(status, 0) + 1
            if not data or b"onnection: close" in client.received[:1000]:
                drop(client)
            if last < deadline:
                begin(client)
            elif client.sock is not None:
                drop(client)
    epoll.close()
    return Round(len(latencies) / (last - begun), latencies, statuses)


def _complete(received: bytearray) -> bool:
    end = received.find(b"\r\n\r\n")
    if end < 0:
        return False
    at = received.lower().find(b"content-length:", 0, end)
    return at >= 0 and len(received) >= end + 4 + int(received[at + 15 : received.find(b"\r\n", at)])


def request(method: str, path: str, *, token: str = "", body: bytes = b"", headers: Sequence[str] = ()) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", *headers]
    if token:
        lines.append(f"Authorization: Bearer {token}")
    if body:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, "", ""]).encode() + body
