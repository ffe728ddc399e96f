"""The bank behind the vendors: its calendar, its accounts, and the ACH transfers that settle or come back.

A pull (bank to balance) settles on the third business day, a push (balance to bank) on the first. The calendar
moves only when it is told to; between two days nothing happens by itself. The transfers here are Dwolla's; another
vendor settles its own, by what it hands to `settles`.
"""

import re
import secrets
import threading
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from django.conf import settings
from django.db import transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from sandbox import webhooks
from sandbox.calendar import add_business_days, is_business_day
from sandbox.models import Bank, BankAccount, FundingSource, Item, Subscription, Transfer
from sandbox.odfi.models import OdfiFile
from sandbox.stripe.models import StripeIntent, StripeOutbound

ROUTING = "222222226"
OPENING_CHECKING = 5_000_00
OPENING_SAVINGS = 12_000_00
OPENING_OPERATORS = 1_000_000_00
PULL_DAYS, PUSH_DAYS, RETURN_DAYS, LATE_DAYS = 3, 1, 2, 2

_moving = threading.Lock()  # one walk through the calendar at a time
# Other vendors' part of a business day: given the day and the report's lists of what settled and what failed.
Settle = Callable[[date, list[str], list[str]], None]
_others: list[Settle] = []


def settles(settle: Settle) -> None:
    _others.append(settle)


# Code: title, explanation (NACHA's reasons in our words).
RETURNS = {
    "R01": ("Insufficient Funds", "The balance does not cover the amount of the debit."),
    "R02": ("Account Closed", "An account that was open has been closed."),
    "R03": ("No Account/Unable to Locate Account", "The number does not belong to the named person or account."),
    "R04": ("Invalid Account Number Structure", "The account number cannot be a valid one."),
    "R05": ("Unauthorized Debit to Consumer Account", "A business debit hit a consumer's account without consent."),
    "R06": ("Returned per ODFI's Request", "The sending bank asked for the entry back."),
    "R07": ("Authorization Revoked by Customer", "The account holder has withdrawn an earlier consent."),
    "R08": ("Payment Stopped", "The account holder has stopped this payment."),
    "R09": ("Uncollected Funds", "The balance would cover the debit, but part of it is not yet collected."),
    "R10": ("Customer Advises Not Authorized", "The account holder says that nobody was allowed to debit."),
    "R11": ("Entry Not in Accordance with the Authorization", "The debit differs from what was agreed."),
    "R16": ("Account Frozen", "The account is frozen by the bank or by law."),
    "R20": ("Non-Transaction Account", "The account does not allow such transfers."),
    "R23": ("Credit Entry Refused by Receiver", "The account holder refuses the money."),
    "R29": ("Corporate Customer Advises Not Authorized", "The business says that nobody was allowed to debit."),
}
# What Dwolla then does: the customer's new status, and whether the funding source is removed.
CONSEQUENCES = {
    "R02": ("", True), "R03": ("", True), "R04": ("", True), "R08": ("", True), "R23": ("", True), "R20": ("", True),
    "R05": ("suspended", True), "R10": ("suspended", True), "R07": ("deactivated", True),
    "R11": ("deactivated", True), "R16": ("suspended", False), "R29": ("suspended", False),
}


class InsufficientFunds(Exception):
    """The Dwolla balance does not cover the transfer."""


# --- opening -----------------------------------------------------------------------------------------------

def open_for_business() -> None:
    """Make the world on the first start; on later ones only follow a changed webhook target."""
    with transaction.atomic():
        if not Bank.objects.exists():
            key = ec.generate_private_key(ec.SECP256R1())
            pem = key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
            today = datetime.now(ZoneInfo("America/New_York")).date()
            Bank.objects.create(pk=1, today=today, plaid_key_pem=pem.decode())
            operating = open_account(name="Operating", subtype="checking", balance=OPENING_OPERATORS)
            at = now()
            FundingSource.objects.create(kind="balance", name="Balance", created_at=at)
            FundingSource.objects.create(kind="bank", name="Operating", account=operating, created_at=at)
        if settings.DWOLLA_WEBHOOK_SECRET:
            Subscription.objects.update_or_create(
                automatic=True,
                defaults={"url": settings.DWOLLA_WEBHOOK_URL, "secret": settings.DWOLLA_WEBHOOK_SECRET},
            )


