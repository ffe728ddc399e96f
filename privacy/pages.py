"""Pages: /settings/privacy with the copy of one's data, and closing the account."""

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from core.errors import NotFound, PayaError
from core.pages import form_errors, login_required, session_of
from privacy.api import as_file
from privacy.models import Export
from privacy.services import closing, exports
from users import legal
from users import services as users
from users.addresses import client_address
from users.pages import six_digits

_CHALLENGE = "closing_challenge"


@require_safe
@login_required
def privacy(request: HttpRequest) -> HttpResponse:
    user_id = session_of(request).user_id
    accepted = users.acceptances(user_id=user_id)
    context = {
        **_copy(user_id),
        "closing": closing.closing_of(user_id=user_id),
        "accepted": [(legal.find(row.document, row.version), row) for row in accepted],
        "outstanding": users.outstanding_terms(user_id=user_id),
    }
    return render(request, "privacy/privacy.html", context)


def _copy(user_id: int) -> dict[str, object]:
    export = exports.newest(user_id=user_id)
    token = exports.token_for(export) if export else None
    file = f"/settings/privacy/copy/{export.public_id}?token={token}" if export and token else ""
    under_way = export is not None and export.status in Export.UNDER_WAY
    return {"export": export, "file": file, "under_way": under_way}


@require_safe
@login_required
def copy_state(request: HttpRequest) -> HttpResponse:
    """How far the copy is: the part of the page that asks again by itself while it is being made."""
    return render(request, "privacy/_copy.html", _copy(session_of(request).user_id))


@require_POST
@login_required
def ask_copy(request: HttpRequest) -> HttpResponse:
    try:
        exports.ask(user_id=session_of(request).user_id)
    except PayaError as error:
        messages.error(request, error.detail)
    return redirect("/settings/privacy")


@require_safe
@login_required
def copy_file(request: HttpRequest, export_id: str) -> HttpResponse:
    token = request.GET.get("token", "")
    return as_file(exports.read(user_id=session_of(request).user_id, public_id=export_id, token=token))


@require_http_methods(["GET", "POST"])
@login_required
def close(request: HttpRequest) -> HttpResponse:
    """What closing means, and the code that confirms it; afterwards how far it is."""
    user_id = session_of(request).user_id
    running = closing.closing_of(user_id=user_id)
    if running is not None:
        return render(request, "privacy/closing.html", {"closing": running, "waits": _words(running.waits_for)})
    challenge = request.session.get(_CHALLENGE)
    if request.method == "GET":
        return _close_page(request, bool(challenge))
    try:
        if "send" in request.POST or not challenge:
            asked = users.request_own_code(
                user_id=user_id, address=client_address(request), purpose=users.Purpose.CLOSE
            )
            request.session[_CHALLENGE] = asked.challenge
        else:
            code = six_digits("".join(request.POST.get("code", "").split()))
            device = session_of(request).device_id
            closing.close_account(user_id=user_id, device_id=device, challenge=challenge, code=code)
            del request.session[_CHALLENGE]
    except PayaError as error:
        return _close_page(request, bool(request.session.get(_CHALLENGE)), error)
    return redirect("/settings/privacy/close")


def _close_page(request: HttpRequest, code_sent: bool, error: PayaError | None = None) -> HttpResponse:
    context = {
        "outlook": closing.outlook(user_id=session_of(request).user_id), "code_sent": code_sent,
        "support_address": settings.SUPPORT_ADDRESS,
        "errors": form_errors(error) if error else {},
    }  # fmt: skip
    return render(request, "privacy/close.html", context, status=400 if error else 200)


@require_POST
@login_required
def keep(request: HttpRequest) -> HttpResponse:
    try:
        closing.keep_account(user_id=session_of(request).user_id)
        messages.success(request, "Your account stays open.")
    except NotFound:
        pass  # as wished
    except PayaError as error:
        messages.error(request, error.detail)
        return redirect("/settings/privacy/close")
    return redirect("/settings/privacy")


def _words(waits_for: list[str]) -> list[str]:
    return [closing.WAITS[one] for one in waits_for if one in closing.WAITS]
