"""Dwolla by its own SDK (RAILS, section 1), at an address of our choice and with time-outs.

Kept in mind here: creates answer 201 with an empty body and a Location; tokens live an hour and have no refresh;
an Idempotency-Key is forgotten after 24 h, so that a doubt is first searched for by correlation id.
"""

import hashlib
import hmac
import re
import threading
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit
from uuid import NAMESPACE_URL, UUID, uuid5

import dwollav2
import requests
from django.conf import settings

from banking.rails.port import RailStatus, RailTransfer
from core import resilience
from core.resilience import ProviderDown, ProviderRejected, ProviderUnknown

HAL = "application/vnd.dwolla.v1.hal+json"
CONNECT_SECONDS = 3.0
STATUSES: dict[str, RailStatus] = {
    "pending": "pending", "processed": "processed", "failed": "failed", "cancelled": "cancelled",
}  # fmt: skip


class Client(dwollav2.Client):
    """The SDK's client for one address; the SDK itself knows only Dwolla's two."""

    def __init__(self, *, base: str, key: str, secret: str, timeout: float) -> None:
        self.base = base.rstrip("/")
        super().__init__(key=key, secret=secret, requests={"timeout": (CONNECT_SECONDS, timeout)})

    @property
    def api_url(self) -> str:
        return self.base

    @property
    def token_url(self) -> str:
        return self.base + "/token"


