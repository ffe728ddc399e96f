"""Security keys (WebAuthn): what a browser is asked for, whether what comes back is right, and the page of one's own keys."""

import hashlib
import json
import time
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode, urlsplit

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from unfold.widgets import BASE_INPUT_CLASSES
from webauthn import (
    generate_authentication_options,
    generate_registration_options,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers import (
    base64url_to_bytes,
    generate_challenge,
    options_to_json_dict,
    parse_authentication_credential_json,
)
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from console.middleware import FRESH_CODE
from console.models import KeyChallenge, SecurityKey, real_time
from core.api import has_control
from core.errors import PayaError, Unauthenticated
from core.staff import allowed, call
from users.models import User

GOOD_FOR = timedelta(minutes=2)
LOG_IN, AGAIN, ADD = "log in", "again", "add"
LONGEST = 8192  # of what a browser sends; a key's answer is a tenth of it
_WHY = "Their own key, with a code of the last minutes."
_NOT_RIGHT = "This key is not right. Please try again."


# ---------------------------------------------------------------------------------------------------- the protocol
def origin() -> str:
    """The one address at which keys are good, or "" where there are none."""
    return str(settings.STAFF_ORIGIN).rstrip("/")


def _domain() -> str:
    return urlsplit(origin()).hostname or ""


def here(request: HttpRequest) -> dict[str, Any]:
    """For pages that offer a key: where keys work, and whether this is there."""
    return {"keys_at": origin(), "keys_here": origin() == f"{request.scheme}://{request.get_host()}"}


def binding(request: HttpRequest, purpose: str) -> bytes:
    """What a challenge holds for: this browser (its session, or before there is one its CSRF cookie) and this purpose."""
    known = request.user.is_authenticated
    whose = f"{request.user.pk}:{request.session.session_key}" if known else request.META.get("CSRF_COOKIE", "")
    return hashlib.sha256(json.dumps([purpose, whose]).encode()).digest()


def _challenge(bound: bytes) -> bytes:
    KeyChallenge.objects.filter(at__lt=real_time() - GOOD_FOR).delete()
    challenge = generate_challenge()
    KeyChallenge.objects.create(challenge=challenge, bound=bound)
    return challenge


def take(answer: str, bound: bytes) -> bytes:
    """The challenge that a browser's answer names, which is used up with this, whatever comes of it. Raises Unauthenticated."""
    try:
        said = json.loads(base64url_to_bytes(json.loads(answer)["response"]["clientDataJSON"]))
        challenge = base64url_to_bytes(said["challenge"])
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise Unauthenticated(_NOT_RIGHT) from error
    # Of two requests with one answer, one finds the row.
    taken, _ = KeyChallenge.objects.filter(challenge=challenge, bound=bound, at__gt=real_time() - GOOD_FOR).delete()
    if not taken:
        raise Unauthenticated(_NOT_RIGHT)
    return challenge


def ask(bound: bytes, keys: list[SecurityKey]) -> dict[str, Any]:
    """What navigator.credentials.get is told. Without keys, as at log-in, it tells nothing of whose there are."""
    options = generate_authentication_options(
        rp_id=_domain(), challenge=_challenge(bound), timeout=_timeout(), allow_credentials=_named(keys),
        user_verification=UserVerificationRequirement.PREFERRED,
    )  # fmt: skip
    return options_to_json_dict(options)


def _ask_for_new(bound: bytes, member: User, keys: list[SecurityKey]) -> dict[str, Any]:
    """What navigator.credentials.create is told. The key remembers who it is for: the log-in page asks for no key by name."""
    options = generate_registration_options(
        rp_id=_domain(), rp_name="PaYa staff", user_name=str(member.email), user_id=member.public_id.encode(), timeout=_timeout(),
        challenge=_challenge(bound), exclude_credentials=_named(keys),
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED, user_verification=UserVerificationRequirement.PREFERRED
        ),
    )  # fmt: skip
    return options_to_json_dict(options)


def _named(keys: list[SecurityKey]) -> list[PublicKeyCredentialDescriptor]:
    return [PublicKeyCredentialDescriptor(id=bytes(key.credential_id)) for key in keys]


def _timeout() -> int:
    return int(GOOD_FOR.total_seconds() * 1000)


