"""Plaid's Link tokens, and what became of the visits to the hosted page."""

import uuid
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.utils import timezone

from sandbox.models import LinkSession, LinkToken, PublicToken
from sandbox.plaid.frame import COUNTRIES, LANGUAGES, PRODUCTS, Body, PlaidError, endpoint, invalid, missing, request_id, stamp
from sandbox.plaid.items import find_item
from sandbox.plaid.opening import INSTITUTIONS

LINK_TOKEN_LIFE = timedelta(hours=4)
UPDATE_TOKEN_LIFE = timedelta(minutes=30)
@endpoint
def link_token_create(body: Body) -> dict:
    body.text("client_name", longest=200)
    if body.text("language") not in LANGUAGES:
        raise invalid("language is not supported")
    body.texts("country_codes", allowed=COUNTRIES)
    if body.get("user") is None:
        raise missing("user")
    body.part("user").text("client_user_id")
    access_token = body.get("access_token")
    body.texts("required_if_supported_products", allowed=PRODUCTS, required=False)
    if access_token is None:
        body.texts("products", allowed=PRODUCTS)
    else:
        find_item(body, login=False)
    body.url("webhook")
    _check_redirect(body.url("redirect_uri"))
    hosted = body.part("hosted_link")
    hosted.url("completion_redirect_uri")
    now = timezone.now()
    life = UPDATE_TOKEN_LIFE if access_token else LINK_TOKEN_LIFE
    kept = {key: value for key, value in body.items() if key not in ("client_id", "secret")}
    token = LinkToken.objects.create(token=f"link-sandbox-{uuid.uuid4()}", request=kept, expires_at=now + life)
    answer = {"link_token": token.token, "expiration": stamp(token.expires_at)}
    if isinstance(body.get("hosted_link"), dict):
        answer["hosted_link_url"] = f"{settings.SANDBOX_URL}/plaid/link/hosted/{token.token}"
    return answer


def _check_redirect(address: str) -> None:
    """As Plaid has it: no query, and https but for the developer's own machine."""
    parts = urlsplit(address)
    if parts.query or parts.fragment:
        raise invalid("OAuth redirect URIs must not contain a query or a fragment")
    if address and parts.scheme != "https" and parts.hostname not in ("127.0.0.1", "localhost"):
        raise invalid("OAuth redirect URI must use HTTPS")


@endpoint
def link_token_get(body: Body) -> dict:
    token = LinkToken.objects.filter(token=body.text("link_token")).first()
    if token is None:
        raise PlaidError("INVALID_INPUT", "INVALID_LINK_TOKEN", "could not find matching link token")
    asked = token.request
    sessions = token.sessions.select_related("public_token__item").order_by("id")
    return {
        "link_token": token.token, "created_at": stamp(token.created_at), "expiration": stamp(token.expires_at),
        "metadata": {
            "initial_products": asked.get("products") or [], "webhook": asked.get("webhook"),
            "country_codes": asked["country_codes"], "language": asked["language"],
            "redirect_uri": asked.get("redirect_uri"), "client_name": asked["client_name"],
        },
        "link_sessions": [_session(session) for session in sessions],
    }


def _session(session: LinkSession) -> dict:
    shown: dict[str, Any] = {
        "link_session_id": session.uid, "started_at": stamp(session.started_at),
        "finished_at": stamp(session.finished_at) if session.finished_at else None, "events": [],
        "results": {
            "item_add_results": [], "cra_item_add_results": [], "cra_update_results": [],
            "bank_income_results": [], "payroll_income_results": [], "document_income_results": None,
        },
    }
    if session.outcome == "success" and session.public_token:
        result = link_result(session.public_token)
        shown["results"]["item_add_results"].append(result)
        shown["on_success"] = {"public_token": result["public_token"], "metadata": {
            "institution": result["institution"], "accounts": result["accounts"], "link_session_id": session.uid,
        }}
    elif session.outcome == "exit":
        metadata = {"status": "choose_account", "link_session_id": session.uid, "request_id": request_id()}
        error = PlaidError("ITEM_ERROR", session.error, "the bank could not be linked").body() if session.error else None
        shown["exit"] = shown["on_exit"] = {"error": error, "metadata": metadata}
    return shown


def link_result(token: PublicToken) -> dict:
    """What Link hands over on success."""
    item = token.item
    return {
        "public_token": token.token,
        "accounts": [{"id": each.uid, "name": each.name, "mask": each.mask, "type": "depository",
                      "subtype": each.subtype, "verification_status": None, "class_type": None}
                     for each in item.accounts.order_by("id")],
        "institution": {"name": INSTITUTIONS[item.institution_id], "institution_id": item.institution_id},
    }
