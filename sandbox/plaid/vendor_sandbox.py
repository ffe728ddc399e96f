"""The calls that Plaid itself has only in its sandbox."""

import json
import re

from sandbox import bank
from sandbox.plaid.frame import LOGIN_REQUIRED, PRODUCTS, Body, PlaidError, endpoint
from sandbox.plaid.hooks import send_webhook
from sandbox.plaid.items import find_item
from sandbox.plaid.opening import INSTITUTIONS, AccountPlan, default_plans, make_processor_token, open_item


@endpoint
def sandbox_public_token_create(body: Body) -> dict:
    options = body.part("options")
    token = open_item(
        institution_id=_institution(body), webhook=options.url("webhook"), plans=_plans(body, options),
        products=body.texts("initial_products", allowed=PRODUCTS), **_owner(options),
    )
    return {"public_token": token.token}


@endpoint
def sandbox_processor_token_create(body: Body) -> dict:
    token = open_item(
        institution_id=_institution(body), webhook="", products=["auth"], plans=_plans(body, body.part("options"))
    )
    return {"processor_token": make_processor_token(token.item.accounts.earliest("id"), "dwolla")}


@endpoint
def sandbox_reset_login(body: Body) -> dict:
    item = find_item(body, login=False)
    item.login_required = True
    item.save(update_fields=["login_required"])
    send_webhook(item.webhook, "ITEM", "ERROR", item_id=item.uid, error=PlaidError(*LOGIN_REQUIRED).body())
    return {"reset_login": True}


def _institution(body: Body) -> str:
    uid = body.text("institution_id")
    if uid not in INSTITUTIONS:
        raise PlaidError("INVALID_INPUT", "INVALID_INSTITUTION", "invalid institution_id provided")
    return uid


def _plans(body: Body, options: Body) -> list[AccountPlan]:
    """The accounts to open: the bank's usual ones, or those of Plaid's `user_custom`, whose password is JSON:
    `{"override_accounts": [{"subtype", "starting_balance", "meta": {"name", "official_name"},
    "numbers": {"account"}}]}`."""
    if options.text("override_username", default="") != "user_custom":
        return default_plans(_institution(body))
    try:
        custom = json.loads(options.text("override_password", longest=100_000))
        accounts = custom["override_accounts"]
        plans = [_custom_plan(account) for account in accounts]
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise PlaidError("SANDBOX_ERROR", "SANDBOX_ACCOUNT_SELECT_INVALID", "the custom user is not valid") from error
    if not plans:
        raise PlaidError("SANDBOX_ERROR", "SANDBOX_ACCOUNT_SELECT_INVALID", "the custom user has no accounts")
    return plans


def _owner(options: Body) -> dict[str, str]:
    """Whose login it is: of `user_custom` the first account's `identity`, as Plaid has it."""
    if options.text("override_username", default="") != "user_custom":
        return {}
    identity = json.loads(options.text("override_password", longest=100_000))["override_accounts"][0].get("identity") or {}
    try:
        names, phones = identity.get("names") or [""], identity.get("phone_numbers") or [{"data": ""}]
        return {"owner": str(names[0]), "phone": str(phones[0]["data"])}
    except (TypeError, KeyError, AttributeError, IndexError) as error:
        raise PlaidError("SANDBOX_ERROR", "SANDBOX_ACCOUNT_SELECT_INVALID", "the custom user is not valid") from error


def _custom_plan(account: dict) -> AccountPlan:
    meta, numbers = account.get("meta") or {}, account.get("numbers") or {}
    subtype = account.get("subtype", "checking")
    name = meta.get("name") or "Plaid Checking"
    number = numbers.get("account", "")
    texts = (name, subtype, number, meta.get("official_name", ""))
    if not all(isinstance(text, str) and len(text) <= 100 for text in texts):
        raise TypeError("a name is no text")
    if number and not re.fullmatch(r"[0-9]{4,17}", number):
        raise ValueError("an account number has 4 to 17 digits")
    if subtype not in ("checking", "savings"):
        raise ValueError("only checking and savings")
    dollars = float(account.get("starting_balance", bank.OPENING_CHECKING / 100))
    if not 0 <= dollars < 1e9:
        raise ValueError("a balance beyond reason")
    return AccountPlan(
        name=name, official_name=meta.get("official_name", ""), subtype=subtype, number=number,
        balance=round(dollars * 100),
    )
