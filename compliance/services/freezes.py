"""Freezes, notes and reviews of people by staff, and withdrawals out of a frozen account (sql/0002_freezes.sql)."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db import DatabaseError, connection, transaction

from compliance.models import Withdrawal
from core.actor import SYSTEM, actor
from core.errors import Conflict, NotFound, ValidationError
from core.staff import call
from wallets.errors import wallet_errors
from wallets.services import Freeze

TOLD_SHORTEST, TOLD_LONGEST, NOTE_LONGEST = 20, 500, 2000


def told_of(text: str) -> str:
    """What the person will read, as it is kept. Raises ValidationError where it says too little or too much."""
    said = text.strip()
    if not TOLD_SHORTEST <= len(said) <= TOLD_LONGEST:
        raise ValidationError(fields={"told": f"Tell the person why, in {TOLD_SHORTEST} to {TOLD_LONGEST} characters."})
    return said


# ------------------------------------------------------------------------------------------------ what staff do
def freeze_person(*, person: str, level: Freeze, told: str, staff_id: int, reason: str) -> str:
    """Stop a person's own acts from this moment on, and tell them why (`told`): the freeze's public id.

    Raises NotFound; Conflict where they are frozen in this way already, or their account is closed.
    """
    return str(call("compliance_freeze_person", [person, int(level), told_of(told), reason], staff_id=staff_id))


def unfreeze_person(*, freeze: str, staff_id: int, reason: str) -> Freeze:
    """End one freeze; what the wallet is now, for another may still stand. Raises NotFound; Conflict where it had ended."""
    return Freeze(call("compliance_unfreeze_person", [freeze, reason], staff_id=staff_id))


def note_person(*, person: str, note: str, staff_id: int) -> None:
    """Write about a person, for other staff; nobody changes it later. Raises Conflict for the same words again."""
    said = note.strip()
    if not 10 <= len(said) <= NOTE_LONGEST:
        raise ValidationError(fields={"note": f"Write 10 to {NOTE_LONGEST} characters."})
    call("compliance_note_person", [person, said], staff_id=staff_id)


def ask_review(*, person: str, summary: str, priority: int, staff_id: int, reason: str) -> str:
    """Open a case about a person: its public id. Raises Conflict where one that staff asked for is open."""
    return str(call("compliance_ask_review", [person, summary.strip(), priority, reason], staff_id=staff_id))


def start_withdrawal(*, person: str, amount: int, bank_account: str, staff_id: int, reason: str) -> str:
    """Ask for a withdrawal in the person's name (`amount` in cents), to be approved like their own. Raises Conflict."""
    return str(call("compliance_start_withdrawal", [person, amount, bank_account, reason], staff_id=staff_id))


def approve_withdrawal(*, withdrawal: str, staff_id: int, reason: str) -> None:
    """Let it go out past the freeze; the worker sends it. Raises Conflict where it does not wait, or cannot be any more."""
    call("compliance_approve_withdrawal", [withdrawal, reason], staff_id=staff_id)


def deny_withdrawal(*, withdrawal: str, told: str, staff_id: int, reason: str) -> None:
    """Refuse it, and tell the person why. Raises Conflict where it does not wait any more."""
    call("compliance_deny_withdrawal", [withdrawal, told_of(told), reason], staff_id=staff_id)


# ------------------------------------------------------------------------------------------------ without staff
def freeze_by_command(*, user_id: int, level: Freeze, reason: str) -> Freeze:
    """What `manage.py freeze_wallet` does, as a freeze of its own: what the wallet is now, with all that is in force."""
    with actor(SYSTEM), wallet_errors(), connection.cursor() as cursor:
        cursor.execute("select compliance_freeze_by_command(%s, %s::smallint, %s)", [user_id, int(level), reason])
        return Freeze(cursor.fetchone()[0])


def _asked(sql: str, params: Sequence[Any]) -> str:
    """One of the withdrawal's functions; its refusals as typed errors."""
    try:
        with wallet_errors(), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(sql, params)
            return str(cursor.fetchone()[0])
    except DatabaseError as error:
        cause = error.__cause__
        state, diag = getattr(cause, "pgcode", None), getattr(cause, "diag", None)
        kind = {"PY123": NotFound, "PY124": Conflict}.get(str(state))
        if kind is None:
            raise
        raise kind(diag.message_primary if diag is not None else None) from error


def ask_withdrawal(*, user_id: int, amount: int, bank_account: str) -> str:
    """A frozen person asks for `amount` cents to be sent to their bank: its public id. Inside the person's transaction.

    Raises Conflict where one is waiting, they are not frozen, owe something, the law forbids it or the balance is too small.
    """
    return _asked("select compliance_ask_withdrawal(%s, %s, %s)", [user_id, amount, bank_account])


def cancel_withdrawal(*, user_id: int, withdrawal: str) -> None:
    """Take it back while it waits. Raises NotFound; Conflict once staff have decided."""
    with actor(user_id):
        _asked("select compliance_cancel_withdrawal(%s, %s)", [user_id, withdrawal])


def check_withdrawal(*, withdrawal: str) -> None:
    """Whether it is possible now, under the guard; as SYSTEM. Raises Conflict with the words for it."""
    row = Withdrawal.objects.get(public_id=withdrawal)
    _asked("select compliance_check_withdrawal(%s, %s)", [row.user_id, row.amount])


def burn_withdrawal(*, withdrawal: str, reference: UUID, group: UUID, **_: Any) -> None:
    """Burn the tokens of an approved withdrawal past the freeze; as SYSTEM. Raises Conflict where that is not possible now."""
    _asked("select compliance_burn_withdrawal(%s, %s, %s)", [withdrawal, reference, group])


def withdrawal_ended(*, withdrawal: str, transfer: str | None, told: str = "") -> None:
    """What became of an approved one: the redemption, or (with None) nothing, which the person is told. As SYSTEM."""
    _asked("select compliance_withdrawal_ended(%s, %s, %s)", [withdrawal, transfer, told])


def approved_withdrawals(*, limit: int = 50) -> list[str]:
    """Those that the worker has yet to send, oldest first."""
    with actor(SYSTEM):
        rows = Withdrawal.objects.filter(status=Withdrawal.Status.APPROVED).order_by("pk")
        return list(rows.values_list("public_id", flat=True)[:limit])
