"""The frame of every call to Stripe: key, version, idempotency, errors, lists, and strict reading of forms."""

import hashlib
import re
import secrets
from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt

from sandbox import faults
from sandbox.stripe.models import StripeAnswer, new_id

API_VERSION = "2026-10-28.endive"
KEY_LIFE = timedelta(hours=24)
LARGEST_CENTS = 999_999_99
DEEPEST = 6  # levels of brackets in a parameter's name


class StripeError(Exception):
    """An error in Stripe's shape. One that `kept` says was a result of the work, so a repeat gets it again."""

    def __init__(self, message: str, *, status: int = 400, kind: str = "invalid_request_error", code: str = "",
                 param: str = "", kept: bool = False, **more: Any) -> None:
        self.status, self.kept = status, kept
        parts = {"type": kind, "message": message, "code": code, "param": param}
        self.error = {name: value for name, value in parts.items() if value} | more

    def body(self) -> dict:
        return {"error": self.error}


def missing(param: str) -> StripeError:
    return StripeError(f"Missing required param: {param}.", code="parameter_missing", param=param)


def invalid(message: str, param: str, code: str = "") -> StripeError:
    return StripeError(message, code=code, param=param)


def no_such(kind: str, uid: str, param: str = "id", status: int = 404) -> StripeError:
    """404 for what the address names, 400 for what a parameter names."""
    return StripeError(f"No such {kind}: '{uid[:60]}'", status=status, code="resource_missing", param=param)


# --- forms -------------------------------------------------------------------------------------------------

class Form:
    """Parameters by their nested names (`a[b][0]=x`), read with their types; `at` is the name that errors tell."""

    def __init__(self, values: dict[str, Any] | None = None, at: str = "") -> None:
        self.values, self.at = values or {}, at

    def only(self, *names: str) -> None:
        """Refuse every other parameter, as Stripe does."""
        if unknown := sorted(set(self.values) - {*names, "expand"}):
            raise invalid(f"Received unknown parameter: {unknown[0][:60]}", unknown[0][:60], "parameter_unknown")

    def named(self, name: str) -> str:
        return f"{self.at}[{name}]" if self.at else name

    def has(self, name: str) -> bool:
        return name in self.values

    def text(self, name: str, *, required: bool = False, longest: int = 500, among: Collection[str] = ()) -> str:
        value = self.values.get(name, "")
        if not isinstance(value, str):
            raise invalid(f"Invalid string: {self.named(name)}", self.named(name))
        if required and not value:
            raise missing(self.named(name))
        if len(value) > longest:
            raise invalid(f"Invalid string: {self.named(name)} is too long", self.named(name))
        if value and among and value not in among:
            raise invalid(f"Invalid {self.named(name)}: must be one of {', '.join(sorted(among))}", self.named(name))
        return value

    def flag(self, name: str) -> bool:
        return self.text(name, among=("true", "false")) == "true"

    def whole(self, name: str, *, default: int | None = None, least: int = 0, most: int = LARGEST_CENTS) -> int:
        text = self.text(name, required=default is None)
        if not text and default is not None:
            return default
        if not re.fullmatch(r"-?[0-9]{1,12}", text):
            raise invalid(f"Invalid integer: {text[:30]}", self.named(name), "parameter_invalid_integer")
        if not least <= int(text) <= most:
            raise invalid(f"This value must be between {least} and {most}.", self.named(name), "parameter_invalid_integer")
        return int(text)

    def part(self, name: str) -> "Form":
        value = self.values.get(name, {})
        if not isinstance(value, dict):
            raise invalid("Invalid object", self.named(name))
        return Form(value, self.named(name))

    def texts(self, name: str) -> list[str]:
        """An array of strings, in the order of its indexes."""
        part = self.part(name)
        return [part.text(index) for index in part.values]

    def metadata(self) -> dict[str, str]:
        part = self.part("metadata")
        pairs = {name: part.text(name) for name in part.values}
        if len(pairs) > 50 or any(len(name) > 40 for name in pairs):
            raise invalid("Metadata has at most 50 keys of at most 40 characters.", "metadata")
        return {name: value for name, value in pairs.items() if value}


