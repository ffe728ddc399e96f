"""Stripe by its own SDK (RAILS, section 3), at an address of our choice, with time-outs and without the SDK's retries.

A pull is a PaymentIntent over `us_bank_account`, made and confirmed in one call; a push is a Treasury OutboundPayment
from our FinancialAccount, which needs no account at Stripe for the person. Kept in mind here:
- a person's bank is a customer's `bank_account`, made of Plaid's one-time `stripe_bank_account_token`, and serves as
  PaymentMethod under the same id (Stripe's "Migrate existing bank accounts");
- a return after success changes no PaymentIntent: it is a dispute of its charge, and lost when it comes;
- a key is kept by Stripe for a day or more: a doubt is searched for by the key in our metadata, in lists by customer,
  because Stripe's search lags behind.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import NAMESPACE_URL, UUID, uuid5

import requests
import stripe
from django.conf import settings

from banking.rails import stripe_statement
from banking.rails.port import Credential, RailStatus, RailTransfer, ReserveShort, Terms
from banking.rails.stripe_statement import KEY
from banking.statements import Statement
from core import resilience
from core.resilience import ProviderBusy, ProviderDown, ProviderRejected, ProviderUnknown

if TYPE_CHECKING:
    from stripe.params import PaymentIntentRetrieveParams

T = TypeVar("T")
CONNECT_SECONDS = 3.0
SIGNATURE_SECONDS = 300
PAGE = 100  # the most that Stripe lists at once
PERSON = "paya_id"  # our name in Stripe's metadata, besides KEY
# No ACH debit is processing for longer: what is older has ended.
LONGEST_DEBIT = timedelta(days=60)
PULLS: dict[str, RailStatus] = {
    "requires_confirmation": "pending", "requires_action": "pending", "processing": "pending",
    "succeeded": "processed", "requires_payment_method": "failed", "canceled": "cancelled",
}  # fmt: skip
PUSHES: dict[str, RailStatus] = {
    "processing": "pending", "posted": "processed", "failed": "failed", "returned": "failed", "canceled": "cancelled",
}  # fmt: skip
# Stripe tells returns in words of its own. The code that each stands for; first the usual one, then those that it also
# covers, of which the one is taken that Stripe gives as the reason for blocking the bank.
RETURNS: dict[str, tuple[str, ...]] = {
    "insufficient_funds": ("R01", "R09"),
    "account_closed": ("R02",),
    "no_account": ("R03",),
    "incorrect_account_holder_name": ("R03",),
    "incorrect_account_details": ("R03", "R02", "R04"),
    "account_number_invalid": ("R04",),
    "invalid_account_number": ("R04",),
    "debit_not_authorized": ("R10", "R05", "R07", "R08", "R11", "R29"),
    "customer_initiated": ("R10", "R05", "R07", "R08", "R11", "R29"),
    "fraudulent": ("R10", "R05", "R07", "R11", "R29"),
    "account_frozen": ("R16",),
    "bank_account_restricted": ("R20", "R16"),
    "bank_cannot_process": ("R20", "R16", "R31"),
    "declined": ("R23",),
}


class Stripe:
    """The rail `stripe`: customers, bank accounts, and transfers between them and our FinancialAccount."""

    name = "stripe"
    credential: Credential = "stripe"
    # Up to four business days of processing (RAILS, section 3), fifty cents at least. The published price of a debit.
    terms = Terms(load_days=4, redemption_days=1, minimum=50, flat=0, basis_points=80, cap=5_00)

    def __init__(self, client: stripe.StripeClient, *, webhook_secrets: Sequence[str], financial_account: str = "") -> None:
        self._api = client.v1
        self._webhook_secrets = tuple(secret.strip() for secret in webhook_secrets if secret.strip())
        self._reserve = financial_account

    @classmethod
    def from_settings(cls) -> "Stripe":
        client = make_client(settings.STRIPE_SECRET_KEY, base=settings.STRIPE_BASE_URL, timeout=settings.VENDOR_TIMEOUT_SECONDS)
        return cls(
            client,
            webhook_secrets=settings.STRIPE_WEBHOOK_SECRETS,
            financial_account=settings.STRIPE_FINANCIAL_ACCOUNT,
        )

    def ping(self) -> None:
        """Whether it answers: our balance, which changes nothing."""
        self._read(lambda: self._api.balance.retrieve())

    # ------------------------------------------------------------------------------------- people and their banks
    def create_customer(self, *, public_id: str, display_name: str) -> str:
        """Stripe would make the same customer twice once it has forgotten the key: so it is looked for first."""
        email = f"{public_id}@people.paya.example"
        known = self._read(lambda: self._api.customers.list({"email": email, "limit": 100}))
        for customer in _rows(known):
            if _metadata(customer).get(PERSON) == public_id:
                return _id(customer, "cus_")
        made = self._create(
            lambda options: self._api.customers.create(
                {"email": email, "name": display_name[:256], "metadata": {PERSON: public_id}}, options
            ),
            key=uuid5(NAMESPACE_URL, f"stripe-customer:{public_id}"),
        )
        return _id(made, "cus_", made=True)

    def add_bank(self, *, customer: str, credential: str, kind: str, name: str) -> str:
        """`credential` is Plaid's `stripe_bank_account_token`, which knows kind and name already."""
        try:
            made = self._create(
                lambda options: self._api.customers.payment_sources.create(customer, {"source": credential}, options),
                key=uuid5(NAMESPACE_URL, f"stripe-bank:{credential}"),
            )
        except ProviderRejected as error:
            if error.code not in ("bank_account_exists", "token_already_used"):
                raise
            return self._adopted(customer, credential, error)
        return _id(made, "ba_", made=True)

    def _adopted(self, customer: str, token: str, refusal: ProviderRejected) -> str:
        """The bank of this customer that has the same account behind it as the token."""
        account = getattr(self._read(lambda: self._api.tokens.retrieve(token)), "bank_account", None)
        wanted = getattr(account, "fingerprint", None)
        for bank in self._walk(partial(self._api.customers.payment_sources.list, customer), object="bank_account"):
            if wanted and getattr(bank, "fingerprint", None) == wanted:
                return _id(bank, "ba_")
        raise refusal

    def remove_bank(self, *, bank: str) -> None:
        if self._owner(bank) is None:
            return
        try:
            self._change(lambda: self._api.payment_methods.detach(bank))
        except ProviderRejected as error:
            if error.code != "resource_missing":
                raise

    def bank_usable(self, *, bank: str) -> bool:
        try:
            method = self._read(lambda: self._api.payment_methods.retrieve(bank))
        except ProviderRejected as error:
            if error.code == "resource_missing":
                return False
            raise
        return bool(getattr(method, "customer", None)) and not _blocked_by(method)

    def _owner(self, bank: str) -> str | None:
        """The customer that a bank belongs to; None when it has been removed."""
        try:
            method = self._read(lambda: self._api.payment_methods.retrieve(bank))
        except ProviderRejected as error:
            if error.code == "resource_missing":
                return None
            raise
        return getattr(method, "customer", None)

    # -------------------------------------------------------------------------------------------------- transfers
    def create_pull(self, *, key: UUID, bank: str, amount: int) -> str:
        customer = self._required_owner(bank)
        made = self._create(
            lambda options: self._api.payment_intents.create(
                {
                    "amount": amount,
                    "currency": "usd",
                    "customer": customer,
                    "payment_method": bank,
                    "allowed_payment_method_types": ["us_bank_account"],
                    "confirm": True,
                    # The port knows neither the person's address nor browser, which Stripe asks for with "online".
                    "mandate_data": {"customer_acceptance": {"type": "offline"}},
                    "metadata": {KEY: str(key)},
                },
                options,
            ),
            key=key,
        )
        return _id(made, "pi_", made=True)

    def create_push(self, *, key: UUID, bank: str, amount: int) -> str:
        customer, reserve = self._required_owner(bank), self._financial_account()
        # Looked at first: Stripe repeats a refusal under its key for a day, also when the money has come meanwhile.
        if self._cash() < amount:
            raise ReserveShort
        try:
            made = self._create(
                lambda options: self._api.treasury.outbound_payments.create(
                    {
                        "financial_account": reserve,
                        "amount": amount,
                        "currency": "usd",
                        "customer": customer,
                        "destination_payment_method": bank,
                        "metadata": {KEY: str(key)},
                    },
                    options,
                ),
                key=key,
            )
        except ProviderRejected as error:
            if error.code == "insufficient_funds":
                raise ReserveShort from error
            raise
        return _id(made, "obp_", made=True)

    def find(self, *, key: UUID, customer: str) -> RailTransfer | None:
        mine = str(key)
        for intent in self._walk(self._api.payment_intents.list, customer=customer):
            if _metadata(intent).get(KEY) == mine:
                return self.status(transfer=_id(intent, "pi_"))
        payments, reserve = self._api.treasury.outbound_payments, self._financial_account()
        for payment in self._walk(payments.list, customer=customer, financial_account=reserve):
            if _metadata(payment).get(KEY) == mine:
                return _shown_push(payment)
        return None

    def status(self, *, transfer: str) -> RailTransfer:
        if transfer.startswith("obp_"):
            return _shown_push(self._read(lambda: self._api.treasury.outbound_payments.retrieve(transfer)))
        whole: PaymentIntentRetrieveParams = {"expand": ["latest_charge", "payment_method"]}
        intent = self._read(lambda: self._api.payment_intents.retrieve(transfer, whole))
        shown = _shown_pull(intent)
        if shown.status != "processed" or not getattr(getattr(intent, "latest_charge", None), "disputed", False):
            return shown
        return self._disputed(shown, intent)

    def _disputed(self, shown: RailTransfer, intent: Any) -> RailTransfer:
        """What a disputed charge comes to: failed, unless the dispute was a mere inquiry or was won."""
        disputes = _rows(self._read(lambda: self._api.disputes.list({"payment_intent": shown.id})))
        for dispute in disputes:
            status = str(getattr(dispute, "status", ""))
            if status != "won" and not status.startswith("warning_"):
                code = str(getattr(dispute, "network_reason_code", None) or "")
                if not re.fullmatch(r"R\d\d", code):
                    code = _return_code(getattr(dispute, "reason", ""), getattr(intent, "payment_method", None))
                return RailTransfer(shown.id, "failed", shown.amount, shown.currency, shown.key, code)
        return shown

    def cancel(self, *, transfer: str) -> None:
        if transfer.startswith("obp_"):
            self._change(lambda: self._api.treasury.outbound_payments.cancel(transfer))
        else:
            self._change(lambda: self._api.payment_intents.cancel(transfer))

    def balance(self) -> int:
        """What payments brought and what lies in the FinancialAccount.

        Stripe's pending balance has a debit from the moment that it is made ("pending until it succeeds or fails", of the
        balance transactions of type `payment`), and takes it out again when it fails. Nothing is held before a bank has
        paid it, so that is taken off here; what has succeeded and waits for its pay-out stays in.
        """
        payments = self._read(lambda: self._api.balance.retrieve())
        recent = datetime.now(tz=UTC).date() - LONGEST_DEBIT
        waiting = self._entries(recent) if _in_dollars(payments, "pending") else []
        return self._told(payments) - stripe_statement.processing(waiting)

    def _told(self, payments: Any) -> int:
        return self._cash() + _in_dollars(payments, "available") + _in_dollars(payments, "pending")

    def statement(self, *, since: date | None) -> Statement:
        """What moved the payments balance and the FinancialAccount, as lines of one account, and what both hold.

        A payout is read where it leaves before it is read where it arrives, so that it is never only half there.
        """

        def told() -> int:
            return self._told(self._read(lambda: self._api.balance.retrieve()))

        for last in (False, False, True):
            before, entries, moves, after = told(), self._entries(since), self._moves(since), told()
            if before == after or last:  # otherwise something moved while we read
                break
        lines, on_the_way = _asked(partial(stripe_statement.lines, entries, moves), doubt=ProviderDown)
        held = after - stripe_statement.processing(entries) + on_the_way
        return Statement("stripe", None, None, held, lines, complete=True)

    def _entries(self, since: date | None) -> list[Any]:
        """The balance transactions since a day or ever, each with the charge, dispute or payout that it is about."""
        ask = self._api.balance_transactions.list
        return list(self._walk(ask, expand=["data.source"], **_since(since)))

    def _moves(self, since: date | None) -> list[Any]:
        """The Transactions of the FinancialAccount, each with the flow that made it."""
        ask, account = self._api.treasury.transactions.list, self._financial_account()
        return list(self._walk(ask, financial_account=account, expand=["data.flow_details"], **_since(since)))

    def _cash(self) -> int:
        """What lies in the FinancialAccount and can be paid out."""
        vault = self._financial_account()
        held = self._read(lambda: self._api.treasury.financial_accounts.retrieve(vault))
        return int(getattr(_required(held, "balance").cash, "usd", 0))

    def verify_webhook(self, *, body: bytes, headers: Mapping[str, str]) -> bool:
        """Signed with any of the secrets, at most five minutes ago, and no thin event of v2, which has no object."""
        given = headers.get("Stripe-Signature", "")
        try:
            payload = body.decode()
        except UnicodeDecodeError:
            return False
        return any(_signed(payload, given, secret) for secret in self._webhook_secrets) and not _thin(payload)

    # ------------------------------------------------------------------------------------------ what hardly changes
    def _required_owner(self, bank: str) -> str:
        owner = self._owner(bank)
        if owner is None:
            raise ProviderRejected("bank_removed")
        return owner

    def _financial_account(self) -> str:
        """Where loads arrive and redemptions leave: the one that is set, or else the only one that is open."""
        if not self._reserve:
            listed = _rows(self._read(lambda: self._api.treasury.financial_accounts.list({"limit": 2})))
            accounts = [_id(row, "fa_") for row in listed if getattr(row, "status", "") == "open"]
            if len(accounts) != 1:
                raise ProviderDown("Stripe shows none or several FinancialAccounts: name one in the settings")
            self._reserve = accounts[0]
        return self._reserve

    # ------------------------------------------------------------------------------------------------ over the wire
    def _read(self, ask: Callable[[], T]) -> T:
        """What may be repeated freely is repeated once; a change is not, its caller decides with the same key."""
        return resilience.call("stripe", lambda: _asked(ask, doubt=ProviderDown), tries=2)

    def _create(self, make: Callable[[stripe.RequestOptions], T], *, key: UUID) -> T:
        options: stripe.RequestOptions = {"idempotency_key": str(key)}
        return self._change(lambda: make(options))

    def _change(self, change: Callable[[], T]) -> T:
        return resilience.call("stripe", lambda: _asked(change, doubt=ProviderUnknown))

    def _walk(self, ask: Callable[..., Any], **filters: Any) -> Iterator[Any]:
        """Every row of a list, page by page."""
        page: dict[str, Any] = {**filters, "limit": PAGE}
        while True:
            answer = self._read(partial(ask, page))
            rows = _rows(answer)
            yield from rows
            if not _required(answer, "has_more"):
                return
            if not rows:
                raise ProviderDown("Stripe's list goes on without a row")
            page = {**page, "starting_after": _required(rows[-1], "id")}


