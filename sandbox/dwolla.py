"""Dwolla's API, below `/dwolla`: customers, funding sources, transfers, webhook subscriptions, in HAL.

Deviations from the real one: a transfer between two banks is a single leg; Labels, mass payments, documents and
beneficial owners are missing.
"""

import hashlib
import re
import secrets
import uuid
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import path, re_path
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt

from sandbox import bank, faults, webhooks
from sandbox.http import BadJson, basic_credentials, known, read_json
from sandbox.models import (
    Bank,
    BankAccount,
    Customer,
    Delivery,
    DwollaToken,
    Event,
    Exchange,
    FundingSource,
    IdempotencyKey,
    ProcessorToken,
    Subscription,
    Transfer,
)

HAL = "application/vnd.dwolla.v1.hal+json"
TOKEN_SECONDS = 3600
KEY_LIFE = timedelta(hours=24)
PLAID_PARTNER = "f53ffb32-c84f-496a-9d9d-acd100d396ef"
FORCED_STATUS = {"verified", "retry", "kba", "document", "suspended"}  # asked for by a customer's first name
MICRO_DEPOSIT_TRIES = 3
MOST_SUBSCRIPTIONS = 10
LARGEST_CENTS = 10_000_000_00


# --- errors ------------------------------------------------------------------------------------------------

class DwollaError(Exception):
    """An error in Dwolla's HAL shape; `errors` are its parts for single fields."""

    def __init__(self, status: int, code: str, message: str, errors: list[dict] | None = None,
                 links: dict | None = None) -> None:
        self.status, self.code, self.message, self.errors, self.links = status, code, message, errors, links

    def response(self) -> HttpResponse:
        body: dict[str, Any] = {"code": self.code, "message": self.message}
        if self.errors:
            body["_embedded"] = {"errors": self.errors}
        if self.links:
            body["_links"] = self.links
        return hal(body, self.status)


def invalid(code: str, message: str, at: str, **links: str) -> DwollaError:
    """A validation error with one part: code is Required, Invalid, InvalidFormat, NotAllowed, Restricted, ..."""
    part: dict[str, Any] = {"code": code, "message": message, "path": at}
    part["_links"] = {name: {"href": href} for name, href in links.items()}
    return DwollaError(400, "ValidationError", "Validation error(s) present. See embedded errors list for more "
                       "details.", [part])


def not_found() -> DwollaError:
    return DwollaError(404, "NotFound", "The requested resource was not found.")


# --- the frame of every call -------------------------------------------------------------------------------

def hal(body: dict, status: int = 200) -> HttpResponse:
    response = JsonResponse(body, status=status)
    response["Content-Type"] = HAL
    return response


def created(location: str) -> HttpResponse:
    """201 with an empty body: the id is in the address."""
    response = HttpResponse(status=201, headers={"Location": href(location)})
    del response["Content-Type"]
    return response


def href(below: str) -> str:
    return f"{settings.SANDBOX_URL}/dwolla{below}"


def _below(request: HttpRequest) -> str:
    """The address as Dwolla knows it. Dwolla's SDK puts its base before the path of a full address, so that the
    prefix may come twice."""
    return re.sub(r"^(/dwolla|/)*(/|$)", "/", request.path)


