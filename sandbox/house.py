"""What moves the Master Account's balance without anybody of ours: the vendor's fees, interest, and strangers' money.

Dwolla shows each of them as a transfer, as it shows everything: a fee names the transfer that it was taken for, interest
says so in its metadata, and what a stranger sends has no correlation id.
"""

from datetime import date

from django.db.models import F

from sandbox import bank
from sandbox.models import Bank, BankAccount, Customer, FundingSource, Transfer, new_uid

KINDS = ("fee", "interest", "credit", "debit", "capital")
MISMATCHES = ("amount", "direction", "account", "twice", "gone", "status", "balance", "currency")
YEAR = 12 * 10_000


def book(kind: str, cents: int, *, for_transfer: str = "", text: str = "") -> Transfer:
    """Move the balance at once: a fee or debit out of it, everything else into it."""
    inside = bank.master_balance()
    outside = _operating() if kind == "capital" else _stranger("Dwolla" if kind in ("fee", "interest") else "Stranger")
    out = kind in ("fee", "debit")
    metadata = {"type": kind, **({"created-from": for_transfer} if for_transfer else {}), **({"text": text} if text else {})}
    transfer = Transfer.objects.create(
        source=inside if out else outside, destination=outside if out else inside, cents=cents, status="processed",
        metadata=metadata, created_at=bank.now(),
    )
    FundingSource.objects.filter(pk=inside.pk).update(balance=F("balance") + (-cents if out else cents))
    BankAccount.objects.filter(pk=outside.bank_account.pk).update(balance=F("balance") + (cents if out else -cents))
    return transfer


def settle(day: date, settled: list[str], failed: list[str]) -> None:
    """A business day: a fee for each transfer of it that was processed, and on the first of a month its interest."""
    terms = Bank.objects.get()
    if terms.fee_cents:
        for uid in settled:
            if Transfer.objects.filter(uid=uid, status="processed").exclude(correlation_id="").exists():
                book("fee", terms.fee_cents, for_transfer=uid)
    if terms.interest_bp and day.day <= 5 and not _has_interest_of(day):
        cents = bank.master_balance().balance * terms.interest_bp // YEAR
        if cents > 0:
            book("interest", cents, text=f"{day:%Y-%m}")


def _has_interest_of(day: date) -> bool:
    return Transfer.objects.filter(metadata__type="interest", metadata__text=f"{day:%Y-%m}").exists()


def spoil(what: str, uid: str) -> None:
    """Make the vendor's books wrong on purpose, about one transfer or about the balance."""
    if what == "balance":
        FundingSource.objects.filter(pk=bank.master_balance().pk).update(balance=F("balance") + 1)
        return
    row = Transfer.objects.get(uid=uid)
    match what:
        case "amount":
            row.cents += 1
        case "direction":
            row.source, row.destination = row.destination, row.source
        case "account":
            side = "source" if row.source.kind == "bank" else "destination"
            setattr(row, side, _stranger("Stranger"))
        case "twice":
            row.pk, row.uid = None, new_uid()
            row._state.adding = True
        case "gone":
            row.delete()
            return
        case "status":
            row.status, row.due_on = ("cancelled" if row.status == "processed" else "processed"), None
        case "currency":
            row.metadata = {**row.metadata, "currency": "CAD"}
    row.save()


def _operating() -> FundingSource:
    return FundingSource.objects.get(customer=None, kind="bank")


def _stranger(name: str) -> FundingSource:
    """The bank of somebody whom nobody of ours knows."""
    email = f"{name.lower()}@outside.example"
    customer, _ = Customer.objects.get_or_create(
        email=email,
        defaults={"first_name": name, "last_name": name, "type": "unverified", "status": "unverified", "created_at": bank.now()},
    )
    known = FundingSource.objects.filter(customer=customer).first()
    if known is not None:
        return known
    account = bank.open_account(name=name, subtype="checking", balance=0)
    return FundingSource.objects.create(customer=customer, kind="bank", name=name, account=account, created_at=bank.now())
