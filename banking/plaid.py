"""Plaid by its own SDK (RAILS, section 2): Link, the exchange of tokens, accounts, and signed webhooks."""

import hashlib
import hmac
import json
import logging
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Literal, TypeVar

import jwt
import urllib3
from django.conf import settings

from banking import advice
from banking.rails.port import Credential
from core import resilience
from core.resilience import ProviderDown, ProviderRejected, ProviderUnknown

log = logging.getLogger("paya.banking")
T = TypeVar("T")
WEBHOOK_MAX_AGE = 300  # seconds, as Plaid's documentation asks for
KEY_CACHE_SECONDS = 24 * 3600
UNKNOWN_KEYS_PER_MINUTE = 10
CONNECT_SECONDS = 3.0


@dataclass(frozen=True)
class LinkToken:
    token: str
    expires_at: datetime
    hosted_url: str | None


@dataclass(frozen=True)
class Visit:
    """What a visit to Link brought home: a public token, or (of a repair) a good end without one, or an error, or nothing."""

    public_token: str | None = None
    account_ids: list[str] = field(default_factory=list)
    error: str = ""
    succeeded: bool = False


@dataclass(frozen=True)
class PlaidAccount:
    account_id: str
    name: str
    mask: str
    kind: str  # Plaid's subtype: checking, savings, …


@dataclass(frozen=True)
class Login:
    """How a login at a bank stands, and which accounts it still shows; None where the bank cannot be asked right now."""

    state: Literal["works", "broken", "gone"]
    account_ids: frozenset[str] | None = None


@dataclass(frozen=True)
class Scores:
    """How well the account holder's name and phone fit ours, 0 to 100; None where the bank does not say."""

    name: int | None
    phone: int | None


def _sdk() -> Any:
    """Plaid's SDK: over a second to import, so only those who call Plaid do, and not every process at its start."""
    from banking import plaid_sdk

    return plaid_sdk


@lru_cache(maxsize=1)
def _api() -> Any:
    sdk = _sdk()
    configuration = sdk.Configuration(
        host=settings.PLAID_BASE_URL,
        api_key={"clientId": settings.PLAID_CLIENT_ID, "secret": settings.PLAID_SECRET},
        discard_unknown_keys=True,
    )
    configuration.retries = False  # a repeated exchange would be refused: what may be repeated we repeat ourselves
    return sdk.PlaidApi(sdk.ApiClient(configuration))


def create_link_token(*, user_public_id: str, return_to: str | None = None, access_token: str | None = None) -> LinkToken:
    """A token that opens Link for this person.

    With `return_to` one for Plaid's hosted page, and with `access_token` one that repairs that login (update mode), which
    lives 30 minutes instead of 4 hours.
    """
    sdk = _sdk()
    extra: dict[str, Any] = {}
    redirect_uri = settings.PLAID_REDIRECT_URI if return_to else settings.PLAID_APP_REDIRECT_URI
    if redirect_uri:
        extra["redirect_uri"] = redirect_uri
    if return_to:
        extra["hosted_link"] = sdk.LinkTokenCreateHostedLink(completion_redirect_uri=return_to)
    if access_token:
        extra["access_token"] = access_token
    else:
        extra["products"] = [sdk.Products("auth")]
        # Whose account it is, where the bank tells: no bank is left out for want of it.
        extra["required_if_supported_products"] = [sdk.Products("identity")]
    request = sdk.LinkTokenCreateRequest(
        client_name="PaYa",
        language="en",
        country_codes=[sdk.CountryCode("US")],
        user=sdk.LinkTokenCreateRequestUser(client_user_id=user_public_id),
        webhook=settings.PUBLIC_URL + "/webhooks/plaid",
        **extra,
    )
    answer = _call("link_token_create", request, repeatable=True)
    return LinkToken(answer["link_token"], answer["expiration"].astimezone(UTC), answer.get("hosted_link_url"))


def visit(link_token: str) -> Visit:
    """What became of the person's visits to the hosted page of this token."""
    answer = _call("link_token_get", _sdk().LinkTokenGetRequest(link_token=link_token), repeatable=True)
    error, succeeded = "", False
    for session in answer.get("link_sessions") or []:
        for result in (session.get("results") or {}).get("item_add_results") or []:
            return Visit(result["public_token"], [account["id"] for account in result.get("accounts") or []], succeeded=True)
        # A repair brings no token: it has ended, and not by leaving.
        succeeded = succeeded or bool(session.get("finished_at") and not session.get("exit"))
        error = ((session.get("exit") or {}).get("error") or {}).get("error_code") or error
    return Visit(error=error, succeeded=succeeded)


def exchange(public_token: str) -> tuple[str, str]:
    """The access token and the item's id. Works once per public token."""
    answer = _call("item_public_token_exchange", _sdk().ItemPublicTokenExchangeRequest(public_token=public_token))
    return answer["access_token"], answer["item_id"]


