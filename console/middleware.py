"""Who is acting on the staff's site: the member of staff, for the whole request."""

import time
from collections.abc import Callable

from django.conf import settings
from django.contrib.auth import logout
from django.db import connection
from django.http import Http404, HttpRequest, HttpResponse

from core.actor import actor
from core.api import has_control
from core.logs import request_id

# In the session: since when it lasts, when a code or key was given last, and when a code was. By the machine's own clock.
SINCE, FRESH, FRESH_CODE = "console_since", "console_fresh", "console_fresh_code"
GetResponse = Callable[[HttpRequest], HttpResponse]


class CleanQueries:
    """A list narrowed by a control character has nothing; the database would choke on a NUL."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: object, args: tuple[str, ...], kwargs: dict[str, object]) -> None:
        given = [*args, *kwargs.values(), *(value for values in request.GET.lists() for value in (values[0], *values[1]))]
        if any(isinstance(value, str) and has_control(value) for value in given):
            raise Http404


class StaffActor:
    """One transaction a request, with the member of staff as its actor; the row policies ask for one.

    So what is shown and the record of having shown it stand or fall together.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not request.user.is_authenticated:
            return self.get_response(request)
        if request.session.get(SINCE, 0) < time.time() - settings.STAFF_ABSOLUTE_SECONDS:
            logout(request)
            return self.get_response(request)
        with actor(request.user.pk):
            with connection.cursor() as cursor:  # the trail's entries and the records of views name the request
                cursor.execute("select set_config('paya.request', %s, true)", [request_id.get()])
            return self.get_response(request)
