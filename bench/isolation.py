"""What row-level security costs: the same requests against the same data, with its policies and without.

One database with 5,000 people (1,000 with --quick), and its clone with row-level security disabled on every table; a gunicorn
with 2 workers on each. One process with 16 connections sends, in interleaved rounds to the one and to the other:

- reads: wallet, payments, transactions, devices and the person, one after the other at random;
- payment: POST /v1/payments between random people, with everything on;
- mix: nine reads, and one payment.

rls_cost_factor is the median over the rounds of the mix of (rate without policies / rate with them); reads and payments have
factors of their own. rate_limit_cost_ms is what counting a request (core/ratelimit.py, one round trip to Redis) takes of it: the
median of a thousand. In the end every acknowledged payment must be stored, and the books of both must be clean.
"""

from __future__ import annotations

import random
import statistics
import time
from typing import Any

from paya.local import database, ports

from . import report
from .http import answers, builders
from .load import Generator, Round, request
from .people import Person, make_people
from .prepared import DATABASE, Stage
from .report import Target

BARE = f"{DATABASE}_bare"
TARGETS = (Target("rls_cost_factor", "<=", 1.10),)
SIDES = ("mix", "reads", "payment")
READS = ("/v1/wallet", "/v1/payments", "/v1/wallet/transactions", "/v1/devices", "/v1/me")
DISABLED = """
    DO $$ DECLARE t regclass; BEGIN
        FOR t IN SELECT oid::regclass FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relrowsecurity LOOP
            EXECUTE format('ALTER TABLE %s DISABLE ROW LEVEL SECURITY', t);
        END LOOP;
    END $$
"""
RATE_LIMIT = """
import statistics, time
import django; django.setup()
from core import ratelimit
took = []
for _ in range(1100):
    started = time.perf_counter(); ratelimit.spend(key="bench", limit=100000, sure=False)
    took.append(time.perf_counter() - started)
print(statistics.median(took[100:]) * 1000)
"""


def requests_of(people: list[Person]) -> dict[str, Any]:
    """What each side sends."""
    payment = builders(people)["payment"]

    def read(rng: random.Random) -> bytes:
        return request("GET", rng.choice(READS), token=rng.choice(people).token)

    def mix(rng: random.Random) -> bytes:
        built: bytes = payment(rng) if rng.random() < 0.1 else read(rng)
        return built

    return {"mix": mix, "reads": read, "payment": payment}


def start_web(stage: Stage, dbname: str, port: int) -> None:
    command = [
        "-m", "gunicorn", "paya.wsgi", f"--bind=127.0.0.1:{port}", "--workers=2", "--preload",
        "--no-control-socket", "--graceful-timeout=3", "--log-level=warning",
    ]  # fmt: skip
    url = f"http://127.0.0.1:{port}/healthz"
    own = {"DATABASE_URL": stage.url("web", dbname)}
    stage.start(f"web-{dbname}", command, role="web", ready=lambda: answers(url), **own)


def ask(stage: Stage, dbname: str, sql: str) -> Any:
    with database.connect(stage.url("admin", dbname), autocommit=True) as connection, connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchone()[0] if cursor.description else None


def measure(stage: Stage, *, quick: bool) -> int:
    people = make_people(stage, 1000 if quick else 5000)
    stage.clone(BARE)
    ask(stage, BARE, DISABLED)
    for dbname in (DATABASE, BARE):
        ask(stage, dbname, "vacuum (analyze)")
    other = ports.free_block(1)
    places = {DATABASE: stage.port, BARE: other}
    for dbname, port in places.items():
        start_web(stage, dbname, port)
    generators = {dbname: Generator(port, requests_of(people)) for dbname, port in places.items()}
    rounds, seconds = (6, 1.0) if quick else (15, 2.0)
    results: dict[str, dict[str, list[Round]]] = {side: {dbname: [] for dbname in places} for side in SIDES}
    for generator in generators.values():
        for side in SIDES:
            generator.run(side, seconds)
    warm = {dbname: ask(stage, dbname, "select count(*) from payments_payment") for dbname in places}
    for number in range(rounds):
        for side in SIDES:
            for dbname in places if number % 2 == 0 else reversed(places):
                results[side][dbname].append(generators[dbname].run(side, seconds))
    for generator in generators.values():
        generator.close()

    rates = {
        f"{side}, {'with' if dbname == DATABASE else 'without'} policies": [one.rate for one in done]
        for side, both in results.items() for dbname, done in both.items()
    }  # fmt: skip
    report.rates_table(rates, "requests/s")
    figures: dict[str, Any] = {"rls_cost_factor": factor(results["mix"])}
    figures |= {f"rls_cost_factor_{side}": factor(results[side]) for side in ("reads", "payment")}
    figures["rate_limit_cost_ms"] = rate_limit_cost(stage)
    return report.finish("isolation", figures, TARGETS, quick=quick, broken=broken(stage, results, warm))


def factor(both: dict[str, list[Round]]) -> float:
    """How many times as long the same takes with policies: the median of the rounds' own ratios."""
    return statistics.median(bare.rate / whole.rate for whole, bare in zip(both[DATABASE], both[BARE], strict=True))


def rate_limit_cost(stage: Stage) -> float | None:
    done = stage.command("-c", RATE_LIMIT, role="web")
    return float(done.stdout) if done.returncode == 0 else None


def broken(stage: Stage, results: dict[str, dict[str, list[Round]]], before: dict[str, int]) -> list[str]:
    wrong = []
    for dbname in before:
        statuses = [one.statuses for both in results.values() for one in both[dbname]]
        others = {code: n for counted in statuses for code, n in counted.items() if code not in (200, 201)}
        if others:
            wrong.append(f"{dbname} answered {others}")
        paid = sum(counted.get(201, 0) for counted in statuses)
        deadline = time.monotonic() + 5
        while (stored := ask(stage, dbname, "select count(*) from payments_payment") - before[dbname]) != paid:
            if time.monotonic() > deadline:
                wrong.append(f"{dbname}: {paid} payments were acknowledged, {stored} are stored")
                break
        if not stage.audit(dbname):
            wrong.append(f"the books of {dbname} are not clean")
    if ask(stage, DATABASE, "select count(*) from pg_class where relrowsecurity and relnamespace = 'public'::regnamespace") == 0:
        wrong.append("there are no policies to measure")
    return wrong
