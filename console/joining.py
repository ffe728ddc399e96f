"""The page behind a member's one-time link: a password where they have none, and an authenticator app, by themselves.

The secret is made anew each time that the page is shown. It is kept nowhere until a code of it was right: what comes back with
the form is what this page has signed, for this link.
"""

from base64 import b32encode
from typing import Any

import segno
from django import forms
from django.contrib.auth import login
from django.contrib.auth.password_validation import CommonPasswordValidator, MinimumLengthValidator, validate_password
from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from unfold.widgets import BASE_INPUT_CLASSES

from console import services
from console.services import Invited
from core.errors import PayaError
from users.addresses import client_address

LONG_ENOUGH = 12
SHOWN_FOR = 30 * 60  # seconds that a page's secret may be enrolled


class JoinForm(forms.Form):
    password = forms.CharField(
        max_length=200, strip=False, widget=forms.PasswordInput(attrs={"autocomplete": "new-password", "autofocus": True})
    )
    again = forms.CharField(
        label="The password once more", max_length=200, strip=False, required=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )  # fmt: skip
    code = forms.CharField(
        label="The code that your app shows now", max_length=7,
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "inputmode": "numeric"}),
    )  # fmt: skip
    shown = forms.CharField(max_length=300, widget=forms.HiddenInput)

    def __init__(self, found: Invited, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.found = found
        password = self.fields["password"]
        password.label = "Your password" if found.has_password else "Choose a password"
        if found.has_password:
            password.widget.attrs["autocomplete"] = "current-password"
            del self.fields["again"]
        else:
            password.help_text = f"At least {LONG_ENOUGH} characters, and none that is in every list."
        for field in self.visible_fields():
            field.field.widget.attrs["class"] = " ".join(BASE_INPUT_CLASSES)

    def clean_code(self) -> str:
        return str(self.cleaned_data["code"]).replace(" ", "")

    def clean_password(self) -> str:
        password = str(self.cleaned_data["password"])
        if not self.found.has_password:
            validate_password(password, password_validators=[MinimumLengthValidator(LONG_ENOUGH), CommonPasswordValidator()])
        return password

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = self.cleaned_data
        if "again" in data and data.get("password", data["again"]) != data["again"]:
            self.add_error("again", "This is not the same.")
        return data


def page(request: HttpRequest, token: str, context: dict[str, Any]) -> HttpResponse:
    """Shows what to enrol; a POST enrols it and lets them in. Looking at the page uses nothing up."""
    context |= {"title": "Join the staff"}
    if request.user.is_authenticated:
        return _said(request, context, "Somebody is logged in here. Please log out first, or open the link elsewhere.", 409)
    found = services.invited(token)
    if found is None:
        return _said(request, context, services.LINK_IS_GONE, 404)
    secret = _secret_in(request, token) or services.new_secret()
    form = JoinForm(found, request.POST or None, initial={"shown": _signed(secret, token)})
    if request.method == "POST" and _secret_in(request, token) is None:
        return _said(request, context, "This page was open for too long. Please open the link again.", 400)
    if form.is_valid():
        given = form.cleaned_data
        try:
            member = services.join(
                token=token, password=given["password"], secret=secret, code=given["code"], address=client_address(request)
            )
        except PayaError as refusal:
            form.add_error(None, refusal.detail)
        else:
            login(request, member, backend="console.auth.StaffBackend")
            return redirect("admin:index")
    url = services.otpauth_url(str(found.member.email), secret)
    context |= {
        "form": form, "member": found.member.email, "is_new": not found.has_password, "otpauth": url, "picture": _picture(url),
        "secret": _in_fours(secret),
    }  # fmt: skip
    return TemplateResponse(request, "console/join.html", context, status=400 if form.errors else 200)


def _said(request: HttpRequest, context: dict[str, Any], words: str, status: int) -> HttpResponse:
    return TemplateResponse(request, "console/join.html", context | {"problem": words}, status=status)


def _signed(secret: bytes, token: str) -> str:
    return signing.dumps(secret.hex(), salt=f"console.join:{token}")


def _secret_in(request: HttpRequest, token: str) -> bytes | None:
    """The secret that this page had shown, for this link and not long ago."""
    try:
        return bytes.fromhex(signing.loads(request.POST.get("shown", ""), salt=f"console.join:{token}", max_age=SHOWN_FOR))
    except signing.BadSignature:
        return None


def _picture(url: str) -> str:
    """A QR code as text that an <img> takes; dark on white whatever the theme, which cameras want."""
    return str(segno.make(url, error="m").svg_data_uri(scale=5, border=3, dark="#1c1a16", light="#fff"))


def _in_fours(secret: bytes) -> str:
    text = b32encode(secret).decode().rstrip("=")
    return " ".join(text[at : at + 4] for at in range(0, len(text), 4))
