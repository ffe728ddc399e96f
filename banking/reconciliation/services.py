"""A custodian's day: ask it, keep what it says, book what only it knows, compare three ways, keep the result.

Harmless when it runs twice, also side by side: lines are unique, bookings have references made of the line, and the
comparison of one custodian is made under a lock, the later superseding the earlier result of the day.
"""

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.db import connection
from django.db.models import F

from banking import rails
from banking.models import BankTransfer, Break, Reconciliation, ReconciliationWish, Statement
from banking.rails.port import TellsStatement
from banking.reconciliation import booking, store
from banking.reconciliation.rules import Pair, Verdict, judge
from core import staff
from core.actor import SYSTEM, actor
from core.clock import now
from core.errors import ValidationError
from core.ids import new_id
from core.resilience import ProviderDown, ProviderRejected, ProviderUnknown
from ledger.chart import RESERVES

log = logging.getLogger("paya.banking")
_LOCK = 420_402  # class of this room's advisory locks: one comparison of a custodian at a time
MOST_ITEMS = 200  # in transit, listed with the result; the sum has all
State, Result = Break.State, Reconciliation.Result


@dataclass(frozen=True)
class Found:
    """A break as this run sees it."""

    kind: str
    subject: str
    cents: int
    facts: dict[str, Any]


def custodians() -> list[str]:
    """Those that hold money for us or may: who can be asked, whose statements were imported, who carried a transfer."""
    with actor(SYSTEM):
        known = set(Statement.objects.values_list("custodian", flat=True).distinct())
        known |= set(BankTransfer.objects.values_list("rail", flat=True).distinct())
    asked = {name for name in rails.available() if isinstance(rails.rail(name), TellsStatement)}
    return [name for name in RESERVES if name in known | asked]


def reconcile(*, custodian: str, on: date | None = None) -> Reconciliation:
    """Compare one custodian as of now, or as it was known at the end of a past day (UTC).

    Raises ValidationError for a day to come, and for one of which nothing was known. A custodian that cannot be asked
    gives a result that says so.
    """
    today = now().date()
    on = on or today
    if on > today:
        raise ValidationError(fields={"date": "This day is yet to come."})
    statement: Statement | None = None
    if on == today:
        try:
            statement = store.take(custodian=custodian)
        except (ProviderDown, ProviderUnknown, ProviderRejected) as error:
            log.warning("reconciliation_not_possible", extra={"custodian": custodian, "cause": str(error)})
            return _unknown(custodian, on, f"{type(error).__name__}: {error}"[:200])
        booking.book(custodian=custodian)
    cut = None if on == today else datetime.combine(on + timedelta(days=1), time.min, tzinfo=UTC)
    with actor(SYSTEM):
        _lock(custodian)
        if statement is None:
            statement = _statement_before(custodian, cut)
        if statement is None and cut is not None:
            raise ValidationError(fields={"date": f"Nothing that {custodian} said until then is known."})
        if statement is None:
            return _keep(Reconciliation(custodian=custodian, on=on, result=Result.UNKNOWN, cause="no statement of this day"))
        return _compare(statement, on, cut)


def daily() -> list[Reconciliation]:
    """What beat wakes up: each custodian that has no result of today yet."""
    today = now().date()
    with actor(SYSTEM):
        compared = Reconciliation.objects.filter(on=today, current=True).exclude(result=Result.UNKNOWN)
        done = set(compared.values_list("custodian", flat=True))
    return [reconcile(custodian=name) for name in custodians() if name not in done]


def wished() -> int:
    """Carry out what staff asked for; how many wishes that were."""
    with actor(SYSTEM):
        wishes = list(ReconciliationWish.objects.filter(done_at=None).order_by("id"))
    for custodian in {wish.custodian for wish in wishes}:
        if custodian in RESERVES:
            reconcile(custodian=custodian)
    with actor(SYSTEM):
        ReconciliationWish.objects.filter(pk__in=[wish.pk for wish in wishes]).update(done_at=now())
    return len(wishes)


