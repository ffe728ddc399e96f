"""Thousands of open WebSockets in one process: raw sockets and epoll, so that it is not what is measured.

All sockets get the same frames, so a frame is parsed once; of each arrival only the frame and the time are kept, and
they are evaluated afterwards.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import select
import socket
import statistics
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from multiprocessing.connection import Connection as Pipe

from . import own_signals

_CONNECTING, _OPEN = 0, 1
AT_ONCE = 100  # connections that are being opened at the same time
PATIENCE = 10.0  # how long is waited for what is still on its way


@dataclass(frozen=True)
class Seen:
    """What the sockets saw of some payments. Milliseconds are from the posting (just before its commit) to the frame."""

    sockets: int
    p50_ms: float
    p95_ms: float
    max_ms: float
    lost: int
    doubled: int
    dropped: int


class Watchers:
    """A process with as many open sockets as asked for."""

    def __init__(self, port: int) -> None:
        context = multiprocessing.get_context("fork")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=lambda: _Room(theirs, port).run(), daemon=True)
        self._process.start()

    def open(self, total: int) -> int:
        """Open sockets until there are so many; how many are open."""
        return int(self._ask("open", total))

    def reset(self) -> None:
        """Forget what was seen so far."""
        self._ask("reset", None)

    def seen(self, payments: list[str]) -> Seen:
        """Wait until every socket has these payments (not for ever) and say how they came."""
        answer: Seen = self._ask("seen", payments)
        return answer

    def close(self) -> None:
        """End the process and its sockets; again, nothing happens."""
        if not self._process.is_alive():
            return
        self._pipe.send(("end", None))
        self._process.join(5)

    def _ask(self, what: str, argument: object) -> object:
        self._pipe.send((what, argument))
        answer = self._pipe.recv()
        if isinstance(answer, str):
            raise RuntimeError(answer)
        return answer


@dataclass(eq=False)
class _Socket:
    sock: socket.socket
    state: int = _CONNECTING
    buffer: bytearray = field(default_factory=bytearray)
    arrivals: list[tuple[int, float]] = field(default_factory=list)  # (frame, time)


class _Room:
    def __init__(self, pipe: Pipe, port: int) -> None:
        self.pipe, self.port = pipe, port
        self.epoll = select.epoll()
        self.epoll.register(pipe.fileno(), select.EPOLLIN)
        self.sockets: dict[int, _Socket] = {}
        self.frames: dict[bytes, int] = {}
        self.items: list[list[tuple[str, float]]] = []  # of each frame: (payment, posted at)
        self.opened = self.dropped = 0

    def run(self) -> None:
        own_signals()
        while True:
            self.serve(1.0)
            if not self.pipe.poll():
                continue
            what, argument = self.pipe.recv()
            if what == "end":
                return
            try:
                self.pipe.send(getattr(self, f"do_{what}")(argument))
            except Exception as error:  # noqa: BLE001  (told to the one who asked)
                self.pipe.send(f"watchers: {type(error).__name__}: {error}")

    # ---------------------------------------------------------------------------------------------- what is asked
    def do_open(self, total: int) -> int:
        deadline = time.monotonic() + 60
        while self.opened - self.dropped < total and time.monotonic() < deadline:
            for _ in range(min(total - len(self.sockets), AT_ONCE - (len(self.sockets) - self.opened + self.dropped))):
                self.connect()
            self.serve(0.05)
        return self.opened - self.dropped

    def do_reset(self, _: object) -> int:
        for client in self.sockets.values():
            client.arrivals.clear()
        self.dropped, self.opened = 0, self.opened - self.dropped
        return 0

    def do_seen(self, payments: list[str]) -> Seen:
        wanted, deadline = set(payments), time.monotonic() + PATIENCE
        while time.monotonic() < deadline and any(not self.has(client, wanted) for client in self.sockets.values()):
            self.serve(0.2)
        verdicts: dict[tuple[int, ...], tuple[int, int]] = {}
        lost = doubled = 0
        latencies: list[float] = []
        for client in self.sockets.values():
            order = tuple(number for number, _ in client.arrivals)
            if order not in verdicts:
                verdicts[order] = self.judge(order, wanted)
            lost, doubled = lost + verdicts[order][0], doubled + verdicts[order][1]
            for number, at in client.arrivals:
                latencies += [(at - posted) * 1000 for _, posted in self.items[number]]
        latencies.sort()
        p95 = latencies[int(0.95 * (len(latencies) - 1))] if latencies else float("inf")
        middle, most = (statistics.median(latencies), latencies[-1]) if latencies else (float("inf"), float("inf"))
        return Seen(len(self.sockets), middle, p95, most, lost + self.dropped * len(wanted), doubled, self.dropped)

    def judge(self, order: tuple[int, ...], wanted: set[str]) -> tuple[int, int]:
        told = Counter(payment for number in order for payment, _ in self.items[number])
        return len(wanted - told.keys()), sum(n - 1 for n in told.values())

    def has(self, client: _Socket, wanted: set[str]) -> bool:
        return sum(len(self.items[number]) for number, _ in client.arrivals) >= len(wanted)

    # ------------------------------------------------------------------------------------------------- the sockets
    def connect(self) -> None:
        sock = socket.socket()
        sock.setblocking(False)
        sock.connect_ex(("127.0.0.1", self.port))
        self.sockets[sock.fileno()] = _Socket(sock)
        self.epoll.register(sock, select.EPOLLOUT)

    def serve(self, seconds: float) -> None:
        for number, event in self.epoll.poll(seconds):
            client = self.sockets.get(number)
            if client is None:
                continue
            if event & select.EPOLLOUT and client.state == _CONNECTING:
                client.sock.send(
                    f"GET /ws/feed/ HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
                )
                self.epoll.modify(client.sock, select.EPOLLIN)
            else:
                self.receive(client)

    def receive(self, client: _Socket) -> None:
        try:
            data = client.sock.recv(65536)
        except OSError:
            data = b""
        if not data:
            self.drop(client)
            return
        now = time.time()
        client.buffer += data
        if client.state == _CONNECTING:
            end = client.buffer.find(b"\r\n\r\n")
            if end < 0:
                return
            if b" 101 " not in client.buffer[:20]:
                self.drop(client)
                return
            del client.buffer[: end + 4]
            client.state = _OPEN
            self.opened += 1
        while (frame := _take(client.buffer)) is not None:
            code, payload = frame
            if code == 1:
                client.arrivals.append((self.number_of(payload), now))
            elif code == 9:  # a ping wants its pong, masked as everything that a client sends
                client.sock.send(bytes([0x8A, 0x80 | len(payload)]) + b"\0\0\0\0" + payload)
            elif code == 8:
                self.drop(client)
                return

    def number_of(self, payload: bytes) -> int:
        number = self.frames.get(payload)
        if number is None:
            number = self.frames[payload] = len(self.items)
            told = json.loads(payload).get("items", [])
            self.items.append([(item["id"], datetime.fromisoformat(item["created_at"]).timestamp()) for item in told])
        return number

    def drop(self, client: _Socket) -> None:
        self.dropped += client.state == _OPEN
        del self.sockets[client.sock.fileno()]
        self.epoll.unregister(client.sock)
        client.sock.close()


def _take(buffer: bytearray) -> tuple[int, bytes] | None:
    """The next whole frame of a server (never masked, never in parts) off the buffer: its opcode and its payload."""
    if len(buffer) < 2:
        return None
    size, start = buffer[1] & 0x7F, 2
    if size >= 126:
        start = 4 if size == 126 else 10
        if len(buffer) < start:
            return None
        size = int.from_bytes(buffer[2:start], "big")
    if len(buffer) < start + size:
        return None
    code, payload = buffer[0] & 0x0F, bytes(buffer[start : start + size])
    del buffer[: start + size]
    return code, payload


def raise_file_limit() -> int:
    """As many open files as this user may have, here and in the processes started from here."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return min(hard, os.sysconf("SC_OPEN_MAX"))