class Dwolla:
    """The rail `dwolla`: customers, bank accounts and transfers between them and our Master Account's balance."""

    name = "dwolla"

    def __init__(self, client: Client, *, webhook_secret: str) -> None:
        self._client = client
        self._webhook_secret = webhook_secret
        self._lock = threading.Lock()
        self._token: Any = None
        self._token_until = 0.0
        self._reserve = ""
        self._partner = ""

    @classmethod
    def from_settings(cls) -> "Dwolla":
        client = Client(
            base=settings.DWOLLA_BASE_URL,
            key=settings.DWOLLA_KEY,
            secret=settings.DWOLLA_SECRET,
            timeout=settings.VENDOR_TIMEOUT_SECONDS,
        )
        return cls(client, webhook_secret=settings.DWOLLA_WEBHOOK_SECRET)

    def ping(self) -> None:
        """Whether it answers: our own account, which changes nothing."""
        self._get("/")

    # ------------------------------------------------------------------------------------- people and their banks
    def create_customer(self, *, public_id: str, display_name: str) -> str:
        first, _, last = display_name.partition(" ")
        body = {
            "firstName": first[:50],
            "lastName": (last or first)[:50],
            # Dwolla asks for an address that is unique per person and writes to none: its mails are switched off.
            "email": f"{public_id}@people.paya.example",
            "correlationId": public_id,
        }
        return self._create_or_adopt("/customers", body, key=uuid5(NAMESPACE_URL, f"dwolla-customer:{public_id}"))

    def add_bank(self, *, customer: str, processor_token: str, kind: str, name: str) -> str:
        exchange = self._create(
            f"/customers/{customer}/exchanges",
            {"_links": {"exchange-partner": {"href": self._plaid_partner()}}, "token": processor_token},
            key=uuid5(NAMESPACE_URL, f"dwolla-exchange:{processor_token}"),
        )
        body = {
            "_links": {"exchange": {"href": self._href(f"/exchanges/{exchange}")}},
            "bankAccountType": kind,
            "name": name[:50],
        }
        key = uuid5(NAMESPACE_URL, f"dwolla-bank:{exchange}")
        return self._create_or_adopt(f"/customers/{customer}/funding-sources", body, key=key)

    def remove_bank(self, *, bank: str) -> None:
        source = self._get(f"/funding-sources/{bank}")
        if not source.get("removed"):
            self._send("post", f"/funding-sources/{bank}", {"removed": True}, changes=False)

    def bank_usable(self, *, bank: str) -> bool:
        source = self._get(f"/funding-sources/{bank}")
        return not source.get("removed") and source.get("status") == "verified"

    # -------------------------------------------------------------------------------------------------- transfers
    def create_pull(self, *, key: UUID, bank: str, amount: int) -> str:
        return self._transfer(key=key, source=bank, destination=self._reserve_source(), amount=amount)

    def create_push(self, *, key: UUID, bank: str, amount: int) -> str:
        return self._transfer(key=key, source=self._reserve_source(), destination=bank, amount=amount)

    def _transfer(self, *, key: UUID, source: str, destination: str, amount: int) -> str:
        body = {
            "_links": {
                "source": {"href": self._href(f"/funding-sources/{source}")},
                "destination": {"href": self._href(f"/funding-sources/{destination}")},
            },
            "amount": {"value": f"{amount // 100}.{amount % 100:02d}", "currency": "USD"},
            "correlationId": str(key),
        }
        return self._create("/transfers", body, key=key)

    def find(self, *, key: UUID, customer: str) -> RailTransfer | None:
        answer = self._get(f"/customers/{customer}/transfers", {"correlationId": str(key)})
        mine = [shown for shown in map(_shown, _embedded(answer, "transfers")) if shown.key == str(key)]
        return mine[0] if mine else None

    def status(self, *, transfer: str) -> RailTransfer:
        shown = _shown(self._get(f"/transfers/{transfer}"))
        if shown.status != "failed":
            return shown
        try:
            code = str(self._get(f"/transfers/{transfer}/failure").get("code", ""))
        except ProviderRejected:
            code = ""  # no reason was given; that it failed is certain
        return RailTransfer(shown.id, shown.status, shown.amount, shown.currency, shown.key, code[:20])

    def cancel(self, *, transfer: str) -> None:
        self._send("post", f"/transfers/{transfer}", {"status": "cancelled"}, changes=True)

    def verify_webhook(self, *, body: bytes, headers: Mapping[str, str]) -> bool:
        given = headers.get("X-Request-Signature-SHA-256", "")
        expected = hmac.new(self._webhook_secret.encode(), body, hashlib.sha256).hexdigest()
        # Without a secret everybody could sign.
        return bool(self._webhook_secret) and hmac.compare_digest(expected.encode(), given.lower().encode())

    # ------------------------------------------------------------------------------------------ what hardly changes
    def _reserve_source(self) -> str:
        """The funding source of our Master Account's balance: where loads arrive and redemptions leave."""
        if not self._reserve:
            account = _id(_link(self._get("/"), "account"))
            listed = _embedded(self._get(f"/accounts/{account}/funding-sources"), "funding-sources")
            balances = [str(row["id"]) for row in listed if row.get("type") == "balance"]
            if not balances:
                raise ProviderDown("the Dwolla account has no balance")
            self._reserve = balances[0]
        return self._reserve

    def _plaid_partner(self) -> str:
        if not self._partner:
            listed = _embedded(self._get("/exchange-partners"), "exchange-partners")
            plaid = [str(row["id"]) for row in listed if row.get("name") == "Plaid"]
            if not plaid:
                raise ProviderDown("Dwolla does not offer Plaid as an exchange partner")
            self._partner = plaid[0]
        return self._href(f"/exchange-partners/{self._partner}")

    def _href(self, path: str) -> str:
        return self._client.base + path

    # ------------------------------------------------------------------------------------------------ over the wire
    def _get(self, path: str, params: Mapping[str, str] | None = None) -> dict[str, Any]:
        answer = self._send("get", path, dict(params or {}), changes=False)
        if not isinstance(answer.body, dict):
            raise ProviderDown("Dwolla's answer is not JSON")
        return answer.body

    def _create(self, path: str, body: dict[str, Any], *, key: UUID) -> str:
        answer = self._send("post", path, body, changes=True, headers={"Idempotency-Key": str(key)})
        created = _id(answer.headers.get("Location", ""))
        if not created:
            raise ProviderUnknown("Dwolla's answer to a create has no Location")
        return created

    def _create_or_adopt(self, path: str, body: dict[str, Any], *, key: UUID) -> str:
        """Create, or take the one that a refusal for being a duplicate points to."""
        try:
            return self._create(path, body, key=key)
        except Duplicate as error:
            return error.existing

    def _send(
        self, method: str, path: str, body: dict[str, Any], *, changes: bool, headers: Mapping[str, str] | None = None
    ) -> Any:
        """One call through the breaker. An expired token is renewed and the call made once more."""

        def once() -> Any:
            sent = {"content-type": HAL, **(headers or {})} if method == "post" else {}
            for last in (False, True):
                call = getattr(self._fresh_token(), method)
                try:
                    return call(path, body, headers=sent)
                except dwollav2.Error as error:
                    if getattr(error, "status", 0) != 401:
                        raise _mapped(error, changes=changes) from error
                    self._forget_token()
                    if last:
                        raise ProviderDown("Dwolla refuses our credentials") from error
                except requests.RequestException as error:
                    raise _mapped(error, changes=changes) from error
            raise AssertionError("the second round returns or raises")

        # What may be repeated freely is repeated once; a create is not, its caller decides with the same key.
        return resilience.call("dwolla", once, tries=1 if changes else 2)

    def _fresh_token(self) -> Any:
        with self._lock:
            if self._token is None or time.monotonic() > self._token_until:
                try:
                    self._token = self._client.Auth.client()
                except (dwollav2.Error, requests.RequestException) as error:
                    raise ProviderDown("Dwolla gives no token") from error
                self._token_until = time.monotonic() + max(30, int(self._token.expires_in or 3600) - 60)
            return self._token

    def _forget_token(self) -> None:
        with self._lock:
            self._token = None


