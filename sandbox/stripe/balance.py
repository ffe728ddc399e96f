"""Stripe's payments balance, and the FinancialAccount that it is paid out to."""

from typing import Any

from django.db.models import F, Sum

from sandbox import bank
from sandbox.models import BankAccount
from sandbox.stripe.frame import PAGING, Form, StripeError, invalid, no_such, page, unix
from sandbox.stripe.models import StripeEntry, StripeIntent, StripeOutbound, StripeTransaction, StripeVault, new_id

FAILURE_FEE, DISPUTE_FEE = 4_00, 15_00


def charge_fee(cents: int) -> int:
    """0.8 % of an ACH debit, at most $5 (stripe.com/pricing/local-payment-methods)."""
    return min(5_00, (cents * 8 + 500) // 1000)


def vault() -> StripeVault:
    """The one FinancialAccount."""
    return StripeVault.objects.get(pk=1)


def book(
    kind: str, *, source: str, cents: int = 0, fee: int = 0, description: str = "", pending: bool = False
) -> StripeEntry:
    return StripeEntry.objects.create(
        uid=new_id("txn"), kind=kind, cents=cents, fee=fee, source=source, description=description, pending=pending,
        created_at=bank.now(),
    )


def begin_debit(charge: str, cents: int) -> None:
    """Stripe shows a debit as a pending `payment` from the moment that it is made, less its fee."""
    book("payment", source=charge, cents=cents, fee=charge_fee(cents), pending=True)


def end_debit(charge: str, *, failed: bool) -> None:
    """It becomes available, or is taken out again by a `payment_failure_refund`, its fee with it."""
    for entry in StripeEntry.objects.filter(source=charge, kind="payment", pending=True):
        entry.pending = False
        entry.save(update_fields=["pending"])
        if failed:
            book("payment_failure_refund", source=charge, cents=-entry.cents, fee=-entry.fee)


def pay_out() -> None:
    """Send what the payments balance has to the FinancialAccount; a negative one waits for the next charges."""
    if (cents := payments_balance()) > 0:
        payout = new_id("po")
        book("payout", source=payout, cents=-cents, description="STRIPE PAYOUT")
        receive(cents, payout=payout, network="stripe", description="STRIPE PAYOUT")


def payments_balance(*, pending: bool = False) -> int:
    sums = StripeEntry.objects.filter(pending=pending).aggregate(cents=Sum("cents"), fees=Sum("fee"))
    return (sums["cents"] or 0) - (sums["fees"] or 0)


def receive(cents: int, *, network: str, payout: str = "", description: str = "") -> StripeTransaction:
    """A ReceivedCredit of the FinancialAccount: a payout, or money from outside."""
    return put(cents, flow=new_id("rc"), flow_type="received_credit", payout=payout, network=network, description=description)


def put(cents: int, **about: str) -> StripeTransaction:
    StripeVault.objects.filter(pk=vault().pk).update(cash=F("cash") + cents)
    made = {"uid": new_id("trxn"), **about}
    return StripeTransaction.objects.create(cents=cents, status="posted", created_at=bank.now(), **made)


def take(cents: int) -> bool:
    """Out of the FinancialAccount, unless it does not reach."""
    return StripeVault.objects.filter(pk=vault().pk, cash__gte=cents).update(cash=F("cash") - cents) == 1


def give_back(transaction: str) -> None:
    """A payment out that did not take place: its Transaction is void."""
    row = StripeTransaction.objects.get(uid=transaction)
    row.status = "void"
    row.save(update_fields=["status"])
    StripeVault.objects.filter(pk=vault().pk).update(cash=F("cash") - row.cents)


def summary() -> dict[str, int]:
    """In cents: both pots, and what is on its way."""
    on_its_way = {"due_on__isnull": False, "status": "processing"}
    return {
        "payments_balance": payments_balance(), "financial_account": vault().cash,
        "incoming": StripeIntent.objects.filter(**on_its_way).aggregate(sum=Sum("cents"))["sum"] or 0,
        "outgoing": StripeOutbound.objects.filter(**on_its_way).aggregate(sum=Sum("cents"))["sum"] or 0,
    }


# --- over the wire -----------------------------------------------------------------------------------------

def balance_get(form: Form) -> dict:
    form.only()
    state = summary()
    return {"object": "balance", "livemode": False, "available": [_amount(state["payments_balance"])],
            "pending": [_amount(payments_balance(pending=True))]}


def _amount(cents: int) -> dict:
    return {"amount": cents, "currency": "usd", "source_types": {"bank_account": cents}}


# --- the FinancialAccount ----------------------------------------------------------------------------------

def vaults_get(form: Form) -> dict:
    form.only(*PAGING, "status")
    rows = StripeVault.objects.exclude(pk=1) if form.text("status") == "closed" else StripeVault.objects.all()
    return page(form, "/v1/treasury/financial_accounts", rows, _shown_vault)


def vault_get(form: Form, account: str) -> dict:
    return _shown_vault(find_vault(account))


def find_vault(uid: str, *, param: str = "id") -> StripeVault:
    row = vault()
    if uid != row.uid:
        raise no_such("FinancialAccount", uid, param, 404 if param == "id" else 400)
    return row


def _shown_vault(row: StripeVault) -> dict[str, Any]:
    held = {"cash": {"usd": row.cash}, "inbound_pending": {"usd": 0}, "outbound_pending": {"usd": summary()["outgoing"]}}
    return {"id": row.uid, "object": "treasury.financial_account", "balance": held, "country": "US", "status": "open",
            "supported_currencies": ["usd"], "created": unix(row.created_at), "livemode": False, "metadata": {},
            "active_features": ["outbound_payments.ach"], "financial_addresses": []}


def received_credits_post(form: Form) -> dict:
    """Stripe's own test helper: money arrives from outside. Here it leaves the operators' bank account."""
    form.only("amount", "currency", "financial_account", "network", "description")
    cents = form.whole("amount", least=1)
    form.text("currency", required=True, among=("usd",))
    form.text("network", required=True, among=("ach", "us_domestic_wire"))
    row = find_vault(form.text("financial_account", required=True), param="financial_account")
    operating = BankAccount.objects.filter(item=None, name="Operating", balance__gte=cents)
    if not operating.update(balance=F("balance") - cents):
        raise StripeError("The operators' bank account does not have that much.", code="insufficient_funds")
    description = form.text("description", longest=200) or "Stripe test helper"
    return shown_credit(receive(cents, network=form.text("network"), description=description), row)


def shown_credit(row: StripeTransaction, account: StripeVault) -> dict[str, Any]:
    """The ReceivedCredit behind a Transaction; of a payout it names the source."""
    source = {"type": "payout", "payout": row.payout} if row.payout else None
    initiator = {"type": "balance", "balance": "payments"} if row.payout else {"type": "us_bank_account"}
    return {
        "id": row.flow, "object": "treasury.received_credit", "amount": row.cents, "currency": "usd",
        "financial_account": account.uid, "network": row.network, "status": "succeeded", "livemode": False,
        "created": unix(row.created_at), "description": row.description, "transaction": row.uid, "failure_code": None,
        "initiating_payment_method_details": {**initiator, "billing_details": {"name": None, "email": None}},
        "linked_flows": {
            "credit_reversal": None, "issuing_authorization": None, "issuing_transaction": None, "source_flow_details": source,
            "source_flow": row.payout or None, "source_flow_type": "payout" if row.payout else None},
    }


def usd(form: Form) -> None:
    currency = form.text("currency", required=True)
    if currency != "usd":
        raise invalid(f"Invalid currency: {currency[:10]}", "currency")
