"""The operators' own money, moved by two of the staff: one asks, another approves, the worker posts.

A write-off takes what a person owes out of the loss reserve; the loss reserve is filled from capital. Dollars that
the operators pay in become capital when the custodian's statement shows them (banking/reconciliation).
"""

from banking.models import Correction
from core.actor import SYSTEM, actor
from core.clock import now
from core.errors import Conflict, InsufficientFunds, ValidationError
from core.money import MAX_AMOUNT, format_usd
from core.outbox import emit
from core.staff import call, reason_of
from ledger import services as ledger
from ledger.chart import Account, Kind
from ledger.errors import PostingRefused
from wallets import services as wallets


def ask(*, kind: str, amount: int, person: str | None, staff_id: int, reason: str) -> int:
    """Ask for a correction of `amount` cents; its number. `person` (a public id) for a write-off only.

    Raises ValidationError, NotFound for no such person.
    """
    if not 0 < amount <= MAX_AMOUNT:
        raise ValidationError(fields={"amount": "The amount must be above zero, and not absurdly large."})
    made: int = call("banking_ask_correction", [kind, person, amount, reason_of(reason)], staff_id=staff_id)
    return made


def decide(*, correction: int, approve: bool, staff_id: int, reason: str) -> None:
    """Approve or refuse what another member of staff asked for. Raises NotFound, Conflict."""
    call("banking_decide_correction", [correction, approve, reason_of(reason)], staff_id=staff_id)


def due(*, limit: int = 100) -> list[int]:
    with actor(SYSTEM):
        return list(Correction.objects.filter(due_at__lte=now()).order_by("due_at").values_list("pk", flat=True)[:limit])


def carry_out(*, correction: int) -> None:
    """Post an approved correction, once; or keep the reason why it could not be posted. Repeats and races harmlessly."""
    with actor(SYSTEM):
        row = Correction.objects.select_for_update(of=("self",)).filter(pk=correction, due_at__isnull=False).first()
        if row is None:
            return
        try:
            ledger.post(_posting(row))
        except (InsufficientFunds, PostingRefused, Conflict) as refusal:
            Correction.objects.filter(pk=row.pk).update(due_at=None, refused=_because(row, refusal))
            return
        Correction.objects.filter(pk=row.pk).update(due_at=None, posted_at=now())
        if row.user_id is not None:
            emit("wallet.changed", user=row.user_id, kind="debt_written_off", ref="")


def _posting(row: Correction) -> ledger.Posting:
    if row.kind == Correction.Kind.LOSS_RESERVE:
        return ledger.Posting(row.reference, Kind.LOSS_RESERVE_FUNDED, Account.CAPITAL, Account.LOSS_RESERVE, row.amount)
    held = wallets.guard(user_id=int(row.user_id or 0))
    return ledger.Posting(row.reference, Kind.WRITE_OFF, Account.LOSS_RESERVE, held.receivable_account, row.amount)


def _because(row: Correction, refusal: Exception) -> str:
    if isinstance(refusal, InsufficientFunds):
        source = "The loss reserve" if row.kind == Correction.Kind.WRITE_OFF else "Capital"
        return f"{source} does not hold {format_usd(row.amount)}."
    return f"The person owes less than {format_usd(row.amount)}."
