"""Dwolla's token, its root, and the Master Account."""

import secrets
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt

from sandbox import faults
from sandbox.dwolla.frame import HAL, DwollaError, account_uid, hal, href, link, not_found
from sandbox.dwolla.funding_sources import list_sources
from sandbox.dwolla.transfers import list_transfers
from sandbox.http import basic_credentials, known
from sandbox.models import DwollaToken, FundingSource, Transfer

TOKEN_SECONDS = 3600
@csrf_exempt
def token(request: HttpRequest) -> HttpResponse:
    """Client credentials for a token of an hour; in a Basic header, or in the form as Dwolla's SDK does."""
    fault = faults.take("dwolla", "/token", request.method or "")
    if fault and fault.mode in ("timeout", "drop_after"):
        return faults.withhold_answer(request, fault.seconds)
    if fault:
        return JsonResponse({"error": "temporarily_unavailable"}, status=int(fault.mode))
    if request.method != "POST":
        return DwollaError(405, "MethodNotAllowed", "The requested method is not allowed.").response()
    form = request.POST
    pair = basic_credentials(request) or (form.get("client_id", ""), form.get("client_secret", ""))
    if not known(pair, settings.DWOLLA_CREDENTIALS):
        return JsonResponse({"error": "invalid_client", "error_description": "Invalid client credentials."}, status=401)
    if form.get("grant_type") != "client_credentials":
        return JsonResponse({"error": "unsupported_grant_type"}, status=400)
    with transaction.atomic():
        DwollaToken.objects.filter(expires_at__lt=timezone.now() - timedelta(days=1)).delete()
        row = DwollaToken.objects.create(
            token=secrets.token_urlsafe(40)[:50], expires_at=timezone.now() + timedelta(seconds=TOKEN_SECONDS)
        )
    return JsonResponse({"access_token": row.token, "token_type": "Bearer", "expires_in": TOKEN_SECONDS})


def root_get(request: HttpRequest) -> HttpResponse:
    account = {"href": href(f"/accounts/{account_uid()}"), "type": HAL, "resource-type": "account"}
    lists = {name: {"href": href(f"/{name}"), "type": HAL, "resource-type": name[:-1]}
             for name in ("customers", "events", "exchange-partners", "webhook-subscriptions")}
    return hal({"_links": {"account": account, **lists}})


def account_get(request: HttpRequest, account: str) -> HttpResponse:
    _check_account(account)
    return hal({
        "_links": {"self": link(f"/accounts/{account}", "account"),
                   "funding-sources": link(f"/accounts/{account}/funding-sources", "funding-source"),
                   "transfers": link(f"/accounts/{account}/transfers", "transfer"),
                   "customers": link("/customers", "customer")},
        "id": account, "name": "PaYa Sandbox", "type": "Commercial", "timezoneOffset": -5.0,
    })


def account_sources(request: HttpRequest, account: str) -> HttpResponse:
    _check_account(account)
    return list_sources(request, FundingSource.objects.filter(customer=None))


def account_transfers(request: HttpRequest, account: str) -> HttpResponse:
    _check_account(account)
    mine = Q(source__customer=None) | Q(destination__customer=None)
    return list_transfers(request, Transfer.objects.filter(mine))


def _check_account(uid: str) -> None:
    if uid.lower() != account_uid():
        raise not_found()