def accounts(access_token: str) -> tuple[list[PlaidAccount], str]:
    """The item's depository accounts, and the institution's id."""
    answer = _call("accounts_get", _sdk().AccountsGetRequest(access_token=access_token), repeatable=True)
    found = [
        PlaidAccount(row["account_id"], row["name"], row.get("mask") or "", str(row.get("subtype") or ""))
        for row in answer["accounts"]
        if str(row["type"]) == "depository"
    ]
    return found, answer["item"].get("institution_id") or ""


def institution_name(institution_id: str) -> str:
    request = _sdk().InstitutionsGetByIdRequest(institution_id=institution_id, country_codes=[_sdk().CountryCode("US")])
    name: str = _call("institutions_get_by_id", request, repeatable=True)["institution"]["name"]
    return name


def credential(access_token: str, account_id: str, *, wanted: Credential) -> str:
    """What a rail needs to know a bank account by: a token that it alone can use, or routing and account number."""
    sdk = _sdk()
    if wanted == "numbers":
        return _numbers(access_token, account_id)
    if wanted == "stripe":
        stripe_request = sdk.ProcessorStripeBankAccountTokenCreateRequest(access_token=access_token, account_id=account_id)
        answer = _call("processor_stripe_bank_account_token_create", stripe_request, repeatable=True)
        return str(answer["stripe_bank_account_token"])
    request = sdk.ProcessorTokenCreateRequest(access_token=access_token, account_id=account_id, processor="dwolla")
    return str(_call("processor_token_create", request, repeatable=True)["processor_token"])


def _numbers(access_token: str, account_id: str) -> str:
    """ "routing:account", as ACH needs them. Raises ProviderRejected where the bank gives none."""
    answer = _call("auth_get", _sdk().AuthGetRequest(access_token=access_token), repeatable=True)
    for row in answer["numbers"].get("ach") or []:
        if row["account_id"] == account_id:
            return f"{row['routing']}:{row['account']}"
    raise ProviderRejected("no_ach_numbers")


def login(access_token: str) -> Login:
    """How a login stands. Raises ProviderDown, and ProviderRejected where the refusal is none of the login's."""
    try:
        answer = _call("item_get", _sdk().ItemGetRequest(access_token=access_token), repeatable=True)
        code = (answer["item"].get("error") or {}).get("error_code", "")
        if not code:
            found, _ = accounts(access_token)
            return Login("works", frozenset(account.account_id for account in found))
    except ProviderRejected as error:
        code = error.code
        if code not in advice.ADVICE or advice.advice(code).next == "tell_us":
            raise
    if code in advice.LOGIN_GONE:
        return Login("gone")
    # A bank that does not answer, or that was asked too often, says nothing about the login.
    return Login("broken" if code in advice.LOGIN_BROKEN else "works")


def balance(access_token: str, account_id: str) -> int | None:
    """The most that the bank can be taken to have in an account, in cents; None where it does not say.

    Asked of the bank itself, which can take half a minute: we wait a few seconds, under a breaker of its own, so that slow
    banks do not make Plaid look down. Raises ProviderDown, ProviderRejected.
    """
    options = _sdk().AccountsBalanceGetRequestOptions(account_ids=[account_id])
    request = _sdk().AccountsBalanceGetRequest(access_token=access_token, options=options)
    timeout = (CONNECT_SECONDS, settings.PLAID_BALANCE_SECONDS)
    answer = _call("accounts_balance_get", request, repeatable=True, tries=1, timeout=timeout, breaker="plaid-balance")
    for row in answer["accounts"]:
        if row["account_id"] == account_id and row["balances"].get("iso_currency_code") == "USD":
            known = [row["balances"].get(name) for name in ("available", "current")]
            return max((round(dollars * 100) for dollars in known if dollars is not None), default=None)
    return None


def match_identity(access_token: str, account_id: str, *, name: str, phone: str) -> Scores:
    """How well the holder of an account fits this name and phone. Raises ProviderDown, ProviderRejected."""
    sdk = _sdk()
    request = sdk.IdentityMatchRequest(
        access_token=access_token,
        user=sdk.IdentityMatchUser(legal_name=name, phone_number=phone),
        options=sdk.IdentityMatchRequestOptions(account_ids=[account_id]),
    )
    # The SDK would refuse the nulls that banks without such data give.
    answer = _call("identity_match", request, repeatable=True, _check_return_type=False)
    for row in answer["accounts"]:
        if row["account_id"] == account_id:
            return Scores(_score(row.get("legal_name")), _score(row.get("phone_number")))
    return Scores(None, None)


