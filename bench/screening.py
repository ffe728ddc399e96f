"""What screening adds to the time of a payment: the same requests with it and without, in one run on one database.

Two gunicorns with 2 workers each: the product, and bench/unscreened.py, whose payments go the way that they went before there
were limits and scores. 5,000 people (1,000 with --quick) have each sent a few payments within the day; one process with 16
connections sends payments between random people to the one and to the other, in interleaved rounds. The limits have counts that
the run does not reach, so that all of them are computed, and the walk back through the journal goes over everything that the
payer has sent within a day.

payment_cost_factor is the median over the rounds of (rate without / rate with); it contains what is measured and what is written
down of it. busy_cost_factor is the same for payers who have all sent about as many payments today as the limits of people allow.
evaluations_per_second is one connection that screens and moves nothing: guard, figures, limits and score, rolled back; of which
python_evaluations_per_second is the score alone. In the end every acknowledged payment must be stored, each of the
screened ones with what was measured, and the books must be clean.
"""

from __future__ import annotations

import json
import random
import statistics
from typing import Any
from uuid import uuid4

from paya.local import database, ports

from . import report
from .http import answers, drained, one
from .load import Generator, Round, request
from .people import Person, make_people
from .prepared import Stage
from .report import Target

TARGETS = (Target("payment_cost_factor", "<=", 1.15),)
HISTORY, BUSY, BUSY_PEOPLE = 5, 49, 200
SIDES = ("payment", "busy")
KINDS = ("screened", "unscreened")
# As staff would set them. A limit that is out of reach is looked up and compared like any other; one that is none is not.
LIMITS = """
    insert into compliance_limit (name, tier, value, effective_at, reason)
    select name, 1, 900, core_now(), 'Out of reach of a bench'
    from unnest(array['sends_per_hour', 'sends_per_day', 'recipients_per_day']) name
"""
# The way of before, which no role of the application may go any more.
GRANT = """
    grant execute on function payments_begin(bigint, text, text),
        payments_finish(bigint, text, uuid, bigint, bigint, text, text, json, json, text, bytea) to paya_web
"""
# Each of these people pays some of those after them, through the posting function, within the last day.
PAST = """
    select count(ledger_post(uuidv7(), 7::smallint, a.account, b.account, 100 + g))
    from (select account, row_number() over (order by user_id) n from wallets_wallet) a, generate_series(1, %(payments)s) g
    join lateral (select account, row_number() over (order by user_id) n from wallets_wallet) b on true
    where a.n <= %(people)s and b.n = (a.n + g * 7) %% %(count)s + 1 and a.account <> b.account
"""
EVALUATE = """
import sys, time
import django; django.setup()
from django.db import connection, transaction
from compliance.movement import Movement, MovementKind, Origin
from compliance.services import screening
from payments import services
from users.models import User

def figures(cursor, payer, to):
    cursor.execute(services._BEGIN, [payer, None, to, None, 1234])
    row = cursor.fetchone()
    assert row[14] is None
    return row[3], row[9], screening.PaymentFigures(*row[16:])

def judged(found):
    available, payee, known = found
    movement = Movement(MovementKind.PAYMENT, payer, payee, 1234, known.at, "public")
    return screening.score_payment(known, movement, Origin(None, "US"), available)

def rate(call, seconds):
    done, started = 0, time.perf_counter()
    while (took := time.perf_counter() - started) < seconds:
        call(); done += 1
    return done / took

payer, to, seconds = int(sys.argv[1]), sys.argv[2], float(sys.argv[3])
with connection.cursor() as cursor:
    def whole():
        with transaction.atomic():
            verdict = judged(figures(cursor, payer, to))
            assert verdict.decision == "passed", verdict
            transaction.set_rollback(True)
    whole()
    everything = rate(whole, seconds)
    with transaction.atomic():
        known = figures(cursor, payer, to)
        alone = rate(lambda: judged(known), seconds / 2)
print(everything, alone)
"""


def payments_of(payers: list[Person], payees: list[Person]) -> Any:
    def payment(rng: random.Random) -> bytes:
        payer = rng.choice(payers)
        payee = rng.choice(payees)
        while payee is payer:
            payee = rng.choice(payees)
        body = {"to": f"@{payee.username}", "amount": rng.randint(1, 500), "note": "Lunch", "visibility": "public"}
        key = f"Idempotency-Key: {uuid4()}"
        return request("POST", "/v1/payments", token=payer.token, body=json.dumps(body).encode(), headers=[key])

    return payment