def open_account(
    *, name: str, subtype: str, balance: int, bank_name: str = "First Platypus Bank", official_name: str = "",
    item: Item | None = None, routing: str = ROUTING, number: str = "",
) -> BankAccount:
    """Open an account; without a number given it gets one that nobody else has."""
    number = number or _new_number(routing)
    return BankAccount.objects.create(
        uid=secrets.token_urlsafe(48).replace("-", "").replace("_", "")[:37], item=item, name=name,
        official_name=official_name or name, bank_name=bank_name, subtype=subtype, routing=routing, number=number,
        balance=balance,
    )


def _new_number(routing: str) -> str:
    while True:
        number = str(secrets.randbelow(9 * 10**11) + 10**11)
        if not BankAccount.objects.filter(routing=routing, number=number).exists():
            return number


def master_balance() -> FundingSource:
    """The Master Account's balance, where loads arrive and redemptions leave."""
    return FundingSource.objects.get(customer=None, kind="balance")


# --- time --------------------------------------------------------------------------------------------------

def today() -> date:
    return Bank.objects.values_list("today", flat=True).get()


def now() -> datetime:
    """A moment on the bank's day: its date, the wall clock's time."""
    return datetime.combine(today(), timezone.now().timetz()).astimezone(UTC)


def advance(business_days: int) -> dict:
    """Move on by business days, settling on each what is due."""
    with _moving:
        return _walk(lambda day, passed: passed >= business_days)


def move_to(target: date) -> dict:
    """Set the calendar: forward day by day; backward only while nothing has been transferred."""
    with _moving:
        if target < today():
            Bank.objects.update(today=target)
            return _report([], [], webhooks.newest_id())
        return _walk(lambda day, passed: day >= target)


def may_move_to(target: date) -> bool:
    moved: tuple[QuerySet, ...] = (
        Transfer.objects.all(), StripeIntent.objects.all(), StripeOutbound.objects.all(), OdfiFile.objects.all()
    )  # fmt: skip
    return target >= today() or not any(rows.exists() for rows in moved)


def _walk(arrived: Callable[[date, int], bool]) -> dict:
    settled: list[str] = []
    failed: list[str] = []
    last_webhook = webhooks.newest_id()
    day, passed = today(), 0
    while not arrived(day, passed):
        day += timedelta(days=1)
        passed += is_business_day(day)
        with transaction.atomic():
            Bank.objects.update(today=day)
            if is_business_day(day):
                _settle(_due(day), settled, failed)
                for settle in _others:
                    settle(day, settled, failed)
    return _report(settled, failed, last_webhook)


def _report(settled: list[str], failed: list[str], last_webhook: int) -> dict:
    told = webhooks.wait_for_first_attempts(last_webhook)
    return {"date": today().isoformat(), "settled": settled, "failed": failed, "webhooks": told}


def process_now() -> tuple[int, int]:
    """Take every waiting transfer one step on without moving the calendar: Dwolla's own simulation."""
    settled: list[str] = []
    failed: list[str] = []
    with transaction.atomic():
        _settle(_waiting().order_by("-id")[:500], settled, failed)
    return len(settled), len(failed)


def _waiting() -> QuerySet[Transfer]:
    related = ("source__account", "source__customer", "destination__account", "destination__customer")
    return Transfer.objects.filter(due_on__isnull=False).select_related(*related)


def _due(day: date) -> QuerySet[Transfer]:
    return _waiting().filter(due_on__lte=day).order_by("due_on", "id")


def _settle(transfers: QuerySet[Transfer], settled: list[str], failed: list[str]) -> None:
    for transfer in transfers:
        _step(transfer)
        (failed if transfer.status == "failed" else settled).append(transfer.uid)


# --- transfers ---------------------------------------------------------------------------------------------

def open_transfer(
    *, source: FundingSource, destination: FundingSource, cents: int, correlation_id: str = "",
    metadata: dict | None = None, clearing: dict | None = None,
) -> Transfer:
    """Start a transfer. Raises InsufficientFunds where a balance is to pay and cannot."""
    if source.kind == "balance" and not _take(source, cents):
        raise InsufficientFunds
    code, late = _asked_return(source, destination)
    transfer = Transfer.objects.create(
        source=source, destination=destination, cents=cents, correlation_id=correlation_id,
        metadata=metadata or {}, clearing=clearing, returns_as=code, returns_late=late, created_at=now(),
    )
    _tell(transfer, "created")
    if source.kind == destination.kind == "balance":
        _complete(transfer)
    else:
        days = PULL_DAYS if source.kind == "bank" else PUSH_DAYS
        if code and not late:
            days = min(days, RETURN_DAYS)
        transfer.due_on = add_business_days(today(), days)
        transfer.save(update_fields=["due_on"])
    return transfer


