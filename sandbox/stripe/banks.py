"""Bank accounts at Stripe: tokens, a customer's bank accounts, and PaymentMethods, which are the same rows.

Stripe's test numbers (routing 110000000) fail as its documentation says: 000111111113 is closed, 000111111116 does not
exist, 000222222227 is empty, 000333333335 allows no debits, 000555555559 disputes after it has paid, 000000000009 is
never heard of again. Elsewhere the name asks for the failure: of the holder, or of the account behind it.
"""

import hashlib
import re
from typing import Any

from django.db.models import QuerySet

from sandbox import bank
from sandbox.models import BankAccount
from sandbox.plaid.frame import Body, endpoint
from sandbox.plaid.items import find_account, find_item
from sandbox.stripe.customers import find_customer
from sandbox.stripe.frame import PAGING, Form, StripeError, invalid, missing, no_such, page, unix
from sandbox.stripe.models import StripeBank, StripeCustomer, StripeToken, new_id

MICRO_DEPOSITS = ["32", "45"]  # cents: what Stripe sends in test mode
TEST_ROUTING = "110000000"
TEST_NUMBERS = {
    "000111111113": "R02", "000111111116": "R03", "000222222227": "R01", "000333333335": "R10",
    "000555555559": "R10-late", "000000000009": "never",
}
# The returns after which Stripe blocks an account (the `network_code`s of its own schema), and the reason it gives.
BLOCKS = {
    "R02": "bank_account_closed", "R03": "bank_account_invalid_details", "R04": "bank_account_invalid_details",
    "R05": "debit_not_authorized", "R07": "debit_not_authorized", "R08": "debit_not_authorized",
    "R10": "debit_not_authorized", "R11": "debit_not_authorized", "R29": "debit_not_authorized",
    "R16": "bank_account_frozen", "R20": "bank_account_restricted", "R31": "bank_account_unusable",
}


# --- tokens ------------------------------------------------------------------------------------------------

@endpoint
def plaid_bank_account_token(body: Body) -> dict:
    """Plaid's `/processor/stripe/bank_account_token/create`: Stripe's token for a linked account."""
    item = find_item(body)
    account = find_account(body, item)
    row = StripeToken.objects.create(
        uid=new_id("btok"), account=account, holder_name=item.owner_name, verified=True, created_at=bank.now()
    )
    return {"stripe_bank_account_token": row.uid}


def tokens_post(form: Form) -> dict:
    form.only("bank_account")
    if not form.has("bank_account"):
        raise missing("bank_account")
    part = form.part("bank_account")
    account = _numbered(part)
    row = StripeToken.objects.create(
        uid=new_id("btok"), account=account, holder_name=part.text("account_holder_name", longest=256),
        created_at=bank.now(),
    )
    return _shown_token(row)


def token_get(form: Form, token: str) -> dict:
    return _shown_token(_token(token, "id", 404))


def _token(uid: str, param: str, status: int) -> StripeToken:
    row = StripeToken.objects.select_related("account__item").filter(uid=uid).first()
    if row is None:
        raise no_such("token", uid, param, status)
    return row


def _numbered(part: Form) -> BankAccount:
    """The account of these numbers; it is opened when nobody has named it before."""
    routing = part.text("routing_number", required=True)
    number = part.text("account_number", required=True)
    if not re.fullmatch(r"[0-9]{9}", routing) or not _checksum(routing):
        raise invalid("You must provide a valid routing number.", part.named("routing_number"), "routing_number_invalid")
    if not re.fullmatch(r"[0-9]{4,17}", number):
        raise invalid("You must provide a valid account number.", part.named("account_number"), "account_number_invalid")
    kind = part.text("account_type", among=("checking", "savings")) or "checking"
    found = BankAccount.objects.filter(routing=routing, number=number).first()
    return found or bank.open_account(
        name=_test_name(routing, number), subtype=kind, balance=bank.OPENING_CHECKING, routing=routing, number=number,
        bank_name="STRIPE TEST BANK" if routing == TEST_ROUTING else "First Platypus Bank",
    )


