"""The live feed: from the commit of a payment to the frame in each client.

The whole way runs as in `bin/run`: gunicorn with 2 workers, the relay, Redis, daphne. One process holds 1,000 open
WebSockets on /ws/feed/ (300 with --quick), another makes 50 public payments a second over HTTP.

- p50_ms, p95_ms: from a payment's posting (its `created_at`, stamped just before the commit) to the arrival of its
  frame, over all payments and all sockets, on one machine's clock;
- lost, doubled: payments that a socket has not been told, or twice; a socket that the server drops has lost all;
- max_sockets: the most sockets, in steps within a time budget, with p95 under 500 ms and nothing lost or doubled.
"""

from __future__ import annotations

import http.client
import json
import multiprocessing
import random
import threading
import time
from typing import Any
from uuid import uuid4

from . import own_signals, report
from .http import answers, drained, start_web
from .people import Person, make_people
from .prepared import Stage
from .report import Target
from .watchers import Seen, Watchers, raise_file_limit

RATE = 50
SENDERS = 8
P95_MS = 500
SOCKETS = 1000
FEWER = (250, 500, 750)
STEPS = (1500, 2000, 2500, 3000, 4000, 5000, 6000, 8000, 10000)
BUDGET_SECONDS = 150
TARGETS = (Target("p95_ms", "<", P95_MS), Target("lost", "==", 0), Target("doubled", "==", 0))


def send_payments(port: int, people: list[Person], seconds: float) -> list[str]:
    """RATE public payments a second at even distances, whatever the answers take; the ids of those acknowledged."""
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe()
    process = context.Process(target=lambda: theirs.send(_send(port, people, seconds)), daemon=True)
    process.start()
    answer = ours.recv()
    process.join(5)
    if isinstance(answer, str):
        raise RuntimeError(answer)
    ids: list[str] = answer
    return ids


def _send(port: int, people: list[Person], seconds: float) -> list[str] | str:
    own_signals()
    ids: list[str] = []
    wrong: list[str] = []
    start = time.monotonic() + 0.1

    def sender(first: int) -> None:
        rng, connection = random.Random(first), http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        for number in range(first, int(RATE * seconds), SENDERS):
            time.sleep(max(0.0, start + number / RATE - time.monotonic()))
            payer, payee = rng.sample(people, 2)
            body = {"to": f"@{payee.username}", "amount": rng.randint(1, 500), "note": "Lunch", "visibility": "public"}
            headers = {
                "Authorization": f"Bearer {payer.token}", "Idempotency-Key": str(uuid4()), "Content-Type": "application/json",
            }  # fmt: skip
            try:
                connection.request("POST", "/v1/payments", json.dumps(body), headers)
                answer = connection.getresponse()
                text = answer.read()
            except OSError as error:
                wrong.append(repr(error))
                return
            if answer.status == 201:
                ids.append(json.loads(text)["id"])
            else:
                wrong.append(f"{answer.status}: {text[:200]!r}")

    threads = [threading.Thread(target=sender, args=(first,)) for first in range(SENDERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return f"payments failed: {wrong[0]}" if wrong else ids


def round_of(stage: Stage, watchers: Watchers, people: list[Person], sockets: int, seconds: float) -> Seen:
    opened = watchers.open(sockets)
    watchers.reset()
    ids = send_payments(stage.port, people, seconds)
    seen = watchers.seen(ids)
    print(
        f"{opened:>6} sockets, {len(ids)} payments: p50 {seen.p50_ms:.0f} ms, p95 {seen.p95_ms:.0f} ms, "
        f"longest {seen.max_ms:.0f} ms, lost {seen.lost}, doubled {seen.doubled}, dropped {seen.dropped}",
        flush=True,
    )
    return seen


def holds(seen: Seen, sockets: int) -> bool:
    return seen.sockets >= sockets and seen.p95_ms < P95_MS and not (seen.lost or seen.doubled or seen.dropped)


def most_sockets(stage: Stage, watchers: Watchers, people: list[Person], held: int, limit: int) -> int:
    """The most sockets that hold, in steps: upwards from those that are open, or from few when these did not hold."""
    if not held:
        watchers.close()
        watchers = Watchers(stage.port + 1)
    deadline = time.monotonic() + BUDGET_SECONDS
    for step in STEPS if held else FEWER:
        if time.monotonic() > deadline or step + 500 > limit:
            break
        if not holds(round_of(stage, watchers, people, step, 10.0), step):
            break
        held = step
    if held < SOCKETS:
        watchers.close()
    return held


def measure(stage: Stage, *, quick: bool) -> int:
    limit = raise_file_limit()
    people = make_people(stage, 500)
    start_web(stage)
    live = ["-m", "daphne", "-b", "127.0.0.1", "-p", str(stage.port + 1), "-v", "0", "paya.asgi:application"]
    stage.start("live", live, role="web", ready=lambda: answers(f"http://127.0.0.1:{stage.port + 1}/healthz"))
    watchers = Watchers(stage.port + 1)
    sockets, seconds = (300, 8.0) if quick else (SOCKETS, 30.0)
    round_of(stage, watchers, people, sockets // 10, 2.0)  # warms up
    seen = round_of(stage, watchers, people, sockets, seconds)
    best = None if quick else most_sockets(stage, watchers, people, sockets if holds(seen, sockets) else 0, limit)
    watchers.close()

    figures: dict[str, Any] = {
        "p50_ms": seen.p50_ms, "p95_ms": seen.p95_ms, "lost": seen.lost, "doubled": seen.doubled,
        "sockets": sockets, "max_sockets": best,
    }  # fmt: skip
    broken = [f"{figures[name]} {name}" for name in ("lost", "doubled") if figures[name]]
    if seen.sockets < sockets:
        broken.append(f"only {seen.sockets} of {sockets} sockets were open in the end")
    if not drained(stage):
        broken.append("the relay did not drain the outbox")
    if not stage.audit():
        broken.append("the books are not clean")
    return report.finish("feed", figures, TARGETS, quick=quick, broken=broken)