def read_form(raw: str) -> Form:
    """Parse `a[b][]=x` into nested dictionaries; an array is a dictionary by its indexes."""
    try:
        pairs = parse_qsl(raw, keep_blank_values=True, errors="strict", max_num_fields=500)
    except ValueError as error:
        raise StripeError("The parameters cannot be read.") from error
    values: dict[str, Any] = {}
    for name, value in pairs:
        if "\x00" in name or "\x00" in value:
            raise StripeError("The parameters have a NUL character.")
        _put(values, name, value)
    return Form(values)


def _put(values: dict[str, Any], name: str, value: str) -> None:
    match = re.fullmatch(r"([^\[\]]+)((?:\[[^\[\]]*\])*)", name)
    if match is None:
        raise invalid("Invalid parameter name", name[:60])
    path = [match[1], *re.findall(r"\[([^\[\]]*)\]", match[2])]
    if len(path) > DEEPEST:
        raise invalid("Invalid object", name[:60])
    for step in path[:-1]:
        values = values.setdefault(step or str(len(values)), {})
        if not isinstance(values, dict):
            raise invalid("Invalid object", name[:60])
    values[path[-1] or str(len(values))] = value


# --- views -------------------------------------------------------------------------------------------------

Handler = Callable[..., dict]


def resource(**methods: Handler) -> Callable[..., HttpResponse]:
    """The view of one address: a function per HTTP method, given the form; a write is one transaction."""

    @csrf_exempt
    def view(request: HttpRequest, **kwargs: str) -> HttpResponse:
        fault = faults.take("stripe", request.path.removeprefix("/stripe"), request.method or "")
        if fault and fault.mode == "timeout":
            return faults.withhold_answer(request, fault.seconds)
        try:
            if fault and fault.mode == "500":
                raise StripeError("An unknown error occurred.", status=500, kind="api_error")
            if fault and fault.mode == "429":
                raise StripeError("Request rate limit exceeded.", status=429, code="rate_limit")
            response = _answer(request, methods, kwargs)
        except StripeError as error:
            response = _respond(error.status, error.body())
        if fault and fault.mode == "drop_after":
            return faults.withhold_answer(request, fault.seconds)
        return _labelled(request, response)

    return view


def _answer(request: HttpRequest, methods: dict[str, Handler], kwargs: dict[str, str]) -> HttpResponse:
    _check_key(request)
    _check_version(request)
    handler = methods.get((request.method or "").lower())
    if handler is None:
        raise StripeError(
            f"Unrecognized request URL ({request.method}: {request.path.removeprefix('/stripe')[:200]}).", status=404
        )
    if any("\x00" in value for value in kwargs.values()):
        raise no_such("object", "")
    form = read_form(_raw_form(request))
    if request.method == "GET":
        return _respond(200, handler(form, **kwargs))
    with transaction.atomic():
        return _once(request, lambda: handler(form, **kwargs))


def _raw_form(request: HttpRequest) -> str:
    """The query of a GET or DELETE, the body of a POST."""
    if request.method != "POST" or not request.body:
        return request.META.get("QUERY_STRING", "")
    kind = request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        raise StripeError("Invalid request (check that your POST content type is application/x-www-form-urlencoded).")
    try:
        return request.body.decode()
    except UnicodeDecodeError as error:
        raise StripeError("The parameters cannot be read.") from error


def _check_key(request: HttpRequest) -> None:
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not given:
        raise StripeError("You did not provide an API key.", status=401)
    if not secrets.compare_digest(given.strip().encode(), settings.STRIPE_SECRET_KEY.encode()):
        raise StripeError(f"Invalid API Key provided: {given[:7]}****", status=401)


def _check_version(request: HttpRequest) -> None:
    version = request.headers.get("Stripe-Version", API_VERSION)
    if not re.fullmatch(r"\d{4}-\d\d-\d\d(\.[a-z]+)?", version):
        raise StripeError(f"Invalid Stripe API version: {version[:40]}")