def make_client(key: str, *, base: str, timeout: float) -> stripe.StripeClient:
    """The SDK's client for one address; it does not retry, and tells Stripe nothing about this machine."""
    stripe.enable_telemetry = False
    return stripe.StripeClient(
        key,
        base_addresses={"api": base.rstrip("/")},
        max_network_retries=0,
        http_client=stripe.RequestsClient(timeout=(CONNECT_SECONDS, timeout)),
    )


def subject_of(event: Mapping[str, Any]) -> tuple[str, str]:
    """The id of the transfer that a verified event is news of, and our key where it carries it; ('', '') for other news.

    Events of a dispute name the PaymentIntent. Nothing else of an event is believed: the transfer is asked for.
    """
    topic, data = str(event.get("type", "")), event.get("data")
    subject = data.get("object") if isinstance(data, dict) else None
    if not isinstance(subject, dict):
        return "", ""
    if topic.startswith("charge.dispute."):
        return str(subject.get("payment_intent") or ""), ""
    if not topic.startswith(("payment_intent.", "treasury.outbound_payment.")):
        return "", ""
    metadata = subject.get("metadata")
    return str(subject.get("id") or ""), str(metadata.get(KEY, "")) if isinstance(metadata, dict) else ""


# ---------------------------------------------------------------------------------------------------------- errors
def _asked(ask: Callable[[], T], *, doubt: type[Exception]) -> T:
    try:
        return ask()
    except stripe.StripeError as error:
        raise _mapped(error, doubt=doubt) from error
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        # The SDK takes any JSON for an object; from here on it cannot be told what was done.
        raise doubt("Stripe's answer cannot be read") from error


