"""Errors as RFC 9457 problem documents, in this one place."""

from collections.abc import Mapping
from typing import Any

from django.db import Error as DatabaseError
from django.db import InterfaceError, OperationalError
from django.http import Http404, JsonResponse
from rest_framework import exceptions as drf

from core import errors
from core.actor import NO_ACTOR_SQLSTATE
from core.logs import request_id

PROBLEM = "application/problem+json"


def problem(error: errors.PayaError) -> JsonResponse:
    """The RFC 9457 document of a typed error, and its headers."""
    document: dict[str, Any] = {
        "type": f"https://paya.example/problems/{error.code}",
        "title": error.title,
        "status": error.status,
        "code": error.code,
        "detail": error.detail,
        "request_id": request_id.get(),
        **error.data,
    }
    if error.fields:
        document["errors"] = error.fields
    response = JsonResponse(document, status=error.status, content_type=PROBLEM)
    if error.retry_after is not None:
        response["Retry-After"] = str(error.retry_after)
    if error.status == 401:
        response["WWW-Authenticate"] = 'Bearer realm="paya"'
    return response


def as_paya_error(error: Exception) -> errors.PayaError | None:
    """The typed error that stands for an exception of Django, DRF or the database; None for a real bug."""
    if isinstance(error, errors.PayaError):
        return error
    if isinstance(error, drf.ValidationError):
        return errors.ValidationError(fields=_fields(error.detail))
    if isinstance(error, drf.ParseError):
        return errors.ValidationError(str(error.detail))
    if isinstance(error, drf.NotAuthenticated | drf.AuthenticationFailed):
        return errors.Unauthenticated()
    if isinstance(error, drf.PermissionDenied):
        return errors.Forbidden()
    if isinstance(error, drf.NotFound | Http404):
        return errors.NotFound()
    if isinstance(error, drf.MethodNotAllowed):
        return errors.MethodNotAllowed()
    if isinstance(error, drf.UnsupportedMediaType | drf.NotAcceptable):
        other = errors.ValidationError("Send and accept application/json.")
        other.code, other.status, other.title = "unsupported_media_type", error.status_code, "Unsupported media type"
        return other
    return _database_error(error) if isinstance(error, DatabaseError) else None


def _database_error(error: DatabaseError) -> errors.PayaError | None:
    """Lock time-outs and lost connections are nobody's mistake: try again. A missing actor is ours: a bug."""
    sqlstate = getattr(error.__cause__, "pgcode", None)
    if sqlstate == NO_ACTOR_SQLSTATE:
        raise errors.NoActor(str(error)) from error
    if sqlstate in ("55P03", "40001", "40P01", "57014"):
        return errors.ServiceUnavailable("This was busy for too long. Nothing was done; please try again.", retry_after=1)
    if isinstance(error, OperationalError | InterfaceError):
        return errors.ServiceUnavailable(retry_after=2)
    return None


def _fields(detail: Any) -> dict[str, str]:
    if not isinstance(detail, Mapping):
        return {"body": _first(detail)}
    return {("body" if name == "non_field_errors" else str(name)): _first(value) for name, value in detail.items()}


def _first(value: Any) -> str:
    while isinstance(value, list | tuple | Mapping) and value:
        value = next(iter(value.values())) if isinstance(value, Mapping) else value[0]
    return str(value)


