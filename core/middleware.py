"""Request ids and the two places where an exception becomes an answer: problem documents under /v1, words on pages."""

import logging
import re
import time
from collections.abc import Callable

from django.core.exceptions import RequestDataTooBig, SuspiciousOperation, TooManyFieldsSent
from django.http import Http404, HttpRequest, HttpResponse
from django.http.multipartparser import MultiPartParserError
from django.middleware.gzip import GZipMiddleware

from core import errors, metrics
from core.api import has_control
from core.ids import new_id
from core.logs import request_id
from core.problems import as_paya_error, problem
from core.views import error_page

log = logging.getLogger("paya.request")
GetResponse = Callable[[HttpRequest], HttpResponse]
_ID = re.compile(r"[A-Za-z0-9_-]{8,64}")


def is_api(request: HttpRequest) -> bool:
    return request.path.startswith(("/v1/", "/webhooks/"))


class RequestId:
    """Gives each request an id (a sane incoming X-Request-ID is kept), answers it, and logs one line a request."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        given = request.headers.get("X-Request-ID", "")
        token = request_id.set(given if _ID.fullmatch(given) else new_id("req"))
        started = time.monotonic()
        try:
            response = self.get_response(request)
            response["X-Request-ID"] = request_id.get()
            match, seconds = request.resolver_match, time.monotonic() - started
            route = match.route if match else "unknown"
            metrics.observe(route, str(request.method), response.status_code, seconds)
            log.info("request", extra={
                "method": request.method, "route": route, "status": response.status_code, "ms": round(seconds * 1000, 1),
            })  # fmt: skip
            return response
        finally:
            request_id.reset(token)


class GZipPages(GZipMiddleware):
    """Compresses pages, and styles and scripts where no compressed copy lies ready; the API's answers are small.

    Django hides the CSRF token behind a new mask and pads the length each time, so compression tells nothing of it.
    """

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:  # type: ignore[override]
        if is_api(request) or not response.get("Content-Type", "").startswith(("text/", "image/svg")):
            return response
        compressed: HttpResponse = super().process_response(request, response)  # type: ignore[assignment]
        return compressed


class ApiBoundary:
    """Under /v1 every answer is JSON: unknown paths, wrong methods and what escapes a view become problems here.

    No answer is kept by anybody on its way, but those that say how long they may be (core/publishing.py).
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if not is_api(request):
            return response
        response = self._as_json(response)
        response.headers.setdefault("Cache-Control", "private, no-store")
        return response

    @staticmethod
    def _as_json(response: HttpResponse) -> HttpResponse:
        if "json" in response.get("Content-Type", "") or response.status_code < 400:
            return response
        if response.status_code == 404:
            return problem(errors.NotFound())
        if response.status_code == 405:
            refused = problem(errors.MethodNotAllowed())
            refused["Allow"] = response["Allow"]
            return refused
        return problem(_plain(response.status_code))

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if not is_api(request):
            return None
        if isinstance(exception, RequestDataTooBig):
            return problem(_plain(413))
        if isinstance(exception, MultiPartParserError | TooManyFieldsSent | SuspiciousOperation):
            return problem(errors.ValidationError("The body is not what its Content-Type says."))
        known = as_paya_error(exception)
        if known is None:
            log.exception("api_bug")
            return problem(_plain(500))
        return problem(known)


def _plain(status: int) -> errors.PayaError:
    error = errors.PayaError({413: "The body is too large."}.get(status, "Something went wrong on our side."))
    error.status = status
    error.code = {413: "body_too_large", 500: "internal_error"}.get(status, "error")
    return error


class KnownHost:
    """A request for a host that we are not is refused; Django itself looks only where a view asks for the host.

    The health checks answer under any: a load balancer asks for an address.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path not in ("/healthz", "/readyz"):
            request.get_host()
        return self.get_response(request)


class CleanAddresses:
    """An address with a control character in it names nothing; the database would choke on a NUL, in forms as well."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: object, args: tuple[str, ...], kwargs: dict[str, object]) -> None:
        if any(isinstance(part, str) and has_control(part) for part in (*args, *kwargs.values())):
            raise Http404
        # The API reads its bodies itself.
        fields = () if is_api(request) else (*request.GET.lists(), *request.POST.lists())
        if any("\0" in text for name, values in fields for text in (name, *values)):
            raise SuspiciousOperation("a NUL in a form")


class PageErrors:
    """On pages a typed error that no view caught becomes a page in words, and so does an address that is a button's."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if response.status_code != 405 or is_api(request):
            return response
        # The browser's "reload" or an old bookmark: without a body it would show an error of its own.
        error = errors.MethodNotAllowed("Only a button leads here. Go back to its page and press it there.")
        error.title = "There is no page here"
        page = error_page(request, error)
        page["Allow"] = response["Allow"]
        return page

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if is_api(request) or isinstance(exception, Http404):
            return None
        if isinstance(exception, RequestDataTooBig | TooManyFieldsSent | SuspiciousOperation):
            return error_page(request, errors.ValidationError("That was too much, or not a form of ours."))
        known = as_paya_error(exception)
        return error_page(request, known) if known else None