def match(*, custodian: str, at: datetime) -> tuple[dict[str, Any], list[Pair]]:
    """The totals, and the keys on which the three sides do not agree, of all that was known at `at`.

    One set-based statement in one snapshot; needs SYSTEM as actor. `bench/reconciliation.py` measures it.
    """
    totals: dict[str, Any] = {}
    pairs = []
    with connection.cursor() as cursor:
        cursor.execute("select part, data::text from banking_match(%s, %s, %s)", [custodian, int(RESERVES[custodian]), at])
        for part, data in cursor.fetchall():
            if part == "totals":
                totals = json.loads(data)
            else:
                pairs.append(Pair.of(json.loads(data)))
    return totals, pairs


# ----------------------------------------------------------------------------------------------------------- steps
def _lock(custodian: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(%s, hashtext(%s))", [_LOCK, custodian])


def _statement_before(custodian: str, cut: datetime | None) -> Statement | None:
    rows = Statement.objects.filter(custodian=custodian, closing__isnull=False)
    # Among files of one account the bank's own day says which is the newer; nothing else is ordered by it.
    return (rows.filter(taken_at__lt=cut) if cut else rows).order_by(F("as_of").desc(nulls_last=True), "-id").first()


def _compare(statement: Statement, on: date, cut: datetime | None) -> Reconciliation:
    custodian, at = statement.custodian, cut or _database_time()
    totals, pairs = match(custodian=custodian, at=at)
    verdicts = [verdict for pair in pairs if (verdict := judge(pair, custodian=custodian, at=at))]
    moving = [verdict.pair for verdict in verdicts if not verdict.kind]
    found = [_break_of(verdict) for verdict in verdicts if verdict.kind]
    lines_say = _before_the_first_line(custodian) + totals["there"]
    held = statement.closing if statement.closing is not None else lines_say
    found += _of_the_statement(statement, held=held, lines_say=lines_say)
    in_transit = sum(pair.cents for pair in moving)
    parts = in_transit + sum(one.cents for one in found)
    if totals["ledger"] - held != parts:
        difference = totals["ledger"] - held - parts
        found.append(Found("unexplained", f"{custodian}:{on}", difference, {"ledger": totals["ledger"], "held": held}))
    # What was then is not what is open now.
    still_open, accepted = _update_breaks(custodian, on, found) if cut is None else (found, [])
    moving.sort(key=lambda pair: -abs(pair.cents))
    return _keep(
        Reconciliation(
            custodian=custodian, on=on, result=_result(still_open, accepted), statement=statement,
            ledger=totals["ledger"], ours=totals["ours"], held=held, in_transit=in_transit, items_count=len(moving),
            items=[[pair.subject, pair.cents, pair.status] for pair in moving[:MOST_ITEMS]],
            pending={name: totals[name] for name in ("loads", "loads_cents", "redemptions", "redemptions_cents")},
            compared=totals["keys"], breaks=len(still_open), breaks_cents=sum(one.cents for one in still_open),
            accepted=len(accepted), accepted_cents=sum(abs(one.cents) for one in accepted),
        )
    )  # fmt: skip


def _result(still_open: Sequence[Found], accepted: Sequence[Found]) -> str:
    if still_open:
        return Result.BREAKS
    return Result.ACCEPTED if accepted else Result.CLEAN


def _database_time() -> datetime:
    """The cut is the database's own now, as rows are stamped by it."""
    with connection.cursor() as cursor:
        cursor.execute("select clock_timestamp()")
        moment: datetime = cursor.fetchone()[0]
    return moment


def _before_the_first_line(custodian: str) -> int:
    """What a custodian held before the first statement that we have: nothing, where we have had all of them."""
    first = Statement.objects.filter(custodian=custodian).order_by("as_of", "id").values_list("opening", "complete").first()
    return int(first[0] or 0) if first and not first[1] else 0


def _of_the_statement(statement: Statement, *, held: int, lines_say: int) -> list[Found]:
    found = []
    if held != lines_say:
        facts = {"balance": held, "lines": lines_say}
        found.append(Found("balance", f"{statement.custodian}:balance", lines_say - held, facts))
    if statement.faults:
        of_file: dict[str, Any] = {"faults": statement.faults[:20], "of": statement.name}
        found.append(Found("unreadable", f"{statement.custodian}:{statement.name or statement.pk}", 0, of_file))
    return found


def _break_of(verdict: Verdict) -> Found:
    pair = verdict.pair
    facts = {
        "transfer": pair.transfer, "status": pair.status, "amount": pair.amount if pair.transfer else None,
        "ledger": pair.ledger, "there": pair.there,
        "line": pair.entry, "line_kind": pair.line_kind, "said": pair.said, "posting": pair.posting, "entries": pair.entries,
        "currency": pair.currency,
    }  # fmt: skip
    return Found(
        verdict.kind, pair.subject, pair.cents, {name: value for name, value in facts.items() if value not in ("", None)}
    )


def _update_breaks(custodian: str, on: date, found: Sequence[Found]) -> tuple[list[Found], list[Found]]:
    """Bring the rows up to what this run found; the breaks that are open after it, and the differences that staff accepted.

    The same break is the same row. One that staff resolved stays resolved while nothing about it changes; as long as its
    cents are in one of the books only, ledger and custodian do not agree all the same.
    """
    known = {(row.subject, row.kind): row for row in Break.objects.select_for_update(of=("self",)).filter(custodian=custodian)}
    still_open, accepted, new = [], [], []
    for one in found:
        row = known.pop((one.subject, one.kind), None)
        if row is None:
            new.append(
                Break(
                    public_id=new_id("brk"), custodian=custodian, subject=one.subject, kind=one.kind, cents=one.cents,
                    facts=one.facts, first_on=on, last_on=on,
                )
            )  # fmt: skip
            still_open.append(one)
            continue
        changes: dict[str, Any] = {"last_on": max(on, row.last_on)}
        if row.state == State.VANISHED or (row.state == State.RESOLVED and row.cents != one.cents):
            changes |= {"state": State.OPEN, "closed_at": None, "times_opened": row.times_opened + 1}
        if changes.get("state", row.state) == State.OPEN:
            changes |= {"cents": one.cents, "facts": one.facts}
            still_open.append(one)
        elif one.cents:
            accepted.append(one)
        Break.objects.filter(pk=row.pk).update(**changes)
    Break.objects.bulk_create(new, batch_size=1000)
    gone = [row.pk for row in known.values() if row.state == State.OPEN]
    Break.objects.filter(pk__in=gone).update(state=State.VANISHED, closed_at=now())
    return still_open, accepted


def _unknown(custodian: str, on: date, cause: str) -> Reconciliation:
    """The custodian could not be asked: kept as such, unless the day has a real result already."""
    with actor(SYSTEM):
        _lock(custodian)
        row = Reconciliation(custodian=custodian, on=on, result=Result.UNKNOWN, cause=cause)
        row.current = not Reconciliation.objects.filter(custodian=custodian, on=on, current=True).exists()
        row.save()
        return row


def _keep(row: Reconciliation) -> Reconciliation:
    Reconciliation.objects.filter(custodian=row.custodian, on=row.on, current=True).update(current=False)
    row.save()
    log.info("reconciliation", extra={"custodian": row.custodian, "result": row.result, "breaks": row.breaks})
    return row


# ----------------------------------------------------------------------------------------------------------- staff
def assign_break(*, break_id: str, to: str, staff_id: int, reason: str) -> None:
    """Give an open break to a member of staff, named by e-mail. Raises Conflict when it is not open or they are none."""
    staff.call("banking_assign_break", [break_id, to.strip().lower(), reason], staff_id=staff_id)


def resolve_break(*, break_id: str, staff_id: int, reason: str) -> None:
    """Close a break that was looked into. Raises Conflict when it is not open."""
    staff.call("banking_resolve_break", [break_id, reason], staff_id=staff_id)


def wish(*, custodian: str, staff_id: int, reason: str) -> None:
    """Have a custodian compared by the worker within seconds."""
    staff.call("banking_wish_reconciliation", [custodian, reason], staff_id=staff_id)
