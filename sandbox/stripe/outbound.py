"""Stripe's Treasury OutboundPayments: money that leaves the FinancialAccount for a person's bank."""

from typing import Any

from sandbox import bank
from sandbox.calendar import add_business_days
from sandbox.stripe import banks, hooks
from sandbox.stripe.balance import find_vault, give_back, take, usd, vault
from sandbox.stripe.customers import find_customer
from sandbox.stripe.frame import PAGING, Form, StripeError, missing, no_such, page, unix
from sandbox.stripe.models import StripeOutbound, StripeTransaction, new_id

STATUSES = ("processing", "posted", "failed", "returned", "canceled")
RETURNED = {"R02": "account_closed", "R03": "no_account", "R04": "invalid_account_number", "R16": "account_frozen",
            "R20": "bank_account_restricted", "R23": "declined"}


def outbounds_post(form: Form) -> dict:
    form.only("amount", "currency", "financial_account", "customer", "destination_payment_method",
              "destination_payment_method_data", "description", "statement_descriptor", "metadata", "end_user_details",
              "destination_payment_method_options")
    cents = form.whole("amount", least=1)
    usd(form)
    find_vault(form.text("financial_account", required=True), param="financial_account")
    customer = find_customer(form.text("customer"), param="customer") if form.has("customer") else None
    row = StripeOutbound(
        uid=new_id("obp"), bank=_destination(form), customer=customer, cents=cents, status="processing",
        description=form.text("description"), metadata=form.metadata(), created_at=bank.now(), begun_on=bank.today(),
    )
    assert row.bank is not None
    banks.owned_by(row.bank, customer, "destination_payment_method")
    if not take(cents):
        raise StripeError("The FinancialAccount does not have enough funds.", code="insufficient_funds", param="amount")
    code, late = banks.asked_return(row.bank)
    if code != "never":
        row.returns_as, row.returns_late = code, late
        row.due_on = add_business_days(bank.today(), bank.PUSH_DAYS)
    row.save()
    StripeTransaction.objects.create(
        uid=transaction_uid(row), flow=row.uid, flow_type="outbound_payment", cents=-cents, status="open",
        created_at=row.created_at,
    )
    tell(row, "created")
    return shown(row)


def _destination(form: Form) -> Any:
    if uid := form.text("destination_payment_method"):
        return banks.find_method(uid, param="destination_payment_method")
    if form.has("destination_payment_method_data"):
        return banks.make_method(form.part("destination_payment_method_data"))
    raise missing("destination_payment_method")


def outbounds_get(form: Form) -> dict:
    form.only(*PAGING, "financial_account", "customer", "status")
    find_vault(form.text("financial_account", required=True), param="financial_account")
    rows = StripeOutbound.objects.select_related("bank__account", "customer")
    if form.has("customer"):
        rows = rows.filter(customer=find_customer(form.text("customer"), param="customer", deleted=True))
    if status := form.text("status", among=STATUSES):
        rows = rows.filter(status=status)
    return page(form, "/v1/treasury/outbound_payments", rows, shown)


def outbound_get(form: Form, outbound: str) -> dict:
    form.only()
    return shown(find_outbound(outbound))


def outbound_cancel(form: Form, outbound: str) -> dict:
    """Take it back on the day of its making, before it has left."""
    form.only()
    row = find_outbound(outbound)
    if not _cancelable(row):
        raise StripeError("This OutboundPayment can no longer be canceled.", code="status_transition_invalid")
    row.status, row.due_on = "canceled", None
    row.save(update_fields=["status", "due_on"])
    give_back(transaction_uid(row))
    tell(row, "canceled")
    return shown(row)


def _cancelable(row: StripeOutbound) -> bool:
    return row.status == "processing" and row.begun_on == bank.today()


def find_outbound(uid: str) -> StripeOutbound:
    row = StripeOutbound.objects.select_related("bank__account", "bank__customer", "customer").filter(uid=uid).first()
    if row is None:
        raise no_such("OutboundPayment", uid)
    return row


def transaction_uid(row: StripeOutbound) -> str:
    return f"trxn_{row.uid[4:]}"


def return_uid(row: StripeOutbound) -> str:
    """Of the Transaction by which a posted one comes back."""
    return f"{transaction_uid(row)}Return"


def tell(row: StripeOutbound, what: str) -> None:
    hooks.publish(f"treasury.outbound_payment.{what}", shown(row), bank.now())


def shown(row: StripeOutbound) -> dict[str, Any]:
    assert row.bank is not None
    account = banks.shown_method(row.bank)["us_bank_account"]
    details = {name: account[name] for name in ("account_holder_type", "account_type", "bank_name", "fingerprint", "last4",
                                                "routing_number")}
    returned = {"code": RETURNED.get(row.failure_code, "other"), "transaction": return_uid(row)}
    return {
        "id": row.uid, "object": "treasury.outbound_payment", "amount": row.cents, "currency": "usd",
        "status": row.status, "cancelable": _cancelable(row), "created": unix(row.created_at), "livemode": False,
        "customer": row.customer.uid if row.customer else None, "destination_payment_method": row.bank.uid,
        "destination_payment_method_details": {
            "type": "us_bank_account", "us_bank_account": {**details, "network": "ach"},
            "billing_details": {"name": row.bank.holder_name or None, "email": row.bank.email or None}},
        "expected_arrival_date": unix(row.created_at), "financial_account": vault().uid, "metadata": row.metadata,
        "description": row.description or None, "returned_details": returned if row.status == "returned" else None,
        "statement_descriptor": "PAYA", "status_transitions": {}, "transaction": transaction_uid(row),
    }
