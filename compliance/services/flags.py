"""Following the ledger's journal and raising flags (sql/0006_flags.sql), and what staff set about it."""

import json
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from compliance.models import FlagRule
from core.actor import SYSTEM, actor
from core.staff import call
from ledger.cuts import wait_for_older

ROWS_AT_ONCE = 500
PRIVATE_ONLY = "private_only"

# Of these people's payments since a time: (user, how many, how many of them private). Visibility is the payments' room to know.
Visibility = Callable[[Sequence[int], datetime], list[tuple[int, int, int]]]
_visibility: list[Visibility] = []


def register_visibility(find: Visibility) -> None:
    if find not in _visibility:
        _visibility.append(find)


def look(*, patience: float = 2.0) -> int:
    """Look at everything that was posted until now and not looked at yet; how many rows of the journal.

    Any number at once: one looks, and the others find that it does. Raises OlderTransactionsOpen where a posting of before may
    still commit after `patience` seconds; nothing is lost by that, the next one looks.
    """
    now = _database_time()
    wait_for_older(patience)
    looked = 0
    while n := _look_at_some(now):
        looked += n
        if n < ROWS_AT_ONCE:
            break
    return looked


def _look_at_some(until: datetime) -> int:
    """One transaction: flags and how far was looked commit together, so a crash looks again and raises nothing twice."""
    with actor(SYSTEM), connection.cursor() as cursor:
        cursor.execute("select looked, payers from compliance_look(%s, %s)", [until, ROWS_AT_ONCE])
        row = cursor.fetchone()
        if row is None:
            return 0
        if row[1]:
            _private_only(sorted(set(row[1])), until)
        return int(row[0])


def _private_only(payers: list[int], at: datetime) -> None:
    rule = FlagRule.objects.filter(rule=PRIVATE_ONLY, active=True).first()
    if rule is None:
        return
    for find in _visibility:
        for user_id, payments, private in find(payers, at - timedelta(minutes=rule.minutes)):
            if payments >= rule.threshold and private == payments:
                raise_flag(rule=PRIVATE_ONLY, user_id=user_id, at=at, detail={"payments": payments})


def raise_flag(*, rule: str, user_id: int, at: datetime, detail: dict[str, Any]) -> bool:
    """Raise a flag unless there is one within its window; whether there is a new one. As SYSTEM."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select compliance_raise_flag(%s, %s, null, null, %s, %s)", [rule, user_id, at, json.dumps(detail)]
        )
        return bool(cursor.fetchone()[0])


def _database_time() -> datetime:
    with connection.cursor() as cursor:
        cursor.execute("select core_now()")
        now: datetime = cursor.fetchone()[0]
        return now


def change_rule(
    *, rule: str, weight: int, threshold: int, minutes: int, active: bool, staff_id: int, reason: str
) -> None:
    """For movements from now on. Raises Conflict where a value cannot be."""
    call("compliance_change_flagrule", [rule, weight, threshold, minutes, active, reason], staff_id=staff_id)
