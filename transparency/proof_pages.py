"""Pages on which attestations are read and a person checks their own balance; the checking is in static/js."""

from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from core.actor import actor
from core.api import read_day
from core.clock import now
from core.errors import PayaError, ValidationError
from core.money import MAX_AMOUNT, parse_usd
from core.pages import login_required, session_of
from core.problems import problem
from core.templatetags.paya import day_words
from transparency import archive, personal, services
from transparency.attestation_api import FOR_A_MINUTE, NEVER_KEPT, plain, proof_json
from transparency.attesting import chain
from transparency.models import ChainEntry
from transparency.proofs.attestation import cut_of, epoch_of

PAGE = 60  # rows of the archive
SMALL = 10  # the depth at which sums of few people are among what neighbours see


@require_safe
def proof(request: HttpRequest) -> HttpResponse:
    """What is shown, what is not, and the check itself."""
    latest = archive.newest()
    context = {
        "latest": latest, "small": latest is not None and int(latest.figure("depth")) <= SMALL,
        "deadline": settings.ATTESTATION_DEADLINE, "software": latest.figure("software") if latest else "",
        "origin": settings.ATTESTATION_ORIGIN, "key": first_key(), "mirrors": " ".join(settings.ATTESTATION_MIRRORS),
        "since": _since(request),
    }  # fmt: skip
    response = render(request, "transparency/proof.html", context)
    response["Cache-Control"] = NEVER_KEPT
    return response


@require_safe
def facts(request: HttpRequest) -> HttpResponse:
    """What the check at log-in begins with."""
    return JsonResponse({"key": first_key(), "mirrors": settings.ATTESTATION_MIRRORS, "since": _since(request)})


def _since(request: HttpRequest) -> str:
    """Since when the person has had their name; empty for nobody."""
    if request.person is None:  # type: ignore[attr-defined]
        return ""
    with actor(session_of(request).user_id):
        since = personal.named_at(session_of(request).user_id)
    return since.isoformat() if since else ""


def first_key() -> str:
    """The key that everything begins with: later ones are believed because the one before has signed them."""
    return (chain.verifier_keys() or [""])[0]


@require_safe
def attestations(request: HttpRequest) -> HttpResponse:
    """The archive: every entry of the chain, newest first, and every day that has none."""
    given = request.GET.get("before", "")
    before = int(given) if given.isascii() and given.isdigit() and len(given) < 16 else None
    some = archive.entries(before=before, newest=True, limit=PAGE + 1)[::-1]
    older = some[1].position if len(some) > PAGE else None  # the first is there only to tell whether a gap follows it
    rows = list(_with_gaps(some, until=None if before else epoch_of(now())))[1 if older else 0 :]
    return render(request, "transparency/attestations.html", {"rows": rows[::-1], "older": older})


def _with_gaps(entries: list[archive.Entry], *, until: int | None) -> Iterator[dict[str, Any]]:
    """Oldest first. Today is no gap before it is over."""
    last: int | None = None
    for entry in entries:
        if entry.kind == ChainEntry.ATTESTATION:
            if last is not None and entry.epoch > last + 1:
                yield {"gap": _days(last + 1, entry.epoch - 1)}
            last = entry.epoch
        yield {"entry": entry}
    if last is not None and until is not None and until > last + 1:
        yield {"gap": _days(last + 1, until - 1)}


def _days(first: int, last: int) -> str:
    one, other = day_words(cut_of(first).date()), day_words(cut_of(last).date())
    return one if first == last else f"{one} to {other}"


@require_safe
def verifier(request: HttpRequest) -> HttpResponse:
    """The checking file, as the attestations name it by its hash."""
    response = plain(archive.verifier_file(), FOR_A_MINUTE)
    response["Content-Disposition"] = 'attachment; filename="paya-verify"'
    return response


# ------------------------------------------------------------------------------------- what the page's script asks for
@require_safe
@login_required
def my_proof(request: HttpRequest) -> HttpResponse:
    """The person's proof, as the API gives it."""
    try:
        return JsonResponse(proof_json(session_of(request).user_id, request.GET.get("date")))
    except PayaError as error:
        return problem(error)


@require_safe
@login_required
def receipt(request: HttpRequest, payment: str) -> HttpResponse:
    """The payment's signed receipt, to keep."""
    response = HttpResponse(
        personal.receipt(user_id=session_of(request).user_id, payment=payment), content_type="text/plain; charset=utf-8"
    )
    response["Content-Disposition"] = f'attachment; filename="receipt-{payment[:40]}.txt"'
    return response


@require_POST
@login_required
def secret(request: HttpRequest) -> HttpResponse:
    """A secret that the person's browser has made."""
    try:
        return JsonResponse({"account": services.enrol(user_id=session_of(request).user_id, nonce=request.POST.get("nonce", ""))})
    except PayaError as error:
        return problem(error)


@require_POST
@login_required
def complaint(request: HttpRequest) -> HttpResponse:
    """The person's proof did not hold, and they say so."""
    typed = request.POST.get("expected", "").strip()
    try:
        expected = parse_usd(typed) if typed else None
        if typed and (expected is None or expected > MAX_AMOUNT):
            raise ValidationError("Nothing was sent: write the balance as 123.45, or leave it empty.")
        services.complain(
            user_id=session_of(request).user_id, epoch=archive.epoch_of_day(read_day(request.POST.get("date", ""))),
            step=request.POST.get("step", ""), expected=expected, words=request.POST.get("words", ""),
        )  # fmt: skip
        messages.success(request, "Thank you. We have your report, and look into it. Keep your proof kit.")
    except PayaError as error:
        messages.error(request, error.detail)
    except ValueError:
        messages.error(request, "This day is not one that was attested.")
    return redirect("/transparency/proof")
