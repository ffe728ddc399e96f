"""Plaid's Items: exchange, accounts, numbers, owners, processor tokens, institutions."""

import re
import uuid
from difflib import SequenceMatcher

from django.db.models import QuerySet
from django.utils import timezone

from sandbox import bank
from sandbox.models import BankAccount, Item, PublicToken
from sandbox.plaid.frame import COUNTRIES, LOGIN_REQUIRED, REVOKED, Body, PlaidError, endpoint, invalid, stamp
from sandbox.plaid.opening import INSTITUTIONS, OAUTH, QUIET, make_processor_token

OWNER_NAME, OWNER_PHONE = "Alberta Bobbeth Charleson", "1112223333"  # as in Plaid's own sandbox


def find_item(body: Body, *, login: bool = True) -> Item:
    item = Item.objects.filter(access_token=body.text("access_token")).first()
    if item is None:
        raise PlaidError("INVALID_INPUT", "INVALID_ACCESS_TOKEN", "could not find matching access token")
    if item.removed:
        raise PlaidError("ITEM_ERROR", "ITEM_NOT_FOUND", "The Item you requested cannot be found. It has been removed.")
    if login and item.revoked:
        raise PlaidError(*REVOKED)
    if login and item.login_required:
        raise PlaidError(*LOGIN_REQUIRED)
    return item


def _shared(item: Item) -> QuerySet[BankAccount]:
    return item.accounts.filter(revoked=False).order_by("id")


def find_account(body: Body, item: Item) -> BankAccount:
    account = _shared(item).filter(uid=body.text("account_id")).first()
    if account is None:
        raise PlaidError("INVALID_INPUT", "INVALID_ACCOUNT_ID", "failed to find requested account ID for requested item")
    return account


def _chosen(body: Body, item: Item) -> list[BankAccount]:
    accounts = list(_shared(item))
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
def accounts_balance_get(body: Body) -> dict:
    """Asked of the bank itself. With `QUIET` nobody learns what is in an account."""
    item = find_item(body)
    return {"accounts": [_shown_account(each) for each in _chosen(body, item)], "item": _shown_item(item)}


@endpoint
def identity_match(body: Body) -> dict:
    """How well what is known of a person fits the account's owner: 0 to 100, null where nothing is known of either."""
    item = find_item(body)
    person = body.part("user")
    quiet = item.institution_id == QUIET
    name = None if quiet else _likeness(person.get("legal_name"), item.owner_name or OWNER_NAME)
    given, known = (_digits(each) for each in (person.text("phone_number", default=""), item.owner_phone or OWNER_PHONE))
    phone = None if quiet or not given else 100 if given == known else 0
    scores = {
        "legal_name": None if quiet else {
            "score": name, "is_nickname_match": False, "is_first_name_or_last_name_match": bool(name and name >= 70),
            "is_business_name_detected": False,
        },
        "phone_number": {"score": phone}, "email_address": {"score": None},
        "address": {"score": None, "is_postal_code_match": None},
    }
    silent = dict.fromkeys(("available", "current", "limit", "iso_currency_code", "unofficial_currency_code"))
    accounts = [{**_shown_account(each), "balances": silent, **scores} for each in _chosen(body, item)]
    return {"accounts": accounts, "item": _shown_item(item)}


def _digits(phone: str) -> str:
    return re.sub(r"[^0-9]", "", phone)[-10:]


def _likeness(given: object, known: str) -> int | None:
    """Of two names, whatever their case and order of words."""
    if not isinstance(given, str) or not given.strip():
        return None
    left, right = (" ".join(sorted(each.casefold().split())) for each in (given, known))
    return round(100 * SequenceMatcher(None, left, right).ratio())


@endpoint
def identity_get(body: Body) -> dict:
    item = find_item(body)
    owner = {
        "names": [item.owner_name or OWNER_NAME],
        "phone_numbers": [{"data": item.owner_phone or OWNER_PHONE, "primary": True, "type": "mobile"}],
        "emails": [{"data": "accountholder0@example.com", "primary": True, "type": "primary"}],
        "addresses": [{"primary": True, "data": {"street": "2992 Cameron Road", "city": "Malakoff", "region": "NY",
                                                "postal_code": "14236", "country": "US"}}],
    }
    accounts = [{**_shown_account(each), "owners": [owner]} for each in _chosen(body, item)]
    return {"accounts": accounts, "item": _shown_item(item)}


def _shown_account(account: BankAccount) -> dict:
    # Plaid's balances are JSON numbers in dollars.
    dollars = None if account.item is not None and account.item.institution_id == QUIET else account.balance / 100
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
    if item.revoked:
        shown["error"] = PlaidError(*REVOKED).body()
    elif item.login_required:
        shown["error"] = PlaidError(*LOGIN_REQUIRED).body()
    return shown


@endpoint
def processor_token_create(body: Body) -> dict:
    item = find_item(body)
    processor = body.text("processor", longest=40)
    return {"processor_token": make_processor_token(find_account(body, item), processor)}


@endpoint
def institutions_get_by_id(body: Body) -> dict:
    uid = body.text("institution_id")
    body.texts("country_codes", allowed=COUNTRIES)
    if uid not in INSTITUTIONS:
        raise PlaidError("INVALID_INPUT", "INVALID_INSTITUTION", "invalid institution_id provided")
    return {"institution": {
        "institution_id": uid, "name": INSTITUTIONS[uid], "products": ["auth", "balance", "identity"],
        "country_codes": ["US"], "routing_numbers": [bank.ROUTING], "oauth": uid == OAUTH, "url": None,
        "primary_color": "#ff7a45", "logo": None, "dtc_numbers": [], "connection_availability": "SUPPORTED",
    }}