def _mapped(error: stripe.StripeError, *, doubt: type[Exception]) -> Exception:
    """An SDK error as one of ours. Of a call that changes something, only a clear refusal is certain."""
    if isinstance(error, stripe.APIConnectionError):
        return ProviderDown("Stripe cannot be reached") if _never_left(error) else doubt("Stripe did not answer")
    status = error.http_status or 0
    if status == 429 or isinstance(error, stripe.RateLimitError):
        return ProviderBusy("Stripe asks us to slow down")
    if status in (401, 403):
        return ProviderDown("Stripe refuses our credentials")
    if status in (400, 402, 404) and isinstance(error, stripe.InvalidRequestError | stripe.CardError):
        # The message may quote what was sent, so only the code travels on.
        code = error.code or getattr(error.error, "type", None) or "refused"
        return ProviderRejected(re.sub(r"[^A-Za-z0-9_]", "", str(code))[:60] or "refused")
    # Also a key that was used for something else (400): what was made under it is not known here.
    return doubt(f"Stripe answered {status}")


def _never_left(error: stripe.APIConnectionError) -> bool:
    """Whether no connection came about, so that certainly nothing was done."""
    cause = error.__cause__
    if isinstance(cause, requests.ConnectTimeout):
        return True
    return isinstance(cause, requests.ConnectionError) and "NewConnectionError" in str(cause)


