"""The frame of every call to Plaid: credentials, errors, and strict reading of bodies."""

import re
import secrets
from collections.abc import Callable
from datetime import datetime
from functools import wraps
from typing import Any

from django.conf import settings
from django.db import transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt

from sandbox import faults
from sandbox.http import BadJson, known, read_json

PRODUCTS = {"auth", "identity", "balance", "transactions", "signal", "transfer", "assets", "liabilities",
            "investments", "statements", "income_verification", "processor_payments", "identity_match"}
COUNTRIES = {"US", "CA", "GB", "IE", "FR", "ES", "NL", "DE", "IT", "PL", "DK", "NO", "SE", "EE", "LT", "LV",
             "PT", "BE", "AT", "FI"}
LANGUAGES = {"da", "nl", "en", "et", "fr", "de", "hi", "it", "lv", "lt", "no", "pl", "pt", "ro", "es", "sv", "vi"}
class PlaidError(Exception):
    """An error with Plaid's type and code."""

    def __init__(self, kind: str, code: str, message: str, status: int = 400, display: str | None = None) -> None:
        self.kind, self.code, self.message, self.status, self.display = kind, code, message, status, display

    def body(self) -> dict[str, Any]:
        page = self.kind.lower().replace("_", "-").removesuffix("-error")
        return {
            "error_type": self.kind, "error_code": self.code, "error_message": self.message,
            "error_code_reason": None, "display_message": self.display, "request_id": request_id(),
            "causes": [], "status": self.status, "suggested_action": None,
            "documentation_url": f"https://plaid.com/docs/errors/{page}/#{self.code.lower()}",
        }


def missing(name: str) -> PlaidError:
    return PlaidError("INVALID_REQUEST", "MISSING_FIELDS", f"the following required fields are missing: {name}")


def invalid(message: str) -> PlaidError:
    return PlaidError("INVALID_REQUEST", "INVALID_FIELD", message)


LOGIN_REQUIRED_TEXT = (
    "the login details of this item have changed (credentials, MFA, or required user action) and a user login "
    "is required to update this information"
)
LOGIN_REQUIRED = (
    "ITEM_ERROR", "ITEM_LOGIN_REQUIRED", LOGIN_REQUIRED_TEXT, 400, "The bank wants you to log in again.",
)


REVOKED = (
    "ITEM_ERROR", "USER_PERMISSION_REVOKED",
    "the holder of this account has revoked their permission for your application to access it",
)


class Body(dict):
    """A request body whose fields are read with their types."""

    def text(self, name: str, *, default: str | None = None, longest: int = 500) -> str:
        value = self.get(name)
        if value is None:
            if default is None:
                raise missing(name)
            return default
        if not isinstance(value, str) or len(value) > longest:
            raise invalid(f"{name} must be a properly formatted, non-empty string")
        if not value and default is None:
            raise invalid(f"{name} must be a non-empty string")
        return value

    def texts(self, name: str, *, allowed: set[str], required: bool = True) -> list[str]:
        value = self.get(name)
        if value is None and not required:
            return []
        if value is None:
            raise missing(name)
        if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
            raise invalid(f"{name} must be an array of strings")
        if required and not value:
            raise invalid(f"{name} must be a non-empty array")
        if unknown := [each for each in value if each not in allowed]:
            raise invalid(f"{name} has an unknown value: {unknown[0][:40]}")
        return value

    def part(self, name: str) -> "Body":
        value = self.get(name)
        if value is None:
            return Body()
        if not isinstance(value, dict):
            raise invalid(f"{name} must be an object")
        return Body(value)

    def url(self, name: str) -> str:
        value = self.text(name, default="")
        if value and not re.fullmatch(r"https?://[^\s/]+\S*", value):
            raise invalid(f"{name} must be a valid URL")
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
                answer = {**view(body), "request_id": request_id()}
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
        raise missing("client_id" if not client else "secret")
    if not known((client, secret), settings.PLAID_CREDENTIALS):
        raise PlaidError("INVALID_INPUT", "INVALID_API_KEYS", "invalid client_id or secret provided")
    return body


def request_id() -> str:
    return secrets.token_urlsafe(12).replace("-", "x").replace("_", "y")[:15]


def stamp(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
