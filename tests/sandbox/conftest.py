"""One sandbox process for these tests, and one of its own for a test that kills it."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.sandbox.harness import Person, Receiver, Sandbox, running
from tests.stack import wait_until


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Sandbox, Receiver]]:
    with running(tmp_path_factory.mktemp("sandbox")) as pair:
        yield pair


@pytest.fixture
def sandbox(shared: tuple[Sandbox, Receiver]) -> Sandbox:
    """The shared sandbox: no faults, nothing under way, webhooks on."""
    sandbox, _ = shared
    for vendor in ("dwolla", "plaid", "twilio"):
        sandbox.post(f"/sandbox/{vendor}/fail", {"mode": None})
    sandbox.post("/sandbox/webhooks", {"mode": "paused"})
    sandbox.advance(5)
    sandbox.post("/sandbox/webhooks", {"mode": "discard"})
    return sandbox


@pytest.fixture
def receiver(shared: tuple[Sandbox, Receiver], sandbox: Sandbox) -> Receiver:
    """Where the sandbox sends its webhooks, empty."""
    _, receiver = shared
    time.sleep(0.05)  # what was under way when the queue was discarded has landed
    # So has what people who were made before this brought about.
    wait_until(lambda: not sandbox.get("/sandbox/bank").json()["webhooks"]["pending"], "a sandbox with nothing to tell")
    receiver.reset()
    return receiver


@pytest.fixture
def own_sandbox(tmp_path: Path) -> Iterator[tuple[Sandbox, Receiver]]:
    """A sandbox that a test may kill."""
    with running(tmp_path) as pair:
        yield pair


@pytest.fixture
def make_person(sandbox: Sandbox) -> Callable[..., Person]:
    return lambda **kwargs: Person(sandbox, **kwargs)


@pytest.fixture
def person(sandbox: Sandbox) -> Person:
    return Person(sandbox)