class Duplicate(ProviderRejected):
    """It exists already; `existing` is its id."""

    def __init__(self, existing: str) -> None:
        self.existing = existing
        super().__init__("Duplicate")


def _mapped(error: Exception, *, changes: bool) -> Exception:
    """An SDK error as one of ours. Of a call that changes something, only a clear refusal is certain."""
    doubt = ProviderUnknown if changes else ProviderDown
    if isinstance(error, requests.ConnectTimeout):
        return ProviderDown("Dwolla cannot be reached")
    if isinstance(error, requests.ConnectionError) and "NewConnectionError" in str(error):
        return ProviderDown("Dwolla cannot be reached")
    if not isinstance(error, dwollav2.Error):
        return doubt(f"Dwolla did not answer ({type(error).__name__})")
    status = getattr(error, "status", 0)
    if status == 429:
        return ProviderDown("Dwolla asks us to slow down")
    if status in (408, 409) or status >= 500:
        return doubt(f"Dwolla answered {status}")
    body = error.body if isinstance(error.body, dict) else {}
    return _refusal(body)


def _refusal(body: Mapping[str, Any]) -> ProviderRejected:
    code = str(body.get("code") or "Refused")
    parts = (body.get("_embedded") or {}).get("errors") or []
    part = parts[0] if parts and isinstance(parts[0], dict) else {}
    about = (part.get("_links") or body.get("_links") or {}).get("about") or {}
    code = str(part.get("code") or code)
    if code in ("Duplicate", "DuplicateResource") and about.get("href"):
        return Duplicate(_id(about["href"]))
    # The message may quote what was sent, so only the code travels on.
    return ProviderRejected(re.sub(r"[^A-Za-z0-9_]", "", code)[:40] or "Refused")


def _embedded(answer: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    """The rows of a HAL list. A list that is not there is no empty list: nothing may be concluded from it."""
    rows = (answer.get("_embedded") or {}).get(name)
    if not isinstance(rows, list):
        raise ProviderDown("Dwolla's answer has no list")
    return rows


def _link(answer: Mapping[str, Any], name: str) -> str:
    try:
        return str(answer["_links"][name]["href"])
    except (KeyError, TypeError) as error:
        raise ProviderDown("Dwolla's answer lacks a link") from error


def _shown(row: Mapping[str, Any]) -> RailTransfer:
    try:
        dollars, _, rest = str(row["amount"]["value"]).partition(".")
        if not (dollars.isdigit() and len(rest) <= 2 and (rest or "0").isdigit()):
            raise ValueError("amount")
        return RailTransfer(
            id=str(row["id"]),
            status=STATUSES[row["status"]],
            amount=int(dollars) * 100 + int(rest.ljust(2, "0") or 0),
            currency=str(row["amount"]["currency"]),
            key=str(row.get("correlationId", "")),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ProviderDown("Dwolla shows a transfer that we cannot read") from error


def _id(href: str) -> str:
    """The id at the end of an address; '' when there is none."""
    last = urlsplit(href or "").path.rstrip("/").rpartition("/")[2]
    return last if re.fullmatch(r"[0-9A-Za-z-]{8,64}", last) else ""
