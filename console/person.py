"""All that a person's page shows, in a fixed number of queries whatever the person has done."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection
from django.urls import reverse

from compliance.limits import Limit
from compliance.models import LimitName, Tier
from console import queries
from console.models import Case, Flag, Freeze, Person, PersonAppeal, PersonDevice, PersonNote, Return, Wallet, Withdrawal
from core.api import decode_cursor, encode_cursor

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LINES = 40  # of the timeline at a time
_MODELS = {
    "pay": "payment", "ld": "banktransfer", "rd": "banktransfer", "cas": "case", "flg": "flag", "frz": "freeze",
    "wd": "withdrawal", "tkt": "ticket", "app": "personappeal", "dsp": "dispute",
}  # fmt: skip
ICONS = {
    "payment": "sync_alt", "load": "account_balance", "redemption": "account_balance", "return": "undo", "reward": "redeem",
    "freeze": "ac_unit", "withdrawal": "output", "letter": "mail", "note": "edit_note", "case": "inbox", "flag": "flag",
    "staff": "badge", "device": "smartphone", "ticket": "support_agent", "appeal": "contact_support",
    "dispute": "gavel", "tier": "badge", "adjustment": "balance",
}  # fmt: skip


@dataclass(frozen=True)
class Line:
    """One thing that happened. `amount` in cents, signed as the wallet saw it; None where there is none, or it is private."""

    at: datetime
    kind: str
    words: str
    amount: int | None
    ref: str
    who: str | None

    @property
    def icon(self) -> str:
        return ICONS.get(self.kind, "circle")

    @property
    def url(self) -> str:
        model = _MODELS.get(self.ref.partition("_")[0])
        return reverse(f"admin:console_{model}_change", args=[self.ref]) if model else ""

    @property
    def is_private(self) -> bool:
        return self.kind == "payment" and self.amount is None


def timeline(user_id: int, *, before: datetime | None = None) -> list[Line]:
    """The newest lines before a moment, one more than are shown."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select at, kind, words, amount, ref, who from console_timeline(%s, coalesce(%s, 'infinity'::timestamptz), %s)",
            [user_id, before, LINES + 1],
        )
        return [Line(row[0], row[1], row[2] or "", row[3], row[4] or "", row[5]) for row in cursor.fetchall()]


def _cut(lines: list[Line]) -> tuple[list[Line], str]:
    """What is shown, and the cursor of what is older: the time of the last line. What happened at once stays on one page."""
    if len(lines) <= LINES:
        return lines, ""
    end = next((n for n in range(LINES, 0, -1) if lines[n].at != lines[n - 1].at), LINES)
    return lines[:end], encode_cursor((lines[end - 1].at - _EPOCH) // timedelta(microseconds=1))


def limits(user_id: int) -> list[Limit]:
    """A person's limits as the person sees them."""
    with connection.cursor() as cursor:
        cursor.execute("select name, tier, lim, used, resets_at from console_limits_of(%s)", [user_id])
        return [Limit(LimitName(row[0]), *row[1:]) for row in cursor.fetchall()]


def page(person: Person, *, cursor: str = "") -> dict[str, Any]:
    """Everything for the template."""
    lines = timeline(person.user_id, before=_EPOCH + timedelta(microseconds=decode_cursor(cursor)) if cursor else None)
    lines, older = _cut(lines)
    mine = limits(person.user_id)
    freezes = list(Freeze.objects.filter(user_id=person.user_id).order_by("-number")[:10])
    devices = list(PersonDevice.objects.filter(user_id=person.user_id).order_by("-last_seen_at")[:8])
    return {
        "person": person,
        "wallet": Wallet.objects.filter(user_id=person.user_id).first(),
        "phone": queries.phone_hint(person) or "erased",
        "tier": Tier(mine[0].tier).label if mine else "–",
        "limits": [one for one in mine if one.limit is not None],
        "banks": queries.bank_accounts(person.user_id),
        "stopped": queries.stopped_at(person.user_id),
        "freezes": [one for one in freezes if one.ended_at is None],
        "past_freezes": [one for one in freezes if one.ended_at is not None],
        "returns": list(Return.objects.filter(user_id=person.user_id, restricts=True, lifted_at=None)[:5]),
        "withdrawals": list(Withdrawal.objects.filter(user_id=person.user_id, status__in=["asked", "approved"])),
        "devices": devices,
        "last_seen": max((one.last_seen_at for one in devices), default=None),
        "cases": list(Case.objects.filter(user_id=person.user_id, status="open").order_by("priority", "due_at")[:8]),
        "appeals": list(PersonAppeal.objects.filter(user_id=person.user_id, status="open").order_by("due_at")[:5]),
        "flags": list(Flag.objects.filter(user_id=person.user_id).order_by("-number")[:6]),
        "notes": list(PersonNote.objects.filter(user_id=person.user_id).order_by("-id")[:10]),
        "lines": lines,
        "older": older,
        "from_start": not cursor,
    }
