"""Pages: phone, code, welcome, devices, log out.

The challenge being answered and where to go afterwards are kept in the session, not in addresses or forms.
"""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST, require_safe

from core.errors import NotFound, PayaError, RateLimited
from core.pages import form_errors, login_required, session_of
from users import legal, phones, queries, services, usernames
from users.addresses import client_address, network_words
from users.errors import CodeRefused
from users.middleware import SESSION_DEVICE
from users.services.codes import Pending, pending

HOME = "/home"
_CHALLENGE, _NEXT = "challenge", "next"


@never_cache
@require_http_methods(["GET", "POST"])
def login(request: HttpRequest) -> HttpResponse:
    if _person(request):
        return redirect(HOME)
    if request.method == "GET":
        _remember_next(request)
        return render(request, "users/login.html", {"errors": {}, "values": {}})
    phone = request.POST.get("phone", "")[:64]
    try:
        asked = services.request_code(phone=phone, address=client_address(request))
    except PayaError as error:
        return _form(request, "users/login.html", error, values={"phone": phone})
    request.session[_CHALLENGE] = asked.challenge
    return redirect("/login/code")


@never_cache
@require_http_methods(["GET", "POST"])
def code(request: HttpRequest) -> HttpResponse:
    if _person(request):
        return redirect(HOME)
    asked = _asked(request)
    if asked is None:
        return redirect("/login")
    if request.method == "GET":
        return _code_page(request, asked)
    typed = "".join(request.POST.get("code", "").split())
    try:
        opened = services.check_code(
            challenge=asked.challenge,
            code=six_digits(typed),
            device_name=_browser(request),
            user_agent=request.headers.get("User-Agent", ""),
            address=client_address(request),
        )
    except PayaError as error:
        return _code_page(request, asked, error)
    after = _log_in(request, opened.device_public_id)
    return redirect(after)


@never_cache
@require_http_methods(["GET", "POST"])
def resend(request: HttpRequest) -> HttpResponse:
    asked = _asked(request)
    if asked is None:
        return redirect("/login")
    if request.method == "POST":
        try:
            again = services.resend_code(challenge=asked.challenge, address=client_address(request))
        except PayaError as error:
            return _code_page(request, asked, error)
        request.session[_CHALLENGE] = again.challenge
    return redirect("/login/code")


@never_cache
@require_http_methods(["GET", "POST"])
def welcome(request: HttpRequest) -> HttpResponse:
    if not _person(request):
        return redirect("/login")
    if request.profile is not None:  # type: ignore[attr-defined]
        return redirect(HOME)
    if request.method == "GET":
        return render(request, "users/welcome.html", {"errors": {}, "values": {}})
    values = {name: request.POST.get(name, "") for name in ("username", "display_name", "default_visibility")}
    try:
        services.welcome(user_id=session_of(request).user_id, **values)
    except PayaError as error:
        return _form(request, "users/welcome.html", error, values=values)
    return redirect(request.session.pop(_NEXT, HOME))


@never_cache
@require_GET
def welcome_check(request: HttpRequest) -> HttpResponse:
    """The words beside the username while it is typed."""
    typed = request.GET.get("username", "")[:64]
    if not _person(request) or not usernames.normalise(typed):
        return HttpResponse("")
    refusal = services.check_username(username=typed, user_id=session_of(request).user_id)
    text = refusal or f"@{usernames.normalise(typed)} is free."
    return render(request, "users/_username_check.html", {"ok": refusal is None, "text": text})


@require_POST
def logout(request: HttpRequest) -> HttpResponse:
    if _person(request):
        session = session_of(request)
        services.revoke_device(user_id=session.user_id, device_id=session.device_id)
    return _logged_out(request)


@require_safe
@login_required
def devices(request: HttpRequest) -> HttpResponse:
    """Where this person is logged in."""
    session = session_of(request)
    found = queries.devices(user_id=session.user_id)
    rows = [
        {
            "id": device.public_id,
            "name": device.name,
            "where": network_words(device.network),
            "since": device.created_at,
            "seen": device.last_seen_at,
            "current": device.id == session.device_id,
        }
        for device in sorted(found, key=lambda device: device.id != session.device_id)
    ]
    return render(request, "users/devices.html", {"devices": rows})


@require_POST
@login_required
def logout_device(request: HttpRequest, device: str) -> HttpResponse:
    session = session_of(request)
    try:
        ended = services.log_out_device(user_id=session.user_id, device_public_id=device)
    except NotFound:
        ended = 0  # it was logged out meanwhile: what was wanted
    if ended == session.device_id:
        return _logged_out(request)
    messages.success(request, "That device is logged out.")
    return redirect("/settings/devices")


