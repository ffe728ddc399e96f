"""Plaid's API, below `/plaid`: Link tokens, Items with accounts of their own, processor tokens, webhooks."""

import json
import re
import secrets
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import wraps
from typing import Any

from cryptography.hazmat.primitives import serialization
from django.conf import settings
from django.db import transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import path, re_path
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from jwt.algorithms import ECAlgorithm

from sandbox import bank, faults, webhooks
from sandbox.http import BadJson, known, read_json
from sandbox.models import Bank, BankAccount, Item, LinkSession, LinkToken, ProcessorToken, PublicToken

LINK_TOKEN_LIFE = timedelta(hours=4)
UPDATE_TOKEN_LIFE = timedelta(minutes=30)
PUBLIC_TOKEN_LIFE = timedelta(minutes=30)

# Plaid's own sandbox banks, and one of ours whose accounts fail in the ways that Dwolla's names ask for.
INSTITUTIONS = {
    "ins_109508": "First Platypus Bank",
    "ins_109509": "First Gingham Credit Union",
    "ins_109510": "Tattersall Federal Credit Union",
    "ins_109511": "Tartan Bank",
    "ins_900001": "Bank of Bad Luck",
}
BAD_LUCK = "ins_900001"
BAD_LUCK_ACCOUNTS = ("R01", "R03", "R01-late", "R03-late", "R10-late")
PRODUCTS = {"auth", "identity", "balance", "transactions", "signal", "transfer", "assets", "liabilities",
            "investments", "statements", "income_verification", "processor_payments", "identity_match"}
COUNTRIES = {"US", "CA", "GB", "IE", "FR", "ES", "NL", "DE", "IT", "PL", "DK", "NO", "SE", "EE", "LT", "LV",
             "PT", "BE", "AT", "FI"}
LANGUAGES = {"da", "nl", "en", "et", "fr", "de", "hi", "it", "lv", "lt", "no", "pl", "pt", "ro", "es", "sv", "vi"}
WEBHOOK_TYPES = {  # codes that /sandbox/item/fire_webhook knows, with the type they have by default
    "DEFAULT_UPDATE": "AUTH", "SMS_MICRODEPOSITS_VERIFICATION": "AUTH", "NEW_ACCOUNTS_AVAILABLE": "ITEM",
    "AUTHORIZATION_GRANTED": "ITEM", "USER_PERMISSION_REVOKED": "ITEM", "USER_ACCOUNT_REVOKED": "ITEM",
    "PENDING_DISCONNECT": "ITEM", "LOGIN_REPAIRED": "ITEM", "ERROR": "ITEM", "PRODUCT_READY": "ITEM",
    "RECURRING_TRANSACTIONS_UPDATE": "TRANSACTIONS", "SYNC_UPDATES_AVAILABLE": "TRANSACTIONS",
}


# --- errors ------------------------------------------------------------------------------------------------

class PlaidError(Exception):
    """An error with Plaid's type and code."""

    def __init__(self, kind: str, code: str, message: str, status: int = 400, display: str | None = None) -> None:
        self.kind, self.code, self.message, self.status, self.display = kind, code, message, status, display

    def body(self) -> dict[str, Any]:
        page = self.kind.lower().replace("_", "-").removesuffix("-error")
        return {
            "error_type": self.kind, "error_code": self.code, "error_message": self.message,
            "error_code_reason": None, "display_message": self.display, "request_id": _request_id(),
            "causes": [], "status": self.status, "suggested_action": None,
            "documentation_url": f"https://plaid.com/docs/errors/{page}/#{self.code.lower()}",
        }


def _missing(name: str) -> PlaidError:
    return PlaidError("INVALID_REQUEST", "MISSING_FIELDS", f"the following required fields are missing: {name}")


def _invalid(message: str) -> PlaidError:
    return PlaidError("INVALID_REQUEST", "INVALID_FIELD", message)


LOGIN_REQUIRED_TEXT = (
    "the login details of this item have changed (credentials, MFA, or required user action) and a user login "
    "is required to update this information"
)
LOGIN_REQUIRED = (
    "ITEM_ERROR", "ITEM_LOGIN_REQUIRED", LOGIN_REQUIRED_TEXT, 400, "The bank wants you to log in again.",
)


# --- reading a body ----------------------------------------------------------------------------------------