def _checksum(routing: str) -> bool:
    return sum(int(digit) * weight for digit, weight in zip(routing, (3, 7, 1) * 3, strict=True)) % 10 == 0


def _test_name(routing: str, number: str) -> str:
    return TEST_NUMBERS.get(number, "Test account") if routing == TEST_ROUTING else "Checking"


# --- a customer's bank accounts ----------------------------------------------------------------------------

def sources_post(form: Form, customer: str) -> dict:
    """Attach the account behind a token. The same account twice is refused."""
    form.only("source", "metadata")
    owner = find_customer(customer)
    token = _token(form.text("source", required=True), "source", 400)
    if token.used:
        raise invalid(f"You cannot use a Stripe token more than once: {token.uid}.", "source", "token_already_used")
    if token.account.item is not None and token.account.item.removed:
        raise no_such("token", token.uid, "source", 400)
    if owner.banks.filter(deleted=False, account=token.account).exists():
        raise invalid("A bank account with that routing number and account number already exists for this customer.",
                      "source", "bank_account_exists")
    token.used = True
    token.save(update_fields=["used"])
    row = StripeBank.objects.create(
        uid=new_id("ba"), customer=owner, account=token.account, holder_name=token.holder_name or owner.name,
        email=owner.email, verified=token.verified, metadata=form.metadata(), created_at=bank.now(),
    )
    return shown_source(row)


def sources_get(form: Form, customer: str) -> dict:
    form.only(*PAGING, "object")
    rows = _banks().filter(customer=find_customer(customer), uid__startswith="ba_")
    return page(form, f"/v1/customers/{customer}/sources", rows, shown_source)


def source_get(form: Form, customer: str, source: str) -> dict:
    return shown_source(_source(customer, source))


def source_delete(form: Form, customer: str, source: str) -> dict:
    row = _source(customer, source)
    detach(row)
    return {"id": row.uid, "object": "bank_account", "deleted": True, "currency": "usd"}


def source_verify(form: Form, customer: str, source: str) -> dict:
    row = _source(customer, source)
    if row.verified:
        raise StripeError("This bank account has already been verified.", code="bank_account_verified")
    if sorted(form.texts("amounts")) != MICRO_DEPOSITS:
        raise invalid("The amounts provided do not match the amounts that were sent to the bank account.", "amounts",
                      "bank_account_verification_failed")
    row.verified = True
    row.save(update_fields=["verified"])
    return shown_source(row)


def _source(customer: str, uid: str) -> StripeBank:
    row = _banks().filter(customer=find_customer(customer), uid=uid).first()
    if row is None:
        raise no_such("source", uid)
    return row


def _banks() -> QuerySet[StripeBank]:
    return StripeBank.objects.select_related("account__item", "customer").filter(deleted=False)


# --- payment methods ---------------------------------------------------------------------------------------

def methods_post(form: Form) -> dict:
    form.only("type", "us_bank_account", "billing_details", "metadata")
    return shown_method(make_method(form))


def make_method(form: Form) -> StripeBank:
    """An unverified PaymentMethod of bare numbers."""
    form.text("type", required=True, among=("us_bank_account",))
    part, billing = form.part("us_bank_account"), form.part("billing_details")
    part.text("account_holder_type", among=("individual", "company"))
    return StripeBank.objects.create(
        uid=new_id("pm"), account=_numbered(part), holder_name=billing.text("name", required=True, longest=256),
        email=billing.text("email", longest=512), metadata=form.metadata() if form.has("metadata") else {},
        created_at=bank.now(),
    )


def methods_get(form: Form, customer: str = "") -> dict:
    form.only(*PAGING, "customer", "type")
    form.text("type", among=("us_bank_account",))
    owner = find_customer(customer) if customer else find_customer(form.text("customer", required=True), param="customer")
    return page(form, "/v1/payment_methods", _banks().filter(customer=owner), shown_method)


def method_get(form: Form, method: str) -> dict:
    return shown_method(find_method(method))