@require_POST
@login_required
def logout_everywhere(request: HttpRequest) -> HttpResponse:
    session = session_of(request)
    keep = request.POST.get("keep") == "this"
    count = services.log_out_everywhere(user_id=session.user_id, but=session.device_id if keep else None)
    if not keep:
        return _logged_out(request)
    said = {0: "There was no other device.", 1: "The other device is logged out."}
    messages.success(request, said.get(count, f"The other {count} devices are logged out."))
    return redirect("/settings/devices")


@require_safe
def legal_page(request: HttpRequest, document: str, version: str = "") -> HttpResponse:
    """The terms of service or the privacy notice, the newest or an earlier version."""
    found = legal.find(document, version)
    if found is None:
        raise Http404
    versions = [each for each in legal.VERSIONS if each.document == document]
    asked = bool(_person(request)) and found in services.outstanding_terms(user_id=session_of(request).user_id)
    return render(request, "users/legal.html", {"version": found, "versions": versions[::-1], "asked": asked})


@require_safe
def legal_version(request: HttpRequest, document: str, number: int) -> HttpResponse:
    return legal_page(request, document, str(number))


@require_POST
@login_required
def accept_terms(request: HttpRequest) -> HttpResponse:
    try:
        services.accept_terms(
            user_id=session_of(request).user_id,
            document=request.POST.get("document", ""), version=request.POST.get("version", ""),
        )  # fmt: skip
    except NotFound as error:
        raise Http404 from error
    except PayaError as error:
        messages.error(request, error.detail)
        return redirect("/settings/privacy")
    messages.success(request, "Thank you. We keep which version you accepted, and when.")
    return redirect(HOME)


def _logged_out(request: HttpRequest) -> HttpResponse:
    request.session.flush()
    return redirect("/")


def _person(request: HttpRequest) -> bool:
    return request.person is not None  # type: ignore[attr-defined]


def _asked(request: HttpRequest) -> Pending | None:
    """The challenge that this browser is answering."""
    challenge = request.session.get(_CHALLENGE)
    return pending(challenge=challenge) if challenge else None


def _code_page(request: HttpRequest, asked: Pending, error: PayaError | None = None) -> HttpResponse:
    context: dict[str, Any] = {"phone_hint": phones.hint(asked.phone), "resend_in": asked.resend_in}
    if error is not None:
        return _form(request, "users/code.html", error, **context)
    return render(request, "users/code.html", {"errors": {}, **context})


def _form(request: HttpRequest, template: str, error: PayaError, **context: Any) -> HttpResponse:
    """The form again, with its words."""
    status = error.status if isinstance(error, RateLimited) else 400
    response = render(request, template, {"errors": form_errors(error), **context}, status=status)
    if error.retry_after is not None:
        response["Retry-After"] = str(error.retry_after)
    return response


def six_digits(typed: str) -> str:
    """Refused here, and not counted as a try, when it cannot be a code."""
    if len(typed) != 6 or not (typed.isascii() and typed.isdigit()):
        raise CodeRefused(fields={"code": "The code is the six digits in our message."})
    return typed


def _remember_next(request: HttpRequest) -> None:
    """Where to go after logging in: paths of ours only."""
    target = request.GET.get("next", "")
    if target.startswith("/") and len(target) <= 500 and url_has_allowed_host_and_scheme(target, allowed_hosts=None):
        request.session[_NEXT] = target
    elif _NEXT in request.session:
        del request.session[_NEXT]


def _log_in(request: HttpRequest, device_public_id: str) -> str:
    """Tie the session to its device under a new key, for the old one was known before; where to go next.

    Whoever has no name yet is sent to the welcome page by the page that they arrive at.
    """
    after: str = request.session.get(_NEXT, HOME)
    request.session.cycle_key()
    request.session.pop(_CHALLENGE, None)
    request.session[SESSION_DEVICE] = device_public_id
    access = services.access(device_public_id=device_public_id)
    if access is not None and access.profile is None:
        return "/welcome"
    request.session.pop(_NEXT, None)
    return after


def _browser(request: HttpRequest) -> str:
    """A name to recognise a device by: "Firefox on Android"."""
    agent = request.headers.get("User-Agent", "")
    browser = next((name for mark, name in _BROWSERS if mark in agent), "Browser")
    system = next((name for mark, name in _SYSTEMS if mark in agent), "")
    return f"{browser} on {system}" if system else browser


_BROWSERS = [
    ("Edg", "Edge"),
    ("OPR", "Opera"),
    ("Firefox", "Firefox"),
    ("Chrom", "Chrome"),
    ("Safari", "Safari"),
]
_SYSTEMS = [
    ("iPhone", "iPhone"), ("iPad", "iPad"), ("Android", "Android"), ("Windows", "Windows"), ("Mac OS", "Mac"),
    ("Linux", "Linux"),
]  # fmt: skip
