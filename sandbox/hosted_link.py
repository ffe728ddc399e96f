"""Plaid's Hosted Link: the pages on which a person chooses a bank and its accounts, and comes back.

Steps: a bank, its accounts, done; leaving is possible at each. Like at Plaid, the product learns the outcome from
/link/token/get (and the LINK webhook), never from the address that the person comes back to.
"""

from urllib.parse import urlsplit

from django.conf import settings
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils import timezone

from sandbox.middleware import CSP
from sandbox.models import Item, LinkSession, LinkToken, PublicToken
from sandbox.plaid import hooks, opening


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
    institution = request.POST.get("institution") or request.GET.get("institution", "")
    if institution not in opening.INSTITUTIONS:
        banks = [{"id": uid, "name": name, "letter": name[0], "tint": number % 5, "trouble": uid == opening.BAD_LUCK}
                 for number, (uid, name) in enumerate(opening.INSTITUTIONS.items())]
        return _rendered(request, "sandbox/link_bank.html", {**common, "banks": banks}, link)
    accounts = [{"number": number, "plan": plan} for number, plan in enumerate(opening.default_plans(institution))]
    chosen = {**common, "institution": institution, "bank": opening.INSTITUTIONS[institution], "accounts": accounts,
              "trouble": institution == opening.BAD_LUCK}
    return _rendered(request, "sandbox/link_accounts.html", chosen, link, 400 if problem else 200)


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
    plans = opening.default_plans(institution)
    chosen = [plan for number, plan in enumerate(plans) if str(number) in request.POST.getlist("account")]
    if not chosen:
        return _step(request, link, "Choose at least one account.")
    with transaction.atomic():
        public = _open(link, institution, chosen)
        _finish(link, "success", public)
    return _leave(request, link, "Your bank is linked", "There is nothing more to do here.")


def _open(link: LinkToken, institution: str, chosen: list[opening.AccountPlan]) -> PublicToken:
    user = link.request.get("user") or {}
    name, phone = user.get("legal_name"), user.get("phone_number")
    return opening.open_item(
        institution_id=institution, products=link.request.get("products") or [], plans=chosen,
        webhook=link.request.get("webhook") or "", owner=name if isinstance(name, str) else "",
        phone=phone if isinstance(phone, str) else "",
    )


def _repair(link: LinkToken) -> None:
    """Update mode: the login of an existing Item works again."""
    item = Item.objects.get(access_token=link.request["access_token"])
    item.login_required = False
    item.save(update_fields=["login_required"])
    hooks.send_webhook(item.webhook, "ITEM", "LOGIN_REPAIRED", item_id=item.uid)
    _finish(link, "success")


def _finish(link: LinkToken, outcome: str, public: PublicToken | None = None) -> None:
    session = LinkSession.objects.create(
        link_token=link, outcome=outcome, public_token=public, finished_at=timezone.now()
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
    if address:
        response = HttpResponseRedirect(address)
        response.status_code = 303
        return response
    return _message(request, title, text, 200)


def _message(request: HttpRequest, title: str, text: str, status: int, link: LinkToken | None = None) -> HttpResponse:
    address = _return_address(link) or settings.PUBLIC_URL
    return _rendered(request, "sandbox/link_message.html", {"title": title, "text": text, "back": address}, link, status)


def _rendered(request: HttpRequest, template: str, context: dict, link: LinkToken | None, status: int = 200) -> HttpResponse:
    """A page whose form may lead on to the product: browsers hold a redirect after a form to `form-action` too."""
    response = render(request, template, context, status=status)
    parts = urlsplit(_return_address(link))
    if parts.netloc:
        response["Content-Security-Policy"] = f"{CSP} {parts.scheme}://{parts.netloc}"
    return response