def cancel(transfer: Transfer) -> None:
    """Take a pending transfer back; the caller has checked that it is pending."""
    if transfer.source.kind == "balance":
        _give(transfer.source, transfer.cents)
    transfer.status, transfer.due_on = "cancelled", None
    transfer.save(update_fields=["status", "due_on"])
    _tell(transfer, "cancelled")


def _asked_return(source: FundingSource, destination: FundingSource) -> tuple[str, bool]:
    """The failure that the name of a bank asks for: of the funding source, or of the account behind it."""
    for side in (source, destination):
        if side.kind == "bank":
            for name in (side.name, side.bank_account.name):
                if match := re.fullmatch(r"(R\d\d)(-late)?", name.strip()):
                    return match[1], bool(match[2])
    return "", False


def _step(transfer: Transfer) -> None:
    if transfer.status == "processed":
        _put_back(transfer)
        _fail(transfer, transfer.returns_as)
    elif transfer.returns_as and not transfer.returns_late:
        _refund(transfer)
        _fail(transfer, transfer.returns_as)
    elif transfer.source.kind == "bank" and not _take(transfer.source, transfer.cents):
        _fail(transfer, "R01")
    else:
        _complete(transfer)


def _complete(transfer: Transfer) -> None:
    _give(transfer.destination, transfer.cents)
    transfer.status = "processed"
    transfer.due_on = add_business_days(today(), LATE_DAYS) if transfer.returns_late else None
    transfer.save(update_fields=["status", "due_on"])
    _tell(transfer, "completed")


def _fail(transfer: Transfer, code: str) -> None:
    transfer.status, transfer.due_on, transfer.failure_code = "failed", None, code
    transfer.save(update_fields=["status", "due_on", "failure_code"])
    _tell(transfer, "failed")
    status, removed = CONSEQUENCES.get(code, ("", False))
    bank_side = transfer.source if transfer.source.kind == "bank" else transfer.destination
    if removed and not bank_side.removed:
        remove_funding_source(bank_side)
    customer = bank_side.customer
    if status and customer and customer.status != status:
        customer.status = status
        customer.save(update_fields=["status"])
        webhooks.publish(
            topic=f"customer_{status}", resource=f"/customers/{customer.uid}", customer=customer, at=now()
        )


def _refund(transfer: Transfer) -> None:
    if transfer.source.kind == "balance":
        _give(transfer.source, transfer.cents)


def _put_back(transfer: Transfer) -> None:
    """Undo a settled transfer; the destination may go below zero, as it does in reality."""
    _give(transfer.source, transfer.cents)
    _give(transfer.destination, -transfer.cents)
    destination = transfer.destination
    if destination.kind == "balance" and FundingSource.objects.filter(pk=destination.pk, balance__lt=0).exists():
        tell_of_funding_source(destination, "negative")


def _take(side: FundingSource, cents: int) -> bool:
    """Debit a balance or a bank account, unless it does not reach."""
    enough = _holder(side).filter(balance__gte=cents)
    return enough.update(balance=F("balance") - cents) == 1


def _give(side: FundingSource, cents: int) -> None:
    _holder(side).update(balance=F("balance") + cents)


def _holder(side: FundingSource) -> QuerySet:
    """The row that holds the money of a funding source: its own, or its bank account's."""
    if side.kind == "balance":
        return FundingSource.objects.filter(pk=side.pk)
    return BankAccount.objects.filter(pk=side.bank_account.pk)


# --- what is told ------------------------------------------------------------------------------------------

def remove_funding_source(source: FundingSource) -> None:
    source.removed = True
    source.verified = False
    source.save(update_fields=["removed", "verified"])
    tell_of_funding_source(source, "unverified")
    tell_of_funding_source(source, "removed")


def tell_of_funding_source(source: FundingSource, what: str) -> None:
    topic = f"customer_funding_source_{what}" if source.customer else f"funding_source_{what}"
    webhooks.publish(topic=topic, resource=f"/funding-sources/{source.uid}", customer=source.customer, at=now())


def _tell(transfer: Transfer, what: str) -> None:
    """The events of one change. Between two owners both sides hear of it; between the bank and the balance of
    one owner it is a *bank* transfer, heard of once."""
    source, destination = transfer.source.customer, transfer.destination.customer
    own = source == destination
    owners = [source] if own else [source, destination]
    for customer in owners:
        kind = "bank_transfer" if own and transfer.source.kind != transfer.destination.kind else "transfer"
        topic = f"customer_{kind}_{what}" if customer else f"{kind}_{what}"
        webhooks.publish(
            topic=topic, resource=f"/transfers/{transfer.uid}", customer=customer, transfer=transfer, at=now()
        )
