"""Plaid's Hosted Link: the pages on which a person chooses a bank and its accounts, and comes back.

Steps: a bank, its accounts, done; leaving is possible at each. One bank lets people in on a site of its own only (OAuth), and
sends them back to the link token's `redirect_uri` with an `oauth_state_id`; whoever comes to the hosted page with that goes on
where they left it. Like at Plaid, the product learns the outcome from
/link/token/get (and the LINK webhook), never from the address that the person comes back to.
"""

from urllib.parse import urlsplit

from django.conf import settings
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils import timezone

from sandbox.middleware import CSP
from sandbox.models import Item, LinkSession, LinkToken, OauthVisit, PublicToken
from sandbox.plaid import hooks, opening

PLAIDS_OWN = "https://hosted.plaid.com/oauth/redirect"
TROUBLE = {
    opening.BAD_LUCK: "Its transfers fail, on purpose", opening.CLOSED: "It cannot be linked, on purpose",
    opening.OAUTH: "You log in on its own site", opening.QUIET: "Tells no balance and no name",
}


def page(request: HttpRequest, token: str) -> HttpResponse:
    """Show the step that the address names, or take the person's answer."""
    link = LinkToken.objects.filter(token=token[:80]).first() if "\x00" not in token else None
    if link is None:
        return _message(request, "This link does not exist", "Go back to where you came from and start again.", 404)
    if link.sessions.filter(outcome="success").exists():
        return _message(request, "Your bank is linked", "There is nothing more to do here.", 200, link)
    if link.expires_at < timezone.now():
        return _message(request, "This link has expired", "Go back and start again: a link lasts four hours.", 410, link)
    if request.method == "POST":
        return _answer(request, link)
    return _step(request, link)


def _step(request: HttpRequest, link: LinkToken, problem: str = "") -> HttpResponse:
    asked = link.request
    common = {"client": asked["client_name"], "token": link.token, "problem": problem}
    if asked.get("access_token"):
        return _rendered(request, "sandbox/link_again.html", common, link)
    visit = _came_back(request, link)
    institution = visit.institution_id if visit else request.POST.get("institution") or request.GET.get("institution", "")
    if institution not in opening.INSTITUTIONS or (visit and not visit.granted):
        banks = [{"id": uid, "name": name, "letter": name[0], "tint": number % 5, "trouble": TROUBLE.get(uid, "")}
                 for number, (uid, name) in enumerate(opening.INSTITUTIONS.items())]
        return _rendered(request, "sandbox/link_bank.html", {**common, "banks": banks}, link)
    chosen = {**common, "institution": institution, "bank": opening.INSTITUTIONS[institution]}
    if institution == opening.CLOSED:
        return _rendered(request, "sandbox/link_closed.html", {**chosen, "reasons": opening.CLOSED_REASONS}, link)
    if institution == opening.OAUTH and visit is None:
        return _rendered(request, "sandbox/link_away.html", chosen, link)
    accounts = [{"number": number, "plan": plan} for number, plan in enumerate(opening.default_plans(institution))]
    chosen |= {"accounts": accounts, "trouble": institution == opening.BAD_LUCK, "oauth": visit.uid if visit else ""}
    return _rendered(request, "sandbox/link_accounts.html", chosen, link, 400 if problem else 200)


def _came_back(request: HttpRequest, link: LinkToken) -> OauthVisit | None:
    """The way over the bank's own site that has been walked to its end."""
    uid = request.POST.get("oauth") or request.GET.get("oauth_state_id", "")
    return OauthVisit.objects.filter(link_token=link, uid=uid[:36], granted__isnull=False).first() if uid else None


def _answer(request: HttpRequest, link: LinkToken) -> HttpResponse:
    if request.POST.get("action") == "cancel":
        with transaction.atomic():
            _finish(link, "exit")
        return _leave(request, link, "Nothing was linked", "You left before choosing an account.")
    if link.request.get("access_token"):
        with transaction.atomic():
            _repair(link)
        return _leave(request, link, "You are logged in again", "Your bank is connected as before.")
    institution = request.POST.get("institution", "")
    if institution not in opening.INSTITUTIONS:
        return _step(request, link)
    if institution == opening.CLOSED and request.POST.get("reason") in opening.CLOSED_REASONS:
        with transaction.atomic():
            _finish(link, "exit", error=request.POST["reason"])
        return _leave(request, link, "Nothing was linked", "The bank could not be linked.")
    visit = _came_back(request, link)
    if institution == opening.OAUTH and not (visit and visit.granted):
        away = OauthVisit.objects.create(link_token=link, institution_id=institution)
        return _redirect(f"{settings.SANDBOX_URL}/plaid/bank-login/{away.uid}")
    plans = opening.default_plans(institution)
    chosen = [plan for number, plan in enumerate(plans) if str(number) in request.POST.getlist("account")]
    if not chosen or institution == opening.CLOSED:
        return _step(request, link, "Choose at least one account.")
    with transaction.atomic():
        public = _open(link, institution, chosen, request)
        _finish(link, "success", public)
    return _leave(request, link, "Your bank is linked", "There is nothing more to do here.")