def _score(part: Any) -> int | None:
    score = (part or {}).get("score")
    return score if isinstance(score, int) and 0 <= score <= 100 else None


def remove_item(access_token: str) -> None:
    """End the access to a login; harmless when it has ended."""
    try:
        _call("item_remove", _sdk().ItemRemoveRequest(access_token=access_token), repeatable=True)
    except ProviderRejected as error:
        if error.code not in ("ITEM_NOT_FOUND", "INVALID_ACCESS_TOKEN"):
            raise


# ------------------------------------------------------------------------------------------------------- webhooks
_keys: dict[str, tuple[float, Any]] = {}
_misses: list[float] = []
_keys_lock = threading.Lock()


def verify_webhook(*, body: bytes, headers: Mapping[str, str]) -> Mapping[str, Any] | None:
    """The claims of a webhook that Plaid signed in the last five minutes, or None."""
    token = headers.get("Plaid-Verification", "")
    try:
        header = jwt.get_unverified_header(token)
        # Before any key is fetched: a token of another algorithm is not Plaid's.
        if header.get("alg") != "ES256" or not isinstance(header.get("kid"), str):
            return None
        key = _verification_key(header["kid"])
        if key is None:
            return None
        claims: dict[str, Any] = jwt.decode(token, key, algorithms=["ES256"], options={"require": ["iat"], "verify_iat": False})
    except jwt.PyJWTError:
        return None
    age = time.time() - float(claims["iat"]) if isinstance(claims["iat"], int | float) else WEBHOOK_MAX_AGE + 1
    given = str(claims.get("request_body_sha256", ""))
    same = hmac.compare_digest(hashlib.sha256(body).hexdigest().encode(), given.encode())
    return claims if same and -60 <= age <= WEBHOOK_MAX_AGE else None


def _verification_key(kid: str) -> Any:
    """Plaid's public key of that id, cached; None when it is unknown, expired, or too many were asked for."""
    now = time.monotonic()
    with _keys_lock:
        hit = _keys.get(kid)
        if hit and now - hit[0] < KEY_CACHE_SECONDS:
            return hit[1]
        # Anybody can invent key ids: what they cost us at Plaid is capped.
        _misses[:] = [at for at in _misses if now - at < 60]
        if len(_misses) >= UNKNOWN_KEYS_PER_MINUTE:
            return None
        _misses.append(now)
    try:
        request = _sdk().WebhookVerificationKeyGetRequest(key_id=kid)
        shown = _call("webhook_verification_key_get", request, repeatable=True)["key"]
    except ProviderRejected:
        return None
    if shown.get("expired_at"):
        return None
    key = jwt.PyJWK({name: shown[name] for name in ("alg", "crv", "kid", "kty", "use", "x", "y")}).key
    with _keys_lock:
        _keys[kid] = (now, key)
    return key


def ping() -> None:
    """Whether Plaid answers: a key that it does not know is an answer. Raises ProviderDown otherwise."""
    with suppress(ProviderRejected):
        _call("webhook_verification_key_get", _sdk().WebhookVerificationKeyGetRequest(key_id="ping"), repeatable=True)


# -------------------------------------------------------------------------------------------------- over the wire
def _call(
    operation: str,
    request: Any,
    *,
    repeatable: bool = False,
    tries: int = 2,
    timeout: tuple[float, float] | None = None,
    breaker: str = "plaid",
    **options: Any,
) -> Any:
    options["_request_timeout"] = timeout or (CONNECT_SECONDS, settings.VENDOR_TIMEOUT_SECONDS)

    def once() -> Any:
        return _mapped(lambda: getattr(_api(), operation)(request, **options), repeatable)

    return resilience.call(breaker, once, tries=tries if repeatable else 1)


def _mapped(function: Callable[[], Any], repeatable: bool) -> Any:
    """Run an SDK call; its errors become ours. A call that changes nothing is never in doubt."""
    doubt, sdk = ProviderDown if repeatable else ProviderUnknown, _sdk()
    try:
        return function().to_dict()
    except sdk.ApiException as error:
        if error.status is None or error.status >= 500:
            raise doubt(f"Plaid answered {error.status}") from error
        if error.status == 429:
            raise ProviderDown("Plaid asks us to slow down") from error
        raise ProviderRejected(_error_code(error)) from error
    except (urllib3.exceptions.NewConnectionError, urllib3.exceptions.ConnectTimeoutError) as error:
        raise ProviderDown("Plaid cannot be reached") from error
    except (urllib3.exceptions.HTTPError, sdk.OpenApiException) as error:
        raise doubt(f"Plaid did not answer as it should ({type(error).__name__})") from error


def _error_code(error: Any) -> str:
    try:
        return str(json.loads(error.body)["error_code"])[:60]
    except (ValueError, KeyError, TypeError):
        return f"HTTP_{error.status}"
