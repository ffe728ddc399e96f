"""Who is acting on the staff's site: the member of staff, for the whole request."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from core.actor import actor

GetResponse = Callable[[HttpRequest], HttpResponse]


class StaffActor:
    """One transaction a request, with the member of staff as its actor; the row policies ask for one.

    So what is shown and the record of having shown it stand or fall together.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not request.user.is_authenticated:
            return self.get_response(request)
        with actor(request.user.pk):
            return self.get_response(request)
