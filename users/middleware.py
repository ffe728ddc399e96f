"""Who is looking at a page: the Django session names a device, and the device its person."""

from collections.abc import Callable

from django.conf import settings
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse

from core.middleware import is_api
from core.problems import as_paya_error
from core.views import error_page
from users import services
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
