"""Plaid's webhooks and the key that verifies them."""

import json
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from django.utils import timezone
from jwt.algorithms import ECAlgorithm

from sandbox import webhooks
from sandbox.models import Bank, BankAccount, Item
from sandbox.plaid.frame import LOGIN_REQUIRED, Body, PlaidError, endpoint, invalid
from sandbox.plaid.items import find_item

WEBHOOK_TYPES = {  # codes that /sandbox/item/fire_webhook knows, with the type they have by default
    "DEFAULT_UPDATE": "AUTH", "SMS_MICRODEPOSITS_VERIFICATION": "AUTH", "NEW_ACCOUNTS_AVAILABLE": "ITEM",
    "AUTHORIZATION_GRANTED": "ITEM", "USER_PERMISSION_REVOKED": "ITEM", "USER_ACCOUNT_REVOKED": "ITEM",
    "PENDING_DISCONNECT": "ITEM", "LOGIN_REPAIRED": "ITEM", "ERROR": "ITEM", "PRODUCT_READY": "ITEM",
    "RECURRING_TRANSACTIONS_UPDATE": "TRANSACTIONS", "SYNC_UPDATES_AVAILABLE": "TRANSACTIONS",
}


@endpoint
def webhook_verification_key_get(body: Body) -> dict:
    state = Bank.objects.get()
    if body.text("key_id") != state.plaid_key_id:
        problem = "invalid key_id provided. note that key_ids are specific to Plaid environments"
        raise PlaidError("INVALID_INPUT", "INVALID_WEBHOOK_VERIFICATION_KEY_ID", problem)
    key = serialization.load_pem_private_key(state.plaid_key_pem.encode(), password=None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    jwk = ECAlgorithm.to_jwk(key.public_key(), as_dict=True)
    return {"key": {
        "alg": "ES256", "crv": "P-256", "kid": state.plaid_key_id, "kty": "EC", "use": "sig",
        "x": jwk["x"], "y": jwk["y"], "created_at": int(state.plaid_key_created_at.timestamp()), "expired_at": None,
    }}


def send_webhook(url: str, kind: str, code: str, **fields: Any) -> None:
    """Queue one of Plaid's webhooks; nothing happens without a URL."""
    if url:
        body = json.dumps({"webhook_type": kind, "webhook_code": code, "environment": "sandbox", **fields})
        webhooks.queue_delivery(vendor="plaid", url=url, body=body, topic=f"{kind}.{code}")


def _make_true(item: Item, code: str) -> None:
    """Let the world be as the message says, so that whoever looks finds it so."""
    if code == "ERROR":
        item.login_required = True
    elif code == "USER_PERMISSION_REVOKED":
        item.revoked = True
    elif code == "LOGIN_REPAIRED":
        repair(item)
    elif code == "USER_ACCOUNT_REVOKED":
        account = item.accounts.order_by("id").first()
        BankAccount.objects.filter(pk=account.pk if account else None).update(revoked=True)


def repair(item: Item) -> None:
    """The login works again and shares all its accounts; to be saved by the caller."""
    item.login_required = item.revoked = False
    item.accounts.update(revoked=False)


@endpoint
def fire_webhook(body: Body) -> dict:
    item = find_item(body, login=False)
    code = body.text("webhook_code")
    if code not in WEBHOOK_TYPES:
        raise invalid("webhook_code is not one that can be fired")
    if not item.webhook:
        raise PlaidError("SANDBOX_ERROR", "SANDBOX_WEBHOOK_INVALID", "the item has no webhook")
    fire(item, code, body.text("webhook_type", default=WEBHOOK_TYPES[code]))
    return {"webhook_fired": True}


def fire(item: Item, code: str, kind: str) -> None:
    """Let something happen to a login, and say so where its webhook goes."""
    fields: dict[str, Any] = {"item_id": item.uid}
    if code == "ERROR":
        fields["error"] = PlaidError(*LOGIN_REQUIRED).body()
    elif code == "PENDING_DISCONNECT":
        fields["reason"] = "INSTITUTION_MIGRATION"
    elif code in ("SMS_MICRODEPOSITS_VERIFICATION", "DEFAULT_UPDATE", "USER_ACCOUNT_REVOKED"):
        fields["account_id"] = item.accounts.order_by("id").values_list("uid", flat=True).first()
    send_webhook(item.webhook, kind, code, **fields)
    _make_true(item, code)
    item.last_webhook, item.last_webhook_at = code, timezone.now()
    item.save(update_fields=["last_webhook", "last_webhook_at", "login_required", "revoked"])
