"""What a day of the bank's calendar does to Stripe's debits and payments out."""

from datetime import date

from django.db.models import F

from sandbox import bank
from sandbox.calendar import add_business_days
from sandbox.models import BankAccount
from sandbox.stripe import banks, hooks, intents, outbound
from sandbox.stripe.balance import DISPUTE_FEE, FAILURE_FEE, book, end_debit, give_back, pay_out, put
from sandbox.stripe.models import StripeIntent, StripeOutbound, StripeTransaction, new_id


def settle(day: date, settled: list[str], failed: list[str]) -> None:
    """Take everything one step on that is due; the ids of what happened are added to the bank's report."""
    related = ("bank__account", "bank__customer", "customer")
    for debit in StripeIntent.objects.filter(due_on__lte=day).select_related(*related).order_by("due_on", "id"):
        _step_debit(debit)
        (failed if debit.failure_code else settled).append(debit.uid)
    for payment in StripeOutbound.objects.filter(due_on__lte=day).select_related(*related).order_by("due_on", "id"):
        _step_payment(payment)
        (failed if payment.status in ("failed", "returned") else settled).append(payment.uid)
    pay_out()


# --- debits ------------------------------------------------------------------------------------------------

def _step_debit(row: StripeIntent) -> None:
    assert row.bank is not None
    if row.status == "succeeded":
        _dispute(row)
    elif row.returns_as and not row.returns_late:
        _fail(row, row.returns_as)
    elif not _debited(row.bank.account, row.cents):
        _fail(row, "R01")
    else:
        _succeed(row)


def _succeed(row: StripeIntent) -> None:
    row.status = "succeeded"
    row.due_on = add_business_days(bank.today(), bank.LATE_DAYS) if row.returns_late else None
    row.save(update_fields=["status", "due_on"])
    end_debit(row.charge_uid, failed=False)
    intents.tell(row, "succeeded")


def _fail(row: StripeIntent, code: str) -> None:
    assert row.bank is not None
    row.status, row.due_on, row.failure_code = "requires_payment_method", None, code
    row.error_code = intents.ERRORS.get(code, "bank_account_declined")
    row.save()
    banks.block(row.bank, code)
    end_debit(row.charge_uid, failed=True)
    book("stripe_fee", source=row.charge_uid, cents=-FAILURE_FEE, description="ACH failure fee")
    intents.tell(row, "payment_failed")


def _dispute(row: StripeIntent) -> None:
    """The money goes back, whether or not the balance has it."""
    assert row.bank is not None
    row.due_on, row.failure_code, row.dispute_uid = None, row.returns_as, new_id("du")
    row.save()
    banks.block(row.bank, row.returns_as)
    _credit(row.bank.account, row.cents)
    book("adjustment", source=row.dispute_uid, cents=-row.cents, fee=DISPUTE_FEE, description="Chargeback withdrawal")
    for what in ("created", "closed"):
        hooks.publish(f"charge.dispute.{what}", intents.shown_dispute(row), bank.now())


# --- payments out ------------------------------------------------------------------------------------------

def _step_payment(row: StripeOutbound) -> None:
    assert row.bank is not None
    row.due_on = None
    if row.status == "posted":
        row.status, row.failure_code = "returned", row.returns_as
        _credit(row.bank.account, -row.cents)
        put(row.cents, uid=outbound.return_uid(row), flow=row.uid, flow_type="outbound_payment")
    elif row.returns_as and not row.returns_late:
        row.status, row.failure_code = "failed", row.returns_as
        give_back(outbound.transaction_uid(row))
    else:
        row.status = "posted"
        StripeTransaction.objects.filter(uid=outbound.transaction_uid(row)).update(status="posted")
        row.due_on = add_business_days(bank.today(), bank.LATE_DAYS) if row.returns_late else None
        _credit(row.bank.account, row.cents)
    row.save(update_fields=["status", "due_on", "failure_code"])
    outbound.tell(row, row.status)


def _debited(account: BankAccount, cents: int) -> bool:
    enough = BankAccount.objects.filter(pk=account.pk, balance__gte=cents)
    return enough.update(balance=F("balance") - cents) == 1


def _credit(account: BankAccount, cents: int) -> None:
    BankAccount.objects.filter(pk=account.pk).update(balance=F("balance") + cents)
