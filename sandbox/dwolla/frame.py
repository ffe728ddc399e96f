"""The frame of every call to Dwolla: version, token, idempotency, errors, HAL, and strict reading of bodies."""

import hashlib
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt

from sandbox import faults
from sandbox.http import BadJson, read_json
from sandbox.models import Bank, DwollaToken, IdempotencyKey

HAL = "application/vnd.dwolla.v1.hal+json"
KEY_LIFE = timedelta(hours=24)
LARGEST_CENTS = 10_000_000_00


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


def id_in(address: str, collection: str) -> str:
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


def query_text(request: HttpRequest, name: str) -> str:
    return request.GET.get(name, "").replace("\x00", "")


def account_uid() -> str:
    return Bank.objects.values_list("account_uid", flat=True).get()


def link(below: str, kind: str) -> dict:
    return {"href": href(below), "type": HAL, "resource-type": kind}


def cents_of(amount: Body) -> int:
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


def money(cents: int) -> dict:
    sign = "-" if cents < 0 else ""
    return {"value": f"{sign}{abs(cents) // 100}.{abs(cents) % 100:02d}", "currency": "USD"}