def prepare(stage: Stage, people: list[Person]) -> None:
    """Limits, some history, and the old way's rights in this database."""
    with database.connect(stage.url("admin"), autocommit=True) as connection, connection.cursor() as cursor:
        cursor.execute(LIMITS)
        cursor.execute(GRANT)
        for payments, whose in ((HISTORY, len(people)), (BUSY - HISTORY, BUSY_PEOPLE)):
            cursor.execute(PAST, {"payments": payments, "people": whose, "count": len(people)})
        cursor.execute("vacuum (analyze)")


def start_web(stage: Stage, name: str, wsgi: str, port: int) -> None:
    command = [
        "-m", "gunicorn", wsgi, f"--bind=127.0.0.1:{port}", "--workers=2", "--preload",
        "--no-control-socket", "--graceful-timeout=3", "--log-level=warning",
    ]  # fmt: skip
    url = f"http://127.0.0.1:{port}/healthz"
    stage.start(f"web-{name}", command, role="web", ready=lambda: answers(url))


def measure(stage: Stage, *, quick: bool) -> int:
    people = make_people(stage, 1000 if quick else 5000)
    prepare(stage, people)
    other = ports.free_block(1)
    start_web(stage, "screened", "paya.wsgi", stage.port)
    start_web(stage, "unscreened", "bench.unscreened", other)
    stage.start("relay", ["manage.py", "relay"], role="worker", ready=lambda: True)
    builders = {"payment": payments_of(people, people), "busy": payments_of(people[:BUSY_PEOPLE], people)}
    generators = {"screened": Generator(stage.port, builders), "unscreened": Generator(other, builders)}
    rounds, seconds = (8, 1.0) if quick else (21, 2.0)
    for generator in generators.values():
        generator.run("payment", 2.0)
    before = {name: one(stage, f"select count(*) from {name}") for name in ("payments_payment", "compliance_assessment")}
    results: dict[str, dict[str, list[Round]]] = {side: {kind: [] for kind in KINDS} for side in SIDES}
    for number in range(rounds):
        # Busy people are measured less: each round makes them busier.
        for side in SIDES if number % 2 == 0 else SIDES[:1]:
            for kind in KINDS if number % 2 == 0 else reversed(KINDS):
                results[side][kind].append(generators[kind].run(side, seconds if side == "payment" else seconds / 2))
    for generator in generators.values():
        generator.close()

    rates = {f"{side}, {kind}": [r.rate for r in done] for side, both in results.items() for kind, done in both.items()}
    report.rates_table(rates, "payments/s")
    figures: dict[str, Any] = {
        "payment_cost_factor": factor(results["payment"]), "busy_cost_factor": factor(results["busy"]),
        **evaluations(stage, people, 1.0 if quick else 4.0),
    }  # fmt: skip
    for kind in KINDS:
        together = Round(0, [x for r in results["payment"][kind] for x in r.latencies], {})
        figures[f"{kind}_p50_ms"], figures[f"{kind}_p95_ms"] = together.percentile(0.5), together.percentile(0.95)
    return report.finish("screening", figures, TARGETS, quick=quick, broken=broken(stage, results, before))


def factor(both: dict[str, list[Round]]) -> float:
    """How many times as long the same takes with screening: the median of the rounds' own ratios."""
    return statistics.median(bare.rate / whole.rate for whole, bare in zip(both["screened"], both["unscreened"], strict=True))


def evaluations(stage: Stage, people: list[Person], seconds: float) -> dict[str, float | None]:
    payer = one(stage, f"select user_id from users_profile where username = '{people[-1].username}'")
    done = stage.command("-c", EVALUATE, str(payer), people[-2].username, str(seconds), role="web")
    if done.returncode:
        print(done.stderr)
        return {"evaluations_per_second": None, "python_evaluations_per_second": None}
    whole, alone = map(float, done.stdout.split())
    return {"evaluations_per_second": whole, "python_evaluations_per_second": alone}


def broken(stage: Stage, results: dict[str, dict[str, list[Round]]], before: dict[str, int]) -> list[str]:
    wrong = []
    paid = dict.fromkeys(KINDS, 0)
    for both in results.values():
        for kind, done in both.items():
            others = {code: n for r in done for code, n in r.statuses.items() if code != 201}
            if others:
                wrong.append(f"{kind} answered {others}")
            paid[kind] += sum(r.statuses.get(201, 0) for r in done)
    stored = one(stage, "select count(*) from payments_payment") - before["payments_payment"]
    if stored != sum(paid.values()):
        wrong.append(f"{sum(paid.values())} payments were acknowledged, {stored} are stored")
    assessed = one(stage, "select count(*) from compliance_assessment") - before["compliance_assessment"]
    if assessed != paid["screened"]:
        wrong.append(f"{paid['screened']} screened payments were acknowledged, {assessed} assessments are stored")
    if not drained(stage):
        wrong.append("the relay did not drain the outbox")
    if not stage.audit():
        wrong.append("the books are not clean")
    return wrong