class Body(dict):
    """A request body whose fields are read with their types."""

    def text(self, name: str, *, default: str | None = None, longest: int = 500) -> str:
        value = self.get(name)
        if value is None:
            if default is None:
                raise _missing(name)
            return default
        if not isinstance(value, str) or len(value) > longest:
            raise _invalid(f"{name} must be a properly formatted, non-empty string")
        if not value and default is None:
            raise _invalid(f"{name} must be a non-empty string")
        return value

    def texts(self, name: str, *, allowed: set[str], required: bool = True) -> list[str]:
        value = self.get(name)
        if value is None and not required:
            return []
        if value is None:
            raise _missing(name)
        if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
            raise _invalid(f"{name} must be an array of strings")
        if required and not value:
            raise _invalid(f"{name} must be a non-empty array")
        if unknown := [each for each in value if each not in allowed]:
            raise _invalid(f"{name} has an unknown value: {unknown[0][:40]}")
        return value

    def part(self, name: str) -> "Body":
        value = self.get(name)
        if value is None:
            return Body()
        if not isinstance(value, dict):
            raise _invalid(f"{name} must be an object")
        return Body(value)

    def url(self, name: str) -> str:
        value = self.text(name, default="")
        if value and not re.fullmatch(r"https?://[^\s/]+\S*", value):
            raise _invalid(f"{name} must be a valid URL")
        return value


def endpoint(view: Callable[[Body], dict]) -> Callable[..., HttpResponse]:
    """POST with JSON and credentials; one write transaction; errors in Plaid's shape."""

    @csrf_exempt
    @wraps(view)
    def wrapped(request: HttpRequest) -> HttpResponse:
        fault = faults.take("plaid", request.path.removeprefix("/plaid"), request.method or "")
        if fault and fault.mode == "timeout":
            return faults.withhold_answer(request, fault.seconds)
        try:
            if fault and fault.mode == "500":
                raise PlaidError("API_ERROR", "INTERNAL_SERVER_ERROR", "an unexpected error occurred", 500)
            if fault and fault.mode == "429":
                raise PlaidError("RATE_LIMIT_EXCEEDED", "RATE_LIMIT", "rate limit exceeded", 429)
            body = _read(request)
            with transaction.atomic():
                answer = {**view(body), "request_id": _request_id()}
        except PlaidError as error:
            return JsonResponse(error.body(), status=error.status)
        if fault:
            return faults.withhold_answer(request, fault.seconds)
        return JsonResponse(answer)

    return wrapped


def _read(request: HttpRequest) -> Body:
    if request.method != "POST":
        raise PlaidError("INVALID_REQUEST", "NOT_FOUND", "not found", 404)
    try:
        body = Body(read_json(request))
    except BadJson as error:
        raise PlaidError("INVALID_REQUEST", "INVALID_BODY", "could not decode JSON") from error
    client = request.headers.get("PLAID-CLIENT-ID") or body.text("client_id", default="")
    secret = request.headers.get("PLAID-SECRET") or body.text("secret", default="")
    if not client or not secret:
        raise _missing("client_id" if not client else "secret")
    if not known((client, secret), settings.PLAID_CREDENTIALS):
        raise PlaidError("INVALID_INPUT", "INVALID_API_KEYS", "invalid client_id or secret provided")
    return body


def _request_id() -> str:
    return secrets.token_urlsafe(12).replace("-", "x").replace("_", "y")[:15]