def resource(**methods: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """The view of one address: a function per HTTP method, each in one transaction where it writes."""

    @csrf_exempt
    def view(request: HttpRequest, **kwargs: str) -> HttpResponse:
        below = _below(request)
        fault = faults.take("dwolla", below, request.method or "")
        if fault and fault.mode == "timeout":
            return faults.withhold_answer(request, fault.seconds)
        try:
            if fault and fault.mode == "500":
                raise DwollaError(500, "ServerError", "A server error occurred. Error ID: sandbox.")
            if fault and fault.mode == "429":
                raise DwollaError(429, "TooManyRequests", "Too many requests. Try again later.")
            response = _answer(request, methods, kwargs)
        except DwollaError as error:
            response = error.response()
        if fault and fault.mode == "drop_after":
            return faults.withhold_answer(request, fault.seconds)
        return response

    return view


def _answer(request: HttpRequest, methods: dict, kwargs: dict) -> HttpResponse:
    _check_version(request)
    _check_token(request)
    handler = methods.get((request.method or "").lower())
    if handler is None:
        raise DwollaError(405, "MethodNotAllowed", "The requested method is not allowed on this resource.")
    if any("\x00" in value for value in kwargs.values()):
        raise not_found()
    if request.method != "POST":
        return handler(request, **kwargs)
    try:
        body = Body(read_json(request))
    except BadJson as error:
        raise DwollaError(400, "BadRequest", "The request body contains bad syntax or is incomplete.") from error
    with transaction.atomic():
        return _once(request, lambda: handler(request, body, **kwargs))


def _check_version(request: HttpRequest) -> None:
    """The version is asked for in Accept. Bodies may also be called plain JSON: Dwolla's own SDKs do."""
    kind = request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if HAL not in request.headers.get("Accept", "").lower() or (request.body and kind not in (HAL, "application/json")):
        raise DwollaError(406, "InvalidVersion", f"Missing or invalid API version: use {HAL}.")


def _check_token(request: HttpRequest) -> None:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise DwollaError(401, "InvalidAccessToken", "Missing or invalid access token.")
    row = DwollaToken.objects.filter(token=token.strip()[:64]).first() if "\x00" not in token else None
    if row is None:
        raise DwollaError(401, "InvalidAccessToken", "Invalid access token.")
    if row.expires_at <= timezone.now():
        raise DwollaError(401, "ExpiredAccessToken", "Generate a new access token using your client credentials.")


def _once(request: HttpRequest, create: Callable[[], HttpResponse]) -> HttpResponse:
    """Run a POST at most once per Idempotency-Key: the same again answers with the first Location."""
    key = request.headers.get("Idempotency-Key")
    if not key:
        return create()
    if len(key) > 255 or "\x00" in key:
        raise DwollaError(400, "BadRequest", "The Idempotency-Key is not valid.")
    fingerprint = hashlib.sha256(request.path.encode() + b"\0" + request.body).hexdigest()
    IdempotencyKey.objects.filter(key=key, created_at__lt=timezone.now() - KEY_LIFE).delete()
    if earlier := IdempotencyKey.objects.filter(key=key).first():
        if earlier.fingerprint != fingerprint:
            raise DwollaError(409, "Conflict", "The Idempotency-Key was already used with a different request.")
        return HttpResponse(status=201, headers={"Location": earlier.location})
    response = create()
    if response.status_code == 201:
        IdempotencyKey.objects.create(key=key, fingerprint=fingerprint, location=response["Location"])
    return response


class Body(dict):
    """A request body whose fields are read with their types; `at` is the path that errors name."""

    at = ""

    def text(self, name: str, *, required: bool = True, longest: int = 255) -> str:
        value = self.get(name)
        if value is None or value == "":
            if required:
                raise invalid("Required", f"{name} required.", f"{self.at}/{name}")
            return ""
        if not isinstance(value, str):
            raise invalid("InvalidFormat", f"{name} must be a string.", f"{self.at}/{name}")
        if len(value) > longest:
            raise invalid("Invalid", f"{name} must be at most {longest} characters.", f"{self.at}/{name}")
        return value

    def part(self, name: str, *, required: bool = True) -> "Body":
        value = self.get(name)
        if value is None:
            if required:
                raise invalid("Required", f"{name} required.", f"{self.at}/{name}")
            value = {}
        if not isinstance(value, dict):
            raise invalid("InvalidFormat", f"{name} must be an object.", f"{self.at}/{name}")
        part = Body(value)
        part.at = f"{self.at}/{name}"
        return part

    def link(self, name: str, *, required: bool = True) -> str:
        """The address of `_links.<name>`."""
        return self.part("_links", required=required).part(name, required=required).text("href", required=required)


def _id_in(address: str, collection: str) -> str:
    match = re.search(rf"/{collection}/([0-9A-Za-z-]+)/?$", address)
    return match[1].lower() if match else ""


def page(request: HttpRequest, name: str, rows: QuerySet, shown: Callable[[Any], dict]) -> HttpResponse:
    """A HAL list with `limit` and `offset`."""
    limit, offset = _number(request, "limit", 25, 200), _number(request, "offset", 0, 10**9)
    total = rows.count()
    below = _below(request)

    def at(start: int) -> dict:
        return {"href": href(f"{below}?limit={limit}&offset={start}"), "type": HAL, "resource-type": name[:-1]}

    links = {"self": at(offset), "first": at(0), "last": at(max(0, (total - 1) // limit * limit))}
    if offset + limit < total:
        links["next"] = at(offset + limit)
    if offset:
        links["prev"] = at(max(0, offset - limit))
    found = [shown(row) for row in rows[offset:offset + limit]]
    return hal({"_links": links, "_embedded": {name: found}, "total": total})


def _number(request: HttpRequest, name: str, default: int, most: int) -> int:
    raw = request.GET.get(name, "")
    if not raw:
        return default
    if not re.fullmatch(r"[0-9]{1,9}", raw) or int(raw) > most or (name == "limit" and int(raw) < 1):
        raise invalid("Invalid", f"{name} must be a number up to {most}.", f"/{name}")
    return int(raw)


def _text(request: HttpRequest, name: str) -> str:
    return request.GET.get(name, "").replace("\x00", "")


# --- token, root, account ----------------------------------------------------------------------------------

@csrf_exempt
def token(request: HttpRequest) -> HttpResponse:
    """Client credentials for a token of an hour; in a Basic header, or in the form as Dwolla's SDK does."""
    fault = faults.take("dwolla", "/token", request.method or "")
    if fault and fault.mode in ("timeout", "drop_after"):
        return faults.withhold_answer(request, fault.seconds)
    if fault:
        return JsonResponse({"error": "temporarily_unavailable"}, status=int(fault.mode))
    if request.method != "POST":
        return DwollaError(405, "MethodNotAllowed", "The requested method is not allowed.").response()
    form = request.POST
    pair = basic_credentials(request) or (form.get("client_id", ""), form.get("client_secret", ""))
    if not known(pair, settings.DWOLLA_CREDENTIALS):
        return JsonResponse({"error": "invalid_client", "error_description": "Invalid client credentials."}, status=401)
    if form.get("grant_type") != "client_credentials":
        return JsonResponse({"error": "unsupported_grant_type"}, status=400)
    with transaction.atomic():
        DwollaToken.objects.filter(expires_at__lt=timezone.now() - timedelta(days=1)).delete()
        row = DwollaToken.objects.create(
            token=secrets.token_urlsafe(40)[:50], expires_at=timezone.now() + timedelta(seconds=TOKEN_SECONDS)
        )
    return JsonResponse({"access_token": row.token, "token_type": "Bearer", "expires_in": TOKEN_SECONDS})


def _account_uid() -> str:
    return Bank.objects.values_list("account_uid", flat=True).get()


def root_get(request: HttpRequest) -> HttpResponse:
    account = {"href": href(f"/accounts/{_account_uid()}"), "type": HAL, "resource-type": "account"}
    lists = {name: {"href": href(f"/{name}"), "type": HAL, "resource-type": name[:-1]}
             for name in ("customers", "events", "exchange-partners", "webhook-subscriptions")}
    return hal({"_links": {"account": account, **lists}})


def account_get(request: HttpRequest, account: str) -> HttpResponse:
    _check_account(account)
    return hal({
        "_links": {"self": _link(f"/accounts/{account}", "account"),
                   "funding-sources": _link(f"/accounts/{account}/funding-sources", "funding-source"),
                   "transfers": _link(f"/accounts/{account}/transfers", "transfer"),
                   "customers": _link("/customers", "customer")},
        "id": account, "name": "PaYa Sandbox", "type": "Commercial", "timezoneOffset": -5.0,
    })


def account_sources(request: HttpRequest, account: str) -> HttpResponse:
    _check_account(account)
    return _list_sources(request, FundingSource.objects.filter(customer=None))


def account_transfers(request: HttpRequest, account: str) -> HttpResponse:
    _check_account(account)
    mine = Q(source__customer=None) | Q(destination__customer=None)
    return _list_transfers(request, Transfer.objects.filter(mine))


def _check_account(uid: str) -> None:
    if uid.lower() != _account_uid():
        raise not_found()


def _link(below: str, kind: str) -> dict:
    return {"href": href(below), "type": HAL, "resource-type": kind}


# --- customers ---------------------------------------------------------------------------------------------

def customers_post(request: HttpRequest, body: Body) -> HttpResponse:
    first, last = body.text("firstName", longest=50), body.text("lastName", longest=50)
    email = body.text("email")
    if not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", email):
        raise invalid("InvalidFormat", "Invalid email format.", "/email")
    kind = body.text("type", required=False) or "unverified"
    if kind not in ("unverified", "receive-only", "personal", "business"):
        raise invalid("Invalid", "Invalid type.", "/type")
    if kind == "personal":
        for name in ("address1", "city", "state", "postalCode", "dateOfBirth", "ssn"):
            body.text(name)
    if earlier := Customer.objects.filter(email=email.lower()).first():
        problem = "A customer with the specified email already exists."
        raise invalid("Duplicate", problem, "/email", about=href(f"/customers/{earlier.uid}"))
    customer = Customer.objects.create(
        first_name=first, last_name=last, email=email.lower(), type=kind, status=_first_status(kind, first),
        business_name=body.text("businessName", required=False),
        correlation_id=body.text("correlationId", required=False), created_at=bank.now(),
    )
    _tell(customer, "customer_created")
    if customer.status == "verified":
        FundingSource.objects.create(customer=customer, kind="balance", name="Balance", created_at=bank.now())
        _tell(customer, "customer_verified")
    return created(f"/customers/{customer.uid}")


def _first_status(kind: str, first_name: str) -> str:
    if kind in ("unverified", "receive-only"):
        return "unverified"
    return first_name.lower() if first_name.lower() in FORCED_STATUS else "verified"


def customers_get(request: HttpRequest) -> HttpResponse:
    rows = Customer.objects.order_by("-id")
    if email := _text(request, "email"):
        rows = rows.filter(email=email.lower())
    if status := _text(request, "status"):
        rows = rows.filter(status=status)
    if search := _text(request, "search"):
        rows = rows.filter(Q(first_name__icontains=search) | Q(last_name__icontains=search)
                           | Q(email__icontains=search) | Q(correlation_id=search))
    return page(request, "customers", rows, _shown_customer)


def customer_get(request: HttpRequest, customer: str) -> HttpResponse:
    return hal(_shown_customer(_customer(customer)))


def customer_post(request: HttpRequest, body: Body, customer: str) -> HttpResponse:
    """Change a status (suspended, deactivated, reactivated) or the e-mail address."""
    row = _customer(customer)
    if status := body.text("status", required=False):
        new = {"suspended": "suspended", "deactivated": "deactivated", "reactivated": "unverified"}.get(status)
        if new is None:
            raise invalid("Invalid", "Invalid status.", "/status")
        row.status = new
        topic = {"unverified": "customer_activated"}.get(new, f"customer_{new}")
        row.save(update_fields=["status"])
        _tell(row, topic)
    if email := body.text("email", required=False):
        if Customer.objects.filter(email=email.lower()).exclude(pk=row.pk).exists():
            raise invalid("Duplicate", "A customer with the specified email already exists.", "/email")
        row.email = email.lower()
        row.save(update_fields=["email"])
    return hal(_shown_customer(row))


def _customer(uid: str) -> Customer:
    row = Customer.objects.filter(uid=uid.lower()).first()
    if row is None:
        raise not_found()
    return row


def _tell(customer: Customer, topic: str) -> None:
    webhooks.publish(topic=topic, resource=f"/customers/{customer.uid}", customer=customer, at=bank.now())


def _shown_customer(row: Customer) -> dict:
    at = f"/customers/{row.uid}"
    links = {"self": _link(at, "customer"), "funding-sources": _link(f"{at}/funding-sources", "funding-source"),
             "transfers": _link(f"{at}/transfers", "transfer"), "receive": _link("/transfers", "transfer")}
    if row.status in ("unverified", "verified") and row.type != "receive-only":
        links["send"] = _link("/transfers", "transfer")
    if row.status == "retry":
        links["retry-verification"] = _link(at, "customer")
    if row.status == "document":
        links["verify-with-document"] = _link(f"{at}/documents", "document")
    shown = {"_links": links, "id": row.uid, "firstName": row.first_name, "lastName": row.last_name,
             "email": row.email, "type": row.type, "status": row.status, "created": webhooks.iso(row.created_at)}
    if row.business_name:
        shown["businessName"] = row.business_name
    if row.correlation_id:
        shown["correlationId"] = row.correlation_id
    return shown


# --- exchanges ---------------------------------------------------------------------------------------------

def partners_get(request: HttpRequest) -> HttpResponse:
    return hal({"_links": {"self": _link("/exchange-partners", "exchange-partner")},
                "_embedded": {"exchange-partners": [_shown_partner()]}, "total": 1})


def partner_get(request: HttpRequest, partner: str) -> HttpResponse:
    if partner != PLAID_PARTNER:
        raise not_found()
    return hal(_shown_partner())


def _shown_partner() -> dict:
    return {"_links": {"self": _link(f"/exchange-partners/{PLAID_PARTNER}", "exchange-partner")},
            "id": PLAID_PARTNER, "name": "Plaid", "status": "active", "created": "2022-01-01T00:00:00.000Z"}


def exchanges_post(request: HttpRequest, body: Body, customer: str) -> HttpResponse:
    owner = _usable(_customer(customer))
    partner = body.link("exchange-partner")
    if _id_in(partner, "exchange-partners") != PLAID_PARTNER:
        raise invalid("Invalid", "Invalid exchange partner.", "/_links/exchange-partner/href")
    text = body.text("token", longest=80)
    account = _account_of(text)
    row = Exchange.objects.create(customer=owner, account=account, token=text, created_at=bank.now())
    return created(f"/exchanges/{row.uid}")


def exchange_get(request: HttpRequest, exchange: str) -> HttpResponse:
    row = Exchange.objects.filter(uid=exchange.lower()).first()
    if row is None:
        raise not_found()
    return hal({"_links": {"self": _link(f"/exchanges/{row.uid}", "exchange"),
                           "exchange-partner": _link(f"/exchange-partners/{PLAID_PARTNER}", "exchange-partner")},
                "id": row.uid, "status": "active", "created": webhooks.iso(row.created_at)})


def _account_of(processor_token: str) -> BankAccount:
    """The account behind one of Plaid's processor tokens, if its login still works."""
    row = ProcessorToken.objects.select_related("account__item").filter(token=processor_token).first()
    if row is None or row.processor != "dwolla" or row.account.item.removed:
        raise DwollaError(400, "InvalidExchangeToken", "Invalid exchange token.")
    if row.account.item.login_required:
        raise DwollaError(400, "UpdateCredentials", "The bank's credentials must be updated through Plaid.")
    return row.account


def _usable(customer: Customer) -> Customer:
    if customer.status in ("suspended", "deactivated"):
        raise DwollaError(403, "Forbidden", f"The customer is {customer.status}.")
    return customer


# --- funding sources ---------------------------------------------------------------------------------------

def sources_post(request: HttpRequest, body: Body, customer: str) -> HttpResponse:
    """A bank for a customer: by exchange, by Plaid's processor token, or by bare numbers (then unverified)."""
    owner = _usable(_customer(customer))
    name = body.text("name", longest=50)
    kind = body.text("bankAccountType", required="routingNumber" in body).lower()
    if kind and kind not in ("checking", "savings", "general-ledger", "loan"):
        raise invalid("Invalid", "Invalid bankAccountType.", "/bankAccountType")
    verified = True
    if body.get("plaidToken") is not None:
        account = _account_of(body.text("plaidToken", longest=80))
    elif "_links" in body:
        account = _exchanged(owner, body.link("exchange"))
    else:
        account, verified = _numbered(body, name, kind), False
    same = FundingSource.objects.filter(
        customer=owner, removed=False, account__routing=account.routing, account__number=account.number
    ).first()
    if same:
        raise DwollaError(400, "DuplicateResource", f"Bank already exists: id={same.uid}",
                          links={"about": {"href": href(f"/funding-sources/{same.uid}")}})
    row = FundingSource.objects.create(
        customer=owner, kind="bank", name=name, account=account, verified=verified, created_at=bank.now()
    )
    bank.tell_of_funding_source(row, "added")
    if verified:
        bank.tell_of_funding_source(row, "verified")
    return created(f"/funding-sources/{row.uid}")


def _exchanged(owner: Customer, address: str) -> BankAccount:
    uid = _id_in(address, "exchanges")
    row = Exchange.objects.select_related("account__item").filter(uid=uid, customer=owner).first()
    if row is None:
        raise invalid("Invalid", "Invalid exchange.", "/_links/exchange/href")
    if row.account.item.removed:
        raise DwollaError(400, "InactiveExchange", "The exchange is no longer active.")
    return row.account


def _numbered(body: Body, name: str, kind: str) -> BankAccount:
    routing, number = body.text("routingNumber"), body.text("accountNumber")
    if not re.fullmatch(r"[0-9]{9}", routing) or not _checksum(routing):
        raise invalid("Invalid", "Invalid routing number.", "/routingNumber")
    if not re.fullmatch(r"[0-9]{4,17}", number):
        raise invalid("Invalid", "Account number must be 4 to 17 digits.", "/accountNumber")
    known_account = BankAccount.objects.filter(routing=routing, number=number).first()
    return known_account or bank.open_account(
        name=name, subtype=kind, balance=bank.OPENING_CHECKING, routing=routing, number=number
    )


def _checksum(routing: str) -> bool:
    return sum(int(digit) * weight for digit, weight in zip(routing, (3, 7, 1) * 3, strict=True)) % 10 == 0


def customer_sources(request: HttpRequest, customer: str) -> HttpResponse:
    return _list_sources(request, FundingSource.objects.filter(customer=_customer(customer)))


def _list_sources(request: HttpRequest, rows: QuerySet) -> HttpResponse:
    if _text(request, "removed") == "false":
        rows = rows.filter(removed=False)
    ordered = rows.select_related("account", "customer").order_by("id")
    return page(request, "funding-sources", ordered, _shown_source)


def source_get(request: HttpRequest, source: str) -> HttpResponse:
    return hal(_shown_source(_source(source)))


def source_post(request: HttpRequest, body: Body, source: str) -> HttpResponse:
    """Rename it, or remove it for good."""
    row = _source(source)
    if row.removed:
        raise DwollaError(403, "InvalidResourceState", "The funding source is removed.")
    if row.kind == "balance":
        raise DwollaError(403, "Forbidden", "A balance cannot be changed.")
    if "removed" in body:
        if body["removed"] is not True:
            raise invalid("Invalid", "removed must be true.", "/removed")
        row.removed = True
        row.save(update_fields=["removed"])
        bank.tell_of_funding_source(row, "removed")
    elif name := body.text("name", longest=50):
        row.name = name
        row.save(update_fields=["name"])
        bank.tell_of_funding_source(row, "updated")
    return hal(_shown_source(row))


def source_balance(request: HttpRequest, source: str) -> HttpResponse:
    row = _source(source)
    if row.kind != "balance":
        raise DwollaError(403, "Forbidden", "Only a balance has a balance here.")
    amount = _money(row.balance)
    at = f"/funding-sources/{row.uid}"
    return hal({"_links": {"self": _link(f"{at}/balance", "balance"), "funding-source": _link(at, "funding-source")},
                "balance": amount, "total": amount, "lastUpdated": webhooks.iso(bank.now())})


def micro_deposits_post(request: HttpRequest, body: Body, source: str) -> HttpResponse:
    """Without amounts: send two small deposits. With amounts: check them; 0.09 twice is always wrong."""
    row = _source(source)
    if row.kind != "bank" or row.removed or row.verified:
        raise DwollaError(403, "InvalidResourceState", "The funding source needs no verification.")
    if not body:
        if row.micro_deposits:
            raise DwollaError(403, "InvalidResourceState", "Micro-deposits were already sent.")
        row.micro_deposits = "processed"
        row.save(update_fields=["micro_deposits"])
        _tell_micro(row, "added")
        _tell_micro(row, "completed")
        return created(f"/funding-sources/{row.uid}/micro-deposits")
    amounts = [_cents(body.part(name)) for name in ("amount1", "amount2")]
    if row.micro_deposits != "processed":
        raise DwollaError(403, "InvalidResourceState", "There are no micro-deposits to verify.")
    if any(cents > 10 for cents in amounts):
        raise invalid("Invalid", "Micro-deposits are at most 0.10.", "/amount1/value")
    if amounts == [9, 9]:
        return _wrong_amounts(row)
    row.verified, row.micro_deposits = True, "completed"
    row.save(update_fields=["verified", "micro_deposits"])
    bank.tell_of_funding_source(row, "verified")
    return hal(_shown_source(row))


def _wrong_amounts(row: FundingSource) -> HttpResponse:
    """Answered and not raised: the counted try must be kept."""
    row.micro_deposit_tries += 1
    if row.micro_deposit_tries >= MICRO_DEPOSIT_TRIES:
        row.micro_deposits = "failed"
        _tell_micro(row, "maxattempts")
    row.save(update_fields=["micro_deposit_tries", "micro_deposits"])
    return invalid("Invalid", "Wrong amount(s).", "/amount1/value").response()


def micro_deposits_get(request: HttpRequest, source: str) -> HttpResponse:
    row = _source(source)
    if not row.micro_deposits:
        raise not_found()
    return hal({"_links": {"self": _link(f"/funding-sources/{row.uid}/micro-deposits", "micro-deposits")},
                "created": webhooks.iso(row.created_at), "status": row.micro_deposits})


def _tell_micro(row: FundingSource, what: str) -> None:
    topic = f"customer_microdeposits_{what}" if row.customer else f"microdeposits_{what}"
    webhooks.publish(topic=topic, resource=f"/funding-sources/{row.uid}", customer=row.customer, at=bank.now())


def _source(uid: str) -> FundingSource:
    row = FundingSource.objects.select_related("account", "customer").filter(uid=uid.lower()).first()
    if row is None:
        raise not_found()
    return row


def _shown_source(row: FundingSource) -> dict:
    at = f"/funding-sources/{row.uid}"
    owner = _link(f"/customers/{row.customer.uid}", "customer") if row.customer else \
        _link(f"/accounts/{_account_uid()}", "account")
    links = {"self": _link(at, "funding-source"), ("customer" if row.customer else "account"): owner}
    shown = {"_links": links, "id": row.uid, "status": "verified" if row.verified else "unverified",
             "type": row.kind, "name": row.name, "created": webhooks.iso(row.created_at), "removed": row.removed}
    if row.kind == "balance":
        links["balance"] = _link(f"{at}/balance", "balance")
        return {**shown, "channels": ["ach"]}
    links["remove"] = links["self"]
    links["transfer-to-balance"] = _link("/transfers", "transfer")
    return {**shown, "bankAccountType": row.account.subtype, "bankName": row.account.bank_name, "channels": ["ach"],
            "fingerprint": hashlib.sha256(f"{row.account.routing}{row.account.number}".encode()).hexdigest()}


# --- transfers ---------------------------------------------------------------------------------------------

def transfers_post(request: HttpRequest, body: Body) -> HttpResponse:
    source = _side(body, "source")
    destination = _side(body, "destination")
    cents = _cents(body.part("amount"))
    _check_sides(source, destination)
    metadata = dict(body.part("metadata", required=False))
    if len(metadata) > 10 or not all(isinstance(value, str) and len(value) <= 255 for value in metadata.values()):
        raise invalid("Invalid", "metadata has at most 10 strings of at most 255 characters.", "/metadata")
    correlation = body.text("correlationId", required=False)
    if correlation and not re.fullmatch(r"[A-Za-z0-9._-]+", correlation):
        raise invalid("InvalidFormat", "correlationId may hold a-Z, 0-9, - . and _.", "/correlationId")
    clearing = dict(body.part("clearing", required=False))
    if any(value not in ("standard", "next-available") for value in clearing.values()):
        raise invalid("Invalid", "Invalid clearing.", "/clearing")
    try:
        row = bank.open_transfer(
            source=source, destination=destination, cents=cents, correlation_id=correlation, metadata=metadata,
            clearing=clearing or None,
        )
    except bank.InsufficientFunds as error:
        raise invalid("InsufficientFunds", "Insufficient funds.", "/_links/source/href") from error
    return created(f"/transfers/{row.uid}")


def _side(body: Body, name: str) -> FundingSource:
    uid = _id_in(body.link(name), "funding-sources")
    row = FundingSource.objects.select_related("account", "customer").filter(uid=uid).first()
    if row is None:
        raise invalid("NotFound", "Funding source not found.", f"/_links/{name}/href")
    if row.removed:
        raise invalid("Invalid", "Funding source has been removed.", f"/_links/{name}/href")
    if row.customer and row.customer.status not in ("verified", "unverified"):
        raise invalid("Restricted", f"The customer is {row.customer.status}.", f"/_links/{name}/href")
    return row


def _check_sides(source: FundingSource, destination: FundingSource) -> None:
    if source.pk == destination.pk:
        raise invalid("Invalid", "Source and destination must differ.", "/_links/destination/href")
    if source.kind == "bank" and not source.verified:
        raise invalid("Invalid", "The source must be verified.", "/_links/source/href")
    if source.customer and source.customer.type == "receive-only":
        raise invalid("Restricted", "A receive-only customer cannot send.", "/_links/source/href")
    sides = [side.customer for side in (source, destination)]
    if all(customer and customer.status != "verified" for customer in sides):
        raise invalid("Restricted", "One party must be verified.", "/_links/destination/href")


def _cents(amount: Body) -> int:
    value, currency = amount.text("value"), amount.text("currency")
    if currency != "USD":
        raise invalid("Invalid", "Invalid currency.", f"{amount.at}/currency")
    if not re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,2})?", value):
        raise invalid("InvalidFormat", "Invalid amount.", f"{amount.at}/value")
    dollars, _, rest = value.partition(".")
    cents = int(dollars) * 100 + int(rest.ljust(2, "0") or 0)
    if not 0 < cents <= LARGEST_CENTS:
        raise invalid("Invalid", "The amount is out of range.", f"{amount.at}/value")
    return cents


def _money(cents: int) -> dict:
    sign = "-" if cents < 0 else ""
    return {"value": f"{sign}{abs(cents) // 100}.{abs(cents) % 100:02d}", "currency": "USD"}


def transfer_get(request: HttpRequest, transfer: str) -> HttpResponse:
    return hal(_shown_transfer(_transfer(transfer)))


def transfer_post(request: HttpRequest, body: Body, transfer: str) -> HttpResponse:
    """Cancel it, while it is pending."""
    row = _transfer(transfer)
    if body.text("status") != "cancelled":
        raise invalid("Invalid", "Invalid status.", "/status")
    if row.status != "pending":
        raise invalid("NotAllowed", f"A {row.status} transfer cannot be cancelled.", "/status")
    bank.cancel(row)
    return hal(_shown_transfer(row))


def transfer_failure(request: HttpRequest, transfer: str) -> HttpResponse:
    row = _transfer(transfer)
    if not row.failure_code:
        raise not_found()
    title, explanation = bank.RETURNS.get(row.failure_code, ("Returned", "The bank returned the entry."))
    failed = row.source if row.source.kind == "bank" else row.destination
    links = {"self": _link(f"/transfers/{row.uid}/failure", "failure"),
             "failed-funding-source": _link(f"/funding-sources/{failed.uid}", "funding-source")}
    if failed.customer:
        links["customer"] = _link(f"/customers/{failed.customer.uid}", "customer")
    return hal({"_links": links, "code": row.failure_code, "description": title, "explanation": explanation})


def customer_transfers(request: HttpRequest, customer: str) -> HttpResponse:
    owner = _customer(customer)
    mine = Q(source__customer=owner) | Q(destination__customer=owner)
    return _list_transfers(request, Transfer.objects.filter(mine))


def _list_transfers(request: HttpRequest, rows: QuerySet) -> HttpResponse:
    if correlation := _text(request, "correlationId"):
        rows = rows.filter(correlation_id=correlation)
    if status := _text(request, "status"):
        rows = rows.filter(status=status)
    for name, lookup in (("startDate", "created_at__date__gte"), ("endDate", "created_at__date__lte")):
        if day := _text(request, name)[:10]:
            if not _is_date(day):
                raise invalid("InvalidFormat", f"{name} must be a date.", f"/{name}")
            rows = rows.filter(**{lookup: day})
    related = rows.select_related("source__customer", "destination__customer").order_by("-id")
    return page(request, "transfers", related, _shown_transfer)


def _is_date(text: str) -> bool:
    try:
        return bool(date.fromisoformat(text))
    except ValueError:
        return False


def _transfer(uid: str) -> Transfer:
    related = ("source__customer", "source__account", "destination__customer", "destination__account")
    row = Transfer.objects.select_related(*related).filter(uid=uid.lower()).first()
    if row is None:
        raise not_found()
    return row


def _shown_transfer(row: Transfer) -> dict:
    at = f"/transfers/{row.uid}"
    links = {"self": _link(at, "transfer")}
    for name, side in (("source", row.source), ("destination", row.destination)):
        if side.customer:
            links[name] = _link(f"/customers/{side.customer.uid}", "customer")
        else:
            links[name] = _link(f"/accounts/{_account_uid()}", "account")
        links[f"{name}-funding-source"] = _link(f"/funding-sources/{side.uid}", "funding-source")
    if row.status == "pending":
        links["cancel"] = links["self"]
    if row.failure_code:
        links["failure"] = _link(f"{at}/failure", "failure")
    shown = {"_links": links, "id": row.uid, "status": row.status, "amount": _money(row.cents),
             "created": webhooks.iso(row.created_at), "metadata": row.metadata}
    if row.clearing:
        shown["clearing"] = row.clearing
    if row.correlation_id:
        shown["correlationId"] = row.correlation_id
    return shown


# --- events and webhooks -----------------------------------------------------------------------------------

def events_get(request: HttpRequest) -> HttpResponse:
    account = _account_uid()
    rows = Event.objects.order_by("-id")
    return page(request, "events", rows, lambda row: webhooks.event_body(row, account))


def event_get(request: HttpRequest, event: str) -> HttpResponse:
    row = Event.objects.filter(uid=event.lower()).first()
    if row is None:
        raise not_found()
    return hal(webhooks.event_body(row, _account_uid()))


def subscriptions_post(request: HttpRequest, body: Body) -> HttpResponse:
    url, secret = body.text("url", longest=500), body.text("secret", longest=200)
    if not re.fullmatch(r"https?://[^\s/]+\S*", url):
        raise invalid("InvalidFormat", "Invalid url.", "/url")
    if Subscription.objects.count() >= MOST_SUBSCRIPTIONS:
        raise DwollaError(400, "MaxSubscriptions", f"There are already {MOST_SUBSCRIPTIONS} subscriptions.")
    row = Subscription.objects.create(url=url, secret=secret)
    return created(f"/webhook-subscriptions/{row.uid}")


def subscriptions_get(request: HttpRequest) -> HttpResponse:
    return page(request, "webhook-subscriptions", Subscription.objects.order_by("id"), _shown_subscription)


def subscription_get(request: HttpRequest, subscription: str) -> HttpResponse:
    return hal(_shown_subscription(_subscription(subscription)))


def subscription_post(request: HttpRequest, body: Body, subscription: str) -> HttpResponse:
    """Pause or unpause. What was missed meanwhile is not sent by itself: it is listed, without attempts."""
    row = _subscription(subscription)
    if not isinstance(body.get("paused"), bool):
        raise invalid("Invalid", "paused must be true or false.", "/paused")
    row.paused = body["paused"]
    row.save(update_fields=["paused"])
    return hal(_shown_subscription(row))


def subscription_delete(request: HttpRequest, subscription: str) -> HttpResponse:
    with transaction.atomic():
        _subscription(subscription).delete()
    return hal({})


def subscription_webhooks(request: HttpRequest, subscription: str) -> HttpResponse:
    rows = Delivery.objects.filter(subscription=_subscription(subscription))
    return page(request, "webhooks", rows.select_related("event").order_by("-id"), _shown_webhook)


def webhook_get(request: HttpRequest, webhook: str) -> HttpResponse:
    return hal(_shown_webhook(_webhook(webhook)))


def retries_post(request: HttpRequest, body: Body, webhook: str) -> HttpResponse:
    row = _webhook(webhook)
    transaction.on_commit(lambda: webhooks.retry(row))
    return created(f"/webhooks/{row.uid}/retries/{uuid.uuid4()}")


def retries_get(request: HttpRequest, webhook: str) -> HttpResponse:
    row = _webhook(webhook)
    retries = [{"id": each["id"], "timestamp": each["request"]["timestamp"]} for each in row.attempts[1:]]
    return hal({"_links": {"self": _link(f"/webhooks/{row.uid}/retries", "retry")},
                "_embedded": {"retries": retries}, "total": len(retries)})


def _subscription(uid: str) -> Subscription:
    row = Subscription.objects.filter(uid=uid.lower()).first()
    if row is None:
        raise not_found()
    return row


def _webhook(uid: str) -> Delivery:
    row = Delivery.objects.select_related("event").filter(uid=uid.lower(), vendor="dwolla").first()
    if row is None:
        raise not_found()
    return row


def _shown_subscription(row: Subscription) -> dict:
    at = f"/webhook-subscriptions/{row.uid}"
    return {"_links": {"self": _link(at, "webhook-subscription"), "webhooks": _link(f"{at}/webhooks", "webhook")},
            "id": row.uid, "url": row.url, "paused": row.paused, "created": webhooks.iso(row.created_at)}


def _shown_webhook(row: Delivery) -> dict:
    at = f"/webhooks/{row.uid}"
    event = row.event.uid if row.event else ""
    subscription = row.subscription.uid if row.subscription else ""
    return {
        "_links": {"self": _link(at, "webhook"), "retry": _link(f"{at}/retries", "retry"),
                   "event": _link(f"/events/{event}", "event"),
                   "subscription": _link(f"/webhook-subscriptions/{subscription}", "webhook-subscription")},
        "id": row.uid, "topic": row.topic, "accountId": _account_uid(), "eventId": event,
        "subscriptionId": subscription, "attempts": row.attempts,
    }


def simulations_post(request: HttpRequest, body: Body) -> HttpResponse:
    """Process what is waiting, one step each, on the bank's present day."""
    settled, failed = bank.process_now()
    return hal({"_links": {"self": _link("/sandbox-simulations", "sandbox-simulation")},
                "total": settled + failed})


@csrf_exempt
def nothing_here(request: HttpRequest) -> HttpResponse:
    return not_found().response()


urlpatterns = [
    path("token", token),
    path("", resource(get=root_get)),
    path("accounts/<str:account>", resource(get=account_get)),
    path("accounts/<str:account>/funding-sources", resource(get=account_sources)),
    path("accounts/<str:account>/transfers", resource(get=account_transfers)),
    path("customers", resource(get=customers_get, post=customers_post)),
    path("customers/<str:customer>", resource(get=customer_get, post=customer_post)),
    path("customers/<str:customer>/exchanges", resource(post=exchanges_post)),
    path("customers/<str:customer>/funding-sources", resource(get=customer_sources, post=sources_post)),
    path("customers/<str:customer>/transfers", resource(get=customer_transfers)),
    path("exchange-partners", resource(get=partners_get)),
    path("exchange-partners/<str:partner>", resource(get=partner_get)),
    path("exchanges/<str:exchange>", resource(get=exchange_get)),
    path("funding-sources/<str:source>", resource(get=source_get, post=source_post)),
    path("funding-sources/<str:source>/balance", resource(get=source_balance)),
    path("funding-sources/<str:source>/micro-deposits", resource(get=micro_deposits_get, post=micro_deposits_post)),
    path("transfers", resource(post=transfers_post)),
    path("transfers/<str:transfer>", resource(get=transfer_get, post=transfer_post)),
    path("transfers/<str:transfer>/failure", resource(get=transfer_failure)),
    path("events", resource(get=events_get)),
    path("events/<str:event>", resource(get=event_get)),
    path("webhook-subscriptions", resource(get=subscriptions_get, post=subscriptions_post)),
    path("webhook-subscriptions/<str:subscription>",
         resource(get=subscription_get, post=subscription_post, delete=subscription_delete)),
    path("webhook-subscriptions/<str:subscription>/webhooks", resource(get=subscription_webhooks)),
    path("webhooks/<str:webhook>", resource(get=webhook_get)),
    path("webhooks/<str:webhook>/retries", resource(get=retries_get, post=retries_post)),
    path("sandbox-simulations", resource(post=simulations_post)),
    re_path(r"^", nothing_here),
]