def bank_login(request: HttpRequest, uid: str) -> HttpResponse:
    """The bank's own site, where the person logs in and says yes or no, and is sent back."""
    visit = OauthVisit.objects.select_related("link_token").filter(uid=uid[:36]).first() if "\x00" not in uid else None
    if visit is None:
        return _message(request, "This log-in does not exist", "Go back to where you came from and start again.", 404)
    link = visit.link_token
    if request.method == "POST" and visit.granted is None:
        visit.granted = request.POST.get("action") == "allow"
        visit.save(update_fields=["granted"])
    if visit.granted is not None:
        return _redirect(_after_bank(visit))
    context = {"bank": opening.INSTITUTIONS[visit.institution_id], "client": link.request["client_name"]}
    return _rendered(request, "sandbox/bank_login.html", context, link)


def _after_bank(visit: OauthVisit) -> str:
    """To the address that the link token names; Plaid's own is this page again."""
    link = visit.link_token
    address = link.request.get("redirect_uri") or PLAIDS_OWN
    if address == PLAIDS_OWN:
        address = f"{settings.SANDBOX_URL}/plaid/link/hosted/{link.token}"
    return f"{address}?oauth_state_id={visit.uid}"


def _open(link: LinkToken, institution: str, chosen: list[opening.AccountPlan], request: HttpRequest) -> PublicToken:
    """Whose login it is, whoever logs in says here, as Plaid's `user_custom` would; else it is whom the link token names."""
    user = link.request.get("user") or {}
    name, phone = (
        request.POST.get(field, "").replace("\x00", "").strip() or user.get(known)
        for field, known in (("owner", "legal_name"), ("owner_phone", "phone_number"))
    )
    return opening.open_item(
        institution_id=institution, products=link.request.get("products") or [], plans=chosen,
        webhook=link.request.get("webhook") or "", owner=name if isinstance(name, str) else "",
        phone=phone if isinstance(phone, str) else "",
    )


def _repair(link: LinkToken) -> None:
    """Update mode: the login of an existing Item works again. LOGIN_REPAIRED is for repairs elsewhere, and not sent."""
    item = Item.objects.get(access_token=link.request["access_token"])
    hooks.repair(item)
    item.save(update_fields=["login_required", "revoked"])
    _finish(link, "success")


def _finish(link: LinkToken, outcome: str, public: PublicToken | None = None, error: str = "") -> None:
    session = LinkSession.objects.create(
        link_token=link, outcome=outcome, public_token=public, error=error, finished_at=timezone.now()
    )
    tokens = {"public_tokens": [public.token]} if public else {}
    hooks.send_webhook(
        link.request.get("webhook") or "", "LINK", "SESSION_FINISHED", link_session_id=session.uid,
        link_token=link.token, status="SUCCESS" if outcome == "success" else "EXITED", **tokens,
    )


def _return_address(link: LinkToken | None) -> str:
    hosted = (link.request.get("hosted_link") or {}) if link else {}
    return hosted.get("completion_redirect_uri") or ""


def _leave(request: HttpRequest, link: LinkToken, title: str, text: str) -> HttpResponse:
    address = _return_address(link)
    return _redirect(address) if address else _message(request, title, text, 200)


def _redirect(address: str) -> HttpResponse:
    response = HttpResponseRedirect(address)
    response.status_code = 303
    return response


def _message(request: HttpRequest, title: str, text: str, status: int, link: LinkToken | None = None) -> HttpResponse:
    address = _return_address(link) or settings.PUBLIC_URL
    return _rendered(request, "sandbox/link_message.html", {"title": title, "text": text, "back": address}, link, status)


def _rendered(request: HttpRequest, template: str, context: dict, link: LinkToken | None, status: int = 200) -> HttpResponse:
    """A page whose form may lead on to the product: browsers hold a redirect after a form to `form-action` too."""
    response = render(request, template, context, status=status)
    ways = [urlsplit(each) for each in (_return_address(link), (link.request.get("redirect_uri") or "") if link else "")]
    origins = sorted({f"{parts.scheme}://{parts.netloc}" for parts in ways if parts.netloc})
    if origins:
        response["Content-Security-Policy"] = f"{CSP} {' '.join(origins)}"
    return response
