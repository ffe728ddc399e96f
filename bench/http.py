"""The API over HTTP against an endpoint that does nothing, on the server and the processes of `bin/run`.

gunicorn with 2 workers and the relay run on durable commits; 5,000 people (1,000 with --quick) have money, devices and
access tokens. One process with 16 connections sends, in interleaved rounds:

- noop: GET of an authenticated DRF endpoint of the same server that does nothing (bench/urls.py);
- payment: POST /v1/payments between random people, with everything on: bearer token, device check, validation, actor,
  guard, idempotency key, posting, payment row, outbox, stored answer, row-level security;
- wallet: GET /v1/wallet; feed: GET /v1/feed, 20 items of thousands.

payment_vs_noop and reads_vs_noop are medians of the rounds' ratios; payment_p95_ms is over all of them. Then one process
says where the time of one payment goes (bench/breakdown.py). In the end every acknowledged payment must be in the
journal, the relay must have drained the outbox, and the books must be clean.
"""

from __future__ import annotations

import json
import random
import statistics
import time
import urllib.request
from typing import Any
from uuid import uuid4

from paya.local import database

from . import report
from .load import Generator, Round, request
from .people import Person, make_people
from .prepared import Stage
from .report import Target

TARGETS = (
    Target("payment_vs_noop", ">=", 0.28), Target("payment_p95_ms", "<", 50.0),
    Target("wallet_vs_noop", ">=", 0.55), Target("feed_vs_noop", ">=", 0.40),
)  # fmt: skip
SIDES = ("noop", "payment", "wallet", "feed")
OK = {"noop": 200, "payment": 201, "wallet": 200, "feed": 200}


def builders(people: list[Person]) -> dict[str, Any]:
    """What each side sends."""

    def payment(rng: random.Random) -> bytes:
        payer, payee = rng.sample(people, 2)
        body = {"to": f"@{payee.username}", "amount": rng.randint(1, 500), "note": "Lunch", "visibility": "public"}
        key = f"Idempotency-Key: {uuid4()}"
        return request("POST", "/v1/payments", token=payer.token, body=json.dumps(body).encode(), headers=[key])

    def get(path: str) -> Any:
        return lambda rng: request("GET", path, token=rng.choice(people).token)

    return {
        "noop": get("/v1/bench/noop"), "payment": payment, "wallet": get("/v1/wallet"),
        "feed": lambda rng: request("GET", "/v1/feed"),
    }  # fmt: skip


def start_web(stage: Stage) -> None:
    """Web as bin/run starts it, and the relay."""
    command = [
        "-m", "gunicorn", "paya.wsgi", f"--bind=127.0.0.1:{stage.port}", "--workers=2", "--preload",
        "--no-control-socket", "--graceful-timeout=3", "--log-level=warning",
    ]  # fmt: skip
    url = f"http://127.0.0.1:{stage.port}/healthz"
    stage.start("web", command, role="web", ready=lambda: answers(url), DJANGO_SETTINGS_MODULE="bench.settings")
    stage.start("relay", ["manage.py", "relay"], role="worker", ready=lambda: True)


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as response:
            return bool(response.status == 200)
    except OSError:
        return False


def one(stage: Stage, sql: str) -> Any:
    with database.connect(stage.url("admin")) as connection, connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchone()[0]


def drained(stage: Stage, seconds: float = 30) -> bool:
    deadline = time.monotonic() + seconds
    while not one(stage, "select core_outbox_drained()"):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


def measure(stage: Stage, *, quick: bool) -> int:
    people = make_people(stage, 1000 if quick else 5000)
    start_web(stage)
    generator = Generator(stage.port, builders(people))
    rounds, seconds = (4, 1.2) if quick else (9, 3.0)
    for name in ("payment", *SIDES):
        generator.run(name, seconds)  # warms up, and fills the feed
    before = one(stage, "select count(*) from payments_payment")
    results: dict[str, list[Round]] = {name: [] for name in SIDES}
    for number in range(rounds):
        for name in SIDES if number % 2 == 0 else reversed(SIDES):
            results[name].append(generator.run(name, seconds))
    generator.close()

    rates = {name: [result.rate for result in results[name]] for name in SIDES}
    report.rates_table(rates, "requests/s")
    payments = Round(0, [x for r in results["payment"] for x in r.latencies], {})
    figures: dict[str, Any] = {"payment_vs_noop": _ratio(rates, "payment"), "payment_p95_ms": payments.percentile(0.95)}
    figures |= {f"{name}_vs_noop": _ratio(rates, name) for name in ("wallet", "feed")}
    figures |= {"payments_per_s": statistics.median(rates["payment"]), "payment_p50_ms": payments.percentile(0.5)}

    broken = []
    for name, done in results.items():
        others = {code: n for r in done for code, n in r.statuses.items() if code != OK[name]}
        if others:
            broken.append(f"{name} answered {others}")
    acknowledged = sum(r.statuses.get(201, 0) for r in results["payment"])
    if (stored := one(stage, "select count(*) from payments_payment") - before) != acknowledged:
        broken.append(f"{acknowledged} payments were acknowledged, {stored} are stored")
    if not drained(stage):
        broken.append("the relay did not drain the outbox")
    if not stage.audit():
        broken.append("the books are not clean")
    breakdown = stage.command("-m", "bench.breakdown", people[0].token, people[1].username, role="web")
    print(breakdown.stdout or breakdown.stderr)
    return report.finish("http", figures, TARGETS, quick=quick, broken=broken)


def _ratio(rates: dict[str, list[float]], name: str) -> float:
    return statistics.median(a / b for a, b in zip(rates[name], rates["noop"], strict=True))