def method_attach(form: Form, method: str) -> dict:
    form.only("customer")
    row = find_method(method)
    owner = find_customer(form.text("customer", required=True), param="customer")
    if not row.verified:
        raise StripeError("A us_bank_account PaymentMethod can be attached only once it is verified.",
                          code="bank_account_unverified")
    if row.customer is not None:
        raise StripeError("The payment method you provided has already been attached to a customer.")
    row.customer = owner
    row.save(update_fields=["customer"])
    return shown_method(row)


def method_detach(form: Form, method: str) -> dict:
    row = find_method(method)
    if row.customer is None:
        raise StripeError("The payment method you provided is not attached to a customer so detachment is impossible.")
    detach(row)
    return shown_method(row)


def detach(row: StripeBank) -> None:
    """Take it from its customer for good. A bank account that came by a token is gone with that."""
    row.customer = None
    row.deleted = row.uid.startswith("ba_")
    row.save(update_fields=["customer", "deleted"])


def find_method(uid: str, *, param: str = "id") -> StripeBank:
    row = _banks().filter(uid=uid).first()
    if row is None:
        raise no_such("PaymentMethod", uid, param, 404 if param == "id" else 400)
    return row


# --- failures ----------------------------------------------------------------------------------------------

def asked_return(row: StripeBank) -> tuple[str, bool]:
    """The failure that a name asks for, and whether it comes after settlement; ("never", False) for no end at all."""
    for name in (row.holder_name, row.account.name):
        if match := re.fullmatch(r"(R\d\d)(-late)?", name.strip()):
            return match[1], bool(match[2])
    return ("never", False) if row.account.name == "never" else ("", False)


def block(row: StripeBank, code: str) -> None:
    """Stripe debits an account no more after some returns; not after one for lack of money."""
    if code in BLOCKS:
        row.blocked_code = code
        row.save(update_fields=["blocked_code"])


# --- what is shown -----------------------------------------------------------------------------------------

def fingerprint(account: BankAccount) -> str:
    return hashlib.sha256(f"stripe {account.routing} {account.number}".encode()).hexdigest()[:16]


def _shown_token(row: StripeToken) -> dict[str, Any]:
    account = {"id": row.uid.replace("btok", "ba"), "object": "bank_account", **_shown_account(row.account),
               "account_holder_name": row.holder_name or None, "status": "verified" if row.verified else "new"}
    return {"id": row.uid, "object": "token", "type": "bank_account", "bank_account": account, "used": row.used,
            "created": unix(row.created_at), "livemode": False, "client_ip": None}


def _shown_account(account: BankAccount) -> dict[str, Any]:
    return {"account_holder_type": "individual", "account_type": account.subtype, "bank_name": account.bank_name,
            "country": "US", "currency": "usd", "fingerprint": fingerprint(account), "last4": account.mask,
            "routing_number": account.routing}


def shown_source(row: StripeBank) -> dict[str, Any]:
    status = "errored" if row.blocked_code else "verified" if row.verified else "new"
    return {"id": row.uid, "object": "bank_account", **_shown_account(row.account), "status": status,
            "account_holder_name": row.holder_name or None, "metadata": row.metadata,
            "customer": row.customer.uid if row.customer else None}


def shown_method(row: StripeBank) -> dict[str, Any]:
    blocked = {"network_code": row.blocked_code, "reason": BLOCKS.get(row.blocked_code, "")} if row.blocked_code else None
    account = _shown_account(row.account)
    shown = {name: account[name] for name in account if name not in ("country", "currency")}
    networks = {"preferred": "ach", "supported": ["ach"]}
    return {
        "id": row.uid, "object": "payment_method", "type": "us_bank_account", "created": unix(row.created_at),
        "customer": row.customer.uid if row.customer else None, "livemode": False, "metadata": row.metadata,
        "billing_details": {"name": row.holder_name or None, "email": row.email or None, "phone": None, "address": None},
        "us_bank_account": {**shown, "financial_connections_account": None, "networks": networks,
                            "status_details": {"blocked": blocked}},
    }


def owned_by(row: StripeBank, customer: StripeCustomer | None, param: str) -> None:
    """Refuse somebody else's bank, or one whose customer is not named."""
    if row.customer is not None and (customer is None or customer.pk != row.customer.pk):
        raise invalid("The PaymentMethod belongs to a Customer: include that customer.", param)