def _once(request: HttpRequest, work: Callable[[], dict]) -> HttpResponse:
    """Do a write at most once per Idempotency-Key; what failed its validation leaves no answer behind."""
    key = request.headers.get("Idempotency-Key", "")
    if len(key) > 255 or "\x00" in key:
        raise StripeError("The Idempotency-Key has at most 255 characters.")
    fingerprint = hashlib.sha256(f"{request.method} {request.get_full_path()}\n".encode() + request.body).hexdigest()
    StripeAnswer.objects.filter(created_at__lt=timezone.now() - KEY_LIFE).delete()
    if key and (earlier := StripeAnswer.objects.filter(key=key).first()):
        return _replay(earlier, fingerprint)
    try:
        status, body = 200, work()
    except StripeError as error:
        if not error.kept:
            raise
        status, body = error.status, error.body()
    response = _respond(status, body)
    if key:
        StripeAnswer.objects.create(
            key=key, fingerprint=fingerprint, status=status, body=body, request_uid=response["Request-Id"]
        )
    return response


def _replay(earlier: StripeAnswer, fingerprint: str) -> HttpResponse:
    if earlier.fingerprint != fingerprint:
        raise StripeError(
            "Keys for idempotent requests can only be used with the same parameters they were first used with. Try "
            f"using a key other than '{earlier.key}' if you meant to execute a different request.",
            kind="idempotency_error",
        )
    response = _respond(earlier.status, earlier.body)
    response["Idempotent-Replayed"] = "true"
    response["Original-Request"] = earlier.request_uid
    return response


def _respond(status: int, body: dict) -> HttpResponse:
    response = JsonResponse(body, status=status)
    response["Request-Id"] = new_id("req")
    return response


def _labelled(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    response["Stripe-Version"] = request.headers.get("Stripe-Version", API_VERSION)[:40]
    if key := request.headers.get("Idempotency-Key", ""):
        response["Idempotency-Key"] = key[:255]
    return response


# --- what is shown -----------------------------------------------------------------------------------------

def page(form: Form, url: str, rows: QuerySet, shown: Callable[[Any], dict]) -> dict:
    """A list, newest first, with Stripe's cursors; `created` bounds it where the rows know when they were made."""
    limit = form.whole("limit", default=10, least=1, most=100)
    for bound in ("gt", "gte", "lt", "lte"):
        if (created := form.part("created") if form.has("created") else Form()).has(bound):
            moment = datetime.fromtimestamp(created.whole(bound, most=10**11), tz=timezone.get_default_timezone())
            rows = rows.filter(**{f"created_at__{bound}": moment})
    rows = rows.order_by("-id")
    if after := form.text("starting_after"):
        rows = rows.filter(id__lt=_cursor(rows, after, "starting_after"))
    if before := form.text("ending_before"):
        rows = rows.filter(id__gt=_cursor(rows, before, "ending_before")).order_by("id")
    found = list(rows[: limit + 1])
    data = [shown(row) for row in found[:limit]]
    return {"object": "list", "url": url, "has_more": len(found) > limit, "data": data[::-1] if before else data}


def _cursor(rows: QuerySet, uid: str, param: str) -> int:
    row = rows.model.objects.filter(uid=uid).only("id").first()
    if row is None:
        raise no_such("object", uid, param, 400)
    return row.id


PAGING = ("limit", "starting_after", "ending_before", "created")


def expansions(form: Form, allowed: Collection[str], prefix: str = "") -> set[str]:
    """What the caller wants shown in full instead of by id."""
    wanted = {each.removeprefix(prefix) for each in form.texts("expand")}
    if unknown := sorted(wanted - set(allowed)):
        raise invalid(f"This property cannot be expanded ({unknown[0][:60]}).", "expand")
    return wanted


def unix(moment: datetime) -> int:
    return int(moment.timestamp())

