"""The close of a week: freeze what it brought and who was active, list who gets what, and divide.

One transaction. Whoever inserts the run's row has the week (UNIQUE); everybody else finds that it is being closed or was. What is
killed on the way has done nothing.
"""

import json
import logging
from datetime import datetime
from typing import Any

from django.db import OperationalError, connection

from core.actor import SYSTEM, actor
from core.ids import derived_reference, new_reference
from ledger import services as ledger
from ledger.chart import Account, Kind
from ledger.cuts import wait_for_older
from rewards import queries
from rewards.errors import BeingClosed, WeekNotOver, WeeksInOrder
from rewards.models import Estimate, Run
from rewards.split import Split, split_week
from rewards.weeks import Week

log = logging.getLogger("paya.rewards")

# How long a close waits for transactions that are older than it; after that the next beat tries again.
PATIENCE = 30.0


def _one(sql: str, params: list[Any] | None = None) -> tuple[Any, ...]:
    with connection.cursor() as cursor:
        cursor.execute(sql, params or [])
        row: tuple[Any, ...] = cursor.fetchone()
        return row


def database_time() -> datetime:
    """The clock that postings are stamped with; beats on other machines may think what they like."""
    now: datetime = _one("select core_now()")[0]
    return now


def first_open_week() -> Week | None:
    """The week to close next: after the last one, or that of the journal's first row. None while nothing ever moved."""
    last = Run.objects.order_by("-starts_on").values_list("starts_on", flat=True).first()
    if last is not None:
        return Week(last).next
    with actor(SYSTEM):
        first = _one("select rewards_first_posting()")[0]
    return Week.of(first) if first else None


def close_due() -> list[Run]:
    """Close every week that can be closed, in order; those that were missed are caught up."""
    closed = []
    while (week := first_open_week()) is not None and database_time() >= queries.can_be_closed_at(week):
        run = _close(week)
        if run is None:
            break
        closed.append(run)
    return closed


def close_through(last: Week) -> list[Run]:
    """Close this week, and the missed ones before it first; closed before, nothing happens.

    Raises WeekNotOver, WeeksInOrder where nothing moved before the week, OlderTransactionsOpen or BeingClosed.
    """
    closed: list[Run] = []
    while not Run.objects.filter(week=last.name, digest__isnull=False).exists():
        week = first_open_week()
        if week is None or week > last:
            raise WeeksInOrder(f"{last} lies before everything that ever moved here.")
        if database_time() < (at := queries.can_be_closed_at(last)):
            raise WeekNotOver(f"{last} can be closed from {at:%A, %d %B %Y %H:%M} UTC on.")
        run = _close(week)
        if run is None:
            raise BeingClosed(f"Somebody else is closing {week} just now.", retry_after=5)
        closed.append(run)
    return closed


def _close(week: Week) -> Run | None:
    """Close one week; None when somebody else has it. Raises OlderTransactionsOpen."""
    wait_for_older(PATIENCE)
    reference = new_reference()
    try:
        with actor(SYSTEM):
            claimed = _one("select rewards_claim(%s, %s)", [week.monday, reference])[0]
            if claimed is None:
                return None
            run = Run.objects.select_related("setting").get(pk=claimed)
            _fill(run, week)
    except OperationalError as error:
        if getattr(error.__cause__, "pgcode", None) == "55P03":  # its row is locked by whoever is closing it
            return None
        raise
    log.info("week_closed", extra={"week": run.week, "count": run.active, "share": run.rewards})
    return run


def _fill(run: Run, week: Week) -> None:
    """Figures, list, digest, postings: the postings last, so that the accounts that everybody uses are locked for a moment."""
    before = Run.objects.filter(digest__isnull=False).order_by("-starts_on").first()
    revenue, costs, was_there = _one("select revenue, costs, rewards_was_there() from rewards_totals(%s)", [week.end])
    split = split_week(
        revenue=revenue - (before.revenue_mark if before else 0),
        costs=costs - (before.costs_mark if before else 0),
        carried_in=before.carried_out if before else 0,
        was_there=was_there,
        operations_share=run.setting.operations_share,
    )
    run.payers, run.active, run.rewards = _one("select payers, active, rewards from rewards_list(%s, %s)", [run.pk, split.pool])
    for name, value in vars(split).items():
        setattr(run, name, value)
    run.stays = split.pool - run.rewards
    run.revenue_mark, run.costs_mark = revenue, costs
    run.costs_cleared = max(0, costs - sum(Run.objects.exclude(pk=run.pk).values_list("costs_cleared", flat=True)))
    run.outliers = _outliers(run, before)
    run.digest = _one("select rewards_digest(%s)", [run.pk])[0]
    run.save()
    _divide(run, split)


def _divide(run: Run, split: Split) -> None:
    """What the week took in leaves revenue: the rails' costs are cleared, the rest goes to operations and the pool."""
    steps = [
        ("costs", Kind.WEEK_COSTS, Account.RAIL_COSTS, run.costs_cleared),
        ("operations", Kind.WEEK_OPERATIONS, Account.OPERATIONS, split.operations),
        ("pool", Kind.WEEK_POOL, Account.REWARDS_POOL, split.to_pool),
    ]
    for name, kind, to, cents in steps:
        if cents > 0:
            posting = ledger.Posting(derived_reference(run.reference, name), kind, Account.REVENUE, to, cents)
            ledger.post(posting, group=run.reference)


def _outliers(run: Run, before: Run | None) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(_one("select rewards_outliers(%s)::text", [run.pk])[0])
    if before is not None:
        found |= {"active_before": before.active, "rewards_before": before.rewards}
    return found


def estimate() -> Estimate | None:
    """Work out the running week as it stands; None while nothing ever moved. Nothing is paid by it.

    What an earlier week brought and leaves over is that week's until it is closed: only what came in since Monday counts.
    """
    now = database_time()
    week = Week.of(now)
    with actor(SYSTEM):
        before = Run.objects.filter(digest__isnull=False).order_by("-starts_on").first()
        setting = queries.setting_for(week)
        active = _one("select rewards_estimate_people(%s, %s, %s)", [week.monday, week.name, now])[0]
        revenue, costs, was_there = _one("select revenue, costs, rewards_was_there() from rewards_totals(%s)", [now])
        began, spent = _one("select revenue, costs from rewards_totals(%s)", [week.start])
        follows = before is not None and Week(before.starts_on).next == week
        split = split_week(
            revenue=revenue - began,
            costs=costs - spent,
            carried_in=before.carried_out if before is not None and follows else 0,
            was_there=was_there if follows else 0,
            operations_share=setting.operations_share,
        )
        Estimate.objects.exclude(week=week.name).delete()
        row, _ = Estimate.objects.update_or_create(
            week=week.name,
            defaults={
                "as_of": now, "revenue": split.revenue, "costs": split.costs, "net": split.net, "operations": split.operations,
                "pool": split.pool, "active": active,
            },
        )  # fmt: skip
    return row
