"""Money moved by two of the staff: one asks, another approves, the worker posts.

A write-off takes what a person owes out of the loss reserve; the loss reserve is filled from capital. An adjustment moves
money between a person's wallet and the adjustments account, which is filled from capital or operations and never goes below
zero. Dollars that the operators pay in become capital when the custodian's statement shows them (banking/reconciliation).
What a custodian took and nobody sent becomes a cost, and money in suspense goes to its owner: once for each line of a
statement.
"""

from datetime import datetime

from django.db import connection

from banking.models import Break, Correction
from compliance.services import letters
from core.actor import SYSTEM, actor
from core.clock import now
from core.errors import Conflict, InsufficientFunds, ValidationError
from core.ids import derived_reference
from core.money import MAX_AMOUNT, format_usd
from core.outbox import emit
from core.staff import call, reason_of
from ledger import services as ledger
from ledger.chart import RESERVES, Account, Kind
from ledger.errors import AccountClosed, PostingRefused, ReferenceReused
from wallets import services as wallets


def ask(*, kind: str, amount: int, person: str | None, staff_id: int, reason: str) -> int:
    """Ask for a correction of `amount` cents; its number. `person` (a public id) for a write-off or an adjustment only.

    Raises ValidationError, NotFound for no such person, Conflict over one's ceiling of the day, Forbidden.
    """
    if not 0 < amount <= MAX_AMOUNT:
        raise ValidationError(fields={"amount": "The amount must be above zero, and not absurdly large."})
    made: int = call("banking_ask_correction", [kind, person, amount, reason_of(reason)], staff_id=staff_id)
    return made


def ask_about_line(*, break_id: str, owner: str | None, staff_id: int, reason: str) -> int:
    """Ask to book a break's unknown debit as a cost, or, with the @username of its owner, to give them what is in suspense.

    The number of the correction. Raises Conflict where there is nothing of it to book, or nobody goes by that name.
    """
    made: int = call("banking_ask_line_correction", [break_id, owner, reason_of(reason)], staff_id=staff_id)
    return made


def decide(*, correction: int, approve: bool, staff_id: int, reason: str) -> None:
    """Approve or refuse what another member of staff asked for. Raises NotFound, Conflict, Forbidden."""
    call("banking_decide_correction", [correction, approve, reason_of(reason)], staff_id=staff_id)


def set_ceiling(*, role: str, action: str, cents: int, at: datetime | None, staff_id: int, reason: str) -> None:
    """How much one member with this role may ask for, or approve, in a day: from then on, or from now on.

    Raises Conflict for a role of one's own, and for what is no ceiling; Forbidden.
    """
    call("banking_set_ceiling", [role, action, cents, at or now(), reason_of(reason)], staff_id=staff_id)


def due(*, limit: int = 100) -> list[int]:
    with actor(SYSTEM):
        return list(Correction.objects.filter(due_at__lte=now()).order_by("due_at").values_list("pk", flat=True)[:limit])


def carry_out(*, correction: int) -> None:
    """Post an approved correction, once; or keep the reason why it could not be posted. Repeats and races harmlessly."""
    with actor(SYSTEM):
        row = Correction.objects.select_for_update(of=("self",)).filter(pk=correction, due_at__isnull=False).first()
        if row is None:
            return
        if not _is_what_was_approved(row):
            Correction.objects.filter(pk=row.pk).update(due_at=None, refused="This is not what was approved.")
            return
        if row.kind == Correction.Kind.WRITE_OFF and (refused := _wallet_first(row)):
            Correction.objects.filter(pk=row.pk).update(due_at=None, refused=refused)
            return
        try:
            ledger.post(_posting(row), group=row.line_key)
        except (InsufficientFunds, PostingRefused, Conflict) as refusal:
            Correction.objects.filter(pk=row.pk).update(due_at=None, refused=_because(row, refusal))
            return
        Correction.objects.filter(pk=row.pk).update(due_at=None, posted_at=now())
        if row.of_break is not None:
            found = Break.objects.filter(public_id=row.of_break, state=Break.State.OPEN)
            found.update(state=Break.State.RESOLVED, closed_at=now())
        if row.user_id is not None:
            emit("wallet.changed", user=row.user_id, kind=_CHANGED.get(Correction.Kind(row.kind), "adjusted"), ref="")
        if row.kind in _ADJUSTED:
            _tell(row)