def check(member: User, answer: str, challenge: bytes) -> SecurityKey:
    """The key of this member, who is the actor, that gave this answer to this challenge. Raises Unauthenticated."""
    try:
        credential = parse_authentication_credential_json(answer)
    except Exception as error:  # whatever a stranger sent; all that is not read is wrong
        raise Unauthenticated(_NOT_RIGHT) from error
    key = SecurityKey.objects.filter(user_id=member.pk, credential_id=credential.raw_id).first()
    handle = credential.response.user_handle
    if key is None or not origin() or handle not in (None, member.public_id.encode()):
        raise Unauthenticated(_NOT_RIGHT)
    try:
        found = verify_authentication_response(
            credential=credential, expected_challenge=challenge, expected_rp_id=_domain(), expected_origin=origin(),
            credential_public_key=bytes(key.public_key), credential_current_sign_count=key.sign_count,
        )  # fmt: skip
    except Exception as error:
        raise Unauthenticated(_NOT_RIGHT) from error
    used = SecurityKey.objects.filter(pk=key.pk, sign_count=key.sign_count)
    if not used.update(sign_count=found.new_sign_count, last_used_at=real_time()):
        raise Unauthenticated(_NOT_RIGHT)
    key.user = member
    return key


def add(member: User, name: str, answer: str, bound: bytes) -> None:
    """Register a new key of the actor's. Raises Unauthenticated, Forbidden, Conflict."""
    challenge = take(answer, bound)
    try:
        new = verify_registration_response(
            credential=answer, expected_challenge=challenge, expected_rp_id=_domain(), expected_origin=origin()
        )
    except Exception as error:  # as above
        raise Unauthenticated(_NOT_RIGHT) from error
    call("console_add_key", [name, new.credential_id, new.credential_public_key, new.sign_count, _WHY], staff_id=member.pk)


def own(staff_id: int) -> list[SecurityKey]:
    return list(SecurityKey.objects.filter(user_id=staff_id).order_by("id"))


# --------------------------------------------------------------------------------------------------------- pages
class NewKey(forms.Form):
    name = forms.CharField(
        label="What you call it", max_length=64, widget=forms.TextInput(attrs={"placeholder": "Blue key at my desk"})
    )
    key = forms.CharField(max_length=LONGEST, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["name"].widget.attrs["class"] = " ".join(BASE_INPUT_CLASSES)

    def clean_name(self) -> str:
        name = " ".join(str(self.cleaned_data["name"]).split())
        if has_control(name):
            raise forms.ValidationError("Please choose another name.")
        return name


def _fresh(request: HttpRequest) -> bool:
    return bool(request.session.get(FRESH_CODE, 0) >= time.time() - settings.STAFF_FRESH_SECONDS)


def _code_first() -> str:
    return f"{reverse('admin:again')}?{urlencode({'next': reverse('admin:keys')})}"


def page(request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    """One's own keys, and the form for another. A POST registers it."""
    member, form, problem = request.user, NewKey(request.POST or None), ""
    assert isinstance(member, User)
    if request.method == "POST":
        if not _fresh(request):
            return redirect(_code_first())
        if form.is_valid():
            try:
                add(member, form.cleaned_data["name"], form.cleaned_data["key"], binding(request, ADD))
                messages.success(request, "The key is yours from now on.")
                return redirect("admin:keys")
            except PayaError as refusal:
                problem = refusal.detail
        else:
            problem = " ".join(str(error) for errors in form.errors.values() for error in errors)
    context |= {
        **here(request), "title": "Security keys", "keys": own(member.pk), "form": form, "problem": problem,
        "fresh": _fresh(request), "code_first": _code_first(), "may": "key.add" in allowed(),
    }  # fmt: skip
    return TemplateResponse(request, "console/keys.html", context, status=400 if problem else 200)


def remove(request: HttpRequest, key: int) -> HttpResponse:
    if not _fresh(request):
        return redirect(_code_first())
    try:
        call("console_remove_key", [key, _WHY], staff_id=int(request.user.pk or 0))
    except PayaError as refusal:
        if refusal.status == 404:
            raise Http404 from refusal
        messages.error(request, refusal.detail)
    else:
        messages.success(request, "The key opens nothing any more.")
    return redirect("admin:keys")


def options_to_add(request: HttpRequest) -> HttpResponse:
    member = request.user
    assert isinstance(member, User)
    if not origin() or not _fresh(request):
        return JsonResponse({"problem": "A code first, please: open this page again."}, status=403)
    return JsonResponse(_ask_for_new(binding(request, ADD), member, own(member.pk)))


def options_to_log_in(request: HttpRequest) -> HttpResponse:
    """For anybody: it is the same whoever asks."""
    return _asked(request, LOG_IN, [])


def options_again(request: HttpRequest) -> HttpResponse:
    return _asked(request, AGAIN, own(int(request.user.pk or 0)))


def _asked(request: HttpRequest, purpose: str, keys: list[SecurityKey]) -> HttpResponse:
    if not origin():
        raise Http404
    return JsonResponse(ask(binding(request, purpose), keys))
