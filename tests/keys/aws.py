"""AWS for tests: moto's server in a process of its own, asked over HTTP by the product's boto3.

`python -m tests.keys.aws PORT` is moto's server with one more address, /sent, that lists the text messages.
"""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

REGION = "us-east-1"
ROOT = Path(__file__).resolve().parent.parent.parent


@dataclass
class Aws:
    url: str

    def sent(self) -> list[dict[str, str]]:
        """The text messages that SNS was given, oldest first."""
        return list(requests.get(f"{self.url}/sent", timeout=10).json())

    def reset(self) -> None:
        requests.post(f"{self.url}/moto-api/reset", timeout=10)

    def client(self, service: str) -> Any:
        import boto3

        return boto3.client(service, region_name=REGION, endpoint_url=self.url)


@contextmanager
def running() -> Iterator[Aws]:
    """A server on a free port, for as long as it is needed."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "tests.keys.aws", str(port)]
    process = subprocess.Popen(command, cwd=ROOT, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        aws = Aws(f"http://127.0.0.1:{port}")
        deadline = time.monotonic() + 60
        while True:
            try:
                aws.sent()
                break
            except requests.RequestException:
                assert process.poll() is None and time.monotonic() < deadline, "moto's server did not come up"
                time.sleep(0.2)
        yield aws
    finally:
        process.terminate()
        process.wait(20)


def serve(port: int) -> None:
    from moto.backends import get_backend
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
    from werkzeug.serving import run_simple

    moto = DomainDispatcherApplication(create_backend_app)

    def application(environ: dict[str, Any], start_response: Any) -> Any:
        if environ["PATH_INFO"] != "/sent":
            return moto(environ, start_response)
        messages = [
            {"to": to, "body": body}
            for account in get_backend("sns").values()
            for backend in account.values()
            for to, body in backend.sms_messages.values()
        ]
        start_response("200 OK", [("Content-Type", "application/json")])
        return [json.dumps(messages).encode()]

    run_simple("127.0.0.1", port, application, threaded=True)


if __name__ == "__main__":
    serve(int(sys.argv[1]))
