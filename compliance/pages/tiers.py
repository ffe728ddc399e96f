"""A person's limits, and the documents that raise them, on pages."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from compliance import raising
from compliance.models import Document, LimitName, Tier
from compliance.services import documents, tiers
from core.errors import PayaError, ValidationError
from core.pages import form_errors, login_required, session_of
from core.uploads import the_file

# What stands together on the page.
GROUPS = [
    ("Paying", (LimitName.PER_TRANSFER, LimitName.SENDS_PER_HOUR, LimitName.SENDS_PER_DAY, LimitName.RECIPIENTS_PER_DAY)),
    ("Loading", (LimitName.LOADS_WHILE_NEW, LimitName.LOADS_PER_WEEK)),
    ("Redeeming", (LimitName.DAYS_BEFORE_REDEEMING, LimitName.UNSEASONED_REDEEMABLE)),
]
PROVED = {
    Tier.PHONE: "We know your phone number.",
    Tier.IDENTITY: "Your bank confirmed who you are.",
    Tier.DOCUMENTS: "We have seen a document of yours. These are the highest limits.",
}


@require_safe
@login_required
def limits(request: HttpRequest) -> HttpResponse:
    tier, shown = raising.limits_shown(user_id=session_of(request).user_id)
    groups = [(title, [one for one in shown if one.now.name in names]) for title, names in GROUPS]
    context = {
        "groups": [(title, ones) for title, ones in groups if ones],
        "tier": tier, "proved": PROVED[tier], "way": raising.WAYS.get(tier), "steps": _steps(tier),
    }  # fmt: skip
    return render(request, "compliance/limits.html", context)


def _steps(tier: Tier) -> list[tuple[str, bool]]:
    return [(str(step.label), step <= tier) for step in Tier]


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def identity_documents(request: HttpRequest) -> HttpResponse:
    """What was sent and where it stands, and the form for another. What a document shows is never on a page of ours."""
    user_id = session_of(request).user_id
    error: PayaError | None = None
    if request.method == "POST":
        try:
            data = the_file(request, "file")
            if data is None:
                raise ValidationError(fields={"file": "Choose a file, or take a picture."})
            row = documents.upload(user_id=user_id, kind=request.POST.get("kind", "")[:40], data=data)
            if row.status == Document.Status.WAITING:
                messages.success(request, "We have it. Our staff look at it within two days.")
            else:
                messages.info(request, "You have sent this file before. Below is where it stands.")
            return redirect("/identity/documents")
        except PayaError as refusal:
            error = refusal
    context = {
        "documents": documents.documents_of(user_id=user_id),
        "kinds": Document.Kind.choices, "kind": request.POST.get("kind", ""),
        "errors": _errors(error), "tier": tiers.tier_of(user_id=user_id),
    }  # fmt: skip
    return render(request, "compliance/documents.html", context, status=error.status if error else 200)


def _errors(error: PayaError | None) -> dict[str, str]:
    if error is None:
        return {}
    return {"file": error.detail} if error.code == "body_too_large" else form_errors(error)
