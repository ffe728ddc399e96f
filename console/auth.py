"""How staff get in: e-mail, password and the code of an authenticator app, all three at once."""

from typing import Any

from django import forms
from django.contrib.auth.backends import BaseBackend
from django.contrib.auth.forms import AuthenticationForm
from django.http import HttpRequest
from unfold.widgets import BASE_INPUT_CLASSES

from console import services
from core.errors import RateLimited, Unauthenticated
from users.addresses import client_address
from users.models import User


class StaffBackend(BaseBackend):
    """Finds the member of staff behind a session. Log-in itself is `console.services.log_in`, through the form."""

    def get_user(self, user_id: int) -> User | None:
        user = services.staff_by_id(user_id)
        return user if user and user.is_active else None


class AgainForm(forms.Form):
    """That it is still them: the code of now, once more."""

    code = forms.CharField(
        label="Code of your authenticator app",
        max_length=7,
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "inputmode": "numeric", "autofocus": True}),
    )

    def __init__(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.request = request
        self.fields["code"].widget.attrs["class"] = " ".join(BASE_INPUT_CLASSES)

    def clean_code(self) -> str:
        code = str(self.cleaned_data["code"]).replace(" ", "")
        try:
            services.prove_again(staff_id=int(self.request.user.pk or 0), code=code, address=client_address(self.request))
        except (Unauthenticated, RateLimited) as refusal:
            raise forms.ValidationError(refusal.detail) from refusal
        return code


class LogInForm(AuthenticationForm):
    """What was wrong is never said: each answer to a wrong try is the same."""

    username = forms.EmailField(label="E-mail", max_length=254, widget=forms.EmailInput(attrs={"autocomplete": "username"}))
    code = forms.CharField(
        label="Code of your authenticator app",
        max_length=7,
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "inputmode": "numeric"}),
    )

    def __init__(self, request: HttpRequest | None = None, *args: Any, **kwargs: Any) -> None:
        super().__init__(request, *args, **kwargs)
        for field in self.fields.values():
            field.widget.attrs["class"] = " ".join(BASE_INPUT_CLASSES)
        self.fields["username"].widget.attrs["autofocus"] = True

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = self.cleaned_data
        if self.request is None or not {"username", "password", "code"} <= data.keys():
            return data
        try:
            self.user_cache = services.log_in(
                email=data["username"],
                password=data["password"],
                code=data["code"].replace(" ", ""),
                address=client_address(self.request),
            )
        except (Unauthenticated, RateLimited) as refusal:
            raise forms.ValidationError(refusal.detail) from refusal
        self.user_cache.backend = "console.auth.StaffBackend"
        return data
