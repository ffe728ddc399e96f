"""Pages for what went wrong, and the two health addresses."""

import hmac
import logging
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from core import errors
from core.logs import request_id
from core.problems import problem
from core.resilience import health, probed

log = logging.getLogger("paya.page")


def error_page(request: HttpRequest, error: errors.PayaError) -> HttpResponse:
    context = {"title": error.title, "detail": error.detail, "status": error.status, "request_id": request_id.get()}
    response = render(request, "error.html", context, status=error.status)
    if error.retry_after is not None:
        response["Retry-After"] = str(error.retry_after)
    return response


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    if request.path.startswith(("/v1/", "/webhooks/")):
        return problem(errors.NotFound())
    return error_page(request, errors.NotFound("This page does not exist, or it is not yours to see."))


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """What Django refuses before any view sees it: an unknown host, say."""
    if request.path.startswith(("/v1/", "/webhooks/")):
        return problem(errors.ValidationError("This request is not for us."))
    return error_page(request, errors.ValidationError("Your browser sent something that we do not understand."))


def server_error(request: HttpRequest) -> HttpResponse:
    error = errors.PayaError("Something went wrong on our side. Nothing of yours was lost.")
    error.status, error.code, error.title = 500, "internal_error", "That was our mistake"
    if request.path.startswith(("/v1/", "/webhooks/")):
        return problem(error)
    return error_page(request, error)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    return error_page(request, errors.Forbidden("This form was open for too long. Go back, reload the page and try again."))


def healthz(request: HttpRequest) -> HttpResponse:
    """The process answers; nothing else is asked."""
    return JsonResponse({"status": "ok"})


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """For Prometheus: how the service does, over all processes. Only with the token of PAYA_METRICS_TOKEN."""
    from core.prometheus import export  # what it takes to say it, most processes never need

    token = settings.METRICS_TOKEN
    if not token:
        raise Http404
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not hmac.compare_digest(given.strip().encode(), token.encode()):
        refused = HttpResponse("A bearer token is needed.", status=401, content_type="text/plain")
        refused["WWW-Authenticate"] = "Bearer"
        return refused
    return export(request)


ReadinessCheck = Callable[[], None]
_checks: dict[str, ReadinessCheck] = {}


def readiness(name: str) -> Callable[[ReadinessCheck], ReadinessCheck]:
    """Register a check that raises when its dependency is not ready."""

    def register(check: ReadinessCheck) -> ReadinessCheck:
        _checks[name] = check
        return check

    return register


def readyz(request: HttpRequest) -> HttpResponse:
    """200 when every dependency answers, 503 otherwise; each is named with its state and never with its address.

    Vendors are named too, and decide nothing: with all of them down people still pay each other.
    """
    result: dict[str, Any] = {}
    for name, check in _checks.items():
        try:
            check()
            result[name] = "ok"
        except Exception as error:
            log.warning("not_ready", extra={"cause": f"{name}: {type(error).__name__}"})
            result[name] = "down"
    ready = all(state == "ok" for state in result.values())
    vendors = {name: health(name).status for name in probed()}
    answer = {"status": "ok" if ready else "not_ready", "checks": result, "vendors": vendors}
    return JsonResponse(answer, status=200 if ready else 503)
