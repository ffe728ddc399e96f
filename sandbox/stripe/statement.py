"""What Stripe lists of its own books: balance transactions, and the Transactions of the FinancialAccount."""

from collections.abc import Collection
from typing import Any

from sandbox.stripe import intents, outbound
from sandbox.stripe.balance import find_vault, shown_credit, vault
from sandbox.stripe.frame import PAGING, Form, expansions, invalid, no_such, page, unix
from sandbox.stripe.models import StripeEntry, StripeIntent, StripeOutbound, StripeTransaction, new_id

STATUSES = ("open", "posted", "void")
# reporting_category of each type
CATEGORIES = {"payment": "charge", "payment_failure_refund": "charge_failure", "adjustment": "dispute", "stripe_fee": "fee"}
MISMATCHES = ("amount", "twice", "gone")


# --- the payments balance ----------------------------------------------------------------------------------

def entries_get(form: Form) -> dict:
    form.only(*PAGING, "type", "source", "currency", "payout")
    wanted = expansions(form, ("source",), "data.")
    if form.has("payout"):
        raise invalid("Balance transaction history can only be filtered on automatic transfers.", "payout")
    rows = StripeEntry.objects.all()
    for name, field in (("type", "kind"), ("source", "source")):
        if value := form.text(name):
            rows = rows.filter(**{field: value})
    if form.text("currency") not in ("", "usd"):
        rows = rows.none()
    return page(form, "/v1/balance_transactions", rows, lambda row: shown_entry(row, wanted))


def entry_get(form: Form, entry: str) -> dict:
    form.only()
    row = StripeEntry.objects.filter(uid=entry).first()
    if row is None:
        raise no_such("balance transaction", entry)
    return shown_entry(row, expansions(form, ("source",)))


def shown_entry(row: StripeEntry, wanted: Collection[str] = ()) -> dict[str, Any]:
    fees = [{"amount": row.fee, "application": None, "currency": "usd", "type": "stripe_fee",
             "description": "Dispute fee" if row.kind == "adjustment" else "Stripe processing fees"}] if row.fee else []
    return {"id": row.uid, "object": "balance_transaction", "type": row.kind, "amount": row.cents, "fee": row.fee,
            "fee_details": fees, "net": row.cents - row.fee, "currency": "usd", "balance_type": "payments",
            "source": _source(row) if "source" in wanted else row.source, "description": row.description or None,
            "status": "pending" if row.pending else "available", "created": unix(row.created_at),
            "available_on": unix(row.created_at), "exchange_rate": None,
            "reporting_category": CATEGORIES.get(row.kind, row.kind)}


def _source(row: StripeEntry) -> dict[str, Any]:
    if row.kind == "payout":
        return _shown_payout(row)
    related = StripeIntent.objects.select_related("bank__account", "customer")
    if row.kind == "adjustment":
        return intents.shown_dispute(related.get(dispute_uid=row.source))
    return intents.shown_charge(related.get(charge_uid=row.source))


def _shown_payout(row: StripeEntry) -> dict[str, Any]:
    """Into the FinancialAccount, which Stripe names as a bank account like any other."""
    return {"id": row.source, "object": "payout", "amount": -row.cents, "arrival_date": unix(row.created_at),
            "automatic": True, "balance_transaction": row.uid, "created": unix(row.created_at), "currency": "usd",
            "description": row.description or None, "destination": f"ba_{vault().uid[3:]}", "livemode": False,
            "metadata": {}, "method": "standard", "reconciliation_status": "completed", "source_type": "bank_account",
            "status": "paid", "type": "bank_account", "failure_code": None, "failure_balance_transaction": None}


# --- the FinancialAccount ----------------------------------------------------------------------------------

def transactions_get(form: Form) -> dict:
    form.only(*PAGING, "financial_account", "status")
    find_vault(form.text("financial_account", required=True), param="financial_account")
    wanted = expansions(form, ("flow_details",), "data.")
    rows = StripeTransaction.objects.all()
    if status := form.text("status", among=STATUSES):
        rows = rows.filter(status=status)
    return page(form, "/v1/treasury/transactions", rows, lambda row: shown_transaction(row, wanted))


def transaction_get(form: Form, transaction: str) -> dict:
    form.only()
    row = StripeTransaction.objects.filter(uid=transaction).first()
    if row is None:
        raise no_such("Transaction", transaction)
    return shown_transaction(row, expansions(form, ("flow_details",)))


def shown_transaction(row: StripeTransaction, wanted: Collection[str] = ()) -> dict[str, Any]:
    cash = 0 if row.status == "void" else row.cents
    held = -row.cents if row.status == "open" else 0
    return {
        "id": row.uid, "object": "treasury.transaction", "amount": row.cents, "currency": "usd", "status": row.status,
        "balance_impact": {"cash": cash, "inbound_pending": 0, "outbound_pending": held}, "created": unix(row.created_at),
        "financial_account": vault().uid, "flow": row.flow, "flow_type": row.flow_type, "livemode": False,
        "description": row.description or row.flow_type.replace("_", " "),
        "status_transitions": {
            "posted_at": unix(row.created_at) if row.status == "posted" else None,
            "void_at": unix(row.created_at) if row.status == "void" else None},
        "flow_details": _flow(row) if "flow_details" in wanted else None,
    }


def _flow(row: StripeTransaction) -> dict[str, Any]:
    flow = shown_credit(row, vault()) if row.flow_type == "received_credit" else outbound.shown(outbound.find_outbound(row.flow))
    return {"type": row.flow_type, row.flow_type: flow}


# --- wrong on purpose --------------------------------------------------------------------------------------

def spoil(what: str, uid: str) -> None:
    """Make what Stripe lists of one PaymentIntent or OutboundPayment wrong: by a cent, twice, or not at all."""
    row: Any
    if StripeOutbound.objects.filter(uid=uid).exists():
        row = StripeTransaction.objects.filter(flow=uid).earliest("id")
    else:
        row = StripeEntry.objects.get(kind="payment", source=StripeIntent.objects.get(uid=uid).charge_uid)
    if what == "gone":
        row.delete()
        return
    if what == "amount":
        row.cents += 1 if row.cents > 0 else -1
    else:
        row.pk, row.uid, row._state.adding = None, new_id(row.uid.partition("_")[0]), True
    row.save()
