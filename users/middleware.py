"""Who is looking at a page (the Django session names a device, and the device its person), and how often somebody asks."""

from collections.abc import Callable

from django.conf import settings
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse

from core import ratelimit
from core.errors import PayaError, RateLimited
from core.middleware import is_api
from core.problems import as_paya_error, problem
from core.views import error_page
from users import services
from users.addresses import address_index, client_address
from users.authentication import claims_of
from users.errors import SessionEnded
from users.services.sessions import Access

SESSION_DEVICE = "device"


class PersonMiddleware:
    """Sets `request.person` (Session or None) and `request.profile` (None before the welcome page).

    Without a session cookie, and under /v1 where only the bearer token counts, it asks nobody.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.person = request.profile = None  # type: ignore[attr-defined]
        if settings.SESSION_COOKIE_NAME in request.COOKIES and not is_api(request):
            try:
                access = _access(request)
            except DatabaseError as error:
                known = as_paya_error(error)
                if known is None:
                    raise
                return error_page(request, known)
            if access is not None:
                request.person, request.profile = access.session, access.profile  # type: ignore[attr-defined]
        return self.get_response(request)


def _access(request: HttpRequest) -> Access | None:
    device = request.session.get(SESSION_DEVICE)
    return services.access(device_public_id=device) if device else None


class RateLimit:
    """So many requests a minute of one person, over API and pages and all their devices; of one address where nobody is known.

    Only reads pass uncounted while Redis is away. A token counts for the person that it was signed for: whether its device
    is still good takes the database, which this stands before. Not counted: static files, which are answered before this,
    and what asks whether the process is alive. Vendors' webhooks have a cap of their own.
    """

    FREE = ("/healthz", "/readyz", "/metrics")
    READS = ("GET", "HEAD", "OPTIONS")

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path in self.FREE:
            return self.get_response(request)
        key, limit, sure = self._who(request)
        try:
            wait = ratelimit.spend(key=key, limit=limit, sure=sure)
        except DatabaseError as error:
            known = as_paya_error(error)
            if known is None:
                raise
            return _refusal(request, known)
        if wait:
            words = f"That was more than {limit} requests within a minute. Please wait a little."
            return _refusal(request, RateLimited(words, retry_after=wait))
        return self.get_response(request)

    def _who(self, request: HttpRequest) -> tuple[str, int, bool]:
        """Under which name a request counts, how many of them a minute has, and whether it must be counted."""
        if request.path.startswith("/webhooks/"):
            # What a vendor sends is checked by its signature and sent again: better uncounted than lost.
            return f"webhooks|{_address(request)}", settings.RATE_PER_VENDOR, False
        sure = request.method not in self.READS
        person = _person(request)
        if person is None:
            return _address(request), settings.RATE_PER_ADDRESS, sure
        return person, settings.RATE_PER_PERSON, sure


def _person(request: HttpRequest) -> str | None:
    """The public id of whoever asks; None for nobody, and for a token that is not ours or over."""
    if not is_api(request):
        session = request.person  # type: ignore[attr-defined]
        return session.user_public_id if session else None
    try:
        claims = claims_of(request)
    except SessionEnded:
        return None
    return claims.user_public_id if claims else None


def _address(request: HttpRequest) -> str:
    return address_index(client_address(request)).hex()


def _refusal(request: HttpRequest, error: PayaError) -> HttpResponse:
    return problem(error) if is_api(request) else error_page(request, error)
