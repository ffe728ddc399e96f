"""Stripe's payments balance, and the FinancialAccount that it is paid out to."""

from typing import Any

from django.db.models import F, Sum

from sandbox import bank
from sandbox.models import BankAccount
from sandbox.stripe.frame import PAGING, Form, StripeError, invalid, no_such, page, unix
from sandbox.stripe.models import StripeEntry, StripeIntent, StripeOutbound, StripeVault, new_id

FAILURE_FEE, DISPUTE_FEE = 4_00, 15_00


def charge_fee(cents: int) -> int:
    """0.8 % of an ACH debit, at most $5 (stripe.com/pricing/local-payment-methods)."""
    return min(5_00, (cents * 8 + 500) // 1000)


def vault() -> StripeVault:
    """The one FinancialAccount."""
    return StripeVault.objects.get(pk=1)


def book(kind: str, *, source: str, cents: int = 0, fee: int = 0, description: str = "") -> StripeEntry:
    return StripeEntry.objects.create(
        uid=new_id("txn"), kind=kind, cents=cents, fee=fee, source=source, description=description, created_at=bank.now()
    )


def pay_out() -> None:
    """Send what the payments balance has to the FinancialAccount; a negative one waits for the next charges."""
    if (cents := payments_balance()) > 0:
        book("payout", source=new_id("po"), cents=-cents, description="STRIPE PAYOUT")
        put(cents)


def payments_balance() -> int:
    sums = StripeEntry.objects.aggregate(cents=Sum("cents"), fees=Sum("fee"))
    return (sums["cents"] or 0) - (sums["fees"] or 0)


def put(cents: int) -> None:
    StripeVault.objects.filter(pk=vault().pk).update(cash=F("cash") + cents)


def take(cents: int) -> bool:
    """Out of the FinancialAccount, unless it does not reach."""
    return StripeVault.objects.filter(pk=vault().pk, cash__gte=cents).update(cash=F("cash") - cents) == 1


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
    coming = StripeIntent.objects.filter(status="processing").values_list("cents", flat=True)
    fees = sum(charge_fee(cents) for cents in coming)
    return {"object": "balance", "livemode": False, "available": [_amount(state["payments_balance"])],
            "pending": [_amount(state["incoming"] - fees)]}


def _amount(cents: int) -> dict:
    return {"amount": cents, "currency": "usd", "source_types": {"bank_account": cents}}


def entries_get(form: Form) -> dict:
    form.only(*PAGING, "type", "source")
    rows = StripeEntry.objects.all()
    if kind := form.text("type"):
        rows = rows.filter(kind=kind)
    if source := form.text("source"):
        rows = rows.filter(source=source)
    return page(form, "/v1/balance_transactions", rows, shown_entry)


def entry_get(form: Form, entry: str) -> dict:
    row = StripeEntry.objects.filter(uid=entry).first()
    if row is None:
        raise no_such("balance transaction", entry)
    return shown_entry(row)


def shown_entry(row: StripeEntry) -> dict[str, Any]:
    fees = [{"amount": row.fee, "application": None, "currency": "usd", "type": "stripe_fee",
             "description": "Stripe processing fees" if row.kind == "charge" else "Dispute fee"}] if row.fee else []
    return {"id": row.uid, "object": "balance_transaction", "type": row.kind, "amount": row.cents, "fee": row.fee,
            "fee_details": fees, "net": row.cents - row.fee, "currency": "usd", "source": row.source,
            "description": row.description or None, "status": "available", "created": unix(row.created_at),
            "available_on": unix(row.created_at), "exchange_rate": None, "reporting_category": _category(row)}


def _category(row: StripeEntry) -> str:
    return {"adjustment": "dispute", "stripe_fee": "fee"}.get(row.kind, row.kind)


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
    put(cents)
    return {"id": new_id("rc"), "object": "treasury.received_credit", "amount": cents, "currency": "usd",
            "financial_account": row.uid, "network": form.text("network"), "status": "succeeded", "livemode": False,
            "created": unix(bank.now()), "description": form.text("description") or "Stripe test helper"}


def usd(form: Form) -> None:
    currency = form.text("currency", required=True)
    if currency != "usd":
        raise invalid(f"Invalid currency: {currency[:10]}", "currency")