_CHANGED: dict[str, str] = {Correction.Kind.WRITE_OFF: "debt_written_off", Correction.Kind.SUSPENSE_FOUND: "suspense_found"}
_ADJUSTED = {
    Correction.Kind.ADJUSTMENT_CREDIT: "We put {} into your wallet to put something right.",
    Correction.Kind.ADJUSTMENT_DEBIT: "We took {} out of your wallet to put something right.",
}
_FUNDED = {Correction.Kind.ADJUSTMENTS_CAPITAL: Account.CAPITAL, Correction.Kind.ADJUSTMENTS_OPERATIONS: Account.OPERATIONS}


def _is_what_was_approved(row: Correction) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "select c.approved_digest = banking_correction_digest(c) from banking_correction c where c.id = %s", [row.pk]
        )
        return cursor.fetchone()[0] is True


def _tell(row: Correction) -> None:
    said = _ADJUSTED[Correction.Kind(row.kind)].format(format_usd(row.amount))
    letters.tell(
        user_id=int(row.user_id or 0), kind="adjustment", title="Your balance was adjusted", about=str(row.reference),
        body=f"{said} Two of our staff looked at it: one asked for it, another approved it. It stands in your activity. If"
        " you think it is wrong, answer with an appeal, and somebody who had no part in it looks again.",
    )  # fmt: skip


def _posting(row: Correction) -> ledger.Posting:
    if row.kind == Correction.Kind.LOSS_RESERVE:
        return ledger.Posting(row.reference, Kind.LOSS_RESERVE_FUNDED, Account.CAPITAL, Account.LOSS_RESERVE, row.amount)
    if row.kind in _FUNDED:
        return ledger.Posting(
            row.reference, Kind.ADJUSTMENTS_FUNDED, _FUNDED[Correction.Kind(row.kind)], Account.ADJUSTMENTS, row.amount
        )
    if row.line_key is not None and row.kind == Correction.Kind.RAIL_COST:
        reserve = RESERVES[Break.objects.values_list("custodian", flat=True).get(public_id=row.of_break)]
        # The reference under which the line would be booked by itself: whoever comes second posts nothing.
        return ledger.Posting(derived_reference(row.line_key, "line"), Kind.RAIL_COST, Account.RAIL_COSTS, reserve, row.amount)
    held = wallets.guard(user_id=int(row.user_id or 0))
    if row.line_key is not None:
        reference = derived_reference(row.line_key, "found")
        return ledger.Posting(reference, Kind.SUSPENSE_FOUND, Account.SUSPENSE, held.account, row.amount)
    if row.kind == Correction.Kind.ADJUSTMENT_CREDIT:
        return ledger.Posting(row.reference, Kind.ADJUSTMENT_CREDIT, Account.ADJUSTMENTS, held.account, row.amount)
    if row.kind == Correction.Kind.ADJUSTMENT_DEBIT:
        return ledger.Posting(row.reference, Kind.ADJUSTMENT_DEBIT, held.account, Account.ADJUSTMENTS, row.amount)
    return ledger.Posting(row.reference, Kind.WRITE_OFF, Account.LOSS_RESERVE, held.receivable_account, row.amount)


def _wallet_first(row: Correction) -> str:
    """Why not: what the person still has in the wallet pays the debt before others' money does."""
    held = wallets.guard(user_id=int(row.user_id or 0))
    if held.available > 0 and held.available + row.amount > held.owed:
        return f"The person's wallet holds {format_usd(held.available)}: what they owe beyond that can be written off."
    return ""


def _because(row: Correction, refusal: Exception) -> str:
    if isinstance(refusal, AccountClosed):
        return "The person's wallet is closed."
    if isinstance(refusal, ReferenceReused):
        return "This line was booked already, in another way."
    if isinstance(refusal, InsufficientFunds):
        sources = {
            Correction.Kind.WRITE_OFF: "The loss reserve", Correction.Kind.SUSPENSE_FOUND: "Suspense",
            Correction.Kind.ADJUSTMENT_CREDIT: "The adjustments account", Correction.Kind.ADJUSTMENT_DEBIT: "The wallet",
            Correction.Kind.ADJUSTMENTS_OPERATIONS: "Operations",
        }  # fmt: skip
        return f"{sources.get(Correction.Kind(row.kind), 'Capital')} does not hold {format_usd(row.amount)}."
    return f"The person owes less than {format_usd(row.amount)}."
