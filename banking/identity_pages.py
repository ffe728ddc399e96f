"""Tier 2 on a page: the person types their legal name and chooses the bank that is asked."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from banking.pages import bank_choice
from banking.services import identity_checks
from compliance.models import Tier
from compliance.services import tiers
from core.errors import NotFound, PayaError
from core.pages import form_errors, login_required, session_of


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def identity(request: HttpRequest) -> HttpResponse:
    user_id = session_of(request).user_id
    values = {name: request.POST.get(name, "")[:200] for name in ("legal_name", "bank_account")}
    error: PayaError | None = None
    if request.method == "POST":
        try:
            identity_checks.start(
                user_id=user_id, legal_name=values["legal_name"], bank_account=values["bank_account"] or None
            )
            return redirect("/identity")
        except PayaError as refusal:
            error = refusal
    check = identity_checks.latest(user_id=user_id)
    context = {
        "check": check, "words": identity_checks.words(check) if check else "",
        "proved": tiers.tier_of(user_id=user_id) >= Tier.IDENTITY,
        "values": values, "errors": _errors(error), **bank_choice(request),
    }  # fmt: skip
    return render(request, "banking/identity.html", context, status=error.status if error else 200)


def _errors(error: PayaError | None) -> dict[str, str]:
    if error is None:
        return {}
    return {"bank_account": error.detail} if isinstance(error, NotFound) else form_errors(error)