def _stamp(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


# --- Link tokens -------------------------------------------------------------------------------------------

@endpoint
def link_token_create(body: Body) -> dict:
    body.text("client_name", longest=200)
    if body.text("language") not in LANGUAGES:
        raise _invalid("language is not supported")
    body.texts("country_codes", allowed=COUNTRIES)
    if body.get("user") is None:
        raise _missing("user")
    body.part("user").text("client_user_id")
    access_token = body.get("access_token")
    if access_token is None:
        body.texts("products", allowed=PRODUCTS)
    else:
        _item(body, login=False)
    body.url("webhook")
    hosted = body.part("hosted_link")
    hosted.url("completion_redirect_uri")
    now = timezone.now()
    life = UPDATE_TOKEN_LIFE if access_token else LINK_TOKEN_LIFE
    kept = {key: value for key, value in body.items() if key not in ("client_id", "secret")}
    token = LinkToken.objects.create(token=f"link-sandbox-{uuid.uuid4()}", request=kept, expires_at=now + life)
    answer = {"link_token": token.token, "expiration": _stamp(token.expires_at)}
    if isinstance(body.get("hosted_link"), dict):
        answer["hosted_link_url"] = f"{settings.SANDBOX_URL}/plaid/link/hosted/{token.token}"
    return answer


@endpoint
def link_token_get(body: Body) -> dict:
    token = LinkToken.objects.filter(token=body.text("link_token")).first()
    if token is None:
        raise PlaidError("INVALID_INPUT", "INVALID_LINK_TOKEN", "could not find matching link token")
    asked = token.request
    sessions = token.sessions.select_related("public_token__item").order_by("id")
    return {
        "link_token": token.token, "created_at": _stamp(token.created_at), "expiration": _stamp(token.expires_at),
        "metadata": {
            "initial_products": asked.get("products") or [], "webhook": asked.get("webhook"),
            "country_codes": asked["country_codes"], "language": asked["language"],
            "redirect_uri": asked.get("redirect_uri"), "client_name": asked["client_name"],
        },
        "link_sessions": [_session(session) for session in sessions],
    }


def _session(session: LinkSession) -> dict:
    shown: dict[str, Any] = {
        "link_session_id": session.uid, "started_at": _stamp(session.started_at),
        "finished_at": _stamp(session.finished_at) if session.finished_at else None, "events": [],
        "results": {
            "item_add_results": [], "cra_item_add_results": [], "cra_update_results": [],
            "bank_income_results": [], "payroll_income_results": [], "document_income_results": None,
        },
    }
    if session.outcome == "success" and session.public_token:
        result = link_result(session.public_token)
        shown["results"]["item_add_results"].append(result)
        shown["on_success"] = {"public_token": result["public_token"], "metadata": {
            "institution": result["institution"], "accounts": result["accounts"], "link_session_id": session.uid,
        }}
    elif session.outcome == "exit":
        metadata = {"status": "choose_account", "link_session_id": session.uid, "request_id": _request_id()}
        shown["exit"] = shown["on_exit"] = {"error": None, "metadata": metadata}
    return shown


def link_result(token: PublicToken) -> dict:
    """What Link hands over on success."""
    item = token.item
    return {
        "public_token": token.token,
        "accounts": [{"id": each.uid, "name": each.name, "mask": each.mask, "type": "depository",
                      "subtype": each.subtype, "verification_status": None, "class_type": None}
                     for each in item.accounts.order_by("id")],
        "institution": {"name": INSTITUTIONS[item.institution_id], "institution_id": item.institution_id},
    }


# --- Items -------------------------------------------------------------------------------------------------

class AccountPlan(dict):
    """What one account to open looks like: name, official_name, subtype, balance, number."""


def default_plans(institution_id: str) -> list[AccountPlan]:
    """The accounts that a login at this bank has."""
    if institution_id == BAD_LUCK:
        return [AccountPlan(name=name, official_name=f"Checking that fails with {name}", subtype="checking",
                            balance=bank.OPENING_CHECKING) for name in BAD_LUCK_ACCOUNTS]
    return [
        AccountPlan(name="Plaid Checking", official_name="Plaid Gold Standard 0% Interest Checking",
                    subtype="checking", balance=bank.OPENING_CHECKING),
        AccountPlan(name="Plaid Saving", official_name="Plaid Silver Standard 0.1% Interest Saving",
                    subtype="savings", balance=bank.OPENING_SAVINGS),
    ]


def open_item(
    *, institution_id: str, products: list[str], webhook: str, plans: list[AccountPlan], owner: str = "",
    phone: str = "",
) -> PublicToken:
    """A login at a bank with new accounts of its own, and the public token for it."""
    item = Item.objects.create(
        uid=_plaid_id(), institution_id=institution_id, products=products, webhook=webhook,
        owner_name=owner[:120], owner_phone=phone[:20],
    )
    for plan in plans:
        bank.open_account(item=item, bank_name=INSTITUTIONS[institution_id], **plan)
    return PublicToken.objects.create(
        token=f"public-sandbox-{uuid.uuid4()}", item=item, expires_at=timezone.now() + PUBLIC_TOKEN_LIFE
    )


def _plaid_id() -> str:
    return secrets.token_urlsafe(60).replace("-", "").replace("_", "")[:37]


def _item(body: Body, *, login: bool = True) -> Item:
    item = Item.objects.filter(access_token=body.text("access_token")).first()
    if item is None:
        raise PlaidError("INVALID_INPUT", "INVALID_ACCESS_TOKEN", "could not find matching access token")
    if item.removed:
        raise PlaidError("ITEM_ERROR", "ITEM_NOT_FOUND", "The Item you requested cannot be found. It has been removed.")
    if login and item.login_required:
        raise PlaidError(*LOGIN_REQUIRED)
    return item


def _chosen(body: Body, item: Item) -> list[BankAccount]:
    accounts = list(item.accounts.order_by("id"))
    wanted = body.part("options").get("account_ids")
    if wanted is None:
        return accounts
    if not isinstance(wanted, list) or not all(isinstance(each, str) for each in wanted):
        raise _invalid("options.account_ids must be an array of strings")
    if set(wanted) - {each.uid for each in accounts}:
        raise PlaidError("INVALID_INPUT", "INVALID_ACCOUNT_ID", "one of the account_ids is not of this item")
    return [each for each in accounts if each.uid in wanted]


@endpoint
def public_token_exchange(body: Body) -> dict:
    token = PublicToken.objects.select_related("item").filter(token=body.text("public_token")).first()
    if token is None or token.used_at is not None:
        problem = "provided public token is in an invalid format or has already been used"
        raise PlaidError("INVALID_INPUT", "INVALID_PUBLIC_TOKEN", problem)
    if token.expires_at < timezone.now():
        raise PlaidError("INVALID_INPUT", "INVALID_PUBLIC_TOKEN", "provided public token is expired")
    item = token.item
    item.access_token = f"access-sandbox-{uuid.uuid4()}"
    item.save(update_fields=["access_token"])
    token.used_at = timezone.now()
    token.save(update_fields=["used_at"])
    return {"access_token": item.access_token, "item_id": item.uid}


@endpoint
def item_get(body: Body) -> dict:
    item = _item(body, login=False)
    last = {"sent_at": _stamp(item.last_webhook_at), "code_sent": item.last_webhook} if item.last_webhook_at else None
    status = {"last_webhook": last} if last else {}
    return {"item": {**_shown_item(item), "created_at": _stamp(item.created_at)}, "status": status}


@endpoint
def item_remove(body: Body) -> dict:
    item = _item(body, login=False)
    item.removed = True
    item.save(update_fields=["removed"])
    return {}


@endpoint
def accounts_get(body: Body) -> dict:
    item = _item(body)
    return {"accounts": [_shown_account(each) for each in _chosen(body, item)], "item": _shown_item(item)}


@endpoint
def auth_get(body: Body) -> dict:
    item = _item(body)
    accounts = _chosen(body, item)
    ach = [{"account_id": each.uid, "account": each.number, "routing": each.routing, "wire_routing": each.routing,
            "can_transfer_in": True, "can_transfer_out": True, "is_tokenized_account_number": False}
           for each in accounts]
    return {
        "accounts": [_shown_account(each) for each in accounts], "item": _shown_item(item),
        "numbers": {"ach": ach, "eft": [], "international": [], "bacs": []},
    }


@endpoint
def identity_get(body: Body) -> dict:
    item = _item(body)
    owner = {
        "names": [item.owner_name or "Alberta Bobbeth Charleson"],
        "phone_numbers": [{"data": item.owner_phone or "1112223333", "primary": True, "type": "mobile"}],
        "emails": [{"data": "accountholder0@example.com", "primary": True, "type": "primary"}],
        "addresses": [{"primary": True, "data": {"street": "2992 Cameron Road", "city": "Malakoff", "region": "NY",
                                                "postal_code": "14236", "country": "US"}}],
    }
    accounts = [{**_shown_account(each), "owners": [owner]} for each in _chosen(body, item)]
    return {"accounts": accounts, "item": _shown_item(item)}


def _shown_account(account: BankAccount) -> dict:
    dollars = account.balance / 100  # Plaid's balances are JSON numbers in dollars
    return {
        "account_id": account.uid, "name": account.name, "official_name": account.official_name,
        "mask": account.mask, "type": "depository", "subtype": account.subtype, "holder_category": "personal",
        "balances": {"available": dollars, "current": dollars, "limit": None, "iso_currency_code": "USD",
                     "unofficial_currency_code": None},
    }


def _shown_item(item: Item) -> dict:
    shown = {
        "item_id": item.uid, "institution_id": item.institution_id,
        "institution_name": INSTITUTIONS[item.institution_id], "webhook": item.webhook or None, "error": None,
        "available_products": sorted({"auth", "balance", "identity"} - set(item.products)),
        "billed_products": item.products, "products": item.products, "consent_expiration_time": None,
        "update_type": "background",
    }
    if item.login_required:
        shown["error"] = PlaidError(*LOGIN_REQUIRED).body()
    return shown


# --- processor tokens and institutions ---------------------------------------------------------------------

@endpoint
def processor_token_create(body: Body) -> dict:
    item = _item(body)
    processor = body.text("processor", longest=40)
    account = item.accounts.filter(uid=body.text("account_id")).first()
    if account is None:
        raise PlaidError("INVALID_INPUT", "INVALID_ACCOUNT_ID", "failed to find requested account ID for requested item")
    return {"processor_token": _processor_token(account, processor)}


def _processor_token(account: BankAccount, processor: str) -> str:
    token = f"processor-sandbox-{uuid.uuid4()}"
    ProcessorToken.objects.create(token=token, account=account, processor=processor)
    return token


@endpoint
def institutions_get_by_id(body: Body) -> dict:
    uid = body.text("institution_id")
    body.texts("country_codes", allowed=COUNTRIES)
    if uid not in INSTITUTIONS:
        raise PlaidError("INVALID_INPUT", "INVALID_INSTITUTION", "invalid institution_id provided")
    return {"institution": {
        "institution_id": uid, "name": INSTITUTIONS[uid], "products": ["auth", "balance", "identity"],
        "country_codes": ["US"], "routing_numbers": [bank.ROUTING], "oauth": False, "url": None,
        "primary_color": "#ff7a45", "logo": None, "dtc_numbers": [], "connection_availability": "SUPPORTED",
    }}


# --- webhooks ----------------------------------------------------------------------------------------------

@endpoint
def webhook_verification_key_get(body: Body) -> dict:
    state = Bank.objects.get()
    if body.text("key_id") != state.plaid_key_id:
        problem = "invalid key_id provided. note that key_ids are specific to Plaid environments"
        raise PlaidError("INVALID_INPUT", "INVALID_WEBHOOK_VERIFICATION_KEY_ID", problem)
    key = serialization.load_pem_private_key(state.plaid_key_pem.encode(), password=None)
    jwk = ECAlgorithm.to_jwk(key.public_key(), as_dict=True)
    return {"key": {
        "alg": "ES256", "crv": "P-256", "kid": state.plaid_key_id, "kty": "EC", "use": "sig",
        "x": jwk["x"], "y": jwk["y"], "created_at": int(state.plaid_key_created_at.timestamp()), "expired_at": None,
    }}


def send_webhook(url: str, kind: str, code: str, **fields: Any) -> None:
    """Queue one of Plaid's webhooks; nothing happens without a URL."""
    if url:
        body = json.dumps({"webhook_type": kind, "webhook_code": code, "environment": "sandbox", **fields})
        webhooks.queue_delivery(vendor="plaid", url=url, body=body, topic=f"{kind}.{code}")


@endpoint
def fire_webhook(body: Body) -> dict:
    item = _item(body, login=False)
    code = body.text("webhook_code")
    if code not in WEBHOOK_TYPES:
        raise _invalid("webhook_code is not one that can be fired")
    if not item.webhook:
        raise PlaidError("SANDBOX_ERROR", "SANDBOX_WEBHOOK_INVALID", "the item has no webhook")
    kind = body.text("webhook_type", default=WEBHOOK_TYPES[code])
    fields: dict[str, Any] = {"item_id": item.uid}
    if code == "ERROR":
        fields["error"] = PlaidError(*LOGIN_REQUIRED).body()
    elif code == "PENDING_DISCONNECT":
        fields["reason"] = "INSTITUTION_MIGRATION"
    elif code in ("SMS_MICRODEPOSITS_VERIFICATION", "DEFAULT_UPDATE", "USER_ACCOUNT_REVOKED"):
        fields["account_id"] = item.accounts.order_by("id").values_list("uid", flat=True).first()
    send_webhook(item.webhook, kind, code, **fields)
    item.last_webhook, item.last_webhook_at = code, timezone.now()
    item.save(update_fields=["last_webhook", "last_webhook_at"])
    return {"webhook_fired": True}


# --- Plaid's own sandbox -----------------------------------------------------------------------------------

@endpoint
def sandbox_public_token_create(body: Body) -> dict:
    options = body.part("options")
    token = open_item(
        institution_id=_institution(body), webhook=options.url("webhook"), plans=_plans(body, options),
        products=body.texts("initial_products", allowed=PRODUCTS),
    )
    return {"public_token": token.token}


@endpoint
def sandbox_processor_token_create(body: Body) -> dict:
    token = open_item(
        institution_id=_institution(body), webhook="", products=["auth"], plans=_plans(body, body.part("options"))
    )
    return {"processor_token": _processor_token(token.item.accounts.earliest("id"), "dwolla")}


@endpoint
def sandbox_reset_login(body: Body) -> dict:
    item = _item(body, login=False)
    item.login_required = True
    item.save(update_fields=["login_required"])
    send_webhook(item.webhook, "ITEM", "ERROR", item_id=item.uid, error=PlaidError(*LOGIN_REQUIRED).body())
    return {"reset_login": True}


def _institution(body: Body) -> str:
    uid = body.text("institution_id")
    if uid not in INSTITUTIONS:
        raise PlaidError("INVALID_INPUT", "INVALID_INSTITUTION", "invalid institution_id provided")
    return uid


def _plans(body: Body, options: Body) -> list[AccountPlan]:
    """The accounts to open: the bank's usual ones, or those of Plaid's `user_custom`, whose password is JSON:
    `{"override_accounts": [{"subtype", "starting_balance", "meta": {"name", "official_name"},
    "numbers": {"account"}}]}`."""
    if options.text("override_username", default="") != "user_custom":
        return default_plans(_institution(body))
    try:
        custom = json.loads(options.text("override_password", longest=100_000))
        accounts = custom["override_accounts"]
        plans = [_custom_plan(account) for account in accounts]
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise PlaidError("SANDBOX_ERROR", "SANDBOX_ACCOUNT_SELECT_INVALID", "the custom user is not valid") from error
    if not plans:
        raise PlaidError("SANDBOX_ERROR", "SANDBOX_ACCOUNT_SELECT_INVALID", "the custom user has no accounts")
    return plans


def _custom_plan(account: dict) -> AccountPlan:
    meta, numbers = account.get("meta") or {}, account.get("numbers") or {}
    subtype = account.get("subtype", "checking")
    name = meta.get("name") or "Plaid Checking"
    number = numbers.get("account", "")
    texts = (name, subtype, number, meta.get("official_name", ""))
    if not all(isinstance(text, str) and len(text) <= 100 for text in texts):
        raise TypeError("a name is no text")
    if number and not re.fullmatch(r"[0-9]{4,17}", number):
        raise ValueError("an account number has 4 to 17 digits")
    if subtype not in ("checking", "savings"):
        raise ValueError("only checking and savings")
    dollars = float(account.get("starting_balance", bank.OPENING_CHECKING / 100))
    if not 0 <= dollars < 1e9:
        raise ValueError("a balance beyond reason")
    return AccountPlan(
        name=name, official_name=meta.get("official_name", ""), subtype=subtype, number=number,
        balance=round(dollars * 100),
    )


@csrf_exempt
def nothing_here(request: HttpRequest) -> HttpResponse:
    problem = PlaidError("INVALID_REQUEST", "NOT_FOUND", f"no such endpoint: {request.path[:200]}", 404)
    return JsonResponse(problem.body(), status=404)


urlpatterns = [
    path("link/token/create", link_token_create),
    path("link/token/get", link_token_get),
    path("item/public_token/exchange", public_token_exchange),
    path("item/get", item_get),
    path("item/remove", item_remove),
    path("accounts/get", accounts_get),
    path("accounts/balance/get", accounts_get),
    path("auth/get", auth_get),
    path("identity/get", identity_get),
    path("processor/token/create", processor_token_create),
    path("institutions/get_by_id", institutions_get_by_id),
    path("webhook_verification_key/get", webhook_verification_key_get),
    path("sandbox/public_token/create", sandbox_public_token_create),
    path("sandbox/processor_token/create", sandbox_processor_token_create),
    path("sandbox/item/fire_webhook", fire_webhook),
    path("sandbox/item/reset_login", sandbox_reset_login),
    re_path(r"^", nothing_here),
]