# --------------------------------------------------------------------------------------------------------- reading
def _required(row: Any, name: str) -> Any:
    value = getattr(row, name, None)
    if value is None:
        raise ProviderDown(f"Stripe's answer has no {name}")
    return value


def _in_dollars(payments: Any, name: str) -> int:
    return sum(int(row.amount) for row in _required(payments, name) if row.currency == "usd")


def _since(day: date | None) -> dict[str, Any]:
    return {"created": {"gte": int(datetime.combine(day, time.min, tzinfo=UTC).timestamp())}} if day else {}


def _rows(answer: Any) -> list[Any]:
    """The rows of a list. A list that is not there is no empty list: nothing may be concluded from it."""
    rows = _required(answer, "data")
    if not isinstance(rows, list):
        raise ProviderDown("Stripe's answer has no list")
    return rows


def _id(row: Any, prefix: str, *, made: bool = False) -> str:
    """The id of what an answer shows. Where it was just `made`, an answer without one leaves a doubt."""
    uid = getattr(row, "id", None)
    if isinstance(uid, str) and re.fullmatch(rf"{prefix}[0-9A-Za-z_]{{4,60}}", uid):
        return uid
    raise (ProviderUnknown if made else ProviderDown)("Stripe's answer has no id that we can read")


def _metadata(row: Any) -> dict[str, Any]:
    metadata = getattr(row, "metadata", None)
    return metadata.to_dict() if isinstance(metadata, stripe.StripeObject) else {}


