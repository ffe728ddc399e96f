"""Plaid's Items: exchange, accounts, numbers, owners, processor tokens, institutions."""

import uuid

from django.utils import timezone

from sandbox import bank
from sandbox.models import BankAccount, Item, PublicToken
from sandbox.plaid.frame import COUNTRIES, LOGIN_REQUIRED, Body, PlaidError, endpoint, invalid, stamp
from sandbox.plaid.opening import INSTITUTIONS, make_processor_token


def find_item(body: Body, *, login: bool = True) -> Item:
    item = Item.objects.filter(access_token=body.text("access_token")).first()
    if item is None:
        raise PlaidError("INVALID_INPUT", "INVALID_ACCESS_TOKEN", "could not find matching access token")
    if item.removed:
        raise PlaidError("ITEM_ERROR", "ITEM_NOT_FOUND", "The Item you requested cannot be found. It has been removed.")
    if login and item.login_required:
        raise PlaidError(*LOGIN_REQUIRED)
    return item


def _chosen(body: Body, item: Item) -> list[BankAccount]:
    accounts = list(item.accounts.order_by("id"))
    wanted = body.part("options").get("account_ids")
    if wanted is None:
        return accounts
    if not isinstance(wanted, list) or not all(isinstance(each, str) for each in wanted):
        raise invalid("options.account_ids must be an array of strings")
    if set(wanted) - {each.uid for each in accounts}:
        raise PlaidError("INVALID_INPUT", "INVALID_ACCOUNT_ID", "one of the account_ids is not of this item")
    return [each for each in accounts if each.uid in wanted]


@endpoint
def public_token_exchange(body: Body) -> dict:
    token = PublicToken.objects.select_related("item").filter(token=body.text("public_token")).first()
    if token is None or token.used_at is not None:
        problem = "provided public token is in an invalid format or has already been used"
        raise PlaidError("INVALID_INPUT", "INVALID_PUBLIC_TOKEN", problem)
    if token.expires_at < timezone.now():
        raise PlaidError("INVALID_INPUT", "INVALID_PUBLIC_TOKEN", "provided public token is expired")
    item = token.item
    item.access_token = f"access-sandbox-{uuid.uuid4()}"
    item.save(update_fields=["access_token"])
    token.used_at = timezone.now()
    token.save(update_fields=["used_at"])
    return {"access_token": item.access_token, "item_id": item.uid}


@endpoint
def item_get(body: Body) -> dict:
    item = find_item(body, login=False)
    last = {"sent_at": stamp(item.last_webhook_at), "code_sent": item.last_webhook} if item.last_webhook_at else None
    status = {"last_webhook": last} if last else {}
    return {"item": {**_shown_item(item), "created_at": stamp(item.created_at)}, "status": status}


@endpoint
def item_remove(body: Body) -> dict:
    item = find_item(body, login=False)
    item.removed = True
    item.save(update_fields=["removed"])
    return {}


@endpoint
def accounts_get(body: Body) -> dict:
    item = find_item(body)
    return {"accounts": [_shown_account(each) for each in _chosen(body, item)], "item": _shown_item(item)}


@endpoint
def auth_get(body: Body) -> dict:
    item = find_item(body)
    accounts = _chosen(body, item)
    ach = [{"account_id": each.uid, "account": each.number, "routing": each.routing, "wire_routing": each.routing,
            "can_transfer_in": True, "can_transfer_out": True, "is_tokenized_account_number": False}
           for each in accounts]
    return {
        "accounts": [_shown_account(each) for each in accounts], "item": _shown_item(item),
        "numbers": {"ach": ach, "eft": [], "international": [], "bacs": []},
    }


@endpoint
def identity_get(body: Body) -> dict:
    item = find_item(body)
    owner = {
        "names": [item.owner_name or "Alberta Bobbeth Charleson"],
        "phone_numbers": [{"data": item.owner_phone or "1112223333", "primary": True, "type": "mobile"}],
        "emails": [{"data": "accountholder0@example.com", "primary": True, "type": "primary"}],
        "addresses": [{"primary": True, "data": {"street": "2992 Cameron Road", "city": "Malakoff", "region": "NY",
                                                "postal_code": "14236", "country": "US"}}],
    }
    accounts = [{**_shown_account(each), "owners": [owner]} for each in _chosen(body, item)]
    return {"accounts": accounts, "item": _shown_item(item)}


def _shown_account(account: BankAccount) -> dict:
    dollars = account.balance / 100  # Plaid's balances are JSON numbers in dollars
    return {
        "account_id": account.uid, "name": account.name, "official_name": account.official_name,
        "mask": account.mask, "type": "depository", "subtype": account.subtype, "holder_category": "personal",
        "balances": {"available": dollars, "current": dollars, "limit": None, "iso_currency_code": "USD",
                     "unofficial_currency_code": None},
    }


def _shown_item(item: Item) -> dict:
    shown = {
        "item_id": item.uid, "institution_id": item.institution_id,
        "institution_name": INSTITUTIONS[item.institution_id], "webhook": item.webhook or None, "error": None,
        "available_products": sorted({"auth", "balance", "identity"} - set(item.products)),
        "billed_products": item.products, "products": item.products, "consent_expiration_time": None,
        "update_type": "background",
    }
    if item.login_required:
        shown["error"] = PlaidError(*LOGIN_REQUIRED).body()
    return shown


@endpoint
def processor_token_create(body: Body) -> dict:
    item = find_item(body)
    processor = body.text("processor", longest=40)
    account = item.accounts.filter(uid=body.text("account_id")).first()
    if account is None:
        raise PlaidError("INVALID_INPUT", "INVALID_ACCOUNT_ID", "failed to find requested account ID for requested item")
    return {"processor_token": make_processor_token(account, processor)}


@endpoint
def institutions_get_by_id(body: Body) -> dict:
    uid = body.text("institution_id")
    body.texts("country_codes", allowed=COUNTRIES)
    if uid not in INSTITUTIONS:
        raise PlaidError("INVALID_INPUT", "INVALID_INSTITUTION", "invalid institution_id provided")
    return {"institution": {
        "institution_id": uid, "name": INSTITUTIONS[uid], "products": ["auth", "balance", "identity"],
        "country_codes": ["US"], "routing_numbers": [bank.ROUTING], "oauth": False, "url": None,
        "primary_color": "#ff7a45", "logo": None, "dtc_numbers": [], "connection_availability": "SUPPORTED",
    }}
