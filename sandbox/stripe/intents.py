"""Stripe's PaymentIntents over us_bank_account: debits of a person's bank, with their charges and disputes."""

from typing import Any

from sandbox import bank
from sandbox.calendar import add_business_days
from sandbox.stripe import banks, hooks
from sandbox.stripe.balance import begin_debit, end_debit, usd
from sandbox.stripe.customers import find_customer
from sandbox.stripe.frame import PAGING, Form, StripeError, expansions, invalid, missing, no_such, page, unix
from sandbox.stripe.models import StripeBank, StripeEntry, StripeIntent, new_id

SMALLEST_CENTS = 50
MICRO_DEPOSIT_TRIES = 10
CANCELLABLE = ("requires_payment_method", "requires_confirmation", "requires_action")
REASONS = ("duplicate", "fraudulent", "requested_by_customer", "abandoned")
EXPANDABLE = ("latest_charge", "payment_method", "customer", "latest_charge.balance_transaction")
CONFIRMING = ("payment_method", "payment_method_data", "allowed_payment_method_types", "mandate", "mandate_data",
              "off_session", "return_url", "payment_method_options", "payment_method_types")
# How Stripe calls the returns of a debit: before settlement the code of an error, after it the reason of a dispute.
ERRORS = {"R01": "insufficient_funds", "R09": "insufficient_funds", "R02": "account_closed", "R03": "no_account",
          "R04": "account_number_invalid", "R16": "bank_account_restricted", "R20": "bank_account_restricted",
          **dict.fromkeys(("R05", "R07", "R08", "R10", "R11", "R29"), "debit_not_authorized")}
DISPUTES = {"insufficient_funds": "insufficient_funds", "account_closed": "incorrect_account_details",
            "no_account": "incorrect_account_details", "account_number_invalid": "incorrect_account_details",
            "debit_not_authorized": "debit_not_authorized"}


# --- making and confirming ---------------------------------------------------------------------------------

def intents_post(form: Form) -> dict:
    form.only("amount", "currency", "customer", "confirm", "metadata", "description", "statement_descriptor",
              "setup_future_usage", *CONFIRMING)
    wanted = expansions(form, EXPANDABLE)
    cents = form.whole("amount", least=1)
    usd(form)
    if cents < SMALLEST_CENTS:
        raise invalid("Amount must be at least $0.50 usd", "amount", "amount_too_small")
    customer = find_customer(form.text("customer"), param="customer") if form.has("customer") else None
    row = StripeIntent(
        uid=new_id("pi"), customer=customer, cents=cents, status="requires_payment_method", created_at=bank.now(),
        description=form.text("description"), metadata=form.metadata(),
    )
    _choose_bank(row, form)
    row.save()
    tell(row, "created")
    if form.flag("confirm"):
        _confirm(row, form)
    return shown(row, wanted)


def _choose_bank(row: StripeIntent, form: Form) -> None:
    """Take the PaymentMethod that the form names or describes, if it does."""
    chosen = None
    if uid := form.text("payment_method"):
        chosen = banks.find_method(uid, param="payment_method")
    elif form.has("payment_method_data"):
        chosen = banks.make_method(form.part("payment_method_data"))
    if chosen is None:
        return
    banks.owned_by(chosen, row.customer, "payment_method")
    if form.has("payment_method_types"):  # gone since the version of 2026-09-30
        raise invalid("payment_method_types is no longer supported: use allowed_payment_method_types.",
                      "payment_method_types", "payment_method_types_no_longer_supported")
    if "us_bank_account" not in (form.texts("allowed_payment_method_types") or ["us_bank_account"]):
        raise invalid("The PaymentMethod provided (us_bank_account) is not allowed for this PaymentIntent.",
                      "payment_method", "payment_intent_incompatible_payment_method")
    row.bank, row.status = chosen, "requires_confirmation"


def intent_confirm(form: Form, intent: str) -> dict:
    form.only(*CONFIRMING)
    wanted = expansions(form, EXPANDABLE)
    row = find_intent(intent)
    if row.status not in ("requires_payment_method", "requires_confirmation"):
        raise unexpected_state(row, "confirm")
    if form.has("payment_method") or form.has("payment_method_data"):
        _choose_bank(row, form)
    _confirm(row, form)
    return shown(row, wanted)


def _confirm(row: StripeIntent, form: Form) -> None:
    if row.bank is None:
        raise missing("payment_method")
    row.mandate_uid = _mandate(form)
    if row.bank.blocked_code:
        _refuse_blocked(row)
    if row.bank.verified:
        begin(row)
    else:
        row.status = "requires_action"
        row.save()
        tell(row, "requires_action")