def _shown_pull(intent: Any) -> RailTransfer:
    failure = ""
    status = PULLS.get(str(_required(intent, "status")))
    if status == "failed" and (error := getattr(intent, "last_payment_error", None)) is not None:
        failure = _return_code(getattr(error, "code", ""), getattr(error, "payment_method", None))
    # What has come in counts, and not what was asked for.
    amount = _required(intent, "amount_received" if status == "processed" else "amount")
    return _transfer(intent, status, amount, failure)


def _shown_push(payment: Any) -> RailTransfer:
    details = getattr(payment, "returned_details", None)
    failure = _return_code(getattr(details, "code", ""), None)
    return _transfer(payment, PUSHES.get(str(_required(payment, "status"))), _required(payment, "amount"), failure)


def _transfer(row: Any, status: RailStatus | None, amount: Any, failure: str) -> RailTransfer:
    if status is None or not isinstance(amount, int) or isinstance(amount, bool):
        raise ProviderDown("Stripe shows a transfer that we cannot read")
    return RailTransfer(
        id=str(_required(row, "id")),
        status=status,
        amount=amount,
        currency=str(_required(row, "currency")).upper(),
        key=str(_metadata(row).get(KEY, "")),
        failure_code=failure,
    )


def _return_code(reason: object, method: Any) -> str:
    """The ACH return behind Stripe's word for it; '' when it tells of none."""
    codes = RETURNS.get(str(reason), ("",))
    blocked = _blocked_by(method)
    return blocked if blocked in codes else codes[0]


def _blocked_by(method: Any) -> str:
    """The return for which Stripe blocks a bank ('blocked' where it names none); '' when it does not."""
    account = getattr(method, "us_bank_account", None)
    blocked = getattr(getattr(account, "status_details", None), "blocked", None)
    return str(getattr(blocked, "network_code", None) or "blocked") if blocked else ""


def _signed(payload: str, given: str, secret: str) -> bool:
    try:
        if not stripe.WebhookSignature.verify_header(payload, given, secret, SIGNATURE_SECONDS):
            return False
        # Signed, so there is a time in it; the library looks back only.
        stated = next(int(part[2:]) for part in given.split(",") if part.startswith("t="))
        return stated <= datetime.now(UTC).timestamp() + SIGNATURE_SECONDS
    except (stripe.SignatureVerificationError, UnicodeError, TypeError):
        return False


def _thin(payload: str) -> bool:
    """Whether it is no event with its object inside: a notification of v2, or nothing of Stripe's at all."""
    try:
        body = json.loads(payload)
    except (ValueError, RecursionError):
        return True
    return not isinstance(body, dict) or body.get("object") != "event"
