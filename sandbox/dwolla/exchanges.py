"""Dwolla's exchanges: how a bank account that Plaid vouches for comes over."""

from django.http import HttpRequest, HttpResponse

from sandbox import bank, webhooks
from sandbox.dwolla.customers import find_customer, usable
from sandbox.dwolla.frame import Body, DwollaError, created, hal, id_in, invalid, link, not_found
from sandbox.models import BankAccount, Exchange, ProcessorToken

PLAID_PARTNER = "f53ffb32-c84f-496a-9d9d-acd100d396ef"
def partners_get(request: HttpRequest) -> HttpResponse:
    return hal({"_links": {"self": link("/exchange-partners", "exchange-partner")},
                "_embedded": {"exchange-partners": [_shown_partner()]}, "total": 1})


def partner_get(request: HttpRequest, partner: str) -> HttpResponse:
    if partner != PLAID_PARTNER:
        raise not_found()
    return hal(_shown_partner())


def _shown_partner() -> dict:
    return {"_links": {"self": link(f"/exchange-partners/{PLAID_PARTNER}", "exchange-partner")},
            "id": PLAID_PARTNER, "name": "Plaid", "status": "active", "created": "2022-01-01T00:00:00.000Z"}


def exchanges_post(request: HttpRequest, body: Body, customer: str) -> HttpResponse:
    owner = usable(find_customer(customer))
    partner = body.link("exchange-partner")
    if id_in(partner, "exchange-partners") != PLAID_PARTNER:
        raise invalid("Invalid", "Invalid exchange partner.", "/_links/exchange-partner/href")
    text = body.text("token", longest=80)
    account = account_of(text)
    row = Exchange.objects.create(customer=owner, account=account, token=text, created_at=bank.now())
    return created(f"/exchanges/{row.uid}")


def exchange_get(request: HttpRequest, exchange: str) -> HttpResponse:
    row = Exchange.objects.filter(uid=exchange.lower()).first()
    if row is None:
        raise not_found()
    return hal({"_links": {"self": link(f"/exchanges/{row.uid}", "exchange"),
                           "exchange-partner": link(f"/exchange-partners/{PLAID_PARTNER}", "exchange-partner")},
                "id": row.uid, "status": "active", "created": webhooks.iso(row.created_at)})


def account_of(processor_token: str) -> BankAccount:
    """The account behind one of Plaid's processor tokens, if its login still works."""
    row = ProcessorToken.objects.select_related("account__item").filter(token=processor_token).first()
    item = row.account.item if row and row.processor == "dwolla" else None
    if row is None or item is None or item.removed:
        raise DwollaError(400, "InvalidExchangeToken", "Invalid exchange token.")
    if item.login_required:
        raise DwollaError(400, "UpdateCredentials", "The bank's credentials must be updated through Plaid.")
    return row.account