def _mandate(form: Form) -> str:
    """The person's consent: a new one, or the id of one that was given before."""
    if earlier := form.text("mandate"):
        if not StripeIntent.objects.filter(mandate_uid=earlier).exists():
            raise no_such("mandate", earlier, "mandate", 400)
        return earlier
    consent = form.part("mandate_data").part("customer_acceptance")
    if not consent.values:
        raise missing("mandate_data")
    if consent.text("type", required=True, among=("online", "offline")) == "online":
        online = consent.part("online")
        online.text("ip_address", required=True)
        online.text("user_agent", required=True)
    return new_id("mandate")


def _refuse_blocked(row: StripeIntent) -> None:
    """402, and a PaymentIntent that failed stays behind."""
    assert row.bank is not None
    row.status, row.error_code = "requires_payment_method", "bank_account_unusable"
    row.save()
    tell(row, "payment_failed")
    raise StripeError(
        "The customer's bank account could not be used for this payment.", status=402, kind="card_error",
        code="bank_account_unusable", kept=True, payment_intent=shown(row), payment_method=banks.shown_method(row.bank),
    )


def begin(row: StripeIntent) -> None:
    """The debit goes to the bank; its name says how it ends."""
    assert row.bank is not None
    code, late = banks.asked_return(row.bank)
    row.charge_uid, row.status, row.begun_on = new_id("ch"), "processing", bank.today()
    if code != "never":
        row.returns_as, row.returns_late = code, late
        early = bool(code) and not late
        row.due_on = add_business_days(row.begun_on, bank.RETURN_DAYS if early else bank.PULL_DAYS)
    row.save()
    begin_debit(row.charge_uid, row.cents)
    tell(row, "processing")


def intent_verify(form: Form, intent: str) -> dict:
    """The micro-deposits of an unverified bank, in cents."""
    form.only("amounts")
    row = find_intent(intent)
    if row.status != "requires_action" or row.bank is None:
        raise unexpected_state(row, "verify microdeposits for")
    if sorted(form.texts("amounts")) != banks.MICRO_DEPOSITS:
        return _wrong_amounts(row)
    row.bank.verified = True
    row.bank.customer = row.bank.customer or row.customer
    row.bank.save(update_fields=["verified", "customer"])
    begin(row)
    return shown(row)


def _wrong_amounts(row: StripeIntent) -> dict:
    row.micro_deposit_tries += 1
    code = "payment_method_microdeposit_verification_amounts_mismatch"
    if row.micro_deposit_tries >= MICRO_DEPOSIT_TRIES:
        code = "payment_method_microdeposit_verification_attempts_exceeded"
        row.status, row.error_code = "requires_payment_method", code
    row.save()
    raise StripeError("The amounts provided do not match the amounts that we sent to the bank account.", code=code,
                      kept=True)


# --- later -------------------------------------------------------------------------------------------------

def intents_get(form: Form) -> dict:
    form.only(*PAGING, "customer")
    wanted = expansions(form, EXPANDABLE, "data.")
    rows = StripeIntent.objects.select_related("bank__account", "bank__customer", "customer")
    if form.has("customer"):
        rows = rows.filter(customer=find_customer(form.text("customer"), param="customer", deleted=True))
    return page(form, "/v1/payment_intents", rows, lambda row: shown(row, wanted))


def intent_get(form: Form, intent: str) -> dict:
    form.only()
    return shown(find_intent(intent), expansions(form, EXPANDABLE))


def intent_post(form: Form, intent: str) -> dict:
    form.only("metadata", "description")
    row = find_intent(intent)
    row.metadata = row.metadata | form.metadata()
    row.description = form.text("description") or row.description
    row.save(update_fields=["metadata", "description"])
    return shown(row)


def intent_cancel(form: Form, intent: str) -> dict:
    """Take it back: any time before it went to the bank, and on that same day of the bank's calendar."""
    form.only("cancellation_reason")
    row = find_intent(intent)
    if row.status not in CANCELLABLE and not (row.status == "processing" and row.begun_on == bank.today()):
        raise unexpected_state(row, "cancel")
    row.status, row.due_on = "canceled", None
    row.cancellation_reason = form.text("cancellation_reason", among=REASONS)
    row.save()
    if row.charge_uid:
        end_debit(row.charge_uid, failed=True)
    tell(row, "canceled")
    return shown(row)


def unexpected_state(row: StripeIntent, what: str) -> StripeError:
    return StripeError(f"You cannot {what} this PaymentIntent because it has a status of {row.status}.",
                       code="payment_intent_unexpected_state", payment_intent=shown(row))


def find_intent(uid: str) -> StripeIntent:
    row = StripeIntent.objects.select_related("bank__account", "bank__customer", "customer").filter(uid=uid).first()
    if row is None:
        raise no_such("payment_intent", uid, "intent")
    return row


def tell(row: StripeIntent, what: str) -> None:
    hooks.publish(f"payment_intent.{what}", shown(row), bank.now())


# --- charges and disputes ----------------------------------------------------------------------------------

