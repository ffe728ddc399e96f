"""What holds for every answer of the sandbox."""

from collections.abc import Callable

from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse, JsonResponse

View = Callable[[HttpRequest], HttpResponse]

CSP = (
    "default-src 'none'; style-src 'self'; script-src 'self'; font-src 'self'; img-src 'self'; "
    "connect-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'"
)


def answer_bad_requests(get_response: View) -> View:
    """Turn a path that Django itself cannot read into a plain 400."""

    def middleware(request: HttpRequest) -> HttpResponse:
        if "\x00" in request.path:
            return JsonResponse({"error": "bad path"}, status=400)
        try:
            return get_response(request)
        except RequestDataTooBig:
            return JsonResponse({"error": "body too big"}, status=413)

    return middleware


def security_headers(get_response: View) -> View:
    """A strict policy on everything; a page that must post on to the product widens `form-action` itself."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        response.headers.setdefault("Content-Security-Policy", CSP)
        response.headers.setdefault("X-Content-Type-Options", "nosniff")
        # Not no-referrer: browsers would then send `Origin: null` with the pages' own forms.
        response.headers.setdefault("Referrer-Policy", "same-origin")
        response.headers.setdefault("Cache-Control", "no-store")
        return response

    return middleware
