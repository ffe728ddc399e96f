"""How staff get in: e-mail, password and the code of an authenticator app or a security key, all three at once."""

from typing import Any

from django import forms
from django.contrib.auth.backends import BaseBackend
from django.contrib.auth.forms import AuthenticationForm
from django.http import HttpRequest
from unfold.widgets import BASE_INPUT_CLASSES

from console import keys, services
from core.errors import RateLimited, Unauthenticated
from users.addresses import client_address
from users.models import User


class StaffBackend(BaseBackend):
    """Finds the member of staff behind a session. Log-in itself is `console.services.log_in`, through the form."""

    def get_user(self, user_id: int) -> User | None:
        user = services.staff_by_id(user_id)
        return user if user and user.is_active else None


def _code_field() -> forms.CharField:
    return forms.CharField(
        label="Code of your authenticator app",
        max_length=7,
        required=False,  # a security key may stand in for it
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "inputmode": "numeric"}),
    )


def _key_field() -> forms.CharField:
    """What the browser's script puts there (console/static/console/keys.js)."""
    return forms.CharField(required=False, max_length=keys.LONGEST, widget=forms.HiddenInput)


def _second_factor(request: HttpRequest, data: dict[str, Any], purpose: str) -> dict[str, Any]:
    """The code, or the key where one has answered, as services take them. Raises ValidationError where there is neither."""
    if data["key"]:
        return {"code": "", "key": services.KeySaid(data["key"], keys.binding(request, purpose))}
    if not data["code"]:
        raise forms.ValidationError({"code": "This field is required."})
    return {"code": data["code"].replace(" ", "")}


class AgainForm(forms.Form):
    """That it is still them: the code of now or their key, once more."""

    code = _code_field()
    key = _key_field()

    def __init__(self, request: HttpRequest, *args: Any, code_only: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.request = request
        self.fields["code"].widget.attrs |= {"class": " ".join(BASE_INPUT_CLASSES), "autofocus": True}
        self.code_only = code_only

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = self.cleaned_data
        if self.errors:
            return data
        if self.code_only:
            data["key"] = ""
        factor = _second_factor(self.request, data, keys.AGAIN)
        try:
            services.prove_again(staff_id=int(self.request.user.pk or 0), address=client_address(self.request), **factor)
        except (Unauthenticated, RateLimited) as refusal:
            raise forms.ValidationError({"code": refusal.detail}) from refusal
        return data


class LogInForm(AuthenticationForm):
    """What was wrong is never said: each answer to a wrong try is the same."""

    username = forms.EmailField(label="E-mail", max_length=254, widget=forms.EmailInput(attrs={"autocomplete": "username"}))
    code = _code_field()
    key = _key_field()

    def __init__(self, request: HttpRequest | None = None, *args: Any, **kwargs: Any) -> None:
        super().__init__(request, *args, **kwargs)
        for name in ("username", "password", "code"):
            self.fields[name].widget.attrs["class"] = " ".join(BASE_INPUT_CLASSES)
        self.fields["username"].widget.attrs["autofocus"] = True

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = self.cleaned_data
        if self.request is None or not {"username", "password", "code", "key"} <= data.keys():
            return data
        factor = _second_factor(self.request, data, keys.LOG_IN)
        try:
            self.user_cache = services.log_in(
                email=data["username"],
                password=data["password"],
                address=client_address(self.request),
                **factor,
            )
        except (Unauthenticated, RateLimited) as refusal:
            raise forms.ValidationError(refusal.detail) from refusal
        self.user_cache.backend = "console.auth.StaffBackend"
        return data