def charge_get(form: Form, charge: str) -> dict:
    form.only()
    row = StripeIntent.objects.select_related("bank__account", "customer").filter(charge_uid=charge).first()
    if row is None or not charge:
        raise no_such("charge", charge)
    return shown_charge(row)


def disputes_get(form: Form) -> dict:
    form.only(*PAGING, "payment_intent", "charge")
    rows = StripeIntent.objects.exclude(dispute_uid="")
    for name, field in (("payment_intent", "uid"), ("charge", "charge_uid")):
        if form.has(name):
            rows = rows.filter(**{field: form.text(name)})
    return page(form, "/v1/disputes", rows, shown_dispute)


def dispute_get(form: Form, dispute: str) -> dict:
    row = StripeIntent.objects.filter(dispute_uid=dispute).first()
    if row is None or not dispute:
        raise no_such("dispute", dispute)
    return shown_dispute(row)


# --- what is shown -----------------------------------------------------------------------------------------

def shown(row: StripeIntent, wanted: set[str] | frozenset[str] = frozenset()) -> dict[str, Any]:
    method = row.bank if row.status != "requires_payment_method" else None
    return {
        "id": row.uid, "object": "payment_intent", "amount": row.cents, "amount_capturable": 0,
        "amount_received": row.cents if row.status == "succeeded" else 0, "currency": "usd", "status": row.status,
        "customer": row.customer.uid if row.customer else None, "description": row.description or None,
        "payment_method": _expanded_method(method, wanted), "payment_method_types": ["us_bank_account"],
        "latest_charge": _expanded_charge(row, wanted), "last_payment_error": _last_error(row),
        "next_action": _next_action(row), "metadata": row.metadata, "created": unix(row.created_at), "livemode": False,
        "capture_method": "automatic_async", "confirmation_method": "automatic", "canceled_at": None,
        "cancellation_reason": row.cancellation_reason or None, "client_secret": f"{row.uid}_secret_sandbox",
    }


def _expanded_method(method: StripeBank | None, wanted: set[str] | frozenset[str]) -> Any:
    if method is None:
        return None
    return banks.shown_method(method) if "payment_method" in wanted else method.uid


def _expanded_charge(row: StripeIntent, wanted: set[str] | frozenset[str]) -> Any:
    if not row.charge_uid:
        return None
    return shown_charge(row) if any(each.startswith("latest_charge") for each in wanted) else row.charge_uid


def _last_error(row: StripeIntent) -> dict | None:
    if not row.error_code or row.bank is None:
        return None
    return {"type": "card_error", "code": row.error_code, "message": "The bank account could not be debited.",
            "charge": row.charge_uid or None, "payment_method": banks.shown_method(row.bank)}


def _next_action(row: StripeIntent) -> dict | None:
    if row.status != "requires_action":
        return None
    details = {"arrival_date": unix(row.created_at), "microdeposit_type": "amounts",
               "hosted_verification_url": "https://payments.stripe.com/microdeposit/sandbox"}
    return {"type": "verify_with_microdeposits", "verify_with_microdeposits": details}


def shown_charge(row: StripeIntent) -> dict[str, Any]:
    status = {"processing": "pending", "succeeded": "succeeded"}.get(row.status, "failed")
    entry = StripeEntry.objects.filter(source=row.charge_uid, kind="payment").values_list("uid", flat=True).first()
    return {
        "id": row.charge_uid, "object": "charge", "amount": row.cents, "amount_refunded": 0, "currency": "usd",
        "amount_captured": row.cents if status == "succeeded" else 0, "balance_transaction": entry,
        "captured": status == "succeeded", "paid": status != "failed", "status": status, "refunded": False,
        "customer": row.customer.uid if row.customer else None, "payment_intent": row.uid, "livemode": False,
        "payment_method": row.bank.uid if row.bank else None, "disputed": bool(row.dispute_uid),
        "failure_code": row.error_code or None, "failure_message": None, "metadata": row.metadata,
        "created": unix(row.created_at), "payment_method_details": {"type": "us_bank_account", "us_bank_account": {
            "mandate": row.mandate_uid or None, "last4": row.bank.account.mask if row.bank else None}},
    }


def shown_dispute(row: StripeIntent) -> dict[str, Any]:
    """A return after settlement. Nothing can be said against one over ACH, so that it is lost when it comes."""
    entries = StripeEntry.objects.filter(source=row.dispute_uid)
    return {
        "id": row.dispute_uid, "object": "dispute", "amount": row.cents, "currency": "usd", "charge": row.charge_uid,
        "payment_intent": row.uid, "reason": DISPUTES.get(ERRORS.get(row.failure_code, ""), "bank_cannot_process"),
        "status": "lost", "is_charge_refundable": False, "network_reason_code": None, "livemode": False,
        "balance_transactions": [{"id": each.uid, "amount": each.cents, "fee": each.fee} for each in entries],
        "created": unix(row.created_at), "metadata": {}, "evidence": {}, "evidence_details": {"due_by": None},
    }
