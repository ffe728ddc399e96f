"""What HTML views share."""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec
from urllib.parse import quote

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from core.errors import PayaError
from core.identity import Session

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponse]


def login_required(view: View[P]) -> View[P]:
    """Only for a person who is logged in and has finished the welcome page; others are sent there and back."""

    @wraps(view)
    def wrapped(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        if request.person is None:  # type: ignore[attr-defined]
            return redirect(f"/login?next={quote(request.get_full_path())}" if request.method == "GET" else "/login")
        if request.profile is None:  # type: ignore[attr-defined]
            return redirect("/welcome")
        response = view(request, *args, **kwargs)
        # A shared computer's back button must not show the last person's money.
        response.headers.setdefault("Cache-Control", "private, no-store")
        return response

    return wrapped  # type: ignore[return-value]


def session_of(request: HttpRequest) -> Session:
    session: Session = request.person  # type: ignore[attr-defined]
    return session


def form_errors(error: PayaError) -> dict[str, str]:
    """A typed error as a form shows it: sentences beside their fields, or one above the form.

    Where it is one of the person's limits, `limit_exceeded` has `_error.html` lead to the page that shows them all, and
    `resets_at` is when it frees, for `_error.html` to write in the reader's own time.
    """
    errors = dict(error.fields) if error.fields else {"__all__": error.detail}
    if error.code == "limit_exceeded" and "maximum" in error.data:
        errors |= {"limit_exceeded": "1", "resets_at": error.data.get("resets_at") or ""}
    return errors
